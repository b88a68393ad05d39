//! Coding of sequences of real numbers, to the last bit or quantised.

use super::coder::{Coder, malformed};
use super::models::{Integers, Reals};
use crate::error::{Error, Result};

/// Precision of the numbers in a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolution {
    /// Exact to the last bit.
    Exact,
    /// Rounded. The number s is a change of the distribution, as the root of the sum of squares over the cells [s³ m⁻⁶]:
    /// each coefficient is rounded to multiples of the change that moves the distribution by s. For the amplitude of a
    /// function that is orthonormal over the cells, that is s itself. For a coefficient that moves the distribution by w
    /// when it changes by 1, it is s / w.
    Step(f64),
}

impl Resolution {
    /// The step, if there is one.
    #[must_use]
    pub fn step(self) -> Option<f64> {
        match self {
            Self::Exact => None,
            Self::Step(step) => Some(step),
        }
    }

    /// Codes a position or a length: to the last bit, or in single precision, in units from an origin.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream) for one that is not finite, or that is not a
    /// number of single precision where one is expected.
    pub(crate) fn place(
        self,
        coder: &mut Coder<'_>,
        model: &mut Reals,
        value: f64,
        origin: f64,
        unit: f64,
    ) -> Result<f64> {
        match self {
            Self::Exact => coder.real(model, value),
            Self::Step(_) => {
                let units = coder.real(model, single(value, origin, unit))?;
                if f64::from(units as f32) != units {
                    return Err(malformed(format!("{units:e}, which is not of single precision")));
                }
                Ok(origin + units * unit)
            }
        }
    }
}

/// Distance of a value from an origin in units, in single precision.
pub(crate) fn single(value: f64, origin: f64, unit: f64) -> f64 {
    f64::from(((value - origin) / unit) as f32)
}

/// Adaptive models of real numbers of several kinds.
#[derive(Debug, Clone)]
pub struct Numbers {
    exact: Vec<Reals>,
    rounded: Vec<Integers>,
}

impl Numbers {
    /// Models of this number of kinds.
    #[must_use]
    pub fn new(kinds: usize) -> Self {
        Self { exact: vec![Reals::default(); kinds.max(1)], rounded: vec![Integers::default(); kinds.max(1)] }
    }

    /// Codes a number of kind `kind` (or of the last kind, if there are fewer): to the last bit or, if a step is given,
    /// rounded to its nearest multiple, at most 2⁶² in magnitude.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a number that is not finite or a step that is
    /// not positive and finite; [`Error::MalformedStream`](crate::Error::MalformedStream) for a stream that holds a
    /// number beyond the range of `f64`.
    pub fn code(&mut self, coder: &mut Coder<'_>, kind: usize, value: f64, step: Option<f64>) -> Result<f64> {
        let kind = kind.min(self.exact.len() - 1);
        match step {
            None => coder.real(&mut self.exact[kind], value),
            Some(step) => {
                let refused = |name, value: f64, allowed: &str| {
                    Err(Error::InvalidParameter { name, value: value.to_string(), allowed: allowed.to_owned() })
                };
                if !(step > 0.0 && step.is_finite()) {
                    // The step may follow from numbers in the stream, which may be damaged.
                    let read = || Err(malformed(format!("a step of {step}")));
                    return if coder.is_reading() { read() } else { refused("step", step, "a positive number") };
                }
                if !(value.is_finite() || coder.is_reading()) {
                    return refused("number", value, "a finite number");
                }
                let read = coder.integer(&mut self.rounded[kind], multiple(value, step))? as f64 * step;
                if read.is_finite() { Ok(read) } else { Err(malformed("a number beyond the range of f64")) }
            }
        }
    }
}

/// Maximum magnitude of a number in steps: 2⁶² less the spacing of f64 there, so that the cast to an integer is in
/// range.
pub(crate) const MOST_MULTIPLE: f64 = (1_u64 << 62) as f64 - 1024.0;

/// Multiple of a step nearest to a value, at most [`MOST_MULTIPLE`] in magnitude.
#[must_use]
pub(crate) fn multiple(value: f64, step: f64) -> i64 {
    (value / step).round().clamp(-MOST_MULTIPLE, MOST_MULTIPLE) as i64
}

/// Returns a function that divides numbers by a step, by multiplication with its reciprocal.
pub(crate) fn in_steps(step: f64) -> impl Fn(f64) -> f64 + Copy {
    // The reciprocal of a subnormal step overflows: both factors are scaled.
    let scale = if step < 1e-290 { f64::powi(2.0, 200) } else { 1.0 };
    let inverse = (step * scale).recip();
    move |value| (value * scale) * inverse
}

