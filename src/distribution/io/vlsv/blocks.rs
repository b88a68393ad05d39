//! Blocks of a cell: their place in the mesh, and their values in C order.

use super::array::Array;
use super::mesh::VelocityMesh;
use super::population::Entry;
use super::source::Source;
use super::window::Window;
use crate::distribution::blocks::{BlockOccupancy, MAX_WIDTH};
use crate::distribution::io::Precision;
use crate::error::Result;

/// The blocks of a mesh that a cell stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlocks {
    /// First block, along each axis of the mesh, of the box around the stored blocks.
    pub first: [usize; 3],
    /// The stored blocks of this box, which are numbered within it. With [`Crop::Stored`](super::Crop::Stored) the box
    /// is the grid of the distribution.
    pub occupancy: BlockOccupancy,
}

/// Blocks of a cell as they are in the file.
#[derive(Debug)]
pub(super) struct Blocks {
    /// First cell of each block, along each axis of the mesh.
    corners: Vec<[usize; 3]>,
    width: usize,
    precision: Precision,
    big_endian: bool,
    /// The array of their values, and the rows that are theirs.
    values: Array,
    entry: Entry,
    /// The array in an error.
    what: String,
}

/// Bytes of blocks that are read at a time.
const CHUNK: usize = 1 << 16;

impl Blocks {
    /// Reads the numbers of the blocks of a cell, and checks that they lie in the mesh.
    pub(super) fn read(
        source: &Source,
        arrays: (&Array, &Array),
        entry: Entry,
        mesh: &VelocityMesh,
        refined: bool,
        name: &str,
    ) -> Result<Self> {
        let (ids, values) = arrays;
        let what = format!("BLOCKIDS of {name}, cell {}", entry.cell);
        let precision = values.precision().ok_or_else(|| {
            source.unsupported(format!("BLOCKVARIABLE of {name} holds integers where densities are needed"))
        })?;
        let [nbx, nby, nbz] = mesh.blocks.map(|count| count as usize);
        let corner =
            |id: u64| {
                let blocks = nbx * nby * nbz;
                match usize::try_from(id).ok().filter(|&id| id < blocks) {
                    Some(id) => Ok([id % nbx, id / nbx % nby, id / nbx / nby].map(|block| block * mesh.block_width)),
                    None if refined => Err(source
                        .unsupported(format!("{what}: block {id} of {blocks}: a refined velocity mesh is not read"))),
                    None => Err(source.malformed(format!("{what}: block {id}, but the velocity mesh has {blocks}"))),
                }
            };
        let ids = source.integers(ids, entry.first, entry.count, &what)?;
        let corners = ids.into_iter().map(corner).collect::<Result<Vec<_>>>()?;
        let (big_endian, what) = (source.big_endian, format!("BLOCKVARIABLE of {name}, cell {}", entry.cell));
        Ok(Self { corners, width: mesh.block_width, precision, big_endian, values: *values, entry, what })
    }

    /// The box around the blocks.
    pub(super) fn bounds(&self) -> Window {
        let (mut first, mut end) = ([usize::MAX; 3], [0; 3]);
        for corner in &self.corners {
            for axis in 0..3 {
                first[axis] = first[axis].min(corner[axis]);
                end[axis] = end[axis].max(corner[axis] + self.width);
            }
        }
        Window { first, shape: std::array::from_fn(|axis| end[axis].saturating_sub(first[axis])) }
    }

    /// The set of blocks in the box around them, if none is there twice.
    pub(super) fn stored(&self, source: &Source, name: &str) -> Result<StoredBlocks> {
        let Window { first, shape } = self.bounds();
        let [nbx, nby, _] = shape.map(|cells| cells / self.width);
        let id = |corner: &[usize; 3]| {
            let [x, y, z]: [usize; 3] = std::array::from_fn(|axis| (corner[axis] - first[axis]) / self.width);
            (x + nbx * (y + nby * z)) as u32
        };
        let ids: Vec<u32> = self.corners.iter().map(id).collect();
        let occupancy = BlockOccupancy::from_ids(shape, self.width, &ids).map_err(|_| {
            source.malformed(format!("BLOCKIDS of {name}, cell {}: a block is there twice", self.entry.cell))
        })?;
        Ok(StoredBlocks { first: first.map(|cell| cell / self.width), occupancy })
    }

    /// Bytes of a block.
    fn block_bytes(&self) -> usize {
        self.width.pow(3) * self.precision.bytes()
    }

    /// Calls `visit` for each block, with its first cell and its values. Blocks are read some at a time: a buffer that
    /// stays in the processor's cache is filled and emptied faster than one for all of them.
    fn for_each(&self, source: &Source, mut visit: impl FnMut(&[usize; 3], &[f64])) -> Result<()> {
        let mut buffer = vec![0.0; self.width.pow(3)];
        let at_a_time = (CHUNK / self.block_bytes()).max(1);
        let mut first = self.entry.first;
        for corners in self.corners.chunks(at_a_time) {
            let bytes = source.rows(&self.values, first, corners.len() as u64, &self.what)?;
            first = first.saturating_add(corners.len() as u64);
            for (corner, block) in corners.iter().zip(bytes.chunks_exact(self.block_bytes())) {
                decode(block, self.precision, self.big_endian, &mut buffer);
                visit(corner, &buffer);
            }
        }
        Ok(())
    }

