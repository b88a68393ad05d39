//! The points of a grid as seen by the boxes of a tree.

use super::tree::Extent;
use crate::distribution::grid::VelocityGrid;

/// The centres of a grid's cells in the coordinates of the tree: cells from the lower edge of the grid it was made on.
pub(super) struct Places([Vec<f64>; 3]);

/// A box's share of the points: the first along each axis, and their places from the middle of the box.
pub(super) struct Share {
    pub first: [usize; 3],
    pub points: [Vec<f64>; 3],
}

impl Places {
    pub fn new(own: &VelocityGrid, grid: &VelocityGrid) -> Self {
        Self(std::array::from_fn(|axis| {
            // On its own grid the places are exact, whatever its unit and origin.
            if own == grid {
                return (0..grid.shape()[axis]).map(|cell| cell as f64 + 0.5).collect();
            }
            let (lower, spacing) = (own.lower()[axis], own.spacing()[axis]);
            grid.centres(axis).iter().map(|v| (v - lower) / spacing).collect()
        }))
    }

    /// The points in a box that is larger by `margin` cells on every side that is not a side of the whole.
    pub fn share(&self, extent: Extent, whole: [usize; 3], margin: f64) -> Share {
        let mut first = [0; 3];
        let points = std::array::from_fn(|axis| {
            let (start, end) = (extent[axis].start, extent[axis].start + extent[axis].len);
            let lower = if start == 0 { 0.0 } else { start as f64 - margin };
            let upper = if end == whole[axis] { end as f64 } else { end as f64 + margin };
            let places = &self.0[axis];
            let from = places.partition_point(|&s| s < lower);
            let to = places.partition_point(|&s| s < upper);
            first[axis] = from;
            let middle = 0.5 * (start + end) as f64;
            places[from..to.max(from)].iter().map(|s| s - middle).collect()
        });
        Share { first, points }
    }
}

impl Share {
    pub fn is_empty(&self) -> bool {
        self.points.iter().any(Vec::is_empty)
    }

    pub fn slices(&self) -> [&[f64]; 3] {
        self.points.each_ref().map(Vec::as_slice)
    }
}
