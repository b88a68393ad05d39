//! The squared error of every dyadic box under every model.
//!
//! Polynomials: the exact squared error Σ f² − Σ c², from the coefficients of all boxes at once. Their exponentials: an
//! estimate, the squared error of the weighted fit of the logarithm, Σ w (ln f − p)² with w = f²; to first order
//! f − eᵖ = f (ln f − p).

mod filling;
mod logarithms;

use std::thread;

use super::intervals::{Interval, Intervals};
use super::model::Model;
use super::polynomials::MAX_DEGREE;
use crate::numerics::lanes::vectorised;

use filling::{Families, Filling};
use logarithms::LogFields;

/// One interval of each axis, by their numbers.
pub(super) type BoxIndex = [usize; 3];

/// The degrees to choose from, per kind of leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choices {
    /// Lowest and highest degree of polynomials.
    pub linear: Option<[usize; 2]>,
    /// Lowest and highest degree of their exponentials.
    pub log: Option<[usize; 2]>,
    /// Degrees above those, whose errors are infinite until they are set.
    pub unsurveyed_log: usize,
}

/// Mean squared errors of a cell that decide what is looked at and what is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Threshold {
    /// Boxes with squares below this for each of their cells count as best left empty.
    pub look_below: f64,
    /// Errors above this for each cell count as infinite.
    pub keep_below: f64,
}

/// Squared errors over the whole sum of squares, for every box and model.
#[derive(Debug)]
pub(super) struct Survey {
    pub axes: [Intervals; 3],
    /// The models in the columns of `errors`; the first is [`Model::Empty`].
    pub models: Vec<Model>,
    /// Models whose errors are known, or estimated, without a fit.
    surveyed: usize,
    /// A row a box.
    errors: Vec<f32>,
    /// Coefficients of each model by the shape of the box, lengths beyond the highest degree counting alike.
    counts: Vec<u32>,
}

/// Lengths counted apart: up to the highest degree, and one for all beyond.
pub(super) const CLIP: usize = MAX_DEGREE + 2;

impl Survey {
    /// Surveys `values`, whose squares sum up to `total`. `floor` is the value below which logarithms do not matter.
    pub fn new(
        values: &[f64],
        total: f64,
        axes: [Intervals; 3],
        choices: Choices,
        threshold: Threshold,
        floor: f64,
        threads: usize,
    ) -> Self {
        let degrees = |range: Option<[usize; 2]>| range.map_or(0..0, |[lowest, highest]| lowest..highest + 1);
        let mut models = vec![Model::Empty];
        models.extend(degrees(choices.linear).map(Model::Linear));
        models.extend(degrees(choices.log).map(Model::Log));
        let surveyed = models.len();
        if let Some([_, highest]) = choices.log {
            models.extend((highest + 1..=highest + choices.unsurveyed_log).map(Model::Log));
        }
        let counts = counts(&models);
        let boxes = axes.iter().map(Intervals::len).product::<usize>();
        let slab = boxes / axes[0].len() * models.len();
        let mut errors = vec![f32::INFINITY; boxes * models.len()];
        let logs = choices.log.map(|_| LogFields::new(values, floor)).unwrap_or_default();
        let squares: Vec<f64> = values.iter().map(|f| f * f).collect();
        let families = Families::new(&axes, choices);
        let fill = |xs: &[Interval], errors: &mut [f32]| {
            vectorised(Filling {
                xs,
                axes: &axes,
                errors,
                models: models.len(),
                values,
                squares: &squares,
                logs: &logs,
                total,
                choices,
                threshold,
                families: &families,
            });
        };
        let chunk = axes[0].len().div_ceil(threads.max(1));
        thread::scope(|scope| {
            let mut parts = axes[0].all.chunks(chunk).zip(errors.chunks_mut(chunk * slab));
            let first = parts.next();
            for (xs, errors) in parts {
                scope.spawn(|| fill(xs, errors));
            }
            if let Some((xs, errors)) = first {
                fill(xs, errors);
            }
        });
        Self { errors, axes, models, surveyed, counts }
    }

