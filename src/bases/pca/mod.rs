//! Principal components: the directions along which samples vary most, learnt from the data themselves.
//!
//! Samples x_i become their mean and the k orthonormal components that leave the least of Σ|x_i − mean|² (Pearson 1901,
//! Phil. Mag. 2, 559; Hotelling 1933, J. Educ. Psychol. 24, 417; Eckart and Young 1936, Psychometrika 1, 211). Of one
//! distribution the samples are its slices across one axis ([`Pca`]); of a population they are the distributions
//! ([`PcaAccumulator`], [`PopulationPca`]).

mod accumulator;
mod bytes;
mod coding;
mod file;
mod population;
mod principal;
mod randomised;

use std::borrow::Cow;

pub use accumulator::PcaAccumulator;
pub use population::{PopulationPca, PopulationPcaCoefficients};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::basis::choices::{Choices, spec_of};
use crate::basis::spec::Spec;
use crate::basis::{Basis, Coefficients, Label, NamedBasis, Quantise, Quantity, Slot, Stream};
use crate::coding::{Coder, Resolution};
use crate::distribution::decades::{self, Floor};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::{largest_magnitude, normalising_factor};

use principal::{Principal, principal};

const NAME: &str = "pca";

/// The numbers of a distribution that components describe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values {
    /// h = log₁₀(max(f, floor) / floor); where the description is not above zero, so is the density. Errors are relative,
    /// densities never negative.
    Log10 {
        /// The floor [s³ m⁻⁶]; 1e-6 of each distribution's peak if none is given.
        floor: Option<f64>,
    },
    /// The densities themselves, of any sign.
    Linear,
}

/// Of a logarithm: its floor [s³ m⁻⁶], and round(log₂(rms / floor)) for the root mean square of the densities, by which a
/// stream knows how fine the decades must be. None where the densities themselves are described.
type Scale = Option<(f64, u32)>;

impl Default for Values {
    /// The logarithm above a millionth of the peak.
    fn default() -> Self {
        Self::Log10 { floor: None }
    }
}

impl Values {
    fn checked(self) -> Result<Self> {
        if let Self::Log10 { floor: Some(floor) } = self {
            Floor::at(floor)?;
        }
        Ok(self)
    }

    /// The numbers to describe.
    fn of(self, vdf: &Vdf) -> Result<(Cow<'_, [f64]>, Scale)> {
        let Self::Log10 { floor } = self else { return Ok((Cow::Borrowed(vdf.as_slice()), None)) };
        let floor = floor.map_or_else(|| Ok(Floor::default()), Floor::at)?.of(vdf, NAME)?;
        Ok((Cow::Owned(decades::above(vdf.as_slice(), floor)), Some((floor, decades::octaves(vdf, floor)))))
    }

    /// The scale to read into.
    fn blank_scale(self) -> Scale {
        (self != Self::Linear).then_some((1.0, 0))
    }
}

/// The distribution that described numbers stand for.
fn restored(grid: &VelocityGrid, mut values: Vec<f64>, scale: Scale) -> Result<Vdf> {
    if let Some((floor, octaves)) = scale {
        Floor::at(floor)?;
        // A sum of components may overshoot, and its exponential grows beyond all. Σ f² bounds what one cell can hold.
        let ceiling = decades::octaves_of_all(octaves, values.len());
        decades::to_densities(&mut values, floor, decades::ceiling(Some(ceiling)));
    }
    Vdf::from_vec(*grid, values)
}

/// The principal components of one distribution's slices, with the user's choices.
///
/// Mean, components and scores are all found in the distribution, and all are counted.
///
/// ```
/// use vdf_basis::{Basis, Fidelity, Pca, Sampling, Synthetic};
///
/// let grid = Synthetic::default_grid("gyrating-ring", 24)?;
/// let vdf = Synthetic::named("gyrating-ring", 0)?.sample(&grid, Sampling::default())?;
/// let basis = Pca::new(8)?;
/// let coefficients = basis.encode(&vdf)?;
/// assert_eq!(coefficients.components().len(), 8);
/// let back = basis.reconstruct(&coefficients, &grid)?;
/// assert!(Fidelity::compare(&vdf, &back)?.l2 < 0.1);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    components: usize,
    axis: usize,
    values: Values,
}

