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
    /// Steps tried, with the error `l2` of each and the factor by which its answer would be nearest to the distribution.
    pub(super) gains: RefCell<Vec<(i32, f64, f64)>>,
}

/// A step, as its octave, and what rounding to it gave: none where the step is so wide that nothing is left that the basis
/// could describe, of all streams the shortest, and the worst.
pub(super) struct Tried<C> {
    pub(super) octave: i32,
    pub(super) rounded: C,
    pub(super) reached: f64,
}

/// The steps between which the widest lies that meets the bound.
struct Bracket<C> {
    bound: f64,
    /// The octaves that are of use, from the finest to the coarsest.
    ends: [i32; 2],
    /// Where the figure grows: with the octave, but that of bytes against it.
    worse: i32,
    /// How far the next step is while the bound has been met only, or missed only.
    stride: i32,
    met: Option<Tried<Option<C>>>,
    missed: Option<(i32, f64)>,
    /// Of those that miss it.
    best: Option<Tried<C>>,
}

impl<B: Basis> Search<'_, B> {
    /// The widest step whose figure is at most the bound (of bytes: the finest), and what it reaches; the best where
    /// none is.
    pub(super) fn coarsest(&self) -> Result<Tried<B::Coefficients>> {
        let norm = self.reference.norm();
        let norm = if norm > 0.0 { norm } else { 1.0 };
        // Steps from all of the norm to 2⁻⁴⁴ of it: no coarser, no finer is ever of use.
        let ends @ [fine, coarse] = [(octave(norm) - 44 * FINENESS).max(LEAST), octave(norm)];
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
        let mut bracket = Bracket { bound: self.bound, ends, worse, stride, met: None, missed: None, best: None };
        let mut next = Some(foreseen.unwrap_or(start));
        while let Some(octave) = next {
            let tried = self.at(octave)?;
            let reached = tried.reached;
            bracket.close_in(tried);
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
        let met = bracket
            .met
            .and_then(|Tried { octave, rounded, reached }| Some(Tried { octave, rounded: rounded?, reached }));
        met.or(bracket.best).ok_or_else(|| Error::TargetNotMet {
            basis: self.basis.to_string(),
            target: self.bound.to_string(),
            reached: "nothing".to_owned(),
        })
    }

    /// Few numbers make a ragged curve: a wider step beyond the first that misses may meet the bound again.
    fn look_beyond(&self, bracket: &mut Bracket<B::Coefficients>) -> Result<()> {
        let Some(Tried { octave: found, reached, .. }) = bracket.met else { return Ok(()) };
        if reached < RAGGED * self.bound {
            for sixteenths in (1..=BEYOND).rev() {
                let tried = self.at(found + sixteenths * (FINENESS / 16))?;
                if tried.reached <= self.bound {
                    bracket.met = Some(tried);
                    break;
                }
            }
        }
        Ok(())
    }

    /// The coefficients in this step, and their figure.
    fn at(&self, octave: i32) -> Result<Tried<Option<B::Coefficients>>> {
        let resolution = Resolution::Step(step(octave));
        let rounded = match self.basis.rounded(self.found, self.vdf, resolution) {
            Ok(rounded) => rounded,
            Err(Error::Degenerate { .. }) => {
                let reached = if self.figure == Figure::Bytes { 0.0 } else { f64::INFINITY };
                return Ok(Tried { octave, rounded: None, reached });
            }
            Err(other) => return Err(other),
        };
        let grid = self.vdf.grid();
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
        Ok(Tried { octave, rounded: Some(rounded), reached })
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
    fn close_in(&mut self, tried: Tried<Option<C>>) {
        let Tried { octave, rounded, reached } = tried;
        if reached <= self.bound {
            self.met = Some(Tried { octave, rounded, reached });
            return;
        }
        self.missed = Some((octave, reached));
        if let Some(rounded) = rounded
            && self.best.as_ref().is_none_or(|best| reached < best.reached)
        {
            self.best = Some(Tried { octave, rounded, reached });
        }
    }

    /// Whether a step lies between the one that met the bound and the one that missed it.
    fn is_open_to(&self, octave: i32) -> bool {
        self.met.as_ref().is_none_or(|met| octave > met.octave) && self.missed.is_none_or(|(missed, _)| octave < missed)
    }

    /// The step to try next; none when there is nothing between.
    fn next(&mut self) -> Option<i32> {
        let (tried, towards) = match (&self.met, self.missed) {
            (Some(met), Some(missed)) => return between((met.octave, met.reached), missed, self.bound),
            (Some(met), None) => (met.octave, self.worse),
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
