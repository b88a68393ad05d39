//! Coding of values to the last bit.
//!
//! Which cells hold a value other than zero is told by the pattern of the cells around. The bits of a magnitude, without the
//! last ones that are zero in all (29 of 52 in single precision), are predicted from the cells before ([`Window`]); of the
//! residual the number of digits, the first three and the sign have adaptive models, and the others are uniform. The number
//! of digits, which is what can be learnt of noise, is told by the residuals around, by the errors of the predictors, and by
//! how far they differ.

use super::NAME;
use super::logarithm::{logarithm, magnitude};
use super::prediction::{Place, Prediction, Window};
use super::table::{LARGEST, MANTISSA, SIGN, code_zero_bits, zero_bits};
use crate::coding::{Coder, Mixing};
use crate::error::Result;

/// Classes of sizes, two per octave: those of sums of residuals of 64 digits.
const SIZES: usize = 136;
/// Nodes of the tree of the bits of a number of digits, 0 to 64.
const NODES: usize = 1 << 7;
/// Classes of a residual next to the cell, two octaves each, and pairs of them.
const NEXT: usize = 32;
/// Numbers of contexts of the digits: of each of the four aspects of [`Contexts`].
const LENGTHS: usize = SIZES + SIZES + 4 * SIZES + NEXT * NEXT;
/// Digits below the leading one that have models.
const MODELLED: usize = 3;
/// Numbers of contexts of these digits: the number of digits × the digits before, and that × the size around.
const DIGITS: usize = 65 << MODELLED;

/// Writes the values in C order, or reads them.
///
/// # Errors
/// [`Error::MalformedStream`](crate::Error::MalformedStream) for a stream that holds other numbers.
pub(super) fn code(shape: [usize; 3], values: &mut [f64], coder: &mut Coder<'_>) -> Result<()> {
    // A reader has zeros here, and ignores what follows from them.
    let zeros = zero_bits(values.iter().map(|value| value.to_bits() & !SIGN));
    let zeros = code_zero_bits(zeros, coder)?;
    let mut models = Models::new(zeros);
    let mut window = Window::new(shape);
    let [nx, ny, nz] = shape;
    let mut values = values.iter_mut();
    for _ in 0..nx {
        for y in 0..ny {
            for z in 0..nz {
                window.go_to([y, z]);
                if let Some(value) = values.next() {
                    *value = f64::from_bits(models.cell(value.to_bits(), &mut window, coder)?);
                }
            }
        }
        window.end_plane();
    }
    Ok(())
}

struct Models {
    /// Last bits that are left out, and units of the last place that are a logarithm of 1.
    zeros: u32,
    unit: f64,
    /// Bits of the largest number of digits of a residual.
    length_bits: u32,
    occupied: Mixing<3>,
    negative: Mixing<2>,
    lengths: Mixing<4>,
    digits: Mixing<2>,
    signs: Mixing<2>,
}

/// Contexts of a residual.
struct Contexts {
    /// For each aspect, the context and the number of contexts of that aspect: the sizes of the residuals around, the
    /// smallest error of a predictor, the distance between predictors × which cells hold values, and two single residuals.
    lengths: [(usize, usize); 4],
    around: usize,
    signs: [usize; 2],
}

impl Models {
    fn new(zeros: u32) -> Self {
        Self {
            zeros,
            unit: (1_u64 << (MANTISSA - zeros)) as f64,
            length_bits: (64 - zeros).ilog2() + 1,
            occupied: Mixing::new((1 << 7) + 10 * 8 + (1 << 12), 1),
            negative: Mixing::new(27 + 8, 1),
            lengths: Mixing::new(NODES * LENGTHS, NODES),
            digits: Mixing::new(DIGITS + DIGITS * SIZES, MODELLED),
            signs: Mixing::new(27 + 27 * 27, 1),
        }
    }

    /// Codes the bits of a value.
    #[inline(always)]
    fn cell(&mut self, bits: u64, window: &mut Window, coder: &mut Coder<'_>) -> Result<u64> {
        let mut place = Place { is_occupied: self.is_occupied(bits != 0, window, coder), ..Place::default() };
        if !place.is_occupied {
            place.logarithm = window.mean();
            window.set(place);
            return Ok(0);
        }
        place.is_negative = self.is_negative(bits & SIGN != 0, window, coder);
        let prediction = window.predict();
        let expected = (magnitude(prediction.logarithm) >> self.zeros) as i64;
        let contexts = self.contexts(&prediction, window);
        let wanted = ((bits & !SIGN) >> self.zeros) as i64;
        let residual = self.residual(&contexts, wanted.wrapping_sub(expected), coder);
        let read = u64::try_from(expected.wrapping_add(residual)).ok().filter(|read| *read <= LARGEST >> self.zeros);
        let Some(read) = read.map(|read| read << self.zeros).filter(|read| place.is_negative || *read != 0) else {
            return Err(coder.refusal(NAME, "a value that is not finite, or zero where none was expected"));
        };
        place.logarithm = logarithm(read);
        place.errors = prediction.errors(place.logarithm, self.unit);
        place.size = residual.unsigned_abs() as f32;
        place.sign = residual.signum() as i8;
        window.set(place);
        Ok(read | if place.is_negative { SIGN } else { 0 })
    }

