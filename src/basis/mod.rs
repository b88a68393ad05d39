//! The contract: what a basis does, and what coefficients are.
//!
//! Three traits, each of which builds on the one before:
//! - [`Basis`] turns a distribution into [`Coefficients`] and back;
//! - [`Stream`] writes coefficients to bytes and reads them again;
//! - [`Quantise`] rounds coefficients as coarsely as a [`Bound`](bound::Bound) allows.
//!
//! [`NamedBasis`] adds a name and options in a spec. A basis of your own implements all four ([`Quantise`] may be left
//! empty), and [`Coefficients`] for what it finds. [`Registry::with`](crate::Registry::with) then adds it to a registry,
//! and [`laws::all`](crate::laws::all) tests it.

pub mod any_basis;
pub mod bound;
pub mod choices;
pub(crate) mod framing;
pub(crate) mod gradient;
mod particles;
mod quantise;
pub mod spec;
mod stream;

use std::fmt::Debug;

pub use gradient::Gradient;
pub use quantise::{Kept, Quantise};
pub use stream::{MOST_COEFFICIENTS, Stream};

use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use choices::Choices;

/// A family of functions with the user's choices (order, truncation, number of components, …): turns a distribution
/// into coefficients and back.
///
/// A basis is a value, cheap to clone, that can serve any number of threads. Choices live in the basis, findings
/// (amplitudes, centre, widths, tree) in its coefficients.
///
/// A search that does not converge is not an error: `encode` returns the best answer found. A basis that searches also has
/// a method `fit` of its own, outside this trait, which returns a report too. The result never depends on the number of
/// threads.
pub trait Basis: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// The coefficients that encoding finds in a distribution.
    type Coefficients: Coefficients;

    /// The coefficients that describe `vdf`.
    ///
    /// # Errors
    /// [`Error::Degenerate`](crate::Error::Degenerate) if the distribution has nothing this basis can describe.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients>;

    /// As [`Basis::encode`], but a search may begin at `start`: the coefficients of a similar distribution on the same
    /// grid, such as that of a neighbouring cell or of the time step before. By default `start` is ignored.
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

    /// The moments of the reconstruction on `grid`. By default they are summed over its cells. Override this only with a
    /// closed form that agrees with that sum to 1e-9 (checked by [`laws::moments`](crate::laws::moments)).
    ///
    /// # Errors
    /// As [`Basis::reconstruct`].
    fn moments(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Moments> {
        Ok(self.reconstruct(coefficients, grid)?.moments())
    }

    /// The gradient ∂f/∂v [s⁴ m⁻⁷] of the distribution that the coefficients describe, in closed form, at the cell
    /// centres of `grid`. By default it is refused: only a basis of smooth functions has one.
    ///
    /// # Errors
    /// [`Error::NotDifferentiable`](crate::Error::NotDifferentiable) with the name of the basis and the reason, also
    /// for derivatives beyond the range of `f64`; those of [`Basis::reconstruct`].
    fn gradient(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Gradient> {
        let _ = (coefficients, grid);
        Err(gradient::refused::<Self>())
    }
}

/// A basis that has a name in specs. [`Default::default`] is the basis that the name without options means.
pub trait NamedBasis: Quantise + Default {
    /// The name that specs use.
    const NAME: &'static str;

    /// Shows every choice of this basis to `choices`. When a spec is printed, the choices are only read; when one is
    /// parsed, `self` is the default and the choices are set. Check the values here, after showing them. Printing,
    /// parsing and the list of keys in errors all follow from this function.
    ///
    /// The keys `l2`, `linf` and `bytes` bound the stream, unless you show them here.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) or
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter), with the value and what is allowed.
    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()>;
}

