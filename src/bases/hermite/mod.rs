//! Hermite functions: a Maxwellian times polynomials, the classical expansion of kinetic theory.
//!
//! f(v) = Σ c_abc ψ_a(ξ_1) ψ_b(ξ_2) ψ_c(ξ_3), ξ the coordinates of a [`Frame`]. Grad 1949 (Commun. Pure Appl. Math. 2,
//! 331) for the idea, Delzanno 2015 (J. Comput. Phys. 301, 338) for the two weights, Servidio et al. 2017 (Phys. Rev.
//! Lett. 119, 205101) for the spectrum of a measured distribution.

mod axis;
mod functions;
mod moments;
mod rotated;
mod search;
mod spectrum;
mod truncation;

use std::fmt;
use std::sync::Arc;

use faer::Mat;

pub use spectrum::HermiteSpectrum;
pub use truncation::Truncation;

use crate::basis::{Basis, Coefficients, NamedBasis, Quantity, Slot};
use crate::distribution::frame::{Frame, Orientation};
use crate::distribution::gaussian_fit::{self, Covariance};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::cache::Cache;
use crate::numerics::cgls;
use crate::numerics::levenberg_marquardt::Report;
use crate::numerics::separable::transform;
use crate::spec::{Options, SpecWriter};

use axis::{Axis, Orthogonalised};
use rotated::RotatedTerms;

const NAME: &str = "hermite";

/// How the functions share the Maxwellian between themselves and their duals.
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

/// How the coefficients are found.
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

/// Where the centre and the widths come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// Bulk velocity and thermal speeds, the latter times a factor.
    Moments(f64),
    /// The least-squares Gaussian's, the widths times a factor.
    Fitted(f64),
    /// Those that leave the smallest residual for this order and truncation, searched from the moments'.
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
#[derive(Clone)]
pub struct Hermite {
    orders: [usize; 3],
    truncation: Truncation,
    weight: Weight,
    projection: Projection,
    scaling: Scaling,
    orientation: Orientation,
    tables: Arc<Cache<(Axis, usize, Weight, Projection), AxisTables>>,
}

/// Amplitudes, and the frame they belong to.
#[derive(Debug, Clone, PartialEq)]
pub struct HermiteCoefficients {
    weight: Weight,
    truncation: Truncation,
    frame: Frame,
    orders: [usize; 3],
    /// Positions in the C-order cube of the orders, ascending.
    positions: Vec<u32>,
    amplitudes: Vec<f64>,
}

/// How an encoding went.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HermiteReport {
    /// The search of centre and widths, if one was asked for.
    pub search: Option<Report>,
    /// Iterations of conjugate gradients; 0 where the least squares was solved directly.
    pub solve_iterations: usize,
}

/// The tables of one axis with one centre and width.
struct AxisTables {
    /// Qᵀ (least squares) or the duals (quadrature): one row a function, one column a cell.
    analysis: Mat<f64>,
    /// R and R⁻¹ of the least squares.
    triangular: Option<[Mat<f64>; 2]>,
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
        }
    }
}

impl Hermite {
    /// Most functions per axis.
    pub const MAX_ORDER: usize = 128;

    /// The default basis with the given number of functions per axis (degrees 0 to m − 1).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless every order is between 1 and [`Self::MAX_ORDER`].
    pub fn new(orders: [usize; 3]) -> Result<Self> {
        if orders.iter().any(|order| !(1..=Self::MAX_ORDER).contains(order)) {
            return Err(Error::InvalidParameter {
                name: "order",
                value: format!("{orders:?}"),
                allowed: format!("1 to {} functions along each axis", Self::MAX_ORDER),
            });
        }
        Ok(Self { orders, ..Self::default() })
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
        Ok(Self { orientation: orientation.validated()?, ..self })
    }

