//! Whole numbers of which a reader expects something: their last digits, and how far away the right ones lie.

use crate::coding::{Bit, Coder, malformed};
use crate::error::Result;

/// A reader whose arithmetic differs in the last bit may find numbers that are off by so much.
pub(super) const UNSURE: i64 = 2;
/// Digits that are written as they are: how many there may be, and how many most streams have.
pub(super) const PLACES: std::ops::RangeInclusive<u32> = 4..=58;
pub(super) const USUAL: std::ops::Range<u32> = 24..40;
/// Most of what lies above them.
const MOST_HIGH: i64 = 1 << 12;

/// What a stream holds of one number: by how many halvings it has fewer digits than others, these, and how many times
/// what they leave open lies between what is expected and the number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Digits {
    halvings: u32,
    low: u64,
    high: i64,
}

impl Digits {
    /// None where a reader that is unsure might find another number.
    pub(super) fn new(number: i64, expected: i64, places: u32, unsure: i64) -> Option<Self> {
        let far = number.abs_diff(expected);
        let enough = |places: u32| PLACES.contains(&places) && far + (unsure as u64) < 1 << (places - 1);
        let halvings = (0..).take_while(|&k| enough(places >> (k + 1))).count() as u32;
        let low = number as u64 & low_bits(places >> halvings);
        if halvings > 0 {
            return Some(Self { halvings, low, high: 0 });
        }
        let near = nearest(low, places, expected);
        let sure = [-unsure, unsure].iter().all(|unsure| nearest(low, places, expected + unsure) == near);
        let high = number.wrapping_sub(near) >> places;
        (sure && high.abs() <= MOST_HIGH).then_some(Self { halvings, low, high })
    }

    pub(super) fn number(self, expected: i64, places: u32) -> i64 {
        nearest(self.low, places >> self.halvings, expected).wrapping_add(self.high << places)
    }
}

/// Models of the digits. What they begin with is about how the moments of decoded distributions are off.
pub(super) struct Models {
    halved: Bit,
    none_above: Bit,
    longer: [Bit; 16],
}

impl Models {
    pub(super) fn new() -> Self {
        Self {
            halved: Bit::expected(1 << 12, 4),
            none_above: Bit::expected(1 << 15, 4),
            longer: [Bit::expected(19_661, 2); 16],
        }
    }

    pub(super) fn code(&mut self, given: Option<&Digits>, places: u32, coder: &mut Coder<'_>) -> Result<Digits> {
        let mut digits = given.copied().unwrap_or(Digits { halvings: 0, low: 0, high: 0 });
        let mut halvings = 0;
        while PLACES.contains(&(places >> (halvings + 1))) && coder.bit(&mut self.halved, halvings < digits.halvings) {
            halvings += 1;
        }
        digits.halvings = halvings;
        digits.low = coder.bits(digits.low, places >> halvings);
        if halvings > 0 || coder.bit(&mut self.none_above, digits.high == 0) {
            digits.high = 0;
            return Ok(digits);
        }
        let negative = coder.bits(u64::from(digits.high < 0), 1) == 1;
        let size = digits.high.unsigned_abs();
        let mut below = 0;
        while coder.bit(&mut self.longer[below as usize], size >> (below + 1) > 0) {
            below += 1;
            if 1 << below > MOST_HIGH {
                return Err(malformed("moments that have nothing in common with what is decoded"));
            }
        }
        let size = (1 << below | coder.bits(size & low_bits(below), below)) as i64;
        digits.high = if negative { -size } else { size };
        Ok(digits)
    }
}

fn low_bits(digits: u32) -> u64 {
    (1 << digits) - 1
}

/// The whole number with these last digits that is nearest to another.
fn nearest(low: u64, digits: u32, near: i64) -> i64 {
    let above = low.wrapping_sub(near as u64) & low_bits(digits);
    let half = (1_u64 << digits) >> 1;
    near.wrapping_add(if above >= half.max(1) { above as i64 - (1_i64 << digits) } else { above as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_digits_give_the_number_near_another() {
        for (number, near) in [(1000, 1007), (1007, 1000), (-3, 4), (0, 0), (-1000, -1007), (1 << 40, (1 << 40) - 7)] {
            let digits = 4;
            assert_eq!(nearest(number as u64 & 15, digits, near), number);
        }
        assert_eq!(nearest(0, 0, 55), 55);
        assert_eq!((nearest(7, 3, -6), nearest(1, 3, 6)), (-9, 9));
    }

    #[test]
    fn a_reader_that_is_unsure_finds_the_same_number() {
        for (places, number) in (4..50).flat_map(|places| (0..300).map(move |k: i64| (places, k * k * k - 1_000_000))) {
            for expected in [number, number + 5, number - 1000, number + 123_456, -number] {
                let Some(digits) = Digits::new(number, expected, places, UNSURE) else { continue };
                for unsure in -UNSURE..=UNSURE {
                    assert_eq!(digits.number(expected + unsure, places), number, "{places} {expected} {digits:?}");
                }
            }
        }
        assert!(Digits::new(6, 1, 4, UNSURE).is_some() && Digits::new(8, 0, 4, UNSURE).is_none());
    }
}
