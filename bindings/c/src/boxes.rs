//! Distributions as boxes of values: encoding and decoding.

use vdf_basis::{Expansion, Registry, SparseExpansion, Vdf, VelocityGrid};

use crate::bytes::{give_bytes, vdfb_bytes};
use crate::codec::{decoder, vdfb_codec};
use crate::grid::{Places, grid_at, vdfb_grid, vdfb_layout};
use crate::pointers::{Input, Output, output, reference, slice, write_optional};
use crate::status::vdfb_status::VDFB_OUT_OF_RANGE;
use crate::status::{Failure, Outcome, guard, vdfb_status};

/// Values of single or double precision.
pub(crate) trait Value: Copy + Into<f64> {
    /// The value nearest to `value`; infinite beyond the range.
    fn near(value: f64) -> Self;
    fn is_finite(self) -> bool;
}

impl Value for f32 {
    fn near(value: f64) -> Self {
        value as f32
    }

    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
}

impl Value for f64 {
    fn near(value: f64) -> Self {
        value
    }

    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
}

/// The distribution in a caller's array. No elements but those of its cells are read.
///
/// # Safety
/// If they are not null, `layout` points to a layout, and `values` to `count` values, of which those of the cells are
/// initialised and changed by nobody during the call.
pub(crate) unsafe fn read_box<T: Value>(
    grid: VelocityGrid,
    values: *const T,
    count: usize,
    layout: *const vdfb_layout,
) -> Outcome<Vdf> {
    // SAFETY: as the caller has promised.
    let elements = unsafe { Input::new(values, count, "values") }?;
    // SAFETY: as the caller has promised.
    let places = unsafe { Places::new(&grid, count, layout) }?;
    if places.is_plain {
        // SAFETY: the first elements, as many as cells, are those of the cells: as the caller has promised.
        let values = unsafe { slice(values, grid.cells(), "values") }?;
        return Ok(Vdf::from_slice(grid, values)?);
    }
    let mut dense = Vec::with_capacity(grid.cells());
    places.for_each(|place| dense.push(elements.get(place).into()));
    Ok(Vdf::from_vec(grid, dense)?)
}

/// A stream that was read: a box, or blocks.
pub(crate) enum Read {
    Dense(Expansion<vdf_basis::AnyBasis>),
    Sparse(SparseExpansion),
}

impl Read {
    pub(crate) fn of(registry: &Registry, bytes: &[u8], max_cells: usize) -> Outcome<Self> {
        Ok(match is_sparse(bytes) {
            true => Self::Sparse(SparseExpansion::from_bytes_within(registry, bytes, max_cells)?),
            false => Self::Dense(registry.decode_within(bytes, max_cells)?),
        })
    }

    pub(crate) fn grid(&self) -> &VelocityGrid {
        match self {
            Self::Dense(expansion) => expansion.grid(),
            Self::Sparse(sparse) => sparse.mesh(),
        }
    }

    pub(crate) fn reconstruct(&self) -> Outcome<Vdf> {
        Ok(match self {
            Self::Dense(expansion) => expansion.reconstruct()?,
            Self::Sparse(sparse) => sparse.reconstruct()?,
        })
    }
}

/// True for a stream that holds a set of blocks.
fn is_sparse(bytes: &[u8]) -> bool {
    bytes.starts_with(vdf_basis::container::sparse::MAGIC)
}

/// The stream at a pointer, decoded.
///
/// # Safety
/// If they are not null, `codec` points to a codec and `stream` to `size` bytes.
pub(crate) unsafe fn read_stream(codec: *const vdfb_codec, stream: *const u8, size: usize) -> Outcome<Read> {
    // SAFETY: as the caller has promised.
    let codec = unsafe { decoder(codec) }?;
    // SAFETY: as the caller has promised.
    let bytes = unsafe { slice(stream, size, "stream") }?;
    Read::of(&codec.registry, bytes, codec.max_cells)
}

