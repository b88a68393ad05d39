//! The second of two bases, which encodes what the first leaves over and may find nothing to describe.

use crate::basis::{Basis, Stream};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// `None` for what a basis cannot encode because there is nothing to describe: what is left is zero, or lies in one plane
/// of cells. The first basis alone is then the answer.
pub(super) fn or_nothing<T>(encoded: Result<T>) -> Result<Option<T>> {
    match encoded {
        Ok(encoded) => Ok(Some(encoded)),
        Err(Error::Degenerate { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Codes whether there are coefficients of the second basis, and then these.
pub(super) fn code<B: Stream>(
    basis: &B,
    second: &mut Option<<B as Basis>::Coefficients>,
    grid: &VelocityGrid,
    resolution: Resolution,
    coder: &mut Coder<'_>,
) -> Result<()> {
    coder.part_of(basis)?;
    if coder.rarely(second.is_none()) {
        *second = None;
        return Ok(());
    }
    basis.code(second.get_or_insert_with(|| basis.blank(grid)), grid, resolution, coder)
}
