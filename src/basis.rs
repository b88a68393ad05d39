//! The contract: what every basis does, and what coefficients are.

use std::fmt::{Debug, Display};

use crate::coding::Coder;
pub use crate::coding::Resolution;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::spec::Options;

/// A family of functions with the user's choices (order, truncation, number of components, …): turns a distribution
/// into coefficients and back.
///
/// A basis is a value, cheap to clone, that can serve any number of threads. Choices live in the basis, findings
/// (amplitudes, centre, widths, tree) in its coefficients. `Display` prints the spec from which
/// [`Registry::parse`](crate::Registry::parse) makes an equal basis.
///
/// Not converging is not an error: `encode` returns the best it has, and bases that search have an inherent `fit`
/// that also reports how the search went. The result never depends on the number of threads.
pub trait Basis: Clone + Debug + Display + PartialEq + Send + Sync + 'static {
    /// What encoding finds in a distribution.
    type Coefficients: Coefficients;

    /// The coefficients that describe `vdf`.
    ///
    /// # Errors
    /// [`Error::Degenerate`](crate::Error::Degenerate) if the distribution has nothing this basis can describe.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients>;

    /// The coefficients that describe `vdf`, found starting from those of a distribution like it on the same grid: of a
    /// neighbouring cell, or the time step before. By default, and for bases that do not search, as
    /// [`Basis::encode`].
    ///
    /// # Errors
    /// As [`Basis::encode`].
    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        let _ = start;
        self.encode(vdf)
    }

    /// The distribution that the coefficients describe, sampled at the cell centres of `grid`, which need not be
    /// the one it was encoded on.
    ///
    /// # Errors
    /// [`Error::GridMismatch`](crate::Error::GridMismatch) from a basis bound to its own grid,
    /// [`Error::ForeignCoefficients`](crate::Error::ForeignCoefficients) for coefficients of another basis, and
    /// [`Error::NotFinite`](crate::Error::NotFinite) for coefficients so large that the densities overflow.
    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf>;

    /// The moments of the reconstruction on `grid`: by default of its cells, in closed form where a basis has one
    /// that agrees with that sum.
    ///
    /// # Errors
    /// As [`Basis::reconstruct`].
    fn moments(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Moments> {
        Ok(self.reconstruct(coefficients, grid)?.moments())
    }

    /// Writes coefficients to a stream, or reads them from it: `coefficients` are given exactly if the coder writes.
    /// Returns what a reader gets: the same, bit by bit, with [`Resolution::Exact`], the rounded ones otherwise, which
    /// written once more give themselves.
    ///
    /// A reader has this basis, the grid and the resolution, and nothing else. It meets streams that were cut, damaged
    /// or made up: no number it reads may make it panic, or allocate more than a small multiple of the grid's cells and
    /// of [`MOST_COEFFICIENTS`].
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream) for a stream that holds no such coefficients;
    /// [`Error::ForeignCoefficients`](crate::Error::ForeignCoefficients) for coefficients of another basis.
    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients>;

    /// The coefficients nearest to those of `vdf` that a stream of this resolution holds. By default each number is
    /// rounded by itself; where one can make up for what rounding another lost, a basis does so here.
    ///
    /// # Errors
    /// As [`Basis::code`], and as [`Basis::encode`] where something is encoded anew.
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        self.code(Some(coefficients), vdf.grid(), resolution, &mut Coder::writing())
    }

    /// About how far [`Basis::rounded`] at this step takes the distribution from the coefficients', as the root of the
    /// sum of squares over the cells [s³ m⁻⁶], where that can be told from the coefficients without doing it: the search
    /// for a step begins there. Nothing depends on it but time.
    fn rounding_error(&self, coefficients: &Self::Coefficients, step: f64) -> Option<f64> {
        let _ = (coefficients, step);
        None
    }

    /// The index of the one of some steps, in falling order, to which the coefficients have been rounded already: they
    /// are then those of a distribution that was decoded from a stream. `None` where none is, or where that is not quickly
    /// told. With it an encoder that is given what it decoded keeps the step, and makes no new error.
    fn rounded_before(&self, coefficients: &Self::Coefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        let _ = (coefficients, vdf, steps);
        None
    }
}

/// Most real numbers that a stream may claim beyond those the cells of its grid account for: enough for any expansion,
/// too few to exhaust a machine.
pub const MOST_COEFFICIENTS: usize = 1 << 22;

