//! What was encoded: an archive, or a stream of one distribution.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use vdf_basis::{AnyBasis, Archive, ArchiveFacts, ArchiveRecord, Expansion, Registry, StreamInfo};

use crate::cells::CellList;
use crate::source::chosen;
use crate::{Done, files};

/// The first bytes of an archive.
const ARCHIVE: &[u8; 4] = b"VDFA";

/// An archive or a stream that is open for reading.
pub struct Encoded {
    pub path: PathBuf,
    pub content: Content,
}

pub enum Content {
    Archive(Box<Archive>),
    Stream { expansion: Box<Expansion<AnyBasis>>, info: StreamInfo, bytes: usize },
}

impl Encoded {
    /// Opens an archive, or reads a stream: the first bytes say which.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |problem: &dyn std::fmt::Display| files::in_file(path, problem);
        let mut head = Vec::new();
        let file = File::open(path).map_err(|problem| failed(&problem))?;
        file.take(4).read_to_end(&mut head).map_err(|problem| failed(&problem))?;
        let content = if head == ARCHIVE {
            Content::Archive(Box::new(Archive::open(path).map_err(|problem| failed(&problem))?))
        } else if head.starts_with(&ARCHIVE[..3]) {
            let (bytes, registry) = (files::read(path)?, Registry::standard());
            let expansion = registry.decode(&bytes).map_err(|problem| failed(&problem))?;
            let info = registry.info(&bytes).map_err(|problem| failed(&problem))?;
            Content::Stream { expansion: Box::new(expansion), info, bytes: bytes.len() }
        } else {
            return Err(failed(&"neither an archive (.vdfa) nor a stream (.vdfb): it does not begin with VDF"));
        };
        Ok(Self { path: path.to_path_buf(), content })
    }

    /// True for an archive whose cells were found without its index: there may have been more.
    pub fn is_recovered(&self) -> bool {
        matches!(&self.content, Content::Archive(archive) if archive.is_recovered())
    }

    /// The end of a run that left out so many of the cells that are known.
    pub fn done(&self, left_out: usize) -> Done {
        if left_out == 0 && !self.is_recovered() { Done::All } else { Done::LeftOut }
    }

    /// The number of cells that are lost, because their population, grid and basis are damaged.
    pub fn lost_cells(&self) -> usize {
        match &self.content {
            Content::Archive(archive) => archive.lost_cells(),
            Content::Stream { .. } => 0,
        }
    }

    /// Says on stderr how many cells are lost, or that there may be some, and returns the number that is known.
    pub fn report_lost(&self) -> usize {
        if let Content::Archive(archive) = &self.content
            && archive.is_recovered()
        {
            let found: usize = archive.info().sets.iter().map(|set| set.cells).sum();
            let problem = format!(
                "its index is missing or damaged: {found} cells were found, and there may have been more behind the damage"
            );
            files::complain(&format!("note: {}", files::in_file(&self.path, problem)));
        }
        let lost = self.lost_cells();
        if lost > 0 {
            let problem = format!("{lost} cells are lost: their population, grid and basis are damaged");
            files::complain(&format!("left out: {}", files::in_file(&self.path, problem)));
        }
        lost
    }

    /// The names of the populations; a stream has one without a name.
    pub fn populations(&self) -> Vec<&str> {
        match &self.content {
            Content::Archive(archive) => archive.populations().collect(),
            Content::Stream { .. } => vec![""],
        }
    }

    /// The population that is asked for, or the only one. A stream is of any.
    pub fn population(&self, asked: Option<&str>) -> Result<String, String> {
        match &self.content {
            Content::Archive(archive) => {
                let lost = archive.lost_cells();
                chosen(&self.path, archive.populations(), asked).map_err(|problem| match lost {
                    0 => problem,
                    _ => format!("{problem}; {lost} cells of damaged populations are lost"),
                })
            }
            Content::Stream { .. } => Ok(asked.unwrap_or_default().to_owned()),
        }
    }

    /// The cells of a population that a list names, in the archive's order. Of a stream it is cell 0, and the list says which cell it is elsewhere.
    pub fn select(&self, population: &str, list: &CellList) -> Result<Vec<u64>, String> {
        match &self.content {
            Content::Archive(archive) => {
                let cells = archive.cells(population).map_err(|problem| files::in_file(&self.path, problem))?;
                let chosen = list.select(&cells, |cell| match archive.read(cell, population) {
                    Err(problem) => files::in_file(&self.path, problem),
                    Ok(_) => files::in_file(&self.path, format!("cell {cell} is not in its list of cells")),
                })?;
                let mut left: HashSet<u64> = chosen.into_iter().collect();
                // Of a cell that was written twice the last counts.
                let mut order: Vec<u64> = cells.into_iter().rev().filter(|cell| left.remove(cell)).collect();
                order.reverse();
                Ok(order)
            }
            Content::Stream { .. } => Ok(vec![list.single().unwrap_or(0)]),
        }
    }

    /// The distribution of one cell.
    pub fn read(&self, population: &str, cell: u64) -> Result<ArchiveRecord, String> {
        match &self.content {
            Content::Archive(archive) => {
                archive.read(cell, population).map_err(|problem| files::in_file(&self.path, problem))
            }
            Content::Stream { expansion, .. } => Ok(record(cell, population, expansion)),
        }
    }

    /// Works on each of some cells, on all threads, and gives the results in the archive's order, the error of a damaged group
    /// to each of its cells. One group for each thread is in memory at a time.
    pub fn for_each<T: Send>(
        &self,
        population: &str,
        cells: &[u64],
        work: impl Fn(&ArchiveRecord) -> Result<T, String> + Sync,
        mut each: impl FnMut(u64, Result<T, String>) -> Result<(), String>,
    ) -> Result<(), String> {
        let archive = match &self.content {
            Content::Archive(archive) => archive,
            Content::Stream { expansion, .. } => {
                return cells.iter().try_for_each(|&cell| each(cell, work(&record(cell, population, expansion))));
            }
        };
        let groups = wanted(archive, population, cells);
        let run = |(number, places): &(usize, Vec<(usize, u64)>)| -> Vec<(u64, Result<T, String>)> {
            match archive.read_group(*number) {
                Ok(records) => places.par_iter().map(|&(place, cell)| (cell, work(&records[place]))).collect(),
                Err(problem) => {
                    let problem = problem.to_string();
                    places.iter().map(|&(_, cell)| (cell, Err(problem.clone()))).collect()
                }
            }
        };
        for groups in groups.chunks(rayon::current_num_threads()) {
            let found: Vec<_> = groups.par_iter().map(run).collect();
            found.into_iter().flatten().try_for_each(|(cell, outcome)| each(cell, outcome))?;
        }
        Ok(())
    }
}

