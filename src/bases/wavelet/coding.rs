//! Rounded coefficients in a stream: what their neighbours, parents and siblings say of them.
//!
//! Bands follow one another from the coarsest to the finest, each in blocks of 4³ of which the empty ones cost one bit.
//! What is expected of a coefficient is learnt under four aspects and mixed: how large those beside it are that are
//! known already, how large the parent (the same kind and place, one level coarser) and the siblings (the other kinds of
//! its level, same place), all of these together, and each direction by itself. Context modelling of wavelet coefficients
//! after Wu 1997 (ECECOW, Asilomar Conf. Signals Syst. Comput.); zero blocks and parents after Shapiro 1993 (IEEE Trans.
//! Signal Process. 41, 3445).

use super::transform::{Band, Layout};
use crate::coding::{Coder, Integers, Mixing, multiple};
use crate::error::Result;

/// Where the numbers come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    /// The stream.
    Read,
    /// Coefficients, each to be rounded to the nearest multiple of `step`.
    Nearest { array: &'a [f64], step: f64 },
    /// Coefficients, each to be rounded as the sum of squared errors and the bits, at [`BIT`] each, have it.
    Cheapest { array: &'a [f64], step: f64 },
}

/// What a bit is worth, as a squared error in squared steps: near 6 dB of error a bit, which is ln 2 / 6, and less
/// because zeros make what follows cheaper to expect and dearer when it comes.
const BIT: f64 = 0.085;

/// Cells of a block along each axis.
const BLOCK: usize = 4;
/// Magnitudes told one by one before their digits are counted.
const UNARY: u64 = 8;
/// Cells of margin around a band.
const MARGIN: usize = 2;

/// Multiples of the step, in the order of the layout.
pub(super) fn code(layout: &Layout, values: Values<'_>, coder: &mut Coder<'_>) -> Result<Vec<i64>> {
    let bands = layout.bands();
    let mut multiples = vec![0; layout.len()];
    let mut models = Models::new();
    let mut known: Vec<Known> = Vec::with_capacity(bands.len());
    for band in &bands {
        let first = bands.iter().position(|other| other.rank == band.rank).unwrap_or(0);
        let parent =
            bands.iter().position(|other| other.rank > 0 && other.rank + 1 == band.rank && other.kind == band.kind);
        let near = Near { parent: parent.map(|k| &known[k]), siblings: &known[first..] };
        let now = models.band(band, values.of(band), &near, coder, &mut multiples[band.begin..][..band.len()])?;
        known.push(now);
    }
    Ok(multiples)
}

/// About the error that [`Values::Cheapest`] makes: what is below its threshold is lost, the rest is spread evenly.
pub(super) fn rounding_error(amplitudes: &[f64], step: f64) -> f64 {
    const THRESHOLD: f64 = 0.7 * 0.7;
    const SPREAD: f64 = 0.1;
    let inverse = step.recip();
    let error = |amplitude: &f64| {
        let square = (amplitude * inverse) * (amplitude * inverse);
        if square < THRESHOLD { square } else { SPREAD }
    };
    // Several sums side by side, so that they become vector instructions.
    let mut sums = [0.0; 8];
    for amplitudes in amplitudes.chunks(8) {
        sums.iter_mut().zip(amplitudes).for_each(|(sum, amplitude)| *sum += error(amplitude));
    }
    step * sums.iter().sum::<f64>().sqrt()
}

impl<'a> Values<'a> {
    fn of(self, band: &Band) -> Self {
        let part = |array: &'a [f64]| &array[band.begin..band.begin + band.len()];
        match self {
            Self::Read => Self::Read,
            Self::Nearest { array, step } => Self::Nearest { array: part(array), step },
            Self::Cheapest { array, step } => Self::Cheapest { array: part(array), step },
        }
    }

    /// In steps.
    fn at(self, index: usize) -> f64 {
        match self {
            Self::Read => 0.0,
            Self::Nearest { array, step } | Self::Cheapest { array, step } => array[index] / step,
        }
    }

    /// Whether any of a block might not be rounded to zero: most blocks end here.
    fn any_large(self, low: [usize; 3], high: [usize; 3], index: &impl Fn([usize; 3]) -> usize) -> bool {
        let (Self::Nearest { array, step } | Self::Cheapest { array, step }) = self else { return false };
        let least = 0.499 * step;
        (low[0]..high[0]).any(|x| {
            (low[1]..high[1]).any(|y| {
                let begin = index([x, y, low[2]]);
                array[begin..begin + high[2] - low[2]].iter().any(|value| value.abs() >= least)
            })
        })
    }

    fn nearest(self, index: usize) -> i64 {
        match self {
            Self::Read => 0,
            Self::Nearest { array, step } | Self::Cheapest { array, step } => multiple(array[index], step),
        }
    }
}

/// Magnitudes and signs of a band, zeros around them.
struct Known {
    strides: [usize; 3],
    sizes: Vec<u16>,
    signs: Vec<i8>,
    /// Sums of the sizes of each block, and their strides.
    blocks: Vec<u32>,
    block_strides: [usize; 3],
}

struct Near<'a> {
    parent: Option<&'a Known>,
    siblings: &'a [Known],
}

