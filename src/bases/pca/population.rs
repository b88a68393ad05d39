//! The components of a population, learnt once and shared by the coefficients of all its distributions.

use std::io::{self, Write};
use std::sync::Arc;
use std::{fmt, iter};

use faer::linalg::matmul::matmul;
use faer::{Accum, ColMut, ColRef, MatRef, Par};

use super::bytes::{Hasher, LEARNT, PLAIN, WITH_UNIT, put_head, put_numbers};
use super::principal::{gram_schmidt, orthonormalise};
use super::{NAME, Scale, Values, coding, restored};
use crate::basis::spec::{Spec, Term, Value};
use crate::basis::{Basis, Coefficients, Label, Quantise, Quantity, Slot, Stream};
use crate::coding::{Coder, Numbers, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::{largest_magnitude, normalising_factor};

/// Mean and principal components of a population of distributions on one grid, learnt by a
/// [`PcaAccumulator`](super::PcaAccumulator): a basis in which a distribution is a few scores.
///
/// A value: it can be written to a file and read back, and prints itself as `pca:learnt=` and its [identity](Self::hash),
/// by which a registry knows it once [given it](crate::Registry::with_value). Coefficients carry that identity; another
/// basis refuses them. Cheap to clone.
#[derive(Clone)]
pub struct PopulationPca(Arc<Learnt>);

#[derive(Clone, PartialEq)]
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

/// The scores of one distribution: how much of each of a population's components it has.
#[derive(Debug, Clone, PartialEq)]
pub struct PopulationPcaCoefficients {
    basis: u64,
    scale: Scale,
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
            return Err(Error::OutOfRange { basis: NAME, reason: format!("its mean or variance is {value}") });
        }
        let mut hasher = Hasher::default();
        learnt.put(&mut hasher).map_err(|error| Error::io("hasher", error))?;
        learnt.hash = hasher.finish();
        Ok(Self(Arc::new(learnt)))
    }

    /// A basis from a mean and components of any length and angle, such as those of another one that went through streams.
    /// They hold the numbers that `values` names: densities, or for [`Values::Log10`] decades above the floor. The components
    /// are made orthonormal, each with respect to those before it. How much of a population they explain is not known: the
    /// count and the variances are zero.
    ///
    /// The same parts make the same basis, identity included, on machines that round alike. Between others write the
    /// [basis itself](Self::write).
    ///
    /// # Errors
    /// [`Error::GridMismatch`] for components on another grid than the mean's, [`Error::Degenerate`] for a component that is
    /// zero or a combination of those before it.
    ///
    /// ```
    /// use vdf_basis::bases::pca::Values;
    /// use vdf_basis::{Basis, Fidelity, PopulationPca, Vdf, VelocityGrid};
    ///
    /// let grid = VelocityGrid::unit([6; 3])?;
    /// let mean = Vdf::from_fn(grid, |[x, y, z]| (-0.1 * (x * x + y * y + z * z)).exp())?;
    /// let moved = Vdf::from_fn(grid, |[x, y, z]| x * (-0.1 * (x * x + y * y + z * z)).exp())?;
    /// let basis = PopulationPca::from_parts(Values::Linear, &mean, &[moved.clone()])?;
    ///
    /// let sum = mean.as_slice().iter().zip(moved.as_slice()).map(|(f, g)| f + 0.01 * g);
    /// let vdf = Vdf::from_vec(grid, sum.collect())?;
    /// let back = basis.reconstruct(&basis.encode(&vdf)?, &grid)?;
    /// assert!(Fidelity::compare(&vdf, &back)?.l2 < 1e-14);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn from_parts(values: Values, mean: &Vdf, components: &[Vdf]) -> Result<Self> {
        let (grid, values) = (*mean.grid(), values.checked()?);
        let mut columns = Vec::with_capacity(components.len() * grid.cells());
        for component in components {
            if *component.grid() != grid {
                return Err(Error::GridMismatch { left: grid.to_string(), right: component.grid().to_string() });
            }
            let factor = normalising_factor(largest_magnitude(component.as_slice()));
            columns.extend(component.as_slice().iter().map(|value| value * factor));
        }
        gram_schmidt(&mut columns, grid.cells()).map_err(|component| {
            let reason = format!("component {component} is zero or a combination of those before it");
            Error::Degenerate { basis: NAME, reason }
        })?;
        orthonormalise(&mut columns, grid.cells());
        let variances = (vec![0.0; components.len()], 0.0);
        Self::new(grid, values, 0, mean.as_slice().to_vec(), columns, variances, 1.0)
    }

    /// The same basis, with the hash of these bytes as its identity.
    pub(crate) fn identified_by(self, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        let learnt = Arc::try_unwrap(self.0).unwrap_or_else(|shared| (*shared).clone());
        Self(Arc::new(Learnt { hash: hasher.finish(), ..learnt }))
    }

    pub(super) fn learnt(&self) -> &Learnt {
        &self.0
    }

    /// The identity of this basis: a hash (64-bit FNV-1a) of its grid, choices, mean and components to the last bit; the
    /// last eight bytes of its file.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.hash
    }

    /// The grid of the population.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.0.grid
    }

    /// The numbers of a distribution that the components describe.
    #[must_use]
    pub fn values(&self) -> Values {
        self.0.values
    }

    /// The number of distributions it was learnt from.
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

    /// True if the distributions it was learnt from are all the same.
    pub(crate) fn explains_nothing(&self) -> bool {
        self.0.total_variance == 0.0
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
        self.mean.iter().chain(&self.components).chain(&self.variances).chain(iter::once(&self.total_variance))
    }

    fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.components, self.mean.len(), self.variances.len())
    }

    /// Writes everything but the hash, which is that of these bytes.
    pub(super) fn put(&self, writer: &mut impl Write) -> io::Result<()> {
        let with_unit = self.unit != 1.0;
        let version = if with_unit { WITH_UNIT } else { PLAIN };
        put_head(writer, version, LEARNT, self.values, &self.grid, self.count)?;
        if with_unit {
            put_numbers(writer, &[self.unit])?;
        }
        // There are no more components than cells, and no more cells than u32 counts.
        writer.write_all(&u32::try_from(self.variances.len()).unwrap_or(u32::MAX).to_le_bytes())?;
        put_numbers(writer, &[self.total_variance])?;
        [&self.variances, &self.mean, &self.components].into_iter().try_for_each(|numbers| put_numbers(writer, numbers))
    }
}

