//! Leaves that run into each other: a partition of unity over one cell at every face between two leaves.
//!
//! A leaf counts fully from half a cell inside its faces on, and less towards half a cell outside, linearly along each
//! axis; the values of the leaves at a point are averaged with these weights. The sum is continuous. Cell centres of the
//! grid that was encoded lie half a cell from any face: there each leaf still stands alone, and the error is unchanged.

use super::coefficients::{OctreeCoefficients, values_at};
use super::places::Places;
use super::tree::Extent;

/// Half the width of the ramp [cells].
pub(super) const MARGIN: f64 = 0.5;

pub(super) fn reconstruct(coefficients: &OctreeCoefficients, places: &Places, shape: [usize; 3]) -> Vec<f64> {
    let [_, ny, nz] = shape;
    let whole = coefficients.tree.shape;
    let cells = shape.iter().product();
    let (mut values, mut weights) = (vec![0.0; cells], vec![0.0; cells]);
    for (extent, model, numbers) in coefficients.boxes() {
        let share = places.share(extent, whole, MARGIN);
        let size = extent.map(|interval| interval.len);
        let block = values_at(model, numbers, coefficients.ceiling, size, share.points.each_ref().map(Vec::as_slice));
        let ramps = ramps(extent, whole, share.slices());
        let mut block = block.iter();
        for (i, x) in ramps[0].iter().enumerate() {
            for (j, y) in ramps[1].iter().enumerate() {
                let to = ((share.first[0] + i) * ny + share.first[1] + j) * nz + share.first[2];
                for (k, (z, value)) in ramps[2].iter().zip(block.by_ref()).enumerate() {
                    let weight = x.value * y.value * z.value;
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

/// Weight of a leaf along one axis at a point, and its slope [per cell].
#[derive(Debug, Clone, Copy)]
pub(super) struct Ramp {
    pub value: f64,
    pub slope: f64,
}

/// Weights of a leaf along each axis at points given in cells from its middle: ramps at faces between leaves, none at the
/// faces of the whole.
pub(super) fn ramps(extent: Extent, whole: [usize; 3], points: [&[f64]; 3]) -> [Vec<Ramp>; 3] {
    std::array::from_fn(|axis| {
        let half = 0.5 * extent[axis].len as f64;
        // Value and slope by the distance inside of a face.
        let side = |is_inner: bool, inside: f64| {
            let height = inside + MARGIN;
            let slope = if is_inner && height > 0.0 && height < 1.0 { 1.0 } else { 0.0 };
            (if is_inner { height.clamp(0.0, 1.0) } else { 1.0 }, slope)
        };
        let has_lower = extent[axis].start > 0;
        let has_upper = extent[axis].start + extent[axis].len < whole[axis];
        let ramp = |x: &f64| {
            let [(lower, rise), (upper, fall)] = [side(has_lower, half + x), side(has_upper, half - x)];
            Ramp { value: lower * upper, slope: rise * upper - lower * fall }
        };
        points[axis].iter().map(ramp).collect()
    })
}
