//! Any basis with its numbers rounded, as coarsely as a bound allows.

use std::fmt;

use super::target::Target;
use crate::basis::{Basis, Coefficients, Slot};
use crate::coding::{Coder, Resolution, malformed};
use crate::distribution::fidelity::Reference;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::header;
use crate::spec::SpecWriter;

/// `quantized(B)`: B's numbers in steps that all change the distribution equally, and as wide as a [`Target`] allows.
/// Whether it is met is measured on what a reader of the stream gets.
///
/// One step serves all stages of a `Residual` inside: what rounding the first takes away, the second sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantized<B: Basis> {
    inner: B,
    target: Target,
}

/// The rounded coefficients, and the step.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedCoefficients<B: Basis> {
    octave: i32,
    inner: B::Coefficients,
}

/// Steps are powers of 2^(1/64) s³ m⁻⁶: near enough to each other that no byte is lost.
const FINENESS: i32 = 64;
/// The whole range of f64, down to its smallest number.
const LEAST: i32 = -1074 * FINENESS;
const MOST: i32 = 1024 * FINENESS;
/// Digits of a step in a stream.
const DIGITS: u32 = 18;
/// Below this part of the bound something may be left to gain, by steps up to so many sixteenths of an octave wider.
const RAGGED: f64 = 0.99;
const BEYOND: i32 = 6;
/// From this part of the bound on nothing more is worth a step of the search; of bases that foresee their errors, and are
/// chosen for their speed, from the second on.
const ENOUGH: f64 = 0.995;
const ENOUGH_FORESEEN: f64 = 0.985;
/// How often what a basis foresees is corrected.
const CORRECTIONS: usize = 4;

/// 2^(k/64) by square roots and products alone, which are the same to the last bit on every platform.
fn step(octave: i32) -> f64 {
    let (whole, part) = (octave.div_euclid(FINENESS), octave.rem_euclid(FINENESS));
    let (mut root, mut fraction) = (2_f64, 1.0);
    for digit in (0..FINENESS.ilog2()).rev() {
        root = root.sqrt();
        if part >> digit & 1 == 1 {
            fraction *= root;
        }
    }
    // In two steps, so that the smallest are not zero.
    fraction * 2f64.powi(whole / 2) * 2f64.powi(whole - whole / 2)
}

/// The octave of the step nearest to a positive number.
fn octave(step: f64) -> i32 {
    ((step.log2() * f64::from(FINENESS)).round() as i32).clamp(LEAST, MOST - 1)
}

fn code_octave(octave: Option<i32>, coder: &mut Coder<'_>) -> Result<i32> {
    let octave = coder.bits(octave.map_or(0, |octave| (octave - LEAST) as u64), DIGITS) as i32 + LEAST;
    if octave >= MOST {
        return Err(malformed(format!("a step of 2^{}", octave / FINENESS)));
    }
    Ok(octave)
}

impl<B: Basis> Quantized<B> {
    /// What rounding adds to the error by default: 5% of it.
    pub const DEFAULT_SLACK: f64 = 0.05;
    /// A basis with a smaller error than this counts as having this one: else what a slack allows would be nothing.
    pub const NO_ERROR: f64 = 1e-6;

    /// With the given bound.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a bound that is not positive and finite.
    pub fn new(inner: B, target: Target) -> Result<Self> {
        Ok(Self { inner, target: target.validated()? })
    }

    /// The basis inside.
    #[must_use]
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// The bound.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Rounds coefficients that have been found already, as coarsely as the bound allows.
    ///
    /// # Errors
    /// [`Error::TargetNotMet`] if the coefficients as they are do not meet it, and as [`Basis::rounded`].
    pub fn round(&self, found: &B::Coefficients, vdf: &Vdf) -> Result<QuantizedCoefficients<B>> {
        // Of a basis that no spec names there is no stream but its coefficients.
        let head = || header::begin(vdf.grid(), &self.to_string()).unwrap_or_else(|_| Coder::writing());
        self.round_after(head, found, vdf)
    }

    /// The same, in a stream that begins with what `head` has written.
    pub(crate) fn round_after(
        &self,
        head: impl FnOnce() -> Coder<'static>,
        found: &B::Coefficients,
        vdf: &Vdf,
    ) -> Result<QuantizedCoefficients<B>> {
        let head = if let Target::Bytes(_) = self.target { head() } else { Coder::writing() };
        let search = Search { basis: &self.inner, head, found, vdf, reference: Reference::new(vdf) };
        let (bound, figure): (f64, Figure) = match self.target {
            Target::L2(bound) => (bound, Figure::L2),
            Target::Linf(bound) => (bound, Figure::Linf),
            Target::Bytes(bound) => (bound as f64, Figure::Bytes),
            Target::Slack(slack) => {
                let exact = self.inner.reconstruct(found, vdf.grid())?;
                (search.reference.relative_l2(&exact).max(Self::NO_ERROR) * (1.0 + slack), Figure::L2)
            }
        };
        let (octave, inner, reached) = search.coarsest(bound, figure)?;
        if reached <= bound {
            return Ok(QuantizedCoefficients { octave, inner });
        }
        Err(Error::TargetNotMet {
            basis: self.inner.to_string(),
            target: self.target.to_string(),
            reached: match figure {
                Figure::L2 => Target::L2(reached).to_string(),
                Figure::Linf => Target::Linf(reached).to_string(),
                Figure::Bytes => Target::Bytes(reached as usize).to_string(),
            },
        })
    }
}

