//! The search of a preset: the candidates that it tries, and the best of them so far.

use super::{Candidate, Preset, PresetCoefficients, near_maxwellian, noise};
use crate::bases::mixture::{Mixture, MixtureCoefficients, Selection};
use crate::basis::any_basis::{AnyBasis, AnyCoefficients};
use crate::basis::bound::Figure;
use crate::basis::framing;
use crate::basis::{Basis, Coefficients, Quantise, Stream};
use crate::coding::{Coder, Resolution};
use crate::compose::residual::ResidualCoefficients;
use crate::distribution::fidelity::{Fidelity, relative_l2};
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

pub(super) struct Search<'a> {
    preset: &'a Preset,
    vdf: &'a Vdf,
    best: Option<PresetCoefficients>,
    /// The first reason for which a candidate is no answer.
    missed: Option<Error>,
    /// The last mixture that did not meet a bound of `l2` alone.
    short: Option<AnyCoefficients>,
}

impl<'a> Search<'a> {
    pub(super) fn new(preset: &'a Preset, vdf: &'a Vdf) -> Result<Self> {
        framing::check_cells(vdf.grid(), framing::MOST_CELLS)?;
        Ok(Self { preset, vdf, best: None, missed: None, short: None })
    }

    /// Tries wavelets, and the cells themselves.
    pub(super) fn try_wavelets(&mut self) -> Result<()> {
        let found = self.preset.bases[Candidate::Wavelet as usize].encode(self.vdf);
        self.offer(Candidate::Wavelet, found)?;
        self.try_cells()
    }

    /// Tries the cells themselves, where a cheap test says that they may be shorter than the best so far.
    fn try_cells(&mut self) -> Result<()> {
        let terms = self.best.as_ref().map(Coefficients::count);
        if noise::may_be_cells(self.vdf, &self.preset.bound(), terms) {
            let found = self.preset.bases[Candidate::Cells as usize].encode_to_round(self.vdf);
            self.offer(Candidate::Cells, found)?;
        }
        Ok(())
    }

    /// Tries wavelets of the logarithm, then mixtures fitted in it of so many components, alone and with wavelets for their
    /// ratio to the distribution. Returns whether one of them meets the bound.
    pub(super) fn try_logarithms(&mut self, components: &[usize]) -> Result<bool> {
        let found = self.preset.bases[Candidate::Logarithm as usize].encode(self.vdf);
        self.offer(Candidate::Logarithm, found)?;
        self.try_cells()?;
        let is_of_cells = |best: &PresetCoefficients| best.candidate == Candidate::Cells;
        if self.best.as_ref().is_some_and(is_of_cells) {
            return Ok(true);
        }
        let ratio = super::ratio(&self.preset.bound());
        let mut last: Option<MixtureCoefficients> = None;
        for &count in components {
            let mixture = Mixture::new(count)?.with_floor(super::floor(&self.preset.bound()));
            let fit = match &last {
                Some(last) => mixture.encode_from(self.vdf, last),
                None => mixture.encode(self.vdf),
            };
            let Some(found) = met(fit, &mut self.missed)? else { break };
            last = Some(found.clone());
            let found = AnyCoefficients::new(found);
            if !self.offer(Candidate::LogMixture, Ok(found.clone()))? {
                self.offer(Candidate::Ratio, ratio.around(found, self.vdf).map(AnyCoefficients::new))?;
            }
            if !self.is_longer_than(super::COMPONENT_MIN_BYTES * count)? {
                break;
            }
        }
        Ok(self.best.is_some())
    }