impl Known {
    fn new(shape: [usize; 3]) -> Self {
        let [nx, ny, nz] = shape.map(|n| n + 2 * MARGIN);
        // A margin of one block on each side.
        let [bx, by, bz] = shape.map(|n| n.div_ceil(BLOCK) + 2);
        Self {
            strides: [ny * nz, nz, 1],
            sizes: vec![0; nx * ny * nz],
            signs: vec![0; nx * ny * nz],
            blocks: vec![0; bx * by * bz],
            block_strides: [by * bz, bz, 1],
        }
    }

    #[inline]
    fn place(&self, [x, y, z]: [usize; 3]) -> usize {
        let [sx, sy, _] = self.strides;
        (x + MARGIN) * sx + (y + MARGIN) * sy + z + MARGIN
    }

    fn block(&self, [x, y, z]: [usize; 3]) -> usize {
        let [sx, sy, _] = self.block_strides;
        (x + 1) * sx + (y + 1) * sy + z + 1
    }

    /// The size at a place, nothing beyond the margin.
    #[inline]
    fn size(&self, place: usize) -> u32 {
        self.sizes.get(place).map_or(0, |&size| u32::from(size))
    }

    #[inline]
    fn sign(&self, place: usize) -> usize {
        (1 + self.signs.get(place).copied().unwrap_or(0)) as usize
    }

    /// The six beside a place.
    #[inline]
    fn six(&self, place: usize) -> u32 {
        self.strides.iter().map(|&s| self.size(place - s) + self.size(place + s)).sum()
    }
}

struct Models {
    sizes: Mixing<4>,
    signs: Mixing<4>,
    blocks: Mixing<3>,
    /// Magnitudes beyond the unary ones, by how large they are expected to be.
    large: Vec<Integers>,
}

/// Contexts of one bit of a magnitude, one aspect after another.
const SPATIAL: usize = 20 * 4;
const FAMILY: usize = 20 * 20 * 2;
const TOGETHER: usize = 48 * 8;
const DIRECTIONS: usize = 6 * 6 * 6 * 8;
const ASPECTS: usize = SPATIAL + FAMILY + TOGETHER + DIRECTIONS;
/// Bits of a magnitude with contexts of their own.
const BITS: usize = 5;
const SETS: usize = 20;

/// What is known about a coefficient before it is coded.
struct Context {
    aspects: [usize; 4],
    /// How large it is likely to be.
    expected: usize,
}

impl Models {
    fn new() -> Self {
        Self {
            sizes: Mixing::new(BITS * ASPECTS, BITS * SETS),
            signs: Mixing::new(27 * 8 * (1 + 3 + 1 + 27), 1),
            blocks: Mixing::new(20 * 8 + 20 * 20 + 32 * 4, 4),
            large: vec![Integers::default(); SETS],
        }
    }

    fn band(
        &mut self,
        band: &Band,
        values: Values<'_>,
        near: &Near<'_>,
        coder: &mut Coder<'_>,
        multiples: &mut [i64],
    ) -> Result<Known> {
        let mut known = Known::new(band.shape);
        let [_, ny, nz] = band.shape;
        let counts = band.shape.map(|n| n.div_ceil(BLOCK));
        for block in places([0; 3], counts) {
            let low = block.map(|b| b * BLOCK);
            let high = std::array::from_fn(|axis| (low[axis] + BLOCK).min(band.shape[axis]));
            let index = |[x, y, z]: [usize; 3]| (x * ny + y) * nz + z;
            if !self.occupied(band, values, near, coder, &known, block, [low, high], index) {
                continue;
            }
            for cell in places(low, high) {
                let value = self.cell(band, values, near, coder, &known, cell, index(cell))?;
                multiples[index(cell)] = value;
                if value != 0 {
                    let (place, block) = (known.place(cell), known.block(block));
                    let size = value.unsigned_abs().min(1000);
                    known.sizes[place] = size as u16;
                    known.signs[place] = value.signum() as i8;
                    known.blocks[block] += size as u32;
                }
            }
        }
        Ok(known)
    }

