//! Wide Gaussian for the cells in which a decoded density has nothing, or less than that.
//!
//! A method changes densities that are there. If a decoded density lacks the tails of the original, the core alone
//! would have to make up for their moments. G = A 2^(−k/2) exp(−½ x·C⁻¹x / s²), s = 2^(j/8), stands in for the tails:
//! C is the covariance of the original, A the peak of the Maxwellian with its moments, and k and j are stored.

use std::f64::consts::{LN_2, LN_10, TAU};

use nalgebra::Matrix3;

use super::field::Axes;
use super::polynomial::{MOMENTS, Polynomial};
use crate::coding::{Bit, Coder};
use crate::numerics::summation::row_sums;

/// Halo of one density.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Halo {
    /// k + [`FIRST`]: half octaves from the peak of the Maxwellian to that of the halo.
    fall: i32,
    /// j + [`FIRST`]: eighths of an octave from the width of the original to that of the halo.
    width: i32,
}

/// Largest −k and −j: a halo up to 16 times as high as the Maxwellian, and down to half as wide.
const FIRST: i32 = 8;
/// Bits of the two numbers: k from −8 to 55, down to 3·10⁻⁹ of the Maxwellian, and j from −8 to 23, up to 7.3 widths.
const FALL_BITS: u32 = 6;
const WIDTH_BITS: u32 = 5;
/// Part of its peak below which a halo is zero, farther from its middle than 7 widths.
const FAINT: f64 = 1e-12;

impl Halo {
    /// The nearest halo with the given k and j, which are rounded.
    fn near(fall: f64, width: f64) -> Self {
        let bounded = |x: f64, bits: u32| (x.round() as i32).saturating_add(FIRST).clamp(0, (1 << bits) - 1);
        Self { fall: bounded(fall, FALL_BITS), width: bounded(width, WIDTH_BITS) }
    }

    /// The halo that differs by given steps; `None` if there is none.
    fn moved(self, fall: i32, width: i32) -> Option<Self> {
        let moved = Self { fall: self.fall + fall, width: self.width + width };
        let allowed = |x: i32, bits: u32| (0..1 << bits).contains(&x);
        (allowed(moved.fall, FALL_BITS) && allowed(moved.width, WIDTH_BITS)).then_some(moved)
    }

    /// Codes whether there is a halo, and which.
    pub(super) fn code(halo: Option<Self>, coder: &mut Coder<'_>) -> Option<Self> {
        // A third of the streams has one.
        if !coder.bit(&mut Bit::expected(21_845, 0), halo.is_some()) {
            return None;
        }
        let Self { fall, width } = halo.unwrap_or(Self { fall: 0, width: 0 });
        let fall = coder.bits(fall as u64, FALL_BITS) as i32;
        Some(Self { fall, width: coder.bits(width as u64, WIDTH_BITS) as i32 })
    }

    /// s⁻².
    fn narrowness(self) -> f64 {
        (f64::from(FIRST - self.width) * 0.25 * LN_2).exp()
    }

    /// ln of the peak over that of the Maxwellian.
    fn log_height(self) -> f64 {
        f64::from(FIRST - self.fall) * 0.5 * LN_2
    }
}

/// Maxwellian with the original's moments, which gives the halos their shape.
pub(super) struct Maxwellian {
    /// ln of the peak.
    log_peak: f64,
    /// C⁻¹ by the products of coordinates xx, xy, xz, yy, yz and zz, those of different ones counted twice.
    inverse: [f64; 6],
}

impl Maxwellian {
    /// Maxwellian of n particles with the given widths in cells, and correlations of the axes xy, xz and yz; `None` if
    /// these are no covariance, or nearly none.
    pub(super) fn new(density: f64, widths: [f64; 3], [xy, xz, yz]: [f64; 3]) -> Option<Self> {
        /// Smallest determinant of the correlations.
        const LEAST: f64 = 1e-6;
        let correlations = Matrix3::new(1.0, xy, xz, xy, 1.0, yz, xz, yz, 1.0);
        let cholesky = correlations.cholesky()?;
        let determinant = cholesky.determinant();
        let inverse = cholesky.inverse();
        // A cell holds no more than all particles, however narrow the density is.
        let volume: f64 = widths.iter().map(|width| (TAU.sqrt() * width).max(1.0)).product();
        let log_peak = (density / volume).ln() - 0.5 * determinant.ln();
        let inverse = [
            inverse[(0, 0)],
            2.0 * inverse[(0, 1)],
            2.0 * inverse[(0, 2)],
            inverse[(1, 1)],
            2.0 * inverse[(1, 2)],
            inverse[(2, 2)],
        ];
        (determinant > LEAST && log_peak.is_finite()).then_some(Self { log_peak, inverse })
    }

