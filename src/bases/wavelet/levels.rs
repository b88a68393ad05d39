//! The number of levels, and the axes that take part in each, where the user leaves them open.
//!
//! A level pays while neighbouring numbers are alike. Once the structures of a distribution are as narrow as the cells of
//! an approximation, its details are as large as the approximation itself, and have signs besides. Therefore levels are
//! added, or taken back, as long as the estimated bits at the step of the stream become fewer. The estimate runs no coder:
//! the magnitudes in each block of 2³ are taken as geometrically distributed about their mean.

use std::borrow::Cow;
use std::sync::Arc;

use super::axis::AxisLevel;
use super::boundary::Boundary;
use super::rounding::ROUNDING_OFFSET;
use super::transform::{Band, Layout, Scratch, most_levels};
use crate::coding::in_steps;

/// The axes that take part in a level.
pub(super) type Axes = [bool; 3];

/// Levels that a distribution has at least before it is rounded, where the grid has room for them.
const MIN_LEVELS: usize = 2;
/// Axes whose structures are wider than the widest, in cells, divided by this take part in a level: those that are nearer
/// to the widest than half of it is. Where the widths differ by about 2, which is better depends on the distribution, so
/// that the search also tries [`ALL_AXES`].
const WIDTH_RATIO: f64 = std::f64::consts::SQRT_2;
/// The same for the first levels.
const FIRST_WIDTH_RATIO: f64 = 2.0 * std::f64::consts::SQRT_2;
const ALL_AXES: f64 = f64::INFINITY;
/// Smaller numbers, in steps, are rounded to zero; larger ones to the multiple below them plus [`ROUNDING_OFFSET`].
const DEAD_ZONE: f64 = 0.6;

/// The filter bank, as the transform needs it.
pub(super) struct Bank<'a, T> {
    pub boundary: Boundary,
    pub taps: usize,
    pub table: &'a T,
}

impl<T: Fn(usize) -> Arc<AxisLevel>> Bank<'_, T> {
    pub(super) fn layout(&self, shape: [usize; 3], levels: &[Axes]) -> Layout {
        Layout::with_axes(shape, levels, self.boundary, self.taps)
    }
}

/// The levels of values before they are rounded: enough to make their narrowest structure about a cell wide, and at least
/// two. These two are along all axes whose structures are not much narrower than others: [`for_step`] chooses the axes of
/// levels that it adds, but takes back whole levels.
pub(super) fn of_values(shape: [usize; 3], values: &[f64]) -> Vec<Axes> {
    let mut widths = Widths::of(shape, values);
    let mut levels = Vec::new();
    let ratio = |levels: &[Axes]| if levels.len() < MIN_LEVELS { FIRST_WIDTH_RATIO } else { WIDTH_RATIO };
    while let Some(axes) = widths.next(ratio(&levels)) {
        if levels.len() >= MIN_LEVELS && widths.widest() < std::f64::consts::SQRT_2 {
            break;
        }
        widths.halve(axes);
        levels.push(axes);
    }
    levels
}

/// Widths of the structures of values along each axis, in cells, as halvings change them.
struct Widths {
    widths: [f64; 3],
    /// Halvings that are left.
    left: [usize; 3],
}

impl Widths {
    /// Width along an axis: √(Σ f² / Σ (∂f)²), with differences of neighbours. A Gaussian has √2 times its standard
    /// deviation.
    fn of(shape: [usize; 3], values: &[f64]) -> Self {
        let peak = values.iter().fold(0.0, |peak: f64, f| peak.max(f.abs()));
        let unit = if peak > 0.0 { 1.0 / peak } else { 0.0 };
        let unit = if unit.is_finite() { unit } else { f64::MAX };
        let squares = sum(values, values, |f, _| f * unit);
        let [_, ny, nz] = shape;
        let strides = [ny * nz, nz, 1];
        let widths = std::array::from_fn(|axis| {
            let (stride, block) = (strides[axis], strides[axis] * shape[axis]);
            let change = |block: &[f64]| sum(&block[stride..], block, |f, g| (f - g) * unit);
            let changes: f64 = values.chunks_exact(block).map(change).sum();
            // Constant along the axis: as wide as it is long.
            if changes > 0.0 { (squares / changes).sqrt() } else { shape[axis] as f64 }
        });
        Self { widths, left: shape.map(most_levels) }
    }

