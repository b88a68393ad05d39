//! Steps that keep repeated encodings near the first original.
//!
//! The widest step that meets a bound leads away from it in two ways. Where few numbers carry the norm it rounds them up:
//! of one number c alone the widest step is c / (1 − bound), whose first multiple is larger than c by the whole bound.
//! And a distribution that was decoded from a stream consists of multiples of that stream's step: a wider step makes the
//! whole error once more. So a step is moved to where the same multiples have the distribution's norm, and a step of
//! which the numbers are multiples already is kept.

use super::search::{Figure, Search, Tried};
use super::{FINENESS, LEAST, MOST, code_octave, octave, step};
use crate::basis::{Basis, Coefficients, Quantity};
use crate::coding::{Coder, Resolution};
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::header;

/// A step of which the numbers are multiples already is kept unless one this much wider meets the bound: the bound is
/// then a looser one than that of the stream from which the distribution was decoded.
const KEPT_UNLESS_WIDER: i32 = 2 * FINENESS;
/// Numbers count as decoded from a stream if rounding them to its step makes less than this part of the error allowed.
const SAME: f64 = 0.3;
/// Steps are moved at most so often.
const MOVES: usize = 4;
/// Below this error steps stay where the search found them: it enlarges by no more than this, and not again, since the
/// step is kept.
const UNMOVED: f64 = 0.025;

/// Rounded coefficients with their error, and the factor ‖f‖ / ‖g‖ by which they would have the norm of f.
struct Measured<C> {
    tried: Tried<C>,
    l2: f64,
    gain: f64,
}

