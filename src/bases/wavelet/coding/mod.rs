//! Entropy coding of rounded coefficients, with contexts from their neighbours, parents and siblings.
//!
//! Bands follow one another from the coarsest to the finest, each in blocks of 4³, of which an empty one costs one bit.
//! Each bit of a magnitude is predicted by four contexts, whose predictions are mixed: the magnitudes of the neighbours
//! coded before, those of the parent (the same kind and place, one level coarser) and of the siblings (the other kinds of
//! its level, same place), all of these together, and each direction by itself. Context modelling of wavelet coefficients
//! after Wu 1997 (ECECOW, Asilomar Conf. Signals Syst. Comput.); zero blocks and parents after Shapiro 1993 (IEEE Trans.
//! Signal Process. 41, 3445).

mod neighbourhood;

use super::levels::Axes;
use super::transform::{Band, Layout, most_levels};
use crate::coding::{
    CLASSES, Coder, FINE_CLASSES, Magnitudes, Mixing, Surroundings, class, fine_class, malformed, places,
};
use crate::error::Result;
use neighbourhood::{BLOCK, Neighbourhood, Sizes};

/// Codes the axes that take part in each level, from the finest to the coarsest; mostly all that can be halved further, or
/// those of the level before.
///
/// # Errors
/// [`Error::MalformedStream`](crate::Error::MalformedStream) for a level without axes, or an axis halved too often.
pub(super) fn code_levels(shape: [usize; 3], levels: &mut Vec<Axes>, coder: &mut Coder<'_>) -> Result<()> {
    let given = std::mem::take(levels);
    let mut left = shape.map(most_levels);
    let mut last = [true; 3];
    loop {
        let wanted = given.get(levels.len()).copied();
        if left == [0; 3] || coder.bits(u64::from(wanted.is_some()), 1) == 0 {
            return Ok(());
        }
        let possible: Axes = std::array::from_fn(|axis| last[axis] && left[axis] > 0);
        let wanted = wanted.unwrap_or(possible);
        let axes = if possible == [false; 3] || coder.rarely(wanted != possible) {
            let mask = coder.bits(wanted.iter().fold(0, |mask, &axis| 2 * mask + u64::from(axis)), 3);
            [4, 2, 1].map(|digit| mask & digit != 0)
        } else {
            possible
        };
        if axes == [false; 3] || (0..3).any(|axis| axes[axis] && left[axis] == 0) {
            return Err(malformed("a level of wavelets along an axis that cannot be halved"));
        }
        (0..3).for_each(|axis| left[axis] -= usize::from(axes[axis]));
        levels.push(axes);
        last = axes;
    }
}

/// Positions in a layout, ascending, and the multiples of the step there, none of them zero.
pub(super) type Multiples = Vec<(u32, i64)>;

/// Writes multiples, or reads them.
pub(super) fn code(layout: &Layout, multiples: &mut Multiples, coder: &mut Coder<'_>) -> Result<()> {
    if coder.is_reading() {
        multiples.clear();
    }
    coder.learnt(0, Models::new, |coder, models| models.bands(&layout.bands(), multiples, coder))
}

/// The multiples of one band as a dense array: those to be written, or those read so far.
#[derive(Default)]
struct Cells {
    values: Vec<i64>,
    occupied: Vec<bool>,
}

impl Cells {
    fn begin(&mut self, band: &Band, given: &[(u32, i64)]) {
        let counts = band.shape.map(|n| n.div_ceil(BLOCK));
        self.values.clear();
        self.values.resize(band.len(), 0);
        self.occupied.clear();
        self.occupied.resize(counts.iter().product(), false);
        let from = |position: usize| given.partition_point(|(p, _)| (*p as usize) < position);
        let [_, ny, nz] = band.shape;
        for &(position, multiple) in &given[from(band.begin)..from(band.begin + band.len())] {
            let index = position as usize - band.begin;
            self.values[index] = multiple;
            let [x, y, z] = [index / nz / ny, index / nz % ny, index % nz].map(|n| n / BLOCK);
            self.occupied[(x * counts[1] + y) * counts[2] + z] = true;
        }
    }

    /// Appends the multiples that are not zero. Most chunks are zero throughout, which one vector instruction finds out.
    fn append_to(&self, multiples: &mut Multiples, begin: usize) {
        const WIDTH: usize = 8;
        for (chunk, start) in self.values.chunks(WIDTH).zip((begin..).step_by(WIDTH)) {
            if chunk.iter().fold(0, |any, value| any | value) != 0 {
                let found = chunk.iter().zip(start as u32..).filter(|(value, _)| **value != 0);
                multiples.extend(found.map(|(value, position)| (position, *value)));
            }
        }
    }
}

#[derive(Clone)]
struct Models {
    sizes: Magnitudes<4>,
    signs: Mixing<4>,
    blocks: Mixing<3>,
}

