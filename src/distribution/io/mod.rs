//! Distributions in files: NumPy's `.npy` ([`npy`]), bare values ([`raw`]) and Vlasiator's VLSV (`vlsv`).
//!
//! No file is trusted: what its header claims is checked before anything is allocated, memory grows only with bytes
//! that have arrived, and a file that holds more or less than it should is refused.

pub(crate) mod input;
pub mod npy;
mod npy_population;
pub(crate) use npy::npy_numbers;
pub use npy_population::NpyPopulation;
pub mod raw;
#[cfg(feature = "vlsv")]
pub mod vlsv;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::grid::VelocityGrid;
use super::vdf::Vdf;
use crate::error::{Error, Result};

/// Precision of the values in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 4-byte IEEE numbers: 7 digits. Values below 1e-45 become zero, values above 3.4e38 are refused.
    Single,
    /// 8-byte IEEE numbers: every value bit by bit.
    Double,
}

impl Precision {
    /// Bytes per value.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Single => 4,
            Self::Double => 8,
        }
    }

    /// The precision in which the values on `grid` take `length` bytes.
    ///
    /// # Errors
    /// [`Error::MalformedFile`] naming both lengths if neither precision takes so many.
    pub fn of_length(length: u64, grid: &VelocityGrid) -> Result<Self> {
        [Self::Single, Self::Double].into_iter().find(|precision| precision.length(grid.cells()) == length).ok_or_else(
            || Error::MalformedFile {
                format: "raw",
                problem: format!(
                    "found {length} bytes; a grid of shape {:?} takes {} in single and {} in double precision",
                    grid.shape(),
                    Self::Single.length(grid.cells()),
                    Self::Double.length(grid.cells())
                ),
            },
        )
    }

    /// Bytes that `cells` values take; at most 2³⁵, as grids are bounded.
    fn length(self, cells: usize) -> u64 {
        (self.bytes() * cells) as u64
    }
}

impl Vdf {
    /// The same values on a grid of the same shape that begins at `lower` [m/s] and has cells `spacing` [m/s] wide:
    /// the geometry that an `.npy` file does not hold.
    ///
    /// # Errors
    /// [`Error::InvalidGrid`] as [`VelocityGrid::new`].
    pub fn with_geometry(self, lower: [f64; 3], spacing: [f64; 3]) -> Result<Self> {
        Self::new(VelocityGrid::new(self.grid().shape(), lower, spacing)?, self.into_values())
    }
}

/// Bytes read or written at a time.
const CHUNK: usize = 1 << 16;

/// Bytes to be read, with what errors have to say about them.
struct Source<R> {
    reader: R,
    /// The path, or a word for it.
    name: String,
    format: &'static str,
    /// Bytes left, where that is known: of plain files, but not of pipes and readers.
    remaining: Option<u64>,
}

impl Source<File> {
    fn open(path: &Path, format: &'static str) -> Result<Self> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
        let (reader, metadata) = opened.map_err(|error| Error::io(&name, error))?;
        Ok(Self { reader, name, format, remaining: metadata.is_file().then_some(metadata.len()) })
    }
}

impl<R: Read> Source<R> {
    fn new(reader: R, format: &'static str) -> Self {
        Self { reader, name: "reader".to_owned(), format, remaining: None }
    }

    /// Replaces `bytes` by the next `count` bytes, or by as many as there are.
    fn read_up_to(&mut self, count: usize, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        let read = self.reader.by_ref().take(count as u64).read_to_end(bytes);
        let read = read.map_err(|error| Error::io(&self.name, error))?;
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(read as u64));
        Ok(())
    }

    /// The next `count` values, after which the bytes must end. Memory grows with the bytes that have arrived.
    fn read_values(&mut self, count: usize, precision: Precision, big_endian: bool) -> Result<Vec<f64>> {
        let expected = precision.length(count);
        let format = self.format;
        let wrong = |found: &dyn fmt::Display| Error::MalformedFile {
            format,
            problem: format!("found {found} bytes of values, expected {expected}"),
        };
        if let Some(found) = self.remaining.filter(|&found| found != expected) {
            return Err(wrong(&found));
        }
        let (mut values, mut bytes) = (Vec::new(), Vec::new());
        while values.len() < count {
            let wanted = CHUNK.min((count - values.len()) * precision.bytes());
            self.read_up_to(wanted, &mut bytes)?;
            if bytes.len() < wanted {
                return Err(wrong(&(precision.length(values.len()) + bytes.len() as u64)));
            }
            decode(&bytes, precision, big_endian, &mut values);
        }
        self.read_up_to(1, &mut bytes)?;
        if bytes.is_empty() { Ok(values) } else { Err(wrong(&"more")) }
    }
}

/// Appends the values that `bytes` hold, whole ones only.
fn decode(bytes: &[u8], precision: Precision, big_endian: bool, values: &mut Vec<f64>) {
    let (singles, doubles) = (bytes.as_chunks().0.iter(), bytes.as_chunks().0.iter());
    match (precision, big_endian) {
        (Precision::Single, false) => values.extend(singles.map(|&b| f64::from(f32::from_le_bytes(b)))),
        (Precision::Single, true) => values.extend(singles.map(|&b| f64::from(f32::from_be_bytes(b)))),
        (Precision::Double, false) => values.extend(doubles.map(|&b| f64::from_le_bytes(b))),
        (Precision::Double, true) => values.extend(doubles.map(|&b| f64::from_be_bytes(b))),
    }
}

/// Refuses single precision for values beyond its range.
fn check_range(vdf: &Vdf, precision: Precision) -> Result<()> {
    if precision == Precision::Double || (vdf.peak() as f32).is_finite() {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        name: "precision",
        value: "single".to_owned(),
        allowed: format!("double, since a value as large as {:e} exceeds the range of single", vdf.peak()),
    })
}

/// Writes `header` and then the values, little-endian in C order.
fn write_values(vdf: &Vdf, header: &[u8], precision: Precision, name: &str, mut writer: impl Write) -> Result<()> {
    check_range(vdf, precision)?;
    let mut write = || -> io::Result<()> {
        writer.write_all(header)?;
        let mut bytes = Vec::with_capacity(CHUNK);
        for values in vdf.as_slice().chunks(CHUNK / precision.bytes()) {
            bytes.clear();
            match precision {
                Precision::Single => bytes.extend(values.iter().flat_map(|&value| (value as f32).to_le_bytes())),
                Precision::Double => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            }
            writer.write_all(&bytes)?;
        }
        writer.flush()
    };
    write().map_err(|error| Error::io(name, error))
}

/// Writes as [`write_values`] does, to a new file or over an existing one. If a value is refused, an existing file is
/// not changed.
fn write_file(vdf: &Vdf, header: &[u8], precision: Precision, path: &Path) -> Result<()> {
    check_range(vdf, precision)?;
    let name = path.display().to_string();
    let file = File::create(path).map_err(|error| Error::io(&name, error))?;
    write_values(vdf, header, precision, &name, file)
}
