//! Particles drawn from an expansion.

use super::{Basis, Expansion};
use crate::distribution::particles::{ParticleSampler, Particles};
use crate::error::Result;

impl<B: Basis> Expansion<B> {
    /// Draws particles from the reconstruction on the expansion's own grid, for the restart of a particle-in-cell code
    /// from a stream.
    ///
    /// ```
    /// use vdf_basis::distribution::particles::ParticleSampler;
    /// use vdf_basis::{Expansion, Registry, Sampling, Synthetic};
    ///
    /// let f = Synthetic::named("ring", 0)?.sample(&Synthetic::default_grid("ring", 24)?, Sampling::default())?;
    /// let basis = Registry::standard().parse("conserve(fast):l2=0.03")?;
    /// let bytes = Expansion::encode(&basis, &f)?.to_bytes()?;
    /// let particles = Registry::standard().decode(&bytes)?.sample(&ParticleSampler::new(10_000)?)?;
    /// assert!((particles.moments().density / f.moments().density - 1.0).abs() < 1e-9);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Expansion::reconstruct`] and [`ParticleSampler::sample`].
    pub fn sample(&self, sampler: &ParticleSampler) -> Result<Particles> {
        sampler.sample(&self.reconstruct()?)
    }
}
