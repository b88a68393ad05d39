//! The centre and widths that leave the smallest residual.
//!
//! The scale is worth 2 to 10 times in error: a Hermite series wants its functions to reach as far as the distribution
//! does, which the thermal width does not tell. For given centre and widths the best coefficients follow linearly, so
//! only those six numbers are searched (variable projection: Golub and Pereyra 1973, SIAM J. Numer. Anal. 10, 413; in
//! Kaufman's 1975 form, BIT 15, 49). The derivative of ψ_n is made of ψ_{n±1} and ψ_{n±2}, so that everything the
//! search needs, residual, gradient and Gauss-Newton matrix, is read off one transform with two more functions an axis.

use faer::Mat;
use nalgebra::{DMatrix, DVector};

use super::Truncation;
use super::Weight;
use super::axis::{Axis, Orthogonalised};
use super::functions;
use crate::distribution::vdf::Vdf;
use crate::numerics::levenberg_marquardt::{self, LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::separable::{along, transform};
use crate::numerics::summation::paired_sum;

/// Functions beyond the order that derivatives reach.
const BEYOND: usize = 2;

/// A centre and a width per axis of the grid.
pub(super) type CentreAndScales = ([f64; 3], [f64; 3]);

/// Searches from `start`, trying several widths first; only truncations that hold with every term the lower ones
/// (all but [`Truncation::Best`], for which the cube stands in).
pub(super) fn residual_optimal(
    vdf: &Vdf,
    orders: [usize; 3],
    truncation: Truncation,
    start: CentreAndScales,
) -> (CentreAndScales, Report) {
    /// Multiples of the thermal width at which the search looks first: high orders reach far and want narrow functions.
    const WIDTHS: [f64; 7] = [1.0, 0.8, 0.65, 0.5, 0.4, 1.25, 0.3];
    let problem = ResidualProblem::new(vdf, orders, truncation, start);
    let at = |width: f64| DVector::from_fn(6, |k, _| if k < 3 || problem.complete[k - 3] { 0.0 } else { width.ln() });
    let mut best = (f64::INFINITY, at(1.0));
    for width in WIDTHS {
        let parameters = at(width);
        let cost = problem.cost(&parameters);
        if cost < best.0 {
            best = (cost, parameters);
        }
    }
    let settings = LevenbergMarquardt::default().cost_tolerance(1e-8).step_tolerance(1e-6).max_iterations(50);
    let fit = levenberg_marquardt::minimise(&problem, best.1, &settings);
    (problem.centre_and_scales(&fit.parameters), fit.report)
}

/// min ½ ‖f − P f‖² over six parameters, P the projection onto the span of the functions: offsets of the centre in
/// units of the start's widths, then logarithms of the widths over the start's.
struct ResidualProblem<'a> {
    vdf: &'a Vdf,
    factor: f64,
    norm_squared: f64,
    orders: [usize; 3],
    kept: Vec<bool>,
    start: CentreAndScales,
    /// Axes whose functions already hold everything the cells can tell: nothing to search there.
    complete: [bool; 3],
}

impl<'a> ResidualProblem<'a> {
    fn new(vdf: &'a Vdf, asked: [usize; 3], truncation: Truncation, start: CentreAndScales) -> Self {
        let shape = vdf.grid().shape();
        let orders: [usize; 3] = std::array::from_fn(|axis| asked[axis].min(shape[axis]));
        let mut kept = vec![false; orders.iter().product()];
        for position in truncation.positions(asked, orders) {
            kept[position as usize] = true;
        }
        let factor = normalising_factor(vdf.peak());
        let values = vdf.as_slice();
        let norm_squared = paired_sum(values, values, shape[2], |f, _| (f * factor).powi(2));
        let complete = std::array::from_fn(|axis| asked[axis] >= shape[axis]);
        Self { vdf, factor, norm_squared, orders, kept, start, complete }
    }

    fn centre_and_scales(&self, p: &DVector<f64>) -> CentreAndScales {
        let (centre, scales) = self.start;
        (
            std::array::from_fn(|axis| centre[axis] + p[axis] * scales[axis]),
            std::array::from_fn(|axis| scales[axis] * p[3 + axis].exp()),
        )
    }

    /// The tables for these parameters with `beyond` functions more than the orders; `None` where the functions are no
    /// longer independent on the cells, or outside the box altogether.
    fn tables(&self, p: &DVector<f64>, beyond: usize) -> Option<[Orthogonalised; 3]> {
        /// Below this the coefficients would be large and cancel.
        const INDEPENDENT: f64 = 1e-4;
        let (centre, scales) = self.centre_and_scales(p);
        let grid = self.vdf.grid();
        let (lower, upper) = (grid.lower(), grid.upper());
        let tables = [0, 1, 2].map(|axis| {
            let count = self.orders[axis] + if self.complete[axis] { 0 } else { beyond };
            Orthogonalised::new(&Axis::new(grid, axis, centre[axis], scales[axis]), Weight::Symmetric, count)
        });
        let admissible = (0..3).all(|axis| {
            let inside = centre[axis] >= lower[axis] && centre[axis] <= upper[axis];
            self.complete[axis] || inside && tables[axis].independence(self.orders[axis]) > INDEPENDENT
        });
        admissible.then_some(tables)
    }

