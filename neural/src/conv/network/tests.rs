#![allow(clippy::unwrap_used)]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::conv::resample::halved;

fn noise(rng: &mut ChaCha8Rng, shape: [usize; 3], channels: usize) -> Volume {
    let cells: Vec<f32> =
        (0..channels * shape.iter().product::<usize>()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Volume::from_cells(shape, channels, &cells)
}

/// A convolution by its definition, cell by cell.
fn slow(input: &Volume, weights: &[f32], bias: &[f32], outs: usize) -> Vec<f64> {
    let [nx, ny, nz] = input.layout.shape;
    let (cells, values) = (nx * ny * nz, input.cells());
    let mut result = Vec::new();
    for o in 0..outs {
        for (x, y, z) in (0..cells).map(|cell| (cell / (ny * nz), cell / nz % ny, cell % nz)) {
            let mut sum = f64::from(bias[o]);
            for i in 0..input.channels {
                for tap in 0..TAPS {
                    let at = [x + tap / 9, y + tap / 3 % 3, z + tap % 3].map(|place| place.wrapping_sub(1));
                    if at[0] < nx && at[1] < ny && at[2] < nz {
                        let value = values[i * cells + (at[0] * ny + at[1]) * nz + at[2]];
                        sum += f64::from(value) * f64::from(weights[(o * input.channels + i) * TAPS + tap]);
                    }
                }
            }
            result.push(sum);
        }
    }
    result
}

#[test]
fn a_convolution_is_its_definition_on_any_shape() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (shape, ins, outs) in
        [([1, 1, 1], 1, 1), ([5, 6, 7], 3, 6), ([1, 40, 3], 2, 4), ([18, 17, 16], 2, 1), ([2, 1, 70], 1, 9)]
    {
        let input = noise(&mut rng, shape, ins);
        let network = Network::new(ins, vec![Layer::Convolve(outs)]);
        let mut parameters = network.initial(&mut rng);
        let (_, [weights, biases]) = network.tensors().remove(0);
        parameters[biases.clone()].fill_with(|| rng.random());
        let expected = slow(&input, &parameters[weights], &parameters[biases], outs);
        let found = network.forward(&parameters, input).cells();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5), "{shape:?}");
    }
}

/// ⟨output, direction⟩ as a function of inputs and parameters has the derivatives that `backward` finds.
#[test]
fn derivatives_are_those_of_differences() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for shape in [[5, 7, 6], [1, 9, 4], [1, 1, 1], [3, 2, 30]] {
        let layers = vec![
            Layer::Convolve(5),
            Layer::Gate,
            Layer::Fold(halved(shape)),
            Layer::Convolve(4),
            Layer::Double(shape),
            Layer::Gate,
            Layer::Convolve(2),
            Layer::Fold(halved(shape)),
            Layer::Convolve(8),
            Layer::Unfold(shape),
        ];
        let network = Network::new(2, layers);
        let parameters = network.initial(&mut rng);
        let (input, direction) = (noise(&mut rng, shape, 2), noise(&mut rng, shape, 1));
        let value = |parameters: &[f32], input: &Volume| -> f64 {
            let output = network.forward(parameters, input.clone());
            output.data.iter().zip(&direction.data).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let tape = network.forward_with_tape(&parameters, input.clone());
        let mut sums = vec![0.0; network.len()];
        let of_input = network.backward(&parameters, &tape, direction.clone(), &mut sums);
        assert_eq!(tape.output().cells(), network.forward(&parameters, input.clone()).cells());
        for _ in 0..3 {
            let (towards, step) = (noise(&mut rng, shape, 2), 2e-3);
            let moved: Vec<f32> = (0..parameters.len()).map(|_| rng.random_range(-1.0..1.0)).collect();
            let at = |sign: f32| {
                let mut input = input.clone();
                input.data.iter_mut().zip(&towards.data).for_each(|(x, d)| *x += sign * step * d);
                let parameters: Vec<f32> = parameters.iter().zip(&moved).map(|(p, d)| p + sign * step * d).collect();
                value(&parameters, &input)
            };
            let measured = (at(1.0) - at(-1.0)) / f64::from(2.0 * step);
            let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
            let found = dot(&of_input.data, &towards.data) + dot(&sums, &moved);
            assert!((measured - found).abs() < 2e-2 * found.abs().max(1.0), "{shape:?}: {measured} and {found}");
        }
    }
}

#[test]
fn doubling_a_line_is_knot_insertion() {
    let input = Volume::from_cells([1, 1, 5], 1, &[1.0; 5]);
    let doubled = Network::new(1, vec![Layer::Double([1, 1, 10])]).forward(&[], input.clone()).cells();
    assert_eq!(doubled[1..8], [1.0; 7]);
    // Beyond the box everything is zero.
    assert_eq!((doubled[0], doubled[9]), (0.875, 0.5));
}

#[test]
fn borders_stay_zero() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let network = Network::new(1, vec![Layer::Convolve(3), Layer::Gate, Layer::Double([7, 8, 9]), Layer::Convolve(2)]);
    let mut parameters = network.initial(&mut rng);
    parameters.iter_mut().for_each(|p| *p += 0.1);
    let output = network.forward(&parameters, noise(&mut rng, [4, 4, 5], 1));
    let mut cleared = output.clone();
    cleared.clear_border();
    assert_eq!(cleared, output);
}
