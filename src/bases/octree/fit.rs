//! From a distribution to a tree: survey, plan, fit the leaves of the plan, correct the survey by what they really
//! cost, plan again, until a plan holds only leaves that are fitted.

use std::collections::BTreeMap;
use std::thread;

use super::coefficients::OctreeCoefficients;
use super::cuts;
use super::intervals::{Interval, Intervals};
use super::linear;
use super::logarithmic;
use super::model::Model;
use super::plan::{Goal, Node, Plan, Splitting};
use super::polynomials::MAX_DEGREE;
use super::survey::{BoxIndex, Choices, Survey, Threshold};
use super::tree::{Branch, Extent, Tree};
use super::{LeafKind, Octree, OctreeTarget};
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::scaling::normalising_factor;

/// Plans corrected by fits, then plans with no exponential that is not fitted yet, then with no leaf at all.
const ROUNDS: usize = 12;
const LAST_ROUNDS: usize = 40;
/// Highest degree of exponentials in the survey; higher ones are tried where this one serves.
const SURVEYED_LOG_DEGREE: usize = 3;
/// The smallest error that rounding leaves room for.
const LEAST_ERROR: f64 = 1e-15;

/// What an octree is made of, and the work it took.
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
    /// Bits of the tree.
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

/// The numbers of one leaf.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    /// Gram coefficients, those of the natural logarithm, or the values of the cells.
    pub numbers: Vec<f64>,
    /// Squared error.
    pub error: f64,
    /// Largest error of a cell.
    pub largest: f64,
    /// Steps of Levenberg and Marquardt.
    pub steps: usize,
}

/// A tree with its leaves fitted.
pub(super) enum Grown {
    Leaf(Model, Fitted),
    Split([Option<usize>; 3], Vec<Grown>),
}

/// Fits the leaves of a distribution whose largest value is between 1 and 2.
pub(super) struct Fitter<'a> {
    values: &'a [f64],
    shape: [usize; 3],
    /// Σ f².
    total: f64,
    /// Below this, logarithms do not matter.
    floor: f64,
    /// Logarithm of the largest value that an exponential may take.
    ceiling: f64,
    /// Largest error that a cell may have.
    pub tolerance: f64,
    threads: usize,
}

/// The values of a box, in C order.
fn gathered(values: &[f64], shape: [usize; 3], [x, y, z]: Extent) -> Vec<f64> {
    let mut block = Vec::with_capacity(x.len * y.len * z.len);
    for i in x.start..x.start + x.len {
        for j in y.start..y.start + y.len {
            let from = (i * shape[1] + j) * shape[2] + z.start;
            block.extend_from_slice(&values[from..from + z.len]);
        }
    }
    block
}

pub(super) fn fit(octree: &Octree, vdf: &Vdf) -> Result<(OctreeCoefficients, OctreeReport)> {
    let peak = vdf.peak();
    let factor = normalising_factor(peak);
    let values: Vec<f64> = vdf.as_slice().iter().map(|f| f * factor).collect();
    let shape = vdf.grid().shape();
    let cells = values.len() as f64;
    let total: f64 = values.iter().map(|f| f * f).sum();
    let peak = peak * factor;
    if total == 0.0 {
        return finish(octree, vdf, Grown::Leaf(Model::Empty, Fitted::nothing()), factor, peak, Work::default());
    }

    let rms = (total / cells).sqrt();
    let (floor, threshold) = match octree.target {
        OctreeTarget::L2(l2) => {
            let l2 = l2.max(LEAST_ERROR);
            (l2 * rms, Threshold { look_below: 0.01 * l2 * l2 * total / cells, keep_below: f64::INFINITY })
        }
        OctreeTarget::Linf(linf) => {
            let linf = linf.max(LEAST_ERROR) * peak;
            (0.5 * linf, Threshold { look_below: 0.0, keep_below: linf * linf })
        }
        OctreeTarget::Coefficients(_) => (0.03 * rms, Threshold { look_below: 0.0, keep_below: f64::INFINITY }),
    };
    let tolerance = match octree.target {
        OctreeTarget::Linf(linf) => linf.max(LEAST_ERROR) * peak,
        _ => f64::INFINITY,
    };
    let fitter = Fitter {
        values: &values,
        shape,
        total,
        floor: floor.max(1e-140),
        ceiling: (2.0 * peak).ln(),
        tolerance,
        threads: octree.threads.0,
    };
    let negative = values.iter().any(|f| *f < -fitter.floor);
    let axes = shape.map(|n| Intervals::new(n, octree.align, octree.smallest));
    let choices = choices(octree, negative);
    let mut survey = Survey::new(&values, total, axes, choices, threshold, fitter.floor, octree.threads.0);
    let mut work = Work { boxes: survey.boxes(), ..Work::default() };
    let mut search =
        Search { fitter: &fitter, survey: &mut survey, splitting: octree.splitting, fitted: BTreeMap::new() };
    let goal = |share: f64| match octree.target {
        OctreeTarget::L2(l2) => Goal::Error(l2.max(LEAST_ERROR).powi(2) * share),
        OctreeTarget::Linf(linf) => Goal::Price(PRICE * (linf.max(LEAST_ERROR) * peak).powi(2) / total),
        // The ceiling of exponentials is a coefficient too.
        OctreeTarget::Coefficients(count) => Goal::Coefficients(count - usize::from(choices.log.is_some())),
    };
    let mut grown = search.run(goal(1.0 - 1e-6), &mut work);
    if octree.moves_cuts {
        grown = cuts::improve(&fitter, octree, shape, grown, &mut work);
        if let OctreeTarget::L2(l2) = octree.target {
            // Moved cuts leave less error than was asked for: plan for as much more.
            let allowed = l2.max(LEAST_ERROR).powi(2) * (1.0 - 1e-6);
            let mut share = 1.0 - 1e-6;
            for _ in 0..REPLANS {
                let left = grown.error() / total;
                share *= allowed / left.max(0.25 * allowed);
                let other = search.run(goal(share), &mut work);
                let other = cuts::improve(&fitter, octree, shape, other, &mut work);
                if other.error() / total > allowed || other.numbers() >= grown.numbers() {
                    break;
                }
                grown = other;
            }
        }
    }
    finish(octree, vdf, grown, factor, peak, work)
}

