//! The affine frame of velocity space in which a basis lives.

use nalgebra::{Matrix3, Rotation3, SymmetricEigen, UnitQuaternion, Vector3};

use super::moments::Moments;
use crate::error::{Error, Result};

/// Centre, rotation and scales: the affine map from velocities v [m/s] to the dimensionless coordinates
/// ξ_i = e_i · (v − centre) / scale_i in which a basis is written down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// The origin of ξ [m/s].
    pub centre: [f64; 3],
    /// The rotation that turns the grid's axes into the frame's axes e_1, e_2, e_3, as a rotation vector (direction
    /// of the axis, length the angle \[rad\], right-handed). `None`: the grid's own axes, on which products separate.
    pub rotation: Option<[f64; 3]>,
    /// Widths along e_1, e_2, e_3 [m/s].
    pub scales: [f64; 3],
}

impl Frame {
    /// A frame along the grid's axes.
    #[must_use]
    pub fn grid_aligned(centre: [f64; 3], scales: [f64; 3]) -> Self {
        Self { centre, rotation: None, scales }
    }

    /// A frame along three given axes, orthonormal and right-handed, each a row of `axes`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the axes are not orthonormal to 1e-9, or left-handed.
    pub fn along(axes: [[f64; 3]; 3], centre: [f64; 3], scales: [f64; 3]) -> Result<Self> {
        let rows = Matrix3::from_fn(|i, j| axes[i][j]);
        let defect = (rows * rows.transpose() - Matrix3::identity()).amax();
        // The comparison is false for NaN.
        if !(defect < 1e-9 && rows.determinant() > 0.0) {
            return Err(Error::InvalidParameter {
                name: "axes",
                value: format!("{axes:?}"),
                allowed: "three orthonormal right-handed unit vectors".to_owned(),
            });
        }
        Ok(Self { centre, rotation: Some(rotation_vector(&rows)), scales })
    }

    /// The unit vectors e_1, e_2, e_3 in the grid's coordinates, one a row.
    #[must_use]
    pub fn axes(&self) -> [[f64; 3]; 3] {
        let rotation = Rotation3::from_scaled_axis(Vector3::from(self.rotation.unwrap_or_default()));
        std::array::from_fn(|i| std::array::from_fn(|j| rotation.matrix()[(j, i)]))
    }

    /// The standard deviations [m/s] along other unit vectors, one a row, of the Gaussian exp(−½|ξ|²).
    #[must_use]
    pub fn widths_along(&self, directions: [[f64; 3]; 3]) -> [f64; 3] {
        let axes = self.axes();
        directions.map(|direction| {
            let along = |i: usize| (0..3).map(|j| axes[i][j] * direction[j]).sum::<f64>() * self.scales[i];
            along(0).hypot(along(1)).hypot(along(2))
        })
    }

    /// The dimensionless coordinates ξ of a velocity [m/s].
    #[must_use]
    pub fn to_frame(&self, velocity: [f64; 3]) -> [f64; 3] {
        let axes = self.axes();
        std::array::from_fn(|i| {
            (0..3).map(|j| axes[i][j] * (velocity[j] - self.centre[j])).sum::<f64>() / self.scales[i]
        })
    }

    /// The velocity [m/s] at dimensionless coordinates ξ.
    #[must_use]
    pub fn to_velocity(&self, xi: [f64; 3]) -> [f64; 3] {
        let axes = self.axes();
        std::array::from_fn(|j| self.centre[j] + (0..3).map(|i| axes[i][j] * xi[i] * self.scales[i]).sum::<f64>())
    }
}

/// Orientation of the axes of a basis, an option of the user. With the moments of a distribution it gives the
/// [`Frame`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Orientation {
    /// The grid's axes: products separate, transforms are three small matrix products.
    #[default]
    Grid,
    /// The eigenvectors of the pressure tensor, largest pressure first.
    PressureEigenframe,
    /// e_3 along the given magnetic field (any unit, not zero), e_1 and e_2 across it, such that gyrotropy shows.
    FieldAligned([f64; 3]),
}

impl Orientation {
    /// Checks a field-aligned choice.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the field is zero or not finite.
    pub fn validated(self) -> Result<Self> {
        match self {
            Self::FieldAligned(field) if unit(Vector3::from(field)).is_none() => Err(Error::InvalidParameter {
                name: "field",
                value: format!("{field:?}"),
                allowed: "a finite vector of non-zero length".to_owned(),
            }),
            valid => Ok(valid),
        }
    }

