//! The centre and widths that leave the smallest residual.
//!
//! The scale is worth 2 to 10 times in error: a Hermite series wants its functions to reach as far as the distribution
//! does, which the thermal width does not tell. For given centre and widths the best coefficients follow linearly, so
//! only those six numbers are searched (variable projection: Golub and Pereyra 1973, SIAM J. Numer. Anal. 10, 413; in
//! Kaufman's 1975 form, BIT 15, 49). The derivative of ψ_n is made of ψ_{n±1} and ψ_{n±2}, so that everything the
//! search needs, residual, gradient and Gauss-Newton matrix, is read off one transform with two more functions an axis.

mod written;

use std::cell::RefCell;
use std::rc::Rc;

use faer::Mat;
use nalgebra::{DMatrix, DVector};

use super::Truncation;
use super::Weight;
use super::axis::{Axis, Orthogonalised};
use super::functions;
use crate::distribution::vdf::Vdf;
use crate::numerics::levenberg_marquardt::{self, LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report};
use crate::numerics::scaling::{largest_magnitude, normalising_factor};
use crate::numerics::separable::{along, transform};
use crate::numerics::summation::paired_sum;

/// Functions beyond the order that derivatives reach: ∂ψ_n/∂(log s) holds ψ_{n+2}.
const BEYOND: usize = 2;

/// Ridge added to the Gauss-Newton matrix, over its largest diagonal entry. A parameter without influence (the centre
/// of a distribution that is constant along an axis) then keeps its value, and steps along the others are hardly
/// shorter.
const RIDGE: f64 = 1e-6;

/// Relative residual below which a distribution may have been decoded from a stream of Hermite functions, so that the
/// frame of that stream is worth looking for.
const DECODED_RESIDUAL: f64 = 1e-6;

/// A centre and a width per axis of the grid.
pub(super) type CentreAndScales = ([f64; 3], [f64; 3]);

/// The centre and the widths with the smallest residual, searched from `start` after trying several widths. The
/// residual is that of a truncation that holds with every term the lower ones; the whole cube stands in for
/// [`Truncation::Best`].
pub(super) fn residual_optimal(
    vdf: &Vdf,
    orders: [usize; 3],
    truncation: Truncation,
    start: CentreAndScales,
) -> (CentreAndScales, Report) {
    /// Multiples of the thermal width at which the search looks first. ψ_m reaches to √(2m + 1) widths, so that high
    /// orders want functions narrower than the thermal width.
    const WIDTHS: [f64; 7] = [1.0, 0.8, 0.65, 0.5, 0.4, 1.25, 0.3];
    /// Iterations from each of the three starts.
    const SCOUT_ITERATIONS: usize = 6;
    /// Further iterations from the best place that they lead to.
    const MAX_ITERATIONS: usize = 50;
    let problem = ResidualProblem::new(vdf, orders, truncation, start);
    let at = |width: f64| problem.parameters((start.0, start.1.map(|scale| width * scale)));
    // Two more starts: the whole box, for orders so high that functions of the thermal width would fall between the
    // cells; and the highest peak, since most of ‖f‖² may sit far from the mean of several populations.
    let others = [whole_box(vdf, orders), highest_peak(vdf)].map(|frame| problem.parameters(frame));
    let thermal = WIDTHS.map(at).map(|p| (problem.cost(&p), p)).into_iter().min_by(|a, b| a.0.total_cmp(&b.0));

    // A few steps from each start, then on from the lowest residual that they reach: the start with the lowest residual
    // need not lie in the deepest valley.
    let settings = LevenbergMarquardt::default().cost_tolerance(1e-6).step_tolerance(1e-6);
    let descend = |p: DVector<f64>, most| levenberg_marquardt::minimise(&problem, p, &settings.max_iterations(most));
    let scouted = others.into_iter().chain(thermal.map(|(_, p)| p)).map(|start| descend(start, SCOUT_ITERATIONS));
    let Some(best) = scouted.min_by(|a, b| a.report.cost.total_cmp(&b.report.cost)) else {
        return (start, descend(DVector::zeros(6), 0).report);
    };
    let fit = if best.report.stopped.converged() { best } else { descend(best.parameters, MAX_ITERATIONS) };
    let found = problem.centre_and_scales(&fit.parameters);
    let exact = fit.report.cost <= DECODED_RESIDUAL * DECODED_RESIDUAL * problem.norm_squared;
    let written = if exact { problem.written(found) } else { None };
    (written.unwrap_or(found), fit.report)
}