/// Times that a tree with moved cuts is planned again.
const REPLANS: usize = 3;
/// What a coefficient must save in squared error where the largest error counts, over the square of that.
const PRICE: f64 = 2.0;

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

/// What it took.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Work {
    boxes: usize,
    rounds: usize,
    pub fits: usize,
    pub steps: usize,
    pub moved_cuts: usize,
}

struct Search<'a, 'b> {
    fitter: &'b Fitter<'a>,
    survey: &'b mut Survey,
    splitting: Splitting,
    fitted: BTreeMap<(BoxIndex, Model), Fitted>,
}

impl Search<'_, '_> {
    /// The best tree for a goal among those whose leaves have been fitted.
    fn run(&mut self, goal: Goal, work: &mut Work) -> Grown {
        let mut price = goal.first_price();
        for round in 0.. {
            let plan = Plan::search(self.survey, self.splitting, goal, price);
            price = plan.price;
            let open: Vec<_> = plan.leaves().into_iter().filter(|leaf| !self.fitted.contains_key(leaf)).collect();
            if open.is_empty() {
                return self.grown(&plan.root);
            }
            work.rounds += 1;
            self.fit_all(&open, work);
            if round == ROUNDS || round == LAST_ROUNDS {
                let (survey, fitted) = (&mut *self.survey, &self.fitted);
                let last = round == LAST_ROUNDS;
                survey.retain(|index, model| {
                    matches!(model, Model::Linear(_) | Model::Empty) && !last || fitted.contains_key(&(index, model))
                });
            }
        }
        Grown::Leaf(Model::Empty, Fitted::nothing())
    }

    /// Fits leaves, and exponentials of one degree more where the highest one tried so far is used.
    fn fit_all(&mut self, open: &[(BoxIndex, Model)], work: &mut Work) {
        let survey = &*self.survey;
        let mut wanted = Vec::with_capacity(open.len());
        for &(index, model) in open {
            wanted.push((index, model));
            if let Model::Log(degree) = model
                && survey.is_unsurveyed(Model::Log(degree + 1))
            {
                wanted.push((index, Model::Log(degree + 1)));
            }
        }
        let leaf = |(index, model): (BoxIndex, Model)| self.fitter.leaf(survey.extent(index), model);
        let leaves = in_parallel(self.fitter.threads, &wanted, leaf);
        for ((index, model), leaf) in wanted.into_iter().zip(leaves) {
            work.fits += usize::from(matches!(model, Model::Log(_)));
            let error = match leaf {
                Some(leaf) => {
                    work.steps += leaf.steps;
                    let error = if leaf.largest <= self.fitter.tolerance { leaf.error } else { f64::INFINITY };
                    self.fitted.insert((index, model), leaf);
                    error
                }
                None => f64::INFINITY,
            };
            self.survey.set_error(index, model, error / self.fitter.total);
        }
    }

