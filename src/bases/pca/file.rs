//! Accumulators and learnt bases as bytes.
//!
//! Little-endian numbers, one after another; u32 and u64 are whole numbers, f64 IEEE numbers:
//!
//! | | |
//! |---|---|
//! | 8 bytes | `vdf-pca` and the version: 1, or 2 for a learnt basis with a unit |
//! | u32 | 0 for an accumulator, 1 for a learnt basis |
//! | u32, f64 | 0 linear, 1 log₁₀ above a millionth of each peak, 2 log₁₀ above the floor that follows (else 0) |
//! | 3 u32, 6 f64 | cells along each axis of the grid, lower edges, spacings |
//! | u64 | distributions taken in |
//! | *learnt basis* | in version 2 f64 unit, a power of two; u32 components, f64 total variance, f64 variance of each component, both in squares of the unit |
//! | *accumulator* | u32 rows, u64 capacity, u64 batch, f64 peak, f64 lost |
//! | f64 … | the mean, then each component or row, in C order |
//! | u64 | FNV-1a hash of all bytes before (Fowler, Noll and Vo; RFC 9923), by which damage is noticed; of a learnt basis its identity |
//!
//! Version 2 is written only where variances leave the range of f64 (values below 1e-154 or above 1e154); without a unit it
//! is 1.
//!
//! No file is trusted: lengths are checked before anything is allocated, memory grows only with bytes that have arrived,
//! and what is not finite, damaged, cut or too long is refused.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::Values;
use super::accumulator::PcaAccumulator;
use super::bytes::{ACCUMULATOR, CHUNK, Hasher, LEARNT, MAGIC, PLAIN, WITH_UNIT, put_head, put_numbers};
use super::population::PopulationPca;
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// Bytes on their way out, hashed as they go.
struct Sink<W> {
    writer: W,
    hasher: Hasher,
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Bytes on their way in, hashed as they come.
struct Source<R> {
    reader: R,
    name: String,
    hasher: Hasher,
}

impl<R: Read> Source<R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.reader.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => malformed("it ends too early"),
            _ => Error::io(&*self.name, error),
        })?;
        self.hasher.update(bytes);
        Ok(())
    }

    fn u32(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn number(&mut self) -> Result<f64> {
        let number = f64::from_le_bytes(self.bytes()?);
        if number.is_finite() { Ok(number) } else { Err(malformed(format!("it holds the number {number}"))) }
    }

    /// `count` finite numbers, read a chunk at a time: a file that claims more than it holds ends before they are
    /// allocated.
    fn numbers(&mut self, count: usize) -> Result<Vec<f64>> {
        let (mut numbers, mut bytes) = (Vec::new(), vec![0; 8 * CHUNK.min(count)]);
        while numbers.len() < count {
            let wanted = CHUNK.min(count - numbers.len());
            self.fill(&mut bytes[..8 * wanted])?;
            numbers.extend(bytes[..8 * wanted].as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        }
        match numbers.iter().find(|number| !number.is_finite()) {
            None => Ok(numbers),
            Some(number) => Err(malformed(format!("it holds the number {number}"))),
        }
    }

    /// The version, the values, the grid, and the distributions taken in.
    fn head(&mut self, wanted: u32) -> Result<(u8, Values, VelocityGrid, u64)> {
        let (magic, [version]) = (self.bytes()?, self.bytes()?);
        if magic != MAGIC || !(PLAIN..=WITH_UNIT).contains(&version) {
            return Err(malformed("it does not begin with `vdf-pca` and the version 1 or 2"));
        }
        let kind = self.u32()?;
        if kind != wanted {
            let name = |kind| ["an accumulator", "a learnt basis"].get(kind as usize).copied().unwrap_or("unknown");
            return Err(malformed(format!("it holds {} where {} is wanted", name(kind), name(wanted))));
        }
        let values = match (self.u32()?, self.number()?) {
            (0, _) => Values::Linear,
            (1, _) => Values::Log10 { floor: None },
            (2, floor) => Values::Log10 { floor: Some(floor) }.checked()?,
            (code, _) => return Err(malformed(format!("values of kind {code}, not 0 to 2"))),
        };
        let shape = [self.u32()?, self.u32()?, self.u32()?].map(|cells| cells as usize);
        let lower = [self.number()?, self.number()?, self.number()?];
        let spacing = [self.number()?, self.number()?, self.number()?];
        Ok((version, values, VelocityGrid::new(shape, lower, spacing)?, self.u64()?))
    }

    /// The mean and so many numbers a cell besides, then the hash and the end.
    fn cells(&mut self, cells: usize, each: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let total = cells.checked_mul(each).ok_or_else(|| malformed(format!("{each} numbers for each cell")))?;
        let numbers = (self.numbers(cells)?, self.numbers(total)?);
        let hash = self.hasher.finish();
        if self.u64()? != hash {
            return Err(malformed("its hash does not match its content: it is damaged"));
        }
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(numbers),
            Ok(_) => Err(malformed("more bytes follow where it should end")),
            Err(error) => Err(Error::io(&*self.name, error)),
        }
    }
}

