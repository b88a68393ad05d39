//! The separable transform: axis after axis, level after level.

use std::ops::Range;
use std::sync::Arc;

use super::axis::{AxisLevel, Row};
use super::boundary::Boundary;
use crate::numerics::lanes::{Instructions, Vectorisable, vectorised};
use crate::numerics::selection::scatter;

/// The order of the coefficients of all levels: those of the coarsest approximation, then the details from the
/// coarsest level to the finest, at each level the kinds in the order `aad`, `ada`, … `ddd`, each in C order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// From the finest to the coarsest.
    levels: Vec<Level>,
    shape: [usize; 3],
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
    /// The axes that are transformed at this level.
    active: [bool; 3],
    /// Position of its first detail.
    begin: usize,
    /// Offsets of the kinds from there.
    starts: [usize; 7],
}

/// One kind of coefficients of one level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    /// 0 for the approximation, 1 for the coarsest details and so on.
    pub rank: usize,
    /// 4, 2 and 1 for the axes along which it is high, added up.
    pub kind: usize,
    pub shape: [usize; 3],
    /// Position of its first coefficient.
    pub begin: usize,
    /// The axes along which its parent, the band of the same kind one level coarser, has half as many numbers.
    pub halved: [bool; 3],
}

impl Band {
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Level {
    /// The array with all kinds side by side, as many high coefficients as low ones.
    fn whole(&self) -> [usize; 3] {
        std::array::from_fn(|axis| if self.active[axis] { 2 * self.half[axis] } else { self.half[axis] })
    }

    /// The kinds of details there are, and their shapes.
    fn details(&self) -> impl Iterator<Item = (usize, [usize; 3])> {
        (1..8).filter_map(|kind| {
            let high = [kind & 4 != 0, kind & 2 != 0, kind & 1 != 0];
            let exists = (0..3).all(|axis| self.active[axis] || !high[axis]);
            exists.then(|| (kind, self.part(high)))
        })
    }

    /// The shape of the part that is high along these axes.
    #[inline(always)]
    fn part(&self, high: [bool; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| if high[axis] { self.high[axis] } else { self.half[axis] })
    }

    /// Which of the details, in the order of their kinds, is high along these axes; none for the approximation.
    #[inline(always)]
    fn detail(&self, high: [bool; 3]) -> Option<usize> {
        let mut kind: usize = 0;
        for (active, high) in self.active.into_iter().zip(high) {
            if active {
                kind = 2 * kind + usize::from(high);
            }
        }
        kind.checked_sub(1)
    }

    fn tables(&self, table: &impl Fn(usize) -> Arc<AxisLevel>) -> [Option<Arc<AxisLevel>>; 3] {
        std::array::from_fn(|axis| self.active[axis].then(|| table(self.shape[axis])))
    }

    /// The kind (none for the approximation) and the positions of row `y` of plane `o` of the part that is high along these
    /// axes; none for a row that is not kept.
    #[inline(always)]
    fn row(&self, high: [bool; 3], o: usize, y: usize) -> Option<(Option<usize>, Range<usize>)> {
        let [nx, ny, nz] = self.part(high);
        if o >= nx || y >= ny {
            return None;
        }
        let kind = self.detail(high);
        let begin = kind.map_or(0, |kind| self.starts[kind]) + (o * ny + y) * nz;
        Some((kind, begin..begin + nz))
    }

    /// Plane `o` of the coefficients that are low or high along the first axis, to where they belong.
    #[inline(always)]
    fn put(&self, plane: &[f64], high_x: bool, o: usize, approximation: &mut [f64], details: &mut [f64]) {
        let ([_, wy, wz], [_, hy, hz]) = (self.whole(), self.half);
        for y in 0..wy {
            for z in 0..wz / hz {
                let Some((kind, to)) = self.row([high_x, y >= hy, z > 0], o, y % hy) else { continue };
                let target = if kind.is_none() { &mut *approximation } else { &mut *details };
                let from = y * wz + z * hz;
                target[to.clone()].copy_from_slice(&plane[from..from + to.len()]);
            }
        }
    }

    /// Plane `k` of all coefficients, those low along the first axis before those high; zeros where none is kept.
    #[inline(always)]
    fn get(&self, plane: &mut [f64], k: usize, approximation: &[f64], details: &[f64]) {
        let ([_, wy, wz], [hx, hy, hz]) = (self.whole(), self.half);
        for y in 0..wy {
            for z in 0..wz / hz {
                let to = &mut plane[y * wz + z * hz..y * wz + (z + 1) * hz];
                match self.row([k >= hx, y >= hy, z > 0], k % hx, y % hy) {
                    Some((kind, from)) => {
                        let (kept, rest) = to.split_at_mut(from.len());
                        kept.copy_from_slice(&if kind.is_none() { approximation } else { details }[from]);
                        rest.fill(0.0);
                    }
                    None => to.fill(0.0),
                }
            }
        }
    }
}

/// The number of times that an axis can be halved until one cell is left.
pub(super) fn most_levels(cells: usize) -> usize {
    cells.next_power_of_two().trailing_zeros() as usize
}

/// The most levels of a grid: those of its longest axis, and at least 1.
pub(super) fn most_levels_of(shape: [usize; 3]) -> usize {
    shape.into_iter().map(most_levels).fold(1, usize::max)
}

impl Layout {
    /// For so many levels; an axis that has been halved as often as it can takes no further part.
    pub(super) fn new(shape: [usize; 3], levels: usize, boundary: Boundary, taps: usize) -> Self {
        let axes: Vec<_> = (0..levels).map(|level| shape.map(|n| most_levels(n) > level)).collect();
        Self::with_axes(shape, &axes, boundary, taps)
    }

