//! Which cells have distributions, and where in the file they are.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::array::{Array, Kind};
use super::footer::{Element, Footer};
use super::mesh::Mesh;
use super::source::Source;
use crate::error::Result;

/// Name of a population that has none: what Vlasiator called the only one before 2016.
const NAMELESS: &str = "avgs";

/// A population of a file.
#[derive(Debug)]
pub(super) struct Population {
    pub(super) name: String,
    /// The element BLOCKVARIABLE.
    variable: Element,
    index: OnceLock<Result<Index>>,
    mesh: OnceLock<Result<Mesh>>,
    threshold: OnceLock<Result<Option<f64>>>,
}

/// The form in which a file stores the distributions of a population.
#[derive(Debug, Clone)]
pub(super) enum Storage {
    /// Block numbers and block values, one row a block.
    Blocks { ids: Array, values: Array },
    /// A stream of Vlasiator's Hermite codec a cell.
    Hermite { bytes: Array },
    /// Streams of a codec that is not read.
    Other(String),
}

/// Distribution of a cell: rows `first .. first + count` of the arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) cell: u64,
    pub(super) first: u64,
    pub(super) count: u64,
}

/// The cells of a population that have a distribution.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub(super) storage: Storage,
    /// In the order of the file.
    pub(super) cells: Vec<u64>,
    /// In the order of the cells' numbers.
    pub(super) entries: Vec<Entry>,
}

impl Population {
    /// The populations of a file, each with a name of its own.
    pub(super) fn all(footer: &Footer) -> Vec<Self> {
        let mut names = HashSet::new();
        let populations = footer.all("BLOCKVARIABLE").map(|variable| Self {
            name: variable.name.as_deref().unwrap_or(NAMELESS).to_owned(),
            variable: variable.clone(),
            index: OnceLock::new(),
            mesh: OnceLock::new(),
            threshold: OnceLock::new(),
        });
        populations.filter(|population| names.insert(population.name.clone())).collect()
    }

    /// The spatial mesh that the cells belong to.
    pub(super) fn spatial_mesh(&self) -> &str {
        self.variable.mesh.as_deref().unwrap_or("SpatialGrid")
    }

    /// Name of the variables of this population: None where they carry no population's name.
    pub(super) fn index(&self, source: &Source, footer: &Footer) -> Result<&Index> {
        self.index.get_or_init(|| self.read_index(source, footer)).as_ref().map_err(Clone::clone)
    }

