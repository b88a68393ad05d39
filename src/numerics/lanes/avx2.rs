//! Vectors of eight numbers with AVX2: two registers.

use pulp::bytemuck::cast;
use pulp::x86::V3;
use pulp::{f64x4, u64x4};

use super::{Instructions, Lanes, ONE, SQRT_HALF, TWO_52};

/// Vector of two registers.
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
        let [(e0, m0), (e1, m1)] = [split_half(self, x[0]), split_half(self, x[1])];
        ([e0, e1], [m0, m1])
    }
}

// A function, because a closure that is called twice is not inlined, nor are the instructions in it.
#[inline(always)]
fn split_half(v3: V3, x: f64x4) -> (f64x4, f64x4) {
    let bits: u64x4 = cast(x);
    let shifted = v3.wrapping_add_u64x4(bits, v3.splat_u64x4(ONE.wrapping_sub(SQRT_HALF)));
    let exponent = v3.shr_const_u64x4::<52>(shifted);
    let whole: f64x4 = cast(v3.or_u64x4(exponent, v3.splat_u64x4(TWO_52.to_bits())));
    let mantissa = v3.wrapping_sub_u64x4(bits, v3.shl_const_u64x4::<52>(exponent));
    let mantissa = v3.wrapping_add_u64x4(mantissa, v3.splat_u64x4(ONE));
    (v3.sub_f64x4(whole, v3.splat_f64x4(TWO_52 + 1023.0)), cast(mantissa))
}