    /// Whether there is anything in a block.
    #[allow(clippy::too_many_arguments)]
    fn occupied(
        &mut self,
        band: &Band,
        values: Values<'_>,
        near: &Near<'_>,
        coder: &mut Coder<'_>,
        known: &Known,
        block: [usize; 3],
        [low, high]: [[usize; 3]; 2],
        index: impl Fn([usize; 3]) -> usize,
    ) -> bool {
        let here = known.block(block);
        let beside = known.block_strides.map(|s| known.blocks[here - s]);
        let around = beside.iter().sum::<u32>();
        let siblings: u32 =
            near.siblings.iter().map(|sibling| sibling.blocks.get(sibling.block(block)).copied().unwrap_or(0)).sum();
        let above: u32 = near.parent.map_or(0, |parent| {
            let low = low.map(|n| (n / 2).saturating_sub(1));
            let high = high.map(|n| n.div_ceil(2) + 1);
            places(low, high).map(|cell| parent.size(parent.place(cell))).sum()
        });
        let orders = band.kind.count_ones() as usize;
        let bits = beside.iter().fold(0, |bits, &sum| 2 * bits + usize::from(sum > 0));
        let bits = 4 * bits + 2 * usize::from(siblings > 0) + usize::from(above > 0);
        let contexts = [
            class(around) * 8 + band.rank.min(7),
            160 + class(above) * 20 + class(siblings),
            160 + 400 + bits * 4 + orders,
        ];
        let expected = self.blocks.expect(contexts, orders);
        let occupied = match values {
            Values::Read => false,
            _ if !values.any_large(low, high, &index) => false,
            Values::Nearest { .. } => places(low, high).any(|cell| values.nearest(index(cell)) != 0),
            Values::Cheapest { .. } => {
                // What the block would mend, against its bit and some for each number in it.
                let (mut mended, mut count) = (0.0, 0);
                for cell in places(low, high) {
                    let size = values.at(index(cell)).abs();
                    if size > 0.5 {
                        let left = size - size.round();
                        mended += size * size - left * left;
                        count += 1;
                    }
                }
                let bits = f64::from(expected.cost(true)) / 256.0 - f64::from(expected.cost(false)) / 256.0;
                count > 0 && mended > BIT * (bits + 5.0 * f64::from(count))
            }
        };
        coder.mixed(&mut self.blocks, &expected, occupied)
    }

    #[allow(clippy::too_many_arguments)]
    fn cell(
        &mut self,
        band: &Band,
        values: Values<'_>,
        near: &Near<'_>,
        coder: &mut Coder<'_>,
        known: &Known,
        cell: [usize; 3],
        index: usize,
    ) -> Result<i64> {
        let context = Context::new(band, near, known, cell);
        let wanted = match values {
            Values::Read => 0,
            Values::Nearest { .. } => values.nearest(index),
            Values::Cheapest { .. } => self.cheapest(values.at(index), values.nearest(index), &context),
        };
        let size = wanted.unsigned_abs();
        for told in 0..UNARY {
            let expected = self.sizes.expect(context.contexts(told), context.set(told));
            if coder.mixed(&mut self.sizes, &expected, size == told) {
                if told == 0 {
                    return Ok(0);
                }
                return Ok(self.signed(told as i64, wanted < 0, band, near, coder, known, cell));
            }
        }
        let beyond = coder.positive(&mut self.large[context.expected], size.saturating_sub(UNARY - 1))?;
        Ok(self.signed(beyond + UNARY as i64 - 1, wanted < 0, band, near, coder, known, cell))
    }

