//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Study what every basis does to the physical quantities of a population of distributions.
#[derive(Debug, Parser)]
#[command(name = "fidelity_study")]
pub struct Arguments {
    /// Populations, `.npy` files of four axes [cell, vx, vy, vz], or of three for one distribution. Without any, the synthetic
    /// shock, and `shock_population.npy` in the folder that the environment variable VDF_BASIS_DATA names or in
    /// `../shared/data`, if it is there.
    pub files: Vec<PathBuf>,
    /// Distributions of each population, evenly spaced.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    distributions: Option<u16>,
    /// Cells along the longest axis of the synthetic shock.
    #[arg(long, value_name = "N", conflicts_with = "files", value_parser = clap::value_parser!(u16).range(4..=200))]
    cells: Option<u16>,
    /// Few sizes, two distributions on a coarse grid: some seconds.
    #[arg(long)]
    pub quick: bool,
    /// Folder for tables and pictures.
    #[arg(long, value_name = "DIR", default_value = "out/fidelity_study")]
    pub out: PathBuf,
}

impl Arguments {
    /// Distributions of each population.
    pub fn distributions(&self) -> usize {
        self.distributions.map_or(if self.quick { 2 } else { 4 }, usize::from)
    }

    /// Cells along the longest axis of the synthetic shock. Below 40 its upstream beam is narrower than a cell.
    pub fn cells(&self) -> usize {
        self.cells.map_or(if self.quick { 20 } else { 32 }, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let quick = Arguments::parse_from(["study", "--quick", "--distributions", "3"]);
        assert_eq!((quick.distributions(), quick.cells()), (3, 20));
        assert!(Arguments::try_parse_from(["study", "--distributions", "0"]).is_err());
        assert!(Arguments::try_parse_from(["study", "a.npy", "--cells", "9"]).is_err());
    }
}
