//! Correction of a decoded density to exact moments, without negative values.

mod change;
mod choice;
mod correction;
mod digits;
mod field;
mod halo;
mod lattice;
mod method;
mod moments;
mod newton;
mod occupancy;
mod polynomial;
mod sums;
#[cfg(test)]
mod tests;

use std::fmt;

use choice::Choice;
use correction::Correction;

use crate::basis::bound::{Bound, Figure};
use crate::basis::choices::{Choices, spec_around, write_spec};
use crate::basis::spec::{Spec, invalid};
use crate::basis::{Basis, Coefficients, Gradient, Kept, Quantise, Slot, Stream};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// `conserve(B)`: the reconstruction of B without negative densities, changed as little as gives it the original's
/// density n, bulk velocity u and pressure tensor P (and heat flux q, if asked for): to 1e-12 of n, every component of
/// u of the thermal speed v_i = √(P_ii/n) along its axis, and every component of P of √(P_ii P_jj) (q of n v_th³),
/// however different cells or widths along the axes are.
///
/// A quadratic polynomial p of velocity changes what B decodes to, g, by one of several rules: g + p where g is large and
/// a factor where it is small, so that tails survive; max(0, g + p), which removes ripples; or g eᵖ, of which a Gaussian
/// stays one. If B lacks the tails of the original, a wide Gaussian stands in for them. The encoder measures the errors
/// `l2` and `log10_rms` (above parts of the peak) of each rule. It takes one that enlarges them by at most 2% and 5%, if
/// there is one, with the smallest product of both.
///
/// The stream holds the differences of the moments, about 35 bits each, and the rule. If a density occupies few cells,
/// as a beam narrower than a cell does, no other density may have its moments: the stream may then hold these cells,
/// and their densities if no search finds them. Every distribution without negative densities that B encodes is encoded.
/// An all-zero distribution stays zero.
///
/// The change is a function of velocity: on another grid it is applied to the reconstruction of B there.
#[derive(Debug, Clone, PartialEq)]
pub struct Conserve<B: Basis> {
    inner: B,
    heat_flux: bool,
}

/// Coefficients of the inner basis, and the correction of its moments.
#[derive(Debug, Clone, PartialEq)]
pub struct ConserveCoefficients<B: Basis> {
    grid: VelocityGrid,
    heat_flux: bool,
    /// `None` for an all-zero distribution.
    found: Option<(B::Coefficients, Correction)>,
}

/// The name of the combinator.
pub(crate) const NAME: &str = "conserve";
/// Part by which the correction may enlarge the error `l2`. A bound passed on to an inner basis is lowered by it.
const ADDED_ERROR: f64 = 0.02;

impl<B: Basis> Conserve<B> {
    /// Corrects n, u and P of `inner`.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, heat_flux: false }
    }

    /// Sets whether the heat flux is corrected, too.
    #[must_use]
    pub fn with_heat_flux(mut self, heat_flux: bool) -> Self {
        self.heat_flux = heat_flux;
        self
    }

    /// The basis inside.
    #[must_use]
    pub fn inner(&self) -> &B {
        &self.inner
    }

    pub(crate) fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.flag("heat-flux", &mut self.heat_flux)
    }
}

impl<B: Quantise> Conserve<B> {
    fn corrected(&self, vdf: &Vdf, inner: impl FnOnce() -> Result<B::Coefficients>) -> Result<ConserveCoefficients<B>> {
        let found = match vdf.peak() > 0.0 {
            false => None,
            true => {
                let inner = inner()?;
                let correction = self.correction(&inner, vdf)?;
                Some((inner, correction))
            }
        };
        Ok(ConserveCoefficients { grid: *vdf.grid(), heat_flux: self.heat_flux, found })
    }

    /// Correction of the decoded moments to those of `vdf`.
    fn correction(&self, inner: &B::Coefficients, vdf: &Vdf) -> Result<Correction> {
        let decoded = self.inner.reconstruct(inner, vdf.grid())?;
        let choice = Choice::new(vdf, &decoded, self.heat_flux);
        choice.best().ok_or_else(|| Error::Degenerate { basis: NAME, reason: choice.reason() })
    }
}

impl<B: Quantise> fmt::Display for Conserve<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spec(self, f)
    }
}

impl<B: Quantise> Basis for Conserve<B> {
    type Coefficients = ConserveCoefficients<B>;

    /// # Errors
    /// Those of the inner basis; [`Error::Degenerate`] if no density without negative values has the original's moments
    /// (most of it is negative, for instance), or if the reconstruction is too far from the original to find one.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        self.corrected(vdf, || self.inner.encode(vdf))
    }

    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        match &start.found {
            Some((inner, _)) => self.corrected(vdf, || self.inner.encode_from(vdf, inner)),
            None => self.encode(vdf),
        }
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        if coefficients.heat_flux != self.heat_flux {
            let problem = format!("they conserve other moments than `{self}`");
            return Err(Error::ForeignCoefficients(problem));
        }
        let Some((inner, correction)) = &coefficients.found else { return Ok(Vdf::zeros(*grid)) };
        let decoded = self.inner.reconstruct(inner, &coefficients.grid)?;
        match *grid == coefficients.grid {
            true => correction.changed(&decoded, self.heat_flux),
            false => {
                let elsewhere = self.inner.reconstruct(inner, grid)?;
                correction.changed_elsewhere(&decoded, &elsewhere, self.heat_flux)
            }
        }
    }

    /// Refused: the correction is searched on the cells, and has kinks where it sets negative densities to zero. The
    /// basis inside has its own gradient ([`ConserveCoefficients::inner`]).
    fn gradient(&self, _: &Self::Coefficients, _: &VelocityGrid) -> Result<Gradient> {
        let reason = "its correction of the moments has kinks; take the gradient of the basis inside, which lacks the \
                      correction, or differences of the reconstruction";
        Err(Error::NotDifferentiable { basis: NAME.to_owned(), reason: reason.to_owned() })
    }
}

