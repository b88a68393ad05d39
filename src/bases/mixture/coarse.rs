//! Distribution on coarser cells, on which starts are tried at a fraction of the cost.

use nalgebra::{Matrix3, Vector3};

use super::NAME;
use super::cells::Cells;
use super::member::Member;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;

/// Number of coarse cells below which blocks do not grow: passes over so few cells take a small part of the fit.
const MIN_CELLS: usize = 6000;
/// Number of fine cells per coarse cell beyond which blocks do not grow: 3 x 3 x 3.
const MAX_BLOCK: usize = 27;
/// Maximum number of coarse cells: with more, the trials would take longer than the fit.
const MAX_CELLS: usize = 60_000;
/// Minimum number of coarse cells along an axis, if it has as many fine ones.
const MIN_CELLS_PER_AXIS: usize = 12;
/// Part of Σ f² that coarse cells must keep to resolve the distribution. Blocks of two cells keep 0.95 of it for each
/// axis along which a Gaussian is 1.5 cells wide.
const MIN_POWER_KEPT: f64 = 0.9;

/// Sums over blocks of cells.
pub(super) struct Coarse {
    pub cells: Cells,
    /// Variance of the fine cells of a block about its centre, (b² − 1)/12 for b cells (Sheppard's correction): sums
    /// over blocks add it to the covariance of every component.
    spread: Vector3<f64>,
}

impl Coarse {
    /// The coarsest cells that resolve the distribution; `None` if the fine cells are the coarsest.
    pub fn new(fine: &Cells) -> Option<Self> {
        let shape = fine.grid.shape();
        let blocks = |largest: usize| shape.map(|n| largest.min(n / MIN_CELLS_PER_AXIS).max(1));
        let count = |blocks: [usize; 3]| (0..3).map(|axis| shape[axis].div_ceil(blocks[axis])).product::<usize>();
        let longest = shape.into_iter().max().unwrap_or(1);
        // If even the largest blocks leave more cells, the largest are taken.
        let least = |most: usize| (1..=longest).find(|&largest| count(blocks(largest)) <= most).unwrap_or(longest);
        let (coarsest, finest) = (least(MIN_CELLS.max(fine.grid.cells() / MAX_BLOCK)), least(MAX_CELLS));
        for largest in (finest..=coarsest).rev() {
            let blocks = blocks(largest);
            if blocks == [1; 3] {
                break;
            }
            let coarse = Self::of(fine, blocks)?;
            let kept = coarse.cells.norm_squared / coarse.cells.factor.powi(2) / fine.norm_squared;
            if largest == finest || kept >= MIN_POWER_KEPT * blocks.into_iter().product::<usize>() as f64 {
                return Some(coarse);
            }
        }
        None
    }

    fn of(fine: &Cells, blocks: [usize; 3]) -> Option<Self> {
        let shape = fine.grid.shape();
        // The grid is in scaled coordinates of the fine cells: those of the coarse cells differ by a shift and a
        // factor.
        let spacing = fine.scaling.spacing;
        let lower = std::array::from_fn(|axis| fine.axes[axis][0] - 0.5 * spacing[axis]);
        let widths = std::array::from_fn(|axis| spacing[axis] * blocks[axis] as f64);
        let grid = VelocityGrid::new([0, 1, 2].map(|axis| shape[axis].div_ceil(blocks[axis])), lower, widths).ok()?;
        let mut sums = vec![0.0; grid.cells()];
        let [_, ny, nz] = grid.shape();
        for (row, values) in fine.plain().chunks_exact(shape[2]).enumerate() {
            let (x, y) = (row / shape[1] / blocks[0], row % shape[1] / blocks[1]);
            let sums = &mut sums[(x * ny + y) * nz..][..nz];
            for (sum, values) in sums.iter_mut().zip(values.chunks(blocks[2])) {
                *sum += values.iter().sum::<f64>();
            }
        }
        let cells = Cells::new(NAME, &Vdf::from_vec(grid, sums).ok()?).ok()?;
        let spread = Vector3::from_fn(|i, _| ((blocks[i] * blocks[i]) as f64 - 1.0) * spacing[i] * spacing[i] / 12.0);
        Some(Self { cells, spread })
    }

    /// Converts components found on the coarse cells to the units of the fine ones. Narrow covariances may be below the
    /// floor, or not positive definite, until they are constrained.
    pub fn refined(&self, mut members: Vec<Member>) -> Vec<Member> {
        let unit = self.cells.scaling.unit;
        for member in &mut members {
            member.mass /= self.cells.factor;
            member.mean = Vector3::from(self.cells.scaling.velocity(&member.mean));
            member.covariance *= unit * unit;
            member.covariance -= Matrix3::from_diagonal(&self.spread);
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::super::tests::named;
    use super::*;

    #[test]
    fn coarse_cells_hold_the_same_mass_about_the_same_mean() {
        let fine = Cells::new(NAME, &named("gyrating-ring", 1, 40)).unwrap();
        let coarse = Coarse::new(&fine).unwrap();
        assert!(coarse.cells.grid.cells() < fine.grid.cells());
        let whole = Member { mass: coarse.cells.mass, mean: coarse.cells.mean, covariance: coarse.cells.covariance };
        let [whole] = &coarse.refined(vec![whole])[..] else { panic!("one") };
        assert_relative_eq!(whole.mass, fine.mass, max_relative = 1e-12);
        assert_relative_eq!(whole.mean, fine.mean, epsilon = 0.1);
        assert_relative_eq!(whole.covariance, fine.covariance, max_relative = 0.1);
    }

    #[test]
    fn few_cells_and_short_axes_stay_as_they_are() {
        assert!(Coarse::new(&Cells::new(NAME, &named("beams", 0, 16)).unwrap()).is_none());
        // Nor are populations blurred that are as narrow as cells.
        let grid = VelocityGrid::unit([36; 3]).unwrap();
        let narrow = Vdf::from_fn(grid, |v| (-0.5 * v.iter().map(|x| (x - 18.0).powi(2)).sum::<f64>()).exp()).unwrap();
        assert!(Coarse::new(&Cells::new(NAME, &narrow).unwrap()).is_none());
        let grid = VelocityGrid::unit([4, 5, 2000]).unwrap();
        let vdf = Vdf::from_fn(grid, |v| (-0.5 * ((v[2] - 900.0) / 300.0).powi(2)).exp()).unwrap();
        let shape = Coarse::new(&Cells::new(NAME, &vdf).unwrap()).unwrap().cells.grid.shape();
        assert_eq!(shape[..2], [4, 5]);
    }
}
