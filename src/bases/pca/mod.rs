//! Principal components: the directions along which samples vary most, learnt from the data themselves.
//!
//! Samples x_i become their mean and the k orthonormal components that leave the least of Σ|x_i − mean|² (Pearson 1901,
//! Phil. Mag. 2, 559; Hotelling 1933, J. Educ. Psychol. 24, 417; Eckart and Young 1936, Psychometrika 1, 211). Of one
//! distribution the samples are its slices across one axis ([`Pca`]); of a population they are the distributions
//! ([`PcaAccumulator`], [`PopulationPca`]).

mod accumulator;
mod coding;
mod file;
mod population;
mod principal;
mod randomised;

use std::borrow::Cow;
use std::fmt;

pub use accumulator::PcaAccumulator;
pub use population::{PopulationPca, PopulationPcaCoefficients};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::basis::{Basis, Coefficients, NamedBasis, Quantity, Slot};
use crate::coding::{Coder, Resolution};
use crate::distribution::decades::{self, Floor};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::{largest_magnitude, normalising_factor};
use crate::spec::{Options, SpecWriter};

use principal::{Principal, principal};

const NAME: &str = "pca";

/// Which numbers of a distribution are described.
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

/// Numbers to describe, and the floor and the octaves of their logarithm, if it is one.
type Described<'a> = (Cow<'a, [f64]>, Option<(f64, u32)>);

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

    /// The numbers to describe, and the floor and the octaves of their logarithm.
    fn of(self, vdf: &Vdf) -> Result<Described<'_>> {
        let Self::Log10 { floor } = self else { return Ok((Cow::Borrowed(vdf.as_slice()), None)) };
        let floor = floor.map_or_else(|| Ok(Floor::default()), Floor::at)?.of(vdf, NAME)?;
        Ok((Cow::Owned(decades::above(vdf.as_slice(), floor)), Some((floor, decades::octaves(vdf, floor)))))
    }

    fn write(self, spec: SpecWriter) -> SpecWriter {
        match self {
            Self::Linear => spec.option(true, "values", "linear"),
            Self::Log10 { floor } => spec.option(floor.is_some(), "floor", format!("{:e}", floor.unwrap_or_default())),
        }
    }
}

/// The distribution that described numbers stand for.
fn restored(grid: &VelocityGrid, mut values: Vec<f64>, floor: Option<(f64, u32)>) -> Result<Vdf> {
    if let Some((floor, octaves)) = floor {
        Floor::at(floor)?;
        // No cell of those described has more than all have together.
        let ceiling = decades::octaves_of_all(octaves, values.len());
        decades::to_densities(&mut values, floor, decades::ceiling(Some(ceiling)));
    }
    Vdf::from_vec(*grid, values)
}

/// The principal components of one distribution's slices, with the user's choices.
///
/// Mean, components and scores are all found in the distribution, and all are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    components: usize,
    axis: usize,
    values: Values,
}

/// What was found in one distribution: the mean slice, the components, and how much of each a slice has.
///
/// They belong to the shape of the grid they were made on, not to its place or its spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct PcaCoefficients {
    shape: [usize; 3],
    axis: usize,
    /// And how often the root mean square of the densities is twice as much.
    floor: Option<(f64, u32)>,
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
        if components > 0 {
            return Ok(Self { components, ..Self::default() });
        }
        let allowed = "at least one".to_owned();
        Err(Error::InvalidParameter { name: "components", value: components.to_string(), allowed })
    }

    /// With slices across another axis, 0 to 2.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an axis that is not there.
    pub fn with_axis(self, axis: usize) -> Result<Self> {
        if axis < 3 {
            return Ok(Self { axis, ..self });
        }
        Err(Error::InvalidParameter { name: "axis", value: axis.to_string(), allowed: "0, 1 or 2".to_owned() })
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
    /// The floor of the logarithm [s³ m⁻⁶], if it is one that was described.
    #[must_use]
    pub fn floor(&self) -> Option<f64> {
        self.floor.map(|(floor, _)| floor)
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

    /// How much of each component the slices have, all slices of the first component first [s³ m⁻⁶ or decades].
    pub fn scores(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.scores.chunks_exact(self.shape[self.axis])
    }
}

impl Coefficients for PcaCoefficients {
    /// The floor, the mean (degree 0), then each component (degree 1, 2, …) with its scores.
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        let mut quantity = Quantity::PhaseSpaceDensity;
        if let Some((floor, _)) = &mut self.floor {
            visitor(Slot::new(quantity, 0), floor);
            quantity = Quantity::Decades;
        }
        self.mean.iter_mut().for_each(|value| visitor(Slot::new(quantity, 0), value));
        let components = self.components.chunks_exact_mut(self.mean.len());
        let scores = self.scores.chunks_exact_mut(self.shape[self.axis]);
        for (rank, (component, scores)) in components.zip(scores).enumerate() {
            component.iter_mut().for_each(|entry| visitor(Slot::new(Quantity::Dimensionless, rank + 1), entry));
            scores.iter_mut().for_each(|score| visitor(Slot::new(quantity, rank + 1), score));
        }
    }

    /// How many components there are, and the octaves of the logarithm.
    fn topology_len(&self) -> usize {
        1 + usize::from(self.floor.is_some())
    }

    fn count(&self) -> usize {
        usize::from(self.floor.is_some()) + self.mean.len() + self.components.len() + self.scores.len()
    }
}

