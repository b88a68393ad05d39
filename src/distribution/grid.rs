//! The uniform Cartesian velocity grid on which a distribution is sampled.

use std::fmt;

use crate::error::{Error, Result};

/// A uniform Cartesian grid of velocity cells.
///
/// Cell `k` along an axis spans `lower + k·spacing` to `lower + (k+1)·spacing`; its centre is
/// `lower + (k + ½)·spacing`. Any shape is allowed, not only cubes, and any unit works as long as one
/// distribution keeps to it: metres per second, or cell indices ([`VelocityGrid::unit`]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VelocityGrid {
    shape: [usize; 3],
    lower: [f64; 3],
    spacing: [f64; 3],
}

impl VelocityGrid {
    /// Maximum number of cells of a grid (2³², 32 GiB of values). A larger number is taken for an error.
    pub const MAX_CELLS: usize = (u32::MAX as usize).saturating_add(1);

    /// A grid of `shape` cells whose first cell's lower corner is `lower` [m/s], each cell `spacing` [m/s] wide.
    ///
    /// # Errors
    /// [`Error::InvalidGrid`] if an axis has no cells, there are more than [`Self::MAX_CELLS`], an edge is not
    /// finite, or a spacing is not positive, finite and large enough to tell neighbouring cells apart.
    pub fn new(shape: [usize; 3], lower: [f64; 3], spacing: [f64; 3]) -> Result<Self> {
        let cells = shape
            .iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n))
            .filter(|&cells| cells <= Self::MAX_CELLS);
        match cells {
            None => {
                return Err(Error::InvalidGrid(format!("shape {shape:?} has more than {} cells", Self::MAX_CELLS)));
            }
            Some(0) => {
                return Err(Error::InvalidGrid(format!("shape {shape:?} has no cells; every axis needs at least one")));
            }
            Some(_) => {}
        }
        for axis in 0..3 {
            let (edge, width) = (lower[axis], spacing[axis]);
            let upper = edge + shape[axis] as f64 * width;
            let resolved = edge + width > edge && upper - width < upper;
            // Squares and cubes of velocities, which enter the moments, must not overflow.
            let moderate = edge.abs().max(upper.abs()) < 1e75 && width > 1e-75;
            if !(edge.is_finite() && width.is_finite() && width > 0.0 && resolved && moderate) {
                return Err(Error::InvalidGrid(format!(
                    "axis {axis} has lower edge {edge} and spacing {width}; edges must be finite and below 1e75, \
                     spacings above 1e-75 and large enough to tell neighbouring cells apart"
                )));
            }
        }
        Ok(Self { shape, lower, spacing })
    }

    /// A grid of `shape` cells between the corners `lower` and `upper` [m/s].
    ///
    /// # Errors
    /// Those of [`VelocityGrid::new`].
    pub fn from_edges(shape: [usize; 3], lower: [f64; 3], upper: [f64; 3]) -> Result<Self> {
        let spacing = std::array::from_fn(|axis| (upper[axis] - lower[axis]) / shape[axis].max(1) as f64);
        Self::new(shape, lower, spacing)
    }

    /// A grid in index units: spacing 1 and centres at 0, 1, 2, …
    ///
    /// # Errors
    /// Those of [`VelocityGrid::new`].
    pub fn unit(shape: [usize; 3]) -> Result<Self> {
        Self::new(shape, [-0.5; 3], [1.0; 3])
    }

    /// Number of cells along each axis.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Lower edge of the first cell along each axis [m/s].
    #[must_use]
    pub fn lower(&self) -> [f64; 3] {
        self.lower
    }

    /// Upper edge of the last cell along each axis [m/s].
    #[must_use]
    pub fn upper(&self) -> [f64; 3] {
        std::array::from_fn(|axis| self.lower[axis] + self.shape[axis] as f64 * self.spacing[axis])
    }

    /// Width of a cell along each axis [m/s].
    #[must_use]
    pub fn spacing(&self) -> [f64; 3] {
        self.spacing
    }

    /// Number of cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.shape.iter().product()
    }

    /// Volume of one cell, dV [m³ s⁻³].
    #[must_use]
    pub fn cell_volume(&self) -> f64 {
        self.spacing.iter().product()
    }

    /// Middle of the box [m/s].
    #[must_use]
    pub fn middle(&self) -> [f64; 3] {
        std::array::from_fn(|axis| self.lower[axis] + 0.5 * self.shape[axis] as f64 * self.spacing[axis])
    }

    /// Centre of cell `index` along `axis` [m/s]; `axis` is 0, 1 or 2, `index` may lie outside the grid.
    #[must_use]
    pub fn centre(&self, axis: usize, index: usize) -> f64 {
        self.lower[axis] + (index as f64 + 0.5) * self.spacing[axis]
    }

    /// Centres of all cells along `axis` [m/s].
    #[must_use]
    pub fn centres(&self, axis: usize) -> Vec<f64> {
        (0..self.shape[axis]).map(|index| self.centre(axis, index)).collect()
    }

    /// Indices `[ix, iy, iz]` of a cell from its position in C order.
    #[must_use]
    pub fn index_of(&self, cell: usize) -> [usize; 3] {
        let [_, ny, nz] = self.shape;
        [cell / (ny * nz), cell / nz % ny, cell % nz]
    }

    /// The part of this grid that holds the cells `start[axis] .. start[axis] + shape[axis]`. The window may also
    /// reach beyond the grid: negative starts and larger shapes pad it.
    ///
    /// # Errors
    /// Those of [`VelocityGrid::new`].
    pub fn window(&self, start: [isize; 3], shape: [usize; 3]) -> Result<Self> {
        let lower = std::array::from_fn(|axis| self.lower[axis] + start[axis] as f64 * self.spacing[axis]);
        Self::new(shape, lower, self.spacing)
    }
}

