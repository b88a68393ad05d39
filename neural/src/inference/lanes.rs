//! Elementary functions of vectors of points, by sums, products and quotients alone.
//!
//! Every processor rounds these operations alike, and the compiler does not fuse them, so that the results are the same to
//! the last bit with and without vector instructions. The loops have a fixed length, for which the compiler uses the
//! vector instructions of the function that they are inlined into.
#![allow(clippy::needless_range_loop, reason = "several arrays have the same index")]

/// Points of a vector: a register of AVX2.
pub const LANES: usize = 8;
/// Vectors of a block.
pub const GROUPS: usize = 8;
/// Points of a block: enough to reuse each weight, few enough for the values of two layers to stay in the fastest cache.
pub const POINTS: usize = LANES * GROUPS;

/// Values at some points.
pub type Lane = [f32; LANES];
/// Values of one unit at the points of a block.
pub type Row = [Lane; GROUPS];

/// A row of zeros.
pub const ZERO: Row = [[0.0; LANES]; GROUPS];

/// Applies a function to each value of a row.
#[inline(always)]
pub fn map(row: &Row, function: impl Fn(f32) -> f32) -> Row {
    let mut image = ZERO;
    for (to, from) in image.iter_mut().zip(row) {
        for lane in 0..LANES {
            to[lane] = function(from[lane]);
        }
    }
    image
}

/// Applies a function to each pair of values of two rows.
#[inline(always)]
pub fn zip(one: &Row, other: &Row, function: impl Fn(f32, f32) -> f32) -> Row {
    let mut image = ZERO;
    for group in 0..GROUPS {
        for lane in 0..LANES {
            image[group][lane] = function(one[group][lane], other[group][lane]);
        }
    }
    image
}

/// Hyperbolic tangent, to 6e-6: Lambert's continued fraction x / (1 + x² / (3 + x² / (5 + …))), cut off at 17.
///
/// The fraction exceeds 1 from 6.4 on; the argument is cut off before.
#[inline(always)]
#[must_use]
pub fn tanh(x: f32) -> f32 {
    const LARGEST: f32 = 6.2;
    let x = x.clamp(-LARGEST, LARGEST);
    let s = x * x;
    let above = (((s + 990.0) * s + 135_135.0) * s + 4_729_725.0) * s + 34_459_425.0;
    let below = (((45.0 * s + 13_860.0) * s + 945_945.0) * s + 16_216_200.0) * s + 34_459_425.0;
    x * above / below
}

/// Added to a number below 2²² and subtracted again, it rounds to a whole number: 1.5 · 2²³, whose spacing is 1.
const TO_WHOLE: f32 = 12_582_912.0;

/// sin 2πu for |u| < 2²⁰, to 1e-6: half turns are taken off, and the Taylor series of degree 11 serves for the rest, of at
/// most a quarter turn.
#[inline(always)]
#[must_use]
pub fn sine(turns: f32) -> f32 {
    /// (2π)^k / k! with alternating signs for k = 1, 3, …, 11.
    const SERIES: [f32; 6] = [6.283_185_5, -41.341_702, 81.605_25, -76.705_86, 42.058_693, -15.094_643];
    let half_turns = turns + turns + TO_WHOLE;
    let rest = turns - 0.5 * (half_turns - TO_WHOLE);
    let s = rest * rest;
    let mut sum = SERIES[5];
    for k in (0..5).rev() {
        sum = sum * s + SERIES[k];
    }
    // The lowest bit tells whether the number of half turns is odd.
    let sign = half_turns.to_bits() << 31;
    f32::from_bits((rest * sum).to_bits() ^ sign)
}

/// cos 2πu, as [`sine`].
#[inline(always)]
#[must_use]
pub fn cosine(turns: f32) -> f32 {
    sine(turns + 0.25)
}

/// 2^x for |x| at most 120, beyond which the argument is cut off, to 3e-7: the whole part becomes the exponent, and the
/// Taylor series of degree 6 serves for the rest, of at most ½.
#[inline(always)]
#[must_use]
pub fn power_of_two(x: f32) -> f32 {
    const LARGEST: f32 = 120.0;
    /// (ln 2)^k / k! for k = 0, …, 6.
    const SERIES: [f32; 7] =
        [1.0, 0.693_147_2, 0.240_226_5, 0.055_504_11, 0.009_618_129, 0.001_333_355_8, 0.000_154_035_3];
    let x = x.clamp(-LARGEST, LARGEST);
    let whole = x + TO_WHOLE;
    let rest = x - (whole - TO_WHOLE);
    let mut sum = SERIES[6];
    for k in (0..6).rev() {
        sum = sum * rest + SERIES[k];
    }
    // The low bits of `whole` hold the whole part; shifted into the place of the exponent they multiply by its power.
    f32::from_bits(sum.to_bits().wrapping_add(whole.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(range: f32, ours: fn(f32) -> f32, reference: fn(f64) -> f64) -> f64 {
        let points = (0..=40_000).map(|k| (k as f32 / 20_000.0 - 1.0) * range);
        points.map(|x| (f64::from(ours(x)) - reference(f64::from(x))).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn functions_are_those_that_their_names_say() {
        assert!(worst(30.0, tanh, f64::tanh) < 6e-6);
        assert!(worst(3.0, sine, |u| (std::f64::consts::TAU * u).sin()) < 1e-6);
        assert!(worst(3.0, cosine, |u| (std::f64::consts::TAU * u).cos()) < 1e-6);
        let relative = |x: f32| (f64::from(power_of_two(x)) / f64::from(x).exp2() - 1.0).abs();
        assert!((-2400..2400).map(|k| relative(k as f32 / 20.0)).fold(0.0, f64::max) < 3e-7);
        for value in [tanh(f32::INFINITY), tanh(-1e30), power_of_two(1e30), power_of_two(f32::NEG_INFINITY)] {
            assert!(value.is_finite());
        }
    }
}
