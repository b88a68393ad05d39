//! Adaptive octree: boxes as large as one polynomial, or the exponential of one, can describe.
//!
//! The grid is cut in halves, and these again, along the axis where that pays or along all three; a leaf describes its
//! cells by a polynomial of total degree 0 to 6 (Gram's polynomials, orthonormal on the leaf's own cells), by the
//! exponential of one, positive and exact for a Maxwellian at degree 2, by nothing, or by their values. The leaves share
//! no cell: the sum of their squared errors *is* the squared error. Of all trees, `plan` finds the one with the least
//! error for its number of coefficients.

mod blend;
mod coding;
mod coefficients;
mod cuts;
mod decode;
mod evaluate;
mod fit;
mod gradient;
mod intervals;
mod leaves;
mod linear;
mod logarithmic;
mod model;
mod places;
mod plan;
mod polynomials;
mod projection;
mod spec;
mod survey;
mod tree;

#[cfg(test)]
mod tests;

pub use coefficients::{LeafModel, OctreeCoefficients, OctreeLeaf};
pub use fit::OctreeReport;
pub use plan::Splitting;

use crate::basis::choices::spec_of;
use crate::basis::spec::Spec;
use crate::basis::{Basis, Gradient, Quantise, Stream, gradient as basis_gradient};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

use polynomials::MAX_DEGREE;
use tree::Tree;

const NAME: &str = "octree";

/// The kinds of leaves that a tree may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LeafKind {
    /// Exponentials of polynomials: positive. Where the distribution itself is negative by more than the target
    /// ignores, as [`LeafKind::Best`].
    #[default]
    Log,
    /// Polynomials.
    Linear,
    /// Either, whichever serves better.
    Best,
}

/// The error that an octree must meet, or its number of coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OctreeTarget {
    /// As few coefficients as leave at most this relative error ‖g − f‖/‖f‖, from 0 to 1. (Below 1e-15 is 1e-15.)
    L2(f64),
    /// As few coefficients as leave at most this error max |g − f| / max |f|, from 0 to 1. (Below 1e-15 is 1e-15.)
    Linf(f64),
    /// The least error with at most so many coefficients, at least 1.
    Coefficients(usize),
}

impl Default for OctreeTarget {
    fn default() -> Self {
        Self::L2(0.05)
    }
}

/// The adaptive octree with the user's choices.
///
/// ```
/// use vdf_basis::{Basis, Coefficients, Fidelity, Octree, OctreeTarget, Sampling, Synthetic};
///
/// let grid = Synthetic::default_grid("gyrating-ring", 24)?;
/// let vdf = Synthetic::named("gyrating-ring", 0)?.sample(&grid, Sampling::default())?;
/// let basis = Octree::default().with_target(OctreeTarget::L2(0.1))?;
/// let coefficients = basis.encode(&vdf)?;
/// println!("{} numbers in {} leaves", coefficients.count(), coefficients.leaves().len());
/// let back = basis.reconstruct(&coefficients, &grid)?;
/// assert!(Fidelity::compare(&vdf, &back)?.l2 <= 0.1);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Octree {
    leaf: LeafKind,
    degree: Option<usize>,
    target: OctreeTarget,
    splitting: Splitting,
    smallest: usize,
    align: usize,
    moves_cuts: bool,
    blended: bool,
    threads: Threads,
}

/// Number of threads. It changes no bit of any result, so that octrees with any number are equal.
#[derive(Debug, Clone, Copy)]
struct Threads(usize);

impl PartialEq for Threads {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Default for Octree {
    fn default() -> Self {
        Self::new(LeafKind::default())
    }
}

impl Octree {
    /// Default of [`Octree::with_smallest`].
    pub const SMALLEST: usize = 3;
    /// Highest total degree of a leaf.
    pub const MAX_DEGREE: usize = MAX_DEGREE;

    /// A tree of such leaves, cut along single axes, each leaf's degree chosen, to a relative error of 0.05.
    #[must_use]
    pub fn new(leaf: LeafKind) -> Self {
        Self {
            leaf,
            degree: None,
            target: OctreeTarget::default(),
            splitting: Splitting::default(),
            smallest: Self::SMALLEST,
            align: 1,
            moves_cuts: false,
            blended: false,
            threads: Threads(1),
        }
    }

    /// With leaves of this total degree only.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] above [`Octree::MAX_DEGREE`].
    pub fn with_degree(self, degree: usize) -> Result<Self> {
        Self { degree: Some(degree), ..self }.validated()
    }

