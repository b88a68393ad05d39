//! Coefficients in the levels that suit a step, or in those of the stream from which a distribution was decoded, where the
//! user leaves the levels open.

use super::coding::Multiples;
use super::levels::{self, Arranged, Bank};
use super::transform::Scratch;
use super::{Wavelet, WaveletCoefficients, recovery, rounding};
use crate::basis::{Quantise, Stream};
use crate::coding::{MaybeMultiples, step_of_multiples};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;

impl Wavelet {
    /// The coefficients in the layout that suits a step, if the levels are left open.
    pub(super) fn arranged<'a>(&self, coefficients: &'a WaveletCoefficients, vdf: &'a Vdf, step: f64) -> Arranged<'a> {
        let WaveletCoefficients { layout, amplitudes, .. } = coefficients;
        if !self.levels_are_open(coefficients) {
            return Arranged::unchanged(layout, coefficients.dense());
        }
        self.scratch.with(Scratch::bytes, |scratch| {
            levels::for_step(layout, amplitudes, vdf.as_slice(), step, &self.bank_of(&|n| self.table(n)), scratch)
        })
    }

    /// The levels in which the values were rounded before, if the levels are left open.
    fn levels_before(
        &self,
        coefficients: &WaveletCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, Arranged<'static>)> {
        if !self.levels_are_open(coefficients) {
            return None;
        }
        let WaveletCoefficients { layout, amplitudes, .. } = coefficients;
        self.scratch.with(Scratch::bytes, |scratch| {
            recovery::rounded_before(
                layout,
                amplitudes,
                vdf.as_slice(),
                steps,
                &self.bank_of(&|n| self.table(n)),
                scratch,
            )
        })
    }

    fn levels_are_open(&self, coefficients: &WaveletCoefficients) -> bool {
        self.level.is_none() && coefficients.positions.is_none() && self.is_transform()
    }

    fn bank_of<'a, T>(&self, table: &'a T) -> Bank<'a, T> {
        Bank { boundary: self.boundary, taps: self.filter.bank().len(), table }
    }

    /// Coefficients rounded to a step, some of them to smaller multiples than the nearest.
    pub(super) fn rounded_in(&self, arranged: &Arranged<'_>, grid: &VelocityGrid, step: f64) -> WaveletCoefficients {
        let Arranged { layout, parts: [first, rest] } = arranged;
        let mut multiples = Multiples::new();
        rounding::rounded(layout, [first, rest], step, |position, multiple| {
            multiples.push((position as u32, multiple));
        });
        let mut rounded = WaveletCoefficients { layout: layout.clone(), ..self.blank(grid) };
        rounded.set_multiples(&multiples, step);
        rounded
    }

    /// The step to which the values were rounded before, and the coefficients in it. It is looked for in the levels that a
    /// stream may have had, and then, for numbers that are only nearly multiples, in those that suit the step which the
    /// search found, four times the finest of these.
    pub(super) fn rounded_to_a_step_before(
        &self,
        coefficients: &WaveletCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, WaveletCoefficients)> {
        if let Some((index, arranged)) = self.levels_before(coefficients, vdf, steps) {
            // Where the encoder's own levels are as good, they are those of the stream.
            let own = self.arranged(coefficients, vdf, steps[index]);
            let is_own = own.parts.iter().all(|part| MaybeMultiples::of(part).are_multiples(steps[index]));
            let arranged = if is_own { own } else { arranged };
            return Some((index, self.rounded_in(&arranged, vdf.grid(), steps[index])));
        }
        let arranged = self.arranged(coefficients, vdf, 4.0 * steps.last()?);
        let index = step_of_multiples(&arranged.clone().whole(), steps)?;
        Some((index, self.rounded_in(&arranged, vdf.grid(), steps[index])))
    }
}