    #[allow(clippy::too_many_arguments)]
    fn signed(
        &mut self,
        size: i64,
        negative: bool,
        band: &Band,
        near: &Near<'_>,
        coder: &mut Coder<'_>,
        known: &Known,
        cell: [usize; 3],
    ) -> i64 {
        let [sx, sy, sz] = known.strides;
        let place = known.place(cell);
        let three = |a: usize, b: usize, c: usize| {
            (known.sign(place - a) * 3 + known.sign(place - b)) * 3 + known.sign(place - c)
        };
        let (beside, diagonal, second) =
            (three(sx, sy, sz), three(sx + sy, sx + sz, sy + sz), three(2 * sx, 2 * sy, 2 * sz));
        let parent = near.parent.map_or(1, |parent| parent.sign(parent.place(cell.map(|n| n / 2))));
        let corner = cell.iter().fold(0, |corner, n| 2 * corner + n % 2);
        let contexts = [
            beside * 8 + band.kind,
            27 * 8 + (parent * 8 + corner) * 8 + band.kind,
            27 * 8 * 4 + diagonal * 8 + band.kind,
            27 * 8 * 5 + (second * 27 + beside) * 8 + band.kind,
        ];
        let expected = self.signs.expect(contexts, 0);
        if coder.mixed(&mut self.signs, &expected, negative) { -size } else { size }
    }

    /// The multiple next to a value in steps, the one below it, or zero.
    fn cheapest(&self, value: f64, nearest: i64, context: &Context) -> i64 {
        let size = nearest.unsigned_abs();
        if size == 0 || size > 2 * UNARY {
            return nearest;
        }
        let bits = |size: u64| {
            let mut cost = if size > 0 { 256 } else { 0 };
            for told in 0..UNARY.min(size + 1) {
                cost += self.sizes.expect(context.contexts(told), context.set(told)).cost(told == size);
            }
            // About the length of its code.
            cost + if size >= UNARY { 256 * (1 + 2 * (size - UNARY + 1).ilog2()) } else { 0 }
        };
        let total = |size: u64| (value.abs() - size as f64).powi(2) + BIT / 256.0 * f64::from(bits(size));
        let mut best = (size, total(size));
        for other in [size - 1, 0] {
            let cost = total(other);
            if cost < best.1 {
                best = (other, cost);
            }
        }
        best.0 as i64 * nearest.signum()
    }
}

impl Context {
    fn new(band: &Band, near: &Near<'_>, known: &Known, cell: [usize; 3]) -> Self {
        let place = known.place(cell);
        let [sx, sy, sz] = known.strides;
        let at = |place: usize| u32::from(known.sizes[place]);
        let beside = [at(place - sx), at(place - sy), at(place - sz)];
        let edges = at(place - sx - sy)
            + at(place - sx - sz)
            + at(place - sy - sz)
            + at(place - sx + sy)
            + at(place - sx + sz)
            + at(place - sy + sz);
        let corners =
            at(place - sx - sy - sz) + at(place - sx - sy + sz) + at(place - sx + sy - sz) + at(place - sx + sy + sz);
        let second = at(place - 2 * sx) + at(place - 2 * sy) + at(place - 2 * sz);
        let spatial = 3 * beside.iter().sum::<u32>() + 2 * edges + corners + second;
        let parent = near.parent.map_or(0, |parent| {
            let place = parent.place(cell.map(|n| n / 2));
            parent.size(place) + parent.six(place).div_ceil(2)
        });
        let siblings: u32 = near
            .siblings
            .iter()
            .map(|sibling| {
                let place = sibling.place(cell);
                4 * sibling.size(place) + sibling.six(place)
            })
            .sum();
        let siblings = siblings / (1 + near.siblings.len() as u32 / 2);
        let total = 2 * spatial + 3 * parent + 2 * siblings;
        let orders = band.kind.count_ones() as usize;
        let directions = beside.iter().fold(0, |all, &size| all * 6 + (class(size) / 2).min(5));
        let aspects = [
            class(spatial.div_ceil(2)) * 4 + orders,
            SPATIAL + (class(parent) * 20 + class(siblings.div_ceil(2))) * 2 + usize::from(orders == 3),
            SPATIAL + FAMILY + fine_class(total) * 8 + band.rank.min(7),
            SPATIAL + FAMILY + TOGETHER + directions * 8 + band.kind,
        ];
        Self { aspects, expected: class(total / 4) }
    }

    #[inline]
    fn contexts(&self, told: u64) -> [usize; 4] {
        self.aspects.map(|aspect| (told as usize).min(BITS - 1) * ASPECTS + aspect)
    }

