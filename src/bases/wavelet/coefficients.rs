//! The coefficients of a wavelet expansion: some of those of a layout, or all.

use std::borrow::Cow;

use super::boundary::Boundary;
use super::coding::Multiples;
use super::filters::WaveletFilter;
use super::transform::Layout;
use crate::basis::{Coefficients, Label, Quantity, Slot};
use crate::coding::multiple;
use crate::numerics::selection::scattered;

/// Wavelet coefficients of one distribution, and the positions of those that are kept.
///
/// They belong to the shape of the grid they were made on, not to its place or its spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveletCoefficients {
    pub(super) filter: WaveletFilter,
    pub(super) boundary: Boundary,
    pub(super) shape: [usize; 3],
    pub(super) layout: Layout,
    /// Positions in the layout, ascending; none if all are kept.
    pub(super) positions: Option<Vec<u32>>,
    pub(super) amplitudes: Vec<f64>,
    pub(super) step: Option<f64>,
}

impl WaveletCoefficients {
    /// Cells along each axis of the grid they belong to.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The step of which the coefficients are multiples, if they were rounded [s³ m⁻⁶].
    #[must_use]
    pub fn step(&self) -> Option<f64> {
        self.step
    }

    /// Every coefficient [s³ m⁻⁶], zeros where no term is kept: the approximation, then the details from the coarsest
    /// level to the finest, in PyWavelets' order (`aad`, `ada`, … `ddd`, each in C order).
    #[must_use]
    pub fn to_dense(&self) -> Vec<f64> {
        self.dense().into_owned()
    }

    /// Multiplies all by a number from 0 to 1; with zero no terms are kept.
    pub(super) fn shrink(&mut self, multiple: f64) {
        if multiple >= 1.0 {
            return;
        }
        self.scale(multiple);
        if let (Some(positions), true) = (&mut self.positions, multiple == 0.0) {
            positions.clear();
            self.amplitudes.clear();
        }
    }

    /// Every coefficient, copied only where terms are left out.
    pub(super) fn dense(&self) -> Cow<'_, [f64]> {
        match &self.positions {
            None => Cow::Borrowed(&self.amplitudes),
            Some(positions) => Cow::Owned(scattered(&self.amplitudes, positions, self.layout.len())),
        }
    }

    /// The nearest multiples of a step.
    pub(super) fn multiples(&self, step: f64) -> Multiples {
        let multiple = |(position, amplitude): (u32, &f64)| (position, multiple(*amplitude, step));
        let some = |(_, multiple): &(u32, i64)| *multiple != 0;
        match &self.positions {
            None => (0..).zip(&self.amplitudes).map(multiple).filter(some).collect(),
            Some(positions) => positions.iter().copied().zip(&self.amplitudes).map(multiple).filter(some).collect(),
        }
    }

    /// Keeps these multiples of a step and nothing else.
    pub(super) fn set_multiples(&mut self, multiples: &[(u32, i64)], step: f64) {
        self.positions = Some(multiples.iter().map(|(position, _)| *position).collect());
        self.amplitudes = multiples.iter().map(|(_, multiple)| *multiple as f64 * step).collect();
        self.step = Some(step);
    }
}

impl Coefficients for WaveletCoefficients {
    /// The degree and the level are 0 for the approximation, 1 for the coarsest details, 2 for the next; the position is the
    /// index in [`WaveletCoefficients::to_dense`].
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        for (index, amplitude) in self.amplitudes.iter().enumerate() {
            let position = self.positions.as_ref().map_or(index, |positions| positions[index] as usize);
            let rank = self.layout.rank(position);
            let label = Label::Place { level: rank as u32, position: position as u32 };
            visitor(Slot::new(Quantity::PhaseSpaceDensity, rank).at(label), *amplitude);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.amplitudes.iter_mut().for_each(|amplitude| *amplitude *= factor);
        self.step = self.step.map(|step| step * factor).filter(|step| *step > 0.0);
    }

    fn topology_len(&self) -> usize {
        self.positions.as_ref().map_or(0, Vec::len)
    }

    fn count(&self) -> usize {
        self.amplitudes.len()
    }
}
