//! The Hermite functions of one axis on the cells of a grid, orthogonalised.

use faer::{Mat, MatRef};

use super::{Weight, functions};
use crate::distribution::grid::VelocityGrid;
use crate::numerics::summation::row_sums;

/// One axis of a grid with a centre and a width: everything its tables depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) cells: usize,
    pub(super) lower: f64,
    pub(super) spacing: f64,
    pub(super) centre: f64,
    pub(super) scale: f64,
}

impl Axis {
    pub(super) fn new(grid: &VelocityGrid, axis: usize, centre: f64, scale: f64) -> Self {
        let (cells, lower, spacing) = (grid.shape()[axis], grid.lower()[axis], grid.spacing()[axis]);
        Self { cells, lower, spacing, centre, scale }
    }

    /// The width at which `order` functions centred in the box spread over it: ψ_m reaches to z = √(2m + 1). The factor
    /// makes as many functions as cells as independent as they can be (condition 1 to 16 for 2 to 40 cells).
    pub(super) fn filling_scale(grid: &VelocityGrid, axis: usize, order: usize) -> f64 {
        let cells = grid.shape()[axis] as f64;
        let functions = cells.min(order as f64);
        0.6 * cells * grid.spacing()[axis] / (2.0 * functions + 1.0).sqrt()
    }

    /// (v − centre)/scale at the cell centres.
    pub(super) fn nodes(&self) -> Vec<f64> {
        (0..self.cells).map(|k| (self.lower + (k as f64 + 0.5) * self.spacing - self.centre) / self.scale).collect()
    }

    /// The functions at the cells, one a column.
    pub(super) fn functions(&self, weight: Weight, count: usize) -> Mat<f64> {
        matrix(&functions::evaluate(weight, &self.nodes(), count), self.cells, count)
    }

    /// Derivatives of the functions by the velocity at the cells, one a column.
    pub(super) fn slopes(&self, weight: Weight, count: usize) -> Mat<f64> {
        let mut slopes = functions::slopes(weight, &self.nodes(), count);
        slopes.iter_mut().for_each(|slope| *slope /= self.scale);
        matrix(&slopes, self.cells, count)
    }

    /// Δz times the dual functions, one a row: plain projection by the midpoint rule.
    pub(super) fn projection(&self, weight: Weight, count: usize) -> Mat<f64> {
        let duals = functions::duals(weight, &self.nodes(), count);
        let step = self.spacing / self.scale;
        Mat::from_fn(count, self.cells, |n, k| step * duals[n * self.cells + k])
    }
}

/// ψ = Q R on the cells. The functions ψ are not orthogonal there, least of all where the box cuts them; the columns of
/// Q are. R is upper triangular, so that the first k columns of Q span the first k functions, for every k.
#[derive(Debug)]
pub(super) struct Orthogonalised {
    /// Orthonormal columns, `min(cells, functions)` of them, with one row a cell.
    pub(super) q: Mat<f64>,
    /// Qᵀψ, one column a function.
    pub(super) r: Mat<f64>,
    /// Number of functions, from the first on, each of which adds something to those before it.
    independent: usize,
    /// The smallest part of a function that is independent, on the cells, of those before it. Zero unless Q was found
    /// by [`gram_schmidt`], whose order of operations is the same on every processor.
    least: f64,
}

/// Smallest part of a function that must be independent, on the cells, of those before it. Rounding errors of a
/// coefficient grow by its inverse on every axis: by 1e12 at most on three, which leaves four digits.
pub(super) const INDEPENDENT: f64 = 1e-4;

impl Orthogonalised {
    /// The first `count` functions of the axis.
    pub(super) fn new(axis: &Axis, weight: Weight, count: usize) -> Self {
        // Orthogonalised with the symmetric weight whatever the coefficients' is: the span is the same, and the
        // symmetric functions are nearly orthogonal to begin with.
        let symmetric = axis.functions(Weight::Symmetric, count);
        let one_by_one = gram_schmidt(symmetric.as_ref());
        let reproducible = one_by_one.is_some();
        let (q, r) = one_by_one.unwrap_or_else(|| {
            let q = symmetric.qr().compute_thin_Q();
            let r = q.transpose() * &symmetric;
            (q, r)
        });
        let largest = |k: usize| (0..=k).fold(0.0, |m, i| f64::max(m, r[(i, k)].abs()));
        // Over all velocities the symmetric functions are orthogonal. The asymmetric are not: from each degree to the
        // next the part of a function that is independent of those before it falls by √2.
        let own = |k: usize| if weight == Weight::Symmetric { 1.0 } else { 0.5f64.powf(0.5 * k as f64) };
        let worth = |k: usize| r[(k, k)].abs() * own(k) / largest(k);
        let independent = (0..r.nrows().min(count)).take_while(|&k| worth(k) > INDEPENDENT).count();
        let least = if reproducible { (0..count).map(worth).fold(f64::INFINITY, f64::min) } else { 0.0 };
        let r = match weight {
            Weight::Symmetric => r,
            Weight::Asymmetric => q.transpose() * axis.functions(weight, count),
        };
        let r = Mat::from_fn(r.nrows(), r.ncols(), |i, j| if i <= j { r[(i, j)] } else { 0.0 });
        Self { q, r, independent, least }
    }

