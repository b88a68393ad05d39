//! The best tree for a price: one pass from the smallest boxes up.

use super::super::model::Model;
use super::super::survey::{BoxIndex, CLIP, Survey};
use super::{Node, Plan, Splitting};
use crate::numerics::lanes::{Instructions, Vectorisable, vectorised};

/// Finds the best tree for any price.
pub(super) struct Solver<'a> {
    pub survey: &'a Survey,
    splitting: Splitting,
    /// The best cost of every box.
    best: Vec<f64>,
    strides: [usize; 2],
}

/// The best choice for a box.
#[derive(Clone, Copy)]
enum Choice {
    Leaf(usize),
    Cells,
    Split(usize),
    Octants,
}

/// Costs that differ by less than this factor count as equal, and the first choice stays: rounding must not decide between
/// a leaf and a cut, or between two axes.
const BETTER: f64 = 1.0 - 1e-9;

impl<'a> Solver<'a> {
    pub fn new(survey: &'a Survey, splitting: Splitting) -> Self {
        let [x, y, z] = [0, 1, 2].map(|axis| survey.axes[axis].len());
        Self { survey, splitting, best: vec![0.0; x * y * z], strides: [y * z, z] }
    }

    /// The best tree for a price.
    pub fn plan(&mut self, price: f64) -> Plan {
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
    pub fn position(&self, [i, j, k]: BoxIndex) -> usize {
        i * self.strides[0] + j * self.strides[1] + k
    }

    /// The best cost of a box, those of its parts being known, and what costs that.
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

    /// Visits the parts of a box that is cut along all axes that can be.
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

    /// The tree whose cost is best, and what its leaves sum up to.
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
