//! A vector-quantised autoencoder that is learnt over a population (van den Oord, Vinyals and Kavukcuoglu 2017,
//! arXiv:1711.00937).

mod autoencoder;
mod bytes;
mod codebook;
mod coding;
mod encoding;
mod learning;
mod prior;
mod rounding;

use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;
use vdf_basis::{
    Basis, Bound, Coder, Coefficients, Error, Figure, Kept, Quantise, Quantity, Resolution, Result, Slot, Spec, Stream,
    Term, Value, Vdf, VelocityGrid,
};

use crate::bounds;
use crate::conv::{Volume, as_densities, normalised};
use encoding::Encoder;
use learning::{Model, Sample};
use prior::Prior;

const NAME: &str = "vqvae";

/// A vector-quantised autoencoder: a basis in which a distribution is a grid of indices of learnt patterns.
///
/// The encoder is a network that makes of each 4×4×4 cells a latent vector. Each latent vector becomes the sum of one
/// vector of each stage's codebook, or none, and the decoder is a network that draws the distribution from these. Networks
/// and codebooks are learnt once from a population on one shape of grid ([`VqVae::learn`]); a stream holds the scale and the
/// indices.
///
/// A value: it can be written to bytes and read back, and prints itself as `vqvae:learnt=` and its [identity](Self::hash), by
/// which a registry knows it once [given it](vdf_basis::Registry::with_value). Coefficients carry that identity; another
/// value refuses them. Cheap to clone. Bound, effort and price are the encoder's alone: values that differ only in these are
/// equal.
#[derive(Clone)]
pub struct VqVae {
    learnt: Arc<Learnt>,
    bound: Option<Bound>,
    effort: usize,
    price: f32,
}

/// Networks, codebooks and frequencies, and how they were learnt.
struct Learnt {
    model: Model,
    prior: Prior,
    settings: VqVaeOptions,
    /// Number of distributions that it was learnt from.
    count: u64,
    /// λ of the choice of indices where there is no bound.
    lambda: f32,
    hash: u64,
}

/// Settings of the learning of a [`VqVae`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VqVaeOptions {
    /// Components of a latent vector, 1 to 64.
    pub dimension: usize,
    /// Channels of the networks at half the resolution, 1 to 16.
    pub width: usize,
    /// Vectors of a codebook, a power of two from 2 to 1024.
    pub codes: usize,
    /// Codebooks, 1 to 6. Each describes what those before left.
    pub stages: usize,
    /// Steps of the optimiser.
    pub iterations: usize,
    /// Windows of 20×20×20 cells in a step.
    pub batch: usize,
    /// Learning rate of Adam.
    pub rate: f64,
    /// Seed of weights, windows and codebooks.
    pub seed: u64,
}

impl Default for VqVaeOptions {
    fn default() -> Self {
        Self { dimension: 16, width: 8, codes: 256, stages: 4, iterations: 1500, batch: 8, rate: 6e-3, seed: 0 }
    }
}

impl VqVaeOptions {
    fn check(&self) -> Result<()> {
        for (name, value, most) in [
            ("dimension", self.dimension, 64),
            ("width", self.width, 16),
            ("codes", self.codes, 1024),
            ("stages", self.stages, 6),
            ("iterations", self.iterations, 1_000_000),
            ("batch", self.batch, 1024),
        ] {
            if !(1..=most).contains(&value) {
                return Err(refused(name, value, format!("a whole number from 1 to {most}")));
            }
        }
        if !self.codes.is_power_of_two() || self.codes < 2 {
            return Err(refused("codes", self.codes, "a power of two from 2 to 1024".to_owned()));
        }
        if !(self.rate > 0.0 && self.rate <= 1e6) {
            return Err(refused("rate", self.rate, "a positive number up to 1e6".to_owned()));
        }
        Ok(())
    }
}

fn refused(name: &'static str, value: impl fmt::Display, allowed: String) -> Error {
    Error::InvalidParameter { name, value: value.to_string(), allowed }
}

/// The scale and the indices of one distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct VqVaeCoefficients {
    basis: u64,
    /// The density [s³ m⁻⁶] that the output 1 stands for.
    scale: f64,
    /// Latent vector by latent vector in C order, each with all stages; 0 for none, else the code and 1.
    indices: Vec<u16>,
}

