//! Principal axes of a covariance, from one of its factors.

use nalgebra::{Matrix3, Vector3};

use crate::distribution::frame::Frame;

/// Cosine of the angle between two rows below which they count as orthogonal: a few rounding errors.
const ORTHOGONAL: f64 = 1e-15;
/// Maximum number of sweeps over the three pairs of rows. Each squares the cosines, so that about five are enough.
const MAX_SWEEPS: usize = 30;

/// Frame of the Gaussian with covariance F Fᵀ: widest axis first, each axis with its largest component positive.
///
/// One-sided Jacobi rotations (Hestenes 1958, J. SIAM 6, 51) make the rows of F orthogonal. On cells of unequal sides
/// F is a well-conditioned matrix with scaled rows; the rotations keep the relative accuracy of each row (Demmel and
/// Veselić 1992, SIAM J. Matrix Anal. Appl. 13, 1204). Eigenvalues of F Fᵀ itself are only accurate beside the largest:
/// on cells of 1 : 10³ : 10⁶ the narrowest width would lose twelve digits.
pub(crate) fn frame_of_factor(centre: [f64; 3], factor: &Matrix3<f64>) -> Frame {
    let mut rows: [Vector3<f64>; 3] = std::array::from_fn(|i| factor.row(i).transpose());
    let mut axes = Matrix3::<f64>::identity();
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            let (a, b, product) = (rows[p].norm(), rows[q].norm(), rows[p].dot(&rows[q]));
            if product.abs() <= ORTHOGONAL * a * b || !product.is_finite() {
                continue;
            }
            rotated = true;
            // Tangent of the smaller of the two angles that make the rotated rows orthogonal.
            let zeta = (b / a - a / b) / (2.0 * product / (a * b));
            let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = cosine * tangent;
            (rows[p], rows[q]) = (rows[p] * cosine - rows[q] * sine, rows[p] * sine + rows[q] * cosine);
            let (u, v) = (axes.column(p).into_owned(), axes.column(q).into_owned());
            axes.set_column(p, &(u * cosine - v * sine));
            axes.set_column(q, &(u * sine + v * cosine));
        }
        if !rotated {
            break;
        }
    }
    let widths = rows.map(|row| row.norm());
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| widths[b].total_cmp(&widths[a]));
    let oriented = |column: usize| {
        let v = axes.column(column).into_owned();
        if v[v.icamax()] < 0.0 { -v } else { v }
    };
    let (first, second) = (oriented(order[0]), oriented(order[1]));
    let rows = [first, second, first.cross(&second)].map(Into::into);
    let scales = order.map(|k| widths[k]);
    Frame::along(rows, centre, scales).unwrap_or(Frame::grid_aligned(centre, scales))
}

#[cfg(test)]
mod tests {
    use nalgebra::Rotation3;

    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_axes_diagonalise_the_covariance_whatever_the_units() {
        let tilted = Matrix3::new(1.3, 0.0, 0.0, -0.7, 0.9, 0.0, 0.4, 0.3, 2.0);
        for units in [[1.0, 1.0, 1.0], [1.0, 6.0, 36.0], [1.0, 1e3, 1e6], [1e6, 1.0, 1e3]] {
            let factor = Matrix3::from_diagonal(&Vector3::from(units)) * tilted;
            let frame = frame_of_factor([1.0, 2.0, 3.0], &factor);
            assert!(frame.scales[0] >= frame.scales[1] && frame.scales[1] >= frame.scales[2]);
            // Σ of the frame, in units of the cells, is that of the factor there.
            let axes = frame.axes();
            let scaled = Matrix3::from_fn(|i, k| axes[k][i] * frame.scales[k] / units[i]);
            let (found, expected) = (scaled * scaled.transpose(), tilted * tilted.transpose());
            assert_relative_eq!(found, expected, epsilon = 1e-8);
        }
    }

    #[test]
    fn a_rotated_ellipsoid_gives_its_axes_back() {
        let rotation = Rotation3::from_scaled_axis(Vector3::new(0.3, -0.2, 0.7));
        let factor = rotation.matrix() * Matrix3::from_diagonal(&Vector3::new(3.0, 2.0, 1.0));
        let frame = frame_of_factor([0.0; 3], &factor);
        for (found, expected) in frame.scales.into_iter().zip([3.0, 2.0, 1.0]) {
            assert_relative_eq!(found, expected, max_relative = 1e-14);
        }
        for (k, axis) in frame.axes().into_iter().enumerate() {
            assert_relative_eq!(Vector3::from(axis).dot(&rotation.matrix().column(k)).abs(), 1.0, epsilon = 1e-14);
        }
        let round = frame_of_factor([0.0; 3], &Matrix3::from_diagonal_element(2.0));
        assert_eq!(round.scales, [2.0; 3]);
        // Not finite is no reason to panic or to hang.
        frame_of_factor([0.0; 3], &Matrix3::from_element(f64::NAN));
        frame_of_factor([0.0; 3], &Matrix3::zeros());
    }
}
