//! Logistic mixing of the probabilities of one bit in several contexts: p = σ(Σ w_k ln(p_k/(1−p_k))), σ(x) =
//! 1/(1+e^{−x}), with adaptive weights (Mahoney 2005, Adaptive weighing of context models for lossless data
//! compression, Florida Tech. CS-2005-16).
//!
//! The tables of ln and exp are computed by the compiler. Everything else is integer arithmetic, so that writer and
//! reader agree on every platform.

use super::coder::Coder;
use super::models::Bit;

/// Weight of 1, in fixed point.
const UNIT: i32 = 1 << 16;
/// Largest log-odds, 12, in units of 2⁻⁸: σ(−12) = 6e-6 is below the smallest probability [`MIN_PROBABILITY`].
const MAX_LOG_ODDS: i32 = 12 << 8;
/// Binary logarithm of the learning rate: Δw = error · odds / 2¹⁴. With errors in 2⁻¹⁶, odds in 2⁻⁸ and weights in 2⁻¹⁶
/// that is a rate of 2⁻¹⁴ · 2⁸ = 1/64.
const RATE_SHIFT: u32 = 14;
/// Smallest mixed probability of either value of a bit, in 2⁻¹⁶: 1/4096, so that a surprise costs 12 bits at most.
const MIN_PROBABILITY: i32 = 16;

/// Table of log-odds, in 2⁻⁸, of probabilities in steps of 2⁻¹²; at both ends those an eighth of a step away.
const STRETCHED: [i16; 4097] = {
    let mut table = [0; 4097];
    let mut k = 0;
    while k <= 4096 {
        let p = if k == 0 {
            0.125
        } else if k == 4096 {
            4095.875
        } else {
            k as f64
        } / 4096.0;
        let odds = 256.0 * (ln(p) - ln(1.0 - p));
        table[k] = if odds < 0.0 { (odds - 0.5) as i16 } else { (odds + 0.5) as i16 };
        k += 1;
    }
    table
};

/// Table of probabilities, in 2⁻¹⁶, of log-odds from −12 to 12 in steps of 2⁻⁶.
const SQUASHED: [i32; 2 * 12 * 64 + 1] = {
    let mut table = [0; 2 * 12 * 64 + 1];
    let mut k = 0;
    while k <= 2 * 12 * 64 {
        table[k] = (65536.0 / (1.0 + exp(12.0 - k as f64 / 64.0)) + 0.5) as i32;
        k += 1;
    }
    table
};

/// Table of costs −log₂ p, in 2⁻⁸ bits, of events of probability p = (k + ½)/1024.
const COSTS: [u16; 1024] = {
    let mut table = [0; 1024];
    let mut k = 0;
    while k < 1024 {
        table[k] = (-256.0 * ln((k as f64 + 0.5) / 1024.0) / std::f64::consts::LN_2 + 0.5) as u16;
        k += 1;
    }
    table
};

const fn ln(x: f64) -> f64 {
    let (mut x, mut halvings) = (x, 0.0);
    while x < 0.75 {
        x *= 2.0;
        halvings += 1.0;
    }
    // ln x = 2 artanh y.
    let y = (x - 1.0) / (x + 1.0);
    let (mut power, mut sum, mut k) = (y, 0.0, 1.0);
    while k < 30.0 {
        sum += power / k;
        power *= y * y;
        k += 2.0;
    }
    2.0 * sum - halvings * std::f64::consts::LN_2
}

const fn exp(x: f64) -> f64 {
    let small = x / 64.0;
    let (mut term, mut sum, mut k) = (1.0, 0.0, 1.0);
    while k < 16.0 {
        sum += term;
        term *= small / k;
        k += 1.0;
    }
    let (mut power, mut doublings) = (sum, 0);
    while doublings < 6 {
        power *= power;
        doublings += 1;
    }
    power
}

/// Log-odds of a probability in 2⁻¹⁶, in 2⁻⁸.
#[inline]
fn stretched(ones: u32) -> i32 {
    let (k, rest) = ((ones >> 4) as usize & 4095, (ones & 15) as i32);
    let (a, b) = (i32::from(STRETCHED[k]), i32::from(STRETCHED[k + 1]));
    a + (((b - a) * rest) >> 4)
}

/// Probability, in 2⁻¹⁶, of log-odds in 2⁻⁸.
#[inline]
fn squashed(odds: i32) -> i32 {
    let odds = odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS - 1) + MAX_LOG_ODDS;
    let (k, rest) = ((odds >> 2) as usize, odds & 3);
    let (a, b) = (SQUASHED[k], SQUASHED[k + 1]);
    (a + (((b - a) * rest) >> 2)).clamp(MIN_PROBABILITY, (1 << 16) - MIN_PROBABILITY)
}

