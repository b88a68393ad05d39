//! Quantities about a magnetic field, entropy and gyro-averages of a mixture, from its components.

mod entropy;
mod gyro_average;

use nalgebra::Matrix3;

use super::coefficients::MixtureCoefficients;
use super::moments::unit;
use crate::distribution::frame::axes_along;
use crate::error::{Error, Result};

/// Boltzmann's constant [J K⁻¹], exact in the SI of 2019.
const BOLTZMANN: f64 = 1.380_649e-23;

impl MixtureCoefficients {
    /// Thermal speeds of the whole mixture along and across a magnetic field (any unit, not zero), √(P∥/n) and √(P⊥/n)
    /// [m s⁻¹], with P∥ = b·P·b and P⊥ = (tr P − P∥)/2 of the exact pressure tensor, which includes the drifts of the
    /// components against each other. Positive.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a field that is zero or not finite.
    pub fn parallel_and_perpendicular(&self, field: [f64; 3]) -> Result<[f64; 2]> {
        let p = self.about(field)?;
        Ok([p[(2, 2)], 0.5 * (p[(0, 0)] + p[(1, 1)])].map(|variance| variance.max(0.0).sqrt()))
    }

    /// Temperatures T∥ = m P∥/(n k) and T⊥ = m P⊥/(n k) [K] of particles of a mass [kg]
    /// ([`Self::parallel_and_perpendicular`]).
    ///
    /// ```
    /// use vdf_basis::{Frame, MixtureCoefficients, MixtureComponent, MixtureCovariance};
    /// // Protons of 100 km/s along B and 150 km/s across it.
    /// let frame = Frame::grid_aligned([0.0; 3], [1.5e5, 1.5e5, 1e5]);
    /// let components = vec![MixtureComponent { density: 5e6, frame }];
    /// let mixture = MixtureCoefficients::new(MixtureCovariance::Full, None, components)?;
    /// let [along, across] = mixture.temperatures([0.0, 0.0, 1.0], 1.672_622e-27)?;
    /// assert!((along / 1.2115e6 - 1.0).abs() < 1e-3 && (across / along - 2.25).abs() < 1e-12);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a field that is zero or not finite, and for a mass that is not positive.
    pub fn temperatures(&self, field: [f64; 3], mass: f64) -> Result<[f64; 2]> {
        if !(mass > 0.0 && mass.is_finite()) {
            return Err(Error::parameter("mass", mass, "a positive mass in kg"));
        }
        Ok(self.parallel_and_perpendicular(field)?.map(|speed| mass / BOLTZMANN * speed * speed))
    }

    /// Agyrotropy √Q about a magnetic field (Swisdak 2016, Geophys. Res. Lett. 43, 43): 0 for a gyrotropic pressure
    /// tensor, 1 for the least gyrotropic one. With e_1 and e_2 turned about the field until P_11 = P_22,
    /// Q = (P_12² + P_13² + P_23²)/(P⊥² + 2 P⊥ P∥).
    ///
    /// In this form, and not as Swisdak's 1 − 4 I_2/…, small values keep all their digits.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a field that is zero or not finite.
    pub fn agyrotropy(&self, field: [f64; 3]) -> Result<f64> {
        let p = self.about(field)?;
        let p = p / p.trace();
        let across = 0.5 * (p[(0, 0)] + p[(1, 1)]);
        // The turn that makes P_11 and P_22 equal adds their half difference, squared, to P_12².
        let half_difference = 0.5 * (p[(0, 0)] - p[(1, 1)]);
        let off = [half_difference, p[(0, 1)], p[(0, 2)], p[(1, 2)]].iter().map(|x| x * x).sum::<f64>();
        Ok((off / (across * (across + 2.0 * p[(2, 2)]))).sqrt())
    }

    /// P/n along the axes of a field, the field last.
    fn about(&self, field: [f64; 3]) -> Result<Matrix3<f64>> {
        unit("field", field)?;
        let axes = axes_along(field);
        let rows = Matrix3::from_fn(|i, j| axes[i][j]);
        let moments = self.moments_over_velocity_space();
        let covariance = Matrix3::from_fn(|i, j| moments.pressure[i][j] / moments.density);
        Ok(rows * covariance * rows.transpose())
    }
}
