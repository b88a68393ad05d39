//! Reading an archive of many cells.

use std::ffi::c_char;

use vdf_basis::{Archive, ArchiveRecord};

use crate::archive::vdfb_facts;
use crate::blocks::write_ids;
use crate::boxes::{Value, write_box};
use crate::codec::{decoder, vdfb_codec};
use crate::grid::{vdfb_grid, vdfb_layout};
use crate::moments::vdfb_moments;
use crate::pointers::{free, give, output, reference, slice, text, write_text};
use crate::status::{Failure, Outcome, guard, vdfb_status};

/// An archive that is open for reading. It does not change: any number of threads may use it at once.
pub struct vdfb_archive {
    archive: Archive,
}

/// Distributions that were read from an archive: one cell, or a group of cells. They do not change: any number of threads
/// may use them at once. They outlive the archive.
pub struct vdfb_records {
    records: Vec<ArchiveRecord>,
}

/// What is in an archive.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct vdfb_archive_info {
    /// The version of the format.
    pub version: u32,
    /// 1 if the index was missing or damaged, and what could be read was found by reading all; else 0.
    pub is_recovered: u32,
    /// Bytes of the archive.
    pub bytes: u64,
    /// The number of populations (`vdfb_archive_population`).
    pub populations: u64,
    /// The number of groups (`vdfb_archive_read_group`).
    pub groups: u64,
    /// The number of cells that were found, over all populations.
    pub cells: u64,
    /// The number of cells that were not, because their population, grid and basis are damaged (`vdfb_archive_lost_cells`);
    /// 0 of an archive that is recovered: what is missing there is not known.
    pub lost_cells: u64,
}

/// A distribution of an archive, without its densities.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct vdfb_record_info {
    /// The id of the cell in space.
    pub cell: u64,
    /// The grid of its densities.
    pub grid: vdfb_grid,
    /// Facts that were kept with it.
    pub facts: vdfb_facts,
}

/// Opens an archive and reads its index. The codec may be null for standard bases; it sets the most cells of a grid. The
/// caller frees `*archive`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_open(
    path: *const c_char,
    codec: *const vdfb_codec,
    archive: *mut *mut vdfb_archive,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's text.
        let path = unsafe { text(path, "path") }?;
        // SAFETY: the caller's handle.
        let codec = unsafe { decoder(codec) }?;
        let opened = vdfb_archive { archive: Archive::open_with(path, &codec.registry, codec.max_cells)? };
        // SAFETY: the caller's pointer.
        unsafe { give(opened, archive, "archive") }
    })
}

/// As `vdfb_archive_open`, of bytes in memory, which are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_from_bytes(
    data: *const u8,
    size: usize,
    codec: *const vdfb_codec,
    archive: *mut *mut vdfb_archive,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's bytes.
        let bytes = unsafe { slice(data, size, "data") }?;
        // SAFETY: the caller's handle.
        let codec = unsafe { decoder(codec) }?;
        let opened = vdfb_archive { archive: Archive::from_bytes_with(bytes, &codec.registry, codec.max_cells)? };
        // SAFETY: the caller's pointer.
        unsafe { give(opened, archive, "archive") }
    })
}

/// Frees an archive; does nothing for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_free(archive: *mut vdfb_archive) {
    // SAFETY: an archive that the caller gives back, or null.
    unsafe { free(archive) }
}

/// What is in an archive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_read_info(
    archive: *const vdfb_archive,
    info: *mut vdfb_archive_info,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let archive = &unsafe { reference(archive, "archive") }?.archive;
        let found = archive.info();
        let info_of = vdfb_archive_info {
            version: u32::from(found.version),
            is_recovered: archive.is_recovered().into(),
            bytes: found.bytes,
            populations: archive.populations().count() as u64,
            groups: found.groups as u64,
            cells: found.sets.iter().map(|set| set.cells as u64).sum(),
            lost_cells: archive.lost_cells() as u64,
        };
        // SAFETY: the caller's pointer.
        unsafe { output(info, "info") }?.put(0, info_of);
        Ok(())
    })
}

/// Writes the name of population `index`, counted from 0, and a zero into `buffer`, as `vdfb_codec_spec` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_population(
    archive: *const vdfb_archive,
    index: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let archive = &unsafe { reference(archive, "archive") }?.archive;
        let allowed = || format!("less than {}", archive.populations().count());
        let name = archive.populations().nth(index);
        let name = name.ok_or_else(|| Failure::argument("index", index, &allowed()))?;
        // SAFETY: the caller's pointers.
        unsafe { write_text(name, buffer, capacity, needed) }
    })
}

/// Writes the ids of the cells of a population, in the archive's order, and how many there are to `*count`. With null `cells`
/// and no capacity only `*count` is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_cells(
    archive: *const vdfb_archive,
    population: *const c_char,
    cells: *mut u64,
    capacity: usize,
    count: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let archive = &unsafe { reference(archive, "archive") }?.archive;
        // SAFETY: the caller's text.
        let found = archive.cells(unsafe { text(population, "population") }?)?;
        // SAFETY: the caller's pointers.
        unsafe { write_ids(&found, cells, capacity, count, "cells") }
    })
}

