//! The trait of bases with a stream: a spec, and one function that writes coefficients and reads them.

use super::Basis;
use super::spec::Spec;
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// A stream may claim as many real numbers as its grid has cells, and this many more: enough for any expansion, too few
/// to exhaust a machine.
pub const MOST_COEFFICIENTS: usize = 1 << 22;

/// A basis whose coefficients can be written to bytes and read back by a process that has nothing else at hand.
pub trait Stream: Basis {
    /// The spec from which a [`Registry`](crate::Registry) makes an equal basis. A [`NamedBasis`](super::NamedBasis)
    /// returns [`spec_of`](super::choices::spec_of)`(self)`.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) for a basis that no spec makes.
    fn spec(&self) -> Result<Spec>;

    /// Coefficients for [`Stream::code`] to read into. It replaces every number; set here what the stream does not hold,
    /// such as the grid.
    fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients;

    /// Writes the coefficients, or reads them: the coder alone knows which. Each number goes through the coder once, as
    /// `x = coder.real(&mut model, x)?`. A writing coder stores x and returns what a reader will get; a reading coder
    /// ignores x and returns the number of the stream. A model learns which numbers to expect: keep one for each kind of
    /// number.
    ///
    /// Afterwards, writing or reading, the coefficients are those that a reader gets: bit by bit the same with
    /// [`Resolution::Exact`], rounded ones otherwise. Rounded coefficients that are written again must come out unchanged.
    ///
    /// A reader has this basis, the grid and the resolution, and nothing else. It meets streams that were cut, damaged
    /// or made up: no number it reads may make it panic, or allocate more than a small multiple of the grid's cells and
    /// of [`MOST_COEFFICIENTS`].
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream) for a stream that holds no such coefficients;
    /// [`Error::ForeignCoefficients`](crate::Error::ForeignCoefficients) for coefficients of another basis.
    fn code(
        &self,
        coefficients: &mut Self::Coefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()>;
}

impl Coder<'_> {
    /// Announces the coefficients of `basis`, so that [`Coder::parts`] can tell what they cost. Does nothing when writing,
    /// since only readers list parts.
    pub(crate) fn part_of<B: Stream>(&mut self, basis: &B) -> Result<()> {
        if self.is_reading() {
            self.part(basis.spec()?.to_string());
        }
        Ok(())
    }
}
