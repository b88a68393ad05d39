//! Search for the widest quantisation step that meets a bound.
//!
//! The error of a step is measured on what a reader of the stream gets. It grows nearly in proportion to the step, so
//! that a straight line through the logarithms of two measurements predicts the step of a given error (regula falsi).
//! Bases that estimate their error from the coefficients start near the answer and need about three measurements.

use std::cell::{OnceCell, RefCell};

use super::{MIN_EXPONENT, STEPS_PER_OCTAVE, code_exponent, exponent, step};
use crate::basis::bound::{Bound, Figure};
use crate::basis::framing;
use crate::basis::{Coefficients, Quantise, Quantity};
use crate::coding::{Coder, Resolution};
use crate::distribution::fidelity::{MomentErrors, Reference};
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// Part of the bound below which wider steps are tried after the search: the error of few numbers is not monotonic in
/// the step, and a step beyond the first that misses the bound may meet it again.
const TRY_WIDER_BELOW: f64 = 0.99;
/// Widest of these steps, in sixteenths of an octave (a factor of 2): 2^(6/16) = 1.3 times the step found.
const MAX_SIXTEENTHS_WIDER: i32 = 6;
/// Part of the bound from which on the search stops. Since 6 dB of error are a bit per number, the last 0.5% are worth
/// log₂(1/0.995) = 0.007 bits per number.
const STOP_AT_PART_OF_BOUND: f64 = 0.995;
/// The same for bases that estimate their error. They are chosen for speed, and a measurement saved is worth 0.022 bits
/// per number.
const STOP_AT_PART_IF_ESTIMATED: f64 = 0.985;
/// Binary logarithm of the norm over the finest step: amplitudes of orthonormal functions are at most 2⁵² steps, and so
/// exact as f64. Errors of n numbers rounded to it add up to √(n/12)·2⁻⁵² of the norm: 2e-14 for 10⁵ numbers.
const FINEST_BITS: i32 = 52;
/// Part of the largest number below which a step is checked: the numbers written must equal the rounded ones. Coarser steps
/// leave 20 of the 52 bits of f64 for the rounding errors of the conversion.
const CHECK_BELOW: f64 = 1.0 / (1_u64 << 32) as f64;
/// Maximum number of corrections of the estimated error by a measurement.
const CORRECTIONS: usize = 4;

/// Search for the quantisation step of one distribution's coefficients.
pub(super) struct Search<'a, B: Quantise> {
    pub(super) basis: &'a B,
    pub(super) found: &'a B::Coefficients,
    pub(super) vdf: &'a Vdf,
    pub(super) reference: Reference<'a>,
    /// Header of the stream, which counts towards a bound of bytes.
    pub(super) header: Coder<'static>,
    /// Limits of errors, for which the widest step is sought, or of the length alone, for which it is the finest.
    pub(super) bound: Bound,
    /// Floor of those figures that have one [s³ m⁻⁶].
    pub(super) floor: f64,
    /// Part of the bound from which on the search stops, if it is not the usual one.
    pub(super) enough: Option<f64>,
    /// See [`Search::largest`].
    pub(super) largest: OnceCell<f64>,
    /// Steps tried, each with its error `l2` and the gain ‖f‖ / ‖g‖ of its reconstruction g.
    pub(super) gains: RefCell<Vec<(i32, f64, f64)>>,
}

/// Coefficients rounded to a step, and their excess: the largest ratio of an error and its limit, at most 1 if they
/// meet the bound.
pub(super) struct Tried<C> {
    pub(super) exponent: i32,
    pub(super) rounded: C,
    pub(super) excess: f64,
}

/// The result of rounding to one step.
enum Outcome<C> {
    Rounded {
        rounded: C,
        excess: f64,
    },
    /// The step is so wide that all coefficients are zero: the shortest stream and the largest error.
    TooCoarse(Error),
    /// The step is finer than the digits that a stream can hold: the longest stream and the smallest error.
    TooFine,
}

/// Bracket of the widest step that meets the bound: one step that meets it and one that misses it.
struct Bracket<C> {
    /// Exponents of the finest and the coarsest step of the search.
    ends: [i32; 2],
    /// Direction in which the excess grows: with the exponent for errors, against it for bytes.
    worse: i32,
    /// Distance to the next step while all steps so far have met the bound, or all have missed it.
    stride: i32,
    /// Last step on either side of the bound, with its excess: zero or infinity for a step that cannot be written.
    met: Option<(i32, f64)>,
    missed: Option<(i32, f64)>,
    /// The last coefficients that meet the bound. Steps that cannot be written never replace them.
    answer: Option<Tried<C>>,
    /// The nearest of the coefficients that miss it.
    nearest: Option<Tried<C>>,
    /// The first reason for which a step was too coarse.
    refusal: Option<Error>,
}

