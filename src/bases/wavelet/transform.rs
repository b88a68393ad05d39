//! The separable transform: one level along one axis, and the levels one after another.

use std::sync::Arc;

use super::Boundary;
use super::filters::Bank;
use super::kernels::{one_sum, two_sums};
use super::lifting::Lifting;

/// One level of one axis: which cells each sum takes.
///
/// Analysis: c\[o\] = Σ_j h\[j\] x\[2o + b − j\], x continued beyond its ends, with b = 1 (symmetric) or F/2 (periodic), F
/// taps. Synthesis: x\[k\] = Σ_o c\[o\] g\[k + s − 2o\], with s = F − 2 or F/2 − 1.
#[derive(Debug)]
pub(super) enum AxisLevel {
    /// By sums over the filters' taps.
    Sums(Sums),
    /// By lifting steps, so many cells.
    Steps(Lifting, usize),
}

/// Which cells each sum takes.
#[derive(Debug)]
pub(super) struct Sums {
    /// Cells.
    n: usize,
    /// Coefficients of each kind, low and high.
    half: usize,
    analysis: Analysis,
    synthesis: Synthesis,
}

#[derive(Debug)]
struct Analysis {
    /// For each coefficient, the cell that each tap falls on.
    cells: Vec<usize>,
    /// Taps that are not zero in both filters.
    taps: [Vec<f64>; 2],
    /// A row continued, its even places first: where each number comes from.
    row: Vec<usize>,
    /// Where each tap's numbers begin in that row.
    offsets: Vec<usize>,
}

#[derive(Debug)]
struct Synthesis {
    /// For each cell, the coefficient (of low, then of high) that each tap falls on, `stride` numbers a cell.
    coefficients: Vec<usize>,
    stride: usize,
    /// Taps for even and odd cells, of low and then of high.
    taps: [Vec<f64>; 2],
    /// Low and high continued, one after another: where each number comes from.
    row: Vec<usize>,
    /// Where the numbers of each tap begin in that row, for even and odd cells.
    offsets: [Vec<usize>; 2],
}

impl AxisLevel {
    pub(super) fn new(bank: &Bank, boundary: Boundary, n: usize) -> Self {
        let half = boundary.half(n, bank.len());
        Self::Sums(Sums {
            n,
            half,
            analysis: Analysis::new(bank, boundary, n, half),
            synthesis: Synthesis::new(bank, boundary, n, half),
        })
    }

    fn analyse(&self, x: &[f64], inner: usize, y: &mut Vec<f64>) {
        match self {
            Self::Sums(sums) => sums.analyse(x, inner, y),
            Self::Steps(lifting, n) => lifting.analyse(x, *n, inner, y),
        }
    }

    fn synthesise(&self, x: &[f64], inner: usize, y: &mut Vec<f64>) {
        match self {
            Self::Sums(sums) => sums.synthesise(x, inner, y),
            Self::Steps(lifting, n) => lifting.synthesise(x, *n, inner, y),
        }
    }
}

impl Sums {
    /// Low coefficients, then high, along the middle of an array outer × n × inner.
    fn analyse(&self, x: &[f64], inner: usize, y: &mut Vec<f64>) {
        let (half, table) = (self.half, &self.analysis);
        y.resize(x.len() / self.n * 2 * half, 0.0);
        let taps = [&table.taps[0][..], &table.taps[1][..]];
        if inner == 1 {
            let mut row = vec![0.0; table.row.len()];
            for (x, y) in x.chunks_exact(self.n).zip(y.chunks_exact_mut(2 * half)) {
                row.iter_mut().zip(&table.row).for_each(|(row, &from)| *row = x[from]);
                let (low, high) = y.split_at_mut(half);
                two_sums(&row, &table.offsets, taps, low, high);
            }
            return;
        }
        let mut offsets = vec![0; taps[0].len()];
        for (x, y) in x.chunks_exact(self.n * inner).zip(y.chunks_exact_mut(2 * half * inner)) {
            let (low, high) = y.split_at_mut(half * inner);
            let rows = low.chunks_exact_mut(inner).zip(high.chunks_exact_mut(inner));
            for ((low, high), cells) in rows.zip(table.cells.chunks_exact(offsets.len())) {
                offsets.iter_mut().zip(cells).for_each(|(offset, cell)| *offset = cell * inner);
                two_sums(x, &offsets, taps, low, high);
            }
        }
    }

