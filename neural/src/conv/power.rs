//! Powers of two, by multiplications alone: the same to the last bit on every platform.

/// 2^exponent.
pub(crate) fn power_of_two(exponent: i64) -> f32 {
    let factor = if exponent < 0 { 0.5 } else { 2.0 };
    (0..exponent.unsigned_abs()).fold(1.0, |power, _| power * factor)
}
