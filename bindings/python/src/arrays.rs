//! NumPy arrays as distributions, and back.

use std::sync::Arc;

use numpy::{PyArray3, PyReadonlyArray3, PyUntypedArrayMethods, ToPyArray};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use vdf_basis::{Error, Vdf, VelocityGrid};

use crate::errors::Result;
use crate::grid::Grid;

/// The memory of a NumPy array, which it keeps alive.
struct Borrowed {
    values: &'static [f64],
    _array: Py<PyArray3<f64>>,
}

impl AsRef<[f64]> for Borrowed {
    fn as_ref(&self) -> &[f64] {
        self.values
    }
}

/// The densities of any object that the package takes as a distribution, on a grid.
pub fn accepted<'py>(f: &Bound<'py, PyAny>, grid: &VelocityGrid) -> Result<PyReadonlyArray3<'py, f64>> {
    static ON_GRID: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let on_grid = ON_GRID.import(f.py(), "vdf_basis._arrays", "on_grid")?;
    Ok(on_grid.call1((f, Grid { inner: *grid }))?.extract()?)
}

/// A distribution that reads the memory of an array, without a copy.
///
/// Other threads of Python may run in the meantime. One that writes to the array gives a result that means nothing, as
/// with NumPy's own functions.
pub fn borrowed(values: &PyReadonlyArray3<'_, f64>, grid: &VelocityGrid) -> Result<Vdf> {
    let slice = contiguous(values, grid)?;
    // SAFETY: the memory belongs to the array, which `Borrowed` keeps alive and whose memory NumPy neither moves nor
    // frees as long as there are references to it (`ndarray.resize` refuses to). The slice is only given out through
    // `AsRef`, with a lifetime no longer than that of `Borrowed`.
    #[expect(unsafe_code, reason = "a slice of an array that is kept alive beside it")]
    let slice = unsafe { std::slice::from_raw_parts(slice.as_ptr(), slice.len()) };
    let array = Bound::clone(values).unbind();
    Ok(Vdf::from_shared(*grid, Arc::new(Borrowed { values: slice, _array: array }))?)
}

/// A distribution with a copy of an array.
pub fn copied(values: &PyReadonlyArray3<'_, f64>, grid: &VelocityGrid) -> Result<Vdf> {
    Ok(Vdf::from_slice(*grid, contiguous(values, grid)?)?)
}

/// The values of an array of the grid's shape in C order.
fn contiguous<'a>(values: &'a PyReadonlyArray3<'_, f64>, grid: &VelocityGrid) -> Result<&'a [f64]> {
    if values.shape() != grid.shape() {
        return Err(Error::ShapeMismatch { expected: grid.shape(), found: values.shape().to_vec() }.into());
    }
    let slice = values.as_slice().ok().filter(|_| values.is_c_contiguous());
    let refused = || Error::InvalidParameter {
        name: "array",
        value: "not in C order".to_owned(),
        allowed: "a C-contiguous array of float64; numpy.ascontiguousarray makes one".to_owned(),
    };
    Ok(slice.ok_or_else(refused)?)
}

/// The densities as a NumPy array, without a copy.
pub fn array(py: Python<'_>, vdf: Vdf) -> Bound<'_, PyArray3<f64>> {
    PyArray3::from_owned_array(py, vdf.into_values())
}

/// A copy of numbers as an array of one axis.
pub fn numbers<'py>(py: Python<'py>, numbers: &[f64]) -> Bound<'py, numpy::PyArray1<f64>> {
    numbers.to_pyarray(py)
}