impl<B: Basis> QuantizedCoefficients<B> {
    /// The step: half of it is the most by which rounding one number changes the distribution, in the root of the sum of
    /// squares over the cells [s³ m⁻⁶].
    #[must_use]
    pub fn step(&self) -> f64 {
        step(self.octave)
    }

    /// The rounded coefficients.
    #[must_use]
    pub fn inner(&self) -> &B::Coefficients {
        &self.inner
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    L2,
    Linf,
    Bytes,
}

struct Search<'a, B: Basis> {
    basis: &'a B,
    head: Coder<'static>,
    found: &'a B::Coefficients,
    vdf: &'a Vdf,
    reference: Reference<'a>,
}

impl<B: Basis> Search<'_, B> {
    /// The coefficients in this step, and their figure; none where the step is so wide that nothing is left that the
    /// basis could describe: of all streams the shortest, and the worst.
    fn at(&self, octave: i32, figure: Figure) -> Result<(Option<B::Coefficients>, f64)> {
        let resolution = Resolution::Step(step(octave));
        let rounded = match self.basis.rounded(self.found, self.vdf, resolution) {
            Ok(rounded) => rounded,
            Err(Error::Degenerate { .. }) if figure == Figure::Bytes => return Ok((None, 0.0)),
            Err(Error::Degenerate { .. }) => return Ok((None, f64::INFINITY)),
            Err(other) => return Err(other),
        };
        let reached = match figure {
            Figure::Bytes => {
                let mut coder = self.head.clone();
                code_octave(Some(octave), &mut coder)?;
                self.basis.code(Some(&rounded), self.vdf.grid(), resolution, &mut coder)?;
                header::whole_len(coder) as f64
            }
            _ => {
                let back = self.basis.reconstruct(&rounded, self.vdf.grid())?;
                match figure {
                    Figure::L2 => self.reference.relative_l2(&back),
                    _ => self.reference.relative_linf(&back),
                }
            }
        };
        Ok((Some(rounded), reached))
    }

    /// About the widest step that is foreseen to make at most this error, if anything is foreseen.
    fn foreseen(&self, error: f64, mut guess: i32, coarse: i32, fine: i32) -> Option<i32> {
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

    /// The widest step whose figure is at most the bound (of bytes: the finest), and what it reaches; the best where
    /// none is.
    fn coarsest(&self, bound: f64, figure: Figure) -> Result<(i32, B::Coefficients, f64)> {
        let norm = self.reference.norm();
        let norm = if norm > 0.0 { norm } else { 1.0 };
        // Steps from all of the norm to 2⁻⁴⁴ of it: no coarser, no finer is ever of use.
        let (coarse, fine) = (octave(norm), (octave(norm) - 44 * FINENESS).max(LEAST));
        let start = match figure {
            Figure::Bytes => coarse - 8 * FINENESS,
            // So many numbers rounded independently.
            _ => octave(norm * bound.min(1.0) / (1.0 + (self.found.count() as f64 / 120.0)).sqrt()),
        };
        let foreseen = if figure == Figure::L2 {
            self.foreseen(bound * norm, start.clamp(fine, coarse), coarse, fine)
        } else {
            None
        };
        let start = foreseen.unwrap_or(start);
        let mut met: Option<(i32, Option<B::Coefficients>, f64)> = None;
        let mut missed: Option<(i32, f64)> = None;
        let mut best: Option<(i32, B::Coefficients, f64)> = None;
        let mut next = start.clamp(fine, coarse);
        // Met and missed close in on each other; of bytes the finer step is the longer stream.
        let finer = if figure == Figure::Bytes { 1 } else { -1 };
        let mut stride = if foreseen.is_some() { FINENESS / 8 } else { 2 * FINENESS };
        let mut corrections = if foreseen.is_some() { CORRECTIONS } else { 0 };
        let enough = if foreseen.is_some() { ENOUGH_FORESEEN } else { ENOUGH };
        loop {
            let (rounded, reached) = self.at(next, figure)?;
            if reached <= bound {
                met = Some((next, rounded, reached));
                if figure != Figure::Bytes && reached > enough * bound {
                    break;
                }
            } else {
                missed = Some((next, reached));
                if let Some(rounded) = rounded
                    && best.as_ref().is_none_or(|(_, _, least)| reached < *least)
                {
                    best = Some((next, rounded, reached));
                }
            }
            if corrections > 0 && reached > 0.0 {
                corrections -= 1;
                // What is foreseen, times what it is wrong by here.
                let foreseen = self.basis.rounding_error(self.found, step(next)).unwrap_or(0.0);
                let wanted = foreseen * 0.5 * (1.0 + enough) * bound / reached;
                let untried = |octave: &i32| {
                    met.as_ref().is_none_or(|(met, ..)| octave > met)
                        && missed.is_none_or(|(missed, _)| *octave < missed)
                };
                if let Some(corrected) = self.foreseen(wanted, next, coarse, fine).filter(untried) {
                    next = corrected;
                    continue;
                }
            }
            next = match (&met, &missed) {
                (Some((met, _, low)), Some((missed, high))) => {
                    if (met - missed).abs() <= 1 {
                        break;
                    }
                    // Where a straight line in logarithms crosses the bound, not too near to either end.
                    let share = (bound.ln() - low.ln()) / (high.ln() - low.ln());
                    let span = f64::from(missed - met);
                    let inner = if span.abs() > 4.0 { share.clamp(0.2, 0.8) } else { 0.5 };
                    let inner = if inner.is_finite() { inner } else { 0.5 };
                    let between = met + (span * inner).round() as i32;
                    if between == *met {
                        met + span.signum() as i32
                    } else if between == *missed {
                        missed - span.signum() as i32
                    } else {
                        between
                    }
                }
                // Twice as far each time, until the other side or the end of what is of use.
                (Some((met, ..)), None) => met - finer * stride,
                (None, Some((missed, _))) => missed + finer * stride,
                (None, None) => break,
            };
            if missed.is_none() || met.is_none() {
                stride *= 2;
                let end = next.clamp(fine, coarse);
                let tried = met.as_ref().map(|m| m.0).or(missed.map(|m| m.0));
                if Some(end) == tried {
                    break;
                }
                next = end;
            }
        }
        // Few numbers make a ragged curve: a wider step beyond the first that misses may meet the bound again.
        if let Some((found, _, reached)) = &met
            && figure != Figure::Bytes
            && foreseen.is_none()
            && *reached < RAGGED * bound
        {
            for sixteenths in (1..=BEYOND).rev() {
                let octave = found + sixteenths * (FINENESS / 16);
                let (rounded, reached) = self.at(octave, figure)?;
                if reached <= bound {
                    met = Some((octave, rounded, reached));
                    break;
                }
            }
        }
        let met = met.and_then(|(octave, rounded, reached)| Some((octave, rounded?, reached)));
        met.or(best).ok_or_else(|| Error::TargetNotMet {
            basis: self.basis.to_string(),
            target: bound.to_string(),
            reached: "nothing".to_owned(),
        })
    }
}

