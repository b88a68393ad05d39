//! Hermite functions along axes that are not the grid's, where products no longer separate on the cells.
//!
//! Every cell has its own three coordinates, so that a sum over cells is a product of a (cells × m²) and a (cells × m)
//! matrix, taken block by block; the least squares is solved by conjugate gradients on its normal equations.

use std::f64::consts::SQRT_2;

use faer::linalg::matmul::matmul;
use faer::linalg::solvers::DenseSolveCore;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::{Weight, functions};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::numerics::cgls;
use crate::numerics::hermite_functions::gauss_hermite_nodes;
use crate::numerics::scaling::normalising_factor;
use crate::numerics::selection::{gathered, scattered};
use crate::numerics::separable::transform;

/// Cells handled at once.
const BLOCK: usize = 256;
/// Products of two functions handled at once: with the cells of a block 512 KiB, half of a second-level cache of 1 MiB.
const PAIRS: usize = 256;

/// The terms of an expansion in a rotated frame, on the cells of a grid.
pub(super) struct RotatedTerms<'a> {
    grid: &'a VelocityGrid,
    frame: Frame,
    functions: fn(Weight, &[f64], usize) -> Vec<f64>,
    weight: Weight,
    orders: [usize; 3],
    /// The pairs (a, b) that occur in the terms, in order.
    pairs: Vec<[usize; 2]>,
    /// For every term its pair and its third index.
    places: Vec<[usize; 2]>,
}

impl<'a> RotatedTerms<'a> {
    pub(super) fn new(
        grid: &'a VelocityGrid,
        frame: &Frame,
        weight: Weight,
        orders: [usize; 3],
        positions: &[u32],
    ) -> Self {
        let mut pairs: Vec<[usize; 2]> = Vec::new();
        let mut places = Vec::with_capacity(positions.len());
        for &position in positions {
            let position = position as usize;
            let (c, ab) = (position % orders[2], position / orders[2]);
            let pair = [ab / orders[1], ab % orders[1]];
            if pairs.last() != Some(&pair) {
                pairs.push(pair);
            }
            places.push([pairs.len() - 1, c]);
        }
        Self { grid, frame: *frame, functions: functions::evaluate, weight, orders, pairs, places }
    }

    /// The same terms with the dual functions in place of the functions.
    pub(super) fn duals(self) -> Self {
        Self { functions: functions::duals, ..self }
    }

    /// Σ over terms of amplitude times function, at every cell.
    pub(super) fn evaluate(&self, amplitudes: &[f64]) -> Vec<f64> {
        let third = self.orders[2];
        let mut table = vec![0.0; self.pairs.len() * third];
        for (amplitude, [pair, c]) in amplitudes.iter().zip(&self.places) {
            table[pair * third + c] = *amplitude;
        }
        let mut values = vec![0.0; self.grid.cells()];
        let mut sums = vec![0.0; BLOCK * PAIRS.min(self.pairs.len())];
        self.for_blocks(|start, n, [x, y, z]| {
            for (pairs, table) in self.pairs.chunks(PAIRS).zip(table.chunks(PAIRS * third)) {
                let sums = &mut sums[..n * pairs.len()];
                matmul(
                    MatMut::from_column_major_slice_mut(sums, n, pairs.len()),
                    Accum::Replace,
                    MatRef::from_column_major_slice(z, n, third),
                    MatRef::from_column_major_slice(table, third, pairs.len()),
                    1.0,
                    Par::Seq,
                );
                add_products(&mut values[start..start + n], sums, pairs, x, y);
            }
        });
        values
    }

    /// Σ over cells of value times function, for every term.
    pub(super) fn project(&self, values: &[f64]) -> Vec<f64> {
        let third = self.orders[2];
        let table = self.project_pairs(values);
        self.places.iter().map(|[pair, c]| table[pair * third + c]).collect()
    }

    /// Σ over cells of value times function, for every pair and every third index.
    fn project_pairs(&self, values: &[f64]) -> Vec<f64> {
        let third = self.orders[2];
        let mut table = vec![0.0; self.pairs.len() * third];
        let mut products = vec![0.0; BLOCK * PAIRS.min(self.pairs.len())];
        self.for_blocks(|start, n, [x, y, z]| {
            for (pairs, table) in self.pairs.chunks(PAIRS).zip(table.chunks_mut(PAIRS * third)) {
                let products = &mut products[..n * pairs.len()];
                write_products(products, &values[start..start + n], pairs, x, y);
                matmul(
                    MatMut::from_column_major_slice_mut(table, third, pairs.len()),
                    Accum::Add,
                    MatRef::from_column_major_slice(z, n, third).transpose(),
                    MatRef::from_column_major_slice(products, n, pairs.len()),
                    1.0,
                    Par::Seq,
                );
            }
        });
        table
    }

