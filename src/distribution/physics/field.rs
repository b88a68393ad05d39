//! The direction of a magnetic field, and velocities along and across it.

use crate::distribution::frame::{Orientation, axes_along};
use crate::error::{Error, Result};

/// Direction b of a magnetic field, with two directions e_1 and e_2 across it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldDirection {
    /// e_1, e_2 and b, orthonormal and right-handed.
    axes: [[f64; 3]; 3],
}

impl FieldDirection {
    /// The direction of a magnetic field in any unit.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the field is zero or not finite.
    ///
    /// ```
    /// let field = vdf_basis::FieldDirection::new([0.0, 3e-9, 4e-9])?;
    /// assert!((field.along()[1] - 0.6).abs() < 1e-15);
    /// assert!(vdf_basis::FieldDirection::new([0.0; 3]).is_err());
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn new(field: [f64; 3]) -> Result<Self> {
        let allowed = "a finite vector of non-zero length: without a direction, nothing is parallel or perpendicular";
        Orientation::FieldAligned(field)
            .validated()
            .map_err(|_| Error::parameter("field", format!("{field:?}"), allowed))?;
        Ok(Self { axes: axes_along(field) })
    }

    /// Unit vector b along the field.
    #[must_use]
    pub fn along(&self) -> [f64; 3] {
        self.axes[2]
    }

    /// Unit vectors e_1, e_2 and b, right-handed. e_1 is the axis of the grid most nearly across the field, projected so
    /// that it is exactly so.
    #[must_use]
    pub fn axes(&self) -> [[f64; 3]; 3] {
        self.axes
    }

    /// Components of a vector along e_1, e_2 and b.
    #[must_use]
    pub fn components(&self, vector: [f64; 3]) -> [f64; 3] {
        self.axes.map(|axis| axis[0] * vector[0] + axis[1] * vector[1] + axis[2] * vector[2])
    }
}

/// Coordinates (v∥, v⊥, gyrophase) of velocity space: a field direction, and the velocity about which particles gyrate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FieldFrame {
    field: FieldDirection,
    centre: [f64; 3],
}

impl FieldFrame {
    /// A frame about a velocity [m/s]: that of the plasma as a whole, or the bulk velocity of one distribution.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the velocity is not finite.
    pub fn new(field: FieldDirection, centre: [f64; 3]) -> Result<Self> {
        if !centre.iter().all(|v| v.is_finite()) {
            return Err(Error::parameter("centre", format!("{centre:?}"), "a finite velocity"));
        }
        Ok(Self { field, centre })
    }

    /// Direction of the field.
    #[must_use]
    pub fn field(&self) -> FieldDirection {
        self.field
    }

    /// Velocity of the frame [m/s], where v∥ and v⊥ are zero.
    #[must_use]
    pub fn centre(&self) -> [f64; 3] {
        self.centre
    }

    /// Velocity [m/s] at v∥, v⊥ [m/s] and a gyrophase, given by its cosine and sine: phase zero points along e_1.
    #[must_use]
    pub fn velocity(&self, parallel: f64, perpendicular: f64, [cos, sin]: [f64; 2]) -> [f64; 3] {
        let [e1, e2, b] = self.field.axes;
        std::array::from_fn(|i| self.centre[i] + parallel * b[i] + perpendicular * (cos * e1[i] + sin * e2[i]))
    }

    /// Components v∥ and v⊥ [m/s] of a velocity [m/s].
    #[must_use]
    pub fn parallel_and_perpendicular(&self, velocity: [f64; 3]) -> [f64; 2] {
        let [first, second, along] = self.field.components(std::array::from_fn(|i| velocity[i] - self.centre[i]));
        [along, first.hypot(second)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_field_without_direction_is_refused_with_the_reason() {
        for field in [[0.0; 3], [f64::NAN, 0.0, 1.0], [0.0, f64::INFINITY, 0.0]] {
            let problem = FieldDirection::new(field).unwrap_err().to_string();
            assert!(problem.contains("field") && problem.contains("non-zero length"), "{problem}");
        }
        let field = FieldDirection::new([1e-200, 0.0, 0.0]).unwrap();
        assert_eq!(field.along(), [1.0, 0.0, 0.0]);
        assert!(FieldFrame::new(field, [0.0, f64::NAN, 0.0]).is_err());
    }

    #[test]
    fn velocities_go_there_and_back() {
        let frame = FieldFrame::new(FieldDirection::new([1.0, -2.0, 0.5]).unwrap(), [10.0, 20.0, -5.0]).unwrap();
        for phase in [0.0, 1.0, 4.0_f64] {
            let v = frame.velocity(3.0, 7.0, [phase.cos(), phase.sin()]);
            let [parallel, perpendicular] = frame.parallel_and_perpendicular(v);
            assert_relative_eq!(parallel, 3.0, max_relative = 1e-14);
            assert_relative_eq!(perpendicular, 7.0, max_relative = 1e-14);
        }
    }
}
