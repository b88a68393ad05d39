//! Densities as decades above a floor: h = log₁₀(max(f, floor) / floor).

use std::f64::consts::{LN_10, LOG10_2};

use ndarray::Array3;

use super::fidelity::Fidelity;
use super::vdf::Vdf;
use crate::coding::{Coder, Reals, Resolution, malformed};
use crate::error::{Error, Result};
use crate::numerics::exponential::{exp, ln};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

/// Floor of the logarithm of a density.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) enum Floor {
    /// [`Floor::RELATIVE`] of each distribution's peak.
    #[default]
    OfPeak,
    /// A given density [s³ m⁻⁶].
    Given(f64),
    /// A part of each distribution's [`Fidelity::default_floor`]; the stream holds the product.
    Found(f64),
}

impl Floor {
    /// Default floor, as a fraction of the peak.
    pub(crate) const RELATIVE: f64 = 1e-6;

    /// Floor at a given density [s³ m⁻⁶].
    pub(crate) fn at(floor: f64) -> Result<Self> {
        // Numbers below the smallest normal one lose digits, and `ln` here is defined for normal numbers only.
        if floor >= f64::MIN_POSITIVE && floor.is_finite() {
            return Ok(Self::Given(floor));
        }
        Err(Error::parameter("floor", floor, "a positive phase-space density"))
    }

    /// The given density, if there is one.
    pub(crate) fn given(self) -> Option<f64> {
        match self {
            Self::Given(floor) => Some(floor),
            Self::OfPeak | Self::Found(_) => None,
        }
    }

    /// Floor for one distribution. The error, if no density is above it, names `basis`.
    pub(crate) fn of(self, vdf: &Vdf, basis: &'static str) -> Result<f64> {
        let peak = vdf.as_slice().iter().fold(0.0, |peak, &f| f64::max(peak, f));
        let floor = match self {
            Self::Given(floor) => floor,
            // No positive density: any floor leaves h = 0.
            _ if peak == 0.0 => 1.0,
            Self::OfPeak => (Self::RELATIVE * peak).max(f64::MIN_POSITIVE),
            Self::Found(part) => (part * Fidelity::default_floor(vdf)).max(f64::MIN_POSITIVE),
        };
        if peak > 0.0 && peak <= floor {
            let reason = format!("no density is above the floor, {floor:e}; the largest is {peak:e}");
            return Err(Error::Degenerate { basis, reason });
        }
        Ok(floor)
    }

    /// Writes or reads the floor of one distribution, unless it is given, and its octaves.
    pub(crate) fn code(self, floor: &mut f64, octaves: &mut u32, coder: &mut Coder<'_>) -> Result<()> {
        *floor = match self {
            Self::Given(given) if given != *floor && !coder.is_reading() => {
                return Err(Error::ForeignCoefficients(format!("logarithms above {floor:e}, not above {given:e}")));
            }
            Self::Given(given) => given,
            Self::OfPeak => coder.real(&mut Reals::default(), *floor)?,
            // Often a round number.
            Self::Found(_) => coder.decimal(*floor)?,
        };
        *octaves = coder.count(*octaves as usize, MAX_OCTAVES)? as u32;
        Self::at(*floor).map(|_| ()).map_err(|error| malformed(error.to_string()))
    }
}

/// Maximum number of octaves: the range of f64 from 2⁻¹⁰⁷⁴ to 2¹⁰²⁴ has 2098.
const MAX_OCTAVES: usize = 2100;

/// Octaves from the floor of a distribution to its peak, `ceil(log2(peak / floor))`. `None` for a floor that is a fixed part
/// of the peak.
pub(crate) fn octaves_of_peak(kind: Floor, floor: f64, vdf: &Vdf) -> Option<u32> {
    if kind == Floor::OfPeak {
        return None;
    }
    let peak = vdf.as_slice().iter().fold(floor, |peak, &f| f64::max(peak, f));
    Some((peak.log2() - floor.log2()).ceil().max(0.0) as u32)
}

/// Writes or reads the octaves of the peak above the floor; none for a floor that is a fixed part of the peak.
pub(crate) fn code_octaves_of_peak(kind: Floor, octaves: &mut Option<u32>, coder: &mut Coder<'_>) -> Result<()> {
    *octaves = match (kind, *octaves) {
        (Floor::OfPeak, _) => None,
        (_, None) if !coder.is_reading() => {
            let reason = "logarithms above a given floor, but the octaves of the peak above it are missing";
            return Err(Error::ForeignCoefficients(reason.to_owned()));
        }
        (_, given) => Some(coder.count(given.unwrap_or(0) as usize, MAX_OCTAVES)? as u32),
    };
    Ok(())
}