    /// Coefficients with respect to the orthonormal columns, of the scaled distribution.
    fn project(&self, tables: &[Orthogonalised; 3]) -> Vec<f64> {
        let [x, y, z] = [0, 1, 2].map(|axis| tables[axis].q.as_ref());
        // Scaled on the way: squares of 1e-200 would vanish.
        let z = faer::Scale(self.factor) * z;
        transform(self.vdf.as_slice(), [x.transpose(), y.transpose(), z.transpose()])
    }

    /// ‖f − P f‖² cell by cell, for residuals too small to be seen in the difference of two norms.
    fn direct_residual(&self, tables: &[Orthogonalised; 3], coefficients: &[f64]) -> f64 {
        let back = transform(coefficients, [0, 1, 2].map(|axis| tables[axis].leading(self.orders[axis])));
        let row = self.vdf.grid().shape()[2];
        paired_sum(self.vdf.as_slice(), &back, row, |f, g| (f * self.factor - g).powi(2))
    }
}

impl LeastSquaresProblem for ResidualProblem<'_> {
    type System = NormalEquations;

    fn cost(&self, p: &DVector<f64>) -> f64 {
        /// Part of the norm below which the difference of two norms is mostly rounding.
        const SMALL: f64 = 1e-7;
        let Some(tables) = self.tables(p, 0) else { return f64::NAN };
        let mut coefficients = self.project(&tables);
        for (coefficient, &kept) in coefficients.iter_mut().zip(&self.kept) {
            *coefficient *= f64::from(u8::from(kept));
        }
        let residual = self.norm_squared - coefficients.iter().map(|d| d * d).sum::<f64>();
        0.5 * if residual > SMALL * self.norm_squared { residual } else { self.direct_residual(&tables, &coefficients) }
    }

    fn linearise(&self, p: &DVector<f64>) -> Option<NormalEquations> {
        let tables = self.tables(p, BEYOND)?;
        let wide: [usize; 3] = std::array::from_fn(|axis| tables[axis].q.ncols());
        let projected = self.project(&tables);
        let (_, scales) = self.centre_and_scales(p);

        // What the span holds, and what is left of f in the functions that derivatives reach.
        let mut outside = vec![true; projected.len()];
        let mut kept = self.kept.iter();
        for_cube(wide, |position, term| {
            if (0..3).all(|axis| term[axis] < self.orders[axis]) {
                outside[position] = kept.next() != Some(&true);
            }
        });
        let part = |wanted: bool| -> Vec<f64> {
            projected.iter().zip(&outside).map(|(&d, &out)| if out == wanted { d } else { 0.0 }).collect()
        };
        let (held, left) = (part(false), part(true));

        // ∂(P f)/∂θ outside the span is the derivative of the functions times the coefficients: in the orthonormal
        // columns of one axis the matrix R D R⁻¹, the other axes untouched.
        let mut jacobian = DMatrix::zeros(projected.len(), 6);
        for axis in (0..3).filter(|&axis| !self.complete[axis]) {
            let per_unit = [self.start.1[axis] / scales[axis], 1.0];
            for (kind, unit) in per_unit.into_iter().enumerate() {
                let operator = derivative_operator(&tables[axis], self.orders[axis], wide[axis], kind, unit);
                let moved = along(axis, &held, wide, operator.as_ref());
                for (position, _) in outside.iter().enumerate().filter(|(_, out)| **out) {
                    // The residual is f − P f.
                    jacobian[(position, kind * 3 + axis)] = -moved[position];
                }
            }
        }
        let gradient = jacobian.tr_mul(&DVector::from_vec(left));
        NormalEquations::from_parts(jacobian.tr_mul(&jacobian), gradient)
    }
}

/// R D R⁻¹ for one axis, D the derivative with respect to its centre (kind 0, times `unit`) or the logarithm of its
/// width (kind 1), as a square matrix over the wide range of functions.
fn derivative_operator(tables: &Orthogonalised, order: usize, wide: usize, kind: usize, unit: f64) -> Mat<f64> {
    let mut derivative = Mat::<f64>::zeros(tables.r.ncols(), order);
    for n in 0..order {
        for &(k, factor) in &functions::derivatives(n)[kind] {
            derivative[(k, n)] = factor * unit;
        }
    }
    let product = &tables.r * (derivative * tables.inverse(order));
    Mat::from_fn(wide, wide, |i, j| if j < order { product[(i, j)] } else { 0.0 })
}

/// Calls `visit` with every position of a C-order cube and its three indices.
fn for_cube([a, b, c]: [usize; 3], mut visit: impl FnMut(usize, [usize; 3])) {
    let mut position = 0;
    for i in 0..a {
        for j in 0..b {
            for k in 0..c {
                visit(position, [i, j, k]);
                position += 1;
            }
        }
    }
}