    /// For levels in each of which these axes take part, from the finest to the coarsest.
    pub(super) fn with_axes(shape: [usize; 3], axes: &[[bool; 3]], boundary: Boundary, taps: usize) -> Self {
        let mut now = shape;
        let mut found = Vec::new();
        for &active in axes {
            let half =
                std::array::from_fn(|axis| if active[axis] { boundary.half(now[axis], taps) } else { now[axis] });
            let high = now.map(|n| boundary.high(n, taps));
            found.push(Level { shape: now, half, high, active, begin: 0, starts: [0; 7] });
            now = half;
        }
        let mut len = now.iter().product();
        for level in found.iter_mut().rev() {
            level.begin = len;
            let sizes: Vec<usize> = level.details().map(|(_, shape)| shape.iter().product()).collect();
            for (start, size) in level.starts.iter_mut().zip(sizes) {
                *start = len - level.begin;
                len += size;
            }
        }
        Self { levels: found, coarsest: now, len, shape }
    }

    /// The axes that take part in each level, from the finest to the coarsest.
    pub(super) fn axes(&self) -> Vec<[bool; 3]> {
        self.levels.iter().map(|level| level.active).collect()
    }

    /// Of the grid.
    pub(super) fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Of the array that a level transforms, the finest being 0.
    pub(super) fn shape_of(&self, level: usize) -> [usize; 3] {
        self.levels[level].shape
    }

    /// Of the coarsest approximation.
    pub(super) fn coarsest(&self) -> [usize; 3] {
        self.coarsest
    }

    /// Position of the first detail of a level, the finest being 0.
    pub(super) fn begin(&self, level: usize) -> usize {
        self.levels[level].begin
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

    /// The parts in their order.
    pub(super) fn bands(&self) -> Vec<Band> {
        let mut halved = [true; 3];
        let mut bands = vec![Band { rank: 0, kind: 0, shape: self.coarsest, begin: 0, halved }];
        for (level, rank) in self.levels.iter().rev().zip(1..) {
            for ((kind, shape), start) in level.details().zip(level.starts) {
                bands.push(Band { rank, kind, shape, begin: level.begin + start, halved });
            }
            halved = level.active;
        }
        bands
    }

    pub(super) fn analyse(
        &self,
        values: &[f64],
        table: &impl Fn(usize) -> Arc<AxisLevel>,
        scratch: &mut Scratch,
    ) -> Vec<f64> {
        let mut coefficients = vec![0.0; self.len];
        // The approximations of two levels take turns; the values themselves are only read.
        let (mut now, mut next) = (std::mem::take(&mut scratch.now), std::mem::take(&mut scratch.next));
        for (k, level) in self.levels.iter().enumerate() {
            next.resize(level.half.iter().product(), 0.0);
            vectorised(Analysis {
                level,
                tables: &level.tables(table),
                values: if k == 0 { values } else { &now },
                approximation: &mut next,
                details: &mut coefficients[level.begin..],
                scratch,
            });
            std::mem::swap(&mut now, &mut next);
        }
        let approximation = if self.levels.is_empty() { values } else { &now };
        coefficients[..approximation.len()].copy_from_slice(approximation);
        (scratch.now, scratch.next) = (now, next);
        coefficients
    }

    /// The same of coefficients that are zero but at some positions.
    pub(super) fn synthesise_sparse(
        &self,
        positions: &[u32],
        amplitudes: &[f64],
        table: &impl Fn(usize) -> Arc<AxisLevel>,
        scratch: &mut Scratch,
    ) -> Vec<f64> {
        let mut dense = std::mem::take(&mut scratch.dense);
        dense.clear();
        dense.resize(self.len, 0.0);
        scatter(amplitudes, positions, &mut dense);
        let values = self.synthesise(&dense, table, scratch);
        scratch.dense = dense;
        values
    }

    /// The values of coefficients.
    pub(super) fn synthesise(
        &self,
        coefficients: &[f64],
        table: &impl Fn(usize) -> Arc<AxisLevel>,
        scratch: &mut Scratch,
    ) -> Vec<f64> {
        let approximation = &coefficients[..self.approximation_len()];
        let (mut now, mut next) = (std::mem::take(&mut scratch.now), std::mem::take(&mut scratch.next));
        let mut values = if self.levels.is_empty() { approximation.to_vec() } else { Vec::new() };
        for (k, level) in self.levels.iter().enumerate().rev() {
            let to = if k == 0 { &mut values } else { &mut next };
            to.resize(level.shape.iter().product(), 0.0);
            vectorised(Synthesis {
                level,
                tables: &level.tables(table),
                approximation: if k + 1 == self.levels.len() { approximation } else { &now },
                details: &coefficients[level.begin..],
                values: to,
                scratch,
            });
            std::mem::swap(&mut now, &mut next);
        }
        (scratch.now, scratch.next) = (now, next);
        values
    }
}

/// Scratch buffers that one transform after another uses.
#[derive(Default)]
pub(super) struct Scratch {
    /// All coefficients, most of them zero.
    dense: Vec<f64>,
    now: Vec<f64>,
    next: Vec<f64>,
    /// A whole array, transformed along its last two axes.
    whole: Vec<f64>,
    /// Two planes of it.
    planes: [Vec<f64>; 2],
    row: Row,
}

impl Scratch {
    /// Bytes allocated, without the planes and the row, which are short.
    pub(super) fn bytes(&self) -> usize {
        8 * [&self.dense, &self.now, &self.next, &self.whole].map(Vec::capacity).iter().sum::<usize>()
    }
}

/// The buffers of a level, made long enough: for the whole array, two planes of it, and the row.
fn planes(scratch: &mut Scratch, whole: usize, plane: usize) -> (&mut [f64], [&mut [f64]; 2], &mut Row) {
    let Scratch { whole: array, planes: [a, b], row, .. } = scratch;
    for (vec, len) in [(&mut *array, whole), (&mut *a, plane), (&mut *b, plane)] {
        if vec.len() < len {
            vec.resize(len, 0.0);
        }
    }
    (&mut array[..whole], [&mut a[..plane], &mut b[..plane]], row)
}

/// One level of an analysis.
struct Analysis<'a> {
    level: &'a Level,
    tables: &'a [Option<Arc<AxisLevel>>; 3],
    values: &'a [f64],
    approximation: &'a mut [f64],
    details: &'a mut [f64],
    scratch: &'a mut Scratch,
}

impl Vectorisable for Analysis<'_> {
    type Output = ();

