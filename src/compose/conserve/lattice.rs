//! Moments as points of a lattice. A stream holds their differences from the moments of the decoded density.
//!
//! Coordinates of the lattice are ln n; ln P_xx, ln P_yy and ln P_zz; the correlations P_ij/√(P_ii P_jj); the mean
//! along each axis, over a power of two of a cell; and the energy fluxes over n w_i Σ a_j² w_j², w_i = √(P_ii/n) the
//! width along axis i. They depend on the moments alone, so that moments rounded once do not change when they are
//! encoded again.
//!
//! The widths of cells do not enter. The error of each component is at most [`TOLERANCE`]/√3 in its unit; the Frobenius
//! norm of the error of P, and the error of u over v_th, are at most [`TOLERANCE`].

use std::f64::consts::LN_2;

use super::digits::{Digits, Models, PLACES, UNSURE, USUAL};
use super::moments::{CellMoments, Cells, PAIRS};
use super::polynomial::{MOMENTS, WITH_HEAT_FLUX};
use crate::coding::{Bit, Coder, malformed};
use crate::error::Result;

/// Maximum error of n, and of vectors and tensors in norm: 10⁻¹², less 2% for the residual of the search for a density
/// with these moments.
const TOLERANCE: f64 = 0.98e-12;
/// Step of ln n: rounding is wrong by half a step, the tolerance.
const DENSITY_STEP: f64 = 2.0 * TOLERANCE;
/// Step of ln P_ii, of the correlations, and of the mean over the width: 2/√3 [`TOLERANCE`], written out because
/// `sqrt` is not a constant function.
const STEP: f64 = 1.131_606_527_611_666_6e-12;
/// Step of the energy fluxes, ⅔ [`STEP`]: with three equal widths w their unit is 3 n w³, and the heat flux is half an
/// energy flux, so that half a step changes it by [`TOLERANCE`]/√3 of n w³.
const FLUX_STEP: f64 = 0.754_404_351_741_111_1e-12;
/// −log₂ [`STEP`].
const STEP_BITS: f64 = 39.684_764_734_668_44;
/// Rounding error of a mean, as a part of the length of the axis: 2⁻⁵³ for each of a few operations.
const MEAN_ERROR: f64 = 1.0 / (1_u64 << 50) as f64;
/// Largest coordinate, in steps: larger ones do not occur for finite moments and are refused.
const MAX_NUMBER: f64 = (1_u64 << 62) as f64;
/// Additional last digits of ln P_xx, from whose error those of the other pressures are predicted. Lossy decoding loses
/// the faint tails, on which the pressure depends most, so that its error is the largest.
const EXTRA_PRESSURE_BITS: u32 = 2;

/// First coordinates of the pressures, correlations and velocities (the density is 0). Each coordinate depends on those
/// before it.
const PRESSURE: usize = 1;
const CORRELATION: usize = 4;
const VELOCITY: usize = 7;

/// Point of the lattice: whole multiples of the steps.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point<'a> {
    cells: &'a Cells,
    whole: [i64; WITH_HEAT_FLUX],
}

impl<'a> Point<'a> {
    fn origin(cells: &'a Cells) -> Self {
        Self { cells, whole: [0; WITH_HEAT_FLUX] }
    }

    /// Point nearest to given moments; `None` if density or pressures are not positive.
    fn nearest(cells: &'a Cells, wanted: &CellMoments, heat_flux: bool) -> Option<Self> {
        let mut point = Self::origin(cells);
        for k in 0..count(heat_flux) {
            point.whole[k] = point.number(k, wanted)?;
        }
        Some(point)
    }

    fn density(&self) -> f64 {
        (self.whole[0] as f64 * DENSITY_STEP).exp()
    }

    /// P_ii, plus n times the square of the minimum width.
    fn pressure(&self, axis: usize) -> f64 {
        (self.whole[PRESSURE + axis] as f64 * STEP).exp()
    }

    fn widths(&self) -> [f64; 3] {
        std::array::from_fn(|axis| (self.pressure(axis) / self.density()).sqrt())
    }

