//! A distribution at any velocity.

use crate::distribution::resample::{Interpolation, keys};
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// Weights of the four nodes `first .. first + 4` around a position in nodes.
pub(super) fn stencil(position: f64) -> (isize, [f64; 4]) {
    let (first, t) = fraction(position);
    (first, [keys(t + 1.0), keys(t), keys(1.0 - t), keys(2.0 - t)])
}

/// The first of the four nodes around a position in nodes, and the part of a node beyond the second.
fn fraction(position: f64) -> (isize, f64) {
    let base = position.floor();
    // The cast saturates: positions far outside stay outside.
    ((base as isize).saturating_sub(1), position - base)
}

/// The same, linear.
fn linear(position: f64) -> (isize, [f64; 4]) {
    let (first, t) = fraction(position);
    (first, [0.0, 1.0 - t, t, 0.0])
}

/// The same, all of the nearest node.
fn nearest(position: f64) -> (isize, [f64; 4]) {
    let (first, t) = fraction(position);
    (first, if t < 0.5 { [0.0, 1.0, 0.0, 0.0] } else { [0.0, 0.0, 1.0, 0.0] })
}

/// Interpolation between the centres of a distribution's cells along every axis. Outside the grid the distribution is zero.
pub(super) struct Interpolator<'a> {
    values: &'a [f64],
    shape: [usize; 3],
    lower: [f64; 3],
    spacing: [f64; 3],
    stencil: fn(f64) -> (isize, [f64; 4]),
}

impl<'a> Interpolator<'a> {
    /// By cubic convolution, as of [`Interpolation::Cubic`]: exact for quadratic functions, its error of third order in the width of
    /// the cells.
    pub(super) fn new(vdf: &'a Vdf) -> Self {
        let grid = vdf.grid();
        Self { values: vdf.as_slice(), shape: grid.shape(), lower: grid.lower(), spacing: grid.spacing(), stencil }
    }

    /// By another kind of interpolation between centres.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for averages over cells.
    pub(super) fn of(vdf: &'a Vdf, interpolation: Interpolation) -> Result<Self> {
        let stencil = match interpolation {
            Interpolation::Nearest => nearest,
            Interpolation::Linear => linear,
            Interpolation::Cubic => stencil,
            Interpolation::Conservative => {
                let allowed = "Nearest, Linear or Cubic: averages are taken over cells along the same axes";
                return Err(Error::parameter("interpolation", "Conservative", allowed));
            }
        };
        Ok(Self { stencil, ..Self::new(vdf) })
    }

    /// Density [s³ m⁻⁶] at a velocity [m/s].
    pub(super) fn at(&self, velocity: [f64; 3]) -> f64 {
        let axes: [(isize, [f64; 4]); 3] =
            std::array::from_fn(|axis| (self.stencil)((velocity[axis] - self.lower[axis]) / self.spacing[axis] - 0.5));
        let [_, ny, nz] = self.shape;
        let mut sum = 0.0;
        for (x, weight_x) in self.nodes(&axes, 0) {
            for (y, weight_y) in self.nodes(&axes, 1) {
                let row = &self.values[(x * ny + y) * nz..][..nz];
                let along: f64 = self.nodes(&axes, 2).map(|(z, weight)| weight * row[z]).sum();
                sum += weight_x * weight_y * along;
            }
        }
        sum
    }

    /// The nodes of a stencil that are in the grid, with their weights.
    fn nodes(&self, axes: &[(isize, [f64; 4]); 3], axis: usize) -> impl Iterator<Item = (usize, f64)> {
        let (first, weights) = axes[axis];
        let n = self.shape[axis];
        weights.into_iter().enumerate().filter_map(move |(k, weight)| {
            let node = usize::try_from(first.saturating_add(k as isize)).ok()?;
            (node < n).then_some((node, weight))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use approx::assert_relative_eq;

    #[test]
    fn it_agrees_with_resampling() {
        let grid = VelocityGrid::new([6, 5, 7], [-3.0, 0.0, 1.0], [1.0, 0.5, 2.0]).unwrap();
        let vdf = Vdf::from_fn(grid, |[x, y, z]| (x - 0.3).powi(2) * (1.0 + y) + (0.2 * z).sin()).unwrap();
        // Wider than the grid on all sides.
        let other = VelocityGrid::from_edges([9, 8, 11], [-5.0, -1.0, -2.0], [4.0, 4.0, 18.0]).unwrap();
        for kind in [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic] {
            let resampled = vdf.resample(&other, kind).unwrap();
            let interpolator = Interpolator::of(&vdf, kind).unwrap();
            for ((x, y, z), expected) in resampled.values().indexed_iter() {
                let found = interpolator.at([other.centre(0, x), other.centre(1, y), other.centre(2, z)]);
                assert_relative_eq!(found, *expected, max_relative = 1e-12, epsilon = 1e-12);
            }
            for far in [1e300, -1e300] {
                assert_eq!(interpolator.at([far; 3]), 0.0);
            }
        }
        assert!(Interpolator::of(&vdf, Interpolation::Conservative).is_err());
    }
}