/// Maximum distance from a multiple of a step, in steps, of a number that was rounded to it, reconstructed on the
/// cells and transformed back. Of arbitrary numbers two in a thousand are as near.
pub(crate) const NEAR_MULTIPLE: f64 = 1e-3;

/// Index of the first of some steps, in descending order, of which all numbers are multiples. If there is none: of the
/// step of which most numbers are nearly multiples, as is the case if a smooth function was added to the rounded one.
pub(crate) fn step_of_multiples(numbers: &[f64], steps: &[f64]) -> Option<usize> {
    /// Number of probes, numbers on which each step is tested.
    const PROBES: usize = 192;
    /// Number of probes that are tested first: they refute nearly every step.
    const FIRST: usize = 16;
    /// Minimum number of probes. Of 24 arbitrary numbers, of which a fifth are near multiples, 60% are near with a
    /// probability of 1e-5.
    const MIN_PROBES: usize = 24;
    /// Minimum part of the probes that must be near multiples; more than half of the probes must not be near zero.
    const MIN_PART_NEAR: f64 = 0.6;
    /// Maximum distance of such a probe from a multiple, in steps: a fifth of arbitrary numbers are as near.
    const MAX_DISTANCE: f64 = 0.1;
    /// Range of the probes, in finest steps: the smooth function changes larger numbers by more than a step.
    const SMALL: [f64; 2] = [2.0, 64.0];
    let finest = *steps.last()?;
    let (mut largest, mut probes) = (0.0, Vec::new());
    for chunk in numbers.chunks(8) {
        // Most chunks have no probe; their maximum, by vector instructions, shows it.
        let here = chunk.iter().fold(0.0, |largest, x| if x.abs() > largest { x.abs() } else { largest });
        largest = f64::max(largest, here);
        if here >= SMALL[0] * finest {
            probes.extend(chunk.iter().map(|x| x.abs()).filter(|x| (SMALL[0]..SMALL[1]).contains(&(x / finest))));
        }
    }
    let maybe = MaybeMultiples::with_largest(numbers, largest);
    let every = probes.len().div_ceil(PROBES).max(1);
    let probes: Vec<f64> = probes.into_iter().step_by(every).collect();
    let median = median(&probes);
    let mut best: Option<(usize, f64)> = None;
    for (index, &step) in steps.iter().enumerate() {
        let in_steps = in_steps(step);
        let off = |x: &f64| (in_steps(*x) - in_steps(*x).round()).abs();
        if in_steps(largest) >= 0.5 && maybe.are_multiples(step) {
            return Some(index);
        }
        let near = |probes: &[f64]| {
            probes.iter().filter(|x| off(x) <= MAX_DISTANCE).count() as f64 >= MIN_PART_NEAR * probes.len() as f64
        };
        if probes.len() >= MIN_PROBES && in_steps(median) >= 0.5 && near(&probes[..FIRST]) && near(&probes) {
            let sum: f64 = probes.iter().map(|x| off(x).min(MAX_DISTANCE)).sum();
            if best.is_none_or(|(_, least)| sum < least) {
                best = Some((index, sum));
            }
        }
    }
    best.map(|(index, _)| index)
}

/// Numbers that are tested for being multiples of steps.
pub(crate) struct MaybeMultiples<'a> {
    numbers: &'a [f64],
    /// The largest magnitude.
    pub largest: f64,
    /// Large ones, which are tested first: they refute nearly every step.
    large: Vec<f64>,
}

impl<'a> MaybeMultiples<'a> {
    pub(crate) fn of(numbers: &'a [f64]) -> Self {
        let largest = |largest: f64, x: &f64| if x.abs() > largest { x.abs() } else { largest };
        Self::with_largest(numbers, numbers.iter().fold(0.0, largest))
    }

    fn with_largest(numbers: &'a [f64], largest: f64) -> Self {
        const FIRST: usize = 16;
        let large = numbers.iter().filter(|x| x.abs() > 0.01 * largest).take(FIRST).copied().collect();
        Self { numbers, largest, large }
    }

    /// True if all numbers are multiples of a step, as zeros and numbers far below it are.
    pub(crate) fn are_multiples(&self, step: f64) -> bool {
        let in_steps = in_steps(step);
        if in_steps(self.largest) <= NEAR_MULTIPLE {
            return true;
        }
        let is_multiple = |x: &f64| (in_steps(*x) - in_steps(*x).round()).abs() <= NEAR_MULTIPLE;
        is_multiple(&self.largest) && self.large.iter().all(is_multiple) && self.numbers.iter().all(is_multiple)
    }
}

