//! The files that distributions come from: a `.vlsv` file, or `.npy` files.

use std::path::{Path, PathBuf};

use vdf_basis::{ArchiveFacts, Crop, Error, NpyPopulation, Vdf, VelocityGrid, VlsvFile};

use crate::Problem;
use crate::arguments::Geometry;
use crate::cells::CellList;
use crate::files::{self, is_vlsv};
use crate::grid_file::{self, GridFile, Place};

/// Name of the population of `.npy` files, which have none.
const NAMELESS: &str = "avgs";
/// Largest distance of two grids that are one, in cells.
const SAME_GRID: f64 = 1e-6;

/// Files that hold distributions.
pub enum Source {
    /// One population of a `.vlsv` file.
    Vlsv { path: PathBuf, file: Box<VlsvFile>, population: String, crop: Crop },
    /// `.npy` files, whose cells are counted from `first` on.
    Npy { files: Vec<(PathBuf, NpyPopulation)>, population: String, first: u64, geometry: Option<GridFile> },
}

impl Source {
    /// Opens files. Cells of `.npy` files are counted from 0.
    pub fn open(paths: &[PathBuf], population: Option<&str>, crop: Crop, geometry: &Geometry) -> Result<Self, Problem> {
        match paths {
            [path] if is_vlsv(path) => {
                geometry.refused(path, "a .vlsv file has its own grid")?;
                let file = VlsvFile::open(path).map_err(|problem| files::in_file(path, problem))?;
                let population = chosen(path, file.populations(), population)?;
                file.cells(&population).map_err(|problem| files::in_file(path, problem))?;
                Ok(Self::Vlsv { path: path.clone(), file: Box::new(file), population, crop })
            }
            _ => Self::open_npy(paths, population, crop, geometry),
        }
    }

    fn open_npy(paths: &[PathBuf], population: Option<&str>, crop: Crop, geometry: &Geometry) -> Result<Self, Problem> {
        if let Some(path) = paths.iter().find(|path| is_vlsv(path)) {
            return Err(Problem::Usage(files::in_file(
                path,
                "a .vlsv file is read alone; further ones go into the archive with --append",
            )));
        }
        if crop != Crop::Stored {
            return Err(Problem::Usage(files::in_file(&paths[0], "--box belongs to .vlsv files")));
        }
        let open = |path: &PathBuf| {
            let file = NpyPopulation::open(path).map_err(|problem| files::in_file(path, problem))?;
            Ok((path.clone(), file))
        };
        let files = paths.iter().map(open).collect::<Result<Vec<_>, String>>()?;
        let geometry = match &geometry.grid {
            Some(path) => {
                let count = files.iter().map(|(_, file)| file.cells()).sum();
                Some(grid_file::read(path, files.iter().map(|(_, file)| file.grid().shape()), count)?)
            }
            None => {
                let given = geometry.lower.zip(geometry.spacing);
                given.map(|(lower, spacing)| GridFile::of(Place { lower, spacing }))
            }
        };
        if let Some(geometry) = &geometry {
            for (path, file) in &files {
                for Place { lower, spacing } in geometry.places() {
                    VelocityGrid::new(file.grid().shape(), lower, spacing)
                        .map_err(|problem| files::in_file(path, problem))?;
                }
            }
        }
        Ok(Self::Npy { files, population: population.unwrap_or(NAMELESS).to_owned(), first: 0, geometry })
    }

    /// This source with its cells counted from `first` on, if it has no ids of its own.
    pub fn counted_from(mut self, number: u64) -> Self {
        if let Self::Npy { first, .. } = &mut self {
            *first = number;
        }
        self
    }

    /// The name of the population.
    pub fn population(&self) -> &str {
        let (Self::Vlsv { population, .. } | Self::Npy { population, .. }) = self;
        population
    }

    /// The cells that have a distribution.
    pub fn cells(&self) -> Result<Vec<u64>, String> {
        match self {
            Self::Vlsv { path, file, population, .. } => {
                file.cells(population).map(<[u64]>::to_vec).map_err(|problem| files::in_file(path, problem))
            }
            Self::Npy { files, first, .. } => {
                let count = files.iter().map(|(_, file)| file.cells() as u64).sum::<u64>();
                Ok((*first..first.saturating_add(count)).collect())
            }
        }
    }

    /// The cells of a list, in its order.
    pub fn select(&self, list: &CellList) -> Result<Vec<u64>, String> {
        let missing = |cell| match self.read(cell) {
            Err(problem) => self.in_file(cell, problem),
            Ok(_) => format!("cell {cell} is not in the list of cells"),
        };
        list.select(&self.cells()?, missing)
    }

    /// The distribution of a cell.
    pub fn read(&self, cell: u64) -> vdf_basis::Result<Vdf> {
        match self {
            Self::Vlsv { file, population, crop, .. } => Ok(file.read(cell, population, *crop)?.vdf),
            Self::Npy { geometry, .. } => {
                let (_, file, place) = self.npy(cell)?;
                let vdf = file.read(place)?;
                let Some(geometry) = geometry else { return Ok(vdf) };
                let Place { lower, spacing } = geometry.place_of(self.number(cell).unwrap_or(0));
                vdf.with_geometry(lower, spacing)
            }
        }
    }