    /// Tries one Gaussian and two, if the distribution is nearly Maxwellian. Returns whether they meet the bound and, for
    /// a bound of errors, keep the pressure as well as they keep the squared error. Narrow distributions have little of
    /// their pressure where they have their squares, so that the widest step would bend it.
    pub(super) fn try_few_gaussians(&mut self) -> Result<bool> {
        /// Part of the bound that the Gaussians may use; rounding has the rest.
        const SHARE: f64 = 0.8;
        /// Part of the bound that rounding has at most.
        const ROUNDING: f64 = 0.3;
        /// Largest error of what is nearly Maxwellian, however loose the bound.
        const NEAR: f64 = 0.1;
        let bound = self.preset.bound();
        let Some(l2) = bound.limit(Figure::L2) else { return Ok(false) };
        let gaussians = near_maxwellian::gaussians(self.vdf, (SHARE * l2).min(NEAR));
        let Some((found, error)) = gaussians else { return Ok(false) };
        let pressure = bound.limit(Figure::Pressure).unwrap_or(l2);
        // A byte or two more, and repeated encodings add up less.
        let finer = bound.and(Figure::L2, l2.min(1.05 * error + ROUNDING * l2)).and(Figure::Pressure, pressure);
        let quantized = self.preset.quantized_to(Candidate::Mixture, finer)?;
        let head = || self.preset.head(Candidate::Mixture, self.vdf.grid());
        let rounded = met(quantized.round_quickly(head, &AnyCoefficients::new(found), self.vdf), &mut None)?;
        let Some(rounded) = rounded else { return Ok(false) };
        self.keep_if_better(PresetCoefficients { candidate: Candidate::Mixture, rounded })?;
        Ok(true)
    }

    /// Tries a mixture of at most `count` components; returns whether more of them might help.
    pub(super) fn try_mixture_of(&mut self, count: usize) -> Result<bool> {
        let Some(found) = met(self.mixture(count), &mut None)? else { return Ok(false) };
        // The fit used fewer components than allowed, so allowing more would give the same.
        let is_exhausted = found.components().len() < count;
        self.try_mixture(found)?;
        Ok(!is_exhausted)
    }

    /// Tries the mixture of another distribution as a start. If it met the bound there without wavelets (`alone`) and does
    /// not here, a quarter more components are tried, too.
    pub(super) fn try_mixture_from(&mut self, start: &MixtureCoefficients, alone: bool) -> Result<()> {
        let Some(most) = self.preset.effort.components().last().copied() else { return Ok(()) };
        let count = start.components().len();
        let counts = [count, count + count.div_ceil(4)].map(|count| count.min(most));
        for &count in &counts[..1 + usize::from(alone)] {
            let fit = Mixture::new(count)?.encode_from(self.vdf, start);
            let Some(found) = met(fit, &mut None)? else { break };
            if self.try_mixture(found)? {
                break;
            }
        }
        Ok(())
    }

    /// Tries spherical harmonics, on grids that they suit. They are kept only if the error of the pressure is within the
    /// limit of `l2`: far out they ripple below zero, which hardly shows in the squared error but spoils moments, beyond
    /// what `conserve` can mend.
    pub(super) fn try_spherical(&mut self) -> Result<()> {
        let basis = &self.preset.bases[Candidate::Spherical as usize];
        let rounded = match self.rounded(Candidate::Spherical, basis.encode(self.vdf)) {
            Err(Error::InvalidParameter { .. }) => return Ok(()),
            rounded => met(rounded, &mut self.missed)?,
        };
        let Some(rounded) = rounded else { return Ok(()) };
        let back = self.preset.reconstruct(&rounded, self.vdf.grid())?;
        let fidelity = Fidelity::without_divergence(self.vdf, &back, Fidelity::default_floor(self.vdf))?;
        if fidelity.pressure <= self.preset.bound().only_l2().unwrap_or(fidelity.l2) {
            self.keep_if_better(rounded)?;
        }
        Ok(())
    }

    /// True if the last mixture fell short of the bound and left nothing but noise, which more components do not describe.
    pub(super) fn is_noise_left(&self) -> Result<bool> {
        let Some(mixture) = &self.short else { return Ok(false) };
        let fit = self.preset.bases[Candidate::Mixture as usize].reconstruct(mixture, self.vdf.grid())?;
        Ok(noise::is_white(self.vdf, &fit))
    }

    /// True if a stream of `len` bytes might be better than the best so far.
    pub(super) fn is_longer_than(&self, len: usize) -> Result<bool> {
        Ok(match &self.best {
            Some(best) if !self.preset.bound().is_length_only() => self.len(best)? > len,
            _ => true,
        })
    }

