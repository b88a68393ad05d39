//! Hermite functions: a Maxwellian times polynomials, the classical expansion of kinetic theory.
//!
//! f(v) = Σ c_abc ψ_a(ξ_1) ψ_b(ξ_2) ψ_c(ξ_3), ξ the coordinates of a [`Frame`]. Grad 1949 (Commun. Pure Appl. Math. 2,
//! 331) for the idea, Delzanno 2015 (J. Comput. Phys. 301, 338) for the two weights, Servidio et al. 2017 (Phys. Rev.
//! Lett. 119, 205101) for the spectrum of a measured distribution.
//!
//! ```
//! use vdf_basis::bases::hermite::{Truncation, Weight};
//! use vdf_basis::{Basis, Coefficients, Fidelity, Hermite, Sampling, Synthetic};
//! # let grid = Synthetic::default_grid("beams", 24)?;
//! # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
//! let basis = Hermite::new([10; 3])?.with_truncation(Truncation::TotalDegree)?;
//! let (coefficients, report) = basis.fit(&vdf)?;
//! let back = basis.reconstruct(&coefficients, &grid)?;
//! assert!(Fidelity::compare(&vdf, &back)?.l2 < 0.1);
//!
//! // Every amplitude with its degrees, and how much of the norm each total degree holds.
//! let ([a, b, c], amplitude) = coefficients.terms().next().expect("at least one term");
//! assert_eq!([a, b, c], [0, 0, 0]);
//! let spectrum = coefficients.spectrum();
//! assert_eq!(spectrum.total_degree.len(), 28);
//! # let _ = (report, amplitude);
//!
//! // With the asymmetric weight the coefficients are moments: c_000 is the density.
//! let moments = Hermite::new([4; 3])?.with_weight(Weight::Asymmetric)?.encode(&vdf)?;
//! let (_, density) = moments.terms().next().expect("at least one term");
//! assert!((density / vdf.moments().density - 1.0).abs() < 0.1);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod along_frame;
mod axis;
mod closed_forms;
mod coding;
mod coefficients;
mod functions;
mod gradient;
mod guard;
mod moments;
mod orthonormal;
mod rotated;
mod search;
mod solve;
mod spec;
mod spectrum;
mod truncation;

use std::sync::Arc;

use faer::Mat;

pub use spectrum::HermiteSpectrum;
pub use truncation::Truncation;

use crate::basis::{Basis, Gradient, Quantise, gradient as basis_gradient};
use crate::coding::{Coder, Resolution, Rounding};
use crate::distribution::fidelity::Fidelity;
use crate::distribution::frame::{Frame, Orientation};
use crate::distribution::gaussian_fit::{self, Covariance};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::cache::Cache;
use crate::numerics::levenberg_marquardt::Report;
use crate::numerics::separable::transform;

use axis::Axis;
use orthonormal::Functions;
use rotated::RotatedTerms;

const NAME: &str = "hermite";

/// Division of the Maxwellian between the functions and their duals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Weight {
    /// ψ_n(ξ) = (√π 2ⁿ n!)^{−½} H_n(ξ) e^{−ξ²/2}, orthonormal: Σ c² s_1 s_2 s_3 = ∫ f² d³v. Coefficients in
    /// s³ m⁻⁶.
    #[default]
    Symmetric,
    /// φ_n(ξ) = He_n(ξ)/√n! · e^{−ξ²/2}/√2π with duals He_n/√n!, divided by s_1 s_2 s_3: c_000 is the density, those of
    /// degree 1 the momentum, those of degree 2 the pressure. Coefficients in m⁻³.
    Asymmetric,
}

/// Method by which the coefficients are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Projection {
    /// The smallest Σ (g − f)² over the cells, also where the box cuts the distribution and the functions are no longer
    /// orthogonal.
    #[default]
    LeastSquares,
    /// Sums of f times the dual functions. With the asymmetric weight these make the coefficients of degree 0, 1 and 2
    /// the distribution's own moments.
    Quadrature,
}

