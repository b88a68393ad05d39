//! Mixtures of Gaussians: a distribution as a sum of populations, such as core, beams and halo. The most compact basis
//! for distributions of that kind.
//!
//! f(v) = Σ_k n_k (2π)^{−3/2} |Σ_k|^{−1/2} exp(−½ (v − u_k)ᵀ Σ_k⁻¹ (v − u_k)); with kappa components
//! (1 + q/(2κ−3))^{−κ−1} in place of exp(−q/2), the same covariances and heavier tails.
//!
//! The components are found by expectation and maximisation (EM) on the weighted cells, which keeps density, bulk
//! velocity and pressure tensor of the data, or by least squares, which halves the error. For EM on particle-in-cell
//! data see Chen, Chacón and Nguyen 2021 (arXiv 2105.13797). For the number of components by BIC see Dupuis et al.
//! 2020 (ApJ 889, 22), by MML Figueiredo and Jain 2002 (IEEE Trans. Pattern Anal. Mach. Intell. 24, 381).
//!
//! ```
//! use vdf_basis::{Basis, Mixture, Vdf, VelocityGrid};
//!
//! // A dense core at rest and a beam of half its width.
//! let bell = |x: f64, y: f64, z: f64, width: f64| (-0.5 * (x * x + y * y + z * z) / (width * width)).exp();
//! let grid = VelocityGrid::new([20; 3], [-10.0; 3], [1.0; 3])?;
//! let vdf = Vdf::from_fn(grid, |[x, y, z]| bell(x, y, z, 2.0) + 0.5 * bell(x - 5.0, y, z, 1.0))?;
//! let coefficients = Mixture::new(2)?.encode(&vdf)?;
//! let [core, beam] = coefficients.components() else { panic!("two components") };
//! assert!((core.thermal_speed() - 2.0).abs() < 1e-6 && (beam.thermal_speed() - 1.0).abs() < 1e-6);
//! assert!((core.density / beam.density - 16.0).abs() < 1e-4);
//! assert!((beam.frame.centre[0] - 5.0).abs() < 1e-6);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod cells;
mod closed_forms;
mod coarse;
mod coding;
mod coefficients;
mod covariance;
mod em;
mod evaluate;
mod fit;
mod gradient;
mod greedy;
mod lineage;
mod logarithm;
mod logarithm_samples;
mod logarithmic_coding;
mod logarithmic_fit;
mod logarithmic_rounding;
mod member;
mod merge;
mod moments;
mod overlap;
mod parameters;
mod particles;
mod plane;
mod refine;
mod residual;
mod rounding;
mod search;
mod selection;
mod spec;
mod start;
mod trial;

#[cfg(test)]
mod tests;

pub use crate::distribution::physics::relative_entropy;
pub use coefficients::{MixtureCoefficients, MixtureComponent};
pub use covariance::{Covariance, NARROWEST};
pub use em::EmReport;
pub use fit::MixtureReport;
pub use particles::ParticleReport;
pub use selection::Selection;

use crate::basis::choices::spec_of;
use crate::basis::spec::Spec;
use crate::basis::{Basis, Gradient, Quantise, Stream, gradient as basis_gradient};
use crate::coding::{Coder, Resolution};
use crate::distribution::decades::Floor;
use crate::distribution::fidelity::relative_l2;
use crate::distribution::frame::Orientation;
use crate::distribution::gaussian_coding::best_step;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

const NAME: &str = "mixture";

/// The criterion by which the components are fitted.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Refine {
    /// The smallest Σ (g − f)² over the cells.
    #[default]
    LeastSquares,
    /// The greatest likelihood, by EM alone. Density, bulk velocity and, with full or tied covariances, the whole
    /// pressure tensor of the model over all of velocity space equal those of the data. The squared error is twice as
    /// large.
    None,
    /// The smallest Σ (log₁₀ max(g, floor) − log₁₀ max(f, floor))²: every cell above the floor counts equally. The floor
    /// is that of [`Mixture::above`]. The search inserts one component after another, whatever the [`Start`], and their
    /// number is fixed.
    Logarithm,
}