impl<B: Basis> fmt::Display for Quantized<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = SpecWriter::new(&format!("quantized({})", self.inner));
        match self.target {
            Target::Slack(slack) if slack == Self::DEFAULT_SLACK => spec,
            target => target.write(spec),
        }
        .write(f)
    }
}

impl<B: Basis> Basis for Quantized<B> {
    type Coefficients = QuantizedCoefficients<B>;

    /// # Errors
    /// [`Error::TargetNotMet`] if the basis cannot meet the bound, with what it reached.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        self.round(&self.inner.encode(vdf)?, vdf)
    }

    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        let warm = self.inner.encode_from(vdf, &start.inner).and_then(|found| self.round(&found, vdf));
        // What another distribution has left must not cost a bound that a search of its own keeps.
        warm.or_else(|_| self.encode(vdf))
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.inner.reconstruct(&coefficients.inner, grid)
    }

    fn moments(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.inner.moments(&coefficients.inner, grid)
    }

    /// In its own steps, whatever the resolution asked for.
    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        _: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        let octave = code_octave(coefficients.map(|c| c.octave), coder)?;
        let resolution = Resolution::Step(step(octave));
        let inner = self.inner.code(coefficients.map(|c| &c.inner), grid, resolution, coder)?;
        Ok(QuantizedCoefficients { octave, inner })
    }

    fn rounded(&self, coefficients: &Self::Coefficients, _: &Vdf, _: Resolution) -> Result<Self::Coefficients> {
        Ok(coefficients.clone())
    }
}

impl<B: Basis> Coefficients for QuantizedCoefficients<B> {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        self.inner.visit(visitor);
    }

    /// The step and the inner basis' own.
    fn topology_len(&self) -> usize {
        1 + self.inner.topology_len()
    }

    fn count(&self) -> usize {
        self.inner.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_the_powers_they_should_be() {
        for k in [1 - MOST, -1000, -65, -1, 0, 1, 15, 16, 63, 64, 333, MOST - 1] {
            let exact = 2f64.powf(f64::from(k) / f64::from(FINENESS));
            assert!((step(k) / exact - 1.0).abs() < 1e-12, "{k}");
            assert_eq!(octave(step(k)), k);
        }
        assert_eq!(step(LEAST), f64::from_bits(1));
    }
}
