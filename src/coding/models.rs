//! What is expected of the next bit, integer or real number, learnt from those before.

use super::range_coder::PROBABILITY_BITS;

/// A bit that learns: the frequency of ones so far, later ones weighing more.
///
/// After n bits the next moves the estimate by 1/(n + 1½), so that the first few count as Krichevsky and Trofimov 1981
/// (IEEE Trans. Inf. Theory 27, 199) would have them, and never by less than after `MEMORY` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bit {
    ones: u16,
    seen: u8,
}

/// Where estimates stay, in 2⁻¹⁶: away from certainty.
const LEAST: u32 = 24;
/// Bits after which the estimate no longer moves more slowly.
const MEMORY: usize = 90;

/// 2¹⁶/(n + 1½).
const RATES: [u32; MEMORY + 1] = {
    let mut rates = [0; MEMORY + 1];
    let mut n = 0;
    while n <= MEMORY {
        rates[n] = (1 << 17) / (2 * n as u32 + 3);
        n += 1;
    }
    rates
};

impl Default for Bit {
    fn default() -> Self {
        Self::even()
    }
}

impl Bit {
    /// A bit of which nothing is known.
    #[must_use]
    pub const fn even() -> Self {
        Self { ones: 1 << 15, seen: 0 }
    }

    /// A bit that is 1 with this probability [1/65536], as if it had been seen `seen` times; more than 90 count as 90.
    #[must_use]
    pub const fn expected(ones: u16, seen: u8) -> Self {
        let most = MEMORY as u8;
        Self { ones, seen: if seen < most { seen } else { most } }
    }

    /// The probability of 1, in 2⁻¹⁶.
    #[inline]
    pub(super) fn ones(self) -> u32 {
        u32::from(self.ones).clamp(LEAST, (1 << PROBABILITY_BITS) - LEAST)
    }

    #[inline(always)]
    pub(super) fn learn(&mut self, bit: bool) {
        // Selections rather than branches: nobody foresees what is worth coding.
        let ones = u32::from(self.ones);
        let gap = if bit { (1 << PROBABILITY_BITS) - 1 - ones } else { ones };
        let change = (gap * RATES[usize::from(self.seen)]) >> 16;
        self.ones = (if bit { ones + change } else { ones - change }) as u16;
        self.seen = (self.seen + 1).min(MEMORY as u8);
    }
}

/// Integers that lie about zero: whether it is zero, its sign, the number of its binary digits, and the digits. All but
/// the lowest digits learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integers {
    pub(super) zero: Bit,
    pub(super) negative: Bit,
    /// Whether there are more digits than this.
    pub(super) longer: [Bit; 64],
    /// The digit below the leading one, and the one below that, by the number of digits.
    pub(super) digits: [[Bit; 3]; 64],
}

impl Default for Integers {
    fn default() -> Self {
        Self { zero: Bit::even(), negative: Bit::even(), longer: [Bit::even(); 64], digits: [[Bit::even(); 3]; 64] }
    }
}

/// Real numbers kept to the last bit: the exponent as the difference from the one before, and whether the number is one
/// of single precision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reals {
    pub(super) negative: Bit,
    pub(super) single: Bit,
    pub(super) exponents: Integers,
    pub(super) last_exponent: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_learns_its_frequency() {
        let mut bit = Bit::even();
        assert_eq!(bit.ones(), 1 << 15);
        (0..400).for_each(|k| bit.learn(k % 4 == 0));
        assert!((f64::from(bit.ones()) / 65536.0 - 0.25).abs() < 0.03, "{bit:?}");
        (0..5000).for_each(|_| bit.learn(true));
        assert!(bit.ones() > 65_400 && bit.ones() < 65_536);
        (0..5000).for_each(|_| bit.learn(false));
        assert!(bit.ones() < 200 && bit.ones() >= LEAST);
    }
}
