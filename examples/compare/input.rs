//! The distributions to compare: one from a file, or several synthetic ones.

use std::error::Error;
use std::path::Path;

use vdf_basis::distribution::io::Precision;
use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
use vdf_basis::{Vdf, VelocityGrid};

use crate::arguments::{Arguments, Bits};
use crate::files::{self, is_vlsv};

/// Seed of their random parts.
const SEED: u64 = 0;

/// A distribution and what to call it.
pub struct Input {
    /// Short, and fit to be part of a file's name.
    pub name: String,
    /// The distribution.
    pub vdf: Vdf,
}

/// The distributions that the command line asks for.
pub fn load(arguments: &Arguments) -> Result<Vec<Input>, Box<dyn Error>> {
    match &arguments.file {
        Some(path) => {
            let mut name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(cell) = arguments.selection.cell {
                name += &format!("-cell{cell}");
            }
            Ok(vec![Input { name, vdf: read(path, arguments)? }])
        }
        None => synthetic(&arguments.synthetic, arguments.cells),
    }
}

fn read(path: &Path, arguments: &Arguments) -> Result<Vdf, Box<dyn Error>> {
    let problem = |problem: vdf_basis::Error| files::in_file(path, problem);
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if arguments.selection.is_given() && !is_vlsv(path) {
        return Err(files::in_file(path, "--cell, --population and --box belong to .vlsv files").into());
    }
    let vdf = match extension.as_str() {
        "vlsv" => arguments.selection.read(path)?,
        "npy" => Vdf::read_npy(path).map_err(problem)?,
        "bin" => read_bare(path, arguments)?,
        _ => {
            let reason = "only .npy, .bin and .vlsv files are read; --bases takes one spec, and is given again for each further one";
            return Err(files::in_file(path, reason).into());
        }
    };
    if let Some(shape) = arguments.shape.filter(|&shape| shape != vdf.grid().shape()) {
        return Err(files::in_file(path, format!("its shape is {:?}, not {shape:?}", vdf.grid().shape())).into());
    }
    match arguments.lower.zip(arguments.spacing) {
        Some((lower, spacing)) => Ok(vdf.with_geometry(lower, spacing)?),
        None => Ok(vdf),
    }
}

/// Values without a header.
fn read_bare(path: &Path, arguments: &Arguments) -> Result<Vdf, Box<dyn Error>> {
    let shape = arguments.shape.ok_or_else(|| files::in_file(path, "a .bin file needs --shape NX,NY,NZ"))?;
    let grid = VelocityGrid::unit(shape).map_err(|problem| format!("--shape: {problem}"))?;
    let precision = match arguments.precision {
        Some(Bits::F32) => Precision::Single,
        Some(Bits::F64) => Precision::Double,
        None => {
            let metadata = path.metadata().map_err(|problem| files::in_file(path, problem))?;
            Precision::of_length(metadata.len(), &grid).map_err(|problem| files::in_file(path, problem))?
        }
    };
    Vdf::read_raw(path, grid, precision).map_err(|problem| files::in_file(path, problem).into())
}

/// Distributions that the crate knows by name, each on the grid that suits it.
fn synthetic(names: &[String], cells: usize) -> Result<Vec<Input>, Box<dyn Error>> {
    let sampled = |name: &String| {
        let grid = Synthetic::default_grid(name, cells).map_err(|problem| format!("--cells {cells}: {problem}"))?;
        let vdf = Synthetic::named(name, SEED)?.sample(&grid, Sampling::default())?;
        Ok(Input { name: name.clone(), vdf })
    };
    // A name given twice would be measured twice, and its pictures written over.
    let first = |(index, name): (usize, &String)| !names[..index].contains(name);
    let names = names.iter().enumerate().filter(|entry| first(*entry));
    names.map(|(_, name)| sampled(name)).collect()
}
