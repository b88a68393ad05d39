//! What a preset tries, and the best of it so far.

use super::{Chosen, Preset, PresetCoefficients};
use crate::bases::mixture::{Mixture, MixtureCoefficients, Selection};
use crate::basis::Basis;
use crate::coding::Coder;
use crate::compose::quantized::{Quantized, QuantizedCoefficients};
use crate::compose::residual::ResidualCoefficients;
use crate::compose::target::Target;
use crate::distribution::fidelity::{Fidelity, relative_l2};
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::header;

pub(super) struct Search<'a> {
    preset: &'a Preset,
    vdf: &'a Vdf,
    best: Option<Chosen>,
    /// Why the first of what was tried is no answer.
    missed: Option<Error>,
}

impl<'a> Search<'a> {
    /// Begins with wavelets.
    pub(super) fn new(preset: &'a Preset, vdf: &'a Vdf) -> Result<Self> {
        header::check_cells(vdf.grid(), header::MOST_CELLS)?;
        let mut search = Self { preset, vdf, best: None, missed: None };
        let quantized = preset.quantized(&preset.wavelet)?;
        let found = preset.wavelet.encode(vdf).and_then(|found| search.round(&quantized, 0, &found));
        search.offer(found.map(Chosen::Wavelet))?;
        Ok(search)
    }

    /// A mixture of at most so many components: whether more might be of use.
    pub(super) fn try_mixture_of(&mut self, count: usize) -> Result<bool> {
        let Some(found) = met(self.mixture(count), &mut None)? else { return Ok(false) };
        // Of fewer than there may be, more would be the same again.
        let all = found.components().len() < count;
        self.try_mixture(found)?;
        Ok(!all)
    }

    /// The mixture that was chosen for another distribution; if it met the bound `alone` there, with some components more
    /// where it does not here.
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

    /// Spherical harmonics, on grids that they suit, and only where they do not bend the pressure more than the density:
    /// what they ripple below zero far out costs few squares and many moments, which `conserve` could not mend.
    pub(super) fn try_spherical(&mut self) -> Result<()> {
        let quantized = self.preset.quantized(&self.preset.spherical)?;
        let encoded = self.preset.spherical.encode(self.vdf);
        let found = match encoded.and_then(|found| self.round(&quantized, 3, &found)) {
            Err(Error::InvalidParameter { .. }) => return Ok(()),
            found => met(found, &mut self.missed)?,
        };
        let Some(found) = found else { return Ok(()) };
        let fidelity = Fidelity::compare(self.vdf, &quantized.reconstruct(&found, self.vdf.grid())?)?;
        let most = if let Target::L2(l2) = self.preset.target() { l2 } else { fidelity.l2 };
        if fidelity.pressure <= most {
            self.offer(Ok(Chosen::Spherical(found)))?;
        }
        Ok(())
    }

    /// Whether something of so many bytes might be better than the best so far.
    pub(super) fn is_longer_than(&self, len: usize) -> Result<bool> {
        Ok(match &self.best {
            Some(best) if !matches!(self.preset.target(), Target::Bytes(_)) => self.len(best)? > len,
            _ => true,
        })
    }

    /// The best of all.
    pub(super) fn end(self) -> Result<PresetCoefficients> {
        match (self.best, self.missed) {
            (Some(chosen), _) => Ok(PresetCoefficients(chosen)),
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
        /// What rounding needs of an error.
        const SHARE: f64 = 0.88;
        let selection = match self.preset.target() {
            Target::L2(l2) => Selection::Error(SHARE * l2),
            _ => Selection::Fixed,
        };
        Mixture::new(components)?.with_selection(selection)?.encode(self.vdf)
    }

    /// A mixture alone, and with wavelets for what is left: whether nothing is.
    fn try_mixture(&mut self, found: MixtureCoefficients) -> Result<bool> {
        let rounded = self.round(&self.preset.quantized(&Mixture::default())?, 1, &found);
        let met_alone = self.offer(rounded.map(Chosen::Mixture))?;
        // What meets the bound with room for rounding leaves nothing worth a wavelet.
        if met_alone && matches!(self.preset.target(), Target::L2(_)) {
            return Ok(true);
        }
        let found = ResidualCoefficients { first: found, second: None };
        let rounded = self.round(&self.preset.sum()?, 2, &found);
        self.offer(rounded.map(|rounded| Chosen::Both(Box::new(rounded))))?;
        Ok(false)
    }

    /// Rounded, in the preset's own stream.
    fn round<B: Basis>(
        &self,
        quantized: &Quantized<B>,
        way: usize,
        found: &B::Coefficients,
    ) -> Result<QuantizedCoefficients<B>> {
        quantized.round_after(|| self.preset.head(way, self.vdf.grid()), found, self.vdf)
    }

    /// Whether there is an answer. Whichever is better is kept: the shorter, or the nearer where the length is given.
    fn offer(&mut self, answer: Result<Chosen>) -> Result<bool> {
        let Some(now) = met(answer, &mut self.missed)? else { return Ok(false) };
        let cost = |chosen: &Chosen| match self.preset.target() {
            Target::Bytes(_) => Ok(relative_l2(self.vdf, &self.preset.decoded(chosen, self.vdf.grid())?)),
            _ => self.len(chosen).map(|len| len as f64),
        };
        let better = match &self.best {
            Some(best) => cost(&now)? < cost(best)?,
            None => true,
        };
        if better {
            self.best = Some(now);
        }
        Ok(true)
    }

    fn len(&self, chosen: &Chosen) -> Result<usize> {
        let mut coder = Coder::writing();
        self.preset.code_chosen(Some(chosen), self.vdf.grid(), &mut coder)?;
        Ok(coder.finish().len())
    }
}

/// The answer, if there is one, and otherwise the reason; an answer that misses the bound is no mistake.
fn met<T>(answer: Result<T>, missed: &mut Option<Error>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error @ (Error::TargetNotMet { .. } | Error::Degenerate { .. })) => {
            missed.get_or_insert(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
