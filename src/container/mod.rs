//! The file: an expansion as bytes that another process reads with nothing else at hand. Format: `docs/format.md`.

pub mod batch;
mod boxed;
mod components;
mod cut;
mod head;
pub mod sparse;
mod table;

use crate::basis::any_basis::AnyBasis;
use crate::basis::framing::{self, CHECKSUM, PREFIX};
use crate::basis::spec::{Spec, invalid};
use crate::basis::{Expansion, Stream};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;
use crate::registry::Registry;
use head::Kind;
pub use head::StreamHead;

/// The version of the format that is written, the fourth byte.
pub const VERSION: u8 = 1;

/// Most cells of a grid that [`Expansion::to_bytes`] writes and [`Registry::decode`] reads (2²⁶, half a gigabyte of values);
/// more with [`Expansion::to_bytes_within`] and [`Registry::decode_within`].
pub const MOST_CELLS: usize = framing::MOST_CELLS;

/// Names of parts, and their bytes.
type Parts = Vec<(String, usize)>;

/// The contents of a stream: version, grid, spec, and the bytes of each part.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamInfo {
    /// The version of the format.
    pub version: u8,
    /// The grid of the distribution.
    pub grid: VelocityGrid,
    /// The spec of the basis.
    pub spec: Spec,
    /// Parts in the order of the stream, and their bytes, to a byte or two, since bits are not stored one by one. Together they
    /// are the length of the stream.
    pub parts: Parts,
}

impl<B: Stream> Expansion<B> {
    /// The expansion as a stream that [`Registry::decode`] reads: grid, basis, coefficients and a checksum.
    ///
    /// A reader makes the basis from its spec: of a basis that is not one of the [standard](Registry::standard) ones, by a
    /// registry that has it. [`Registry::to_bytes`] also checks that a registry reads the spec.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) for a basis that no spec makes, or whose spec makes another basis, with what differs;
    /// [`Error::InvalidGrid`](crate::Error::InvalidGrid) for more than [`MOST_CELLS`]; [`Error::ForeignCoefficients`](crate::Error::ForeignCoefficients) for coefficients of another
    /// basis.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.to_bytes_within(MOST_CELLS)
    }

    /// As [`Expansion::to_bytes`], with another limit on the cells of the grid, for readers that take it.
    ///
    /// # Errors
    /// As [`Expansion::to_bytes`].
    pub fn to_bytes_within(&self, most_cells: usize) -> Result<Vec<u8>> {
        framing::check_cells(self.grid(), most_cells)?;
        let mut coder = framing::begin(self.grid(), &self.basis().spec()?)?;
        self.basis().code(&mut self.coefficients().clone(), self.grid(), Resolution::Exact, &mut coder)?;
        Ok(Kind::Dense.sealed(&coder.finish()))
    }
}

impl Registry {
    /// The expansion as a stream that this registry reads: as [`Expansion::to_bytes`], for a basis with names that only
    /// this registry knows.
    ///
    /// # Errors
    /// As [`Expansion::to_bytes`], and [`Error::InvalidSpec`](crate::Error::InvalidSpec) for a spec that this registry does not know, or of which it
    /// makes another basis.
    pub fn to_bytes<B: Stream>(&self, expansion: &Expansion<B>) -> Result<Vec<u8>> {
        let spec = expansion.basis().spec()?;
        let made = self.build(&spec)?.spec()?;
        if made != spec {
            return Err(invalid(&spec.to_string(), format!("here it makes another basis, `{made}`")));
        }
        expansion.to_bytes()
    }

    /// The expansion that a stream holds.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream) for bytes that are cut or damaged, [`Error::UnsupportedVersion`](crate::Error::UnsupportedVersion) for those of another
    /// version, [`Error::LimitExceeded`](crate::Error::LimitExceeded) for more than [`MOST_CELLS`]; [`Error::InvalidSpec`](crate::Error::InvalidSpec) for a basis that this
    /// registry does not know.
    pub fn decode(&self, bytes: &[u8]) -> Result<Expansion<AnyBasis>> {
        self.decode_within(bytes, MOST_CELLS)
    }

    /// As [`Registry::decode`], with another limit on the cells of the grid.
    ///
    /// # Errors
    /// As [`Registry::decode`].
    pub fn decode_within(&self, bytes: &[u8], most_cells: usize) -> Result<Expansion<AnyBasis>> {
        Ok(self.read(bytes, most_cells)?.0)
    }

    /// The version, grid and spec of a stream, and the bytes of its parts.
    ///
    /// # Errors
    /// As [`Registry::decode`].
    pub fn info(&self, bytes: &[u8]) -> Result<StreamInfo> {
        let (expansion, spec, mut parts) = self.read(bytes, MOST_CELLS)?;
        // The last bytes of a range coder belong to no number: they count with the last part.
        let counted: usize = parts.iter().map(|(_, bytes)| bytes).sum();
        if let Some((_, last)) = parts.last_mut() {
            *last = (*last + bytes.len()).saturating_sub(PREFIX + CHECKSUM + counted);
        }
        let mut all = vec![("format".to_owned(), PREFIX)];
        all.extend(parts);
        all.push(("checksum".to_owned(), CHECKSUM));
        Ok(StreamInfo { version: VERSION, grid: *expansion.grid(), spec, parts: all })
    }

    fn read(&self, bytes: &[u8], most_cells: usize) -> Result<(Expansion<AnyBasis>, Spec, Parts)> {
        let mut coder = Coder::reading(head::checked(bytes, Kind::Dense)?);
        coder.part("grid and basis");
        let (grid, spec) = framing::read(&mut coder, most_cells)?;
        let basis = self.build(&spec)?;
        coder.part("coefficients");
        let mut coefficients = basis.blank(&grid);
        basis.code(&mut coefficients, &grid, Resolution::Exact, &mut coder)?;
        Ok((Expansion::from_parts(grid, basis, coefficients), spec, coder.parts()))
    }
}

#[cfg(test)]
mod tests;
