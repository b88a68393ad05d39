//! Marginal distributions along the axes of the grid.

use ndarray::{Array2, Axis};

use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

impl Vdf {
    /// Distribution of one velocity component, ∫ f d²v [s m⁻⁴], at the centres of the cells along an axis (0, 1 or 2).
    /// Along a magnetic field it is [`ReducedDistribution::parallel`](super::ReducedDistribution::parallel).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for another axis.
    ///
    /// ```
    /// # use vdf_basis::{Sampling, Synthetic};
    /// # let grid = Synthetic::default_grid("beams", 16)?;
    /// # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
    /// let marginal = vdf.marginal_on_axis(0)?;
    /// let density = marginal.iter().sum::<f64>() * vdf.grid().spacing()[0];
    /// assert!((density / vdf.moments().density - 1.0).abs() < 1e-12);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn marginal_on_axis(&self, axis: usize) -> Result<Vec<f64>> {
        check("axis", &[axis])?;
        let [first, second] = [(axis + 1) % 3, (axis + 2) % 3];
        let area = self.grid().spacing()[first] * self.grid().spacing()[second];
        Ok(self.values().axis_iter(Axis(axis)).map(|plane| plane.sum() * area).collect())
    }

    /// Distribution of two velocity components, ∫ f dv [s² m⁻⁵], at the centres of the cells along two different axes, the
    /// first of which runs along the rows.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for other axes than 0, 1 and 2, or the same twice.
    pub fn marginal_on_plane(&self, axes: [usize; 2]) -> Result<Array2<f64>> {
        check("axes", &axes)?;
        let [first, second] = axes;
        if first == second {
            return Err(Error::parameter("axes", format!("{axes:?}"), "two different axes"));
        }
        let third = 3 - first - second;
        let sums = self.values().sum_axis(Axis(third)) * self.grid().spacing()[third];
        Ok(if first < second { sums } else { sums.reversed_axes() })
    }
}

fn check(name: &'static str, axes: &[usize]) -> Result<()> {
    match axes.iter().find(|axis| **axis > 2) {
        Some(axis) => Err(Error::parameter(name, axis, "0, 1 or 2")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_distributions::{DRIFT, bi_maxwellian};
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use approx::assert_relative_eq;
    use std::f64::consts::TAU;

    #[test]
    fn a_bi_maxwellian_has_normal_marginals() {
        let vdf = bi_maxwellian([0.0, 1.0, 0.0], 60);
        let grid = *vdf.grid();
        for (axis, width) in [1.0f64, 2.0, 1.0].into_iter().enumerate() {
            let normal = |v: f64| 5.0 / (TAU.sqrt() * width) * (-0.5 * ((v - DRIFT[axis]) / width).powi(2)).exp();
            for (v, f) in grid.centres(axis).into_iter().zip(vdf.marginal_on_axis(axis).unwrap()) {
                assert_relative_eq!(f, normal(v), max_relative = 1e-11, epsilon = 1e-13);
            }
        }
        let plane = vdf.marginal_on_plane([1, 0]).unwrap();
        let (v, u) = (grid.centre(1, 20) - DRIFT[1], grid.centre(0, 31) - DRIFT[0]);
        assert_relative_eq!(plane[[20, 31]], 2.5 / TAU * (-0.125 * v * v - 0.5 * u * u).exp(), max_relative = 1e-11);
    }

    #[test]
    fn planes_are_sums_in_any_order_of_the_axes() {
        let grid = VelocityGrid::new([2, 3, 4], [0.0; 3], [0.5, 1.0, 2.0]).unwrap();
        let vdf = Vdf::from_fn(grid, |[x, y, z]| x + 10.0 * y * z).unwrap();
        for axes in [[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]] {
            let plane = vdf.marginal_on_plane(axes).unwrap();
            assert_eq!(plane.shape(), [grid.shape()[axes[0]], grid.shape()[axes[1]]]);
            let along: Vec<f64> = plane.rows().into_iter().map(|row| row.sum() * grid.spacing()[axes[1]]).collect();
            for (a, b) in along.iter().zip(vdf.marginal_on_axis(axes[0]).unwrap()) {
                assert_relative_eq!(*a, b, max_relative = 1e-14);
            }
        }
        assert!(vdf.marginal_on_axis(3).is_err());
        assert!(vdf.marginal_on_plane([0, 0]).is_err() && vdf.marginal_on_plane([0, 3]).is_err());
    }
}