    fn widest(&self) -> f64 {
        (0..3).filter(|&axis| self.left[axis] > 0).map(|axis| self.widths[axis]).fold(0.0, f64::max)
    }

    /// The axes along which structures are at most `ratio` times as narrow as the widest; `None` if none can be halved.
    fn next(&self, ratio: f64) -> Option<Axes> {
        let widest = self.widest();
        let axes = std::array::from_fn(|axis| self.left[axis] > 0 && self.widths[axis] * ratio >= widest);
        (axes != [false; 3]).then_some(axes)
    }

    fn halve(&mut self, axes: Axes) {
        for axis in (0..3).filter(|&axis| axes[axis]) {
            self.widths[axis] /= 2.0;
            self.left[axis] -= 1;
        }
    }
}

/// Sum of the squares of a function of two rows, in lanes that the compiler can vectorise.
fn sum(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a, b) = (a.chunks(LANES), b.chunks(LANES));
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            let value = f(*a, *b);
            *sum += value * value;
        }
    }
    sums.iter().sum()
}

/// Coefficients in a layout that suits a step: the first ones, made for it, and the others, which are those of the layout
/// before.
#[derive(Clone)]
pub(super) struct Arranged<'a> {
    pub layout: Layout,
    pub parts: [Cow<'a, [f64]>; 2],
}

impl<'a> Arranged<'a> {
    /// The coefficients as they are.
    pub(super) fn unchanged(layout: &Layout, coefficients: Cow<'a, [f64]>) -> Self {
        Self { layout: layout.clone(), parts: [coefficients, Cow::Borrowed(&[])] }
    }

    /// All coefficients, one after another.
    pub(super) fn whole(self) -> Cow<'a, [f64]> {
        let [first, rest] = self.parts;
        if rest.is_empty() { first } else { Cow::Owned([first, rest].concat()) }
    }
}

/// The coefficients of `values` in a layout with more levels or fewer: the one with the fewest estimated bits at a step,
/// of those that a search finds which stops where one level more makes no fewer. It adds levels along all wide axes or
/// takes levels back, and then adds levels along single axes.
pub(super) fn for_step<'a, T: Fn(usize) -> Arc<AxisLevel>>(
    layout: &Layout,
    coefficients: &'a [f64],
    values: &'a [f64],
    step: f64,
    bank: &Bank<'_, T>,
    scratch: &mut Scratch,
) -> Arranged<'a> {
    let approximation = &coefficients[..layout.approximation_len()];
    let cost = bits(layout.coarsest(), approximation, step, f64::INFINITY);
    let found = Found {
        levels: layout.axes(),
        shape: layout.coarsest(),
        approximation: Cow::Borrowed(approximation),
        details: Vec::new(),
        cost,
        cost_of_details: 0.0,
    };
    let mut search = Search { whole: layout.shape(), found, step, bank, scratch };
    let kept = if search.add_levels() { layout.axes().len() } else { search.take_back(layout, coefficients, values) };
    search.add_levels_along_single_axes();
    if search.found.levels.len() == kept && kept == layout.axes().len() {
        return Arranged::unchanged(layout, Cow::Borrowed(coefficients));
    }
    let rest = if kept == 0 { &[] } else { &coefficients[layout.begin(kept - 1)..] };
    let Search { whole, found: Found { levels, mut approximation, mut details, .. }, .. } = search;
    if !details.is_empty() {
        approximation.to_mut().append(&mut details);
    }
    Arranged { layout: bank.layout(whole, &levels), parts: [approximation, Cow::Borrowed(rest)] }
}

/// The levels found so far, and the approximation that they leave.
#[derive(Clone)]
struct Found<'a> {
    levels: Vec<Axes>,
    shape: [usize; 3],
    approximation: Cow<'a, [f64]>,
    /// Details of the levels that have been added, from the coarsest to the finest.
    details: Vec<f64>,
    /// Estimated bits of the approximation, and of these details.
    cost: f64,
    cost_of_details: f64,
}

impl Found<'_> {
    fn all(&self) -> f64 {
        self.cost + self.cost_of_details
    }
}

