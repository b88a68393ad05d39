//! The components of a population, learnt once and shared by the coefficients of all its distributions.

use std::fmt;
use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::{Accum, ColMut, ColRef, MatRef, Par};

use super::file::Hasher;
use super::{NAME, Values, coding, restored};
use crate::basis::{Basis, Coefficients, Quantity, Slot};
use crate::coding::{Coder, Numbers, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::{largest_magnitude, normalising_factor};
use crate::spec::SpecWriter;

/// Mean and principal components of a population of distributions on one grid, learnt by a
/// [`PcaAccumulator`](super::PcaAccumulator): a basis in which a distribution is a few scores.
///
/// A value: it can be written to a file and read back, and prints itself as `pca:learnt=` and its [identity](Self::hash),
/// by which a registry knows it once [given it](crate::Registry::with_value). Coefficients carry that identity; another
/// basis refuses them. Cheap to clone.
#[derive(Clone)]
pub struct PopulationPca(Arc<Learnt>);

#[derive(PartialEq)]
pub(super) struct Learnt {
    pub(super) grid: VelocityGrid,
    pub(super) values: Values,
    pub(super) count: u64,
    pub(super) mean: Vec<f64>,
    /// One after another.
    pub(super) components: Vec<f64>,
    /// In units of the square of `unit`.
    pub(super) variances: Vec<f64>,
    pub(super) total_variance: f64,
    /// 1, or a power of two near the values where their squares leave the range of `f64`.
    pub(super) unit: f64,
    /// The variances in the square of the values' unit, in which they may leave the range of `f64`.
    own_variances: Vec<f64>,
    pub(super) hash: u64,
}

/// What was found in one distribution: how much of each of a population's components it has.
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationPcaCoefficients {
    basis: u64,
    /// And how often the root mean square of the densities is twice as much.
    floor: Option<(f64, u32)>,
    scores: Vec<f64>,
}

impl PopulationPca {
    pub(super) fn new(
        grid: VelocityGrid,
        values: Values,
        count: u64,
        mean: Vec<f64>,
        components: Vec<f64>,
        (variances, total_variance): (Vec<f64>, f64),
        unit: f64,
    ) -> Result<Self> {
        // One after another: the square of the unit may leave the range of f64 where the variance does not.
        let own_variances = variances.iter().map(|variance| variance * unit * unit).collect();
        let mut learnt =
            Learnt { grid, values, count, mean, components, variances, total_variance, unit, own_variances, hash: 0 };
        if let Some(value) = learnt.numbers().find(|value| !value.is_finite()) {
            let reason = format!("its mean or variance is {value}");
            return Err(Error::Degenerate { basis: NAME, reason });
        }
        let mut hasher = Hasher::default();
        learnt.put(&mut hasher)?;
        learnt.hash = hasher.finish();
        Ok(Self(Arc::new(learnt)))
    }

    pub(super) fn learnt(&self) -> &Learnt {
        &self.0
    }

    /// What tells this basis from every other: a hash (64-bit FNV-1a) of its grid, choices, mean and components to the
    /// last bit; the last eight bytes of its file.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.hash
    }

    /// The grid of the population.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.0.grid
    }

    /// What is described of each distribution.
    #[must_use]
    pub fn values(&self) -> Values {
        self.0.values
    }

    /// How many distributions it was learnt from.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count
    }

    /// The mean, in C order of the grid [s³ m⁻⁶ or decades].
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.0.mean
    }

    /// The components, the most important first: unit vectors in C order of the grid, orthogonal to each other.
    pub fn components(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.0.components.chunks_exact(self.0.mean.len())
    }

    /// The variance of the population along each component: Σ score² / (n − 1) over the n distributions it was learnt
    /// from [square of the values' unit]. Of densities below 1e-154 or above 1e154 it may be zero or infinite, being
    /// beyond the range of `f64`; the [deviation](Self::explained_deviation) is not.
    #[must_use]
    pub fn explained_variance(&self) -> &[f64] {
        &self.0.own_variances
    }

    /// The standard deviation of the population along each component, the root of
    /// [`explained_variance`](Self::explained_variance) [unit of the values].
    #[must_use]
    pub fn explained_deviation(&self) -> Vec<f64> {
        self.0.variances.iter().map(|variance| variance.sqrt() * self.0.unit).collect()
    }

    /// The variances as shares of the variance along all directions; zeros where nothing varies.
    #[must_use]
    pub fn explained_variance_ratio(&self) -> Vec<f64> {
        let total = self.0.total_variance;
        self.0.variances.iter().map(|variance| if total > 0.0 { variance / total } else { 0.0 }).collect()
    }

    fn on_its_grid(&self, grid: &VelocityGrid) -> Result<()> {
        if *grid == self.0.grid {
            return Ok(());
        }
        Err(Error::GridMismatch { left: self.0.grid.to_string(), right: grid.to_string() })
    }
}