impl VqVaeCoefficients {
    /// Number of codes that are used: indices that are not zero.
    #[must_use]
    pub fn used(&self) -> usize {
        self.indices.iter().filter(|index| **index > 0).count()
    }
}

impl VqVae {
    /// Steps by which the encoder improves the latents of each distribution, unless another number is asked for.
    const EFFORT: usize = 20;
    /// Price of a bit where none is asked for: near it half the bytes cost a tenth more error.
    const PRICE: f32 = 16.0;

    /// Learns from a population on one shape of grid.
    ///
    /// # Errors
    /// As [`VqVae::learn_with_losses`].
    pub fn learn(population: &[Vdf], options: &VqVaeOptions) -> Result<Self> {
        Self::learn_with_losses(population, options).map(|(learnt, _)| learnt)
    }

    /// As [`VqVae::learn`], with the mean squared error of every step's windows, each relative to the window's own Σ f².
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for options out of their range, [`Error::GridMismatch`] for a population on several
    /// shapes of grid, [`Error::Degenerate`] for an empty one, for a distribution of zeros, and for learning that diverges,
    /// with the loss.
    pub fn learn_with_losses(population: &[Vdf], options: &VqVaeOptions) -> Result<(Self, Vec<f64>)> {
        options.check()?;
        let Some(first) = population.first() else {
            return Err(Error::Degenerate { basis: NAME, reason: "the population is empty".to_owned() });
        };
        let shape = first.grid().shape();
        let mut samples = Vec::with_capacity(population.len());
        for vdf in population {
            if vdf.grid().shape() != shape {
                return Err(Error::GridMismatch { left: first.grid().to_string(), right: vdf.grid().to_string() });
            }
            samples.push(Sample::new(shape, normalised(vdf, NAME)?.1));
        }
        let learnt = learning::learn(shape, &samples, *options);
        let (model, losses) = learnt.map_err(|diverged| Error::Degenerate {
            basis: NAME,
            reason: format!(
                "learning diverged: the relative squared error is {} in step {} at the rate {}; try a smaller rate",
                diverged.loss, diverged.iteration, options.rate
            ),
        })?;
        let model = rounding::rounded(model);
        let (prior, lambda) = frequencies(&model, &samples);
        let count = population.len() as u64;
        Ok((Self::new(Learnt { model, prior, settings: *options, count, lambda, hash: 0 }), losses))
    }

    fn new(mut learnt: Learnt) -> Self {
        learnt.hash = bytes::identity(&learnt);
        Self { learnt: Arc::new(learnt), bound: None, effort: Self::EFFORT, price: Self::PRICE }
    }

    /// With a bound that the encoder keeps by choosing more codes. It is not part of the identity.
    #[must_use]
    pub fn with_bound(self, bound: Bound) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// With so many steps by which the encoder improves the latents of each distribution; 0 for none, 20 by default. It is
    /// not part of the identity.
    #[must_use]
    pub fn with_effort(self, effort: usize) -> Self {
        Self { effort, ..self }
    }

    /// With another price of a bit where there is no bound, over that at which a code saves as much squared error as a
    /// latent vector has left behind all stages: larger ones make shorter streams with larger errors. 16 by default. It is not
    /// part of the identity.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for one that is negative or not finite.
    pub fn with_price(self, price: f32) -> Result<Self> {
        match price >= 0.0 && price.is_finite() {
            true => Ok(Self { price, ..self }),
            false => Err(refused("price", price, "a finite number that is not negative".to_owned())),
        }
    }