/// The groups that hold some cells, and the places and ids of those cells in each. Of a cell that was written twice the
/// last counts.
fn wanted(archive: &Archive, population: &str, cells: &[u64]) -> Vec<(usize, Vec<(usize, u64)>)> {
    let mut last: HashMap<u64, Option<(usize, usize)>> = cells.iter().map(|&cell| (cell, None)).collect();
    for (number, group) in archive.groups().enumerate().filter(|(_, group)| group.population == population) {
        for (place, cell) in group.cells.into_iter().enumerate() {
            last.entry(cell).and_modify(|last| *last = Some((number, place)));
        }
    }
    let mut places: Vec<_> = last.into_iter().filter_map(|(cell, last)| Some((last?, cell))).collect();
    places.sort_unstable();
    let of_group = |places: &[((usize, usize), u64)]| {
        let ((number, _), _) = places[0];
        (number, places.iter().map(|&((_, place), cell)| (place, cell)).collect())
    };
    places.chunk_by(|(a, _), (b, _)| a.0 == b.0).map(of_group).collect()
}

fn record(cell: u64, population: &str, expansion: &Expansion<AnyBasis>) -> ArchiveRecord {
    let (population, expansion) = (population.to_owned(), expansion.clone());
    ArchiveRecord { cell, population, facts: ArchiveFacts::default(), expansion }
}
