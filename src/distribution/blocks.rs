//! Vlasiator's sparse layout: the occupied blocks of w×w×w cells of a distribution.
//!
//! The width w is fixed when Vlasiator is compiled: 4, or 8; any other is allowed here. Block `[bx, by, bz]` has the
//! number `bx + nbx·(by + nby·bz)`, and the cell `[i, j, k]` of a block has the place `i + wj + w²k` in it: in both the
//! *first* axis runs fastest, against the C order of [`Vdf`]. Where the grid's shape is not a multiple of w, the last
//! blocks reach beyond it, and their cells there are zero.
//!
//! A set of blocks has a byte form of its own ([`BlockOccupancy::to_bytes`]), and a place in any stream
//! ([`BlockOccupancy::code`]):
//!
//! ```
//! use vdf_basis::{BlockOccupancy, Sampling, Synthetic};
//!
//! let grid = Synthetic::default_grid("beams", 48)?;
//! let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
//! let stored = vdf.block_occupancy(1e-5 * vdf.peak(), 4)?;
//!
//! let bytes = stored.to_bytes()?;
//! assert!(bytes.len() < 80 && stored.count() > 300);
//! let read = BlockOccupancy::from_bytes(&bytes)?;
//! assert_eq!(read, stored);
//!
//! // Exactly zero outside these blocks.
//! let cut = vdf.within_blocks(&read)?;
//! assert_eq!(cut.block_occupancy(0.0, 4)?, stored);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod coding;

pub(crate) use coding::{MAX_BLOCKS, check_block_count};

use ndarray::Array3;

use super::grid::VelocityGrid;
use super::vdf::Vdf;
use crate::error::{Error, Result};

/// Cells along each edge of a block, as Vlasiator is usually compiled.
pub const BLOCK_EDGE: usize = 4;
/// Number of cells of such a block.
pub const BLOCK_CELLS: usize = BLOCK_EDGE * BLOCK_EDGE * BLOCK_EDGE;
/// Largest width of a block: the values of one block of a grid of a single cell are then 2¹⁸.
pub const MAX_WIDTH: usize = 64;

/// Occupied blocks of a grid: those with any |f| above a threshold, or those that a simulation stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockOccupancy {
    shape: [usize; 3],
    width: usize,
    occupied: Vec<bool>,
}

impl BlockOccupancy {
    /// Makes the occupancy of a grid of `shape` cells with the occupied blocks `ids`, in any order, of `width` cells
    /// along each edge.
    ///
    /// # Errors
    /// [`Error::InvalidGrid`] for a shape that no grid has, [`Error::InvalidParameter`] for a width beyond
    /// [`MAX_WIDTH`] or of zero, or naming the first block that lies outside the grid or is there twice.
    pub fn from_ids(shape: [usize; 3], width: usize, ids: &[u32]) -> Result<Self> {
        let mut occupancy = Self::empty(shape, width)?;
        for &id in ids {
            let blocks = occupancy.occupied.len();
            let refused = |allowed| Error::InvalidParameter { name: "block id", value: id.to_string(), allowed };
            match occupancy.occupied.get_mut(id as usize) {
                None => return Err(refused(format!("a grid of shape {shape:?} has {blocks} blocks, counted from 0"))),
                Some(true) => return Err(refused("every block may be there only once".to_owned())),
                Some(occupied) => *occupied = true,
            }
        }
        Ok(occupancy)
    }

    /// Makes the occupancy of a grid of `shape` cells without an occupied block: also what [`BlockOccupancy::code`]
    /// reads into.
    ///
    /// # Errors
    /// [`Error::InvalidGrid`] for a shape that no grid has, [`Error::InvalidParameter`] for a width of zero or beyond
    /// [`MAX_WIDTH`].
    pub fn empty(shape: [usize; 3], width: usize) -> Result<Self> {
        let shape = VelocityGrid::unit(shape)?.shape();
        if !(1..=MAX_WIDTH).contains(&width) {
            return Err(Error::parameter("block width", width, format!("1 to {MAX_WIDTH} cells")));
        }
        Ok(Self { shape, width, occupied: vec![false; block_shape(shape, width).iter().product()] })
    }

    /// Cells along each axis of the grid.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Cells along each edge of a block.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Blocks along each axis: the grid's shape over the width, rounded up.
    #[must_use]
    pub fn block_shape(&self) -> [usize; 3] {
        block_shape(self.shape, self.width)
    }