/// The mixture from which the search begins.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Start {
    /// [`Greedy`](Self::Greedy) with least squares. With EM the likeliest of [`KMeans`](Self::KMeans),
    /// [`MomentSplit`](Self::MomentSplit), insertion one by one, and twice as many clusters merged in pairs, tried on
    /// coarser cells if these resolve the distribution. Two components are then merged and one is inserted at the
    /// largest residual, as long as that raises the likelihood.
    #[default]
    Auto,
    /// Weighted k-means++ on the cells, with random numbers from the seed.
    KMeans,
    /// Repeated splitting, along the longest axis, of one component with the data's moments.
    MomentSplit,
    /// Insertion of one component after another at the largest residual; all are refitted each time.
    Greedy,
    /// K-means of the crate linfa-clustering. It takes no weights, so that it works on points drawn in proportion to
    /// the density.
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
    floor: Floor,
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
            floor: Floor::default(),
        }
    }
}

impl Mixture {
    /// Maximum number of components: JᵀJ of 256 full covariances, 2560², takes 52 MB.
    pub const MAX_COMPONENTS: usize = 256;
    /// Maximum κ. Gaussians differ from it by less than 1e-3 of the peak.
    pub const MAX_KAPPA: f64 = 1e4;

    /// The default mixture with this number of components. A fit uses fewer if the data has fewer cells, or if the
    /// residual vanishes.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless there are between 1 and [`Self::MAX_COMPONENTS`].
    pub fn new(components: usize) -> Result<Self> {
        Self { components, ..Self::default() }.validated()
    }

    /// Sets the kind of covariance.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a magnetic field that is zero or not finite.
    pub fn with_covariance(self, covariance: Covariance) -> Result<Self> {
        Self { covariance, ..self }.validated()
    }

    /// Sets kappa components of the given index instead of Gaussians: f ∝ (1 + q/(2κ−3))^{−κ−1}, whose covariance does
    /// not depend on κ (Livadiotis and McComas 2009, JGR 114, A11105).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless κ is above 3/2 and at most [`Self::MAX_KAPPA`].
    pub fn with_kappa(self, kappa: f64) -> Result<Self> {
        Self { kappa: Some(kappa), ..self }.validated()
    }

    /// Sets the criterion of the fit.
    #[must_use]
    pub fn with_refine(self, refine: Refine) -> Self {
        Self { refine, ..self }
    }

    /// Sets the start of the search.
    #[must_use]
    pub fn with_start(self, start: Start) -> Self {
        Self { start, ..self }
    }

    /// Sets the criterion for the number of components; the number given to [`Mixture::new`] is then the maximum.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an error to be reached that is not positive.
    pub fn with_selection(self, selection: Selection) -> Result<Self> {
        Self { selection, ..self }.validated()
    }

    /// Sets the number of independent samples that the distribution stands for in BIC and MML. The default is
    /// (Σ f)² / Σ f², the effective sample size (Kish 1965): the number of occupied cells if all were equally filled.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if it is below 2.
    pub fn with_samples(self, samples: f64) -> Result<Self> {
        Self { samples: Some(samples), ..self }.validated()
    }

    /// Sets the seed of k-means++.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the gain of the mean log-likelihood below which EM ends (default 1e-4).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless it is positive.
    pub fn with_tolerance(self, tolerance: f64) -> Result<Self> {
        Self { tolerance, ..self }.validated()
    }

    /// Sets the maximum number of steps of EM, and of the last least-squares search (default 200).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none.
    pub fn with_iterations(self, iterations: usize) -> Result<Self> {
        Self { iterations, ..self }.validated()
    }

    /// Sets [`Refine::Logarithm`] above a given floor [s³ m⁻⁶]; without one it is 1e-6 of each distribution's peak.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the floor is not a positive number, or for a selection of the number of
    /// components.
    pub fn above(self, floor: f64) -> Result<Self> {
        self.with_floor(Floor::at(floor)?).validated()
    }

    /// Sets [`Refine::Logarithm`] above a floor of any kind.
    pub(crate) fn with_floor(self, floor: Floor) -> Self {
        Self { refine: Refine::Logarithm, floor, ..self }
    }

