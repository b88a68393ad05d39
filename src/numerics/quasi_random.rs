//! Points that fill a cube more evenly than random ones.

/// Fractional parts of φ⁻¹, φ⁻² and φ⁻³ in units of 2⁻⁶⁴, φ the root of φ⁴ = φ + 1.
const STRIDES: [u64; 3] = [0xd1b5_4a32_d192_ed03, 0xabc9_8388_fb8f_ac02, 0x8cb9_2ba7_2f3d_8dd7];

/// Point `index` of an additive recurrence in the unit cube, shifted by `shift`: the multiples of one irrational vector,
/// modulo 1. Roberts 2018 ("The unreasonable effectiveness of quasirandom sequences") proposes powers of the inverse of
/// φ, the generalised golden ratio, for its entries.
///
/// Any run of successive points fills the cube evenly. The arithmetic is that of whole numbers, so that the points are
/// the same on every platform and none is rounded, however large the index. The coordinates are above 0 and below 1.
pub(crate) fn point(index: u64, shift: [u64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| unit(STRIDES[axis].wrapping_mul(index).wrapping_add(shift[axis])))
}

/// The number in units of 2⁻⁶⁴, rounded to the middle of one of 2⁵² intervals.
pub(crate) fn unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * f64::powi(2.0, -52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_are_powers_of_the_inverse_of_the_root() {
        let mut root: f64 = 1.2;
        for _ in 0..60 {
            root = (root + 1.0).powf(0.25);
        }
        for (power, stride) in STRIDES.into_iter().enumerate() {
            assert!((unit(stride) - root.powi(-(power as i32) - 1)).abs() < 1e-15);
        }
    }

    #[test]
    fn boxes_hold_their_share_of_any_run() {
        for start in [0, 1 << 40] {
            let points: Vec<[f64; 3]> = (start..start + 4096).map(|k| point(k, [7, 1 << 63, 5])).collect();
            for cut in [0.25, 0.5, 0.8] {
                let inside = points.iter().filter(|p| p.iter().all(|x| *x < cut)).count() as f64;
                // Random points deviate by up to 3 √(4096/4) = 96.
                assert!((inside - 4096.0 * cut * cut * cut).abs() < 25.0, "{cut}: {inside}");
            }
        }
        assert!(unit(0) > 0.0 && unit(u64::MAX) < 1.0);
    }
}