    /// The cell of the highest density, along each axis of the mesh; the first in C order among several.
    pub(super) fn peak(&self, source: &Source) -> Result<[usize; 3]> {
        let (mut highest, mut peak) = (f64::NEG_INFINITY, [0; 3]);
        self.for_each(source, |corner, block| {
            let largest = |largest: f64, &value: &f64| if value > largest { value } else { largest };
            if block.iter().fold(f64::NEG_INFINITY, largest) < highest {
                return;
            }
            for (place, &value) in block.iter().enumerate() {
                if value > highest || (value == highest && self.cell(corner, place) < peak) {
                    (highest, peak) = (value, self.cell(corner, place));
                }
            }
        })?;
        Ok(peak)
    }

    /// The cell of a mesh at a place of a block.
    fn cell(&self, corner: &[usize; 3], place: usize) -> [usize; 3] {
        let w = self.width;
        [corner[0] + place % w, corner[1] + place / w % w, corner[2] + place / (w * w)]
    }

    /// Puts the values of the blocks where they belong in a window, and says if all are finite.
    pub(super) fn fill(&self, source: &Source, window: &Window, target: &mut [f64]) -> Result<bool> {
        let mut finite = true;
        self.for_each(source, |corner, values| {
            finite &= values.iter().fold(true, |finite, value| finite & value.is_finite());
            let block = Window { first: *corner, shape: [self.width; 3] };
            let inside = window.common(&block);
            match self.width {
                _ if inside != block => self.fill_clipped(corner, values, window, &inside, target),
                4 => scatter::<4>(values, window, corner, target),
                8 => scatter::<8>(values, window, corner, target),
                _ => self.fill_clipped(corner, values, window, &inside, target),
            }
        })?;
        Ok(finite)
    }

    fn fill_clipped(&self, corner: &[usize; 3], block: &[f64], window: &Window, inside: &Window, target: &mut [f64]) {
        let w = self.width;
        let range = |axis: usize| inside.first[axis]..inside.first[axis] + inside.shape[axis];
        for x in range(0) {
            for y in range(1) {
                for z in range(2) {
                    let place = (x - corner[0]) + w * ((y - corner[1]) + w * (z - corner[2]));
                    target[window.index([x, y, z])] = block[place];
                }
            }
        }
    }

    /// The bytes of the blocks, in the file's order and precision, of densities on a window that holds all blocks. None
    /// if a value exceeds the range of single precision.
    pub(super) fn encode(&self, values: &[f64], window: &Window) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.corners.len() * self.block_bytes());
        for corner in &self.corners {
            for place in 0..self.width.pow(3) {
                let value = values[window.index(self.cell(corner, place))];
                match (self.precision, self.big_endian) {
                    (Precision::Single, _) if !(value as f32).is_finite() => return None,
                    (Precision::Single, false) => bytes.extend((value as f32).to_le_bytes()),
                    (Precision::Single, true) => bytes.extend((value as f32).to_be_bytes()),
                    (Precision::Double, false) => bytes.extend(value.to_le_bytes()),
                    (Precision::Double, true) => bytes.extend(value.to_be_bytes()),
                }
            }
        }
        Some(bytes)
    }
}

const _: () = assert!(MAX_WIDTH <= 1 << 10, "the buffer of one block must stay small");

/// Decodes the values of one block.
fn decode(bytes: &[u8], precision: Precision, big_endian: bool, values: &mut [f64]) {
    let (singles, doubles) = (bytes.as_chunks().0.iter(), bytes.as_chunks().0.iter());
    let values = values.iter_mut();
    match (precision, big_endian) {
        (Precision::Single, false) => values.zip(singles).for_each(|(v, &b)| *v = f64::from(f32::from_le_bytes(b))),
        (Precision::Single, true) => values.zip(singles).for_each(|(v, &b)| *v = f64::from(f32::from_be_bytes(b))),
        (Precision::Double, false) => values.zip(doubles).for_each(|(v, &b)| *v = f64::from_le_bytes(b)),
        (Precision::Double, true) => values.zip(doubles).for_each(|(v, &b)| *v = f64::from_be_bytes(b)),
    }
}

/// Puts a block that lies in the window where it belongs: in a block vx runs fastest, in the window vz.
#[inline]
fn scatter<const W: usize>(block: &[f64], window: &Window, corner: &[usize; 3], target: &mut [f64]) {
    let Some(block) = block.get(..W * W * W) else { return };
    for i in 0..W {
        for j in 0..W {
            let begin = window.index([corner[0] + i, corner[1] + j, corner[2]]);
            let row = &mut target[begin..begin + W];
            for (k, value) in row.iter_mut().enumerate() {
                *value = block[i + W * (j + W * k)];
            }
        }
    }
}
