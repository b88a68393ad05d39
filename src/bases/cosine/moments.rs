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
    let raw = transform(coefficients, [0, 1, 2].map(|axis| powers[axis].as_ref()));
    // ⟨ξ_i ξ_j …⟩ for a list of axes.
    let of = |axes: &[usize]| {
        let mut exponents = [0; 3];
        axes.iter().for_each(|&axis| exponents[axis] += 1);
        raw[(exponents[0] * 4 + exponents[1]) * 4 + exponents[2]]
    };
    let total = of(&[]);
    let drift: [f64; 3] = std::array::from_fn(|i| of(&[i]) / total);
    let drift = if drift.iter().all(|d| d.is_finite()) { drift } else { [0.0; 3] };
    let second =
        |i: usize, j: usize| of(&[i, j]) - drift[i] * of(&[j]) - drift[j] * of(&[i]) + drift[i] * drift[j] * total;
    let third = |i: usize, j: usize| {
        of(&[i, j, j]) - 2.0 * drift[j] * of(&[i, j]) + drift[j].powi(2) * of(&[i]) - drift[i] * of(&[j, j])
            + 2.0 * drift[i] * drift[j] * of(&[j])
            - drift[i] * drift[j].powi(2) * total
    };
    let half: [f64; 3] = std::array::from_fn(|axis| 0.5 * grid.shape()[axis] as f64 * grid.spacing()[axis]);
    let middle = grid.middle();
    // One after another: the volume may leave the range of f64 where the density does not.
    let physical = |value: f64| grid.spacing().iter().fold(value, |value, width| value * width);
    Moments {
        density: physical(total),
        bulk_velocity: std::array::from_fn(|i| middle[i] + drift[i] * half[i]),
        pressure: std::array::from_fn(|i| std::array::from_fn(|j| physical(second(i, j)) * half[i] * half[j])),
        heat_flux: std::array::from_fn(|i| {
            (0..3).map(|j| 0.5 * physical(third(i, j)) * half[i] * half[j].powi(2)).sum()
        }),
    }
}
