//! One level along one axis.

use super::boundary::Boundary;
use super::filters::Bank;
use super::kernels::{one_sum, two_sums};

/// More taps than any filter has, of both kinds together.
const MOST_TAPS: usize = 64;

/// One level of one axis: which cells each sum takes.
///
/// Analysis: c\[o\] = Σ_j h\[j\] x\[2o + b − j\], x continued beyond its ends, with b = 1 (symmetric) or F/2 (periodic), F
/// taps. Synthesis: x\[k\] = Σ_o c\[o\] g\[k + s − 2o\], with s = F − 2 or F/2 − 1.
pub(super) struct AxisLevel {
    /// Cells.
    n: usize,
    /// Coefficients of each kind, low and high.
    half: usize,
    analysis: Analysis,
    synthesis: Synthesis,
}

struct Analysis {
    /// For each coefficient, the cell that each tap falls on (u32, which holds the cells of every grid: half the memory).
    cells: Vec<u32>,
    /// Taps that are not zero in both filters.
    taps: [Vec<f64>; 2],
    /// A row continued, its even places first: where each number comes from.
    row: Vec<u32>,
    /// The place in that row at which each tap's numbers begin.
    offsets: Vec<usize>,
}

struct Synthesis {
    /// For each cell, the coefficient (of low, then of high) that each tap falls on, `stride` numbers a cell.
    coefficients: Vec<u32>,
    stride: usize,
    /// Taps for even and odd cells, of low and then of high.
    taps: [Vec<f64>; 2],
    /// Low and high continued, one after another: where each number comes from.
    row: Vec<u32>,
    /// The place in that row at which the numbers of each tap begin, for even and odd cells.
    offsets: [Vec<usize>; 2],
}

/// Scratch buffers for one row, continued, and for its even and odd cells.
#[derive(Default)]
pub(super) struct Row {
    continued: Vec<f64>,
    parts: [Vec<f64>; 2],
}

impl AxisLevel {
    pub(super) fn new(bank: &Bank, boundary: Boundary, n: usize) -> Self {
        let half = boundary.half(n, bank.len());
        Self {
            n,
            half,
            analysis: Analysis::new(bank, boundary, n, half),
            synthesis: Synthesis::new(bank, boundary, n, half),
        }
    }

    /// Coefficient `o` of both kinds of an array n × inner.
    #[inline(always)]
    pub(super) fn analyse_one(&self, x: &[f64], o: usize, inner: usize, low: &mut [f64], high: &mut [f64]) {
        let Analysis { cells, taps, .. } = &self.analysis;
        let [lows, highs] = taps;
        let mut offsets = [0; MOST_TAPS];
        let offsets = &mut offsets[..lows.len()];
        for (offset, cell) in offsets.iter_mut().zip(&cells[o * lows.len()..]) {
            *offset = *cell as usize * inner;
        }
        two_sums(x, offsets, [lows, highs], low, high);
    }

    /// Low coefficients, then high, of an array n × inner.
    #[inline(always)]
    pub(super) fn analyse(&self, x: &[f64], inner: usize, y: &mut [f64]) {
        let (low, high) = y.split_at_mut(self.half * inner);
        let rows = low.chunks_exact_mut(inner).zip(high.chunks_exact_mut(inner));
        for (o, (low, high)) in rows.enumerate() {
            self.analyse_one(x, o, inner, low, high);
        }
    }

    /// Low coefficients, then high, of each of many rows.
    #[inline(always)]
    pub(super) fn analyse_rows(&self, x: &[f64], y: &mut [f64], scratch: &mut Row) {
        let Analysis { taps: [lows, highs], row, offsets, .. } = &self.analysis;
        scratch.continued.resize(row.len(), 0.0);
        for (x, y) in x.chunks_exact(self.n).zip(y.chunks_exact_mut(2 * self.half)) {
            for (to, from) in scratch.continued.iter_mut().zip(row) {
                *to = x[*from as usize];
            }
            let (low, high) = y.split_at_mut(self.half);
            two_sums(&scratch.continued, offsets, [lows, highs], low, high);
        }
    }

    /// Cell `k` of an array n × inner from its coefficients.
    #[inline(always)]
    pub(super) fn synthesise_one(&self, x: &[f64], k: usize, inner: usize, y: &mut [f64]) {
        let Synthesis { coefficients, stride, taps, .. } = &self.synthesis;
        let taps = &taps[k % 2];
        let mut offsets = [0; MOST_TAPS];
        let offsets = &mut offsets[..taps.len()];
        for (offset, from) in offsets.iter_mut().zip(&coefficients[k * stride..]) {
            *offset = *from as usize * inner;
        }
        one_sum(x, offsets, taps, y);
    }

    /// The inverse of `analyse`.
    #[inline(always)]
    pub(super) fn synthesise(&self, x: &[f64], inner: usize, y: &mut [f64]) {
        for (k, y) in y.chunks_exact_mut(inner).enumerate() {
            self.synthesise_one(x, k, inner, y);
        }
    }