/// Median of the numbers.
fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Estimated error of quantising amplitudes of orthonormal functions with a dead zone, as rate-distortion optimisation
/// does.
///
/// An amplitude below the threshold, in steps, becomes zero and contributes its square. The others contribute the mean
/// square of a uniform error, 1/12 = 0.083 squared steps, and a little more for numbers rounded towards zero.
#[must_use]
pub(crate) fn dead_zone_error(amplitudes: &[f64], step: f64) -> f64 {
    /// Square of the half width of the dead zone: rate-distortion optimisation ([`Rounding`](super::Rounding)) takes
    /// numbers below about 0.65 steps to zero.
    const DEAD_ZONE: f64 = 0.65 * 0.65;
    const MEAN_SQUARE: f64 = 0.088;
    let in_steps = in_steps(step);
    let error = |amplitude: &f64| {
        let square = in_steps(*amplitude) * in_steps(*amplitude);
        if square < DEAD_ZONE { square } else { MEAN_SQUARE }
    };
    // Eight independent sums, so that the compiler uses vector instructions.
    let mut sums = [0.0; 8];
    for amplitudes in amplitudes.chunks(8) {
        sums.iter_mut().zip(amplitudes).for_each(|(sum, amplitude)| *sum += error(amplitude));
    }
    step * sums.iter().sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_steps_are_steps() {
        for step in [5e-324, 1e-310, 1e-290, 1.0, 1e300] {
            approx::assert_relative_eq!(in_steps(step)(3.0 * step), 3.0, max_relative = 1e-15);
            approx::assert_relative_eq!(dead_zone_error(&[0.0; 3], step), 0.0);
        }
    }

    #[test]
    fn the_step_of_rounded_numbers_is_found_again() {
        let steps: Vec<f64> = (0..500).map(|k| 2f64.powf(-f64::from(k) / 64.0)).collect();
        for k in [0, 1, 77, 300] {
            let noise = |i: i32| 1e-5 * f64::from(i % 7 - 3);
            let numbers: Vec<f64> = (0..900).map(|i| steps[k] * (f64::from(i % 11 % 4) + noise(i))).collect();
            assert_eq!(step_of_multiples(&numbers, &steps), Some(k));
        }
        // What is smooth moves all numbers a little, and some a lot.
        let moved = |i: i32| 0.03 * f64::from(i).sin() + if i % 4 == 0 { 0.4 } else { 0.0 };
        let numbers: Vec<f64> = (0..900).map(|i| steps[77] * (f64::from(i % 11 % 4) + moved(i))).collect();
        assert_eq!(step_of_multiples(&numbers, &steps[..200]), Some(77));
        let hashed = |i: u64| ((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let rest: Vec<f64> = (0..900).map(|i| (hashed(i) >> 40) as f64 / (1 << 24) as f64).collect();
        assert_eq!(step_of_multiples(&rest, &steps[..200]), None);
        assert_eq!(step_of_multiples(&[0.0; 3], &steps), None);
        assert_eq!(step_of_multiples(&[], &steps), None);
    }

    #[test]
    fn what_has_no_multiple_is_refused() {
        for (value, step) in
            [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN), (1.0, 1.0 / 0.0)]
        {
            let refused = Numbers::new(1).code(&mut Coder::writing(), 0, value, Some(step));
            assert!(matches!(refused, Err(Error::InvalidParameter { .. })), "{value} in steps of {step}: {refused:?}");
        }
        assert!(Numbers::new(1).code(&mut Coder::writing(), 0, f64::NAN, None).is_err());
    }

    #[test]
    fn rounded_numbers_are_multiples_and_stay_what_they_are() {
        let values = [0.0, 1.4, -2.6, 1e300, 1e-300, -0.5];
        let code = |coder: &mut Coder<'_>, values: &[f64], step: Option<f64>| -> Vec<f64> {
            let mut numbers = Numbers::new(2);
            values.iter().enumerate().map(|(k, &x)| numbers.code(coder, k % 3, x, step).unwrap()).collect()
        };
        for step in [None, Some(0.25), Some(1e-3)] {
            let mut writer = Coder::writing();
            let written = code(&mut writer, &values, step);
            let bytes = writer.finish();
            assert_eq!(code(&mut Coder::reading(&bytes), &[7.0; 6], step), written);
            assert_eq!(code(&mut Coder::writing(), &written, step), written);
            match step {
                None => assert_eq!(written, values),
                Some(step) => assert!((written[1] - 1.4).abs() <= 0.5 * step && (written[2] + 2.6).abs() <= 0.5 * step),
            }
        }
    }
}
