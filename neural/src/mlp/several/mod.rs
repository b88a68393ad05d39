//! One network for several distributions, each with a latent vector, as Vlasiator's MLP_MULTI.

mod bytes;
#[cfg(test)]
mod tests;
mod together;

use vdf_basis::{Error, Result, Vdf, VelocityGrid};

use super::Mlp;
use super::encode::Data;
use super::net::{Frame, densities};
use crate::inference::outputs;
use crate::weights::{Tensor, Weights};
use together::Together;

/// A network that describes several distributions. Its inputs are the velocity, scaled to each distribution, and a latent
/// vector, which tells the distributions apart. It is a value and no basis: all distributions are trained together.
///
/// ```
/// use vdf_basis::{Fidelity, Sampling, Synthetic};
/// use vdf_basis_neural::mlp::SeveralMlp;
/// let grid = Synthetic::default_grid("beams", 12)?;
/// let sample = |seed| Synthetic::named("beams", seed)?.sample(&grid, Sampling::default());
/// let vdfs = (0..3).map(sample).collect::<vdf_basis::Result<Vec<_>>>()?;
/// let several = SeveralMlp::fit(&vdfs, &"mlp:width=8,steps=200".parse()?, 2)?;
/// let read = SeveralMlp::from_bytes(&several.to_bytes()?)?;
/// assert_eq!(read, several);
/// assert!(Fidelity::compare(&vdfs[1], &read.reconstruct(1)?)?.l2 < 0.5);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SeveralMlp {
    mlp: Mlp,
    width: usize,
    weights: Weights,
    /// A row for each entry of the latent vectors, a column for each distribution.
    latents: Weights,
    /// Length of a latent vector.
    length: usize,
    /// The step of the stream, by which weights and latents are rounded.
    step: f64,
    members: Vec<Member>,
}

/// Frame and units of one distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Member {
    frame: Frame,
    unit: f64,
    span: u8,
}

impl SeveralMlp {
    /// Part of the mean square of the relative errors that rounding may add.
    const SLACK: f64 = 0.1;
    /// Most entries of a latent vector.
    pub const MOST_LATENTS: usize = 64;

    /// Trains a network on some distributions, and rounds it so that the mean square of the relative errors grows by 10%. The
    /// choices are those of `mlp`; its bound and its refinements are not used. Each distribution counts alike.
    ///
    /// # Errors
    /// [`Error::Degenerate`] for no distributions or one of zeros, and with the loss if the training diverges;
    /// [`Error::InvalidParameter`] for more than 64 latents.
    pub fn fit(vdfs: &[Vdf], mlp: &Mlp, latents: usize) -> Result<Self> {
        const DEFAULT_WIDTH: usize = 32;
        if vdfs.is_empty() {
            return Err(Error::Degenerate { basis: "mlp", reason: "there are no distributions".to_owned() });
        }
        if latents > Self::MOST_LATENTS {
            let allowed = format!("a whole number from 0 to {}", Self::MOST_LATENTS);
            return Err(Error::InvalidParameter { name: "latents", value: latents.to_string(), allowed });
        }
        let mlp = Mlp { bound: None, ..mlp.clone() };
        let width = mlp.width.unwrap_or(DEFAULT_WIDTH);
        let network = mlp.architecture.network(width, latents)?;
        let data = vdfs.iter().map(|vdf| Data::new(&mlp, vdf)).collect::<Result<Vec<_>>>()?;
        let mut together = Together::new(&mlp, &network, &data);
        together.train(mlp.steps)?;
        let (of_weights, of_latents) = together.sensitivities();
        let members = data.iter().map(|data| Member { frame: data.frame, unit: data.unit, span: data.span }).collect();
        let doubles = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
        let weights = Weights::new(&network.tensors(), doubles(&together.weights), &of_weights)?;
        let latent_table = latent_tensor(latents, data.len());
        let table = Weights::new(&latent_table, doubles(&together.latents), &of_latents)?;
        let found = Self { mlp, width, weights, latents: table, length: latents, step: 0.0, members };
        found.rounded(&together)
    }

    /// This value, rounded in the widest step that the slack allows.
    fn rounded(&self, together: &Together<'_>) -> Result<Self> {
        /// The widest step tried, as a relative error; each further one is finer by a quarter of an octave.
        const WIDEST: f64 = 0.5;
        const STEPS: i32 = 96;
        let limit = (1.0 + Self::SLACK) * together.mean_square(&together.weights, &together.latents)?;
        let mut rounded = self.clone();
        for quarter in 0..STEPS {
            rounded = Self { step: WIDEST * 0.5_f64.powf(0.25 * f64::from(quarter)), ..self.clone() };
            rounded.write()?;
            if together.mean_square(&single(&rounded.weights), &single(&rounded.latents))? <= limit {
                break;
            }
        }
        Ok(rounded)
    }

    /// Number of distributions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True if there are no distributions, which `fit` refuses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The grid of a distribution, if there is one of this index.
    #[must_use]
    pub fn grid(&self, index: usize) -> Option<&VelocityGrid> {
        self.members.get(index).map(|member| &member.frame.grid)
    }

    /// A distribution on its own grid.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an index beyond the last; [`Error::NotFinite`] for weights so large that the densities
    /// overflow.
    pub fn reconstruct(&self, index: usize) -> Result<Vdf> {
        let Some(Member { frame, unit, span }) = self.members.get(index) else {
            let allowed = format!("an index below {}", self.len());
            return Err(Error::InvalidParameter { name: "index", value: index.to_string(), allowed });
        };
        let architecture = &self.mlp.architecture;
        let network = architecture.network(self.width, self.length)?;
        let weights = single(&self.weights);
        let latents: Vec<f32> = single(&self.latents).into_iter().skip(index).step_by(self.len()).collect();
        let evaluate = |points: &[[f32; 3]]| outputs(&network, &weights, &latents, points);
        let outputs = densities(&frame.coordinates(&frame.grid), evaluate);
        let density = |output: f32| f64::from(architecture.density(output, f32::from(*span))) * unit;
        Vdf::from_vec(frame.grid, outputs.into_iter().map(density).collect())
    }
}

fn single(weights: &Weights) -> Vec<f32> {
    weights.values.iter().map(|weight| *weight as f32).collect()
}

/// The table of latents: each row has a sensitivity.
fn latent_tensor(length: usize, members: usize) -> [Tensor; 1] {
    [Tensor { rows: length, columns: members, by_column: false }]
}
