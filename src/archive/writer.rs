//! Writing an archive.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use super::chunk::{self, Kind, MAGIC};
use super::facts::ArchiveFacts;
use super::group::{Group, Member};
use super::index::{GroupPlace, Index, Placed, head};
use super::runs::Runs;
use super::set::Set;
use super::{Archive, FORMAT, MAX_GROUP, MAX_SETS, VERSION};
use crate::basis::Stream;
use crate::basis::framing;
use crate::container::batch::Batch;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// A distribution to be written: the cell's id, facts about the cell, and the densities.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveCell {
    /// The id of the cell, at most 2⁶¹.
    pub cell: u64,
    /// Facts to keep with it.
    pub facts: ArchiveFacts,
    /// The distribution.
    pub vdf: Vdf,
}

/// Writes an archive group by group to anything that takes bytes. The [module documentation](super) has an example.
///
/// Each group is whole once it is written: of a writer that was killed, all groups but the last can be read. The bytes are
/// the same on any number of threads.
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    writer: W,
    /// Name of what is written to, for errors.
    name: String,
    index: Index,
    /// True once something could not be written: what follows would be lost behind it.
    failed: bool,
    registry: Registry,
    grid: Option<VelocityGrid>,
    group: NonZeroUsize,
    batch: Batch,
}

impl<W: Write> ArchiveWriter<W> {
    /// Distributions in a group, unless [`ArchiveWriter::with_group`] says otherwise.
    pub const DEFAULT_GROUP: NonZeroUsize = NonZeroUsize::new(32).unwrap();