impl<B: Quantise> Search<'_, B> {
    /// Finds the widest step whose errors are within the bound (for a length alone: the finest step), with its excess.
    /// If no step meets the bound, it returns the one with the smallest excess.
    pub(super) fn coarsest(&self) -> Result<Tried<B::Coefficients>> {
        if self.basis.ignores_step() {
            return self.only();
        }
        let norm = self.reference.norm();
        let norm = if norm > 0.0 { norm } else { 1.0 };
        let ends @ [fine, coarse] =
            [(exponent(norm) - FINEST_BITS * STEPS_PER_OCTAVE).max(MIN_EXPONENT), exponent(norm)];
        let smallest = self.errors().map(|(_, limit)| limit).fold(f64::INFINITY, f64::min);
        let start = match self.bound.is_length_only() {
            true => coarse - 8 * STEPS_PER_OCTAVE,
            // Rounding n numbers independently to a step s makes an error s √(n/12); with n/120 instead, nine tenths of
            // the numbers are expected to be zero. The 1 covers few numbers.
            false => exponent(norm * smallest.min(1.0) / (1.0 + (self.found.count() as f64 / 120.0)).sqrt()),
        };
        let start = start.clamp(fine, coarse);
        let estimate = self.estimate();
        let estimated = estimate.as_ref().and_then(|(estimate, error)| widest_of(estimate, *error, start, ends));
        let (stride, mut corrections, enough) = match estimated {
            Some(_) => (STEPS_PER_OCTAVE / 8, CORRECTIONS, STOP_AT_PART_IF_ESTIMATED),
            None => (2 * STEPS_PER_OCTAVE, 0, STOP_AT_PART_OF_BOUND),
        };
        let enough = self.enough.unwrap_or(enough);
        let worse = if self.bound.is_length_only() { -1 } else { 1 };
        let mut bracket =
            Bracket { ends, worse, stride, met: None, missed: None, answer: None, nearest: None, refusal: None };
        let mut next = Some(estimated.unwrap_or(start));
        while let Some(exponent) = next {
            let outcome = self.at(exponent)?;
            let excess = self.excess_of(&outcome);
            bracket.close_in(exponent, outcome, excess);
            if !self.bound.is_length_only() && excess <= 1.0 && excess > enough {
                break;
            }
            let mut corrected = None;
            if let Some((estimate, _)) = estimate.as_ref().filter(|_| corrections > 0 && excess > 0.0) {
                corrections -= 1;
                // The ratio of the measured error and the estimate changes slowly with the step: the wanted estimate is
                // this one over the excess, for an error in the middle between `enough` and the bound.
                let wanted = estimate(step(exponent)).unwrap_or(0.0) * 0.5 * (1.0 + enough) / excess;
                corrected =
                    widest_of(estimate, wanted, exponent, ends).filter(|exponent| bracket.is_open_to(*exponent));
            }
            next = corrected.or_else(|| bracket.next());
        }
        if !self.bound.is_length_only() && estimated.is_none() && self.enough.is_none() {
            self.look_beyond(&mut bracket)?;
        }
        let Bracket { answer, nearest, refusal, .. } = bracket;
        answer.or(nearest).ok_or_else(|| match refusal {
            // A distribution that cannot be encoded at any step has a better reason than a missed bound.
            Some(degenerate @ Error::Degenerate { .. }) => degenerate,
            _ => self.unwritable(),
        })
    }

    /// The coefficients of a basis that ignores the step: the same at every one.
    fn only(&self) -> Result<Tried<B::Coefficients>> {
        let exponent = exponent(1.0);
        match self.at(exponent)? {
            Outcome::Rounded { rounded, excess } => Ok(Tried { exponent, rounded, excess }),
            Outcome::TooCoarse(refusal) => Err(refusal),
            Outcome::TooFine => Err(self.unwritable()),
        }
    }

    fn unwritable(&self) -> Error {
        self.not_met(self.bound.to_string(), "no step at which the coefficients can be written".to_owned())
    }

    /// Refuses an answer that misses the bound; the error holds the value that it reaches.
    pub(super) fn check(&self, answer: &Tried<B::Coefficients>) -> Result<()> {
        match self.beyond(answer)? {
            None => Ok(()),
            Some((figure, limit, reached)) => Err(self.not_met(figure.say(limit), figure.say(reached))),
        }
    }

    /// The first figure of an answer that is beyond its limit, with the limit and the value; also of a length that is limited
    /// beside errors, which the search leaves out.
    pub(super) fn beyond(&self, answer: &Tried<B::Coefficients>) -> Result<Option<(Figure, f64, f64)>> {
        let is_searched = self.bound.is_length_only() || self.bound.limit(Figure::Bytes).is_none();
        if answer.excess <= 1.0 && is_searched {
            return Ok(None);
        }
        // Errors within the bound have been measured.
        let wanted = |figure| answer.excess > 1.0 || figure == Figure::Bytes;
        let figures = self.figures(answer.exponent, &answer.rounded, wanted)?;
        Ok(self.bound.first_beyond(|figure| Some(figures[figure as usize])))
    }

    fn not_met(&self, target: String, reached: String) -> Error {
        let basis = self.basis.spec().map_or_else(|_| format!("{:?}", self.basis), |spec| spec.to_string());
        Error::TargetNotMet { basis, target, reached }
    }

    /// Limits of errors.
    fn errors(&self) -> impl Iterator<Item = (Figure, f64)> + '_ {
        self.bound.limits().filter(|(figure, _)| *figure != Figure::Bytes)
    }

    /// Limit of `l2` if no other error is limited.
    pub(super) fn only_l2(&self) -> Option<f64> {
        let l2 = self.bound.limit(Figure::L2)?;
        (self.errors().count() == 1).then_some(l2)
    }

    /// Tries wider steps beyond the first that misses the bound: with few numbers the error is not monotonic in the
    /// step.
    fn look_beyond(&self, bracket: &mut Bracket<B::Coefficients>) -> Result<()> {
        let Some(Tried { exponent: found, excess, .. }) = bracket.answer else { return Ok(()) };
        if excess < TRY_WIDER_BELOW {
            for sixteenths in (1..=MAX_SIXTEENTHS_WIDER).rev() {
                let exponent = found + sixteenths * (STEPS_PER_OCTAVE / 16);
                if let Outcome::Rounded { rounded, excess } = self.at(exponent)?
                    && excess <= 1.0
                {
                    bracket.answer = Some(Tried { exponent, rounded, excess });
                    break;
                }
            }
        }
        Ok(())
    }

    /// Excess of an outcome; zero or infinity for a step that cannot be written.
    fn excess_of(&self, outcome: &Outcome<B::Coefficients>) -> f64 {
        match (outcome, self.bound.is_length_only()) {
            (Outcome::Rounded { excess, .. }, _) => *excess,
            (Outcome::TooCoarse(_), true) | (Outcome::TooFine, false) => 0.0,
            (Outcome::TooFine, true) | (Outcome::TooCoarse(_), false) => f64::INFINITY,
        }
    }

    /// Coefficients rounded to this step, and their excess.
    fn at(&self, exponent: i32) -> Result<Outcome<B::Coefficients>> {
        let resolution = Resolution::Step(step(exponent));
        let rounded = match self.basis.rounded(self.found, self.vdf, resolution) {
            Ok(rounded) => rounded,
            Err(refusal @ (Error::Degenerate { .. } | Error::OutOfRange { .. })) => {
                return Ok(Outcome::TooCoarse(refusal));
            }
            Err(Error::StepTooFine { .. }) => return Ok(Outcome::TooFine),
            Err(other) => return Err(other),
        };
        // Near the last digits of f64 the conversion of a rounded number may lead to another multiple of the step.
        let is_fine = step(exponent) < self.largest() * CHECK_BELOW;
        let rounded = match self.bound.is_length_only() || is_fine {
            false => rounded,
            true => match self.as_written(rounded, resolution)? {
                Some(written) => written,
                None => return Ok(Outcome::TooFine),
            },
        };
        let excess = self.excess(exponent, &rounded)?;
        Ok(Outcome::Rounded { rounded, excess })
    }

    /// Norm of the distribution, or the largest of the amplitudes where these may be larger: functions that are nearly the
    /// same on the cells take large numbers that cancel. Transforms have none.
    fn largest(&self) -> f64 {
        *self.largest.get_or_init(|| {
            let mut largest = self.reference.norm();
            if !self.basis.is_transform() {
                self.found.visit(&mut |slot, value| {
                    if slot.quantity == Quantity::PhaseSpaceDensity && value.is_finite() {
                        largest = largest.max(value.abs());
                    }
                });
            }
            largest
        })
    }

    /// Excess over the limits of errors, or over that of the length if it is the only one.
    pub(super) fn excess(&self, exponent: i32, rounded: &B::Coefficients) -> Result<f64> {
        let length = self.bound.is_length_only();
        let searched = |figure| (figure == Figure::Bytes) == length;
        let figures = self.figures(exponent, rounded, searched)?;
        Ok(self.bound.excess(|figure| if searched(figure) { figures[figure as usize] } else { 0.0 }))
    }

    /// Values of those figures that are limited and wanted, in the order of [`Figure::ALL`]; the others are zero.
    fn figures(
        &self,
        exponent: i32,
        rounded: &B::Coefficients,
        wanted: impl Fn(Figure) -> bool,
    ) -> Result<[f64; Figure::ALL.len()]> {
        let asked = Figure::ALL.map(|figure| wanted(figure) && self.bound.limit(figure).is_some());
        let mut figures = [0.0; Figure::ALL.len()];
        if asked[Figure::Bytes as usize] {
            figures[Figure::Bytes as usize] = self.streamed(exponent, rounded)?.1 as f64;
        }
        if Figure::ALL.iter().all(|&figure| figure == Figure::Bytes || !asked[figure as usize]) {
            return Ok(figures);
        }
        let back = self.basis.reconstruct(rounded, self.vdf.grid())?;
        // Also where it is not limited: the answer's gain is asked for later.
        let l2 = self.noted_l2(exponent, &back);
        let moments = Figure::ALL.iter().any(|&figure| figure.is_of_moments() && asked[figure as usize]);
        let moments = moments.then(|| self.reference.moment_errors(&back));
        for figure in Figure::ALL.into_iter().filter(|&figure| asked[figure as usize]) {
            let of_moments = |error: fn(&MomentErrors) -> f64| moments.as_ref().map_or(0.0, error);
            figures[figure as usize] = match figure {
                Figure::L2 => l2,
                Figure::Linf => self.reference.relative_linf(&back),
                Figure::Dex => self.reference.log10_rms(&back, self.floor),
                Figure::Relative => self.reference.relative(&back, self.floor),
                Figure::Density => of_moments(|errors| errors.density),
                Figure::BulkVelocity => of_moments(|errors| errors.bulk_velocity),
                Figure::Pressure => of_moments(|errors| errors.pressure),
                Figure::HeatFlux => of_moments(|errors| errors.heat_flux),
                Figure::Bytes => continue,
            };
        }
        Ok(figures)
    }

    /// Coefficients that a reader of the whole stream gets, and its bytes.
    pub(super) fn streamed(&self, exponent: i32, rounded: &B::Coefficients) -> Result<(B::Coefficients, usize)> {
        let mut coder = self.header.clone();
        code_exponent(exponent, &mut coder)?;
        let read = self.written(rounded, Resolution::Step(step(exponent)), &mut coder)?;
        Ok((read, framing::whole_len(coder)))
    }

    /// Rounded coefficients that a stream holds exactly, found by repeated writing and rounding; `None` if that does
    /// not converge.
    pub(super) fn as_written(
        &self,
        mut rounded: B::Coefficients,
        resolution: Resolution,
    ) -> Result<Option<B::Coefficients>> {
        /// Maximum number of passes. Nearly all coefficients need one.
        const PASSES: usize = 4;
        for _ in 0..PASSES {
            let written = self.written(&rounded, resolution, &mut Coder::writing())?;
            if written == rounded {
                return Ok(Some(rounded));
            }
            // Rounding again also updates numbers that depend on the inner ones, such as the moments of `conserve`.
            // What cannot be rounded again, being too thin for its step, does not converge either.
            let Ok(again) = self.basis.rounded(&written, self.vdf, resolution) else { return Ok(None) };
            rounded = again;
        }
        Ok(None)
    }

    /// Coefficients that a reader of the rounded ones gets.
    pub(super) fn written(
        &self,
        rounded: &B::Coefficients,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<B::Coefficients> {
        let mut written = rounded.clone();
        self.basis.code(&mut written, self.vdf.grid(), resolution, coder)?;
        Ok(written)
    }

    /// The basis' estimate of the only error that is limited, as a function of the step, and the value it may have.
    fn estimate(&self) -> Option<(Estimate<'_>, f64)> {
        let mut errors = self.errors();
        match (errors.next()?, errors.next()) {
            ((Figure::L2, limit), None) => {
                Some((Box::new(|step| self.basis.rounding_error(self.found, step)), limit * self.reference.norm()))
            }
            ((Figure::Dex, limit), None) => {
                let cells = (self.vdf.grid().cells() as f64).sqrt();
                Some((Box::new(|step| self.basis.logarithmic_error(self.found, step)), limit * cells))
            }
            _ => None,
        }
    }
}

