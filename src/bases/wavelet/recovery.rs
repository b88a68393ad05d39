//! The levels of the stream from which values were decoded.
//!
//! The details of such values are multiples of the step of the stream, in its levels and in no others. A search goes from
//! the finest level to the coarsest and follows the axes whose details are multiples, until the approximation is too.

use std::borrow::Cow;
use std::sync::Arc;

use super::axis::AxisLevel;
use super::levels::{Arranged, Axes, Bank};
use super::transform::{Layout, Scratch, most_levels};
use crate::coding::MaybeMultiples;

/// Cells of an approximation to which the search adds levels that are not the encoder's.
const MOST_CELLS: usize = 1 << 14;

/// The index of the first step, of some in falling order, to which `values` were rounded in any levels, and their
/// coefficients in these levels. `layout` is the one of [`of_values`](super::levels::of_values), and is tried first.
pub(super) fn rounded_before<T: Fn(usize) -> Arc<AxisLevel>>(
    layout: &Layout,
    coefficients: &[f64],
    values: &[f64],
    steps: &[f64],
    bank: &Bank<'_, T>,
    scratch: &mut Scratch,
) -> Option<(usize, Arranged<'static>)> {
    let (axes, shape) = (layout.axes(), layout.shape());
    let usual = Usual { layout, axes: &axes, coefficients };
    let left = values.len() + 4 * MOST_CELLS;
    let mut search = Search { usual, steps, bank, scratch, left, levels: Vec::new(), details: Vec::new(), found: None };
    search.descend(shape, values, &(0..steps.len()).collect::<Vec<_>>());
    let Found { step, levels, coefficients } = search.found?;
    Some((step, Arranged::unchanged(&bank.layout(shape, &levels), Cow::Owned(coefficients))))
}

/// The levels that the encoder begins with, and the coefficients in them.
#[derive(Clone, Copy)]
struct Usual<'a> {
    layout: &'a Layout,
    axes: &'a [Axes],
    coefficients: &'a [f64],
}

struct Search<'a, T> {
    usual: Usual<'a>,
    steps: &'a [f64],
    bank: &'a Bank<'a, T>,
    scratch: &'a mut Scratch,
    /// Cells that may still be transformed.
    left: usize,
    levels: Vec<Axes>,
    /// Those of each level.
    details: Vec<Cow<'a, [f64]>>,
    found: Option<Found>,
}

/// A step to which values were rounded, the levels, and the coefficients in them.
struct Found {
    step: usize,
    levels: Vec<Axes>,
    coefficients: Vec<f64>,
}

/// A level: the approximation and the details that it makes, and the steps of which the details are multiples.
struct Level<'a> {
    shape: [usize; 3],
    approximation: Cow<'a, [f64]>,
    details: Cow<'a, [f64]>,
    steps: Vec<usize>,
}

impl<'a, T: Fn(usize) -> Arc<AxisLevel>> Search<'a, T> {
    /// Looks for the first of some steps of which the coefficients of an approximation are multiples, with as many levels as
    /// that takes. Few numbers may be multiples of a later step by chance, so that the search goes on for an earlier one.
    fn descend(&mut self, shape: [usize; 3], approximation: &[f64], steps: &[usize]) {
        let maybe = MaybeMultiples::of(approximation);
        let fits = |&&step: &&usize| self.steps[step] <= 2.0 * maybe.largest && maybe.are_multiples(self.steps[step]);
        if let Some(&step) = self.earlier(steps).iter().find(fits) {
            let details = self.details.iter().rev().flat_map(|details| details.iter());
            let coefficients = approximation.iter().chain(details).copied().collect();
            self.found = Some(Found { step, levels: self.levels.clone(), coefficients });
        }
        for axes in self.choices() {
            let Some(level) = self.level(shape, approximation, axes, steps) else { continue };
            self.levels.push(axes);
            self.details.push(level.details);
            self.descend(level.shape, &level.approximation, &level.steps);
            self.levels.pop();
            self.details.pop();
        }
    }