    /// The inverse of `analyse_rows`.
    #[inline(always)]
    pub(super) fn synthesise_rows(&self, x: &[f64], y: &mut [f64], scratch: &mut Row) {
        let Synthesis { row, offsets, taps, .. } = &self.synthesis;
        let Row { continued, parts: [even, odd] } = scratch;
        continued.resize(row.len(), 0.0);
        even.resize(self.n.div_ceil(2), 0.0);
        odd.resize(self.n / 2, 0.0);
        for (x, y) in x.chunks_exact(2 * self.half).zip(y.chunks_exact_mut(self.n)) {
            for (to, from) in continued.iter_mut().zip(row) {
                *to = x[*from as usize];
            }
            one_sum(continued, &offsets[0], &taps[0], even);
            one_sum(continued, &offsets[1], &taps[1], odd);
            for (pair, (even, odd)) in y.chunks_exact_mut(2).zip(even.iter().zip(odd.iter())) {
                pair[0] = *even;
                pair[1] = *odd;
            }
            if self.n % 2 == 1 {
                y[self.n - 1] = even[self.n / 2];
            }
        }
    }
}

impl Analysis {
    fn new(bank: &Bank, boundary: Boundary, n: usize, half: usize) -> Self {
        let [low, high] = &bank.analysis;
        let length = bank.len();
        let begin = match boundary {
            Boundary::Periodic | Boundary::WholeSample => length / 2,
            Boundary::Symmetric => 1,
        } as isize;
        let used: Vec<usize> = (0..length).filter(|&j| low[j] != 0.0 || high[j] != 0.0).collect();
        let mut cells = Vec::with_capacity(half * used.len());
        for o in 0..half {
            cells.extend(used.iter().map(|&j| boundary.cell(begin + 2 * o as isize - j as isize, n) as u32));
        }
        // Number e of the continued row is cell begin − F + 1 + e; tap j of coefficient o falls on 2o + F − 1 − j.
        let each = half - 1 + length / 2;
        let first = begin - length as isize + 1;
        let row = (0..2 * each).map(|p| {
            let e = if p < each { 2 * p } else { 2 * (p - each) + 1 };
            boundary.cell(first + e as isize, n) as u32
        });
        let offsets = used.iter().map(|j| (length - 1 - j) % 2 * each + (length - 1 - j) / 2).collect();
        let of = |filter: &[f64]| used.iter().map(|&j| filter[j]).collect();
        Self { cells, taps: [of(low), of(high)], row: row.collect(), offsets }
    }
}

impl Synthesis {
    fn new(bank: &Bank, boundary: Boundary, n: usize, half: usize) -> Self {
        let [low, high] = &bank.synthesis;
        let length = bank.len();
        let shift = match boundary {
            Boundary::Periodic | Boundary::WholeSample => length / 2 - 1,
            Boundary::Symmetric => length - 2,
        };
        // Beyond 0..half: the periodic boundary begins anew; the middle of whole cells is a mirror of even and odd places.
        let wrapped = |kind: usize, o: isize| match boundary {
            Boundary::WholeSample => boundary.cell(2 * o + kind as isize, n) / 2,
            _ => o.rem_euclid(half as isize) as usize,
        };
        // For cells 2i and 2i + 1, the taps that are not zero: of which filter, its value, and that it falls on number
        // i + from.
        let parities = [0, 1].map(|parity| -> Vec<(usize, f64, isize)> {
            let taps = |kind: usize, filter: &[f64]| -> Vec<(usize, f64, isize)> {
                let places = ((parity + shift) % 2..length).step_by(2).filter(|&j| filter[j] != 0.0);
                places.map(|j| (kind, filter[j], (parity as isize + shift as isize - j as isize) / 2)).collect()
            };
            [taps(0, low), taps(1, high)].concat()
        });
        let stride = parities[0].len().max(parities[1].len());
        let mut coefficients = Vec::with_capacity(n * stride);
        for k in 0..n {
            let taps = parities[k % 2].iter();
            let place = |&(kind, _, from): &(usize, f64, isize)| kind * half + wrapped(kind, (k / 2) as isize + from);
            coefficients.extend(taps.map(|tap| place(tap) as u32));
            coefficients.resize((k + 1) * stride, 0);
        }
        let lowest = parities.iter().flatten().map(|tap| tap.2).min().unwrap_or(0);
        let highest = parities.iter().flatten().map(|tap| tap.2).max().unwrap_or(0);
        let each = n.div_ceil(2) + (highest - lowest) as usize;
        let place = |p: usize| p / each * half + wrapped(p / each, (p % each) as isize + lowest);
        let row = (0..2 * each).map(|p| place(p) as u32).collect();
        let offsets =
            [0, 1].map(|p: usize| parities[p].iter().map(|tap| tap.0 * each + (tap.2 - lowest) as usize).collect());
        let taps = [0, 1].map(|p: usize| parities[p].iter().map(|tap| tap.1).collect());
        Self { coefficients, stride, taps, row, offsets }
    }
}