/// The mean slice of one distribution, its components, and the scores of the slices: how much each has of every component.
///
/// They belong to the shape of the grid they were made on, not to its place or its spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct PcaCoefficients {
    shape: [usize; 3],
    axis: usize,
    scale: Scale,
    mean: Vec<f64>,
    /// One after another.
    components: Vec<f64>,
    /// Of all slices with the first component, then with the second.
    scores: Vec<f64>,
}

impl Default for Pca {
    /// 30 components of the logarithm, slices across the first axis.
    fn default() -> Self {
        Self { components: 30, axis: 0, values: Values::default() }
    }
}

impl Pca {
    /// With so many components; where a distribution is described exactly by fewer, fewer are stored.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none.
    pub fn new(components: usize) -> Result<Self> {
        match components {
            0 => Err(Error::parameter("components", components, "at least one")),
            _ => Ok(Self { components, ..Self::default() }),
        }
    }

    /// With slices across another axis, 0 to 2.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an axis that is not there.
    pub fn with_axis(self, axis: usize) -> Result<Self> {
        match axis {
            0..3 => Ok(Self { axis, ..self }),
            _ => Err(Error::parameter("axis", axis, "0, 1 or 2")),
        }
    }

    /// Of other values than the logarithm above a millionth of the peak.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a floor that is not a positive number.
    pub fn with_values(self, values: Values) -> Result<Self> {
        Ok(Self { values: values.checked()?, ..self })
    }
}

impl PcaCoefficients {
    /// The floor of the logarithm [s³ m⁻⁶]; none where the densities themselves were described.
    #[must_use]
    pub fn floor(&self) -> Option<f64> {
        self.scale.map(|(floor, _)| floor)
    }

    /// The mean slice, in C order of the two other axes [s³ m⁻⁶ or decades].
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The components, the most important first: unit vectors in C order of the two other axes, orthogonal to each
    /// other.
    pub fn components(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.components.chunks_exact(self.mean.len())
    }

    /// The scores, those of all slices for the first component first [s³ m⁻⁶ or decades].
    pub fn scores(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.scores.chunks_exact(self.shape[self.axis])
    }
}

impl Coefficients for PcaCoefficients {
    /// The floor, the mean (degree 0), then each component (degree 1, 2, …) with its scores; their labels are the index
    /// in the slice, and the index of the slice.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        let mut quantity = Quantity::PhaseSpaceDensity;
        if let Some((floor, _)) = self.scale {
            visitor(Slot::new(quantity, 0), floor);
            quantity = Quantity::Decades;
        }
        let mut visit_all = |quantity, degree, numbers: &[f64]| {
            for (index, number) in (0..).zip(numbers) {
                visitor(Slot::new(quantity, degree).at(Label::Index(index)), *number);
            }
        };
        visit_all(quantity, 0, &self.mean);
        for (rank, (component, scores)) in (1..).zip(self.components().zip(self.scores())) {
            visit_all(Quantity::Dimensionless, rank, component);
            visit_all(quantity, rank, scores);
        }
    }

    fn scale(&mut self, factor: f64) {
        match &mut self.scale {
            Some((floor, _)) => *floor *= factor,
            None => self.mean.iter_mut().chain(&mut self.scores).for_each(|density| *density *= factor),
        }
    }

    /// The number of components, and the octaves of the logarithm.
    fn topology_len(&self) -> usize {
        1 + usize::from(self.scale.is_some())
    }
}

impl Basis for Pca {
    type Coefficients = PcaCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<PcaCoefficients> {
        let shape = vdf.grid().shape();
        let (values, scale) = self.values.of(vdf)?;
        let samples = shape[self.axis];
        let features = values.len() / samples;
        let factor = normalising_factor(largest_magnitude(&values));
        let mut slices = slices(&values, shape, self.axis);
        slices.iter_mut().for_each(|value| *value *= factor);
        let mut mean = vec![0.0; features];
        for slice in slices.chunks_exact(features) {
            mean.iter_mut().zip(slice).for_each(|(mean, value)| *mean += value);
        }
        mean.iter_mut().for_each(|mean| *mean /= samples as f64);
        for slice in slices.chunks_exact_mut(features) {
            slice.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
        }
        let centred = MatRef::from_column_major_slice(&slices, features, samples);
        let Principal { components, mut scores } = principal(centred, self.components)?;
        mean.iter_mut().chain(&mut scores).for_each(|value| *value /= factor);
        Ok(PcaCoefficients { shape, axis: self.axis, scale, mean, components, scores })
    }

