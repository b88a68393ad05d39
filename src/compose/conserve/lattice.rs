//! Moments as points of a lattice, of which a stream holds what is not known from what has been decoded already.
//!
//! The lattice lies in ln n; in ln P_xx, ln P_yy and ln P_zz; in the correlations P_ij/√(P_ii P_jj); in the mean along each
//! axis over a power of two of a cell; and in the energy fluxes over n w_i Σ a_j² w_j², w_i = √(P_ii/n) the width along
//! axis i. It depends on nothing but the moments themselves, so that what has been rounded once is not changed when it is
//! encoded again, however often. No axis knows how wide cells are along another: every component is as near as
//! [`TOLERANCE`] over √3 in what it is measured by, and P in its Frobenius norm, and u over v_th, as near as [`TOLERANCE`].

use std::f64::consts::LN_2;

use super::correction::{MOMENTS, WITH_HEAT_FLUX};
use super::digits::{Digits, Models, PLACES, UNSURE, USUAL};
use super::figures::{Cells, Figures, PAIRS};
use crate::coding::{Bit, Coder, malformed};
use crate::error::Result;

/// Largest error of n, and of vectors and tensors in norm: 10⁻¹², less what a search for a density with these moments
/// leaves over.
const TOLERANCE: f64 = 0.98e-12;
/// Steps of ln n; of ln P_ii, the correlations and the mean over the width: twice the tolerance over √3; and of the energy
/// fluxes, which are those of three axes of one width if ½ · 3 √3 times as large.
const DENSITY_STEP: f64 = 2.0 * TOLERANCE;
const STEP: f64 = 1.131_606_527_611_666_6e-12;
const FLUX_STEP: f64 = 0.754_404_351_741_111_1e-12;
/// −log₂ [`STEP`].
const STEP_BITS: f64 = 39.684_764_734_668_44;
/// Rounding errors of a mean, in parts of the axis.
const MEAN_ERROR: f64 = 1.0 / (1_u64 << 50) as f64;
/// Numbers beyond this are none.
const MOST_NUMBER: f64 = (1_u64 << 62) as f64;
/// So many more has P_xx, by which the other pressures are foreseen: what decoding loses is faint and far from the middle,
/// and the pressure feels it most.
const MORE_OF_PRESSURE: u32 = 2;

/// Coordinates in their order; each depends on those before it.
const PRESSURE: usize = 1;
const CORRELATION: usize = 4;
const VELOCITY: usize = 7;

/// The numbers of a point.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point<'a> {
    cells: &'a Cells,
    whole: [i64; WITH_HEAT_FLUX],
}

impl<'a> Point<'a> {
    fn origin(cells: &'a Cells) -> Self {
        Self { cells, whole: [0; WITH_HEAT_FLUX] }
    }

    /// The point nearest to these moments; none where density and pressures are not positive.
    fn nearest(cells: &'a Cells, wanted: &Figures, heat_flux: bool) -> Option<Self> {
        let mut point = Self::origin(cells);
        for k in 0..count(heat_flux) {
            point.whole[k] = point.number(k, wanted)?;
        }
        Some(point)
    }

    fn density(&self) -> f64 {
        (self.whole[0] as f64 * DENSITY_STEP).exp()
    }

    /// P_ii, with what is added to it.
    fn pressure(&self, axis: usize) -> f64 {
        (self.whole[PRESSURE + axis] as f64 * STEP).exp()
    }

    fn widths(&self) -> [f64; 3] {
        std::array::from_fn(|axis| (self.pressure(axis) / self.density()).sqrt())
    }

    /// The mean is a multiple of 2⁻ᵇ cells: b, the least with which that is no more than the step. Of whole numbers by
    /// operations that every processor rounds alike.
    fn mean_bits(&self, axis: usize) -> i32 {
        let density = self.whole[0] as f64 * (0.5 * DENSITY_STEP / LN_2);
        let pressure = self.whole[PRESSURE + axis] as f64 * (0.5 * STEP / LN_2);
        (STEP_BITS + density - pressure).ceil().clamp(0.0, 62.0) as i32
    }

