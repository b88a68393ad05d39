//! `mlp`: a network from velocity to density, trained on one distribution and rounded for a bound.
//!
//! The coordinates are velocities from the mean, in standard deviations along the axes. They enter a fully connected network,
//! besides them the sines and cosines of plane waves if [`Architecture::features`] are chosen. Its weights are the
//! coefficients. A stream holds them rounded, each by its sensitivity, and entropy coded.

mod architecture;
mod encode;
mod net;
mod rounding;
mod several;
#[cfg(test)]
mod tests;

pub use architecture::{Architecture, MOST_WEIGHTS, MOST_WIDTH, Target};
pub use encode::{Attempt, Report};
pub use net::{Net, NetCoefficients};
pub use several::SeveralMlp;

pub use crate::inference::Activation;
pub use crate::training::Progress;

use vdf_basis::{
    Basis, Bound, Choices, Coder, Error, Kept, NamedBasis, Quantise, Quantized, QuantizedCoefficients, Resolution,
    Result, Spec, Stream, Vdf, VelocityGrid, spec_of,
};

/// A fully connected network for each distribution.
///
/// A bound is kept by networks of several widths, trained until they are well below it, and by the widest steps of
/// quantisation; the shortest stream is taken. Without a bound, rounding adds 5% to the error of the network.
///
/// ```
/// use vdf_basis::{Expansion, Fidelity, Sampling, Synthetic};
/// let grid = Synthetic::default_grid("beams", 16)?;
/// let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
/// let registry = vdf_basis_neural::registry();
/// let expansion = Expansion::encode(&registry.parse("mlp:l2=0.1")?, &vdf)?;
/// let read = registry.decode(&registry.to_bytes(&expansion)?)?;
/// assert!(Fidelity::compare(&vdf, &read.reconstruct()?)?.l2 <= 0.1);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    /// The choices of the network.
    pub architecture: Architecture,
    /// Units of each hidden layer; without them, several are tried for a bound, and 16 are taken without one.
    pub width: Option<usize>,
    /// Steps of the training by Adam.
    pub steps: usize,
    /// Most steps of Levenberg and Marquardt after them.
    pub refinements: usize,
    bound: Option<Bound>,
}

impl Default for Mlp {
    fn default() -> Self {
        Self { architecture: Architecture::default(), width: None, steps: 1000, refinements: 60, bound: None }
    }
}

impl Mlp {
    /// Part of the network's error that rounding may add where there is no bound.
    const SLACK: f64 = Quantized::<Net>::DEFAULT_SLACK;

    /// This basis with a bound on the streams.
    #[must_use]
    pub fn with_bound(self, bound: Bound) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// The bound.
    #[must_use]
    pub fn bound(&self) -> Option<Bound> {
        self.bound
    }

    /// As [`Basis::encode`], with the report of the training.
    ///
    /// # Errors
    /// As [`Basis::encode`].
    pub fn fit(&self, vdf: &Vdf) -> Result<(QuantizedCoefficients<Net>, Report)> {
        encode::encode(self, vdf, None)
    }

    /// The basis that rounds networks.
    fn quantized(&self) -> Result<Quantized<Net>> {
        let net = Net(Self { bound: None, ..self.clone() });
        match self.bound {
            Some(bound) => Quantized::new(net, bound),
            None => Quantized::with_slack(net, Self::SLACK),
        }
    }
}

impl Basis for Mlp {
    type Coefficients = QuantizedCoefficients<Net>;

    /// # Errors
    /// [`Error::Degenerate`] for a distribution of zeros, and with the loss if the training
    /// diverges; [`Error::TargetNotMet`] if no network that is tried meets the bound.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        Ok(self.fit(vdf)?.0)
    }

    /// Trains on from the weights of `start`; from random ones if that misses the bound.
    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        encode::encode(self, vdf, Some(start.inner())).map(|(found, _)| found).or_else(|_| self.encode(vdf))
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.quantized()?.reconstruct(coefficients, grid)
    }
}

impl Stream for Mlp {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients {
        let net = Net(Self { bound: None, ..self.clone() });
        // The bound does not matter to a reader.
        let quantized = Quantized::with_slack(net, Self::SLACK);
        #[allow(clippy::expect_used)]
        quantized.expect("the slack is allowed").blank(grid)
    }

    /// Codes the weights in a step of their own, which is written with them; the resolution is ignored.
    fn code(
        &self,
        coefficients: &mut Self::Coefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.quantized()?.code(coefficients, grid, resolution, coder)
    }
}

impl Quantise for Mlp {
    fn rounded(&self, coefficients: &Self::Coefficients, _: &Vdf, _: Resolution) -> Result<Self::Coefficients> {
        Ok(coefficients.clone())
    }

    fn ignores_step(&self) -> bool {
        true
    }

    fn kept_bound(&self) -> Option<Bound> {
        self.bound
    }

    /// Keeps the bound by itself, unless it has one of its own.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        Ok(match self.bound {
            Some(_) => Kept::AtAnyStep,
            None => Kept::Itself(self.clone().with_bound(*bound)),
        })
    }
}

impl NamedBasis for Mlp {
    const NAME: &'static str = "mlp";

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        const MOST_STEPS: usize = 1_000_000;
        choices.optional("width", &mut self.width)?;
        self.architecture.choose(choices)?;
        choices.number("steps", &mut self.steps)?;
        choices.number("refinements", &mut self.refinements)?;
        if let Some(width) = self.width {
            self.architecture.network(width, 0)?;
        }
        if self.steps > MOST_STEPS {
            return Err(choices.refused("steps", self.steps, "a whole number up to 1000000"));
        }
        if self.refinements > MOST_STEPS {
            return Err(choices.refused("refinements", self.refinements, "a whole number up to 1000000"));
        }
        Bound::choose(&mut self.bound, choices)
    }
}

impl std::str::FromStr for Mlp {
    type Err = Error;

    /// Reads a spec that is one network, such as `mlp:width=20,l2=0.03`.
    fn from_str(text: &str) -> Result<Self> {
        let spec: Spec = text.parse()?;
        let [term] = &spec.terms[..] else { return Err(no_network(text)) };
        if term.name != Self::NAME || term.inner.is_some() || !term.factors.is_empty() {
            return Err(no_network(text));
        }
        let (mut mlp, mut choices) = (Self::default(), Choices::of(term));
        mlp.choose(&mut choices)?;
        choices.finish()?;
        Ok(mlp)
    }
}

fn no_network(spec: &str) -> Error {
    Error::InvalidSpec { spec: spec.to_owned(), problem: "it is no single network, such as `mlp:width=20`".to_owned() }
}