/// Numbers of contexts of a magnitude under each aspect, as [`surroundings`] counts them: neighbours × number of axes along
/// which the band is high, parent × siblings × whether it is high along all axes, all together × level, and the three nearest
/// neighbours by direction × kind.
const SPATIAL: usize = CLASSES * 4;
const FAMILY: usize = CLASSES * CLASSES * 2;
const TOGETHER: usize = FINE_CLASSES * 8;
const DIRECTIONS: usize = 6 * 6 * 6 * 8;
const ASPECTS: usize = SPATIAL + FAMILY + TOGETHER + DIRECTIONS;

impl Models {
    fn new() -> Self {
        Self {
            sizes: Magnitudes::new(ASPECTS),
            // Contexts as `negative` and `occupied` number them.
            signs: Mixing::new(27 * 8 * (1 + 3 + 1 + 27), 1),
            blocks: Mixing::new(CLASSES * 8 + CLASSES * CLASSES + 32 * 4, 4),
        }
    }

    /// All bands, from the coarsest to the finest.
    fn bands(&mut self, bands: &[Band], multiples: &mut Multiples, coder: &mut Coder<'_>) -> Result<()> {
        let mut near = Neighbourhood::default();
        let mut cells = Cells::default();
        for (index, band) in bands.iter().enumerate() {
            if index == 0 || bands[index - 1].rank < band.rank {
                let level = bands.iter().filter(|other| other.rank == band.rank);
                let larger =
                    |extent: [usize; 3], other: &Band| std::array::from_fn(|axis| extent[axis].max(other.shape[axis]));
                near.begin_level(band.rank, level.fold([0; 3], larger));
            }
            near.begin(band);
            // A reader has the multiples of earlier bands only, and begins this one with zeros.
            cells.begin(band, multiples);
            self.band(band, &mut cells, &mut near, coder)?;
            if coder.is_reading() {
                cells.append_to(multiples, band.begin);
            }
            near.end(band.kind);
        }
        Ok(())
    }