struct Search<'s, 'a, T> {
    whole: [usize; 3],
    found: Found<'a>,
    step: f64,
    bank: &'s Bank<'s, T>,
    scratch: &'s mut Scratch,
}

/// A level that may be added.
struct Split {
    layout: Layout,
    coefficients: Vec<f64>,
    /// Estimated bits of its approximation, and of its details besides.
    cost: f64,
    all: f64,
}

impl<'a, T: Fn(usize) -> Arc<AxisLevel>> Search<'_, 'a, T> {
    fn widths(&self) -> Widths {
        let mut widths = Widths::of(self.found.shape, &self.found.approximation);
        for axis in 0..3 {
            let halved = self.found.levels.iter().filter(|axes| axes[axis]).count();
            widths.left[axis] = most_levels(self.whole[axis]).saturating_sub(halved);
        }
        widths
    }

    fn split(&mut self, axes: Axes) -> Split {
        let layout = self.bank.layout(self.found.shape, &[axes]);
        let coefficients = layout.analyse(&self.found.approximation, self.bank.table, self.scratch);
        let approximation = &coefficients[..layout.approximation_len()];
        let cost = bits(layout.coarsest(), approximation, self.step, self.found.cost);
        let all = cost + if cost < self.found.cost { bits_of_details(&layout, &coefficients, self.step) } else { 0.0 };
        Split { layout, coefficients, cost, all }
    }

    fn add(&mut self, axes: Axes, split: Split) {
        let Split { layout, mut coefficients, cost, all } = split;
        let mut details = coefficients.split_off(layout.approximation_len());
        details.append(&mut self.found.details);
        (self.found.shape, self.found.approximation, self.found.details) =
            (layout.coarsest(), Cow::Owned(coefficients), details);
        self.found.levels.push(axes);
        self.found.cost = cost;
        self.found.cost_of_details += all - cost;
    }

    /// Adds levels along all wide axes, or along all axes, while they make fewer bits; returns whether there is one.
    fn add_levels(&mut self) -> bool {
        let before = self.found.levels.len();
        let begin = self.found.clone();
        if self.add_levels_along(WIDTH_RATIO) {
            let wide = std::mem::replace(&mut self.found, begin);
            self.add_levels_along(ALL_AXES);
            if wide.all() <= self.found.all() {
                self.found = wide;
            }
        }
        self.found.levels.len() > before
    }

    /// Adds levels along the axes whose structures are at most `ratio` times as narrow as the widest. Returns whether
    /// another ratio might add others.
    fn add_levels_along(&mut self, ratio: f64) -> bool {
        let mut widths = self.widths();
        let mut some_left_out = false;
        while let Some(axes) = widths.next(ratio) {
            some_left_out |= Some(axes) != widths.next(ALL_AXES);
            let split = self.split(axes);
            if split.all >= self.found.cost {
                break;
            }
            self.add(axes, split);
            widths.halve(axes);
        }
        some_left_out
    }

    /// Adds levels along one axis each, that which makes the fewest bits, while they make fewer.
    fn add_levels_along_single_axes(&mut self) {
        let mut left = self.widths().left;
        loop {
            let mut best: Option<(usize, Split)> = None;
            for axis in (0..3).filter(|&axis| left[axis] > 0) {
                let split = self.split(std::array::from_fn(|other| other == axis));
                if split.all < best.as_ref().map_or(self.found.cost, |(_, best)| best.all) {
                    best = Some((axis, split));
                }
            }
            let Some((axis, split)) = best else { return };
            self.add(std::array::from_fn(|other| other == axis), split);
            left[axis] -= 1;
        }
    }

    /// Takes back levels of a layout while the approximation without them has fewer bits; returns the number left. Bits
    /// are compared at the same step, which is fair only where most of the squares are kept, before and after: beyond that
    /// fewer levels have fewer bits because they lose more, and the bound then asks for a finer step. A level stays there.
    fn take_back(&mut self, layout: &Layout, coefficients: &'a [f64], values: &'a [f64]) -> usize {
        if loses_most(&self.found.approximation, self.step) {
            return self.found.levels.len();
        }
        while let Some(level) = self.found.levels.len().checked_sub(1) {
            let one = self.bank.layout(layout.shape_of(level), &self.found.levels[level..]);
            let details = &coefficients[layout.begin(level)..][..one.len() - one.approximation_len()];
            let split = [&self.found.approximation, details].concat();
            let of_level = self.found.cost + bits_of_details(&one, &split, self.step);
            let merged = match level {
                0 => Cow::Borrowed(values),
                _ => Cow::Owned(one.synthesise(&split, self.bank.table, self.scratch)),
            };
            let of_merged = bits(layout.shape_of(level), &merged, self.step, of_level);
            if of_merged >= of_level || loses_most(&merged, self.step) {
                break;
            }
            (self.found.shape, self.found.approximation, self.found.cost) = (layout.shape_of(level), merged, of_merged);
            self.found.levels.pop();
        }
        self.found.levels.len()
    }
}