    fn validated(self) -> Result<Self> {
        let refused =
            |name, value, allowed: &str| Err(Error::InvalidParameter { name, value, allowed: allowed.to_owned() });
        let positive = |x: f64| x > 0.0 && x.is_finite();
        match self.truncation {
            Truncation::Best(0) => return refused("terms", "0".to_owned(), "at least one"),
            Truncation::Best(_) if self.weight == Weight::Asymmetric => {
                return refused("terms", "best n".to_owned(), "only with the symmetric weight");
            }
            _ => {}
        }
        match self.scaling {
            Scaling::Moments(a) | Scaling::Fitted(a) if !positive(a) => {
                refused("scale", a.to_string(), "a positive factor of the width")
            }
            Scaling::Given { centre, scales }
                if !(centre.iter().all(|c| c.is_finite()) && scales.into_iter().all(positive)) =>
            {
                let value = format!("centre {centre:?}, scales {scales:?}");
                refused("scales", value, "a finite centre and three positive widths")
            }
            _ => Ok(self),
        }
    }

    /// Encodes, and says how the search of centre and widths and the solution went.
    ///
    /// # Errors
    /// [`Error::Degenerate`] if the distribution is zero everywhere, or its thermal width vanishes along an axis of
    /// several cells. Along an axis with fewer cells than the order only as many functions as cells are used, with
    /// truncations other than the cube three quarters of that.
    pub fn fit(&self, vdf: &Vdf) -> Result<(HermiteCoefficients, HermiteReport)> {
        let orders = self.truncation.resolved(self.orders, vdf.grid().shape());
        let (frame, search) = self.find_frame(vdf)?;
        let mut coefficients = HermiteCoefficients {
            weight: self.weight,
            truncation: self.truncation,
            frame,
            orders,
            positions: self.truncation.positions(self.orders, orders),
            amplitudes: Vec::new(),
        };
        let solve_iterations = if frame.rotation.is_none() {
            self.solve_separable(vdf, &mut coefficients)
        } else {
            self.solve_rotated(vdf, &mut coefficients)
        };
        Ok((coefficients, HermiteReport { search, solve_iterations }))
    }

    /// Centre, axes and widths.
    fn find_frame(&self, vdf: &Vdf) -> Result<(Frame, Option<Report>)> {
        if let (Scaling::Given { centre, scales }, Orientation::Grid) = (self.scaling, self.orientation) {
            return Ok((Frame::grid_aligned(centre, scales), None));
        }
        let grid = vdf.grid();
        let moments = gaussian_fit::locating_moments(NAME, vdf)?;
        let mut frame = gaussian_fit::frame_of_moments(NAME, &moments, self.orientation, grid)?;
        match self.scaling {
            Scaling::Given { centre, scales } => return Ok((Frame { centre, scales, ..frame }, None)),
            Scaling::Moments(factor) => frame.scales = frame.scales.map(|scale| factor * scale),
            Scaling::Fitted(factor) => {
                let covariance = if frame.rotation.is_none() { Covariance::Diagonal } else { Covariance::Full };
                let start = gaussian_fit::from_moments(NAME, vdf, covariance)?;
                let (gaussian, report) = gaussian_fit::least_squares(vdf, covariance, &start);
                let widths = gaussian.frame.widths_along(frame.axes());
                frame.centre = gaussian.frame.centre;
                frame.scales = widths.map(|width| factor * width);
                return Ok((frame, Some(report)));
            }
            Scaling::ResidualOptimal => {}
        }
        if self.scaling != Scaling::ResidualOptimal {
            return Ok((frame, None));
        }
        if frame.rotation.is_some() {
            // The search needs products that separate: it runs on the distribution resampled along the frame's axes.
            let along = rotated::along_frame(vdf, &frame)?;
            let start = ([0.0; 3], frame.scales);
            let ((offset, scales), report) = search::residual_optimal(&along, self.orders, self.truncation, start);
            let centre = Frame { scales: [1.0; 3], ..frame }.to_velocity(offset);
            return Ok((Frame { centre, scales, ..frame }, Some(report)));
        }
        for axis in 0..3 {
            if self.truncation.fills(self.orders[axis], grid.shape()[axis]) {
                frame.centre[axis] = grid.middle()[axis];
                frame.scales[axis] = Axis::filling_scale(grid, axis, self.orders[axis]);
            }
        }
        let start = (frame.centre, frame.scales);
        let ((centre, scales), report) = search::residual_optimal(vdf, self.orders, self.truncation, start);
        Ok((Frame { centre, scales, ..frame }, Some(report)))
    }

