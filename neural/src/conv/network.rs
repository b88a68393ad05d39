//! A chain of layers, with the volumes between them for the way back.

use std::ops::Range;

use rayon::prelude::*;

use super::convolve::{TAPS, backward_input, backward_weights, convolve};
use super::resample::{double, double_adjoint, fold, unfold};
use super::volume::Volume;

/// One layer of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    /// A 3×3×3 convolution with a bias, to so many channels.
    Convolve(usize),
    /// The activation h(x) = x (1 + x / (1 + |x|)) / 2: smooth, it tends to −1/2 for x ≪ −1 and to x − 1/2 for x ≫ 1;
    /// like the sigmoid linear unit it lets one side through, but without an exponential.
    Gate,
    /// Doubled resolution, to this shape.
    Double([usize; 3]),
    /// Half the resolution, to this shape: the cells of each 2×2×2 block become channels.
    Fold([usize; 3]),
    /// Doubled resolution, to this shape: each eight channels become the cells of a 2×2×2 block.
    Unfold([usize; 3]),
}

/// A chain of layers. The parameters are held apart, as one list: for each convolution its weights, then its biases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    ins: usize,
    layers: Vec<Layer>,
}

/// The inputs of all layers and the output of the last.
pub(crate) struct Tape(Vec<Volume>);

impl Tape {
    pub fn output(&self) -> &Volume {
        &self.0[self.0.len() - 1]
    }
}

impl Network {
    pub fn new(ins: usize, layers: Vec<Layer>) -> Self {
        Self { ins, layers }
    }

    /// For each convolution the channels in and out and the places of weights and biases among the parameters.
    pub fn tensors(&self) -> Vec<([usize; 2], [Range<usize>; 2])> {
        let (mut ins, mut end) = (self.ins, 0);
        let mut tensors = Vec::new();
        for layer in &self.layers {
            match *layer {
                Layer::Convolve(outs) => {
                    let middle = end + ins * outs * TAPS;
                    tensors.push(([ins, outs], [end..middle, middle..middle + outs]));
                    (ins, end) = (outs, middle + outs);
                }
                Layer::Fold(_) => ins *= 8,
                Layer::Unfold(_) => ins /= 8,
                Layer::Gate | Layer::Double(_) => {}
            }
        }
        tensors
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.tensors().last().map_or(0, |(_, [_, biases])| biases.end)
    }

    /// Random weights that keep the variance of the activations, and biases of zero.
    pub fn initial(&self, rng: &mut impl rand::Rng) -> Vec<f32> {
        let mut parameters = vec![0.0; self.len()];
        for ([ins, _], [weights, _]) in self.tensors() {
            // A uniform distribution to ±a has the variance a² / 3. The factor 2 makes up for the gate, which halves it.
            let most = (2.0 * 3.0 / (ins * TAPS) as f32).sqrt();
            parameters[weights].fill_with(|| rng.random_range(-most..most));
        }
        parameters
    }

    pub fn forward(&self, parameters: &[f32], input: Volume) -> Volume {
        let mut tensors = self.tensors().into_iter();
        self.layers.iter().fold(input, |mut input, layer| {
            if *layer == Layer::Gate {
                gate(&mut input);
                return input;
            }
            applied(*layer, &mut tensors, parameters, &input)
        })
    }

    pub fn forward_with_tape(&self, parameters: &[f32], input: Volume) -> Tape {
        let mut tensors = self.tensors().into_iter();
        let mut volumes = vec![input];
        for layer in &self.layers {
            let input = &volumes[volumes.len() - 1];
            volumes.push(applied(*layer, &mut tensors, parameters, input));
        }
        Tape(volumes)
    }

    /// Adds the derivatives with respect to the parameters to `sums`, and returns the derivative with respect to the input.
    pub fn backward(&self, parameters: &[f32], tape: &Tape, gradient: Volume, sums: &mut [f32]) -> Volume {
        let mut tensors = self.tensors().into_iter().rev();
        let mut gradient = gradient;
        for (layer, input) in self.layers.iter().zip(&tape.0).rev() {
            match layer {
                Layer::Gate => gate_backward(input, &mut gradient),
                Layer::Convolve(_) => {
                    let Some((_, [weights, biases])) = tensors.next() else { continue };
                    let (of_weights, of_biases) = backward_weights(input, &gradient);
                    let add = |sums: &mut [f32], new: &[f32]| sums.iter_mut().zip(new).for_each(|(sum, g)| *sum += g);
                    add(&mut sums[weights.clone()], &of_weights);
                    add(&mut sums[biases], &of_biases);
                    let mut of_input = Volume::zeros(input.layout.shape, input.channels);
                    backward_input(&gradient, &parameters[weights], &mut of_input);
                    gradient = of_input;
                }
                Layer::Double(_) => gradient = moved(&gradient, input, double_adjoint),
                Layer::Fold(_) => gradient = moved(&gradient, input, unfold),
                Layer::Unfold(_) => gradient = moved(&gradient, input, fold),
            }
        }
        gradient
    }
}

/// A gradient taken back to the shape of an input.
fn moved(gradient: &Volume, input: &Volume, by: fn(&Volume, &mut Volume)) -> Volume {
    let mut of_input = Volume::zeros(input.layout.shape, input.channels);
    by(gradient, &mut of_input);
    of_input
}

fn applied(
    layer: Layer,
    tensors: &mut impl Iterator<Item = ([usize; 2], [Range<usize>; 2])>,
    parameters: &[f32],
    input: &Volume,
) -> Volume {
    match layer {
        Layer::Convolve(outs) => {
            let mut output = Volume::zeros(input.layout.shape, outs);
            if let Some((_, [weights, biases])) = tensors.next() {
                convolve(input, &parameters[weights], &parameters[biases], &mut output);
            }
            output
        }
        Layer::Gate => {
            let mut output = input.clone();
            gate(&mut output);
            output
        }
        Layer::Double(shape) => resampled(input, shape, input.channels, double),
        Layer::Fold(shape) => resampled(input, shape, 8 * input.channels, fold),
        Layer::Unfold(shape) => resampled(input, shape, input.channels / 8, unfold),
    }
}

fn resampled(input: &Volume, shape: [usize; 3], channels: usize, by: fn(&Volume, &mut Volume)) -> Volume {
    let mut output = Volume::zeros(shape, channels);
    by(input, &mut output);
    output
}

/// Numbers that one task activates.
const BLOCK: usize = 1 << 14;

fn gate(volume: &mut Volume) {
    // h(0) = 0, so that the border stays zero.
    volume.data.par_chunks_mut(BLOCK).for_each(|block| {
        for x in block {
            *x = 0.5 * *x * (1.0 + *x / (1.0 + x.abs()));
        }
    });
}

fn gate_backward(input: &Volume, gradient: &mut Volume) {
    gradient.data.par_chunks_mut(BLOCK).zip(input.data.par_chunks(BLOCK)).for_each(|(gradient, input)| {
        for (g, x) in gradient.iter_mut().zip(input) {
            let inverse = 1.0 / (1.0 + x.abs());
            *g *= 0.5 * (1.0 + x * inverse + x * inverse * inverse);
        }
    });
}

#[cfg(test)]
mod tests;