impl Learnt {
    fn numbers(&self) -> impl Iterator<Item = &f64> {
        self.mean.iter().chain(&self.components).chain(&self.variances).chain(std::iter::once(&self.total_variance))
    }

    fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.components, self.mean.len(), self.variances.len())
    }
}

impl PopulationPcaCoefficients {
    /// The [identity](PopulationPca::hash) of the basis they belong to.
    #[must_use]
    pub fn basis(&self) -> u64 {
        self.basis
    }

    /// The floor of the logarithm [s³ m⁻⁶], if it is one that was described.
    #[must_use]
    pub fn floor(&self) -> Option<f64> {
        self.floor.map(|(floor, _)| floor)
    }

    /// How much there is of each component [s³ m⁻⁶ or decades].
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }
}

impl Coefficients for PopulationPcaCoefficients {
    /// The floor, then the score of each component (degree 1, 2, …).
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        let mut quantity = Quantity::PhaseSpaceDensity;
        if let Some((floor, _)) = &mut self.floor {
            visitor(Slot::new(quantity, 0), floor);
            quantity = Quantity::Decades;
        }
        for (rank, score) in self.scores.iter_mut().enumerate() {
            visitor(Slot::new(quantity, rank + 1), score);
        }
    }

    /// The identity of the basis.
    fn topology_len(&self) -> usize {
        1
    }
}

impl Basis for PopulationPca {
    type Coefficients = PopulationPcaCoefficients;

    /// # Errors
    /// [`Error::GridMismatch`] for a distribution on another grid than the population's, [`Error::Degenerate`] for one
    /// with no density above the floor.
    fn encode(&self, vdf: &Vdf) -> Result<PopulationPcaCoefficients> {
        self.on_its_grid(vdf.grid())?;
        let Learnt { values, mean, variances, hash, .. } = self.learnt();
        let (values, floor) = values.of(vdf)?;
        let factor = normalising_factor(largest_magnitude(&values).max(largest_magnitude(mean)));
        let distance: Vec<f64> = values.iter().zip(mean).map(|(value, mean)| value * factor - mean * factor).collect();
        let mut scores = vec![0.0; variances.len()];
        let (components, distance) = (self.0.matrix().transpose(), ColRef::from_slice(&distance));
        matmul(
            ColMut::from_slice_mut(&mut scores).as_mat_mut(),
            Accum::Replace,
            components,
            distance.as_mat(),
            1.0,
            Par::Seq,
        );
        scores.iter_mut().for_each(|score| *score /= factor);
        Ok(PopulationPcaCoefficients { basis: *hash, floor, scores })
    }

    /// Bound to the grid of the population: another is refused.
    fn reconstruct(&self, coefficients: &PopulationPcaCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        let PopulationPcaCoefficients { basis, floor, scores } = coefficients;
        if *basis != self.hash() || scores.len() != self.0.variances.len() {
            let problem = format!("they are {} scores of the components {basis:016x}, unlike `{self}`", scores.len());
            return Err(Error::ForeignCoefficients(problem));
        }
        self.on_its_grid(grid)?;
        let mut values = self.0.mean.clone();
        matmul(
            ColMut::from_slice_mut(&mut values).as_mat_mut(),
            Accum::Add,
            self.0.matrix(),
            ColRef::from_slice(scores).as_mat(),
            1.0,
            Par::Seq,
        );
        restored(grid, values, *floor)
    }

    /// With the basis' hash: a reader that has learnt another says so.
    fn code(
        &self,
        coefficients: Option<&PopulationPcaCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<PopulationPcaCoefficients> {
        self.on_its_grid(grid)?;
        let basis = coder.bits(coefficients.map_or(0, |c| c.basis), u64::BITS);
        if basis != self.hash() {
            let problem = format!("they are scores of the components {basis:016x}, unlike `{self}`");
            return Err(Error::ForeignCoefficients(problem));
        }
        let (floor, resolution) =
            coding::code_floor(self.learnt().values, coefficients.map(|c| c.floor), resolution, coder)?;
        let mut numbers = Numbers::new(self.learnt().variances.len());
        let score = |rank: usize| coefficients.and_then(|c| c.scores.get(rank)).copied().unwrap_or(0.0);
        let count = self.learnt().variances.len();
        let scores =
            (0..count).map(|rank| numbers.code(coder, rank, score(rank), resolution.step())).collect::<Result<_>>()?;
        Ok(PopulationPcaCoefficients { basis, floor, scores })
    }
}

impl PartialEq for PopulationPca {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl fmt::Debug for PopulationPca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Learnt { grid, count, variances, .. } = self.learnt();
        write!(f, "PopulationPca({self}: {} components of {count} distributions on {grid})", variances.len())
    }
}

impl fmt::Display for PopulationPca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SpecWriter::new(NAME).option(true, "learnt", format!("{:016x}", self.hash())).write(f)
    }
}
