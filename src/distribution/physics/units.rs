//! Moments in the units of observations: kelvin, pascal, watts per square metre.

use super::undefined;
use crate::distribution::moments::Moments;
use crate::error::{Error, Result};

/// Boltzmann constant [J/K], exact in the SI.
pub const BOLTZMANN: f64 = 1.380_649e-23;
/// Mass of the proton \[kg\] (CODATA 2022).
pub const PROTON_MASS: f64 = 1.672_621_925_95e-27;
/// Mass of the electron \[kg\] (CODATA 2022).
pub const ELECTRON_MASS: f64 = 9.109_383_713_9e-31;

/// Refuses masses that are not positive.
pub(super) fn check_mass(mass: f64) -> Result<()> {
    if mass > 0.0 && mass.is_finite() {
        return Ok(());
    }
    Err(Error::parameter("mass", mass, "a positive mass in kilograms, as PROTON_MASS"))
}

impl Moments {
    /// Temperature T = m tr P / (3 n k_B) \[K\] of particles of a mass \[kg\]; at least 0.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a mass that is not positive, [`Error::Undefined`] if the density is not positive or
    /// the pressure is negative, as cells below zero can make them.
    ///
    /// ```
    /// use vdf_basis::distribution::physics::{BOLTZMANN, PROTON_MASS};
    /// # use vdf_basis::{Sampling, Synthetic};
    /// # let grid = Synthetic::default_grid("beams", 16)?;
    /// # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
    /// let moments = vdf.moments();
    /// let expected = PROTON_MASS * moments.thermal_speed().powi(2) / BOLTZMANN;
    /// assert!((moments.temperature(PROTON_MASS)? / expected - 1.0).abs() < 1e-14);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn temperature(&self, mass: f64) -> Result<f64> {
        let trace = self.pressure[0][0] + self.pressure[1][1] + self.pressure[2][2];
        temperature("the temperature", mass, trace / 3.0, self.density)
    }

    /// Pressure tensor m P_ij \[Pa\] of particles of a mass \[kg\].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a mass that is not positive.
    pub fn pressure_in_pascal(&self, mass: f64) -> Result<[[f64; 3]; 3]> {
        check_mass(mass)?;
        Ok(self.pressure.map(|row| row.map(|p| mass * p)))
    }

    /// Heat-flux vector m q_i [W m⁻²] of particles of a mass \[kg\].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a mass that is not positive.
    pub fn heat_flux_in_watts(&self, mass: f64) -> Result<[f64; 3]> {
        check_mass(mass)?;
        Ok(self.heat_flux.map(|q| mass * q))
    }
}

/// Temperature m p / (n k_B) \[K\] of a pressure p per unit mass.
pub(super) fn temperature(quantity: &'static str, mass: f64, pressure: f64, density: f64) -> Result<f64> {
    check_mass(mass)?;
    let variance = variance(quantity, pressure, density)?;
    Ok(mass / BOLTZMANN * variance)
}

/// Square of the thermal speed, p / n [m² s⁻²], if it is defined; at least 0.
pub(super) fn variance(quantity: &'static str, pressure: f64, density: f64) -> Result<f64> {
    // The comparisons are false for NaN.
    if !(density > 0.0 && density.is_finite()) {
        return Err(undefined(quantity, format!("the density is {density:e}, not positive")));
    }
    if !(pressure >= 0.0 && pressure.is_finite()) {
        return Err(undefined(
            quantity,
            format!("the pressure per unit mass is {pressure:e}, negative or beyond the range of f64"),
        ));
    }
    Ok(pressure / density)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn solar_wind() -> Moments {
        // 5 protons per cubic centimetre of 30 km/s.
        let p = 5e6 * 9e8;
        let pressure = [[p, 0.0, 0.0], [0.0, p, 0.0], [0.0, 0.0, p]];
        Moments { density: 5e6, bulk_velocity: [-4e5, 0.0, 0.0], pressure, heat_flux: [0.0, 2e22, 0.0] }
    }

    #[test]
    fn solar_wind_has_a_hundred_thousand_kelvin() {
        let moments = solar_wind();
        // m v² / k_B = 1.6726e-27 · 9e8 / 1.3806e-23.
        assert_relative_eq!(moments.temperature(PROTON_MASS).unwrap(), 109_033.0, max_relative = 1e-5);
        assert_relative_eq!(moments.pressure_in_pascal(PROTON_MASS).unwrap()[1][1], 7.5268e-12, max_relative = 1e-5);
        assert_relative_eq!(moments.heat_flux_in_watts(PROTON_MASS).unwrap()[1], 3.34524e-5, max_relative = 1e-5);
    }

    #[test]
    fn masses_and_moments_without_meaning_are_refused() {
        for mass in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(solar_wind().temperature(mass).unwrap_err().to_string().contains("mass"));
            assert!(solar_wind().pressure_in_pascal(mass).is_err() && solar_wind().heat_flux_in_watts(mass).is_err());
        }
        let empty = Moments { density: 0.0, ..solar_wind() };
        assert!(empty.temperature(PROTON_MASS).unwrap_err().to_string().contains("density"));
        let cold = Moments { pressure: [[0.0; 3]; 3], ..solar_wind() };
        assert_eq!(cold.temperature(PROTON_MASS).unwrap(), 0.0);
        let negative = Moments { pressure: [[-1.0; 3]; 3], ..solar_wind() };
        assert!(negative.temperature(PROTON_MASS).unwrap_err().to_string().contains("pressure"));
    }
}