/// Source of the centre and the widths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// Bulk velocity and thermal speeds, the latter times a factor.
    Moments(f64),
    /// The least-squares Gaussian's, the widths times a factor.
    Fitted(f64),
    /// The centre and widths with the smallest residual for this order and truncation, searched from the moments'.
    ResidualOptimal,
    /// Given, so that many distributions share one frame and their coefficients can be compared.
    Given {
        /// Centre [m/s].
        centre: [f64; 3],
        /// Widths [m/s].
        scales: [f64; 3],
    },
}

/// The Hermite basis with the user's choices. Cheap to clone; clones share their tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Hermite {
    orders: [usize; 3],
    truncation: Truncation,
    weight: Weight,
    projection: Projection,
    scaling: Scaling,
    orientation: Orientation,
    tables: Arc<Cache<(Axis, usize, Weight, Projection), AxisTables>>,
    functions: Arc<Cache<(Axis, usize, Weight), Mat<f64>>>,
}

/// Amplitudes, and the frame they belong to.
#[derive(Debug, Clone, PartialEq)]
pub struct HermiteCoefficients {
    weight: Weight,
    truncation: Truncation,
    frame: Frame,
    orders: [usize; 3],
    functions: Functions,
    /// Positions in the C-order cube of the orders, ascending.
    positions: Vec<u32>,
    amplitudes: Vec<f64>,
}

/// Report on an encoding: its search, its solution, and corrections.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct HermiteReport {
    /// The search of centre and widths, if one was asked for.
    pub search: Option<Report>,
    /// Iterations of conjugate gradients; 0 where the least squares was solved directly.
    pub solve_iterations: usize,
    /// True if the coefficients are those of the least squares although plain projection was asked for: plain
    /// projection would have left an error larger than the distribution itself.
    pub least_squares_instead: bool,
    /// The factor by which the expansion is shrunk, where the whole would leave an error larger than the distribution.
    pub shrunk_by: Option<f64>,
}

/// The tables of one axis with one centre and width.
struct AxisTables {
    /// Qᵀ (least squares) or the duals (quadrature): one row a function, one column a cell.
    analysis: Mat<f64>,
    /// R and R⁻¹ of the least squares.
    triangular: Option<[Mat<f64>; 2]>,
    /// The smallest part of a function that is independent, on the cells, of those before it.
    least: f64,
}

impl Default for Hermite {
    /// Order 15, the whole cube, symmetric weight, least squares, residual-optimal frame along the grid's axes.
    fn default() -> Self {
        Self {
            orders: [15; 3],
            truncation: Truncation::default(),
            weight: Weight::default(),
            projection: Projection::default(),
            scaling: Scaling::ResidualOptimal,
            orientation: Orientation::Grid,
            tables: Arc::new(Cache::new(12)),
            functions: Arc::new(Cache::new(12)),
        }
    }
}

impl Hermite {
    /// Most functions per axis.
    pub const MAX_ORDER: usize = 128;
    /// Most functions per axis with the asymmetric weight: the condition of that basis doubles with every other degree.
    pub const MAX_ASYMMETRIC_ORDER: usize = 24;

    /// The default basis with the given number of functions per axis (degrees 0 to m − 1).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless every order is between 1 and [`Self::MAX_ORDER`].
    pub fn new(orders: [usize; 3]) -> Result<Self> {
        Self { orders, ..Self::default() }.validated()
    }

    /// With another set of terms.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for `Best(0)`, and for `Best` with the asymmetric weight, whose functions are so far
    /// from orthogonal in an unweighted sum that the size of a coefficient says little about its worth.
    pub fn with_truncation(self, truncation: Truncation) -> Result<Self> {
        Self { truncation, ..self }.validated()
    }

