//! The index: where each set and each group is, and which cells a group holds.

use super::chunk::{self, Kind, PREFIX, put, take};
use super::group::Group;
use super::runs::Runs;
use super::set::Set;
use super::{FORMAT, MAX_GROUP, MAX_SETS};
use crate::distribution::io::input::Input;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// Most cells of grids that a scan decodes for each byte of a file.
const MOST_CELLS_PER_BYTE: usize = 1 << 16;

/// Everything in an archive but the distributions.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Sets; one that is damaged keeps its number and has no content.
    pub(super) sets: Vec<Placed<Option<Set>>>,
    /// The groups of the other sets.
    pub(super) groups: Vec<GroupPlace>,
    pub(super) lost: Lost,
    /// The end of the last chunk, where the next one begins.
    pub(super) end: u64,
}

/// Groups that cannot be read, because their set is damaged.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// The cells of each group.
    pub(super) groups: Vec<Runs>,
    pub(super) bytes: u64,
}

/// The content of a chunk, its offset and its length.
#[derive(Debug)]
pub(super) struct Placed<T> {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) content: T,
}

/// A group's place, its set and its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupPlace {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) set: usize,
    pub(super) cells: Runs,
}

/// The front of a group's payload: its set and the number of its cells.
pub(super) fn head(set: usize, cells: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, set as u64);
    put(&mut bytes, cells as u64);
    bytes
}

/// Takes the front of a group's payload.
pub(super) fn take_head(payload: &mut &[u8]) -> Option<(usize, usize)> {
    let set = usize::try_from(take(payload)?).ok()?;
    let cells = usize::try_from(take(payload)?).ok().filter(|cells| (1..=MAX_GROUP).contains(cells))?;
    Some((set, cells))
}

impl Index {
    /// An archive without anything.
    pub(super) fn empty() -> Self {
        Self { end: PREFIX, ..Self::default() }
    }

    /// The index chunk. Entries in the order of the chunks: twice the length of a set; twice that of a group and one, the
    /// number of its set, its cells.
    pub(super) fn write(&self) -> Vec<u8> {
        let sets = self.sets.iter().map(|set| (set.offset, set.bytes, None));
        let groups = self.groups.iter().map(|group| (group.offset, group.bytes, Some(group)));
        let mut all: Vec<_> = sets.chain(groups).collect();
        all.sort_unstable_by_key(|(offset, ..)| *offset);
        let mut payload = Vec::new();
        put(&mut payload, all.len() as u64);
        for (_, bytes, group) in all {
            put(&mut payload, bytes << 1 | u64::from(group.is_some()));
            if let Some(GroupPlace { set, cells, .. }) = group {
                put(&mut payload, *set as u64);
                cells.put(&mut payload);
            }
        }
        chunk::chunk(Kind::Index, &payload)
    }

    /// Reads the index at the end of an archive; `None` if its writing was not finished, or the index is damaged.
    ///
    /// # Errors
    /// [`Error::MalformedFile`] for an index that contradicts the archive, [`Error::Io`], and those of a set's basis.
    pub(super) fn read(input: &Input, registry: &Registry, most_cells: usize) -> Result<Option<Self>> {
        let Some(offset) = chunk::index_offset(input)? else { return Ok(None) };
        let found = if offset < PREFIX { None } else { chunk::read(input, offset)? };
        let Some(found) = found.filter(|found| found.kind == Kind::Index) else { return Ok(None) };
        let lies = |what: &str| Error::MalformedFile {
            format: FORMAT,
            problem: format!("{}: its index contradicts it: {what}", input.name()),
        };
        if found.end + chunk::TRAILER != input.length() {
            return Err(lies("there are bytes after it"));
        }
        let mut payload = &found.payload[..];
        let mut index = Self::empty();
        let count = take(&mut payload).ok_or_else(|| lies("no number of entries"))?;
        for _ in 0..count {
            let entry = take(&mut payload).ok_or_else(|| lies("an entry is missing"))?;
            let (begin, bytes) = (index.end, entry >> 1);
            let end = begin.checked_add(bytes).filter(|&end| bytes > 0 && end <= offset);
            index.end = end.ok_or_else(|| lies("a chunk beyond its end"))?;
            if entry & 1 == 1 {
                let set = take(&mut payload).and_then(|set| usize::try_from(set).ok());
                let set = set.filter(|&set| set < index.sets.len()).ok_or_else(|| lies("a group of no set"))?;
                let cells = Runs::take(&mut payload, MAX_GROUP).filter(|cells| cells.count() > 0);
                let cells = cells.ok_or_else(|| lies("a group without cells"))?;
                if index.sets[set].content.is_some() {
                    index.groups.push(GroupPlace { offset: begin, bytes, set, cells });
                } else {
                    index.lost.groups.push(cells);
                    index.lost.bytes += bytes;
                }
            } else {
                if index.sets.len() == MAX_SETS {
                    return Err(Error::LimitExceeded { what: "more sets".to_owned(), limit: MAX_SETS });
                }
                let content = match chunk::read_of(input, begin, bytes)? {
                    Some(set) if set.kind == Kind::Set => Some(Set::read(&set.payload, registry, most_cells)?),
                    Some(_) => return Err(lies("a set is not where it says")),
                    None => None,
                };
                index.sets.push(Placed { offset: begin, bytes, content });
            }
        }
        if index.end != offset || !payload.is_empty() {
            return Err(lies("it leaves something out"));
        }
        Ok(Some(index))
    }

    /// Finds sets and groups by reading one chunk after another, up to the first that is not whole and sound.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn scan(input: &Input, registry: &Registry, most_cells: usize) -> Result<Self> {
        // Grids take time to decode, and a made-up archive may claim large ones in few bytes.
        let per_byte = usize::try_from(input.length()).unwrap_or(usize::MAX).saturating_mul(MOST_CELLS_PER_BYTE);
        let mut cells_left = per_byte.saturating_add(most_cells.saturating_mul(2));
        let mut index = Self::empty();
        while let Some(found) = chunk::read(input, index.end)? {
            let (offset, bytes) = (index.end, found.end - index.end);
            match found.kind {
                Kind::Set => match Set::read(&found.payload, registry, most_cells) {
                    Ok(set) if index.sets.len() < MAX_SETS => {
                        index.sets.push(Placed { offset, bytes, content: Some(set) });
                    }
                    _ => break,
                },
                Kind::Group => match index.cells_of(&found.payload, most_cells, &mut cells_left) {
                    Some((set, cells)) => index.groups.push(GroupPlace { offset, bytes, set, cells }),
                    None => break,
                },
                Kind::Index => break,
            }
            index.end = found.end;
        }
        Ok(index)
    }

    /// The set and the cells of a group, which are known only when the group has been decoded.
    fn cells_of(&self, mut payload: &[u8], most_cells: usize, cells_left: &mut usize) -> Option<(usize, Runs)> {
        let (number, count) = take_head(&mut payload)?;
        let set = self.sets.get(number)?.content.as_ref()?;
        let mut group = Group::reading(payload, set);
        let mut id = || {
            let read = group.read(&set.basis, most_cells.min(*cells_left)).ok()?;
            *cells_left -= read.expansion.grid().cells();
            Some(read.cell)
        };
        let cells: Option<Vec<u64>> = (0..count).map(|_| id()).collect();
        Some((number, Runs::of(&cells?)))
    }
}
