//! Training of a decoder and its latents on one distribution.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::decoder::Decoder;
use super::rounding::Steps;
use crate::conv::{Volume, adam, cosine};
use crate::diverged::Diverged;

/// A decoder in training.
#[derive(Debug, Clone)]
pub(crate) struct Trainer<'a> {
    decoder: &'a Decoder,
    target: &'a Volume,
    /// Σ target².
    square: f64,
    pub numbers: Vec<f32>,
    /// Relative L2 error of each iteration so far.
    pub losses: Vec<f64>,
}

/// Rate of the latents over that of the weights. Latents begin near zero and grow to the order of one, while weights
/// begin with the size that they keep.
const LATENT_RATE: f32 = 3.0;
/// Largest latent at the begin.
const FIRST_LATENT: f32 = 0.1;
/// Factor of the first weights of the last convolution, so that the first output is near zero as most of a velocity
/// space is.
const FIRST_OUTPUT: f32 = 0.1;

impl<'a> Trainer<'a> {
    pub fn new(decoder: &'a Decoder, target: &'a Volume, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut numbers = decoder.network().initial(&mut rng);
        if let Some((_, [last, _])) = decoder.network().tensors().pop() {
            numbers[last].iter_mut().for_each(|weight| *weight *= FIRST_OUTPUT);
        }
        numbers.extend((0..decoder.latents()).map(|_| rng.random_range(-FIRST_LATENT..FIRST_LATENT)));
        let square = target.data.iter().map(|f| f64::from(*f).powi(2)).sum();
        Self { decoder, target, square, numbers, losses: Vec::new() }
    }

    /// Relative L2 error of the decoder with these numbers.
    pub fn error(&self, numbers: &[f32]) -> f64 {
        self.error_of(&self.decoder.forward(numbers))
    }

    fn error_of(&self, output: &Volume) -> f64 {
        let pairs = output.data.iter().zip(&self.target.data);
        (pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>() / self.square).sqrt()
    }

    /// Trains on, over so many iterations in which the rate falls from this one. With `steps` the decoder sees rounded
    /// numbers, while the gradient moves those before rounding (the straight-through estimator of Bengio et al. 2013,
    /// arXiv:1308.3432).
    pub fn train(&mut self, iterations: usize, rate: f64, steps: Option<&Steps>) -> Result<(), Diverged> {
        let weights = self.decoder.network().len();
        let [mut of_weights, mut of_latents] = [weights, self.decoder.latents()].map(adam);
        // The loss is the squared error over Σ target², so that its gradient does not depend on the number of cells.
        let factor = (2.0 / self.square) as f32;
        for iteration in 0..iterations {
            let rounded = steps.map(|steps| steps.values(&steps.rounded(&self.numbers)));
            let numbers = rounded.as_ref().unwrap_or(&self.numbers);
            let tape = self.decoder.forward_with_tape(numbers);
            let loss = self.error_of(tape.output());
            self.losses.push(loss);
            if !loss.is_finite() {
                return Err(Diverged { iteration: self.losses.len(), loss });
            }
            let mut gradient = tape.output().clone();
            gradient.data.iter_mut().zip(&self.target.data).for_each(|(g, f)| *g = factor * (*g - f));
            let gradient = self.decoder.backward(numbers, &tape, gradient);
            let rate = rate as f32 * cosine(iteration as f32 / iterations as f32);
            let (numbers, latents) = self.numbers.split_at_mut(weights);
            of_weights.step(numbers, &gradient[..weights], rate);
            of_latents.step(latents, &gradient[weights..], LATENT_RATE * rate);
        }
        Ok(())
    }
}
