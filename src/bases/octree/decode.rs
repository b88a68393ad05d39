//! From the tree to values on a grid, and to moments.

use faer::MatRef;

use super::blend;
use super::coefficients::{OctreeCoefficients, values_at};
use super::model::Model;
use super::places::Places;
use super::polynomials::{Table, gram, terms};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::numerics::separable::transform;

/// The values at the cells of a grid.
pub(super) fn reconstruct(coefficients: &OctreeCoefficients, grid: &VelocityGrid, blended: bool) -> Vec<f64> {
    let places = Places::new(&coefficients.grid, grid);
    // On its own cells a blend changes nothing.
    if blended && coefficients.grid != *grid {
        return blend::reconstruct(coefficients, &places, grid.shape());
    }
    let [_, ny, nz] = grid.shape();
    let mut values = vec![0.0; grid.cells()];
    for (extent, model, numbers) in coefficients.boxes().filter(|(_, model, _)| *model != Model::Empty) {
        let share = places.share(extent, coefficients.tree.shape, 0.0);
        if share.is_empty() {
            continue;
        }
        let shape = extent.map(|interval| interval.len);
        let block = values_at(model, numbers, coefficients.ceiling, shape, share.slices());
        let [x, y, z] = share.points.each_ref().map(Vec::len);
        for (row, from) in block.chunks_exact(z).enumerate() {
            let to = ((share.first[0] + row / y) * ny + share.first[1] + row % y) * nz + share.first[2];
            values[to..to + z].copy_from_slice(from);
        }
        debug_assert_eq!(block.len(), x * y * z);
    }
    values
}

/// The moments on a grid: of polynomial leaves from sums of polynomials times powers along each axis, of the others from
/// their values.
pub(super) fn moments(coefficients: &OctreeCoefficients, grid: &VelocityGrid) -> Moments {
    let places = Places::new(&coefficients.grid, grid);
    let mut sums = vec![0.0; 64];
    for (extent, model, numbers) in coefficients.boxes().filter(|(_, model, _)| *model != Model::Empty) {
        let share = places.share(extent, coefficients.tree.shape, 0.0);
        if share.is_empty() {
            continue;
        }
        let shape = extent.map(|interval| interval.len);
        // Powers 0 to 3 of the velocity from the middle of the grid in half boxes, one a row.
        let powers = [0, 1, 2].map(|axis| {
            let n = grid.shape()[axis] as f64;
            let cells = share.first[axis]..share.first[axis] + share.points[axis].len();
            let coordinates: Vec<f64> = cells.map(|i| (2.0 * i as f64 + 1.0 - n) / n).collect();
            Table::at(3, &coordinates, |x, put| (0..4).for_each(|power| put(power, x.powi(power as i32))))
        });
        let part = match model {
            Model::Linear(degree) => {
                let rows = shape.map(|n| n.min(degree + 1));
                let against = [0, 1, 2].map(|axis| {
                    let family = |x: f64, put: &mut dyn FnMut(usize, f64)| gram(shape[axis], degree, x, put);
                    let functions = Table::at(degree, &share.points[axis], family);
                    let product = |power: usize, k: usize| -> f64 {
                        powers[axis].row(power).iter().zip(functions.row(k)).map(|(a, b)| a * b).sum()
                    };
                    (0..4)
                        .flat_map(|power| (0..rows[axis]).map(move |k| (power, k)))
                        .map(|(p, k)| product(p, k))
                        .collect()
                });
                let against: [Vec<f64>; 3] = against;
                let mut dense = vec![0.0; rows.iter().product()];
                for ([i, j, k], &c) in terms(degree, shape).zip(numbers) {
                    dense[(i * rows[1] + j) * rows[2] + k] = c;
                }
                transform(&dense, [0, 1, 2].map(|a| MatRef::from_row_major_slice(&against[a], 4, rows[a])))
            }
            _ => {
                let values = values_at(model, numbers, coefficients.ceiling, shape, share.slices());
                transform(&values, [0, 1, 2].map(|axis| powers[axis].matrix(4)))
            }
        };
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    Moments::from_powers(&sums, grid)
}
