//! Eight numbers at once, in whatever registers the processor has.
//!
//! The compiler finds vectors in simple loops, but not in the ones that matter here (an exponential inside, several sums
//! at once); so the loops say what they mean: `Vector`s of eight numbers with + − × ÷ and the two functions of
//! [`exponential`](super::exponential). Where the processor has AVX-512 a vector is one register, with AVX2 two,
//! elsewhere an array. All do the same operations in the same order, never a fused multiply-add: the same bits on every processor.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// Numbers in a vector.
pub(crate) const LANES: usize = 8;
/// A vector in memory.
pub(crate) type Lanes = [f64; LANES];

/// What a processor can do with eight numbers.
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
    /// b where a > b does not hold.
    fn larger(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    /// b where a < b does not hold.
    fn smaller(self, a: Self::Eight, b: Self::Eight) -> Self::Eight;
    /// `value` where x ≥ least, 0 elsewhere.
    fn where_at_least(self, x: Self::Eight, least: Self::Eight, value: Self::Eight) -> Self::Eight;
    /// `value` where x < bound, `other` elsewhere.
    fn where_below(self, x: Self::Eight, bound: Self::Eight, value: Self::Eight, other: Self::Eight) -> Self::Eight;
    /// 2^k for the whole number k in the last bits of x, between −1022 and 1023.
    fn power_of_two(self, x: Self::Eight) -> Self::Eight;
    /// x = m 2^e with m between √½ and √2; gives (e, m), for normal x > 0.
    fn split(self, x: Self::Eight) -> (Self::Eight, Self::Eight);
}

const ONE: u64 = 1023 << 52;
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// Plain arrays: what every processor can do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Baseline;