/// The middle of the box, and functions that reach to its edges.
fn whole_box(vdf: &Vdf, orders: [usize; 3]) -> CentreAndScales {
    let grid = vdf.grid();
    (grid.middle(), std::array::from_fn(|axis| Axis::filling_scale(grid, axis, orders[axis])))
}

/// The cell with the sharpest of the highest peaks of |f|, and the widths of the Gaussian through it and its neighbours
/// along each axis.
///
/// A ring or a ridge has many peaks of the same height, and which sample is the highest is left to rounding. So that
/// the order of the axes does not decide, the peaks within a few percent of the highest are compared by the volume of
/// their Gaussians: the smallest is the one that products of functions describe best (on a ring where it runs between
/// two axes).
fn highest_peak(vdf: &Vdf) -> CentreAndScales {
    /// Part of the highest |f| that a peak must reach. A crest passes within half a cell of the nearest centre, where a
    /// Gaussian two cells wide is 3% lower: e^{−(1/2)²/(2·2²)} = 0.97.
    const PEAK_FRACTION: f64 = 0.97;
    /// Relative difference below which two volumes, heights or distances are equal but for rounding. Of equal volumes
    /// the higher peak counts, and of equal heights the one nearer to the middle of the box.
    const SAME: f64 = 1e-9;
    let (grid, values) = (vdf.grid(), vdf.as_slice());
    let least = PEAK_FRACTION * largest_magnitude(values);
    let mut best: Option<([f64; 3], CentreAndScales)> = None;
    for (cell, _) in values.iter().enumerate().filter(|&(cell, f)| f.abs() >= least && is_peak(vdf, cell)) {
        let (index, scales) = (grid.index_of(cell), widths_at(vdf, cell));
        let in_cells = |axis: usize| scales[axis] / grid.spacing()[axis];
        let from_middle = |axis: usize| (index[axis] as f64 - 0.5 * (grid.shape()[axis] - 1) as f64).powi(2);
        let [volume, distance] = [(0..3).map(in_cells).product::<f64>(), (0..3).map(from_middle).sum()];
        let rank = [volume, least / values[cell].abs(), distance];
        let better = best.as_ref().is_none_or(|(other, _)| {
            let differs = |(a, b): &(&f64, &f64)| (*a - *b).abs() > SAME * a.abs().max(b.abs());
            rank.iter().zip(other).find(differs).is_some_and(|(a, b)| a < b)
        });
        if better {
            best = Some((rank, (std::array::from_fn(|axis| grid.centre(axis, index[axis])), scales)));
        }
    }
    best.map_or_else(|| (grid.middle(), grid.spacing()), |(_, found)| found)
}

/// True if none of the 26 cells around a cell has a larger |f|.
fn is_peak(vdf: &Vdf, cell: usize) -> bool {
    /// Two cells that differ by less are equally high.
    const SAME: f64 = 1e-9;
    let (values, shape, centre) = (vdf.values(), vdf.grid().shape(), vdf.grid().index_of(cell));
    let most = vdf.as_slice()[cell].abs() * (1.0 + SAME);
    let around = |axis: usize| centre[axis].saturating_sub(1)..(centre[axis] + 2).min(shape[axis]);
    around(0).all(|x| around(1).all(|y| around(2).all(|z| values[[x, y, z]].abs() <= most)))
}