    /// The identity: a hash (64-bit FNV-1a) of all numbers that were learnt. It does not depend on how [`VqVae::to_bytes`]
    /// compresses them.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.learnt.hash
    }

    /// The shape of the grids of the population.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.learnt.model.autoencoder.shape
    }

    /// The number of distributions it was learnt from.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.learnt.count
    }

    /// All that was learnt, as bytes.
    ///
    /// # Errors
    /// None for a value that was learnt or read.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut content = bytes::content(&self.learnt, true)?;
        let checksum = bytes::hash(&content);
        content.extend(checksum.to_le_bytes());
        Ok(content)
    }

    /// Length of what a decoder needs of [`VqVae::to_bytes`]: all but the encoder.
    ///
    /// # Errors
    /// As [`VqVae::to_bytes`].
    pub fn decoder_bytes(&self) -> Result<usize> {
        Ok(bytes::content(&self.learnt, false)?.len() + size_of::<u64>())
    }

    /// The value that was written by [`VqVae::to_bytes`].
    ///
    /// # Errors
    /// [`Error::MalformedFile`] for bytes that are damaged, cut or of something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        bytes::read(bytes).map(Self::new)
    }

    fn on_its_shape(&self, grid: &VelocityGrid) -> Result<()> {
        let [x, y, z] = self.shape();
        if grid.shape() == [x, y, z] {
            return Ok(());
        }
        Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() })
    }

    fn foreign(&self, basis: u64) -> Error {
        Error::ForeignCoefficients(format!("they are indices of the codebooks {basis:016x}, unlike `{self}`"))
    }

    /// The indices of the largest λ of some trials whose distribution keeps the bound.
    fn bounded(&self, vdf: &Vdf, target: &Volume, scale: f64, bound: &Bound) -> Result<VqVaeCoefficients> {
        /// λ of the trials over the typical one: this, and then halved until the bound is kept, and 0.
        const LARGEST: f32 = 256.0;
        const HALVINGS: usize = 16;
        /// Trials between a λ that keeps the bound and twice as large a one that does not.
        const TRIALS: usize = 4;
        bounds::check(bound)?;
        let encoder = self.encoder();
        let first = encoder.latents(target);
        let trial = |latents: &[f32], lambda: f32| -> Result<(VqVaeCoefficients, Option<String>)> {
            let found = VqVaeCoefficients { basis: self.hash(), scale, indices: encoder.indices(latents, lambda) };
            let back = self.reconstruct(&found, vdf.grid())?;
            Ok((found, bounds::missed(bound, vdf, &back)?))
        };
        let (mut keeps, mut reached) = (None, String::new());
        for halving in 0..=HALVINGS {
            let lambda =
                if halving < HALVINGS { self.learnt.lambda * LARGEST / 2_f32.powi(halving as i32) } else { 0.0 };
            // Improvement costs a hundred times as much as a choice: it is done where the bound is in reach.
            let latents = match self.effort > 0 && (LARGEST / 2_f32.powi(halving as i32) < 16.0) {
                true => encoder.improved(target, first.clone(), lambda, self.effort),
                false => first.clone(),
            };
            match trial(&latents, lambda)? {
                (found, None) => {
                    keeps = Some((found, latents, lambda));
                    break;
                }
                (_, Some(beyond)) => reached = beyond,
            }
        }
        let Some((mut best, latents, mut low)) = keeps else {
            return Err(Error::TargetNotMet { basis: self.to_string(), target: bound.to_string(), reached });
        };
        let mut high = 2.0 * low;
        for _ in 0..TRIALS {
            let middle = 0.5 * (low + high);
            match trial(&latents, middle)? {
                (found, None) => (best, low) = (found, middle),
                _ => high = middle,
            }
        }
        Ok(best)
    }

    fn encoder(&self) -> Encoder<'_> {
        Encoder::new(&self.learnt.model, &self.learnt.prior)
    }
}

/// Frequencies of the indices of the population and a typical λ. The choice of indices depends on their frequencies: it is
/// made twice, first as if all were equal.
fn frequencies(model: &Model, samples: &[Sample]) -> (Prior, f32) {
    let mut prior = Prior::even(&model.codebook);
    let mut lambda = 0.0;
    let latents: Vec<Vec<f32>> =
        samples.par_iter().map(|sample| Encoder::new(model, &prior).latents(&sample.volume())).collect();
    for _ in 0..2 {
        let encoder = Encoder::new(model, &prior);
        let typical: Vec<f32> = latents.par_iter().map(|latents| encoder.typical_lambda(latents)).collect();
        lambda = typical.iter().sum::<f32>() / typical.len() as f32;
        let indices: Vec<Vec<u16>> = latents.par_iter().map(|latents| encoder.indices(latents, lambda)).collect();
        prior = Prior::of(&model.codebook, model.autoencoder.latent_shape, &indices);
    }
    (prior, lambda)
}

