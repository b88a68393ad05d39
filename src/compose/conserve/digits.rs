//! Coding of whole numbers near a prediction: their last binary digits, from which a reader finds the number that is
//! nearest to the prediction.

use crate::coding::{Bit, Coder, malformed};
use crate::error::Result;

/// Maximum difference of the predictions of writer and reader, whose arithmetic may differ in the last bits.
pub(super) const UNSURE: i64 = 2;
/// Allowed numbers of last digits.
pub(super) const PLACES: std::ops::RangeInclusive<u32> = 4..=58;
/// Numbers of last digits that most streams have; they cost four bits. Moments of a reconstruction with an error of
/// 1e-5 to 1e-1 are wrong by 2²³ to 2³⁷ steps of 10⁻¹².
pub(super) const USUAL: std::ops::Range<u32> = 24..40;
/// Maximum of the part above the last digits.
const MAX_HIGH: i64 = 1 << 12;

/// Coded form of one number: `places >> halvings` last digits `low`, and the difference `high`, in units of
/// 2^`places`, between the number and the one with these digits nearest to the prediction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Digits {
    halvings: u32,
    low: u64,
    high: i64,
}

impl Digits {
    /// Chooses the shortest form; `None` if a reader whose prediction differs by `unsure` might find another number.
    pub(super) fn new(number: i64, expected: i64, places: u32, unsure: i64) -> Option<Self> {
        // p last digits determine the number if it is nearer to every prediction of a reader than 2^(p−1). While half
        // as many digits are enough, they are halved: a good prediction needs few.
        let far = number.abs_diff(expected);
        let enough = |places: u32| PLACES.contains(&places) && far + (unsure as u64) < 1 << (places - 1);
        let halvings = (0..).take_while(|&k| enough(places >> (k + 1))).count() as u32;
        let low = number as u64 & low_bits(places >> halvings);
        if halvings > 0 {
            return Some(Self { halvings, low, high: 0 });
        }
        // Numbers farther away need `high`, and every reader must find the same `near`.
        let near = nearest(low, places, expected);
        let sure = [-unsure, unsure].iter().all(|unsure| nearest(low, places, expected + unsure) == near);
        let high = number.wrapping_sub(near) >> places;
        (sure && high.abs() <= MAX_HIGH).then_some(Self { halvings, low, high })
    }

    pub(super) fn number(self, expected: i64, places: u32) -> i64 {
        nearest(self.low, places >> self.halvings, expected).wrapping_add(self.high << places)
    }
}

/// Adaptive models of the digits. Their initial probabilities are typical of decoded distributions.
pub(super) struct Models {
    halved: Bit,
    none_above: Bit,
    longer: [Bit; 16],
}

impl Models {
    pub(super) fn new() -> Self {
        Self {
            // Probabilities 1/16, 1/2 and 0.3, adapted as if 4, 4 and 2 bits had been seen.
            halved: Bit::expected(1 << 12, 4),
            none_above: Bit::expected(1 << 15, 4),
            longer: [Bit::expected(19_661, 2); 16],
        }
    }

    pub(super) fn code(&mut self, digits: &mut Digits, places: u32, coder: &mut Coder<'_>) -> Result<()> {
        let mut halvings = 0;
        while PLACES.contains(&(places >> (halvings + 1))) && coder.bit(&mut self.halved, halvings < digits.halvings) {
            halvings += 1;
        }
        digits.halvings = halvings;
        digits.low = coder.bits(digits.low, places >> halvings);
        if halvings > 0 || coder.bit(&mut self.none_above, digits.high == 0) {
            digits.high = 0;
            return Ok(());
        }
        let negative = coder.bits(u64::from(digits.high < 0), 1) == 1;
        let size = digits.high.unsigned_abs();
        let mut below = 0;
        while coder.bit(&mut self.longer[below as usize], size >> (below + 1) > 0) {
            below += 1;
            if 1 << below > MAX_HIGH {
                return Err(malformed("moments that have nothing in common with what is decoded"));
            }
        }
        let size = (1 << below | coder.bits(size & low_bits(below), below)) as i64;
        digits.high = if negative { -size } else { size };
        Ok(())
    }
}

fn low_bits(digits: u32) -> u64 {
    (1 << digits) - 1
}

/// Whole number with these last digits that is nearest to `near`.
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
