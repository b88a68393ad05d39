//! Coding of the quantised coefficients of product functions, numbered by degree along three axes, in one block or
//! many.
//!
//! Coefficients come in tiles of 4³ degrees. An empty tile costs one bit. The magnitude of a coefficient is coded with
//! five contexts, whose probabilities are mixed: (1) magnitudes one degree lower; (2) those two degrees lower, of the
//! same parity; (3) those of the same degrees in the previous blocks; (4) those of each direction separately; (5) a
//! weighted sum of all. Contexts of a sign are the signs one and two degrees lower along each axis: of a population
//! displaced from the origin, the signs alternate with the degree in the same pattern everywhere.

use super::amplitudes::Kept;
use super::classes::{CLASSES, class, places};
use super::coder::Coder;
use super::logistic::Mixing;
use super::magnitudes::{Magnitudes, Surroundings, UNARY};
use super::numbers::{NEAR_MULTIPLE, multiple};
use crate::error::Result;

/// Shape of an array of coefficients: blocks along each axis, and degrees of each block. Along each axis the array has
/// the degrees of the first block, then those of the second, and so on, in C order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spectrum<'a> {
    pub(crate) blocks: [usize; 3],
    pub(crate) degrees: [usize; 3],
    /// Mask of positions that may differ from zero; all of them if `None`.
    pub(crate) held: Option<&'a [bool]>,
}

/// Choice of the multiple of a step that represents a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// The nearest multiple.
    Nearest,
    /// Rate-distortion optimisation: the multiple with the smallest (squared error + λ · bits), λ = [`LAMBDA`]. A
    /// number that is a multiple already is not changed.
    Cheapest,
}

/// Lagrange multiplier λ: squared error, in squared steps, per bit. At high rate D = s²/12 and one bit per number
/// halves s, so that −dD/dR = 2 ln 2 · D = ln 2 / 6 = 0.116 squared steps; at the low rates of most numbers it is a
/// little less.
const LAMBDA: f64 = 0.1;
/// Estimated bits of a nonzero number in an empty surrounding: its magnitude, its sign, and the zeros beside it.
const BITS_PER_NUMBER: f64 = 5.0;
/// Degrees of a tile along each axis.
const TILE: usize = 4;
/// Degrees with sign contexts of their own; higher ones share the last.
const DEGREES: usize = 64;

impl Coder<'_> {
    /// Codes amplitudes rounded to multiples of `step`; returns those that are not zero. A reading coder ignores the
    /// array.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream).
    pub(crate) fn spectrum(
        &mut self,
        spectrum: Spectrum<'_>,
        array: &[f64],
        step: f64,
        rounding: Rounding,
    ) -> Result<Kept> {
        let multiples = self.multiples(spectrum, array, step, rounding)?;
        let found = multiples.iter().zip(0..).filter(|(multiple, _)| **multiple != 0);
        let (amplitudes, positions) = found.map(|(&multiple, position)| (multiple as f64 * step, position)).unzip();
        Ok((Some(positions), amplitudes))
    }

    fn multiples(&mut self, spectrum: Spectrum<'_>, array: &[f64], step: f64, rounding: Rounding) -> Result<Vec<i64>> {
        let tiles = spectrum.degrees.map(|degrees| degrees.div_ceil(TILE));
        let given = (!self.is_reading()).then_some((array, step));
        let mut models = Models::new(spectrum, given, rounding, tiles);
        for block in places([0; 3], spectrum.blocks) {
            for tile in places([0; 3], tiles) {
                models.tile(block, tile, self)?;
            }
        }
        Ok(models.multiples)
    }
}

struct Models<'a> {
    spectrum: Spectrum<'a>,
    given: Option<(&'a [f64], f64)>,
    rounding: Rounding,
    strides: [usize; 3],
    tiles: [usize; 3],
    tile_strides: [usize; 3],
    multiples: Vec<i64>,
    /// Magnitudes, at most 1000 so that weighted sums stay in the tables of classes, and their sums over each tile.
    sizes: Vec<u16>,
    sums: Vec<u32>,
    of_sizes: Magnitudes<5>,
    of_signs: Mixing<5>,
    of_tiles: Mixing<3>,
}

