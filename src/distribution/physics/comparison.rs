//! Errors of a reconstruction in the quantities that need a magnetic field.

use std::fmt;

use super::field::FieldDirection;
use super::field_pressure::FieldPressure;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;

/// Errors of a reconstruction g of an original f about a magnetic field, all dimensionless: the companion of
/// [`Fidelity`](crate::Fidelity), which knows no field.
///
/// A quantity may not be defined, as the temperatures of a distribution without density. Its error is then 0 if f and g have the
/// same moments, and infinite otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldFidelity {
    /// |T∥_g − T∥_f| / T∥_f.
    pub parallel_temperature: f64,
    /// |T⊥_g − T⊥_f| / T⊥_f.
    pub perpendicular_temperature: f64,
    /// |A_g − A_f| / A_f of the temperature anisotropy A = T⊥/T∥.
    pub anisotropy: f64,
    /// |√Q_g − √Q_f| of the agyrotropy ([`FieldPressure::sqrt_q`]).
    pub sqrt_q: f64,
}

impl FieldFidelity {
    /// Compares a reconstruction with its original.
    ///
    /// # Errors
    /// [`Error::GridMismatch`] if the two live on different grids.
    ///
    /// ```
    /// # use vdf_basis::{Basis, FieldDirection, FieldFidelity, Hermite, Sampling, Synthetic};
    /// # let grid = Synthetic::default_grid("gyrating-ring", 24)?;
    /// # let vdf = Synthetic::named("gyrating-ring", 0)?.sample(&grid, Sampling::default())?;
    /// let basis = Hermite::new([8; 3])?;
    /// let back = basis.reconstruct(&basis.encode(&vdf)?, &grid)?;
    /// let errors = FieldFidelity::compare(&vdf, &back, FieldDirection::new([0.0, 0.0, 1.0])?)?;
    /// assert!(errors.anisotropy < 0.2 && errors.sqrt_q < 0.2, "{errors}");
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn compare(original: &Vdf, reconstruction: &Vdf, field: FieldDirection) -> Result<Self> {
        if original.grid() != reconstruction.grid() {
            return Err(Error::GridMismatch {
                left: original.grid().to_string(),
                right: reconstruction.grid().to_string(),
            });
        }
        // Moments of the scaled values: those of the values may overflow.
        let factor = normalising_factor(f64::max(original.peak(), reconstruction.peak()));
        let moments = |vdf: &Vdf| Moments::of_scaled(vdf.grid(), vdf.as_slice(), factor, |f| f);
        Ok(Self::between(&moments(original), &moments(reconstruction), field))
    }

    /// Compares moments, such as those that two bases have in closed form.
    #[must_use]
    pub fn between(original: &Moments, reconstruction: &Moments, field: FieldDirection) -> Self {
        let [f, g] = [original, reconstruction].map(|moments| moments.about_field(field));
        let same = f == g;
        let error = |of: fn(&FieldPressure) -> Result<f64>, relative: bool| match (of(&f), of(&g)) {
            _ if same => 0.0,
            (Ok(f), Ok(g)) if f == g => 0.0,
            (Ok(f), Ok(g)) if relative => (g - f).abs() / f,
            (Ok(f), Ok(g)) => (g - f).abs(),
            _ => f64::INFINITY,
        };
        Self {
            parallel_temperature: error(|p| p.thermal_speeds().map(|[along, _]| along * along), true),
            perpendicular_temperature: error(|p| p.thermal_speeds().map(|[_, across]| across * across), true),
            anisotropy: error(FieldPressure::anisotropy, true),
            sqrt_q: error(FieldPressure::sqrt_q, false),
        }
    }
}

impl fmt::Display for FieldFidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "T_par {:.3e}, T_perp {:.3e}, anisotropy {:.3e}, sqrt Q {:.3e}",
            self.parallel_temperature, self.perpendicular_temperature, self.anisotropy, self.sqrt_q
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_distributions::{DRIFT, FIELDS, bi_maxwellian, sampled};
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use crate::distribution::synthetic::{Shape, Synthetic};
    use approx::assert_relative_eq;

    #[test]
    fn two_bi_maxwellians_differ_by_their_temperatures() {
        for field in FIELDS {
            let b = FieldDirection::new(field).unwrap();
            let other = Shape::BiMaxwellian { v_th_par: 1.9, v_th_perp: 1.1, field };
            let other = sampled(&Synthetic::single(7.0, DRIFT, other).unwrap(), 17.0, 60);
            let errors = FieldFidelity::compare(&bi_maxwellian(field, 60), &other, b).unwrap();
            assert_relative_eq!(errors.parallel_temperature, 1.0 - 3.61 / 4.0, max_relative = 1e-11);
            assert_relative_eq!(errors.perpendicular_temperature, 0.21, max_relative = 1e-11);
            assert_relative_eq!(errors.anisotropy, 1.21 / 3.61 * 4.0 - 1.0, max_relative = 1e-11);
            assert!(errors.sqrt_q < 1e-11);
        }
    }

    #[test]
    fn what_is_not_defined_is_no_error_only_if_nothing_changed() {
        let b = FieldDirection::new([1.0, 1.0, 0.0]).unwrap();
        let grid = VelocityGrid::unit([3; 3]).unwrap();
        let (zero, even) = (Vdf::zeros(grid), Vdf::from_fn(grid, |_| 1.0).unwrap());
        let none = FieldFidelity::compare(&zero, &zero, b).unwrap();
        assert_eq!([none.parallel_temperature, none.anisotropy, none.sqrt_q], [0.0; 3]);
        for (f, g) in [(&zero, &even), (&even, &zero)] {
            let errors = FieldFidelity::compare(f, g, b).unwrap();
            assert_eq!([errors.perpendicular_temperature, errors.sqrt_q], [f64::INFINITY; 2], "{errors}");
        }
        let other = Vdf::zeros(VelocityGrid::unit([1, 3, 9]).unwrap());
        assert!(matches!(FieldFidelity::compare(&even, &other, b), Err(Error::GridMismatch { .. })));
    }

    #[test]
    fn magnitudes_do_not_matter() {
        let b = FieldDirection::new(FIELDS[2]).unwrap();
        let (f, other) = (bi_maxwellian(FIELDS[2], 20), bi_maxwellian(FIELDS[1], 20));
        let base = FieldFidelity::compare(&f, &other, b).unwrap();
        for scale in [1e-290, 1e290] {
            let scaled =
                |vdf: &Vdf| Vdf::from_vec(*vdf.grid(), vdf.as_slice().iter().map(|f| f * scale).collect()).unwrap();
            let found = FieldFidelity::compare(&scaled(&f), &scaled(&other), b).unwrap();
            assert_relative_eq!(found.anisotropy, base.anisotropy, max_relative = 1e-9);
            assert_relative_eq!(found.sqrt_q, base.sqrt_q, max_relative = 1e-9);
        }
    }
}