/// Writes the ids of the cells that cannot be read, because their population, grid and basis are damaged, in the archive's
/// order, and how many there are to `*count`, as `vdfb_archive_cells` does. A group that is damaged itself is found when it is
/// read: `vdfb_archive_read_cell` and `vdfb_archive_read_group` return `VDFB_MALFORMED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_lost_cells(
    archive: *const vdfb_archive,
    cells: *mut u64,
    capacity: usize,
    count: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let found = unsafe { reference(archive, "archive") }?.archive.lost_cell_ids()?;
        // SAFETY: the caller's pointers.
        unsafe { write_ids(&found, cells, capacity, count, "cells") }
    })
}

/// Reads one cell; of one that was written twice the last. Decodes the coefficients of its group up to it. The caller frees
/// `*records`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_read_cell(
    archive: *const vdfb_archive,
    population: *const c_char,
    cell: u64,
    records: *mut *mut vdfb_records,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let archive = &unsafe { reference(archive, "archive") }?.archive;
        // SAFETY: the caller's text.
        let record = archive.read(cell, unsafe { text(population, "population") }?)?;
        // SAFETY: the caller's pointer.
        unsafe { give(vdfb_records { records: vec![record] }, records, "records") }
    })
}

/// Reads all cells of group `index`, counted from 0: the way to read many. The caller frees `*records`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_archive_read_group(
    archive: *const vdfb_archive,
    index: usize,
    records: *mut *mut vdfb_records,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let archive = &unsafe { reference(archive, "archive") }?.archive;
        let read = vdfb_records { records: archive.read_group(index)? };
        // SAFETY: the caller's pointer.
        unsafe { give(read, records, "records") }
    })
}

/// Frees records; does nothing for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_records_free(records: *mut vdfb_records) {
    // SAFETY: records that the caller gives back, or null.
    unsafe { free(records) }
}

/// The number of distributions that were read; 0 for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_records_count(records: *const vdfb_records) -> usize {
    // SAFETY: null, or the caller's handle.
    unsafe { records.as_ref() }.map_or(0, |records| records.records.len())
}

/// One of the records at a pointer.
///
/// # Safety
/// If it is not null, `records` points to records that nobody frees for `'a`.
unsafe fn record<'a>(records: *const vdfb_records, index: usize) -> Outcome<&'a ArchiveRecord> {
    // SAFETY: as the caller has promised.
    let records = &unsafe { reference(records, "records") }?.records;
    records.get(index).ok_or_else(|| Failure::argument("index", index, &format!("less than {}", records.len())))
}

/// The cell, the grid and the facts of record `index`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_record_read_info(
    records: *const vdfb_records,
    index: usize,
    info: *mut vdfb_record_info,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let ArchiveRecord { cell, facts, expansion, .. } = unsafe { record(records, index) }?;
        let found = vdfb_record_info { cell: *cell, grid: expansion.grid().into(), facts: facts.into() };
        // SAFETY: the caller's pointer.
        unsafe { output(info, "info") }?.put(0, found);
        Ok(())
    })
}

/// Writes the name of the population of record `index` and a zero into `buffer`, as `vdfb_codec_spec` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_record_population(
    records: *const vdfb_records,
    index: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let population = &unsafe { record(records, index) }?.population;
        // SAFETY: the caller's pointers.
        unsafe { write_text(population, buffer, capacity, needed) }
    })
}

/// The moments of record `index`, as of `vdfb_stream_moments`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_record_moments(
    records: *const vdfb_records,
    index: usize,
    moments: *mut vdfb_moments,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let found = unsafe { record(records, index) }?.expansion.moments()?;
        // SAFETY: the caller's pointer.
        unsafe { output(moments, "moments") }?.put(0, vdfb_moments::from(&found));
        Ok(())
    })
}

/// `vdfb_record_values_f64` and `_f32`.
///
/// # Safety
/// As [`record`] and [`write_box`].
unsafe fn values<T: Value>(
    records: *const vdfb_records,
    index: usize,
    (values, count): (*mut T, usize),
    layout: *const vdfb_layout,
    needed: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let expansion = &unsafe { record(records, index) }?.expansion;
        let vdf = || Ok(expansion.reconstruct()?);
        // SAFETY: the caller's pointers.
        unsafe { write_box(expansion.grid(), vdf, values, count, layout, needed) }
    })
}

/// Decodes record `index` into a box, as `vdfb_decode_f64` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_record_values_f64(
    records: *const vdfb_records,
    index: usize,
    result: *mut f64,
    count: usize,
    layout: *const vdfb_layout,
    needed: *mut usize,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { values(records, index, (result, count), layout, needed) }
}

/// As `vdfb_record_values_f64`, rounded to single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_record_values_f32(
    records: *const vdfb_records,
    index: usize,
    result: *mut f32,
    count: usize,
    layout: *const vdfb_layout,
    needed: *mut usize,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { values(records, index, (result, count), layout, needed) }
}