    /// The frame for a distribution with these moments: centred at the bulk velocity, the thermal speeds along the
    /// axes as scales (zero where the pressure along an axis is not positive).
    #[must_use]
    pub fn frame(self, moments: &Moments) -> Frame {
        let pressure = Matrix3::from_fn(|i, j| moments.pressure[i][j]);
        let rows = match self {
            Self::Grid => None,
            Self::PressureEigenframe => Some(eigenframe(&pressure)),
            Self::FieldAligned(field) => Some(field_aligned(Vector3::from(field))),
        };
        let centre = moments.bulk_velocity;
        let Some(rows) = rows else {
            return Frame::grid_aligned(centre, moments.thermal_speeds());
        };
        let along = rows * pressure * rows.transpose();
        let scales = std::array::from_fn(|i| {
            let variance = along[(i, i)] / moments.density;
            if variance > 0.0 && variance.is_finite() { variance.sqrt() } else { 0.0 }
        });
        Frame { centre, rotation: Some(rotation_vector(&rows)), scales }
    }
}

/// The rotation vector that turns the grid's axes into the rows.
fn rotation_vector(rows: &Matrix3<f64>) -> [f64; 3] {
    // A rotation's matrix has the rotated axes as its columns. By way of the quaternion, which also knows the axis of a
    // half turn, where the matrix is symmetric: two axes swapped and the third reversed.
    let rotation = Rotation3::from_matrix_unchecked(rows.transpose());
    UnitQuaternion::from_rotation_matrix(&rotation).scaled_axis().into()
}

/// The unit vector along `v`, unless it is zero or not finite.
fn unit(v: Vector3<f64>) -> Option<Vector3<f64>> {
    // Divided by the largest component, because the square of a field of 1e-200 T underflows.
    let largest = v.amax();
    // Components are tested one by one, because the largest ignores NaN.
    (largest > 0.0 && v.iter().all(|v| v.is_finite())).then(|| (v / largest).normalize())
}

/// The unit vector along a direction that a caller gave.
///
/// # Errors
/// [`Error::InvalidParameter`] with this name for a direction that is zero or not finite.
pub(crate) fn unit_vector(name: &'static str, direction: [f64; 3]) -> Result<Vector3<f64>> {
    let allowed = "a finite vector of non-zero length";
    unit(Vector3::from(direction)).ok_or_else(|| Error::parameter(name, format!("{direction:?}"), allowed))
}

/// Eigenvectors as rows, largest eigenvalue first, each with its largest component positive, right-handed. Where
/// eigenvalues are equal but for rounding, of all the eigenvectors those nearest to the grid's axes: the others would
/// be left to rounding, and to the order of the axes.
fn eigenframe(pressure: &Matrix3<f64>) -> Matrix3<f64> {
    /// Relative difference of eigenvalues up to which they count as equal.
    const EQUAL: f64 = 1e-8;
    let scale = pressure.amax();
    if !(scale > 0.0 && scale.is_finite()) {
        return Matrix3::identity();
    }
    let eigen = SymmetricEigen::new(pressure / scale);
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let oriented = |column: usize| {
        let v = eigen.eigenvectors.column(column).into_owned();
        if v[v.icamax()] < 0.0 { -v } else { v }
    };
    let values = order.map(|column| eigen.eigenvalues[column]);
    let equal = [0, 1].map(|k| values[k] - values[k + 1] <= EQUAL * values[k].abs() + f64::EPSILON * values[0].abs());
    let (first, second) = match equal {
        [true, true] => return Matrix3::identity(),
        [true, false] => {
            let first = nearest_axis_across(&oriented(order[2]));
            (first, oriented(order[2]).cross(&first))
        }
        [false, true] => (oriented(order[0]), nearest_axis_across(&oriented(order[0]))),
        [false, false] => (oriented(order[0]), oriented(order[1])),
    };
    Matrix3::from_rows(&[first.transpose(), second.transpose(), first.cross(&second).transpose()])
}

/// Grid axis most nearly perpendicular to a unit vector, projected so that it is exactly so.
fn nearest_axis_across(vector: &Vector3<f64>) -> Vector3<f64> {
    let mut across = Vector3::zeros();
    across[vector.iamin()] = 1.0;
    (across - vector * vector.dot(&across)).normalize()
}

/// Right-handed unit vectors, the third along a field that [`Orientation::validated`] accepts.
pub(crate) fn axes_along(field: [f64; 3]) -> [[f64; 3]; 3] {
    let rows = field_aligned(Vector3::from(field));
    std::array::from_fn(|i| std::array::from_fn(|j| rows[(i, j)]))
}