/// Estimate of an error by the step; `None` if the basis gives none.
type Estimate<'a> = Box<dyn Fn(f64) -> Option<f64> + 'a>;

/// Exponent of the widest step whose estimated error is at most `error`, by fixed-point iteration from `guess`; `None` if
/// there is no estimate.
fn widest_of(estimate: &Estimate<'_>, error: f64, mut guess: i32, [fine, coarse]: [i32; 2]) -> Option<i32> {
    /// Assumed slope d ln(error) / d ln(step). It is below 1, because the error of a number rounded to zero is the
    /// number itself, whatever the step.
    const SLOPE: f64 = 0.8;
    const STEPS: usize = 8;
    for _ in 0..STEPS {
        let now = estimate(step(guess))?;
        let change = (f64::from(STEPS_PER_OCTAVE) * (error / now).log2() / SLOPE).round();
        // The estimate is zero if no number changes: then its logarithm is infinite, and the coarsest step follows.
        let next = if change.is_finite() { guess.saturating_add(change as i32) } else { coarse };
        let next = next.clamp(fine, coarse);
        if (next - guess).abs() <= 1 {
            return Some(next);
        }
        guess = next;
    }
    Some(guess)
}

impl<C> Bracket<C> {
    fn close_in(&mut self, exponent: i32, outcome: Outcome<C>, excess: f64) {
        let meets = excess <= 1.0;
        *(if meets { &mut self.met } else { &mut self.missed }) = Some((exponent, excess));
        let (rounded, excess) = match outcome {
            Outcome::Rounded { rounded, excess } => (rounded, excess),
            Outcome::TooCoarse(refusal) => {
                self.refusal.get_or_insert(refusal);
                return;
            }
            Outcome::TooFine => return,
        };
        let tried = Tried { exponent, rounded, excess };
        if meets {
            self.answer = Some(tried);
        } else if self.nearest.as_ref().is_none_or(|nearest| excess < nearest.excess) {
            self.nearest = Some(tried);
        }
    }

