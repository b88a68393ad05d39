//! The cells at which a mixture is compared with the logarithm of a distribution.

use super::cells::Cells;
use crate::numerics::lanes::LANES;

/// δ as a part of the floor.
const SOFTNESS: f64 = 0.1;
/// Number of sampled cells above the floor that suffices to find the components: forty for each number of 15 of them.
const MIN_SAMPLES: f64 = 6_000.0;

/// Cells at which logarithms are compared: every n-th along each axis.
#[derive(Debug)]
pub(super) struct Samples {
    /// Centres of the cells along each axis.
    pub axes: [Vec<f64>; 3],
    /// max(f, floor) + δ, row by row.
    pub targets: Vec<f64>,
    /// The floor, scaled as the cells are.
    pub floor: f64,
}

impl Samples {
    /// All cells.
    pub fn all(cells: &Cells, floor: f64) -> Self {
        Self::every(cells, floor, [1; 3])
    }

    /// Enough cells to find components by.
    pub fn enough(cells: &Cells, floor: f64) -> Self {
        let shape = cells.grid.shape();
        // Cells that hold density above the floor, since the others hardly count.
        let above = cells.values.as_flattened().iter().filter(|&&f| f > floor).count() as f64;
        let stride = (above / MIN_SAMPLES).cbrt().round().max(1.0) as usize;
        Self::every(cells, floor, shape.map(|n| stride.min(n / 8).max(1)))
    }

    fn every(cells: &Cells, floor: f64, stride: [usize; 3]) -> Self {
        let sampled = |axis: usize| -> Vec<usize> {
            let n = cells.axes[axis].len();
            ((n - 1) % stride[axis] / 2..n).step_by(stride[axis]).collect()
        };
        let [x, y, z] = [0, 1, 2].map(sampled);
        let row = cells.z.len() * LANES;
        let values = cells.values.as_flattened();
        let mut targets = Vec::with_capacity(x.len() * y.len() * z.len());
        for &x in &x {
            for &y in &y {
                let row = &values[(x * cells.axes[1].len() + y) * row..];
                targets.extend(z.iter().map(|&z| row[z].max(floor) + SOFTNESS * floor));
            }
        }
        let centres = |axis: usize, cells_of: &[usize]| cells_of.iter().map(|&k| cells.axes[axis][k]).collect();
        Self { axes: [centres(0, &x), centres(1, &y), centres(2, &z)], targets, floor }
    }

    /// Number of cells that one sample stands for.
    pub fn stand_for(&self, cells: &Cells) -> f64 {
        cells.grid.cells() as f64 / self.targets.len() as f64
    }

    /// δ, which keeps residuals finite where a mixture vanishes.
    pub fn softness(&self) -> f64 {
        SOFTNESS * self.floor
    }

    /// Residual log₁₀((g + δ)/target) of one cell.
    pub fn residual(&self, g: f64, target: f64) -> f64 {
        let soft = g + self.softness();
        // Neither is above the floor.
        if soft <= target && target <= self.floor + self.softness() {
            return 0.0;
        }
        (soft / target).log10()
    }
}