    /// The tables of one axis, from the cache.
    fn axis_tables(&self, grid: &VelocityGrid, axis: usize, frame: &Frame, order: usize) -> Arc<AxisTables> {
        let key = Axis::new(grid, axis, frame.centre[axis], frame.scales[axis]);
        self.tables.get_or_build((key, order, self.weight, self.projection), || match self.projection {
            Projection::LeastSquares => {
                let tables = Orthogonalised::new(&key, self.weight, order);
                let inverse = tables.inverse(order);
                AxisTables { analysis: tables.q.transpose().to_owned(), triangular: Some([tables.r, inverse]) }
            }
            Projection::Quadrature => AxisTables { analysis: key.projection(self.weight, order), triangular: None },
        })
    }

    /// Along the grid's axes: three small products, and for the least squares three triangular ones.
    fn solve_separable(&self, vdf: &Vdf, coefficients: &mut HermiteCoefficients) -> usize {
        let HermiteCoefficients { frame, orders, .. } = coefficients;
        let tables = [0, 1, 2].map(|axis| self.axis_tables(vdf.grid(), axis, frame, orders[axis]));
        let analysis = [0, 1, 2].map(|axis| tables[axis].analysis.as_ref());
        let mut cube = transform(vdf.as_slice(), analysis);
        if let [Some([rx, ix]), Some([ry, iy]), Some([rz, iz])] = [0, 1, 2].map(|axis| tables[axis].triangular.as_ref())
        {
            // Q's columns are nested like the functions: for a set of terms that holds all lower ones, leaving out
            // columns of Q *is* the least squares over the set.
            let mut held = vec![0.0; cube.len()];
            for &position in &coefficients.positions {
                held[position as usize] = cube[position as usize];
            }
            let inverse = [ix.as_ref(), iy.as_ref(), iz.as_ref()];
            let solved = transform(&held, inverse);
            if let Truncation::Best(terms) = self.truncation {
                keep_largest(&mut coefficients.positions, terms, |position| solved[position as usize].abs());
                let positions = &coefficients.positions;
                let triangular = [rx.as_ref(), ry.as_ref(), rz.as_ref()];
                let transposed = triangular.map(|r| r.transpose());
                let (amplitudes, made) = cgls::solve(
                    cube,
                    |x| transform(&scattered(x, positions, held.len()), triangular),
                    |y| gathered(&transform(y, transposed), positions),
                    &cgls::Limits { worthwhile: 0.0, iterations: 300, ..LIMITS },
                );
                coefficients.amplitudes = amplitudes;
                return made;
            }
            cube = solved;
        } else if let Truncation::Best(terms) = self.truncation {
            keep_largest(&mut coefficients.positions, terms, |position| cube[position as usize].abs());
        }
        coefficients.amplitudes = gathered(&cube, &coefficients.positions);
        coefficients.scale(self.weight.volume(&coefficients.frame));
        0
    }

    /// Along other axes: block by block, the least squares by conjugate gradients.
    fn solve_rotated(&self, vdf: &Vdf, coefficients: &mut HermiteCoefficients) -> usize {
        let HermiteCoefficients { frame, orders, .. } = *coefficients;
        let grid = vdf.grid();
        if self.projection == Projection::Quadrature {
            let duals = RotatedTerms::duals(grid, &frame, self.weight, orders, &coefficients.positions);
            coefficients.amplitudes = duals.project(vdf.as_slice());
            let step = (0..3).fold(1.0, |step, axis| step * (grid.spacing()[axis] / frame.scales[axis]));
            coefficients.scale(step * self.weight.volume(&frame));
            if let Truncation::Best(terms) = self.truncation {
                coefficients.keep_largest(terms);
            }
            return 0;
        }
        let solve = |positions: &[u32]| rotated::least_squares(vdf, &frame, orders, positions, &LIMITS);
        let (amplitudes, mut iterations) = solve(&coefficients.positions);
        coefficients.amplitudes = amplitudes;
        if let Truncation::Best(terms) = self.truncation {
            coefficients.keep_largest(terms);
            let (amplitudes, more) = solve(&coefficients.positions);
            coefficients.amplitudes = amplitudes;
            iterations += more;
        }
        if self.weight == Weight::Asymmetric {
            // Solved with the symmetric functions, which are nearly orthogonal; the span is the same.
            let change = [0, 1, 2].map(|axis| axis::symmetric_to_asymmetric(orders[axis]));
            let cube = scattered(&coefficients.amplitudes, &coefficients.positions, orders.iter().product());
            let cube = transform(&cube, [0, 1, 2].map(|axis| change[axis].as_ref()));
            coefficients.amplitudes = gathered(&cube, &coefficients.positions);
            coefficients.scale(self.weight.volume(&frame));
        }
        iterations
    }
}