    /// Codes whether a cell holds a value, with three contexts: the pattern of the seven cells of the cube before; the number
    /// of nine others around with the three next to it; and the pattern of twelve of these.
    #[inline(always)]
    fn is_occupied(&mut self, wanted: bool, window: &Window, coder: &mut Coder<'_>) -> bool {
        let is = |offset| usize::from(window.before(offset).is_occupied);
        let bits = |offsets: &[[isize; 3]]| offsets.iter().fold(0, |bits, offset| 2 * bits + is(*offset));
        const NEXT_TO_IT: [[isize; 3]; 3] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
        const CUBE: [[isize; 3]; 4] = [[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]];
        const OTHERS: [[isize; 3]; 9] =
            [[2, 0, 0], [0, 2, 0], [0, 0, 2], [1, -1, 0], [1, 0, -1], [0, 1, -1], [1, -1, -1], [1, -1, 1], [1, 1, -1]];
        let (next, others) = (bits(&NEXT_TO_IT), bits(&OTHERS));
        let contexts = [
            next << 4 | bits(&CUBE),
            (1 << 7) + others.count_ones() as usize * 8 + next,
            (1 << 7) + 10 * 8 + (next << 9 | others),
        ];
        let expected = self.occupied.expect(contexts, 0);
        coder.mixed(&mut self.occupied, &expected, wanted)
    }

    /// Codes the sign of a value, with two contexts: the signs of the three cells next to it, zero for empty ones, and those of
    /// three further ones.
    #[inline(always)]
    fn is_negative(&mut self, wanted: bool, window: &Window, coder: &mut Coder<'_>) -> bool {
        let [x, y, z, xy, xz, yz, ..] = window.around();
        let third = |place: &Place| usize::from(place.is_occupied) + usize::from(place.is_negative);
        let next = (third(x) * 3 + third(y)) * 3 + third(z);
        let further = [xy, xz, yz].iter().fold(0, |bits, place| 2 * bits + usize::from(place.is_negative));
        let expected = self.negative.expect([next, 27 + further], 0);
        coder.mixed(&mut self.negative, &expected, wanted)
    }

    #[inline(always)]
    fn contexts(&self, prediction: &Prediction, window: &Window) -> Contexts {
        let around = window.around();
        let [x, y, z, xy, xz, yz, ..] = around;
        let near = f64::from(x.size) + f64::from(y.size) + f64::from(z.size);
        let sizes = near + around.iter().map(|place| f64::from(place.size)).sum::<f64>();
        let sizes = size_class(sizes);
        let next = |size: f32| size_class(f64::from(size)) / 4;
        let larger = if x.size > y.size { x.size } else { y.size };
        let spread = size_class(prediction.spread() * self.unit);
        let occupied = 2 * usize::from(x.is_occupied) + usize::from(y.is_occupied);
        let signs = |places: [&Place; 3]| places.iter().fold(0, |all, place| 3 * all + (1 + place.sign) as usize);
        let (next_to_it, diagonal) = (signs([x, y, z]), signs([xy, yz, xz]));
        Contexts {
            lengths: [
                (sizes, SIZES),
                (size_class(prediction.smallest_error), SIZES),
                (spread * 4 + occupied, 4 * SIZES),
                (next(z.size).min(NEXT - 1) * NEXT + next(larger).min(NEXT - 1), NEXT * NEXT),
            ],
            around: sizes,
            signs: [next_to_it, 27 + diagonal * 27 + next_to_it],
        }
    }

    /// Codes a residual: the number of its binary digits, these digits, and the sign.
    #[inline(always)]
    fn residual(&mut self, contexts: &Contexts, wanted: i64, coder: &mut Coder<'_>) -> i64 {
        let size = wanted.unsigned_abs();
        let length = self.length(contexts, 64 - size.leading_zeros(), coder);
        if length == 0 {
            return 0;
        }
        let mut read = 1;
        let (mut place, mut before) = (length - 1, 1);
        for digit in 0..MODELLED.min(place as usize) {
            place -= 1;
            let context = (length as usize) << MODELLED | before;
            let expected = self.digits.expect([context, DIGITS + context * SIZES + contexts.around], digit);
            let bit = u64::from(coder.mixed(&mut self.digits, &expected, size >> place & 1 == 1));
            read = 2 * read + bit;
            before = 2 * before + bit as usize;
        }
        let read = (read << place | coder.bits(size & ((1 << place) - 1), place)) as i64;
        let expected = self.signs.expect(contexts.signs, 0);
        if coder.mixed(&mut self.signs, &expected, wanted < 0) { read.wrapping_neg() } else { read }
    }

    /// Codes a number of digits up to 64, from its highest bit on.
    #[inline(always)]
    fn length(&mut self, contexts: &Contexts, length: u32, coder: &mut Coder<'_>) -> u32 {
        let mut node = 1;
        for bit in (0..self.length_bits).rev() {
            let mut begin = 0;
            let indices = contexts.lengths.map(|(context, count)| {
                let index = begin + node * count + context;
                begin += NODES * count;
                index
            });
            let expected = self.lengths.expect(indices, node);
            node = 2 * node + usize::from(coder.mixed(&mut self.lengths, &expected, length >> bit & 1 == 1));
        }
        // A damaged stream may claim more digits than there are.
        (node as u32 - (1 << self.length_bits)).min(64)
    }
}

/// Class of a size of at least 1, two per octave.
#[inline(always)]
fn size_class(size: f64) -> usize {
    // The exponent and the first bit of the mantissa; a NaN counts as 1.
    let bits = (if size > 1.0 { size } else { 1.0 }).to_bits() >> (MANTISSA - 1);
    ((bits - (1.0_f64.to_bits() >> (MANTISSA - 1))) as usize).min(SIZES - 1)
}
