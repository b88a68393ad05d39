//! Mixtures fitted to particles, without a grid: expectation and maximisation on the particles' weights.
//!
//! For mixtures as checkpoints of particle-in-cell codes see Chen, Chacón and Nguyen 2021 (J. Comput. Phys. 436, 110185,
//! arXiv 2105.13797): the likelihood is penalised by the message length of Figueiredo and Jain 2002, which chooses the
//! number of components, and density, momentum and energy are exact. Here the whole second moment is.

mod exact;
mod expectation;
mod points;
mod sample;
mod search;
mod select;
mod split;
#[cfg(test)]
mod tests;

use nalgebra::{Matrix3, Vector3};

use super::cells::VelocityScaling;
use super::covariance::{Covariance, NARROWEST, Structure};
use super::em::{EmReport, EmSettings};
use super::member::Member;
use super::{Mixture, MixtureCoefficients, NAME, Selection};
use crate::distribution::moments::Moments;
use crate::distribution::particles::Particles;
use crate::error::{Error, Result};
use search::{Fitted, ParticleSearch};

/// Minimum standard deviation of a component along an axis, as a part of the particles'. A narrower one describes a few
/// particles that happen to be close to each other.
const NARROWEST_PART: f64 = 1e-3;
/// Ratio of variances along two directions below which the particles lie in a plane, as far as rounding errors tell.
const SINGULAR: f64 = 1e-12;
/// Gain of the log-likelihood of all particles together, Σ over the effective number, below which EM ends. The standard
/// error of one parameter corresponds to ½.
const STATISTICAL_TOLERANCE: f64 = 0.01;

/// Report of a fit to particles.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ParticleReport {
    /// Components requested.
    pub requested: usize,
    /// Components found: fewer if the number is selected by a criterion, or if there are too few particles.
    pub components: usize,
    /// Effective number of particles, as BIC and MML count them.
    pub samples: f64,
    /// Mean of ln(f/n) over the particles' weights, f/n in s³ m⁻³.
    pub log_likelihood: f64,
    /// Components at the minimum width, 1e-3 of that of all particles.
    pub floored: usize,
    /// Largest entry of A − 1, A the affine map that made the moments exact: rounding errors, unless a component is at
    /// the minimum width.
    pub correction: f64,
    /// Report of EM on the particles. Earlier steps, on clusters of them, are not counted.
    pub em: EmReport,
    /// Pairs of the number of components and the criterion by which the number is selected.
    pub selection: Vec<(usize, f64)>,
}

impl Mixture {
    /// Fits the mixture to particles by expectation and maximisation, without a grid.
    ///
    /// Components, kind of covariance, selection, samples, seed, iterations and tolerance are those of this basis; EM
    /// goes on beyond the tolerance until it gains less than a hundredth for all particles together. The criterion
    /// ([`Refine`](super::Refine)) and the [`Start`](super::Start) are for grids. EM begins on clusters of neighbouring
    /// particles and ends on the particles themselves; the result does not depend on the order of calls or threads.
    ///
    /// Density and bulk velocity of the mixture over all of velocity space are those of the particles, and with full or
    /// tied covariances so is the whole pressure tensor, to rounding.
    ///
    /// ```
    /// use vdf_basis::{Mixture, MixtureSelection, Sampling, Synthetic};
    /// use vdf_basis::distribution::particles::ParticleSampler;
    ///
    /// let f = Synthetic::named("beams", 0)?;
    /// let f = f.sample(&Synthetic::default_grid("beams", 30)?, Sampling::default())?;
    /// let particles = ParticleSampler::new(20_000)?.sample(&f)?;
    /// let basis = Mixture::new(6)?.with_selection(MixtureSelection::Mml)?;
    /// let (beams, report) = basis.fit_particles(&particles)?;
    /// assert_eq!(report.components, 2);
    /// // 70% of the density at −300 km/s.
    /// assert!((beams.components()[0].frame.centre[0] / -3e5 - 1.0).abs() < 0.02);
    /// // Particles for a restart.
    /// let restarted = beams.sample(&ParticleSampler::new(5000)?)?;
    /// assert!((restarted.moments().density / particles.moments().density - 1.0).abs() < 1e-12);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Degenerate`] if the particles lie in one place, on a line or in a plane, with the direction along which
    /// they do not spread. [`Error::InvalidParameter`] for kappa components, which are fitted on grids only, and for a
    /// selection by an error on cells.
    pub fn fit_particles(&self, particles: &Particles) -> Result<(MixtureCoefficients, ParticleReport)> {
        let (moments, scaling) = self.prepared(particles)?;
        let search = self.particle_search(particles, &scaling);
        let largest = search.largest(self.components);
        let fitted = match self.selection {
            Selection::Bic => search.by_bic(largest, self.seed),
            Selection::Mml => search.by_mml(largest, self.seed),
            _ => search.polished(search.likeliest(largest, self.seed)),
        };
        self.particle_result(fitted, &search, &moments, &scaling)
    }