/// More iterations only fit rounding: a frame so ill-matched to the box that these do not suffice is ill-conditioned.
const LIMITS: cgls::Limits = cgls::Limits { gradient: 1e-13, worthwhile: 1e-9, iterations: 60 };

/// Keeps the `terms` positions with the largest size, ascending; of equal ones those that come first.
fn keep_largest(positions: &mut Vec<u32>, terms: usize, size: impl Fn(u32) -> f64) {
    // Compared by their leading digits only: which of a symmetric distribution's pairs is kept must not be left to
    // rounding, which differs with the unit.
    let leading = |position| f64::from_bits(size(position).to_bits() >> 24 << 24);
    positions.sort_by(|&p, &q| leading(q).total_cmp(&leading(p)).then(p.cmp(&q)));
    positions.truncate(terms);
    positions.sort_unstable();
}

fn gathered(cube: &[f64], positions: &[u32]) -> Vec<f64> {
    positions.iter().map(|&position| cube[position as usize]).collect()
}

fn scattered(amplitudes: &[f64], positions: &[u32], len: usize) -> Vec<f64> {
    let mut cube = vec![0.0; len];
    for (&position, &amplitude) in positions.iter().zip(amplitudes) {
        cube[position as usize] = amplitude;
    }
    cube
}

impl Weight {
    /// What turns amplitudes in phase-space density into coefficients in the weight's own unit.
    fn volume(self, frame: &Frame) -> f64 {
        match self {
            Self::Symmetric => 1.0,
            Self::Asymmetric => frame.scales.iter().product(),
        }
    }
}

impl HermiteCoefficients {
    /// Centre, axes and widths [m/s].
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Functions along each axis: the orders asked for, or the number of cells where that is less.
    #[must_use]
    pub fn orders(&self) -> [usize; 3] {
        self.orders
    }

    /// The terms kept, as indices (a, b, c), with their coefficients: s³ m⁻⁶ with the symmetric weight, m⁻³ with the
    /// asymmetric.
    pub fn terms(&self) -> impl Iterator<Item = ([usize; 3], f64)> {
        self.positions.iter().zip(&self.amplitudes).map(|(&position, &amplitude)| (self.term(position), amplitude))
    }

    /// Squared coefficients per total degree and per axis.
    #[must_use]
    pub fn spectrum(&self) -> HermiteSpectrum {
        HermiteSpectrum::new(self.orders, self.terms())
    }

    /// The moments over all of velocity space, in closed form. Where the box holds the whole distribution they agree
    /// with the sums over its cells; where it cuts, they tell what the expansion makes of the part outside.
    #[must_use]
    pub fn moments_over_velocity_space(&self) -> Moments {
        let powers = [0, 1, 2].map(|axis| moments::over_velocity_space(self.weight, self.orders[axis]));
        moments::assemble(&self.cube(), &powers, &self.frame)
    }

    fn term(&self, position: u32) -> [usize; 3] {
        let [_, my, mz] = self.orders;
        let position = position as usize;
        [position / (my * mz), position / mz % my, position % mz]
    }

    /// All coefficients of the cube as phase-space densities, zeros where no term is kept.
    fn cube(&self) -> Vec<f64> {
        let volume = self.weight.volume(&self.frame);
        let mut cube = scattered(&self.amplitudes, &self.positions, self.orders.iter().product());
        cube.iter_mut().for_each(|c| *c /= volume);
        cube
    }