    /// With another target.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an error that is not between 0 and 1, and for no coefficients.
    pub fn with_target(self, target: OctreeTarget) -> Result<Self> {
        Self { target, ..self }.validated()
    }

    /// Cut in octants, or along one axis at a time.
    #[must_use]
    pub fn with_splitting(self, splitting: Splitting) -> Self {
        Self { splitting, ..self }
    }

    /// With parts of so many cells at least, along each axis that is cut. 1 finds single cells and steps, with eight times
    /// the boxes to look at.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none.
    pub fn with_smallest(self, smallest: usize) -> Result<Self> {
        Self { smallest, ..self }.validated()
    }

    /// With all cuts at multiples of so many cells, 1 to 255: 4 for Vlasiator's blocks.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] beyond that.
    pub fn with_alignment(self, cells: usize) -> Result<Self> {
        Self { align: cells, ..self }.validated()
    }

    /// With cuts that may leave the middle where that lowers the error; each that does costs nine bits more.
    #[must_use]
    pub fn with_moved_cuts(self, moves_cuts: bool) -> Self {
        Self { moves_cuts, ..self }
    }

    /// With leaves that are blended over one cell at their faces where they are evaluated on another grid than their
    /// own; leaves of cells stay steps inside.
    #[must_use]
    pub fn with_blend(self, blended: bool) -> Self {
        Self { blended, ..self }
    }

    /// On so many threads, at most as many as the machine has processors. No result depends on it.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads: Threads(threads.clamp(1, most)), ..self }
    }

    fn validated(self) -> Result<Self> {
        match (self.target, self.degree) {
            (OctreeTarget::L2(l2), _) if !(0.0..=1.0).contains(&l2) => Err(Error::parameter("l2", l2, "0 to 1")),
            (OctreeTarget::Linf(linf), _) if !(0.0..=1.0).contains(&linf) => {
                Err(Error::parameter("linf", linf, "0 to 1"))
            }
            (OctreeTarget::Coefficients(0), _) => Err(Error::parameter("coefficients", 0, "at least one")),
            (_, Some(degree)) if degree > MAX_DEGREE => {
                Err(Error::parameter("degree", degree, format!("auto or 0 to {MAX_DEGREE}")))
            }
            _ if self.smallest == 0 => Err(Error::parameter("smallest", 0, "at least one cell")),
            _ if !(1..=255).contains(&self.align) => Err(Error::parameter("align", self.align, "1 to 255 cells")),
            _ => Ok(self),
        }
    }

    /// The octree of a distribution, and a report of the search for it.
    ///
    /// # Errors
    /// None so far.
    pub fn fit(&self, vdf: &Vdf) -> Result<(OctreeCoefficients, OctreeReport)> {
        fit::fit(self, vdf)
    }
}

impl Basis for Octree {
    type Coefficients = OctreeCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<OctreeCoefficients> {
        Ok(self.fit(vdf)?.0)
    }

    fn reconstruct(&self, coefficients: &OctreeCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        Vdf::from_vec(*grid, decode::reconstruct(coefficients, grid, self.blended))
    }

    /// Of polynomial leaves in closed form, by sums of polynomials times powers along each axis.
    fn moments(&self, coefficients: &OctreeCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        if self.blended && coefficients.grid != *grid {
            return Ok(self.reconstruct(coefficients, grid)?.moments());
        }
        Ok(decode::moments(coefficients, grid))
    }

    /// That of the leaf in which a point lies: the steps between leaves have no share in it. Of blended leaves on another
    /// grid than their own, that of the continuous function. Refused where leaves hold the values of their cells.
    fn gradient(&self, coefficients: &OctreeCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        basis_gradient::from_parts(NAME, grid, gradient::at_cells(coefficients, grid, self.blended)?)
    }
}

impl Stream for Octree {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> OctreeCoefficients {
        let tree = Tree::empty(grid.shape(), 1);
        OctreeCoefficients { grid: *grid, tree, ceiling: 0.0, numbers: Vec::new(), octaves: Vec::new() }
    }

    fn code(
        &self,
        coefficients: &mut OctreeCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        if coefficients.grid != *grid {
            return Err(Error::GridMismatch { left: coefficients.grid.to_string(), right: grid.to_string() });
        }
        coding::code(coefficients, resolution, coder)
    }
}

impl Quantise for Octree {}
