//! Principal components of populations.

use std::sync::{Mutex, PoisonError};

use numpy::{PyArray1, PyArray2, PyArray3, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};
use vdf_basis::bases::pca::Values;
use vdf_basis::{AnyBasis, Basis, Error, PopulationPca};

use crate::arrays::{accepted, borrowed, numbers};
use crate::errors::{Problem, Result};
use crate::grid::Grid;

/// Mean and covariance of a population of distributions on one grid, gathered distribution by distribution.
///
/// Parts of a population can be taken in by several processes and merged in any order, to the same within rounding:
/// accumulators can be pickled, added, and written to bytes.
///
/// Parameters
/// ----------
/// grid : Grid
///     The grid of all distributions.
/// values : {"log10", "linear"}
///     What the components describe: decades above a floor, or the densities themselves.
/// floor : float, optional
///     The floor of the decades; by default a millionth of each distribution's peak.
/// directions, batch : int, optional
///     Keep only so many leading directions whenever a batch has come together, for a bounded memory. Twice the
///     components to be learnt is a good number of directions.
///
/// Examples
/// --------
/// >>> import vdf_basis as vb
/// >>> cells = list(vb.synthetic_population("shock", 12, cells=12))
/// >>> left, right = vb.PcaAccumulator(cells[0].grid), vb.PcaAccumulator(cells[0].grid)
/// >>> for cell in cells[:6]:
/// ...     left.add(cell.f)
/// >>> for cell in cells[6:]:
/// ...     right.add(cell.f)
/// >>> left.merge(right)
/// >>> left.count
/// 12
/// >>> left.learn(3).components.shape
/// (3, 1296)
#[pyclass(frozen, module = "vdf_basis")]
pub struct PcaAccumulator {
    inner: Mutex<vdf_basis::PcaAccumulator>,
}

impl PcaAccumulator {
    fn lock(&self) -> std::sync::MutexGuard<'_, vdf_basis::PcaAccumulator> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PcaAccumulator {
    #[new]
    #[pyo3(signature = (grid, values="log10", floor=None, directions=None, batch=None))]
    fn new(
        grid: &Bound<'_, Grid>,
        values: &str,
        floor: Option<f64>,
        directions: Option<usize>,
        batch: Option<usize>,
    ) -> Result<Self> {
        /// Distributions that come together before they are made fewer.
        const BATCH: usize = 32;
        let values = match (values, floor) {
            ("log10", floor) => Values::Log10 { floor },
            ("linear", None) => Values::Linear,
            ("linear", Some(floor)) => return Err(refused("floor", &floor.to_string(), "only with values=\"log10\"")),
            (other, _) => return Err(refused("values", other, "\"log10\" or \"linear\"")),
        };
        let inner = vdf_basis::PcaAccumulator::new(grid.get().inner, values)?;
        let inner = match directions {
            Some(directions) => inner.with_capacity(directions, batch.unwrap_or(BATCH))?,
            None if batch.is_some() => return Err(refused("batch", "given", "only together with directions")),
            None => inner,
        };
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// Takes in a distribution.
    ///
    /// Parameters
    /// ----------
    /// f : array_like of shape (nx, ny, nz), Distribution or xarray.DataArray
    ///     Densities on the population's grid.
    fn add(&self, py: Python<'_>, f: &Bound<'_, PyAny>) -> Result<()> {
        let grid = py.detach(|| *self.lock().grid());
        let values = accepted(f, &grid)?;
        let vdf = borrowed(&values, &grid)?;
        Ok(py.detach(|| self.lock().add(&vdf))?)
    }

    /// Takes in what another accumulator has taken in.
    ///
    /// Parameters
    /// ----------
    /// other : PcaAccumulator
    ///     One of the same grid and values.
    fn merge(&self, py: Python<'_>, other: &Bound<'_, Self>) -> Result<()> {
        let other = other.get();
        Ok(py.detach(|| {
            // A copy, so that no two locks are held at the same time.
            let other = other.lock().clone();
            self.lock().merge(&other)
        })?)
    }

    fn __add__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> Result<Self> {
        let sum = Self { inner: Mutex::new(py.detach(|| self.lock().clone())) };
        sum.merge(py, other)?;
        Ok(sum)
    }

    /// The population's mean and its leading components.
    ///
    /// Parameters
    /// ----------
    /// n_components : int
    ///     Components to learn; fewer are learnt where fewer describe the population.
    /// tolerance : float, optional
    ///     If given, components are found by random projections, until another iteration adds less than this share of the
    ///     total variance: faster where there are many more distributions than components.
    ///
    /// Returns
    /// -------
    /// LearntPca
    #[pyo3(signature = (n_components, tolerance=None))]
    fn learn(&self, py: Python<'_>, n_components: usize, tolerance: Option<f64>) -> Result<LearntPca> {
        let inner = py.detach(|| match tolerance {
            Some(tolerance) => self.lock().learn_randomised(n_components, tolerance),
            None => self.lock().learn(n_components),
        })?;
        Ok(LearntPca { inner })
    }

    /// Number of distributions taken in.
    #[getter]
    fn count(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().count())
    }

