//! A decoder of convolutions and a small latent grid, both trained on one distribution and both in its stream.

mod coding;
mod decoder;
mod rounding;
mod search;
mod training;

use vdf_basis::{
    Basis, Bound, Choices, Coder, Coefficients, Error, Figure, Kept, Label, NamedBasis, Quantise, Quantity, Resolution,
    Result, Slot, Spec, Stream, Vdf, VelocityGrid, spec_of,
};

use crate::bounds;
use crate::conv::{Layout, Volume, as_densities, normalised};
use decoder::Decoder;
use rounding::Steps;
use search::Rounded;

const NAME: &str = "cnn";

/// A convolutional network that draws one distribution from a small grid of latent numbers.
///
/// The latents lie on the grid halved `levels` times. Each level convolves them (3×3×3), applies an activation and doubles
/// the resolution as a cubic B-spline does; a last convolution gives f over its largest magnitude. Weights, biases and
/// latents are trained by Adam on the squared error, rounded, and all written to the stream.
///
/// ```no_run
/// use vdf_basis::{Expansion, Registry, Sampling, Synthetic};
/// use vdf_basis_neural::cnn::Cnn;
///
/// let registry = Registry::standard().with::<Cnn>();
/// let grid = Synthetic::default_grid("beams", 32)?;
/// let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
/// let expansion = Expansion::encode(&registry.parse("cnn:l2=0.05")?, &vdf)?;
/// let bytes = registry.to_bytes(&expansion)?;
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Cnn {
    size: Size,
    iterations: usize,
    rate: f64,
    seed: u64,
    bound: Option<Bound>,
}

/// Size of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    /// Doublings of the resolution.
    levels: usize,
    /// Channels of the latents.
    latents: usize,
    /// Channels between the convolutions.
    width: usize,
}

impl Size {
    /// Largest network: its weights are no more than 36,000.
    const MOST: Self = Self { levels: 5, latents: 8, width: 16 };

    /// Refuses networks whose layers need far more memory than the grid, as of a long row of cells with its border.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`].
    fn check(self, grid: &VelocityGrid) -> Result<()> {
        /// Numbers of a layer for each cell, and numbers that are always allowed.
        const EACH: usize = 48;
        const ALWAYS: usize = 1 << 22;
        let numbers = Layout::new(grid.shape()).pitch().saturating_mul(self.width);
        let limit = grid.cells().saturating_mul(EACH).saturating_add(ALWAYS);
        match numbers <= limit {
            true => Ok(()),
            false => Err(Error::LimitExceeded { what: format!("{numbers} numbers in a layer of {grid}"), limit }),
        }
    }

    fn decoder(self, grid: &VelocityGrid) -> Decoder {
        Decoder::new(grid.shape(), self.levels, self.latents, self.width)
    }

    /// The next larger size, for a bound that this one cannot keep.
    fn grown(self) -> Self {
        let latents = (self.latents + 1).min(Self::MOST.latents);
        Self { latents, width: (self.width + 2).min(Self::MOST.width), ..self }
    }
}

/// Weights, biases and latents of one distribution's network, as multiples of quantisation steps.
#[derive(Debug, Clone, PartialEq)]
pub struct CnnCoefficients {
    shape: [usize; 3],
    size: Size,
    /// The density [s³ m⁻⁶] that the output 1 stands for.
    scale: f64,
    steps: Steps,
    multiples: Vec<i32>,
}

/// The training of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct CnnReport {
    /// Relative L2 error before each iteration; the last part is of training with rounded numbers.
    pub losses: Vec<f64>,
    /// Relative L2 error of the rounded network.
    pub error: f64,
}

impl Default for Cnn {
    /// Two levels, 3 channels of latents, 6 channels between the convolutions, 250 iterations.
    fn default() -> Self {
        let size = Size { levels: 2, latents: 3, width: 6 };
        Self { size, iterations: 250, rate: 0.01, seed: 0, bound: None }
    }
}

impl Cnn {
    /// The coefficients of a distribution, and how the training went.
    ///
    /// # Errors
    /// [`Error::Degenerate`] for a distribution of zeros and for training that diverges, with the loss;
    /// [`Error::TargetNotMet`] if the bound is not met by a larger network after longer training either.
    pub fn fit(&self, vdf: &Vdf) -> Result<(CnnCoefficients, CnnReport)> {
        let (scale, cells) = normalised(vdf, NAME)?;
        let target = Volume::from_cells(vdf.grid().shape(), 1, &cells);
        let Some(bound) = self.bound else { return self.trained(self.size, scale, &target, vdf, None) };
        bounds::check(&bound)?;
        // Figures other than the L2 error are met by a smaller one.
        let first = bound.limits().map(|(_, limit)| limit).fold(f64::INFINITY, f64::min);
        let (mut goal, mut size) = (bound.limit(Figure::L2).unwrap_or(first).min(0.9), self.size);
        let mut reached = String::new();
        for _ in 0..Self::ATTEMPTS {
            let (found, report) = self.trained(size, scale, &target, vdf, Some(goal))?;
            let back = self.reconstruct(&found, vdf.grid())?;
            let Some(missed) = bounds::missed(&bound, vdf, &back)? else { return Ok((found, report)) };
            reached = missed;
            if report.error <= goal {
                goal *= 0.5;
            } else {
                size = size.grown();
            }
        }
        Err(Error::TargetNotMet { basis: self.spec()?.to_string(), target: bound.to_string(), reached })
    }

