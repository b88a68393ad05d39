//! Vectors of eight numbers as plain arrays, for every processor. Other variants must agree with it bit by bit.

use super::{Instructions, LANES, Lanes, ONE, SQRT_HALF, TWO_52};

/// Vector as a plain array.
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
