//! Measures of the part of a pressure tensor that is not gyrotropic.

use nalgebra::Matrix3;

use super::field_pressure::FieldPressure;
use super::undefined;
use crate::error::{Error, Result};

/// A principal pressure below zero, over the largest component, that rounding alone can make.
const ROUNDING: f64 = 1e-12;

/// Parts of a pressure tensor, over its largest component, so that squares do not overflow.
struct Parts {
    parallel: f64,
    perpendicular: f64,
    /// Square of half the difference of the two pressures across the field.
    perpendicular_difference: f64,
    /// Sum of the squares of the components P_12, P_13 and P_23 in the frame in which P_11 = P_22.
    off_diagonal: f64,
}

impl FieldPressure {
    /// The parts, unless the tensor is zero, not finite, or has a negative principal pressure: the measures have no range then.
    fn parts(&self, quantity: &'static str) -> Result<Parts> {
        let scale = self.tensor.as_flattened().iter().fold(0.0, |scale, p| f64::max(scale, p.abs()));
        let finite = self.tensor.as_flattened().iter().all(|p| p.is_finite());
        if !(scale > 0.0 && finite) {
            return Err(undefined(quantity, "the pressure is zero or beyond the range of f64"));
        }
        let p = self.tensor.map(|row| row.map(|p| p / scale));
        let principal = Matrix3::from(p).symmetric_eigenvalues();
        if principal.iter().any(|pressure| *pressure < -ROUNDING) {
            return Err(negative(quantity));
        }
        // Turned by 45 degrees from the eigenvectors of the part across the field, the two pressures across are equal,
        // and half their former difference is off the diagonal.
        let perpendicular_difference = (0.5 * (p[0][0] - p[1][1])).powi(2) + p[0][1].powi(2);
        Ok(Parts {
            parallel: p[2][2],
            perpendicular: 0.5 * (p[0][0] + p[1][1]),
            perpendicular_difference,
            off_diagonal: perpendicular_difference + p[0][2].powi(2) + p[1][2].powi(2),
        })
    }

    /// Agyrotropy √Q, Q = (P_12² + P_13² + P_23²) / (P⊥² + 2 P⊥ P∥) in the frame in which P_11 = P_22 (Swisdak 2016,
    /// GRL 43, 43). From 0, gyrotropic, to 1.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if the pressure is zero, or a principal pressure negative: only cells
    /// below zero can make it so.
    ///
    /// ```
    /// use vdf_basis::{FieldDirection, Moments};
    /// // The most that there can be: all pressure along one direction, which bisects e_1 and b.
    /// let pressure = [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]];
    /// let moments = Moments { density: 1.0, bulk_velocity: [0.0; 3], pressure, heat_flux: [0.0; 3] };
    /// let sqrt_q = moments.about_field(FieldDirection::new([0.0, 0.0, 1.0])?).sqrt_q()?;
    /// assert!((sqrt_q - 1.0).abs() < 1e-12);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn sqrt_q(&self) -> Result<f64> {
        let quantity = "the agyrotropy √Q";
        let parts = self.parts(quantity)?;
        // Two factors that rounding made negative are no bound.
        let bound = parts.perpendicular.max(0.0) * (parts.perpendicular + 2.0 * parts.parallel);
        over(quantity, parts.off_diagonal.sqrt(), bound.max(0.0).sqrt(), 1.0)
    }

    /// Agyrotropy A∅ = 2 |P_⊥1 − P_⊥2| / (P_⊥1 + P_⊥2), P_⊥1 and P_⊥2 the eigenvalues of the part of the tensor across
    /// the field (Scudder and Daughton 2008, JGR 113, A06222). From 0, gyrotropic, to 2. It does not see P_13 and P_23.
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if there is no pressure across the field, or a principal
    /// pressure is negative.
    pub fn agyrotropy(&self) -> Result<f64> {
        let quantity = "the agyrotropy A∅";
        let parts = self.parts(quantity)?;
        over(quantity, 2.0 * parts.perpendicular_difference.sqrt(), parts.perpendicular, 2.0)
    }

    /// Nongyrotropy D_ng = 2 ‖N‖ / tr P, N the part of the tensor that is off the diagonal in the frame in which
    /// P_11 = P_22, ‖N‖ its Frobenius norm: √8 √(P_12² + P_13² + P_23²) / (P∥ + 2 P⊥) (Aunai, Hesse and Kuznetsova 2013,
    /// Phys. Plasmas 20, 092903). From 0, gyrotropic, to √(8/3).
    ///
    /// # Errors
    /// [`Error::Undefined`](crate::Error::Undefined) if there is no pressure, or a principal pressure is negative.
    pub fn nongyrotropy(&self) -> Result<f64> {
        let quantity = "the nongyrotropy D_ng";
        let parts = self.parts(quantity)?;
        let trace = parts.parallel + 2.0 * parts.perpendicular;
        over(quantity, (8.0 * parts.off_diagonal).sqrt(), trace, (8.0_f64 / 3.0).sqrt())
    }
}