/// Estimated bits of the details of a layout of one level.
fn bits_of_details(layout: &Layout, coefficients: &[f64], step: f64) -> f64 {
    /// Contexts predict details worse than they predict an approximation. Chosen by the length of streams with 1 to 5 levels
    /// of eight distributions on grids of 50 to 144 cells along an axis, at four errors: with factors of 1.1 and 1.15 the
    /// streams are 0.2% longer than with the best number of levels, with 1 and 1.2 they are 0.4% longer.
    const FACTOR: f64 = 1.1;
    let details = layout.bands().into_iter().filter(|band| band.rank > 0);
    let bits = |band: Band| bits(band.shape, &coefficients[band.begin..][..band.len()], step, f64::INFINITY);
    FACTOR * details.map(bits).sum::<f64>()
}

/// Estimated bits of an array rounded to a step; the count stops beyond `most`.
///
/// n numbers whose magnitudes sum to S, of a geometric distribution with mean S / n, take (n + S) log₂ (n + S) − n log₂ n −
/// S log₂ S bits. The signs take their entropy: next to nothing in the approximation of a density, a bit each in details
/// and in what another basis leaves of a density.
fn bits([nx, ny, nz]: [usize; 3], array: &[f64], step: f64, most: f64) -> f64 {
    const SIDE: usize = 2;
    let in_steps = in_steps(step);
    let least = DEAD_ZONE * step;
    let mut magnitudes = vec![0.0; nz.div_ceil(SIDE)];
    let (mut total, mut positive, mut negative) = (0.0, 0.0, 0.0);
    for x in (0..nx).step_by(SIDE) {
        for y in (0..ny).step_by(SIDE) {
            let rows = (nx - x).min(SIDE) * (ny - y).min(SIDE);
            let mut any = false;
            for i in x..nx.min(x + SIDE) {
                for j in y..ny.min(y + SIDE) {
                    let row = &array[(i * ny + j) * nz..][..nz];
                    // Most rows are small throughout, which vector instructions find out.
                    let largest = row.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
                    if largest < least {
                        continue;
                    }
                    any = true;
                    for (sum, pair) in magnitudes.iter_mut().zip(row.chunks(SIDE)) {
                        for value in pair.iter().filter(|value| value.abs() >= least) {
                            *sum += (in_steps(value.abs()) + ROUNDING_OFFSET).floor();
                            *(if *value < 0.0 { &mut negative } else { &mut positive }) += 1.0;
                        }
                    }
                }
            }
            if any {
                for (k, sum) in magnitudes.iter_mut().enumerate().filter(|(_, sum)| **sum > 0.0) {
                    let count = (rows * (nz - SIDE * k).min(SIDE)) as f64;
                    total += entropy(count + *sum) - entropy(count) - entropy(*sum);
                    *sum = 0.0;
                }
            }
        }
        if total > most {
            break;
        }
    }
    total + entropy(positive + negative) - entropy(positive) - entropy(negative)
}

/// True if numbers that a step makes zero hold more than half of the squares.
fn loses_most(array: &[f64], step: f64) -> bool {
    let in_steps = in_steps(step);
    let least = DEAD_ZONE * step;
    let small = sum(array, array, |value, _| if value.abs() < least { in_steps(value) } else { 0.0 });
    let large = sum(array, array, |value, _| if value.abs() < least { 0.0 } else { in_steps(value) });
    small > large
}

/// x log₂ x.
fn entropy(x: f64) -> f64 {
    if x > 0.0 { x * x.log2() } else { 0.0 }
}

#[cfg(test)]
mod tests;
