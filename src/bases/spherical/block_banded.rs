//! Symmetric matrices of blocks near the diagonal, and their Cholesky factors: what normal equations become where every
//! function overlaps a few neighbours only.

use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, MatMut, MatRef, Par};

/// Ridge added to the diagonal, as a part of each entry. A combination of functions that is large only where the box
/// has no cells must not fit the noise in the cells: with the ridge it stays small. Combinations that the cells see
/// well lose nothing, by the iterations of [`BlockBanded::solve`].
pub(super) const RIDGE: f64 = 1e-5;

/// Smallest ridge, which only keeps the factor of a small matrix clear of rounding.
pub(super) const MIN_RIDGE: f64 = 1e-11;

/// Rounding errors of a block's entries, over its largest diagonal entry and its number of unknowns.
///
/// The blocks are made of sums over the cells by a quadrature, with errors of 1e-14 of the largest entry or so (441
/// sums at degree 10), and the norm of a matrix of such errors grows with the number of unknowns. Harmonics of a high
/// order m that the cells see only near the polar axis have diagonal entries of sin^2m θ, below these errors: a ridge
/// that is a part of such an entry is a part of an error, and the factor amplifies it from shell to shell.
pub(super) const ROUNDING: f64 = 1e-13;

/// A function of which the cells see less than this part of the ridge that rounding asks for is left out.
const LOST_IN_ROUNDING: f64 = 1e-2;

/// An unknown that adds less than this part of itself, squared, to those before it in its block counts as unresolved.
const DEPENDENT: f64 = 1e-10;

/// Diagonal entries below this part of the largest are rounding errors of the others.
pub(super) const SMALL: f64 = 1e-20;

/// A symmetric block-banded matrix, or its lower Cholesky factor in the same place.
pub(super) struct BlockBanded {
    /// `blocks[s][d]` is the block in row s + d and column s.
    blocks: Vec<Vec<Mat<f64>>>,
    /// Which unknowns of each block are left out.
    dropped: Vec<Vec<bool>>,
    /// The ridge that the factor has added to the diagonal.
    ridge: Vec<Vec<f64>>,
}

impl BlockBanded {
    /// From the blocks at and below the diagonal: those of column s in rows s, s + 1, ….
    pub(super) fn new(blocks: Vec<Vec<Mat<f64>>>) -> Self {
        let sizes = |column: &Vec<Mat<f64>>| vec![false; column.first().map_or(0, Mat::nrows)];
        let dropped = blocks.iter().map(sizes).collect();
        Self { blocks, dropped, ridge: Vec::new() }
    }

    /// From a factor's own blocks, and what it has added to the diagonal of the matrix.
    pub(super) fn from_factor(blocks: Vec<Vec<Mat<f64>>>, ridge: Vec<Vec<f64>>) -> Self {
        Self { ridge, ..Self::new(blocks) }
    }

    /// Number of unknowns of the matrix (not the factor) that are hardly independent of those before them in their
    /// block.
    pub(super) fn unresolved(&self) -> usize {
        let in_block = |block: &Mat<f64>| dependent(block, DEPENDENT).into_iter().filter(|dropped| *dropped).count();
        self.blocks.iter().filter_map(|column| column.first()).map(in_block).sum()
    }

    /// L with L Lᵀ the matrix, its diagonal raised by the part `ridge` of each entry, and by no less than the part
    /// `rounding` of the block's largest entry for each of its unknowns. Unknowns whose functions vanish on all cells,
    /// or are lost in rounding, are left out: their solution is zero.
    pub(super) fn factorise(mut self, ridge: f64, rounding: f64) -> Self {
        let diagonals = || self.blocks.iter().filter_map(|column| column.first());
        let diagonal_of = |block: &Mat<f64>| (0..block.nrows()).map(|k| block[(k, k)]).collect::<Vec<f64>>();
        let wholes: Vec<Vec<f64>> = diagonals().map(diagonal_of).collect();
        let largest = wholes.iter().flatten().fold(0.0, |a: f64, b| a.max(*b));
        for s in 0..self.blocks.len() {
            let (before, after) = self.blocks.split_at_mut(s + 1);
            let [diagonal, below @ ..] = before[s].as_mut_slice() else { continue };
            let whole = &wholes[s];
            let lost = rounding * whole.len() as f64 * whole.iter().copied().fold(0.0, f64::max);
            let raised: Vec<f64> = whole.iter().map(|whole| f64::max(ridge * whole, lost)).collect();
            let mut dropped = self.dropped[s].clone();
            for (k, (dropped, raised)) in dropped.iter_mut().zip(&raised).enumerate() {
                *dropped |= whole[k] <= LOST_IN_ROUNDING * lost;
                diagonal[(k, k)] += raised;
            }
            // An unknown whose pivot is lost in rounding is left out too.
            factorise_dense(diagonal, &mut dropped, |k| f64::max(0.1 * raised[k], SMALL * largest));
            for block in below.iter_mut() {
                for (column, _) in dropped.iter().enumerate().filter(|(_, dropped)| **dropped) {
                    block.col_mut(column).fill(0.0);
                }
                solve_lower_triangular_in_place(diagonal.as_ref(), block.transpose_mut(), Par::Seq);
            }
            for (near, left) in below.iter().enumerate() {
                for (far, right) in below.iter().enumerate().skip(near) {
                    let target = after[near][far - near].as_mut();
                    matmul(target, Accum::Add, right.as_ref(), left.transpose(), -1.0, Par::Seq);
                }
            }
            self.dropped[s] = dropped;
            self.ridge.push(raised);
        }
        self
    }

