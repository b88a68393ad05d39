//! Vectors of eight numbers with AVX-512: one register.

use pulp::bytemuck::cast;
use pulp::x86::V4;
use pulp::{f64x8, u64x8};

use super::{Instructions, Lanes, ONE, SQRT_HALF, TWO_52};

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
