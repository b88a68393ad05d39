//! The different values of a distribution that has few, such as a histogram of particles.
//!
//! A value is stored as the sign and the bits of its magnitude. Magnitudes that are multiples of a quantum, up to rounding to
//! the precision of the data, are stored as multiples of the largest magnitude over its own multiple, with the rest in units
//! of the last place. For a histogram that is a byte or so for each different count.

use super::NAME;
use crate::coding::{Coder, Integers, in_steps, malformed};
use crate::error::Result;

/// Bits of the sign.
pub(super) const SIGN: u64 = 1 << 63;
/// Bits of the largest finite number.
pub(super) const LARGEST: u64 = f64::MAX.to_bits();
/// Bits of the mantissa: at most so many last bits are left out.
pub(super) const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;

/// Number of last bits that are zero in all magnitudes, at most [`MANTISSA`]: 29 of numbers of single precision.
pub(super) fn zero_bits(magnitudes: impl Iterator<Item = u64>) -> u32 {
    magnitudes.fold(0, |any, magnitude| any | magnitude).trailing_zeros().min(MANTISSA)
}

/// Codes a number of zero bits.
pub(super) fn code_zero_bits(zero_bits: u32, coder: &mut Coder<'_>) -> Result<u32> {
    let read = coder.bits(u64::from(zero_bits), 6) as u32;
    if read > MANTISSA {
        return Err(malformed(format!("numbers with {read} zero bits")));
    }
    Ok(read)
}

/// The bits of the different magnitudes, ascending. That of −0 is zero; 0 itself has no place here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Table(Vec<u64>);

impl Table {
    /// The magnitudes of the values, or `None` if there are many: each different one is stored, so that the average one
    /// should occur several times.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        /// Number of values tested first: most distributions have a different value in each cell.
        const TESTED: usize = 512;
        /// Largest number of different values. Where there are more, neighbours tell more of a value.
        const MANY: usize = 4096;
        /// Smallest mean number of cells of a value, and the number of values from which it matters.
        const OCCURRENCES: usize = 3;
        const FEW: usize = 12;
        let bits = || values.iter().map(|value| value.to_bits()).filter(|bits| *bits != 0);
        let occupied = bits().count();
        let different = |magnitudes: &mut Vec<u64>| {
            magnitudes.sort_unstable();
            magnitudes.dedup();
            magnitudes.len()
        };
        let magnitudes = || bits().map(|bits| bits & !SIGN);
        // Of a part of them the average one may show only once, but not every one.
        let mut tested: Vec<u64> = magnitudes().step_by((occupied / TESTED).max(1)).collect();
        let most = (tested.len() * 3 / 4).max(FEW);
        if different(&mut tested) > most {
            return None;
        }
        let mut all: Vec<u64> = magnitudes().collect();
        (different(&mut all) <= (occupied / OCCURRENCES).clamp(FEW, MANY)).then_some(Self(all))
    }

    /// The place of a value in the table, from 1, with its sign; zero for zero.
    pub(super) fn place(&self, value: f64) -> i64 {
        let bits = value.to_bits();
        if bits == 0 {
            return 0;
        }
        // Every magnitude is in the table; of another one the next is taken.
        let place = self.0.partition_point(|magnitude| *magnitude < bits & !SIGN).min(self.0.len().saturating_sub(1));
        let place = 1 + place as i64;
        if bits & SIGN == 0 { place } else { -place }
    }

    /// The value at a place; `None` if the table has no such place.
    pub(super) fn value(&self, place: i64) -> Option<f64> {
        if place == 0 {
            return Some(0.0);
        }
        let index = usize::try_from(place.unsigned_abs() - 1).ok()?;
        let sign = if place < 0 { SIGN } else { 0 };
        let value = self.0.get(index).map(|magnitude| f64::from_bits(magnitude | sign));
        // Zero has no place.
        value.filter(|value| value.to_bits() != 0)
    }

    /// The magnitudes, ascending.
    pub(super) fn magnitudes(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied().map(f64::from_bits)
    }

    /// The quantum of which the magnitudes are stored as multiples, if there is one.
    pub(super) fn quantum(&self) -> Option<f64> {
        let multiple = Quantum::find(&self.0, zero_bits(self.0.iter().copied()))?;
        self.0.last().map(|largest| f64::from_bits(*largest) / multiple as f64)
    }

    /// True if all magnitudes are multiples of a step.
    pub(super) fn holds_multiples_of(&self, step: f64) -> bool {
        /// Steps of a stream differ by as much from those that are looked for; other numbers are as near by chance only
        /// where multiples lie as close.
        const DIGITS: f64 = 1e-10;
        const MAX_MULTIPLE: f64 = 1e6;
        let in_steps = in_steps(step);
        let is_multiple = |multiple: f64| (multiple - multiple.round()).abs() <= DIGITS * multiple;
        self.len() > 0
            && self.magnitudes().map(in_steps).all(|multiple| multiple < MAX_MULTIPLE && is_multiple(multiple))
    }

    /// Number of magnitudes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The table without the magnitudes that none of these places uses.
    pub(super) fn used(&self, places: &[i64]) -> Self {
        let mut is_used = vec![false; self.0.len()];
        for place in places.iter().filter(|place| **place != 0) {
            let index = usize::try_from(place.unsigned_abs() - 1).ok();
            if let Some(is_used) = index.and_then(|index| is_used.get_mut(index)) {
                *is_used = true;
            }
        }
        Self(self.0.iter().zip(is_used).filter_map(|(magnitude, is_used)| is_used.then_some(*magnitude)).collect())
    }

    /// True if these places use every magnitude.
    pub(super) fn is_used(&self, places: &[i64]) -> bool {
        self.used(places).len() == self.len()
    }

    /// Writes the table, or reads it: at most `most` magnitudes.
    pub(super) fn code(&mut self, most: usize, coder: &mut Coder<'_>) -> Result<()> {
        let zero_bits = code_zero_bits(zero_bits(self.0.iter().copied()), coder)?;
        let count = coder.count(self.0.len(), most)?;
        let given = if coder.is_reading() { Vec::new() } else { std::mem::take(&mut self.0) };
        self.0.clear();
        if count == 0 {
            return Ok(());
        }
        let largest = coder.bits(given.last().copied().unwrap_or(0) >> zero_bits, 63 - zero_bits) << zero_bits;
        if largest > LARGEST {
            return Err(coder.refusal(NAME, "a magnitude that is not finite"));
        }
        let multiple = Quantum::find(&given, zero_bits).unwrap_or(0);
        let multiple = coder.count(multiple as usize, MAX_MULTIPLE as usize)? as u64;
        let quantum = Quantum { largest: f64::from_bits(largest), multiple };
        let (mut gaps, mut rests) = (Integers::default(), Integers::default());
        let mut last = 0;
        for index in 0..count - 1 {
            let wanted = given.get(index).copied().unwrap_or(0) >> zero_bits;
            let read = if quantum.multiple == 0 {
                coder.bits(wanted, 63 - zero_bits)
            } else {
                let next = quantum.nearest(f64::from_bits(wanted << zero_bits));
                last += coder.positive(&mut gaps, next.wrapping_sub(last).wrapping_add(1))? as u64 - 1;
                if last > quantum.multiple {
                    return Err(malformed("a table of values that does not ascend"));
                }
                let expected = quantum.magnitude(last, zero_bits) as i64;
                let rest = coder.integer(&mut rests, (wanted as i64).wrapping_sub(expected))?;
                expected.checked_add(rest).and_then(|sum| u64::try_from(sum).ok()).unwrap_or(u64::MAX)
            };
            let after_last = self.0.last().is_none_or(|before| read > before >> zero_bits);
            if read >= largest >> zero_bits || !after_last {
                return Err(malformed("a table of values that does not ascend"));
            }
            self.0.push(read << zero_bits);
        }
        self.0.push(largest);
        Ok(())
    }
}