    /// Number b of binary digits of the mean after the point, in cells: the smallest with 2⁻ᵇ ≤ `STEP` · w, w =
    /// √(P_ii/n). It is computed from the whole numbers by operations that IEEE 754 defines exactly, so that writer
    /// and reader agree.
    fn mean_bits(&self, axis: usize) -> i32 {
        let density = self.whole[0] as f64 * (0.5 * DENSITY_STEP / LN_2);
        let pressure = self.whole[PRESSURE + axis] as f64 * (0.5 * STEP / LN_2);
        (STEP_BITS + density - pressure).ceil().clamp(0.0, 62.0) as i32
    }

    /// Coordinate k of moments in steps, from the coordinates before it; `None` if it is not finite or beyond
    /// [`MAX_NUMBER`].
    fn number(&self, k: usize, moments: &CellMoments) -> Option<i64> {
        if (VELOCITY..MOMENTS).contains(&k) {
            return self.mean_number(k - VELOCITY, moments);
        }
        let n = moments.density;
        let x = match k {
            0 => n.ln() / DENSITY_STEP,
            k if k < CORRELATION => {
                let axis = k - PRESSURE;
                (moments.pressure[axis] + n * self.cells.narrowest(axis)).ln() / STEP
            }
            k if k < VELOCITY => {
                let [i, j] = PAIRS[k - 1];
                moments.pressure[k - 1] / (self.pressure(i) * self.pressure(j)).sqrt() / STEP
            }
            _ => moments.flux[k - MOMENTS] / self.flux_unit(k - MOMENTS) / FLUX_STEP,
        };
        (x.abs() < MAX_NUMBER).then(|| x.round() as i64)
    }

    fn mean_number(&self, axis: usize, moments: &CellMoments) -> Option<i64> {
        let bits = self.mean_bits(axis);
        let cell = moments.cell[axis] - self.middle(axis);
        let offset = (moments.offset[axis] * f64::powi(2.0, bits)).round();
        let whole = (cell as f64).abs() * f64::powi(2.0, bits);
        (whole + offset.abs() < MAX_NUMBER).then(|| (cell << bits) + offset as i64)
    }

    fn middle(&self, axis: usize) -> i64 {
        (self.cells.shape[axis] / 2) as i64
    }

    /// n w_i Σ a_j² w_j².
    fn flux_unit(&self, axis: usize) -> f64 {
        let widths = self.widths();
        self.density() * widths[axis] * (0..3).map(|j| self.cells.weights[j] * widths[j].powi(2)).sum::<f64>()
    }

    fn moments(&self) -> CellMoments {
        let density = self.density();
        let mut moments = CellMoments {
            density,
            cell: [0; 3],
            offset: [0.0; 3],
            pressure: [0.0; 6],
            flux: std::array::from_fn(|axis| self.whole[MOMENTS + axis] as f64 * FLUX_STEP * self.flux_unit(axis)),
        };
        for axis in 0..3 {
            let (bits, whole) = (self.mean_bits(axis), self.whole[VELOCITY + axis]);
            // Nearest cell and the rest, both exact.
            let cell = whole.wrapping_add((1 << bits) >> 1) >> bits;
            moments.cell[axis] = self.middle(axis).wrapping_add(cell);
            moments.offset[axis] = whole.wrapping_sub(cell << bits) as f64 * f64::powi(2.0, -bits);
        }
        for (k, [i, j]) in PAIRS.into_iter().enumerate() {
            moments.pressure[k] = match i == j {
                true => self.pressure(i) - density * self.cells.narrowest(i),
                false => self.whole[1 + k] as f64 * STEP * (self.pressure(i) * self.pressure(j)).sqrt(),
            };
        }
        self.without_single_cells(moments)
    }

