//! Mixtures in a stream: their number, then one Gaussian after another by descending norm.

use std::cmp::Reverse;

use super::covariance::Covariance;
use super::member::Profile;
use super::{Mixture, MixtureCoefficients, MixtureComponent, NAME};
use crate::coding::{Coder, Resolution, malformed, multiple};
use crate::distribution::frame::Frame;
use crate::distribution::gaussian_coding::{GaussianModels, Widths, is_same, norm, off_whole};
use crate::distribution::gaussian_fit::Gaussian;
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

impl Mixture {
    /// The peak of a component of density 1.
    fn peak_of_one(&self, frame: &Frame) -> f64 {
        frame.scales.iter().fold(Profile::new(self.kappa).unit_peak(), |peak, scale| peak / scale)
    }

    /// The norm of a component over the cells.
    pub(super) fn norm(&self, component: &MixtureComponent, grid: &VelocityGrid) -> f64 {
        let peak = component.density * self.peak_of_one(&component.frame);
        norm(&Gaussian { peak, frame: component.frame }, grid)
    }

    /// By how much the norms differ from multiples of a step, in steps; none where rounding to it changes what matters.
    pub(super) fn off_multiples(
        &self,
        coefficients: &MixtureCoefficients,
        grid: &VelocityGrid,
        step: f64,
    ) -> Option<f64> {
        let bells = |coefficients: &MixtureCoefficients| -> Vec<Gaussian> {
            let bell = |c: &MixtureComponent| Gaussian { peak: c.density * self.peak_of_one(&c.frame), frame: c.frame };
            let mut bells: Vec<Gaussian> = coefficients.components().iter().map(bell).collect();
            bells.sort_by_key(|bell| Reverse(multiple(norm(bell, grid), step)));
            bells
        };
        let given = bells(coefficients);
        let off = given.iter().map(|bell| off_whole(bell, grid, step)).sum::<Option<f64>>()?;
        let coder = &mut Coder::writing();
        let rounded = self.code_components(Some(coefficients), grid, Resolution::Step(step), coder).ok()?;
        given.iter().zip(bells(&rounded)).all(|(a, b)| is_same(a, &b, grid, step)).then_some(off)
    }

    pub(super) fn code_components(
        &self,
        coefficients: Option<&MixtureCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<MixtureCoefficients> {
        // What a component has for a height: its density, to the last bit, or its peak, where steps need a norm.
        let height = |frame: &Frame| match resolution {
            Resolution::Exact => 1.0,
            Resolution::Step(_) => self.peak_of_one(frame),
        };
        let mut given: Option<Vec<Gaussian>> = coefficients.map(|coefficients| {
            let bell = |c: &MixtureComponent| Gaussian { peak: c.density * height(&c.frame), frame: c.frame };
            coefficients.components().iter().map(bell).collect()
        });
        if let (Some(given), Resolution::Step(step)) = (&mut given, resolution) {
            // By whole steps, so that what has been rounded keeps its order.
            given.sort_by_key(|bell| Reverse(multiple(norm(bell, grid), step)));
        }
        let count = coder.count(given.as_ref().map_or(0, Vec::len), Self::MAX_COMPONENTS)?;
        let mut models = GaussianModels::of(NAME);
        let mut components = Vec::with_capacity(count);
        for k in 0..count {
            let widths = match self.covariance {
                Covariance::Tied if k > 0 => Widths::Same,
                Covariance::Full | Covariance::Tied => Widths::Full,
                Covariance::Diagonal => Widths::PerAxis,
                Covariance::Spherical => Widths::One,
                Covariance::FieldAligned(field) => Widths::AcrossAndAlong(field),
            };
            let bell = models.code(coder, given.as_ref().map(|given| &given[k]), widths, grid, resolution)?;
            let component = MixtureComponent { density: bell.peak / height(&bell.frame), frame: bell.frame };
            if resolution.step().is_some() && !component.density.is_normal() {
                return Err(models.lost_digits(coder));
            }
            components.push(component);
        }
        MixtureCoefficients::new(self.covariance, self.kappa, components).map_err(|error| match coder.is_reading() {
            true => malformed(format!("a mixture of impossible components: {error}")),
            false => Error::Degenerate { basis: NAME, reason: format!("rounded, it leaves the range of f64: {error}") },
        })
    }
}
