//! The velocity distribution function: phase-space densities on a grid.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array3, ArrayView2, ArrayView3, Axis};

use super::grid::VelocityGrid;
use crate::error::{Error, Result};
use crate::numerics::scaling::largest_magnitude;

/// A velocity distribution function: phase-space density `f` [s³ m⁻⁶] at the cells of a [`VelocityGrid`].
///
/// Values are `f64` in C order `[vx, vy, vz]` (the last index runs fastest). They may be zero, slightly negative, as
/// small as 1e-300 or as large as 1e300; NaN and infinities are refused when the `Vdf` is made, so that every
/// `Vdf` in existence is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Vdf {
    grid: VelocityGrid,
    values: Values,
}

/// The densities: an array in C order, or memory that another owner keeps.
#[derive(Clone)]
enum Values {
    Own(Array3<f64>),
    Shared(Arc<dyn AsRef<[f64]> + Send + Sync>),
}

impl Values {
    fn as_slice(&self) -> &[f64] {
        match self {
            // Construction brings every array to standard layout, for which `as_slice` always succeeds.
            Self::Own(values) => values.as_slice().unwrap_or_default(),
            Self::Shared(values) => (**values).as_ref(),
        }
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(values) => fmt::Debug::fmt(values, f),
            Self::Shared(values) => fmt::Debug::fmt((**values).as_ref(), f),
        }
    }
}

impl Vdf {
    /// A distribution from an array of the grid's shape. Arrays in other memory orders are brought to C order.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the shapes differ, [`Error::NotFinite`] with the index of the first NaN or infinity.
    pub fn new(grid: VelocityGrid, values: Array3<f64>) -> Result<Self> {
        if values.shape() != grid.shape() {
            return Err(Error::ShapeMismatch { expected: grid.shape(), found: values.shape().to_vec() });
        }
        let values = if values.is_standard_layout() { values } else { values.as_standard_layout().into_owned() };
        Self { grid, values: Values::Own(values) }.checked()
    }

    /// A distribution from values in C order `[vx, vy, vz]` that another owner keeps in memory, such as an array of
    /// another language: they are not copied. The owner must not change them, nor their number, while the distribution
    /// exists.
    ///
    /// # Errors
    /// Those of [`Vdf::new`].
    pub fn from_shared(grid: VelocityGrid, values: Arc<dyn AsRef<[f64]> + Send + Sync>) -> Result<Self> {
        let found = (*values).as_ref().len();
        if found != grid.cells() {
            return Err(Error::ShapeMismatch { expected: grid.shape(), found: vec![found] });
        }
        Self { grid, values: Values::Shared(values) }.checked()
    }

    /// This distribution, if all its values are finite.
    fn checked(self) -> Result<Self> {
        // Each chunk is tested as a whole, without an early exit, so that the compiler uses vector instructions.
        let finite = |chunk: &[f64]| chunk.iter().fold(true, |finite, value| finite & value.is_finite());
        if self.as_slice().chunks(1024).all(finite) {
            return Ok(self);
        }
        match self.as_slice().iter().position(|value| !value.is_finite()) {
            None => Ok(self),
            Some(cell) => Err(Error::NotFinite { index: self.grid.index_of(cell), value: self.as_slice()[cell] }),
        }
    }

    /// A distribution from values in C order `[vx, vy, vz]`, in double or single precision.
    ///
    /// # Errors
    /// Those of [`Vdf::new`].
    pub fn from_slice<T: Copy + Into<f64>>(grid: VelocityGrid, values: &[T]) -> Result<Self> {
        if values.len() != grid.cells() {
            return Err(Error::ShapeMismatch { expected: grid.shape(), found: vec![values.len()] });
        }
        let values = values.iter().map(|&value| value.into()).collect();
        Self::from_vec(grid, values)
    }

    /// A distribution from owned values in C order, without a copy.
    ///
    /// # Errors
    /// Those of [`Vdf::new`].
    pub fn from_vec(grid: VelocityGrid, values: Vec<f64>) -> Result<Self> {
        let found = vec![values.len()];
        let values = Array3::from_shape_vec(grid.shape(), values)
            .map_err(|_| Error::ShapeMismatch { expected: grid.shape(), found })?;
        Self::new(grid, values)
    }

