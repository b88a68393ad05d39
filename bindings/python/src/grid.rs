//! Velocity grids.

use numpy::PyArray1;
use pyo3::prelude::*;
use vdf_basis::VelocityGrid;

use crate::arrays::numbers;
use crate::errors::Result;

/// Uniform Cartesian grid of velocity cells.
///
/// Cell ``k`` along an axis spans ``lower + k * spacing`` to ``lower + (k + 1) * spacing``; densities are those at the
/// centres. Any consistent unit works, metres per second or cell indices.
///
/// Parameters
/// ----------
/// shape : (int, int, int)
///     Cells along vx, vy and vz.
/// lower : (float, float, float)
///     Lower edges of the first cell.
/// spacing : (float, float, float)
///     Widths of a cell.
///
/// Examples
/// --------
/// >>> from vdf_basis import Grid
/// >>> grid = Grid((40, 40, 30), lower=(-2e6, -2e6, -1.5e6), spacing=(1e5, 1e5, 1e5))
/// >>> grid.extent
/// ((-2000000.0, 2000000.0), (-2000000.0, 2000000.0), (-1500000.0, 1500000.0))
#[pyclass(frozen, eq, module = "vdf_basis")]
#[derive(Clone, PartialEq)]
pub struct Grid {
    pub inner: VelocityGrid,
}

#[pymethods]
impl Grid {
    #[new]
    fn new(shape: [usize; 3], lower: [f64; 3], spacing: [f64; 3]) -> Result<Self> {
        Ok(Self { inner: VelocityGrid::new(shape, lower, spacing)? })
    }

    /// Grid between two corners.
    ///
    /// Parameters
    /// ----------
    /// shape : (int, int, int)
    ///     Cells along vx, vy and vz.
    /// lower, upper : (float, float, float)
    ///     The corners of the box: edges of cells, not centres.
    #[staticmethod]
    fn from_edges(shape: [usize; 3], lower: [f64; 3], upper: [f64; 3]) -> Result<Self> {
        Ok(Self { inner: VelocityGrid::from_edges(shape, lower, upper)? })
    }

    /// Grid in index units: spacing 1, and centres at 0, 1, 2, ...
    ///
    /// Parameters
    /// ----------
    /// shape : (int, int, int)
    ///     Cells along vx, vy and vz.
    #[staticmethod]
    fn unit(shape: [usize; 3]) -> Result<Self> {
        Ok(Self { inner: VelocityGrid::unit(shape)? })
    }

    /// Cells along vx, vy and vz.
    #[getter]
    fn shape(&self) -> (usize, usize, usize) {
        self.inner.shape().into()
    }

    /// Lower edges of the first cell.
    #[getter]
    fn lower(&self) -> (f64, f64, f64) {
        self.inner.lower().into()
    }

    /// Upper edges of the last cell.
    #[getter]
    fn upper(&self) -> (f64, f64, f64) {
        self.inner.upper().into()
    }

    /// Widths of a cell.
    #[getter]
    fn spacing(&self) -> (f64, f64, f64) {
        self.inner.spacing().into()
    }

    /// Lower and upper edge along each axis.
    #[getter]
    fn extent(&self) -> ((f64, f64), (f64, f64), (f64, f64)) {
        let (lower, upper) = (self.inner.lower(), self.inner.upper());
        let [x, y, z] = [0, 1, 2].map(|axis| (lower[axis], upper[axis]));
        (x, y, z)
    }

    /// Number of cells.
    #[getter]
    fn size(&self) -> usize {
        self.inner.cells()
    }

    /// Volume of a cell in velocity space.
    #[getter]
    fn cell_volume(&self) -> f64 {
        self.inner.cell_volume()
    }

    /// Centres of the cells along vx, vy and vz: three arrays of one axis.
    #[getter]
    fn centres<'py>(&self, py: Python<'py>) -> [Bound<'py, PyArray1<f64>>; 3] {
        [0, 1, 2].map(|axis| numbers(py, &self.inner.centres(axis)))
    }

    /// The part of this grid that begins at a cell; it may reach beyond.
    ///
    /// Parameters
    /// ----------
    /// start : (int, int, int)
    ///     The first cell of the part along each axis; negative ones lie before this grid.
    /// shape : (int, int, int)
    ///     Cells of the part along each axis.
    fn window(&self, start: [isize; 3], shape: [usize; 3]) -> Result<Self> {
        Ok(Self { inner: self.inner.window(start, shape)? })
    }

    fn __repr__(&self) -> String {
        let (shape, lower, spacing) = (self.inner.shape(), self.inner.lower(), self.inner.spacing());
        format!("Grid({}, lower={}, spacing={})", tuple(shape), tuple(lower), tuple(spacing))
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.inner.shape().hash(&mut hasher);
        // Equal numbers have equal hashes: -0 becomes 0.
        let numbers = self.inner.lower().into_iter().chain(self.inner.spacing());
        numbers.for_each(|number| (number + 0.0).to_bits().hash(&mut hasher));
        hasher.finish()
    }

    fn __getnewargs__(&self) -> ([usize; 3], [f64; 3], [f64; 3]) {
        (self.inner.shape(), self.inner.lower(), self.inner.spacing())
    }
}

/// Three numbers as Python prints a tuple.
fn tuple<T: std::fmt::Debug>([x, y, z]: [T; 3]) -> String {
    format!("({x:?}, {y:?}, {z:?})")
}