    /// Which unknowns of a block the factor leaves out.
    pub(super) fn dropped(&self, block: usize) -> &[bool] {
        &self.dropped[block]
    }

    /// Solves with the matrix itself, in place; one vector a block.
    pub(super) fn solve(&self, x: &mut [Vec<f64>]) {
        self.solve_raised(x);
        self.iterate(x, 2);
    }

    /// Turns a solution with the ridge, in place, nearly into one without (iterated Tikhonov regularisation).
    ///
    /// A solution x of (A + D) x = b, D the ridge, leaves D x of the right-hand side. Solving for that in turn, x ← x₁
    /// + (A + D)⁻¹ D x, removes the ridge's influence but along the combinations that the equations hardly see.
    pub(super) fn iterate(&self, x: &mut [Vec<f64>], times: usize) {
        let first = x.to_vec();
        for _ in 0..times {
            for (x, ridge) in x.iter_mut().flatten().zip(self.ridge.iter().flatten()) {
                *x *= ridge;
            }
            self.solve_raised(x);
            x.iter_mut().flatten().zip(first.iter().flatten()).for_each(|(x, first)| *x += first);
        }
    }

    /// Solves with L Lᵀ, the matrix with its diagonal raised, in place.
    pub(super) fn solve_raised(&self, x: &mut [Vec<f64>]) {
        self.solve_lower(x);
        self.solve_upper(x);
    }

    /// The ridge that was added to the diagonal.
    pub(super) fn ridge(&self) -> &[Vec<f64>] {
        &self.ridge
    }

    /// Solves L y = x in place.
    fn solve_lower(&self, x: &mut [Vec<f64>]) {
        for s in 0..x.len() {
            for (value, dropped) in x[s].iter_mut().zip(&self.dropped[s]) {
                if *dropped {
                    *value = 0.0;
                }
            }
            solve_lower_triangular_in_place(self.blocks[s][0].as_ref(), column(&mut x[s]), Par::Seq);
            let (before, after) = x.split_at_mut(s + 1);
            let left = MatRef::from_column_major_slice(&before[s], before[s].len(), 1);
            for (block, y) in self.blocks[s][1..].iter().zip(after) {
                matmul(column(y), Accum::Add, block.as_ref(), left, -1.0, Par::Seq);
            }
        }
    }

    /// Solves Lᵀ y = x in place, for x that is zero where unknowns are left out.
    fn solve_upper(&self, x: &mut [Vec<f64>]) {
        for s in (0..x.len()).rev() {
            let (before, after) = x.split_at_mut(s + 1);
            for (block, y) in self.blocks[s][1..].iter().zip(after) {
                let right = MatRef::from_column_major_slice(y, y.len(), 1);
                matmul(column(&mut before[s]), Accum::Add, block.transpose(), right, -1.0, Par::Seq);
            }
            solve_upper_triangular_in_place(self.blocks[s][0].transpose(), column(&mut x[s]), Par::Seq);
        }
    }
}

fn column(x: &mut [f64]) -> MatMut<'_, f64> {
    let n = x.len();
    MatMut::from_column_major_slice_mut(x, n, 1)
}

/// Which unknowns of a dense matrix add no more than a part of themselves, squared, to those before.
fn dependent(matrix: &Mat<f64>, part: f64) -> Vec<bool> {
    let mut dropped = vec![false; matrix.nrows()];
    factorise_dense(&mut matrix.clone(), &mut dropped, |k| part * matrix[(k, k)]);
    dropped
}