    /// Smallest diagonal entry of R's first `count` columns over the largest: near zero where a function adds nothing
    /// on these cells.
    pub(super) fn independence(&self, count: usize) -> f64 {
        let diagonal = || (0..count.min(self.r.nrows())).map(|k| self.r[(k, k)].abs());
        let largest = diagonal().fold(0.0, f64::max);
        diagonal().fold(f64::INFINITY, f64::min) / largest
    }

    /// The smallest part of a function that is independent, on these cells, of those before it. Where it is above
    /// [`INDEPENDENT`], Q is the same to about 1e-12 on every processor, so that a stream may rely on it.
    pub(super) fn least(&self) -> f64 {
        self.least
    }

    /// R⁻¹ of the first `count` functions, as far as they are independent on these cells; the coefficients of those
    /// beyond are zero. Q's columns are nested, so that this is the least squares over the functions that are left.
    pub(super) fn inverse(&self, count: usize) -> Mat<f64> {
        let count_independent = self.independent.min(count);
        let mut inverse = Mat::zeros(count, count);
        for column in 0..count_independent {
            for i in (0..=column).rev() {
                let known: f64 = (i + 1..=column).map(|k| self.r[(i, k)] * inverse[(k, column)]).sum();
                inverse[(i, column)] = (f64::from(u8::from(i == column)) - known) / self.r[(i, i)];
            }
        }
        inverse
    }
}

/// A = Q R by the modified Gram-Schmidt process, every column orthogonalised twice, which is enough (Giraud, Langou and
/// Rozložník 2005, Comput. Math. Appl. 50, 1069). `None` where columns are dependent. Several times faster than
/// Householder's reflections on matrices this small.
fn gram_schmidt(a: MatRef<'_, f64>) -> Option<(Mat<f64>, Mat<f64>)> {
    /// Smallest part of a column's norm that must be left by the two passes, with which the columns are orthogonal to
    /// rounding.
    const LEFT: f64 = 1e-6;
    let (rows, count) = (a.nrows(), a.ncols());
    let mut q = Vec::with_capacity(rows * count);
    let mut r = Mat::zeros(count, count);
    let dot = |x: &[f64], y: &[f64]| row_sums(x.len().min(y.len()), |k| [x[k] * y[k]])[0];
    for k in 0..count {
        let mut column: Vec<f64> = a.col(k).iter().copied().collect();
        let norm = dot(&column, &column).sqrt();
        for _ in 0..2 {
            for (j, q) in q.chunks_exact(rows).enumerate() {
                let part = dot(q, &column);
                r[(j, k)] += part;
                column.iter_mut().zip(q).for_each(|(x, q)| *x -= part * q);
            }
        }
        let left = dot(&column, &column).sqrt();
        // Written so that NaN fails it.
        if !(left > LEFT * norm && left > f64::MIN_POSITIVE.sqrt()) {
            return None;
        }
        r[(k, k)] = left;
        q.extend(column.iter().map(|x| x / left));
    }
    Some((matrix(&q, rows, count), r))
}

/// The matrix that turns coefficients of the symmetric functions into those of the asymmetric with the same centre and
/// width. Upper triangular: both span e^{−z²/2} times the polynomials of each degree.
pub(super) fn symmetric_to_asymmetric(order: usize) -> Mat<f64> {
    // On nodes so many and so wide that sums over them are integrals to rounding.
    let reach = (2.0 * order as f64 + 1.0).sqrt() + 9.0;
    let cells = 40 + 6 * order;
    let axis = Axis { cells, lower: -reach, spacing: 2.0 * reach / cells as f64, centre: 0.0, scale: 1.0 };
    let symmetric = Orthogonalised::new(&axis, Weight::Symmetric, order);
    let asymmetric = Orthogonalised::new(&axis, Weight::Asymmetric, order);
    asymmetric.inverse(order) * symmetric.r
}

fn matrix(columns: &[f64], rows: usize, count: usize) -> Mat<f64> {
    MatRef::from_column_major_slice(columns, rows, count).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut() -> Axis {
        Axis { cells: 23, lower: -1.0, spacing: 0.2, centre: 0.3, scale: 0.9 }
    }

    #[test]
    fn q_is_orthonormal_and_spans_the_functions_also_on_a_cut_box() {
        for weight in [Weight::Symmetric, Weight::Asymmetric] {
            let tables = Orthogonalised::new(&cut(), weight, 9);
            let gram = tables.q.transpose() * &tables.q;
            let back = &tables.q * &tables.r;
            let functions = cut().functions(weight, 9);
            let inverse = tables.inverse(9);
            let unit = &tables.r * &inverse;
            for i in 0..9 {
                for j in 0..9 {
                    let delta = f64::from(u8::from(i == j));
                    assert!((gram[(i, j)] - delta).abs() < 1e-13);
                    assert!((unit[(i, j)] - delta).abs() < 1e-9, "{weight:?} {i} {j} {}", unit[(i, j)]);
                }
                for k in 0..23 {
                    assert!((back[(k, i)] - functions[(k, i)]).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn functions_that_add_nothing_get_no_coefficient() {
        // Functions far narrower than a cell vanish on all cells but one.
        let narrow = Axis { scale: 1e-3, centre: -0.9, ..cut() };
        let tables = Orthogonalised::new(&narrow, Weight::Symmetric, 4);
        assert!(tables.independence(4) < 1e-6);
        let inverse = tables.inverse(4);
        assert!((0..16).all(|k| inverse[(k / 4, k % 4)].is_finite()));
    }
}