impl Basis for Pca {
    type Coefficients = PcaCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<PcaCoefficients> {
        let shape = vdf.grid().shape();
        let (values, floor) = self.values.of(vdf)?;
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
        Ok(PcaCoefficients { shape, axis: self.axis, floor, mean, components, scores })
    }

    /// Bound to the shape of the grid: another is refused. Its place and spacing are free.
    fn reconstruct(&self, coefficients: &PcaCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.own(coefficients, grid)?;
        let PcaCoefficients { shape, axis, floor, mean, components, scores } = coefficients;
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
        restored(grid, from_slices(slices, *shape, *axis), *floor)
    }

    fn code(
        &self,
        coefficients: Option<&PcaCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<PcaCoefficients> {
        self.code_slices(coefficients, grid, resolution, coder)
    }
}

impl Pca {
    /// The coefficients' own grid and basis, or the error that says they are not.
    fn own(&self, coefficients: &PcaCoefficients, grid: &VelocityGrid) -> Result<()> {
        let PcaCoefficients { shape, axis, floor, .. } = coefficients;
        if grid.shape() != *shape {
            let [x, y, z] = shape;
            return Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() });
        }
        if *axis != self.axis || floor.is_some() == (self.values == Values::Linear) {
            let what = if floor.is_some() { "logarithms" } else { "densities" };
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

/// What `slices` undoes.
fn from_slices(slices: Vec<f64>, [nx, ny, nz]: [usize; 3], axis: usize) -> Vec<f64> {
    match axis {
        0 => slices,
        1 => self::slices(&slices, [ny, nx, nz], 1),
        _ => transposed(&slices, nz, nx * ny),
    }
}

/// A matrix of so many rows and columns, in C order, with its columns as rows.
fn transposed(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    /// Cells a side of what is read and written together, so that both stay in cache.
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

impl fmt::Display for Pca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defaults = Self::default();
        let spec = SpecWriter::new(NAME)
            .option(self.components != defaults.components, "components", self.components)
            .option(self.axis != defaults.axis, "axis", ["x", "y", "z"][self.axis]);
        self.values.write(spec).write(f)
    }
}

impl NamedBasis for Pca {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        if let Some(hash) = options.text("learnt") {
            let allowed = "the hash of a basis that this registry was given (Registry::with_value)";
            return Err(options.refused("learnt", hash, allowed));
        }
        let defaults = Self::default();
        let basis = Self::new(options.number("components")?.unwrap_or(defaults.components))?;
        let basis =
            basis.with_axis(options.choice("axis", &[("x", 0), ("y", 1), ("z", 2)])?.unwrap_or(defaults.axis))?;
        let linear = options.choice("values", &[("log10", false), ("linear", true)])?.unwrap_or(false);
        let values = match (linear, options.number("floor")?) {
            (false, floor) => Values::Log10 { floor },
            (true, None) => Values::Linear,
            (true, Some(_)) => return Err(options.refused("floor", "as given", "only with values=log10")),
        };
        basis.with_values(values)
    }
}

#[cfg(test)]
mod tests;
