//! The grid of (v∥, v⊥) on which gyro-averaged distributions are given, and its quadrature.

use super::field::FieldFrame;
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// A uniform grid of nodes in v∥ and v⊥. The nodes of v∥ run from one end to the other, both included, those of v⊥ from
/// zero to their end, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReducedGrid {
    ends: [f64; 2],
    perpendicular_end: f64,
    shape: [usize; 2],
}

/// Fewest nodes along v∥ and v⊥: the quadrature in v⊥ has weights of its own for the first two.
const MIN_NODES_PER_AXIS: usize = 3;
/// Largest number of nodes, 2 GiB of values. A larger number is taken for an error.
const MAX_NODES: usize = 1 << 28;

impl ReducedGrid {
    /// `shape[0]` nodes of v∥ between two `ends` [m/s], and `shape[1]` nodes of v⊥ from 0 to `perpendicular_end` [m/s].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for fewer than three nodes along either, for too many, and for ends that are not in
    /// order and finite.
    pub fn new(ends: [f64; 2], perpendicular_end: f64, shape: [usize; 2]) -> Result<Self> {
        let nodes = shape[0].checked_mul(shape[1]).filter(|nodes| *nodes <= MAX_NODES);
        if shape.iter().any(|n| *n < MIN_NODES_PER_AXIS) || nodes.is_none() {
            let allowed =
                format!("at least {MIN_NODES_PER_AXIS} nodes along v∥ and v⊥, and at most {MAX_NODES} in all");
            return Err(Error::parameter("shape", format!("{shape:?}"), allowed));
        }
        let width = ends[1] - ends[0];
        if !(width > 0.0 && width.is_finite() && ends[0] + width / shape[0] as f64 > ends[0]) {
            return Err(Error::parameter("ends", format!("{ends:?}"), "two finite velocities, the smaller first"));
        }
        if !(perpendicular_end > 0.0 && perpendicular_end.is_finite()) {
            return Err(Error::parameter("perpendicular_end", perpendicular_end, "a positive finite velocity"));
        }
        Ok(Self { ends, perpendicular_end, shape })
    }

    /// The nodes that hold all of a grid of cells in a frame: of v∥ from the lowest to the highest of the box's corners, of
    /// v⊥ up to the corner that is farthest from the axis.
    ///
    /// # Errors
    /// Those of [`ReducedGrid::new`].
    pub fn covering(grid: &VelocityGrid, frame: &FieldFrame, shape: [usize; 2]) -> Result<Self> {
        let edges = [grid.lower(), grid.upper()];
        let (mut ends, mut farthest) = ([f64::INFINITY, f64::NEG_INFINITY], 0.0);
        for corner in 0..8 {
            let corner = std::array::from_fn(|axis| edges[corner >> axis & 1][axis]);
            let [parallel, perpendicular] = frame.parallel_and_perpendicular(corner);
            ends = [ends[0].min(parallel), ends[1].max(parallel)];
            farthest = f64::max(farthest, perpendicular);
        }
        Self::new(ends, farthest, shape)
    }

    /// Number of nodes along v∥ and v⊥.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Distances of the nodes along v∥ and v⊥ [m/s].
    #[must_use]
    pub fn spacing(&self) -> [f64; 2] {
        [
            (self.ends[1] - self.ends[0]) / (self.shape[0] - 1) as f64,
            self.perpendicular_end / (self.shape[1] - 1) as f64,
        ]
    }

    /// Lowest node of v∥ [m/s].
    pub(super) fn lowest(&self) -> f64 {
        self.ends[0]
    }

    /// Nodes of v∥ [m/s].
    #[must_use]
    pub fn parallel(&self) -> Vec<f64> {
        let h = self.spacing()[0];
        (0..self.shape[0]).map(|k| self.ends[0] + k as f64 * h).collect()
    }

    /// Nodes of v⊥ [m/s].
    #[must_use]
    pub fn perpendicular(&self) -> Vec<f64> {
        let h = self.spacing()[1];
        (0..self.shape[1]).map(|k| k as f64 * h).collect()
    }

    /// Weights [m/s] of the trapezoidal rule along v∥.
    pub(super) fn parallel_weights(&self) -> Vec<f64> {
        let h = self.spacing()[0];
        let mut weights = vec![h; self.shape[0]];
        weights[0] = 0.5 * h;
        weights[self.shape[0] - 1] = 0.5 * h;
        weights
    }

    /// Weights w_k of ∫ g(v⊥) v⊥ dv⊥ ≈ Σ w_k g_k [m² s⁻²], for a g that is even in v⊥ and vanishes at the last node.
    ///
    /// The trapezoidal rule has h k · h at the node k. By Euler and Maclaurin its error at zero is, for G = g v⊥,
    /// −h²/12 G′(0) + h⁴/720 G‴(0) − …, where G′(0) = g(0) and G‴(0) = 3 g″(0) ≈ 6 (g_1 − g_0)/h². Both are added to the
    /// first two nodes, so that the rule is of sixth order.
    pub(super) fn perpendicular_weights(&self) -> Vec<f64> {
        let h = self.spacing()[1];
        let mut weights: Vec<f64> = (0..self.shape[1]).map(|k| h * (k as f64 * h)).collect();
        weights[self.shape[1] - 1] *= 0.5;
        weights[0] += h * h * (1.0 / 12.0 + 1.0 / 120.0);
        weights[1] -= h * h / 120.0;
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::FieldDirection;
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn nodes_begin_and_end_where_they_should() {
        let grid = ReducedGrid::new([-1.0, 3.0], 2.0, [5, 3]).unwrap();
        assert_eq!((grid.parallel(), grid.perpendicular()), (vec![-1.0, 0.0, 1.0, 2.0, 3.0], vec![0.0, 1.0, 2.0]));
        let box_ = VelocityGrid::from_edges([4; 3], [-3.0, -4.0, 0.0], [3.0, 4.0, 2.0]).unwrap();
        let frame = FieldFrame::new(FieldDirection::new([0.0, 0.0, 1.0]).unwrap(), [0.0; 3]).unwrap();
        let covering = ReducedGrid::covering(&box_, &frame, [3, 6]).unwrap();
        assert_eq!((covering.parallel(), covering.perpendicular()[5]), (vec![0.0, 1.0, 2.0], 5.0));
    }

    #[test]
    fn the_rule_across_the_field_is_of_sixth_order() {
        let error = |n: usize| {
            let grid = ReducedGrid::new([0.0, 1.0], 9.0, [3, n + 1]).unwrap();
            let g = grid.perpendicular().into_iter().map(|v| (-0.5 * v * v).exp());
            (g.zip(grid.perpendicular_weights()).map(|(g, w)| g * w).sum::<f64>() - 1.0).abs()
        };
        assert_relative_eq!(error(9) / error(18), 64.0, max_relative = 0.2);
        assert!(error(100) < 1e-8);
    }

    #[test]
    fn grids_without_meaning_are_refused() {
        let refused = |ends, end, shape| ReducedGrid::new(ends, end, shape).unwrap_err().to_string();
        assert!(refused([0.0, 1.0], 1.0, [2, 9]).contains("shape"));
        assert!(refused([0.0, 1.0], 1.0, [usize::MAX, 9]).contains("shape"));
        assert!(refused([1.0, 0.0], 1.0, [9, 9]).contains("ends"));
        assert!(refused([0.0, f64::NAN], 1.0, [9, 9]).contains("ends"));
        assert!(refused([1e30, 1e30], 1.0, [9, 9]).contains("ends"));
        assert!(refused([0.0, 1.0], 0.0, [9, 9]).contains("perpendicular_end"));
    }
}
