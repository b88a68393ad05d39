//! Moments from cosine coefficients: sums of cosines against powers of the velocity, axis by axis.

use faer::Mat;

use super::transform::{Cut, Table};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::numerics::separable::transform;

/// Powers 0 to 3 of the velocity from the middle of the box in half boxes, one a row, summed against each function
/// of the axis, one a column.
pub(super) fn powers(cut: Cut, table: &Table) -> Mat<f64> {
    let n = cut.cells as f64;
    Mat::from_fn(4, cut.len(), |power, term| {
        let (block, k) = (term / cut.keep, term % cut.keep);
        let first = block * cut.block;
        let inside = cut.block.min(cut.cells - first);
        let coordinate = |i: usize| (2.0 * (first + i) as f64 + 1.0 - n) / n;
        (0..inside).map(|i| coordinate(i).powi(power as i32) * table.cosines[(k, i)]).sum()
    })
}

/// The moments of the distribution with these coefficients.
pub(super) fn assemble(coefficients: &[f64], powers: &[Mat<f64>; 3], grid: &VelocityGrid) -> Moments {
    Moments::from_powers(&transform(coefficients, [0, 1, 2].map(|axis| powers[axis].as_ref())), grid)
}
