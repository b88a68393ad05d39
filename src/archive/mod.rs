//! An archive, `.vdfa`: the distributions of many cells in one file. Format: `docs/format.md`.
//!
//! Cells are kept in groups of 32 or so. Within a group the coder goes on learning, and each distribution is coded as
//! what differs from those before it; grid and basis are stored once. An index at the end says where each cell is, so that
//! to read one cell takes decoding one group at most.
//!
//! ```
//! use vdf_basis::{Archive, ArchiveCell, ArchiveFacts, ArchiveWriter, Registry, Sampling, Synthetic};
//!
//! let grid = Synthetic::default_grid("beams", 16)?;
//! let cells = (0..3).map(|cell| {
//!     let vdf = Synthetic::named("beams", cell)?.sample(&grid, Sampling::default())?;
//!     Ok(ArchiveCell { cell, facts: ArchiveFacts { time: Some(12.5), ..ArchiveFacts::default() }, vdf })
//! });
//! let basis = Registry::standard().parse("balanced:l2=0.03")?;
//! let mut writer = ArchiveWriter::new(Vec::new())?; // or a file
//! writer.write("proton", &basis, cells, |cell, written| {
//!     println!("{cell:?}");
//!     written
//! })?;
//! let bytes = writer.finish()?;
//!
//! let archive = Archive::from_bytes(bytes)?; // or `Archive::open("run.vdfa")`
//! assert_eq!(archive.cells("proton")?, [0, 1, 2]);
//! let record = archive.read(1, "proton")?;
//! assert_eq!(record.facts.time, Some(12.5));
//! assert_eq!(record.expansion.reconstruct()?.grid(), &grid);
//! # Ok::<(), vdf_basis::Error>(())
//! ```
//!
//! # Archives that are damaged
//! Each set and each group has a checksum. An archive whose index is missing or damaged, such as that of a writer that was
//! killed, is read up to its last whole group ([`Archive::is_recovered`]). With a sound index, a damaged group loses its own
//! cells, and a damaged set those of its groups ([`Archive::lost_cells`]). Nothing that an archive claims is believed: see
//! "Limits" in `docs/format.md`.

mod chunk;
mod curve;
mod facts;
mod group;
mod index;
mod join;
mod runs;
mod set;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashSet;
use std::path::Path;

use chunk::Kind;
pub use curve::along_curve;
pub use facts::ArchiveFacts;
use group::Group;
use index::{GroupPlace, Index, take_head};
pub use join::{ArchiveParts, join, split};
use runs::Runs;
use set::Set;
pub use writer::{ArchiveCell, ArchiveWriter};

use crate::basis::Expansion;
use crate::basis::any_basis::AnyBasis;
use crate::basis::framing::MOST_CELLS;
use crate::basis::spec::Spec;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::io::input::Input;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// The version of the format that is written, the fifth byte.
pub const VERSION: u8 = 1;

/// Name of the format in errors.
const FORMAT: &str = "archive";
/// Most cells of a group.
const MAX_GROUP: usize = 4096;
/// Most sets of an archive.
const MAX_SETS: usize = 1024;

/// An archive that is open for reading, from any thread. The [module documentation](self) has an example.
#[derive(Debug)]
pub struct Archive {
    input: Input,
    index: Index,
    recovered: bool,
    most_cells: usize,
}

/// A distribution of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveRecord {
    /// The id of the cell.
    pub cell: u64,
    /// The name of the population.
    pub population: String,
    /// Facts that were kept with it.
    pub facts: ArchiveFacts,
    /// The distribution; [`Expansion::reconstruct`] gives its densities.
    pub expansion: Expansion<AnyBasis>,
}

/// A group of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveGroup {
    /// The name of the population.
    pub population: String,
    /// The spec of the basis.
    pub spec: Spec,
    /// The ids of its cells, in its order.
    pub cells: Vec<u64>,
    /// The bytes it takes in the file.
    pub bytes: u64,
}

/// The contents of an archive.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveInfo {
    /// The version of the format.
    pub version: u8,
    /// The bytes of the file.
    pub bytes: u64,
    /// Parts of the file, and their bytes.
    pub parts: Vec<(&'static str, u64)>,
    /// Population, grid and basis that groups share.
    pub sets: Vec<ArchiveSet>,
    /// The number of groups.
    pub groups: usize,
}

/// The population, grid and basis that groups of an archive share.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveSet {
    /// The name of the population.
    pub population: String,
    /// The grid of the first cell that was written; others may have boxes of their own.
    pub grid: VelocityGrid,
    /// The spec of the basis.
    pub spec: Spec,
    /// The number of cells.
    pub cells: usize,
    /// The bytes of its groups.
    pub bytes: u64,
}