    /// Begins an archive.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(writer: W) -> Result<Self> {
        let mut archive = Self::with(writer, "writer".to_owned(), Index::empty());
        archive.put(&[&MAGIC[..], &[VERSION]].concat())?;
        Ok(archive)
    }

    fn with(writer: W, name: String, index: Index) -> Self {
        let (group, batch) = (Self::DEFAULT_GROUP, Batch::default());
        Self { writer, name, index, failed: false, registry: Registry::default(), grid: None, group, batch }
    }

    /// This writer with so many distributions in a group, at most 4096. Larger groups take fewer bytes; to read one cell, the
    /// whole group before it is decoded.
    #[must_use]
    pub fn with_group(self, cells: NonZeroUsize) -> Self {
        Self { group: cells.min(NonZeroUsize::new(MAX_GROUP).unwrap_or(NonZeroUsize::MIN)), ..self }
    }

    /// This writer with the bases of a registry: for bases that are not standard ones, such as learnt ones.
    #[must_use]
    pub fn with_registry(self, registry: Registry) -> Self {
        Self { registry, ..self }
    }

    /// This writer with one grid from which the boxes of all cells are counted, instead of that of the first cell of each
    /// [`write`](Self::write): for parts that are to be [joined](fn@super::join), and many calls of `write`.
    #[must_use]
    pub fn with_grid(self, grid: VelocityGrid) -> Self {
        Self { grid: Some(grid), ..self }
    }

    /// This writer on so many threads; by default as many as there are processors. One group for each thread is in memory.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        Self { batch: self.batch.with_threads(threads), ..self }
    }

    /// Encodes the cells of a population and writes them, or passes on why one could not be read. The hook is told of each
    /// cell in order: [`None`] for one that could not be read, and the error of one that is left out. It runs on the caller's
    /// thread, after the group of the cell was written.
    ///
    /// # Errors
    /// The first error that the hook returns; [`Error::Io`]; [`Error::InvalidParameter`] for a population's name that is empty
    /// or long, [`Error::InvalidSpec`] for a basis that no spec makes.
    pub fn write<B: Stream>(
        &mut self,
        population: &str,
        basis: &B,
        cells: impl IntoIterator<Item = Result<ArchiveCell>>,
        mut hook: impl FnMut(Option<u64>, Result<()>) -> Result<()>,
    ) -> Result<()> {
        let mut cells = cells.into_iter();
        // The first distribution says on which grid most of them are.
        let mut first = None;
        for cell in cells.by_ref() {
            match cell {
                Ok(cell) if cell.vdf.grid().cells() > framing::MOST_CELLS => {
                    hook(Some(cell.cell), framing::check_cells(cell.vdf.grid(), framing::MOST_CELLS))?;
                }
                Ok(cell) => {
                    first = Some(cell);
                    break;
                }
                Err(error) => hook(None, Err(error))?,
            }
        }
        let Some(first) = first else { return Ok(()) };
        let grid = self.grid.unwrap_or(*first.vdf.grid());
        let set = Set::new(population, grid, basis.spec()?, &self.registry)?;
        let number = self.set(&set)?;
        let batch = self.batch.with_warm_runs(self.group);
        let encode = |run: Vec<Result<ArchiveCell>>| encoded(&Group::writing(&set), basis, run);
        batch.work(std::iter::once(Ok(first)).chain(cells), encode, |_, encoded: Encoded| {
            let written: Vec<u64> =
                encoded.outcomes.iter().filter_map(|(cell, outcome)| cell.filter(|_| outcome.is_ok())).collect();
            if !written.is_empty() {
                let payload = [head(number, written.len()), encoded.bytes].concat();
                let (offset, bytes) = self.chunk(Kind::Group, &payload)?;
                self.index.groups.push(GroupPlace { offset, bytes, set: number, cells: Runs::of(&written) });
            }
            encoded.outcomes.into_iter().try_for_each(|(cell, outcome)| hook(cell, outcome))
        })
    }

    /// Writes the index and gives back what was written to. Without the index an archive can be read, too, but only by
    /// reading all of it once.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<W> {
        let offset = self.index.end;
        self.put(&self.index.write())?;
        self.put(&chunk::trailer(offset))?;
        Ok(self.writer)
    }

    /// The number of a set, which is written unless it is there.
    fn set(&mut self, set: &Set) -> Result<usize> {
        if let Some(number) = self.index.sets.iter().position(|there| there.content.as_ref() == Some(set)) {
            return Ok(number);
        }
        if self.index.sets.len() == MAX_SETS {
            let allowed = format!("at most {MAX_SETS} different populations, bases and first grids in one archive");
            return Err(Error::parameter("number of sets", MAX_SETS + 1, allowed));
        }
        let (offset, bytes) = self.chunk(Kind::Set, &set.write()?)?;
        self.index.sets.push(Placed { offset, bytes, content: Some(set.clone()) });
        Ok(self.index.sets.len() - 1)
    }

    fn chunk(&mut self, kind: Kind, payload: &[u8]) -> Result<(u64, u64)> {
        let (offset, bytes) = (self.index.end, chunk::chunk(kind, payload));
        self.put(&bytes)?;
        self.index.end += bytes.len() as u64;
        Ok((offset, bytes.len() as u64))
    }

    /// Writes bytes at once, through any buffer: a writer that is killed leaves all chunks before.
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match self.failed {
            true => Err(io::Error::other("an earlier write has failed, so that nothing can follow")),
            false => self.writer.write_all(bytes).and_then(|()| self.writer.flush()),
        };
        self.failed = written.is_err();
        written.map_err(|error| Error::io(&self.name, error))
    }
}

impl<W: Write> ArchiveWriter<W> {
    /// As [`ArchiveWriter::append`], through a writer of the caller's. `begin` gets the file and the offset of its end, where the
    /// file is positioned: it must cut off there what follows, mostly the old index. A caller that keeps a copy of it can put
    /// the archive back as it was.
    ///
    /// # Errors
    /// As [`ArchiveWriter::append`], and the error of `begin`.
    pub fn append_through(path: impl AsRef<Path>, begin: impl FnOnce(File, u64) -> io::Result<W>) -> Result<Self> {
        let archive = Archive::open(&path)?;
        if archive.recovered && !chunk::is_torn(&archive.input, archive.index.end)? {
            let (name, end) = (archive.input.name(), archive.index.end);
            let problem = format!("{name} is damaged at byte {end}: appending there would lose what follows");
            return Err(Error::MalformedFile { format: FORMAT, problem });
        }
        if archive.lost_cells() > 0 {
            let problem = format!(
                "{}: a set is damaged: a new index would lose its cells; write what is left into a new archive",
                archive.input.name()
            );
            return Err(Error::MalformedFile { format: FORMAT, problem });
        }
        let index = archive.index;
        let name = path.as_ref().display().to_string();
        let open = || -> io::Result<W> {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.seek(SeekFrom::Start(index.end))?;
            begin(file, index.end)
        };
        let writer = open().map_err(|error| Error::io(&name, error))?;
        Ok(Self::with(writer, name, index))
    }
}