    /// Mask of the occupied blocks, in the order of their numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[bool] {
        &self.occupied
    }

    /// Number of occupied blocks.
    #[must_use]
    pub fn count(&self) -> usize {
        self.occupied.iter().filter(|&&occupied| occupied).count()
    }

    /// The numbers of the occupied blocks, ascending. (2³² cells have no more blocks than a `u32` can number.)
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.occupied).filter_map(|(id, &occupied)| occupied.then_some(id))
    }

    /// True if block `id` is occupied; false outside the grid.
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.occupied.get(id as usize).copied().unwrap_or(false)
    }

    /// The first and the last block along each axis among the occupied ones; `None` if there are none.
    #[must_use]
    pub fn bounds(&self) -> Option<([usize; 3], [usize; 3])> {
        let [nbx, nby, _] = self.block_shape();
        let mut places = self.ids().map(|id| id as usize).map(|id| [id % nbx, id / nbx % nby, id / nbx / nby]);
        let first = places.next()?;
        Some(places.fold((first, first), |(first, last), place| {
            let both = |pick: fn(usize, usize) -> usize, old: [usize; 3]| {
                std::array::from_fn(|axis| pick(old[axis], place[axis]))
            };
            (both(usize::min, first), both(usize::max, last))
        }))
    }

    /// Mask of the cells in occupied blocks, `[vx, vy, vz]` in C order.
    #[must_use]
    pub fn mask(&self) -> Array3<bool> {
        let ([nbx, nby, _], w) = (self.block_shape(), self.width);
        Array3::from_shape_fn(self.shape, |(x, y, z)| self.occupied[x / w + nbx * (y / w + nby * (z / w))])
    }
}

fn block_shape(shape: [usize; 3], width: usize) -> [usize; 3] {
    shape.map(|cells| cells.div_ceil(width))
}

/// Index in C order of each cell of block `id`; `None` for cells outside the grid.
fn cells_of_block([nx, ny, nz]: [usize; 3], w: usize, id: u32) -> impl Iterator<Item = Option<usize>> {
    let [nbx, nby, _] = block_shape([nx, ny, nz], w);
    let id = id as usize;
    let corner = [id % nbx, id / nbx % nby, id / nbx / nby].map(|block| block * w);
    (0..w.pow(3)).map(move |place| {
        let [i, j, k] = [place % w, place / w % w, place / (w * w)];
        let [x, y, z] = [corner[0] + i, corner[1] + j, corner[2] + k];
        (x < nx && y < ny && z < nz).then_some((x * ny + y) * nz + z)
    })
}

impl Vdf {
    /// Makes a distribution from blocks of `width` cells along each edge: their numbers `ids`, in any order, and width³
    /// `values` for each, in double or single precision [s³ m⁻⁶]. It is zero outside these blocks. Both orders are
    /// Vlasiator's ([module documentation](self)).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a width that is not allowed, naming a block that lies outside the grid or is there twice, a
    /// number of values other than width³ a block, or a value other than zero in a cell outside the grid;
    /// [`Error::NotFinite`] with the index of the first NaN or infinity.
    pub fn from_blocks<T: Copy + Into<f64>>(
        grid: VelocityGrid,
        width: usize,
        ids: &[u32],
        values: &[T],
    ) -> Result<Self> {
        let shape = grid.shape();
        BlockOccupancy::from_ids(shape, width, ids)?;
        let cells = width.pow(3);
        if Some(values.len()) != ids.len().checked_mul(cells) {
            let allowed = format!("{cells} for each of {} blocks", ids.len());
            return Err(Error::parameter("number of block values", values.len(), allowed));
        }
        let mut dense = vec![0.0; grid.cells()];
        for (&id, block) in ids.iter().zip(values.chunks_exact(cells)) {
            for (place, (cell, &value)) in cells_of_block(shape, width, id).zip(block).enumerate() {
                let value = value.into();
                match cell {
                    Some(cell) => dense[cell] = value,
                    None if value == 0.0 => {}
                    None => {
                        return Err(Error::InvalidParameter {
                            name: "block value",
                            value: value.to_string(),
                            allowed: format!(
                                "0 at place {place} of block {id}, which lies outside the grid of shape {shape:?}"
                            ),
                        });
                    }
                }
            }
        }
        Self::from_vec(grid, dense)
    }

    /// Values [s³ m⁻⁶] of the occupied blocks, width³ per block, in the order of [`BlockOccupancy::ids`]: the inverse of
    /// [`Vdf::from_blocks`].
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the occupancy is that of a grid of another shape.
    pub fn block_values(&self, occupancy: &BlockOccupancy) -> Result<Vec<f64>> {
        let shape = self.shape_of(occupancy)?;
        let f = self.as_slice();
        let cells = occupancy.ids().flat_map(|id| cells_of_block(shape, occupancy.width, id));
        Ok(cells.map(|cell| cell.map_or(0.0, |cell| f[cell])).collect())
    }

