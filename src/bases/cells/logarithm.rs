//! Binary logarithms of magnitudes, and magnitudes of logarithms, to 1e-11, by sums and products that give the same bits on
//! every platform: writer and reader predict from them.
//!
//! A magnitude is taken as its bits. Its logarithm is counted from the smallest normal number, and goes on linearly below
//! it, so that every magnitude has one, from 0.

use std::f64::consts::{LN_2, SQRT_2};

use super::table::{LARGEST, MANTISSA};

/// Largest logarithm.
pub(super) const MAX_LOGARITHM: f64 = 2047.0;
/// The part of the bits that is the mantissa.
const FRACTION: u64 = (1 << MANTISSA) - 1;
/// The bits of 1.
const ONE: u64 = 1.0_f64.to_bits();

/// Logarithm of a magnitude.
#[inline]
pub(super) fn logarithm(magnitude: u64) -> f64 {
    let exponent = magnitude >> MANTISSA;
    // From 1 to 2.
    let mantissa = f64::from_bits(ONE | (magnitude & FRACTION));
    if exponent == 0 {
        return mantissa - 1.0;
    }
    // log₂ m = ½ + 2/ln 2 · artanh y, |y| ≤ 0.172.
    let y = (mantissa - SQRT_2) / (mantissa + SQRT_2);
    let square = y * y;
    let mut sum = 0.0;
    for k in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / k;
    }
    exponent as f64 + (0.5 + 2.0 / LN_2 * y * sum)
}

/// Magnitude of a logarithm; logarithms beyond the range are taken to its ends.
#[inline]
pub(super) fn magnitude(logarithm: f64) -> u64 {
    // A NaN becomes zero.
    let logarithm = if logarithm > 0.0 { logarithm.min(MAX_LOGARITHM) } else { 0.0 };
    let exponent = logarithm as u64;
    let rest = logarithm - exponent as f64;
    let mantissa = if exponent == 0 {
        1.0 + rest
    } else {
        // 2^r = √2 · exp((r − ½) ln 2), of an argument up to 0.347.
        let argument = (rest - 0.5) * LN_2;
        let mut sum = 1.0;
        for k in [11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
            sum = 1.0 + sum * argument * (1.0 / k);
        }
        SQRT_2 * sum
    };
    // From 1 to 2: the sum of an exponent of zero and the fraction, which may be rounded up to the next exponent.
    let fraction = mantissa.max(1.0).to_bits() - ONE;
    ((exponent << MANTISSA) + fraction).min(LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_and_magnitudes_are_those_of_the_standard_library() {
        for k in 0..4000 {
            let value = 2f64.powf(f64::from(k - 2000) * 0.4987);
            let found = logarithm(value.to_bits()) - 1023.0;
            assert!((found - value.log2()).abs() < 1e-10, "{value}");
            let back = f64::from_bits(magnitude(logarithm(value.to_bits())));
            assert!((back / value - 1.0).abs() < 1e-10, "{value} {back}");
        }
    }

    #[test]
    fn every_logarithm_has_a_finite_magnitude() {
        for (value, expected) in [(f64::NAN, 0), (-3.0, 0), (0.0, 0), (f64::INFINITY, LARGEST), (1e300, LARGEST)] {
            assert_eq!(magnitude(value), expected);
        }
        assert_eq!(magnitude(logarithm(7)), 7);
        assert!(magnitude(0.999_999_999) < magnitude(1.0) && magnitude(1.0) <= magnitude(1.000_000_001));
        assert!(logarithm(LARGEST) <= MAX_LOGARITHM);
    }
}