    /// With another weight.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] as [`Hermite::with_truncation`].
    pub fn with_weight(self, weight: Weight) -> Result<Self> {
        Self { weight, ..self }.validated()
    }

    /// With coefficients found in another way.
    #[must_use]
    pub fn with_projection(self, projection: Projection) -> Self {
        Self { projection, ..self }
    }

    /// With centre and widths from elsewhere.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for factors and widths that are not positive, and centres that are not finite.
    pub fn with_scaling(self, scaling: Scaling) -> Result<Self> {
        Self { scaling, ..self }.validated()
    }

    /// With other axes.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a magnetic field that is zero or not finite.
    pub fn with_orientation(self, orientation: Orientation) -> Result<Self> {
        Self { orientation, ..self }.validated()
    }

    fn validated(self) -> Result<Self> {
        // The limits of a grid hold here too: squares and cubes of velocities must not leave the range of f64.
        let positive = |x: f64| (1e-75..1e75).contains(&x);
        let orders = || format!("{:?}", self.orders);
        if self.orders.iter().any(|order| !(1..=Self::MAX_ORDER).contains(order)) {
            let allowed = format!("1 to {} functions along each axis", Self::MAX_ORDER);
            return Err(Error::parameter("order", orders(), allowed));
        }
        if self.truncation == Truncation::Best(0) {
            return Err(Error::parameter("terms", 0, "at least one"));
        }
        if self.weight == Weight::Asymmetric {
            if self.orders.iter().any(|&m| m > Self::MAX_ASYMMETRIC_ORDER) {
                let allowed = format!("at most {} functions with the asymmetric weight", Self::MAX_ASYMMETRIC_ORDER);
                return Err(Error::parameter("order", orders(), allowed));
            }
            if matches!(self.truncation, Truncation::Best(_)) {
                return Err(Error::parameter("terms", "best n", "only with the symmetric weight"));
            }
        }
        self.orientation.validated()?;
        match self.scaling {
            Scaling::Moments(a) | Scaling::Fitted(a) if !positive(a) => {
                let allowed = "a positive factor of the width, between 1e-75 and 1e75";
                Err(Error::parameter("scale", a, allowed))
            }
            Scaling::Given { centre, scales }
                if !(centre.iter().all(|c| c.abs() < 1e75) && scales.into_iter().all(positive)) =>
            {
                let value = format!("centre {centre:?}, scales {scales:?}");
                let allowed = "a centre below 1e75 and three widths between 1e-75 and 1e75";
                Err(Error::parameter("scales", value, allowed))
            }
            _ => Ok(self),
        }
    }

    /// Encodes, and reports on the search of centre and widths and on the solution.
    ///
    /// Along an axis with fewer cells than the order only as many functions as cells are used, with total degree and
    /// hyperbolic cross three quarters of that; along a rotated frame's axes the cells are those that fit into the box.
    ///
    /// # Errors
    /// [`Error::Degenerate`] where centre and widths are taken from a distribution that is zero everywhere or whose
    /// thermal width vanishes along an axis of several cells; [`Error::OutOfRange`] where the frame is so far off that
    /// the coefficients leave the range of `f64`; [`Error::InvalidParameter`] for orders that need too large tables on
    /// an axis of so many cells.
    pub fn fit(&self, vdf: &Vdf) -> Result<(HermiteCoefficients, HermiteReport)> {
        let orders = self.truncation.resolved(self.orders, vdf.grid().shape());
        if let Some(reason) = coding::too_many(vdf.grid(), orders) {
            return Err(Error::parameter("order", format!("{:?}", self.orders), reason));
        }
        let (start, frame, search) = self.find_frame(vdf)?;
        let (mut coefficients, mut solve_iterations) = self.solve(vdf, frame);
        if search.is_some() && self.scaling == Scaling::ResidualOptimal && frame.rotation.is_some() {
            // The search ran on a resampled distribution, so that on the cells themselves the frame it started from may
            // be the better one.
            let (other, more) = self.solve(vdf, start);
            solve_iterations += more;
            let left = |c: &HermiteCoefficients| Ok(Fidelity::compare(vdf, &self.reconstruct(c, vdf.grid())?)?.l2);
            if other.finite() && (!coefficients.finite() || left(&other)? < left(&coefficients)?) {
                coefficients = other;
            }
        }
        let mut report = HermiteReport { search, solve_iterations, ..HermiteReport::default() };
        self.guard(&mut coefficients, &mut report, vdf)?;
        if !coefficients.finite() {
            let reason = format!("the coefficients leave the range of f64 in the frame {:?}", coefficients.frame);
            return Err(Error::OutOfRange { basis: NAME, reason });
        }
        Ok((coefficients, report))
    }

