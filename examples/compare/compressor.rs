//! General compressors, to stand beside the bases: zlib, and with the feature `peers` zfp, SPERR and SZ3.
//!
//! They take the values in single precision where all of them are exact in it, as simulations store them. An error
//! is measured against the values themselves.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use vdf_basis::distribution::io::Precision;
use vdf_basis::{Error, Fidelity, Result, Vdf, VelocityGrid};

/// Tolerances tried, as fractions of the peak: from the error of single precision to the peak itself.
const TOLERANCES: std::ops::RangeInclusive<i32> = -28..=0;
/// Halvings of the interval between two of them.
const HALVINGS: usize = 12;

/// What turns values into bytes and back, to a tolerance.
pub trait Coder {
    /// The bytes of a distribution whose decoded values are within about `tolerance` of the peak. 0 for none.
    fn compress(&self, vdf: &Vdf, tolerance: f64) -> Result<Vec<u8>>;
    /// What `compress` made of a distribution on this grid.
    fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf>;
}

/// A compressor with the error it is allowed.
pub struct Compressor {
    coder: Box<dyn Coder>,
    /// The relative L2 error that the tolerance is searched for; none for lossless ones.
    l2: Option<f64>,
}

impl Compressor {
    /// The compressor of this name, or none: `zlib`, or one of the peers with its error, as `zfp:l2=0.03`.
    pub fn named(spec: &str) -> Option<std::result::Result<Self, String>> {
        if spec == "zlib" {
            return Some(Ok(Self { coder: Box::new(Zlib), l2: None }));
        }
        let (name, error) = spec.split_once(":l2=")?;
        let coder = match peer(name)? {
            Ok(coder) => coder,
            Err(problem) => return Some(Err(problem)),
        };
        match error.parse() {
            Ok(l2) if l2 > 0.0 && l2 < 1.0 => Some(Ok(Self { coder, l2: Some(l2) })),
            _ => Some(Err(format!("{spec}: the relative L2 error is a number between 0 and 1"))),
        }
    }

    /// The largest tolerance with which the error stays within what is allowed.
    pub fn tolerance(&self, vdf: &Vdf) -> Result<f64> {
        let Some(l2) = self.l2 else { return Ok(0.0) };
        let good = |tolerance: f64| -> Result<bool> {
            let back = self.coder.decompress(&self.coder.compress(vdf, tolerance)?, vdf.grid())?;
            Ok(Fidelity::compare(vdf, &back)?.l2 <= l2)
        };
        let mut largest = None;
        for exponent in TOLERANCES.rev() {
            if good(f64::from(exponent).exp2())? {
                largest = Some(exponent);
                break;
            }
        }
        let Some(exponent) = largest else {
            let reason = format!("no tolerance keeps the error within {l2}");
            return Err(Error::Degenerate { basis: "compressor", reason });
        };
        let (mut low, mut high) = (f64::from(exponent).exp2(), f64::from(exponent + 1).exp2());
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            if good(middle)? { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// The bytes of a distribution.
    pub fn compress(&self, vdf: &Vdf, tolerance: f64) -> Result<Vec<u8>> {
        self.coder.compress(vdf, tolerance)
    }

    /// The distribution of the bytes.
    pub fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf> {
        self.coder.decompress(bytes, grid)
    }
}

#[cfg(feature = "peers")]
fn peer(name: &str) -> Option<std::result::Result<Box<dyn Coder>, String>> {
    crate::peers::named(name).map(Ok)
}

#[cfg(not(feature = "peers"))]
fn peer(name: &str) -> Option<std::result::Result<Box<dyn Coder>, String>> {
    ["zfp", "sperr", "sz3"].contains(&name).then(|| Err(format!("{name} needs `--features peers`")))
}

/// Whether every value is a single-precision number.
fn is_single(vdf: &Vdf) -> bool {
    vdf.as_slice().iter().all(|value| f64::from(*value as f32) == *value)
}

/// Of the bytes of the values, at zlib's own default level: lossless.
struct Zlib;

impl Coder for Zlib {
    fn compress(&self, vdf: &Vdf, _: f64) -> Result<Vec<u8>> {
        let precision = if is_single(vdf) { Precision::Single } else { Precision::Double };
        let mut values = Vec::new();
        vdf.to_raw(&mut values, precision)?;
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&values).and_then(|()| encoder.finish()).map_err(|error| failed("zlib", error))
    }

    fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf> {
        let mut values = Vec::new();
        ZlibDecoder::new(bytes).read_to_end(&mut values).map_err(|error| failed("zlib", error))?;
        Vdf::from_raw(&values[..], *grid, Precision::of_length(values.len() as u64, grid)?)
    }
}

/// What a library said, as an error of ours.
pub fn failed(name: &str, problem: impl std::fmt::Display) -> Error {
    Error::Io { path: name.to_owned(), problem: problem.to_string() }
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
            let zlib = Compressor::named("zlib").unwrap().unwrap();
            let bytes = zlib.compress(&vdf, zlib.tolerance(&vdf).unwrap()).unwrap();
            assert_eq!(zlib.decompress(&bytes, &grid).unwrap(), vdf);
        }
        assert!(Compressor::named("hermite:order=3").is_none() && Compressor::named("zlib:level=3").is_none());
    }
}
