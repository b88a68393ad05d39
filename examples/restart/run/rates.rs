//! Rates of waves, measured from the energy of a mode.

use super::cases::Case;
use super::plasma::Sample;

/// Rate of a run's wave after the restart, γ in E ∝ exp(γt): of growth by a fit to all samples in the case's window, of
/// damping by a fit to the maxima in it. `None` where there are too few.
pub fn rate(case: &Case, samples: &[Sample]) -> Option<f64> {
    let window = case.window.map(|time| 0.5 * case.end + time);
    if case.frequency().im > 0.0 { growth(samples, window) } else { damping(samples, window) }
}

/// Slope of ½ ln |E_k|² by least squares.
pub fn growth(samples: &[Sample], [from, to]: [f64; 2]) -> Option<f64> {
    let chosen = samples.iter().filter(|sample| (from..=to).contains(&(sample.time + 1e-9)));
    slope(chosen.map(|sample| (sample.time, 0.5 * sample.mode.ln())).collect())
}

/// Slope of ½ ln |E_k|² at its maxima, which are found by parabolas through three samples.
pub fn damping(samples: &[Sample], [from, to]: [f64; 2]) -> Option<f64> {
    let maximum = |three: &[Sample]| {
        let [a, b, c] = [0, 1, 2].map(|k| 0.5 * three[k].mode.ln());
        if !(b > a && b >= c) {
            return None;
        }
        let shift = 0.5 * (a - c) / (a - 2.0 * b + c);
        Some((three[1].time + shift * (three[2].time - three[1].time), b - 0.25 * (a - c) * shift))
    };
    let maxima = samples.windows(3).filter_map(maximum);
    slope(maxima.filter(|(time, _)| (from..=to).contains(time)).collect())
}

/// Slope of a straight line through at least three points.
fn slope(points: Vec<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    if points.len() < 3 || points.iter().any(|(_, value)| !value.is_finite()) {
        return None;
    }
    let time = points.iter().map(|(time, _)| time).sum::<f64>() / count;
    let value = points.iter().map(|(_, value)| value).sum::<f64>() / count;
    let product: f64 = points.iter().map(|(t, v)| (t - time) * (v - value)).sum();
    let square: f64 = points.iter().map(|(t, _)| (t - time).powi(2)).sum();
    Some(product / square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::plasma::{Plasma, Resolution};

    #[test]
    fn rates_of_closed_forms_are_found() {
        let samples = |of: fn(f64) -> f64| -> Vec<Sample> {
            let sample = |k: usize| Sample { time: 0.1 * k as f64, field_energy: 0.0, mode: of(0.1 * k as f64) };
            (0..200).map(sample).collect()
        };
        let growing = growth(&samples(|t| (2.0 * 0.3 * t).exp()), [1.0, 9.0]).unwrap();
        assert!((growing - 0.3).abs() < 1e-12);
        let damped = damping(&samples(|t| (-2.0 * 0.15 * t).exp() * (1.4 * t).cos().powi(2)), [2.0, 18.0]).unwrap();
        assert!((damped / -0.15 - 1.0).abs() < 1e-3, "{damped}");
        assert!(growth(&[], [0.0, 1.0]).is_none() && damping(&samples(|_| 0.0), [0.0, 9.0]).is_none());
    }

    #[test]
    fn every_wave_has_the_rate_of_the_dispersion_relation() {
        // Finer in vx than a quick run, coarser across, where nothing happens.
        let resolution = Resolution { space: 16, parallel: 96, across: 4, step: 0.1 };
        for (name, window, tolerance) in
            [("landau", [4.0, 20.0], 5e-3), ("two-stream", [2.0, 20.0], 5e-3), ("bump-on-tail", [2.0, 20.0], 5e-3)]
        {
            let case = Case::named(name).unwrap();
            let theory = case.frequency().im;
            let samples = Plasma::new(case, &resolution).unwrap().run(resolution.steps(window[1]));
            let found = if theory > 0.0 { growth(&samples, window) } else { damping(&samples, window) }.unwrap();
            assert!((found / theory - 1.0).abs() < tolerance, "{name}: {found}, not {theory}");
        }
    }
}
