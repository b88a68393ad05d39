//! One archive from parts that were written apart, by the ranks of a simulation for example.
//!
//! Each rank writes an archive of its own cells into memory and [splits](split) it into an outline, which is short, and its
//! groups. [`join`] makes of the outlines the beginning and the end of the whole archive, which is the beginning, the groups
//! of all parts in the same order, and the end. The groups need not be on one machine for that.
//!
//! ```
//! use vdf_basis::archive::{join, split};
//! use vdf_basis::{Archive, ArchiveCell, ArchiveFacts, ArchiveWriter, Registry, Sampling, Synthetic};
//!
//! let grid = Synthetic::default_grid("beams", 12)?;
//! let basis = Registry::standard().parse("fast:l2=0.05")?;
//! let part = |cells: std::ops::Range<u64>| {
//!     let cells = cells.map(|cell| {
//!         let vdf = Synthetic::named("beams", cell)?.sample(&grid, Sampling::default())?;
//!         Ok(ArchiveCell { cell, facts: ArchiveFacts::default(), vdf })
//!     });
//!     let mut writer = ArchiveWriter::new(Vec::new())?;
//!     writer.write("proton", &basis, cells, |_, written| written)?;
//!     writer.finish()
//! };
//! let [first, second] = [split(&part(0..3)?)?, split(&part(3..5)?)?];
//! let (beginning, end) = join(&[&first.outline, &second.outline])?;
//! let whole = Archive::from_bytes([beginning, first.groups, second.groups, end].concat())?;
//! assert_eq!(whole.cells("proton")?, [0, 1, 2, 3, 4]);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

use super::chunk::{self, Kind, MAGIC, PREFIX, put, take};
use super::runs::Runs;
use super::{FORMAT, MAX_GROUP, MAX_SETS, VERSION};
use crate::distribution::io::input::Input;
use crate::error::{Error, Result};

/// An archive in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveParts {
    /// Sets, and the cells of each group.
    pub outline: Vec<u8>,
    /// The groups, as they are in the archive.
    pub groups: Vec<u8>,
}

/// A group's length, its set and its cells.
struct Group {
    bytes: u64,
    set: u64,
    cells: Runs,
}

/// The sets of an archive, each a whole chunk, and its groups without their content.
#[derive(Default)]
struct Outline {
    sets: Vec<Vec<u8>>,
    groups: Vec<Group>,
}

/// Splits a finished archive into an outline and its groups.
///
/// # Errors
/// [`Error::MalformedFile`] for an archive that is damaged or not finished, [`Error::UnsupportedVersion`].
pub fn split(archive: &[u8]) -> Result<ArchiveParts> {
    let input = Input::in_memory(archive.to_vec(), "archive to be split");
    chunk::check_prefix(&input)?;
    let offset = chunk::index_offset(&input)?.filter(|&offset| offset >= PREFIX);
    let offset = offset.ok_or_else(|| malformed("it is not finished: it has no index"))?;
    let (index, _) = chunk_at(&input, offset, Kind::Index)?;
    let (mut outline, mut groups, mut begin) = (Outline::default(), Vec::new(), PREFIX);
    for (bytes, group) in entries(&index)? {
        let end = begin.checked_add(bytes).filter(|&end| end <= offset).ok_or_else(|| malformed("its index lies"))?;
        // In range: the end of the index lies behind it.
        let content = &archive[begin as usize..end as usize];
        match group {
            None => outline.sets.push(content.to_vec()),
            Some(group) => {
                groups.extend(content);
                outline.groups.push(group);
            }
        }
        begin = end;
    }
    if begin != offset {
        return Err(malformed("its index leaves something out"));
    }
    Ok(ArchiveParts { outline: [outline.beginning(), outline.index()].concat(), groups })
}

/// Makes the beginning and the end of an archive from the outlines of its parts. Between them come the groups of the parts,
/// in the order of the outlines. Of parts that were written with the same population, basis and first grid the bytes do not
/// depend on how whole groups were distributed over parts.
///
/// # Errors
/// [`Error::MalformedFile`] for a damaged outline; [`Error::InvalidParameter`] for parts with other populations, bases or
/// grids ([`ArchiveWriter::with_grid`](super::ArchiveWriter::with_grid)).
pub fn join<O: AsRef<[u8]>>(outlines: &[O]) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut all = Outline::default();
    for (part, outline) in outlines.iter().enumerate() {
        let Outline { sets, groups } = Outline::read(outline.as_ref())?;
        let common = sets.len().min(all.sets.len());
        if sets[..common] != all.sets[..common] {
            let allowed =
                "the population, basis and grid of the parts before it; a grid for all is given to the writers";
            return Err(Error::parameter("archive part", part, allowed));
        }
        if sets.len() > common {
            all.sets = sets;
        }
        if all.sets.len() > MAX_SETS {
            return Err(Error::LimitExceeded {
                what: format!("{} sets in one archive", all.sets.len()),
                limit: MAX_SETS,
            });
        }
        all.groups.extend(groups);
    }
    let beginning = all.beginning();
    let groups = all.groups.iter().map(|group| group.bytes).fold(beginning.len() as u64, u64::saturating_add);
    let end = [all.index(), chunk::trailer(groups)].concat();
    Ok((beginning, end))
}

impl Outline {
    /// The bytes of an archive before its first group.
    fn beginning(&self) -> Vec<u8> {
        let sets = self.sets.iter().flatten().copied();
        MAGIC.iter().copied().chain([VERSION]).chain(sets).collect()
    }

