//! Distributions in a basis, and their streams.

use numpy::{PyArray1, PyArray3};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use vdf_basis::container::MOST_CELLS;
use vdf_basis::{AnyBasis, Basis, Coefficients, PopulationPca, SphericalCoefficients};

use crate::arrays::{accepted, array, borrowed, numbers};
use crate::errors::{Problem, Result};
use crate::functions::{basis_of, moments_object, registry_with};
use crate::grid::Grid;
use crate::learnt::{self, Search};
use crate::population::{LearntPca, maker};

/// Distribution in a basis, self-contained: its grid, the basis, and the coefficients.
///
/// ``Expansion.encode`` makes one from densities, ``Expansion.from_bytes`` from a stream.
#[pyclass(frozen, eq, module = "vdf_basis")]
#[derive(Clone, PartialEq)]
pub struct Expansion {
    pub inner: vdf_basis::Expansion<AnyBasis>,
}

/// A function, and its arguments, by which `pickle` makes the expansion again.
type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>, Vec<LearntPca>));

#[pymethods]
impl Expansion {
    /// Encodes densities; a search begins at ``start``, the expansion of a similar distribution, if one is given.
    #[staticmethod]
    #[pyo3(signature = (f, grid, spec, learnt=None, start=None))]
    fn encode(
        py: Python<'_>,
        f: &Bound<'_, PyAny>,
        grid: &Bound<'_, Grid>,
        spec: &str,
        learnt: Option<&Bound<'_, LearntPca>>,
        start: Option<&Bound<'_, Self>>,
    ) -> Result<Self> {
        let grid = grid.get().inner;
        let values = accepted(f, &grid)?;
        let vdf = borrowed(&values, &grid)?;
        let start = start.map(|start| start.get());
        let learnt = learnt.map(|learnt| learnt.get());
        py.detach(|| {
            let basis = match learnt {
                Some(learnt) => learnt.basis(),
                None => basis_of(spec)?,
            };
            let coefficients = match start {
                Some(start) => basis.encode_from(&vdf, start.inner.coefficients())?,
                None => basis.encode(&vdf)?,
            };
            Ok(Self { inner: vdf_basis::Expansion::from_parts(grid, basis, coefficients) })
        })
    }

    /// As ``encode``, with the number of steps of the search and whether it converged; None where nothing is searched.
    #[staticmethod]
    fn fit(py: Python<'_>, f: &Bound<'_, PyAny>, grid: &Bound<'_, Grid>, spec: &str) -> Result<(Self, Search)> {
        let grid = grid.get().inner;
        let values = accepted(f, &grid)?;
        let vdf = borrowed(&values, &grid)?;
        py.detach(|| {
            let basis = basis_of(spec)?;
            let (coefficients, search) = learnt::fit(&basis, &vdf)?;
            Ok((Self { inner: vdf_basis::Expansion::from_parts(grid, basis, coefficients) }, search))
        })
    }

    /// The expansion that a stream holds.
    #[staticmethod]
    #[pyo3(signature = (stream, learnt=Vec::new(), max_cells=None))]
    fn from_bytes(
        py: Python<'_>,
        stream: &[u8],
        learnt: Vec<Bound<'_, LearntPca>>,
        max_cells: Option<usize>,
    ) -> Result<Self> {
        let registry = registry_with(&learnt)?;
        py.detach(|| {
            let inner = registry.decode_within(stream, max_cells.unwrap_or(MOST_CELLS)).map_err(Problem::Stream)?;
            Ok(Self { inner })
        })
    }

    /// The stream: grid, spec, coefficients and a checksum.
    #[pyo3(signature = (max_cells=None))]
    fn to_bytes<'py>(&self, py: Python<'py>, max_cells: Option<usize>) -> Result<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.inner.to_bytes_within(max_cells.unwrap_or(MOST_CELLS)))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The densities on the expansion's own grid, or on another.
    #[pyo3(signature = (grid=None))]
    fn reconstruct<'py>(&self, py: Python<'py>, grid: Option<&Bound<'py, Grid>>) -> Result<Bound<'py, PyArray3<f64>>> {
        let grid = grid.map_or(*self.inner.grid(), |grid| grid.get().inner);
        let vdf = py.detach(|| self.inner.reconstruct_on(&grid))?;
        Ok(array(py, vdf))
    }

    /// The moments of the reconstruction, in closed form where the basis has one.
    ///
    /// Parameters
    /// ----------
    /// grid : Grid, optional
    ///     The grid over which the reconstruction is summed; by default its own.
    ///
    /// Returns
    /// -------
    /// Moments
    #[pyo3(signature = (grid=None))]
    fn moments<'py>(&self, py: Python<'py>, grid: Option<&Bound<'py, Grid>>) -> Result<Bound<'py, PyAny>> {
        let grid = grid.map_or(*self.inner.grid(), |grid| grid.get().inner);
        let moments = py.detach(|| self.inner.basis().moments(self.inner.coefficients(), &grid))?;
        Ok(moments_object(py, &moments)?)
    }

    /// The grid of the distribution.
    #[getter]
    fn grid(&self) -> Grid {
        Grid { inner: *self.inner.grid() }
    }

    /// The spec of the basis.
    #[getter]
    fn spec(&self) -> String {
        self.inner.basis().to_string()
    }

    /// The number of coefficients.
    fn __len__(&self) -> usize {
        self.inner.coefficients().count()
    }

    /// The real numbers of the coefficients, in the order of the basis.
    fn numbers<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let mut all = Vec::with_capacity(self.inner.coefficients().count());
        self.inner.coefficients().visit(&mut |_, number| all.push(number));
        numbers(py, &all)
    }

    /// The quantity, unit, degree and label of each of the numbers.
    fn labels(&self) -> Vec<(String, &'static str, u32, String)> {
        let mut all = Vec::with_capacity(self.inner.coefficients().count());
        self.inner.coefficients().visit(&mut |slot, _| {
            let quantity = slot.quantity;
            all.push((format!("{quantity:?}"), quantity.unit(), slot.degree, slot.label.to_string()));
        });
        all
    }

    /// What a fit of one of the bases has found, by name; empty for combinations of bases.
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        learnt::findings(py, self.inner.coefficients())
    }

    /// The power of a Hermite or a spherical expansion, by name; None for other bases.
    fn spectrum<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        learnt::spectrum(py, self.inner.coefficients())
    }

    /// f_lm at a distance from the centre, in the order l² + l + m, of a spherical expansion; None for other bases.
    fn on_sphere<'py>(&self, py: Python<'py>, radius: f64) -> Option<Bound<'py, PyArray1<f64>>> {
        let own = self.inner.coefficients().downcast_ref::<SphericalCoefficients>()?;
        Some(numbers(py, &own.on_sphere(radius)))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> Result<Reduced<'py>> {
        // A reader of the stream does not know a learnt basis.
        let learnt = self.inner.basis().downcast_ref::<PopulationPca>();
        let learnt = learnt.map(|inner| LearntPca { inner: inner.clone() }).into_iter().collect();
        Ok((maker::<Self>(py)?, (self.to_bytes(py, None)?, learnt)))
    }

    fn __repr__(&self) -> String {
        let [nx, ny, nz] = self.inner.grid().shape();
        let count = self.inner.coefficients().count();
        format!("<Expansion {:?}: {count} coefficients, {nx} x {ny} x {nz} cells>", self.inner.basis().to_string())
    }
}
