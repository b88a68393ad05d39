//! The directions along which columns of numbers vary most.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par, Side};

use crate::error::{Error, Result};

use super::NAME;

/// A Gram matrix squares the singular values: those below the root of this, of the largest, have lost too many digits.
const GRAM_SEES: f64 = 1e-9;
/// Singular values below this times the longer side, of the largest, are rounding.
const ROUNDING: f64 = f64::EPSILON;

/// X ≈ components · scoresᵀ for a matrix X whose columns are samples.
pub(super) struct Principal {
    /// One orthonormal column a component, the most important first.
    pub(super) components: Mat<f64>,
    /// One row a sample.
    pub(super) scores: Mat<f64>,
}

/// The at most `most` components that describe the centred samples best in the least squares; fewer if fewer describe
/// them exactly. Each component's largest entry is positive.
///
/// By the eigenvectors of the Gram matrix of the shorter side where that keeps their digits, else by the thin singular
/// value decomposition.
pub(super) fn principal(x: MatRef<'_, f64>, most: usize) -> Result<Principal> {
    let (features, samples) = (x.nrows(), x.ncols());
    let most = most.min(features).min(samples);
    let (directions, variances) = gram_directions(x, samples <= features)?;
    let (largest, least) = (variances[0], variances[most - 1]);
    let found = if least >= GRAM_SEES * largest && largest > 0.0 {
        let kept = directions.subcols(0, most);
        if samples <= features {
            // What the directions span is described exactly, whatever the lengths of the products.
            let mut components = x * kept;
            let mut scores = kept.to_owned();
            for k in 0..most {
                let length = components.col(k).norm_l2();
                components.col_mut(k).iter_mut().for_each(|c| *c /= length);
                scores.col_mut(k).iter_mut().for_each(|s| *s *= length);
            }
            Principal { components, scores }
        } else {
            Principal { components: kept.to_owned(), scores: x.transpose() * kept }
        }
    } else {
        thin(x, most)?
    };
    Ok(upright(found))
}

/// Eigenvectors of XᵀX (or XXᵀ) and their eigenvalues, the largest first.
pub(super) fn gram_directions(x: MatRef<'_, f64>, of_samples: bool) -> Result<(Mat<f64>, Vec<f64>)> {
    let x = if of_samples { x } else { x.transpose() };
    let n = x.ncols();
    let mut gram = Mat::zeros(n, n);
    let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    triangular::matmul(gram.as_mut(), lower, Accum::Replace, x.transpose(), whole, x, whole, 1.0, Par::Seq);
    let eigen = gram.self_adjoint_eigen(Side::Lower).map_err(|_| unsolved())?;
    let descending = eigen.U().reverse_cols().to_owned();
    Ok((descending, eigen.S().column_vector().iter().rev().copied().collect()))
}

fn thin(x: MatRef<'_, f64>, most: usize) -> Result<Principal> {
    let svd = x.thin_svd().map_err(|_| unsolved())?;
    let values = svd.S().column_vector();
    let least = values[0] * ROUNDING * x.nrows().max(x.ncols()) as f64;
    let rank = values.iter().take(most).take_while(|value| **value > least).count();
    let scores = Mat::from_fn(x.ncols(), rank, |sample, k| svd.V()[(sample, k)] * values[k]);
    Ok(Principal { components: svd.U().subcols(0, rank).to_owned(), scores })
}

/// The sign that a decomposition leaves open.
fn upright(mut found: Principal) -> Principal {
    for k in 0..found.components.ncols() {
        let largest = found.components.col(k).iter().fold(0.0, |a: f64, &b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            for x in found.components.col_mut(k).iter_mut().chain(found.scores.col_mut(k).iter_mut()) {
                *x = -*x;
            }
        }
    }
    found
}

pub(super) fn unsolved() -> Error {
    Error::Degenerate { basis: NAME, reason: "the eigenvalues of its covariance do not converge".to_owned() }
}
