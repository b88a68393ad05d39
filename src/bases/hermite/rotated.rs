//! Hermite functions along axes that are not the grid's, where products no longer separate on the cells.
//!
//! Every cell has its own three coordinates, so that a sum over cells is a product of a (cells × m²) and a (cells × m)
//! matrix, taken block by block; the least squares is solved by conjugate gradients on such products.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::{Weight, functions};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// Cells handled at once: the block's products of two functions stay in the second-level cache.
const BLOCK: usize = 256;

/// The terms of an expansion in a rotated frame, on the cells of a grid.
pub(super) struct RotatedTerms<'a> {
    grid: &'a VelocityGrid,
    frame: &'a Frame,
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
        frame: &'a Frame,
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
        Self { grid, frame, functions: functions::evaluate, weight, orders, pairs, places }
    }

    /// The dual functions in place of the functions.
    pub(super) fn duals(
        grid: &'a VelocityGrid,
        frame: &'a Frame,
        weight: Weight,
        orders: [usize; 3],
        positions: &[u32],
    ) -> Self {
        Self { functions: functions::duals, ..Self::new(grid, frame, weight, orders, positions) }
    }

    /// Σ over terms of amplitude times function, at every cell.
    pub(super) fn evaluate(&self, amplitudes: &[f64]) -> Vec<f64> {
        let third = self.orders[2];
        let mut table = vec![0.0; self.pairs.len() * third];
        for (amplitude, [pair, c]) in amplitudes.iter().zip(&self.places) {
            table[pair * third + c] = *amplitude;
        }
        let table = MatRef::from_column_major_slice(&table, third, self.pairs.len());
        let mut values = vec![0.0; self.grid.cells()];
        let mut sums = vec![0.0; BLOCK * self.pairs.len()];
        self.for_blocks(|start, n, [x, y, z]| {
            let sums = &mut sums[..n * self.pairs.len()];
            matmul(
                MatMut::from_column_major_slice_mut(sums, n, self.pairs.len()),
                Accum::Replace,
                MatRef::from_column_major_slice(z, n, third),
                table,
                1.0,
                Par::Seq,
            );
            let values = &mut values[start..start + n];
            for (sums, [a, b]) in sums.chunks_exact(n).zip(&self.pairs) {
                let (x, y) = (&x[a * n..][..n], &y[b * n..][..n]);
                for k in 0..n {
                    values[k] += sums[k] * x[k] * y[k];
                }
            }
        });
        values
    }

    /// Σ over cells of value times function, for every term.
    pub(super) fn project(&self, values: &[f64]) -> Vec<f64> {
        let third = self.orders[2];
        let mut table = vec![0.0; self.pairs.len() * third];
        let mut products = vec![0.0; BLOCK * self.pairs.len()];
        self.for_blocks(|start, n, [x, y, z]| {
            let values = &values[start..start + n];
            let products = &mut products[..n * self.pairs.len()];
            for (products, [a, b]) in products.chunks_exact_mut(n).zip(&self.pairs) {
                let (x, y) = (&x[a * n..][..n], &y[b * n..][..n]);
                for k in 0..n {
                    products[k] = values[k] * x[k] * y[k];
                }
            }
            matmul(
                MatMut::from_column_major_slice_mut(&mut table, third, self.pairs.len()),
                Accum::Add,
                MatRef::from_column_major_slice(z, n, third).transpose(),
                MatRef::from_column_major_slice(products, n, self.pairs.len()),
                1.0,
                Par::Seq,
            );
        });
        self.places.iter().map(|[pair, c]| table[pair * third + c]).collect()
    }

    /// Calls `visit` with the first cell, the number of cells and the functions of each coordinate on every block.
    fn for_blocks(&self, mut visit: impl FnMut(usize, usize, [&[f64]; 3])) {
        let [_, ny, nz] = self.grid.shape();
        let axes = self.frame.axes();
        let whitening: [[f64; 3]; 3] =
            std::array::from_fn(|i| std::array::from_fn(|j| axes[i][j] / self.frame.scales[i]));
        let cells = self.grid.cells();
        let mut xi = [0, 1, 2].map(|_| Vec::with_capacity(BLOCK));
        for start in (0..cells).step_by(BLOCK) {
            let n = BLOCK.min(cells - start);
            xi.iter_mut().for_each(Vec::clear);
            for cell in start..start + n {
                let index = [cell / (ny * nz), cell / nz % ny, cell % nz];
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

/// The distribution on a grid along the frame's axes, its origin at the frame's centre, by trilinear interpolation and
/// zero outside the box: good enough to search centre and widths on, where only their rough place matters.
pub(super) fn along_frame(vdf: &Vdf, frame: &Frame) -> Result<Vdf> {
    /// Most cells along an axis of the new grid.
    const MOST: f64 = 64.0;
    let grid = vdf.grid();
    let (lower, upper, shape) = (grid.lower(), grid.upper(), grid.shape());
    let axes = frame.axes();
    let unit = Frame { scales: [1.0; 3], ..*frame };
    let corners = (0..8).map(|corner| std::array::from_fn(|j| if corner >> j & 1 == 0 { lower[j] } else { upper[j] }));
    let mut reach = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
    for corner in corners {
        for (reach, xi) in reach.iter_mut().zip(unit.to_frame(corner)) {
            *reach = [reach[0].min(xi), reach[1].max(xi)];
        }
    }
    let finest = (0..3).filter(|&j| shape[j] > 1).fold(f64::INFINITY, |h, j| f64::min(h, grid.spacing()[j]));
    let cells = reach.map(|[low, high]| ((high - low) / finest).ceil().clamp(1.0, MOST));
    let along = VelocityGrid::from_edges(cells.map(|n| n as usize), reach.map(|r| r[0]), reach.map(|r| r[1]))?;
    let values = vdf.as_slice();
    Vdf::from_fn(along, |w| {
        let mut base = [0isize; 3];
        let mut part = [0.0; 3];
        for j in 0..3 {
            let v = frame.centre[j] + (0..3).map(|i| axes[i][j] * w[i]).sum::<f64>();
            let position = (v - lower[j]) / grid.spacing()[j] - 0.5;
            base[j] = position.floor() as isize;
            part[j] = position - position.floor();
        }
        let mut sum = 0.0;
        for corner in 0..8usize {
            let step: [usize; 3] = std::array::from_fn(|j| corner >> j & 1);
            let index: [isize; 3] = std::array::from_fn(|j| base[j].saturating_add(step[j] as isize));
            if (0..3).all(|j| index[j] >= 0 && (index[j] as usize) < shape[j]) {
                let weight: f64 = (0..3).map(|j| if step[j] == 0 { 1.0 - part[j] } else { part[j] }).product();
                let [x, y, z] = index.map(|k| k as usize);
                sum += weight * values[(x * shape[1] + y) * shape[2] + z];
            }
        }
        sum
    })
}
