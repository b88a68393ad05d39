//! Moments as whole numbers of steps, of which a stream holds the last digits: the first ones are those of what has been
//! decoded already.
//!
//! Steps are one number times powers of two, less than 2·10⁻¹² of the density n, 1.1·10⁻¹² of the thermal speed v_th and
//! of n v_th²: so that half a step is less than 10⁻¹² of each, as the length of u and the Frobenius norm of P over that
//! of the whole tensor, too. The steps of a distribution follow from its moments alone: what has been rounded once is not
//! changed when it is encoded again, however often.

use super::correction::{MOMENTS, WITH_HEAT_FLUX};
use crate::coding::Coder;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::error::Result;

/// Moments of values on a grid: n, u, the six P_ij and the heat flux, in units of the grid.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures(pub(super) [f64; WITH_HEAT_FLUX]);

impl Figures {
    pub(super) fn of(grid: &VelocityGrid, values: &[f64]) -> Self {
        let Moments { density, bulk_velocity: u, pressure: p, heat_flux: q } = Moments::of(grid, values, |f| f);
        let [[xx, xy, xz], [_, yy, yz], [_, _, zz]] = p;
        Self([density, u[0], u[1], u[2], xx, xy, xz, yy, yz, zz, q[0], q[1], q[2]])
    }

    pub(super) fn density(&self) -> f64 {
        self.0[0]
    }

    /// n v_th², at least that of a width far below a cell's.
    fn mean_pressure(&self, grid: &VelocityGrid) -> f64 {
        let least = grid.spacing().into_iter().fold(f64::INFINITY, f64::min) * NARROWEST;
        f64::max((self.0[4] + self.0[7] + self.0[9]) / 3.0, self.0[0] * least * least)
    }

    /// v_th, at least a width far below a cell's.
    pub(super) fn width(&self, grid: &VelocityGrid) -> f64 {
        (self.mean_pressure(grid) / self.density()).sqrt()
    }

    /// Of n and n v_th²; none where there is no positive density.
    fn octaves(&self, grid: &VelocityGrid) -> Option<[i32; 2]> {
        let [n, p] = [self.density(), self.mean_pressure(grid)].map(|x| (x >= f64::MIN_POSITIVE).then(|| exponent(x)));
        n.zip(p).map(|(n, p)| [n, p])
    }
}

/// A width of no cells is this part of one.
const NARROWEST: f64 = 1.0 / 16.0;
/// The step of a number between 1 and 2: of the density, and of all others.
const STEP_OF_DENSITY: f64 = 1.75 / (1_u64 << 40) as f64;
const STEP: f64 = 1.125 / (1_u64 << 40) as f64;
/// Digits of the two octaves that are stored: a density within a factor of two, a pressure within eight.
const OCTAVE_DIGITS: [u32; 2] = [2, 3];
/// Most digits of a moment that are stored.
const MOST_DIGITS: u32 = 62;
/// So many digits fewer than the longest has may a number have.
const FEWER: [u32; 4] = [0, 1, 3, 6];
const DENSITY: usize = 0;
const VELOCITY: std::ops::Range<usize> = 1..4;
const PRESSURE: std::ops::Range<usize> = 4..10;

/// The exponent of a positive normal number.
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> (f64::MANTISSA_DIGITS - 1) & 0x7ff) as i32 - 1023
}

/// The last digits of moments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Residues {
    octaves: [u64; 2],
    /// Of the longest number, and the choice among [`FEWER`] of each.
    digits: u32,
    fewer: [usize; WITH_HEAT_FLUX],
    low: [u64; WITH_HEAT_FLUX],
}

impl Residues {
    /// So many last digits of the moments wanted as tell them apart from all others near those found; none where the two
    /// have hardly anything in common.
    pub(super) fn new(grid: &VelocityGrid, wanted: &Figures, found: &Figures, heat_flux: bool) -> Option<Self> {
        let (octaves, near) = (wanted.octaves(grid)?, found.octaves(grid)?);
        if (0..2).any(|k| (octaves[k] - near[k]).abs() >= 1 << (OCTAVE_DIGITS[k] - 1)) {
            return None;
        }
        let mut whole = [0_i64; WITH_HEAT_FLUX];
        let mut needed = [0; WITH_HEAT_FLUX];
        in_steps(grid, octaves, heat_flux, |figure, step| {
            let (value, near) = ((wanted.0[figure] / step).round(), (found.0[figure] / step).round());
            whole[figure] = value as i64;
            let difference = (value - near).abs();
            if difference > 0.0 {
                // An eighth, and one, more: a reader whose arithmetic differs in the last bit must find the same.
                needed[figure] = exponent(difference * 1.125 + 1.0) as u32 + 2;
            }
            value * step
        });
        let digits = needed.into_iter().max().unwrap_or(0);
        if digits > MOST_DIGITS {
            return None;
        }
        let shorter = |needed| FEWER.iter().rposition(|fewer| needed + fewer <= digits).unwrap_or(0);
        let fewer = std::array::from_fn(|k| if k < count(heat_flux) { shorter(needed[k]) } else { 0 });
        let low = std::array::from_fn(|k| whole[k] as u64 & low_bits(digits - FEWER[fewer[k]].min(digits)));
        let octaves = std::array::from_fn(|k| octaves[k] as u64 & low_bits(OCTAVE_DIGITS[k]));
        Some(Self { octaves, digits, fewer, low })
    }

