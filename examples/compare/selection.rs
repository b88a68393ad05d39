//! One distribution of a VLSV file, as the command line names it.

use std::path::Path;

use clap::Args;
use vdf_basis::{Crop, Vdf, VlsvFile};

use crate::files::in_file;

/// Cells that an error lists.
const LISTED: usize = 8;

/// Which distribution of a `.vlsv` file is read.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// The spatial cell of a .vlsv file. It may be left out where only one has a distribution.
    #[arg(long, value_name = "ID")]
    pub cell: Option<u64>,

    /// The population of a .vlsv file. It may be left out where there is only one.
    #[arg(long, value_name = "NAME")]
    pub population: Option<String>,

    /// Read so many velocity cells either side of the peak of a .vlsv file's distribution, as the notebooks do; without
    /// it, the box around the stored blocks.
    #[arg(long = "box", value_name = "N")]
    pub half_width: Option<usize>,
}

impl Selection {
    /// True if any of the options was given.
    pub fn is_given(&self) -> bool {
        self.cell.is_some() || self.population.is_some() || self.half_width.is_some()
    }

    /// The distribution, with its grid in m/s.
    pub fn read(&self, path: &Path) -> Result<Vdf, String> {
        let problem = |problem: vdf_basis::Error| in_file(path, problem);
        let file = VlsvFile::open(path).map_err(problem)?;
        let populations: Vec<&str> = file.populations().collect();
        let population = match (&self.population, &populations[..]) {
            (Some(population), _) => population.as_str(),
            (None, [only]) => only,
            (None, []) => return Err(in_file(path, "it has no distributions")),
            (None, several) => return Err(in_file(path, format!("--population is needed: {}", several.join(", ")))),
        };
        let cell = match (self.cell, file.cells(population).map_err(problem)?) {
            (Some(cell), _) => cell,
            (None, &[only]) => only,
            (None, []) => return Err(in_file(path, format!("it was saved without distributions of {population}"))),
            (None, cells) => {
                let listed: Vec<String> = cells.iter().take(LISTED).map(u64::to_string).collect();
                let more = if cells.len() > LISTED { ", …" } else { "" };
                let count = cells.len();
                return Err(in_file(path, format!("--cell is needed, one of {count}: {}{more}", listed.join(", "))));
            }
        };
        let crop = self.half_width.map_or(Crop::Stored, Crop::Peak);
        Ok(file.read(cell, population, crop).map_err(problem)?.vdf)
    }
}