    /// Networks that are trained for a bound before it is given up.
    const ATTEMPTS: usize = 4;

    fn trained(
        &self,
        size: Size,
        scale: f64,
        target: &Volume,
        vdf: &Vdf,
        goal: Option<f64>,
    ) -> Result<(CnnCoefficients, CnnReport)> {
        size.check(vdf.grid())?;
        let decoder = size.decoder(vdf.grid());
        let trained = search::trained(&decoder, target, self.seed, self.iterations, self.rate, goal);
        let Rounded { steps, multiples, error, losses } = trained.map_err(|diverged| Error::Degenerate {
            basis: NAME,
            reason: format!(
                "training diverged: the relative L2 error is {} after iteration {} at rate={}; try a smaller rate",
                diverged.loss, diverged.iteration, self.rate
            ),
        })?;
        let shape = vdf.grid().shape();
        Ok((CnnCoefficients { shape, size, scale, steps, multiples }, CnnReport { losses, error }))
    }

    /// Refuses coefficients of another grid, or that do not fit together.
    fn check(coefficients: &CnnCoefficients, grid: &VelocityGrid) -> Result<Decoder> {
        let CnnCoefficients { shape, size, multiples, .. } = coefficients;
        if grid.shape() != *shape {
            let [x, y, z] = shape;
            return Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() });
        }
        size.check(grid)?;
        let decoder = size.decoder(grid);
        match multiples.len() == decoder.len() {
            true => Ok(decoder),
            false => {
                let problem = format!("{} numbers, where the network has {}", multiples.len(), decoder.len());
                Err(Error::ForeignCoefficients(problem))
            }
        }
    }
}

impl CnnCoefficients {
    /// Number of weights, biases and latents.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.multiples.len()
    }
}

impl Coefficients for CnnCoefficients {
    /// The scale, then weights and biases of each convolution and the latents.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), self.scale);
        for (index, value) in (0..).zip(self.steps.values(&self.multiples)) {
            visitor(Slot::new(Quantity::Dimensionless, 0).at(Label::Index(index)), f64::from(value));
        }
    }

    fn scale(&mut self, factor: f64) {
        self.scale *= factor;
    }

    /// Levels, channels and width, and the exponents of the steps.
    fn topology_len(&self) -> usize {
        3 + self.steps.exponents.len()
    }
}

impl Basis for Cnn {
    type Coefficients = CnnCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<CnnCoefficients> {
        self.fit(vdf).map(|(found, _)| found)
    }

    /// Bound to the shape of the grid: another is refused. Its place and spacing are free.
    fn reconstruct(&self, coefficients: &CnnCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        let decoder = Self::check(coefficients, grid)?;
        let output = decoder.forward(&coefficients.steps.values(&coefficients.multiples));
        Vdf::from_vec(*grid, as_densities(&output.cells(), coefficients.scale))
    }
}

impl Stream for Cnn {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> CnnCoefficients {
        let steps = Steps::new(&self.size.decoder(grid), Vec::new());
        CnnCoefficients { shape: grid.shape(), size: self.size, scale: 0.0, steps, multiples: Vec::new() }
    }

    /// Ignores the resolution: the numbers are in steps of their own, which are written with them.
    fn code(
        &self,
        coefficients: &mut CnnCoefficients,
        grid: &VelocityGrid,
        _: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        if !coder.is_reading() {
            Self::check(coefficients, grid)?;
        }
        coding::code(coefficients, self.size, grid, coder)
    }
}

impl Quantise for Cnn {
    fn rounded(&self, coefficients: &CnnCoefficients, _: &Vdf, _: Resolution) -> Result<CnnCoefficients> {
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
            false => Ok(Kept::Itself(Self { bound: Some(*bound), ..self.clone() })),
        }
    }
}

impl NamedBasis for Cnn {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        let Size { levels, latents, width } = &mut self.size;
        choices.number("levels", levels)?;
        choices.number("latents", latents)?;
        choices.number("width", width)?;
        choices.number("iterations", &mut self.iterations)?;
        choices.number("rate", &mut self.rate)?;
        choices.number("seed", &mut self.seed)?;
        let Size { levels, latents, width } = self.size;
        let most = Size::MOST;
        for (key, value, most) in [
            ("levels", levels, most.levels),
            ("latents", latents, most.latents),
            ("width", width, most.width),
            ("iterations", self.iterations, 1_000_000),
        ] {
            if !(1..=most).contains(&value) {
                return Err(choices.refused(key, value, &format!("a whole number from 1 to {most}")));
            }
        }
        if !(self.rate > 0.0 && self.rate <= 1e6) {
            return Err(choices.refused("rate", self.rate, "a positive number up to 1e6"));
        }
        Bound::choose(&mut self.bound, choices)
    }
}

#[cfg(test)]
mod tests;
