//! Factor by which a fit is scaled down, so that its error does not exceed that of zero.

use super::scaling::{largest_magnitude, normalising_factor};

/// Factor of `g` as an approximation of `f`: 1 if ‖f − g‖ ≤ ‖f‖, else the minimum f·g/‖g‖² of ‖f − c g‖. Zero if no
/// positive factor lowers ‖f‖, or if `g` is not finite.
///
/// The error of least squares never exceeds ‖f‖ in exact arithmetic. That of sums of f times dual functions, of
/// thresholds in bases that are not orthogonal, and of ill-conditioned solutions may.
pub(crate) fn no_worse_than_nothing(f: &[f64], g: &[f64]) -> f64 {
    /// Squared cosine of the angle between f and g below which it is a rounding error.
    const UNRELATED: f64 = 1e-12;
    let [peak_f, peak_g] = [f, g].map(largest_magnitude);
    if !(peak_f.is_finite() && peak_g.is_finite() && g.iter().all(|g| g.is_finite())) {
        return 0.0;
    }
    // Each is scaled by itself, so that no square underflows or overflows.
    let [unit_f, unit_g] = [peak_f, peak_g].map(normalising_factor);
    let [mut ff, mut fg, mut gg] = [0.0; 3];
    for (f, g) in f.iter().zip(g) {
        let (f, g) = (f * unit_f, g * unit_g);
        ff += f * f;
        fg += f * g;
        gg += g * g;
    }
    // ‖f − g‖² − ‖f‖² = ‖g‖² − 2 f·g.
    let ratio = unit_g / unit_f;
    if gg == 0.0 || gg <= 2.0 * fg * ratio {
        return 1.0;
    }
    if fg <= 0.0 || fg * fg <= UNRELATED * ff * gg {
        return 0.0;
    }
    let multiple = fg / gg * ratio;
    if multiple.is_finite() { multiple } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_fit_is_kept_whole_and_a_bad_one_as_far_as_it_helps() {
        let f = [1.0, 2.0, -1.0, 0.5];
        for unit in [1e-300, 1.0, 1e300] {
            let of = |g: [f64; 4]| no_worse_than_nothing(&f.map(|f| f * unit), &g.map(|g| g * unit));
            assert_eq!(of([0.0; 4]), 1.0);
            assert_eq!(of([1.5, 1.0, -0.5, 0.0]), 1.0);
            approx::assert_relative_eq!(of([4.0, 8.0, -4.0, 2.0]), 0.25, max_relative = 1e-15);
            assert_eq!(of([-1.0, -2.0, 1.0, -0.5]), 0.0);
            assert_eq!(of([2.0, -1.0, 0.0, 0.0]), 0.0);
        }
        assert_eq!(no_worse_than_nothing(&f, &[f64::NAN, 0.0, 0.0, 0.0]), 0.0);
        assert_eq!(no_worse_than_nothing(&f, &[f64::INFINITY; 4]), 0.0);
        approx::assert_relative_eq!(no_worse_than_nothing(&f, &f.map(|f| f * 1e28)), 1e-28, max_relative = 1e-14);
        assert_eq!(no_worse_than_nothing(&[0.0; 4], &[1.0; 4]), 0.0);
    }
}
