//! Vectors of eight numbers, in the registers of the processor.
//!
//! The compiler vectorises simple loops, but not those with an exponential or several sums. Such loops therefore use
//! [`Vector`]s of eight numbers, with + − × ÷ and the functions of [`exponential`](super::exponential). With AVX-512 a
//! vector is one register, with AVX2 two, elsewhere an array. All variants do the same operations in the same order,
//! without fused multiply-adds, so that the results are bit-identical.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod baseline;
mod vector;

pub(crate) use baseline::Baseline;
pub(crate) use vector::Vector;

/// Number of elements of a vector.
pub(crate) const LANES: usize = 8;
/// A vector in memory.
pub(crate) type Lanes = [f64; LANES];

/// Instructions of a processor on eight numbers.
pub(crate) trait Instructions: Copy {
    /// Eight numbers in registers.
    type Eight: Copy;

    fn splat(self, x: f64) -> Self::Eight;
    fn load(self, x: Lanes) -> Self::Eight;
    fn store(self, x: Self::Eight) -> Lanes;
    fn add(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    fn sub(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    fn mul(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    fn div(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    /// Larger of a and b; b if they are not comparable.
    fn larger(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    /// Smaller of a and b; b if they are not comparable.
    fn smaller(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    /// Selects `value` where x ≥ least, 0 elsewhere.
    fn where_at_least(self, x: Self::Eight, least: Self::Eight, value: Self::Eight) -> Self::Eight;
    /// Selects `value` where x < bound, `other` elsewhere.
    fn where_below(self, x: Self::Eight, bound: Self::Eight, value: Self::Eight, other: Self::Eight) -> Self::Eight;
    /// Power 2^k of the integer k in the last bits of x, between −1022 and 1023.
    fn power_of_two(self, x: Self::Eight) -> Self::Eight;
    /// Splits a normal x > 0 into (e, m) with x = m 2^e, m between √½ and √2.
    fn split(self, x: Self::Eight) -> (Self::Eight, Self::Eight);
}

/// Bit patterns of 1 and of √½, from which exponents are counted.
const ONE: u64 = 1023 << 52;
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// 2⁵²: the last bit of numbers from here on has the value 1, so that adding it puts an integer into the last bits.
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// Loop that is compiled for several kinds of processors.
pub(crate) trait Vectorisable {
    /// Result of the loop.
    type Output;

    /// Runs the loop. It must be `#[inline(always)]`, as must all functions that it calls, to be compiled for each
    /// processor.
    fn run<I: Instructions>(self, instructions: I) -> Self::Output;
}

/// Runs a loop with AVX-512 or AVX2 if the processor has it (detected at run time), else with plain arrays.
pub(crate) fn vectorised<V: Vectorisable>(work: V) -> V::Output {
    #[cfg(target_arch = "x86_64")]
    {
        struct Loop<V, I>(V, I);
        impl<V: Vectorisable, I: Instructions> pulp::NullaryFnOnce for Loop<V, I> {
            type Output = V::Output;

            #[inline(always)]
            fn call(self) -> V::Output {
                self.0.run(self.1)
            }
        }
        match pulp::x86::Arch::new() {
            pulp::x86::Arch::V4(v4) => return v4.vectorize(Loop(work, v4)),
            pulp::x86::Arch::V3(v3) => return v3.vectorize(Loop(work, v3)),
            _ => {}
        }
    }
    work.run(Baseline)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Everything<'a>(&'a [Lanes]);

    impl Vectorisable for Everything<'_> {
        type Output = Vec<f64>;

        #[inline(always)]
        fn run<I: Instructions>(self, i: I) -> Vec<f64> {
            let mut results = Vec::new();
            for pair in self.0.windows(2) {
                let (a, b) = (Vector::load(i, &pair[0]), Vector::load(i, &pair[1]));
                let (exponent, mantissa) = (a * a + 1e-3).split();
                let bounded = (a - b).larger(-a).smaller(b * 2.0 / (a * a + 1.0));
                let chosen = bounded.where_at_least(a, 0.0) + exponent.where_below(a, b, mantissa);
                let mut stored = [0.0; LANES];
                chosen.store(&mut stored);
                results.extend(stored);
                results.push(chosen.sum());
            }
            results
        }
    }

    #[test]
    fn every_processor_computes_the_same_bits() {
        let data: Vec<Lanes> = (0..50).map(|k| std::array::from_fn(|l| f64::sin((8 * k + l) as f64) * 10.0)).collect();
        let (found, plain) = (vectorised(Everything(&data)), Everything(&data).run(Baseline));
        assert_eq!(found, plain);
        assert!(found.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn numbers_split_into_exponent_and_mantissa() {
        for x in [1.0, 0.75, 3.0e-300, 1.5e300, 0.7, 1.4, 1.42] {
            let ([e, ..], [m, ..]) = Baseline.split([x; LANES]);
            assert_eq!(m * 2f64.powi(e as i32 / 2) * 2f64.powi(e as i32 - e as i32 / 2), x);
            assert!((0.707..1.4143).contains(&m));
        }
    }
}
