//! Arithmetic of vectors of eight numbers.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use super::{Instructions, Lanes};

/// Vector of eight numbers in registers. Methods without a comment are those of [`Instructions`].
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

    /// Vector with the same number in all elements.
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

    /// Selects `self` where x ≥ least, 0 elsewhere.
    #[inline(always)]
    pub fn where_at_least(self, x: Self, least: f64) -> Self {
        let least = self.instructions.splat(least);
        self.with(x, |i, value, x| i.where_at_least(x, least, value))
    }

    /// Selects `self` where x < bound, `other` elsewhere.
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

    /// Sum of all eight elements, in a fixed order.
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
