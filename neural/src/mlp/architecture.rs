//! The choices of a network that its stream's reader needs, and the network that they make.

use vdf_basis::{Choices, Error, Result};

use crate::inference::lanes::power_of_two;
use crate::inference::{Activation, Network};
use crate::training::Head;

/// The meaning of a network's output z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// f = z, in units of the peak.
    Linear,
    /// f = 2^z in these units: f is positive, and the error of f is what the training minimises.
    Exponential,
    /// log₂ f = z, from 0 at a floor to 1 at the peak: the error of the logarithm is what the training minimises. Densities
    /// at the floor and below become zero.
    Logarithm,
}

/// The choices of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Architecture {
    /// Number of hidden layers, 1 to 8.
    pub layers: usize,
    /// The function of hidden units.
    pub activation: Activation,
    /// Number of Fourier features, 0 to 64: sine and cosine of a plane wave with a random wave vector.
    pub features: usize,
    /// Standard deviation of each component of a wave vector, in turns for a width of the distribution.
    pub frequency: f64,
    /// The meaning of the output.
    pub target: Target,
    /// The seed of the wave vectors and of the training.
    pub seed: u64,
}

impl Default for Architecture {
    /// Three layers of sines without further features, and positive densities.
    fn default() -> Self {
        Self {
            layers: 3,
            activation: Activation::Sine,
            features: 0,
            frequency: 0.2,
            target: Target::Exponential,
            seed: 0,
        }
    }
}

/// Most units of a layer.
pub const MOST_WIDTH: usize = 1024;
/// Most weights of a network: a cell takes as many products to decode.
pub const MOST_WEIGHTS: usize = 1 << 15;

impl Architecture {
    const MOST_LAYERS: usize = 8;
    const MOST_FEATURES: usize = 64;

    /// Shows the choices.
    pub(super) fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.number("layers", &mut self.layers)?;
        let activations = [("sine", Activation::Sine), ("tanh", Activation::Tanh), ("relu", Activation::Relu)];
        choices.one_of("activation", &mut self.activation, &activations)?;
        choices.number("features", &mut self.features)?;
        choices.number("frequency", &mut self.frequency)?;
        let targets = [("exp", Target::Exponential), ("linear", Target::Linear), ("log10", Target::Logarithm)];
        choices.one_of("target", &mut self.target, &targets)?;
        choices.number("seed", &mut self.seed)?;
        if !(1..=Self::MOST_LAYERS).contains(&self.layers) {
            return Err(choices.refused("layers", self.layers, "a whole number from 1 to 8"));
        }
        if self.features > Self::MOST_FEATURES {
            return Err(choices.refused("features", self.features, "a whole number from 0 to 64"));
        }
        if !(self.frequency > 0.0 && self.frequency <= 100.0) {
            return Err(choices.refused("frequency", self.frequency, "a positive number up to 100"));
        }
        Ok(())
    }

    /// The network of this width, with a latent vector of this length.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for no units, or for more weights than [`MOST_WEIGHTS`].
    pub(crate) fn network(&self, width: usize, latents: usize) -> Result<Network> {
        let refused =
            |allowed: String| Err(Error::InvalidParameter { name: "width", value: width.to_string(), allowed });
        if !(1..=MOST_WIDTH).contains(&width) {
            return refused(format!("a whole number from 1 to {MOST_WIDTH}"));
        }
        let network =
            Network { layers: self.layers, width, activation: self.activation, features: self.waves(), latents };
        match network.len() {
            len if len <= MOST_WEIGHTS => Ok(network),
            len => refused(format!(
                "it makes {len} weights, of which {MOST_WEIGHTS} are allowed; take fewer or smaller layers"
            )),
        }
    }

    /// The wave vectors, which a stream does not hold. Sums of twelve uniform numbers are nearly Gaussian, and the same on
    /// every platform.
    fn waves(&self) -> Vec<[f32; 3]> {
        let mut uniform = uniform(self.seed);
        let mut gaussian = || uniform.by_ref().take(12).sum::<f64>() - 6.0;
        (0..self.features).map(|_| [0; 3].map(|_| (self.frequency * gaussian()) as f32)).collect()
    }

    /// The function from the output to the value that is trained.
    pub(super) fn head(&self) -> Head {
        match self.target {
            Target::Exponential => Head::Exponential,
            Target::Linear | Target::Logarithm => Head::Linear,
        }
    }

    /// The density of an output, in units of the peak. A logarithm of one is `span` octaves above its floor.
    pub(super) fn density(&self, output: f32, span: f32) -> f32 {
        match self.target {
            Target::Linear => output,
            Target::Exponential => power_of_two(output),
            Target::Logarithm if output <= 0.0 => 0.0,
            Target::Logarithm => power_of_two(span * (output - 1.0)),
        }
    }
}

/// Uniform numbers below 1 by SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195). It is written out
/// because it is part of the format: another package's generator may change.
fn uniform(seed: u64) -> impl Iterator<Item = f64> {
    /// 2⁻⁵³: a number has the digits of double precision.
    const LAST_DIGIT: f64 = f64::EPSILON / 2.0;
    (1_u64..).map(move |count| {
        let state = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 11) as f64 * LAST_DIGIT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_numbers_are_those_of_the_published_generator() {
        // The first outputs of SplitMix64 for the seed 1234567.
        let published = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        let expected = published.map(|output| (output >> 11) as f64 / 2_f64.powi(53));
        assert!(uniform(1_234_567).take(3).eq(expected));
    }
}