fn malformed(problem: impl Into<String>) -> Error {
    Error::MalformedFile { format: "pca", problem: problem.into() }
}

/// A value that has a file.
trait Stored: Sized {
    fn put(&self, writer: &mut impl Write) -> io::Result<()>;
    fn get(source: &mut Source<impl Read>) -> Result<Self>;
}

fn write_to(stored: &impl Stored, name: &str, writer: impl Write) -> Result<()> {
    let mut sink = Sink { writer, hasher: Hasher::default() };
    let mut write = || {
        stored.put(&mut sink)?;
        let hash = sink.hasher.finish();
        sink.write_all(&hash.to_le_bytes())?;
        sink.flush()
    };
    write().map_err(|error| Error::io(name, error))
}

fn write_file(stored: &impl Stored, path: &Path) -> Result<()> {
    let name = path.display().to_string();
    let file = File::create(path).map_err(|error| Error::io(&*name, error))?;
    write_to(stored, &name, BufWriter::new(file))
}

fn read_from<S: Stored>(name: String, reader: impl Read) -> Result<S> {
    S::get(&mut Source { reader, name, hasher: Hasher::default() })
}

fn read_file<S: Stored>(path: &Path) -> Result<S> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::io(&*name, error))?;
    read_from(name, BufReader::new(file))
}

impl Stored for PopulationPca {
    fn put(&self, writer: &mut impl Write) -> io::Result<()> {
        self.learnt().put(writer)
    }

    fn get(source: &mut Source<impl Read>) -> Result<Self> {
        let (version, values, grid, count) = source.head(LEARNT)?;
        let unit = if version == WITH_UNIT { source.number()? } else { 1.0 };
        // A unit of 1 is written without one, so that a basis has one file and one hash.
        let is_power_of_two = unit.is_normal() && unit > 0.0 && unit.to_bits().trailing_zeros() >= 52;
        if !is_power_of_two || (version == WITH_UNIT && unit == 1.0) {
            return Err(malformed(format!("variances in the unit {unit:e}")));
        }
        let components = source.u32()? as usize;
        if components > grid.cells() {
            return Err(malformed(format!("{components} components of {} cells", grid.cells())));
        }
        let total_variance = source.number()?;
        let variances = source.numbers(components)?;
        let (mean, components) = source.cells(grid.cells(), components)?;
        Self::new(grid, values, count, mean, components, (variances, total_variance), unit)
    }
}

impl Stored for PcaAccumulator {
    fn put(&self, writer: &mut impl Write) -> io::Result<()> {
        put_head(writer, PLAIN, ACCUMULATOR, self.values, &self.grid, self.count)?;
        writer.write_all(&u32::try_from(self.row_count()).unwrap_or(u32::MAX).to_le_bytes())?;
        for limit in [self.capacity, self.batch] {
            writer.write_all(&(limit as u64).to_le_bytes())?;
        }
        put_numbers(writer, &[self.peak, self.lost])?;
        [&self.mean, &self.rows].into_iter().try_for_each(|numbers| put_numbers(writer, numbers))
    }

    fn get(source: &mut Source<impl Read>) -> Result<Self> {
        let (version, values, grid, count) = source.head(ACCUMULATOR)?;
        if version != PLAIN {
            return Err(malformed(format!("an accumulator of version {version}, not 1")));
        }
        let (rows, limits) = (source.u32()? as usize, [source.u64()?, source.u64()?]);
        let [capacity, batch] = limits.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let (peak, lost) = (source.number()?, source.number()?);
        let possible = rows as u64 <= count && peak >= 0.0 && lost >= 0.0;
        if !possible || capacity == 0 || batch == 0 || capacity > grid.cells() {
            let problem = format!("{rows} rows of {count} distributions, capacity {capacity} and {batch}, peak {peak}");
            return Err(malformed(problem));
        }
        let (mean, rows) = source.cells(grid.cells(), rows)?;
        Ok(Self { grid, values, capacity, batch, count, peak, mean, rows, lost })
    }
}

macro_rules! stored {
    ($type:ty) => {
        impl $type {
            /// Reads what [`write`](Self::write) wrote.
            ///
            /// # Errors
            /// [`Error::MalformedFile`] for what is damaged, cut, too long or not what it should be, [`Error::Io`].
            pub fn read(path: impl AsRef<Path>) -> Result<Self> {
                read_file(path.as_ref())
            }

            /// As [`read`](Self::read), from any reader, which must end with it.
            ///
            /// # Errors
            /// As [`read`](Self::read).
            pub fn from_bytes(reader: impl Read) -> Result<Self> {
                read_from("reader".to_owned(), reader)
            }

            /// Writes it to a file, over one that is there; the layout is in `docs/methods/pca.md`.
            ///
            /// # Errors
            /// [`Error::Io`].
            pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
                write_file(self, path.as_ref())
            }

            /// As [`write`](Self::write), to any writer.
            ///
            /// # Errors
            /// [`Error::Io`].
            pub fn to_bytes(&self, writer: impl Write) -> Result<()> {
                write_to(self, "writer", writer)
            }
        }
    };
}

stored!(PopulationPca);
stored!(PcaAccumulator);