    /// The index of an archive in which the groups follow the sets.
    fn index(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        put(&mut payload, (self.sets.len() + self.groups.len()) as u64);
        self.sets.iter().for_each(|set| put(&mut payload, (set.len() as u64) << 1));
        for group in &self.groups {
            put(&mut payload, group.bytes << 1 | 1);
            put(&mut payload, group.set);
            group.cells.put(&mut payload);
        }
        chunk::chunk(Kind::Index, &payload)
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let input = Input::in_memory(bytes.to_vec(), "outline of an archive");
        chunk::check_prefix(&input)?;
        let (mut outline, mut begin) = (Self::default(), PREFIX);
        loop {
            let found = chunk::read(&input, begin)?.ok_or_else(|| malformed("an outline is cut or damaged"))?;
            match found.kind {
                Kind::Set => outline.sets.push(bytes[begin as usize..found.end as usize].to_vec()),
                Kind::Index => {
                    let entries = entries(&found.payload)?;
                    let sets = entries.iter().filter(|(_, group)| group.is_none()).map(|(bytes, _)| *bytes);
                    let is_whole = found.end == bytes.len() as u64;
                    if !is_whole || !sets.eq(outline.sets.iter().map(|set| set.len() as u64)) {
                        return Err(malformed("an outline whose index lists other sets than it has"));
                    }
                    outline.groups = entries.into_iter().filter_map(|(_, group)| group).collect();
                    return Ok(outline);
                }
                Kind::Group => return Err(malformed("an outline with a group")),
            }
            begin = found.end;
        }
    }
}

/// The chunks that an index lists, by their lengths, and for a group what is known of it.
fn entries(mut payload: &[u8]) -> Result<Vec<(u64, Option<Group>)>> {
    let payload = &mut payload;
    let read = |payload: &mut &[u8], sets: &mut u64| {
        let entry = take(payload)?;
        let bytes = entry >> 1;
        if entry & 1 == 0 {
            *sets += 1;
            return (*sets <= MAX_SETS as u64).then_some((bytes, None));
        }
        let set = take(payload).filter(|set| set < sets)?;
        Some((bytes, Some(Group { bytes, set, cells: Runs::take(payload, MAX_GROUP)? })))
    };
    let (mut entries, mut sets) = (Vec::new(), 0);
    let count = take(payload).ok_or_else(|| malformed("its index is cut"))?;
    for _ in 0..count {
        entries.push(read(payload, &mut sets).ok_or_else(|| malformed("an entry of its index is missing or wrong"))?);
    }
    Ok(entries)
}

fn chunk_at(input: &Input, offset: u64, kind: Kind) -> Result<(Vec<u8>, u64)> {
    let found = chunk::read(input, offset)?.filter(|found| found.kind == kind);
    let found = found.ok_or_else(|| malformed("its index is cut or damaged"))?;
    Ok((found.payload, found.end))
}

fn malformed(problem: &str) -> Error {
    Error::MalformedFile { format: FORMAT, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Archive, ArchiveCell, ArchiveFacts, ArchiveWriter, Registry, Sampling, Synthetic};
    use std::num::NonZeroUsize;

    fn archive(cells: std::ops::Range<u64>, spec: &str) -> Vec<u8> {
        let grid = Synthetic::default_grid("beams", 8).unwrap();
        let basis = Registry::standard().parse(spec).unwrap();
        let cells = cells.map(|cell| {
            let vdf = Synthetic::named("beams", cell)?.sample(&grid, Sampling::default())?;
            Ok(ArchiveCell { cell, facts: ArchiveFacts::default(), vdf })
        });
        let mut writer = ArchiveWriter::new(Vec::new()).unwrap().with_group(NonZeroUsize::new(4).unwrap());
        writer.write("proton", &basis, cells, |_, written| written).unwrap();
        writer.finish().unwrap()
    }

    fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
        let parts: Vec<_> = parts.iter().map(|part| split(part).unwrap()).collect();
        let outlines: Vec<_> = parts.iter().map(|part| &part.outline).collect();
        let (beginning, end) = join(&outlines).unwrap();
        let groups = parts.into_iter().flat_map(|part| part.groups);
        beginning.into_iter().chain(groups).chain(end).collect()
    }

    #[test]
    fn parts_of_whole_groups_give_the_bytes_of_one_writer() {
        let of = |cells| archive(cells, "fast:l2=0.05");
        let whole = of(0..17);
        assert_eq!(joined(std::slice::from_ref(&whole)), whole);
        assert_eq!(joined(&[of(0..8), of(8..16), of(16..17)]), whole);
        // A rank without cells.
        assert_eq!(joined(&[of(0..0), of(0..12), of(0..0), of(12..17)]), whole);
        assert_eq!(Archive::from_bytes(joined(&[of(3..5), of(0..2)])).unwrap().cells("proton").unwrap(), [3, 4, 0, 1]);
        assert!(Archive::from_bytes(joined(&[])).unwrap().populations().next().is_none());
    }

    #[test]
    fn damaged_archives_and_parts_that_do_not_belong_together_are_refused() {
        let whole = archive(0..6, "fast:l2=0.05");
        for end in 0..whole.len() {
            assert!(split(&whole[..end]).is_err());
        }
        for byte in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[byte] ^= 0x55;
            let _ = split(&damaged);
        }
        let outline = split(&whole).unwrap().outline;
        for end in 0..outline.len() {
            assert!(join(&[&outline[..end]]).is_err());
        }
        let other = split(&archive(0..6, "fast:l2=0.06")).unwrap().outline;
        assert!(join(&[outline, other]).unwrap_err().to_string().contains("archive part = 1"));
    }
}
