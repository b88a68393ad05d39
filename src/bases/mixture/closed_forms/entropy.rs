//! Bounds on the entropy of a Gaussian mixture, which has no closed form itself.

use std::f64::consts::{E, TAU};

use nalgebra::{Cholesky, Matrix3, Vector3};

use super::super::coefficients::MixtureCoefficients;
use crate::error::{Error, Result};

/// A component in thermal speeds of the whole mixture.
struct Scaled {
    /// Its share of the density.
    share: f64,
    mean: Vector3<f64>,
    covariance: Matrix3<f64>,
    precision: Matrix3<f64>,
    log_determinant: f64,
}

/// Entropy of a Gaussian in three dimensions whose covariance has this logarithm of its determinant.
fn entropy_of_gaussian(log_determinant: f64) -> f64 {
    1.5 * (TAU * E).ln() + 0.5 * log_determinant
}

/// ln det of a covariance, and its inverse.
fn inverted(covariance: &Matrix3<f64>) -> Option<(f64, Matrix3<f64>)> {
    let factor = Cholesky::new(*covariance)?;
    let log_determinant = 2.0 * (0..3).map(|i| factor.l_dirty()[(i, i)].ln()).sum::<f64>();
    Some((log_determinant, factor.inverse()))
}

impl MixtureCoefficients {
    /// A lower and an upper bound on the entropy per particle −∫ p ln p d³v, p = f/n and v in m/s, of a mixture of
    /// Gaussians \[nat\]. Both are the entropy itself for one component, and near it for components that lie far apart.
    ///
    /// The lower bound is the larger of −Σ_i w_i ln Σ_j w_j N(u_i; u_j, Σ_i + Σ_j) (Huber et al. 2008, Proc. IEEE MFI,
    /// 181) and H_0 − Σ_i w_i ln Σ_j w_j e^{−B_ij}, B the Bhattacharyya distance (Kolchinsky and Tracey 2017,
    /// Entropy 19, 361). The upper bound is the smaller of H_0 − Σ_i w_i ln Σ_j w_j e^{−D_ij}, D the relative entropy of
    /// one component with respect to the other (ibid.; never above Huber's Σ w_i (H_i − ln w_i)), and the entropy of one
    /// Gaussian with the covariance of the whole. H_0 = Σ w_i H_i, w the shares of the density.
    ///
    /// The entropy of f itself, −∫ f ln f d³v / n, is smaller by ln n.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for kappa components; [`Error::OutOfRange`] for covariances that are singular to
    /// rounding.
    pub fn entropy_bounds(&self) -> Result<[f64; 2]> {
        let speed = self.moments_over_velocity_space().thermal_speed();
        Ok(self.scaled_entropy_bounds(speed)?.map(|entropy| entropy + 3.0 * speed.ln()))
    }

    /// A lower and an upper bound on the relative entropy per particle with respect to the Maxwellian of the same
    /// density, bulk velocity and temperature, ∫ f ln(f/f_M) d³v / n \[nat\]: the free energy in units of kT, which
    /// [`relative_entropy`](super::super::relative_entropy) sums over cells. Both are 0 for one isotropic component. The
    /// upper bound is at most [`Self::free_energy_bound`].
    ///
    /// # Errors
    /// Those of [`Self::entropy_bounds`].
    pub fn relative_entropy_bounds(&self) -> Result<[f64; 2]> {
        let speed = self.moments_over_velocity_space().thermal_speed();
        let [lower, upper] = self.scaled_entropy_bounds(speed)?;
        // The Maxwellian has the largest entropy at its temperature, ³⁄₂ ln 2πe in thermal speeds.
        let most = entropy_of_gaussian(0.0);
        Ok([(most - upper).max(0.0), (most - lower).max(0.0)])
    }

    /// The bounds on −∫ p ln p with velocities in units of a speed.
    fn scaled_entropy_bounds(&self, speed: f64) -> Result<[f64; 2]> {
        if let Some(kappa) = self.kappa() {
            return Err(Error::parameter("kappa", kappa, "Gaussian components, for bounds of the entropy"));
        }
        let components = self.in_speeds(speed)?;
        let own: f64 = components.iter().map(|c| c.share * entropy_of_gaussian(c.log_determinant)).sum();
        let (mut huber, mut bhattacharyya, mut relative) = (0.0, own, own);
        for a in &components {
            let mut sums = [0.0; 3];
            for b in &components {
                let distances = distances(a, b)?;
                sums.iter_mut().zip(distances).for_each(|(sum, distance)| *sum += b.share * (-distance).exp());
            }
            let [density, affinity, likeness] = sums.map(|sum| a.share * sum.ln());
            huber -= density;
            bhattacharyya -= affinity;
            relative -= likeness;
        }
        let (determinant, _) = inverted(&whole(&components)).ok_or_else(singular)?;
        // Rounding must not let the bounds of one component, which are equal, cross.
        let lower = f64::max(huber, bhattacharyya);
        Ok([lower, f64::min(relative, entropy_of_gaussian(determinant)).max(lower)])
    }

    fn in_speeds(&self, speed: f64) -> Result<Vec<Scaled>> {
        let moments = self.moments_over_velocity_space();
        let component = |c: &super::super::MixtureComponent| {
            let covariance = c.covariance();
            let covariance = Matrix3::from_fn(|i, j| covariance[i][j] / (speed * speed));
            let (log_determinant, precision) = inverted(&covariance).ok_or_else(singular)?;
            let mean = Vector3::from_fn(|i, _| (c.frame.centre[i] - moments.bulk_velocity[i]) / speed);
            Ok(Scaled { share: c.density / moments.density, mean, covariance, precision, log_determinant })
        };
        self.components().iter().map(component).collect()
    }
}

/// The covariance of the whole.
fn whole(components: &[Scaled]) -> Matrix3<f64> {
    let mean = components.iter().fold(Vector3::zeros(), |sum, c| sum + c.mean * c.share);
    components.iter().fold(Matrix3::zeros(), |sum, c| {
        let d = c.mean - mean;
        sum + (c.covariance + d * d.transpose()) * c.share
    })
}

/// −ln N(u_a; u_b, Σ_a + Σ_b), the Bhattacharyya distance, and the relative entropy of a with respect to b.
fn distances(a: &Scaled, b: &Scaled) -> Result<[f64; 3]> {
    let apart = a.mean - b.mean;
    let (log_determinant, precision) = inverted(&(a.covariance + b.covariance)).ok_or_else(singular)?;
    let squared = apart.dot(&(precision * apart));
    let density = 1.5 * TAU.ln() + 0.5 * (log_determinant + squared);
    // With the mean covariance (Σ_a + Σ_b)/2: ⅛ dᵀ C⁻¹ d + ½ ln(det C / √(det Σ_a det Σ_b)).
    let determinants = log_determinant - 3.0 * 2f64.ln() - 0.5 * (a.log_determinant + b.log_determinant);
    let bhattacharyya = 0.25 * squared + 0.5 * determinants;
    let trace = (b.precision * a.covariance).trace();
    let steps = apart.dot(&(b.precision * apart));
    let relative = 0.5 * (trace + steps - 3.0 + b.log_determinant - a.log_determinant);
    Ok([density, bhattacharyya, relative])
}

fn singular() -> Error {
    Error::OutOfRange { basis: super::super::NAME, reason: "a covariance is singular to rounding".to_owned() }
}