/// Writes a distribution to a caller's array, and the number of its cells to `needed`. A larger array than needed will do.
///
/// # Safety
/// If they are not null, `count` values at `values` and a number at `needed` may be written to, and `layout` points to a
/// layout.
pub(crate) unsafe fn write_box<T: Value>(
    grid: &VelocityGrid,
    vdf: impl FnOnce() -> Outcome<Vdf>,
    values: *mut T,
    count: usize,
    layout: *const vdfb_layout,
    needed: *mut usize,
) -> Outcome {
    let cells = grid.cells();
    // SAFETY: as the caller has promised.
    unsafe { write_optional(needed, cells, "needed") }?;
    if count < cells {
        if values.is_null() && count == 0 && !needed.is_null() {
            // Only the number was asked for.
            return Ok(());
        }
        return Err(Failure::too_small("values", count, cells));
    }
    // SAFETY: as the caller has promised.
    let places = unsafe { Places::new(grid, if layout.is_null() { cells } else { count }, layout) }?;
    // Of a longer array no more than the box is touched: others may be using the rest.
    let used = if places.is_plain { cells } else { count };
    // SAFETY: as the caller has promised.
    let mut values = unsafe { Output::new(values, used, "values") }?;
    let vdf = vdf()?;
    let decoded = vdf.as_slice();
    let mut all_finite = true;
    if places.is_plain {
        // Without an early exit, so that the compiler uses vector instructions.
        for (place, &value) in values.places().iter_mut().zip(decoded) {
            let value = T::near(value);
            all_finite &= value.is_finite();
            place.write(value);
        }
    } else {
        let mut next = decoded.iter();
        places.for_each(|place| {
            if let Some(&value) = next.next() {
                let value = T::near(value);
                all_finite &= value.is_finite();
                values.put(place, value);
            }
        });
    }
    if all_finite {
        return Ok(());
    }
    match decoded.iter().position(|&value| !T::near(value).is_finite()) {
        None => Ok(()),
        Some(cell) => {
            let (value, index) = (decoded[cell], grid.index_of(cell));
            let problem = format!("the density {value:e} of cell {index:?} is beyond the range of float");
            Err(Failure::new(VDFB_OUT_OF_RANGE, problem))
        }
    }
}

/// `vdfb_encode_f64` and `_f32`.
///
/// # Safety
/// As [`read_box`]; if they are not null, `codec` and `grid` point to what they are named after, and `stream` may be written
/// to.
unsafe fn encode<T: Value>(
    codec: *const vdfb_codec,
    grid: *const vdfb_grid,
    values: *const T,
    count: usize,
    layout: *const vdfb_layout,
    stream: *mut vdfb_bytes,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's handle.
        let codec = unsafe { reference(codec, "codec") }?;
        // SAFETY: the caller's pointer.
        unsafe { output(stream, "stream") }?;
        // SAFETY: the caller's grid.
        let grid = unsafe { grid_at(grid) }?;
        // SAFETY: the caller's array.
        let vdf = unsafe { read_box(grid, values, count, layout) }?;
        let basis = codec.basis()?;
        let bytes = match codec.threshold {
            None => Expansion::encode(basis, &vdf)?.to_bytes_within(codec.max_cells)?,
            Some(threshold) => {
                let blocks = vdf.block_occupancy(threshold, codec.width)?;
                SparseExpansion::encode_within(basis, &vdf, blocks, codec.max_cells)?.to_bytes()?
            }
        };
        // SAFETY: the caller's pointer.
        unsafe { give_bytes(bytes, stream, "stream") }
    })
}

/// `vdfb_decode_f64` and `_f32`.
///
/// # Safety
/// As [`read_stream`] and [`write_box`].
unsafe fn decode<T: Value>(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    values: *mut T,
    count: usize,
    layout: *const vdfb_layout,
    needed: *mut usize,
) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointers.
        let read = unsafe { read_stream(codec, stream, size) }?;
        // SAFETY: the caller's pointers.
        unsafe { write_box(read.grid(), || read.reconstruct(), values, count, layout, needed) }
    })
}

/// Encodes the densities of one cell of space, in double precision. `values` has `count` elements, of which `layout` says
/// where the velocity cells are (null: C order, and exactly as many values as cells). The caller frees `*stream`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_encode_f64(
    codec: *const vdfb_codec,
    grid: *const vdfb_grid,
    values: *const f64,
    count: usize,
    layout: *const vdfb_layout,
    stream: *mut vdfb_bytes,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { encode(codec, grid, values, count, layout, stream) }
}

/// As `vdfb_encode_f64`, in single precision.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_encode_f32(
    codec: *const vdfb_codec,
    grid: *const vdfb_grid,
    values: *const f32,
    count: usize,
    layout: *const vdfb_layout,
    stream: *mut vdfb_bytes,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { encode(codec, grid, values, count, layout, stream) }
}

/// Decodes a stream into a box of `count` values, which the caller owns; `*needed` becomes the number of cells, also if
/// there are fewer values (it may be null). With null `values` and `count` 0 only `*needed` is set. Of a stream in blocks
/// it is the whole velocity mesh, zero outside the blocks. Elements that `layout` does not name are not written to. The
/// codec may be null for streams in standard bases; with one the tables of its bases are shared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_decode_f64(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    values: *mut f64,
    count: usize,
    layout: *const vdfb_layout,
    needed: *mut usize,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { decode(codec, stream, size, values, count, layout, needed) }
}

/// As `vdfb_decode_f64`, rounded to single precision; a density beyond its range is `VDFB_OUT_OF_RANGE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_decode_f32(
    codec: *const vdfb_codec,
    stream: *const u8,
    size: usize,
    values: *mut f32,
    count: usize,
    layout: *const vdfb_layout,
    needed: *mut usize,
) -> vdfb_status {
    // SAFETY: the caller's pointers.
    unsafe { decode(codec, stream, size, values, count, layout, needed) }
}