/// The widths of the Gaussian through a cell and its neighbours along each axis.
fn widths_at(vdf: &Vdf, cell: usize) -> [f64; 3] {
    let (grid, values) = (vdf.grid(), vdf.as_slice());
    let [_, ny, nz] = grid.shape();
    let index = grid.index_of(cell);
    let strides = [ny * nz, nz, 1];
    std::array::from_fn(|axis| {
        let (k, n, h) = (index[axis], grid.shape()[axis], grid.spacing()[axis]);
        let beside = |inside: bool, position: usize| if inside { values[position].abs() } else { values[cell].abs() };
        let below = beside(k > 0, cell.saturating_sub(strides[axis]));
        let above = beside(k + 1 < n, cell + strides[axis]);
        // ln f falls by h²/2σ² from the peak to either side; at least half a cell and at most the box where it does
        // not.
        let fall = 2.0 * values[cell].abs().ln() - below.ln() - above.ln();
        (h / fall.max(f64::MIN_POSITIVE).sqrt()).clamp(0.5 * h, h * n as f64)
    })
}

/// min ½ ‖f − P f‖² over six parameters, P the projection onto the span of the functions: offsets of the centre in
/// units of the start's widths, then logarithms of the widths over the start's.
struct ResidualProblem<'a> {
    vdf: &'a Vdf,
    factor: f64,
    norm_squared: f64,
    /// The orders that the truncation is of, and those that the problem has.
    asked: [usize; 3],
    truncation: Truncation,
    orders: [usize; 3],
    start: CentreAndScales,
    /// Axes whose functions already hold everything the cells can tell: nothing to search there.
    complete: [bool; 3],
    /// Numbers of orthonormal columns: the orders and what derivatives reach, at most the cells.
    wide: [usize; 3],
    /// The terms outside the span, in order.
    outside: Vec<[usize; 3]>,
    /// First index along each axis that a term outside has where the derivatives of the terms inside reach it.
    reached: [usize; 3],
    /// The projection last made: the solver asks for the derivatives where it has just asked for the cost.
    last: RefCell<Option<Rc<Projected>>>,
}

/// The distribution in the orthonormal columns of every axis, for one set of parameters.
struct Projected {
    parameters: DVector<f64>,
    tables: [Orthogonalised; 3],
    /// The coefficients inside the span, zero outside.
    held: Vec<f64>,
    /// The coefficients outside the span, in the order of the problem's list.
    left: Vec<f64>,
}

impl<'a> ResidualProblem<'a> {
    fn new(vdf: &'a Vdf, asked: [usize; 3], truncation: Truncation, start: CentreAndScales) -> Self {
        let shape = vdf.grid().shape();
        let orders = truncation.resolved(asked, shape);
        let factor = normalising_factor(vdf.peak());
        let values = vdf.as_slice();
        let norm_squared = paired_sum(values, values, shape[2], |f, _| (f * factor).powi(2));
        let complete = std::array::from_fn(|axis| truncation.fills(asked[axis], shape[axis]));
        Self::of_orders(
            orders,
            Self {
                vdf,
                factor,
                norm_squared,
                asked,
                truncation,
                orders,
                start,
                complete,
                wide: orders,
                outside: Vec::new(),
                reached: orders,
                last: RefCell::new(None),
            },
        )
    }

    /// A problem with other orders, no higher than those that its truncation makes of what was asked for.
    fn of_orders(orders: [usize; 3], other: Self) -> Self {
        let shape = other.vdf.grid().shape();
        let wide = std::array::from_fn(|axis| {
            let beyond = if other.complete[axis] { 0 } else { BEYOND };
            shape[axis].min(orders[axis] + beyond)
        });
        let inside = |term: [usize; 3]| {
            (0..3).all(|axis| term[axis] < orders[axis]) && other.truncation.holds(other.asked, term)
        };
        let outside = terms(wide).filter(|&term| !inside(term)).collect();
        // From a cube, the derivative along one axis leads out along that axis only.
        let cube = terms(orders).all(inside);
        let reached = orders.map(|order| if cube { order } else { 0 });
        Self { orders, wide, outside, reached, last: RefCell::new(None), ..other }
    }

    /// The parameters of a frame; axes that are complete stay as they are.
    fn parameters(&self, (centre, scales): CentreAndScales) -> DVector<f64> {
        DVector::from_fn(6, |k, _| match k {
            _ if self.complete[k % 3] => 0.0,
            0..3 => (centre[k] - self.start.0[k]) / self.start.1[k],
            _ => (scales[k - 3] / self.start.1[k - 3]).ln(),
        })
    }