    fn scale(&mut self, factor: f64) {
        self.amplitudes.iter_mut().for_each(|c| *c *= factor);
    }

    fn keep_largest(&mut self, terms: usize) {
        let cube = scattered(&self.amplitudes, &self.positions, self.orders.iter().product());
        keep_largest(&mut self.positions, terms, |position| cube[position as usize].abs());
        self.amplitudes = gathered(&cube, &self.positions);
    }
}

impl Coefficients for HermiteCoefficients {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        let frame = &mut self.frame;
        frame.centre.iter_mut().for_each(|value| visitor(Slot::new(Quantity::Velocity, 0), value));
        frame.scales.iter_mut().for_each(|value| visitor(Slot::new(Quantity::Speed, 0), value));
        frame.rotation.iter_mut().flatten().for_each(|value| visitor(Slot::new(Quantity::Angle, 0), value));
        let quantity = match self.weight {
            Weight::Symmetric => Quantity::PhaseSpaceDensity,
            Weight::Asymmetric => Quantity::NumberDensity,
        };
        for index in 0..self.amplitudes.len() {
            let degree = self.term(self.positions[index]).iter().sum();
            visitor(Slot::new(quantity, degree), &mut self.amplitudes[index]);
        }
    }

    fn topology_len(&self) -> usize {
        if matches!(self.truncation, Truncation::Best(_)) { self.positions.len() } else { 0 }
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
        let volume = weight.volume(frame);
        if frame.rotation.is_some() {
            let terms = RotatedTerms::new(grid, frame, *weight, *orders, positions);
            let amplitudes: Vec<f64> = coefficients.amplitudes.iter().map(|c| c / volume).collect();
            return Vdf::from_vec(*grid, terms.evaluate(&amplitudes));
        }
        let functions = [0, 1, 2]
            .map(|axis| Axis::new(grid, axis, frame.centre[axis], frame.scales[axis]).functions(*weight, orders[axis]));
        let [x, y, z] = &functions;
        let cube = coefficients.cube();
        // No sum on the way is larger than this; doubled for rounding, and with the largest table entry at least one so
        // that the bound holds for the intermediate products too.
        let bound = functions
            .iter()
            .fold(2.0 * cube.iter().map(|c| c.abs()).sum::<f64>(), |bound, f| bound * f.as_ref().norm_max().max(1.0));
        Vdf::from_bounded_vec(*grid, transform(&cube, [x.as_ref(), y.as_ref(), z.as_ref()]), bound)
    }

    /// Along the grid's axes from products of one-dimensional sums, O(m³); else from the cells.
    fn moments(&self, coefficients: &HermiteCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.own(coefficients)?;
        let HermiteCoefficients { weight, frame, orders, .. } = coefficients;
        if frame.rotation.is_some() {
            return Ok(self.reconstruct(coefficients, grid)?.moments());
        }
        let powers = [0, 1, 2].map(|axis| moments::over_cells(*weight, grid, frame, axis, orders[axis]));
        Ok(moments::assemble(&coefficients.cube(), &powers, frame))
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

impl PartialEq for Hermite {
    fn eq(&self, other: &Self) -> bool {
        let choices = |h: &Self| (h.orders, h.truncation, h.weight, h.projection, h.orientation);
        choices(self) == choices(other) && self.scaling == other.scaling
    }
}

impl fmt::Debug for Hermite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hermite({self})")
    }
}

