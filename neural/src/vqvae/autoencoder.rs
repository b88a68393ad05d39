//! The two networks of an autoencoder: cells to latent vectors on a grid of a quarter of the resolution, and back.

use crate::conv::{Layer, Network, Volume, halved};

/// Encoder and decoder for one shape of grid. Neither has biases, so that zeros stay zeros in both.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Autoencoder {
    pub encoder: Network,
    pub decoder: Network,
    pub shape: [usize; 3],
    pub latent_shape: [usize; 3],
    pub dimension: usize,
}

impl Autoencoder {
    /// With latent vectors of so many components, and `width` channels at half the resolution.
    pub fn new(shape: [usize; 3], dimension: usize, width: usize) -> Self {
        let half = halved(shape);
        let quarter = halved(half);
        let encoder = vec![
            Layer::Fold(half),
            Layer::Convolve(width),
            Layer::Gate,
            Layer::Fold(quarter),
            Layer::Convolve(dimension),
        ];
        let decoder = vec![
            Layer::Convolve(8 * width),
            Layer::Unfold(half),
            Layer::Gate,
            Layer::Convolve(8),
            Layer::Unfold(shape),
        ];
        Self {
            encoder: Network::new(1, encoder),
            decoder: Network::new(dimension, decoder),
            shape,
            latent_shape: quarter,
            dimension,
        }
    }

    /// Number of latent vectors.
    pub fn sites(&self) -> usize {
        self.latent_shape.iter().product()
    }

    pub fn latent_volume(&self, latents: &[f32]) -> Volume {
        Volume::from_cells(self.latent_shape, self.dimension, latents)
    }
}

/// Sets the biases among derivatives to zero, so that biases stay what they are.
pub(crate) fn without_biases(network: &Network, gradient: &mut [f32]) {
    for (_, [_, biases]) in network.tensors() {
        gradient[biases].fill(0.0);
    }
}
