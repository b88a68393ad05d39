//! Mixtures in a stream: their number, then one Gaussian after another by descending norm.

use std::cmp::Reverse;

use super::covariance::Covariance;
use super::member::Profile;
use super::{Mixture, MixtureCoefficients, MixtureComponent, NAME, Refine};
use crate::coding::{Coder, Resolution, multiple};
use crate::distribution::frame::Frame;
use crate::distribution::gaussian_coding::{BLANK, GaussianModels, Widths, is_same, norm, off_whole};
use crate::distribution::gaussian_fit::Gaussian;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

impl Mixture {
    /// The peak of a component of density 1.
    pub(super) fn peak_of_one(&self, frame: &Frame) -> f64 {
        frame.scales.iter().fold(Profile::new(self.kappa).unit_peak(), |peak, scale| peak / scale)
    }

    /// A component as a stream holds it: by its peak.
    pub(super) fn bell(&self, component: &MixtureComponent) -> Gaussian {
        Gaussian { peak: component.density * self.peak_of_one(&component.frame), frame: component.frame }
    }

    /// The component of a bell.
    pub(super) fn component(&self, bell: &Gaussian) -> MixtureComponent {
        MixtureComponent { density: bell.peak / self.peak_of_one(&bell.frame), frame: bell.frame }
    }

    /// The norm of a component over the cells.
    pub(super) fn norm(&self, component: &MixtureComponent, grid: &VelocityGrid) -> f64 {
        norm(&self.bell(component), grid)
    }

    /// Sum of the distances of the norms from multiples of a step, in steps. `None` if rounding to the step would
    /// change the numbers by more than their conversion from cells: they were not rounded to this step before.
    pub(super) fn off_multiples(
        &self,
        coefficients: &MixtureCoefficients,
        grid: &VelocityGrid,
        step: f64,
    ) -> Option<f64> {
        let bells = |coefficients: &MixtureCoefficients| -> Vec<Gaussian> {
            let mut bells: Vec<Gaussian> = coefficients.components().iter().map(|c| self.bell(c)).collect();
            bells.sort_by_key(|bell| Reverse(multiple(norm(bell, grid), step)));
            bells
        };
        let given = bells(coefficients);
        let off = given.iter().map(|bell| off_whole(bell, grid, step)).sum::<Option<f64>>()?;
        let mut rounded = coefficients.clone();
        self.code_components(&mut rounded, grid, Resolution::Step(step), &mut Coder::writing()).ok()?;
        given.iter().zip(bells(&rounded)).all(|(a, b)| is_same(a, &b, grid, step)).then_some(off)
    }

    /// Numbers of the covariance that a stream holds for a component.
    pub(super) fn widths(&self, component: usize) -> Widths {
        match self.covariance {
            Covariance::Tied if component > 0 => Widths::Same,
            Covariance::Full | Covariance::Tied => Widths::Full,
            Covariance::Diagonal => Widths::PerAxis,
            Covariance::Spherical => Widths::One,
            Covariance::FieldAligned(field) => Widths::AcrossAndAlong(field),
        }
    }

    pub(super) fn code_components(
        &self,
        coefficients: &mut MixtureCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        if let (Refine::Logarithm, Some(step)) = (self.refine, resolution.step()) {
            return self.code_in_logarithm(coefficients, grid, step, coder);
        }
        coefficients.octaves_of_shares.clear();
        if let (Resolution::Step(step), true) = (resolution, coder.remembers())
            && matches!(self.covariance, Covariance::Full | Covariance::Diagonal)
        {
            self.code_descendants(&mut coefficients.components, grid, step, coder)?;
            return coefficients.validate().map_err(|error| coder.refusal(NAME, error.to_string()));
        }
        // Height of a component in the stream: its density, if exact; its peak, from which the norm follows, with a
        // step.
        let height = |frame: &Frame| match resolution {
            Resolution::Exact => 1.0,
            Resolution::Step(_) => self.peak_of_one(frame),
        };
        let components = &mut coefficients.components;
        if let Resolution::Step(step) = resolution {
            // Sorted by whole steps, so that rounding does not change the order.
            components.sort_by_key(|component| Reverse(multiple(self.norm(component, grid), step)));
        }
        let count = coder.count(components.len(), Self::MAX_COMPONENTS)?;
        if coder.is_reading() {
            components.clear();
            components.resize(count, MixtureComponent { density: 1.0, frame: BLANK.frame });
        }
        let mut models = GaussianModels::of(NAME);
        for (k, component) in components.iter_mut().enumerate() {
            let widths = self.widths(k);
            let mut bell = Gaussian { peak: component.density * height(&component.frame), frame: component.frame };
            models.code(coder, &mut bell, widths, grid, resolution)?;
            *component = MixtureComponent { density: bell.peak / height(&bell.frame), frame: bell.frame };
            if resolution.step().is_some() && !component.density.is_normal() {
                return Err(models.lost_digits(coder));
            }
        }
        coefficients.validate().map_err(|error| coder.refusal(NAME, error.to_string()))
    }
}
