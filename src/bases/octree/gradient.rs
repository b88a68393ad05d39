//! Gradient of a tree of leaves in velocity space.
//!
//! Each leaf is differentiated by itself: polynomials by the derivatives of their one-dimensional factors, exponentials
//! of them as f ln 10 times the gradient of their decades. At a point on a face the gradient is that of the leaf which
//! gives the value there; the step between two leaves has no share in it. Blended leaves form a continuous function,
//! whose gradient includes the ramps at their faces.

use std::f64::consts::LN_10;

use super::blend::ramps;
use super::coefficients::{OctreeCoefficients, values_at};
use super::evaluate::Polynomials;
use super::model::Model;
use super::places::{Places, Share};
use super::polynomials::{Table, chebyshev, chebyshev_slopes, gram, gram_slopes};
use super::tree::Extent;
use super::{NAME, blend};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// ∂f/∂v at the cells of a grid, in C order.
///
/// # Errors
/// [`Error::NotDifferentiable`] where leaves hold the values of their cells.
pub(super) fn at_cells(coefficients: &OctreeCoefficients, grid: &VelocityGrid, blended: bool) -> Result<[Vec<f64>; 3]> {
    let cells = coefficients.boxes().filter(|(_, model, _)| *model == Model::Cells).count();
    if cells > 0 {
        let all = coefficients.boxes().count();
        let reason = format!(
            "{cells} of {all} leaves hold the values of their cells, which are steps; encode with a larger error, or take \
             differences of the reconstruction"
        );
        return Err(Error::NotDifferentiable { basis: NAME.to_owned(), reason });
    }
    let places = Places::new(&coefficients.grid, grid);
    // On its own cells a blend changes no value, and the leaves' own slopes are those towards their insides.
    let sums = if blended && coefficients.grid != *grid {
        blended_leaves(coefficients, &places, grid.shape())
    } else {
        separate_leaves(coefficients, &places, grid.shape())
    };
    let spacing = coefficients.grid.spacing();
    let mut parts = sums;
    for (part, width) in parts.iter_mut().zip(spacing) {
        part.iter_mut().for_each(|slope| *slope /= width);
    }
    Ok(parts)
}

fn separate_leaves(coefficients: &OctreeCoefficients, places: &Places, grid_shape: [usize; 3]) -> [Vec<f64>; 3] {
    let mut parts = [0, 1, 2].map(|_| vec![0.0; grid_shape.iter().product()]);
    for (extent, model, numbers) in coefficients.boxes().filter(|(_, model, _)| *model != Model::Empty) {
        let share = places.share(extent, coefficients.tree.shape, 0.0);
        if share.is_empty() {
            continue;
        }
        let (_, slopes) = leaf(model, numbers, coefficients.ceiling, extent, &share);
        for (part, slopes) in parts.iter_mut().zip(slopes) {
            for_cells(&share, grid_shape, |index, cell| part[cell] = slopes[index]);
        }
    }
    parts
}

/// With weights w of the leaves, f = Σ w g / Σ w and ∂f = (Σ w ∂g + Σ g ∂w − f Σ ∂w) / Σ w.
fn blended_leaves(coefficients: &OctreeCoefficients, places: &Places, grid_shape: [usize; 3]) -> [Vec<f64>; 3] {
    let whole = coefficients.tree.shape;
    let cells = grid_shape.iter().product();
    let (mut values, mut weights) = (vec![0.0; cells], vec![0.0; cells]);
    let zeros = || [0, 1, 2].map(|_| vec![0.0; cells]);
    let (mut parts, mut weight_slopes) = (zeros(), zeros());
    for (extent, model, numbers) in coefficients.boxes() {
        let share = places.share(extent, whole, blend::MARGIN);
        let (leaf_values, slopes) = leaf(model, numbers, coefficients.ceiling, extent, &share);
        let ramps = ramps(extent, whole, share.slices());
        let [_, ny, nz] = share.points.each_ref().map(Vec::len);
        for_cells(&share, grid_shape, |index, cell| {
            let place = [index / (ny * nz), index / nz % ny, index % nz];
            let [x, y, z] = [0, 1, 2].map(|axis| ramps[axis][place[axis]]);
            let by_axis = [x.slope * y.value * z.value, x.value * y.slope * z.value, x.value * y.value * z.slope];
            let weight = x.value * y.value * z.value;
            values[cell] += weight * leaf_values[index];
            weights[cell] += weight;
            for axis in 0..3 {
                parts[axis][cell] += weight * slopes[axis][index] + by_axis[axis] * leaf_values[index];
                weight_slopes[axis][cell] += by_axis[axis];
            }
        });
    }
    for (part, slopes) in parts.iter_mut().zip(&weight_slopes) {
        for cell in 0..cells {
            if weights[cell] > 0.0 {
                part[cell] = (part[cell] - values[cell] / weights[cell] * slopes[cell]) / weights[cell];
            }
        }
    }
    parts
}

/// Calls `visit` with the index in a leaf's share and the cell of the grid, for all its points.
fn for_cells(share: &Share, [_, ny, nz]: [usize; 3], mut visit: impl FnMut(usize, usize)) {
    let [x, y, z] = share.points.each_ref().map(Vec::len);
    for index in 0..x * y * z {
        let place = [index / (y * z), index / z % y, index % z];
        let [i, j, k] = [0, 1, 2].map(|axis| share.first[axis] + place[axis]);
        visit(index, (i * ny + j) * nz + k);
    }
}

/// The values of a leaf at the points of its share, and their slopes by the place in cells along each axis.
fn leaf(model: Model, numbers: &[f64], ceiling: f64, extent: Extent, share: &Share) -> (Vec<f64>, [Vec<f64>; 3]) {
    let shape = extent.map(|interval| interval.len);
    let values = values_at(model, numbers, ceiling, shape, share.slices());
    let slopes_of = |degree: usize, families: [Family; 2]| {
        let table = |axis: usize, family: Family| {
            Table::at(degree, &share.points[axis], |x, put| family(shape[axis], degree, x, put))
        };
        [0, 1, 2].map(|axis| {
            let tables = [0, 1, 2].map(|other| table(other, families[usize::from(other == axis)]));
            Polynomials::new(degree, tables).values_in(numbers, shape)
        })
    };
    let slopes = match model {
        Model::Empty | Model::Cells => [0, 1, 2].map(|_| vec![0.0; values.len()]),
        Model::Linear(degree) => slopes_of(
            degree,
            [
                |n, degree, x, put| gram(n, degree, x, put),
                |n, degree, x, put| {
                    gram_slopes(n, degree, x, put);
                },
            ],
        ),
        Model::Log(degree) => {
            let mut slopes = slopes_of(
                degree,
                [
                    |n, degree, x, put| chebyshev(n, degree, x, put),
                    |n, degree, x, put| {
                        chebyshev_slopes(n, degree, x, put);
                    },
                ],
            );
            for part in &mut slopes {
                for (slope, value) in part.iter_mut().zip(&values) {
                    // At its ceiling the exponential is constant.
                    *slope = if *value < ceiling { *slope * LN_10 * value } else { 0.0 };
                }
            }
            slopes
        }
    };
    (values, slopes)
}

type Family = fn(usize, usize, f64, &mut dyn FnMut(usize, f64));
