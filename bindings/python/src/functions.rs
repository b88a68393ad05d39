//! Functions of distributions and streams.

use std::borrow::Cow;
use std::sync::LazyLock;

use numpy::{PyArray3, PyArrayMethods, PyReadonlyArray3};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;
use vdf_basis::container::MOST_CELLS;
use vdf_basis::{AnyBasis, Expansion, Fidelity, Moments, Registry, Vdf, VelocityGrid};

use crate::arrays::{array, borrowed, numbers};
use crate::errors::{Problem, Result};
use crate::grid::Grid;
use crate::population::LearntPca;

/// All bases. It remembers the last ones that were built, with their tables.
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

/// Adds the functions to the module.
pub fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(compress, module)?)?;
    module.add_function(wrap_pyfunction!(decompress, module)?)?;
    module.add_function(wrap_pyfunction!(info, module)?)?;
    module.add_function(wrap_pyfunction!(moments, module)?)?;
    module.add_function(wrap_pyfunction!(compare, module)?)?;
    module.add_function(wrap_pyfunction!(normalise_spec, module)?)?;
    module.add_function(wrap_pyfunction!(basis_names, module)?)?;
    module.add("MAX_CELLS", MOST_CELLS)
}

/// The basis of a spec.
pub fn basis_of(spec: &str) -> Result<AnyBasis> {
    Ok(REGISTRY.parse(spec)?)
}

/// All bases, and some that were learnt.
pub fn registry_with(learnt: &[Bound<'_, LearntPca>]) -> Result<Cow<'static, Registry>> {
    let mut registry = Cow::Borrowed(&*REGISTRY);
    for basis in learnt {
        registry = Cow::Owned(registry.into_owned().with_value(basis.get().inner.clone())?);
    }
    Ok(registry)
}

/// The class `Moments` of the package, filled.
pub fn moments_object<'py>(py: Python<'py>, moments: &Moments) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let Moments { density, bulk_velocity, pressure, heat_flux } = moments;
    let (speed, speeds) = (moments.thermal_speed(), moments.thermal_speeds());
    let pressure = numbers(py, pressure.as_flattened()).reshape([3, 3])?;
    let vectors = [bulk_velocity, heat_flux, &speeds].map(|vector| numbers(py, vector));
    let [bulk_velocity, heat_flux, speeds] = vectors;
    let class = CLASS.import(py, "vdf_basis._results", "Moments")?;
    class.call1((*density, bulk_velocity, pressure, heat_flux, speed, speeds))
}

/// The stream of densities. Those of magnitude below the threshold are taken as zero.
#[pyfunction]
#[pyo3(signature = (values, grid, spec, threshold=None))]
fn compress<'py>(
    py: Python<'py>,
    values: PyReadonlyArray3<'py, f64>,
    grid: &Bound<'py, Grid>,
    spec: &str,
    threshold: Option<f64>,
) -> Result<Bound<'py, PyBytes>> {
    let grid = grid.get().inner;
    let vdf = borrowed(&values, &grid)?;
    let bytes = py.detach(|| -> Result<Vec<u8>> {
        let basis = basis_of(spec)?;
        let cut = threshold.map(|threshold| above(&vdf, threshold)).transpose()?;
        Ok(Expansion::encode(&basis, cut.as_ref().unwrap_or(&vdf))?.to_bytes()?)
    })?;
    Ok(PyBytes::new(py, &bytes))
}

/// The densities that a stream holds, on its own grid or on another.
#[pyfunction]
fn decompress<'py>(
    py: Python<'py>,
    stream: &[u8],
    grid: Option<&Bound<'py, Grid>>,
    learnt: Vec<Bound<'py, LearntPca>>,
    max_cells: Option<usize>,
) -> Result<Bound<'py, PyArray3<f64>>> {
    let registry = registry_with(&learnt)?;
    let grid = grid.map(|grid| grid.get().inner);
    let vdf = py.detach(|| {
        let expansion = registry.decode_within(stream, max_cells.unwrap_or(MOST_CELLS)).map_err(Problem::Stream)?;
        match grid {
            Some(grid) => Ok(expansion.reconstruct_on(&grid)?),
            None => expansion.reconstruct().map_err(Problem::Stream),
        }
    })?;
    Ok(array(py, vdf))
}

/// The distribution with zeros where |f| is below the threshold.
fn above(vdf: &Vdf, threshold: f64) -> vdf_basis::Result<Vdf> {
    if !(threshold >= 0.0 && threshold.is_finite()) {
        return Err(vdf_basis::Error::InvalidParameter {
            name: "threshold",
            value: threshold.to_string(),
            allowed: "a phase-space density, zero or more".to_owned(),
        });
    }
    let kept = vdf.as_slice().iter().map(|&f| if f.abs() < threshold { 0.0 } else { f });
    Vdf::from_vec(*vdf.grid(), kept.collect())
}

/// Version, grid, spec, and parts with their bytes.
type InfoTuple = (u8, Grid, String, Vec<(String, usize)>);

/// The contents of a stream.
#[pyfunction]
#[pyo3(signature = (stream, learnt=Vec::new()))]
fn info(py: Python<'_>, stream: &[u8], learnt: Vec<Bound<'_, LearntPca>>) -> Result<InfoTuple> {
    let registry = registry_with(&learnt)?;
    let info = py.detach(|| registry.info(stream)).map_err(Problem::Stream)?;
    Ok((info.version, Grid { inner: info.grid }, info.spec.to_string(), info.parts))
}

/// The moments of densities.
#[pyfunction]
fn moments<'py>(
    py: Python<'py>,
    values: PyReadonlyArray3<'py, f64>,
    grid: &Bound<'py, Grid>,
) -> Result<Bound<'py, PyAny>> {
    let vdf = borrowed(&values, &grid.get().inner)?;
    Ok(moments_object(py, &py.detach(|| vdf.moments()))?)
}

/// The errors of a reconstruction, by name.
#[pyfunction]
#[pyo3(signature = (original, reconstruction, grid, floor=None))]
fn compare(
    py: Python<'_>,
    original: PyReadonlyArray3<'_, f64>,
    reconstruction: PyReadonlyArray3<'_, f64>,
    grid: &Bound<'_, Grid>,
    floor: Option<f64>,
) -> Result<Vec<(&'static str, f64)>> {
    let grid: VelocityGrid = grid.get().inner;
    let (original, reconstruction) = (borrowed(&original, &grid)?, borrowed(&reconstruction, &grid)?);
    let fidelity = py.detach(|| {
        let floor = floor.unwrap_or_else(|| Fidelity::default_floor(&original));
        Fidelity::compare_above(&original, &reconstruction, floor)
    })?;
    Ok(fidelity.errors().into_iter().chain([("log10_floor", fidelity.log10_floor)]).collect())
}

/// The spec as streams hold it; an error with what is wrong if there is no such basis.
#[pyfunction]
fn normalise_spec(spec: &str) -> Result<String> {
    Ok(basis_of(spec)?.to_string())
}

/// Names of the bases and presets, and of the combinators.
#[pyfunction]
fn basis_names() -> (Vec<&'static str>, Vec<&'static str>) {
    (REGISTRY.names().collect(), REGISTRY.combinators().collect())
}
