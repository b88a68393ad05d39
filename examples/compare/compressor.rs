//! zlib, a general compressor to stand beside the bases.

use std::fmt::Display;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use vdf_basis::distribution::io::Precision;
use vdf_basis::{Error, Result, Vdf, VelocityGrid};

/// zlib at its own default level: lossless. It takes the values in single precision where all of them are exact in it, as
/// simulations store them.
pub struct Compressor;

impl Compressor {
    /// The compressor of this name, if it is one.
    pub fn named(spec: &str) -> Option<Self> {
        (spec == "zlib").then_some(Self)
    }

    /// The bytes of a distribution.
    pub fn compress(&self, vdf: &Vdf) -> Result<Vec<u8>> {
        let precision = if is_single(vdf) { Precision::Single } else { Precision::Double };
        let mut values = Vec::new();
        vdf.to_raw(&mut values, precision)?;
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&values).and_then(|()| encoder.finish()).map_err(failed)
    }

    /// The distribution of the bytes.
    pub fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf> {
        let mut values = Vec::new();
        ZlibDecoder::new(bytes).read_to_end(&mut values).map_err(failed)?;
        Vdf::from_raw(&values[..], *grid, Precision::of_length(values.len() as u64, grid)?)
    }
}

/// True if every value is a single-precision number.
fn is_single(vdf: &Vdf) -> bool {
    vdf.as_slice().iter().all(|value| f64::from(*value as f32) == *value)
}

/// The message of the library as an error of ours.
fn failed(problem: impl Display) -> Error {
    Error::Io { path: "zlib".to_owned(), source: std::sync::Arc::new(std::io::Error::other(problem.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zlib_restores_every_bit_in_the_precision_it_takes() {
        let grid = VelocityGrid::unit([5, 6, 7]).unwrap();
        let smooth = Vdf::from_fn(grid, |[x, y, z]| (x + y * z).sin()).unwrap();
        let single = Vdf::new(grid, smooth.values().mapv(|value| f64::from(value as f32))).unwrap();
        for vdf in [Vdf::zeros(grid), smooth, single] {
            let zlib = Compressor::named("zlib").unwrap();
            assert_eq!(zlib.decompress(&zlib.compress(&vdf).unwrap(), &grid).unwrap(), vdf);
        }
        assert!(Compressor::named("hermite:order=3").is_none());
    }
}
