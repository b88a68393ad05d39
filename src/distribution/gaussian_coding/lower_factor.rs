//! Conversion of a frame to the lower triangular factor L of its covariance L Lᵀ, in cells, and back.

use nalgebra::{Matrix3, Vector3};

use crate::distribution::frame::{Frame, Orientation};
use crate::distribution::gaussian_fit::frame_of_factor;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;

/// Minimum ratio of the smallest and the largest width, both in cells: the square of a smaller one is below the
/// rounding error of the covariance.
const MIN_RATIO: f64 = 1e-7;

/// Predicted width, in lengths of the box: boxes are usually chosen to hold four widths on either side of the middle.
const EXPECTED_WIDTH: f64 = 0.125;

/// Unit of widths and means: cells along the grid's axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells {
    pub middle: [f64; 3],
    pub spacing: [f64; 3],
    /// Number of cells along each axis.
    pub shape: [f64; 3],
}

impl Cells {
    pub fn of(grid: &VelocityGrid) -> Self {
        Self { middle: grid.middle(), spacing: grid.spacing(), shape: grid.shape().map(|n| n as f64) }
    }

    /// The width that a Gaussian probably has along an axis.
    pub fn expected_width(&self, axis: usize) -> f64 {
        EXPECTED_WIDTH * self.shape[axis] * self.spacing[axis]
    }
}

/// Factor L with a positive diagonal.
pub(super) fn lower_factor(frame: &Frame, cells: &Cells) -> Matrix3<f64> {
    if frame.rotation.is_none() {
        return Matrix3::from_diagonal(&Vector3::from_fn(|i, _| frame.scales[i] / cells.spacing[i]));
    }
    // Σ = B Bᵀ, the columns of B being the scaled axes. L = Rᵀ from the QR decomposition of Bᵀ, which keeps all digits
    // of narrow widths; a Cholesky decomposition of Σ would not.
    let axes = frame.axes();
    let transposed = Matrix3::from_fn(|k, i| frame.scales[k] * axes[k][i] / cells.spacing[i]);
    let mut lower = transposed.qr().r().transpose();
    for j in 0..3 {
        if lower[(j, j)] < 0.0 {
            (0..3).for_each(|i| lower[(i, j)] = -lower[(i, j)]);
        }
    }
    lower
}

/// Axes and widths from L, without forming L Lᵀ, which would lose a narrow width beside a wide one.
///
/// # Errors
/// The reason why no frame has this factor.
pub(super) fn frame_of(factor: &Matrix3<f64>, cells: &Cells) -> Result<Frame, String> {
    let [widest, _, narrowest] = frame_of_factor([0.0; 3], factor).scales;
    if narrowest.is_nan() || narrowest < MIN_RATIO * widest {
        return Err(format!("a Gaussian whose widths differ as {narrowest} and {widest}"));
    }
    Ok(frame_of_factor([0.0; 3], &Matrix3::from_fn(|i, j| factor[(i, j)] * cells.spacing[i])))
}

/// Widths across and along a field, on its axes.
pub(super) fn along_field(field: [f64; 3], frame: Frame) -> Frame {
    let round = Moments {
        density: 1.0,
        bulk_velocity: [0.0; 3],
        pressure: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        heat_flux: [0.0; 3],
    };
    let rotation = Orientation::FieldAligned(field).frame(&round).rotation;
    Frame { rotation, scales: [frame.scales[0], frame.scales[0], frame.scales[2]], ..frame }
}