    /// Calls `visit` with the first cell, the number of cells and the functions of each coordinate on every block.
    fn for_blocks(&self, mut visit: impl FnMut(usize, usize, [&[f64]; 3])) {
        let axes = self.frame.axes();
        let whitening: [[f64; 3]; 3] =
            std::array::from_fn(|i| std::array::from_fn(|j| axes[i][j] / self.frame.scales[i]));
        let cells = self.grid.cells();
        let mut xi = [0, 1, 2].map(|_| Vec::with_capacity(BLOCK));
        for start in (0..cells).step_by(BLOCK) {
            let n = BLOCK.min(cells - start);
            xi.iter_mut().for_each(Vec::clear);
            for cell in start..start + n {
                let index = self.grid.index_of(cell);
                let offset: [f64; 3] =
                    std::array::from_fn(|axis| self.grid.centre(axis, index[axis]) - self.frame.centre[axis]);
                for (xi, row) in xi.iter_mut().zip(&whitening) {
                    xi.push(row[0] * offset[0] + row[1] * offset[1] + row[2] * offset[2]);
                }
            }
            let [x, y, z] = [0, 1, 2].map(|axis| (self.functions)(self.weight, &xi[axis], self.orders[axis]));
            visit(start, n, [&x, &y, &z]);
        }
    }
}

/// products = values · x_a · y_b, one column a pair.
fn write_products(products: &mut [f64], values: &[f64], pairs: &[[usize; 2]], x: &[f64], y: &[f64]) {
    let n = values.len();
    let mut first = usize::MAX;
    let mut values_x = [0.0; BLOCK];
    for (products, &[a, b]) in products.chunks_exact_mut(n).zip(pairs) {
        if a != first {
            first = a;
            for ((product, value), x) in values_x.iter_mut().zip(values).zip(&x[a * n..]) {
                *product = value * x;
            }
        }
        for ((product, value), y) in products.iter_mut().zip(&values_x).zip(&y[b * n..]) {
            *product = value * y;
        }
    }
}

/// values += Σ over pairs of sums · x_a · y_b.
fn add_products(values: &mut [f64], sums: &[f64], pairs: &[[usize; 2]], x: &[f64], y: &[f64]) {
    let n = values.len();
    let mut sums = sums.chunks_exact(n);
    for pairs in pairs.chunk_by(|p, q| p[0] == q[0]) {
        let mut sums_y = [0.0; BLOCK];
        for (&[_, b], sums) in pairs.iter().zip(&mut sums) {
            for ((sum, s), y) in sums_y.iter_mut().zip(sums).zip(&y[b * n..]) {
                *sum += s * y;
            }
        }
        for ((value, sum), x) in values.iter_mut().zip(&sums_y).zip(&x[pairs[0][0] * n..]) {
            *value += sum * x;
        }
    }
}

/// The amplitudes of the symmetric functions with the smallest Σ (g − f)² over the cells, and the iterations of
/// conjugate gradients made.
pub(super) fn least_squares(
    vdf: &Vdf,
    frame: &Frame,
    orders: [usize; 3],
    positions: &[u32],
    limits: &cgls::Limits,
) -> (Vec<f64>, usize) {
    /// Part of ‖f‖² below which the solution is refined once by what it leaves: with the normal equations ‖r‖² is a
    /// difference of numbers as large as ‖f‖², and has lost nine of its sixteen digits there.
    const SMALL: f64 = 1e-9;
    let terms = RotatedTerms::new(vdf.grid(), frame, Weight::Symmetric, orders, positions);
    let gram = Gram::new(vdf.grid(), frame, orders);
    let factor = normalising_factor(vdf.peak());
    let values: Vec<f64> = vdf.as_slice().iter().map(|f| f * factor).collect();
    let solve = |values: &[f64]| {
        let norm_squared = values.iter().map(|f| f * f).sum();
        let product = |x: &[f64]| gathered(&gram.product(&scattered(x, positions, orders.iter().product())), positions);
        let (x, iterations, left) = cgls::solve_normal(terms.project(values), norm_squared, product, limits);
        (x, iterations, left < SMALL * norm_squared)
    };
    let (mut amplitudes, mut iterations, small) = solve(&values);
    if small && iterations < limits.iterations {
        let back = terms.evaluate(&amplitudes);
        let left: Vec<f64> = values.iter().zip(&back).map(|(f, g)| f - g).collect();
        let (correction, more, _) = solve(&left);
        amplitudes.iter_mut().zip(&correction).for_each(|(x, dx)| *x += dx);
        iterations += more;
    }
    amplitudes.iter_mut().for_each(|x| *x /= factor);
    (amplitudes, iterations)
}