    fn centre_and_scales(&self, p: &DVector<f64>) -> CentreAndScales {
        let (centre, scales) = self.start;
        (
            std::array::from_fn(|axis| centre[axis] + p[axis] * scales[axis]),
            std::array::from_fn(|axis| scales[axis] * p[3 + axis].exp()),
        )
    }

    /// The tables for these parameters; `None` where an axis's centre lies outside the box, or its functions are nearly
    /// dependent on the cells. Complete axes are not checked.
    fn tables(&self, p: &DVector<f64>) -> Option<[Orthogonalised; 3]> {
        /// Smallest independence of the functions along each axis (see [`Orthogonalised::independence`]) with which a
        /// frame is tried. Below it the coefficients would be large and cancel each other.
        const LEAST_INDEPENDENCE: f64 = 1e-2;
        let (centre, scales) = self.centre_and_scales(p);
        let grid = self.vdf.grid();
        let (lower, upper) = (grid.lower(), grid.upper());
        let tables = [0, 1, 2].map(|axis| {
            // `BEYOND` functions more, for the derivatives; only those below the order have to be independent.
            let count = self.orders[axis] + if self.complete[axis] { 0 } else { BEYOND };
            Orthogonalised::new(&Axis::new(grid, axis, centre[axis], scales[axis]), Weight::Symmetric, count)
        });
        let admissible = (0..3).all(|axis| {
            let inside = centre[axis] >= lower[axis] && centre[axis] <= upper[axis];
            self.complete[axis] || inside && tables[axis].independence(self.orders[axis]) > LEAST_INDEPENDENCE
        });
        admissible.then_some(tables)
    }

    fn project(&self, p: &DVector<f64>) -> Option<Rc<Projected>> {
        if let Some(last) = self.last.borrow().as_ref().filter(|last| last.parameters == *p) {
            return Some(Rc::clone(last));
        }
        let tables = self.tables(p)?;
        let [x, y, z] = [0, 1, 2].map(|axis| tables[axis].q.as_ref());
        // Scaled on the way: squares of 1e-200 would vanish.
        let z = faer::Scale(self.factor) * z;
        let mut held = transform(self.vdf.as_slice(), [x.transpose(), y.transpose(), z.transpose()]);
        let [_, my, mz] = self.wide;
        let left = self.outside.iter().map(|[a, b, c]| std::mem::take(&mut held[(a * my + b) * mz + c])).collect();
        let projected = Rc::new(Projected { parameters: p.clone(), tables, held, left });
        *self.last.borrow_mut() = Some(Rc::clone(&projected));
        Some(projected)
    }

    /// ‖f − P f‖² cell by cell, for residuals too small to be seen in the difference of two norms.
    fn direct_residual(&self, projected: &Projected) -> f64 {
        let functions = [0, 1, 2].map(|axis| projected.tables[axis].q.as_ref());
        let back = transform(&projected.held, functions);
        let row = self.vdf.grid().shape()[2];
        paired_sum(self.vdf.as_slice(), &back, row, |f, g| (f * self.factor - g).powi(2))
    }
}