    #[inline]
    fn set(&self, told: u64) -> usize {
        (told as usize).min(BITS - 1) * SETS + self.expected
    }
}

/// 20 classes of sums, two an octave.
#[inline]
fn class(sum: u32) -> usize {
    if sum < 4 {
        return sum as usize;
    }
    let octave = sum.ilog2();
    ((2 * octave + (sum >> (octave - 1) & 1)) as usize).min(19)
}

/// 48 classes, four an octave.
#[inline]
fn fine_class(sum: u32) -> usize {
    if sum < 8 {
        return sum as usize;
    }
    let octave = sum.ilog2();
    ((4 * octave + (sum >> (octave - 2) & 3)) as usize - 4).min(47)
}

/// The cells of a box in C order.
fn places(low: [usize; 3], high: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (low[0]..high[0]).flat_map(move |x| (low[1]..high[1]).flat_map(move |y| (low[2]..high[2]).map(move |z| [x, y, z])))
}

#[cfg(test)]
mod tests {
    use super::super::Boundary;
    use super::*;
    use proptest::prelude::*;

    fn layouts() -> Vec<Layout> {
        let shapes = [[1, 1, 1], [1, 1, 31], [2, 3, 5], [16, 8, 4], [9, 1, 13], [3, 17, 2], [13, 14, 15]];
        let of = |shape| {
            [(Boundary::Periodic, 2), (Boundary::Symmetric, 6), (Boundary::WholeSample, 10)]
                .map(|(boundary, taps)| Layout::new(shape, 2, boundary, taps))
        };
        shapes.into_iter().flat_map(of).chain([Layout::new([7, 8, 9], 0, Boundary::Periodic, 2)]).collect()
    }

    /// Sparse numbers of every size, in steps of a quarter.
    fn numbers(len: usize, spread: f64) -> Vec<f64> {
        let noise = |k: usize| ((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
        (0..len).map(|k| (noise(k) - 0.5).powi(7) * spread * noise(2 * k).powi(9)).collect()
    }

    #[test]
    fn what_is_written_is_read_at_every_size() {
        for layout in layouts() {
            for spread in [0.0, 10.0, 1e4, 1e12, 1e300] {
                let array = numbers(layout.len(), spread);
                let mut writer = Coder::writing();
                let written = code(&layout, Values::Nearest { array: &array, step: 0.25 }, &mut writer).unwrap();
                assert!(written.iter().zip(&array).all(|(m, value)| *m == multiple(*value, 0.25)));
                let read = code(&layout, Values::Read, &mut Coder::reading(&writer.finish())).unwrap();
                assert_eq!(read, written);
            }
        }
    }

    #[test]
    fn the_cheapest_is_no_larger_than_the_nearest_and_costs_less() {
        let layout = Layout::new([24, 25, 26], 2, Boundary::WholeSample, 10);
        let array = numbers(layout.len(), 2e4);
        let coded = |values| {
            let mut writer = Coder::writing();
            let multiples = code(&layout, values, &mut writer).unwrap();
            let error: f64 = multiples.iter().zip(&array).map(|(&m, value)| (m as f64 - value).powi(2)).sum();
            (multiples, error, writer.finish().len() as f64 * 8.0)
        };
        let (nearest, least, most) = coded(Values::Nearest { array: &array, step: 1.0 });
        let (cheapest, error, bits) = coded(Values::Cheapest { array: &array, step: 1.0 });
        assert!(cheapest.iter().zip(&nearest).all(|(c, n)| c.abs() <= n.abs() && c * n >= 0));
        assert!(error >= least && bits < most && error + BIT * bits < least + BIT * most);
        assert!((rounding_error(&array, 1.0) / error.sqrt() - 1.0).abs() < 0.25);
    }

    #[test]
    fn nothing_costs_next_to_nothing() {
        let layout = Layout::new([50; 3], 2, Boundary::WholeSample, 10);
        let mut writer = Coder::writing();
        code(&layout, Values::Nearest { array: &vec![0.0; layout.len()], step: 1.0 }, &mut writer).unwrap();
        let len = writer.finish().len();
        assert!(len < 16, "{len}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn rubbish_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            for layout in layouts() {
                if let Ok(multiples) = code(&layout, Values::Read, &mut Coder::reading(&bytes)) {
                    prop_assert_eq!(multiples.len(), layout.len());
                }
            }
        }
    }
}