/// The numbers that encoding found in one distribution: real numbers in a fixed order, and the integers that say where they
/// belong (the topology: indices, shapes, a tree).
pub trait Coefficients: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// Visits every real number a decoder needs, in a fixed order that depends only on the basis and the topology.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64));

    /// Multiplies the distribution that these coefficients describe by a positive factor: multiply each number that is a
    /// density, and leave all others as they are, [`Quantity::Decades`] too.
    fn scale(&mut self, factor: f64);

    /// The number of integers that a decoder needs besides (indices of the terms kept, shapes, trees); 0 for most bases.
    fn topology_len(&self) -> usize {
        0
    }

    /// The number of real numbers that a decoder needs. Every table of this crate means this by "coefficients".
    fn count(&self) -> usize {
        let mut count = 0;
        self.visit(&mut |_, _| count += 1);
        count
    }
}

/// The meaning of one coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The physical quantity, which also fixes its unit.
    pub quantity: Quantity,
    /// Polynomial degree, level or rank of the function it multiplies; 0 where there is no such order.
    pub degree: u32,
    /// The label that tells it from the other numbers of the same quantity.
    pub label: Label,
}

/// The place of a coefficient among those of its basis.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// The only number of its kind, or the one of this index in a list.
    Index(u32),
    /// A component along one of three axes: 0, 1 or 2.
    Axis(u8),
    /// The polynomial degrees (a, b, c) along the three axes.
    Degrees([u32; 3]),
    /// The harmonic of degree l and order m in one radial shell.
    Harmonic {
        /// Degree, from 0.
        l: u32,
        /// Order, from −l to l.
        m: i32,
        /// Shell or radial order, from 0.
        shell: u32,
    },
    /// A parameter of one component of a sum.
    Component {
        /// The component, from 0.
        index: u32,
        /// The parameter's axis; 0 for one that has none.
        axis: u8,
    },
    /// A place in a hierarchy.
    Place {
        /// The level or leaf, from 0.
        level: u32,
        /// The position there.
        position: u32,
    },
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Axis(axis) => write!(f, "{}", ["x", "y", "z"].get(usize::from(*axis)).unwrap_or(&"?")),
            Self::Degrees([a, b, c]) => write!(f, "({a}, {b}, {c})"),
            Self::Harmonic { l, m, shell } => write!(f, "(l={l}, m={m}, shell {shell})"),
            Self::Component { index, axis } => write!(f, "component {index}, axis {axis}"),
            Self::Place { level, position } => write!(f, "level {level}, position {position}"),
        }
    }
}

impl Slot {
    /// A slot with this quantity and degree, and the label `Index(0)`; [`Slot::at`] gives it another label.
    #[must_use]
    pub fn new(quantity: Quantity, degree: usize) -> Self {
        Self { quantity, degree: u32::try_from(degree).unwrap_or(u32::MAX), label: Label::Index(0) }
    }

    /// This slot with another label.
    #[must_use]
    pub fn at(self, label: Label) -> Self {
        Self { label, ..self }
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
    /// The logarithm to base 10 of a density over a reference density. The reference is among the coefficients, too:
    /// [`Coefficients::scale`] changes the reference and not this.
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

    /// The gradient ∂f/∂v [s⁴ m⁻⁷] on its own grid: three arrays, one for each component of the velocity.
    ///
    /// ```
    /// use vdf_basis::{Expansion, Maxwellian, Vdf, VelocityGrid};
    /// let grid = VelocityGrid::from_edges([24; 3], [-6.0; 3], [6.0; 3])?;
    /// let vdf = Vdf::from_fn(grid, |[x, y, z]| (-0.5 * (x * x + y * y + z * z)).exp())?;
    /// let [_, by_y, _] = Expansion::encode(&Maxwellian::default(), &vdf)?.gradient()?;
    /// // ∂f/∂v_y = −v_y f for a thermal speed of one.
    /// let expected = -grid.centre(1, 9) * vdf.values()[[12, 9, 13]];
    /// assert!((by_y[[12, 9, 13]] / expected - 1.0).abs() < 1e-9);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Basis::gradient`].
    pub fn gradient(&self) -> Result<Gradient> {
        self.basis.gradient(&self.coefficients, &self.grid)
    }

    /// The gradient on another grid.
    ///
    /// # Errors
    /// As [`Basis::gradient`].
    pub fn gradient_on(&self, grid: &VelocityGrid) -> Result<Gradient> {
        self.basis.gradient(&self.coefficients, grid)
    }
}
