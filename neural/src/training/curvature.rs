//! The Gauss-Newton matrix of the loss, and steps of Levenberg and Marquardt by it.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::backward::Pass;
use super::pool::Block;
use crate::inference::lanes::POINTS;

/// Blocks whose derivatives are held at a time: 512 points.
const BLOCKS: usize = 8;

/// Most weights of a network whose matrix is made: it takes 12 bytes for each pair of weights.
pub const MOST_CURVED: usize = 2500;

/// H = Jᵀ J, where a row of J has the derivatives of the value at a point by all weights, times the root of the point's
/// weight. Only the lower triangle is filled.
#[derive(Debug, Clone)]
pub struct Curvature {
    matrix: Mat<f32>,
}

impl Curvature {
    /// The matrix of some blocks.
    pub fn of(pass: &Pass<'_>, blocks: &[Block]) -> Self {
        let count = pass.weights.len();
        let mut matrix = Mat::zeros(count, count);
        let mut rows = vec![0.0; count * BLOCKS * POINTS];
        let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
        for blocks in blocks.chunks(BLOCKS) {
            let points = blocks.len() * POINTS;
            let rows = &mut rows[..count * points];
            pass.jacobian(blocks, rows);
            let rows = MatRef::from_row_major_slice(rows, count, points);
            triangular::matmul(
                matrix.as_mut(),
                lower,
                Accum::Add,
                rows,
                whole,
                rows.transpose(),
                whole,
                1.0_f32,
                Par::Seq,
            );
        }
        Self { matrix }
    }

    /// This matrix times `part`, plus another times the rest.
    pub fn blend(&mut self, other: &Self, part: f32) {
        let count = self.matrix.nrows();
        for column in 0..count {
            for row in column..count {
                let mixed = part * self.matrix[(row, column)] + (1.0 - part) * other.matrix[(row, column)];
                self.matrix[(row, column)] = mixed;
            }
        }
    }

    /// The diagonal.
    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.matrix.nrows()).map(|k| f64::from(self.matrix[(k, k)])).collect()
    }

    /// The Cholesky factor of H + damping · D, with D the diagonal, at least a small part of its mean. `None` if the sum is
    /// not positive definite in f64.
    pub fn factor(&self, damping: f64) -> Option<Factor> {
        let count = self.matrix.nrows();
        let scales = self.scales();
        let mut lower = Mat::<f64>::zeros(count, count);
        for column in 0..count {
            for row in column..count {
                lower[(row, column)] = f64::from(self.matrix[(row, column)]);
            }
            lower[(column, column)] += damping * scales[column];
        }
        let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(count, Par::Seq, Default::default()));
        let stack = MemStack::new(&mut memory);
        cholesky_in_place(lower.as_mut(), Default::default(), Par::Seq, stack, Default::default()).ok()?;
        Some(Factor { lower })
    }

    /// The damping matrix D.
    pub fn scales(&self) -> Vec<f64> {
        /// Smallest part of the mean: weights of idle units are held in place by it.
        const SMALLEST_PART: f64 = 1e-4;
        let diagonal = self.diagonal();
        let mean = diagonal.iter().sum::<f64>() / diagonal.len().max(1) as f64;
        diagonal.into_iter().map(|d| d.max(SMALLEST_PART * mean)).collect()
    }
}

/// A Cholesky factor L of H = L Lᵀ, in its lower triangle.
#[derive(Debug, Clone)]
pub struct Factor {
    lower: Mat<f64>,
}

impl Factor {
    /// The solution x of H x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        let count = x.len();
        let mut column = MatMut::from_column_major_slice_mut(&mut x, count, 1);
        solve_lower_triangular_in_place(self.lower.as_ref(), column.as_mut(), Par::Seq);
        solve_upper_triangular_in_place(self.lower.transpose(), column.as_mut(), Par::Seq);
        x
    }

    /// The diagonal of L.
    pub fn diagonal(&self) -> Vec<f64> {
        (0..self.lower.nrows()).map(|k| self.lower[(k, k)]).collect()
    }

    /// A column of L from the diagonal down.
    pub fn column(&self, column: usize) -> &[f64] {
        &self.lower.col_as_slice(column)[column..]
    }
}