/// Octaves from the floor to a bound on all densities, given those of the root mean square: if a single cell of N has
/// all the density, it is √N times as large. One more covers the rounding of `octaves`.
pub(crate) fn octaves_of_all(octaves: u32, cells: usize) -> u32 {
    octaves.saturating_add((0.5 * (cells as f64).log2()).ceil() as u32).saturating_add(1)
}

/// Maximum decades above the floor of a reconstruction: an octave above the peak. Beyond its data a fit of logarithms
/// may grow, and its exponential has no meaning there.
pub(crate) fn ceiling(octaves_of_peak: Option<u32>) -> f64 {
    octaves_of_peak.map_or_else(|| -Floor::RELATIVE.log10(), |octaves| f64::from(octaves) * LOG10_2) + LOG10_2
}

/// Octaves of the root mean square of the density, `round(log2(rms / floor))`, which set the step of logarithms in a
/// stream.
pub(crate) fn octaves(vdf: &Vdf, floor: f64) -> u32 {
    let peak = vdf.as_slice().iter().fold(floor, |peak, &f| f64::max(peak, f));
    let squares: f64 = vdf.as_slice().iter().map(|f| (f.max(floor) / peak).powi(2)).sum();
    let mean = squares / vdf.grid().cells() as f64;
    (peak.log2() - floor.log2() + 0.5 * mean.log2()).round().max(0.0) as u32
}

/// Resolution of decades for a step of the density. A change dh changes f by f ln 10 dh; over all cells, in the root
/// mean square, by rms · ln 10 dh. The step of h is therefore step / (rms ln 10), with rms = floor · 2^octaves.
pub(crate) fn resolution(of_density: Resolution, floor: f64, octaves: u32) -> Resolution {
    match of_density {
        Resolution::Exact => Resolution::Exact,
        Resolution::Step(step) => {
            // Half of the octaves are applied before the division and half after it, so that no factor leaves the range
            // of f64.
            let halves = [octaves / 2, octaves - octaves / 2].map(|octaves| 0.5_f64.powi(octaves as i32));
            Resolution::Step(step * halves[0] / floor / LN_10 * halves[1])
        }
    }
}

/// Decades of densities above a floor; 0 for densities below it.
pub(crate) fn above(densities: &[f64], floor: f64) -> Vec<f64> {
    let mut decades = densities.to_vec();
    in_lanes(&mut decades, Kind::Logarithm(floor));
    decades
}

/// Decades up to which a reconstruction is zero. Densities at the floor have h = 0 up to rounding errors, whose sign
/// must not decide between the floor and zero.
const ZERO_BELOW: f64 = 1e-9;

/// Converts decades above a floor to densities in place; 0 where the decades are not positive, limited to `ceiling`.
pub(crate) fn to_densities(decades: &mut [f64], floor: f64, ceiling: f64) {
    in_lanes(decades, Kind::Power { floor, ceiling });
}

/// Converts decades above a floor to the derivatives df/dh of their densities in place: f ln 10, and 0 where
/// [`to_densities`] gives zero or the limit.
pub(crate) fn to_slopes(decades: &mut [f64], floor: f64, ceiling: f64) {
    let is_free: Vec<bool> = decades.iter().map(|h| *h < ceiling).collect();
    to_densities(decades, floor, ceiling);
    for (f, is_free) in decades.iter_mut().zip(is_free) {
        *f = if is_free { *f * LN_10 } else { 0.0 };
    }
}

/// The gradient of densities from df/dh at the cells, in C order, and the gradient of h.
pub(crate) fn by_chain_rule(slopes: &[f64], mut gradient: [Array3<f64>; 3]) -> [Array3<f64>; 3] {
    for part in &mut gradient {
        // A zero slope is the limit of a constant, whatever the decades do there.
        part.iter_mut().zip(slopes).for_each(|(x, slope)| *x = if *slope == 0.0 { 0.0 } else { *x * slope });
    }
    gradient
}

#[derive(Clone, Copy)]
enum Kind {
    Logarithm(f64),
    Power { floor: f64, ceiling: f64 },
}

fn in_lanes(values: &mut [f64], kind: Kind) {
    let (whole, rest) = values.as_chunks_mut::<LANES>();
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    vectorised(Each { whole, last: &mut last, kind });
    rest.copy_from_slice(&last[..rest.len()]);
}