    /// True if a step lies between the one that met the bound and the one that missed it.
    fn is_open_to(&self, exponent: i32) -> bool {
        self.met.is_none_or(|(met, _)| exponent > met) && self.missed.is_none_or(|(missed, _)| exponent < missed)
    }

    /// Exponent of the step to try next; `None` if no step lies between.
    fn next(&mut self) -> Option<i32> {
        let (tried, towards) = match (self.met, self.missed) {
            (Some(met), Some(missed)) => return between(met, missed),
            (Some((met, _)), None) => (met, self.worse),
            (None, Some((missed, _))) => (missed, -self.worse),
            (None, None) => return None,
        };
        // The stride doubles until the bound lies between two steps, or the end of the range is reached.
        let [fine, coarse] = self.ends;
        let next = (tried + towards * self.stride).clamp(fine, coarse);
        self.stride *= 2;
        (next != tried).then_some(next)
    }
}

/// Exponent at which a straight line through the logarithms of both excesses crosses 1, or the middle if one is zero
/// or infinite. It is kept from the outer fifths of the interval, so that the bracket always shrinks (regula falsi
/// alone may approach one end in tiny steps). `None` between neighbours.
fn between((met, low): (i32, f64), (missed, high): (i32, f64)) -> Option<i32> {
    if (met - missed).abs() <= 1 {
        return None;
    }
    let share = -low.ln() / (high.ln() - low.ln());
    let span = f64::from(missed - met);
    let share = if span.abs() > 4.0 { share.clamp(0.2, 0.8) } else { 0.5 };
    let share = if share.is_finite() { share } else { 0.5 };
    let inner = met + (span * share).round() as i32;
    // The ends have been tried.
    Some(inner.clamp(met.min(missed) + 1, met.max(missed) - 1))
}
