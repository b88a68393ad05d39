//! The directions along which columns of numbers vary most.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::reborrow::{Reborrow, ReborrowMut};
use faer::{Accum, ColRef, Mat, MatMut, MatRef, Par, Side};

use crate::error::{Error, Result};

use super::NAME;

/// Smallest eigenvalue of a Gram matrix, relative to the largest, that has digits enough. Eigenvalues are squares of
/// singular values, with an error of ε = 2e-16 of the largest: at 1e-9 seven digits are left.
const GRAM_SEES: f64 = 1e-9;
/// Relative rounding error of a singular value, per cell of the longer side.
const ROUNDING: f64 = f64::EPSILON;

/// X ≈ components · scoresᵀ for a matrix X whose columns are samples; both one component after another.
pub(super) struct Principal {
    /// Orthonormal, the most important first.
    pub(super) components: Vec<f64>,
    /// Of all samples.
    pub(super) scores: Vec<f64>,
}

/// The at most `most` components that describe the centred samples best in the least squares; fewer if fewer describe
/// them exactly. Each component's largest entry is positive.
///
/// By the eigenvectors of the Gram matrix of the shorter side where that keeps their digits, else by the thin singular
/// value decomposition.
pub(super) fn principal(x: MatRef<'_, f64>, most: usize) -> Result<Principal> {
    let most = most.min(x.nrows()).min(x.ncols());
    let (found, variances) = by_gram(x, most)?;
    if variances[0] > 0.0 && variances[most - 1] >= GRAM_SEES * variances[0] { Ok(found) } else { thin(x, most) }
}

/// As [`principal`], by the Gram matrix in any case, and all its eigenvalues: what is explained is right to rounding of
/// the whole, and no room is needed but for the result. What components far smaller than the first describe is right
/// too, but they lose their length and their right angles; those that are [`seen`] can be [made orthonormal](orthonormalise).
pub(super) fn by_gram(x: MatRef<'_, f64>, most: usize) -> Result<(Principal, Vec<f64>)> {
    let (features, samples) = (x.nrows(), x.ncols());
    let (directions, variances) = gram_directions(x, samples <= features)?;
    let kept = directions.subcols(0, most.min(directions.ncols()));
    let mut found = if samples <= features {
        // What the directions span is described exactly, whatever the lengths of the products.
        let mut found = Principal { components: product(x, kept), scores: in_order(kept) };
        let columns = found.components.chunks_exact_mut(features).zip(found.scores.chunks_exact_mut(samples));
        for (component, scores) in columns {
            let length = ColRef::from_slice(component).squared_norm_l2().sqrt();
            if length > 0.0 {
                component.iter_mut().for_each(|c| *c /= length);
            }
            scores.iter_mut().for_each(|s| *s *= length);
        }
        found
    } else {
        Principal { components: in_order(kept), scores: product(x.transpose(), kept) }
    };
    set_upright(&mut found, features, samples);
    Ok((found, variances))
}

/// The product of two matrices, column by column.
pub(super) fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Vec<f64> {
    let mut c = vec![0.0; a.nrows() * b.ncols()];
    let columns = MatMut::from_column_major_slice_mut(&mut c, a.nrows(), b.ncols());
    matmul(columns, Accum::Replace, a, b, 1.0, Par::Seq);
    c
}

/// The entries of a matrix, column by column.
pub(super) fn in_order(matrix: MatRef<'_, f64>) -> Vec<f64> {
    matrix.col_iter().flat_map(|column| column.iter().copied()).collect()
}

/// Eigenvectors of XᵀX (or XXᵀ) and their eigenvalues, the largest first.
pub(super) fn gram_directions(x: MatRef<'_, f64>, of_samples: bool) -> Result<(Mat<f64>, Vec<f64>)> {
    let x = if of_samples { x } else { x.transpose() };
    let n = x.ncols();
    let mut gram = Mat::zeros(n, n);
    let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    triangular::matmul(gram.as_mut(), lower, Accum::Replace, x.transpose(), whole, x, whole, 1.0, Par::Seq);
    if !(0..n).all(|k| gram[(k, k)].is_finite()) {
        return Err(unsolved());
    }
    let eigen = gram.self_adjoint_eigen(Side::Lower).map_err(|_| unsolved())?;
    let descending = eigen.U().reverse_cols().to_owned();
    Ok((descending, eigen.S().column_vector().iter().rev().copied().collect()))
}

/// Number of eigenvalues of a Gram matrix, the largest first, that are more than rounding.
pub(super) fn seen(variances: &[f64], longer: usize) -> usize {
    let least = variances.first().map_or(0.0, |largest| largest * ROUNDING * (longer as f64).sqrt());
    variances.iter().take_while(|variance| **variance > least).count()
}

