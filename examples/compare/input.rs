//! The distributions to compare: one from a file, or several synthetic ones.

use std::error::Error;
use std::path::Path;

use vdf_basis::distribution::io::Precision;
use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
use vdf_basis::{Vdf, VelocityGrid};

use crate::arguments::{Arguments, Bits};

/// The synthetic distributions compared.
const SYNTHETIC: [&str; 5] = ["bi-maxwellian", "beams", "kappa", "loss-cone", "gyrating-ring"];
/// Seed of their random parts.
const SEED: u64 = 0;

/// A distribution and what to call it.
pub struct Input {
    /// Short, and fit to be part of a file's name.
    pub name: String,
    /// The distribution.
    pub vdf: Vdf,
}

/// What the command line asks for.
pub fn load(arguments: &Arguments) -> Result<Vec<Input>, Box<dyn Error>> {
    match &arguments.file {
        Some(path) => {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok(vec![Input { name, vdf: read(path, arguments)? }])
        }
        None => synthetic(arguments.cells),
    }
}

fn read(path: &Path, arguments: &Arguments) -> Result<Vdf, Box<dyn Error>> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let vdf = match extension.as_str() {
        "npy" => Vdf::read_npy(path)?,
        "bin" => {
            let grid = VelocityGrid::unit(arguments.shape.ok_or("a .bin file needs --shape NX,NY,NZ")?)?;
            let precision = match arguments.precision {
                Some(Bits::F32) => Precision::Single,
                Some(Bits::F64) => Precision::Double,
                None => {
                    let metadata = path.metadata().map_err(|problem| format!("{}: {problem}", path.display()))?;
                    Precision::of_length(metadata.len(), &grid)?
                }
            };
            Vdf::read_raw(path, grid, precision)?
        }
        _ => return Err(format!("{}: only .npy and .bin files are read", path.display()).into()),
    };
    if let Some(shape) = arguments.shape.filter(|&shape| shape != vdf.grid().shape()) {
        return Err(format!("{} has shape {:?}, not {shape:?}", path.display(), vdf.grid().shape()).into());
    }
    match (arguments.lower, arguments.spacing) {
        (Some(lower), Some(spacing)) => Ok(vdf.with_geometry(lower, spacing)?),
        _ => Ok(vdf),
    }
}

/// Distributions that the crate knows by name, each on the grid that suits it.
fn synthetic(cells: usize) -> Result<Vec<Input>, Box<dyn Error>> {
    let sampled = |name: &str| {
        let grid = Synthetic::default_grid(name, cells)?;
        let vdf = Synthetic::named(name, SEED)?.sample(&grid, Sampling::default())?;
        Ok(Input { name: name.to_owned(), vdf })
    };
    SYNTHETIC.into_iter().map(sampled).collect()
}