/// e_3 along the field, e_1 the grid axis most nearly across it, made exactly so.
fn field_aligned(field: Vector3<f64>) -> Matrix3<f64> {
    let Some(third) = unit(field) else {
        return Matrix3::identity();
    };
    let first = nearest_axis_across(&third);
    Matrix3::from_rows(&[first.transpose(), third.cross(&first).transpose(), third.transpose()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn tilted() -> Moments {
        // Pressure 9, 4, 1 along the axes turned by 30 degrees about z.
        let (s, c) = std::f64::consts::FRAC_PI_6.sin_cos();
        let (a, b) = (9.0, 4.0);
        let pressure = [
            [a * c * c + b * s * s, (a - b) * s * c, 0.0],
            [(a - b) * s * c, a * s * s + b * c * c, 0.0],
            [0.0, 0.0, 1.0],
        ];
        Moments { density: 1.0, bulk_velocity: [1.0, 2.0, 3.0], pressure, heat_flux: [0.0; 3] }
    }

    #[test]
    fn the_eigenframe_finds_the_axes_of_the_pressure() {
        let frame = Orientation::PressureEigenframe.frame(&tilted());
        let (s, c) = std::f64::consts::FRAC_PI_6.sin_cos();
        let expected = [[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]];
        for i in 0..3 {
            assert_relative_eq!(frame.scales[i], [3.0, 2.0, 1.0][i], max_relative = 1e-14);
            for j in 0..3 {
                assert_relative_eq!(frame.axes()[i][j], expected[i][j], epsilon = 1e-14);
            }
        }
    }

    #[test]
    fn equal_pressures_leave_the_grids_axes() {
        let of = |pressure| {
            let moments = Moments { density: 1.0, bulk_velocity: [0.0; 3], pressure, heat_flux: [0.0; 3] };
            Orientation::PressureEigenframe.frame(&moments).axes()
        };
        let tiny = 1e-12;
        let isotropic = [[2.0, tiny, -tiny], [tiny, 2.0 + tiny, tiny], [-tiny, tiny, 2.0]];
        let flat = [[3.0, 0.0, tiny], [0.0, 1.0, tiny], [tiny, tiny, 3.0]];
        let long = [[1.0, 0.0, tiny], [0.0, 3.0, tiny], [tiny, tiny, 1.0]];
        for axes in [isotropic, flat, long].map(of) {
            for axis in axes {
                assert_relative_eq!(axis.iter().fold(0.0, |m: f64, a| m.max(a.abs())), 1.0, max_relative = 1e-12);
            }
        }
        assert_relative_eq!(of(flat)[2][1].abs(), 1.0, max_relative = 1e-12);
        assert_relative_eq!(of(long)[0][1].abs(), 1.0, max_relative = 1e-12);
    }

    #[test]
    fn coordinates_go_there_and_back() {
        for orientation in
            [Orientation::Grid, Orientation::PressureEigenframe, Orientation::FieldAligned([1.0, -2.0, 0.5])]
        {
            let frame = orientation.frame(&tilted());
            let velocity = [4.0, -1.0, 2.5];
            let back = frame.to_velocity(frame.to_frame(velocity));
            for i in 0..3 {
                assert_relative_eq!(back[i], velocity[i], max_relative = 1e-13);
            }
            let again = Frame::along(frame.axes(), frame.centre, frame.scales).unwrap();
            assert_relative_eq!(again.to_frame(velocity)[1], frame.to_frame(velocity)[1], max_relative = 1e-13);
        }
    }

    #[test]
    fn half_turns_keep_their_axes() {
        let swapped = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];
        let turned = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]];
        let cyclic = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        for axes in [swapped, turned, cyclic, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]] {
            let found = Frame::along(axes, [0.0; 3], [1.0; 3]).unwrap().axes();
            for (found, expected) in found.as_flattened().iter().zip(axes.as_flattened()) {
                assert_relative_eq!(found, expected, epsilon = 1e-14);
            }
        }
    }

    #[test]
    fn the_third_axis_follows_the_field() {
        for field in [[0.0, 0.0, 5.0], [1e-200, 0.0, 0.0], [-3.0, 4.0, 12.0], [1e200, 1e200, 0.0]] {
            let frame = Orientation::FieldAligned(field).validated().unwrap().frame(&tilted());
            let axes = frame.axes();
            let largest = field.iter().fold(0.0, |m: f64, b| m.max(b.abs()));
            let length = field.iter().map(|b| (b / largest).powi(2)).sum::<f64>().sqrt() * largest;
            for j in 0..3 {
                assert_relative_eq!(axes[2][j], field[j] / length, epsilon = 1e-14);
            }
            assert_relative_eq!(Matrix3::from_fn(|i, j| axes[i][j]).determinant(), 1.0, max_relative = 1e-13);
        }
        for field in [[0.0; 3], [f64::NAN, 0.0, 0.0], [f64::NAN, 0.0, 1.0], [f64::INFINITY, 0.0, 1.0]] {
            assert!(Orientation::FieldAligned(field).validated().is_err());
        }
    }

    #[test]
    fn axes_that_are_not_orthonormal_are_refused() {
        let left_handed = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
        for axes in [[[1.0, 0.0, 0.0]; 3], left_handed, [[f64::NAN; 3]; 3]] {
            assert!(Frame::along(axes, [0.0; 3], [1.0; 3]).is_err());
        }
    }
}
