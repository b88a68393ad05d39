//! Training of one network on several distributions.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vdf_basis::Result;

use super::super::Mlp;
use super::super::encode::{Data, steps};
use crate::inference::Network;
use crate::inference::lanes::POINTS;
use crate::training::{Head, Pass, Sampler, adam, checked, error_of, finished, initial, rate, values};

/// Points of a step, shared by its distributions.
const BATCH: usize = 1024;
/// Steps after which the importance of points is found anew.
const EVERY: usize = 250;

/// A network with the latents of some distributions.
pub(super) struct Together<'a> {
    network: &'a Network,
    head: Head,
    data: &'a [Data],
    pub(super) weights: Vec<f32>,
    /// For each entry of a latent vector those of all distributions.
    pub(super) latents: Vec<f32>,
    random: ChaCha8Rng,
}

impl<'a> Together<'a> {
    pub(super) fn new(mlp: &Mlp, network: &'a Network, data: &'a [Data]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(mlp.architecture.seed);
        random.set_stream(1);
        let head = mlp.architecture.head();
        let weights = initial(network, head, &mut random);
        let latents = (0..network.latents * data.len()).map(|_| random.random_range(-1.0_f32..1.0)).collect();
        Self { network, head, data, weights, latents, random }
    }

    /// The latent vector of a distribution.
    fn latent(&self, latents: &[f32], member: usize) -> Vec<f32> {
        latents.iter().skip(member).step_by(self.data.len()).copied().collect()
    }

    /// Trains by Adam.
    pub(super) fn train(&mut self, length: usize) -> Result<()> {
        const RATE: f32 = 0.005;
        let count = steps(length, self.weights.len());
        let (mut of_weights, mut of_latents) = (adam(self.weights.len()), adam(self.latents.len()));
        let mut samplers = self.samplers();
        for step in 0..count {
            if step > 0 && step % EVERY == 0 {
                checked(self.mean_square(&self.weights, &self.latents)?)?;
                samplers = self.samplers();
            }
            let (gradient, latent_gradient) = self.gradient(&samplers);
            let rate = rate(step, count, RATE);
            of_weights.step(&mut self.weights, &gradient, rate);
            of_latents.step(&mut self.latents, &latent_gradient, 2.0 * rate);
        }
        finished(self.mean_square(&self.weights, &self.latents)?.sqrt())?;
        Ok(())
    }

    fn samplers(&self) -> Vec<Sampler> {
        let of_member = |(member, data): (usize, &Data)| {
            let latents = self.latent(&self.latents, member);
            data.pool.sampler(Some(&values(self.network, self.head, &self.weights, &latents, &data.pool)))
        };
        self.data.iter().enumerate().map(of_member).collect()
    }

    /// The gradient for a sample of the points of some distributions: all, or as many as there are blocks in a step.
    fn gradient(&mut self, samplers: &[Sampler]) -> (Vec<f32>, Vec<f32>) {
        let members = self.data.len();
        let at_once = members.min(BATCH / POINTS);
        let points = (BATCH / at_once).next_multiple_of(POINTS);
        let first = if at_once < members { self.random.random_range(0..members) } else { 0 };
        let mut sum = (vec![0.0; self.weights.len()], vec![0.0; self.latents.len()]);
        for member in (first..first + at_once).map(|member| member % members) {
            let blocks = self.data[member].pool.sample(&samplers[member], points, &mut self.random);
            let latents = self.latent(&self.latents, member);
            let (_, gradient, of_latents) =
                Pass::new(self.network, self.head, &self.weights, &latents).gradient(&blocks);
            sum.0.iter_mut().zip(gradient).for_each(|(sum, part)| *sum += part);
            sum.1.iter_mut().skip(member).step_by(members).zip(of_latents).for_each(|(sum, part)| *sum = part);
        }
        sum
    }

    /// Mean over the distributions of the square of the relative error.
    pub(super) fn mean_square(&self, weights: &[f32], latents: &[f32]) -> Result<f64> {
        let mut sum = 0.0;
        for (member, data) in self.data.iter().enumerate() {
            let values = values(self.network, self.head, weights, &self.latent(latents, member), &data.pool);
            sum += error_of(&data.pool, &values).powi(2);
        }
        checked(sum / self.data.len() as f64)
    }

    /// Changes of the distributions by each weight and each latent: roots of means of squares, as relative errors.
    pub(super) fn sensitivities(&mut self) -> (Vec<f64>, Vec<f64>) {
        /// Points of a distribution, of which all together are enough for large networks.
        const SAMPLE: usize = 512;
        let members = self.data.len();
        let mut squares = vec![0.0; self.weights.len()];
        for (member, sampler) in self.samplers().iter().enumerate() {
            let blocks = self.data[member].pool.sample(sampler, SAMPLE, &mut self.random);
            let latents = self.latent(&self.latents, member);
            let pass = Pass::new(self.network, self.head, &self.weights, &latents);
            squares
                .iter_mut()
                .zip(pass.mean_squares(&blocks))
                .for_each(|(sum, square)| *sum += square / members as f64);
        }
        let mut of_latents = vec![0.0; self.latents.len()];
        for member in 0..members {
            let of_member = of_latents.iter_mut().skip(member).step_by(members);
            of_member.zip(self.sensitivities_of_latent(member)).for_each(|(of_latent, found)| *of_latent = found);
        }
        (squares.into_iter().map(f64::sqrt).collect(), of_latents)
    }

    /// Changes of a distribution by each entry of its latent vector, from small differences.
    fn sensitivities_of_latent(&self, member: usize) -> Vec<f64> {
        const CHANGE: f32 = 0.01;
        let pool = &self.data[member].pool;
        let latents = self.latent(&self.latents, member);
        let values = |latents: &[f32]| values(self.network, self.head, &self.weights, latents, pool);
        let before = values(&latents);
        let of_entry = |entry: usize| {
            let mut moved = latents.clone();
            moved[entry] += CHANGE;
            let after = values(&moved);
            let difference: f64 = before
                .iter()
                .zip(&after)
                .zip(&pool.weights)
                .map(|((before, after), weight)| f64::from((after - before).powi(2) * weight))
                .sum();
            // An error of one distribution counts as one of all by the root of their number.
            difference.sqrt() / f64::from(CHANGE) / (self.data.len() as f64).sqrt()
        };
        (0..latents.len()).map(of_entry).collect()
    }
}
