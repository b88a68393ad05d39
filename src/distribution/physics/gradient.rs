//! Gradients in velocity: ∂f/∂v on the cells, ∂f/∂v∥ and ∂f/∂v⊥.

use ndarray::{Array2, Axis, Slice};

use super::differences::derivative;
use super::reduced::ReducedDistribution;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

impl Vdf {
    /// Gradient ∂f/∂v_x, ∂f/∂v_y, ∂f/∂v_z [s⁴ m⁻⁷] at the cells, by finite differences of fourth order: central ones of five
    /// cells, at the edges of the grid those of the five outermost cells, so that a box that cuts the distribution makes no
    /// steps. Along an axis of fewer than five cells the order is the number of cells less one; along an axis of one cell the
    /// derivative is zero.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a derivative is beyond the range of f64.
    ///
    /// ```
    /// # use vdf_basis::{Vdf, VelocityGrid};
    /// let grid = VelocityGrid::from_edges([9, 7, 8], [-1.0; 3], [1.0; 3])?;
    /// let vdf = Vdf::from_fn(grid, |[x, y, _]| x.powi(3) * y)?;
    /// let [dx, dy, dz] = vdf.gradient()?;
    /// let (x, y) = (grid.centre(0, 8), grid.centre(1, 0));
    /// assert!((dx.values()[[8, 0, 3]] - 3.0 * x * x * y).abs() < 1e-12);
    /// assert!((dy.values()[[8, 0, 3]] - x.powi(3)).abs() < 1e-12 && dz.peak() < 1e-12);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn gradient(&self) -> Result<[Self; 3]> {
        let (grid, [nx, ny, nz]) = (*self.grid(), self.grid().shape());
        let along = |axis: usize, n: usize, inner: usize| {
            Self::from_vec(grid, derivative(self.as_slice(), n, inner, grid.spacing()[axis]))
        };
        Ok([along(0, nx, ny * nz)?, along(1, ny, nz)?, along(2, nz, 1)?])
    }
}

impl ReducedDistribution {
    /// ∂f/∂v∥ and ∂f/∂v⊥ [s⁴ m⁻⁷] at the nodes, by differences of fourth order as in [`Vdf::gradient`]. f is even in v⊥, so
    /// that ∂f/∂v⊥ is zero at v⊥ = 0 and central differences reach beyond it.
    #[must_use]
    pub fn gradient(&self) -> [Array2<f64>; 2] {
        let ([n_par, n_perp], [h_par, h_perp]) = (self.grid.shape(), self.grid.spacing());
        let in_order: Vec<f64> = self.values.iter().copied().collect();
        let parallel = derivative(&in_order, n_par, n_perp, h_par);
        // Two nodes of v⊥ < 0 before those of each row.
        let extended: Vec<f64> =
            self.values.rows().into_iter().flat_map(|row| [row[2], row[1]].into_iter().chain(row.to_vec())).collect();
        let perpendicular = derivative(&extended, n_perp + 2, 1, h_perp);
        let array = |n: usize, values: Vec<f64>| Array2::from_shape_vec([n_par, n], values).unwrap_or_default();
        let mut perpendicular = array(n_perp + 2, perpendicular).slice_axis(Axis(1), Slice::from(2..)).to_owned();
        perpendicular.column_mut(0).fill(0.0);
        [array(n_perp, parallel), perpendicular]
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{FieldDirection, FieldFrame};
    use super::super::reduced_grid::ReducedGrid;
    use super::super::test_distributions::{DRIFT, bi_maxwellian};
    use super::*;
    use crate::distribution::grid::VelocityGrid;
    use approx::assert_relative_eq;

    #[test]
    fn gradients_of_a_bi_maxwellian_converge_with_fourth_order() {
        let error = |cells: usize| {
            let vdf = bi_maxwellian([1.0, 0.0, 0.0], cells);
            let gradient = vdf.gradient().unwrap();
            let (grid, mut worst) = (vdf.grid(), 0.0);
            for (axis, variance) in [4.0, 1.0, 1.0].into_iter().enumerate() {
                for ((x, y, z), f) in vdf.values().indexed_iter() {
                    let v = grid.centre(axis, [x, y, z][axis]) - DRIFT[axis];
                    worst = f64::max(worst, (gradient[axis].values()[[x, y, z]] + v / variance * f).abs());
                }
            }
            worst / vdf.peak()
        };
        let [coarse, fine] = [60, 120].map(error);
        assert_relative_eq!(coarse / fine, 16.0, max_relative = 0.25);
        assert!(fine < 5e-3, "{fine}");
    }

    #[test]
    fn the_integral_of_the_gradient_vanishes_and_its_moment_is_the_density() {
        let vdf = bi_maxwellian([1.0, -2.0, 0.5], 40);
        let [_, dy, _] = vdf.gradient().unwrap();
        let (n, volume) = (vdf.moments().density, vdf.grid().cell_volume());
        assert!((dy.as_slice().iter().sum::<f64>() * volume).abs() < 1e-10 * n);
        // ∫ v_y ∂f/∂v_y d³v = −n, of differences too: they are exact for v_y.
        let moment: f64 = dy.values().indexed_iter().map(|((_, y, _), d)| d * vdf.grid().centre(1, y)).sum();
        assert_relative_eq!(moment * volume, -n, max_relative = 1e-10);
    }

    #[test]
    fn in_the_frame_of_the_field_they_are_those_of_the_formula() {
        let frame = FieldFrame::new(FieldDirection::new([1.0, 0.0, 0.0]).unwrap(), [0.0; 3]).unwrap();
        let error = |n: usize| {
            let nodes = ReducedGrid::new([-8.0, 8.0], 6.0, [2 * n, n]).unwrap();
            let f = |par: f64, perp: f64| (-0.125 * par * par - 0.5 * perp * perp).exp();
            let [parallel, perpendicular] = ReducedDistribution::from_fn(frame, nodes, f).unwrap().gradient();
            let mut worst: f64 = 0.0;
            for (i, par) in nodes.parallel().into_iter().enumerate() {
                for (j, perp) in nodes.perpendicular().into_iter().enumerate() {
                    worst = worst.max((parallel[[i, j]] + 0.25 * par * f(par, perp)).abs());
                    worst = worst.max((perpendicular[[i, j]] + perp * f(par, perp)).abs());
                }
            }
            worst
        };
        assert!(error(81) < 0.08 * error(41) && error(81) < 1e-4, "{} {}", error(41), error(81));
    }

    #[test]
    fn short_axes_and_the_ends_of_the_range_give_an_answer() {
        for shape in [[1, 1, 1], [1, 2, 3], [4, 1, 5]] {
            let grid = VelocityGrid::unit(shape).unwrap();
            let gradient = Vdf::from_fn(grid, |[x, y, z]| 2.0 * x + 3.0 * y - z).unwrap().gradient().unwrap();
            for (axis, slope) in [2.0, 3.0, -1.0].into_iter().enumerate() {
                let expected = if shape[axis] > 1 { slope } else { 0.0 };
                assert!(gradient[axis].as_slice().iter().all(|d| (d - expected).abs() < 1e-12));
            }
        }
        let grid = VelocityGrid::new([3, 1, 1], [0.0; 3], [1e-9, 1.0, 1.0]).unwrap();
        let steep = Vdf::from_slice(grid, &[0.0, 1e305, 0.0]).unwrap();
        assert!(matches!(steep.gradient(), Err(crate::Error::NotFinite { .. })));
    }
}
