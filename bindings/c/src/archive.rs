//! Writing an archive of many cells, to a file or to memory, and joining those of several ranks.

use std::ffi::c_char;
use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;

use vdf_basis::{AnyBasis, ArchiveCell, ArchiveFacts, ArchiveWriter, Error, VelocityGrid, archive};

use crate::boxes::{Value, read_box};
use crate::bytes::{give_bytes, vdfb_bytes};
use crate::codec::vdfb_codec;
use crate::grid::{grid_at, vdfb_grid, vdfb_layout};
use crate::pointers::{free, give, optional, output, reference, reference_mut, slice, text};
use crate::status::vdfb_status::VDFB_INVALID_ARGUMENT;
use crate::status::{Failure, Outcome, guard, vdfb_status};

/// Facts that an archive keeps beside a distribution, exactly.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct vdfb_facts {
    /// 1 if `time` is known, else 0.
    pub has_time: u32,
    /// 1 if `position` is known, else 0.
    pub has_position: u32,
    /// 1 if `magnetic_field` is known, else 0.
    pub has_magnetic_field: u32,
    /// Not used; 0.
    pub reserved: u32,
    /// Time of the simulation [s].
    pub time: f64,
    /// Centre of the cell in space [m].
    pub position: [f64; 3],
    /// Magnetic field in the cell [T].
    pub magnetic_field: [f64; 3],
}

/// Choices of an archive writer. `vdfb_archive_options_init` sets the defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vdfb_archive_options {
    /// Cells of a group, by default 32, at most 4096. Larger groups take fewer bytes; to read one cell, the group before it
    /// is decoded.
    pub group: u64,
    /// Threads that encode, at most 256, by default 1: the caller's, and none is started. Of several populations whose cells
    /// come by turns, the order of the groups depends on it; no other byte does.
    pub threads: u64,
    /// The grid from which the boxes of cells are counted, or null for that of the first cell. Ranks whose parts are to be
    /// joined give the same.
    pub grid: *const vdfb_grid,
}

/// A place for bytes.
enum Sink {
    File(File),
    Memory(Vec<u8>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Memory(memory) => memory.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Memory(_) => Ok(()),
        }
    }
}

/// Writes an archive. Used by one thread at a time.
pub struct vdfb_archive_writer {
    /// `None` once it is finished.
    writer: Option<ArchiveWriter<Sink>>,
    in_memory: bool,
    basis: AnyBasis,
    /// The grid of all cells, if the options say so.
    grid: Option<VelocityGrid>,
    populations: Vec<Waiting>,
    at_once: usize,
}

/// Cells of a population that wait until a group is whole for each thread.
struct Waiting {
    population: String,
    /// That of the first cell, so that groups which are written in several calls are those of one call.
    grid: VelocityGrid,
    cells: Vec<ArchiveCell>,
}

impl From<&vdfb_facts> for ArchiveFacts {
    fn from(facts: &vdfb_facts) -> Self {
        Self {
            time: (facts.has_time != 0).then_some(facts.time),
            position: (facts.has_position != 0).then_some(facts.position),
            magnetic_field: (facts.has_magnetic_field != 0).then_some(facts.magnetic_field),
        }
    }
}

impl From<&ArchiveFacts> for vdfb_facts {
    fn from(facts: &ArchiveFacts) -> Self {
        Self {
            has_time: facts.time.is_some().into(),
            has_position: facts.position.is_some().into(),
            has_magnetic_field: facts.magnetic_field.is_some().into(),
            reserved: 0,
            time: facts.time.unwrap_or(0.0),
            position: facts.position.unwrap_or([0.0; 3]),
            magnetic_field: facts.magnetic_field.unwrap_or([0.0; 3]),
        }
    }
}

impl vdfb_archive_writer {
    fn open(&mut self) -> Outcome<&mut ArchiveWriter<Sink>> {
        let problem = "this writer is finished: it may only be freed";
        self.writer.as_mut().ok_or_else(|| Failure::new(VDFB_INVALID_ARGUMENT, problem))
    }

    fn add(&mut self, population: &str, cell: ArchiveCell) -> Outcome {
        self.open()?;
        let number = self.populations.iter().position(|waiting| waiting.population == population);
        let number = number.unwrap_or_else(|| {
            let grid = self.grid.unwrap_or(*cell.vdf.grid());
            self.populations.push(Waiting { population: population.to_owned(), grid, cells: Vec::new() });
            self.populations.len() - 1
        });
        self.populations[number].cells.push(cell);
        if self.populations[number].cells.len() >= self.at_once { self.write_waiting(number) } else { Ok(()) }
    }

