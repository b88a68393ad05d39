//! Affine map of velocities that gives particles the moments of a distribution.

use nalgebra::{Matrix3, Vector3};

use super::moments;
use crate::distribution::moments::Moments;
use crate::error::{Error, Result};

/// Part of a variance below which it counts as zero: ten times the rounding errors of its sum.
const SINGULAR: f64 = 1e-14;
/// Rounds of the map. The second corrects the rounding errors of the first.
const ROUNDS: usize = 2;

/// Changes weights and velocities so that density, bulk velocity and pressure are those of `target`: w ← w n/n₀ and
/// v ← u + A (v − u₀), A = L L₀⁻¹, L and L₀ the Cholesky factors of the two pressure tensors over density. Lemons, Winske,
/// Daughton and Albright (2009, J. Comput. Phys. 228, 1391) give particles moments by a linear map of this kind.
pub(super) fn corrected(velocities: &mut [[f64; 3]], weights: &mut [f64], target: &Moments) -> Result<()> {
    let unit = Vector3::from_fn(|i, _| {
        let variance = (target.pressure[i][i] / target.density).abs();
        if variance > 0.0 && variance.is_finite() { variance.sqrt() } else { 1.0 }
    });
    let wanted =
        factor(&variances(target, &unit)).ok_or_else(|| degenerate("its pressure tensor has a negative eigenvalue"))?;
    for _ in 0..ROUNDS {
        let found = moments::of(velocities, weights);
        let sampled = factor(&variances(&found, &unit)).ok_or_else(|| degenerate("the particles overflow"))?;
        let map = mapped(&wanted, &sampled).ok_or_else(|| {
            degenerate("the particles do not spread along every direction of the distribution; take more particles")
        })?;
        let map = Matrix3::from_diagonal(&unit) * map * Matrix3::from_diagonal(&unit.map(f64::recip));
        let (from, to) = (Vector3::from(found.bulk_velocity), Vector3::from(target.bulk_velocity));
        for velocity in velocities.iter_mut() {
            *velocity = (to + map * (Vector3::from(*velocity) - from)).into();
        }
        let scale = target.density / found.density;
        weights.iter_mut().for_each(|weight| *weight *= scale);
    }
    Ok(())
}

fn degenerate(reason: &str) -> Error {
    Error::Degenerate { basis: "particles with the moments of the distribution", reason: reason.to_owned() }
}

/// Pressure tensor over density, in units of `unit` along each axis.
fn variances(moments: &Moments, unit: &Vector3<f64>) -> Matrix3<f64> {
    Matrix3::from_fn(|i, j| moments.pressure[i][j] / moments.density / unit[i] / unit[j])
}

/// Cholesky factor of a positive semidefinite matrix, with a zero column for each direction without variance. `None` if
/// the matrix is indefinite or not finite.
fn factor(matrix: &Matrix3<f64>) -> Option<Matrix3<f64>> {
    let mut factor = Matrix3::zeros();
    for j in 0..3 {
        let rest = matrix[(j, j)] - (0..j).map(|k| factor[(j, k)] * factor[(j, k)]).sum::<f64>();
        let zero = SINGULAR * matrix[(j, j)].abs().max(f64::MIN_POSITIVE);
        if rest.is_nan() || rest.is_infinite() || rest < -zero {
            return None;
        }
        if rest <= zero {
            continue;
        }
        factor[(j, j)] = rest.sqrt();
        for i in j + 1..3 {
            let product: f64 = (0..j).map(|k| factor[(i, k)] * factor[(j, k)]).sum();
            factor[(i, j)] = (matrix[(i, j)] - product) / factor[(j, j)];
        }
    }
    Some(factor)
}

/// L L₀⁻¹ by substitution. `None` if L has a column where that of L₀ is zero.
fn mapped(wanted: &Matrix3<f64>, sampled: &Matrix3<f64>) -> Option<Matrix3<f64>> {
    let mut inverse = Matrix3::zeros();
    for j in 0..3 {
        if sampled[(j, j)] == 0.0 {
            if wanted[(j, j)] > 0.0 {
                return None;
            }
            continue;
        }
        inverse[(j, j)] = 1.0 / sampled[(j, j)];
        for i in j + 1..3 {
            if sampled[(i, i)] > 0.0 {
                let product: f64 = (j..i).map(|k| sampled[(i, k)] * inverse[(k, j)]).sum();
                inverse[(i, j)] = -product / sampled[(i, i)];
            }
        }
    }
    Some(wanted * inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn directions_without_variance_stay_without() {
        let flat = Matrix3::new(4.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 9.0);
        let l = factor(&flat).unwrap();
        assert_relative_eq!(l * l.transpose(), flat, max_relative = 1e-15);
        let round = Matrix3::identity();
        let map = mapped(&l, &round).unwrap();
        assert_relative_eq!(map * map.transpose(), flat, max_relative = 1e-15);
        assert!(mapped(&round, &l).is_none());
        assert!(factor(&-round).is_none() && factor(&(flat * f64::NAN)).is_none());
    }
}