impl<B: Basis> Search<'_, B> {
    /// The answer of the search, or the one near it that does not lead repeated encodings away.
    pub(super) fn settled(&self, found: Tried<B::Coefficients>) -> Result<Tried<B::Coefficients>> {
        if found.reached > self.bound {
            return Ok(found);
        }
        match self.as_before(&found)? {
            Some(before) => Ok(before),
            None => self.centred(found),
        }
    }

    /// The coefficients in the step of which they are multiples already.
    fn as_before(&self, found: &Tried<B::Coefficients>) -> Result<Option<Tried<B::Coefficients>>> {
        let widest = (octave(self.reference.norm()) + FINENESS).clamp(LEAST, MOST - 1);
        let finest = (found.octave - KEPT_UNLESS_WIDER).clamp(LEAST, widest);
        // By products, which is quick, and near enough to the steps themselves to know them again.
        let narrower = step(-1);
        let steps = std::iter::successors(Some(step(widest)), |step| Some(step * narrower));
        let steps: Vec<f64> = steps.take((widest - finest) as usize + 1).collect();
        let Some(index) = self.basis.rounded_before(self.found, self.vdf, &steps) else { return Ok(None) };
        let Some(before) = self.measured(self.found, widest - index as i32)? else { return Ok(None) };
        if before.tried.reached > self.bound {
            return Ok(None);
        }
        let allowed = match self.figure {
            Figure::L2 => self.bound,
            _ => self.reference.relative_l2(&self.basis.reconstruct(&found.rounded, self.vdf.grid())?),
        };
        Ok((before.l2 <= SAME * allowed).then_some(before.tried))
    }

    /// The same multiples of the step with which they have the norm of the distribution. The nearest answer, ⟨f, g⟩ / ⟨g, g⟩
    /// times g, would be smaller than f by half the square of the error, again in every generation.
    fn centred(&self, found: Tried<B::Coefficients>) -> Result<Tried<B::Coefficients>> {
        let (l2, gain) = match self.gain_at(found.octave) {
            Some(known) => known,
            None => self.error_and_gain(&self.basis.reconstruct(&found.rounded, self.vdf.grid())?),
        };
        if moves(gain) == 0 {
            return Ok(found);
        }
        let Some(mut len) = self.len_of(&found)? else { return Ok(found) };
        let mut best = Measured { tried: found, l2, gain };
        for _ in 0..MOVES {
            let to = (best.tried.octave + moves(best.gain)).clamp(LEAST, MOST - 1);
            if to == best.tried.octave {
                break;
            }
            let scaled = scaled(&best.tried.rounded, step(to) / step(best.tried.octave));
            let Some(next) = self.measured(&scaled, to)? else { break };
            let Some(next_len) = self.len_of(&next.tried)? else { break };
            let is_nearer = moves(next.gain).abs() < moves(best.gain).abs();
            if next.tried.reached > self.bound || !is_nearer || next_len > len {
                break;
            }
            (best, len) = (next, next_len);
        }
        Ok(best.tried)
    }

    /// The error of what a step decodes to, noted with its gain for the step that is taken in the end.
    pub(super) fn noted_l2(&self, octave: i32, back: &Vdf) -> f64 {
        let (l2, gain) = self.error_and_gain(back);
        self.gains.borrow_mut().push((octave, l2, gain));
        l2
    }

    fn gain_at(&self, octave: i32) -> Option<(f64, f64)> {
        self.gains.borrow().iter().rev().find(|(at, ..)| *at == octave).map(|&(_, l2, gain)| (l2, gain))
    }

    fn error_and_gain(&self, back: &Vdf) -> (f64, f64) {
        let l2 = self.reference.relative_l2(back);
        (l2, if l2 < UNMOVED { 1.0 } else { self.reference.gain(back) })
    }

    /// Coefficients rounded to a step; none where that is not possible.
    fn measured(&self, coefficients: &B::Coefficients, octave: i32) -> Result<Option<Measured<B::Coefficients>>> {
        let resolution = Resolution::Step(step(octave));
        let Ok(rounded) = self.basis.rounded(coefficients, self.vdf, resolution) else { return Ok(None) };
        // Coefficients that round for themselves, as of a preset inside, cannot be scaled: a stream holds others.
        let written = self.basis.code(Some(&rounded), self.vdf.grid(), resolution, &mut Coder::writing());
        if !written.is_ok_and(|written| written == rounded) {
            return Ok(None);
        }
        let back = self.basis.reconstruct(&rounded, self.vdf.grid())?;
        let (l2, gain) = self.error_and_gain(&back);
        let mut tried = Tried { octave, rounded, reached: l2 };
        tried.reached = match self.figure {
            Figure::L2 => l2,
            Figure::Linf => self.reference.relative_linf(&back),
            Figure::Bytes => self.len_of(&tried)?.map_or(f64::INFINITY, |len| len as f64),
        };
        Ok(Some(Measured { tried, l2, gain }))
    }

    /// Bytes of the stream; none if a reader would get something else, as from coefficients in a step of their own.
    fn len_of(&self, tried: &Tried<B::Coefficients>) -> Result<Option<usize>> {
        let mut coder: Coder<'static> = self.head.clone();
        code_octave(Some(tried.octave), &mut coder)?;
        let resolution = Resolution::Step(step(tried.octave));
        let read = self.basis.code(Some(&tried.rounded), self.vdf.grid(), resolution, &mut coder)?;
        Ok(agree(&read, &tried.rounded).then(|| header::whole_len(coder)))
    }
}

/// Whether two sets of coefficients have the same numbers, but for the last digits.
fn agree<C: Coefficients>(a: &C, b: &C) -> bool {
    const DIGITS: f64 = 1e-9;
    let numbers = |coefficients: &C| {
        let mut numbers = Vec::new();
        coefficients.clone().visit(&mut |_, value| numbers.push(*value));
        numbers
    };
    let (a, b) = (numbers(a), numbers(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= DIGITS * a.abs().max(b.abs()))
}

/// By how many steps a gain moves a step.
fn moves(gain: f64) -> i32 {
    if gain > 0.0 && gain.is_finite() { (f64::from(FINENESS) * gain.log2()).round() as i32 } else { 0 }
}

/// Coefficients of a distribution that is larger by a factor.
fn scaled<C: Coefficients>(coefficients: &C, factor: f64) -> C {
    let mut scaled = coefficients.clone();
    scaled.visit(&mut |slot, value| {
        if matches!(slot.quantity, Quantity::PhaseSpaceDensity | Quantity::NumberDensity) {
            *value *= factor;
        }
    });
    scaled
}
