//! Eight numbers at once, in whatever registers the processor has.
//!
//! The compiler finds vectors in simple loops, but not in the ones that matter here (an exponential inside, several sums
//! at once); so the loops say what they mean: `Vector`s of eight numbers with + − × ÷ and the two functions of
//! [`exponential`](super::exponential). Where AVX2 is there, found at run time, a vector is two registers; elsewhere it is
//! an array. Both do the same operations in the same order, never a fused multiply-add: the same bits on every processor.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// Numbers in a vector.
pub(crate) const LANES: usize = 8;
/// A vector in memory.
pub(crate) type Lanes = [f64; LANES];

/// What a processor can do with four numbers.
pub(crate) trait Instructions: Copy {
    /// Four numbers.
    type Four: Copy;

    fn splat(self, x: f64) -> Self::Four;
    fn load(self, x: [f64; 4]) -> Self::Four;
    fn store(self, x: Self::Four) -> [f64; 4];
    fn add(self, a: Self::Four, b: Self::Four) -> Self::Four;
    fn sub(self, a: Self::Four, b: Self::Four) -> Self::Four;
    fn mul(self, a: Self::Four, b: Self::Four) -> Self::Four;
    fn div(self, a: Self::Four, b: Self::Four) -> Self::Four;
    /// b where a > b does not hold.
    fn larger(self, a: Self::Four, b: Self::Four) -> Self::Four;
    /// b where a < b does not hold.
    fn smaller(self, a: Self::Four, b: Self::Four) -> Self::Four;
    /// `value` where x ≥ least, 0 elsewhere.
    fn where_at_least(self, x: Self::Four, least: Self::Four, value: Self::Four) -> Self::Four;
    /// `value` where x < bound, `other` elsewhere.
    fn where_below(self, x: Self::Four, bound: Self::Four, value: Self::Four, other: Self::Four) -> Self::Four;
    /// 2^k for the whole number k in the last bits of x, between −1022 and 1023.
    fn power_of_two(self, x: Self::Four) -> Self::Four;
    /// x = m 2^e with m between √½ and √2; gives (e, m), for normal x > 0.
    fn split(self, x: Self::Four) -> (Self::Four, Self::Four);
}

const ONE: u64 = 1023 << 52;
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// Plain arrays: what every processor can do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Baseline;

