//! Distributions as the numbers that networks learn, and back.

use vdf_basis::{Error, Result, Vdf};

/// The largest magnitude of a distribution, in 24 binary digits, and the densities over it, in C order.
///
/// # Errors
/// [`Error::Degenerate`] for a distribution of zeros.
pub(crate) fn normalised(vdf: &Vdf, basis: &'static str) -> Result<(f64, Vec<f32>)> {
    /// Binary digits of a double that a single has not. A stream holds the others in half the bytes.
    const FINER: u64 = (1 << (f64::MANTISSA_DIGITS - f32::MANTISSA_DIGITS)) - 1;
    let largest = vdf.as_slice().iter().fold(0.0, |largest: f64, f| largest.max(f.abs()));
    if largest == 0.0 {
        return Err(Error::Degenerate { basis, reason: "all densities are zero".to_owned() });
    }
    // Subnormal numbers have their digits at the end.
    let scale = if largest.is_normal() { f64::from_bits(largest.to_bits() & !FINER) } else { largest };
    Ok((scale, vdf.as_slice().iter().map(|f| (f / scale) as f32).collect()))
}

/// The densities that the output of a network stands for.
pub(crate) fn as_densities(output: &[f32], scale: f64) -> Vec<f64> {
    output.iter().map(|f| f64::from(*f) * scale).collect()
}
