//! Adaptive models of bits, integers and real numbers.

use super::range_coder::PROBABILITY_BITS;

/// Adaptive model of a bit: its estimated probability of being 1.
///
/// Bit n + 1 moves the estimate by 1/(n + 1½) of the difference, the estimator of Krichevsky and Trofimov 1981 (IEEE
/// Trans. Inf. Theory 27, 199). From bit `MEMORY` on the rate is constant, so that later bits have more weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bit {
    ones: u16,
    seen: u8,
}

/// Smallest probability of either value, in 2⁻¹⁶: 1/2731, so that an unlikely bit costs 11.4 bits at most.
const MIN_PROBABILITY: u32 = 24;
/// Number of bits after which the rate is constant, 1/91.5.
const MEMORY: usize = 90;

/// Rates 2¹⁶/(n + 1½) after n bits.
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
    /// Model with probability ½ that has seen no bit.
    #[must_use]
    pub const fn even() -> Self {
        Self { ones: 1 << 15, seen: 0 }
    }

    /// Model with the given probability [1/65536] of being 1, as if it had seen `seen` bits; more than 90 count as 90.
    #[must_use]
    pub const fn expected(ones: u16, seen: u8) -> Self {
        let most = MEMORY as u8;
        Self { ones, seen: if seen < most { seen } else { most } }
    }

    /// Probability of 1, in 2⁻¹⁶.
    #[inline]
    pub(super) fn ones(self) -> u32 {
        u32::from(self.ones).clamp(MIN_PROBABILITY, (1 << PROBABILITY_BITS) - MIN_PROBABILITY)
    }

    #[inline(always)]
    pub(super) fn learn(&mut self, bit: bool) {
        // Conditional moves instead of branches: coded bits are unpredictable, and so would branches be.
        let ones = u32::from(self.ones);
        let gap = if bit { (1 << PROBABILITY_BITS) - 1 - ones } else { ones };
        let change = (gap * RATES[usize::from(self.seen)]) >> 16;
        self.ones = (if bit { ones + change } else { ones - change }) as u16;
        self.seen = (self.seen + 1).min(MEMORY as u8);
    }
}

/// Adaptive models of integers near zero, coded as: zero or not, sign, number of binary digits, digits. All have models
/// except the lowest digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integers {
    pub(super) zero: Bit,
    pub(super) negative: Bit,
    /// Models of the decision whether there are more digits, by their number so far.
    pub(super) longer: [Bit; 64],
    /// Models of the two digits below the leading one, by the number of digits: the first, and the second after a 0
    /// or 1.
    pub(super) digits: [[Bit; 3]; 64],
}

impl Default for Integers {
    fn default() -> Self {
        Self { zero: Bit::even(), negative: Bit::even(), longer: [Bit::even(); 64], digits: [[Bit::even(); 3]; 64] }
    }
}

/// Adaptive models of real numbers, coded to the last bit: the difference of the exponent from the previous one, and
/// whether the number has single precision.
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
        assert!(bit.ones() < 200 && bit.ones() >= MIN_PROBABILITY);
    }
}
