//! The widest step that meets a bound.

use std::cell::RefCell;

use super::super::target::Target;
use super::{FINENESS, LEAST, code_octave, octave, step};
use crate::basis::{Basis, Coefficients};
use crate::coding::{Coder, Resolution};
use crate::distribution::fidelity::Reference;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::header;

/// Below this part of the bound something may be left to gain, by steps up to so many sixteenths of an octave wider.
const RAGGED: f64 = 0.99;
const BEYOND: i32 = 6;
/// From this part of the bound on nothing more is worth a step of the search; of bases that foresee their errors, and are
/// chosen for their speed, from the second on.
const ENOUGH: f64 = 0.995;
const ENOUGH_FORESEEN: f64 = 0.985;
/// The finest step is the norm times 2⁻⁵²: amplitudes of orthonormal functions are at most 2⁵² steps, and so exact as f64.
/// Errors of n numbers rounded to it add up to √(n/12)·2⁻⁵² of the norm: 2e-14 for 10⁵ numbers.
const FINEST: i32 = 52;
/// Steps below this part of the norm are checked: what is written at them must be what was rounded.
const FINE: f64 = 1.0 / (1_u64 << 32) as f64;
/// How often what a basis foresees is corrected.
const CORRECTIONS: usize = 4;

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Figure {
    L2,
    Linf,
    Bytes,
}

impl Figure {
    /// A target that says what was reached.
    pub(super) fn reached(self, figure: f64) -> Target {
        match self {
            Self::L2 => Target::L2(figure),
            Self::Linf => Target::Linf(figure),
            Self::Bytes => Target::Bytes(figure as usize),
        }
    }
}

/// The search for the step of one distribution's coefficients.
pub(super) struct Search<'a, B: Basis> {
    pub(super) basis: &'a B,
    pub(super) found: &'a B::Coefficients,
    pub(super) vdf: &'a Vdf,
    pub(super) reference: Reference<'a>,
    /// What stands in the stream before.
    pub(super) head: Coder<'static>,
    pub(super) figure: Figure,
    pub(super) bound: f64,
    /// Steps tried, with the error `l2` of each and the factor by which its answer would have the distribution's norm.
    pub(super) gains: RefCell<Vec<(i32, f64, f64)>>,
}

/// Coefficients rounded to a step, and the figure that they reach.
pub(super) struct Tried<C> {
    pub(super) octave: i32,
    pub(super) rounded: C,
    pub(super) reached: f64,
}

/// The result of rounding to one step.
enum Outcome<C> {
    Rounded {
        rounded: C,
        reached: f64,
    },
    /// The step is so wide that nothing is left that the basis could describe: the shortest stream and the largest error.
    TooCoarse,
    /// The step is finer than the digits that a stream can hold: the longest stream and the smallest error.
    TooFine,
}

/// The two steps between which the widest step lies that meets the bound.
struct Bracket<C> {
    bound: f64,
    /// The octaves that are of use, from the finest to the coarsest.
    ends: [i32; 2],
    /// The direction in which the figure grows: with the octave for errors, against it for bytes.
    worse: i32,
    /// Distance to the next step while all steps so far have met the bound, or all have missed it.
    stride: i32,
    /// The last step on either side of the bound, with its figure. A step that cannot be written has a figure too: zero
    /// or infinity.
    met: Option<(i32, f64)>,
    missed: Option<(i32, f64)>,
    /// The last coefficients that meet the bound. Steps that cannot be written never replace them.
    answer: Option<Tried<C>>,
    /// The nearest of the coefficients that miss it.
    nearest: Option<Tried<C>>,
}