    /// This distribution with the density of exactly zero outside the occupied blocks.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the occupancy is that of a grid of another shape.
    pub fn within_blocks(&self, occupancy: &BlockOccupancy) -> Result<Self> {
        let [_, ny, nz] = self.shape_of(occupancy)?;
        let ([nbx, nby, _], w) = (occupancy.block_shape(), occupancy.width);
        let mut values = self.as_slice().to_vec();
        for (row, f) in values.chunks_exact_mut(nz).enumerate() {
            let column = row / ny / w + nbx * (row % ny / w);
            let blocks = f.chunks_mut(w).enumerate();
            let outside = blocks.filter(|(block, _)| !occupancy.occupied[column + nbx * nby * block]);
            outside.for_each(|(_, f)| f.fill(0.0));
        }
        Self::from_vec(*self.grid(), values)
    }

    /// The shape of this distribution's grid, if the occupancy is one of such a grid.
    fn shape_of(&self, occupancy: &BlockOccupancy) -> Result<[usize; 3]> {
        let shape = self.grid().shape();
        if occupancy.shape == shape {
            return Ok(shape);
        }
        Err(Error::ShapeMismatch { expected: shape, found: occupancy.shape.to_vec() })
    }

    /// Blocks of `width` cells along each edge with any |f| > `threshold` [s³ m⁻⁶]. Vlasiator's own threshold is often
    /// 1e-15, its width [`BLOCK_EDGE`].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the threshold is negative or not a number, or the width zero or beyond [`MAX_WIDTH`].
    pub fn block_occupancy(&self, threshold: f64, width: usize) -> Result<BlockOccupancy> {
        if threshold.is_nan() || threshold < 0.0 {
            return Err(Error::InvalidParameter {
                name: "threshold",
                value: threshold.to_string(),
                allowed: "a phase-space density, zero or more".to_owned(),
            });
        }
        let [_, ny, nz] = self.grid().shape();
        let mut occupancy = BlockOccupancy::empty(self.grid().shape(), width)?;
        let [nbx, nby, _] = occupancy.block_shape();
        for (row, f) in self.as_slice().chunks_exact(nz).enumerate() {
            let column = row / ny / width + nbx * (row % ny / width);
            for (block, f) in f.chunks(width).enumerate() {
                occupancy.occupied[column + nbx * nby * block] |= f.iter().any(|f| f.abs() > threshold);
            }
        }
        Ok(occupancy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{for_cases, vector};
    use rand::Rng;

    fn unit(shape: [usize; 3]) -> VelocityGrid {
        VelocityGrid::unit(shape).unwrap()
    }

    #[test]
    fn both_orders_are_vlasiators() {
        // 2 x 3 x 2 blocks: number 9 = 1 + 2 (1 + 3 · 1) is block [1, 1, 1]; place 27 = 3 + 4 · 2 + 16 · 1 is [3, 2,
        // 1].
        let mut block = [0.0f32; 64];
        block[27] = 5.0;
        let vdf = Vdf::from_blocks(unit([8, 12, 8]), 4, &[9], &block).unwrap();
        let found: Vec<_> =
            vdf.values().indexed_iter().filter(|(_, f)| **f != 0.0).map(|(cell, f)| (cell, *f)).collect();
        assert_eq!(found, [((7, 6, 5), 5.0)]);
    }

    #[test]
    fn every_cell_lies_in_one_block() {
        let shape = [5, 8, 3];
        let vdf = Vdf::from_fn(unit(shape), |[x, y, z]| 1.0 + x + 10.0 * y + 100.0 * z).unwrap();
        let occupancy = vdf.block_occupancy(0.0, 4).unwrap();
        assert_eq!(occupancy.block_shape(), [2, 2, 1]);
        assert_eq!(occupancy.ids().collect::<Vec<_>>(), [0, 1, 2, 3]);
        let values = vdf.block_values(&occupancy).unwrap();
        // Block 1 begins at cell [4, 0, 0]; its next cell along x is outside, along y and z it is not.
        assert_eq!(values[64..70], [5.0, 0.0, 0.0, 0.0, 15.0, 0.0]);
        assert_eq!(values[64 + 16], 105.0);
        assert_eq!(values[64 + 48..128], [0.0; 16]);
        assert_eq!(values.iter().sum::<f64>(), vdf.as_slice().iter().sum::<f64>());
        let ids: Vec<u32> = occupancy.ids().collect();
        assert_eq!(Vdf::from_blocks(unit(shape), 4, &ids, &values).unwrap(), vdf);
    }

    #[test]
    fn occupancy_counts_what_exceeds_the_threshold() {
        let mut values = vec![0.0; 6 * 6 * 6];
        values[(5 * 6 + 1) * 6 + 4] = -3.0;
        values[2] = 2.0;
        let vdf = Vdf::from_vec(unit([6; 3]), values).unwrap();
        let ids = |threshold| vdf.block_occupancy(threshold, 4).unwrap().ids().collect::<Vec<_>>();
        assert_eq!(ids(0.0), [0, 5]);
        assert_eq!(ids(2.0), [5]);
        assert_eq!(ids(3.0), [] as [u32; 0]);
        let occupancy = vdf.block_occupancy(2.0, 4).unwrap();
        assert_eq!(occupancy.count(), 1);
        assert!(occupancy.contains(5) && !occupancy.contains(0) && !occupancy.contains(u32::MAX));
        assert_eq!(occupancy, BlockOccupancy::from_ids([6; 3], 4, &[5]).unwrap());
        for ((x, y, z), &inside) in occupancy.mask().indexed_iter() {
            assert_eq!(inside, x >= 4 && y < 4 && z >= 4);
        }
    }

    #[test]
    fn blocks_that_do_not_fit_are_refused_by_name() {
        let refused =
            |ids: &[u32], values: &[f64]| Vdf::from_blocks(unit([4, 4, 5]), 4, ids, values).unwrap_err().to_string();
        assert_eq!(
            refused(&[0, 2], &[0.0; 128]),
            "block id = 2 is not allowed: a grid of shape [4, 4, 5] has 2 blocks, counted from 0"
        );
        assert_eq!(refused(&[1, 1], &[0.0; 128]), "block id = 1 is not allowed: every block may be there only once");
        assert!(refused(&[0, 1], &[0.0; 127]).contains("127 is not allowed: 64 for each of 2 blocks"));
        assert!(refused(&[1], &[7.5; 64]).contains("7.5 is not allowed: 0 at place 16 of block 1"));
        let mut block = [0.0; 64];
        block[6] = f64::NAN;
        assert!(refused(&[1], &block).contains("at index [2, 1, 4] is NaN"));
        let vdf = Vdf::zeros(unit([4; 3]));
        for threshold in [f64::NAN, -1.0] {
            assert!(matches!(
                vdf.block_occupancy(threshold, 4),
                Err(Error::InvalidParameter { name: "threshold", .. })
            ));
        }
        let other = BlockOccupancy::from_ids([4, 4, 5], 4, &[]).unwrap();
        assert!(matches!(vdf.block_values(&other), Err(Error::ShapeMismatch { .. })));
        assert!(BlockOccupancy::from_ids([usize::MAX; 3], 4, &[]).is_err());
        for width in [0, 65, usize::MAX] {
            let problem = vdf.block_occupancy(0.0, width).unwrap_err().to_string();
            assert_eq!(problem, format!("block width = {width} is not allowed: 1 to 64 cells"));
        }
    }

    #[test]
    fn density_outside_the_blocks_is_exactly_zero() {
        let vdf = Vdf::from_fn(unit([9, 8, 17]), |[x, y, z]| 1.0 + x + y + z).unwrap();
        // 2 x 1 x 3 blocks of 8 cells; the last one holds a single cell along x and z.
        let stored = BlockOccupancy::from_ids([9, 8, 17], 8, &[2, 5]).unwrap();
        let (cut, mask) = (vdf.within_blocks(&stored).unwrap(), stored.mask());
        for ((cell, &f), &g) in vdf.values().indexed_iter().zip(cut.values()) {
            assert_eq!(g, if mask[cell] { f } else { 0.0 });
        }
        assert_eq!(mask.iter().filter(|&&inside| inside).count(), 8 * 8 * 8 + 8);
        assert!(Vdf::zeros(unit([9, 8, 16])).within_blocks(&stored).is_err());
    }

    #[test]
    fn blocks_hold_all_there_is() {
        for_cases(256, |random| {
            let shape: [usize; 3] = [(); 3].map(|()| random.random_range(1..11));
            let mut values = vec![0.0; shape.iter().product()];
            let cells =
                vector(random, 0..20, |random| (random.random_range(0..values.len()), random.random_range(-1e3..1e3)));
            cells.iter().for_each(|&(cell, value)| values[cell] = value);
            let vdf = Vdf::from_vec(unit(shape), values).unwrap();
            let width = random.random_range(1..10);
            let occupancy = vdf.block_occupancy(0.0, width).unwrap();
            assert!(occupancy.count() <= cells.len() && occupancy.width() == width);
            assert_eq!(vdf.within_blocks(&occupancy).unwrap(), vdf);
            // Any order of the blocks will do: hand them back in reverse.
            let mut blocks: Vec<_> = occupancy.ids().collect();
            blocks.reverse();
            let values = vdf.block_values(&occupancy).unwrap();
            let values: Vec<f64> = values.chunks(width.pow(3)).rev().flatten().copied().collect();
            assert_eq!(Vdf::from_blocks(unit(shape), width, &blocks, &values).unwrap(), vdf);
        });
    }
}