    /// Encodes and writes the cells of a population that wait. A cell that cannot be encoded is left out, and the first such
    /// cell is the failure.
    fn write_waiting(&mut self, number: usize) -> Outcome {
        let Waiting { population, grid, cells } = &mut self.populations[number];
        let (population, grid, cells) = (population.clone(), *grid, std::mem::take(cells));
        let basis = self.basis.clone();
        let mut left_out: Option<(u64, Error)> = None;
        let hook = |cell: Option<u64>, outcome: vdf_basis::Result<()>| {
            if let Err(error) = outcome {
                left_out.get_or_insert((cell.unwrap_or_default(), error));
            }
            Ok(())
        };
        self.writer = self.writer.take().map(|writer| writer.with_grid(grid));
        self.open()?.write(&population, &basis, cells.into_iter().map(Ok), hook)?;
        match left_out {
            None => Ok(()),
            Some((cell, error)) => Err(Failure::from(error).at(&format!("cell {cell} is left out"))),
        }
    }
}

/// Sets the default choices.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_options_init(options: *mut vdfb_archive_options) -> vdfb_status {
    guard(|| {
        let group = ArchiveWriter::<Vec<u8>>::DEFAULT_GROUP.get() as u64;
        let defaults = vdfb_archive_options { group, threads: 1, grid: std::ptr::null() };
        // SAFETY: the caller's pointer.
        unsafe { output(options, "options") }?.put(0, defaults);
        Ok(())
    })
}

/// Makes a writer to `sink`.
///
/// # Safety
/// If they are not null, all point to what they are named after, and `writer` may be written to.
unsafe fn begin(
    sink: impl FnOnce() -> Outcome<Sink>,
    codec: *const vdfb_codec,
    options: *const vdfb_archive_options,
    writer: *mut *mut vdfb_archive_writer,
) -> Outcome {
    // SAFETY: as the caller has promised.
    unsafe { output(writer, "writer") }?;
    // SAFETY: as the caller has promised.
    let codec = unsafe { reference(codec, "codec") }?;
    let basis = codec.basis()?.clone();
    // SAFETY: as the caller has promised.
    let options = unsafe { optional(options, "options") }?;
    let number = |name: &str, value: Option<u64>, default: usize| {
        let value = value.map_or(default, |value| usize::try_from(value).unwrap_or(usize::MAX));
        NonZeroUsize::new(value).ok_or_else(|| Failure::argument(name, value, "at least one"))
    };
    let group =
        number("group", options.map(|options| options.group), 32)?.min(const { NonZeroUsize::new(4096).unwrap() });
    let threads =
        number("threads", options.map(|options| options.threads), 1)?.min(const { NonZeroUsize::new(256).unwrap() });
    let grid = match options.filter(|options| !options.grid.is_null()) {
        // SAFETY: as the caller has promised.
        Some(options) => Some(unsafe { grid_at(options.grid) }?),
        None => None,
    };
    let sink = sink()?;
    let in_memory = matches!(sink, Sink::Memory(_));
    let archive = ArchiveWriter::new(sink)?;
    let archive = archive.with_registry(codec.registry.clone()).with_group(group).with_threads(threads);
    let made = vdfb_archive_writer {
        writer: Some(archive),
        in_memory,
        basis,
        grid,
        populations: Vec::new(),
        at_once: group.get().saturating_mul(threads.get()),
    };
    // SAFETY: as the caller has promised.
    unsafe { give(made, writer, "writer") }
}

/// Begins an archive in a file, over one that is there, whose cells are encoded by a codec (which may be freed before the
/// writer). Null options are the defaults. The caller frees `*writer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_writer_create(
    path: *const c_char,
    codec: *const vdfb_codec,
    options: *const vdfb_archive_options,
    writer: *mut *mut vdfb_archive_writer,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's text.
        let path = unsafe { text(path, "path") }?;
        let file = || {
            let created = File::create(path);
            let failed = |source| Error::Io { path: path.to_owned(), source: std::sync::Arc::new(source) };
            Ok(Sink::File(created.map_err(failed)?))
        };
        // SAFETY: the caller's pointers.
        unsafe { begin(file, codec, options, writer) }
    })
}

/// Begins an archive in memory; `vdfb_archive_writer_finish` hands it over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_writer_in_memory(
    codec: *const vdfb_codec,
    options: *const vdfb_archive_options,
    writer: *mut *mut vdfb_archive_writer,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    guard(|| unsafe { begin(|| Ok(Sink::Memory(Vec::new())), codec, options, writer) })
}

/// `vdfb_archive_writer_add_f64` and `_f32`.
///
/// # Safety
/// As [`read_box`]; if they are not null, `writer` points to a writer that nobody else uses during the call, `population` to
/// a text that ends with a zero, and `facts` and `grid` to what they are named after.
unsafe fn add<T: Value>(
    writer: *mut vdfb_archive_writer,
    population: *const c_char,
    cell: u64,
    facts: *const vdfb_facts,
    grid: *const vdfb_grid,
    (values, count): (*const T, usize),
    layout: *const vdfb_layout,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let writer = unsafe { reference_mut(writer, "writer") }?;
        // SAFETY: the caller's text.
        let population = unsafe { text(population, "population") }?;
        // SAFETY: the caller's pointer.
        let facts = unsafe { optional(facts, "facts") }?.map_or_else(ArchiveFacts::default, ArchiveFacts::from);
        // SAFETY: the caller's grid.
        let grid = unsafe { grid_at(grid) }?;
        // SAFETY: the caller's array.
        let vdf = unsafe { read_box(grid, values, count, layout) }?;
        writer.add(population, ArchiveCell { cell, facts, vdf })
    })
}