    /// Centre, axes and widths: before and after the search, if there is one.
    fn find_frame(&self, vdf: &Vdf) -> Result<(Frame, Frame, Option<Report>)> {
        let grid = vdf.grid();
        if let (Scaling::Given { centre, scales }, Orientation::Grid) = (self.scaling, self.orientation) {
            let frame = Frame::grid_aligned(centre, scales);
            return Ok((frame, frame, None));
        }
        let moments = gaussian_fit::locating_moments(NAME, vdf)?;
        let start = gaussian_fit::frame_of_moments(NAME, &moments, self.orientation, grid)?;
        let (frame, report) = match self.scaling {
            Scaling::Given { centre, scales } => (Frame { centre, scales, ..start }, None),
            Scaling::Moments(factor) => (Frame { scales: start.scales.map(|scale| factor * scale), ..start }, None),
            Scaling::Fitted(factor) => {
                let covariance = if start.rotation.is_none() { Covariance::Diagonal } else { Covariance::Full };
                let (gaussian, report) = gaussian_fit::nearest(NAME, vdf, covariance)?;
                let scales = gaussian.frame.widths_along(start.axes()).map(|width| factor * width);
                (Frame { centre: gaussian.frame.centre, scales, ..start }, Some(report))
            }
            Scaling::ResidualOptimal if start.rotation.is_some() => {
                // The search needs products that separate: it runs on the distribution resampled along the axes.
                let along = along_frame::along_frame(vdf, &start)?;
                let origin = ([0.0; 3], start.scales);
                let ((offset, scales), report) = search::residual_optimal(&along, self.orders, self.truncation, origin);
                let centre = Frame { scales: [1.0; 3], ..start }.to_velocity(offset);
                (Frame { centre, scales, ..start }, Some(report))
            }
            Scaling::ResidualOptimal => {
                let mut first = (start.centre, start.scales);
                for axis in 0..3 {
                    if self.truncation.fills(self.orders[axis], grid.shape()[axis]) {
                        first.0[axis] = grid.middle()[axis];
                        first.1[axis] = Axis::filling_scale(grid, axis, self.orders[axis]);
                    }
                }
                let ((centre, scales), report) = search::residual_optimal(vdf, self.orders, self.truncation, first);
                (Frame { centre, scales, ..start }, Some(report))
            }
        };
        Ok((start, frame, report))
    }
}

impl Weight {
    /// Factor from amplitudes in phase-space density to coefficients in the weight's own unit.
    fn volume(self, frame: &Frame) -> f64 {
        match self {
            Self::Symmetric => 1.0,
            Self::Asymmetric => frame.scales.iter().product(),
        }
    }
}

impl Basis for Hermite {
    type Coefficients = HermiteCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<HermiteCoefficients> {
        Ok(self.fit(vdf)?.0)
    }