impl LeastSquaresProblem for ResidualProblem<'_> {
    type System = NormalEquations;

    fn cost(&self, p: &DVector<f64>) -> f64 {
        /// Part of the norm below which the difference of two norms is mostly rounding.
        const SMALL: f64 = 1e-7;
        let Some(projected) = self.project(p) else { return f64::NAN };
        let residual = self.norm_squared - projected.held.iter().map(|d| d * d).sum::<f64>();
        0.5 * if residual > SMALL * self.norm_squared { residual } else { self.direct_residual(&projected) }
    }

    fn linearise(&self, p: &DVector<f64>) -> Option<NormalEquations> {
        let projected = self.project(p)?;
        let (_, scales) = self.centre_and_scales(p);
        // ∂(P f)/∂θ outside the span is the derivative of the functions times the coefficients: in the orthonormal
        // columns of one axis the matrix R D R⁻¹, the other axes untouched.
        let mut jacobian = DMatrix::zeros(self.outside.len(), 6);
        for axis in (0..3).filter(|&axis| !self.complete[axis]) {
            let (reached, wide) = (self.reached[axis], self.wide);
            let rows = wide[axis] - reached;
            if rows == 0 {
                continue;
            }
            // Both derivatives at once, those by the width below those by the centre.
            let units = [self.start.1[axis] / scales[axis], 1.0];
            let operators = derivative_operators(&projected.tables[axis], self.orders[axis], units);
            let operator = Mat::from_fn(2 * rows, wide[axis], |i, j| {
                if j < self.orders[axis] { operators[i / rows][(reached + i % rows, j)] } else { 0.0 }
            });
            let mut moved = Vec::new();
            along(axis, &projected.held, wide, operator.as_ref(), &mut moved);
            let mut shape = wide;
            shape[axis] = 2 * rows;
            for (row, &term) in self.outside.iter().enumerate().filter(|(_, term)| term[axis] >= reached) {
                for kind in 0..2 {
                    let mut place = term;
                    place[axis] = term[axis] - reached + kind * rows;
                    // The residual is f − P f.
                    jacobian[(row, kind * 3 + axis)] = -moved[(place[0] * shape[1] + place[1]) * shape[2] + place[2]];
                }
            }
        }
        let mut matrix = jacobian.tr_mul(&jacobian);
        // By symmetry a parameter may have no influence but rounding's: it must not be followed far.
        let ridge = RIDGE * matrix.diagonal().max();
        (0..6).for_each(|k| matrix[(k, k)] += ridge);
        let left = DVector::from_column_slice(&projected.left);
        NormalEquations::from_parts(matrix, jacobian.tr_mul(&left))
    }
}

/// R D R⁻¹ for one axis, D the derivative with respect to its centre and to the logarithm of its width, each times its
/// unit: one row an orthonormal column, one column a function below the order.
fn derivative_operators(tables: &Orthogonalised, order: usize, units: [f64; 2]) -> [Mat<f64>; 2] {
    let inverse = tables.inverse(order);
    [0, 1].map(|kind| {
        let mut derivative = Mat::<f64>::zeros(tables.r.ncols(), order);
        for n in 0..order {
            for &(k, factor) in &functions::derivatives(n)[kind] {
                derivative[(k, n)] = factor * units[kind];
            }
        }
        &tables.r * (derivative * &inverse)
    })
}

/// The indices of every entry of a C-order cube.
fn terms([a, b, c]: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| [i, j, k])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use crate::numerics::levenberg_marquardt::LinearisedSystem;
    use approx::assert_relative_eq;

    #[test]
    fn the_gradient_is_that_of_the_cost() {
        let grid = VelocityGrid::new([24, 20, 22], [-2.4, -2.0, -2.2], [0.2; 3]).unwrap();
        let vdf = Vdf::from_fn(grid, |[x, y, z]| {
            let ring = ((x - 0.2).hypot(y + 0.1) - 0.9) / 0.35;
            (-0.5 * ring * ring - 0.8 * z * z).exp() * (1.2 + x + 0.3 * y * z)
        })
        .unwrap();
        for truncation in [Truncation::Cube, Truncation::TotalDegree, Truncation::HyperbolicCross] {
            let problem = ResidualProblem::new(&vdf, [6, 7, 5], truncation, ([0.1, 0.0, -0.1], [0.5, 0.6, 0.7]));
            let p = DVector::from_vec(vec![0.1, -0.2, 0.15, 0.05, -0.1, 0.2]);
            let system = problem.linearise(&p).unwrap();
            for k in 0..6 {
                let step = 1e-5;
                let at = |sign: f64| {
                    let mut q = p.clone();
                    q[k] += sign * step;
                    problem.cost(&q)
                };
                let difference = (at(1.0) - at(-1.0)) / (2.0 * step);
                assert_relative_eq!(system.gradient()[k], difference, epsilon = 1e-6, max_relative = 1e-6);
            }
        }
    }
}
