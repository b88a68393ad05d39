//! What a spherical expansion holds, and what can be read off it.

use faer::Mat;

use super::harmonics::{count, degree_and_order};
use super::joint;
use super::radial::{Pieces, breaks};
use crate::basis::{Coefficients, Quantity, Slot};

/// Amplitudes, shell after shell, and where they belong.
#[derive(Debug, Clone, PartialEq)]
pub struct SphericalCoefficients {
    pub(super) degree: usize,
    /// The polar axis chosen, if not z.
    pub(super) axis: Option<[f64; 3]>,
    pub(super) centre: [f64; 3],
    pub(super) extent: Extent,
    /// Harmonics in each shell: (its highest degree + 1)², or none.
    pub(super) sizes: Vec<u32>,
    pub(super) amplitudes: Vec<f64>,
}

/// The radii that functions of the radius are made from [m/s].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Extent {
    Splines { inner: f64, outer: f64 },
}

impl SphericalCoefficients {
    /// The centre [m/s].
    #[must_use]
    pub fn centre(&self) -> [f64; 3] {
        self.centre
    }

    /// The highest degree asked for.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The highest degree that each shell has coefficients of, from the innermost on; none where it has none.
    pub fn degrees(&self) -> impl Iterator<Item = Option<usize>> {
        self.sizes.iter().map(|&size| size.checked_sub(1).map(|last| degree_and_order(last as usize).0))
    }

    pub(super) fn finite(&self) -> bool {
        self.amplitudes.iter().all(|amplitude| amplitude.is_finite())
    }

    /// The functions of the radius, in a unit of length [m/s], and their coefficients on every interval.
    pub(super) fn pieces(&self, unit: f64) -> (Pieces, Vec<Mat<f64>>) {
        match self.extent {
            Extent::Splines { inner, outer } => {
                let pieces = Pieces::splines(breaks(inner / unit, outer / unit, self.sizes.len()));
                (pieces, joint::columns(&self.amplitudes, &self.sizes, count(self.degree)))
            }
        }
    }
}

impl Coefficients for SphericalCoefficients {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        self.centre.iter_mut().for_each(|value| visitor(Slot::new(Quantity::Velocity, 0), value));
        match &mut self.extent {
            Extent::Splines { inner, outer } => {
                [inner, outer].into_iter().for_each(|value| visitor(Slot::new(Quantity::Speed, 0), value));
            }
        }
        let mut amplitudes = self.amplitudes.iter_mut();
        for &size in &self.sizes {
            for (position, amplitude) in (0..size as usize).zip(amplitudes.by_ref()) {
                visitor(Slot::new(Quantity::PhaseSpaceDensity, degree_and_order(position).0), amplitude);
            }
        }
    }

    /// The highest degree of every shell.
    fn topology_len(&self) -> usize {
        self.sizes.len()
    }
}
