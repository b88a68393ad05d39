//! Trees between two neighbours in price, of which one meets a goal by a margin and the other misses it.

use super::super::survey::BoxIndex;
use super::solver::Solver;
use super::{Goal, Node, Plan};

impl Solver<'_> {
    /// A tree between two neighbours in price: where they differ, those parts of the second that save most coefficients for
    /// the error they add, as long as the goal is met.
    pub fn between(&self, low: &Plan, high: &Plan, goal: Goal) -> Plan {
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

    /// The boxes in which two trees begin to differ, each with the second tree's additional error and saved coefficients.
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
}

/// True if two boxes are cut alike.
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
