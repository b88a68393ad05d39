//! Bringing data of any magnitude near one before anything is squared or fitted.

/// The power of two that brings `peak` into [1, 2), so that multiplying by it rounds nothing; 1 for zero.
///
/// The factor stays within 2^±1000, so that its reciprocal exists: peaks beyond that come as near one as it allows.
pub(crate) fn normalising_factor(peak: f64) -> f64 {
    if peak == 0.0 || !peak.is_finite() {
        return 1.0;
    }
    let exponent = (peak.log2().floor() as i32).clamp(-1000, 1000);
    f64::powi(2.0, -exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

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
