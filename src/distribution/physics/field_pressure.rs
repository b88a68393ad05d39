//! The pressure tensor about a magnetic field: T∥, T⊥ and their ratio.

use super::field::FieldDirection;
use super::undefined;
use super::units::{temperature, variance};
use crate::distribution::moments::Moments;
use crate::error::Result;

/// A pressure tensor per unit mass in the frame of a magnetic field.
///
/// It follows from any [`Moments`]: those of a distribution's cells, or those that a basis has in closed form, as
/// [`MixtureCoefficients::moments_over_velocity_space`](crate::MixtureCoefficients::moments_over_velocity_space).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldPressure {
    pub(super) density: f64,
    /// Components in the directions e_1, e_2 and b.
    pub(super) tensor: [[f64; 3]; 3],
}

impl Moments {
    /// The pressure tensor about a magnetic field.
    #[must_use]
    pub fn about_field(&self, field: FieldDirection) -> FieldPressure {
        let axes = field.axes();
        // P·e_j, then e_i · (P·e_j).
        let turned = axes.map(|axis| self.pressure.map(|row| dot(row, axis)));
        let tensor = std::array::from_fn(|i| std::array::from_fn(|j| dot(axes[i.min(j)], turned[i.max(j)])));
        FieldPressure { density: self.density, tensor }
    }
}

impl FieldPressure {
    /// The tensor's components [m⁻¹ s⁻²] in the directions e_1, e_2 and b of [`FieldDirection::axes`].
    #[must_use]
    pub fn tensor(&self) -> [[f64; 3]; 3] {
        self.tensor
    }

    /// P∥ = b·P·b per unit mass [m⁻¹ s⁻²].
    #[must_use]
    pub fn parallel(&self) -> f64 {
        self.tensor[2][2]
    }

    /// P⊥ = (tr P − P∥) / 2 per unit mass [m⁻¹ s⁻²].
    #[must_use]
    pub fn perpendicular(&self) -> f64 {
        0.5 * (self.tensor[0][0] + self.tensor[1][1])
    }

    /// Thermal speeds √(P∥/n) and √(P⊥/n) [m/s]: standard deviations of one velocity component.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if the density is not positive, or a pressure negative.
    pub fn thermal_speeds(&self) -> Result<[f64; 2]> {
        let along = variance("the thermal speed along the field", self.parallel(), self.density)?;
        let across = variance("the thermal speed across the field", self.perpendicular(), self.density)?;
        Ok([along.sqrt(), across.sqrt()])
    }

    /// Temperatures T∥ = m P∥/(n k_B) and T⊥ = m P⊥/(n k_B) \[K\] of particles of a mass \[kg\].
    ///
    /// # Errors
    /// Those of [`Self::thermal_speeds`], and [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a mass that is
    /// not positive.
    pub fn temperatures(&self, mass: f64) -> Result<[f64; 2]> {
        Ok([
            temperature("the temperature along the field", mass, self.parallel(), self.density)?,
            temperature("the temperature across the field", mass, self.perpendicular(), self.density)?,
        ])
    }

