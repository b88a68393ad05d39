//! Moments from cosine coefficients: sums of cosines against powers of the velocity, axis by axis.

use faer::Mat;

use super::transform::{Cut, Padding, Table, analyse};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::numerics::separable::transform;

/// Powers 0 to 3 of the velocity from the middle of the box in half boxes, one a row, summed against each function
/// of the axis, one a column.
pub(super) fn powers(cut: Cut, table: &Table) -> Mat<f64> {
    let n = cut.cells as f64;
    let rows = [0, 1, 2, 3].map(|power| {
        let coordinate = |i: usize| (2.0 * i as f64 + 1.0 - n) / n;
        let value = |i: usize| if i < cut.cells { coordinate(i).powi(power) } else { 0.0 };
        let (values, mut sums) = ((0..cut.padded()).map(value).collect::<Vec<_>>(), Vec::new());
        let shape = &mut [1, cut.padded(), 1];
        analyse(&values, shape, 1, (cut, table, Padding::default()), &mut Vec::new(), &mut sums);
        sums
    });
    Mat::from_fn(4, cut.len(), |power, term| rows[power][term])
}

/// The moments of the distribution with these coefficients.
pub(super) fn assemble(coefficients: &[f64], powers: &[Mat<f64>; 3], grid: &VelocityGrid) -> Moments {
    Moments::from_powers(&transform(coefficients, [0, 1, 2].map(|axis| powers[axis].as_ref())), grid)
}
