//! Modified Bessel function of the first kind.

use std::f64::consts::TAU;

/// e^{−|x|} I_0(x), accurate to a few ulp for every finite x.
///
/// Up to 30 by the power series Σ (x²/4)^k / (k!)², all of whose terms are positive; beyond by the asymptotic series
/// (2πx)^{−1/2} Σ Π_{j ≤ k} (2j−1)² / (8jx), whose terms fall below the last digit before they grow (Abramowitz and
/// Stegun 1964, 9.6.12 and 9.7.1).
pub(crate) fn scaled_i0(x: f64) -> f64 {
    let x = x.abs();
    let mut sum = 1.0;
    let mut term = 1.0;
    if x <= 30.0 {
        let quarter = 0.25 * x * x;
        for k in (1..=200).map(f64::from) {
            term *= quarter / (k * k);
            sum += term;
            if term < 1e-17 * sum {
                break;
            }
        }
        return sum * (-x).exp();
    }
    for k in (1..=30).map(f64::from) {
        term *= (2.0 * k - 1.0).powi(2) / (8.0 * k * x);
        sum += term;
        if term < 1e-17 {
            break;
        }
    }
    // Two roots, because 2πx may leave the range of f64.
    sum / (TAU.sqrt() * x.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_average_of_an_exponential_over_an_angle() {
        for x in [0.0, 1e-9, 0.3, 1.0, 4.7, 14.9, 29.99, 30.01, 77.0, 1e3, 2e5] {
            // The trapezoid rule on a period converges faster than any power.
            let points = 64 + 16 * f64::sqrt(x) as usize;
            let sum: f64 =
                (0..points).map(|k| (-2.0 * x * (0.5 * TAU * k as f64 / points as f64).sin().powi(2)).exp()).sum();
            let expected = sum / points as f64;
            assert!((scaled_i0(x) / expected - 1.0).abs() < 1e-14 * (1.0 + x.sqrt()), "{x}: {}", scaled_i0(x));
            assert_eq!(scaled_i0(x), scaled_i0(-x));
        }
        assert!(scaled_i0(f64::MAX) > 0.0);
    }
}
