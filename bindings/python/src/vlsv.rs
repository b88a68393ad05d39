//! Reading Vlasiator's VLSV files.

use std::path::PathBuf;

use numpy::PyArray3;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use vdf_basis::{CellFacts, Crop, VlsvDistribution};

use crate::arrays::array;
use crate::errors::{Problem, Result};
use crate::grid::Grid;

/// VLSV file, open for reading.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     The file.
/// max_cells : int, optional
///     Most cells of a box that are read; 2**26 by default.
#[pyclass(frozen, module = "vdf_basis")]
pub struct VlsvFile {
    path: PathBuf,
    max_cells: Option<usize>,
    inner: vdf_basis::VlsvFile,
}

/// Densities, their grid, and facts by name.
type Read<'py> = (Bound<'py, PyArray3<f64>>, Grid, Bound<'py, PyDict>);

#[pymethods]
impl VlsvFile {
    #[new]
    #[pyo3(signature = (path, *, max_cells=None))]
    fn new(py: Python<'_>, path: PathBuf, max_cells: Option<usize>) -> Result<Self> {
        let inner = py.detach(|| vdf_basis::VlsvFile::open(&path)).map_err(Problem::File)?;
        let inner = match max_cells {
            Some(cells) => inner.with_limit(cells),
            None => inner,
        };
        Ok(Self { path, max_cells, inner })
    }

    /// The path and the limit, by which `pickle` opens the file again.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((PathBuf,), Bound<'py, PyDict>)> {
        let options = PyDict::new(py);
        options.set_item("max_cells", self.max_cells)?;
        Ok(((self.path.clone(),), options))
    }

    fn __repr__(&self) -> String {
        format!("<VlsvFile {:?}: {}>", self.path.display().to_string(), self.populations().join(", "))
    }

    /// Names of the populations that have distributions.
    #[getter]
    fn populations(&self) -> Vec<String> {
        self.inner.populations().map(str::to_owned).collect()
    }

    /// Cells that have a distribution of a population, in the file's order.
    #[pyo3(signature = (population="proton"))]
    fn cells(&self, py: Python<'_>, population: &str) -> Result<Vec<u64>> {
        Ok(py.detach(|| self.inner.cells(population)).map_err(Problem::File)?.to_vec())
    }

    /// Velocity mesh of a population: a grid, and the cells along each edge of a block.
    #[pyo3(signature = (population="proton"))]
    fn mesh(&self, py: Python<'_>, population: &str) -> Result<(Grid, usize)> {
        let mesh = py.detach(|| self.inner.mesh(population)).map_err(Problem::File)?;
        Ok((Grid { inner: mesh.grid }, mesh.block_width))
    }

    /// Densities of a cell, their grid, and what the file says about the cell. `half` crops about the peak, `whole` takes
    /// the whole mesh.
    fn _read<'py>(
        &self,
        py: Python<'py>,
        cell: u64,
        population: &str,
        half: Option<usize>,
        whole: bool,
    ) -> Result<Read<'py>> {
        let crop = match (half, whole) {
            (Some(half), _) => Crop::Peak(half),
            (None, true) => Crop::Whole,
            (None, false) => Crop::Stored,
        };
        let read = || Ok((self.inner.read(cell, population, crop)?, self.inner.facts(cell, population)?));
        let (found, facts) = py.detach(read).map_err(Problem::File)?;
        let dict = facts_of(py, &found, &facts)?;
        let grid = Grid { inner: *found.vdf.grid() };
        Ok((array(py, found.vdf), grid, dict))
    }
}

fn facts_of<'py>(py: Python<'py>, found: &VlsvDistribution, facts: &CellFacts) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("time", facts.time)?;
    dict.set_item("position", facts.position)?;
    dict.set_item("magnetic_field", facts.magnetic_field.as_ref().map(|field| field.value))?;
    dict.set_item("sparsity_threshold", facts.sparsity_threshold)?;
    dict.set_item("density", facts.density)?;
    dict.set_item("bulk_velocity", facts.bulk_velocity)?;
    dict.set_item("pressure_diagonal", facts.pressure_diagonal)?;
    dict.set_item("pressure_off_diagonal", facts.pressure_off_diagonal)?;
    dict.set_item("first", found.first)?;
    dict.set_item("codec", found.codec)?;
    Ok(dict)
}
