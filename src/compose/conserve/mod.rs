//! Moments made exact, and densities never negative.

mod change;
mod choice;
mod correction;
mod digits;
mod figures;
mod lattice;
mod occupancy;
#[cfg(test)]
mod tests;

use std::fmt;

use change::Correction;
use choice::Choice;

use crate::basis::{Basis, Coefficients, Slot};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::spec::SpecWriter;

/// `conserve(B)`: what B decodes to, without its negative densities, and changed as little as gives it the original's
/// density n, bulk velocity u and pressure tensor P (and heat flux q, if asked for): to 1e-12 of n, every component of u
/// of the thermal speed v_i = √(P_ii/n) along its axis, and every component of P of √(P_ii P_jj) (q of n v_th³), however
/// different cells or widths along the axes are.
///
/// The change is a quadratic polynomial of velocity that is added wherever B's density is positive, as far as that leaves
/// it so: of all such densities the nearest in the sum of squares, and therefore nearer to an original that has none
/// below zero, too; everywhere, if B has so few of the original's cells that this would not be so. Where B itself is
/// positive, an exponential of a quadratic polynomial is tried as well.
///
/// The stream holds by how much the moments differ, about 35 bits each, and, where that makes the stream shorter for its
/// error, which 4×4×4 blocks of the original hold anything. Where few cells hold the density, as of a beam narrower than a
/// cell, no other density may have its moments: then the stream may hold which cells these are, and, if no search finds
/// their densities, these too. Every distribution without negative densities that B encodes is encoded. An all-zero distribution stays
/// zero, whatever B says to it.
///
/// The change is a function of velocity: on another grid than that of the original it is applied to what B gives there.
#[derive(Debug, Clone, PartialEq)]
pub struct Conserve<B: Basis> {
    inner: B,
    heat_flux: bool,
}

/// The coefficients of the inner basis, and what makes its moments exact.
#[derive(Debug, Clone, PartialEq)]
pub struct ConserveCoefficients<B: Basis> {
    grid: VelocityGrid,
    heat_flux: bool,
    /// None of an all-zero distribution.
    found: Option<(B::Coefficients, Correction)>,
}

const NAME: &str = "conserve";
/// Blocks are worth a thought only if they take away so much of the error.
const LEAST_GAIN: f64 = 1e-4;

impl<B: Basis> Conserve<B> {
    /// n, u and P of what `inner` encodes become exact.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, heat_flux: false }
    }

    /// And the heat flux, or not.
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

    fn corrected(&self, vdf: &Vdf, inner: impl FnOnce() -> Result<B::Coefficients>) -> Result<ConserveCoefficients<B>> {
        let found = match vdf.peak() > 0.0 {
            false => None,
            true => {
                let inner = inner()?;
                let correction = self.correction(&inner, vdf, Resolution::Exact)?;
                Some((inner, correction))
            }
        };
        Ok(ConserveCoefficients { grid: *vdf.grid(), heat_flux: self.heat_flux, found })
    }

    /// What makes the decoded moments those of `vdf`.
    fn correction(&self, inner: &B::Coefficients, vdf: &Vdf, resolution: Resolution) -> Result<Correction> {
        let decoded = self.inner.reconstruct(inner, vdf.grid())?;
        let choice = Choice::new(vdf, &decoded, self.heat_flux);
        let best = choice.best().ok_or_else(|| Error::Degenerate { basis: NAME, reason: choice.reason() })?;
        if let Some(in_blocks) = choice.in_blocks(&best) {
            let length = |correction: &Correction| {
                let mut coder = Coder::writing();
                Correction::code(Some(correction), vdf.grid(), self.heat_flux, &mut coder)?;
                self.inner.code(Some(inner), vdf.grid(), resolution, &mut coder)?;
                Ok::<f64, Error>(coder.finish().len() as f64)
            };
            // Of two streams, that with the smaller product of length and error is the better.
            if in_blocks.l2() * length(&in_blocks.correction)? < best.l2() * length(&best.correction)? {
                return Ok(in_blocks.correction);
            }
        }
        Ok(best.correction)
    }
}

impl<B: Basis> fmt::Display for Conserve<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SpecWriter::new(&format!("{NAME}({})", self.inner)).option(self.heat_flux, "heat-flux", "yes").write(f)
    }
}

impl<B: Basis> Basis for Conserve<B> {
    type Coefficients = ConserveCoefficients<B>;

    /// # Errors
    /// As the inner basis; [`Error::Degenerate`] where what it decodes to has hardly anything in common with the
    /// original, or where no density has the original's moments, as where most of it is negative.
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

    /// The inner basis in the resolution asked for, the moments always in their own: to have them exact, round first
    /// ([`Basis::rounded`]).
    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        let found = match coder.rarely(coefficients.is_some_and(|c| c.found.is_none())) {
            true => None,
            false => {
                let given = coefficients.and_then(|c| c.found.as_ref());
                // First, since the zeros that many a basis ends with cost nothing at the end of a stream.
                let correction = Correction::code(given.map(|(_, c)| c), grid, self.heat_flux, coder)?;
                coder.part(self.inner.to_string());
                let inner = self.inner.code(given.map(|(inner, _)| inner), grid, resolution, coder)?;
                Some((inner, correction))
            }
        };
        Ok(ConserveCoefficients { grid: *grid, heat_flux: self.heat_flux, found })
    }

    /// That of the inner basis: making its moments exact changes its numbers little.
    fn rounded_before(&self, coefficients: &Self::Coefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        let (inner, _) = coefficients.found.as_ref()?;
        self.inner.rounded_before(inner, vdf, steps)
    }

    /// The inner basis rounds, and what makes its moments exact is found anew.
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let Some((inner, _)) = &coefficients.found else { return Ok(coefficients.clone()) };
        let inner = self.inner.rounded(inner, vdf, resolution)?;
        let correction = self.correction(&inner, vdf, resolution)?;
        Ok(ConserveCoefficients { found: Some((inner, correction)), ..coefficients.clone() })
    }
}

impl<B: Basis> Coefficients for ConserveCoefficients<B> {
    /// Those of the inner basis: the moments are whole numbers.
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        if let Some((inner, _)) = &mut self.found {
            inner.visit(visitor);
        }
    }

    /// The digits of the moments, the numbers of the blocks, and the inner basis' own.
    fn topology_len(&self) -> usize {
        let found = self.found.as_ref();
        1 + found.map_or(0, |(inner, correction)| inner.topology_len() + correction.len(self.heat_flux))
    }
}