#[inline(always)]
fn pairwise(a: [f64; 4], b: [f64; 4], f: impl Fn(f64, f64) -> f64) -> [f64; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl Instructions for Baseline {
    type Four = [f64; 4];

    #[inline(always)]
    fn splat(self, x: f64) -> [f64; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn load(self, x: [f64; 4]) -> [f64; 4] {
        x
    }

    #[inline(always)]
    fn store(self, x: [f64; 4]) -> [f64; 4] {
        x
    }

    #[inline(always)]
    fn add(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        pairwise(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        pairwise(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        pairwise(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        pairwise(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn larger(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        pairwise(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn smaller(self, a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
        pairwise(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn where_at_least(self, x: [f64; 4], least: [f64; 4], value: [f64; 4]) -> [f64; 4] {
        std::array::from_fn(|i| if x[i] >= least[i] { value[i] } else { 0.0 })
    }

    #[inline(always)]
    fn where_below(self, x: [f64; 4], bound: [f64; 4], value: [f64; 4], other: [f64; 4]) -> [f64; 4] {
        std::array::from_fn(|i| if x[i] < bound[i] { value[i] } else { other[i] })
    }

    #[inline(always)]
    fn power_of_two(self, x: [f64; 4]) -> [f64; 4] {
        x.map(|x| f64::from_bits(x.to_bits().wrapping_add(1023) << 52))
    }

    #[inline(always)]
    fn split(self, x: [f64; 4]) -> ([f64; 4], [f64; 4]) {
        let exponent = x.map(|x| x.to_bits().wrapping_sub(SQRT_HALF).wrapping_add(ONE) >> 52);
        let whole = exponent.map(|e| f64::from_bits(TWO_52.to_bits() | e) - (TWO_52 + 1023.0));
        let mantissa =
            std::array::from_fn(|i| f64::from_bits(x[i].to_bits().wrapping_sub(exponent[i] << 52).wrapping_add(ONE)));
        (whole, mantissa)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Instructions, ONE, SQRT_HALF, TWO_52};
    use pulp::bytemuck::cast;
    use pulp::x86::V3;
    use pulp::{f64x4, u64x4};

    impl Instructions for V3 {
        type Four = f64x4;

        #[inline(always)]
        fn splat(self, x: f64) -> f64x4 {
            self.splat_f64x4(x)
        }

        #[inline(always)]
        fn load(self, x: [f64; 4]) -> f64x4 {
            cast(x)
        }

        #[inline(always)]
        fn store(self, x: f64x4) -> [f64; 4] {
            cast(x)
        }

        #[inline(always)]
        fn add(self, a: f64x4, b: f64x4) -> f64x4 {
            self.add_f64x4(a, b)
        }

        #[inline(always)]
        fn sub(self, a: f64x4, b: f64x4) -> f64x4 {
            self.sub_f64x4(a, b)
        }

        #[inline(always)]
        fn mul(self, a: f64x4, b: f64x4) -> f64x4 {
            self.mul_f64x4(a, b)
        }

        #[inline(always)]
        fn div(self, a: f64x4, b: f64x4) -> f64x4 {
            self.div_f64x4(a, b)
        }

        #[inline(always)]
        fn larger(self, a: f64x4, b: f64x4) -> f64x4 {
            self.max_f64x4(a, b)
        }

        #[inline(always)]
        fn smaller(self, a: f64x4, b: f64x4) -> f64x4 {
            self.min_f64x4(a, b)
        }

        #[inline(always)]
        fn where_at_least(self, x: f64x4, least: f64x4, value: f64x4) -> f64x4 {
            self.select_f64x4(self.cmp_le_f64x4(least, x), value, self.splat_f64x4(0.0))
        }

        #[inline(always)]
        fn where_below(self, x: f64x4, bound: f64x4, value: f64x4, other: f64x4) -> f64x4 {
            self.select_f64x4(self.cmp_lt_f64x4(x, bound), value, other)
        }

        #[inline(always)]
        fn power_of_two(self, x: f64x4) -> f64x4 {
            let bits: u64x4 = cast(x);
            cast(self.shl_const_u64x4::<52>(self.wrapping_add_u64x4(bits, self.splat_u64x4(1023))))
        }

        #[inline(always)]
        fn split(self, x: f64x4) -> (f64x4, f64x4) {
            let bits: u64x4 = cast(x);
            let shifted = self.wrapping_add_u64x4(bits, self.splat_u64x4(ONE.wrapping_sub(SQRT_HALF)));
            let exponent = self.shr_const_u64x4::<52>(shifted);
            let whole: f64x4 = cast(self.or_u64x4(exponent, self.splat_u64x4(TWO_52.to_bits())));
            let one = self.splat_u64x4(ONE);
            let mantissa =
                self.wrapping_add_u64x4(self.wrapping_sub_u64x4(bits, self.shl_const_u64x4::<52>(exponent)), one);
            (self.sub_f64x4(whole, self.splat_f64x4(TWO_52 + 1023.0)), cast(mantissa))
        }
    }
}

/// Eight numbers in registers.
#[derive(Clone, Copy)]
pub(crate) struct Vector<I: Instructions> {
    instructions: I,
    halves: [I::Four; 2],
}

impl<I: Instructions> Vector<I> {
    #[inline(always)]
    pub fn splat(instructions: I, x: f64) -> Self {
        Self { instructions, halves: [instructions.splat(x); 2] }
    }

    #[inline(always)]
    pub fn load(i: I, x: &Lanes) -> Self {
        let halves = [i.load([x[0], x[1], x[2], x[3]]), i.load([x[4], x[5], x[6], x[7]])];
        Self { instructions: i, halves }
    }

    #[inline(always)]
    pub fn store(self, to: &mut Lanes) {
        let [a, b] = self.halves.map(|half| self.instructions.store(half));
        *to = [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]];
    }

    #[inline(always)]
    fn with(self, other: Self, f: impl Fn(I, I::Four, I::Four) -> I::Four) -> Self {
        let i = self.instructions;
        let halves = [f(i, self.halves[0], other.halves[0]), f(i, self.halves[1], other.halves[1])];
        Self { instructions: i, halves }
    }

    /// The same number in all places.
    #[inline(always)]
    pub fn of(self, x: f64) -> Self {
        Self::splat(self.instructions, x)
    }

    #[inline(always)]
    pub fn larger(self, other: Self) -> Self {
        self.with(other, I::larger)
    }

    #[inline(always)]
    pub fn smaller(self, other: Self) -> Self {
        self.with(other, I::smaller)
    }

    /// This where x ≥ least, 0 elsewhere.
    #[inline(always)]
    pub fn where_at_least(self, x: Self, least: f64) -> Self {
        let least = self.instructions.splat(least);
        self.with(x, |i, value, x| i.where_at_least(x, least, value))
    }

    /// This where x < bound, other elsewhere.
    #[inline(always)]
    pub fn where_below(self, x: Self, bound: Self, other: Self) -> Self {
        let i = self.instructions;
        let half = |h: usize| i.where_below(x.halves[h], bound.halves[h], self.halves[h], other.halves[h]);
        Self { instructions: i, halves: [half(0), half(1)] }
    }

    #[inline(always)]
    pub fn power_of_two(self) -> Self {
        self.with(self, |i, x, _| i.power_of_two(x))
    }

    #[inline(always)]
    pub fn split(self) -> (Self, Self) {
        let i = self.instructions;
        let ((e0, m0), (e1, m1)) = (i.split(self.halves[0]), i.split(self.halves[1]));
        (Self { instructions: i, halves: [e0, e1] }, Self { instructions: i, halves: [m0, m1] })
    }

    /// The sum of all eight, always in the same order.
    #[inline(always)]
    pub fn sum(self) -> f64 {
        let i = self.instructions;
        let l = i.store(i.add(self.halves[0], self.halves[1]));
        (l[0] + l[1]) + (l[2] + l[3])
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<I: Instructions> $trait for Vector<I> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.with(other, I::$method)
            }
        }

        impl<I: Instructions> $trait<f64> for Vector<I> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: f64) -> Self {
                self.with(Self::splat(self.instructions, other), I::$method)
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<I: Instructions> Neg for Vector<I> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self::splat(self.instructions, 0.0) - self
    }
}

impl<I: Instructions> AddAssign for Vector<I> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// A loop to be compiled for several kinds of processors.
pub(crate) trait Vectorisable {
    /// What the loop gives.
    type Output;

    /// The loop. `#[inline(always)]`, and so must be all that it calls, to be compiled along.
    fn run<I: Instructions>(self, instructions: I) -> Self::Output;
}

/// Runs a loop with AVX2 where the processor has it, found at run time, and with plain arrays elsewhere.
pub(crate) fn vectorised<V: Vectorisable>(work: V) -> V::Output {
    #[cfg(target_arch = "x86_64")]
    if let pulp::x86::Arch::V3(v3) = pulp::x86::Arch::new() {
        struct Loop<V>(V, pulp::x86::V3);
        impl<V: Vectorisable> pulp::NullaryFnOnce for Loop<V> {
            type Output = V::Output;

            #[inline(always)]
            fn call(self) -> V::Output {
                self.0.run(self.1)
            }
        }
        return v3.vectorize(Loop(work, v3));
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
            let ([e, ..], [m, ..]) = Baseline.split([x; 4]);
            assert_eq!(m * 2f64.powi(e as i32 / 2) * 2f64.powi(e as i32 - e as i32 / 2), x);
            assert!((0.707..1.4143).contains(&m));
        }
    }
}