/// A basis that a [`Registry`](crate::Registry) can make from a spec.
pub trait NamedBasis: Basis {
    /// The name that specs use.
    const NAME: &'static str;

    /// The basis with the choices that the spec's options make; the others at their defaults. Options that are not
    /// read here are refused by the registry.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) or
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter), with the value and what is allowed.
    fn from_options(options: &mut Options<'_>) -> Result<Self>;
}

/// What encoding found in one distribution: real numbers in a fixed order, and the topology they hang on.
pub trait Coefficients: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// Visits every real number a decoder needs, in a fixed order that depends only on the basis and the topology.
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64));

    /// How many integers a decoder needs besides (indices of the terms kept, shapes, trees); 0 for most bases.
    fn topology_len(&self) -> usize {
        0
    }

    /// How many real numbers a decoder needs: *the* count of coefficients, in every table.
    fn count(&self) -> usize {
        let mut count = 0;
        self.clone().visit(&mut |_, _| count += 1);
        count
    }
}

/// What one coefficient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The physical quantity, which also fixes its unit.
    pub quantity: Quantity,
    /// Polynomial degree, level or rank of the function it multiplies; 0 where there is no such order.
    pub degree: u32,
}

impl Slot {
    /// A coefficient of the given kind that belongs to a function of the given degree.
    #[must_use]
    pub fn new(quantity: Quantity, degree: usize) -> Self {
        Self { quantity, degree: u32::try_from(degree).unwrap_or(u32::MAX) }
    }
}

/// The physical quantity of a coefficient.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// A phase-space density, linear in the distribution [s³ m⁻⁶].
    PhaseSpaceDensity,
    /// A number density, linear in the distribution [m⁻³].
    NumberDensity,
    /// A velocity: shifts with the frame of reference [m s⁻¹].
    Velocity,
    /// A width in velocity space, positive [m s⁻¹].
    Speed,
    /// A component of a rotation vector \[rad\].
    Angle,
    /// A power of ten, relative to some density: additive where the density is multiplied.
    Decades,
    /// A pure number: an entry of a unit vector.
    Dimensionless,
}

impl Quantity {
    /// The SI unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::PhaseSpaceDensity => "s^3 m^-6",
            Self::NumberDensity => "m^-3",
            Self::Velocity | Self::Speed => "m s^-1",
            Self::Angle => "rad",
            Self::Decades => "dex",
            Self::Dimensionless => "1",
        }
    }
}

/// A distribution in a basis, self-contained: its grid, the basis, and the coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion<B: Basis> {
    grid: VelocityGrid,
    basis: B,
    coefficients: B::Coefficients,
}

impl<B: Basis> Expansion<B> {
    /// Encodes a distribution.
    ///
    /// # Errors
    /// As [`Basis::encode`].
    pub fn encode(basis: &B, vdf: &Vdf) -> Result<Self> {
        Ok(Self { grid: *vdf.grid(), basis: basis.clone(), coefficients: basis.encode(vdf)? })
    }

    /// An expansion from coefficients obtained elsewhere.
    #[must_use]
    pub fn from_parts(grid: VelocityGrid, basis: B, coefficients: B::Coefficients) -> Self {
        Self { grid, basis, coefficients }
    }

    /// The grid the distribution was given on.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.grid
    }

    /// The basis.
    #[must_use]
    pub fn basis(&self) -> &B {
        &self.basis
    }

    /// The coefficients.
    #[must_use]
    pub fn coefficients(&self) -> &B::Coefficients {
        &self.coefficients
    }

    /// The distribution on its own grid.
    ///
    /// # Errors
    /// As [`Basis::reconstruct`].
    pub fn reconstruct(&self) -> Result<Vdf> {
        self.basis.reconstruct(&self.coefficients, &self.grid)
    }

    /// The distribution on another grid.
    ///
    /// # Errors
    /// As [`Basis::reconstruct`].
    pub fn reconstruct_on(&self, grid: &VelocityGrid) -> Result<Vdf> {
        self.basis.reconstruct(&self.coefficients, grid)
    }

    /// The moments of the reconstruction on its own grid.
    ///
    /// # Errors
    /// As [`Basis::moments`].
    pub fn moments(&self) -> Result<Moments> {
        self.basis.moments(&self.coefficients, &self.grid)
    }
}
