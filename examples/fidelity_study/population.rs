//! The distributions of the study.

use std::error::Error;
use std::path::{Path, PathBuf};

use vdf_basis::distribution::synthetic::CellValue;
use vdf_basis::{NpyPopulation, Sampling, ShockPopulation, Vdf};

use crate::arguments::Arguments;
use crate::files;

/// Cells through the synthetic shock, of which some are taken.
const SHOCK_CELLS: usize = 48;
/// Points along each axis of a cell in its average.
const POINTS: usize = 3;
const FILE: &str = "shock_population.npy";

/// Distributions of one run.
pub struct Population {
    /// Fit to be part of a file's name.
    pub name: String,
    /// The distributions, at least one.
    pub distributions: Vec<Vdf>,
}

/// The populations that the command line asks for.
pub fn load(arguments: &Arguments) -> Result<Vec<Population>, Box<dyn Error>> {
    let count = arguments.distributions();
    if !arguments.files.is_empty() {
        return arguments.files.iter().map(|path| of_file(path, count)).collect();
    }
    let mut all = vec![shock(count, arguments.cells())?];
    let file = data_folder().join(FILE);
    if file.exists() && !arguments.quick {
        all.push(of_file(&file, count)?);
    }
    Ok(all)
}

fn data_folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    std::env::var_os("VDF_BASIS_DATA").map_or_else(default, PathBuf::from)
}

/// Distributions through the synthetic shock, averaged over their cells: upstream the beam is hardly wider than one.
fn shock(count: usize, cells: usize) -> Result<Population, Box<dyn Error>> {
    let population = ShockPopulation::new(SHOCK_CELLS);
    let grid = population.grid(cells)?;
    let sampling = Sampling { value: CellValue::Average { points: POINTS }, ..Sampling::default() };
    let sample = |cell| population.get(cell)?.sample(&grid, sampling);
    let distributions = chosen(SHOCK_CELLS, count).into_iter().map(sample).collect::<Result<_, _>>()?;
    Ok(Population { name: "synthetic-shock".to_owned(), distributions })
}

fn of_file(path: &Path, count: usize) -> Result<Population, Box<dyn Error>> {
    let file = NpyPopulation::open(path).map_err(|problem| files::in_file(path, problem))?;
    let read = |cell| file.read(cell).map_err(|problem| files::in_file(path, problem));
    let distributions = chosen(file.cells(), count).into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Population { name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), distributions })
}

/// `count` of `all` cells, evenly spaced, the first and the last among them.
fn chosen(all: usize, count: usize) -> Vec<usize> {
    let count = count.min(all);
    (0..count).map(|k| if count > 1 { k * (all - 1) / (count - 1) } else { all / 2 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_spaced_evenly() {
        assert_eq!(chosen(24, 6), [0, 4, 9, 13, 18, 23]);
        assert_eq!((chosen(3, 9), chosen(1, 1), chosen(9, 1)), (vec![0, 1, 2], vec![0], vec![4]));
    }
}
