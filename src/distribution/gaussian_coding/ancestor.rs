//! What is expected of a Gaussian, if a distribution that was coded before has one like it.
//!
//! Every number here is computed from whole numbers of a stream by additions, multiplications, divisions and square
//! roots alone, so that it is the same to the last bit on every platform: a reader must expect what the writer expected.

use std::f64::consts::SQRT_2;

use super::lower_factor::{Cells, lower_factor};
use super::{FINEST_SHARE, MEAN_SPREAD, TILT_SPREAD, WIDTH_SPREAD, finest, norm, width_unit};
use crate::coding::{Coder, Integers, malformed, multiple};
use crate::distribution::gaussian_fit::Gaussian;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;
use crate::numerics::exponential::{exp_alone, ln_alone};

/// A Gaussian that was coded, as it is expected to be found again in the next distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ancestor {
    /// Norm over the cells of its grid.
    pub(crate) norm: f64,
    /// Natural logarithms of the widths, which are L's diagonal.
    widths: [f64; 3],
    /// Entries of L below the diagonal in units of the diagonal: (1, 0), (2, 0) and (2, 1).
    tilts: [f64; 3],
    mean: [f64; 3],
}

/// The numbers of a Gaussian in a stream: logarithms of its widths over those expected of the box, tilts as in
/// [`Ancestor`], mean as L⁻¹(u − m).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Coded {
    pub(super) widths: [f64; 3],
    pub(super) tilts: [f64; 3],
    pub(super) mean: [f64; 3],
}

/// Place of an entry of L below the diagonal among [`Ancestor::tilts`].
pub(super) fn tilt(i: usize, j: usize) -> usize {
    i + j - 1
}

impl Ancestor {
    pub(super) fn of(norm: f64, coded: &Coded, grid: &VelocityGrid) -> Self {
        let cells = Cells::of(grid);
        let widths = logarithms(&coded.widths, &cells);
        let factor = factor(&widths, &coded.tilts, &cells);
        let mean = std::array::from_fn(|i| {
            let offset = (0..=i).map(|j| factor[i][j] * coded.mean[j]).sum::<f64>();
            cells.middle[i] + offset * cells.spacing[i]
        });
        Self { norm, widths, tilts: coded.tilts, mean }
    }

    /// A Gaussian that is not coded yet, as an ancestor would be: to find out which one it is like.
    pub(crate) fn resembling(gaussian: &Gaussian, grid: &VelocityGrid) -> Self {
        let cells = Cells::of(grid);
        let factor = lower_factor(&gaussian.frame, &cells);
        let mut tilts = [0.0; 3];
        for (i, j) in [(1, 0), (2, 0), (2, 1)] {
            tilts[tilt(i, j)] = factor[(i, j)] / factor[(i, i)];
        }
        let widths = std::array::from_fn(|i| (factor[(i, i)] * cells.spacing[i]).ln());
        Self { norm: norm(gaussian, grid), widths, tilts, mean: gaussian.frame.centre }
    }

    /// Bits that coding `descendant` as the difference from this one saves, roughly, where a norm has this step. Negative
    /// if the two are less alike than any two Gaussians are.
    pub(crate) fn saving(&self, descendant: &Self, grid: &VelocityGrid, step: f64) -> f64 {
        let cells = Cells::of(grid);
        let share = (step / descendant.norm).max(FINEST_SHARE);
        let bits = |difference: f64, unit: f64| (1.0 + (difference / unit).abs()).log2();
        let saved = |spread: f64, difference: f64, unit: f64| bits(spread, unit) - bits(difference, unit);
        let mut sum = saved(descendant.norm / 8.0, self.norm - descendant.norm, step);
        for axis in 0..3 {
            sum += saved(WIDTH_SPREAD, self.widths[axis] - descendant.widths[axis], width_unit(share));
            sum += saved(TILT_SPREAD, self.tilts[axis] - descendant.tilts[axis], 2.0 * share);
            let width = descendant.widths[axis].exp();
            let extent = MEAN_SPREAD * cells.shape[axis] * cells.spacing[axis];
            sum += saved(extent / width, (self.mean[axis] - descendant.mean[axis]) / width, SQRT_2 * share);
        }
        sum
    }

    /// The logarithm of a width over that expected of the box.
    pub(super) fn expected_width(&self, cells: &Cells, axis: usize) -> f64 {
        self.widths[axis] - ln_alone(cells.expected_width(axis))
    }

    pub(super) fn expected_tilt(&self, i: usize, j: usize) -> f64 {
        self.tilts[tilt(i, j)]
    }

    /// The mean, as L⁻¹(u − m) of the widths and tilts that were coded.
    pub(super) fn expected_mean(&self, coded: &Coded, cells: &Cells) -> [f64; 3] {
        let factor = factor(&logarithms(&coded.widths, cells), &coded.tilts, cells);
        let mut z = [0.0; 3];
        for i in 0..3 {
            let offset = (self.mean[i] - cells.middle[i]) / cells.spacing[i];
            let before = (0..i).map(|j| factor[i][j] * z[j]).sum::<f64>();
            z[i] = (offset - before) / factor[i][i];
        }
        z
    }
}

fn logarithms(widths: &[f64; 3], cells: &Cells) -> [f64; 3] {
    std::array::from_fn(|axis| widths[axis] + ln_alone(cells.expected_width(axis)))
}

/// L in cells.
fn factor(widths: &[f64; 3], tilts: &[f64; 3], cells: &Cells) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| {
        let diagonal = exp_alone(widths[i]) / cells.spacing[i];
        std::array::from_fn(|j| match j {
            _ if j > i => 0.0,
            _ if j == i => diagonal,
            _ => tilts[tilt(i, j)] * diagonal,
        })
    })
}

/// Models of the differences of a kind of number from what is expected.
#[derive(Debug, Clone)]
pub(super) struct Differences {
    models: Integers,
    /// Running mean of their magnitudes.
    spread: f64,
}

impl Default for Differences {
    fn default() -> Self {
        /// Neighbouring cells differ by some percent.
        const EXPECTED: f64 = 0.1;
        Self { models: Integers::default(), spread: EXPECTED }
    }
}

impl Differences {
    /// Range of the spread, whatever a stream holds.
    const SPREADS: [f64; 2] = [1e-9, 1e3];

    /// Codes `value` in units of `unit`, near `expected`.
    pub(super) fn code(&mut self, coder: &mut Coder<'_>, value: i64, expected: f64, unit: f64) -> Result<i64> {
        /// Weight of the newest difference.
        const WEIGHT: f64 = 1.0 / 16.0;
        let expected = multiple(expected, unit);
        let places = finest(self.spread / unit);
        let difference = coder.scaled(&mut self.models, value.saturating_sub(expected), places)?;
        let magnitude = (difference as f64 * unit).abs();
        let [least, most] = Self::SPREADS;
        self.spread = (self.spread + WEIGHT * (magnitude - self.spread)).clamp(least, most);
        let coded = expected.checked_add(difference).filter(|coded| coded.unsigned_abs() <= 1 << 62);
        coded.ok_or_else(|| malformed("a number far from what is expected"))
    }
}