    /// Plane by plane along the last two axes, while the plane is in cache; then along the first, and every plane of
    /// coefficients to where it belongs.
    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { level, tables: [x_table, y_table, z_table], values, approximation, details, scratch } = self;
        let ([nx, ny, nz], [wx, wy, wz]) = (level.shape, level.whole());
        let plane = wy * wz;
        let (whole, [a, b], row) = planes(scratch, nx * plane, plane.max(ny * wz));
        for (from, to) in values.chunks_exact(ny * nz).zip(whole.chunks_exact_mut(plane)) {
            match (y_table, z_table) {
                (Some(y), Some(z)) => {
                    z.analyse_rows(from, &mut a[..ny * wz], row);
                    y.analyse(&a[..ny * wz], wz, to);
                }
                (Some(y), None) => y.analyse(from, wz, to),
                (None, Some(z)) => z.analyse_rows(from, to, row),
                (None, None) => to.copy_from_slice(from),
            }
        }
        match x_table {
            Some(x) => {
                let (low, high) = (&mut a[..plane], &mut b[..plane]);
                for o in 0..wx / 2 {
                    x.analyse_one(whole, o, plane, low, high);
                    level.put(low, false, o, approximation, details);
                    level.put(high, true, o, approximation, details);
                }
            }
            None => {
                for (o, from) in whole.chunks_exact(plane).enumerate() {
                    level.put(from, false, o, approximation, details);
                }
            }
        }
    }
}

/// One level of a synthesis.
struct Synthesis<'a> {
    level: &'a Level,
    tables: &'a [Option<Arc<AxisLevel>>; 3],
    approximation: &'a [f64],
    details: &'a [f64],
    values: &'a mut [f64],
    scratch: &'a mut Scratch,
}

impl Vectorisable for Synthesis<'_> {
    type Output = ();

    /// The steps of [`Analysis`] backwards.
    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { level, tables: [x_table, y_table, z_table], approximation, details, values, scratch } = self;
        let ([_, ny, nz], [wx, wy, wz]) = (level.shape, level.whole());
        let plane = wy * wz;
        let (whole, [a, b], row) = planes(scratch, wx * plane, plane.max(ny * wz));
        for (k, to) in whole.chunks_exact_mut(plane).enumerate() {
            level.get(to, k, approximation, details);
        }
        for (k, to) in values.chunks_exact_mut(ny * nz).enumerate() {
            let from = match x_table {
                Some(x) => {
                    x.synthesise_one(whole, k, plane, &mut a[..plane]);
                    &a[..plane]
                }
                None => &whole[k * plane..(k + 1) * plane],
            };
            match (y_table, z_table) {
                (Some(y), Some(z)) => {
                    y.synthesise(from, wz, &mut b[..ny * wz]);
                    z.synthesise_rows(&b[..ny * wz], to, row);
                }
                (Some(y), None) => y.synthesise(from, wz, to),
                (None, Some(z)) => z.synthesise_rows(from, to, row),
                (None, None) => to.copy_from_slice(from),
            }
        }
    }
}
