//! Moments of particles by compensated sums.

use crate::distribution::moments::Moments;
use crate::numerics::scaling::{largest_magnitude, normalising_factor};
use crate::numerics::summation::{CompensatedSums, row_sums};

/// Particles whose sums are added without compensation: the rounding errors of so few stay at a few ulp.
const RUN: usize = 256;

/// N compensated sums Σ w term(v).
fn sums<const N: usize>(
    velocities: &[[f64; 3]],
    weights: &[f64],
    factor: f64,
    term: impl Fn([f64; 3]) -> [f64; N],
) -> [f64; N] {
    let mut total = CompensatedSums::zero();
    for (velocities, weights) in velocities.chunks(RUN).zip(weights.chunks(RUN)) {
        total.add(row_sums(velocities.len(), |k| {
            let weight = weights[k] * factor;
            term(velocities[k]).map(|term| weight * term)
        }));
    }
    total.values()
}

/// Moments of particles. Velocities are counted from the mean, and weights are scaled near one, so that neither fast
/// drifts nor extreme weights cost digits.
pub(super) fn of(velocities: &[[f64; 3]], weights: &[f64]) -> Moments {
    let factor = normalising_factor(largest_magnitude(weights));
    let [first, ..] = velocities else {
        return Moments { density: 0.0, bulk_velocity: [0.0; 3], pressure: [[0.0; 3]; 3], heat_flux: [0.0; 3] };
    };
    let from = |origin: [f64; 3], v: [f64; 3]| [v[0] - origin[0], v[1] - origin[1], v[2] - origin[2]];
    let [n, x, y, z] = sums(velocities, weights, factor, |v| {
        let [x, y, z] = from(*first, v);
        [1.0, x, y, z]
    });
    let drift = [first[0] + x / n, first[1] + y / n, first[2] + z / n];
    // The rounding of `drift` leaves a small mean, which is subtracted from the second moments.
    let [x, y, z, xx, xy, xz, yy, yz, zz, qx, qy, qz] = sums(velocities, weights, factor, |v| {
        let [x, y, z] = from(drift, v);
        let half = 0.5 * (x * x + y * y + z * z);
        [x, y, z, x * x, x * y, x * z, y * y, y * z, z * z, x * half, y * half, z * half]
    });
    let rest = [x / n, y / n, z / n];
    let upper = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]];
    let unit = 1.0 / factor;
    Moments {
        density: n * unit,
        bulk_velocity: std::array::from_fn(|i| drift[i] + rest[i]),
        pressure: std::array::from_fn(|i| std::array::from_fn(|j| (upper[i][j] - n * rest[i] * rest[j]) * unit)),
        heat_flux: [qx, qy, qz].map(|q| q * unit),
    }
}

/// Effective number (Σ w)² / Σ w².
pub(super) fn effective_number(weights: &[f64]) -> f64 {
    let factor = normalising_factor(largest_magnitude(weights));
    let (mut sum, mut squares) = (0.0, 0.0);
    for weight in weights {
        let weight = weight * factor;
        sum += weight;
        squares += weight * weight;
    }
    sum * sum / squares
}