impl Archive {
    /// Opens an archive and reads its index; all of it, if the index is missing or damaged.
    ///
    /// # Errors
    /// [`Error::MalformedFile`] for what is not an archive, or one whose index contradicts it;
    /// [`Error::UnsupportedVersion`], [`Error::Io`], and [`Error::InvalidSpec`] for a basis that is not known.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_within(path, MOST_CELLS)
    }

    /// As [`Archive::open`], with another limit on the cells of a grid than 2²⁶.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn open_within(path: impl AsRef<Path>, most_cells: usize) -> Result<Self> {
        Self::open_with(path, &Registry::standard(), most_cells)
    }

    /// As [`Archive::open_within`], with the bases of a registry: of archives in bases that are not standard ones, such as
    /// learnt ones.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn open_with(path: impl AsRef<Path>, registry: &Registry, most_cells: usize) -> Result<Self> {
        Self::new(Input::open(path.as_ref())?, registry, most_cells)
    }

    /// An archive whose bytes are in memory.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        Self::from_bytes_within(bytes, MOST_CELLS)
    }

    /// As [`Archive::from_bytes`], with another limit on the cells of a grid than 2²⁶.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn from_bytes_within(bytes: impl Into<Vec<u8>>, most_cells: usize) -> Result<Self> {
        Self::from_bytes_with(bytes, &Registry::standard(), most_cells)
    }

    /// As [`Archive::from_bytes_within`], with the bases of a registry.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn from_bytes_with(bytes: impl Into<Vec<u8>>, registry: &Registry, most_cells: usize) -> Result<Self> {
        Self::new(Input::in_memory(bytes.into(), "bytes of an archive"), registry, most_cells)
    }

    fn new(input: Input, registry: &Registry, most_cells: usize) -> Result<Self> {
        chunk::check_prefix(&input)?;
        let (index, recovered) = match Index::read(&input, registry, most_cells)? {
            Some(index) => (index, false),
            None => (Index::scan(&input, registry, most_cells)?, true),
        };
        Ok(Self { input, index, recovered, most_cells })
    }

    /// True if the index was missing or damaged: what could be read was found by reading all of it.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// The names of the populations, in the order in which they were first written.
    pub fn populations(&self) -> impl Iterator<Item = &str> {
        let mut before = HashSet::new();
        let names = self.index.sets.iter().filter_map(|set| Some(set.content.as_ref()?.population.as_str()));
        names.filter(move |name| before.insert(*name))
    }

    /// The number of cells that cannot be read, because the chunk with their population, grid and basis is damaged. They are
    /// not among the [groups](Self::groups); of a cell that was written twice, the version in another set is still read. 0
    /// for an archive that [was recovered](Self::is_recovered), of which nothing behind such a chunk is found.
    #[must_use]
    pub fn lost_cells(&self) -> usize {
        self.index.lost.groups.iter().map(Runs::count).sum()
    }

    /// The ids of the [lost cells](Self::lost_cells), in the archive's order. Their populations are not known.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] for an index that claims more cells than an archive of this length holds.
    pub fn lost_cell_ids(&self) -> Result<Vec<u64>> {
        self.ids(&self.index.lost.groups.iter().collect::<Vec<_>>())
    }

    /// The cells of a population, in the archive's order.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a population that is not there, with those that are; [`Error::LimitExceeded`] for an
    /// index that claims more cells than an archive of this length holds.
    pub fn cells(&self, population: &str) -> Result<Vec<u64>> {
        self.ids(&self.groups_of(population)?.iter().map(|(_, group)| &group.cells).collect::<Vec<_>>())
    }

    /// The distribution of a cell: of a cell that was written twice, the last. Decodes one group at most.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a population or a cell that is not there, with what is; [`Error::MalformedFile`] for
    /// a damaged group; [`Error::Io`].
    pub fn read(&self, cell: u64, population: &str) -> Result<ArchiveRecord> {
        let groups = self.groups_of(population)?;
        let found = groups.iter().rev().find_map(|(number, group)| Some((*number, group.cells.position(cell)?)));
        let Some((number, position)) = found else {
            let all = || groups.iter().flat_map(|(_, group)| group.cells.ids());
            let nearest = all().min_by_key(|&other| (other.abs_diff(cell), other));
            let nearest = nearest.map_or("there is none".to_owned(), |nearest| format!("the nearest is {nearest}"));
            let count = groups.iter().map(|(_, group)| group.cells.count()).sum::<usize>();
            let allowed = format!("one of the {count} cells of {population} in {}; {nearest}", self.input.name());
            return Err(Error::parameter("cell", cell, allowed));
        };
        let mut records = self.decode(number, position + 1)?;
        records.pop().ok_or_else(|| self.malformed(number, "it is empty"))
    }

    /// The groups, in the archive's order.
    pub fn groups(&self) -> impl Iterator<Item = ArchiveGroup> {
        self.index.groups.iter().filter_map(|group| {
            let set = self.set_of(group)?;
            let (population, spec) = (set.population.clone(), set.spec.clone());
            Some(ArchiveGroup { population, spec, cells: group.cells.ids().collect(), bytes: group.bytes })
        })
    }

    /// All distributions of a group, by its number.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a group that is not there; as [`Archive::read`].
    pub fn read_group(&self, group: usize) -> Result<Vec<ArchiveRecord>> {
        self.decode(group, usize::MAX)
    }

    /// The contents: sets, and the bytes of each part.
    #[must_use]
    pub fn info(&self) -> ArchiveInfo {
        let mut held = vec![(0, 0); self.index.sets.len()];
        for GroupPlace { set, cells, bytes, .. } in &self.index.groups {
            held[*set].0 += cells.count();
            held[*set].1 += bytes;
        }
        let sets = self.index.sets.iter().zip(held).filter_map(|(set, (cells, bytes))| {
            let Set { population, grid, spec, .. } = set.content.as_ref()?;
            Some(ArchiveSet { population: population.clone(), grid: *grid, spec: spec.clone(), cells, bytes })
        });
        let (bytes, end) = (self.input.length(), self.index.end);
        let of_sets = self.index.sets.iter().map(|set| set.bytes).sum();
        let of_groups = self.index.groups.iter().map(|group| group.bytes).sum();
        let rest = if self.recovered { "not readable" } else { "index" };
        let mut parts = vec![("format", chunk::PREFIX), ("sets", of_sets), ("groups", of_groups), (rest, bytes - end)];
        if self.index.lost.bytes > 0 {
            parts.push(("groups of damaged sets", self.index.lost.bytes));
        }
        ArchiveInfo { version: VERSION, bytes, parts, sets: sets.collect(), groups: self.index.groups.len() }
    }

    /// The ids of the cells of several groups. An index claims a group's cells in a few bytes, and takes no more memory for
    /// them than an archive of this length can hold.
    fn ids(&self, groups: &[&Runs]) -> Result<Vec<u64>> {
        /// Cells that one byte may hold: those of a group are at least a bit or so each.
        const PER_BYTE: usize = 64;
        let limit = usize::try_from(self.input.length()).unwrap_or(usize::MAX).saturating_mul(PER_BYTE);
        let count = groups.iter().map(|cells| cells.count()).sum::<usize>();
        if count > limit {
            return Err(Error::LimitExceeded { what: format!("{count} cells"), limit });
        }
        Ok(groups.iter().flat_map(|cells| cells.ids()).collect())
    }

    fn groups_of(&self, population: &str) -> Result<Vec<(usize, &GroupPlace)>> {
        if !self.populations().any(|name| name == population) {
            let names: Vec<_> = self.populations().collect();
            let allowed = match names.is_empty() {
                true => format!("{} holds no population", self.input.name()),
                false => format!("{} holds {}", self.input.name(), names.join(", ")),
            };
            return Err(Error::parameter("population", population, allowed));
        }
        let is_of = |group: &GroupPlace| self.set_of(group).is_some_and(|set| set.population == population);
        Ok(self.index.groups.iter().enumerate().filter(|(_, group)| is_of(group)).collect())
    }

    fn set_of(&self, group: &GroupPlace) -> Option<&Set> {
        self.index.sets[group.set].content.as_ref()
    }

    /// The first `most` distributions of a group.
    fn decode(&self, number: usize, most: usize) -> Result<Vec<ArchiveRecord>> {
        let Some(place) = self.index.groups.get(number) else {
            return Err(Error::parameter("group", number, format!("one of {} groups", self.index.groups.len())));
        };
        let chunk = chunk::read(&self.input, place.offset)?
            .filter(|chunk| chunk.kind == Kind::Group && chunk.end == place.offset + place.bytes)
            .ok_or_else(|| self.malformed(number, "it is cut or damaged, or not where the index says"))?;
        let mut payload = &chunk.payload[..];
        if take_head(&mut payload) != Some((place.set, place.cells.count())) {
            return Err(self.malformed(number, "it is another group than the index says"));
        }
        let set = self.set_of(place).ok_or_else(|| self.malformed(number, "its set is damaged"))?;
        let mut group = Group::reading(payload, set);
        let mut records = Vec::new();
        for cell in place.cells.ids().take(most) {
            let found = group.read(&set.basis, self.most_cells).map_err(|error| match error {
                Error::MalformedStream(problem) => self.malformed(number, problem),
                other => other,
            })?;
            if found.cell != cell {
                let problem = format!("it holds cell {} where the index says {cell}", found.cell);
                return Err(self.malformed(number, problem));
            }
            let population = set.population.clone();
            records.push(ArchiveRecord { cell, population, facts: found.facts, expansion: found.expansion });
        }
        Ok(records)
    }

    fn malformed(&self, group: usize, problem: impl std::fmt::Display) -> Error {
        let problem = format!("{}: group {group}: {problem}", self.input.name());
        Error::MalformedFile { format: FORMAT, problem }
    }
}
