//! Size of a stored form beside that of the dense grid.

use crate::distribution::blocks::BLOCK_CELLS;
use crate::distribution::grid::VelocityGrid;

/// Size of a stored form compared with that of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StorageCost {
    /// Size in bytes of all that a decoder needs: coefficients, parameters, geometry, topology.
    pub bytes: usize,
    /// Ratio of dense storage with 8 bytes per cell to `bytes`.
    pub ratio_f64: f64,
    /// Ratio of dense storage with 4 bytes per cell to `bytes`.
    pub ratio_f32: f64,
    /// Ratio of the occupied blocks of 4³ cells, with 4 bytes per cell, to `bytes`.
    pub ratio_blocks: f64,
}

impl StorageCost {
    /// Size of a distribution on `grid` with `occupied_blocks` occupied blocks, stored in `bytes`.
    #[must_use]
    pub fn new(grid: &VelocityGrid, occupied_blocks: usize, bytes: usize) -> Self {
        let ratio = |dense: usize| dense as f64 / bytes as f64;
        Self {
            bytes,
            ratio_f64: ratio(8 * grid.cells()),
            ratio_f32: ratio(4 * grid.cells()),
            ratio_blocks: ratio(4 * BLOCK_CELLS * occupied_blocks),
        }
    }
}
