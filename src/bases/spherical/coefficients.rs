//! What a spherical expansion holds, and what can be read off it.

use faer::Mat;

use super::harmonics::{count, degree_and_order};
use super::joint;
use super::misner;
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
    Spheres { last: f64 },
    Burnett { width: f64 },
}

/// Functions of the radius in a unit of length, with their coefficients or without.
pub(super) enum Radial {
    Pieces(Pieces, Vec<Mat<f64>>),
    Burnett(f64),
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

    /// The functions of the radius, in a unit of length [m/s].
    pub(super) fn pieces(&self, unit: f64) -> Radial {
        let functions = count(self.degree);
        match self.extent {
            Extent::Splines { inner, outer } => {
                let pieces = Pieces::splines(breaks(inner / unit, outer / unit, self.sizes.len()));
                Radial::Pieces(pieces, joint::columns(&self.amplitudes, &self.sizes, functions))
            }
            Extent::Spheres { last } => {
                let (pieces, columns) = misner::splines(last / unit, &self.amplitudes, &self.sizes, functions);
                Radial::Pieces(pieces, columns)
            }
            Extent::Burnett { width } => Radial::Burnett(width / unit),
        }
    }
}

impl Coefficients for SphericalCoefficients {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        self.centre.iter_mut().for_each(|value| visitor(Slot::new(Quantity::Velocity, 0), value));
        let speed = Slot::new(Quantity::Speed, 0);
        match &mut self.extent {
            Extent::Splines { inner, outer } => [inner, outer].into_iter().for_each(|value| visitor(speed, value)),
            Extent::Spheres { last: length } | Extent::Burnett { width: length } => visitor(speed, length),
        }
        let burnett = matches!(self.extent, Extent::Burnett { .. });
        let mut amplitudes = self.amplitudes.iter_mut();
        for (shell, &size) in self.sizes.iter().enumerate() {
            for (position, amplitude) in (0..size as usize).zip(amplitudes.by_ref()) {
                let l = degree_and_order(position).0;
                let degree = if burnett { 2 * shell + l } else { l };
                visitor(Slot::new(Quantity::PhaseSpaceDensity, degree), amplitude);
            }
        }
    }

    /// The highest degree of every shell; Burnett's functions follow from the degree.
    fn topology_len(&self) -> usize {
        if matches!(self.extent, Extent::Burnett { .. }) { 0 } else { self.sizes.len() }
    }
}
