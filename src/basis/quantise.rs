//! The trait of bases that a bound can be kept for: their coefficients are rounded, and the error of that is estimated.

use super::Stream;
use super::bound::Bound;
use crate::coding::{Coder, Resolution};
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// A basis whose coefficients can be rounded as coarsely as a [`Bound`] allows. Every method has a default that serves a
/// basis whose numbers can be rounded one by one.
pub trait Quantise: Stream {
    /// As [`Basis::encode`](super::Basis::encode), for coefficients of which nothing is used but to round them: a basis
    /// leaves out here what [`Quantise::rounded`] finds anew for every step.
    ///
    /// # Errors
    /// As [`Basis::encode`](super::Basis::encode).
    fn encode_to_round(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        self.encode(vdf)
    }

    /// Rounds `coefficients` to what a stream of this resolution can hold, as near to `vdf` as possible. By default each
    /// number is rounded by itself, and only the grid of `vdf` is used. Override this where one number can make up for
    /// what rounding another lost.
    ///
    /// # Errors
    /// As [`Stream::code`], and as [`Basis::encode`](super::Basis::encode) where something is encoded anew.
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let mut rounded = coefficients.clone();
        self.code(&mut rounded, vdf.grid(), resolution, &mut Coder::writing())?;
        Ok(rounded)
    }

    /// An estimate of the error of [`Quantise::rounded`] at this step, as the root of the sum of squares over the cells
    /// [s³ m⁻⁶]; `None` if it cannot be told from the coefficients. The search for a step begins there and then measures,
    /// so a rough estimate will do.
    fn rounding_error(&self, coefficients: &Self::Coefficients, step: f64) -> Option<f64> {
        let _ = (coefficients, step);
        None
    }

    /// An estimate of the same error in decades: the root of the sum of squares of log₁₀ over the cells \[dex\]; `None`
    /// from a basis of densities.
    fn logarithmic_error(&self, coefficients: &Self::Coefficients, step: f64) -> Option<f64> {
        let _ = (coefficients, step);
        None
    }

    /// True if [`Quantise::rounded`] gives the same at every step, because each basis inside has a step of its own.
    fn ignores_step(&self) -> bool {
        false
    }

    /// The index of the step to which the coefficients have been rounded already, and the coefficients to be rounded to it
    /// once more, which may be arranged otherwise; `steps` come in falling order. Such coefficients are those of a
    /// distribution that was decoded from a stream: the encoder keeps their step and makes no new error. `None` if they
    /// have not been rounded to any of the steps, or if finding out would take long.
    fn rounded_before(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, Self::Coefficients)> {
        let _ = (coefficients, vdf, steps);
        None
    }

    /// The bound that every stream of this basis meets; `None` if there is none, or only for a part of it.
    fn kept_bound(&self) -> Option<Bound> {
        None
    }

    /// True if encoding is a linear transform that leaves nothing out, and takes about the time of the reconstruction,
    /// so that a search may repeat both.
    fn is_transform(&self) -> bool {
        false
    }

    /// This basis with a tighter bound: each error limited to this part of its limit in [`Quantise::kept_bound`], a length as
    /// before. A combinator around it that has added errors of its own asks for it. This basis must read what that one
    /// writes. `None` if it keeps no bound.
    fn tightened(&self, part: f64) -> Option<Self> {
        let _ = part;
        None
    }

    /// Asks this basis to keep a bound by itself. The default answer is that it does not: it rounds at any step, and
    /// [`Quantized`](crate::Quantized) around it searches for the step.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) if a basis inside this one chooses its own step, and it is not
    /// known which bound that basis should keep.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        let _ = bound;
        Ok(Kept::AtAnyStep)
    }
}

/// The answer to [`Quantise::keep`].
#[derive(Debug, Clone, PartialEq)]
pub enum Kept<B> {
    /// The basis rounds at any step that it is given; [`Quantized`](crate::Quantized) around it keeps the bound.
    AtAnyStep,
    /// A basis inside this one chooses its own step, and has been told a bound. The value is this basis with that change;
    /// [`Quantized`](crate::Quantized) around it still checks the whole bound.
    Inside(B),
    /// This basis keeps the bound by itself. The value is this basis with the bound.
    Itself(B),
}

impl<B> Kept<B> {
    /// The same answer for a combinator around this basis; the basis that keeps the bound is then inside the combinator.
    #[must_use]
    pub fn through<C>(self, make: impl FnOnce(B) -> C) -> Kept<C> {
        match self {
            Self::AtAnyStep => Kept::AtAnyStep,
            Self::Inside(inner) | Self::Itself(inner) => Kept::Inside(make(inner)),
        }
    }
}
