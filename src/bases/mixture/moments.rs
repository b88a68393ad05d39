//! Moments, marginals and free energies of a mixture, in closed form over all of velocity space.

use nalgebra::{Matrix3, Vector3};
use special::Gamma;

use super::coefficients::{MixtureCoefficients, MixtureComponent};
use crate::distribution::frame::unit_vector;
use crate::distribution::moments::Moments;
use crate::error::Result;

impl MixtureComponent {
    /// Temperature as a speed, √(tr Σ / 3) = √(kT/m) [m s⁻¹].
    #[must_use]
    pub fn thermal_speed(&self) -> f64 {
        let [a, b, c] = self.frame.scales;
        a.hypot(b).hypot(c) / 3f64.sqrt()
    }

    /// Thermal speeds along and across a magnetic field (any unit, not zero), √(b·Σ·b) and √((tr Σ − b·Σ·b)/2) [m s⁻¹].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a field that is zero or not finite.
    pub fn parallel_and_perpendicular(&self, field: [f64; 3]) -> Result<[f64; 2]> {
        let b = unit_vector("field", field)?;
        let covariance = matrix(&self.covariance());
        let along = b.dot(&(covariance * b));
        let across = 0.5 * (covariance.trace() - along);
        Ok([along.max(0.0).sqrt(), across.max(0.0).sqrt()])
    }

    /// T⊥/T∥ with respect to a magnetic field.
    ///
    /// # Errors
    /// Those of [`Self::parallel_and_perpendicular`].
    pub fn anisotropy(&self, field: [f64; 3]) -> Result<f64> {
        let [along, across] = self.parallel_and_perpendicular(field)?;
        Ok((across / along).powi(2))
    }

    /// Relative entropy per particle of a Gaussian component with respect to an isotropic Maxwellian of the given bulk
    /// velocity and thermal speed, ∫ f ln(f/f_M) / n = ½ [tr Σ/T + |u_k − u|²/T − 3 − ln(det Σ/T³)], T = v_th², for
    /// equal densities: the free energy of the component in units of kT.
    #[must_use]
    pub fn free_energy(&self, bulk_velocity: [f64; 3], thermal_speed: f64) -> f64 {
        let scales = self.frame.scales.map(|scale| scale / thermal_speed);
        let drift: f64 = (0..3).map(|i| ((self.frame.centre[i] - bulk_velocity[i]) / thermal_speed).powi(2)).sum();
        let shape: f64 = scales.iter().map(|s| s * s - 1.0 - 2.0 * s.ln()).sum();
        0.5 * (shape + drift)
    }
}

impl MixtureCoefficients {
    /// The moments over all of velocity space. Components have no heat flux of their own: all of it comes from their
    /// drifts. On a grid that holds the whole mixture and resolves its widths they agree with the sums over cells
    /// ([`Basis::moments`](crate::Basis::moments)); for kappa components as far as the grid reaches into the tails.
    #[must_use]
    pub fn moments_over_velocity_space(&self) -> Moments {
        let density: f64 = self.components().iter().map(|c| c.density).sum();
        let bulk: Vector3<f64> = self
            .components()
            .iter()
            .map(|c| Vector3::from(c.frame.centre) * (c.density / density))
            .fold(Vector3::zeros(), |a, b| a + b);
        let (mut pressure, mut heat_flux) = (Matrix3::zeros(), Vector3::zeros());
        for component in self.components() {
            let n = component.density;
            let p = matrix(&component.covariance()) * n;
            let d = Vector3::from(component.frame.centre) - bulk;
            pressure += p + d * d.transpose() * n;
            heat_flux += p * d + d * (0.5 * (p.trace() + n * d.norm_squared()));
        }
        Moments {
            density,
            bulk_velocity: bulk.into(),
            pressure: std::array::from_fn(|i| std::array::from_fn(|j| pressure[(i, j)])),
            heat_flux: heat_flux.into(),
        }
    }

    /// The distribution of one velocity component, ∫ f d²v [s m⁻⁴], at the given values [m/s] along a direction: a sum
    /// of normal distributions, or for kappa components of (1 + x²/((2κ−3)σ²))^{−κ}.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a direction that is zero or not finite.
    pub fn marginal(&self, direction: [f64; 3], velocities: &[f64]) -> Result<Vec<f64>> {
        let e = unit_vector("direction", direction)?;
        let mut values = vec![0.0; velocities.len()];
        for component in self.components() {
            let sigma = e.dot(&(matrix(&component.covariance()) * e)).sqrt();
            let centre = e.dot(&Vector3::from(component.frame.centre));
            for (value, v) in values.iter_mut().zip(velocities) {
                let x = (v - centre) / sigma;
                *value += component.density / sigma
                    * match self.kappa() {
                        None => (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt(),
                        Some(kappa) => {
                            let tail = 2.0 * kappa - 3.0;
                            let peak = (Gamma::ln_gamma(kappa).0 - Gamma::ln_gamma(kappa - 0.5).0).exp()
                                / (std::f64::consts::PI * tail).sqrt();
                            peak * (-kappa * (x * x / tail).ln_1p()).exp()
                        }
                    };
            }
        }
        Ok(values)
    }

    /// An upper bound, in closed form, on the relative entropy of a Gaussian mixture with respect to its bulk
    /// Maxwellian, Σ n_k D(f_k | f_M) / n (relative entropy is convex). If the components do not overlap, it exceeds
    /// [`relative_entropy`](crate::distribution::physics::relative_entropy) by the entropy of mixing only.
    #[must_use]
    pub fn free_energy_bound(&self) -> f64 {
        let moments = self.moments_over_velocity_space();
        let (u, v_th) = (moments.bulk_velocity, moments.thermal_speed());
        self.components().iter().map(|c| c.density / moments.density * c.free_energy(u, v_th)).sum()
    }
}

fn matrix(m: &[[f64; 3]; 3]) -> Matrix3<f64> {
    Matrix3::from_fn(|i, j| m[i][j])
}
