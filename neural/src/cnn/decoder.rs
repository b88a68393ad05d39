//! The decoder: a small grid of latent numbers, and convolutions that draw the distribution from it.

use std::ops::Range;

use crate::conv::{Layer, Network, Tape, Volume, halved};

/// Shape of a decoder for one grid.
///
/// Its numbers are one list: of each convolution weights and biases, then the latents, channel by channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoder {
    network: Network,
    pub latent_shape: [usize; 3],
    pub channels: usize,
}

impl Decoder {
    /// With latents of so many channels at the resolution of the grid halved `levels` times. Each level is a convolution
    /// to `width` channels, the activation and a doubling; a convolution to one channel follows.
    pub fn new(shape: [usize; 3], levels: usize, channels: usize, width: usize) -> Self {
        let mut shapes = vec![shape];
        for level in 0..levels {
            shapes.push(halved(shapes[level]));
        }
        let level = |k: usize| [Layer::Convolve(width), Layer::Gate, Layer::Double(shapes[k])];
        let layers = (0..levels).rev().flat_map(level).chain([Layer::Convolve(1)]).collect();
        Self { network: Network::new(channels, layers), latent_shape: shapes[levels], channels }
    }

    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Number of latents.
    pub fn latents(&self) -> usize {
        self.channels * self.latent_shape.iter().product::<usize>()
    }

    /// Number of weights, biases and latents.
    pub fn len(&self) -> usize {
        self.network.len() + self.latents()
    }

    /// The numbers that share a quantisation step: weights and biases of each convolution, and the latents.
    pub fn tensors(&self) -> Vec<Range<usize>> {
        let convolutions = self.network.tensors().into_iter().flat_map(|(_, parts)| parts);
        convolutions.chain(std::iter::once(self.network.len()..self.len())).collect()
    }

    fn latent_volume(&self, latents: &[f32]) -> Volume {
        Volume::from_cells(self.latent_shape, self.channels, latents)
    }

    pub fn forward(&self, numbers: &[f32]) -> Volume {
        let (parameters, latents) = numbers.split_at(self.network.len());
        self.network.forward(parameters, self.latent_volume(latents))
    }

    pub fn forward_with_tape(&self, numbers: &[f32]) -> Tape {
        let (parameters, latents) = numbers.split_at(self.network.len());
        self.network.forward_with_tape(parameters, self.latent_volume(latents))
    }

    /// The derivatives with respect to all numbers.
    pub fn backward(&self, numbers: &[f32], tape: &Tape, gradient: Volume) -> Vec<f32> {
        let parameters = &numbers[..self.network.len()];
        let mut sums = vec![0.0; parameters.len()];
        let of_latents = self.network.backward(parameters, tape, gradient, &mut sums);
        sums.extend(of_latents.cells());
        sums
    }
}