    /// A band, block by block.
    fn band(&mut self, band: &Band, cells: &mut Cells, near: &mut Neighbourhood, coder: &mut Coder<'_>) -> Result<()> {
        let [_, ny, nz] = band.shape;
        let counts = band.shape.map(|n| n.div_ceil(BLOCK));
        for (index, block) in places([0; 3], counts).enumerate() {
            if !self.occupied(band, block, cells.occupied[index], near, coder) {
                continue;
            }
            let low = block.map(|b| b * BLOCK);
            let [x_end, y_end, z_end] = std::array::from_fn(|axis| (low[axis] + BLOCK).min(band.shape[axis]));
            for x in low[0]..x_end {
                for y in low[1]..y_end {
                    for z in low[2]..z_end {
                        let index = (x * ny + y) * nz + z;
                        let value = self.cell(band, [x, y, z], cells.values[index], near, coder)?;
                        if value != 0 {
                            near.learn([x, y, z], value);
                            cells.values[index] = value;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Codes whether a block has a coefficient that is not zero.
    fn occupied(
        &mut self,
        band: &Band,
        block: [usize; 3],
        occupied: bool,
        near: &Neighbourhood,
        coder: &mut Coder<'_>,
    ) -> bool {
        let sums = near.sums(block);
        let around = sums.beside.iter().sum::<u32>();
        let orders = band.kind.count_ones() as usize;
        let bits = sums.beside.iter().fold(0, |bits, &sum| 2 * bits + usize::from(sum > 0));
        let bits = 4 * bits + 2 * usize::from(sums.siblings > 0) + usize::from(sums.above > 0);
        // Three contexts: the sum of magnitudes in the three blocks before × the level; the sums in the blocks of the
        // parent × of the siblings; and which of these five sums are not zero × the number of axes along which the band
        // is high.
        let contexts = [
            class(around) * 8 + band.rank.min(7),
            CLASSES * 8 + class(sums.above) * CLASSES + class(sums.siblings),
            CLASSES * 8 + CLASSES * CLASSES + bits * 4 + orders,
        ];
        let expected = self.blocks.expect(contexts, orders);
        coder.mixed(&mut self.blocks, &expected, occupied)
    }

    #[inline(always)]
    fn cell(
        &mut self,
        band: &Band,
        cell: [usize; 3],
        wanted: i64,
        near: &Neighbourhood,
        coder: &mut Coder<'_>,
    ) -> Result<i64> {
        let size = self.sizes.code(&surroundings(band, near.sizes(cell)), wanted.unsigned_abs(), coder)? as i64;
        if size == 0 {
            return Ok(0);
        }
        Ok(if self.negative(band, cell, wanted < 0, near, coder) { -size } else { size })
    }

    fn negative(
        &mut self,
        band: &Band,
        cell: [usize; 3],
        negative: bool,
        near: &Neighbourhood,
        coder: &mut Coder<'_>,
    ) -> bool {
        let signs = near.signs(cell);
        // Number of this place among the eight children of its parent, whose wavelet changes sign between them.
        let corner =
            cell.iter().zip(band.halved).fold(0, |corner, (n, halved)| 2 * corner + n % 2 * usize::from(halved));
        // Four contexts, each × the kind of the band: the signs of the three nearest neighbours; the parent's sign and the
        // corner under it; the signs of the three diagonal neighbours; and those two steps away with those one step away.
        let contexts = [
            signs.beside * 8 + band.kind,
            27 * 8 + (signs.parent * 8 + corner) * 8 + band.kind,
            27 * 8 * 4 + signs.diagonal * 8 + band.kind,
            27 * 8 * 5 + (signs.second * 27 + signs.beside) * 8 + band.kind,
        ];
        let expected = self.signs.expect(contexts, 0);
        coder.mixed(&mut self.signs, &expected, negative)
    }
}

/// The contexts of a magnitude, and the magnitude that is expected.
#[inline]
fn surroundings(band: &Band, Sizes { beside, spatial, parent, siblings }: Sizes) -> Surroundings<4> {
    // Weights by how much each says of the magnitude, chosen by the length of streams over all test data.
    let total = 2 * spatial + 3 * parent + 2 * siblings;
    let orders = band.kind.count_ones() as usize;
    let [x, y, z] = beside;
    let directions = (x * 6 + y) * 6 + z;
    let aspects = [
        class(spatial.div_ceil(2)) * 4 + orders,
        SPATIAL + (class(parent) * CLASSES + class(siblings.div_ceil(2))) * 2 + usize::from(orders == 3),
        SPATIAL + FAMILY + fine_class(total) * 8 + band.rank.min(7),
        SPATIAL + FAMILY + TOGETHER + directions * 8 + band.kind,
    ];
    Surroundings { aspects, expected: class(total / 4) }
}

#[cfg(test)]
mod tests {
    use super::super::Boundary;
    use super::*;
    use crate::testing::{for_cases, vector};
    use rand::Rng;

    fn layouts() -> Vec<Layout> {
        let shapes = [[1, 1, 1], [1, 1, 31], [2, 3, 5], [16, 8, 4], [9, 1, 13], [3, 17, 2], [13, 14, 15]];
        let of = |shape| {
            [(Boundary::Periodic, 2), (Boundary::Symmetric, 6), (Boundary::WholeSample, 10)]
                .map(|(boundary, taps)| Layout::new(shape, 2, boundary, taps))
        };
        shapes.into_iter().flat_map(of).chain([Layout::new([7, 8, 9], 0, Boundary::Periodic, 2)]).collect()
    }

    /// Sparse numbers of every size.
    fn numbers(len: usize, spread: f64) -> Multiples {
        let noise = |k: usize| ((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
        let number = |k: usize| ((noise(k) - 0.5).powi(7) * spread * noise(2 * k).powi(9)).clamp(-4e18, 4e18) as i64;
        (0..len).map(|k| (k as u32, number(k))).filter(|(_, number)| *number != 0).collect()
    }

    #[test]
    fn what_is_written_is_read_at_every_size() {
        for layout in layouts() {
            for spread in [0.0, 40.0, 4e4, 4e12, 1e300] {
                let given = numbers(layout.len(), spread);
                let (mut writer, mut written) = (Coder::writing(), given.clone());
                code(&layout, &mut written, &mut writer).unwrap();
                assert_eq!(written, given);
                // A reader ignores the multiples that it is handed.
                let mut read = vec![(0, 7)];
                code(&layout, &mut read, &mut Coder::reading(&writer.finish())).unwrap();
                assert_eq!(read, written);
            }
        }
    }

    #[test]
    fn nothing_costs_next_to_nothing() {
        let layout = Layout::new([50; 3], 2, Boundary::WholeSample, 10);
        let mut writer = Coder::writing();
        code(&layout, &mut Vec::new(), &mut writer).unwrap();
        let len = writer.finish().len();
        assert!(len < 16, "{len}");
    }

    #[test]
    fn rubbish_is_read_without_a_panic() {
        for_cases(64, |random| {
            let bytes = vector(random, 0..400, Rng::random::<u8>);
            for layout in layouts() {
                let mut multiples = Multiples::new();
                if code(&layout, &mut multiples, &mut Coder::reading(&bytes)).is_ok() {
                    assert!(multiples.windows(2).all(|pair| pair[0].0 < pair[1].0));
                    assert!(multiples.iter().all(|(position, _)| (*position as usize) < layout.len()));
                }
            }
        });
    }
}
