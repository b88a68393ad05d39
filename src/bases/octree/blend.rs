//! Leaves that run into each other: a partition of unity over one cell at every face between two leaves.
//!
//! A leaf counts fully from half a cell inside its faces on, and less towards half a cell outside, linearly along each
//! axis; the values of the leaves at a point are averaged with these weights. The sum is continuous. Cell centres of the
//! grid that was encoded lie half a cell from any face: there each leaf still stands alone, and the error is unchanged.

use super::coefficients::{OctreeCoefficients, values_at};
use super::places::Places;

/// Half the width of the ramp [cells].
const MARGIN: f64 = 0.5;

pub(super) fn reconstruct(coefficients: &OctreeCoefficients, places: &Places, shape: [usize; 3]) -> Vec<f64> {
    let [_, ny, nz] = shape;
    let whole = coefficients.tree.shape;
    let cells = shape.iter().product();
    let (mut values, mut weights) = (vec![0.0; cells], vec![0.0; cells]);
    for (extent, model, numbers) in coefficients.boxes() {
        let share = places.share(extent, whole, MARGIN);
        let size = extent.map(|interval| interval.len);
        let block = values_at(model, numbers, coefficients.ceiling, size, share.points.each_ref().map(Vec::as_slice));
        let ramps: [Vec<f64>; 3] = std::array::from_fn(|axis| {
            let half = 0.5 * size[axis] as f64;
            let side = |inner: bool, inside: f64| if inner { (inside + MARGIN).clamp(0.0, 1.0) } else { 1.0 };
            let lower = extent[axis].start > 0;
            let upper = extent[axis].start + size[axis] < whole[axis];
            share.points[axis].iter().map(|x| side(lower, half + x) * side(upper, half - x)).collect()
        });
        let mut block = block.iter();
        for (i, x) in ramps[0].iter().enumerate() {
            for (j, y) in ramps[1].iter().enumerate() {
                let to = ((share.first[0] + i) * ny + share.first[1] + j) * nz + share.first[2];
                for (k, (z, value)) in ramps[2].iter().zip(block.by_ref()).enumerate() {
                    let weight = x * y * z;
                    values[to + k] += weight * value;
                    weights[to + k] += weight;
                }
            }
        }
    }
    for (value, weight) in values.iter_mut().zip(weights) {
        if weight > 0.0 {
            *value /= weight;
        }
    }
    values
}
