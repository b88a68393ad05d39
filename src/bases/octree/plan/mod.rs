//! The best tree over the dyadic boxes for a price per coefficient, and the price that meets a target.
//!
//! A tree costs Σ over its leaves of (squared error + λ · coefficients). The best cost of a box is that of its best
//! leaf, or the sum of the best costs of its parts, whichever is less: one pass from the smallest boxes up finds the
//! best of all trees (Breiman et al. 1984, Classification and Regression Trees; Donoho 1997, Ann. Stat. 25, 1870, for
//! cuts along one axis at a time; Chou, Lookabaugh and Gray 1989, IEEE Trans. Inf. Theory 35, 299, for the price). No
//! other tree of dyadic boxes has less error with as many coefficients.

mod between;
mod solver;

use super::model::Model;
use super::survey::{BoxIndex, Survey};

use solver::Solver;

/// Range of the price λ of one coefficient, in units of the sum of squares: at 2 an empty tree is best, and 1e-36 is
/// nothing beside the smallest squared error that is asked for, 1e-30.
const CHEAPEST: f64 = 1e-36;
const DEAREST: f64 = 2.0;
/// Relative difference of two prices below which the search ends.
const FINEST: f64 = 1e-3;
/// Fraction of the allowed squared error at which the search ends.
const NEAR: f64 = 0.995;
/// Most prices tried.
const MOST_PRICES: usize = 60;

/// The axes along which a box is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Splitting {
    /// In two along the axis where that is best (a k-d tree).
    #[default]
    Axis,
    /// In eight, along all axes that are long enough: the octree proper.
    Octants,
}

/// The condition that a tree must meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    /// At most this squared error, over the whole sum of squares.
    Error(f64),
    /// At most so many coefficients.
    Coefficients(usize),
    /// The least cost at this price.
    Price(f64),
}

impl Goal {
    /// A price to begin with.
    pub fn first_price(self) -> f64 {
        match self {
            Self::Error(error) => error / 2000.0,
            Self::Coefficients(count) => 1e-2 / (count.max(1) as f64).powi(2),
            Self::Price(price) => price,
        }
    }

    fn is_met(self, plan: &Plan) -> bool {
        match self {
            Self::Error(error) => plan.error <= error,
            Self::Coefficients(count) => plan.coefficients <= count,
            Self::Price(_) => true,
        }
    }

    /// True if the price sought is at most this plan's: with a growing price the error grows and the coefficients get fewer.
    fn dear_enough(self, plan: &Plan) -> bool {
        match self {
            Self::Error(_) => !self.is_met(plan),
            Self::Coefficients(_) | Self::Price(_) => self.is_met(plan),
        }
    }

    /// Estimated ratio of the price sought to that of a plan: errors are about proportional to the price, numbers of
    /// coefficients to the inverse of its root.
    fn ratio(self, plan: &Plan) -> f64 {
        match self {
            Self::Error(error) => error / plan.error.max(1e-3 * error).max(f64::MIN_POSITIVE),
            Self::Coefficients(count) => (plan.coefficients.max(1) as f64 / count.max(1) as f64).powi(2),
            Self::Price(_) => 1.0,
        }
    }

    /// True if no price between those of two plans can improve on them noticeably.
    fn nearly_met(self, low: &Plan, high: &Plan) -> bool {
        match self {
            Self::Error(error) => low.error > NEAR * error,
            Self::Coefficients(count) => high.coefficients == count,
            Self::Price(_) => true,
        }
    }

    /// The price at which the error, or the count, meets the goal if it is a power of the price between two plans; kept off
    /// both ends.
    fn price_between(self, low: &Plan, high: &Plan) -> f64 {
        let measure = |plan: &Plan| match self {
            Self::Error(error) => (plan.error.max(1e-12 * error) / error).ln(),
            Self::Coefficients(count) => (count.max(1) as f64 / plan.coefficients.max(1) as f64).ln(),
            Self::Price(_) => 0.0,
        };
        let (below, above) = (measure(low), measure(high));
        let share = if above > below { -below / (above - below) } else { 0.5 };
        let share = if share.is_finite() { share.clamp(0.1, 0.9) } else { 0.5 };
        low.price * (high.price / low.price).powf(share)
    }
}

/// A tree of boxes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A box cut along one axis or several, and its parts in C order.
    Split(BoxIndex, Vec<Node>),
    Leaf(BoxIndex, Model),
}

impl Node {
    /// The box that it is about.
    pub fn index(&self) -> BoxIndex {
        match self {
            Self::Split(index, _) | Self::Leaf(index, _) => *index,
        }
    }

    fn collect(&self, leaves: &mut Vec<(BoxIndex, Model)>) {
        match self {
            Self::Split(_, parts) => parts.iter().for_each(|part| part.collect(leaves)),
            Self::Leaf(index, model) => leaves.push((*index, *model)),
        }
    }
}

/// The best tree for one price.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub price: f64,
    pub root: Node,
    /// Sum over the leaves, over the whole sum of squares.
    pub error: f64,
    pub coefficients: usize,
}

impl Plan {
    pub fn leaves(&self) -> Vec<(BoxIndex, Model)> {
        let mut leaves = Vec::new();
        self.root.collect(&mut leaves);
        leaves
    }

    /// The tree with the fewest coefficients, or the least error, that meets a goal; `begin` is a price near which to
    /// begin.
    pub fn search(survey: &Survey, splitting: Splitting, goal: Goal, begin: f64) -> Self {
        let mut solver = Solver::new(survey, splitting);
        if let Goal::Price(price) = goal {
            return solver.plan(price);
        }
        let (mut low, mut high): (Option<Self>, Option<Self>) = (None, None);
        let mut price = begin.clamp(CHEAPEST, DEAREST);
        for _ in 0..MOST_PRICES {
            let plan = solver.plan(price);
            let ratio = goal.ratio(&plan);
            if goal.dear_enough(&plan) {
                high = Some(plan)
            } else {
                low = Some(plan)
            }
            price = match (&low, &high) {
                (Some(low), Some(high)) => {
                    if goal.nearly_met(low, high)
                        || low.coefficients == high.coefficients
                        || high.price < low.price * (1.0 + FINEST)
                    {
                        break;
                    }
                    goal.price_between(low, high)
                }
                (Some(low), None) if low.price >= DEAREST => break,
                (None, Some(high)) if high.price <= CHEAPEST => break,
                (Some(low), None) => (low.price * ratio.clamp(1.3, 1e3)).min(DEAREST),
                (None, Some(high)) => (high.price * ratio.clamp(1e-3, 0.75)).max(CHEAPEST),
                (None, None) => break,
            };
        }
        if let (Some(low), Some(high)) = (&low, &high) {
            return solver.between(low, high, goal);
        }
        let met = match goal {
            Goal::Error(_) => low.or(high),
            Goal::Coefficients(_) | Goal::Price(_) => high.or(low),
        };
        met.unwrap_or_else(|| solver.plan(CHEAPEST))
    }
}