impl fmt::Display for VelocityGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([nx, ny, nz], lower, spacing) = (self.shape, self.lower, self.spacing);
        write!(f, "{nx} x {ny} x {nz} cells from {lower:?}, spacing {spacing:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_are_half_a_cell_from_the_edge() {
        let grid = VelocityGrid::from_edges([4, 2, 1], [-2.0, 0.0, 5.0], [2.0, 1.0, 6.0]).unwrap();
        assert_eq!(grid.centres(0), [-1.5, -0.5, 0.5, 1.5]);
        assert_eq!(grid.centres(1), [0.25, 0.75]);
        assert_eq!(grid.middle(), [0.0, 0.5, 5.5]);
        assert_eq!(grid.cell_volume(), 0.5);
        assert_eq!(VelocityGrid::unit([3, 3, 3]).unwrap().centres(2), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn impossible_grids_are_refused_with_the_reason() {
        let refused = |shape, lower, spacing| VelocityGrid::new(shape, lower, spacing).unwrap_err().to_string();
        assert!(refused([0, 1, 1], [0.0; 3], [1.0; 3]).contains("no cells"));
        assert!(refused([usize::MAX, 2, 1], [0.0; 3], [1.0; 3]).contains("more than"));
        assert!(refused([1 << 20, 1 << 20, 1], [0.0; 3], [1.0; 3]).contains("more than"));
        assert!(refused([1, 1, 1], [f64::NAN, 0.0, 0.0], [1.0; 3]).contains("axis 0"));
        assert!(refused([1, 1, 1], [0.0; 3], [1.0, -1.0, 1.0]).contains("axis 1"));
        assert!(refused([1, 1, 1], [0.0, 0.0, 1e30], [1.0, 1.0, 1e-3]).contains("axis 2"));
        assert!(refused([1, 1, 1], [0.0; 3], [1e300, 1.0, 1.0]).contains("axis 0"));
    }
}