    /// The moments, given those found; none where there is no positive density.
    pub(super) fn wanted(&self, grid: &VelocityGrid, found: &Figures, heat_flux: bool) -> Option<Figures> {
        let near = found.octaves(grid)?;
        let octave = |k: usize| nearest(self.octaves[k], OCTAVE_DIGITS[k], i64::from(near[k])) as i32;
        Some(in_steps(grid, [octave(0), octave(1)], heat_flux, |figure, step| {
            let near = (found.0[figure] / step).round() as i64;
            nearest(self.low[figure], self.digits_of(figure), near) as f64 * step
        }))
    }

    fn digits_of(&self, figure: usize) -> u32 {
        self.digits.saturating_sub(FEWER[self.fewer[figure]])
    }

    /// How many whole numbers there are.
    pub(super) fn len(heat_flux: bool) -> usize {
        3 + 2 * count(heat_flux)
    }

    pub(super) fn code(given: Option<&Self>, heat_flux: bool, coder: &mut Coder<'_>) -> Result<Self> {
        let nothing = Self { octaves: [0; 2], digits: 0, fewer: [0; WITH_HEAT_FLUX], low: [0; WITH_HEAT_FLUX] };
        let mut residues = given.cloned().unwrap_or(nothing);
        for (octave, digits) in residues.octaves.iter_mut().zip(OCTAVE_DIGITS) {
            *octave = coder.bits(*octave, digits);
        }
        residues.digits = (coder.bits(u64::from(residues.digits), 6) as u32).min(MOST_DIGITS);
        for figure in 0..count(heat_flux) {
            residues.fewer[figure] = coder.choice(residues.fewer[figure], FEWER.len())?;
            residues.low[figure] = coder.bits(residues.low[figure], residues.digits_of(figure));
        }
        Ok(residues)
    }
}

fn count(heat_flux: bool) -> usize {
    if heat_flux { WITH_HEAT_FLUX } else { MOMENTS }
}

/// Asks for every figure, given its step: n and P first, which the steps of the others follow from.
fn in_steps(
    grid: &VelocityGrid,
    [n, p]: [i32; 2],
    heat_flux: bool,
    mut figure: impl FnMut(usize, f64) -> f64,
) -> Figures {
    let mut figures = Figures([0.0; WITH_HEAT_FLUX]);
    figures.0[DENSITY] = figure(DENSITY, 2f64.powi(n) * STEP_OF_DENSITY);
    for k in PRESSURE {
        figures.0[k] = figure(k, 2f64.powi(p) * STEP);
    }
    let v = exponent(figures.width(grid).clamp(f64::MIN_POSITIVE, f64::MAX));
    for k in VELOCITY {
        figures.0[k] = figure(k, 2f64.powi(v) * STEP);
    }
    for k in PRESSURE.end..count(heat_flux) {
        figures.0[k] = figure(k, 2f64.powi(p + v) * STEP);
    }
    figures
}

fn low_bits(digits: u32) -> u64 {
    (1 << digits) - 1
}

/// The whole number with these last digits that is nearest to another.
fn nearest(low: u64, digits: u32, near: i64) -> i64 {
    let above = low.wrapping_sub(near as u64) & low_bits(digits);
    let half = (1_u64 << digits) >> 1;
    near.wrapping_add(if above >= half.max(1) { above as i64 - (1_i64 << digits) } else { above as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_digits_give_the_number_near_another() {
        for (number, near) in [(1000, 1007), (1007, 1000), (-3, 4), (0, 0), (-1000, -1007), (1 << 40, (1 << 40) - 7)] {
            let digits = 4;
            assert_eq!(nearest(number as u64 & 15, digits, near), number);
        }
        assert_eq!(nearest(0, 0, 55), 55);
        assert_eq!((nearest(7, 3, -6), nearest(1, 3, 6)), (-9, 9));
    }

    #[test]
    fn moments_come_back_to_half_a_step_and_stay() {
        let grid = VelocityGrid::new([20; 3], [-10.0; 3], [1.0; 3]).unwrap();
        let wanted = Figures([800.0, 0.3, -7.1, 2.2, 9e3, 1e2, -4e2, 8e3, 3.0, 1.1e4, 5e3, -1e2, 7e4]);
        let found = Figures(wanted.0.map(|x| 1.003 * x));
        for heat_flux in [false, true] {
            let residues = Residues::new(&grid, &wanted, &found, heat_flux).unwrap();
            let mut writer = Coder::writing();
            Residues::code(Some(&residues), heat_flux, &mut writer).unwrap();
            let bytes = writer.finish();
            assert!(bytes.len() <= if heat_flux { 60 } else { 45 }, "{}", bytes.len());
            let read = Residues::code(None, heat_flux, &mut Coder::reading(&bytes)).unwrap();
            assert_eq!(read, residues);
            let back = read.wanted(&grid, &found, heat_flux).unwrap();
            let v = wanted.width(&grid);
            for k in 0..count(heat_flux) {
                let (unit, most) = match k {
                    0 => (800.0, 8e-13),
                    1..4 => (v, 5.2e-13),
                    4..10 => (800.0 * v * v, 5.2e-13),
                    _ => (800.0 * v.powi(3), 5.2e-13),
                };
                assert!((back.0[k] - wanted.0[k]).abs() <= most * unit, "{k}");
            }
            // Rounded once, rounded for good, whatever is near.
            let nearby = Figures(wanted.0.map(|x| 0.98 * x));
            let again = Residues::new(&grid, &back, &nearby, heat_flux).unwrap();
            assert_eq!(again.wanted(&grid, &nearby, heat_flux).unwrap(), back);
        }
        assert!(Residues::new(&grid, &wanted, &Figures([0.0; 13]), false).is_none());
        assert!(Residues::new(&grid, &wanted, &Figures(wanted.0.map(|x| 100.0 * x)), false).is_none());
    }
}