    /// Sets the moments along axes of one cell to zero: no density there has others.
    fn without_single_cells(&self, mut moments: CellMoments) -> CellMoments {
        for axis in (0..3).filter(|&axis| self.cells.shape[axis] == 1) {
            (moments.cell[axis], moments.offset[axis], moments.flux[axis]) = (0, 0.0, 0.0);
            for (pressure, pair) in moments.pressure.iter_mut().zip(PAIRS) {
                if pair.contains(&axis) {
                    *pressure = 0.0;
                }
            }
        }
        moments
    }

    /// Prediction of coordinate k from the moments found in the decoded density; zero if they are not positive.
    ///
    /// Decoding loses a similar part of all pressures. P_xx is therefore multiplied by the ratio of the wanted density
    /// and the one found; P_yy and P_zz by the mean ratio (in logarithms) of the wanted pressures before them.
    /// Correlations and fluxes keep their values in units of the wanted widths.
    fn expected(&self, k: usize, found: &CellMoments) -> i64 {
        let mut near = *found;
        if (PRESSURE..CORRELATION).contains(&k) {
            let axis = k - PRESSURE;
            let too_small = |k: usize| self.whole[k].saturating_sub(self.number(k, found).unwrap_or(0)) as f64;
            let factor = match axis {
                0 => (too_small(0) * DENSITY_STEP).exp(),
                _ => ((0..axis).map(|before| too_small(PRESSURE + before)).sum::<f64>() / axis as f64 * STEP).exp(),
            };
            near.pressure[axis] = (found.pressure[axis] + found.density * self.cells.narrowest(axis)) * factor
                - found.density * self.cells.narrowest(axis);
        }
        if (CORRELATION..VELOCITY).contains(&k) {
            let [i, j] = PAIRS[k - 1];
            let own = |axis: usize| found.pressure[axis] + found.density * self.cells.narrowest(axis);
            near.pressure[k - 1] *= (self.pressure(i) / own(i)).sqrt() * (self.pressure(j) / own(j)).sqrt();
        }
        if k >= MOMENTS {
            let widths = found.widths(self.cells);
            let energy = |widths: [f64; 3]| (0..3).map(|j| self.cells.weights[j] * widths[j].powi(2)).sum::<f64>();
            let own = found.density * widths[k - MOMENTS] * energy(widths);
            near.flux[k - MOMENTS] *= self.flux_unit(k - MOMENTS) / own;
        }
        self.number(k, &near).unwrap_or(0)
    }

    /// Maximum difference of the predictions of writer and reader: for a mean also its rounding error, in steps.
    fn unsure(&self, k: usize) -> i64 {
        match (VELOCITY..MOMENTS).contains(&k) {
            true => {
                let cells = self.cells.shape[k - VELOCITY] as f64;
                UNSURE + (cells * MEAN_ERROR * f64::powi(2.0, self.mean_bits(k - VELOCITY))) as i64
            }
            false => UNSURE,
        }
    }
}

/// Coded differences between the wanted moments and those of the decoded density.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Residues {
    places: u32,
    digits: Vec<Digits>,
}

impl Residues {
    /// Codes the wanted moments given those found, with the number of last digits that makes the shortest stream.
    /// `None` if density or pressures are not positive.
    pub(super) fn new(cells: &Cells, wanted: &CellMoments, found: &CellMoments, heat_flux: bool) -> Option<Self> {
        let point = Point::nearest(cells, wanted, heat_flux)?;
        let count = count(heat_flux);
        let expected: Vec<i64> = (0..count).map(|k| point.expected(k, found)).collect();
        // Only lengths of the differences, and up to two digits more, can be the shortest.
        let lengths = expected.iter().zip(point.whole).map(|(e, n)| u64::BITS - n.abs_diff(*e).leading_zeros());
        let mut places: Vec<u32> = lengths.flat_map(|length| [length, length + 1, length + 2]).collect();
        places.extend(PLACES.rev().take(1).chain(PLACES.take(1)));
        places.sort_unstable();
        places.dedup();
        let all = |places: u32| {
            let digits = |k: usize| Digits::new(point.whole[k], expected[k], places_of(k, places), point.unsure(k));
            let digits = (0..count).map(digits).collect::<Option<_>>()?;
            Some(Self { places, digits })
        };
        let possible = places.into_iter().filter(|places| PLACES.contains(places)).filter_map(all);
        possible.min_by_key(|residues| residues.cost(heat_flux))
    }

