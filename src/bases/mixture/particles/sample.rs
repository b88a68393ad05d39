//! Particles drawn from a mixture, without a grid.

use std::f64::consts::{PI, SQRT_2, TAU};

use special::{Beta, Error as ErrorFunction};

use super::super::MixtureCoefficients;
use crate::distribution::particles::{ParticleSampler, Particles};
use crate::error::Result;

impl MixtureCoefficients {
    /// Draws particles from the mixture over all of velocity space, without a grid. The exact moments are those of
    /// [`moments_over_velocity_space`](Self::moments_over_velocity_space).
    ///
    /// Each component gets its share of the particles to within one, unless they are random. A kappa component of small
    /// κ has so heavy tails that the second moment of a sample depends on its few fastest particles; the map that
    /// corrects it then widens or narrows the others.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for fewer than four particles with exact moments.
    pub fn sample(&self, sampler: &ParticleSampler) -> Result<Particles> {
        let moments = self.moments_over_velocity_space();
        let mut running = Vec::with_capacity(self.components().len());
        let mut sum = 0.0;
        for component in self.components() {
            sum += component.density / moments.density;
            running.push(sum);
        }
        let axes: Vec<[[f64; 3]; 3]> = self.components().iter().map(|component| component.frame.axes()).collect();
        let mut draws = sampler.draws();
        let velocities = (0..sampler.count())
            .map(|index| {
                let (along, numbers) = draws.next(index);
                let k = running.partition_point(|&end| end < along * sum).min(running.len() - 1);
                let xi = match self.kappa() {
                    None => numbers.map(|u| SQRT_2 * (2.0 * u - 1.0).inv_error()),
                    Some(kappa) => kappa_distributed(kappa, numbers),
                };
                let (frame, axes) = (&self.components()[k].frame, &axes[k]);
                std::array::from_fn(|j| {
                    frame.centre[j] + (0..3).map(|i| axes[i][j] * xi[i] * frame.scales[i]).sum::<f64>()
                })
            })
            .collect();
        sampler.finish(velocities, moments.density, &moments)
    }
}

/// A vector ξ with density ∝ (1 + q/(2κ−3))^{−κ−1}, q = |ξ|², from three numbers between 0 and 1: q/(q + 2κ − 3) has a
/// beta distribution of exponents 3/2 and κ − ½.
fn kappa_distributed(kappa: f64, [radius, height, angle]: [f64; 3]) -> [f64; 3] {
    let (p, q) = (1.5f64, kappa - 0.5);
    // Below one, so that the radius is finite.
    let b = radius.inv_inc_beta(p, q, p.ln_beta(q)).clamp(0.0, 1.0 - f64::EPSILON);
    let length = ((2.0 * kappa - 3.0) * b / (1.0 - b)).sqrt();
    let cosine = 2.0 * height - 1.0;
    let (sin, cos) = (TAU * angle - PI).sin_cos();
    let across = length * (1.0 - cosine * cosine).max(0.0).sqrt();
    [across * cos, across * sin, length * cosine]
}