impl PopulationPcaCoefficients {
    /// The [identity](PopulationPca::hash) of the basis they belong to.
    #[must_use]
    pub fn basis(&self) -> u64 {
        self.basis
    }

    /// The floor of the logarithm [s³ m⁻⁶]; none where the densities themselves were described.
    #[must_use]
    pub fn floor(&self) -> Option<f64> {
        self.scale.map(|(floor, _)| floor)
    }

    /// The score of each component [s³ m⁻⁶ or decades].
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }
}

impl Coefficients for PopulationPcaCoefficients {
    /// The floor, then the score of each component (degree 1, 2, …).
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        let mut quantity = Quantity::PhaseSpaceDensity;
        if let Some((floor, _)) = self.scale {
            visitor(Slot::new(quantity, 0), floor);
            quantity = Quantity::Decades;
        }
        for ((rank, index), score) in (1..).zip(0..).zip(&self.scores) {
            visitor(Slot::new(quantity, rank).at(Label::Index(index)), *score);
        }
    }

    /// The mean belongs to the basis: only its distance from the distribution is multiplied where that is linear.
    fn scale(&mut self, factor: f64) {
        match &mut self.scale {
            Some((floor, _)) => *floor *= factor,
            None => self.scores.iter_mut().for_each(|score| *score *= factor),
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
        let (values, scale) = values.of(vdf)?;
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
        Ok(PopulationPcaCoefficients { basis: *hash, scale, scores })
    }

    /// Bound to the grid of the population: another is refused.
    fn reconstruct(&self, coefficients: &PopulationPcaCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        let PopulationPcaCoefficients { basis, scale, scores } = coefficients;
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
        restored(grid, values, *scale)
    }
}

impl Stream for PopulationPca {
    fn spec(&self) -> Result<Spec> {
        // A hash without letters is a number to whoever parses the spec, so that it must be one here.
        let hash = format!("{:016x}", self.hash());
        let options = vec![("learnt".to_owned(), Value::from(&*hash))];
        Ok(Spec::of(Term { options, ..Term::named(NAME) }))
    }

    fn blank(&self, _: &VelocityGrid) -> PopulationPcaCoefficients {
        let scores = vec![0.0; self.0.variances.len()];
        PopulationPcaCoefficients { basis: self.hash(), scale: self.0.values.blank_scale(), scores }
    }

    /// With the basis' hash: a reader that has learnt another says so.
    fn code(
        &self,
        coefficients: &mut PopulationPcaCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.on_its_grid(grid)?;
        let PopulationPcaCoefficients { basis, scale, scores } = coefficients;
        *basis = coder.bits(*basis, u64::BITS);
        if *basis != self.hash() {
            let problem = format!("they are scores of the components {basis:016x}, unlike `{self}`");
            return Err(Error::ForeignCoefficients(problem));
        }
        let resolution = coding::code_scale(self.0.values, scale, resolution, coder)?;
        coder.sized(scores, self.0.variances.len())?;
        let mut numbers = Numbers::new(scores.len());
        for (rank, score) in scores.iter_mut().enumerate() {
            *score = numbers.code(coder, rank, *score, resolution.step())?;
        }
        Ok(())
    }
}

impl Quantise for PopulationPca {}

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
