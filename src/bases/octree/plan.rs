//! The best tree over the dyadic boxes for a price per coefficient, and the price that meets a target.
//!
//! A tree costs Σ over its leaves of (squared error + λ · coefficients). The best cost of a box is that of its best
//! leaf, or the sum of the best costs of its parts, whichever is less: one pass from the smallest boxes up finds the
//! best of all trees (Breiman et al. 1984, Classification and Regression Trees; Donoho 1997, Ann. Stat. 25, 1870, for
//! cuts along one axis at a time; Chou, Lookabaugh and Gray 1989, IEEE Trans. Inf. Theory 35, 299, for the price). No
//! other tree of dyadic boxes has less error with as many coefficients.

use super::model::Model;
use super::survey::{BoxIndex, CLIP, Survey};
use crate::numerics::lanes::{Instructions, Vectorisable, vectorised};

/// How boxes are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Splitting {
    /// In two along the axis where that is best (a k-d tree).
    #[default]
    Axis,
    /// In eight, along all axes that are long enough: the octree proper.
    Octants,
}

/// What a tree has to meet.
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
}

/// A tree of boxes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A box cut along one axis or several, and its parts in C order.
    Split(BoxIndex, Vec<Node>),
    Leaf(BoxIndex, Model),
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

    /// The best tree for a goal: the tree with the fewest coefficients, or the least error, that meets a goal, near a price where to begin.
    pub fn search(survey: &Survey, splitting: Splitting, goal: Goal, begin: f64) -> Self {
        let meets = |plan: &Self| match goal {
            Goal::Error(error) => plan.error <= error,
            Goal::Coefficients(count) => plan.coefficients <= count,
            Goal::Price(_) => true,
        };
        // With a growing price the error grows and the coefficients get fewer.
        let dear_enough = |plan: &Self| match goal {
            Goal::Error(_) => !meets(plan),
            Goal::Coefficients(_) | Goal::Price(_) => meets(plan),
        };
        let mut solver = Solver::new(survey, splitting);
        if let Goal::Price(price) = goal {
            return solver.plan(price);
        }
        let (mut low, mut high): (Option<Self>, Option<Self>) = (None, None);
        let mut price = begin.clamp(CHEAPEST, DEAREST);
        for _ in 0..MOST_PRICES {
            let plan = solver.plan(price);
            let ratio = match goal {
                Goal::Error(error) => error / plan.error.max(1e-3 * error).max(f64::MIN_POSITIVE),
                Goal::Coefficients(count) => (plan.coefficients.max(1) as f64 / count.max(1) as f64).powi(2),
                Goal::Price(_) => 1.0,
            };
            if dear_enough(&plan) {
                high = Some(plan)
            } else {
                low = Some(plan)
            }
            price = match (&low, &high) {
                (Some(low), Some(high)) => {
                    let near = match goal {
                        Goal::Error(error) => low.error > NEAR * error,
                        Goal::Coefficients(count) => high.coefficients == count,
                        Goal::Price(_) => true,
                    };
                    if near || low.coefficients == high.coefficients || high.price < low.price * (1.0 + FINEST) {
                        break;
                    }
                    // Where the error, or the count, as a power of the price meets the goal; kept off the ends.
                    let measure = |plan: &Self| match goal {
                        Goal::Error(error) => (plan.error.max(1e-12 * error) / error).ln(),
                        Goal::Coefficients(count) => (count.max(1) as f64 / plan.coefficients.max(1) as f64).ln(),
                        Goal::Price(_) => 0.0,
                    };
                    let (below, above) = (measure(low), measure(high));
                    let share = if above > below { -below / (above - below) } else { 0.5 };
                    let share = if share.is_finite() { share.clamp(0.1, 0.9) } else { 0.5 };
                    low.price * (high.price / low.price).powf(share)
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

/// Prices, in shares of the sum of squares for one coefficient.
const CHEAPEST: f64 = 1e-36;
const DEAREST: f64 = 2.0;
/// Prices that differ by less are the same.
const FINEST: f64 = 1e-3;
/// A squared error that is this share of what is allowed is near enough.
const NEAR: f64 = 0.995;
const MOST_PRICES: usize = 60;

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

/// Whether two boxes are cut alike.
fn alike(a: &[Node], b: &[Node]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.index() == b.index())
}

/// The first tree with the parts of the second at some boxes.
fn mixed(low: &Node, high: &Node, taken: &[BoxIndex]) -> Node {
    match (low, high) {
        (Node::Split(index, a), Node::Split(_, b)) if alike(a, b) => {
            Node::Split(*index, a.iter().zip(b).map(|(a, b)| mixed(a, b, taken)).collect())
        }
        _ if taken.contains(&low.index()) => high.clone(),
        _ => low.clone(),
    }
}

struct Solver<'a> {
    survey: &'a Survey,
    splitting: Splitting,
    /// The best cost of every box.
    best: Vec<f64>,
    strides: [usize; 2],
}

/// What is best for a box.
#[derive(Clone, Copy)]
enum Choice {
    Leaf(usize),
    Cells,
    Split(usize),
    Octants,
}

/// By how much a cut must be better than a leaf, or one axis than another: what is equal but for rounding must not be
/// decided by it.
const BETTER: f64 = 1.0 - 1e-9;

impl<'a> Solver<'a> {
    fn new(survey: &'a Survey, splitting: Splitting) -> Self {
        let [x, y, z] = [0, 1, 2].map(|axis| survey.axes[axis].len());
        Self { survey, splitting, best: vec![0.0; x * y * z], strides: [y * z, z] }
    }

    fn plan(&mut self, price: f64) -> Plan {
        match self.splitting {
            Splitting::Axis => vectorised(Pass { solver: self, price }),
            Splitting::Octants => {
                let [x, y, z] = [0, 1, 2].map(|axis| self.survey.axes[axis].len());
                // Parts have larger numbers than the whole.
                for position in (0..x * y * z).rev() {
                    self.best[position] = self.choose([position / (y * z), position / z % y, position % z], price).0;
                }
            }
        }
        let mut plan = Plan { price, root: Node::Leaf([0; 3], Model::Empty), error: 0.0, coefficients: 0 };
        plan.root = self.grow([0; 3], price, &mut plan.error, &mut plan.coefficients);
        plan
    }

    #[inline(always)]
    fn position(&self, [i, j, k]: BoxIndex) -> usize {
        i * self.strides[0] + j * self.strides[1] + k
    }

    #[inline(always)]
    fn choose(&self, index: BoxIndex, price: f64) -> (f64, Choice) {
        let errors = self.survey.errors(self.position(index));
        let (mut cost, mut choice) = (f64::from(errors[0]), Choice::Leaf(0));
        if cost <= price {
            // Neither a coefficient nor a cut can pay.
            return (cost, choice);
        }
        let shape = self.survey.shape(index);
        let counts = self.survey.counts(shape);
        for (column, (&error, &count)) in errors.iter().zip(counts).enumerate().skip(1) {
            let other = f64::from(error) + price * f64::from(count);
            if other < cost * BETTER {
                (cost, choice) = (other, Choice::Leaf(column));
            }
        }
        let cells = shape.iter().product::<usize>() as f64 * price;
        if cells < cost * BETTER {
            (cost, choice) = (cells, Choice::Cells);
        }
        match self.splitting {
            Splitting::Axis => {
                for axis in 0..3 {
                    if let Some(halves) = self.survey.axes[axis].halves(index[axis]) {
                        let other = halves.into_iter().map(|half| self.best[self.position(with(index, axis, half))]);
                        let other = other.sum::<f64>();
                        if other < cost * BETTER {
                            (cost, choice) = (other, Choice::Split(axis));
                        }
                    }
                }
            }
            Splitting::Octants => {
                let mut other = 0.0;
                let mut parts = 0;
                self.octants(index, |part| {
                    other += self.best[self.position(part)];
                    parts += 1;
                });
                if parts > 1 && other < cost * BETTER {
                    (cost, choice) = (other, Choice::Octants);
                }
            }
        }
        (cost, choice)
    }

    #[inline(always)]
    fn octants(&self, [i, j, k]: BoxIndex, mut visit: impl FnMut(BoxIndex)) {
        let halves = |axis: usize, number: usize| match self.survey.axes[axis].halves(number) {
            Some([a, b]) => (a, b),
            None => (number, number),
        };
        let (x, y, z) = (halves(0, i), halves(1, j), halves(2, k));
        for i in x.0..=x.1 {
            for j in y.0..=y.1 {
                for k in z.0..=z.1 {
                    visit([i, j, k]);
                }
            }
        }
    }

    /// A tree between two neighbours in price: where they differ, the parts of the dearer one that save most for the
    /// error they add, as long as the goal is met.
    fn between(&self, low: &Plan, high: &Plan, goal: Goal) -> Plan {
        let mut differences = Vec::new();
        self.compare(&low.root, &high.root, &mut differences);
        // By the leading digits only: of parts that are mirror images, rounding must not choose.
        differences.sort_by_key(|(_, (error, count))| (error / (*count as f64)).max(0.0).to_bits() >> 36);
        let (mut error, mut coefficients) = (low.error, low.coefficients as i64);
        let mut taken = Vec::new();
        for (index, (more, fewer)) in differences {
            let fits = match goal {
                Goal::Error(most) => error + more <= most,
                Goal::Coefficients(most) => coefficients > most as i64,
                Goal::Price(_) => false,
            };
            if fits && fewer > 0 {
                error += more;
                coefficients -= fewer;
                taken.push(index);
            }
        }
        let root = mixed(&low.root, &high.root, &taken);
        let (error, coefficients) = self.sums(&root);
        Plan { price: low.price, root, error, coefficients }
    }

    /// Where two trees begin to differ: the box, how much more error the second has and how many coefficients fewer.
    fn compare(&self, low: &Node, high: &Node, differences: &mut Vec<(BoxIndex, (f64, i64))>) {
        match (low, high) {
            (Node::Split(_, a), Node::Split(_, b)) if alike(a, b) => {
                a.iter().zip(b).for_each(|(a, b)| self.compare(a, b, differences));
            }
            _ if low == high => {}
            _ => {
                let (a, b) = (self.sums(low), self.sums(high));
                differences.push((low.index(), (b.0 - a.0, a.1 as i64 - b.1 as i64)));
            }
        }
    }

    /// Error and coefficients of a part of a tree.
    fn sums(&self, node: &Node) -> (f64, usize) {
        let mut leaves = Vec::new();
        node.collect(&mut leaves);
        let (mut error, mut coefficients) = (0.0, 0);
        for (index, model) in leaves {
            let shape = self.survey.shape(index);
            match self.survey.models.iter().position(|other| *other == model) {
                Some(column) => {
                    error += f64::from(self.survey.errors(self.position(index))[column]);
                    coefficients += self.survey.counts(shape)[column] as usize;
                }
                None => coefficients += shape.iter().product::<usize>(),
            }
        }
        (error, coefficients)
    }

    fn grow(&self, index: BoxIndex, price: f64, error: &mut f64, coefficients: &mut usize) -> Node {
        match self.choose(index, price).1 {
            Choice::Leaf(column) => {
                *error += f64::from(self.survey.errors(self.position(index))[column]);
                *coefficients += self.survey.counts(self.survey.shape(index))[column] as usize;
                Node::Leaf(index, self.survey.models[column])
            }
            Choice::Cells => {
                *coefficients += self.survey.shape(index).iter().product::<usize>();
                Node::Leaf(index, Model::Cells)
            }
            Choice::Split(axis) => {
                let halves = self.survey.axes[axis].halves(index[axis]).unwrap_or_default();
                let parts = halves.map(|half| self.grow(with(index, axis, half), price, error, coefficients));
                Node::Split(index, parts.into())
            }
            Choice::Octants => {
                let mut parts = Vec::with_capacity(8);
                self.octants(index, |part| parts.push(self.grow(part, price, error, coefficients)));
                Node::Split(index, parts)
            }
        }
    }
}

/// The best costs of all boxes cut along single axes: what [`Solver::choose`] finds, a row at a time.
struct Pass<'a, 'b> {
    solver: &'a mut Solver<'b>,
    price: f64,
}

impl Vectorisable for Pass<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { solver, price } = self;
        let survey = solver.survey;
        let [x, y, z] = &survey.axes;
        let models = survey.models.len();
        let (plane, row) = (solver.strides[0], solver.strides[1]);
        for i in (0..x.len()).rev() {
            for j in (0..y.len()).rev() {
                let (errors, counts) = survey.row(i, j);
                let prices: Vec<f64> = counts.iter().map(|&count| price * f64::from(count)).collect();
                let area = (x.all[i].len * y.all[j].len) as f64 * price;
                let start = i * plane + j * row;
                // Parts have larger numbers than the whole: they are behind it.
                let (_, rest) = solver.best.split_at_mut(start);
                let (costs, others) = rest.split_at_mut(row);
                let part = |axis_halves: Option<[usize; 2]>, stride: usize, offset: usize| {
                    axis_halves.map(|halves| {
                        halves.map(|half| {
                            let from = half * stride + offset - start - row;
                            from..from + row
                        })
                    })
                };
                let along_x = part(x.halves(i), plane, j * row).map(|halves| halves.map(|half| &others[half]));
                let along_y = part(y.halves(j), row, i * plane).map(|halves| halves.map(|half| &others[half]));
                for k in (0..row).rev() {
                    let errors = &errors[k * models..(k + 1) * models];
                    let mut cost = f64::from(errors[0]);
                    if cost > price {
                        let len = z.all[k].len;
                        let prices = &prices[len.min(CLIP - 1) * models..][..models];
                        for (error, price) in errors.iter().zip(prices).skip(1) {
                            cost = cost.min(f64::from(*error) + price);
                        }
                        cost = cost.min(area * len as f64);
                        for halves in [along_x, along_y].into_iter().flatten() {
                            cost = cost.min(halves[0][k] + halves[1][k]);
                        }
                        if let Some([a, b]) = z.halves(k) {
                            cost = cost.min(costs[a] + costs[b]);
                        }
                    }
                    costs[k] = cost;
                }
            }
        }
    }
}

fn with(mut index: BoxIndex, axis: usize, number: usize) -> BoxIndex {
    index[axis] = number;
    index
}