    /// Fits as [`Mixture::fit_particles`] does, starting from another mixture: that of the same place at an earlier
    /// time. Number of components and kind of covariance of the result are the number of that mixture and the kind of
    /// this basis.
    ///
    /// # Errors
    /// Those of [`Mixture::fit_particles`].
    pub fn fit_particles_from(
        &self,
        particles: &Particles,
        start: &MixtureCoefficients,
    ) -> Result<(MixtureCoefficients, ParticleReport)> {
        let (moments, scaling) = self.prepared(particles)?;
        let search = self.particle_search(particles, &scaling);
        let mut members = start.members_in(&scaling);
        members.retain(|member| {
            let finite = member.mean.iter().chain(&member.covariance).all(|x| x.abs() < 1e100);
            finite && member.mass > 0.0
        });
        members.truncate(search.largest(members.len()));
        search.structure.constrain(&mut members);
        if members.is_empty() {
            return self.fit_particles(particles);
        }
        self.particle_result(search.polished(members), &search, &moments, &scaling)
    }

    /// Moments of the particles, and the scaling about them; refuses what cannot be fitted.
    fn prepared(&self, particles: &Particles) -> Result<(Moments, VelocityScaling)> {
        if let Some(kappa) = self.kappa {
            let allowed = "Gaussian components for particles; deposit the particles on a grid to fit kappa components";
            return Err(Error::parameter("kappa", kappa, allowed));
        }
        if let Selection::Error(l2) = self.selection {
            let allowed = "fixed, bic or mml for particles: an error needs the cells of a grid";
            return Err(Error::parameter("select", format!("an error of {l2}"), allowed));
        }
        let moments = particles.moments();
        let unit = moments.thermal_speed();
        if let Some(reason) = not_spread(particles, &moments) {
            return Err(Error::Degenerate { basis: NAME, reason });
        }
        let narrowest = Vector3::from(moments.thermal_speeds()) * (NARROWEST_PART / unit);
        let scaling = VelocityScaling { middle: moments.bulk_velocity, unit, spacing: narrowest / NARROWEST };
        Ok((moments, scaling))
    }

    fn particle_search(&self, particles: &Particles, scaling: &VelocityScaling) -> ParticleSearch {
        let effective = particles.effective_number();
        let samples = self.samples.unwrap_or(effective).max(2.0);
        let tolerance = self.tolerance.min(STATISTICAL_TOLERANCE / effective);
        let em = EmSettings { tolerance, max_iterations: self.iterations };
        let structure = Structure::new(self.covariance, scaling.spacing);
        ParticleSearch::new(points::scaled(particles, scaling.middle, scaling.unit), structure, em, samples)
    }

    fn particle_result(
        &self,
        fitted: Fitted,
        search: &ParticleSearch,
        moments: &Moments,
        scaling: &VelocityScaling,
    ) -> Result<(MixtureCoefficients, ParticleReport)> {
        let Fitted { mut members, em, floored, selection } = fitted;
        let Some(log_likelihood) = search.particles.expectation(&members).map(|e| e.log_likelihood) else {
            let reason = "no covariance of the fit is positive definite".to_owned();
            return Err(Error::Degenerate { basis: NAME, reason });
        };
        let variances = Matrix3::from_fn(|i, j| moments.pressure[i][j] / moments.density / scaling.unit.powi(2));
        let whole = matches!(self.covariance, Covariance::Full | Covariance::Tied).then_some(variances);
        let correction = exact::corrected(&mut members, whole);
        let report = ParticleReport {
            requested: self.components,
            components: members.len(),
            samples: search.samples,
            log_likelihood: log_likelihood - 3.0 * scaling.unit.ln(),
            floored,
            correction,
            em,
            selection,
        };
        let density = |mass: f64| mass * moments.density;
        let mut coefficients = MixtureCoefficients::from_scaled(members, self.covariance, None, scaling, density);
        coefficients.validate()?;
        Ok((coefficients, report))
    }
}

/// The reason why no Gaussian has the second moment of the particles; `None` if one has.
fn not_spread(particles: &Particles, moments: &Moments) -> Option<String> {
    let widths = moments.thermal_speeds();
    let fastest = particles.velocities().iter().flatten().fold(0.0, |fastest, v| f64::max(fastest, v.abs()));
    // Rounding errors of velocities and of their mean are a few ulp of the fastest.
    let least = 1e-14 * fastest;
    let flat: Vec<&str> = (0..3).filter(|&i| widths[i] <= least).map(|i| ["vx", "vy", "vz"][i]).collect();
    let count = particles.count();
    match flat[..] {
        [_, _, _] => return Some(format!("all {count} particles have one velocity, {:?}", particles.velocities()[0])),
        [] => {}
        _ => return Some(format!("all {count} particles have the same {}", flat.join(" and "))),
    }
    let correlation = Matrix3::from_fn(|i, j| moments.pressure[i][j] / moments.density / widths[i] / widths[j]);
    let least = correlation.symmetric_eigenvalues().min();
    if least >= SINGULAR {
        return None;
    }
    Some(format!("the {count} particles lie in a plane or on a line; a Gaussian needs a spread along every direction"))
}

/// Total mass of the members.
fn total(members: &[Member]) -> f64 {
    members.iter().map(|member| member.mass).sum()
}