    /// Length of eight copies in bytes: an estimate of the length of one in bits.
    fn cost(&self, heat_flux: bool) -> usize {
        let mut coder = Coder::writing();
        for _ in 0..8 {
            if self.clone().code(heat_flux, &mut coder).is_err() {
                return usize::MAX;
            }
        }
        coder.len()
    }

    /// Wanted moments, from those found in the decoded density; `None` if they are not finite.
    pub(super) fn wanted(&self, cells: &Cells, found: &CellMoments, heat_flux: bool) -> Option<CellMoments> {
        let mut point = Point::origin(cells);
        for k in 0..count(heat_flux) {
            point.whole[k] = self.digits.get(k)?.number(point.expected(k, found), places_of(k, self.places));
        }
        let moments = point.moments();
        let CellMoments { density, pressure, flux, .. } = &moments;
        let finite = pressure.iter().chain(flux).chain([density]).all(|moment| moment.is_finite());
        (finite && *density > 0.0).then_some(moments)
    }

    /// Number of whole numbers in the stream.
    pub(super) fn len(heat_flux: bool) -> usize {
        3 * count(heat_flux)
    }

    pub(super) fn code(&mut self, heat_flux: bool, coder: &mut Coder<'_>) -> Result<()> {
        // A usual number of digits has the probability 59,000/2¹⁶ = 0.9.
        self.places = match coder.bit(&mut Bit::expected(59_000, 0), USUAL.contains(&self.places)) {
            true => {
                USUAL.start + coder.bits(u64::from(self.places.wrapping_sub(USUAL.start)), USUAL.len().ilog2()) as u32
            }
            false => coder.bits(u64::from(self.places), 6) as u32,
        };
        if !PLACES.contains(&self.places) {
            return Err(malformed(format!("moments of which {} binary digits are written", self.places)));
        }
        coder.sized(&mut self.digits, count(heat_flux))?;
        let mut models = Models::new();
        for (k, digits) in self.digits.iter_mut().enumerate() {
            models.code(digits, places_of(k, self.places), coder)?;
        }
        Ok(())
    }
}

/// Number of last digits of coordinate k.
fn places_of(k: usize, places: u32) -> u32 {
    if k == PRESSURE { places + EXTRA_PRESSURE_BITS } else { places }
}