/// Σ over cells of ψ_a ψ_b ψ_c ψ_a' ψ_b' ψ_c' for all pairs of terms, without summing over cells for each.
///
/// The product of two of m functions is e^{−ξ²} times a polynomial of degree 2m − 2. On 2m − 1 nodes an axis there are
/// weights with which every sum over the cells of such products equals the sum over the product of the nodes: a
/// quadrature exact for this grid and frame. On the nodes products separate, and the cells are visited once for the
/// weights instead of twice in every iteration.
struct Gram {
    /// The functions at the nodes of each axis, one a column.
    functions: [Mat<f64>; 3],
    weights: Vec<f64>,
}

impl Gram {
    fn new(grid: &VelocityGrid, frame: &Frame, orders: [usize; 3]) -> Self {
        // Products of two functions are e^{−ξ²} times polynomials: sums of Hermite functions of √2 ξ. As nodes serve
        // the zeros of the first function beyond them.
        let nodes = orders.map(|m| gauss_hermite_nodes(2 * m - 1));
        let narrow = Frame { scales: frame.scales.map(|scale| scale / SQRT_2), ..*frame };
        let counts = orders.map(|m| 2 * m - 1);
        let pairs = (0..counts[0]).flat_map(|a| (0..counts[1]).map(move |b| [a, b])).collect();
        let products = RotatedTerms { pairs, ..RotatedTerms::new(grid, &narrow, Weight::Symmetric, counts, &[]) };
        let sums = products.project_pairs(&vec![1.0; grid.cells()]);
        let inverses = [0, 1, 2].map(|axis| {
            let count = counts[axis];
            let values = functions::evaluate(Weight::Symmetric, &nodes[axis], count);
            // Rows nodes, columns functions: the weights solve valuesᵀ w = sums.
            MatRef::from_column_major_slice(&values, count, count).transpose().partial_piv_lu().inverse()
        });
        let weights = transform(&sums, [0, 1, 2].map(|axis| inverses[axis].as_ref()));
        let functions = [0, 1, 2].map(|axis| {
            let xi: Vec<f64> = nodes[axis].iter().map(|t| t / SQRT_2).collect();
            let values = functions::evaluate(Weight::Symmetric, &xi, orders[axis]);
            MatRef::from_column_major_slice(&values, counts[axis], orders[axis]).to_owned()
        });
        Self { functions, weights }
    }

    /// The product with a cube of amplitudes.
    fn product(&self, amplitudes: &[f64]) -> Vec<f64> {
        let functions = [0, 1, 2].map(|axis| self.functions[axis].as_ref());
        let mut values = transform(amplitudes, functions);
        values.iter_mut().zip(&self.weights).for_each(|(value, weight)| *value *= weight);
        transform(&values, functions.map(|matrix| matrix.transpose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quadrature_gives_the_sums_over_cells() {
        let grid = VelocityGrid::new([9, 8, 10], [-2.0, -1.0, -2.5], [0.4, 0.5, 0.45]).unwrap();
        let axes = [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
        let frame = Frame::along(axes, [0.2, 0.5, -0.1], [0.7, 0.9, 0.6]).unwrap();
        let orders = [5, 3, 4];
        let positions: Vec<u32> = (0..60).collect();
        let terms = RotatedTerms::new(&grid, &frame, Weight::Symmetric, orders, &positions);
        let gram = Gram::new(&grid, &frame, orders);
        for seed in 0..5 {
            let x: Vec<f64> = (0..60).map(|k| f64::from(k * 7 + seed).sin()).collect();
            let (fast, slow) = (gram.product(&x), terms.project(&terms.evaluate(&x)));
            let largest = slow.iter().fold(0.0, |m, y| f64::max(m, y.abs()));
            for (fast, slow) in fast.iter().zip(&slow) {
                assert!((fast - slow).abs() < 1e-13 * largest, "{fast} {slow}");
            }
        }
    }
}
