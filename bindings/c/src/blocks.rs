//! Distributions as blocks of WID³ cells of a velocity mesh.

use vdf_basis::SparseExpansion;

use crate::boxes::{Read, Value, read_stream};
use crate::bytes::{give_bytes, vdfb_bytes};
use crate::codec::vdfb_codec;
use crate::grid::{grid_at, vdfb_grid};
use crate::pointers::{Output, output, reference, slice, write_optional};
use crate::status::vdfb_status::{VDFB_NO_BLOCKS, VDFB_OUT_OF_RANGE};
use crate::status::{Failure, Outcome, guard, vdfb_status};

/// Writes the numbers of blocks, if there is a place for them, and how many there are.
///
/// # Safety
/// If they are not null, `capacity` numbers at `ids` and one at `count` may be written to.
pub(crate) unsafe fn write_ids<T: Copy>(
    found: &[T],
    ids: *mut T,
    capacity: usize,
    count: *mut usize,
    name: &str,
) -> Outcome {
    // SAFETY: as the caller has promised.
    unsafe { write_optional(count, found.len(), "count") }?;
    if capacity < found.len() {
        if ids.is_null() && capacity == 0 && !count.is_null() {
            // Only the number was asked for.
            return Ok(());
        }
        return Err(Failure::too_small(name, capacity, found.len()));
    }
    // SAFETY: as the caller has promised.
    unsafe { Output::new(ids, found.len(), name) }?.fill(found.iter().copied());
    Ok(())
}

pub(crate) fn no_blocks() -> Failure {
    Failure::new(VDFB_NO_BLOCKS, "the stream is that of a box: it holds no set of blocks; decode it as a box")
}

/// `vdfb_encode_blocks_f64` and `_f32`.
///
/// # Safety
/// If they are not null, `codec` and `mesh` point to what they are named after, `ids` and `values` to as many initialised
/// numbers as are counted, which nobody changes during the call, and `stream` may be written to.
unsafe fn encode<T: Value>(
    codec: *const vdfb_codec,
    mesh: *const vdfb_grid,
    width: u64,
    (ids, count): (*const u32, usize),
    (values, value_count): (*const T, usize),
    stream: *mut vdfb_bytes,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let codec = unsafe { reference(codec, "codec") }?;
        // SAFETY: the caller's pointer.
        unsafe { output(stream, "stream") }?;
        // SAFETY: the caller's grid.
        let mesh = unsafe { grid_at(mesh) }?;
        // SAFETY: the caller's array.
        let ids = unsafe { slice(ids, count, "ids") }?;
        // SAFETY: the caller's array.
        let values = unsafe { slice(values, value_count, "values") }?;
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        let (basis, most) = (codec.basis()?, codec.max_cells);
        let bytes = SparseExpansion::encode_blocks_within(basis, mesh, width, ids, values, most)?.to_bytes()?;
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(bytes, stream, "stream") }
    })
}

/// `vdfb_decode_blocks_f64` and `_f32`.
///
/// # Safety
/// As [`read_stream`]; if they are not null, `ids` and `values` may be written to as far as their capacities say, and
/// `count` may be written to.
unsafe fn decode<T: Value>(
    codec: *const vdfb_codec,
    (stream, size): (*const u8, usize),
    (ids, capacity): (*mut u32, usize),
    (values, value_capacity): (*mut T, usize),
    count: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointers.
        let Read::Sparse(sparse) = (unsafe { read_stream(codec, stream, size) })? else { return Err(no_blocks()) };
        let found: Vec<u32> = sparse.blocks().ids().collect();
        let needed = found.len() * sparse.blocks().width().pow(3);
        if ids.is_null() && capacity == 0 && values.is_null() && value_capacity == 0 && !count.is_null() {
            // SAFETY: the caller's pointer.
            return unsafe { write_optional(count, found.len(), "count") };
        }
        // SAFETY: the caller's pointers.
        unsafe { write_ids(&found, ids, capacity, count, "ids") }?;
        if value_capacity < needed {
            return Err(Failure::too_small("values", value_capacity, needed));
        }
        // SAFETY: the caller's array.
        let mut values = unsafe { Output::new(values, needed, "values") }?;
        let decoded = sparse.block_values()?;
        if let Some(place) = decoded.iter().position(|&value| !T::near(value).is_finite()) {
            let problem =
                format!("the density {:e} of block value {place} is beyond the range of float", decoded[place]);
            return Err(Failure::new(VDFB_OUT_OF_RANGE, problem));
        }
        values.fill(decoded.iter().map(|&value| T::near(value)));
        Ok(())
    })
}

/// Encodes the densities of one cell of space in `count` blocks of `width` cells along each edge. Block `[bx, by, bz]` of
/// the mesh has the number `bx + nbx (by + nby bz)`, nbx = shape / width rounded up; `values` has width^3 values for each
/// block, cell `[i, j, k]` of a block at `i + width (j + width k)`: in both vx runs fastest, as in Vlasiator. The numbers may
/// be in any order, each once. The stream holds the exact set of the blocks, whatever is in them. `value_count` must be
/// `count` width^3. The caller frees `*stream`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_encode_blocks_f64(
    codec: *const vdfb_codec,
    mesh: *const vdfb_grid,
    width: u64,
    ids: *const u32,
    count: usize,
    values: *const f64,
    value_count: usize,
    stream: *mut vdfb_bytes,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { encode(codec, mesh, width, (ids, count), (values, value_count), stream) }
}

/// As `vdfb_encode_blocks_f64`, in single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_encode_blocks_f32(
    codec: *const vdfb_codec,
    mesh: *const vdfb_grid,
    width: u64,
    ids: *const u32,
    count: usize,
    values: *const f32,
    value_count: usize,
    stream: *mut vdfb_bytes,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { encode(codec, mesh, width, (ids, count), (values, value_count), stream) }
}

/// Decodes a stream in blocks into the same blocks: their numbers, ascending, and width^3 values for each, in arrays that
/// the caller owns. `*count` becomes the number of blocks, also if `capacity` or `value_capacity` is too small (it may be
/// null); with null arrays of no capacity only `*count` is set. A stream of a box is `VDFB_NO_BLOCKS`. The codec may be null as
/// for `vdfb_decode_f64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_decode_blocks_f64(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    ids: *mut u32,
    capacity: usize,
    values: *mut f64,
    value_capacity: usize,
    count: *mut usize,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { decode(codec, (stream, size), (ids, capacity), (values, value_capacity), count) }
}

/// As `vdfb_decode_blocks_f64`, rounded to single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_decode_blocks_f32(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    ids: *mut u32,
    capacity: usize,
    values: *mut f32,
    value_capacity: usize,
    count: *mut usize,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { decode(codec, (stream, size), (ids, capacity), (values, value_capacity), count) }
}