impl Coefficients for VqVaeCoefficients {
    /// The scale: all else are integers.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), self.scale);
    }

    fn scale(&mut self, factor: f64) {
        self.scale *= factor;
    }

    /// The indices and the identity.
    fn topology_len(&self) -> usize {
        self.indices.len() + 1
    }
}

impl Basis for VqVae {
    type Coefficients = VqVaeCoefficients;

    /// # Errors
    /// [`Error::GridMismatch`] for a distribution on another shape of grid than the population's, [`Error::Degenerate`] for
    /// one of zeros, [`Error::TargetNotMet`] if the codebooks do not suffice for the bound.
    fn encode(&self, vdf: &Vdf) -> Result<VqVaeCoefficients> {
        self.on_its_shape(vdf.grid())?;
        let (scale, cells) = normalised(vdf, NAME)?;
        let target = Volume::from_cells(vdf.grid().shape(), 1, &cells);
        if let Some(bound) = &self.bound {
            return self.bounded(vdf, &target, scale, bound);
        }
        let (encoder, lambda) = (self.encoder(), self.price * self.learnt.lambda);
        let mut latents = encoder.latents(&target);
        if self.effort > 0 {
            latents = encoder.improved(&target, latents, lambda, self.effort);
        }
        Ok(VqVaeCoefficients { basis: self.hash(), scale, indices: encoder.indices(&latents, lambda) })
    }

    /// Bound to the shape of the population's grids: another is refused. Place and spacing are free.
    fn reconstruct(&self, coefficients: &VqVaeCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.on_its_shape(grid)?;
        let VqVaeCoefficients { basis, scale, indices } = coefficients;
        let model = &self.learnt.model;
        if *basis != self.hash() || indices.len() != model.autoencoder.sites() * model.codebook.stages() {
            return Err(self.foreign(*basis));
        }
        Vdf::from_vec(*grid, as_densities(&self.encoder().decoded(indices).cells(), *scale))
    }
}

impl Stream for VqVae {
    fn spec(&self) -> Result<Spec> {
        // A hash without letters is a number to whoever parses the spec, so that it must be one here.
        let options = vec![("learnt".to_owned(), Value::from(&*format!("{:016x}", self.hash())))];
        Ok(Spec::of(Term { options, ..Term::named(NAME) }))
    }

    fn blank(&self, _: &VelocityGrid) -> VqVaeCoefficients {
        VqVaeCoefficients { basis: self.hash(), scale: 0.0, indices: Vec::new() }
    }

    /// Ignores the resolution: indices cannot be rounded. The identity is in the spec, from which a reader made this basis.
    fn code(
        &self,
        coefficients: &mut VqVaeCoefficients,
        grid: &VelocityGrid,
        _: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.on_its_shape(grid)?;
        if coder.is_reading() {
            coefficients.basis = self.hash();
        } else if coefficients.basis != self.hash() {
            return Err(self.foreign(coefficients.basis));
        }
        coding::code(&self.learnt.model, &self.learnt.prior, coefficients, coder)
    }
}

impl Quantise for VqVae {
    fn rounded(&self, coefficients: &VqVaeCoefficients, _: &Vdf, _: Resolution) -> Result<VqVaeCoefficients> {
        Ok(coefficients.clone())
    }

    fn ignores_step(&self) -> bool {
        true
    }

    fn kept_bound(&self) -> Option<Bound> {
        self.bound
    }

    /// Keeps bounds by itself, but for that of the length, unless it has one of its own.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        match self.bound.is_some() || bound.limit(Figure::Bytes).is_some() {
            true => Ok(Kept::AtAnyStep),
            false => Ok(Kept::Itself(self.clone().with_bound(*bound))),
        }
    }
}

impl PartialEq for VqVae {
    /// Equal if the same was learnt: bound, effort and price do not change what a stream decodes to.
    fn eq(&self, other: &Self) -> bool {
        let [a, b] = [self, other].map(|value| &value.learnt);
        Arc::ptr_eq(a, b) || (a.hash == b.hash && a.model == b.model && a.prior == b.prior)
    }
}

impl fmt::Display for VqVae {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}:learnt={:016x}", self.hash())
    }
}

impl fmt::Debug for VqVae {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VqVae({self}: {:?} of {} distributions)", self.learnt.settings, self.count())
    }
}

#[cfg(test)]
mod tests;
