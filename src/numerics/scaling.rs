//! Scaling of data near one, before they are squared or fitted.

/// Power of two that brings `peak` into [1, 2); 1 for zero. Multiplication by a power of two is exact.
///
/// The factor is limited to 2^±1000, so that its reciprocal exists.
pub(crate) fn normalising_factor(peak: f64) -> f64 {
    if peak == 0.0 || !peak.is_finite() {
        return 1.0;
    }
    let exponent = (peak.log2().floor() as i32).clamp(-1000, 1000);
    f64::powi(2.0, -exponent)
}

/// Factor of values up to `peak` before they are squared: 1 if squares are well within the range of `f64`, else the
/// power of two that brings the peak near one.
pub(crate) fn unit_of_squares(peak: f64) -> f64 {
    /// Peaks whose squares are within 1e±240, which leaves a factor of 1e60 for sums and for volumes of velocity space.
    const WITHIN: std::ops::Range<f64> = 1e-120..1e120;
    if WITHIN.contains(&peak) { 1.0 } else { 1.0 / normalising_factor(peak) }
}

/// Largest |value| of finite values, zero for an empty slice.
pub(crate) fn largest_magnitude(values: &[f64]) -> f64 {
    // Eight independent maxima, which the compiler vectorises: a single one is a chain of dependent operations.
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let (chunks, rest) = values.as_chunks::<16>();
    let mut lanes = [0.0; 16];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, value.abs());
        }
    }
    lanes.into_iter().chain(rest.iter().map(|value| value.abs())).fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_magnitude_is_found_wherever_it_is() {
        assert_eq!(largest_magnitude(&[]), 0.0);
        for n in [1, 15, 16, 40] {
            for k in 0..n {
                let values: Vec<f64> = (0..n).map(|i| if i == k { -3.0 } else { 0.5 * (i % 5) as f64 }).collect();
                assert_eq!(largest_magnitude(&values), 3.0);
            }
        }
    }

    #[test]
    fn any_magnitude_comes_near_one_and_back_exactly() {
        for peak in [1.0, 3.7e-13, 1e-300, 0.75, 4e22, 1e300] {
            let factor = normalising_factor(peak);
            assert!((0.5..=2.0).contains(&(peak * factor)), "{peak} becomes {}", peak * factor);
            assert_eq!(peak * factor / factor, peak);
        }
        assert_eq!(normalising_factor(0.0), 1.0);
        assert!(normalising_factor(f64::from_bits(1)) * f64::from_bits(1) > 0.0);
        assert!((normalising_factor(f64::MAX) * f64::MAX).powi(4).is_finite());
    }
}