/// Numbers of contexts of a magnitude for each of the five aspects; their products are formed in [`Models::near`].
const LOWER: usize = CLASSES * 4;
const SECOND: usize = CLASSES * 8;
const BESIDE: usize = CLASSES * 12;
const DIRECTIONS: usize = 4 * 4 * 4 * 3 * 4;
const TOGETHER: usize = CLASSES * 12;
const ASPECTS: usize = LOWER + SECOND + BESIDE + DIRECTIONS + TOGETHER;

impl<'a> Models<'a> {
    fn new(spectrum: Spectrum<'a>, given: Option<(&'a [f64], f64)>, rounding: Rounding, tiles: [usize; 3]) -> Self {
        let [_, ny, nz]: [usize; 3] = std::array::from_fn(|axis| spectrum.blocks[axis] * spectrum.degrees[axis]);
        let [_, ty, tz]: [usize; 3] = std::array::from_fn(|axis| spectrum.blocks[axis] * tiles[axis]);
        let count = |each: [usize; 3]| (0..3).map(|axis| spectrum.blocks[axis] * each[axis]).product::<usize>();
        let len = count(spectrum.degrees);
        Self {
            spectrum,
            given,
            rounding,
            strides: [ny * nz, nz, 1],
            tiles,
            tile_strides: [ty * tz, tz, 1],
            multiples: vec![0; len],
            sizes: vec![0; len],
            sums: vec![0; count(tiles)],
            of_sizes: Magnitudes::new(ASPECTS),
            // Contexts of signs: 3 axes, degree and two neighbours (3² signs); three neighbours (3³); and three blocks
            // (3³) with the parities (2³).
            of_signs: Mixing::new(3 * DEGREES * 9 + 27 + 27 * 8, 1),
            // Contexts of tiles: two classes of sums with eight degrees each; 2⁶ patterns with four numbers of edges.
            of_tiles: Mixing::new(CLASSES * 8 + CLASSES * 8 + 64 * 4, 1),
        }
    }

    fn index(&self, block: [usize; 3], degree: [usize; 3]) -> usize {
        (0..3).map(|axis| (block[axis] * self.spectrum.degrees[axis] + degree[axis]) * self.strides[axis]).sum()
    }

    fn holds(&self, index: usize) -> bool {
        self.spectrum.held.is_none_or(|held| held[index])
    }

    fn in_steps(&self, index: usize) -> f64 {
        self.given.map_or(0.0, |(array, step)| array[index] / step)
    }

    fn nearest(&self, index: usize) -> i64 {
        self.given.map_or(0, |(array, step)| multiple(array[index], step))
    }

    /// Codes one tile: its bit, and its coefficients if the bit is set. Tiles without a held position have no bit.
    fn tile(&mut self, block: [usize; 3], tile: [usize; 3], coder: &mut Coder<'_>) -> Result<()> {
        let low = tile.map(|t| t * TILE);
        let high = std::array::from_fn(|axis| (low[axis] + TILE).min(self.spectrum.degrees[axis]));
        if self.spectrum.held.is_some() && !places(low, high).any(|degree| self.holds(self.index(block, degree))) {
            return Ok(());
        }
        if !self.occupied(block, tile, [low, high], coder) {
            return Ok(());
        }
        let here = self.tile_index(block, tile);
        for degree in places(low, high) {
            let index = self.index(block, degree);
            if !self.holds(index) {
                continue;
            }
            let value = self.coefficient(block, degree, index, coder)?;
            if value != 0 {
                let size = value.unsigned_abs().min(1000);
                self.multiples[index] = value;
                self.sizes[index] = size as u16;
                self.sums[here] += size as u32;
            }
        }
        Ok(())
    }

    fn tile_index(&self, block: [usize; 3], tile: [usize; 3]) -> usize {
        (0..3).map(|axis| (block[axis] * self.tiles[axis] + tile[axis]) * self.tile_strides[axis]).sum()
    }

    /// Codes the bit that tells whether a tile has a nonzero coefficient.
    ///
    /// Its three contexts are the sums of magnitudes in the tiles one lower along each axis, those in the same tile of
    /// the previous blocks (both with the total degree of the tile), and the pattern of which of these six are empty.
    fn occupied(
        &mut self,
        block: [usize; 3],
        tile: [usize; 3],
        [low, high]: [[usize; 3]; 2],
        coder: &mut Coder<'_>,
    ) -> bool {
        let here = self.tile_index(block, tile);
        let (mut lower, mut beside, mut pattern) = (0, 0, 0);
        for axis in 0..3 {
            let stride = self.tile_strides[axis];
            let one = if tile[axis] > 0 { self.sums[here - stride] } else { 0 };
            let other = if block[axis] > 0 { self.sums[here - stride * self.tiles[axis]] } else { 0 };
            lower += one;
            beside += other;
            pattern = 4 * pattern + 2 * usize::from(one > 0) + usize::from(other > 0);
        }
        let degree = class(tile.iter().sum::<usize>() as u32).min(7);
        let edges = (0..3).filter(|&axis| tile[axis] == 0).count();
        let contexts =
            [class(lower) * 8 + degree, CLASSES * 8 + class(beside) * 8 + degree, CLASSES * 16 + pattern * 4 + edges];
        let expected = self.of_tiles.expect(contexts, 0);
        let occupied = self.given.is_some_and(|(array, step)| {
            // Fast test: without a number of at least half a step (with a margin for rounding) all are zero.
            let least = 0.499 * step;
            let held = |degree: &[usize; 3]| self.holds(self.index(block, *degree));
            if !places(low, high).filter(held).any(|degree| array[self.index(block, degree)].abs() >= least) {
                return false;
            }
            // Distortion saved by coding the tile, Σ (x² − (x − round x)²), against λ times its rate: the difference
            // of its bit, and an estimate for each number that is not zero.
            let (mut saved, mut count) = (0.0, 0);
            for degree in places(low, high).filter(held) {
                let size = self.in_steps(self.index(block, degree)).abs();
                if size >= 0.5 {
                    let left = (size - size.round()).abs();
                    if self.rounding == Rounding::Nearest || left < NEAR_MULTIPLE {
                        return true;
                    }
                    saved += size * size - left * left;
                    count += 1;
                }
            }
            let bits = (f64::from(expected.cost(true)) - f64::from(expected.cost(false))) / 256.0;
            count > 0 && saved > LAMBDA * (bits + BITS_PER_NUMBER * f64::from(count))
        });
        coder.mixed(&mut self.of_tiles, &expected, occupied)
    }

    /// Codes one coefficient: its magnitude, and its sign if it is not zero.
    fn coefficient(
        &mut self,
        block: [usize; 3],
        degree: [usize; 3],
        index: usize,
        coder: &mut Coder<'_>,
    ) -> Result<i64> {
        let near = self.near(block, degree, index);
        let nearest = self.nearest(index);
        let wanted = match self.rounding {
            Rounding::Nearest => nearest,
            Rounding::Cheapest => self.optimised(self.in_steps(index), nearest, &near),
        };
        let size = self.of_sizes.code(&near, wanted.unsigned_abs(), coder)? as i64;
        Ok(if size == 0 { 0 } else { self.signed(size, wanted < 0, block, degree, index, coder) })
    }

    /// Codes the sign of a nonzero coefficient.
    fn signed(
        &mut self,
        size: i64,
        negative: bool,
        block: [usize; 3],
        degree: [usize; 3],
        index: usize,
        coder: &mut Coder<'_>,
    ) -> i64 {
        // 0, 1 or 2 for a negative, zero (or missing) and positive neighbour. Contexts 0 to 2: both neighbours along
        // one axis, with the degree. 3: those one degree lower along all axes. 4: those of the previous blocks, with
        // the parities.
        let sign = |there: bool, back: usize| {
            if there { (1 + self.multiples[index - back].signum()) as usize } else { 1 }
        };
        let mut contexts = [0; 5];
        let (mut lower, mut beside, mut parity) = (0, 0, 0);
        for axis in 0..3 {
            let stride = self.strides[axis];
            let one = sign(degree[axis] > 0, stride);
            let two = sign(degree[axis] > 1, 2 * stride);
            contexts[axis] = ((axis * DEGREES + degree[axis].min(DEGREES - 1)) * 3 + one) * 3 + two;
            lower = 3 * lower + one;
            beside = 3 * beside + sign(block[axis] > 0, stride * self.spectrum.degrees[axis]);
            parity = 2 * parity + degree[axis] % 2;
        }
        contexts[3] = 3 * DEGREES * 9 + lower;
        contexts[4] = 3 * DEGREES * 9 + 27 + beside * 8 + parity;
        let expected = self.of_signs.expect(contexts, 0);
        if coder.mixed(&mut self.of_signs, &expected, negative) { -size } else { size }
    }

    /// The multiple with the smallest (squared error + λ · bits) among the nearest one, the one below it, and zero.
    /// `cost` is in 1/256 bit; a sign costs one bit. Large numbers are not changed: their rate hardly depends on the
    /// last step.
    fn optimised(&self, value: f64, nearest: i64, near: &Surroundings<5>) -> i64 {
        let size = nearest.unsigned_abs();
        if size == 0 || size > 2 * UNARY || (value - nearest as f64).abs() < NEAR_MULTIPLE {
            return nearest;
        }
        let bits = |size: u64| self.of_sizes.cost(near, size) + if size > 0 { 256 } else { 0 };
        let total = |size: u64| (value.abs() - size as f64).powi(2) + LAMBDA / 256.0 * f64::from(bits(size));
        let mut best = (size, total(size));
        for other in [size - 1, 0] {
            let cost = total(other);
            if cost < best.1 {
                best = (other, cost);
            }
        }
        best.0 as i64 * nearest.signum()
    }

    /// Contexts of the magnitude of one coefficient, from the magnitudes of neighbours that are already coded.
    fn near(&self, block: [usize; 3], degree: [usize; 3], index: usize) -> Surroundings<5> {
        let at = |there: bool, back: usize| if there { u32::from(self.sizes[index - back]) } else { 0 };
        let s = self.strides;
        let one: [u32; 3] = std::array::from_fn(|axis| at(degree[axis] > 0, s[axis]));
        let two: [u32; 3] = std::array::from_fn(|axis| at(degree[axis] > 1, 2 * s[axis]));
        let beside: u32 = (0..3).map(|axis| at(block[axis] > 0, s[axis] * self.spectrum.degrees[axis])).sum();
        // Diagonal neighbours in each plane: one degree lower along two axes (`edges`), and one lower along one axis
        // and one higher along a later one (`ahead`). The latter is zero if it lies in a tile that is not coded yet.
        let (mut edges, mut ahead) = (0, 0);
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            edges += at(degree[i] > 0 && degree[j] > 0, s[i] + s[j]);
            ahead += at(degree[i] > 0 && degree[j] + 1 < self.spectrum.degrees[j], s[i] - s[j]);
        }
        // The weights fall with the distance. Divided by their sums they give a mean magnitude, which `class` maps to
        // its logarithm; `edge` counts the axes without a lower neighbour, `height` is the class of the total degree.
        let (ones, twos) = (one.iter().sum::<u32>(), two.iter().sum::<u32>());
        let lower = 3 * ones + 2 * (edges + ahead);
        let second = 3 * twos + edges;
        let total = 2 * lower + 3 * second + 8 * beside;
        let parity = degree.iter().fold(0, |all, k| 2 * all + k % 2);
        let height = class(degree.iter().sum::<usize>() as u32).min(11);
        let edge = degree.iter().filter(|&&k| k == 0).count();
        let directions = one.iter().fold(0, |all, &size| 4 * all + size.min(3) as usize);
        let second_lower = LOWER + class(second) * 8 + parity;
        let aspects = [
            class(lower.div_ceil(2)) * 4 + edge,
            second_lower,
            LOWER + SECOND + class(2 * beside) * 12 + height,
            LOWER + SECOND + BESIDE + (directions * 3 + twos.min(2) as usize) * 4 + edge,
            LOWER + SECOND + BESIDE + DIRECTIONS + class(total / 3) * 12 + height,
        ];
        Surroundings { aspects, expected: class(total / 6) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::dead_zone_error;
    use super::*;
    use crate::testing::{for_cases, vector};
    use rand::Rng;

    const SHAPES: [[[usize; 3]; 2]; 5] = [
        [[1, 1, 1], [1, 1, 1]],
        [[1, 1, 1], [9, 1, 30]],
        [[1, 1, 1], [13, 14, 15]],
        [[3, 1, 4], [2, 8, 3]],
        [[2, 3, 2], [5, 4, 7]],
    ];

    fn spectrum(shape: [[usize; 3]; 2]) -> (Spectrum<'static>, usize) {
        let [blocks, degrees] = shape;
        (Spectrum { blocks, degrees, held: None }, (0..3).map(|axis| blocks[axis] * degrees[axis]).product())
    }

    /// Sparse numbers of every size, in steps of a quarter.
    fn numbers(len: usize, spread: f64) -> Vec<f64> {
        let noise = |k: usize| ((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
        (0..len).map(|k| (noise(k) - 0.5).powi(7) * spread * noise(2 * k).powi(9)).collect()
    }

    #[test]
    fn what_is_written_is_read_at_every_size() {
        for shape in SHAPES {
            let (whole, len) = spectrum(shape);
            let some: Vec<bool> = (0..len).map(|k| k * k % 7 < 3).collect();
            for spread in [0.0, 10.0, 1e4, 1e12, 1e300] {
                let array = numbers(len, spread);
                for held in [None, Some(&some[..])] {
                    let spectrum = Spectrum { held, ..whole };
                    let mut writer = Coder::writing();
                    let written = writer.multiples(spectrum, &array, 0.25, Rounding::Nearest).unwrap();
                    let kept = |k: usize| held.is_none_or(|held| held[k]);
                    assert!((0..len).all(|k| written[k] == if kept(k) { multiple(array[k], 0.25) } else { 0 }));
                    let bytes = writer.finish();
                    let read = Coder::reading(&bytes).multiples(spectrum, &[], 1.0, Rounding::Nearest).unwrap();
                    assert_eq!(read, written);
                }
            }
        }
    }

    #[test]
    fn the_cheapest_costs_less_and_stays() {
        let (spectrum, len) = spectrum([[1, 1, 1], [24, 25, 26]]);
        let array = numbers(len, 2e4);
        let coded = |rounding, array: &[f64]| {
            let mut writer = Coder::writing();
            let multiples = writer.multiples(spectrum, array, 1.0, rounding).unwrap();
            let error: f64 = multiples.iter().zip(array).map(|(&m, value)| (m as f64 - value).powi(2)).sum();
            (multiples, error, writer.finish().len() as f64 * 8.0)
        };
        let (_, least, most) = coded(Rounding::Nearest, &array);
        let (optimised, error, bits) = coded(Rounding::Cheapest, &array);
        assert!(error >= least && bits < most && error + LAMBDA * bits < least + LAMBDA * most);
        assert!((dead_zone_error(&array, 1.0) / error.sqrt() - 1.0).abs() < 0.25);
        let rounded: Vec<f64> = optimised.iter().map(|&m| m as f64).collect();
        assert_eq!(coded(Rounding::Cheapest, &rounded).0, optimised);
    }

    #[test]
    fn rubbish_is_read_without_a_panic() {
        for_cases(64, |random| {
            let bytes = vector(random, 0..400, Rng::random::<u8>);
            for shape in SHAPES {
                let (spectrum, len) = spectrum(shape);
                if let Ok(multiples) = Coder::reading(&bytes).multiples(spectrum, &[], 1.0, Rounding::Nearest) {
                    assert_eq!(multiples.len(), len);
                }
            }
        });
    }
}
