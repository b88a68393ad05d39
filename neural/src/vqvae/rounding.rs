//! Rounding of what was learnt: multiples of powers of two, which fill few bytes and are single precision exactly.

use super::learning::Model;
use crate::conv::power_of_two;

/// Steps in the root mean square of the numbers of a tensor. The rounding error is then 1/(32 √12) = 0.9% of it.
const STEPS_IN_SIZE: f32 = 32.0;
/// Range of the exponents of steps.
pub(super) const EXPONENTS: [i64; 2] = [-60, 20];
/// Largest magnitude of a multiple.
pub(super) const MOST: i64 = 1 << 20;

/// The exponent of the step of a tensor.
fn exponent(numbers: &[f32]) -> i64 {
    let square: f32 = numbers.iter().map(|x| x * x).sum();
    let step = (square / numbers.len().max(1) as f32).sqrt() / STEPS_IN_SIZE;
    if step > 0.0 { (step.log2().round() as i64).clamp(EXPONENTS[0], EXPONENTS[1]) } else { EXPONENTS[0] }
}

/// The exponent of the largest power of two that a rounded tensor's numbers are multiples of: 0 if there are only zeros.
pub(super) fn exponent_of_multiples(numbers: &[f32]) -> i64 {
    const MANTISSA: u32 = f32::MANTISSA_DIGITS - 1;
    /// Exponent of the last digit of a number whose biased exponent is 0.
    const LAST: i64 = f32::MIN_EXP as i64 - f32::MANTISSA_DIGITS as i64 - 1;
    let exponent = |number: &f32| {
        let bits = number.to_bits();
        let zeros = (bits & ((1 << MANTISSA) - 1)).trailing_zeros().min(MANTISSA);
        LAST + i64::from(bits >> MANTISSA & 0xff) + i64::from(zeros)
    };
    numbers.iter().filter(|number| **number != 0.0).map(exponent).min().unwrap_or(0).clamp(EXPONENTS[0], EXPONENTS[1])
}

/// The multiple of a step nearest to a number.
pub(super) fn multiple(number: f32, step: f32) -> i64 {
    ((number / step).round() as i64).clamp(-MOST, MOST)
}

/// The model with all numbers rounded. Biases are zero.
pub(super) fn rounded(mut model: Model) -> Model {
    for tensor in tensors(&mut model, true) {
        let step = power_of_two(exponent(tensor));
        tensor.iter_mut().for_each(|number| *number = multiple(*number, step) as f32 * step);
    }
    model
}

/// The tensors of a model in the order of its bytes: weights of the encoder, unless it is left out, of the decoder, and
/// codebooks.
pub(super) fn tensors(model: &mut Model, with_encoder: bool) -> Vec<&mut [f32]> {
    let Model { autoencoder, encoder, decoder, codebook, .. } = model;
    let mut tensors = Vec::new();
    for (network, mut rest) in [(&autoencoder.encoder, &mut encoder[..]), (&autoencoder.decoder, &mut decoder[..])] {
        for (_, [weights, biases]) in network.tensors() {
            let (of_weights, after) = rest.split_at_mut(weights.len());
            tensors.push(of_weights);
            rest = after.split_at_mut(biases.len()).1;
        }
    }
    if !with_encoder {
        tensors.drain(..autoencoder.encoder.tensors().len());
    }
    let stage = (codebook.codes * codebook.dimension).max(1);
    tensors.extend(codebook.vectors.chunks_exact_mut(stage));
    tensors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_of_multiples_divides_them_all() {
        for (numbers, expected) in
            [(&[1.0, -3.0, 0.0][..], 0), (&[0.75, 8.0], -2), (&[96.0], 5), (&[0.0], 0), (&[f32::MIN_POSITIVE], -60)]
        {
            assert_eq!(exponent_of_multiples(numbers), expected, "{numbers:?}");
        }
        assert_eq!([power_of_two(-3), power_of_two(4)], [0.125, 16.0]);
    }
}
