//! Questions to a stream that need no decoded densities.

use std::ffi::c_char;

use vdf_basis::{Fidelity, StreamHead};

use crate::blocks::{no_blocks, write_ids};
use crate::boxes::{Read, Value, read_box, read_stream};
use crate::codec::{decoder, floor_of, vdfb_codec};
use crate::grid::{vdfb_grid, vdfb_layout};
use crate::moments::{vdfb_fidelity, vdfb_moments};
use crate::pointers::{output, slice, write_text};
use crate::status::{Outcome, guard, vdfb_status};

/// What a stream says of itself.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vdfb_stream_info {
    /// The version of the format.
    pub version: u32,
    /// 1 if the stream holds a set of blocks, else 0.
    pub has_blocks: u32,
    /// The grid; of a stream in blocks the velocity mesh.
    pub grid: vdfb_grid,
    /// The number of its cells.
    pub cells: u64,
    /// The number of blocks; 0 of a box.
    pub block_count: u64,
    /// Cells along the edge of a block; 0 of a box.
    pub block_width: u64,
}

/// The head of a stream.
///
/// # Safety
/// If they are not null, `codec` points to a codec and `stream` to `size` bytes.
unsafe fn head(codec: *const vdfb_codec, stream: *const u8, size: usize) -> Outcome<StreamHead> {
    // SAFETY: as the caller has promised.
    let bytes = unsafe { slice(stream, size, "stream") }?;
    let most = match codec.is_null() {
        true => vdf_basis::container::MOST_CELLS,
        // SAFETY: as the caller has promised.
        false => unsafe { decoder(codec) }?.max_cells,
    };
    Ok(StreamHead::read_within(bytes, most)?)
}

/// Reads the grid and the blocks of a stream, without its coefficients. The codec may be null; it sets the most cells.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_stream_read_info(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    info: *mut vdfb_stream_info,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointer.
        let mut info = unsafe { output(info, "info") }?;
        // SAFETY: the caller's pointers.
        let head = unsafe { head(codec, stream, size) }?;
        let blocks = head.blocks.as_ref();
        info.put(
            0,
            vdfb_stream_info {
                version: u32::from(head.version),
                has_blocks: u32::from(blocks.is_some()),
                grid: vdfb_grid::from(&head.grid),
                cells: head.grid.cells() as u64,
                block_count: blocks.map_or(0, |blocks| blocks.count() as u64),
                block_width: blocks.map_or(0, |blocks| blocks.width() as u64),
            },
        );
        Ok(())
    })
}

/// Writes the spec of a stream's basis and a zero into `buffer`, and the bytes of both to `*needed`, as `vdfb_codec_spec`
/// does, without reading the coefficients.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_stream_spec(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointers.
        let head = unsafe { head(codec, stream, size) }?;
        // SAFETY: the caller's pointers.
        unsafe { write_text(&head.spec.to_string(), buffer, capacity, needed) }
    })
}

/// Writes the numbers of the blocks of a stream, ascending, and how many there are to `*count`, without reading the
/// coefficients. With null `ids` and no capacity only `*count` is set. A stream of a box is `VDFB_NO_BLOCKS`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_stream_blocks(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    ids: *mut u32,
    capacity: usize,
    count: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointers.
        let head = unsafe { head(codec, stream, size) }?;
        let found: Vec<u32> = head.blocks.ok_or_else(no_blocks)?.ids().collect();
        // SAFETY: the caller's pointers.
        unsafe { write_ids(&found, ids, capacity, count, "ids") }
    })
}

/// The moments of what a stream decodes to: in closed form from the coefficients where the basis has one, else from the
/// cells, for which the library takes memory during the call. The codec may be null as for `vdfb_decode_f64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_stream_moments(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    moments: *mut vdfb_moments,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointer.
        let mut moments = unsafe { output(moments, "moments") }?;
        // SAFETY: the caller's pointers.
        let found = match unsafe { read_stream(codec, stream, size) }? {
            Read::Dense(expansion) => expansion.moments()?,
            Read::Sparse(sparse) => sparse.moments()?,
        };
        moments.put(0, vdfb_moments::from(&found));
        Ok(())
    })
}

/// `vdfb_stream_fidelity_f64` and `_f32`.
///
/// # Safety
/// As [`read_stream`] and [`read_box`]; if it is not null, `fidelity` may be written to.
unsafe fn fidelity<T: Value>(
    codec: *const vdfb_codec,
    (stream, size): (*const u8, usize),
    (values, count): (*const T, usize),
    layout: *const vdfb_layout,
    floor: f64,
    fidelity: *mut vdfb_fidelity,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointer.
        let mut fidelity = unsafe { output(fidelity, "fidelity") }?;
        // SAFETY: the caller's pointers.
        let read = unsafe { read_stream(codec, stream, size) }?;
        // SAFETY: the caller's array.
        let original = unsafe { read_box(*read.grid(), values, count, layout) }?;
        let own = match &read {
            Read::Dense(expansion) => floor_of(expansion.basis()),
            Read::Sparse(sparse) => floor_of(sparse.basis()),
        };
        let floor = if floor == 0.0 { own.unwrap_or(Fidelity::default_floor(&original)) } else { floor };
        let found = Fidelity::compare_above(&original, &read.reconstruct()?, floor)?;
        fidelity.put(0, vdfb_fidelity::from(&found));
        Ok(())
    })
}

/// The errors of what a stream decodes to, against the original on the same grid. `floor` is that of the logarithmic and of
/// the relative error [s^3 m^-6]; 0 takes the one of the stream's bound, else 1e-15 or 1e-6 of the peak (`vdfb_fidelity_f64`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_stream_fidelity_f64(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    values: *const f64,
    count: usize,
    layout: *const vdfb_layout,
    floor: f64,
    result: *mut vdfb_fidelity,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { fidelity(codec, (stream, size), (values, count), layout, floor, result) }
}

/// As `vdfb_stream_fidelity_f64`, with an original in single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_stream_fidelity_f32(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    values: *const f32,
    count: usize,
    layout: *const vdfb_layout,
    floor: f64,
    result: *mut vdfb_fidelity,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { fidelity(codec, (stream, size), (values, count), layout, floor, result) }
}
