//! The result of an encoding, and the report of its search.

use super::super::Octree;
use super::super::coefficients::OctreeCoefficients;
use super::super::leaves::{Grown, Work};
use super::super::model::Model;
use super::super::tree::Tree;
use super::Scaled;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// The parts of an octree, and the work that finding it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OctreeReport {
    /// ‖g − f‖/‖f‖ over the cells, from the sum of the squared errors of all leaves.
    pub l2: f64,
    /// max |g − f| / max |f| over the cells.
    pub linf: f64,
    /// Leaves that are not empty.
    pub leaves: usize,
    /// Leaves that are exponentials of polynomials.
    pub exponentials: usize,
    /// Leaves that hold the values of their cells.
    pub cell_leaves: usize,
    /// Empty leaves.
    pub empty: usize,
    /// Bits of the tree in a stream.
    pub tree_bits: usize,
    /// Boxes surveyed.
    pub boxes: usize,
    /// Rounds of planning and fitting.
    pub rounds: usize,
    /// Exponentials fitted, those that are in no leaf in the end included.
    pub fits: usize,
    /// Steps of Levenberg and Marquardt in all of them.
    pub steps: usize,
    /// Cuts that have left the middle.
    pub moved_cuts: usize,
}

/// Coefficients and report in the units of the distribution.
pub(super) fn finish(
    octree: &Octree,
    vdf: &Vdf,
    grown: Grown,
    &Scaled { factor, peak, total, .. }: &Scaled,
    work: Work,
) -> Result<(OctreeCoefficients, OctreeReport)> {
    let tree = Tree { shape: vdf.grid().shape(), unit: octree.align, root: grown.branch() };
    let (mut numbers, mut error, mut largest) = (Vec::with_capacity(grown.count_numbers()), 0.0, 0.0_f64);
    let (mut exponentials, mut cell_leaves, mut empty, mut leaves) = (0, 0, 0, 0);
    let ceiling = 2.0 * peak;
    grown.each_leaf(&mut |model, leaf| {
        error += leaf.error;
        largest = largest.max(leaf.largest);
        leaves += usize::from(model != Model::Empty);
        match model {
            Model::Log(_) => {
                exponentials += 1;
                // Decades relative to the ceiling.
                let decades = leaf.numbers.iter().map(|c| c / std::f64::consts::LN_10).enumerate();
                numbers.extend(decades.map(|(k, c)| if k == 0 { c - ceiling.log10() } else { c }));
            }
            Model::Empty => empty += 1,
            Model::Cells => {
                cell_leaves += 1;
                numbers.extend(leaf.numbers.iter().map(|c| c / factor));
            }
            Model::Linear(_) => numbers.extend(leaf.numbers.iter().map(|c| c / factor)),
        }
    });
    let report = OctreeReport {
        l2: if total > 0.0 { (error / total).sqrt() } else { 0.0 },
        linf: if peak > 0.0 { largest / peak } else { 0.0 },
        leaves,
        exponentials,
        cell_leaves,
        empty,
        tree_bits: tree.bits(),
        boxes: work.boxes,
        rounds: work.rounds,
        fits: work.fits,
        steps: work.steps,
        moved_cuts: work.moved_cuts,
    };
    let ceiling = if exponentials > 0 { (ceiling / factor).min(f64::MAX) } else { 0.0 };
    Ok((OctreeCoefficients::from_parts(*vdf.grid(), tree, ceiling, numbers)?, report))
}