    fn validated(self) -> Result<Self> {
        let is_positive = |x: f64| x > 0.0 && x.is_finite();
        if !(1..=Self::MAX_COMPONENTS).contains(&self.components) {
            return Err(Error::parameter("components", self.components, format!("1 to {}", Self::MAX_COMPONENTS)));
        }
        if let Covariance::FieldAligned(field) = self.covariance {
            Orientation::FieldAligned(field).validated()?;
        }
        match (self.kappa, self.selection, self.samples) {
            (Some(kappa), ..) if !(kappa > 1.5 && kappa <= Self::MAX_KAPPA) => {
                Err(Error::parameter("kappa", kappa, format!("above 3/2 and at most {}", Self::MAX_KAPPA)))
            }
            (_, Selection::Error(l2), _) if !is_positive(l2) => {
                Err(Error::parameter("l2", l2, "a positive relative error"))
            }
            (.., Some(samples)) if !(samples >= 2.0 && samples.is_finite()) => {
                Err(Error::parameter("samples", samples, "at least 2"))
            }
            (_, selection, _) if self.refine == Refine::Logarithm && selection != Selection::Fixed => {
                Err(Error::parameter("select", format!("{selection:?}"), "fixed, for a fit of the logarithm"))
            }
            _ if !is_positive(self.tolerance) => {
                Err(Error::parameter("tolerance", self.tolerance, "a positive number"))
            }
            _ if self.iterations == 0 => Err(Error::parameter("iterations", 0, "at least 1")),
            _ => Ok(self),
        }
    }

    /// The mean of the mixture over each cell of `grid`, as finite-volume codes store it, instead of its value at the
    /// centre. Error functions give it exactly for Gaussians along the grid's axes; Gauss-Legendre quadrature with four
    /// points per axis gives it along the other axes of tilted ones, and for kappa components.
    ///
    /// # Errors
    /// Those of [`Basis::reconstruct`].
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

impl Basis for Mixture {
    type Coefficients = MixtureCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<MixtureCoefficients> {
        self.fit(vdf).map(|(coefficients, _)| coefficients)
    }

    /// Encodes by [`Mixture::fit_from`], or by [`Basis::encode`] if the other mixture is far from this distribution.
    fn encode_from(&self, vdf: &Vdf, start: &MixtureCoefficients) -> Result<MixtureCoefficients> {
        /// Maximum error `l2` of a start. A search from a worse one often ends in a poor local optimum.
        const MAX_START_ERROR: f64 = 0.2;
        let error = self.reconstruct(start, vdf.grid()).map(|start| relative_l2(vdf, &start));
        if error.is_ok_and(|error| error <= MAX_START_ERROR) {
            Ok(self.fit_from(vdf, start)?.0)
        } else {
            self.encode(vdf)
        }
    }

    fn reconstruct(&self, coefficients: &MixtureCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.check(coefficients)?;
        let members = coefficients.members(grid);
        let least = |peak: f64| peak * evaluate::FAINT;
        Vdf::from_vec(*grid, evaluate::at_centres(grid, &members, coefficients.profile(), least))
    }

    /// Σ_k −f_k Σ_k⁻¹ (v − u_k); for kappa components times (2κ + 2)/(2κ − 3 + q_k).
    fn gradient(&self, coefficients: &MixtureCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        self.check(coefficients)?;
        let parts = gradient::at_centres(grid, &coefficients.members(grid), coefficients.profile());
        basis_gradient::from_parts(NAME, grid, parts)
    }
}

impl Stream for Mixture {
    fn spec(&self) -> Result<Spec> {
        // A floor that a preset finds is no choice of a spec.
        let floor = if self.floor.given().is_some() { self.floor } else { Floor::default() };
        spec_of(&Self { floor, ..*self })
    }

    fn blank(&self, _: &VelocityGrid) -> MixtureCoefficients {
        MixtureCoefficients::blank(self.covariance, self.kappa)
    }

    fn code(
        &self,
        coefficients: &mut MixtureCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.check(coefficients)?;
        self.code_components(coefficients, grid, resolution, coder)
    }
}

impl Quantise for Mixture {
    fn rounded(
        &self,
        coefficients: &MixtureCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<MixtureCoefficients> {
        match (self.refine, resolution) {
            (Refine::Logarithm, Resolution::Step(step)) => self.rounded_in_logarithm(coefficients, vdf, step),
            _ => self.rounded_together(coefficients, vdf, resolution),
        }
    }

    fn rounded_before(
        &self,
        coefficients: &MixtureCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, MixtureCoefficients)> {
        if self.refine == Refine::Logarithm {
            return None;
        }
        let index = best_step(steps, |step| self.off_multiples(coefficients, vdf.grid(), step))?;
        Some((index, coefficients.clone()))
    }
}