    /// The number of a coordinate of moments, those before it being known; none beyond all reason.
    fn number(&self, k: usize, moments: &Figures) -> Option<i64> {
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
        (x.abs() < MOST_NUMBER).then(|| x.round() as i64)
    }

    fn mean_number(&self, axis: usize, moments: &Figures) -> Option<i64> {
        let bits = self.mean_bits(axis);
        let cell = moments.cell[axis] - self.middle(axis);
        let offset = (moments.offset[axis] * f64::powi(2.0, bits)).round();
        let whole = (cell as f64).abs() * f64::powi(2.0, bits);
        (whole + offset.abs() < MOST_NUMBER).then(|| (cell << bits) + offset as i64)
    }

    fn middle(&self, axis: usize) -> i64 {
        (self.cells.shape[axis] / 2) as i64
    }

    /// n w_i Σ a_j² w_j².
    fn flux_unit(&self, axis: usize) -> f64 {
        let widths = self.widths();
        self.density() * widths[axis] * (0..3).map(|j| self.cells.weights[j] * widths[j].powi(2)).sum::<f64>()
    }

    fn moments(&self) -> Figures {
        let density = self.density();
        let mut moments = Figures {
            density,
            cell: [0; 3],
            offset: [0.0; 3],
            pressure: [0.0; 6],
            flux: std::array::from_fn(|axis| self.whole[MOMENTS + axis] as f64 * FLUX_STEP * self.flux_unit(axis)),
        };
        for axis in 0..3 {
            let (bits, whole) = (self.mean_bits(axis), self.whole[VELOCITY + axis]);
            // The nearest cell, and what is left: both exact.
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

    /// Along an axis of one cell there is nothing, and nothing can be made.
    fn without_single_cells(&self, mut moments: Figures) -> Figures {
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

    /// The number that what was found makes expect: its own, but that its pressures are as much too small as its density
    /// and the pressures along the axes before. Zero where nothing was found.
    fn expected(&self, k: usize, found: &Figures) -> i64 {
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

    /// By how much a reader may find another number to be expected.
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

/// The moments, as a reader needs them who knows those of what has been decoded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Residues {
    places: u32,
    digits: Vec<Digits>,
}

impl Residues {
    /// Tells the moments wanted from all others; none where they are those of no density.
    pub(super) fn new(cells: &Cells, wanted: &Figures, found: &Figures, heat_flux: bool) -> Option<Self> {
        let point = Point::nearest(cells, wanted, heat_flux)?;
        let count = count(heat_flux);
        let expected: Vec<i64> = (0..count).map(|k| point.expected(k, found)).collect();
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

    /// Bytes that several of them take one after another: of one, in parts of a byte.
    fn cost(&self, heat_flux: bool) -> usize {
        let mut coder = Coder::writing();
        for _ in 0..8 {
            if Self::code(Some(self), heat_flux, &mut coder).is_err() {
                return usize::MAX;
            }
        }
        coder.len()
    }

    /// The moments, given those found; none where they are not finite.
    pub(super) fn wanted(&self, cells: &Cells, found: &Figures, heat_flux: bool) -> Option<Figures> {
        let mut point = Point::origin(cells);
        for k in 0..count(heat_flux) {
            point.whole[k] = self.digits.get(k)?.number(point.expected(k, found), places_of(k, self.places));
        }
        let moments = point.moments();
        let Figures { density, pressure, flux, .. } = &moments;
        let finite = pressure.iter().chain(flux).chain([density]).all(|moment| moment.is_finite());
        (finite && *density > 0.0).then_some(moments)
    }

    /// How many whole numbers there are.
    pub(super) fn len(heat_flux: bool) -> usize {
        3 * count(heat_flux)
    }

    pub(super) fn code(given: Option<&Self>, heat_flux: bool, coder: &mut Coder<'_>) -> Result<Self> {
        let places = given.map_or(0, |given| given.places);
        let places = match coder.bit(&mut Bit::expected(59_000, 0), USUAL.contains(&places)) {
            true => USUAL.start + coder.bits(u64::from(places.wrapping_sub(USUAL.start)), USUAL.len().ilog2()) as u32,
            false => coder.bits(u64::from(places), 6) as u32,
        };
        if !PLACES.contains(&places) {
            return Err(malformed(format!("moments of which {places} binary digits are written")));
        }
        let mut models = Models::new();
        let digits = |k: usize| models.code(given.and_then(|given| given.digits.get(k)), places_of(k, places), coder);
        Ok(Self { places, digits: (0..count(heat_flux)).map(digits).collect::<Result<_>>()? })
    }
}

/// How many digits of a number are written as they are.
fn places_of(k: usize, places: u32) -> u32 {
    if k == PRESSURE { places + MORE_OF_PRESSURE } else { places }
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
    fn figures(change: impl Fn(usize) -> f64) -> Figures {
        let n = 800.0 * (1.0 + change(0));
        let widths: [f64; 3] = std::array::from_fn(|i| [3.3, 0.7, 5.1][i] * (1.0 + change(1 + i)));
        let correlations = [1.0, 1.0, 1.0, 0.3, -0.5, 0.01];
        let pressure = std::array::from_fn(|k| {
            let [i, j] = PAIRS[k];
            n * widths[i] * widths[j] * (correlations[k] + if i == j { 0.0 } else { change(4 + k) })
        });
        let energy: f64 = widths.iter().map(|w| w * w).sum();
        Figures {
            density: n,
            cell: [3, 10, 17],
            offset: std::array::from_fn(|i| [0.3, -0.1, 0.2][i] + widths[i] * change(10 + i)),
            pressure,
            flux: std::array::from_fn(|i| n * widths[i] * energy * ([0.2, -0.1, 3.0][i] + change(13 + i))),
        }
    }

    fn flux_error(found: &Figures, wanted: &Figures) -> f64 {
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
            let wanted = figures(|j| 0.3 * noise(j));
            let found = figures(|j| 0.3 * noise(j) + 3e-3 * noise(j + 20));
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
        let wanted = figures(|_| 0.0);
        for (share, most) in [(0.0, 9), (1e-9, 24), (3e-3, 46), (0.1, 54), (100.0, 70)] {
            let found = figures(|j| if j < 4 { share } else { 0.3 * share * f64::sin(j as f64) });
            for heat_flux in [false, true] {
                let residues = Residues::new(&cells, &wanted, &found, heat_flux).unwrap();
                let mut writer = Coder::writing();
                Residues::code(Some(&residues), heat_flux, &mut writer).unwrap();
                let bytes = writer.finish();
                assert!(bytes.len() <= most * if heat_flux { 13 } else { 10 } / 10, "{share}: {}", bytes.len());
                assert_eq!(Residues::code(None, heat_flux, &mut Coder::reading(&bytes)).unwrap(), residues);
            }
        }
        // Of nothing found all can be told; what no density has cannot.
        let nothing = Figures { density: 0.0, pressure: [0.0; 6], flux: [0.0; 3], ..wanted };
        let residues = Residues::new(&cells, &wanted, &nothing, true).unwrap();
        assert!(residues.wanted(&cells, &nothing, true).unwrap().error(&wanted, &cells, 0.0, true) <= 1e-12);
        for hollow in [0, 1, 2] {
            let mut pressure = wanted.pressure;
            pressure[hollow] = -1.0;
            assert!(Residues::new(&cells, &Figures { pressure, ..wanted }, &wanted, false).is_none());
        }
        assert!(Residues::new(&cells, &Figures { density: -1.0, ..wanted }, &wanted, false).is_none());
    }

    #[test]
    fn beams_far_narrower_than_a_cell_keep_their_own_scale() {
        let cells = Cells { shape: [40; 3], weights: [1.0; 3] };
        for (a, b) in [(1.0, 1e-3), (1.0, 1e-6), (1.0, 0.0)] {
            let mut values = vec![0.0; 64_000];
            (values[37 * 1600 + 40 * 5 + 30], values[38 * 1600 + 40 * 5 + 30]) = (a, b);
            let wanted = Figures::of(&cells, &values);
            let found = Figures { density: 0.9, cell: [30, 9, 21], ..wanted };
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
