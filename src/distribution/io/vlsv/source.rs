//! Bytes read at given positions, from any thread.

use std::path::Path;

use super::super::input::{Input, Whole};
use super::array::{Array, Kind};
use crate::error::{Error, Result};

/// Name of the format in errors.
pub(super) const FORMAT: &str = "VLSV";

/// A VLSV file, or its bytes in memory. Every read is checked against the length before memory is taken for it.
#[derive(Debug)]
pub(super) struct Source {
    input: Input,
    pub(super) big_endian: bool,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::new(Input::open(path)?)
    }

    pub(super) fn in_memory(bytes: Vec<u8>) -> Result<Self> {
        Self::new(Input::in_memory(bytes, "VLSV bytes"))
    }

    fn new(input: Input) -> Result<Self> {
        let length = input.length();
        let mut source = Self { input, big_endian: false };
        if length < 16 {
            return Err(source.malformed(format!("{length} bytes; a VLSV file has 16 bytes before its data")));
        }
        source.big_endian = match source.bytes(0, 1, "header")?.first() {
            Some(0) => false,
            Some(1) => true,
            byte => {
                let byte = byte.copied().unwrap_or_default();
                let problem = "byte 0 says little (0) or big endian (1), here it is";
                return Err(source.malformed(format!("not a VLSV file: {problem} {byte}")));
            }
        };
        Ok(source)
    }

    /// The error for a file that is not what it claims to be.
    pub(super) fn malformed(&self, problem: impl std::fmt::Display) -> Error {
        Error::MalformedFile { format: FORMAT, problem: format!("{}: {problem}", self.name()) }
    }

    /// The error for a file of a kind that is not read.
    pub(super) fn unsupported(&self, problem: impl std::fmt::Display) -> Error {
        Error::UnsupportedFile { format: FORMAT, problem: format!("{}: {problem}", self.name()) }
    }

    /// The path, or a word for it.
    pub(super) fn name(&self) -> &str {
        self.input.name()
    }

    /// The number of bytes.
    pub(super) fn length(&self) -> u64 {
        self.input.length()
    }

    /// `count` bytes from `offset` on.
    pub(super) fn bytes(&self, offset: u64, count: u64, what: &str) -> Result<Vec<u8>> {
        self.input.bytes(offset, count)?.ok_or_else(|| {
            let length = self.length();
            self.malformed(format!("{what} takes {count} bytes from byte {offset} on, but the file has {length} bytes"))
        })
    }

    /// The bytes of rows `first .. first + count` of an array.
    pub(super) fn rows(&self, array: &Array, first: u64, count: u64, what: &str) -> Result<Vec<u8>> {
        let beyond = || {
            let (rows, columns) = (array.rows, array.columns);
            self.malformed(format!("{what} has {rows} rows of {columns} numbers, not those from row {first} on"))
        };
        if first.checked_add(count).is_none_or(|end| end > array.rows) {
            return Err(beyond());
        }
        let row = array.row_bytes().ok_or_else(beyond)?;
        let begin = row.checked_mul(first).and_then(|bytes| bytes.checked_add(array.offset)).ok_or_else(beyond)?;
        self.bytes(begin, row.checked_mul(count).ok_or_else(beyond)?, what)
    }

    /// The numbers of some rows as f64.
    pub(super) fn floats(&self, array: &Array, first: u64, count: u64, what: &str) -> Result<Vec<f64>> {
        let bytes = self.rows(array, first, count, what)?;
        let size = usize::from(array.size);
        let number = |bytes: &[u8]| match (array.kind, self.word(bytes)) {
            (Kind::Float, word) if size == 4 => f64::from(f32::from_bits(word as u32)),
            (Kind::Float, word) => f64::from_bits(word),
            (Kind::Uint, word) => word as f64,
            (Kind::Int, word) => sign_extended(word, size) as f64,
        };
        Ok(bytes.chunks_exact(size).map(number).collect())
    }

    /// The numbers of some rows as integers.
    pub(super) fn integers(&self, array: &Array, first: u64, count: u64, what: &str) -> Result<Vec<u64>> {
        if array.kind == Kind::Float {
            return Err(self.malformed(format!("{what} holds floating-point numbers where integers are needed")));
        }
        let bytes = self.rows(array, first, count, what)?;
        let size = usize::from(array.size);
        let number = |bytes: &[u8]| match (array.kind, self.word(bytes)) {
            (Kind::Int, word) if sign_extended(word, size) < 0 => {
                Err(self.malformed(format!("{what} holds the negative number {}", sign_extended(word, size))))
            }
            (_, word) => Ok(word),
        };
        bytes.chunks_exact(size).map(number).collect()
    }

    /// All numbers of an array as integers.
    pub(super) fn all_integers(&self, array: &Array, what: &str) -> Result<Vec<u64>> {
        self.integers(array, 0, array.rows, what)
    }

    /// Up to eight bytes as a number.
    pub(super) fn word(&self, bytes: &[u8]) -> u64 {
        match (bytes.try_into(), bytes.try_into()) {
            (Ok(four), _) if self.big_endian => u64::from(u32::from_be_bytes(four)),
            (Ok(four), _) => u64::from(u32::from_le_bytes(four)),
            (_, Ok(eight)) if self.big_endian => u64::from_be_bytes(eight),
            (_, Ok(eight)) => u64::from_le_bytes(eight),
            _ if self.big_endian => bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
            _ => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        }
    }

    /// A reader of the whole file, from its beginning.
    pub(super) fn reader(&self) -> Whole<'_> {
        self.input.reader()
    }
}

fn sign_extended(word: u64, size: usize) -> i64 {
    let shift = 64 - 8 * size.clamp(1, 8) as u32;
    (word << shift) as i64 >> shift
}
