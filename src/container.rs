//! The file: an expansion as bytes that another process reads with nothing else at hand. Format: `docs/format.md`.

use crate::any_basis::AnyBasis;
use crate::basis::{Basis, Expansion};
use crate::coding::{Coder, Resolution, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;
use crate::header::{self, CHECKSUM, HEAD, MAGIC};
use crate::registry::{self, Registry};
use crate::spec::Spec;

/// The version of the format that is written, the fourth byte.
pub const VERSION: u8 = 1;

/// Most cells of a grid that [`Expansion::to_bytes`] writes and [`Registry::decode`] reads (2²⁶, half a gigabyte of values);
/// more with [`Expansion::to_bytes_within`] and [`Registry::decode_within`].
pub const MOST_CELLS: usize = header::MOST_CELLS;

/// Names, and bytes.
type Parts = Vec<(String, usize)>;

/// What a stream is, and what each part of it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamInfo {
    /// The version of the format.
    pub version: u8,
    /// The grid of the distribution.
    pub grid: VelocityGrid,
    /// The spec of the basis.
    pub spec: Spec,
    /// Parts in the order of the stream, and their bytes; to a byte or two, since bits are not stored one by one.
    pub parts: Parts,
}

impl<B: Basis> Expansion<B> {
    /// The expansion as a stream that [`Registry::decode`] reads: grid, basis, coefficients and a checksum.
    ///
    /// A reader makes the basis from its spec. So the spec is read back here, by the [standard](Registry::standard) bases and
    /// those that were added to any registry of this process ([`Registry::with`]), and must make the same basis; where
    /// none of them knows a name, [`Registry::to_bytes`] does the same with the registry that does.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) for a basis that no spec names, or whose spec makes another basis,
    /// [`Error::InvalidGrid`](crate::Error::InvalidGrid) for more than [`MOST_CELLS`], and
    /// [`Error::ForeignCoefficients`](crate::Error::ForeignCoefficients) for coefficients of another basis.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.to_bytes_within(MOST_CELLS)
    }

    /// As [`Expansion::to_bytes`], with another limit on the cells of the grid, for readers that take it.
    ///
    /// # Errors
    /// As [`Expansion::to_bytes`].
    pub fn to_bytes_within(&self, most_cells: usize) -> Result<Vec<u8>> {
        let spec = self.basis().to_string();
        registry::check_known(self.basis(), &spec.parse()?)?;
        self.stream(&spec, most_cells)
    }

    fn stream(&self, spec: &str, most_cells: usize) -> Result<Vec<u8>> {
        header::check_cells(self.grid(), most_cells)?;
        let mut coder = header::begin(self.grid(), spec)?;
        self.basis().code(Some(self.coefficients()), self.grid(), Resolution::Exact, &mut coder)?;
        let mut bytes = [&MAGIC[..], &[VERSION]].concat();
        bytes.extend(coder.finish());
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        Ok(bytes)
    }
}

impl Registry {
    /// The expansion as a stream that this registry reads: as [`Expansion::to_bytes`], for a basis with names that only this
    /// registry knows.
    ///
    /// # Errors
    /// As [`Expansion::to_bytes`], and for names that this registry does not know.
    pub fn to_bytes<B: Basis>(&self, expansion: &Expansion<B>) -> Result<Vec<u8>> {
        let spec = expansion.basis().to_string();
        self.check(expansion.basis(), &spec.parse()?)?;
        expansion.stream(&spec, MOST_CELLS)
    }

    /// The expansion that a stream holds.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream) for bytes that are cut, damaged, of another version, or
    /// claim more than [`MOST_CELLS`]; [`Error::InvalidSpec`](crate::Error::InvalidSpec) for a basis that this registry
    /// does not know.
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

    /// What a stream is and what its parts cost.
    ///
    /// # Errors
    /// As [`Registry::decode`].
    pub fn info(&self, bytes: &[u8]) -> Result<StreamInfo> {
        let (expansion, spec, parts) = self.read(bytes, MOST_CELLS)?;
        let mut all = vec![("format".to_owned(), HEAD)];
        all.extend(parts);
        all.push(("checksum".to_owned(), CHECKSUM));
        Ok(StreamInfo { version: VERSION, grid: *expansion.grid(), spec, parts: all })
    }

    fn read(&self, bytes: &[u8], most_cells: usize) -> Result<(Expansion<AnyBasis>, Spec, Parts)> {
        let Some(body) = checked(bytes)? else { return Err(malformed("it is shorter than any stream")) };
        let mut coder = Coder::reading(body);
        coder.part("grid and basis");
        let (grid, spec) = header::code(&mut coder, None, most_cells)?;
        let basis = self.build_as_written(&spec)?;
        coder.part("coefficients");
        let coefficients = basis.code(None, &grid, Resolution::Exact, &mut coder)?;
        Ok((Expansion::from_parts(grid, basis, coefficients), spec, coder.parts()))
    }
}

/// What stands between the version and the checksum, if both are right.
fn checked(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let Some((content, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else { return Ok(None) };
    let Some((magic, [version, body @ ..])) = content.split_first_chunk::<{ MAGIC.len() }>() else { return Ok(None) };
    if magic != MAGIC {
        return Err(malformed(format!("it begins with {magic:02x?}, not with `VDF`")));
    }
    if *version != VERSION {
        return Err(malformed(format!("it is of version {version}; this reads version {VERSION}")));
    }
    let (expected, found) = (u32::from_le_bytes(*checksum), crc32fast::hash(content));
    if expected != found {
        return Err(malformed(format!("its checksum is {found:08x}, not {expected:08x}: it is cut or damaged")));
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests;
