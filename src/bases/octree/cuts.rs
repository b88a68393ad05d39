//! Cuts that leave the middle: each is moved by one unit at a time, with both leaves fitted anew, while the error falls.

use super::Octree;
use super::intervals::Interval;
use super::leaves::{Fitted, Fitter, Grown, Work};
use super::model::Model;
use super::tree::{Extent, parts};

/// A step must lower the squared error of the two leaves to this fraction: less is not worth two more fits.
const WORTH_A_STEP: f64 = 0.99;
/// Most steps of one cut in one direction.
const MOST_STEPS: usize = 8;

/// Moves every cut between two leaves to where it leaves the least error.
pub(super) fn improve(fitter: &Fitter<'_>, octree: &Octree, shape: [usize; 3], grown: Grown, work: &mut Work) -> Grown {
    Mover { fitter, work, unit: octree.align }.improve(grown, shape.map(|len| Interval { start: 0, len }))
}

struct Mover<'a, 'b> {
    fitter: &'a Fitter<'b>,
    work: &'a mut Work,
    /// Cells that a cut moves by.
    unit: usize,
}

impl Mover<'_, '_> {
    fn improve(&mut self, grown: Grown, extent: Extent) -> Grown {
        let Grown::Split(cuts, branches) = grown else { return grown };
        let extents = parts(extent, cuts);
        let mut branches: Vec<_> =
            branches.into_iter().zip(extents).map(|(branch, part)| self.improve(branch, part)).collect();
        let axis = (0..3).find(|&axis| cuts[axis].is_some());
        let (Some(axis), [Grown::Leaf(a, first), Grown::Leaf(b, second)]) = (axis, branches.as_slice()) else {
            return Grown::Split(cuts, branches);
        };
        let Some(mut cut) = cuts[axis] else { return Grown::Split(cuts, branches) };
        let models = [*a, *b];
        let from = cut;
        let mut best = [first.clone(), second.clone()];
        for direction in [-(self.unit as isize), self.unit as isize] {
            for _ in 0..MOST_STEPS {
                let Some(next) = cut.checked_add_signed(direction) else { break };
                let Some(leaves) = self.leaves(extent, axis, next, models) else { break };
                let error = |leaves: &[Fitted; 2]| leaves[0].error + leaves[1].error;
                let fewer = |leaves: &[Fitted; 2]| leaves[0].numbers.len() + leaves[1].numbers.len();
                if error(&leaves) > WORTH_A_STEP * error(&best) || fewer(&leaves) > fewer(&best) {
                    break;
                }
                (best, cut) = (leaves, next);
            }
            if cut != from {
                break;
            }
        }
        if cut == from {
            return Grown::Split(cuts, branches);
        }
        self.work.moved_cuts += 1;
        let mut cuts = cuts;
        cuts[axis] = Some(cut);
        branches = models.into_iter().zip(best).map(|(model, leaf)| Grown::Leaf(model, leaf)).collect();
        Grown::Split(cuts, branches)
    }

    /// Both leaves with the cut at another place inside the box; none if a leaf exceeds the tolerance.
    fn leaves(&mut self, extent: Extent, axis: usize, cut: usize, models: [Model; 2]) -> Option<[Fitted; 2]> {
        if cut == 0 || cut >= extent[axis].len {
            return None;
        }
        let mut cuts = [None; 3];
        cuts[axis] = Some(cut);
        let mut leaves = Vec::with_capacity(2);
        for (part, model) in parts(extent, cuts).into_iter().zip(models) {
            let leaf = self.fitter.leaf(part, model)?;
            self.work.fits += usize::from(matches!(model, Model::Log(_)));
            self.work.steps += leaf.steps;
            debug_assert_eq!(leaf.numbers.len(), model.numbers(part.map(|interval| interval.len)));
            if leaf.largest > self.fitter.tolerance {
                return None;
            }
            leaves.push(leaf);
        }
        leaves.try_into().ok()
    }
}