    /// Number of boxes.
    pub fn boxes(&self) -> usize {
        self.axes.iter().map(Intervals::len).product()
    }

    /// True for a model whose errors are not known before it is fitted.
    pub fn is_unsurveyed(&self, model: Model) -> bool {
        self.models[self.surveyed..].contains(&model)
    }

    /// The errors of a row of boxes, one interval of x and one of y, and the counts for their lengths along z.
    #[inline(always)]
    pub fn row(&self, i: usize, j: usize) -> (&[f32], &[u32]) {
        let row = self.axes[2].len() * self.models.len();
        let start = self.position([i, j, 0]) * self.models.len();
        let [x, y] = [self.axes[0].all[i].len, self.axes[1].all[j].len].map(|n| n.min(CLIP - 1));
        let counts = (x * CLIP + y) * CLIP * self.models.len();
        (&self.errors[start..start + row], &self.counts[counts..counts + CLIP * self.models.len()])
    }

    /// The cuts of a box that has `parts` parts of which this is the first.
    pub fn cuts(&self, index: BoxIndex, parts: usize, first: Option<BoxIndex>) -> [Option<usize>; 3] {
        let first = first.filter(|_| parts > 1).unwrap_or(index);
        let cut = |axis: usize| self.axes[axis].all[first[axis]].len;
        std::array::from_fn(|axis| (first[axis] != index[axis]).then(|| cut(axis)))
    }

    /// Forgets the errors of what is not to be kept.
    pub fn retain(&mut self, keep: impl Fn(BoxIndex, Model) -> bool) {
        let [_, y, z] = [0, 1, 2].map(|axis| self.axes[axis].len());
        for (position, row) in self.errors.chunks_exact_mut(self.models.len()).enumerate() {
            let index = [position / (y * z), position / z % y, position % z];
            for (error, model) in row.iter_mut().zip(&self.models) {
                if error.is_finite() && !keep(index, *model) {
                    *error = f32::INFINITY;
                }
            }
        }
    }

    fn position(&self, [i, j, k]: BoxIndex) -> usize {
        (i * self.axes[1].len() + j) * self.axes[2].len() + k
    }

    /// The intervals of a box.
    pub fn extent(&self, index: BoxIndex) -> [Interval; 3] {
        std::array::from_fn(|axis| self.axes[axis].all[index[axis]])
    }

    /// Cells along the axes of a box.
    pub fn shape(&self, index: BoxIndex) -> [usize; 3] {
        self.extent(index).map(|interval| interval.len)
    }

    /// The errors of all models in a box.
    #[inline(always)]
    pub fn errors(&self, position: usize) -> &[f32] {
        &self.errors[position * self.models.len()..(position + 1) * self.models.len()]
    }

    /// The error of one model in a box, as far as it is known.
    pub fn set_error(&mut self, index: BoxIndex, model: Model, error: f64) {
        let row = self.position(index) * self.models.len();
        if let Some(column) = self.models.iter().position(|other| *other == model) {
            self.errors[row + column] = error as f32;
        }
    }

    /// The numbers that each model needs in a box of this shape.
    #[inline(always)]
    pub fn counts(&self, shape: [usize; 3]) -> &[u32] {
        let [x, y, z] = shape.map(|n| n.min(CLIP - 1));
        let row = ((x * CLIP + y) * CLIP + z) * self.models.len();
        &self.counts[row..row + self.models.len()]
    }
}

/// Numbers of each model in boxes of every shape up to [`CLIP`].
fn counts(models: &[Model]) -> Vec<u32> {
    let mut counts = Vec::with_capacity(CLIP.pow(3) * models.len());
    for shape in (0..CLIP.pow(3)).map(|k| [k / (CLIP * CLIP), k / CLIP % CLIP, k % CLIP]) {
        counts.extend(models.iter().map(|model| model.numbers(shape) as u32));
    }
    counts
}
