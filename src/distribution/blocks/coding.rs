//! Byte form of a set of blocks: the box around it, then a bit for each block of the box.
//!
//! Sets of blocks are bodies with a smooth surface, often symmetric. Each bit, in the order of the block numbers (x
//! fastest), is predicted from four contexts, whose predictions are mixed with adaptive weights:
//! - the neighbours before it along the three axes, and those one further along x or y in the rows before;
//! - the number of occupied blocks among the 13 neighbours before it, and among seven that lie two blocks away;
//! - the distance from where the run of occupied blocks should begin or end, extrapolated from the rows before;
//! - the mirror images of the block, where they come before it: in y and z, in all three axes, and in x.
//!
//! The stored blocks of two Vlasiator populations, 1390 of 4284 in the box and 1395 of 4536, take 67 and 62 bytes with
//! the shape of the grid (`cargo test --release --test vlsv -- --nocapture real`).

use super::BlockOccupancy;
use crate::coding::{Coder, Integers, Mixing, malformed};
use crate::error::{Error, Result};

/// Maximum number of blocks of a grid that [`BlockOccupancy::from_bytes`] reads: 16 MB of bits, one a byte.
pub(crate) const MAX_BLOCKS: usize = 1 << 24;

/// Number of contexts of each kind, and of all.
const NEAR: usize = 64;
const COUNTS: usize = 14 * 8;
const SURFACE: usize = 2 * (2 * MAX_DISTANCE as usize + 1) + 8;
const MIRRORS: usize = 5 * 3 * 3 * 2;
/// Largest distance from an extrapolated end of a run that has a context of its own, in halves of a block.
const MAX_DISTANCE: isize = 4;

impl BlockOccupancy {
    /// The set as bytes that [`BlockOccupancy::from_bytes`] reads, with the grid's shape and the width of a block.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the grid has more than 2²⁴ blocks, which no reader accepts.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        check_block_count(self.shape, self.width)
            .map_err(|count| Error::parameter("number of blocks", count, format!("at most {MAX_BLOCKS}")))?;
        let mut coder = Coder::writing();
        let mut models = Integers::default();
        for length in [self.width, self.shape[0], self.shape[1], self.shape[2]] {
            coder.positive(&mut models, length as u64)?;
        }
        self.clone().code(&mut coder)?;
        Ok(coder.finish())
    }

    /// Reads what [`BlockOccupancy::to_bytes`] has written. Zeros at the end are not written, so that damaged bytes may
    /// be read as another set: what holds them needs a checksum.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for a shape or width that no grid has, and for more than 2²⁴ blocks.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut coder = Coder::reading(bytes);
        let mut models = Integers::default();
        let mut lengths = [0; 4];
        for length in &mut lengths {
            *length = usize::try_from(coder.positive(&mut models, 1)?).unwrap_or(usize::MAX);
        }
        let ([width, nx, ny, nz], invalid) = (lengths, |error: Error| malformed(error.to_string()));
        check_block_count([nx, ny, nz], width)
            .map_err(|count| malformed(format!("a set out of {count} blocks, where {MAX_BLOCKS} are allowed")))?;
        let mut occupancy = Self::empty([nx, ny, nz], width).map_err(invalid)?;
        occupancy.code(&mut coder)?;
        Ok(occupancy)
    }

    /// Codes the set in a stream whose reader knows the grid's shape and the width of a block. A reading coder replaces
    /// the set ([`BlockOccupancy::empty`] makes one to read into).
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for a stream that holds a box outside the grid.
    pub fn code(&mut self, coder: &mut Coder<'_>) -> Result<()> {
        let blocks = self.block_shape();
        let bounds = if coder.is_reading() { None } else { self.bounds() };
        let bounds = bounds.map(|(first, last)| (first, std::array::from_fn(|axis| last[axis] + 1 - first[axis])));
        let given = std::mem::replace(&mut self.occupied, vec![false; blocks.iter().product()]);
        let place = |[x, y, z]: [usize; 3]| x + blocks[0] * (y + blocks[1] * z);
        let Some((first, shape)) = code_bounds(bounds, blocks, coder)? else { return Ok(()) };
        let mut surroundings = Surroundings::new(shape);
        let mut mixing = Mixing::<4>::new(NEAR + COUNTS + SURFACE + MIRRORS, 1);
        for z in 0..shape[2] {
            for y in 0..shape[1] {
                let ends = surroundings.extrapolated(y, z);
                for x in 0..shape[0] {
                    let block = place([first[0] + x, first[1] + y, first[2] + z]);
                    let expected = mixing.expect(surroundings.contexts([x, y, z], ends), 0);
                    let bit = coder.mixed(&mut mixing, &expected, given[block]);
                    self.occupied[block] = bit;
                    surroundings.learn([x, y, z], bit);
                }
            }
        }
        Ok(())
    }
}