impl fmt::Display for Hermite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.orders;
        let orders = if x == y && y == z { x.to_string() } else { format!("{x}/{y}/{z}") };
        let mut spec = SpecWriter::new(NAME).option(self.orders != [15; 3], "order", orders);
        spec = match self.truncation {
            Truncation::Cube => spec,
            Truncation::TotalDegree => spec.option(true, "truncation", "total-degree"),
            Truncation::HyperbolicCross => spec.option(true, "truncation", "hyperbolic-cross"),
            Truncation::Best(terms) => spec.option(true, "terms", terms),
        };
        spec = spec.option(self.weight == Weight::Asymmetric, "weight", "asymmetric").option(
            self.projection == Projection::Quadrature,
            "projection",
            "quadrature",
        );
        spec = match self.scaling {
            Scaling::ResidualOptimal => spec,
            Scaling::Moments(a) => spec.option(true, "search", "moments").option(a != 1.0, "scale", a),
            Scaling::Fitted(a) => spec.option(true, "search", "fitted").option(a != 1.0, "scale", a),
            Scaling::Given { centre, scales } => spec.vector("centre", centre).vector("scales", scales),
        };
        match self.orientation {
            Orientation::Grid => spec,
            Orientation::PressureEigenframe => spec.option(true, "frame", "pressure"),
            Orientation::FieldAligned(field) => spec.option(true, "frame", "field-aligned").vector("field", field),
        }
        .write(f)
    }
}

impl NamedBasis for Hermite {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        let mut basis = match options.text("order") {
            None => Self::default(),
            Some(text) => match orders(text) {
                Some(orders) => Self::new(orders)?,
                None => {
                    let allowed = "functions per axis, one whole number or three written x/y/z";
                    return Err(options.refused("order", text, allowed));
                }
            },
        };
        let truncations = [
            ("cube", Truncation::Cube),
            ("total-degree", Truncation::TotalDegree),
            ("hyperbolic-cross", Truncation::HyperbolicCross),
        ];
        let truncation = options.choice("truncation", &truncations)?;
        basis.truncation = match (truncation, options.number("terms")?) {
            (truncation, None) => truncation.unwrap_or_default(),
            (None | Some(Truncation::Cube), Some(terms)) => Truncation::Best(terms),
            (Some(_), Some(terms)) => {
                return Err(options.refused("terms", &terms.to_string(), "only for truncation=cube"));
            }
        };
        let weights = [("symmetric", Weight::Symmetric), ("asymmetric", Weight::Asymmetric)];
        basis.weight = options.choice("weight", &weights)?.unwrap_or_default();
        let projections = [("least-squares", Projection::LeastSquares), ("quadrature", Projection::Quadrature)];
        basis.projection = options.choice("projection", &projections)?.unwrap_or_default();

        let searches = [("residual", 0), ("fitted", 1), ("moments", 2)];
        let search = options.choice("search", &searches)?;
        let scale = options.number("scale")?;
        let given = (options.vector("centre")?, options.vector("scales")?);
        basis.scaling = match (search, scale, given) {
            (None | Some(0), None, (None, None)) => Scaling::ResidualOptimal,
            (Some(1), factor, (None, None)) => Scaling::Fitted(factor.unwrap_or(1.0)),
            (Some(2), factor, (None, None)) => Scaling::Moments(factor.unwrap_or(1.0)),
            (None, None, (Some(centre), Some(scales))) => Scaling::Given { centre, scales },
            (_, Some(factor), (None, None)) => {
                return Err(options.refused("scale", &factor.to_string(), "only with search=moments or search=fitted"));
            }
            _ => {
                let allowed = "centre and scales go together, and without search and scale";
                return Err(options.refused("centre and scales", "as given", allowed));
            }
        };

        let field = options.vector("field")?;
        let frames = [("grid", 0), ("pressure", 1), ("field-aligned", 2)];
        let orientation = match (options.choice("frame", &frames)?.unwrap_or(0), field) {
            (2, Some(field)) => Orientation::FieldAligned(field),
            (2, None) => return Err(options.refused("frame", "field-aligned", "it needs field=x/y/z")),
            (_, Some(field)) => {
                return Err(options.refused("field", &format!("{field:?}"), "only with frame=field-aligned"));
            }
            (1, None) => Orientation::PressureEigenframe,
            (_, None) => Orientation::Grid,
        };
        basis.with_orientation(orientation)?.validated()
    }
}

/// One order for all axes, or three written x/y/z.
fn orders(text: &str) -> Option<[usize; 3]> {
    let orders: Vec<usize> = text.split('/').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match orders[..] {
        [order] => Some([order; 3]),
        [x, y, z] => Some([x, y, z]),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