impl<B: Basis> Search<'_, B> {
    /// The widest step whose figure is at most the bound (of bytes: the finest), and what it reaches; the best where
    /// none is.
    pub(super) fn coarsest(&self) -> Result<Tried<B::Coefficients>> {
        let norm = self.reference.norm();
        let norm = if norm > 0.0 { norm } else { 1.0 };
        let ends @ [fine, coarse] = [(octave(norm) - FINEST * FINENESS).max(LEAST), octave(norm)];
        let start = match self.figure {
            Figure::Bytes => coarse - 8 * FINENESS,
            // So many numbers rounded independently.
            _ => octave(norm * self.bound.min(1.0) / (1.0 + (self.found.count() as f64 / 120.0)).sqrt()),
        };
        let start = start.clamp(fine, coarse);
        let foreseen = if self.figure == Figure::L2 { self.foreseen(self.bound * norm, start, ends) } else { None };
        let (stride, mut corrections, enough) = match foreseen {
            Some(_) => (FINENESS / 8, CORRECTIONS, ENOUGH_FORESEEN),
            None => (2 * FINENESS, 0, ENOUGH),
        };
        let worse = if self.figure == Figure::Bytes { -1 } else { 1 };
        let (met, missed, answer, nearest) = (None, None, None, None);
        let mut bracket = Bracket { bound: self.bound, ends, worse, stride, met, missed, answer, nearest };
        let mut next = Some(foreseen.unwrap_or(start));
        while let Some(octave) = next {
            let outcome = self.at(octave)?;
            let reached = self.figure_of(&outcome);
            bracket.close_in(octave, outcome, reached);
            if self.figure != Figure::Bytes && reached <= self.bound && reached > enough * self.bound {
                break;
            }
            let mut corrected = None;
            if corrections > 0 && reached > 0.0 {
                corrections -= 1;
                // What is foreseen, times what it is wrong by here.
                let error = self.basis.rounding_error(self.found, step(octave)).unwrap_or(0.0);
                let wanted = error * 0.5 * (1.0 + enough) * self.bound / reached;
                corrected = self.foreseen(wanted, octave, ends).filter(|octave| bracket.is_open_to(*octave));
            }
            next = corrected.or_else(|| bracket.next());
        }
        if self.figure != Figure::Bytes && foreseen.is_none() {
            self.look_beyond(&mut bracket)?;
        }
        bracket.answer.or(bracket.nearest).ok_or_else(|| Error::TargetNotMet {
            basis: self.basis.to_string(),
            target: self.figure.reached(self.bound).to_string(),
            reached: "no step at which the coefficients can be written".to_owned(),
        })
    }

    /// Few numbers make a ragged curve: a wider step beyond the first that misses may meet the bound again.
    fn look_beyond(&self, bracket: &mut Bracket<B::Coefficients>) -> Result<()> {
        let Some(Tried { octave: found, reached, .. }) = bracket.answer else { return Ok(()) };
        if reached < RAGGED * self.bound {
            for sixteenths in (1..=BEYOND).rev() {
                let octave = found + sixteenths * (FINENESS / 16);
                if let Outcome::Rounded { rounded, reached } = self.at(octave)?
                    && reached <= self.bound
                {
                    bracket.answer = Some(Tried { octave, rounded, reached });
                    break;
                }
            }
        }
        Ok(())
    }

    /// The figure of an outcome; a step that cannot be written stands at the end of all that can.
    fn figure_of(&self, outcome: &Outcome<B::Coefficients>) -> f64 {
        match (outcome, self.figure) {
            (Outcome::Rounded { reached, .. }, _) => *reached,
            (Outcome::TooCoarse, Figure::Bytes) | (Outcome::TooFine, Figure::L2 | Figure::Linf) => 0.0,
            (Outcome::TooFine, Figure::Bytes) | (Outcome::TooCoarse, Figure::L2 | Figure::Linf) => f64::INFINITY,
        }
    }

    /// The coefficients rounded to this step, and their figure.
    fn at(&self, octave: i32) -> Result<Outcome<B::Coefficients>> {
        let resolution = Resolution::Step(step(octave));
        let rounded = match self.basis.rounded(self.found, self.vdf, resolution) {
            Ok(rounded) => rounded,
            Err(Error::Degenerate { .. }) => return Ok(Outcome::TooCoarse),
            Err(Error::StepTooFine { .. }) => return Ok(Outcome::TooFine),
            Err(other) => return Err(other),
        };
        let grid = self.vdf.grid();
        // Near the last digits of f64 the nearest multiple of a step may not be found again from the rounded number.
        let is_fine = step(octave) < self.reference.norm() * FINE;
        let rounded = match self.figure {
            Figure::L2 | Figure::Linf if !is_fine => rounded,
            _ => match self.as_written(rounded, resolution)? {
                Some(written) => written,
                None => return Ok(Outcome::TooFine),
            },
        };
        let reached = match self.figure {
            Figure::Bytes => {
                let mut coder = self.head.clone();
                code_octave(Some(octave), &mut coder)?;
                self.basis.code(Some(&rounded), grid, resolution, &mut coder)?;
                header::whole_len(coder) as f64
            }
            Figure::L2 => self.noted_l2(octave, &self.basis.reconstruct(&rounded, grid)?),
            Figure::Linf => self.reference.relative_linf(&self.basis.reconstruct(&rounded, grid)?),
        };
        Ok(Outcome::Rounded { rounded, reached })
    }

    /// Rounded coefficients that a stream holds exactly, found by rounding what was written; `None` if they never settle.
    pub(super) fn as_written(
        &self,
        mut rounded: B::Coefficients,
        resolution: Resolution,
    ) -> Result<Option<B::Coefficients>> {
        const PASSES: usize = 4;
        for _ in 0..PASSES {
            let written = self.basis.code(Some(&rounded), self.vdf.grid(), resolution, &mut Coder::writing())?;
            if written == rounded {
                return Ok(Some(rounded));
            }
            // Rounding again also makes anew what depends on the inner numbers, as the moments of `conserve`.
            rounded = self.basis.rounded(&written, self.vdf, resolution)?;
        }
        Ok(None)
    }

    /// About the widest step that is foreseen to make at most this error, if anything is foreseen.
    fn foreseen(&self, error: f64, mut guess: i32, [fine, coarse]: [i32; 2]) -> Option<i32> {
        /// Errors grow more slowly than steps, since what is rounded to zero is wrong by no more than itself.
        const SLOPE: f64 = 0.8;
        const STEPS: usize = 8;
        for _ in 0..STEPS {
            let now = self.basis.rounding_error(self.found, step(guess))?;
            let change = (f64::from(FINENESS) * (error / now).log2() / SLOPE).round();
            // Nothing rounded makes no error, which has no logarithm.
            let next = if change.is_finite() { guess.saturating_add(change as i32) } else { coarse };
            let next = next.clamp(fine, coarse);
            if (next - guess).abs() <= 1 {
                return Some(next);
            }
            guess = next;
        }
        Some(guess)
    }
}

