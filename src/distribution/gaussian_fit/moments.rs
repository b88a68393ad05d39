//! Gaussian and frame with the moments of a distribution.

use super::{Covariance, Gaussian, cell_along};
use crate::distribution::frame::{Frame, Orientation};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::paired_sum;

/// Moments for the first centre and widths of a basis: those of the distribution, or of |f| if positive and negative
/// parts largely cancel, as in a residual.
///
/// # Errors
/// [`Error::Degenerate`] in the name of `basis` if the distribution is zero everywhere.
pub(crate) fn locating_moments(basis: &'static str, vdf: &Vdf) -> Result<Moments> {
    /// Ratio Σf / Σ|f| below which the moments of |f| are taken: those of f depend on the cancellation.
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

/// Frame of the moments. An axis of a single cell gets the cell's width as its scale.
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
        // Compared with the width of a cell, because values in a single plane of cells have a width of rounding errors.
        let cell = cell_along(grid, axes[axis]);
        if *scale > 1e-5 * cell {
            continue;
        }
        // A scale may vanish only along an axis with a single cell.
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

/// Gaussian with the distribution's density, bulk velocity and (for `Full` and `Diagonal`) variances.
///
/// # Errors
/// Those of [`locating_moments`] and [`frame_of_moments`].
pub(crate) fn from_moments(basis: &'static str, vdf: &Vdf, covariance: Covariance) -> Result<Gaussian> {
    gaussian_of(basis, &locating_moments(basis, vdf)?, covariance, vdf.grid())
}

/// Gaussian with these moments.
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
    // The factors are applied one after another, because the cube of a width may overflow.
    let peak = frame.scales.iter().fold(moments.density, |peak, scale| peak / (scale * std::f64::consts::TAU.sqrt()));
    if !(peak.is_finite() && frame.scales.iter().all(|&scale| scale > 0.0)) {
        return Err(Error::Degenerate { basis, reason: format!("no Gaussian has its moments, {moments:?}") });
    }
    Ok(Gaussian { peak, frame })
}