    /// What the components describe: "log10" or "linear".
    #[getter]
    fn values(&self, py: Python<'_>) -> &'static str {
        match py.detach(|| self.lock().values()) {
            Values::Log10 { .. } => "log10",
            Values::Linear => "linear",
        }
    }

    /// The floor of the decades; None for a millionth of each distribution's peak, and for linear values.
    #[getter]
    fn floor(&self, py: Python<'_>) -> Option<f64> {
        match py.detach(|| self.lock().values()) {
            Values::Log10 { floor } => floor,
            Values::Linear => None,
        }
    }

    /// Share of the total variance that was left out to keep within the number of directions.
    #[getter]
    fn lost(&self, py: Python<'_>) -> f64 {
        py.detach(|| self.lock().lost())
    }

    /// Grid of the population.
    #[getter]
    fn grid(&self, py: Python<'_>) -> Grid {
        Grid { inner: py.detach(|| *self.lock().grid()) }
    }

    /// The accumulator as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        let mut bytes = Vec::new();
        py.detach(|| self.lock().to_bytes(&mut bytes))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The accumulator that ``to_bytes`` wrote.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> Result<Self> {
        let inner = py.detach(|| vdf_basis::PcaAccumulator::from_bytes(data)).map_err(Problem::Stream)?;
        Ok(Self { inner: Mutex::new(inner) })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> Result<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((maker::<Self>(py)?, (self.to_bytes(py)?,)))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        py.detach(|| {
            let inner = self.lock();
            format!("<PcaAccumulator: {} distributions on {}>", inner.count(), inner.grid())
        })
    }
}

/// Mean and principal components of a population, learnt by a ``PcaAccumulator``: a basis in which a distribution is a few
/// scores.
#[pyclass(frozen, eq, module = "vdf_basis")]
#[derive(PartialEq)]
pub struct LearntPca {
    pub inner: PopulationPca,
}

impl LearntPca {
    pub fn basis(&self) -> AnyBasis {
        AnyBasis::new(self.inner.clone())
    }
}

#[pymethods]
impl LearntPca {
    /// Scores of a distribution, and the floor of its decades (None for linear values).
    ///
    /// Parameters
    /// ----------
    /// f : array_like of shape (nx, ny, nz), Distribution or xarray.DataArray
    ///     Densities on the population's grid.
    ///
    /// Returns
    /// -------
    /// scores : ndarray of shape (n_components,)
    /// floor : float or None
    fn scores<'py>(&self, py: Python<'py>, f: &Bound<'py, PyAny>) -> Result<(Bound<'py, PyArray1<f64>>, Option<f64>)> {
        let values = accepted(f, self.inner.grid())?;
        let vdf = borrowed(&values, self.inner.grid())?;
        let found = py.detach(|| self.inner.encode(&vdf))?;
        Ok((numbers(py, found.scores()), found.floor()))
    }

    /// The mean of the population: decades above the floor, or densities.
    #[getter]
    fn mean<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyArray3<f64>>> {
        let mean = numbers(py, self.inner.mean());
        Ok(mean.reshape(self.inner.grid().shape())?)
    }

    /// The components, one a row.
    #[getter]
    fn components<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyArray2<f64>>> {
        let all: Vec<f64> = self.inner.components().flatten().copied().collect();
        let count = self.inner.explained_variance().len();
        Ok(PyArray1::from_vec(py, all).reshape([count, self.inner.grid().cells()])?)
    }

    /// Variance of the population along each component.
    #[getter]
    fn explained_variance<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        numbers(py, self.inner.explained_variance())
    }

    /// Standard deviation of the population along each component.
    #[getter]
    fn explained_deviation<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        numbers(py, &self.inner.explained_deviation())
    }

    /// Variances as shares of the variance along all directions.
    #[getter]
    fn explained_variance_ratio<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        numbers(py, &self.inner.explained_variance_ratio())
    }

    /// Number of distributions it was learnt from.
    #[getter]
    fn count(&self) -> u64 {
        self.inner.count()
    }

    /// Grid of the population.
    #[getter]
    fn grid(&self) -> Grid {
        Grid { inner: *self.inner.grid() }
    }

    /// Spec by which streams name it.
    #[getter]
    fn spec(&self) -> String {
        self.basis().to_string()
    }

    /// The learnt basis as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        let mut bytes = Vec::new();
        py.detach(|| self.inner.to_bytes(&mut bytes))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The learnt basis that ``to_bytes`` wrote.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> Result<Self> {
        let inner = py.detach(|| PopulationPca::from_bytes(data)).map_err(Problem::Stream)?;
        Ok(Self { inner })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> Result<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((maker::<Self>(py)?, (self.to_bytes(py)?,)))
    }

    fn __repr__(&self) -> String {
        let count = self.inner.explained_variance().len();
        format!("<LearntPca {}: {count} components of {} distributions>", self.spec(), self.inner.count())
    }
}

/// The function by which `pickle` makes an object from its bytes.
pub fn maker<T: pyo3::PyTypeInfo>(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    PyType::new::<T>(py).getattr("from_bytes")
}

fn refused(name: &'static str, value: &str, allowed: &str) -> Problem {
    Error::InvalidParameter { name, value: value.to_owned(), allowed: allowed.to_owned() }.into()
}
