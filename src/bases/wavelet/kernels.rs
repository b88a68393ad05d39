//! Sums of shifted rows, the inner loops of every transform here: written so that they become vector instructions, and
//! inlined into loops that are compiled for the processor at hand ([`crate::numerics::lanes`]).

/// Numbers summed side by side; enough to hide the latency of additions, few enough to stay in registers.
const WIDTH: usize = 8;
/// The same where there is one sum and not two.
const WIDE: usize = 16;
/// From this length on the wider strips pay.
const LONG: usize = 128;

/// A value nearer to zero by `threshold`, or zero: the soft threshold.
pub(super) fn shrunk(value: f64, threshold: f64) -> f64 {
    if value.abs() <= threshold { 0.0 } else { value - threshold.copysign(value) }
}

/// low\[r\] = Σ_t lows\[t\] x\[offsets\[t\] + r\], and high likewise: both filters in one pass over `x`.
///
/// Whole strips; the last one overlaps the one before, which computes the same numbers twice rather than one by one.
#[inline(always)]
pub(super) fn two_sums(x: &[f64], offsets: &[usize], taps: [&[f64]; 2], low: &mut [f64], high: &mut [f64]) {
    let n = low.len();
    if n < WIDTH {
        for r in 0..n {
            two_strips::<1>(x, offsets, taps, r, low, high);
        }
        return;
    }
    let mut r = 0;
    while r + WIDTH <= n {
        two_strips::<WIDTH>(x, offsets, taps, r, low, high);
        r += WIDTH;
    }
    if r < n {
        two_strips::<WIDTH>(x, offsets, taps, n - WIDTH, low, high);
    }
}

#[inline(always)]
fn two_strips<const W: usize>(
    x: &[f64],
    offsets: &[usize],
    [lows, highs]: [&[f64]; 2],
    r: usize,
    low: &mut [f64],
    high: &mut [f64],
) {
    let (mut a, mut b) = ([0.0; W], [0.0; W]);
    for ((&offset, &l), &h) in offsets.iter().zip(lows).zip(highs) {
        let x = &x[offset + r..offset + r + W];
        for w in 0..W {
            a[w] += l * x[w];
            b[w] += h * x[w];
        }
    }
    low[r..r + W].copy_from_slice(&a);
    high[r..r + W].copy_from_slice(&b);
}

/// y\[r\] = Σ_t taps\[t\] x\[offsets\[t\] + r\], in strips as [`two_sums`].
#[inline(always)]
pub(super) fn one_sum(x: &[f64], offsets: &[usize], taps: &[f64], y: &mut [f64]) {
    if y.len() >= LONG {
        one_by_strips::<WIDE>(x, offsets, taps, y);
    } else if y.len() >= WIDTH {
        one_by_strips::<WIDTH>(x, offsets, taps, y);
    } else {
        one_by_strips::<1>(x, offsets, taps, y);
    }
}

#[inline(always)]
fn one_by_strips<const W: usize>(x: &[f64], offsets: &[usize], taps: &[f64], y: &mut [f64]) {
    let n = y.len();
    let mut r = 0;
    while r + W <= n {
        one_strip::<W>(x, offsets, taps, r, y);
        r += W;
    }
    if r < n {
        one_strip::<W>(x, offsets, taps, n - W, y);
    }
}

#[inline(always)]
fn one_strip<const W: usize>(x: &[f64], offsets: &[usize], taps: &[f64], r: usize, y: &mut [f64]) {
    let mut a = [0.0; W];
    for (&offset, &tap) in offsets.iter().zip(taps) {
        let x = &x[offset + r..offset + r + W];
        for w in 0..W {
            a[w] += tap * x[w];
        }
    }
    y[r..r + W].copy_from_slice(&a);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_every_length_are_whole() {
        let x: Vec<f64> = (0..200).map(|k| (k as f64).sin()).collect();
        let (offsets, a, b) = ([0, 17, 3], [1.0, -2.0, 0.5], [0.25, 3.0, -1.0]);
        for n in (0..40).chain([130, 150]) {
            let (mut low, mut high, mut one) = (vec![9.0; n], vec![9.0; n], vec![9.0; n]);
            two_sums(&x, &offsets, [&a, &b], &mut low, &mut high);
            one_sum(&x, &offsets, &b, &mut one);
            for r in 0..n {
                assert_eq!(low[r], 1.0 * x[r] - 2.0 * x[17 + r] + 0.5 * x[3 + r]);
                assert_eq!((high[r], one[r]), (0.25 * x[r] + 3.0 * x[17 + r] - x[3 + r], high[r]));
            }
        }
    }
}