    /// Temperature anisotropy T⊥/T∥, from 0 on; 1 for isotropic distributions.
    ///
    /// # Errors
    /// Those of [`Self::thermal_speeds`], and [`Error::Undefined`](crate::Error::Undefined) for a T∥ of zero, as of a
    /// distribution in one plane of cells across the field.
    pub fn anisotropy(&self) -> Result<f64> {
        let quantity = "the temperature anisotropy";
        let across = variance(quantity, self.perpendicular(), self.density)?;
        let along = variance(quantity, self.parallel(), self.density)?;
        if along == 0.0 {
            return Err(undefined(quantity, "the temperature along the field is zero"));
        }
        Ok(across / along)
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::super::PROTON_MASS;
    use super::super::test_distributions::{FIELDS, bi_maxwellian};
    use super::*;
    use crate::distribution::synthetic::{Shape, Synthetic};
    use approx::assert_relative_eq;

    #[test]
    fn bi_maxwellians_have_their_temperatures_in_every_direction_of_the_field() {
        for field in FIELDS {
            let about = bi_maxwellian(field, 60).moments().about_field(FieldDirection::new(field).unwrap());
            let [along, across] = about.thermal_speeds().unwrap();
            assert_relative_eq!(along, 2.0, max_relative = 1e-12);
            assert_relative_eq!(across, 1.0, max_relative = 1e-12);
            assert_relative_eq!(about.anisotropy().unwrap(), 0.25, max_relative = 1e-12);
            let [hot, cold] = about.temperatures(PROTON_MASS).unwrap();
            assert_relative_eq!(hot / cold, 4.0, max_relative = 1e-12);
            // By another way: as the sums of w∥² and w⊥² over the cells.
            let direct = by_definition(field);
            assert_relative_eq!(about.parallel(), direct[0], max_relative = 1e-12);
            assert_relative_eq!(about.perpendicular(), direct[1], max_relative = 1e-12);
        }
    }

    fn by_definition(field: [f64; 3]) -> [f64; 2] {
        let vdf = bi_maxwellian(field, 60);
        let (grid, u) = (vdf.grid(), vdf.moments().bulk_velocity);
        let length = dot(field, field).sqrt();
        let mut sums = [0.0; 2];
        for ((x, y, z), f) in vdf.values().indexed_iter() {
            let w: [f64; 3] = std::array::from_fn(|i| grid.centre(i, [x, y, z][i]) - u[i]);
            let along = dot(w, field) / length;
            sums[0] += f * along * along * grid.cell_volume();
            sums[1] += 0.5 * f * (dot(w, w) - along * along) * grid.cell_volume();
        }
        sums
    }

    #[test]
    fn rings_and_kappas_have_the_temperatures_of_their_closed_forms() {
        let (field, n) = ([0.6, 0.0, 0.8], 3.0);
        let b = FieldDirection::new(field).unwrap();
        let loss_cone = Shape::LossCone { v_th_par: 1.5, v_th_perp: 2.0, order: 2, field };
        let moments = Synthetic::single(n, [1.0, 2.0, 3.0], loss_cone).unwrap().moments();
        // P⊥ = (j + 1) n v_th⊥².
        assert_relative_eq!(moments.about_field(b).perpendicular(), n * 12.0, max_relative = 1e-12);
        assert_relative_eq!(moments.about_field(b).parallel(), n * 2.25, max_relative = 1e-12);
        let kappa = Synthetic::single(n, [0.0; 3], Shape::Kappa { v_th: 2.0, kappa: 3.0 }).unwrap().moments();
        assert_relative_eq!(kappa.about_field(b).anisotropy().unwrap(), 1.0, max_relative = 1e-12);
    }

    #[test]
    fn what_has_no_temperature_says_why() {
        let b = FieldDirection::new([0.0, 0.0, 1.0]).unwrap();
        let of = |density: f64, pressures: [f64; 3]| {
            let pressure = std::array::from_fn(|i| std::array::from_fn(|j| if i == j { pressures[i] } else { 0.0 }));
            Moments { density, bulk_velocity: [0.0; 3], pressure, heat_flux: [0.0; 3] }.about_field(b)
        };
        assert!(of(0.0, [1.0; 3]).thermal_speeds().unwrap_err().to_string().contains("density is 0"));
        assert!(of(1.0, [1.0, 1.0, -1.0]).temperatures(1.0).unwrap_err().to_string().contains("along the field"));
        assert!(of(1.0, [1.0, 1.0, 0.0]).anisotropy().unwrap_err().to_string().contains("zero"));
        assert_eq!(of(1.0, [0.0, 0.0, 1.0]).anisotropy().unwrap(), 0.0);
        assert!(of(f64::NAN, [1.0; 3]).anisotropy().is_err() && of(1.0, [f64::INFINITY; 3]).anisotropy().is_err());
    }
}