/// Cholesky's factor of a dense matrix in its lower triangle. Unknowns that are dropped, or whose pivot is not above
/// `least` and are dropped now, get a one on the diagonal and zeros elsewhere.
fn factorise_dense(matrix: &mut Mat<f64>, dropped: &mut [bool], least: impl Fn(usize) -> f64) {
    let n = matrix.nrows();
    let mut pivot_column = vec![0.0; n];
    for k in 0..n {
        let pivot = matrix[(k, k)];
        // Written so that NaN is dropped too.
        let stays = !dropped[k] && pivot > least(k);
        if !stays {
            dropped[k] = true;
            matrix.col_mut(k).fill(0.0);
            matrix.row_mut(k).fill(0.0);
            matrix[(k, k)] = 1.0;
            continue;
        }
        let root = pivot.sqrt();
        matrix[(k, k)] = root;
        for i in k + 1..n {
            matrix[(i, k)] /= root;
            pivot_column[i] = matrix[(i, k)];
        }
        for j in k + 1..n {
            let factor = pivot_column[j];
            if let Some(target) = matrix.col_mut(j).try_as_col_major_mut() {
                let target = &mut target.as_slice_mut()[j..];
                for (target, left) in target.iter_mut().zip(&pivot_column[j..]) {
                    *target -= factor * left;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AᵀA with A banded in blocks of the sizes given, dense beside it.
    fn matrix(sizes: &[usize]) -> (Mat<f64>, BlockBanded) {
        let n: usize = sizes.iter().sum();
        let starts: Vec<usize> = sizes.iter().scan(0, |sum, size| Some(std::mem::replace(sum, *sum + size))).collect();
        let block_of = |k: usize| starts.iter().rposition(|start| *start <= k).unwrap();
        let dense = Mat::from_fn(n, n, |i, j| {
            let near = block_of(i).abs_diff(block_of(j)) <= 2;
            if i == j {
                9.0 + i as f64
            } else if near {
                ((i + 1) as f64 * (j + 1) as f64).sin()
            } else {
                0.0
            }
        });
        let blocks = (0..sizes.len())
            .map(|s| {
                let rows = s..sizes.len().min(s + 3);
                rows.map(|r| dense.submatrix(starts[r], starts[s], sizes[r], sizes[s]).to_owned()).collect()
            })
            .collect();
        (dense, BlockBanded::new(blocks))
    }

    fn split(x: &[f64], sizes: &[usize]) -> Vec<Vec<f64>> {
        let mut rest = x;
        sizes.iter().map(|&size| rest.split_off(..size).unwrap().to_vec()).collect()
    }

    #[test]
    fn solves_what_a_dense_matrix_says() {
        let sizes = [1, 4, 3, 5, 2];
        let (dense, banded) = matrix(&sizes);
        let expected: Vec<f64> = (0..15).map(|k| (k as f64).cos()).collect();
        let b: Vec<f64> = (0..15).map(|i| (0..15).map(|j| dense[(i, j)] * expected[j]).sum()).collect();
        let mut x = split(&b, &sizes);
        banded.factorise(MIN_RIDGE, 0.0).solve(&mut x);
        for (found, expected) in x.concat().iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-10, "{found} {expected}");
        }
    }

    #[test]
    fn unknowns_that_vanish_get_zero_and_dependent_ones_share() {
        let sizes = [3, 2];
        // The last unknown of the first block repeats the first; the first of the second block is nothing.
        let a = Mat::from_fn(6, 5, |i, j| match j {
            0 | 2 => 1.0,
            3 => 0.0,
            _ => ((i * j * j) as f64 + 0.3).cos(),
        });
        let gram = a.transpose() * &a;
        let block = |r: usize, c: usize| gram.submatrix(3 * r, 3 * c, sizes[r], sizes[c]).to_owned();
        let matrix = BlockBanded::new(vec![vec![block(0, 0), block(1, 0)], vec![block(1, 1)]]);
        assert_eq!(matrix.unresolved(), 2);
        let factor = matrix.factorise(RIDGE, ROUNDING);
        assert_eq!((factor.dropped(0), factor.dropped(1)), ([false; 3].as_slice(), [true, false].as_slice()));
        let b: Vec<f64> = (0..5).map(|i| gram[(i, 0)] + 3.0 * gram[(i, 4)]).collect();
        let mut x = split(&b, &sizes);
        factor.solve(&mut x);
        for (found, wanted) in x.concat().iter().zip([0.5, 0.0, 0.5, 0.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-9, "{x:?}");
        }
    }
}
