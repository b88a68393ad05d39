//! Dual numbers a + b ε with ε² = 0: a value that carries its derivatives along.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// As many parameters as the largest test problem has.
pub const WIDTH: usize = 20;

/// A value and its derivatives by up to [`WIDTH`] parameters.
#[derive(Clone, Copy, Debug)]
pub struct Dual {
    pub value: f64,
    pub gradient: [f64; WIDTH],
}

impl Dual {
    pub fn variable(value: f64, index: usize) -> Self {
        let mut gradient = [0.0; WIDTH];
        gradient[index] = 1.0;
        Self { value, gradient }
    }

    /// A function's value and derivative, by the chain rule.
    fn chain(self, value: f64, derivative: f64) -> Self {
        Self { value, gradient: self.gradient.map(|g| g * derivative) }
    }

    fn zip(self, other: Self, value: f64, by_self: f64, by_other: f64) -> Self {
        let gradient = std::array::from_fn(|k| self.gradient[k] * by_self + other.gradient[k] * by_other);
        Self { value, gradient }
    }

    pub fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }

    pub fn ln(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }

    pub fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }

    pub fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }

    pub fn atan(self) -> Self {
        self.chain(self.value.atan(), 1.0 / (1.0 + self.value * self.value))
    }

    pub fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        self.chain(value, 0.5 / value)
    }

    pub fn powi(self, exponent: i32) -> Self {
        self.chain(self.value.powi(exponent), f64::from(exponent) * self.value.powi(exponent - 1))
    }

    pub fn powf(self, exponent: impl Into<Dual>) -> Self {
        (self.ln() * exponent.into()).exp()
    }
}

impl From<f64> for Dual {
    fn from(value: f64) -> Self {
        Self { value, gradient: [0.0; WIDTH] }
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident |$a:ident, $b:ident| ($value:expr, $by_a:expr, $by_b:expr);)*) => {$(
        impl<T: Into<Dual>> $operator<T> for Dual {
            type Output = Dual;
            fn $method(self, other: T) -> Dual {
                let other = other.into();
                let ($a, $b) = (self.value, other.value);
                self.zip(other, $value, $by_a, $by_b)
            }
        }
        impl $operator<Dual> for f64 {
            type Output = Dual;
            fn $method(self, other: Dual) -> Dual {
                Dual::from(self).$method(other)
            }
        }
    )*};
}

operators! {
    Add add |a, b| (a + b, 1.0, 1.0);
    Sub sub |a, b| (a - b, 1.0, -1.0);
    Mul mul |a, b| (a * b, b, a);
    Div div |a, b| (a / b, 1.0 / b, -a / (b * b));
}

impl Neg for Dual {
    type Output = Dual;
    fn neg(self) -> Dual {
        self.chain(-self.value, -1.0)
    }
}