    /// Makes a distribution as [`Vdf::from_vec`] does, from values of magnitude at most `bound`: they are checked only
    /// if the bound is not finite.
    pub(crate) fn from_bounded_vec(grid: VelocityGrid, values: Vec<f64>, bound: f64) -> Result<Self> {
        if !bound.is_finite() {
            return Self::from_vec(grid, values);
        }
        let found = vec![values.len()];
        let values = Array3::from_shape_vec(grid.shape(), values)
            .map_err(|_| Error::ShapeMismatch { expected: grid.shape(), found })?;
        debug_assert!(values.iter().all(|value| value.is_finite()));
        Ok(Self { grid, values: Values::Own(values) })
    }

    /// A distribution from a function of velocity [m/s], evaluated at the cell centres.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the function returns NaN or an infinity.
    pub fn from_fn(grid: VelocityGrid, mut density: impl FnMut([f64; 3]) -> f64) -> Result<Self> {
        let axes: [Vec<f64>; 3] = std::array::from_fn(|axis| grid.centres(axis));
        let values =
            Array3::from_shape_fn(grid.shape(), |(ix, iy, iz)| density([axes[0][ix], axes[1][iy], axes[2][iz]]));
        Self::new(grid, values)
    }

    /// A distribution that is zero everywhere.
    #[must_use]
    pub fn zeros(grid: VelocityGrid) -> Self {
        Self { grid, values: Values::Own(Array3::zeros(grid.shape())) }
    }

    /// The grid.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.grid
    }

    /// The phase-space densities [s³ m⁻⁶], shape as the grid's.
    #[must_use]
    pub fn values(&self) -> ArrayView3<'_, f64> {
        match &self.values {
            Values::Own(values) => values.view(),
            // An empty view, if the owner has changed the number of values.
            Values::Shared(values) => ArrayView3::from_shape(self.grid.shape(), (**values).as_ref())
                .unwrap_or(ArrayView2::from(&[[]; 0]).insert_axis(Axis(0))),
        }
    }

    /// The phase-space densities [s³ m⁻⁶] in C order.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        self.values.as_slice()
    }

    /// The array of phase-space densities, without a copy unless [another owner](Vdf::from_shared) keeps them.
    #[must_use]
    pub fn into_values(self) -> Array3<f64> {
        match self.values {
            Values::Own(values) => values,
            Values::Shared(_) => self.values().to_owned(),
        }
    }

    /// Largest absolute value [s³ m⁻⁶]; zero for an all-zero distribution.
    #[must_use]
    pub fn peak(&self) -> f64 {
        largest_magnitude(self.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ShapeBuilder;

    fn grid() -> VelocityGrid {
        VelocityGrid::unit([2, 3, 4]).unwrap()
    }

    #[test]
    fn every_way_in_gives_the_same_distribution() {
        let expected: Vec<f64> = (0..24).map(f64::from).collect();
        let single: Vec<f32> = expected.iter().map(|&value| value as f32).collect();
        let index = |[x, y, z]: [f64; 3]| (x * 3.0 + y) * 4.0 + z;
        let fortran = Array3::from_shape_fn((2, 3, 4).f(), |(x, y, z)| index([x as f64, y as f64, z as f64]));
        for vdf in [
            Vdf::from_slice(grid(), &expected),
            Vdf::from_slice(grid(), &single),
            Vdf::from_vec(grid(), expected.clone()),
            Vdf::from_fn(grid(), index),
            Vdf::new(grid(), fortran),
            Vdf::from_shared(grid(), Arc::new(expected.clone())),
        ] {
            let vdf = vdf.unwrap();
            assert_eq!(vdf.as_slice(), expected);
            assert!(vdf == vdf.clone() && vdf.values().iter().eq(&expected));
            assert!(vdf.into_values().iter().eq(&expected));
        }
    }

    #[test]
    fn values_that_are_not_finite_are_refused_with_their_index() {
        let mut values = vec![0.0; 24];
        values[17] = f64::NAN;
        values[20] = f64::INFINITY;
        match Vdf::from_vec(grid(), values).unwrap_err() {
            Error::NotFinite { index, value } => {
                assert_eq!(index, [1, 1, 1]);
                assert!(value.is_nan());
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(matches!(Vdf::from_slice(grid(), &[0.0; 23]), Err(Error::ShapeMismatch { .. })));
        assert!(matches!(Vdf::from_vec(grid(), vec![0.0; 25]), Err(Error::ShapeMismatch { .. })));
        assert!(matches!(Vdf::from_shared(grid(), Arc::new([0.0; 25])), Err(Error::ShapeMismatch { .. })));
    }
}
