//! Choice of steps that keep repeated encodings near the first original.
//!
//! The widest step that meets a bound has two disadvantages when its reconstruction is encoded again. First, if few
//! numbers have most of the norm, it rounds them up: for a single number c the widest step is c / (1 − bound), and its
//! first multiple exceeds c by the whole bound. Second, the numbers of a decoded distribution are multiples of the step
//! of its stream, and rounding them to a wider step makes the whole error again. Therefore a step is moved until the
//! reconstruction has the norm of the distribution, and a step is kept if the numbers are multiples of it already.

use super::search::{Search, Tried};
use super::{END_OF_EXPONENTS, MIN_EXPONENT, STEPS_PER_OCTAVE, exponent, step};
use crate::basis::{Coefficients, Quantise};
use crate::coding::{Coder, Resolution};
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// Ratio of steps, as a difference of exponents (a factor of 4), up to which an old step is kept. If a wider one meets
/// the bound, the bound is looser than that of the stream from which the distribution was decoded.
const KEPT_UNLESS_WIDER: i32 = 2 * STEPS_PER_OCTAVE;
/// Part of the allowed error below which rounding to an old step must stay, for numbers to count as decoded from a
/// stream with that step. Numbers that were not would be wrong by the error of rounding, nearly all of what is
/// allowed.
const KEPT_IF_ERROR_BELOW: f64 = 0.3;
/// Largest growth of the error `l2` by a move. At an error e the norm costs √(2 − 2 √(1 − e²)) / e − 1 of it: 1% at 0.3, 2%
/// at 0.4. Where the basis itself leaves more of the distribution out, its projection is rightly smaller, and stays so.
const MAX_GROWTH: f64 = 0.02;
/// Maximum number of moves of a step. Each one changes the multiples of a few numbers, and the gain again.
const MOVES: usize = 4;
/// Error `l2` below which steps are not moved: the norm is wrong by no more than this, and not again in later
/// generations, because they keep the step.
const MOVE_ABOVE: f64 = 0.025;

/// Rounded coefficients with their error, and the factor ‖f‖ / ‖g‖ by which they would have the norm of f.
struct Measured<C> {
    tried: Tried<C>,
    l2: f64,
    gain: f64,
}

