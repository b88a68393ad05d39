//! The coefficients of a spherical expansion, and functions of the radius made from them.

use faer::Mat;

use super::harmonics::{count, degree_and_order};
use super::joint;
use super::misner;
use super::radial::{Pieces, breaks};
use crate::basis::{Coefficients, Label, Quantity, Slot};

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

impl Extent {
    /// The one or two radii, as places: [`Stream::code`](crate::basis::Stream::code) writes them and reads them with the
    /// same lines.
    pub(super) fn lengths(&mut self) -> impl Iterator<Item = &mut f64> {
        let (first, second) = match self {
            Self::Splines { inner, outer } => (inner, Some(outer)),
            Self::Spheres { last: length } | Self::Burnett { width: length } => (length, None),
        };
        std::iter::once(first).chain(second)
    }

    /// The polynomial degree of a function: 2n + l of Burnett's, l of the others, whose radial parts have no order.
    pub(super) fn polynomial_degree(self, shell: usize, position: usize) -> usize {
        let (l, _) = degree_and_order(position);
        if matches!(self, Self::Burnett { .. }) { 2 * shell + l } else { l }
    }
}

/// The functions of the radius: splines with their coefficients, or Burnett's of this width, all in one unit of length.
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

    /// Every amplitude [s³ m⁻⁶] with its shell (n of Burnett's functions) and its harmonic: `(shell, (l, m),
    /// amplitude)`.
    pub fn terms(&self) -> impl Iterator<Item = (usize, (usize, isize), f64)> {
        let harmonics = |(shell, &size): (usize, &u32)| (0..size as usize).map(move |k| (shell, degree_and_order(k)));
        let places = self.sizes.iter().enumerate().flat_map(harmonics);
        places.zip(&self.amplitudes).map(|((shell, harmonic), &amplitude)| (shell, harmonic, amplitude))
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
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        for (axis, value) in (0..).zip(self.centre) {
            visitor(Slot::new(Quantity::Velocity, 0).at(Label::Axis(axis)), value);
        }
        let mut extent = self.extent;
        for (index, length) in (0..).zip(extent.lengths()) {
            visitor(Slot::new(Quantity::Speed, 0).at(Label::Index(index)), *length);
        }
        for (shell, (l, m), amplitude) in self.terms() {
            let degree = self.extent.polynomial_degree(shell, l * l);
            let label = Label::Harmonic { l: l as u32, m: m as i32, shell: shell as u32 };
            visitor(Slot::new(Quantity::PhaseSpaceDensity, degree).at(label), amplitude);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.amplitudes.iter_mut().for_each(|amplitude| *amplitude *= factor);
    }

    /// The highest degree of every shell; Burnett's functions follow from the degree.
    fn topology_len(&self) -> usize {
        if matches!(self.extent, Extent::Burnett { .. }) { 0 } else { self.sizes.len() }
    }
}