    /// What `analyse` undoes.
    fn synthesise(&self, x: &[f64], inner: usize, y: &mut Vec<f64>) {
        let (half, table) = (self.half, &self.synthesis);
        y.resize(x.len() / (2 * half) * self.n, 0.0);
        if inner == 1 {
            let mut row = vec![0.0; table.row.len()];
            let mut parts = [vec![0.0; self.n.div_ceil(2)], vec![0.0; self.n / 2]];
            for (x, y) in x.chunks_exact(2 * half).zip(y.chunks_exact_mut(self.n)) {
                row.iter_mut().zip(&table.row).for_each(|(row, &from)| *row = x[from]);
                for ((part, offsets), taps) in parts.iter_mut().zip(&table.offsets).zip(&table.taps) {
                    one_sum(&row, offsets, taps, part);
                }
                let [even, odd] = &parts;
                for (pair, (even, odd)) in y.chunks_exact_mut(2).zip(even.iter().zip(odd)) {
                    pair[0] = *even;
                    pair[1] = *odd;
                }
                if self.n % 2 == 1 {
                    y[self.n - 1] = even[self.n / 2];
                }
            }
            return;
        }
        let mut offsets = vec![0; table.stride];
        for (x, y) in x.chunks_exact(2 * half * inner).zip(y.chunks_exact_mut(self.n * inner)) {
            let rows = y.chunks_exact_mut(inner).zip(table.coefficients.chunks_exact(table.stride));
            for (k, (y, from)) in rows.enumerate() {
                let taps = &table.taps[k % 2];
                offsets.iter_mut().zip(from).for_each(|(offset, from)| *offset = from * inner);
                one_sum(x, &offsets[..taps.len()], taps, y);
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
            cells.extend(used.iter().map(|&j| boundary.cell(begin + 2 * o as isize - j as isize, n)));
        }
        // Number e of the continued row is cell begin − F + 1 + e; tap j of coefficient o falls on 2o + F − 1 − j.
        let each = half - 1 + length / 2;
        let first = begin - length as isize + 1;
        let row = (0..2 * each).map(|p| {
            let e = if p < each { 2 * p } else { 2 * (p - each) + 1 };
            boundary.cell(first + e as isize, n)
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
        // Only the periodic boundary ever leaves 0..half.
        let wrapped = |o: isize| o.rem_euclid(half as isize) as usize;
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
            coefficients.extend(taps.map(|&(kind, _, from)| kind * half + wrapped((k / 2) as isize + from)));
            coefficients.resize((k + 1) * stride, 0);
        }
        let lowest = parities.iter().flatten().map(|tap| tap.2).min().unwrap_or(0);
        let highest = parities.iter().flatten().map(|tap| tap.2).max().unwrap_or(0);
        let each = n.div_ceil(2) + (highest - lowest) as usize;
        let row = (0..2 * each).map(|p| p / each * half + wrapped((p % each) as isize + lowest)).collect();
        let offsets =
            [0, 1].map(|p: usize| parities[p].iter().map(|tap| tap.0 * each + (tap.2 - lowest) as usize).collect());
        let taps = [0, 1].map(|p: usize| parities[p].iter().map(|tap| tap.1).collect());
        Self { coefficients, stride, taps, row, offsets }
    }
}

/// Where the coefficients of every level stand: those of the coarsest approximation, then the details from the
/// coarsest level to the finest, at each level the kinds in the order `aad`, `ada`, … `ddd`, each in C order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// From the finest to the coarsest.
    levels: Vec<Level>,
    coarsest: [usize; 3],
    len: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Level {
    /// Of the array transformed.
    shape: [usize; 3],
    /// Of the approximation.
    half: [usize; 3],
    /// Of the part that is high along all axes.
    high: [usize; 3],
    /// Whether an axis is transformed at this level.
    active: [bool; 3],
    /// Where its details begin.
    begin: usize,
}

/// A part of the coefficients: those of one kind of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) rank: usize,
    pub(super) kind: usize,
    pub(super) shape: [usize; 3],
    pub(super) begin: usize,
}

impl Band {
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Level {
    /// The array with all kinds side by side.
    fn whole(&self) -> [usize; 3] {
        std::array::from_fn(|axis| if self.active[axis] { self.half[axis] + self.high[axis] } else { self.half[axis] })
    }

    /// The kinds of details, each with the corner of its part of the whole array and its shape.
    fn details(&self) -> impl Iterator<Item = (usize, [usize; 3], [usize; 3])> {
        (1..8).filter_map(|kind| {
            let high = [kind & 4 != 0, kind & 2 != 0, kind & 1 != 0];
            let exists = (0..3).all(|axis| self.active[axis] || !high[axis]);
            let corner = std::array::from_fn(|axis| if high[axis] { self.half[axis] } else { 0 });
            let shape = std::array::from_fn(|axis| if high[axis] { self.high[axis] } else { self.half[axis] });
            exists.then_some((kind, corner, shape))
        })
    }
}

/// How often an axis can be halved until one cell is left: what limits the number of levels.
pub(super) fn most_levels(cells: usize) -> usize {
    cells.next_power_of_two().trailing_zeros() as usize
}

impl Layout {
    /// For so many levels; an axis that has been halved as often as it can takes no further part.
    pub(super) fn new(shape: [usize; 3], levels: usize, boundary: Boundary, taps: usize) -> Self {
        let mut now = shape;
        let mut found = Vec::new();
        for level in 0..levels {
            let active = shape.map(|n| most_levels(n) > level);
            let half =
                std::array::from_fn(|axis| if active[axis] { boundary.half(now[axis], taps) } else { now[axis] });
            let high = match boundary {
                Boundary::WholeSample => now.map(|n| n / 2),
                _ => half,
            };
            found.push(Level { shape: now, half, high, active, begin: 0 });
            now = half;
        }
        let mut len = now.iter().product();
        for level in found.iter_mut().rev() {
            level.begin = len;
            len += level.details().map(|(_, _, shape)| shape.iter().product::<usize>()).sum::<usize>();
        }
        Self { levels: found, coarsest: now, len }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Coefficients of the coarsest approximation.
    pub(super) fn approximation_len(&self) -> usize {
        self.coarsest.iter().product()
    }

    /// 0 for the approximation, 1 for the coarsest details and so on.
    pub(super) fn rank(&self, position: usize) -> usize {
        self.levels.iter().rev().take_while(|level| level.begin <= position).count()
    }

    /// The parts in their order: rank, kind (bits for the axes along which it is high), shape, where it begins.
    pub(super) fn bands(&self) -> Vec<Band> {
        let mut bands = vec![Band { rank: 0, kind: 0, shape: self.coarsest, begin: 0 }];
        for (level, rank) in self.levels.iter().rev().zip(1..) {
            let mut begin = level.begin;
            for (kind, _, shape) in level.details() {
                bands.push(Band { rank, kind, shape, begin });
                begin += shape.iter().product::<usize>();
            }
        }
        bands
    }

    pub(super) fn analyse(&self, values: &[f64], table: &impl Fn(usize) -> Arc<AxisLevel>) -> Vec<f64> {
        let mut coefficients = vec![0.0; self.len];
        // Two arrays take turns; the values themselves are only read.
        let (mut now, mut next) = (Vec::new(), Vec::new());
        let mut untouched = true;
        for level in &self.levels {
            let mut shape = level.shape;
            for axis in (0..3).rev().filter(|&axis| level.active[axis]) {
                let inner = shape[axis + 1..].iter().product();
                table(shape[axis]).analyse(if untouched { values } else { &now }, inner, &mut next);
                std::mem::swap(&mut now, &mut next);
                untouched = false;
                shape[axis] = level.whole()[axis];
            }
            let whole = if untouched { values } else { &now };
            let mut begin = level.begin;
            for (_, corner, part) in level.details() {
                begin += copy_part(whole, shape, corner, part, &mut coefficients[begin..]);
            }
            next.resize(level.half.iter().product(), 0.0);
            copy_part(whole, shape, [0; 3], level.half, &mut next);
            std::mem::swap(&mut now, &mut next);
            untouched = false;
        }
        let approximation = if untouched { values } else { &now };
        coefficients[..approximation.len()].copy_from_slice(approximation);
        coefficients
    }

    pub(super) fn synthesise(&self, coefficients: &[f64], table: &impl Fn(usize) -> Arc<AxisLevel>) -> Vec<f64> {
        let (mut now, mut next) = (coefficients[..self.approximation_len()].to_vec(), Vec::new());
        for level in self.levels.iter().rev() {
            let mut shape = level.whole();
            next.resize(shape.iter().product(), 0.0);
            paste_part(&now, level.half, &mut next, shape, [0; 3]);
            let mut begin = level.begin;
            for (_, corner, part) in level.details() {
                begin += paste_part(&coefficients[begin..], part, &mut next, shape, corner);
            }
            std::mem::swap(&mut now, &mut next);
            for axis in (0..3).filter(|&axis| level.active[axis]) {
                let inner = shape[axis + 1..].iter().product();
                table(level.shape[axis]).synthesise(&now, inner, &mut next);
                std::mem::swap(&mut now, &mut next);
                shape[axis] = level.shape[axis];
            }
        }
        now
    }
}

/// Copies the part of `whole` with this corner and shape to the front of `part`; says how many numbers it has.
fn copy_part(whole: &[f64], [_, ny, nz]: [usize; 3], corner: [usize; 3], part: [usize; 3], to: &mut [f64]) -> usize {
    for x in 0..part[0] {
        for y in 0..part[1] {
            let from = ((corner[0] + x) * ny + corner[1] + y) * nz + corner[2];
            let begin = (x * part[1] + y) * part[2];
            to[begin..begin + part[2]].copy_from_slice(&whole[from..from + part[2]]);
        }
    }
    part.iter().product()
}

/// What `copy_part` undoes.
fn paste_part(from: &[f64], part: [usize; 3], whole: &mut [f64], [_, ny, nz]: [usize; 3], corner: [usize; 3]) -> usize {
    for x in 0..part[0] {
        for y in 0..part[1] {
            let to = ((corner[0] + x) * ny + corner[1] + y) * nz + corner[2];
            let begin = (x * part[1] + y) * part[2];
            whole[to..to + part[2]].copy_from_slice(&from[begin..begin + part[2]]);
        }
    }
    part.iter().product()
}
