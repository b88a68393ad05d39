//! The Gaussian that has the moments of a distribution, and the frame that they give.

use super::{Covariance, Gaussian, cell_along};
use crate::distribution::frame::{Frame, Orientation};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::paired_sum;

/// The moments from which a basis takes its first centre and widths: the distribution's own, or, where positive and
/// negative parts largely cancel (a residual), those of |f|.
///
/// # Errors
/// [`Error::Degenerate`] in the name of `basis` if the distribution is zero everywhere.
pub(crate) fn locating_moments(basis: &'static str, vdf: &Vdf) -> Result<Moments> {
    /// Below this part of Σ|f|, Σf says more about the cancellation than about the distribution.
    const MOSTLY_ONE_SIGN: f64 = 0.9;
    let factor = normalising_factor(vdf.peak());
    let (values, row) = (vdf.as_slice(), vdf.grid().shape()[2]);
    let sum = paired_sum(values, values, row, |f, _| f * factor);
    let absolute = paired_sum(values, values, row, |f, _| f.abs() * factor);
    if absolute == 0.0 {
        return Err(Error::Degenerate { basis, reason: "the distribution is zero everywhere".to_owned() });
    }
    Ok(if sum.abs() >= MOSTLY_ONE_SIGN * absolute { vdf.moments() } else { vdf.absolute_moments() })
}

/// The frame that the moments give, with every scale made usable: an axis of a single cell gets the cell's width.
///
/// # Errors
/// [`Error::Degenerate`] in the name of `basis` if the thermal width vanishes along an axis of several cells.
pub(crate) fn frame_of_moments(
    basis: &'static str,
    moments: &Moments,
    orientation: Orientation,
    grid: &VelocityGrid,
) -> Result<Frame> {
    let mut frame = orientation.frame(moments);
    let axes = frame.axes();
    for (axis, scale) in frame.scales.iter_mut().enumerate() {
        // The width of a cell along the axis. Values in a single plane of cells have a width of rounding errors.
        let cell = cell_along(grid, axes[axis]);
        if *scale > 1e-5 * cell {
            continue;
        }
        // Only an axis along which the grid has a single cell may have no width at all.
        let along = (0..3).filter(|&j| axes[axis][j].abs() > 1e-9).collect::<Vec<_>>();
        if along.iter().any(|&j| grid.shape()[j] > 1) {
            return Err(Error::Degenerate {
                basis,
                reason: format!(
                    "the thermal width along axis {axis} is zero; the distribution must fill more than one plane of cells"
                ),
            });
        }
        *scale = along.iter().fold(0.0, |width, &j| f64::max(width, grid.spacing()[j]));
    }
    Ok(frame)
}

/// The Gaussian with the distribution's density, bulk velocity and (for `Full` and `Diagonal`) variances.
///
/// # Errors
/// [`Error::Degenerate`] in the name of `basis` as [`locating_moments`] and [`frame_of_moments`].
pub(crate) fn from_moments(basis: &'static str, vdf: &Vdf, covariance: Covariance) -> Result<Gaussian> {
    gaussian_of(basis, &locating_moments(basis, vdf)?, covariance, vdf.grid())
}

/// The Gaussian with these moments.
pub(super) fn gaussian_of(
    basis: &'static str,
    moments: &Moments,
    covariance: Covariance,
    grid: &VelocityGrid,
) -> Result<Gaussian> {
    let orientation = match covariance {
        Covariance::Full => Orientation::PressureEigenframe,
        Covariance::Isotropic | Covariance::Diagonal => Orientation::Grid,
    };
    let mut frame = frame_of_moments(basis, moments, orientation, grid)?;
    if covariance == Covariance::Isotropic {
        frame.scales = [moments.thermal_speed(); 3];
    }
    // Multiplied one after another: the cube of a width may leave the range of f64 where the density does not.
    let peak = frame.scales.iter().fold(moments.density, |peak, scale| peak / (scale * std::f64::consts::TAU.sqrt()));
    if !(peak.is_finite() && frame.scales.iter().all(|&scale| scale > 0.0)) {
        return Err(Error::Degenerate { basis, reason: format!("no Gaussian has its moments, {moments:?}") });
    }
    Ok(Gaussian { peak, frame })
}
