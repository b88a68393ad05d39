//! Least-squares fit of a Gaussian over the cells.

use std::cell::RefCell;
use std::rc::Rc;

use nalgebra::{DMatrix, DVector, Matrix3, Vector3};

use super::cell_sums::{Cells, MONOMIALS, Shape, Sums, quadratic};
use super::principal_axes::frame_of_factor;
use super::{Covariance, Gaussian, step_along};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::numerics::levenberg_marquardt::{self, LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::paired_sum;

/// Minimum width of a fitted Gaussian, in cells: a narrower one has no effect on any cell unless it lies at a centre.
const MIN_WIDTH: f64 = 0.1;

/// Minimises Σ (g − f)² over the cells by Levenberg-Marquardt from `start`, whose frame must be along the grid's axes
/// unless the covariance is full. The peak of the start is ignored and solved for, so that the initial error is at
/// most that of zero.
pub(super) fn least_squares(vdf: &Vdf, covariance: Covariance, start: &Gaussian) -> (Gaussian, Report) {
    /// Factor of the minimum width for starts, so that rounding does not take them below it.
    const ABOVE: f64 = 1.0 + 1e-6;
    let factor = normalising_factor(vdf.peak());
    let mut start = *start;
    let narrowest = narrowest(vdf.grid(), covariance, &start.frame);
    for (scale, narrowest) in start.frame.scales.iter_mut().zip(narrowest) {
        *scale = scale.max(ABOVE * narrowest);
    }
    let problem = GaussianProblem::new(vdf, factor, covariance, start.frame);
    let mut first = DVector::zeros(problem.parameters());
    first[0] = problem.best_amplitude(&first).unwrap_or(start.peak * factor);
    start.peak = first[0] / factor;
    let fit = levenberg_marquardt::minimise(&problem, first, &LevenbergMarquardt::default().cost_tolerance(1e-10));
    let shape = problem.shape(&fit.parameters);
    let peak = shape.amplitude / factor;
    // The peak of a Gaussian centred far outside the box may overflow.
    let gaussian = if peak.is_finite() { Gaussian { peak, frame: problem.frame_of(&shape) } } else { start };
    (gaussian, fit.report)
}

/// Minimum width along each axis of a frame. For a Gaussian with a single width the shortest cells decide: beside the
/// longest ones it may be narrow.
fn narrowest(grid: &VelocityGrid, covariance: Covariance, frame: &Frame) -> [f64; 3] {
    if covariance == Covariance::Isotropic {
        return [MIN_WIDTH * grid.spacing().into_iter().fold(f64::INFINITY, f64::min); 3];
    }
    frame.axes().map(|direction| MIN_WIDTH * step_along(grid, direction))
}

/// Least-squares problem min ½ Σ (A exp(−½|z|²) − f)², with z = U (ξ − c), ξ the coordinates of the start's frame and
/// U upper triangular with a positive diagonal: everything the solver sees is of order one.
///
/// Parameters: A, c_0, c_1, c_2, then log U_ii (one for isotropic, three otherwise), then U_01, U_02, U_12 (full).
struct GaussianProblem<'a> {
    cells: Cells<'a>,
    covariance: Covariance,
    start: Frame,
    /// Largest scale of the start.
    largest: f64,
    /// Minimum width along each axis, in units of the start's.
    narrowest: [f64; 3],
    /// Sum Σ f² of the scaled values.
    norm_squared: f64,
    /// Last sums: the solver linearises where it has just computed the cost.
    last: RefCell<Option<(DVector<f64>, Rc<Sums>)>>,
}

impl<'a> GaussianProblem<'a> {
    fn new(vdf: &'a Vdf, factor: f64, covariance: Covariance, start: Frame) -> Self {
        let grid = vdf.grid();
        let rotated = covariance == Covariance::Full;
        let largest = start.scales.into_iter().fold(0.0, f64::max);
        let axes = std::array::from_fn(|axis| {
            let unit = if rotated { largest } else { start.scales[axis] };
            grid.centres(axis).iter().map(|v| (v - start.centre[axis]) / unit).collect()
        });
        let directions = start.axes();
        let rotation = rotated.then(|| Matrix3::from_fn(|i, j| directions[i][j] * (largest / start.scales[i])));
        let narrowest = narrowest(grid, covariance, &start);
        let narrowest = std::array::from_fn(|axis| narrowest[axis] / start.scales[axis]);
        let (values, row) = (vdf.as_slice(), grid.shape()[2]);
        let norm_squared = paired_sum(values, values, row, |f, _| (f * factor).powi(2));
        let cells = Cells { values, factor, axes, rotation };
        Self { cells, covariance, start, largest, narrowest, norm_squared, last: RefCell::new(None) }
    }

    fn parameters(&self) -> usize {
        match self.covariance {
            Covariance::Isotropic => 5,
            Covariance::Diagonal => 7,
            Covariance::Full => 10,
        }
    }

    fn shape(&self, p: &DVector<f64>) -> Shape {
        let centre = Vector3::new(p[1], p[2], p[3]);
        let factor = match self.covariance {
            Covariance::Isotropic => Matrix3::from_diagonal_element(p[4].exp()),
            Covariance::Diagonal => Matrix3::from_diagonal(&Vector3::new(p[4].exp(), p[5].exp(), p[6].exp())),
            Covariance::Full => Matrix3::new(p[4].exp(), p[7], p[8], 0.0, p[5].exp(), p[9], 0.0, 0.0, p[6].exp()),
        };
        Shape { amplitude: p[0], centre, factor }
    }