/// Fails with the number of blocks of a mesh if it is more than [`MAX_BLOCKS`].
pub(crate) fn check_block_count(shape: [usize; 3], width: usize) -> std::result::Result<(), u128> {
    let count = shape.iter().map(|cells| cells.div_ceil(width.max(1)) as u128).fold(1, u128::saturating_mul);
    if count > MAX_BLOCKS as u128 { Err(count) } else { Ok(()) }
}

/// First block and number of blocks along each axis of the box around the occupied blocks.
type Bounds = ([usize; 3], [usize; 3]);

/// Codes the box, in one bit if it is the whole grid. None without an occupied block.
fn code_bounds(bounds: Option<Bounds>, blocks: [usize; 3], coder: &mut Coder<'_>) -> Result<Option<Bounds>> {
    if coder.bits(u64::from(bounds == Some(([0; 3], blocks))), 1) == 1 {
        return Ok(Some(([0; 3], blocks)));
    }
    if coder.rarely(bounds.is_none()) {
        return Ok(None);
    }
    let (mut first, mut shape) = bounds.unwrap_or(([0; 3], [1; 3]));
    for axis in 0..3 {
        first[axis] = coder.choice(first[axis], blocks[axis])?;
        shape[axis] = coder.choice(shape[axis] - 1, blocks[axis] - first[axis])? + 1;
    }
    Ok(Some((first, shape)))
}

/// Bits of the box that were coded, and the first and last block (past the end) of the runs in each row along x.
struct Surroundings {
    shape: [usize; 3],
    occupied: Vec<bool>,
    runs: Vec<Option<[isize; 2]>>,
}

impl Surroundings {
    fn new(shape: [usize; 3]) -> Self {
        let [nx, ny, nz] = shape;
        Self { shape, occupied: vec![false; nx * ny * nz], runs: vec![None; ny * nz] }
    }

    fn learn(&mut self, [x, y, z]: [usize; 3], bit: bool) {
        let [nx, ny, _] = self.shape;
        self.occupied[x + nx * (y + ny * z)] = bit;
        if bit {
            let run = self.runs[y + ny * z].get_or_insert([x as isize, 0]);
            run[1] = x as isize + 1;
        }
    }

    /// 1 if a block is occupied, 0 if it is not or lies outside the box.
    fn at(&self, x: isize, y: isize, z: isize) -> usize {
        let [nx, ny, nz] = self.shape.map(|n| n as isize);
        let inside = (0..nx).contains(&x) && (0..ny).contains(&y) && (0..nz).contains(&z);
        usize::from(inside && self.occupied[(x + nx * (y + ny * z)) as usize])
    }

    fn run(&self, y: isize, z: isize) -> Option<[isize; 2]> {
        let [_, ny, nz] = self.shape.map(|n| n as isize);
        if (0..ny).contains(&y) && (0..nz).contains(&z) { self.runs[(y + ny * z) as usize] } else { None }
    }

    /// Twice the first and last block of a row's run, extrapolated from rows before it: the mean of a plane through
    /// three rows and of lines through two.
    fn extrapolated(&self, y: usize, z: usize) -> Option<[isize; 2]> {
        let (y, z) = (y as isize, z as isize);
        let (below, behind) = (self.run(y - 1, z), self.run(y, z - 1));
        let triples = [
            (below, behind, self.run(y - 1, z - 1)),
            (below, below, self.run(y - 2, z)),
            (behind, behind, self.run(y, z - 2)),
        ];
        let (mut sums, mut count) = ([0; 2], 0);
        for (one, other, base) in triples {
            if let (Some(one), Some(other), Some(base)) = (one, other, base) {
                (0..2).for_each(|end| sums[end] += one[end] + other[end] - base[end]);
                count += 1;
            }
        }
        // Rounded: ⌊(2 · 2 sum + count) / 2 count⌋.
        (count > 0).then(|| sums.map(|sum| (4 * sum + count).div_euclid(2 * count)))
    }

    /// The four contexts of a bit.
    fn contexts(&self, block: [usize; 3], ends: Option<[isize; 2]>) -> [usize; 4] {
        let [x, y, z] = block.map(|k| k as isize);
        let left = self.at(x - 1, y, z);
        let (below, behind) = (self.at(x, y - 1, z), self.at(x, y, z - 1));
        let near = left
            + 2 * below
            + 4 * behind
            + 8 * self.at(x + 1, y - 1, z)
            + 16 * self.at(x + 1, y, z - 1)
            + 32 * self.at(x, y + 1, z - 1);
        let counts = 8 * self.count_near(x, y, z) + self.count_far(x, y, z);
        let surface = match ends {
            Some(ends) => {
                // Inside a run, or behind it, the end matters; before it the beginning.
                let end = ends[usize::from(left + self.at(x - 2, y, z) > 0)];
                let distance = (2 * x - end).clamp(-MAX_DISTANCE, MAX_DISTANCE) + MAX_DISTANCE;
                left * (2 * MAX_DISTANCE as usize + 1) + distance as usize
            }
            None => SURFACE - 8 + left + 2 * below + 4 * behind,
        };
        let mirrors = 2 * self.mirrors(block) + left;
        [near, NEAR + counts, NEAR + COUNTS + surface, NEAR + COUNTS + SURFACE + mirrors]
    }