struct Each<'a> {
    whole: &'a mut [Lanes],
    last: &'a mut Lanes,
    kind: Kind,
}

impl Vectorisable for Each<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) {
        match self.kind {
            Kind::Logarithm(floor) => {
                let floor = Vector::splat(i, floor);
                // A difference, not the logarithm of a ratio: a floor of 1e-300 under a peak of 1e300 overflows.
                let least = ln(floor);
                for f in self.whole {
                    logarithm(Vector::load(i, f), floor, least).store(f);
                }
                logarithm(Vector::load(i, self.last), floor, least).store(self.last);
            }
            Kind::Power { floor, ceiling } => {
                let (least, ceiling) = (ln(Vector::splat(i, floor)), Vector::splat(i, ceiling));
                for h in self.whole {
                    power(Vector::load(i, h).smaller(ceiling), least).store(h);
                }
                power(Vector::load(i, self.last).smaller(ceiling), least).store(self.last);
            }
        }
    }
}

#[inline(always)]
fn logarithm<I: Instructions>(f: Vector<I>, floor: Vector<I>, least: Vector<I>) -> Vector<I> {
    (ln(f.larger(floor)) - least) * std::f64::consts::LOG10_E
}

#[inline(always)]
fn power<I: Instructions>(h: Vector<I>, least: Vector<I>) -> Vector<I> {
    /// Largest argument of the exponential, beyond which it would overflow.
    const BOUND: f64 = 709.0;
    let x = h * std::f64::consts::LN_10 + least;
    exp(x).where_below(x, x.of(BOUND), x.of(f64::INFINITY)).where_at_least(h, ZERO_BELOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_become_decades_and_come_back() {
        for floor in [1e-300, 1e-16, 1.0, 1e200] {
            let decades: Vec<f64> = (1..60).map(|k| 0.1 * f64::from(k)).collect();
            let densities: Vec<f64> = decades.iter().map(|h| floor * 10f64.powf(*h)).collect();
            let mut back = above(&densities, floor);
            for (h, expected) in back.iter().zip(&decades) {
                assert!((h - expected).abs() < 1e-12, "{h} not {expected}");
            }
            to_densities(&mut back, floor, f64::INFINITY);
            for (f, expected) in back.iter().zip(&densities) {
                assert!((f / expected - 1.0).abs() < 1e-12, "{f:e} not {expected:e}");
            }
        }
    }

    #[test]
    fn the_resolution_follows_the_density_from_any_floor() {
        for (density, floor) in [(1.0, 1e-6), (1e10, 1e-300), (1e300, 1e-300), (1e-290, 1e-300), (1e300, 1e294)] {
            let octaves = f64::log2(density) - f64::log2(floor);
            let step = resolution(Resolution::Step(1e-3 * density), floor, octaves.round() as u32).step().unwrap();
            // Within half an octave.
            assert!((step * LN_10 / 1e-3).log2().abs() < 0.51, "{density:e} above {floor:e}: {step:e}");
        }
    }

    #[test]
    fn what_is_not_above_the_floor_becomes_zero() {
        let mut h = above(&[-1.0, 0.0, 1e-300, 1e-16, 1e-15], 1e-16);
        assert_eq!(h[..4], [0.0; 4]);
        assert!((h[4] - 1.0).abs() < 1e-14);
        h.extend([-0.5, 1e-12]);
        to_densities(&mut h, 1e-16, f64::INFINITY);
        assert_eq!((&h[..4], &h[5..]), (&[0.0; 4][..], &[0.0; 2][..]));
    }

    #[test]
    fn nothing_is_above_the_ceiling_and_what_is_below_does_not_change() {
        let decades: Vec<f64> = (0..40).map(|k| 0.25 * f64::from(k)).collect();
        let of = |ceiling| {
            let mut densities = decades.clone();
            to_densities(&mut densities, 1e-16, ceiling);
            densities
        };
        for (k, (bounded, free)) in of(ceiling(None)).into_iter().zip(of(f64::INFINITY)).enumerate() {
            let expected = if decades[k] <= 6.3 { free } else { 2e-10 };
            assert!((bounded / expected - 1.0).abs() < 1e-12 || bounded == expected, "{k}: {bounded:e}");
        }
        assert!((ceiling(Some(10)) - 11.0 * LOG10_2).abs() < 1e-15);
    }

    #[test]
    fn more_decades_than_numbers_have_are_no_density() {
        let mut h = [400.0, 1e300, f64::MAX];
        to_densities(&mut h, 1.0, f64::INFINITY);
        assert_eq!(h, [f64::INFINITY; 3]);
    }
}