/// A measure over what bounds it. What is gyrotropic is so whatever the bound, as in a distribution of one row of cells
/// along the field. What rounding adds to the largest possible value is taken off.
fn over(quantity: &'static str, measure: f64, bound: f64, largest: f64) -> Result<f64> {
    match (measure, bound) {
        (_, bound) if bound > 0.0 => Ok((measure / bound).min(largest)),
        (0.0, 0.0) => Ok(0.0),
        _ => Err(negative(quantity)),
    }
}

fn negative(quantity: &'static str) -> Error {
    undefined(
        quantity,
        "a principal pressure is negative, as only cells below zero can make it; set these to zero first",
    )
}

#[cfg(test)]
mod tests {
    use super::super::field::FieldDirection;
    use super::super::test_distributions::{FIELDS, bi_maxwellian};
    use super::*;
    use crate::distribution::moments::Moments;
    use crate::distribution::synthetic::{Shape, Synthetic};
    use crate::testing::for_cases;
    use approx::assert_relative_eq;
    use rand::Rng;

    fn with(pressure: [[f64; 3]; 3]) -> Moments {
        Moments { density: 1.0, bulk_velocity: [0.0; 3], pressure, heat_flux: [0.0; 3] }
    }

    #[test]
    fn pressures_that_are_all_negative_have_no_agyrotropy() {
        let moments = with([[-2.0, 0.3, 0.0], [0.3, -1.0, 0.1], [0.0, 0.1, -3.0]]);
        let about = moments.about_field(FieldDirection::new([0.0, 0.0, 1.0]).unwrap());
        assert!(about.sqrt_q().is_err() && about.agyrotropy().is_err() && about.nongyrotropy().is_err());
    }

    #[test]
    fn one_negative_principal_pressure_is_enough_to_have_none() {
        let b = FieldDirection::new([0.0, 0.0, 1.0]).unwrap();
        // Along the field, across it, and across an oblique axis where all three on the diagonal are positive.
        for pressure in [
            [[1.0, 0.2, 0.0], [0.2, 1.0, 0.0], [0.0, 0.0, -0.1]],
            [[1.0, 0.0, 0.0], [0.0, -0.5, 0.0], [0.0, 0.0, 1.0]],
            [[1.0, 0.0, 1.5], [0.0, 1.0, 0.0], [1.5, 0.0, 1.0]],
        ] {
            let about = with(pressure).about_field(b);
            for measure in [about.sqrt_q(), about.agyrotropy(), about.nongyrotropy()] {
                assert!(measure.unwrap_err().to_string().contains("negative"), "{pressure:?}");
            }
        }
    }

