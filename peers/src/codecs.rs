//! zfp, SPERR and SZ3 through their own libraries, on values in single precision.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt::Display;
use std::ptr::null_mut;

use ndarray::{Array3, ArrayView3};
use sperr::CompressionMode;
use tensogram_sz3::{DimensionedData, ErrorBound};
use vdf_basis::{Error, Result, Vdf, VelocityGrid};

/// Turns values into bytes and back, to a tolerance.
pub trait Codec {
    /// The bytes of a distribution whose decoded values are within about `tolerance` of the peak.
    fn compress(&self, vdf: &Vdf, tolerance: f64) -> Result<Vec<u8>>;
    /// The distribution that `compress` was given, on the same grid, as far as its tolerance allows.
    fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf>;
}

/// The codec of this name.
pub fn named(name: &str) -> Option<Box<dyn Codec>> {
    match name {
        "zfp" => Some(Box::new(Zfp)),
        "sperr" => Some(Box::new(Sperr)),
        "sz3" => Some(Box::new(Sz3)),
        _ => None,
    }
}

/// The message of a library as an error of ours.
fn failed(name: &str, problem: impl Display) -> Error {
    Error::Io { path: name.to_owned(), source: std::sync::Arc::new(std::io::Error::other(problem.to_string())) }
}

fn single(vdf: &Vdf) -> Vec<f32> {
    vdf.as_slice().iter().map(|value| *value as f32).collect()
}

/// zfp's fixed accuracy (Lindstrom 2014). zfp rounds a tolerance down to a power of two; so values are divided by the
/// tolerance and compressed to a tolerance of 1. Four bytes more hold the tolerance.
struct Zfp;

impl Codec for Zfp {
    fn compress(&self, vdf: &Vdf, tolerance: f64) -> Result<Vec<u8>> {
        let unit = (tolerance * vdf.peak()) as f32;
        let unit = if unit > 0.0 { unit } else { 1.0 };
        let mut values: Vec<f32> = vdf.as_slice().iter().map(|value| (*value / f64::from(unit)) as f32).collect();
        let mut bytes = unit.to_le_bytes().to_vec();
        let found = with_zfp(&mut values, vdf.grid().shape(), |zfp, field| {
            // SAFETY: `zfp` and `field` are valid for this call; the buffer is as large as zfp asks for, and outlives
            // the bit stream over it.
            unsafe {
                zfp_sys::zfp_stream_set_accuracy(zfp, 1.0);
                let mut buffer = vec![0u8; zfp_sys::zfp_stream_maximum_size(zfp, field)];
                let stream = zfp_sys::stream_open(buffer.as_mut_ptr().cast(), buffer.len());
                zfp_sys::zfp_stream_set_bit_stream(zfp, stream);
                zfp_sys::zfp_stream_rewind(zfp);
                let header = zfp_sys::zfp_write_header(zfp, field, zfp_sys::ZFP_HEADER_FULL);
                let length = zfp_sys::zfp_compress(zfp, field);
                zfp_sys::stream_close(stream);
                buffer.truncate(length);
                (header > 0 && length > 0).then_some(buffer)
            }
        });
        bytes.extend(found.ok_or_else(|| failed("zfp", "it did not compress"))?);
        Ok(bytes)
    }

    fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf> {
        let (unit, stream) = bytes.split_first_chunk().ok_or_else(|| failed("zfp", "no unit"))?;
        let unit = f64::from(f32::from_le_bytes(*unit));
        let mut buffer = stream.to_vec();
        let mut values = vec![0f32; grid.cells()];
        let read = with_zfp(&mut values, grid.shape(), |zfp, field| {
            // SAFETY: as above; the header is one that `compress` wrote for a field of this shape and type.
            unsafe {
                let stream = zfp_sys::stream_open(buffer.as_mut_ptr().cast(), buffer.len());
                zfp_sys::zfp_stream_set_bit_stream(zfp, stream);
                zfp_sys::zfp_stream_rewind(zfp);
                let header = zfp_sys::zfp_read_header(zfp, field, zfp_sys::ZFP_HEADER_FULL);
                let length = if header > 0 { zfp_sys::zfp_decompress(zfp, field) } else { 0 };
                zfp_sys::stream_close(stream);
                length
            }
        });
        if read == 0 {
            return Err(failed("zfp", "it did not decompress"));
        }
        Vdf::from_vec(*grid, values.iter().map(|value| f64::from(*value) * unit).collect())
    }
}

/// Opens a stream and a field over the values, x fastest.
fn with_zfp<T>(
    values: &mut [f32],
    [nx, ny, nz]: [usize; 3],
    work: impl FnOnce(*mut zfp_sys::zfp_stream, *mut zfp_sys::zfp_field) -> T,
) -> T {
    // SAFETY: the values outlive the field, which is of their number and type; both handles are freed once.
    unsafe {
        let data: *mut c_void = values.as_mut_ptr().cast();
        let field = zfp_sys::zfp_field_3d(data, zfp_sys::zfp_type_zfp_type_float, nz, ny, nx);
        let zfp = zfp_sys::zfp_stream_open(null_mut());
        let result = work(zfp, field);
        zfp_sys::zfp_stream_close(zfp);
        zfp_sys::zfp_field_free(field);
        result
    }
}

/// SPERR (Li, Lindstrom and Clyne 2023) to a peak signal-to-noise ratio: its natural mode for an error in L2, without a
/// second pass over outliers.
struct Sperr;

impl Codec for Sperr {
    fn compress(&self, vdf: &Vdf, tolerance: f64) -> Result<Vec<u8>> {
        let [nx, ny, nz] = vdf.grid().shape();
        let values = single(vdf);
        // The binding takes C order and turns the extents around itself.
        let array = ArrayView3::from_shape((nx, ny, nz), &values).map_err(|problem| failed("sperr", problem))?;
        let mode = CompressionMode::PeakSignalToNoiseRatio { psnr: (-20.0 * tolerance.log10()).max(1e-3) };
        sperr::compress_3d(array, mode, (nx, ny, nz)).map_err(|problem| failed("sperr", problem))
    }

    fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf> {
        let [nx, ny, nz] = grid.shape();
        let mut array = Array3::<f32>::zeros((nx, ny, nz));
        sperr::decompress_into_3d(bytes, array.view_mut()).map_err(|problem| failed("sperr", problem))?;
        Vdf::from_vec(*grid, array.iter().map(|value| f64::from(*value)).collect())
    }
}

/// SZ3 (Liang et al. 2023) to an absolute error, with its default predictor.
struct Sz3;

impl Codec for Sz3 {
    fn compress(&self, vdf: &Vdf, tolerance: f64) -> Result<Vec<u8>> {
        let values = single(vdf);
        let mut data = DimensionedData::build(&values);
        for cells in vdf.grid().shape().into_iter().filter(|cells| *cells > 1) {
            data = data.dim(cells).map_err(|problem| failed("sz3", problem))?;
        }
        let data = data.finish().map_err(|problem| failed("sz3", problem))?;
        let bound = ErrorBound::Absolute(tolerance * vdf.peak());
        tensogram_sz3::compress(&data, bound).map_err(|problem| failed("sz3", problem))
    }

    fn decompress(&self, bytes: &[u8], grid: &VelocityGrid) -> Result<Vdf> {
        let (_, data) = tensogram_sz3::decompress::<f32, _>(bytes).map_err(|problem| failed("sz3", problem))?;
        Vdf::from_vec(*grid, data.data().iter().map(|value| f64::from(*value)).collect())
    }
}