    /// Those of some steps that are better than the one found.
    fn earlier<'s>(&self, steps: &'s [usize]) -> &'s [usize] {
        let before = |found: &Found| steps.partition_point(|step| *step < found.step);
        &steps[..self.found.as_ref().map_or(steps.len(), before)]
    }

    /// The axes that the next level may have, the likeliest first. The finest level has those of the encoder, or one alone,
    /// if the encoder took all others back.
    fn choices(&self) -> Vec<Axes> {
        /// Sets of axes, a bit for each.
        const ALONE: [u8; 3] = [4, 2, 1];
        let shape = self.usual.layout.shape();
        let halved = |axis: usize| self.levels.iter().filter(|level| level[axis]).count();
        let has_room: Axes = std::array::from_fn(|axis| halved(axis) < most_levels(shape[axis]));
        let mut choices: Vec<Axes> = self.usual_next().into_iter().collect();
        let others: &[u8] = if self.levels.is_empty() { &ALONE } else { &[7, 6, 5, 3, 4, 2, 1] };
        for some in others {
            let axes = std::array::from_fn(|axis| some >> axis & 1 == 1);
            if !choices.contains(&axes) && (0..3).all(|axis| has_room[axis] || !axes[axis]) {
                choices.push(axes);
            }
        }
        choices
    }

    /// The next level of the encoder, if those so far are its levels too.
    fn usual_next(&self) -> Option<Axes> {
        let level = self.levels.len();
        self.usual.axes.get(level).copied().filter(|_| self.usual.axes[..level] == self.levels)
    }

    /// One level more; `None` if its details are multiples of none of the earlier steps, or if the search would take too long.
    fn level(&mut self, shape: [usize; 3], approximation: &[f64], axes: Axes, steps: &[usize]) -> Option<Level<'a>> {
        if self.usual_next() == Some(axes) {
            return self.usual_level(steps);
        }
        let cells = approximation.len();
        if self.earlier(steps).is_empty() || cells > MOST_CELLS || cells > self.left {
            return None;
        }
        self.left -= cells;
        let one = self.bank.layout(shape, &[axes]);
        let mut approximation = one.analyse(approximation, self.bank.table, self.scratch);
        let details = approximation.split_off(one.approximation_len());
        let steps = self.fitting(&details, steps)?;
        Some(Level { shape: one.coarsest(), approximation: approximation.into(), details: details.into(), steps })
    }

    /// The same from the coefficients that are there.
    fn usual_level(&mut self, steps: &[usize]) -> Option<Level<'a>> {
        let Usual { layout, axes, coefficients } = self.usual;
        let level = self.levels.len();
        let (before, details) = coefficients.split_at(layout.begin(level));
        let end = if level == 0 { coefficients.len() } else { layout.begin(level - 1) };
        let details = &details[..end - before.len()];
        let steps = self.fitting(details, steps)?;
        let (shape, approximation) = match axes.get(level + 1..) {
            None | Some([]) => (layout.coarsest(), Cow::Borrowed(before)),
            Some(coarser) => {
                let shape = layout.shape_of(level + 1);
                let rest = self.bank.layout(shape, coarser);
                (shape, Cow::Owned(rest.synthesise(before, self.bank.table, self.scratch)))
            }
        };
        Some(Level { shape, approximation, details: details.into(), steps })
    }

    /// Those of some steps of which all details are multiples; `None` if there are none.
    fn fitting(&self, details: &[f64], steps: &[usize]) -> Option<Vec<usize>> {
        let maybe = MaybeMultiples::of(details);
        let steps = self.earlier(steps).iter().copied();
        let steps: Vec<usize> = steps.filter(|&step| maybe.are_multiples(self.steps[step])).collect();
        (!steps.is_empty()).then_some(steps)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Wavelet;
    use super::*;
    use crate::basis::{Basis, Quantise, Stream};
    use crate::distribution::grid::VelocityGrid;
    use crate::distribution::vdf::Vdf;

    /// Multiples of a step in given levels, and what a decoder makes of them.
    fn decoded(shape: [usize; 3], levels: &[Axes], step: f64) -> (Vdf, Vec<f64>, Layout) {
        let basis = Wavelet::default();
        let grid = VelocityGrid::unit(shape).unwrap();
        let layout = basis.layout_with(shape, levels);
        let noise = |k: usize| (k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        // A few large numbers near each other, and zeros.
        let multiple = |k: usize| if k < 40 || noise(k) % 5 == 0 { noise(k) % 7 } else { 0 };
        let amplitudes: Vec<f64> = (0..layout.len()).map(|k| multiple(k) as f64 * step).collect();
        let coefficients = super::super::WaveletCoefficients {
            layout: layout.clone(),
            amplitudes: amplitudes.clone(),
            ..basis.blank(&grid)
        };
        (basis.reconstruct(&coefficients, &grid).unwrap(), amplitudes, layout)
    }

    #[test]
    fn the_levels_of_a_stream_are_found_again() {
        let (all, x, yz) = ([true; 3], [true, false, false], [false, true, true]);
        for levels in [vec![], vec![all], vec![all; 3], vec![all, all, x, x], vec![all, yz, x], vec![x]] {
            let (vdf, amplitudes, layout) = decoded([24, 22, 20], &levels, 0.25);
            let basis = Wavelet::default();
            let found = basis.encode(&vdf).unwrap();
            let steps = [4.0, 1.0, 0.25, 0.1];
            let (index, before) = basis.rounded_before(&found, &vdf, &steps).unwrap();
            assert_eq!((index, before.layout.axes()), (2, layout.axes()), "{levels:?}");
            let off = before.to_dense().iter().zip(&amplitudes).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-9, "{levels:?}: {off}");
        }
    }

    #[test]
    fn arbitrary_values_were_not_rounded() {
        let values = |k: usize| (-(k as f64 - 4000.0).powi(2) / 1e6).exp() + (k as f64).sin().powi(2);
        let grid = VelocityGrid::unit([20; 3]).unwrap();
        let vdf = Vdf::from_vec(grid, (0..8000).map(values).collect()).unwrap();
        let basis = Wavelet::default();
        let found = basis.encode(&vdf).unwrap();
        assert_eq!(basis.rounded_before(&found, &vdf, &[2.0, 1.0, 0.5]), None);
    }
}
