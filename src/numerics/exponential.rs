//! Vectorised exp and ln of eight numbers, without branches, tables or calls.
//!
//! They work on [`Vector`]s inside [`vectorised`](super::lanes::vectorised) loops. They use additions and
//! multiplications only, never a fused multiply-add, so that the results are bit-identical on every processor.

use super::lanes::{Baseline, Instructions, LANES, Vector};

/// 1.5·2⁵²: adding it to a number rounds that to a whole number, which is then in the last bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts (Cody and Waite): the first has so few bits that its multiples up to 2¹¹ are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Range of x: below it eˣ is not a normal number, above it eˣ overflows.
const MIN_ARGUMENT: f64 = -708.0;
const MAX_ARGUMENT: f64 = 709.0;

/// Coefficients of (eʳ − 1 − r)/r² for |r| ≤ ½ ln 2, interpolated at Chebyshev nodes: relative error of eʳ 1e-17.
const EXP: [f64; 10] = [
    0.5,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_13,
    0.008_333_333_333_330_062,
    0.001_388_888_891_721_371_7,
    0.000_198_412_698_630_536_18,
    2.480_152_129_595_437_6e-5,
    2.755_726_845_999_706_4e-6,
    2.762_008_844_540_974_6e-7,
    2.510_038_549_551_032e-8,
];

/// Exponential eˣ, to 1 ulp for x from −708 to 709; 0 below, and e⁷⁰⁹ above.
#[inline(always)]
pub(crate) fn exp<I: Instructions>(x: Vector<I>) -> Vector<I> {
    let bounded = x.larger(x.of(MIN_ARGUMENT)).smaller(x.of(MAX_ARGUMENT));
    let rounded = bounded * std::f64::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let r = (bounded - whole * LN_2_HIGH) - whole * LN_2_LOW;
    // Estrin's scheme instead of Horner's: its chains of dependent operations are shorter.
    let r2 = r * r;
    let r4 = r2 * r2;
    let low = (r * EXP[1] + EXP[0]) + (r * EXP[3] + EXP[2]) * r2;
    let middle = (r * EXP[5] + EXP[4]) + (r * EXP[7] + EXP[6]) * r2;
    let high = r * EXP[9] + EXP[8];
    let power = (r + r2 * (low + r4 * (middle + r4 * high))) + 1.0;
    (power * rounded.power_of_two()).where_at_least(x, MIN_ARGUMENT)
}

/// Coefficients of 2 artanh(s) = 2s + s³ p(s²), p interpolated at Chebyshev nodes for |s| ≤ (√2 − 1)/(√2 + 1).
const LN: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_993_8,
    0.285_714_286_260_310_65,
    0.222_222_111_257_228_1,
    0.181_828_897_861_910_42,
    0.153_316_996_335_438_58,
    0.146_167_211_798_616_2,
];

/// Natural logarithm of a normal x > 0, to 2 ulp (of 1, if |ln x| is smaller); undefined for other x.
#[inline(always)]
pub(crate) fn ln<I: Instructions>(x: Vector<I>) -> Vector<I> {
    let (whole, mantissa) = x.split();
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let u = s * s;
    let u2 = u * u;
    let p = (u * LN[1] + LN[0]) + (u * LN[3] + LN[2]) * u2 + ((u * LN[5] + LN[4]) + u2 * LN[6]) * (u2 * u2);
    whole * LN_2_HIGH + (s * 2.0 + (s * u * p + whole * LN_2_LOW))
}

/// [`exp`] of one number.
pub(crate) fn exp_alone(x: f64) -> f64 {
    let mut results = [0.0; LANES];
    exp(Vector::load(Baseline, &[x; LANES])).store(&mut results);
    results[0]
}

/// [`ln`] of one number.
pub(crate) fn ln_alone(x: f64) -> f64 {
    let mut results = [0.0; LANES];
    ln(Vector::load(Baseline, &[x; LANES])).store(&mut results);
    results[0]
}

#[cfg(test)]
mod tests {
    use super::super::lanes::{Lanes, Vectorisable, vectorised};
    use super::*;

    fn ulp(x: f64) -> f64 {
        f64::from_bits(x.to_bits() + 1) - x
    }

    struct Both<'a>(&'a [Lanes]);

    impl Vectorisable for Both<'_> {
        type Output = Vec<[Lanes; 2]>;

        #[inline(always)]
        fn run<I: Instructions>(self, i: I) -> Self::Output {
            let both = |x: &Lanes| {
                let mut results = [[0.0; LANES]; 2];
                exp(Vector::load(i, x)).store(&mut results[0]);
                ln(Vector::load(i, x)).store(&mut results[1]);
                results
            };
            self.0.iter().map(both).collect()
        }
    }

    fn exp_of(x: f64) -> f64 {
        vectorised(Both(&[[x; LANES]]))[0][0][3]
    }

    #[test]
    fn exp_is_right_to_an_ulp_over_its_range() {
        let xs: Vec<Lanes> =
            (0..250_000).map(|k| std::array::from_fn(|l| -708.0 + 1417.0 * ((8 * k + l) as f64 / 2e6))).collect();
        for (xs, [ours, _]) in xs.iter().zip(vectorised(Both(&xs))) {
            for (x, ours) in xs.iter().zip(ours) {
                // The standard library's own last bit may be wrong too.
                assert!((ours - x.exp()).abs() <= 2.0 * ulp(x.exp()), "exp {x} = {ours:e}, not {:e}", x.exp());
            }
        }
        assert_eq!((exp_of(0.0), exp_of(-708.1), exp_of(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp_of(1e300).is_finite());
    }

    #[test]
    fn ln_is_right_to_two_ulps_over_its_range() {
        let mut xs = vec![];
        let mut x = f64::MIN_POSITIVE;
        while x < 1e300 {
            xs.push([x; LANES]);
            x *= 1.000_37;
        }
        for ([x, ..], [_, [ours, ..]]) in xs.iter().zip(vectorised(Both(&xs))) {
            let exact = x.ln();
            assert!((ours - exact).abs() <= 2.0 * ulp(exact.abs().max(1.0)), "ln {x:e} = {ours:e}, not {exact:e}");
        }
        assert_eq!(vectorised(Both(&[[1.0; LANES]]))[0][1], [0.0; LANES]);
    }

    #[test]
    fn every_processor_computes_the_same_bits() {
        let xs: Vec<Lanes> = (0..2003).map(|k| [0.35 * f64::from(k) + 0.01; LANES]).collect();
        assert_eq!(vectorised(Both(&xs)), Both(&xs).run(Baseline));
    }
}