    /// The distribution of a cell on a grid that an archive has for it. A `.npy` file has no grid of its own.
    pub fn read_on(&self, cell: u64, grid: &VelocityGrid) -> Result<Vdf, String> {
        let vdf = self.read(cell).map_err(|problem| self.in_file(cell, problem))?;
        let fitted = match self {
            Self::Npy { .. } => Some(vdf).filter(|vdf| vdf.grid().shape() == grid.shape()),
            Self::Vlsv { file, population, .. } => match part(&vdf, grid) {
                Some(vdf) => Some(vdf),
                None => {
                    let whole = file.read(cell, population, Crop::Whole);
                    part(&whole.map_err(|problem| self.in_file(cell, problem))?.vdf, grid)
                }
            },
        };
        let fitted = fitted.ok_or_else(|| self.in_file(cell, format!("it is not on the archive's grid, {grid}")))?;
        fitted.with_geometry(grid.lower(), grid.spacing()).map_err(|problem| self.in_file(cell, problem))
    }

    /// What is known of a cell besides its distribution.
    pub fn facts(&self, cell: u64) -> vdf_basis::Result<ArchiveFacts> {
        match self {
            Self::Vlsv { file, population, .. } => Ok(ArchiveFacts::from(&file.facts(cell, population)?)),
            Self::Npy { geometry, .. } => {
                let known = geometry.as_ref().zip(self.number(cell));
                let known = known.and_then(|(geometry, number)| geometry.cells.get(number));
                Ok(known.map_or_else(ArchiveFacts::default, |(_, facts)| *facts))
            }
        }
    }

    /// A problem with a cell, with the names of the file and the cell.
    pub fn in_file(&self, cell: u64, problem: impl std::fmt::Display) -> String {
        files::in_file(self.path_of(cell), format!("cell {cell}: {problem}"))
    }

    /// The file of a cell.
    pub fn path_of(&self, cell: u64) -> &Path {
        match self {
            Self::Vlsv { path, .. } => path,
            Self::Npy { files, .. } => self.npy(cell).map_or(&files[0].0, |(path, ..)| path),
        }
    }

    /// The number of a cell among all of the `.npy` files, from 0.
    fn number(&self, cell: u64) -> Option<usize> {
        let Self::Npy { first, .. } = self else { return None };
        usize::try_from(cell.checked_sub(*first)?).ok()
    }

    /// The file of a cell, and its place in it.
    fn npy(&self, cell: u64) -> vdf_basis::Result<(&PathBuf, &NpyPopulation, usize)> {
        let (files, first): (&[_], _) = match self {
            Self::Npy { files, first, .. } => (files, first),
            Self::Vlsv { .. } => (&[], &0),
        };
        let mut place = self.number(cell);
        for (path, file) in files {
            match place {
                Some(here) if here < file.cells() => return Ok((path, file, here)),
                _ => place = place.map(|here| here - file.cells()),
            }
        }
        let count = files.iter().map(|(_, file)| file.cells() as u64).sum::<u64>();
        let last = first.saturating_add(count).saturating_sub(1);
        let allowed =
            format!("cells {first} to {last} are there, the nearest is {}", cell.clamp(*first, last.max(*first)));
        Err(Error::InvalidParameter { name: "cell", value: cell.to_string(), allowed })
    }
}

/// The population that is asked for, or the only one.
pub fn chosen<'a>(path: &Path, there: impl Iterator<Item = &'a str>, asked: Option<&str>) -> Result<String, String> {
    let there: Vec<&str> = there.collect();
    let listed = there.join(", ");
    match (asked, &there[..]) {
        (_, []) => Err(files::in_file(path, "it has no distributions")),
        (Some(name), _) if there.contains(&name) => Ok(name.to_owned()),
        (Some(name), _) => Err(files::in_file(path, format!("there is no population {name}; there is {listed}"))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(files::in_file(path, format!("it has several populations, --population is needed: {listed}"))),
    }
}

/// The part of a distribution on a grid with cells at the same places; None where it does not hold them all.
fn part(vdf: &Vdf, grid: &VelocityGrid) -> Option<Vdf> {
    let whole = vdf.grid();
    let mut start = [0_isize; 3];
    for (axis, start) in start.iter_mut().enumerate() {
        let spacing = whole.spacing()[axis];
        let place = (grid.lower()[axis] - whole.lower()[axis]) / spacing;
        let end = place.round() + grid.shape()[axis] as f64;
        let stretch = (grid.spacing()[axis] / spacing - 1.0).abs() * grid.shape()[axis] as f64;
        let apart = (place - place.round()).abs().max(stretch) > SAME_GRID;
        if apart || place.round() < 0.0 || end > whole.shape()[axis] as f64 {
            return None;
        }
        *start = place.round() as isize;
    }
    vdf.window(start, grid.shape()).ok()
}