fn count(heat_flux: bool) -> usize {
    if heat_flux { WITH_HEAT_FLUX } else { MOMENTS }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells() -> Cells {
        Cells { shape: [20; 3], weights: [1.0; 3] }
    }

    /// Moments of 800 cells, those that `change` gives in parts of their scale away.
    fn cell_moments(change: impl Fn(usize) -> f64) -> CellMoments {
        let n = 800.0 * (1.0 + change(0));
        let widths: [f64; 3] = std::array::from_fn(|i| [3.3, 0.7, 5.1][i] * (1.0 + change(1 + i)));
        let correlations = [1.0, 1.0, 1.0, 0.3, -0.5, 0.01];
        let pressure = std::array::from_fn(|k| {
            let [i, j] = PAIRS[k];
            n * widths[i] * widths[j] * (correlations[k] + if i == j { 0.0 } else { change(4 + k) })
        });
        let energy: f64 = widths.iter().map(|w| w * w).sum();
        CellMoments {
            density: n,
            cell: [3, 10, 17],
            offset: std::array::from_fn(|i| [0.3, -0.1, 0.2][i] + widths[i] * change(10 + i)),
            pressure,
            flux: std::array::from_fn(|i| n * widths[i] * energy * ([0.2, -0.1, 3.0][i] + change(13 + i))),
        }
    }

    fn flux_error(found: &CellMoments, wanted: &CellMoments) -> f64 {
        let widths = wanted.widths(&cells());
        let mean: f64 = widths.iter().map(|w| w * w).sum::<f64>() / 3.0;
        let off = (0..3).map(|i| (0.5 * (found.flux[i] - wanted.flux[i])).powi(2)).sum::<f64>().sqrt();
        off / (wanted.density * mean.powf(1.5))
    }

    #[test]
    fn moments_come_back_as_near_as_they_must_and_stay() {
        let cells = cells();
        for k in 0..2000 {
            let noise = |j: usize| f64::sin(1.7 * k as f64 + (3 * j) as f64);
            let wanted = cell_moments(|j| 0.3 * noise(j));
            let found = cell_moments(|j| 0.3 * noise(j) + 3e-3 * noise(j + 20));
            for heat_flux in [false, true] {
                let residues = Residues::new(&cells, &wanted, &found, heat_flux).unwrap();
                let back = residues.wanted(&cells, &found, heat_flux).unwrap();
                let error = back.error(&wanted, &cells, 0.0, false);
                assert!(error <= 0.99e-12, "{error:e}");
                assert!(!heat_flux || flux_error(&back, &wanted) <= 1e-12, "{:e}", flux_error(&back, &wanted));
                // Rounded once, rounded for good, whatever is near.
                let again = Residues::new(&cells, &back, &wanted, heat_flux).unwrap();
                assert_eq!(again.wanted(&cells, &wanted, heat_flux).unwrap(), back);
            }
        }
    }

    #[test]
    fn what_is_written_is_read_and_is_as_short_as_the_difference() {
        let cells = cells();
        let wanted = cell_moments(|_| 0.0);
        for (share, most) in [(0.0, 9), (1e-9, 24), (3e-3, 46), (0.1, 54), (100.0, 70)] {
            let found = cell_moments(|j| if j < 4 { share } else { 0.3 * share * f64::sin(j as f64) });
            for heat_flux in [false, true] {
                let residues = Residues::new(&cells, &wanted, &found, heat_flux).unwrap();
                let mut writer = Coder::writing();
                residues.clone().code(heat_flux, &mut writer).unwrap();
                let bytes = writer.finish();
                assert!(bytes.len() <= most * if heat_flux { 13 } else { 10 } / 10, "{share}: {}", bytes.len());
                let mut read = Residues::default();
                read.code(heat_flux, &mut Coder::reading(&bytes)).unwrap();
                assert_eq!(read, residues);
            }
        }
        // Of nothing found all can be told; what no density has cannot.
        let nothing = CellMoments { density: 0.0, pressure: [0.0; 6], flux: [0.0; 3], ..wanted };
        let residues = Residues::new(&cells, &wanted, &nothing, true).unwrap();
        assert!(residues.wanted(&cells, &nothing, true).unwrap().error(&wanted, &cells, 0.0, true) <= 1e-12);
        for hollow in [0, 1, 2] {
            let mut pressure = wanted.pressure;
            pressure[hollow] = -1.0;
            assert!(Residues::new(&cells, &CellMoments { pressure, ..wanted }, &wanted, false).is_none());
        }
        assert!(Residues::new(&cells, &CellMoments { density: -1.0, ..wanted }, &wanted, false).is_none());
    }

    #[test]
    fn beams_far_narrower_than_a_cell_keep_their_own_scale() {
        let cells = Cells { shape: [40; 3], weights: [1.0; 3] };
        for (a, b) in [(1.0, 1e-3), (1.0, 1e-6), (1.0, 0.0)] {
            let mut values = vec![0.0; 64_000];
            (values[37 * 1600 + 40 * 5 + 30], values[38 * 1600 + 40 * 5 + 30]) = (a, b);
            let wanted = CellMoments::of(&cells, &values);
            let found = CellMoments { density: 0.9, cell: [30, 9, 21], ..wanted };
            let residues = Residues::new(&cells, &wanted, &found, false).unwrap();
            let back = residues.wanted(&cells, &found, false).unwrap();
            assert!(
                back.error(&wanted, &cells, 0.0, false) <= 1e-12,
                "{b}: {:e}",
                back.error(&wanted, &cells, 0.0, false)
            );
        }
    }
}
