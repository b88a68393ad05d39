//! Leaves fitted to their boxes, and trees of them.

use super::intervals::Interval;
use super::model::Model;
use super::tree::{Branch, Extent};
use super::{linear, logarithmic};

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

/// The work that a search has done.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Work {
    pub boxes: usize,
    pub rounds: usize,
    pub fits: usize,
    pub steps: usize,
    pub moved_cuts: usize,
}

/// A tree with its leaves fitted.
pub(super) enum Grown {
    Leaf(Model, Fitted),
    Split([Option<usize>; 3], Vec<Grown>),
}

/// Fits the leaves of a distribution whose largest value is between 1 and 2.
pub(super) struct Fitter<'a> {
    pub values: &'a [f64],
    pub shape: [usize; 3],
    /// Σ f².
    pub total: f64,
    /// Below this, logarithms do not matter.
    pub floor: f64,
    /// Logarithm of the largest value that an exponential may take.
    pub ceiling: f64,
    /// Largest error that a cell may have.
    pub tolerance: f64,
    pub threads: usize,
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
    pub fn each_leaf(&self, visit: &mut dyn FnMut(Model, &Fitted)) {
        match self {
            Self::Leaf(model, fitted) => visit(*model, fitted),
            Self::Split(_, parts) => parts.iter().for_each(|part| part.each_leaf(visit)),
        }
    }

    /// The squared errors of all leaves, added.
    pub fn error(&self) -> f64 {
        let mut error = 0.0;
        self.each_leaf(&mut |_, leaf| error += leaf.error);
        error
    }

    /// The number of real numbers that all leaves hold together: what the tree costs.
    pub fn count_numbers(&self) -> usize {
        let mut numbers = 0;
        self.each_leaf(&mut |_, leaf| numbers += leaf.numbers.len());
        numbers
    }

    pub fn branch(&self) -> Branch {
        match self {
            Self::Leaf(model, _) => Branch::Leaf(*model),
            Self::Split(cuts, parts) => Branch::Split(*cuts, parts.iter().map(Self::branch).collect()),
        }
    }
}
