//! Rounding of a decoder's numbers, each tensor in a step of its own.

use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::decoder::Decoder;
use crate::conv::power_of_two;

/// Largest magnitude of a rounded number.
pub(super) const MOST: i32 = 1 << 20;
/// Range of the exponents of steps: from 2⁻³⁰ to 2¹⁰.
pub(super) const EXPONENTS: [i64; 2] = [-120, 40];

/// The quantisation steps of all tensors of a decoder: 2^(exponent / 4).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Steps {
    tensors: Vec<Range<usize>>,
    pub exponents: Vec<i64>,
}

/// 2^(exponent / 4).
fn step(exponent: i64) -> f32 {
    /// 2^(1/4), 2^(1/2) and 2^(3/4).
    const ROOTS: [f32; 4] = [1.0, 1.189_207_1, std::f32::consts::SQRT_2, 1.681_792_9];
    let exponent = exponent.clamp(EXPONENTS[0], EXPONENTS[1]);
    ROOTS[exponent.rem_euclid(4) as usize] * power_of_two(exponent.div_euclid(4))
}

impl Steps {
    pub fn new(decoder: &Decoder, exponents: Vec<i64>) -> Self {
        Self { tensors: decoder.tensors(), exponents }
    }

    /// The steps at which the rounding of each number changes the output equally, the whole by `error` relative to
    /// Σ f² = `square`.
    ///
    /// The sensitivity of a tensor is measured: all its numbers are moved by ±δ, and the change of the output is divided
    /// by δ √n. Rounding moves each number by the root mean square Δ / √12.
    pub fn of_error(decoder: &Decoder, numbers: &[f32], square: f64, error: f64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let tensors = decoder.tensors();
        let reference = decoder.forward(numbers);
        let each = (12.0 * square / decoder.len() as f64).sqrt() * error;
        let mut exponent = |tensor: &Range<usize>| {
            let size = numbers[tensor.clone()].iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
            let delta = (0.01 * size).max(1e-6);
            let mut moved = numbers.to_vec();
            moved[tensor.clone()].iter_mut().for_each(|x| *x += if rng.random() { delta } else { -delta });
            let output = decoder.forward(&moved);
            let changes = output.data.iter().zip(&reference.data).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
            let sensitivity = (changes.sum::<f64>() / tensor.len() as f64).sqrt() / f64::from(delta);
            let wanted = (4.0 * (each / sensitivity).log2()).floor();
            (wanted as i64).clamp(EXPONENTS[0], EXPONENTS[1])
        };
        let exponents = tensors.iter().map(&mut exponent).collect();
        Self { tensors, exponents }
    }

    /// These steps, finer by 2^(quarters / 4), or coarser if that is negative.
    pub fn finer(&self, quarters: i64) -> Self {
        let exponents = self.exponents.iter().map(|e| (e - quarters).clamp(EXPONENTS[0], EXPONENTS[1])).collect();
        Self { tensors: self.tensors.clone(), exponents }
    }

    /// The nearest multiples of the steps.
    pub fn rounded(&self, numbers: &[f32]) -> Vec<i32> {
        let mut rounded = vec![0; numbers.len()];
        for (tensor, exponent) in self.tensors.iter().zip(&self.exponents) {
            let inverse = 1.0 / step(*exponent);
            for (rounded, number) in rounded[tensor.clone()].iter_mut().zip(&numbers[tensor.clone()]) {
                *rounded = ((number * inverse).round() as i32).clamp(-MOST, MOST);
            }
        }
        rounded
    }

    /// The numbers that the multiples stand for.
    pub fn values(&self, rounded: &[i32]) -> Vec<f32> {
        let mut values = vec![0.0; rounded.len()];
        for (tensor, exponent) in self.tensors.iter().zip(&self.exponents) {
            let step = step(*exponent);
            let pairs = values[tensor.clone()].iter_mut().zip(&rounded[tensor.clone()]);
            pairs.for_each(|(value, multiple)| *value = *multiple as f32 * step);
        }
        values
    }
}
