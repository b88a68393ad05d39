//! Coding of the magnitudes of quantised coefficients: small ones in unary, one mixed binary decision "is it k?" for
//! each k from 0 on; large ones by their binary digits.

use super::classes::CLASSES;
use super::coder::Coder;
use super::logistic::Mixing;
use super::models::Integers;
use crate::error::Result;

/// Magnitudes coded in unary; larger ones are coded by their digits. A decision for each of more magnitudes would cost
/// time, and few coefficients are as large.
pub(crate) const UNARY: u64 = 8;
/// Unary decisions with contexts of their own; later decisions share those of the last.
const UNARY_CONTEXTS: usize = 5;

/// Contexts of a magnitude, known before it is coded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<const N: usize> {
    /// Context for each of the `N` aspects, as an index among those of all aspects.
    pub(crate) aspects: [usize; N],
    /// [`class`](super::class) of the predicted magnitude. It selects the weights of the mixing.
    pub(crate) expected: usize,
}

/// Adaptive models of magnitudes with `N` contexts each.
#[derive(Debug, Clone)]
pub(crate) struct Magnitudes<const N: usize> {
    told: Mixing<N>,
    /// Number of contexts of all aspects.
    contexts: usize,
    /// Models of magnitudes beyond the unary ones, by the class of the prediction.
    large: Vec<Integers>,
}

impl<const N: usize> Magnitudes<N> {
    /// Models with this number of contexts of all aspects together.
    pub(crate) fn new(contexts: usize) -> Self {
        let told = Mixing::new(UNARY_CONTEXTS * contexts, UNARY_CONTEXTS * CLASSES);
        Self { told, contexts, large: vec![Integers::default(); CLASSES] }
    }

    /// Codes a magnitude.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream) for one above 2⁶².
    #[inline(always)]
    pub(crate) fn code(&mut self, near: &Surroundings<N>, size: u64, coder: &mut Coder<'_>) -> Result<u64> {
        // Decisions "is it 0?", "is it 1?", … each in the context of its aspects and of the number of decisions before.
        for told in 0..UNARY {
            let (contexts, set) = self.asked(near, told);
            let expected = self.told.expect(contexts, set);
            if coder.mixed(&mut self.told, &expected, size == told) {
                return Ok(told);
            }
        }
        let beyond = coder.positive(&mut self.large[near.expected], size.saturating_sub(UNARY - 1))?;
        Ok(beyond as u64 + UNARY - 1)
    }

    /// Estimated cost of a magnitude in 2⁻⁸ bits: exact for the unary decisions; for the digits of a large one 1 + 2
    /// log₂ bits, the length of its Elias gamma code.
    pub(crate) fn cost(&self, near: &Surroundings<N>, size: u64) -> u32 {
        let one_by_one = (0..UNARY.min(size + 1)).map(|told| {
            let (contexts, set) = self.asked(near, told);
            self.told.expect(contexts, set).cost(told == size)
        });
        let digits = if size >= UNARY { 1 + 2 * (size - UNARY + 1).ilog2() } else { 0 };
        one_by_one.sum::<u32>() + 256 * digits
    }

    /// Contexts and set of weights of the decision whether the magnitude is `told`.
    #[inline(always)]
    fn asked(&self, near: &Surroundings<N>, told: u64) -> ([usize; N], usize) {
        let told = (told as usize).min(UNARY_CONTEXTS - 1);
        (near.aspects.map(|aspect| told * self.contexts + aspect), told * CLASSES + near.expected)
    }
}
