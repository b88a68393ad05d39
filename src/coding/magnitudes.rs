//! Magnitudes of rounded coefficients: told one by one from zero on, what is expected of them being learnt under several
//! aspects and mixed; large ones by their digits.

use super::classes::CLASSES;
use super::coder::Coder;
use super::logistic::Mixing;
use super::models::Integers;
use crate::error::Result;

/// Magnitudes told one by one before their digits are counted.
pub(crate) const UNARY: u64 = 8;
/// Those with contexts of their own; the last of these serves the larger ones, too.
const TOLD: usize = 5;

/// What is known about a coefficient before its magnitude is coded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<const N: usize> {
    /// Under each aspect its context, among those of all aspects.
    pub(crate) aspects: [usize; N],
    /// How large it is likely to be: a [`class`](super::class).
    pub(crate) expected: usize,
}

/// Models of magnitudes that are seen under `N` aspects.
pub(crate) struct Magnitudes<const N: usize> {
    told: Mixing<N>,
    /// Contexts of all aspects.
    contexts: usize,
    /// Those beyond the ones told one by one, by how large they are expected to be.
    large: Vec<Integers>,
}

impl<const N: usize> Magnitudes<N> {
    /// With so many contexts of all aspects together.
    pub(crate) fn new(contexts: usize) -> Self {
        let told = Mixing::new(TOLD * contexts, TOLD * CLASSES);
        Self { told, contexts, large: vec![Integers::default(); CLASSES] }
    }

    /// A magnitude.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream) for one beyond all numbers.
    #[inline(always)]
    pub(crate) fn code(&mut self, near: &Surroundings<N>, size: u64, coder: &mut Coder<'_>) -> Result<u64> {
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

    /// About how many bits a magnitude takes, in 2⁻⁸.
    pub(crate) fn cost(&self, near: &Surroundings<N>, size: u64) -> u32 {
        let one_by_one = (0..UNARY.min(size + 1)).map(|told| {
            let (contexts, set) = self.asked(near, told);
            self.told.expect(contexts, set).cost(told == size)
        });
        let digits = if size >= UNARY { 1 + 2 * (size - UNARY + 1).ilog2() } else { 0 };
        one_by_one.sum::<u32>() + 256 * digits
    }

    /// The contexts, and the set of weights, of the question whether it is no more than what has been told.
    #[inline(always)]
    fn asked(&self, near: &Surroundings<N>, told: u64) -> ([usize; N], usize) {
        let told = (told as usize).min(TOLD - 1);
        (near.aspects.map(|aspect| told * self.contexts + aspect), told * CLASSES + near.expected)
    }
}
