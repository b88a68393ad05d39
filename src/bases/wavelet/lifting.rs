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

    /// Low coefficients, then high, along the middle of an array outer × n × inner.
    pub(super) fn analyse(self, x: &[f64], n: usize, inner: usize, y: &mut Vec<f64>) {
        y.resize(x.len(), 0.0);
        let mut rows = vec![0.0; n * inner];
        for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(n * inner)) {
            rows.copy_from_slice(x);
            for (k, &step) in self.steps.iter().enumerate() {
                lift(&mut rows, n, inner, 1 - k % 2, step);
            }
            let (low, high) = y.split_at_mut(n.div_ceil(2) * inner);
            for (k, row) in rows.chunks_exact(inner).enumerate() {
                let (to, factor) = if k % 2 == 0 { (&mut *low, self.scale) } else { (&mut *high, self.scale.recip()) };
                let to = &mut to[k / 2 * inner..(k / 2 + 1) * inner];
                to.iter_mut().zip(row).for_each(|(to, from)| *to = factor * from);
            }
        }
    }

    /// What `analyse` undoes.
    pub(super) fn synthesise(self, x: &[f64], n: usize, inner: usize, y: &mut Vec<f64>) {
        y.resize(x.len(), 0.0);
        for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(n * inner)) {
            let (low, high) = x.split_at(n.div_ceil(2) * inner);
            for (k, row) in y.chunks_exact_mut(inner).enumerate() {
                let (from, factor) = if k % 2 == 0 { (low, self.scale.recip()) } else { (high, self.scale) };
                let from = &from[k / 2 * inner..(k / 2 + 1) * inner];
                row.iter_mut().zip(from).for_each(|(to, from)| *to = factor * from);
            }
            for (k, &step) in self.steps.iter().enumerate().rev() {
                lift(y, n, inner, 1 - k % 2, -step);
            }
        }
    }
}

/// Adds `step` times the sum of both neighbours to every second row, from the row `first` on.
fn lift(rows: &mut [f64], n: usize, inner: usize, first: usize, step: f64) {
    if inner == 1 {
        for k in (first..n).step_by(2) {
            let (before, after) = neighbours(k, n);
            rows[k] += step * (rows[before] + rows[after]);
        }
        return;
    }
    for k in (first..n).step_by(2) {
        let (before, after) = neighbours(k, n);
        let (head, rest) = rows.split_at_mut(k * inner);
        let (row, tail) = rest.split_at_mut(inner);
        let of = |other: usize| {
            if other < k { &head[other * inner..][..inner] } else { &tail[(other - k - 1) * inner..][..inner] }
        };
        for ((x, a), b) in row.iter_mut().zip(of(before)).zip(of(after)) {
            *x += step * (a + b);
        }
    }
}

/// The rows beside row k of n ≥ 2, mirrored at the first and the last.
fn neighbours(k: usize, n: usize) -> (usize, usize) {
    (if k > 0 { k - 1 } else { 1 }, if k + 1 < n { k + 1 } else { n - 2 })
}
