//! Synthetic distributions.

use numpy::PyArray3;
use pyo3::prelude::*;
use vdf_basis::distribution::synthetic::{CellValue, Jitter, Noise, Shock};
use vdf_basis::{Sampling, ShockPopulation, Synthetic, VelocityGrid};

use crate::arrays::array;
use crate::errors::Result;
use crate::grid::Grid;

/// Adds the functions to the module.
pub fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(synthetic, module)?)?;
    module.add_function(wrap_pyfunction!(synthetic_grid, module)?)?;
    module.add_function(wrap_pyfunction!(synthetic_names, module)?)?;
    module.add_function(wrap_pyfunction!(shock, module)?)?;
    module.add_function(wrap_pyfunction!(shock_grid, module)?)
}

/// A named distribution on a grid.
#[pyfunction]
#[pyo3(signature = (name, seed, grid, points=None, threshold=None, noise=None))]
fn synthetic<'py>(
    py: Python<'py>,
    name: &str,
    seed: u64,
    grid: &Bound<'py, Grid>,
    points: Option<usize>,
    threshold: Option<f64>,
    noise: Option<(f64, f64, u64)>,
) -> Result<Bound<'py, PyArray3<f64>>> {
    let sampling = Sampling {
        value: points.map_or(CellValue::Centre, |points| CellValue::Average { points }),
        threshold,
        noise: noise.map(|(relative, ripple, seed)| Noise { relative, ripple, seed }),
    };
    let grid: VelocityGrid = grid.get().inner;
    let vdf = py.detach(|| Synthetic::named(name, seed)?.sample(&grid, sampling))?;
    Ok(array(py, vdf))
}

/// The grid that suits a named distribution.
#[pyfunction]
fn synthetic_grid(name: &str, cells: usize) -> Result<Grid> {
    Ok(Grid { inner: Synthetic::default_grid(name, cells)? })
}

/// The names of the catalogue.
#[pyfunction]
fn synthetic_names() -> Vec<&'static str> {
    Synthetic::names().collect()
}

/// One of `count` distributions through the default shock; with a seed other than 0 each cell varies by 10%.
fn population(count: usize, seed: u64) -> vdf_basis::Result<ShockPopulation> {
    match seed {
        0 => Ok(ShockPopulation::new(count)),
        seed => ShockPopulation::through(Shock::default(), count, Jitter { amplitude: 0.1, seed }),
    }
}

/// A distribution of a walk through a shock.
#[pyfunction]
fn shock<'py>(
    py: Python<'py>,
    count: usize,
    seed: u64,
    index: usize,
    grid: &Bound<'py, Grid>,
) -> Result<Bound<'py, PyArray3<f64>>> {
    let grid = grid.get().inner;
    let vdf = py.detach(|| population(count, seed)?.get(index)?.sample(&grid, Sampling::default()))?;
    Ok(array(py, vdf))
}

/// The grid of a walk through a shock.
#[pyfunction]
fn shock_grid(count: usize, seed: u64, cells: usize) -> Result<Grid> {
    Ok(Grid { inner: population(count, seed)?.grid(cells)? })
}