    /// Bound to the shape of the grid: another is refused. Its place and spacing are free.
    fn reconstruct(&self, coefficients: &PcaCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.check(coefficients, grid)?;
        let PcaCoefficients { shape, axis, scale, mean, components, scores } = coefficients;
        let (features, samples) = (mean.len(), shape[*axis]);
        let rank = components.len() / features;
        let mut slices = Vec::with_capacity(features * samples);
        (0..samples).for_each(|_| slices.extend_from_slice(mean));
        matmul(
            MatMut::from_column_major_slice_mut(&mut slices, features, samples),
            Accum::Add,
            MatRef::from_column_major_slice(components, features, rank),
            MatRef::from_column_major_slice(scores, samples, rank).transpose(),
            1.0,
            Par::Seq,
        );
        restored(grid, from_slices(slices, *shape, *axis), *scale)
    }
}

impl Stream for Pca {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> PcaCoefficients {
        let (shape, axis) = (grid.shape(), self.axis);
        let mean = vec![0.0; grid.cells() / shape[axis]];
        let scale = self.values.blank_scale();
        PcaCoefficients { shape, axis, scale, mean, components: Vec::new(), scores: Vec::new() }
    }

    fn code(
        &self,
        coefficients: &mut PcaCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.check(coefficients, grid)?;
        let PcaCoefficients { scale, mean, components, scores, .. } = coefficients;
        let samples = grid.shape()[self.axis];
        let size = [samples, grid.cells() / samples];
        let resolution = coding::code_scale(self.values, scale, resolution, coder)?;
        coding::code_slices(self.components, size, [mean, components, scores], resolution, coder)
    }
}

impl Quantise for Pca {}

impl Pca {
    /// Refuses coefficients of another grid or another basis.
    fn check(&self, coefficients: &PcaCoefficients, grid: &VelocityGrid) -> Result<()> {
        let PcaCoefficients { shape, axis, scale, .. } = coefficients;
        if grid.shape() != *shape {
            let [x, y, z] = shape;
            return Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() });
        }
        if *axis != self.axis || scale.is_some() == (self.values == Values::Linear) {
            let what = if scale.is_some() { "logarithms" } else { "densities" };
            let problem = format!("they are those of {what} in slices across axis {axis}, unlike `{self}`");
            return Err(Error::ForeignCoefficients(problem));
        }
        Ok(())
    }
}

/// The array with one axis brought to the front.
fn slices(values: &[f64], [nx, ny, nz]: [usize; 3], axis: usize) -> Vec<f64> {
    match axis {
        0 => values.to_vec(),
        1 => (0..ny)
            .flat_map(|y| (0..nx).flat_map(move |x| (x * ny + y) * nz..(x * ny + y + 1) * nz))
            .map(|cell| values[cell])
            .collect(),
        _ => transposed(values, nx * ny, nz),
    }
}

/// The array whose [`slices`] these are.
fn from_slices(slices: Vec<f64>, [nx, ny, nz]: [usize; 3], axis: usize) -> Vec<f64> {
    match axis {
        0 => slices,
        1 => self::slices(&slices, [ny, nx, nz], 1),
        _ => transposed(&slices, nz, nx * ny),
    }
}

/// A matrix of so many rows and columns, in C order, with its columns as rows.
fn transposed(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    /// Side of the blocks that are read and written together: both fit in the first-level cache.
    const TILE: usize = 16;
    let mut result = vec![0.0; values.len()];
    for row in (0..rows).step_by(TILE) {
        for column in (0..columns).step_by(TILE) {
            for r in row..rows.min(row + TILE) {
                for c in column..columns.min(column + TILE) {
                    result[c * rows + r] = values[r * columns + c];
                }
            }
        }
    }
    result
}

impl NamedBasis for Pca {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.refuse("learnt", "the hash of a basis that this registry was given (Registry::with_value)")?;
        choices.number("components", &mut self.components)?;
        choices.one_of("axis", &mut self.axis, &[("x", 0), ("y", 1), ("z", 2)])?;
        let (mut linear, mut floor) = match self.values {
            Values::Log10 { floor } => (false, floor),
            Values::Linear => (true, None),
        };
        choices.one_of("values", &mut linear, &[("log10", false), ("linear", true)])?;
        choices.optional("floor", &mut floor)?;
        let values = match (linear, floor) {
            (false, floor) => Values::Log10 { floor },
            (true, None) => Values::Linear,
            (true, Some(floor)) => return Err(choices.refused("floor", floor, "only with values=log10")),
        };
        *self = Self::new(self.components)?.with_axis(self.axis)?.with_values(values)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
