//! Exact moments of a mixture by an affine map of its components.

use nalgebra::{Matrix3, Vector3};

use super::super::member::Member;
use super::total;

/// Gives a mixture mass 1, mean 0 and, if given, the second moment `variances`: u_k ← A (u_k − u), Σ_k ← A Σ_k Aᵀ with A =
/// L L₀⁻¹, L and L₀ the Cholesky factors of the second moments. Returns the largest entry of A − 1.
///
/// The last step of EM is a plain maximisation, whose moments are those of the particles but for rounding errors of the
/// sums, and but for components that are raised to the minimum width.
pub(super) fn corrected(members: &mut [Member], variances: Option<Matrix3<f64>>) -> f64 {
    let mass = total(members);
    let mean: Vector3<f64> = members.iter().map(|member| member.mean * (member.mass / mass)).sum();
    for member in members.iter_mut() {
        member.mass /= mass;
        member.mean -= mean;
    }
    let found: Matrix3<f64> = members
        .iter()
        .map(|member| (member.covariance + member.mean * member.mean.transpose()) * member.mass)
        .fold(Matrix3::zeros(), |a, b| a + b);
    let map = variances.and_then(|variances| {
        let inverse = found.cholesky()?.l().try_inverse()?;
        Some(variances.cholesky()?.l() * inverse)
    });
    let Some(map) = map else { return 0.0 };
    for member in members {
        member.mean = map * member.mean;
        let covariance = map * member.covariance * map.transpose();
        member.covariance = (covariance + covariance.transpose()) * 0.5;
    }
    (map - Matrix3::identity()).amax()
}
