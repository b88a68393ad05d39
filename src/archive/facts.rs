//! Facts about a cell besides its distribution: time, position, magnetic field.

use crate::coding::{Bit, Coder, Integers, malformed};
use crate::error::Result;

/// Facts that an archive keeps about a cell, to the last bit. Each is `None` where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ArchiveFacts {
    /// Time of the simulation \[s\].
    pub time: Option<f64>,
    /// Centre of the cell \[m\].
    pub position: Option<[f64; 3]>,
    /// Magnetic field in the cell \[T\].
    pub magnetic_field: Option<[f64; 3]>,
}

#[cfg(feature = "vlsv")]
impl From<&crate::CellFacts> for ArchiveFacts {
    fn from(facts: &crate::CellFacts) -> Self {
        let magnetic_field = facts.magnetic_field.as_ref().map(|field| field.value);
        Self { time: facts.time, position: facts.position, magnetic_field }
    }
}

/// Models of a number, which expect it from those before it in a group.
#[derive(Debug, Clone, Default)]
struct Expected {
    /// The last number and the one before.
    last: [f64; 2],
    same: Bit,
    near: Bit,
    single: Bit,
    /// Differences between numbers of single and of double precision.
    differences: [Integers; 2],
}

/// Models of a list of numbers that may be missing.
#[derive(Debug, Clone)]
struct Optional<const N: usize> {
    present: Bit,
    numbers: [Expected; N],
}

impl<const N: usize> Default for Optional<N> {
    fn default() -> Self {
        Self { present: Bit::even(), numbers: std::array::from_fn(|_| Expected::default()) }
    }
}

/// Models of the facts of a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Models {
    time: Optional<1>,
    position: Optional<3>,
    magnetic_field: Optional<3>,
}

impl ArchiveFacts {
    pub(super) fn code(&mut self, coder: &mut Coder<'_>) -> Result<()> {
        coder.learnt(0, Models::default, |coder, models| {
            let time = models.time.code(coder, self.time.map(|time| [time]))?;
            self.time = time.map(|[time]| time);
            self.position = models.position.code(coder, self.position)?;
            self.magnetic_field = models.magnetic_field.code(coder, self.magnetic_field)?;
            Ok(())
        })
    }
}

impl<const N: usize> Optional<N> {
    fn code(&mut self, coder: &mut Coder<'_>, value: Option<[f64; N]>) -> Result<Option<[f64; N]>> {
        if !coder.bit(&mut self.present, value.is_some()) {
            return Ok(None);
        }
        let mut numbers = value.unwrap_or([0.0; N]);
        for (number, expected) in numbers.iter_mut().zip(&mut self.numbers) {
            *number = expected.code(coder, *number)?;
        }
        Ok(Some(numbers))
    }
}

impl Expected {
    /// Codes a number: whether it is the one before, else its difference from what those before it lead to, if that is
    /// small. Positions along a row of cells, for example, differ from it by their last digit at most.
    fn code(&mut self, coder: &mut Coder<'_>, value: f64) -> Result<f64> {
        let [last, before] = self.last;
        let ahead = 2.0 * last - before;
        let ahead = if ahead.is_finite() { ahead } else { last };
        let single = f64::from(value as f32).to_bits() == value.to_bits();
        let [of_single, of_double] = [f64::from(ahead as f32), ahead].map(rank);
        let difference = match single {
            true => rank(value).checked_sub(of_single).map(|difference| difference / SINGLE),
            false => rank(value).checked_sub(of_double),
        };
        let difference = difference.filter(|difference| difference.unsigned_abs() < FAR);
        let is_near = difference.is_some() && value.to_bits() != (-0.0_f64).to_bits();
        let difference = difference.unwrap_or(0);
        let value = if coder.bit(&mut self.same, value.to_bits() == last.to_bits()) {
            last
        } else if !coder.bit(&mut self.near, is_near) {
            f64::from_bits(coder.bits(value.to_bits(), 64))
        } else if coder.bit(&mut self.single, single) {
            of_rank(
                of_single.saturating_add(coder.integer(&mut self.differences[0], difference)?.saturating_mul(SINGLE)),
            )
        } else {
            of_rank(of_double.saturating_add(coder.integer(&mut self.differences[1], difference)?))
        };
        self.last = [value, last];
        if value.is_finite() { Ok(value) } else { Err(malformed("a fact that is not finite")) }
    }
}

/// Differences of ranks from here on are not worth coding.
const FAR: u64 = 1 << 58;
/// Numbers of double precision from one of single precision to the next.
const SINGLE: i64 = 1 << 29;

/// The place of a number among all of double precision, in ascending order; 0 for zero.
fn rank(value: f64) -> i64 {
    let bits = (value.to_bits() & !(1 << 63)) as i64;
    if value.is_sign_negative() { -bits } else { bits }
}

fn of_rank(rank: i64) -> f64 {
    let value = f64::from_bits(rank.unsigned_abs());
    if rank < 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_to_the_last_bit_in_any_order() {
        let singles = [8.0_f32, -8.0, 5e6, -7.5e6, 1e30, -1e30, 1e-40, 0.0, -0.0, f32::MAX].map(f64::from);
        let doubles = [0.1, -0.1, 1e300, -1e300, f64::MAX, f64::MIN, 5e-324, -5e-324, 1.0 / 3.0, -7.5e6];
        let numbers: Vec<f64> = singles.into_iter().chain(doubles).collect();
        let mut all = Vec::new();
        for a in &numbers {
            for b in &numbers {
                all.push(ArchiveFacts { time: Some(*a), position: Some([*b, *a, -b]), magnetic_field: None });
            }
        }
        let mut writer = Coder::writing().remembering();
        for mut facts in all.iter().copied() {
            facts.code(&mut writer).unwrap();
        }
        let bytes = writer.finish();
        let mut reader = Coder::reading(&bytes).remembering();
        let bits = |facts: &ArchiveFacts| {
            let position = facts.position.unwrap_or_default();
            [facts.time.unwrap_or_default(), position[0], position[1], position[2]].map(f64::to_bits)
        };
        for facts in &all {
            let mut read = ArchiveFacts::default();
            read.code(&mut reader).unwrap();
            assert!(bits(&read) == bits(facts) && read.magnetic_field.is_none(), "{read:?} {facts:?}");
        }
    }
}
