//! Python face of vdf-basis: the module `vdf_basis._native`, on which the package `vdf_basis` is built.
//!
//! Functions here take arrays that are three-dimensional, of `f64` and C-contiguous; `vdf_basis/_arrays.py` brings all
//! others into that form. Every call that computes or reads files gives up the interpreter's lock.

mod archive;
mod arrays;
mod errors;
mod expansion;
mod functions;
mod grid;
mod learnt;
mod population;
mod synthetic;
mod vlsv;
mod writer;

use pyo3::prelude::*;

/// Velocity distribution functions as coefficients of an analytic basis, and back: the compiled part of `vdf_basis`.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("StreamError", module.py().get_type::<errors::StreamError>())?;
    module.add_class::<grid::Grid>()?;
    module.add_class::<expansion::Expansion>()?;
    module.add_class::<archive::Archive>()?;
    module.add_class::<writer::Writer>()?;
    module.add_class::<population::PcaAccumulator>()?;
    module.add_class::<population::LearntPca>()?;
    module.add_class::<vlsv::VlsvFile>()?;
    functions::add(module)?;
    synthetic::add(module)
}