    pub(super) fn mesh(&self, source: &Source, footer: &Footer) -> Result<&Mesh> {
        let read = || {
            let stored = matches!(self.index(source, footer)?.storage, Storage::Blocks { .. });
            let columns = if stored { Some(self.variable.array(source)?.columns) } else { None };
            Mesh::read(source, footer, &self.name, columns)
        };
        self.mesh.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    pub(super) fn threshold(&self, read: impl FnOnce() -> Result<Option<f64>>) -> Result<Option<f64>> {
        self.threshold.get_or_init(read).clone()
    }

    /// True if the velocity mesh may be refined: block numbers beyond it are then no mistake.
    pub(super) fn is_refined(&self, footer: &Footer) -> bool {
        let level = footer.of_mesh("MESH_BBOX", &self.name).and_then(|element| element.refinement.as_deref());
        level.is_some_and(|level| level.trim() != "0")
    }

    /// The array of this population with a tag: with its name, or with none.
    fn array(&self, source: &Source, footer: &Footer, tag: &str) -> Result<Array> {
        let missing = || source.malformed(format!("the footer has no {tag} of {}", self.name));
        let element = self.element(footer, tag).ok_or_else(missing)?;
        let array = element.array(source)?;
        if array.columns == 1 {
            return Ok(array);
        }
        Err(source.malformed(format!("{} has {} numbers a row, not one", element.label(), array.columns)))
    }

    fn element<'a>(&self, footer: &'a Footer, tag: &'a str) -> Option<&'a Element> {
        footer.named(tag, &self.name).or_else(|| footer.all(tag).find(|element| element.name.is_none()))
    }

    fn read_index(&self, source: &Source, footer: &Footer) -> Result<Index> {
        let counted = |tag: &str| {
            let array = self.array(source, footer, tag)?;
            source.all_integers(&array, &format!("{tag} of {}", self.name))
        };
        let values = self.variable.array(source)?;
        let (storage, counts) = match self.codec(source, footer)? {
            Some(codec) => {
                let sizes = counted("BYTESPERCELL")?;
                let bytes = values.columns == 1 && values.size == 1 && values.kind != Kind::Float;
                let hermite = codec == "HERMITE" && bytes;
                (if hermite { Storage::Hermite { bytes: values } } else { Storage::Other(codec) }, sizes)
            }
            None if self.element(footer, "BLOCKIDS").is_none() => {
                let place =
                    if footer.all("BLOCKCOORDINATES").next().is_some() { "BLOCKCOORDINATES" } else { "no BLOCKIDS" };
                let problem = format!("{} has {place}: blocks by coordinates, of before 2014, are not read", self.name);
                return Err(source.unsupported(problem));
            }
            None => {
                let ids = self.array(source, footer, "BLOCKIDS")?;
                if ids.rows != values.rows {
                    let problem = format!("{} BLOCKIDS of {}, but {} blocks", ids.rows, self.name, values.rows);
                    return Err(source.malformed(problem));
                }
                (Storage::Blocks { ids, values }, counted("BLOCKSPERCELL")?)
            }
        };
        let cells = counted("CELLSWITHBLOCKS")?;
        self.assemble(source, storage, cells, &counts, values.rows)
    }

    fn assemble(
        &self,
        source: &Source,
        storage: Storage,
        mut cells: Vec<u64>,
        counts: &[u64],
        rows: u64,
    ) -> Result<Index> {
        let name = &self.name;
        if cells.len() != counts.len() {
            let problem = format!("{} CELLSWITHBLOCKS of {name}, but {} counts", cells.len(), counts.len());
            return Err(source.malformed(problem));
        }
        let (mut entries, mut first) = (Vec::with_capacity(cells.len()), 0_u64);
        for (&cell, &count) in cells.iter().zip(counts) {
            entries.push(Entry { cell, first, count });
            first = first.saturating_add(count);
        }
        if first != rows && !matches!(storage, Storage::Other(_)) {
            let problem = format!("the cells of {name} have {first} blocks or bytes together, but {rows} are stored");
            return Err(source.malformed(problem));
        }
        entries.sort_by_key(|entry| entry.cell);
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].cell == pair[1].cell) {
            return Err(source.malformed(format!("cell {} is twice in CELLSWITHBLOCKS of {name}", pair[0].cell)));
        }
        entries.retain(|entry| entry.count > 0);
        let mut counts = counts.iter();
        cells.retain(|_| counts.next().is_some_and(|&count| count > 0));
        Ok(Index { storage, cells, entries })
    }

    /// The name of the codec; None where blocks are stored as they are.
    fn codec(&self, source: &Source, footer: &Footer) -> Result<Option<String>> {
        let named = self.variable.compression.as_deref().map(|name| name.trim().to_uppercase());
        let named = named.filter(|name| !name.is_empty() && name != "NONE");
        if named.is_none() && footer.named("BYTESPERCELL", &self.name).is_none() {
            return Ok(None);
        }
        if named.is_some() {
            return Ok(named);
        }
        let number = footer.parameter(source, &["COMPRESSION"])?;
        let known = [(1.0, "ZFP"), (2.0, "OCTREE"), (3.0, "MLP"), (4.0, "MLP_MULTI"), (5.0, "HERMITE")];
        let name = known.iter().find(|(known, _)| Some(*known) == number).map(|(_, name)| (*name).to_owned());
        Ok(Some(name.unwrap_or_else(|| format!("codec {}", number.map_or("unknown".to_owned(), |n| n.to_string())))))
    }
}

impl Index {
    /// The distribution of a cell.
    pub(super) fn entry(&self, cell: u64) -> Option<Entry> {
        let place = self.entries.binary_search_by_key(&cell, |entry| entry.cell).ok()?;
        self.entries.get(place).copied()
    }
}