/// Largest multiple of a quantum that is looked for. Beyond it, multiples in single precision lie closer than its digits.
const MAX_MULTIPLE: u64 = 1 << 22;

/// A quantum, as the largest magnitude and its multiple: a quotient has more digits than any one magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quantum {
    largest: f64,
    multiple: u64,
}

impl Quantum {
    /// The multiple of the largest magnitude with which the table is shortest; `None` if no quantum makes it shorter.
    fn find(magnitudes: &[u64], zero_bits: u32) -> Option<u64> {
        /// The smallest magnitude, and the smallest difference of two, are taken to be up to this many quanta.
        const MAX_PART: u32 = 24;
        let values: Vec<f64> = magnitudes.iter().copied().map(f64::from_bits).filter(|value| *value > 0.0).collect();
        let (Some(&smallest), Some(&largest)) = (values.first(), values.last()) else { return None };
        let gap = values.windows(2).fold(smallest, |gap, pair| gap.min(pair[1] - pair[0]));
        let plain = (63 - zero_bits).saturating_mul(values.len() as u32 - 1);
        let parts = (1..=MAX_PART).flat_map(|part| [smallest / f64::from(part), gap / f64::from(part)]);
        let multiples = parts.map(|quantum| {
            // The gap has lost digits; the quotient of the two magnitudes has not.
            let of_smallest = (smallest / quantum).round();
            (largest / (smallest / of_smallest)).round()
        });
        let tried = multiples.filter(|multiple| (1.0..MAX_MULTIPLE as f64).contains(multiple)).map(|multiple| {
            let quantum = Self { largest, multiple: multiple as u64 };
            (quantum.multiple, quantum.bits(&values, zero_bits))
        });
        tried.min_by_key(|(_, bits)| *bits).filter(|(_, bits)| *bits < plain).map(|(multiple, _)| multiple)
    }

    /// The multiple nearest to a value between zero and the largest.
    fn nearest(self, value: f64) -> u64 {
        let multiple = (value / self.largest * self.multiple as f64).round();
        if multiple <= self.multiple as f64 { multiple as u64 } else { self.multiple }
    }

    /// Bits of the multiple, rounded to the precision of the data, without its zero bits.
    fn magnitude(self, multiple: u64, zero_bits: u32) -> u64 {
        let value = self.largest * (multiple as f64 / self.multiple as f64);
        (value.to_bits() + ((1 << zero_bits) >> 1)) >> zero_bits
    }

    /// Estimated length of a table of these values.
    fn bits(self, values: &[f64], zero_bits: u32) -> u32 {
        /// A value further from a multiple, in units of the last place, is none.
        const MAX_REST: u64 = 1 << 40;
        let mut last = 0;
        let mut sum = 0_u32;
        for value in values {
            let multiple = self.nearest(*value);
            let rest = (value.to_bits() >> zero_bits).abs_diff(self.magnitude(multiple, zero_bits));
            if rest > MAX_REST {
                return u32::MAX;
            }
            sum = sum.saturating_add(gamma_bits(multiple - last) + gamma_bits(2 * rest));
            last = multiple;
        }
        sum
    }
}

/// Length of the Elias gamma code of `value` + 1.
fn gamma_bits(value: u64) -> u32 {
    1 + 2 * value.saturating_add(1).ilog2()
}