impl<B: Quantise> Stream for Conserve<B> {
    fn spec(&self) -> Result<Spec> {
        let default = || Self::new(self.inner.clone());
        spec_around(NAME, self.inner.spec()?, |shown| self.clone().choose(shown), |shown| default().choose(shown))
    }

    fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients {
        ConserveCoefficients { grid: *grid, heat_flux: self.heat_flux, found: None }
    }

    /// Codes the inner basis with the given resolution, the moments with their own steps. They are exact only if the
    /// coefficients have been rounded before ([`Quantise::rounded`]).
    fn code(
        &self,
        coefficients: &mut Self::Coefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        if !coder.is_reading() && coefficients.grid != *grid {
            return Err(Error::GridMismatch { left: coefficients.grid.to_string(), right: grid.to_string() });
        }
        if coder.rarely(coefficients.found.is_none()) {
            coefficients.found = None;
            return Ok(());
        }
        let blank = || (self.inner.blank(grid), Correction::blank());
        let (inner, correction) = coefficients.found.get_or_insert_with(blank);
        // The correction comes first: many bases end with zeros, which cost nothing at the end of a stream.
        correction.code(grid, self.heat_flux, coder)?;
        coder.part_of(&self.inner)?;
        self.inner.code(inner, grid, resolution, coder)
    }
}

impl<B: Quantise> Quantise for Conserve<B> {
    /// Without a correction: rounding finds one for each step.
    fn encode_to_round(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        let found = match vdf.peak() > 0.0 {
            false => None,
            true => Some((self.inner.encode_to_round(vdf)?, Correction::blank())),
        };
        Ok(ConserveCoefficients { grid: *vdf.grid(), heat_flux: self.heat_flux, found })
    }

    fn ignores_step(&self) -> bool {
        self.inner.ignores_step()
    }

    fn tightened(&self, part: f64) -> Option<Self> {
        Some(Self { inner: self.inner.tightened(part)?, heat_flux: self.heat_flux })
    }

    /// Returns the step of the inner basis: the correction changes its numbers little.
    fn rounded_before(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, Self::Coefficients)> {
        let (inner, correction) = coefficients.found.as_ref()?;
        let (index, inner) = self.inner.rounded_before(inner, vdf, steps)?;
        Some((index, ConserveCoefficients { found: Some((inner, correction.clone())), ..*coefficients }))
    }

    /// Passes errors, each less the part reserved for the correction, on to an inner basis that chooses its own step; not
    /// those of moments that are exact. A length is refused, because that of the correction is not known before.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        let around = |inner| Self { inner, heat_flux: self.heat_flux };
        let is_exact = |figure: Figure| figure.is_of_moments() && (figure != Figure::HeatFlux || self.heat_flux);
        let inner = Figure::ALL.into_iter().fold(*bound, |inner, figure| match inner.limit(figure) {
            Some(_) if is_exact(figure) => inner.without(figure),
            Some(limit) if figure != Figure::Bytes => inner.and(figure, lessened(limit, ADDED_ERROR)),
            _ => inner,
        });
        if inner == Bound::default() {
            return Ok(Kept::AtAnyStep);
        }
        match self.inner.keep(&inner)? {
            Kept::AtAnyStep => Ok(Kept::AtAnyStep),
            own if bound.limit(Figure::Bytes).is_none() => Ok(own.through(around)),
            Kept::Inside(own) | Kept::Itself(own) => {
                let [inner, own] = [self.inner.spec()?, own.spec()?];
                let problem = format!("`{inner}` chooses its own step, and what `{bound}` leaves to it is not known");
                Err(invalid(&self.spec()?.to_string(), format!("{problem}; write its own bound, `{own}`")))
            }
        }
    }

    /// Rounds the inner basis, and finds the correction again.
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let Some((inner, _)) = &coefficients.found else { return Ok(coefficients.clone()) };
        let inner = self.inner.rounded(inner, vdf, resolution)?;
        let correction = self.correction(&inner, vdf)?;
        Ok(ConserveCoefficients { found: Some((inner, correction)), ..coefficients.clone() })
    }
}

/// Largest bound with four digits that is at most `bound` / (1 + `part`). Few digits make it short in a stream.
fn lessened(bound: f64, part: f64) -> f64 {
    const ROUNDING: f64 = 5.1e-4;
    let exact = bound / (1.0 + part) * (1.0 - ROUNDING);
    format!("{exact:.3e}").parse().unwrap_or(exact)
}

impl<B: Basis> ConserveCoefficients<B> {
    /// The coefficients of the basis inside; `None` for an all-zero distribution.
    #[must_use]
    pub fn inner(&self) -> Option<&B::Coefficients> {
        self.found.as_ref().map(|(inner, _)| inner)
    }
}

impl<B: Basis> Coefficients for ConserveCoefficients<B> {
    /// Visits the coefficients of the inner basis.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        if let Some((inner, _)) = &self.found {
            inner.visit(visitor);
        }
    }

    /// Scales the inner coefficients, and stored densities. Other corrections are relative to the decoded density.
    fn scale(&mut self, factor: f64) {
        if let Some((inner, correction)) = &mut self.found {
            inner.scale(factor);
            correction.scale(factor);
        }
    }

    /// Number of digits of the moments and of numbers of blocks, plus that of the inner basis.
    fn topology_len(&self) -> usize {
        let found = self.found.as_ref();
        1 + found.map_or(0, |(inner, correction)| inner.topology_len() + correction.len(self.heat_flux))
    }
}