    #[test]
    fn measures_agree_with_invariants_and_eigenvalues_of_random_tensors() {
        for_cases(200, |random| {
            let root = Matrix3::from_fn(|_, _| random.random_range(-1.0..1.0));
            let p: Matrix3<f64> = root * root.transpose() * 10f64.powi(random.random_range(-100..100));
            let field: [f64; 3] = [(); 3].map(|()| random.random_range(-1.0..1.0));
            let direction = FieldDirection::new(field).unwrap();
            let about = with(std::array::from_fn(|i| std::array::from_fn(|j| p[(i, j)]))).about_field(direction);
            // Swisdak's form by invariants: Q = 1 − 4 I_2 / ((I_1 − P∥)(I_1 + 3 P∥)).
            let b = nalgebra::Vector3::from(direction.along());
            let (trace, parallel) = (p.trace(), (b.transpose() * p * b)[0]);
            let second = 0.5 * (trace * trace - (p * p).trace());
            let q = 1.0 - 4.0 * second / ((trace - parallel) * (trace + 3.0 * parallel));
            assert_relative_eq!(about.sqrt_q().unwrap(), q.sqrt(), max_relative = 1e-9);
            assert!((0.0..=1.0 + 1e-12).contains(&about.sqrt_q().unwrap()));
            // The part across the field, as a matrix of three rows, has the eigenvalues 0 and those of the plane.
            let across = Matrix3::identity() - b * b.transpose();
            let mut values: Vec<f64> = (across * p * across).symmetric_eigenvalues().iter().copied().collect();
            values.sort_by(f64::total_cmp);
            let expected = 2.0 * (values[2] - values[1]) / (values[2] + values[1]);
            assert_relative_eq!(about.agyrotropy().unwrap(), expected, max_relative = 1e-9);
            assert!((0.0..=2.0 + 1e-12).contains(&about.agyrotropy().unwrap()));
            // D_ng by the Frobenius norm of P less its gyrotropic part.
            let gyrotropic =
                Matrix3::identity() * (0.5 * (trace - parallel)) + b * b.transpose() * (1.5 * parallel - 0.5 * trace);
            let expected = 2.0 * (p - gyrotropic).norm() / trace;
            assert_relative_eq!(about.nongyrotropy().unwrap(), expected, max_relative = 1e-9);
            assert!((0.0..=(8.0 / 3.0f64).sqrt() + 1e-12).contains(&about.nongyrotropy().unwrap()));
        });
    }

    #[test]
    fn gyrotropic_distributions_have_none() {
        for field in FIELDS {
            let about = bi_maxwellian(field, 60).moments().about_field(FieldDirection::new(field).unwrap());
            for measure in [about.sqrt_q(), about.agyrotropy(), about.nongyrotropy()] {
                assert!(measure.unwrap() < 1e-12);
            }
        }
    }

    #[test]
    fn a_crescent_has_that_of_its_closed_form() {
        let field = [0.0, 0.6, 0.8];
        let shape =
            Shape::Crescent { speed: 5.0, width: 1.0, v_th_par: 1.0, field, towards: [1.0, 0.0, 0.0], sharpness: 2.0 };
        let crescent = Synthetic::single(1.0, [0.0; 3], shape).unwrap();
        let moments = crescent.moments();
        // Its axes are x, b × x and b: P_xx and P_⊥2 = tr P − P_xx − n v_th∥².
        let first = moments.pressure[0][0];
        let second = moments.pressure[0][0] + moments.pressure[1][1] + moments.pressure[2][2] - first - 1.0;
        let about = moments.about_field(FieldDirection::new(field).unwrap());
        let expected = 2.0 * (first - second).abs() / (first + second);
        assert_relative_eq!(about.agyrotropy().unwrap(), expected, max_relative = 1e-12);
        let mean = 0.5 * (first + second);
        let q = (0.5 * (first - second)).powi(2) / (mean * mean + 2.0 * mean);
        assert_relative_eq!(about.sqrt_q().unwrap(), q.sqrt(), max_relative = 1e-12);
    }

    #[test]
    fn tensors_of_no_density_are_refused_with_the_reason() {
        let b = FieldDirection::new([0.0, 0.0, 1.0]).unwrap();
        let diagonal = |p: [f64; 3]| with([[p[0], 0.0, 0.0], [0.0, p[1], 0.0], [0.0, 0.0, p[2]]]).about_field(b);
        assert!(diagonal([0.0; 3]).sqrt_q().unwrap_err().to_string().contains("zero"));
        assert!(diagonal([f64::NAN, 1.0, 1.0]).agyrotropy().is_err());
        assert!(diagonal([-1.0, -2.0, 1.0]).agyrotropy().unwrap_err().to_string().contains("negative"));
        assert!(diagonal([-1.0, -2.0, -1.0]).nongyrotropy().is_err());
        // One row of cells along the field.
        let row = diagonal([0.0, 0.0, 1.0]);
        assert_eq!([row.sqrt_q(), row.agyrotropy(), row.nongyrotropy()].map(Result::unwrap), [0.0; 3]);
        // One plane of cells, in which the field lies.
        assert_relative_eq!(diagonal([1.0, 0.0, 1.0]).agyrotropy().unwrap(), 2.0);
    }
}