/// Makes columns orthonormal but for rounding, each with respect to those before it (Gram and Schmidt).
///
/// # Errors
/// The index of the first column that is zero or a combination of those before it.
pub(super) fn gram_schmidt(columns: &mut [f64], length: usize) -> std::result::Result<(), usize> {
    /// Part of a column that is left beside those before it, at least: of less, fewer than nine digits are right.
    const MIN_INDEPENDENT_PART: f64 = 1e-7;
    let norm = |column: &[f64]| ColRef::from_slice(column).norm_l2();
    for index in 0..columns.len() / length {
        let (before, rest) = columns.split_at_mut(index * length);
        let column = &mut rest[..length];
        let whole = norm(column);
        // The second time removes what rounding has left.
        for _ in 0..2 {
            for other in before.chunks_exact(length) {
                let part: f64 = column.iter().zip(other).map(|(a, b)| a * b).sum();
                column.iter_mut().zip(other).for_each(|(a, b)| *a -= part * b);
            }
        }
        let left = norm(column);
        // Written so that NaN stops, too.
        let stays = left > MIN_INDEPENDENT_PART * whole;
        if !stays {
            return Err(index);
        }
        column.iter_mut().for_each(|value| *value /= left);
    }
    Ok(())
}

/// Makes nearly orthonormal columns orthonormal: V ← V (3 − VᵀV) / 2, which squares what is missing (Björck and Bowie
/// 1971, SIAM J. Numer. Anal. 8, 358).
pub(super) fn orthonormalise(columns: &mut [f64], length: usize) {
    /// Iterations from an error of 1e-3, the largest of components that are [`seen`], to rounding: each squares it.
    const TIMES: usize = 3;
    let count = columns.len() / length;
    for _ in 0..if count > 0 { TIMES } else { 0 } {
        let x = MatRef::from_column_major_slice(columns, length, count);
        let gram = x.transpose() * x;
        let missing = Mat::from_fn(count, count, |i, j| if i == j { 1.0 } else { 0.0 } - gram[(i, j)]);
        if missing.norm_max() < 1e-14 {
            return;
        }
        let correction = Mat::from_fn(count, count, |i, j| if i == j { 1.0 } else { 0.0 } + 0.5 * missing[(i, j)]);
        turn(columns, length, correction.as_ref());
    }
}

/// Replaces the columns of a matrix by combinations of them, in place.
pub(super) fn turn(columns: &mut [f64], length: usize, combinations: MatRef<'_, f64>) {
    /// Rows that are multiplied together: few enough to stay in cache.
    const BLOCK: usize = 512;
    let (count, kept) = (columns.len() / length, combinations.ncols());
    let mut turned = Mat::zeros(BLOCK.min(length), kept);
    let mut whole = MatMut::from_column_major_slice_mut(columns, length, count);
    for start in (0..length).step_by(BLOCK) {
        let mut block = whole.rb_mut().subrows_mut(start, BLOCK.min(length - start));
        let mut turned = turned.as_mut().subrows_mut(0, block.nrows());
        matmul(turned.rb_mut(), Accum::Replace, block.rb(), combinations, 1.0, Par::Seq);
        block.rb_mut().subcols_mut(0, kept).copy_from(turned);
    }
}

fn thin(x: MatRef<'_, f64>, most: usize) -> Result<Principal> {
    let svd = x.thin_svd().map_err(|_| unsolved())?;
    let values = svd.S().column_vector();
    let least = values[0] * ROUNDING * x.nrows().max(x.ncols()) as f64;
    let rank = values.iter().take(most).take_while(|value| **value > least).count();
    let mut scores = in_order(svd.V().subcols(0, rank));
    for (scores, value) in scores.chunks_exact_mut(x.ncols()).zip(values.iter()) {
        scores.iter_mut().for_each(|score| *score *= value);
    }
    let mut found = Principal { components: in_order(svd.U().subcols(0, rank)), scores };
    set_upright(&mut found, x.nrows(), x.ncols());
    Ok(found)
}

/// Chooses the sign that a decomposition leaves open.
pub(super) fn set_upright(found: &mut Principal, features: usize, samples: usize) {
    let columns = found.components.chunks_exact_mut(features).zip(found.scores.chunks_exact_mut(samples));
    for (component, scores) in columns {
        let largest = component.iter().fold(0.0, |a: f64, &b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            component.iter_mut().chain(scores).for_each(|x| *x = -*x);
        }
    }
}

pub(super) fn unsolved() -> Error {
    Error::Degenerate { basis: NAME, reason: "the eigenvalues of its covariance do not converge".to_owned() }
}
