//! Chunks, of which an archive consists: a kind, a length, a payload, and a checksum of all three.

use super::FORMAT;
use crate::distribution::io::input::Input;
use crate::error::{Error, Result};

/// The first bytes of an archive.
pub(super) const MAGIC: &[u8; 4] = b"VDFA";
/// Bytes before the first chunk: [`MAGIC`] and the version.
pub(super) const PREFIX: u64 = 5;
/// The last bytes of an archive whose writing was finished.
const END: &[u8; 4] = b"AFDV";
/// Bytes after the index: its offset, and [`END`].
pub(super) const TRAILER: u64 = 12;
/// Bytes of a chunk's checksum.
const CHECKSUM: usize = 4;
/// Most bytes of a length or another number (7 bits each).
const MAX_NUMBER: usize = 10;

/// The contents of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A population, a grid and a basis, which many groups share.
    Set = b'S' as isize,
    /// Distributions of consecutive cells.
    Group = b'G' as isize,
    /// The places of all sets and groups.
    Index = b'I' as isize,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Set, Self::Group, Self::Index];

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A chunk that was read: its kind, its payload, and where the next one begins.
pub(super) struct Chunk {
    pub(super) kind: Kind,
    pub(super) payload: Vec<u8>,
    pub(super) end: u64,
}

/// The bytes of a chunk.
pub(super) fn chunk(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind as u8];
    put(&mut bytes, payload.len() as u64);
    bytes.extend(payload);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

/// The front of a chunk, which may be cut by the end of the file.
enum Front {
    /// The kind, where the payload begins, and the length of the chunk.
    Whole { kind: Kind, begin: usize, length: u64 },
    /// The file ends before the payload begins.
    Cut,
    /// No chunk begins like this.
    Other,
}

impl Front {
    fn read(input: &Input, offset: u64) -> Result<Self> {
        let left = input.length().saturating_sub(offset).min(1 + MAX_NUMBER as u64);
        let head = input.bytes(offset, left)?.unwrap_or_default();
        let Some((kind, mut rest)) = head.split_first() else { return Ok(Self::Cut) };
        let Some(kind) = Kind::of(*kind) else { return Ok(Self::Other) };
        let Some(payload) = take(&mut rest) else {
            return Ok(if head.len() <= MAX_NUMBER { Self::Cut } else { Self::Other });
        };
        let begin = head.len() - rest.len();
        Ok(Self::Whole { kind, begin, length: payload.saturating_add((begin + CHECKSUM) as u64) })
    }
}

/// The chunk at `offset`; `None` if there is no whole and sound chunk.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn read(input: &Input, offset: u64) -> Result<Option<Chunk>> {
    let Front::Whole { kind, begin, length } = Front::read(input, offset)? else { return Ok(None) };
    let Some(bytes) = input.bytes(offset, length)? else { return Ok(None) };
    let Some((content, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else { return Ok(None) };
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return Ok(None);
    }
    Ok(Some(Chunk { kind, payload: content[begin..].to_vec(), end: offset + length }))
}

/// The chunk of `bytes` bytes at `offset`; `None` if there is no whole and sound chunk of that length. Nothing longer is read,
/// whatever the chunk claims.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn read_of(input: &Input, offset: u64, bytes: u64) -> Result<Option<Chunk>> {
    match Front::read(input, offset)? {
        Front::Whole { length, .. } if length == bytes => read(input, offset),
        _ => Ok(None),
    }
}

/// True if what begins at `offset` is the rest of a chunk that runs past the end, as a writer leaves it that was killed, or
/// an index: nothing is lost if it is cut off.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn is_torn(input: &Input, offset: u64) -> Result<bool> {
    let is_index = || Ok(read(input, offset)?.is_some_and(|chunk| chunk.kind == Kind::Index));
    match Front::read(input, offset)? {
        Front::Whole { length, .. } if length > input.length().saturating_sub(offset) => Ok(true),
        Front::Whole { .. } => is_index(),
        Front::Cut => Ok(true),
        Front::Other => Ok(false),
    }
}

/// The bytes after the index, which begins at `offset`.
pub(super) fn trailer(offset: u64) -> Vec<u8> {
    [&offset.to_le_bytes()[..], END].concat()
}

/// The offset of the index, from the last bytes of an archive; `None` if its writing was not finished.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn index_offset(input: &Input) -> Result<Option<u64>> {
    let Some(begin) = input.length().checked_sub(TRAILER) else { return Ok(None) };
    let Some(bytes) = input.bytes(begin, TRAILER)? else { return Ok(None) };
    let Some((offset, end)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
    Ok((end == END).then_some(u64::from_le_bytes(*offset)))
}

/// Checks the first bytes of an archive.
///
/// # Errors
/// [`Error::MalformedFile`] for another file, [`Error::UnsupportedVersion`], [`Error::Io`].
pub(super) fn check_prefix(input: &Input) -> Result<()> {
    let malformed = |problem: String| Error::MalformedFile { format: FORMAT, problem };
    let name = input.name();
    let Some(bytes) = input.bytes(0, PREFIX)? else {
        return Err(malformed(format!("{name} has {} bytes; an archive has more", input.length())));
    };
    match bytes.split_first_chunk() {
        Some((MAGIC, [super::VERSION])) => Ok(()),
        Some((MAGIC, [found, ..])) => Err(Error::UnsupportedVersion { found: *found, supported: super::VERSION }),
        _ => Err(malformed(format!("{name} does not begin with `VDFA`"))),
    }
}

/// Appends a number, 7 bits in each byte from the lowest on; the highest bit says that another byte follows (LEB128).
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 1 << 7 {
        bytes.push(number as u8 | 1 << 7);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes such a number from the front; `None` if there is none, or a larger one than 64 bits.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0..MAX_NUMBER as u32 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let digits = u64::from(byte & 0x7f);
        if place == 9 && digits > 1 {
            return None;
        }
        number |= digits << (7 * place);
        if byte < 1 << 7 {
            return Some(number);
        }
    }
    None
}

/// Appends a number with a sign, which becomes its lowest bit.
pub(super) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)) as u64);
}

/// Takes a number with a sign.
pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    take(bytes).map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
}
