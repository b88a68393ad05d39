//! Fit of a Gaussian to a distribution, by moments or by least squares.
//!
//! Bases that take centre and widths from the data find them here.

mod cell_sums;
mod least_squares;
mod logarithms;
mod moments;
mod nearest;
mod principal_axes;

pub(crate) use moments::{frame_of_moments, from_moments, locating_moments};
pub(crate) use nearest::nearest;
pub(crate) use principal_axes::frame_of_factor;

use super::frame::Frame;
use super::grid::VelocityGrid;

/// Kind of covariance of a Gaussian: the number of its widths, and their axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Covariance {
    /// One width for all directions.
    Isotropic,
    /// One width along each of the grid's axes.
    #[default]
    Diagonal,
    /// A full symmetric matrix: three widths along principal axes.
    Full,
}

/// Gaussian peak · exp(−½ |ξ|²), ξ the coordinates of the frame, whose scales are the standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaussian {
    /// Phase-space density at the centre [s³ m⁻⁶].
    pub peak: f64,
    /// Centre, axes and standard deviations [m/s].
    pub frame: Frame,
}

/// Length of a step along a direction that is one in cells of the grid's axes.
fn step_along(grid: &VelocityGrid, direction: [f64; 3]) -> f64 {
    let [x, y, z]: [f64; 3] = std::array::from_fn(|j| direction[j] / grid.spacing()[j]);
    1.0 / x.hypot(y).hypot(z)
}

/// Width of a cell along a direction.
fn cell_along(grid: &VelocityGrid, direction: [f64; 3]) -> f64 {
    (0..3).map(|j| direction[j].abs() * grid.spacing()[j]).sum()
}

#[cfg(test)]
mod tests;
