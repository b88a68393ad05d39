//! Particles: distributions as velocities with weights, as particle-in-cell codes hold them.
//!
//! [`Vdf::from_particles`](crate::Vdf::from_particles) deposits particles on a grid. A [`ParticleSampler`] draws them
//! from a distribution, with little noise and with exact moments. A mixture of Gaussians is fitted to particles without
//! a grid by [`Mixture::fit_particles`](crate::Mixture::fit_particles).
//!
//! ```
//! use vdf_basis::distribution::particles::{Deposition, ParticleSampler};
//! use vdf_basis::{Fidelity, Sampling, Synthetic, Vdf};
//!
//! let grid = Synthetic::default_grid("beams", 24)?;
//! let f = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
//! let particles = ParticleSampler::new(100_000)?.with_seed(7).sample(&f)?;
//! let momentum = |m: vdf_basis::Moments| m.density * m.bulk_velocity[0];
//! assert!((momentum(particles.moments()) / momentum(f.moments()) - 1.0).abs() < 1e-12);
//!
//! let deposit = Vdf::from_particles(grid, &particles, Deposition::NearestCell)?;
//! assert_eq!(deposit.outside, 0);
//! assert!(Fidelity::compare(&f, &deposit.vdf)?.l2 < 0.1);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod affine;
mod deposit;
mod moments;
mod sampling;
#[cfg(test)]
mod tests;

pub use deposit::{Deposit, Deposition};
pub use sampling::{Arrangement, ParticleSampler, WithinCell};

use super::moments::Moments;
use crate::error::{Error, Result};

/// Particles of one species at one place: a velocity and a weight each.
///
/// All velocities are finite and all weights positive: others are refused when the set is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Particles {
    velocities: Vec<[f64; 3]>,
    weights: Vec<f64>,
}

impl Particles {
    /// Maximum magnitude of a velocity component: that of the edges of a [`VelocityGrid`](crate::VelocityGrid).
    pub const MAX_SPEED: f64 = 1e75;

    /// Particles with velocities [m/s] and weights \[m⁻³\], each the number density that its particle stands for.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if there are no particles, if there are not as many weights as velocities, or with
    /// the index of the first velocity that is not finite or the first weight that is not positive and finite.
    pub fn new(velocities: Vec<[f64; 3]>, weights: Vec<f64>) -> Result<Self> {
        if velocities.is_empty() {
            return Err(Error::parameter("particles", 0, "at least one particle"));
        }
        if velocities.len() != weights.len() {
            let allowed = format!("one weight for each of the {} velocities", velocities.len());
            return Err(Error::parameter("weights", format!("{} weights", weights.len()), allowed));
        }
        let moderate = |v: &[f64; 3]| v.iter().all(|v| v.abs() < Self::MAX_SPEED);
        if let Some(index) = velocities.iter().position(|v| !moderate(v)) {
            let value = format!("{:?} of particle {index}", velocities[index]);
            return Err(Error::parameter("velocities", value, "finite components below 1e75"));
        }
        if let Some(index) = weights.iter().position(|&w| !(w > 0.0 && w.is_finite())) {
            let value = format!("{} of particle {index}", weights[index]);
            return Err(Error::parameter(
                "weights",
                value,
                "positive finite numbers; leave out particles without weight",
            ));
        }
        Ok(Self { velocities, weights })
    }

    /// Particles of equal weight that have the given number density [m⁻³] together.
    ///
    /// # Errors
    /// Those of [`Particles::new`].
    pub fn of_equal_weight(velocities: Vec<[f64; 3]>, density: f64) -> Result<Self> {
        let count = velocities.len();
        Self::new(velocities, vec![density / count as f64; count])
    }

    /// Velocities [m/s].
    #[must_use]
    pub fn velocities(&self) -> &[[f64; 3]] {
        &self.velocities
    }

    /// Weights \[m⁻³\].
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Velocities and weights, without a copy.
    #[must_use]
    pub fn into_parts(self) -> (Vec<[f64; 3]>, Vec<f64>) {
        (self.velocities, self.weights)
    }

    /// Number of particles: at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.velocities.len()
    }

    /// Moments: n = Σ w, u = Σ w v / n, P_ij = Σ w (v−u)_i (v−u)_j and q_i = ½ Σ w (v−u)_i |v−u|², by compensated sums.
    #[must_use]
    pub fn moments(&self) -> Moments {
        moments::of(&self.velocities, &self.weights)
    }

    /// Effective number (Σ w)² / Σ w² of the particles (Kish 1965): the number of particles of equal weight whose sums
    /// have the same relative noise.
    #[must_use]
    pub fn effective_number(&self) -> f64 {
        moments::effective_number(&self.weights)
    }
}
