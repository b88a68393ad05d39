//! The symmetric pairs of odd length with mirrored ends, by lifting steps.
//!
//! An axis is continued mirrored at the middle of its first and its last cell, which these filters keep that way: n cells
//! give ⌈n/2⌉ low and ⌊n/2⌋ high coefficients, together as many as there are cells. Lifting after Daubechies and Sweldens
//! 1998 (J. Fourier Anal. Appl. 4, 247); constants of the 9/7 pair as in JPEG 2000 (ISO/IEC 15444-1, annex F).

use super::filters::WaveletFilter;

/// A pair of filters as lifting steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lifting {
    /// What the sum of both neighbours is multiplied by before it is added: to odd cells, to even ones, in turn.
    steps: &'static [f64],
    /// What low coefficients are multiplied by at last; high ones are divided by it.
    scale: f64,
}

impl Lifting {
    /// The steps of a filter, if it is symmetric and of odd length.
    pub(super) fn of(filter: WaveletFilter) -> Option<Self> {
        const SQRT_2: f64 = std::f64::consts::SQRT_2;
        match filter.name() {
            "bior4.4" => Some(Self {
                steps: &[-1.586_134_342_059_924, -0.052_980_118_572_961, 0.882_911_075_530_934, 0.443_506_852_043_971],
                scale: SQRT_2 / 1.230_174_104_914_001,
            }),
            "bior2.2" => Some(Self { steps: &[-0.5, 0.25], scale: SQRT_2 }),
            _ => None,
        }
    }

    /// Low coefficients, then high, along the middle of an array outer × n × inner, n at least 2.
    pub(super) fn analyse(self, x: &[f64], n: usize, inner: usize, y: &mut Vec<f64>) {
        y.resize(x.len(), 0.0);
        for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(n * inner)) {
            let (low, high) = y.split_at_mut(n.div_ceil(2) * inner);
            if inner == 1 {
                for (pair, (low, high)) in x.chunks_exact(2).zip(low.iter_mut().zip(high.iter_mut())) {
                    (*low, *high) = (pair[0], pair[1]);
                }
                if n % 2 == 1 {
                    low[n / 2] = x[n - 1];
                }
            } else {
                let rows = x.chunks_exact(inner);
                rows.clone()
                    .step_by(2)
                    .zip(low.chunks_exact_mut(inner))
                    .for_each(|(from, to)| to.copy_from_slice(from));
                rows.skip(1)
                    .step_by(2)
                    .zip(high.chunks_exact_mut(inner))
                    .for_each(|(from, to)| to.copy_from_slice(from));
            }
            for (k, &step) in self.steps.iter().enumerate() {
                if k % 2 == 0 { lift_high(low, high, inner, step) } else { lift_low(low, high, inner, step) }
            }
            low.iter_mut().for_each(|c| *c *= self.scale);
            high.iter_mut().for_each(|c| *c *= self.scale.recip());
        }
    }

    /// What `analyse` undoes.
    pub(super) fn synthesise(self, x: &[f64], n: usize, inner: usize, y: &mut Vec<f64>) {
        y.resize(x.len(), 0.0);
        let mut halves = vec![0.0; n * inner];
        let (low, high) = halves.split_at_mut(n.div_ceil(2) * inner);
        for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(n * inner)) {
            low.iter_mut().zip(x).for_each(|(to, from)| *to = from * self.scale.recip());
            high.iter_mut().zip(&x[low.len()..]).for_each(|(to, from)| *to = from * self.scale);
            for (k, &step) in self.steps.iter().enumerate().rev() {
                if k % 2 == 0 { lift_high(low, high, inner, -step) } else { lift_low(low, high, inner, -step) }
            }
            if inner == 1 {
                for (pair, (low, high)) in y.chunks_exact_mut(2).zip(low.iter().zip(high.iter())) {
                    (pair[0], pair[1]) = (*low, *high);
                }
                if n % 2 == 1 {
                    y[n - 1] = low[n / 2];
                }
            } else {
                let (even, odd) = (low.chunks_exact(inner), high.chunks_exact(inner));
                y.chunks_exact_mut(inner).step_by(2).zip(even).for_each(|(to, from)| to.copy_from_slice(from));
                y.chunks_exact_mut(inner).skip(1).step_by(2).zip(odd).for_each(|(to, from)| to.copy_from_slice(from));
            }
        }
    }
}

/// Adds `step` times the sum of the even rows beside it to each odd row; behind the last odd row stands its mirror image.
fn lift_high(low: &[f64], high: &mut [f64], inner: usize, step: f64) {
    let between = (low.len() - inner).min(high.len());
    let (inside, last) = high.split_at_mut(between);
    inside.iter_mut().zip(low).zip(&low[inner..]).for_each(|((x, a), b)| *x += step * (a + b));
    last.iter_mut().zip(&low[between..]).for_each(|(x, a)| *x += 2.0 * step * a);
}

/// Adds `step` times the sum of the odd rows beside it to each even row; before the first and behind the last odd row
/// stand their mirror images.
fn lift_low(low: &mut [f64], high: &[f64], inner: usize, step: f64) {
    let (first, rest) = low.split_at_mut(inner);
    first.iter_mut().zip(high).for_each(|(x, a)| *x += 2.0 * step * a);
    let (inside, last) = rest.split_at_mut(high.len() - inner);
    inside.iter_mut().zip(high).zip(&high[inner..]).for_each(|((x, a), b)| *x += step * (a + b));
    last.iter_mut().zip(&high[high.len() - inner..]).for_each(|(x, a)| *x += 2.0 * step * a);
}
