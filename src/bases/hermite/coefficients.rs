//! The coefficients of a Hermite expansion, and quantities derived from them.

use super::orthonormal::Functions;
use super::truncation::keep_largest;
use super::{HermiteCoefficients, HermiteSpectrum, Truncation, Weight, moments};
use crate::basis::{Coefficients, Label, Quantity, Slot};
use crate::distribution::frame::Frame;
use crate::distribution::moments::Moments;
use crate::numerics::selection::{gathered, scattered};

impl HermiteCoefficients {
    /// Centre, axes and widths [m/s].
    #[must_use]
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Functions along each axis: the orders asked for, or what the cells can resolve where that is less.
    #[must_use]
    pub fn orders(&self) -> [usize; 3] {
        self.orders
    }

    /// The terms kept, as indices (a, b, c), with their coefficients: s³ m⁻⁶ with the symmetric weight, m⁻³ with the
    /// asymmetric.
    pub fn terms(&self) -> impl Iterator<Item = ([usize; 3], f64)> {
        let amplitudes = self.of_hermite_functions().into_owned();
        self.positions.iter().zip(amplitudes).map(|(&position, amplitude)| (self.term(position), amplitude))
    }

    /// Squared coefficients per total degree and per axis.
    #[must_use]
    pub fn spectrum(&self) -> HermiteSpectrum {
        HermiteSpectrum::new(self.orders, &self.terms().collect::<Vec<_>>())
    }

    /// The moments over all of velocity space, in closed form. Where the box holds the whole distribution they agree
    /// with the sums over its cells; where it cuts, they tell what the expansion makes of the part outside.
    #[must_use]
    pub fn moments_over_velocity_space(&self) -> Moments {
        let powers = [0, 1, 2].map(|axis| moments::over_velocity_space(self.weight, self.orders[axis]));
        moments::assemble(&self.densities(), &powers, &self.frame)
    }

    pub(super) fn finite(&self) -> bool {
        self.amplitudes.iter().all(|amplitude| amplitude.is_finite())
    }

    fn term(&self, position: u32) -> [usize; 3] {
        let [_, my, mz] = self.orders;
        let position = position as usize;
        [position / (my * mz), position / mz % my, position % mz]
    }

    /// The cube of the amplitudes of the weight's functions as phase-space densities, zeros where no term is kept.
    pub(super) fn densities(&self) -> Vec<f64> {
        let volume = self.weight.volume(&self.frame);
        let mut cube = scattered(&self.of_hermite_functions(), &self.positions, self.orders.iter().product());
        cube.iter_mut().for_each(|c| *c /= volume);
        cube
    }

    pub(super) fn keep_largest(&mut self, terms: usize) {
        let cube = self.cube();
        keep_largest(&mut self.positions, terms, |position| cube[position as usize].abs());
        self.amplitudes = gathered(&cube, &self.positions);
    }
}

impl Coefficients for HermiteCoefficients {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        let mut visit_axes = |quantity, values: &[f64]| {
            for (axis, value) in (0..).zip(values) {
                visitor(Slot::new(quantity, 0).at(Label::Axis(axis)), *value);
            }
        };
        visit_axes(Quantity::Velocity, &self.frame.centre);
        visit_axes(Quantity::Speed, &self.frame.scales);
        visit_axes(Quantity::Angle, self.frame.rotation.as_ref().map_or(&[], |angles| &angles[..]));
        let quantity = match (self.weight, self.functions) {
            (Weight::Asymmetric, Functions::Hermite) => Quantity::NumberDensity,
            _ => Quantity::PhaseSpaceDensity,
        };
        for (&position, &amplitude) in self.positions.iter().zip(&self.amplitudes) {
            let term = self.term(position);
            let label = Label::Degrees(term.map(|degree| degree as u32));
            visitor(Slot::new(quantity, term.iter().sum()).at(label), amplitude);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.amplitudes.iter_mut().for_each(|c| *c *= factor);
    }

    fn topology_len(&self) -> usize {
        if matches!(self.truncation, Truncation::Best(_)) { self.positions.len() } else { 0 }
    }
}