    fn reconstruct(&self, coefficients: &HermiteCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.own(coefficients)?;
        let HermiteCoefficients { weight, frame, orders, positions, .. } = coefficients;
        if frame.rotation.is_some() {
            let terms = RotatedTerms::new(grid, frame, *weight, *orders, positions);
            let volume = weight.volume(frame);
            let amplitudes: Vec<f64> = coefficients.amplitudes.iter().map(|c| c / volume).collect();
            return Vdf::from_vec(*grid, terms.evaluate(&amplitudes));
        }
        let (values, bound) = self.with_functions(coefficients, grid, |cube, functions| {
            // No sum on the way is larger than this; doubled for rounding, and with the largest table entry at least
            // one so that the bound holds for the intermediate products too.
            let start = 2.0 * cube.iter().map(|c| c.abs()).sum::<f64>();
            let bound = functions.iter().fold(start, |bound, f| bound * f.norm_max().max(1.0));
            (transform(&cube, functions), bound)
        });
        Vdf::from_bounded_vec(*grid, values, bound)
    }

    /// Along the grid's axes from products of one-dimensional sums, O(m³); else from the cells.
    fn moments(&self, coefficients: &HermiteCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.own(coefficients)?;
        let frame = &coefficients.frame;
        if frame.rotation.is_some() {
            return Ok(self.reconstruct(coefficients, grid)?.moments());
        }
        Ok(self.with_functions(coefficients, grid, |cube, functions| {
            let powers = [0, 1, 2].map(|axis| moments::over_cells(grid, frame, axis, functions[axis]));
            moments::assemble(&cube, &powers, frame)
        }))
    }

    /// By the derivatives of the functions, which are their neighbours in degree.
    fn gradient(&self, coefficients: &HermiteCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        self.own(coefficients)?;
        basis_gradient::from_parts(NAME, grid, self.gradient_parts(coefficients, grid))
    }
}

impl Quantise for Hermite {
    /// The amplitudes are found anew in the frame that is written, where that is quick. Those that cost more bits than
    /// they save error are made smaller, or zero.
    fn rounded(
        &self,
        coefficients: &HermiteCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<HermiteCoefficients> {
        let grid = vdf.grid();
        let frame = self.written_frame(coefficients, grid, resolution);
        let anew = frame.map(|frame| self.solve(vdf, frame).0).filter(HermiteCoefficients::finite);
        let coefficients = anew.as_ref().unwrap_or(coefficients);
        let mut rounded = self.orthonormal(coefficients, grid).unwrap_or_else(|| coefficients.clone());
        self.code_terms(&mut rounded, grid, (resolution, Rounding::Cheapest), &mut Coder::writing())?;
        Ok(rounded)
    }

    /// Looks in the frames that a stream would hold in place of the one found: a decoded distribution was in one of
    /// them.
    fn rounded_before(
        &self,
        coefficients: &HermiteCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, HermiteCoefficients)> {
        let grid = vdf.grid();
        let [Some(&widest), Some(&finest)] = [steps.first(), steps.last()] else { return None };
        let mut frames: Vec<Frame> = [finest, widest]
            .into_iter()
            .filter_map(|step| self.written_frame(coefficients, grid, Resolution::Step(step)))
            .collect();
        frames.dedup();
        let found = |frame: Frame| self.orthonormal_step(&self.solve(vdf, frame).0, grid, steps);
        let index = match frames.is_empty() {
            true => self.orthonormal_step(coefficients, grid, steps),
            false => frames.into_iter().find_map(found),
        }?;
        Some((index, coefficients.clone()))
    }
}

impl Hermite {
    fn own(&self, coefficients: &HermiteCoefficients) -> Result<()> {
        let fits = coefficients.weight == self.weight
            && coefficients.truncation == self.truncation
            && (0..3).all(|axis| coefficients.orders[axis] <= self.orders[axis]);
        if fits {
            return Ok(());
        }
        Err(Error::ForeignCoefficients(format!(
            "they are {:?}, {:?} with orders {:?}, unlike `{self}`",
            coefficients.weight, coefficients.truncation, coefficients.orders
        )))
    }
}

#[cfg(test)]
mod tests;
