//! Mixtures of Gaussians: the physicist's reading of a distribution as core, beams and halo, and the most compact basis
//! for it.
//!
//! f(v) = Σ_k n_k (2π)^{−3/2} |Σ_k|^{−1/2} exp(−½ (v − u_k)ᵀ Σ_k⁻¹ (v − u_k)); with kappa components
//! (1 + q/(2κ−3))^{−κ−1} in place of exp(−q/2), the same covariances and heavier tails.
//!
//! Found by expectation and maximisation on the weighted cells, which keeps density, bulk velocity and pressure tensor of
//! the data, or by least squares, which halves the error. EM for particle-in-cell data: Chen, Chacón and Nguyen 2021
//! (arXiv 2105.13797); the number of components by BIC: Dupuis et al. 2020 (ApJ 889, 22), by MML: Figueiredo and Jain
//! 2002 (IEEE Trans. Pattern Anal. Mach. Intell. 24, 381).

mod cells;
mod coarse;
mod coding;
mod coefficients;
mod covariance;
mod em;
mod evaluate;
mod fit;
mod greedy;
mod member;
mod merge;
mod moments;
mod overlap;
mod parameters;
mod plane;
mod refine;
mod residual;
mod rounding;
mod selection;
mod spec;
mod start;
mod trial;

#[cfg(test)]
mod tests;

pub use coefficients::{MixtureCoefficients, MixtureComponent};
pub use covariance::{Covariance, NARROWEST};
pub use em::EmReport;
pub use fit::MixtureReport;
pub use moments::relative_entropy;
pub use selection::Selection;

use crate::basis::Basis;
use crate::coding::{Coder, Resolution};
use crate::distribution::fidelity::relative_l2;
use crate::distribution::frame::Orientation;
use crate::distribution::gaussian_coding::best_step;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

const NAME: &str = "mixture";

/// What the components are fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Refine {
    /// The smallest Σ (g − f)² over the cells.
    #[default]
    LeastSquares,
    /// The greatest likelihood, by EM alone: density, bulk velocity and, with full or tied covariances, the whole
    /// pressure tensor are the data's (of the model over all of velocity space), the squared error twice as large.
    None,
}

/// Where the search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Start {
    /// [`Greedy`](Self::Greedy) with least squares. Without, the likeliest of [`KMeans`](Self::KMeans),
    /// [`MomentSplit`](Self::MomentSplit), insertion one by one and twice as many clusters merged again, by EM on
    /// coarser cells where these resolve the distribution; then components that do little are moved to where more is
    /// missing, as long as that makes the mixture likelier.
    #[default]
    Auto,
    /// Weighted k-means++ on the cells, by the seed.
    KMeans,
    /// The data's own moments, split along the longest axis again and again.
    MomentSplit,
    /// One component after another where the mixture so far lacks most, all refitted each time.
    Greedy,
    /// The k-means of linfa-clustering on points drawn in proportion to the density, since it takes no weights.
    #[cfg(feature = "linfa")]
    Linfa,
}

/// A mixture of Gaussian or kappa components, with the user's choices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    components: usize,
    covariance: Covariance,
    kappa: Option<f64>,
    refine: Refine,
    start: Start,
    selection: Selection,
    samples: Option<f64>,
    seed: u64,
    tolerance: f64,
    iterations: usize,
}

const DEFAULT_TOLERANCE: f64 = 1e-4;
const DEFAULT_ITERATIONS: usize = 200;

impl Default for Mixture {
    /// 15 components with full covariances, fitted by least squares.
    fn default() -> Self {
        Self {
            components: 15,
            covariance: Covariance::Full,
            kappa: None,
            refine: Refine::LeastSquares,
            start: Start::Auto,
            selection: Selection::Fixed,
            samples: None,
            seed: 0,
            tolerance: DEFAULT_TOLERANCE,
            iterations: DEFAULT_ITERATIONS,
        }
    }
}

impl Mixture {
    /// Most components.
    pub const MAX_COMPONENTS: usize = 256;
    /// Largest κ: beyond, take Gaussians.
    pub const MAX_KAPPA: f64 = 1e4;

    /// The default mixture with so many components. Fewer are used where the data has fewer cells, or nothing is left
    /// to describe.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless there are between 1 and [`Self::MAX_COMPONENTS`].
    pub fn new(components: usize) -> Result<Self> {
        if !(1..=Self::MAX_COMPONENTS).contains(&components) {
            return Err(refused("components", components, format!("1 to {}", Self::MAX_COMPONENTS)));
        }
        Ok(Self { components, ..Self::default() })
    }

    /// With another kind of covariance.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a magnetic field that is zero or not finite.
    pub fn with_covariance(self, covariance: Covariance) -> Result<Self> {
        if let Covariance::FieldAligned(field) = covariance {
            Orientation::FieldAligned(field).validated()?;
        }
        Ok(Self { covariance, ..self })
    }