    /// ln G, and the smallest G that counts.
    pub(super) fn raised(&self, halo: Halo) -> (Polynomial, f64) {
        let top = self.log_peak + halo.log_height();
        (self.polynomial(top, halo.narrowness()), FAINT * top.exp())
    }

    /// top − ½ x·C⁻¹x · narrowness.
    fn polynomial(&self, top: f64, narrowness: f64) -> Polynomial {
        let mut polynomial = Polynomial::zero(MOMENTS, [0.0; 3]);
        polynomial.multipliers[0] = top;
        for (multiplier, inverse) in polynomial.multipliers[4..].iter_mut().zip(self.inverse) {
            *multiplier = -0.5 * inverse * narrowness;
        }
        polynomial
    }
}

/// Data for the fit of a halo: what a decoded density lacks, in decades above a floor.
pub(super) struct Lack<'a> {
    pub(super) maxwellian: &'a Maxwellian,
    pub(super) axes: &'a Axes,
    /// Decades of the original and of the decoded density above the floor.
    pub(super) wanted: &'a [f64],
    pub(super) found: &'a [f64],
    /// ln of the floor, in the unit of the Maxwellian.
    pub(super) log_floor: f64,
}

impl Lack<'_> {
    /// The halo that lowers the logarithmic error most; `None` if no halo lowers it noticeably.
    pub(super) fn halo(&self) -> Option<Halo> {
        /// Part of the squared error that a halo has to take away.
        const WORTH: f64 = 0.04;
        let mut best = self.first()?;
        let mut error = self.error(Some(best));
        let mut step = 4;
        // Steps along the valley, in which a higher halo is a narrower one, and across it.
        let ways = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)];
        while step > 0 {
            let tried = ways.iter().filter_map(|(fall, width)| best.moved(step * fall, step * width));
            let lower = tried.map(|halo| (halo, self.error(Some(halo)))).find(|(_, tried)| *tried < error);
            match lower {
                Some(lower) => (best, error) = lower,
                None => step /= 2,
            }
        }
        (error < (1.0 - WORTH) * self.error(None)).then_some(best)
    }

    /// Straight line through ln f by ½ x·C⁻¹x, in cells that hold less than half of the original; `None` if there are
    /// few.
    fn first(&self) -> Option<Halo> {
        /// Part of the cells above the floor that have to be among these.
        const MANY: f64 = 0.01;
        const HALF: f64 = std::f64::consts::LOG10_2;
        let distance = self.maxwellian.polynomial(0.0, -1.0);
        let (mut above, mut sums) = (0.0, [0.0; 5]);
        self.for_each_row(|wanted, found, x, y, z| {
            let [a, b, c, _] = distance.along_z(x, y);
            let [count, row @ ..] = row_sums(z.len(), |k| {
                let (f, q) = (wanted[k], a + z[k] * (b + z[k] * c));
                let lacks = f > 0.0 && (found[k] < f - HALF || found[k] <= 0.0);
                let one = if lacks { 1.0 } else { 0.0 };
                [if f > 0.0 { 1.0 } else { 0.0 }, one, one * q, one * q * q, one * f, one * q * f]
            });
            above += count;
            sums.iter_mut().zip(row).for_each(|(sum, term)| *sum += term);
        });
        let [n, q, qq, f, qf] = sums;
        let slope = (n * qf - q * f) / (n * qq - q * q) * LN_10;
        if n < MANY * above || n < MOMENTS as f64 || slope.is_nan() {
            return None;
        }
        // −1/s², at least the smallest one that a halo has.
        let slope = slope.min(-0.02);
        let top = f / n * LN_10 - slope * q / n + self.log_floor;
        let fall = (self.maxwellian.log_peak - top) * 2.0 / LN_2;
        Some(Halo::near(fall, -4.0 * (-slope).log2()))
    }

    /// Squared error of the decades if densities below the halo are raised to it.
    fn error(&self, halo: Option<Halo>) -> f64 {
        let mut polynomial = self.maxwellian.polynomial(f64::MIN, 0.0);
        if let Some(halo) = halo {
            polynomial = self.maxwellian.raised(halo).0;
            polynomial.multipliers[0] -= self.log_floor;
            polynomial.multipliers.iter_mut().for_each(|multiplier| *multiplier /= LN_10);
        }
        let mut error = 0.0;
        self.for_each_row(|wanted, found, x, y, z| {
            let [a, b, c, _] = polynomial.along_z(x, y);
            let [row] = row_sums(z.len(), |k| {
                let raised = a + z[k] * (b + z[k] * c);
                let off = wanted[k] - if raised > found[k] { raised } else { found[k] };
                [off * off]
            });
            error += row;
        });
        error
    }

    fn for_each_row(&self, mut visit: impl FnMut(&[f64], &[f64], f64, f64, &[f64])) {
        let [x, y, z] = self.axes;
        let rows = self.wanted.chunks_exact(z.len()).zip(self.found.chunks_exact(z.len()));
        for (row, (wanted, found)) in rows.enumerate() {
            visit(wanted, found, x[row / y.len()], y[row % y.len()], z);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> Axes {
        [14, 15, 13].map(|n| (0..n).map(|k| 0.6 * (k as f64 - 0.5 * (n - 1) as f64)).collect())
    }

    /// Decades above 1e-6 of e^(top − ½ x·x narrowness) where `kept` (of x·x) is true, else zero.
    fn decades(top: f64, narrowness: f64, kept: impl Fn(f64) -> bool) -> Vec<f64> {
        let [x, y, z] = axes();
        let mut decades = Vec::new();
        for x in &x {
            for y in &y {
                for z in &z {
                    let q = x * x + y * y + z * z;
                    let log = (top - 0.5 * q * narrowness) / LN_10 + 6.0;
                    decades.push(if kept(q) { log.max(0.0) } else { 0.0 });
                }
            }
        }
        decades
    }

    #[test]
    fn a_halo_is_what_a_core_lacks() {
        let maxwellian = Maxwellian::new(1.0, [1.0; 3], [0.0; 3]).unwrap();
        let (wanted, found) = (decades(-4.0, 0.4, |_| true), decades(-4.0, 0.4, |q| q < 6.0));
        let axes = axes();
        let lack =
            Lack { maxwellian: &maxwellian, axes: &axes, wanted: &wanted, found: &found, log_floor: -6.0 * LN_10 };
        let halo = lack.halo().unwrap();
        // Within half a step of ln 2/2 and of 2^(1/8).
        assert!((maxwellian.log_peak + halo.log_height() + 4.0).abs() < 0.4, "{halo:?}");
        assert!((halo.narrowness() / 0.4).log2().abs() < 0.3, "{halo:?}");
        assert!(lack.error(Some(halo)) < 0.05 * lack.error(None));
        assert_eq!(Lack { found: &wanted, ..lack }.halo(), None);
    }

    #[test]
    fn halos_are_read_as_they_were_written() {
        for halo in [None, Some(Halo { fall: 0, width: 31 }), Some(Halo { fall: 63, width: 0 })] {
            let mut writer = Coder::writing();
            Halo::code(halo, &mut writer);
            assert_eq!(Halo::code(None, &mut Coder::reading(&writer.finish())), halo);
        }
    }

    #[test]
    fn no_maxwellian_has_impossible_correlations() {
        assert!(Maxwellian::new(1.0, [1.0; 3], [1.0, 0.0, 0.0]).is_none());
        assert!(Maxwellian::new(1.0, [1.0; 3], [f64::NAN, 0.0, 0.0]).is_none());
        assert!(Maxwellian::new(0.0, [1.0; 3], [0.0; 3]).is_none());
        assert!(Maxwellian::new(1.0, [1e-9; 3], [0.5, 0.5, 0.5]).is_some());
    }
}