impl<C> Bracket<C> {
    fn close_in(&mut self, octave: i32, outcome: Outcome<C>, figure: f64) {
        let meets = figure <= self.bound;
        *(if meets { &mut self.met } else { &mut self.missed }) = Some((octave, figure));
        let Outcome::Rounded { rounded, reached } = outcome else { return };
        let tried = Tried { octave, rounded, reached };
        if meets {
            self.answer = Some(tried);
        } else if self.nearest.as_ref().is_none_or(|nearest| reached < nearest.reached) {
            self.nearest = Some(tried);
        }
    }

    /// Whether a step lies between the one that met the bound and the one that missed it.
    fn is_open_to(&self, octave: i32) -> bool {
        self.met.is_none_or(|(met, _)| octave > met) && self.missed.is_none_or(|(missed, _)| octave < missed)
    }

    /// The step to try next; none when there is nothing between.
    fn next(&mut self) -> Option<i32> {
        let (tried, towards) = match (self.met, self.missed) {
            (Some(met), Some(missed)) => return between(met, missed, self.bound),
            (Some((met, _)), None) => (met, self.worse),
            (None, Some((missed, _))) => (missed, -self.worse),
            (None, None) => return None,
        };
        // Twice as far each time, until the other side or the end of what is of use.
        let [fine, coarse] = self.ends;
        let next = (tried + towards * self.stride).clamp(fine, coarse);
        self.stride *= 2;
        (next != tried).then_some(next)
    }
}

/// The step where a straight line in logarithms crosses the bound, not too near to either end; none between neighbours.
fn between((met, low): (i32, f64), (missed, high): (i32, f64), bound: f64) -> Option<i32> {
    if (met - missed).abs() <= 1 {
        return None;
    }
    let share = (bound.ln() - low.ln()) / (high.ln() - low.ln());
    let span = f64::from(missed - met);
    let share = if span.abs() > 4.0 { share.clamp(0.2, 0.8) } else { 0.5 };
    let share = if share.is_finite() { share } else { 0.5 };
    let inner = met + (span * share).round() as i32;
    // Neither end again.
    Some(inner.clamp(met.min(missed) + 1, met.max(missed) - 1))
}
