//! The Gaussian nearest to a distribution: from its moments, or in the sense of least squares.
//!
//! Where a basis takes centre and widths from the data, this is how it finds them.

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

/// How many widths a Gaussian has, and along which axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Covariance {
    /// One width for all directions.
    Isotropic,
    /// A width along each of the grid's axes.
    #[default]
    Diagonal,
    /// A full symmetric matrix: three widths along axes of their own.
    Full,
}

/// peak · exp(−½ |ξ|²), ξ the coordinates of the frame: scales are standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaussian {
    /// Phase-space density at the centre [s³ m⁻⁶].
    pub peak: f64,
    /// Centre, axes and standard deviations [m/s].
    pub frame: Frame,
}

/// The step along a direction that is as long as one cell, measured in cells: no longer than a cell is wide there.
fn step_along(grid: &VelocityGrid, direction: [f64; 3]) -> f64 {
    let [x, y, z]: [f64; 3] = std::array::from_fn(|j| direction[j] / grid.spacing()[j]);
    1.0 / x.hypot(y).hypot(z)
}

/// The width of a cell along a direction.
fn cell_along(grid: &VelocityGrid, direction: [f64; 3]) -> f64 {
    (0..3).map(|j| direction[j].abs() * grid.spacing()[j]).sum()
}

#[cfg(test)]
mod tests;