/// Adaptive bit models of many contexts, of which `N` predict each coded bit, and sets of weights for their mixing.
#[derive(Debug, Clone)]
pub(crate) struct Mixing<const N: usize> {
    contexts: Vec<Bit>,
    weights: Vec<[i32; N]>,
}

/// Prediction of a bit, with the contexts and the set of weights that made it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation<const N: usize> {
    contexts: [usize; N],
    odds: [i32; N],
    set: usize,
    ones: i32,
}

impl<const N: usize> Mixing<N> {
    /// Makes contexts of probability ½, and sets of equal weights whose sum is 1.6. The sum exceeds 1, because several
    /// contexts that agree are right more often than each of them alone.
    pub(crate) fn new(contexts: usize, sets: usize) -> Self {
        Self { contexts: vec![Bit::even(); contexts], weights: vec![[UNIT * 8 / (5 * N as i32); N]; sets] }
    }

    /// Predicts a bit from its contexts, with the weights of this set.
    #[inline(always)]
    pub(crate) fn expect(&self, contexts: [usize; N], set: usize) -> Expectation<N> {
        let mut odds = [0; N];
        let mut sum = 0;
        for k in 0..N {
            odds[k] = stretched(self.contexts[contexts[k]].ones());
            sum += i64::from(odds[k]) * i64::from(self.weights[set][k]);
        }
        Expectation { contexts, odds, set, ones: squashed((sum >> 16).clamp(-1 << 20, 1 << 20) as i32) }
    }

    #[inline(always)]
    fn learn(&mut self, expected: &Expectation<N>, bit: bool) {
        // Gradient descent on the cost of the bit: ∂(−log p)/∂w_k = −(bit − p) odds_k. The error has 17 binary digits,
        // the odds 13: their product fits 32 bits.
        let error = (i32::from(bit) << 16) - expected.ones;
        for (w, &odds) in self.weights[expected.set].iter_mut().zip(&expected.odds) {
            let change = (error * odds + (1 << (RATE_SHIFT - 1))) >> RATE_SHIFT;
            *w = (*w + change).clamp(-8 * UNIT, 8 * UNIT);
        }
        expected.contexts.iter().for_each(|&context| self.contexts[context].learn(bit));
    }
}

impl<const N: usize> Expectation<N> {
    /// Cost of a bit, in 2⁻⁸ bits.
    #[inline]
    pub(crate) fn cost(&self, bit: bool) -> u32 {
        let ones = if bit { self.ones } else { (1 << 16) - self.ones };
        u32::from(COSTS[(ones >> 6) as usize & 1023])
    }
}

impl Coder<'_> {
    /// Codes a bit that several contexts predict, and adapts them and their weights.
    #[inline(always)]
    pub(crate) fn mixed<const N: usize>(
        &mut self,
        mixing: &mut Mixing<N>,
        expected: &Expectation<N>,
        bit: bool,
    ) -> bool {
        let bit = self.weighted(expected.ones as u32, bit);
        mixing.learn(expected, bit);
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_what_they_should_be() {
        for k in [100_u32, 1000, 4096, 20_000, 32_768, 60_000, 65_400] {
            let p = f64::from(k) / 65536.0;
            assert!((f64::from(stretched(k)) / 256.0 - (p / (1.0 - p)).ln()).abs() < 0.03, "{k}");
            assert!((squashed(stretched(k)) - k as i32).abs() <= 8 + k as i32 / 64, "{k}");
        }
        assert_eq!(
            (COSTS[0], squashed(0), squashed(i32::MIN), squashed(i32::MAX)),
            (2816, 1 << 15, MIN_PROBABILITY, 65536 - MIN_PROBABILITY)
        );
    }

    #[test]
    fn the_context_that_knows_is_found_out() {
        let bits: Vec<bool> = (0..4000_u32).map(|k| k.wrapping_mul(2_654_435_761) >> 16 & 1 == 1).collect();
        let code = |coder: &mut Coder<'_>, given: Option<&[bool]>| -> Vec<bool> {
            let mut mixing = Mixing::<2>::new(3, 1);
            // The first context knows the bit before last, which is repeated; the other nothing.
            let mut read: Vec<bool> = Vec::new();
            for k in 0..4000 {
                let hint = read.len() > 1 && read[k - 2];
                let expected = mixing.expect([usize::from(hint), 2], 0);
                read.push(coder.mixed(&mut mixing, &expected, given.is_some_and(|bits| bits[k])));
            }
            read
        };
        let repeated: Vec<bool> = (0..4000).map(|k| bits[k / 400 * 2 + k % 2]).collect();
        let mut writer = Coder::writing();
        code(&mut writer, Some(&repeated));
        let bytes = writer.finish();
        assert!(bytes.len() < 90, "{}", bytes.len());
        assert_eq!(code(&mut Coder::reading(&bytes), None), repeated);
    }
}