    /// With kappa components of the given index instead of Gaussians: f ∝ (1 + q/(2κ−3))^{−κ−1}, whose covariance does
    /// not depend on κ (Livadiotis and McComas 2009, JGR 114, A11105).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless κ is above 3/2 and at most [`Self::MAX_KAPPA`].
    pub fn with_kappa(self, kappa: f64) -> Result<Self> {
        if !(kappa > 1.5 && kappa <= Self::MAX_KAPPA) {
            return Err(refused("kappa", kappa, format!("above 3/2 and at most {}", Self::MAX_KAPPA)));
        }
        Ok(Self { kappa: Some(kappa), ..self })
    }

    /// Fitted to something else.
    #[must_use]
    pub fn with_refine(self, refine: Refine) -> Self {
        Self { refine, ..self }
    }

    /// Searched from elsewhere.
    #[must_use]
    pub fn with_start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// With the number of components chosen by the data; the number given is then the largest.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an error to be reached that is not positive.
    pub fn with_selection(self, selection: Selection) -> Result<Self> {
        match selection {
            Selection::Error(l2) if !(l2 > 0.0 && l2.is_finite()) => {
                Err(refused("l2", l2, "a positive relative error".to_owned()))
            }
            _ => Ok(Self { selection, ..self }),
        }
    }

    /// With the number of independent samples that the distribution is worth to BIC and MML. By default
    /// (Σ f)² / Σ f² (Kish 1965): the number of equally filled cells that would say as much.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless it is at least 2.
    pub fn with_samples(self, samples: f64) -> Result<Self> {
        if !(samples >= 2.0 && samples.is_finite()) {
            return Err(refused("samples", samples, "at least 2".to_owned()));
        }
        Ok(Self { samples: Some(samples), ..self })
    }

    /// With another seed for k-means++.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// EM ends when a step raises the mean log-likelihood by less than this (default 1e-4).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless it is positive.
    pub fn with_tolerance(self, tolerance: f64) -> Result<Self> {
        if !(tolerance > 0.0 && tolerance.is_finite()) {
            return Err(refused("tolerance", tolerance, "a positive number".to_owned()));
        }
        Ok(Self { tolerance, ..self })
    }

    /// At most so many steps of EM, and of the last least-squares search (default 200).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none.
    pub fn with_iterations(self, iterations: usize) -> Result<Self> {
        if iterations == 0 {
            return Err(refused("iterations", iterations, "at least 1".to_owned()));
        }
        Ok(Self { iterations, ..self })
    }

    /// The mean of the mixture over each cell of `grid`, as finite-volume codes store it, instead of its value at the
    /// centre: by error functions, exactly for Gaussians along the grid's axes; along the other axes of tilted ones and
    /// for kappa components by Gauss-Legendre quadrature, four points an axis.
    ///
    /// # Errors
    /// As [`Basis::reconstruct`].
    pub fn reconstruct_averaged(&self, coefficients: &MixtureCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.check(coefficients)?;
        Vdf::from_vec(*grid, evaluate::averaged(grid, &coefficients.members(grid), coefficients.profile()))
    }

    fn check(&self, coefficients: &MixtureCoefficients) -> Result<()> {
        if coefficients.covariance() == self.covariance && coefficients.kappa() == self.kappa {
            return Ok(());
        }
        Err(Error::ForeignCoefficients(format!(
            "covariance {:?} and κ {:?}, not those of `{self}`",
            coefficients.covariance(),
            coefficients.kappa()
        )))
    }
}

fn refused(name: &'static str, value: impl ToString, allowed: String) -> Error {
    Error::InvalidParameter { name, value: value.to_string(), allowed }
}

impl Basis for Mixture {
    type Coefficients = MixtureCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<MixtureCoefficients> {
        self.fit(vdf).map(|(coefficients, _)| coefficients)
    }

    /// As [`Mixture::fit_from`].
    /// Anew where the other mixture says little about this distribution.
    fn encode_from(&self, vdf: &Vdf, start: &MixtureCoefficients) -> Result<MixtureCoefficients> {
        /// An error `l2` that a start may have: beyond it, searches end in poor places more often than they are short.
        const NEAR: f64 = 0.2;
        let error = self.reconstruct(start, vdf.grid()).map(|start| relative_l2(vdf, &start));
        if error.is_ok_and(|error| error <= NEAR) { Ok(self.fit_from(vdf, start)?.0) } else { self.encode(vdf) }
    }

    fn reconstruct(&self, coefficients: &MixtureCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.check(coefficients)?;
        let members = coefficients.members(grid);
        let least = |peak: f64| peak * evaluate::FAINT;
        Vdf::from_vec(*grid, evaluate::at_centres(grid, &members, coefficients.profile(), least))
    }

    fn code(
        &self,
        coefficients: Option<&MixtureCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<MixtureCoefficients> {
        coefficients.map_or(Ok(()), |coefficients| self.check(coefficients))?;
        self.code_components(coefficients, grid, resolution, coder)
    }

    fn rounded(
        &self,
        coefficients: &MixtureCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<MixtureCoefficients> {
        self.rounded_together(coefficients, vdf, resolution)
    }

    fn rounded_before(&self, coefficients: &MixtureCoefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        best_step(steps, |step| self.off_multiples(coefficients, vdf.grid(), step))
    }
}
