//! What a wavelet expansion holds: some of the coefficients of a layout, or all.

use std::borrow::Cow;

use super::coding::Multiples;
use super::transform::Layout;
use super::{Boundary, WaveletFilter};
use crate::basis::{Coefficients, Quantity, Slot};
use crate::coding::multiple;
use crate::numerics::selection::scattered;

/// Wavelet coefficients of one distribution, and which of them they are.
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

    /// What the coefficients are multiples of, if they were rounded.
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

    /// Keeps a multiple of all, from 0 to 1; of zero no terms are left.
    pub(super) fn shrink(&mut self, multiple: f64) {
        if multiple >= 1.0 {
            return;
        }
        self.amplitudes.iter_mut().for_each(|amplitude| *amplitude *= multiple);
        self.step = self.step.map(|step| step * multiple).filter(|step| *step > 0.0);
        if let (Some(positions), true) = (&mut self.positions, multiple == 0.0) {
            positions.clear();
            self.amplitudes.clear();
        }
    }

    pub(super) fn dense(&self) -> Cow<'_, [f64]> {
        match &self.positions {
            None => Cow::Borrowed(&self.amplitudes),
            Some(positions) => Cow::Owned(scattered(&self.amplitudes, positions, self.layout.len())),
        }
    }

    /// To the nearest multiples of a step.
    pub(super) fn multiples(&self, step: f64) -> Multiples {
        let multiple = |(position, amplitude): (u32, &f64)| (position, multiple(*amplitude, step));
        let some = |(_, multiple): &(u32, i64)| *multiple != 0;
        match &self.positions {
            None => (0..).zip(&self.amplitudes).map(multiple).filter(some).collect(),
            Some(positions) => positions.iter().copied().zip(&self.amplitudes).map(multiple).filter(some).collect(),
        }
    }
}

impl Coefficients for WaveletCoefficients {
    /// The degree is 0 for the approximation, 1 for the coarsest details, 2 for the next.
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        for (index, amplitude) in self.amplitudes.iter_mut().enumerate() {
            let position = self.positions.as_ref().map_or(index, |positions| positions[index] as usize);
            visitor(Slot::new(Quantity::PhaseSpaceDensity, self.layout.rank(position)), amplitude);
        }
    }

    fn topology_len(&self) -> usize {
        self.positions.as_ref().map_or(0, Vec::len)
    }

    fn count(&self) -> usize {
        self.amplitudes.len()
    }
}
