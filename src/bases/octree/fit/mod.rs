//! From a distribution to a tree: survey, plan, fit the leaves of the plan, correct the survey by what they really
//! cost, plan again, until a plan holds only leaves that are fitted.

mod report;
mod rounds;

pub use report::OctreeReport;

use super::coefficients::OctreeCoefficients;
use super::cuts;
use super::intervals::Intervals;
use super::leaves::{Fitted, Fitter, Grown, Work};
use super::model::Model;
use super::plan::Goal;
use super::polynomials::MAX_DEGREE;
use super::survey::{Choices, Survey, Threshold};
use super::{LeafKind, Octree, OctreeTarget};
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::scaling::normalising_factor;

use report::finish;
use rounds::Search;

/// Highest degree of exponentials in the survey, whose cost grows with the square of the number of terms; higher degrees are
/// fitted only where a plan uses the highest one known.
const SURVEYED_LOG_DEGREE: usize = 3;
/// Smallest relative error that is asked for: rounding alone makes as much.
const LEAST_ERROR: f64 = 1e-15;
/// Fraction of the allowed squared error that plans use; the rest is for the rounding of the survey, which is in f32.
const PLANNED: f64 = 1.0 - 1e-6;
/// Most times that a tree with moved cuts is planned again.
const REPLANS: usize = 3;
/// Lagrange multiplier λ of a coefficient for L∞ targets, in units of the squared tolerance: a leaf within the tolerance at
/// each of its cells has a squared error of that order, and a coefficient more must save two cells' worth of it.
const PRICE: f64 = 2.0;

/// A distribution brought near one.
struct Scaled {
    values: Vec<f64>,
    /// The factor from the distribution's values to these.
    factor: f64,
    peak: f64,
    /// Σ f².
    total: f64,
}

impl Scaled {
    fn of(vdf: &Vdf) -> Self {
        let factor = normalising_factor(vdf.peak());
        let values: Vec<f64> = vdf.as_slice().iter().map(|f| f * factor).collect();
        let total = values.iter().map(|f| f * f).sum();
        Self { values, factor, peak: vdf.peak() * factor, total }
    }
}

pub(super) fn fit(octree: &Octree, vdf: &Vdf) -> Result<(OctreeCoefficients, OctreeReport)> {
    let scaled = Scaled::of(vdf);
    let Scaled { ref values, peak, total, .. } = scaled;
    if total == 0.0 {
        return finish(octree, vdf, Grown::Leaf(Model::Empty, Fitted::nothing()), &scaled, Work::default());
    }
    let shape = vdf.grid().shape();
    let Accuracy { floor, tolerance, threshold } = Accuracy::of(octree.target, &scaled);
    let (ceiling, threads) = ((2.0 * peak).ln(), octree.threads.0);
    let fitter = Fitter { values, shape, total, floor, ceiling, tolerance, threads };
    let negative = values.iter().any(|f| *f < -floor);
    let axes = shape.map(|n| Intervals::new(n, octree.align, octree.smallest));
    let choices = choices(octree, negative);
    let mut survey = Survey::new(values, total, axes, choices, threshold, floor, threads);
    let mut work = Work { boxes: survey.boxes(), ..Work::default() };
    let mut search = Search::new(&fitter, &mut survey, octree.splitting);
    let goal = |share: f64| match octree.target {
        OctreeTarget::L2(l2) => Goal::Error(l2.max(LEAST_ERROR).powi(2) * share),
        OctreeTarget::Linf(linf) => Goal::Price(PRICE * (linf.max(LEAST_ERROR) * peak).powi(2) / total),
        // The ceiling of exponentials is a coefficient too.
        OctreeTarget::Coefficients(count) => Goal::Coefficients(count - usize::from(choices.log.is_some())),
    };
    let mut grown = search.run(goal(PLANNED), &mut work);
    if octree.moves_cuts {
        grown = with_moved_cuts(octree, &fitter, grown, &mut work, |share, work| search.run(goal(share), work));
    }
    finish(octree, vdf, grown, &scaled, work)
}

/// The accuracy that a target asks of the survey and of the leaves.
struct Accuracy {
    /// Below this, logarithms do not matter.
    floor: f64,
    /// Largest error that a cell may have.
    tolerance: f64,
    threshold: Threshold,
}

impl Accuracy {
    fn of(target: OctreeTarget, Scaled { values, peak, total, .. }: &Scaled) -> Self {
        let cells = values.len() as f64;
        let rms = (total / cells).sqrt();
        let everything = Threshold { look_below: 0.0, keep_below: f64::INFINITY };
        let (floor, tolerance, threshold) = match target {
            OctreeTarget::L2(l2) => {
                let l2 = l2.max(LEAST_ERROR);
                (l2 * rms, f64::INFINITY, Threshold { look_below: 0.01 * l2 * l2 * total / cells, ..everything })
            }
            OctreeTarget::Linf(linf) => {
                let linf = linf.max(LEAST_ERROR) * peak;
                (0.5 * linf, linf, Threshold { keep_below: linf * linf, ..everything })
            }
            OctreeTarget::Coefficients(_) => (0.03 * rms, f64::INFINITY, everything),
        };
        Self { floor: floor.max(1e-140), tolerance, threshold }
    }
}

fn choices(octree: &Octree, negative: bool) -> Choices {
    let range = |highest: usize| octree.degree.map_or([0, highest], |degree| [degree; 2]);
    let (linear, log) = match octree.leaf {
        LeafKind::Linear => (true, false),
        LeafKind::Log => (negative, true),
        LeafKind::Best => (true, true),
    };
    Choices {
        linear: linear.then(|| range(MAX_DEGREE)),
        log: log.then(|| range(SURVEYED_LOG_DEGREE)),
        unsurveyed_log: if octree.degree.is_none() && log { MAX_DEGREE - SURVEYED_LOG_DEGREE } else { 0 },
    }
}

/// The tree with cuts that have left the middle, planned anew for the error that they save where that is the target.
/// `plan` gives the tree for a share of what is allowed.
fn with_moved_cuts(
    octree: &Octree,
    fitter: &Fitter<'_>,
    grown: Grown,
    work: &mut Work,
    mut plan: impl FnMut(f64, &mut Work) -> Grown,
) -> Grown {
    let mut best = cuts::improve(fitter, octree, fitter.shape, grown, work);
    let OctreeTarget::L2(l2) = octree.target else { return best };
    let allowed = l2.max(LEAST_ERROR).powi(2) * PLANNED;
    let mut share = PLANNED;
    for _ in 0..REPLANS {
        let left = best.error() / fitter.total;
        share *= allowed / left.max(0.25 * allowed);
        let other = plan(share, work);
        let other = cuts::improve(fitter, octree, fitter.shape, other, work);
        if other.error() / fitter.total > allowed || other.count_numbers() >= best.count_numbers() {
            break;
        }
        best = other;
    }
    best
}
