//! Densities as decades above a floor: h = log₁₀(max(f, floor) / floor).

use std::f64::consts::LN_10;

use super::vdf::Vdf;
use crate::coding::{Coder, Reals, Resolution, malformed};
use crate::error::{Error, Result};
use crate::numerics::exponential::{exp, ln};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

/// Where the logarithm of a density begins: at a given density, or at a fraction of each distribution's peak.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Floor(Option<f64>);

impl Floor {
    /// The default, as a fraction of the peak.
    pub(crate) const RELATIVE: f64 = 1e-6;

    /// At a density [s³ m⁻⁶].
    pub(crate) fn at(floor: f64) -> Result<Self> {
        // The least normal number: what is below it has no digits to take a logarithm of.
        if floor >= f64::MIN_POSITIVE && floor.is_finite() {
            return Ok(Self(Some(floor)));
        }
        let allowed = "a positive phase-space density".to_owned();
        Err(Error::InvalidParameter { name: "floor", value: floor.to_string(), allowed })
    }

    /// The density given, if one was.
    pub(crate) fn given(self) -> Option<f64> {
        self.0
    }

    /// The floor for one distribution; `basis` is named in the error where no density is above it.
    pub(crate) fn of(self, vdf: &Vdf, basis: &'static str) -> Result<f64> {
        let peak = vdf.as_slice().iter().fold(0.0, |peak, &f| f64::max(peak, f));
        let floor = match self.0 {
            Some(floor) => floor,
            // No positive density: any floor leaves h = 0.
            None if peak == 0.0 => 1.0,
            None => (Self::RELATIVE * peak).max(f64::MIN_POSITIVE),
        };
        if peak > 0.0 && peak <= floor {
            let reason = format!("no density is above the floor, {floor:e}; the largest is {peak:e}");
            return Err(Error::Degenerate { basis, reason });
        }
        Ok(floor)
    }

    /// Writes the floor of one distribution, where it is not given, and its octaves, or reads them.
    pub(crate) fn code(self, given: Option<(f64, u32)>, coder: &mut Coder<'_>) -> Result<(f64, u32)> {
        let floor = match self.0 {
            Some(floor) => floor,
            None => coder.real(&mut Reals::default(), given.map_or(1.0, |(floor, _)| floor))?,
        };
        let octaves = coder.count(given.map_or(0, |(_, octaves)| octaves as usize), MOST_OCTAVES)? as u32;
        match Self::at(floor) {
            Ok(_) => Ok((floor, octaves)),
            Err(error) => Err(malformed(error.to_string())),
        }
    }
}

/// The whole range of f64.
const MOST_OCTAVES: usize = 2100;

/// How often the root mean square of the density is twice the floor: with it a stream knows how fine logarithms must be.
pub(crate) fn octaves(vdf: &Vdf, floor: f64) -> u32 {
    let peak = vdf.as_slice().iter().fold(floor, |peak, &f| f64::max(peak, f));
    let squares: f64 = vdf.as_slice().iter().map(|f| (f.max(floor) / peak).powi(2)).sum();
    let mean = squares / vdf.grid().cells() as f64;
    (peak.log2() - floor.log2() + 0.5 * mean.log2()).round().max(0.0) as u32
}

/// The resolution of decades: a change of h changes f by f ln 10 times as much; spread over all cells, by ln 10 times the
/// root mean square of f.
pub(crate) fn resolution(of_density: Resolution, floor: f64, octaves: u32) -> Resolution {
    match of_density {
        Resolution::Exact => Resolution::Exact,
        Resolution::Step(step) => {
            // Half of the octaves before the division and half after it: neither leaves the range of f64.
            let halves = [octaves / 2, octaves - octaves / 2].map(|octaves| 0.5_f64.powi(octaves as i32));
            Resolution::Step(step * halves[0] / floor / LN_10 * halves[1])
        }
    }
}

/// The decades of densities above a floor; 0 for those that are not.
pub(crate) fn above(densities: &[f64], floor: f64) -> Vec<f64> {
    let mut decades = densities.to_vec();
    in_lanes(&mut decades, Kind::Logarithm(floor));
    decades
}

/// Decades that are no more than rounding: what lies at the floor must not decode to the floor in one cell and to zero
/// in the next.
const NOTHING: f64 = 1e-9;

/// The densities of decades above a floor, in place; 0 where there are none.
pub(crate) fn to_densities(decades: &mut [f64], floor: f64) {
    in_lanes(decades, Kind::Power(floor));
}

#[derive(Clone, Copy)]
enum Kind {
    Logarithm(f64),
    Power(f64),
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
            Kind::Power(floor) => {
                let least = ln(Vector::splat(i, floor));
                for h in self.whole {
                    power(Vector::load(i, h), least).store(h);
                }
                power(Vector::load(i, self.last), least).store(self.last);
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
    /// Where the exponential ends; what is larger must not pass for a density.
    const BOUND: f64 = 709.0;
    let x = h * std::f64::consts::LN_10 + least;
    exp(x).where_below(x, x.of(BOUND), x.of(f64::INFINITY)).where_at_least(h, NOTHING)
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
            to_densities(&mut back, floor);
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
        to_densities(&mut h, 1e-16);
        assert_eq!((&h[..4], &h[5..]), (&[0.0; 4][..], &[0.0; 2][..]));
    }

    #[test]
    fn more_decades_than_numbers_have_are_no_density() {
        let mut h = [400.0, 1e300, f64::MAX];
        to_densities(&mut h, 1.0);
        assert_eq!(h, [f64::INFINITY; 3]);
    }
}