impl ArchiveWriter<File> {
    /// Goes on at the end of an archive, after its last whole group. The old index is cut off, and
    /// [`ArchiveWriter::finish`] writes one for all groups. Of an archive whose writing was cut short, the group that is not
    /// whole is cut off, too ([`Archive::is_recovered`]).
    ///
    /// # Errors
    /// As [`Archive::open`], and [`Error::MalformedFile`] for an archive that is damaged before its end: what follows the
    /// damage would be lost.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        Self::append_through(path, |file, end| file.set_len(end).map(|()| file))
    }
}

/// A group as it goes into the archive, and the outcome of each of its cells.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) outcomes: Vec<(Option<u64>, Result<()>)>,
}

/// Encodes one distribution after another. A search is begun both at the coefficients of the distribution before and anew;
/// what takes fewer bytes after all that came before is written. Once both have led to the same twice in a row, as from a
/// basis that does not search, the rest of the group is encoded anew only. A cell that is too much for its group begins the
/// next one.
pub(super) fn encoded<B: Stream>(empty: &Group<'static>, basis: &B, run: Vec<Result<ArchiveCell>>) -> Vec<Encoded> {
    let begin = || Next { group: empty.clone(), basis, last: None, in_vain: 0 };
    let (mut next, mut outcomes, mut all) = (begin(), Vec::new(), Vec::new());
    for cell in run {
        let cell = match cell {
            Ok(cell) => cell,
            Err(error) => {
                outcomes.push((None, Err(error)));
                continue;
            }
        };
        if let Err(error) = framing::check_cells(cell.vdf.grid(), framing::MOST_CELLS) {
            outcomes.push((Some(cell.cell), Err(error)));
            continue;
        }
        let mut outcome = next.write(&cell);
        if matches!(outcome, Err(Error::LimitExceeded { .. })) && next.last.is_some() {
            let full = std::mem::replace(&mut next, begin()).group.finish();
            all.push(Encoded { bytes: full, outcomes: std::mem::take(&mut outcomes) });
            outcome = next.write(&cell);
        }
        outcomes.push((Some(cell.cell), outcome));
    }
    all.push(Encoded { bytes: next.group.finish(), outcomes });
    all
}

/// A group that is written, and the coefficients from which the next search may begin.
struct Next<'a, B: Stream> {
    group: Group<'static>,
    basis: &'a B,
    last: Option<B::Coefficients>,
    /// How many times in a row both searches led to the same.
    in_vain: u32,
}

impl<B: Stream> Next<'_, B> {
    /// Starts that may be in vain, one after another.
    const MOST_IN_VAIN: u32 = 2;

    fn write(&mut self, cell: &ArchiveCell) -> Result<()> {
        let (group, last) = self.shorter(cell)?;
        (self.group, self.last) = (group, Some(last));
        Ok(())
    }

    fn shorter(&mut self, cell: &ArchiveCell) -> Result<(Group<'static>, B::Coefficients)> {
        let anew = self.basis.encode(&cell.vdf).and_then(|found| self.with(cell, found));
        let last = self.last.as_ref().filter(|_| self.in_vain < Self::MOST_IN_VAIN);
        // If the start leads nowhere, there is the other answer.
        let Some(Ok(found)) = last.map(|last| self.basis.encode_from(&cell.vdf, last)) else { return anew };
        match anew {
            Ok(anew) if anew.1 == found => {
                self.in_vain += 1;
                Ok(anew)
            }
            Ok(anew) => {
                self.in_vain = 0;
                Ok(match self.with(cell, found) {
                    Ok(warm) if warm.0.len() < anew.0.len() => warm,
                    _ => anew,
                })
            }
            Err(error) => self.with(cell, found).map_err(|_: Error| error),
        }
    }

    /// The group with one more cell, and the coefficients of the cell.
    fn with(&self, cell: &ArchiveCell, coefficients: B::Coefficients) -> Result<(Group<'static>, B::Coefficients)> {
        let member = Member { cell: cell.cell, facts: cell.facts, grid: *cell.vdf.grid(), coefficients };
        let mut longer = self.group.clone();
        longer.write(self.basis, &member)?;
        Ok((longer, member.coefficients))
    }
}
