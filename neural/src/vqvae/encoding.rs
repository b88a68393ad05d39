//! Choice of the indices that describe a distribution.

use super::codebook::vectors_of;
use super::learning::Model;
use super::prior::{CONTEXTS, Prior, bits, context};
use crate::conv::{Volume, adam, cosine};

/// The encoder of one learnt model.
pub(crate) struct Encoder<'a> {
    model: &'a Model,
    prior: &'a Prior,
    prices: Vec<f32>,
}

/// Steps of the improvement over the root mean square of the latents.
const RATE: f32 = 0.1;

impl<'a> Encoder<'a> {
    pub fn new(model: &'a Model, prior: &'a Prior) -> Self {
        Self { model, prior, prices: prior.prices(model.codebook.codes) }
    }

    /// The latents of a distribution over its largest magnitude.
    pub fn latents(&self, target: &Volume) -> Vec<f32> {
        self.model.autoencoder.encoder.forward(&self.model.encoder, target.clone()).cells()
    }

    /// The distribution that indices describe.
    pub fn decoded(&self, indices: &[u16]) -> Volume {
        let Model { autoencoder, decoder, codebook, .. } = self.model;
        autoencoder.decoder.forward(decoder, autoencoder.latent_volume(&codebook.latents(indices)))
    }

    /// For each latent vector and stage the index of the least squared distance + `lambda` · bits, one after another.
    pub fn indices(&self, latents: &[f32], lambda: f32) -> Vec<u16> {
        let codebook = &self.model.codebook;
        let (stages, codes, shape) = (codebook.stages(), codebook.codes, self.model.autoencoder.latent_shape);
        let mut indices = vec![0; self.model.autoencoder.sites() * stages];
        let vectors = vectors_of(latents, codebook.dimension);
        for (site, vector) in vectors.chunks_exact(codebook.dimension).enumerate() {
            if vector.iter().all(|x| *x == 0.0) {
                continue;
            }
            let mut rest = vector.to_vec();
            for stage in 0..stages {
                let used = self.prior.used[stage * CONTEXTS + context(&indices, stages, shape, site, stage)];
                let [no, yes] = [false, true].map(|yes| bits(used, yes));
                let price = |index: usize| match index {
                    0 => lambda * no,
                    _ => lambda * (yes + self.prices[stage * codes + index - 1]),
                };
                let index = codebook.nearest(stage, &rest, price);
                codebook.subtract(stage, index, &mut rest);
                indices[site * stages + stage] = index as u16;
            }
        }
        indices
    }

    /// Latents whose indices describe the distribution better: some steps of Adam down the gradient of the error of what is
    /// decoded from the indices, as if the latents were decoded themselves. Returns those of the smallest error; the price enters by the choice of the indices.
    pub fn improved(&self, target: &Volume, latents: Vec<f32>, lambda: f32, steps: usize) -> Vec<f32> {
        let Model { autoencoder, decoder, codebook, .. } = self.model;
        let active = latents.iter().filter(|x| **x != 0.0).count().max(1);
        let size = (latents.iter().map(|x| x * x).sum::<f32>() / active as f32).sqrt();
        let (mut adam, mut now, mut best) = (adam(latents.len()), latents.clone(), (f64::INFINITY, latents));
        for step in 0..steps {
            let given = codebook.latents(&self.indices(&now, lambda));
            let tape = autoencoder.decoder.forward_with_tape(decoder, autoencoder.latent_volume(&given));
            let mut gradient = tape.output().clone();
            let mut error = 0.0;
            for (g, f) in gradient.data.iter_mut().zip(&target.data) {
                *g -= f;
                error += f64::from(*g).powi(2);
            }
            if error < best.0 {
                best = (error, now.clone());
            }
            let mut unused = vec![0.0; decoder.len()];
            let gradient = autoencoder.decoder.backward(decoder, &tape, gradient, &mut unused).cells();
            // Where there is nothing to describe, nothing shall grow.
            let gradient: Vec<f32> = gradient.iter().zip(&now).map(|(g, x)| if *x == 0.0 { 0.0 } else { *g }).collect();
            adam.step(&mut now, &gradient, RATE * size * cosine(step as f32 / steps as f32));
        }
        best.1
    }

    /// A typical λ: the square of what the stages leave of a latent vector, over the bits of a code.
    pub fn typical_lambda(&self, latents: &[f32]) -> f32 {
        let codebook = &self.model.codebook;
        let given = codebook.latents(&self.indices(latents, 0.0));
        let rest: f32 = latents.iter().zip(&given).map(|(a, b)| (a - b) * (a - b)).sum();
        let used = vectors_of(latents, codebook.dimension);
        let active = used.chunks_exact(codebook.dimension).filter(|vector| vector.iter().any(|x| *x != 0.0)).count();
        rest / (active.max(1) as f32 * (codebook.codes as f32).log2())
    }
}