    /// The best of all.
    pub(super) fn end(self) -> Result<PresetCoefficients> {
        match (self.best, self.missed) {
            (Some(best), _) => Ok(best),
            (None, Some(Error::TargetNotMet { target, reached, .. })) => {
                Err(Error::TargetNotMet { basis: self.preset.to_string(), target, reached })
            }
            (None, Some(error)) => Err(error),
            (None, None) => {
                let reason = "nothing that this preset tries describes it".to_owned();
                Err(Error::Degenerate { basis: self.preset.effort.name(), reason })
            }
        }
    }

    /// The mixture to start from: the fewest components that come near the bound, or as many as there may be.
    fn mixture(&self, components: usize) -> Result<MixtureCoefficients> {
        /// The part of the bound that the mixture may use; rounding has the rest.
        const SHARE: f64 = 0.88;
        let selection = match self.preset.bound().limit(Figure::L2) {
            Some(l2) => Selection::Error(SHARE * l2),
            None => Selection::Fixed,
        };
        Mixture::new(components)?.with_selection(selection)?.encode(self.vdf)
    }

    /// Offers a mixture alone, then with wavelets for the rest. Returns true if the mixture alone met a bound that limits
    /// only `l2`.
    fn try_mixture(&mut self, found: MixtureCoefficients) -> Result<bool> {
        let found = AnyCoefficients::new(found);
        let met_alone = self.offer(Candidate::Mixture, Ok(found.clone()))?;
        // The mixture alone meets the bound, so wavelets would only lengthen the stream.
        if met_alone && self.preset.bound().limit(Figure::L2).is_some() {
            return Ok(true);
        }
        self.short = Some(found.clone());
        let sum = ResidualCoefficients::<AnyBasis, AnyBasis> { first: found, second: None };
        self.offer(Candidate::Sum, Ok(AnyCoefficients::new(sum)))?;
        Ok(false)
    }

    /// Coefficients of a candidate, rounded in the preset's own stream.
    fn rounded(&self, candidate: Candidate, found: Result<AnyCoefficients>) -> Result<PresetCoefficients> {
        let head = || self.preset.head(candidate, self.vdf.grid());
        let rounded = self.preset.quantized(candidate)?.round_after(head, &found?, self.vdf)?;
        Ok(PresetCoefficients { candidate, rounded })
    }

    /// Rounds an answer and keeps it if it is the best so far; returns whether it meets the bound.
    fn offer(&mut self, candidate: Candidate, found: Result<AnyCoefficients>) -> Result<bool> {
        let Some(now) = met(self.rounded(candidate, found), &mut self.missed)? else { return Ok(false) };
        self.keep_if_better(now)?;
        Ok(true)
    }

    /// Keeps an answer that is better than the best so far. The shorter stream is better; if only the length is limited,
    /// the one with the smaller error.
    fn keep_if_better(&mut self, now: PresetCoefficients) -> Result<()> {
        let cost = |coefficients: &PresetCoefficients| match self.preset.bound().is_length_only() {
            true => Ok(relative_l2(self.vdf, &self.preset.reconstruct(coefficients, self.vdf.grid())?)),
            false => self.len(coefficients).map(|len| len as f64),
        };
        let better = match &self.best {
            Some(best) => cost(&now)? < cost(best)?,
            None => true,
        };
        if better {
            self.best = Some(now);
        }
        Ok(())
    }

    fn len(&self, coefficients: &PresetCoefficients) -> Result<usize> {
        let mut coder = Coder::writing();
        self.preset.code(&mut coefficients.clone(), self.vdf.grid(), Resolution::Exact, &mut coder)?;
        Ok(coder.finish().len())
    }
}

/// The answer, if there is one. A missed bound is `Ok(None)`; the first reason is kept for the error.
fn met<T>(answer: Result<T>, missed: &mut Option<Error>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error @ (Error::TargetNotMet { .. } | Error::Degenerate { .. } | Error::OutOfRange { .. })) => {
            missed.get_or_insert(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
