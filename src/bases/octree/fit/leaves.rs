//! Leaves fitted to their boxes, and trees of them.

use super::super::intervals::Interval;
use super::super::model::Model;
use super::super::tree::{Branch, Extent};
use super::super::{linear, logarithmic};

/// The numbers of one leaf.
#[derive(Debug, Clone)]
pub(in crate::bases::octree) struct Fitted {
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
pub(in crate::bases::octree) enum Grown {
    Leaf(Model, Fitted),
    Split([Option<usize>; 3], Vec<Grown>),
}

/// Fits the leaves of a distribution whose largest value is between 1 and 2.
pub(in crate::bases::octree) struct Fitter<'a> {
    pub(super) values: &'a [f64],
    pub(super) shape: [usize; 3],
    /// Σ f².
    pub(super) total: f64,
    /// Below this, logarithms do not matter.
    pub(super) floor: f64,
    /// Logarithm of the largest value that an exponential may take.
    pub(super) ceiling: f64,
    /// Largest error that a cell may have.
    pub tolerance: f64,
    pub(super) threads: usize,
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
    pub(super) fn each_leaf(&self, visit: &mut dyn FnMut(Model, &Fitted)) {
        match self {
            Self::Leaf(model, fitted) => visit(*model, fitted),
            Self::Split(_, parts) => parts.iter().for_each(|part| part.each_leaf(visit)),
        }
    }

    pub(super) fn error(&self) -> f64 {
        let mut error = 0.0;
        self.each_leaf(&mut |_, leaf| error += leaf.error);
        error
    }

    pub(super) fn numbers(&self) -> usize {
        let mut numbers = 0;
        self.each_leaf(&mut |_, leaf| numbers += leaf.numbers.len());
        numbers
    }

    pub(super) fn branch(&self) -> Branch {
        match self {
            Self::Leaf(model, _) => Branch::Leaf(*model),
            Self::Split(cuts, parts) => Branch::Split(*cuts, parts.iter().map(Self::branch).collect()),
        }
    }
}