    /// Occupied blocks among the 13 neighbours that come before.
    fn count_near(&self, x: isize, y: isize, z: isize) -> usize {
        let row = |y, z| (x - 1..=x + 1).map(|x| self.at(x, y, z)).sum::<usize>();
        self.at(x - 1, y, z) + row(y - 1, z) + (y - 1..=y + 1).map(|y| row(y, z - 1)).sum::<usize>()
    }

    /// Occupied blocks among seven that come before and lie two blocks away.
    fn count_far(&self, x: isize, y: isize, z: isize) -> usize {
        [(-2, 0, 0), (0, -2, 0), (0, 0, -2), (1, 1, -2), (-1, -1, -2), (0, 2, -1), (2, 0, -1)]
            .iter()
            .map(|(dx, dy, dz)| self.at(x + dx, y + dy, z + dz))
            .sum()
    }

    /// Pattern of the mirror images that come before, out of 45.
    fn mirrors(&self, block: [usize; 3]) -> usize {
        let [x, y, z] = block.map(|k| k as isize);
        let image: [isize; 3] = std::array::from_fn(|axis| self.shape[axis] as isize - 1 - block[axis] as isize);
        let in_z = if z > image[2] { self.at(x, y, image[2]) + 2 * self.at(image[0], image[1], image[2]) } else { 4 };
        let in_y = if y > image[1] { self.at(x, image[1], z) } else { 2 };
        let in_x = if x > image[0] { self.at(image[0], y, z) } else { 2 };
        (in_z * 3 + in_y) * 3 + in_x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{for_cases, vector};
    use rand::Rng;

    fn round_trip(occupancy: &BlockOccupancy) -> usize {
        let bytes = occupancy.to_bytes().unwrap();
        assert_eq!(&BlockOccupancy::from_bytes(&bytes).unwrap(), occupancy);
        bytes.len()
    }

    fn body(shape: [usize; 3], width: usize, holds: impl Fn([f64; 3]) -> bool) -> BlockOccupancy {
        let mut occupancy = BlockOccupancy::empty(shape, width).unwrap();
        let [nbx, nby, _] = occupancy.block_shape();
        for (id, occupied) in occupancy.occupied.iter_mut().enumerate() {
            *occupied = holds([id % nbx, id / nbx % nby, id / nbx / nby].map(|k| k as f64));
        }
        occupancy
    }

    #[test]
    fn round_bodies_are_short() {
        let ball = |[x, y, z]: [f64; 3]| {
            (x - 9.3).powi(2) + (y - 10.8).powi(2) + 1.3 * (z - 8.1).powi(2) < 60.0 || (x - 16.0).hypot(y - 9.0) < 2.0
        };
        for (shape, width) in [([200; 3], 4), ([398, 400, 393], 8), ([75; 3], 1)] {
            let occupancy = body(shape, width, ball);
            assert!(occupancy.count() > 800);
            let bytes = round_trip(&occupancy);
            assert!(bytes <= 110, "{bytes} bytes for {} blocks", occupancy.count());
        }
        let [none, all] = [false, true].map(|holds| round_trip(&body([50, 47, 41], 4, |_| holds)));
        assert!(none <= 6 && all <= 24, "{none} and {all} bytes");
    }

    #[test]
    fn every_set_comes_back() {
        for_cases(300, |random| {
            let shape: [usize; 3] = [(); 3].map(|()| random.random_range(1..40));
            let width = random.random_range(1..10);
            let mut occupancy = BlockOccupancy::empty(shape, width).unwrap();
            let share = random.random_range(0.0..1.0_f64).powi(3);
            occupancy.occupied.iter_mut().for_each(|occupied| *occupied = random.random_bool(share));
            let bytes = round_trip(&occupancy);
            assert!(bytes <= 16 + occupancy.occupied.len() / 6, "{bytes} bytes for {occupancy:?}");
        });
    }

    #[test]
    fn hostile_bytes_are_refused_or_read_as_some_set() {
        for_cases(2000, |random| {
            let bytes = vector(random, 0..12, Rng::random::<u8>);
            if let Ok(occupancy) = BlockOccupancy::from_bytes(&bytes) {
                assert!(occupancy.occupied.len() <= MAX_BLOCKS && occupancy.width() >= 1);
            }
        });
        let large = BlockOccupancy::empty([1 << 20, 1 << 10, 1], 4).unwrap();
        assert!(large.to_bytes().unwrap_err().to_string().contains("at most 16777216"));
    }
}
