//! Mixtures that were fitted in the logarithm, in a stream of a step.
//!
//! Rounding one number should change the logarithm of the mixture equally, whatever the number. A component of which the
//! sums of squares of its parts g_k/g over the cells is N changes ln g by √N times the change of its own logarithm. So
//! the change allowed to a component, its *share*, is proportional to 1/√N. It is kept as a power of two times the share
//! that the step has of the norm of the first component. Norms are coded as logarithms, in steps of the share.

use super::{Mixture, MixtureCoefficients, MixtureComponent, NAME};
use crate::coding::{Coder, Integers, Resolution, malformed, multiple};
use crate::distribution::gaussian_coding::{BLANK, GaussianModels, finest, norm};
use crate::distribution::gaussian_fit::Gaussian;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// Typical difference of the logarithms of two norms that follow each other.
const NORM_SPREAD: f64 = 1.0;
/// Maximum octaves of a share above or below the step's share of the first norm.
const MAX_OCTAVES: i64 = 30;
/// Smallest share, as a change of ln g: exponentials keep no more digits.
const FINEST_SHARE: f64 = 1.0 / (1_u64 << 40) as f64;
/// Largest difference of the logarithms of two norms: the range of f64.
const MAX_LOGARITHM: f64 = 1400.0;

/// Coder of one component after another.
#[derive(Debug)]
pub(super) struct ComponentCoder<'a> {
    mixture: &'a Mixture,
    grid: &'a VelocityGrid,
    step: f64,
    models: GaussianModels,
    octaves: Integers,
    norms: Integers,
    coded: usize,
    /// Share of octave zero, and the norm coded last.
    share: f64,
    last_norm: f64,
}

impl<'a> ComponentCoder<'a> {
    pub fn new(mixture: &'a Mixture, grid: &'a VelocityGrid, step: f64) -> Self {
        let (octaves, norms) = (Integers::default(), Integers::default());
        Self {
            mixture,
            grid,
            step,
            models: GaussianModels::of(NAME),
            octaves,
            norms,
            coded: 0,
            share: 1.0,
            last_norm: 1.0,
        }
    }

    /// Writes or reads the next component, and the octaves of its share.
    pub fn code(&mut self, coder: &mut Coder<'_>, component: &mut MixtureComponent, octaves: &mut i8) -> Result<()> {
        let (grid, widths) = (self.grid, self.mixture.widths(self.coded));
        let mut bell = self.mixture.bell(component);
        *octaves = coder.integer(&mut self.octaves, i64::from(*octaves))?.clamp(-MAX_OCTAVES, MAX_OCTAVES) as i8;
        let factor = 2f64.powi(i32::from(*octaves));
        if self.coded == 0 {
            let step = self.step * factor;
            self.models.code(coder, &mut bell, widths, grid, Resolution::Step(step))?;
            let steps = multiple(norm(&bell, grid), step).max(1) as f64;
            (self.share, self.last_norm) = (1.0 / (steps * factor), steps * step);
        } else {
            let share = (self.share * factor).clamp(FINEST_SHARE, 1.0);
            let less = multiple((self.last_norm / norm(&bell, grid)).ln(), share);
            let less = coder.scaled(&mut self.norms, less, finest(NORM_SPREAD / share))? as f64 * share;
            if less.is_nan() || less.abs() > MAX_LOGARITHM {
                return Err(malformed(format!("a norm of e^{less} times that of the next Gaussian")));
            }
            self.last_norm *= (-less).exp();
            let frame = self.models.code_frame(coder, &bell.frame, widths, grid, share)?;
            bell = Gaussian { peak: self.last_norm / norm(&Gaussian { peak: 1.0, frame }, grid), frame };
        }
        self.coded += 1;
        *component = self.mixture.component(&bell);
        if !component.density.is_normal() || component.density < 0.0 {
            return Err(self.models.lost_digits(coder));
        }
        Ok(())
    }
}

impl Mixture {
    pub(super) fn code_in_logarithm(
        &self,
        coefficients: &mut MixtureCoefficients,
        grid: &VelocityGrid,
        step: f64,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let count = coder.count(coefficients.components.len(), Self::MAX_COMPONENTS)?;
        if coder.is_reading() {
            coefficients.components = vec![MixtureComponent { density: 1.0, frame: BLANK.frame }; count];
            coefficients.octaves_of_shares = vec![0; count];
        } else if coefficients.octaves_of_shares.len() != count {
            // Not rounded for a distribution before: all components count as if each had its cells for itself.
            coefficients.octaves_of_shares = octaves(
                coefficients
                    .components
                    .iter()
                    .map(|component| 0.5 * component.frame.scales.iter().map(|scale| scale.log2()).sum::<f64>()),
            );
        }
        let mut components = ComponentCoder::new(self, grid, step);
        for (component, octaves) in coefficients.components.iter_mut().zip(&mut coefficients.octaves_of_shares) {
            components.code(coder, component, octaves)?;
        }
        coefficients.validate().map_err(|error| coder.refusal(NAME, error.to_string()))
    }
}

/// Octaves of shares from log₂ √N of each component, zero for the first.
fn octaves(log_roots: impl Iterator<Item = f64> + Clone) -> Vec<i8> {
    let first = log_roots.clone().next().unwrap_or(0.0);
    log_roots.map(|root| bounded_octaves(first - root)).collect()
}

/// Octaves as a whole number in range.
pub(super) fn bounded_octaves(octaves: f64) -> i8 {
    octaves.round().clamp(-(MAX_OCTAVES as f64), MAX_OCTAVES as f64) as i8
}
