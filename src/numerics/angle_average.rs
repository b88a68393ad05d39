//! Average of a periodic function over an angle.

use std::f64::consts::TAU;

/// Fewest and most points of the average.
const POINTS: [usize; 2] = [16, 1 << 16];
/// Relative change of the average at which the number of points is no longer doubled.
const CONVERGED: f64 = 1e-13;

/// The average over a period of a function of an angle that is nowhere negative, by the trapezoid rule: for an analytic
/// function its error falls exponentially with the number of points (Trefethen and Weideman 2014, SIAM Rev. 56, 385). It
/// begins with about `start` points, of which the narrowest feature should hold one, and doubles them until the average
/// changes by less than 1e-13 of itself.
pub(crate) fn angle_average(start: usize, at: impl Fn(f64) -> f64) -> f64 {
    let mut points = start.clamp(POINTS[0], POINTS[1] / 2).next_power_of_two();
    let sum_of =
        |points: usize, shift: f64| -> f64 { (0..points).map(|k| at(TAU * (k as f64 + shift) / points as f64)).sum() };
    let mut sum = sum_of(points, 0.0);
    while points < POINTS[1] {
        // The points between those that there are.
        let between = sum_of(points, 0.5);
        let change = 0.5 * (between - sum).abs();
        sum += between;
        points *= 2;
        if change <= CONVERGED * sum * 0.5 {
            break;
        }
    }
    sum / points as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_and_wide_functions_are_averaged() {
        for width in [3.0, 0.3, 0.01, 1e-3] {
            // exp((cos φ − 1)/width²) has the average e^{−x} I_0(x), x = 1/width².
            let steepness = f64::powi(width, -2);
            let average = angle_average((TAU / width) as usize, |angle| {
                (-2.0 * steepness * (0.5 * (angle - 1.234)).sin().powi(2)).exp()
            });
            let expected = crate::numerics::bessel::scaled_i0(steepness);
            assert!((average / expected - 1.0).abs() < 1e-10, "{width}: {average} {expected}");
        }
        assert_eq!(angle_average(0, |_| 0.0), 0.0);
    }
}