#[inline(always)]
fn pairwise(a: Lanes, b: Lanes, f: impl Fn(f64, f64) -> f64) -> Lanes {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Instructions for Baseline {
    type Eight = Lanes;

    #[inline(always)]
    fn splat(self, x: f64) -> Lanes {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, x: Lanes) -> Lanes {
        x
    }

    #[inline(always)]
    fn store(self, x: Lanes) -> Lanes {
        x
    }

    #[inline(always)]
    fn add(self, a: Lanes, b: Lanes) -> Lanes {
        pairwise(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Lanes, b: Lanes) -> Lanes {
        pairwise(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Lanes, b: Lanes) -> Lanes {
        pairwise(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Lanes, b: Lanes) -> Lanes {
        pairwise(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn larger(self, a: Lanes, b: Lanes) -> Lanes {
        pairwise(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn smaller(self, a: Lanes, b: Lanes) -> Lanes {
        pairwise(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn where_at_least(self, x: Lanes, least: Lanes, value: Lanes) -> Lanes {
        std::array::from_fn(|i| if x[i] >= least[i] { value[i] } else { 0.0 })
    }

    #[inline(always)]
    fn where_below(self, x: Lanes, bound: Lanes, value: Lanes, other: Lanes) -> Lanes {
        std::array::from_fn(|i| if x[i] < bound[i] { value[i] } else { other[i] })
    }

    #[inline(always)]
    fn power_of_two(self, x: Lanes) -> Lanes {
        x.map(|x| f64::from_bits(x.to_bits().wrapping_add(1023) << 52))
    }

    #[inline(always)]
    fn split(self, x: Lanes) -> (Lanes, Lanes) {
        let exponent = x.map(|x| x.to_bits().wrapping_sub(SQRT_HALF).wrapping_add(ONE) >> 52);
        let whole = exponent.map(|e| f64::from_bits(TWO_52.to_bits() | e) - (TWO_52 + 1023.0));
        let mantissa =
            std::array::from_fn(|i| f64::from_bits(x[i].to_bits().wrapping_sub(exponent[i] << 52).wrapping_add(ONE)));
        (whole, mantissa)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Instructions, Lanes, ONE, SQRT_HALF, TWO_52};
    use pulp::bytemuck::cast;
    use pulp::x86::V3;
    use pulp::{f64x4, u64x4};

    /// Two registers.
    type Eight = [f64x4; 2];

    #[inline(always)]
    fn both(a: Eight, b: Eight, f: impl Fn(f64x4, f64x4) -> f64x4) -> Eight {
        [f(a[0], b[0]), f(a[1], b[1])]
    }

    impl Instructions for V3 {
        type Eight = Eight;

        #[inline(always)]
        fn splat(self, x: f64) -> Eight {
            [self.splat_f64x4(x); 2]
        }

        #[inline(always)]
        fn load(self, x: Lanes) -> Eight {
            cast(x)
        }

        #[inline(always)]
        fn store(self, x: Eight) -> Lanes {
            cast(x)
        }

        #[inline(always)]
        fn add(self, a: Eight, b: Eight) -> Eight {
            both(a, b, |a, b| self.add_f64x4(a, b))
        }

        #[inline(always)]
        fn sub(self, a: Eight, b: Eight) -> Eight {
            both(a, b, |a, b| self.sub_f64x4(a, b))
        }

        #[inline(always)]
        fn mul(self, a: Eight, b: Eight) -> Eight {
            both(a, b, |a, b| self.mul_f64x4(a, b))
        }

        #[inline(always)]
        fn div(self, a: Eight, b: Eight) -> Eight {
            both(a, b, |a, b| self.div_f64x4(a, b))
        }

        #[inline(always)]
        fn larger(self, a: Eight, b: Eight) -> Eight {
            both(a, b, |a, b| self.max_f64x4(a, b))
        }

        #[inline(always)]
        fn smaller(self, a: Eight, b: Eight) -> Eight {
            both(a, b, |a, b| self.min_f64x4(a, b))
        }

        #[inline(always)]
        fn where_at_least(self, x: Eight, least: Eight, value: Eight) -> Eight {
            let half = |h: usize| self.select_f64x4(self.cmp_le_f64x4(least[h], x[h]), value[h], self.splat_f64x4(0.0));
            [half(0), half(1)]
        }

        #[inline(always)]
        fn where_below(self, x: Eight, bound: Eight, value: Eight, other: Eight) -> Eight {
            let half = |h: usize| self.select_f64x4(self.cmp_lt_f64x4(x[h], bound[h]), value[h], other[h]);
            [half(0), half(1)]
        }

        #[inline(always)]
        fn power_of_two(self, x: Eight) -> Eight {
            let half = |x: f64x4| {
                let bits: u64x4 = cast(x);
                cast(self.shl_const_u64x4::<52>(self.wrapping_add_u64x4(bits, self.splat_u64x4(1023))))
            };
            [half(x[0]), half(x[1])]
        }

        #[inline(always)]
        fn split(self, x: Eight) -> (Eight, Eight) {
            let half = |x: f64x4| -> (f64x4, f64x4) {
                let bits: u64x4 = cast(x);
                let shifted = self.wrapping_add_u64x4(bits, self.splat_u64x4(ONE.wrapping_sub(SQRT_HALF)));
                let exponent = self.shr_const_u64x4::<52>(shifted);
                let whole: f64x4 = cast(self.or_u64x4(exponent, self.splat_u64x4(TWO_52.to_bits())));
                let one = self.splat_u64x4(ONE);
                let mantissa =
                    self.wrapping_add_u64x4(self.wrapping_sub_u64x4(bits, self.shl_const_u64x4::<52>(exponent)), one);
                (self.sub_f64x4(whole, self.splat_f64x4(TWO_52 + 1023.0)), cast(mantissa))
            };
            let [(e0, m0), (e1, m1)] = [half(x[0]), half(x[1])];
            ([e0, e1], [m0, m1])
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Instructions, Lanes, ONE, SQRT_HALF, TWO_52};
    use pulp::bytemuck::cast;
    use pulp::x86::V4;
    use pulp::{f64x8, u64x8};

    impl Instructions for V4 {
        type Eight = f64x8;

        #[inline(always)]
        fn splat(self, x: f64) -> f64x8 {
            self.splat_f64x8(x)
        }

        #[inline(always)]
        fn load(self, x: Lanes) -> f64x8 {
            cast(x)
        }

        #[inline(always)]
        fn store(self, x: f64x8) -> Lanes {
            cast(x)
        }

        #[inline(always)]
        fn add(self, a: f64x8, b: f64x8) -> f64x8 {
            self.add_f64x8(a, b)
        }

        #[inline(always)]
        fn sub(self, a: f64x8, b: f64x8) -> f64x8 {
            self.sub_f64x8(a, b)
        }

        #[inline(always)]
        fn mul(self, a: f64x8, b: f64x8) -> f64x8 {
            self.mul_f64x8(a, b)
        }

        #[inline(always)]
        fn div(self, a: f64x8, b: f64x8) -> f64x8 {
            self.div_f64x8(a, b)
        }

        #[inline(always)]
        fn larger(self, a: f64x8, b: f64x8) -> f64x8 {
            self.max_f64x8(a, b)
        }

        #[inline(always)]
        fn smaller(self, a: f64x8, b: f64x8) -> f64x8 {
            self.min_f64x8(a, b)
        }

        #[inline(always)]
        fn where_at_least(self, x: f64x8, least: f64x8, value: f64x8) -> f64x8 {
            self.select_f64x8(self.cmp_le_f64x8(least, x), value, self.splat_f64x8(0.0))
        }

        #[inline(always)]
        fn where_below(self, x: f64x8, bound: f64x8, value: f64x8, other: f64x8) -> f64x8 {
            self.select_f64x8(self.cmp_lt_f64x8(x, bound), value, other)
        }

        #[inline(always)]
        fn power_of_two(self, x: f64x8) -> f64x8 {
            let bits: u64x8 = cast(x);
            cast(self.shl_const_u64x8::<52>(self.wrapping_add_u64x8(bits, self.splat_u64x8(1023))))
        }

        #[inline(always)]
        fn split(self, x: f64x8) -> (f64x8, f64x8) {
            let bits: u64x8 = cast(x);
            let shifted = self.wrapping_add_u64x8(bits, self.splat_u64x8(ONE.wrapping_sub(SQRT_HALF)));
            let exponent = self.shr_const_u64x8::<52>(shifted);
            let whole: f64x8 = cast(self.or_u64x8(exponent, self.splat_u64x8(TWO_52.to_bits())));
            let one = self.splat_u64x8(ONE);
            let mantissa =
                self.wrapping_add_u64x8(self.wrapping_sub_u64x8(bits, self.shl_const_u64x8::<52>(exponent)), one);
            (self.sub_f64x8(whole, self.splat_f64x8(TWO_52 + 1023.0)), cast(mantissa))
        }
    }
}

/// Eight numbers in registers.
#[derive(Clone, Copy)]
pub(crate) struct Vector<I: Instructions> {
    instructions: I,
    eight: I::Eight,
}

impl<I: Instructions> Vector<I> {
    #[inline(always)]
    pub fn splat(instructions: I, x: f64) -> Self {
        Self { instructions, eight: instructions.splat(x) }
    }

    #[inline(always)]
    pub fn load(instructions: I, x: &Lanes) -> Self {
        Self { instructions, eight: instructions.load(*x) }
    }

    #[inline(always)]
    pub fn store(self, to: &mut Lanes) {
        *to = self.instructions.store(self.eight);
    }

    #[inline(always)]
    fn with(self, other: Self, f: impl Fn(I, I::Eight, I::Eight) -> I::Eight) -> Self {
        Self { eight: f(self.instructions, self.eight, other.eight), ..self }
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
        Self { eight: self.instructions.where_below(x.eight, bound.eight, self.eight, other.eight), ..self }
    }

    #[inline(always)]
    pub fn power_of_two(self) -> Self {
        Self { eight: self.instructions.power_of_two(self.eight), ..self }
    }

    #[inline(always)]
    pub fn split(self) -> (Self, Self) {
        let (exponent, mantissa) = self.instructions.split(self.eight);
        (Self { eight: exponent, ..self }, Self { eight: mantissa, ..self })
    }

    /// The sum of all eight, always in the same order.
    #[inline(always)]
    pub fn sum(self) -> f64 {
        let l = self.instructions.store(self.eight);
        ((l[0] + l[4]) + (l[1] + l[5])) + ((l[2] + l[6]) + (l[3] + l[7]))
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

/// Runs a loop with AVX-512 or AVX2 where the processor has it, found at run time, and with plain arrays elsewhere.
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