/// Adds a distribution: the population's name, the id of the cell in space (at most 2^61), facts or null, and the densities
/// as of `vdfb_encode_f64`. Cells wait until a group of their population is whole for each thread and are then encoded. A cell
/// that cannot be encoded is left out: the call that encodes its group returns why, and the others are written. A codec's
/// sparsity threshold does not matter here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_writer_add_f64(
    writer: *mut vdfb_archive_writer,
    population: *const c_char,
    cell: u64,
    facts: *const vdfb_facts,
    grid: *const vdfb_grid,
    values: *const f64,
    count: usize,
    layout: *const vdfb_layout,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { add(writer, population, cell, facts, grid, (values, count), layout) }
}

/// As `vdfb_archive_writer_add_f64`, in single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_writer_add_f32(
    writer: *mut vdfb_archive_writer,
    population: *const c_char,
    cell: u64,
    facts: *const vdfb_facts,
    grid: *const vdfb_grid,
    values: *const f32,
    count: usize,
    layout: *const vdfb_layout,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { add(writer, population, cell, facts, grid, (values, count), layout) }
}

/// Encodes the cells that wait and writes the index. Of an archive in memory `*bytes` becomes the archive, which the caller
/// frees; of one in a file it becomes none, and may be null. If a last cell is left out, the archive is finished and handed over
/// all the same, and the call returns why. Then the writer may only be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_writer_finish(
    writer: *mut vdfb_archive_writer,
    bytes: *mut vdfb_bytes,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let writer = unsafe { reference_mut(writer, "writer") }?;
        writer.open()?;
        // Before anything is finished, so that no archive is lost.
        if writer.in_memory || !bytes.is_null() {
            // SAFETY: the caller's pointer.
            unsafe { output(bytes, "bytes") }?;
        }
        let outcomes: Vec<Outcome> = (0..writer.populations.len()).map(|number| writer.write_waiting(number)).collect();
        let last = outcomes.into_iter().collect::<Outcome>();
        let Some(archive) = writer.writer.take() else { return last };
        match archive.finish()? {
            Sink::File(_) if bytes.is_null() => {}
            // SAFETY: the caller's pointer.
            Sink::File(_) => unsafe { give_bytes(Vec::new(), bytes, "bytes") }?,
            // SAFETY: the caller's pointer.
            Sink::Memory(archive) => unsafe { give_bytes(archive, bytes, "bytes") }?,
        }
        last
    })
}

/// Frees a writer; does nothing for null. Of an archive that was not finished, all whole groups in its file can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_writer_free(writer: *mut vdfb_archive_writer) {
    // SAFETY: a writer that the caller gives back, or null.
    unsafe { free(writer) }
}

/// Splits a finished archive into an outline, which is short, and its groups, for one file that several ranks write: the
/// beginning of the file (`vdfb_archive_join`), the groups of all ranks in order, and the end. The caller frees both.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_split(
    data: *const u8,
    size: usize,
    outline: *mut vdfb_bytes,
    groups: *mut vdfb_bytes,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's bytes.
        let bytes = unsafe { slice(data, size, "data") }?;
        // SAFETY: the caller's pointer.
        unsafe { output(outline, "outline") }?;
        // SAFETY: the caller's pointer.
        unsafe { output(groups, "groups") }?;
        let parts = archive::split(bytes)?;
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(parts.outline, outline, "outline") }?;
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(parts.groups, groups, "groups") }
    })
}

/// Makes the beginning and the end of an archive from the outlines of its parts, one after another in `outlines`, with their
/// `sizes`. The parts must be of one population, basis and grid (`vdfb_archive_options.grid`); a rank without cells has an
/// outline, too. If each rank has whole groups (but for the last cells of all), the bytes do not depend on their number. The
/// caller frees `*beginning` and `*end`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_join(
    outlines: *const u8,
    sizes: *const u64,
    count: usize,
    beginning: *mut vdfb_bytes,
    end: *mut vdfb_bytes,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's array.
        let sizes = unsafe { slice(sizes, count, "sizes") }?;
        let total = sizes.iter().try_fold(0_u64, |total, &size| total.checked_add(size));
        let total = total.and_then(|total| usize::try_from(total).ok()).unwrap_or(usize::MAX);
        // SAFETY: the caller's bytes, as many as the sizes say.
        let mut rest = unsafe { slice(outlines, total, "outlines") }?;
        // SAFETY: the caller's pointer.
        unsafe { output(beginning, "beginning") }?;
        // SAFETY: the caller's pointer.
        unsafe { output(end, "end") }?;
        let mut parts = Vec::with_capacity(count);
        for &size in sizes {
            // Each is at most the total, which is in memory.
            let (part, after) = rest.split_at(size as usize);
            parts.push(part);
            rest = after;
        }
        let (first, last) = archive::join(&parts)?;
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(first, beginning, "beginning") }?;
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(last, end, "end") }
    })
}