    /// Refuses widths that are too small for the cells, or overflow.
    fn admissible(&self, shape: &Shape) -> bool {
        (0..3).all(|i| {
            let width = 1.0 / shape.factor[(i, i)];
            width > self.narrowest[i] && width < 1e3 && shape.centre[i].abs() < 1e3
        })
    }

    fn frame_of(&self, shape: &Shape) -> Frame {
        let start = self.start;
        let centre = start.to_velocity(shape.centre.into());
        if self.covariance != Covariance::Full {
            let scales = std::array::from_fn(|i| start.scales[i] / shape.factor[(i, i)]);
            return Frame::grid_aligned(centre, scales);
        }
        // z = U R d with d = v − c in units of the largest scale, so that Σ = F Fᵀ with F = (U R)⁻¹. The rows of R are
        // orthogonal: its inverse is its transpose, each column over the square of the row's length.
        let rotation = self.cells.rotation.unwrap_or_else(Matrix3::identity);
        let inverse = Matrix3::from_fn(|i, k| rotation[(k, i)] / rotation.row(k).norm_squared());
        let upper = shape.factor.try_inverse().unwrap_or_else(Matrix3::identity);
        frame_of_factor(centre, &(inverse * upper * self.largest))
    }

    /// Best amplitude Σ f g / Σ g² for the shape at these parameters; `None` if the shape is zero in all cells.
    fn best_amplitude(&self, parameters: &DVector<f64>) -> Option<f64> {
        let sums = self.sums(parameters);
        let best = sums.data[0] / sums.gram[(0, 0)];
        best.is_finite().then_some(best)
    }

    /// Sums for cost and derivatives at these parameters.
    fn sums(&self, parameters: &DVector<f64>) -> Rc<Sums> {
        // The sums do not depend on the amplitude, the first parameter.
        let shape = parameters.rows(1, parameters.len() - 1);
        if let Some((_, sums)) = self.last.borrow().as_ref().filter(|(at, _)| at.rows(1, at.len() - 1) == shape) {
            return Rc::clone(sums);
        }
        let sums = Rc::new(self.cells.sums(&self.shape(parameters)));
        *self.last.borrow_mut() = Some((parameters.clone(), Rc::clone(&sums)));
        sums
    }

    /// Derivatives of the model: a column for each parameter, with the coefficients of the monomials that multiply the
    /// unit Gaussian.
    fn derivatives(&self, shape: &Shape) -> DMatrix<f64> {
        let mut columns = DMatrix::zeros(MONOMIALS.len(), self.parameters());
        let (a, u) = (shape.amplitude, shape.factor);
        // z = W d, d the offset in the coordinates the monomials are taken in; ∂/∂c acts on ξ, and d = R⁻¹ ξ.
        let w = self.cells.rotation.map_or(u, |rotation| u * rotation);
        let xi = self.cells.rotation.unwrap_or_else(Matrix3::identity);
        columns[(0, 0)] = 1.0;
        // ∂/∂c_i = A g (Uᵀ z)_i, z = W d.
        let uw = u.transpose() * w;
        for i in 0..3 {
            for k in 0..3 {
                columns[(1 + k, 1 + i)] = a * uw[(i, k)];
            }
        }
        // ∂/∂U_ij = −A g z_i ξ_j, with z_i ξ_j = Σ_kl W_ik X_jl d_k d_l.
        let mut add = |parameter: usize, i: usize, j: usize, weight: f64| {
            for k in 0..3 {
                for l in 0..3 {
                    columns[(quadratic(k, l), parameter)] -= a * weight * w[(i, k)] * xi[(j, l)];
                }
            }
        };
        for i in 0..3 {
            let parameter = if self.covariance == Covariance::Isotropic { 4 } else { 4 + i };
            add(parameter, i, i, u[(i, i)]);
        }
        if self.covariance == Covariance::Full {
            for (offset, (i, j)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
                add(7 + offset, i, j, 1.0);
            }
        }
        columns
    }
}

impl LeastSquaresProblem for GaussianProblem<'_> {
    type System = NormalEquations;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        /// Part of the norm below which the cost, a difference of sums, is mostly rounding error (√ε is 1.5e-8).
        const SMALL: f64 = 1e-7;
        let shape = self.shape(parameters);
        if !self.admissible(&shape) {
            return f64::NAN;
        }
        let sums = self.sums(parameters);
        let residual = self.norm_squared + shape.amplitude * (shape.amplitude * sums.gram[(0, 0)] - 2.0 * sums.data[0]);
        0.5 * if residual > SMALL * self.norm_squared { residual } else { self.cells.residual(&shape) }
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<NormalEquations> {
        let shape = self.shape(parameters);
        let sums = self.sums(parameters);
        let (data, gram) = (&sums.data, &sums.gram);
        // Σ r φ = A Σ g φ − Σ f φ, and the unit Gaussian is the first of the φ.
        let projections = gram.column(0) * shape.amplitude - DVector::from_row_slice(data);
        let derivatives = self.derivatives(&shape);
        NormalEquations::from_parts(derivatives.tr_mul(&(gram * &derivatives)), derivatives.tr_mul(&projections))
    }
}
