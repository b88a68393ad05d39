//! Bare values: little-endian IEEE numbers in C order `[vx, vy, vz]`, and nothing else.

use std::io::{Read, Write};
use std::path::Path;

use super::{Precision, Source, write_file, write_values};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

const FORMAT: &str = "raw";

impl Vdf {
    /// A distribution on `grid` from a file of bare values. Where the precision is not known,
    /// [`Precision::of_length`] tells it from the file's length.
    ///
    /// # Errors
    /// [`Error::MalformedFile`](crate::Error::MalformedFile) naming the bytes found and expected,
    /// [`Error::NotFinite`](crate::Error::NotFinite) with the index of the first NaN or infinity,
    /// [`Error::Io`](crate::Error::Io).
    pub fn read_raw(path: impl AsRef<Path>, grid: VelocityGrid, precision: Precision) -> Result<Self> {
        parse(Source::open(path.as_ref(), FORMAT)?, grid, precision)
    }

    /// Reads as [`Vdf::read_raw`] does, from any reader. It must end with the values; at most one byte is read beyond
    /// them.
    ///
    /// # Errors
    /// Those of [`Vdf::read_raw`].
    pub fn from_raw(reader: impl Read, grid: VelocityGrid, precision: Precision) -> Result<Self> {
        parse(Source::new(reader, FORMAT), grid, precision)
    }

    /// Writes the bare values to a file, over one that is there.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io), and [`Error::InvalidParameter`](crate::Error::InvalidParameter) if a value
    /// exceeds the range of single precision.
    pub fn write_raw(&self, path: impl AsRef<Path>, precision: Precision) -> Result<()> {
        write_file(self, &[], precision, path.as_ref())
    }

    /// Writes as [`Vdf::write_raw`] does, to any writer.
    ///
    /// # Errors
    /// Those of [`Vdf::write_raw`].
    pub fn to_raw(&self, writer: impl Write, precision: Precision) -> Result<()> {
        write_values(self, &[], precision, "writer", writer)
    }
}

fn parse(mut source: Source<impl Read>, grid: VelocityGrid, precision: Precision) -> Result<Vdf> {
    Vdf::from_vec(grid, source.read_values(grid.cells(), precision, false)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn grid() -> VelocityGrid {
        VelocityGrid::new([1, 2, 3], [-3.0, 0.0, 1.0], [0.5, 1.0, 2.0]).unwrap()
    }

    #[test]
    fn values_follow_one_another_little_endian() {
        // 1, -2, 0, 0.5, 2^-120, 1 + 2^-23, from their bit patterns.
        let single: Vec<u8> = [0x3f80_0000u32, 0xc000_0000, 0, 0x3f00_0000, 0x0380_0000, 0x3f80_0001]
            .iter()
            .flat_map(|bits| [*bits as u8, (bits >> 8) as u8, (bits >> 16) as u8, (bits >> 24) as u8])
            .collect();
        let expected = [1.0, -2.0, 0.0, 0.5, 2f64.powi(-120), 1.0 + 2f64.powi(-23)];
        let vdf = Vdf::from_raw(&single[..], grid(), Precision::Single).unwrap();
        assert_eq!(vdf, Vdf::from_slice(grid(), &expected).unwrap());
        let mut written = Vec::new();
        vdf.to_raw(&mut written, Precision::Single).unwrap();
        assert_eq!(written, single);

        written.clear();
        vdf.to_raw(&mut written, Precision::Double).unwrap();
        assert_eq!(written[..16], [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0]);
        assert_eq!(Vdf::from_raw(&written[..], grid(), Precision::Double).unwrap(), vdf);
    }

    #[test]
    fn precision_is_told_by_length() {
        assert_eq!(Precision::of_length(24, &grid()).unwrap(), Precision::Single);
        assert_eq!(Precision::of_length(48, &grid()).unwrap(), Precision::Double);
        assert_eq!(
            Precision::of_length(47, &grid()).unwrap_err().to_string(),
            "malformed raw data: found 47 bytes; a grid of shape [1, 2, 3] takes 24 in single and 48 in double precision"
        );
    }

    #[test]
    fn values_beyond_single_precision_are_refused() {
        let vdf = Vdf::from_slice(grid(), &[0.0, -1e39, 1e-60, 0.0, 0.0, 0.0]).unwrap();
        let mut written = Vec::new();
        let refused = vdf.to_raw(&mut written, Precision::Single).unwrap_err();
        assert!(matches!(refused, Error::InvalidParameter { name: "precision", .. }));
        assert!(refused.to_string().contains("1e39"), "{refused}");
        assert!(written.is_empty());
    }
}