    fn grown(&mut self, node: &Node) -> Grown {
        match node {
            Node::Leaf(index, model) => {
                let leaf = self.fitted.get(&(*index, *model)).cloned();
                leaf.map_or(Grown::Leaf(Model::Empty, Fitted::nothing()), |leaf| Grown::Leaf(*model, leaf))
            }
            Node::Split(index, nodes) => {
                let cuts = self.survey.cuts(*index, nodes.len(), nodes.first().map(Node::index));
                Grown::Split(cuts, nodes.iter().map(|node| self.grown(node)).collect())
            }
        }
    }
}

/// `work` on every item, in their order, on so many threads.
fn in_parallel<T: Copy + Sync, R: Send>(threads: usize, items: &[T], work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = threads.min(items.len());
    if threads <= 1 {
        return items.iter().map(|&item| work(item)).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let run = |first: usize| items.iter().skip(first).step_by(threads).map(|&item| work(item)).collect::<Vec<R>>();
        let others: Vec<_> = (1..threads).map(|first| scope.spawn(move || run(first))).collect();
        let mut results = vec![run(0).into_iter()];
        for (first, other) in (1..).zip(others) {
            // A thread that panicked has said so; what it left is done here.
            results.push(other.join().unwrap_or_else(|_| run(first)).into_iter());
        }
        (0..items.len()).filter_map(|item| results[item % threads].next()).collect()
    })
}

impl Fitted {
    pub fn nothing() -> Self {
        Self { numbers: Vec::new(), error: 0.0, largest: 0.0, steps: 0 }
    }
}

impl Fitter<'_> {
    /// The best leaf of a model in a box; none where there is none.
    pub fn leaf(&self, extent: Extent, model: Model) -> Option<Fitted> {
        let block = gathered(self.values, self.shape, extent);
        let shape = extent.map(|interval: Interval| interval.len);
        let (numbers, values, steps) = match model {
            Model::Empty => (Vec::new(), vec![0.0; block.len()], 0),
            Model::Cells => return Some(Fitted { numbers: block, ..Fitted::nothing() }),
            Model::Linear(degree) => {
                let (numbers, values) = linear::fit(&block, shape, degree);
                (numbers, values, 0)
            }
            Model::Log(degree) => {
                let fit = logarithmic::fit(&block, shape, degree, self.floor, self.ceiling)?;
                (fit.coefficients, fit.values, fit.report.iterations)
            }
        };
        let mut fitted = Fitted { numbers, steps, ..Fitted::nothing() };
        for (f, g) in block.iter().zip(values) {
            fitted.error += (f - g).powi(2);
            fitted.largest = fitted.largest.max((f - g).abs());
        }
        Some(fitted)
    }
}

impl Grown {
    fn each_leaf(&self, visit: &mut dyn FnMut(Model, &Fitted)) {
        match self {
            Self::Leaf(model, fitted) => visit(*model, fitted),
            Self::Split(_, parts) => parts.iter().for_each(|part| part.each_leaf(visit)),
        }
    }

    fn error(&self) -> f64 {
        let mut error = 0.0;
        self.each_leaf(&mut |_, leaf| error += leaf.error);
        error
    }

    fn numbers(&self) -> usize {
        let mut numbers = 0;
        self.each_leaf(&mut |_, leaf| numbers += leaf.numbers.len());
        numbers
    }

    fn branch(&self) -> Branch {
        match self {
            Self::Leaf(model, _) => Branch::Leaf(*model),
            Self::Split(cuts, parts) => Branch::Split(*cuts, parts.iter().map(Self::branch).collect()),
        }
    }
}

/// Coefficients and report in the units of the distribution.
fn finish(
    octree: &Octree,
    vdf: &Vdf,
    grown: Grown,
    factor: f64,
    peak: f64,
    work: Work,
) -> Result<(OctreeCoefficients, OctreeReport)> {
    let tree = Tree { shape: vdf.grid().shape(), unit: octree.align, root: grown.branch() };
    let (mut numbers, mut error, mut largest) = (Vec::with_capacity(grown.numbers()), 0.0, 0.0_f64);
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
    let total: f64 = vdf.as_slice().iter().map(|f| (f * factor).powi(2)).sum();
    let report = OctreeReport {
        l2: if total > 0.0 { (error / total).sqrt() } else { 0.0 },
        linf: if peak > 0.0 { largest / peak } else { 0.0 },
        leaves,
        exponentials,
        cell_leaves,
        empty,
        tree_bits: tree.to_bits().1,
        boxes: work.boxes,
        rounds: work.rounds,
        fits: work.fits,
        steps: work.steps,
        moved_cuts: work.moved_cuts,
    };
    let ceiling = if exponentials > 0 { (ceiling / factor).min(f64::MAX) } else { 0.0 };
    Ok((OctreeCoefficients::from_parts(*vdf.grid(), tree, ceiling, numbers)?, report))
}
