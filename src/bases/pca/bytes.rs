//! The bytes that a learnt basis is written as: from them come its file and its identity.

use std::io::{self, Write};

use super::Values;
use crate::distribution::grid::VelocityGrid;

pub(super) const MAGIC: [u8; 7] = *b"vdf-pca";
/// Versions: without and with a unit of the variances.
pub(super) const PLAIN: u8 = 1;
pub(super) const WITH_UNIT: u8 = 2;
/// Kinds of files.
pub(super) const ACCUMULATOR: u32 = 0;
pub(super) const LEARNT: u32 = 1;
/// Numbers read or written at a time.
pub(super) const CHUNK: usize = 1 << 13;

/// 64-bit FNV-1a.
pub(super) struct Hasher(u64);

impl Default for Hasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }

    pub(super) fn finish(&self) -> u64 {
        self.0
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn put_numbers(writer: &mut impl Write, numbers: &[f64]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(8 * CHUNK.min(numbers.len()));
    for chunk in numbers.chunks(CHUNK) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|number| number.to_le_bytes()));
        writer.write_all(&bytes)?;
    }
    Ok(())
}

/// Writes what the files of both kinds begin with.
pub(super) fn put_head(
    writer: &mut impl Write,
    version: u8,
    kind: u32,
    values: Values,
    grid: &VelocityGrid,
    count: u64,
) -> io::Result<()> {
    let (code, floor) = match values {
        Values::Linear => (0, 0.0),
        Values::Log10 { floor: None } => (1, 0.0),
        Values::Log10 { floor: Some(floor) } => (2, floor),
    };
    writer.write_all(&MAGIC)?;
    writer.write_all(&[version])?;
    writer.write_all(&kind.to_le_bytes())?;
    writer.write_all(&u32::to_le_bytes(code))?;
    put_numbers(writer, &[floor])?;
    for cells in grid.shape() {
        // No distribution has 2³² cells along one axis: 0, which readers refuse, stands for all that u32 cannot hold.
        writer.write_all(&u32::try_from(cells).unwrap_or(0).to_le_bytes())?;
    }
    put_numbers(writer, &[grid.lower(), grid.spacing()].concat())?;
    writer.write_all(&count.to_le_bytes())
}
