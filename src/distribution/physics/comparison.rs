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
/// A quantity may not be defined, as the temperatures of a distribution without density. `None` if neither f nor g has it: there
/// is nothing to compare. Infinite if only one of them has it, or if f has zero of it, as a temperature, and g does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldFidelity {
    /// |T∥_g − T∥_f| / T∥_f.
    pub parallel_temperature: Option<f64>,
    /// |T⊥_g − T⊥_f| / T⊥_f.
    pub perpendicular_temperature: Option<f64>,
    /// |A_g − A_f| / A_f of the temperature anisotropy A = T⊥/T∥.
    pub anisotropy: Option<f64>,
    /// |√Q_g − √Q_f| of the agyrotropy ([`FieldPressure::sqrt_q`]).
    pub sqrt_q: Option<f64>,
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
    /// assert!(errors.anisotropy.is_some_and(|error| error < 0.2), "{errors}");
    /// assert!(errors.errors().into_iter().all(|(_, error)| error.is_some()));
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
        let error = |of: fn(&FieldPressure) -> Result<f64>, relative: bool| match (of(&f), of(&g)) {
            (Err(_), Err(_)) => None,
            (Ok(f), Ok(g)) if f == g => Some(0.0),
            (Ok(f), Ok(g)) if relative => Some((g - f).abs() / f),
            (Ok(f), Ok(g)) => Some((g - f).abs()),
            _ => Some(f64::INFINITY),
        };
        Self {
            parallel_temperature: error(|p| p.thermal_speeds().map(|[along, _]| along * along), true),
            perpendicular_temperature: error(|p| p.thermal_speeds().map(|[_, across]| across * across), true),
            anisotropy: error(FieldPressure::anisotropy, true),
            sqrt_q: error(FieldPressure::sqrt_q, false),
        }
    }

    /// All errors by name, in the order of the fields; `None` for what neither distribution has.
    #[must_use]
    pub fn errors(&self) -> Vec<(&'static str, Option<f64>)> {
        // Without `..`, so that no field is forgotten.
        let Self { parallel_temperature, perpendicular_temperature, anisotropy, sqrt_q } = *self;
        vec![
            ("parallel_temperature", parallel_temperature),
            ("perpendicular_temperature", perpendicular_temperature),
            ("anisotropy", anisotropy),
            ("sqrt_q", sqrt_q),
        ]
    }
}

impl fmt::Display for FieldFidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["T_par", "T_perp", "anisotropy", "sqrt Q"];
        for (place, (name, (_, error))) in names.into_iter().zip(self.errors()).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match error {
                Some(error) => write!(f, "{comma}{name} {error:.3e}")?,
                None => write!(f, "{comma}{name} undefined")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_distributions::{DRIFT, FIELDS, bi_maxwellian, sampled};
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use crate::distribution::synthetic::{Shape, Synthetic};
    use approx::assert_relative_eq;

    fn defined(errors: &FieldFidelity) -> [f64; 4] {
        let all: Vec<f64> = errors.errors().into_iter().map(|(_, error)| error.unwrap()).collect();
        all.try_into().unwrap()
    }

    #[test]
    fn two_bi_maxwellians_differ_by_their_temperatures() {
        for field in FIELDS {
            let b = FieldDirection::new(field).unwrap();
            let other = Shape::BiMaxwellian { v_th_par: 1.9, v_th_perp: 1.1, field };
            let other = sampled(&Synthetic::single(7.0, DRIFT, other).unwrap(), 17.0, 60);
            let errors = FieldFidelity::compare(&bi_maxwellian(field, 60), &other, b).unwrap();
            let [parallel, perpendicular, anisotropy, sqrt_q] = defined(&errors);
            assert_relative_eq!(parallel, 1.0 - 3.61 / 4.0, max_relative = 1e-11);
            assert_relative_eq!(perpendicular, 0.21, max_relative = 1e-11);
            assert_relative_eq!(anisotropy, 1.21 / 3.61 * 4.0 - 1.0, max_relative = 1e-11);
            assert!(sqrt_q < 1e-11);
        }
    }

    #[test]
    fn what_neither_has_is_undefined_and_what_one_has_is_infinite() {
        let b = FieldDirection::new([1.0, 1.0, 0.0]).unwrap();
        let grid = VelocityGrid::unit([3; 3]).unwrap();
        let (zero, even) = (Vdf::zeros(grid), Vdf::from_fn(grid, |_| 1.0).unwrap());
        let none = FieldFidelity::compare(&zero, &zero, b).unwrap();
        assert!(none.errors().into_iter().all(|(_, error)| error.is_none()), "{none}");
        assert_eq!(none.to_string(), "T_par undefined, T_perp undefined, anisotropy undefined, sqrt Q undefined");
        for (f, g) in [(&zero, &even), (&even, &zero)] {
            let errors = FieldFidelity::compare(f, g, b).unwrap();
            assert_eq!(defined(&errors), [f64::INFINITY; 4], "{errors}");
        }
        // One filled cell off the middle of the grid, and another half as dense: temperatures are zero, and no more is there.
        let grid = VelocityGrid::new([5, 7, 9], [-3e5, 1e6, 0.3], [7.1e4, 3.3e4, 2.9e4]).unwrap();
        let one = |index: usize, density: f64| {
            let mut values = vec![0.0; 315];
            values[index] = density;
            Vdf::from_vec(grid, values).unwrap()
        };
        for (f, g) in [(one(311, 1e-12), one(311, 0.7e-12)), (one(4, 3e-13), one(87, 1e-12))] {
            let errors = FieldFidelity::compare(&f, &g, b).unwrap();
            let expected = [Some(0.0), Some(0.0), None, None];
            assert_eq!(
                [errors.parallel_temperature, errors.perpendicular_temperature, errors.anisotropy, errors.sqrt_q],
                expected,
                "{errors}"
            );
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
            for (found, base) in defined(&found).into_iter().zip(defined(&base)) {
                assert_relative_eq!(found, base, max_relative = 1e-9);
            }
        }
    }
}