impl<B: Quantise> Search<'_, B> {
    /// Replaces the answer of the search by a step near it that suits repeated encoding, if there is one.
    pub(super) fn settled(&self, found: Tried<B::Coefficients>) -> Result<Tried<B::Coefficients>> {
        if found.excess > 1.0 || self.basis.ignores_step() || self.enough.is_some() {
            return Ok(found);
        }
        match self.as_before(&found)? {
            // The search looks at errors alone where the length is limited as well.
            Some(before) if self.beyond(&before)?.is_none() => Ok(before),
            _ => self.centred(found),
        }
    }

    /// The answer as a reader gets it. Numbers from which others follow, as the widths of a component from its axes, may need
    /// to be rounded again. If that misses the bound, slightly finer steps are tried; if these miss it too, the answer is the
    /// nearest of them, and misses it. An answer of which rounding again makes another each time stays as it is.
    pub(super) fn as_read(&self, answer: Tried<B::Coefficients>) -> Result<Tried<B::Coefficients>> {
        /// Finer steps tried.
        const FINER: i32 = 8;
        if answer.excess > 1.0 || self.basis.is_transform() || self.basis.ignores_step() {
            return Ok(answer);
        }
        let mut nearest: Option<Tried<B::Coefficients>> = None;
        for exponent in ((answer.exponent - FINER).max(MIN_EXPONENT)..=answer.exponent).rev() {
            let resolution = Resolution::Step(step(exponent));
            let rounded = match exponent == answer.exponent {
                true => Ok(answer.rounded.clone()),
                false => self.basis.rounded(self.found, self.vdf, resolution),
            };
            let Ok(Some(read)) = rounded.and_then(|rounded| self.as_written(rounded, resolution)) else { continue };
            if exponent == answer.exponent && read == answer.rounded {
                return Ok(answer);
            }
            let excess = self.excess(exponent, &read)?;
            let tried = Tried { exponent, rounded: read, excess };
            if excess <= 1.0 && self.beyond(&tried)?.is_none() {
                return Ok(tried);
            }
            if nearest.as_ref().is_none_or(|nearest| excess < nearest.excess) {
                nearest = Some(tried);
            }
        }
        Ok(nearest.unwrap_or(answer))
    }

    /// Coefficients in a step of which they are multiples already; `None` if there is no such step, or if it misses the
    /// bound.
    fn as_before(&self, found: &Tried<B::Coefficients>) -> Result<Option<Tried<B::Coefficients>>> {
        let widest = (exponent(self.reference.norm()) + STEPS_PER_OCTAVE).clamp(MIN_EXPONENT, END_OF_EXPONENTS - 1);
        let finest = (found.exponent - KEPT_UNLESS_WIDER).clamp(MIN_EXPONENT, widest);
        let steps: Vec<f64> = (finest..=widest).rev().map(step).collect();
        let Some((index, coefficients)) = self.basis.rounded_before(self.found, self.vdf, &steps) else {
            return Ok(None);
        };
        let Some(before) = self.measured(&coefficients, widest - index as i32)? else { return Ok(None) };
        if before.tried.excess > 1.0 {
            return Ok(None);
        }
        let allowed = match self.only_l2() {
            Some(l2) => l2,
            None => self.reference.relative_l2(&self.basis.reconstruct(&found.rounded, self.vdf.grid())?),
        };
        Ok((before.l2 <= KEPT_IF_ERROR_BELOW * allowed).then_some(before.tried))
    }

    /// Moves the step to where the same multiples have the norm of the distribution. (The nearest reconstruction,
    /// ⟨f, g⟩ / ⟨g, g⟩ times g, has a norm that is smaller by half the square of the error, again in every generation.)
    fn centred(&self, found: Tried<B::Coefficients>) -> Result<Tried<B::Coefficients>> {
        let (l2, gain) = self.error_and_gain_at(found.exponent, &found.rounded)?;
        if moves(gain) == 0 {
            return Ok(found);
        }
        let Some(mut len) = self.len_of(&found)? else { return Ok(found) };
        let mut best = Measured { tried: found, l2, gain };
        for _ in 0..MOVES {
            let to = (best.tried.exponent + moves(best.gain)).clamp(MIN_EXPONENT, END_OF_EXPONENTS - 1);
            if to == best.tried.exponent {
                break;
            }
            let mut scaled = best.tried.rounded.clone();
            scaled.scale(step(to) / step(best.tried.exponent));
            let Some(next) = self.measured(&scaled, to)? else { break };
            let Some(next_len) = self.len_of(&next.tried)? else { break };
            let is_nearer = moves(next.gain).abs() < moves(best.gain).abs();
            let is_worse = next.l2 > (1.0 + MAX_GROWTH) * l2;
            if next.tried.excess > 1.0 || !is_nearer || is_worse || next_len > len {
                break;
            }
            (best, len) = (next, next_len);
        }
        Ok(best.tried)
    }

    /// Error `l2` of a reconstruction. It is stored with its gain, because the chosen step needs both again.
    pub(super) fn noted_l2(&self, exponent: i32, back: &Vdf) -> f64 {
        let (l2, gain) = self.error_and_gain(back);
        self.gains.borrow_mut().push((exponent, l2, gain));
        l2
    }

    /// Error and gain at a step: those stored last, or measured now.
    fn error_and_gain_at(&self, exponent: i32, rounded: &B::Coefficients) -> Result<(f64, f64)> {
        let stored = self.gains.borrow().iter().rev().find(|(at, ..)| *at == exponent).map(|&(_, l2, gain)| (l2, gain));
        match stored {
            Some(stored) => Ok(stored),
            None => Ok(self.error_and_gain(&self.basis.reconstruct(rounded, self.vdf.grid())?)),
        }
    }

    fn error_and_gain(&self, back: &Vdf) -> (f64, f64) {
        let l2 = self.reference.relative_l2(back);
        (l2, if l2 < MOVE_ABOVE { 1.0 } else { self.reference.gain(back) })
    }

    /// Coefficients rounded to a step, with their errors; `None` if they cannot be rounded to it.
    fn measured(&self, coefficients: &B::Coefficients, exponent: i32) -> Result<Option<Measured<B::Coefficients>>> {
        let resolution = Resolution::Step(step(exponent));
        let Ok(rounded) = self.basis.rounded(coefficients, self.vdf, resolution) else { return Ok(None) };
        // Coefficients that choose their own step, such as those of a preset, cannot be scaled: a stream would hold
        // others.
        let written = self.written(&rounded, resolution, &mut Coder::writing());
        if !written.is_ok_and(|written| written == rounded) {
            return Ok(None);
        }
        let excess = self.excess(exponent, &rounded)?;
        let (l2, gain) = self.error_and_gain_at(exponent, &rounded)?;
        Ok(Some(Measured { tried: Tried { exponent, rounded, excess }, l2, gain }))
    }

    /// Length of the stream in bytes; `None` if a reader would get other coefficients, as from those in a step of
    /// their own.
    fn len_of(&self, tried: &Tried<B::Coefficients>) -> Result<Option<usize>> {
        let (read, len) = self.streamed(tried.exponent, &tried.rounded)?;
        Ok(agree(&read, &tried.rounded).then_some(len))
    }
}

/// True if two sets of coefficients have the same numbers, apart from the last digits.
fn agree<C: Coefficients>(a: &C, b: &C) -> bool {
    /// Relative difference that rounding errors may cause; a different multiple of a step differs by far more.
    const DIGITS: f64 = 1e-9;
    let numbers = |coefficients: &C| {
        let mut numbers = Vec::new();
        coefficients.visit(&mut |_, value| numbers.push(value));
        numbers
    };
    let (a, b) = (numbers(a), numbers(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= DIGITS * a.abs().max(b.abs()))
}

/// Change of the exponent by a gain: `round(64 log₂(gain))`, the multiples staying the same.
fn moves(gain: f64) -> i32 {
    if gain > 0.0 && gain.is_finite() { (f64::from(STEPS_PER_OCTAVE) * gain.log2()).round() as i32 } else { 0 }
}
