//! Rules by which a polynomial p changes a density g to a density h ≥ 0.
//!
//! Each rule minimises a convex distance Σ D(h, g) over all densities h with the wanted moments. The polynomial holds
//! the Lagrange multipliers, and D'(h) = p gives h.

use crate::coding::Coder;
use crate::numerics::exponential::exp;
use crate::numerics::lanes::{Instructions, Vector};

/// Rule by which a density is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// h = max(0, g + p) where g > 0: of all densities with these moments on these cells the nearest in the sum of
    /// squares.
    Even,
    /// h = max(0, g + p) on all cells. If the original is not negative, h is never farther from it than g, even if g
    /// has few of its cells.
    Everywhere,
    /// h = g φ(p / (g + t)), φ(e) = 1 + e for e ≥ 0 and exp(e) below, t a part of the peak of g. Densities far above t
    /// change by p as with [`Method::Even`], those far below it by the factor φ(p / t), so that no tail is emptied. The
    /// distance is (h − g)²/2w above g, w = g/(g + t), and g + t times the relative entropy below.
    Mixed(Threshold),
    /// h = g eᵖ: the nearest density in relative entropy. Of a Gaussian it makes a Gaussian again.
    Tilt,
}

/// Part of the peak below which a mixed rule changes densities in proportion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threshold {
    /// 2⁻⁸ of the peak: the error `l2` is about that of [`Method::Even`].
    Low,
    /// 2⁻³ of the peak, for errors that are as large in the tails as in the core.
    High,
}

impl Method {
    /// Methods that need no cells beyond those of g, in the order of their codes.
    pub(super) const USUAL: [Self; 4] =
        [Self::Even, Self::Mixed(Threshold::Low), Self::Mixed(Threshold::High), Self::Tilt];

    /// Codes the method in a little more than two bits, or in a rare bit for [`Method::Everywhere`].
    pub(super) fn code(self, coder: &mut Coder<'_>) -> Self {
        if coder.rarely(self == Self::Everywhere) {
            return Self::Everywhere;
        }
        let code = Self::USUAL.iter().position(|method| *method == self).unwrap_or(0);
        Self::USUAL[coder.bits(code as u64, 2) as usize & 3]
    }

    /// True if h = max(0, g + p).
    pub(super) fn is_flat(self) -> bool {
        matches!(self, Self::Even | Self::Everywhere)
    }
}

/// Rule in the form that vectorised loops use.
pub(super) trait Rule: Copy {
    /// Density h and its derivative by p.
    fn changed<I: Instructions>(self, g: Vector<I>, p: Vector<I>) -> [Vector<I>; 2];
}

/// max(0, g + p).
#[derive(Clone, Copy)]
pub(super) struct Flat;

impl Rule for Flat {
    #[inline(always)]
    fn changed<I: Instructions>(self, g: Vector<I>, p: Vector<I>) -> [Vector<I>; 2] {
        let zero = g.of(0.0);
        let h = (g + p).larger(zero);
        [h, g.of(1.0).where_below(zero, h, zero)]
    }
}

/// g φ(p / (g + t)).
#[derive(Clone, Copy)]
pub(super) struct Mixed {
    pub(super) threshold: f64,
}

impl Rule for Mixed {
    #[inline(always)]
    fn changed<I: Instructions>(self, g: Vector<I>, p: Vector<I>) -> [Vector<I>; 2] {
        /// Maximum relative change: larger ones occur only in a diverging search, and must not overflow.
        const MAX: f64 = 1e30;
        let zero = g.of(0.0);
        let width = g + self.threshold;
        let relative = (p / width).smaller(g.of(MAX));
        let factor = exp(relative.smaller(zero));
        [g * (factor + relative.larger(zero)), g / width * factor]
    }
}

/// g eᵖ.
#[derive(Clone, Copy)]
pub(super) struct Tilt;

impl Rule for Tilt {
    #[inline(always)]
    fn changed<I: Instructions>(self, g: Vector<I>, p: Vector<I>) -> [Vector<I>; 2] {
        /// Maximum exponent: larger factors than e³⁰ occur only in a diverging search, and must not overflow.
        const MAX: f64 = 30.0;
        let h = g * exp(p.smaller(g.of(MAX)));
        [h, h]
    }
}

/// One in every cell that may have a density, for the scale of a damping.
#[derive(Clone, Copy)]
pub(super) struct Ones;

impl Rule for Ones {
    #[inline(always)]
    fn changed<I: Instructions>(self, g: Vector<I>, _: Vector<I>) -> [Vector<I>; 2] {
        let one = g.of(1.0).where_below(g.of(f64::NEG_INFINITY), g, g.of(0.0));
        [one, one]
    }
}
