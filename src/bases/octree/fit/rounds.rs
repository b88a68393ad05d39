//! Rounds of planning and fitting, until a plan holds only leaves that are fitted.

use std::collections::BTreeMap;
use std::thread;

use super::super::leaves::{Fitted, Fitter, Grown, Work};
use super::super::model::Model;
use super::super::plan::{Goal, Node, Plan, Splitting};
use super::super::survey::{BoxIndex, Survey};

/// Rounds in which plans may ask for leaves that are not fitted yet. From then on exponentials must be among those
/// fitted; after the last rounds polynomials too, so that the search ends.
const ROUNDS: usize = 12;
const LAST_ROUNDS: usize = 40;

/// Fits the leaves that plans ask for, each once, and tells the survey what they cost.
pub(super) struct Search<'a, 'b> {
    fitter: &'b Fitter<'a>,
    survey: &'b mut Survey,
    splitting: Splitting,
    fitted: BTreeMap<(BoxIndex, Model), Fitted>,
}

impl<'a, 'b> Search<'a, 'b> {
    pub fn new(fitter: &'b Fitter<'a>, survey: &'b mut Survey, splitting: Splitting) -> Self {
        Self { fitter, survey, splitting, fitted: BTreeMap::new() }
    }

    /// The best tree for a goal among those whose leaves have been fitted.
    pub fn run(&mut self, goal: Goal, work: &mut Work) -> Grown {
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

    fn grown(&self, node: &Node) -> Grown {
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
