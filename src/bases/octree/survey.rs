//! What every dyadic box would cost under every model.
//!
//! Polynomials: the exact squared error Σ f² − Σ c², from the coefficients of all boxes at once. Their exponentials: an
//! estimate, the squared error of the weighted fit of the logarithm, Σ w (ln f − p)² with w = f²; to first order
//! f − eᵖ = f (ln f − p).

use super::intervals::{Interval, Intervals};
use super::polynomials::{MAX_DEGREE, Table, terms};
use super::projection::{Projection, Tables, pairs};
use std::thread;

use crate::numerics::lanes::{Instructions, Vectorisable, vectorised};

/// How a leaf describes its box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Model {
    /// By nothing: zero.
    Empty,
    /// By a polynomial of a total degree.
    Linear(usize),
    /// By the exponential of a polynomial of a total degree.
    Log(usize),
    /// By the values of its cells.
    Cells,
}

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
    /// What the columns of `errors` are; the first is [`Model::Empty`].
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
        let fields = choices.log.map(|_| LogFields::new(values, floor)).unwrap_or_default();
        let squares: Vec<f64> = values.iter().map(|f| f * f).collect();
        let families = Families::new(&axes, choices);
        let fill = |xs: &[Interval], errors: &mut [f32]| {
            let fields = (values, squares.as_slice(), &fields);
            vectorised(Filling {
                xs,
                axes: &axes,
                errors,
                models: models.len(),
                fields,
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

    /// How many boxes there are.
    pub fn boxes(&self) -> usize {
        self.axes.iter().map(Intervals::len).product()
    }

    /// Whether nothing is known of a model before it is tried.
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

    /// Where a box is cut that has `parts` parts of which this is the first.
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

fn counts(models: &[Model]) -> Vec<u32> {
    let mut counts = Vec::with_capacity(CLIP.pow(3) * models.len());
    for shape in (0..CLIP.pow(3)).map(|k| [k / (CLIP * CLIP), k / CLIP % CLIP, k % CLIP]) {
        counts.extend(models.iter().map(|model| match *model {
            Model::Linear(degree) | Model::Log(degree) => terms(degree, shape).count() as u32,
            Model::Empty | Model::Cells => 0,
        }));
    }
    counts
}

/// The tables of all families along all axes.
struct Families {
    ones: [Tables; 3],
    gram: [Tables; 3],
    chebyshev: [Tables; 3],
    system: LogSystem,
}

impl Families {
    fn new(axes: &[Intervals; 3], choices: Choices) -> Self {
        let tables = |table: &dyn Fn(usize) -> Table| [0, 1, 2].map(|axis| Tables::new(&axes[axis], table));
        let [linear, log] = [choices.linear, choices.log].map(|range| range.map_or(0, |[_, highest]| highest));
        Self {
            ones: tables(&|n| Table::at(0, &vec![0.0; n], |_, put| put(0, 1.0))),
            gram: tables(&|n| Table::gram(n, linear)),
            chebyshev: tables(&|n| Table::chebyshev(n, 2 * log)),
            system: LogSystem::new(log),
        }
    }
}

/// Fills the rows of the boxes with some intervals along x.
struct Filling<'a> {
    xs: &'a [Interval],
    axes: &'a [Intervals; 3],
    errors: &'a mut [f32],
    models: usize,
    /// Values, their squares, and what the fit of logarithms needs.
    fields: (&'a [f64], &'a [f64], &'a LogFields),
    total: f64,
    choices: Choices,
    threshold: Threshold,
    families: &'a Families,
}

impl Vectorisable for Filling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { xs, axes, errors, models, fields: (values, squares, logs), total, choices, threshold, families } =
            self;
        let shape = [0, 1, 2].map(|axis| axes[axis].all[0].len);
        let ones = families.ones.each_ref();
        let mut energy = Projection::new(squares, shape, ones, 0, false);
        let mut linear = choices
            .linear
            .map(|range| (Projection::new(values, shape, families.gram.each_ref(), range[1], true), range));
        let mut log = choices.log.map(|range| {
            let chebyshev = families.chebyshev.each_ref();
            LogSurvey {
                weights: Projection::new(&logs.weights, shape, chebyshev, 2 * range[1], false),
                first: Projection::new(&logs.first, shape, chebyshev, range[1], false),
                second: Projection::new(&logs.second, shape, ones, 0, false),
                system: families.system.clone(),
                range,
            }
        });
        let mut rows = errors.chunks_exact_mut(models);
        for &x in xs {
            energy.along_x(x);
            linear.iter_mut().for_each(|(projection, _)| projection.along_x(x));
            log.iter_mut().for_each(|log| log.along_x(x));
            for &y in &axes[1].all {
                energy.along_y(y);
                // The first interval is the whole axis; the last is as short as any.
                let cells = |z: Interval| (x.len * y.len * z.len) as f64;
                let shortest = axes[2].all.last().map_or(axes[2].all[0], |last| *last);
                energy.along_z(axes[2].all[0]);
                let any = energy.sum([0; 3]) > threshold.look_below * cells(shortest);
                if any {
                    linear.iter_mut().for_each(|(projection, _)| projection.along_y(y));
                    log.iter_mut().for_each(|log| log.along_y(y));
                }
                for (&z, row) in axes[2].all.iter().zip(rows.by_ref()) {
                    energy.along_z(z);
                    let square = energy.sum([0; 3]);
                    let most = threshold.keep_below * cells(z);
                    let share = |error: f64| if error <= most { (error / total) as f32 } else { f32::INFINITY };
                    row[0] = share(square);
                    if !any || square <= threshold.look_below * cells(z) {
                        continue;
                    }
                    let mut column = 1;
                    let mut put = |error: f64| {
                        row[column] = share(error);
                        column += 1;
                    };
                    if let Some((projection, range)) = &mut linear {
                        projection.along_z(z);
                        linear_errors(projection, *range, square, &mut put);
                    }
                    if let Some(log) = &mut log {
                        log.along_z(z);
                        log.errors(&mut put);
                    }
                }
            }
        }
    }
}

/// Σ f² − Σ c² for the degrees of a range; what is left of it by rounding counts as nothing.
#[inline(always)]
fn linear_errors(projection: &Projection<'_>, [lowest, highest]: [usize; 2], square: f64, mut put: impl FnMut(f64)) {
    let mut by_degree = [0.0; MAX_DEGREE + 1];
    let stride = pairs(highest);
    for k in 0..=highest {
        let mut at = k * stride;
        for total in 0..=highest - k {
            let sums = &projection.sums[at..at + total + 1];
            by_degree[k + total] += sums.iter().map(|c| c * c).sum::<f64>();
            at += total + 1;
        }
    }
    let mut left = square;
    for (degree, part) in by_degree.iter().enumerate().take(highest + 1) {
        left -= part;
        if degree >= lowest {
            put(if left > 1e-14 * square { left } else { 0.0 });
        }
    }
}

/// The fields of the weighted fit of logarithms: w, w ln f and w ln² f with w = f².
#[derive(Debug, Default)]
struct LogFields {
    weights: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl LogFields {
    /// Values below `floor` count as `floor`.
    fn new(values: &[f64], floor: f64) -> Self {
        let mut fields = Self::default();
        for &f in values {
            let f = f.max(floor);
            let (w, ln) = (f * f, f.ln());
            fields.weights.push(w);
            fields.first.push(w * ln);
            fields.second.push(w * ln * ln);
        }
        fields
    }
}

struct LogSurvey<'a> {
    weights: Projection<'a>,
    first: Projection<'a>,
    second: Projection<'a>,
    system: LogSystem,
    range: [usize; 2],
}

impl LogSurvey<'_> {
    #[inline(always)]
    fn along_x(&mut self, interval: Interval) {
        [&mut self.weights, &mut self.first, &mut self.second].into_iter().for_each(|p| p.along_x(interval));
    }

    #[inline(always)]
    fn along_y(&mut self, interval: Interval) {
        [&mut self.weights, &mut self.first, &mut self.second].into_iter().for_each(|p| p.along_y(interval));
    }

    #[inline(always)]
    fn along_z(&mut self, interval: Interval) {
        [&mut self.weights, &mut self.first, &mut self.second].into_iter().for_each(|p| p.along_z(interval));
    }

    #[inline(always)]
    fn errors(&mut self, put: impl FnMut(f64)) {
        let square = self.second.sum([0; 3]);
        self.system.errors(&self.weights, &self.first, square, self.range, put);
    }
}

/// The normal equations of the weighted fit in Chebyshev polynomials, by total degree.
#[derive(Clone)]
struct LogSystem {
    terms: Vec<[usize; 3]>,
    /// For each pair of terms s ≥ t, row by row, where the eight sums are whose mean is the sum of w T_s T_t.
    places: Vec<[u32; 8]>,
    /// The lower triangle, row by row, then its Cholesky factor.
    factor: Vec<f64>,
    right: Vec<f64>,
}

impl LogSystem {
    fn new(degree: usize) -> Self {
        let terms: Vec<_> = terms(degree, [usize::MAX; 3]).collect();
        let stride = pairs(2 * degree);
        let mut places = Vec::new();
        for (s, a) in terms.iter().enumerate() {
            for b in &terms[..=s] {
                // T_i T_j = ½ (T_(i+j) + T_|i−j|).
                places.push(std::array::from_fn(|corner| {
                    let [i, j, k]: [usize; 3] = std::array::from_fn(|axis| {
                        if corner >> axis & 1 == 0 { a[axis] + b[axis] } else { a[axis].abs_diff(b[axis]) }
                    });
                    (k * stride + super::projection::pair(i, j)) as u32
                }));
            }
        }
        Self { factor: vec![0.0; places.len()], right: vec![0.0; terms.len()], terms, places }
    }

    #[inline(always)]
    fn errors(
        &mut self,
        weights: &Projection<'_>,
        first: &Projection<'_>,
        square: f64,
        [lowest, highest]: [usize; 2],
        mut put: impl FnMut(f64),
    ) {
        let mut left = square;
        let mut row = 0;
        let mut s = 0;
        for degree in 0..=highest {
            while s < self.terms.len() && self.terms[s].iter().sum::<usize>() == degree {
                let mut right = first.sum(self.terms[s]);
                let mut start = 0;
                let mut diagonal = 0.0;
                for t in 0..=s {
                    let places = &self.places[row + t];
                    let mut entry = 0.125 * places.iter().map(|&place| weights.sums[place as usize]).sum::<f64>();
                    if t == s {
                        diagonal = entry;
                    }
                    let (done, open) = self.factor.split_at_mut(row);
                    for (a, b) in open[..t].iter().zip(if t == s { &[] } else { &done[start..start + t] }) {
                        entry -= a * b;
                    }
                    if t == s {
                        entry -= open[..s].iter().map(|a| a * a).sum::<f64>();
                        // A direction that the weights do not see.
                        let pivot = if entry > 1e-12 * diagonal { entry.sqrt() } else { f64::INFINITY };
                        right -= open[..s].iter().zip(&self.right).map(|(a, y)| a * y).sum::<f64>();
                        open[s] = pivot;
                        self.right[s] = right / pivot;
                        left -= self.right[s] * self.right[s];
                    } else {
                        let pivot = done[start + t];
                        open[t] = entry / pivot;
                    }
                    start += t + 1;
                }
                row += s + 1;
                s += 1;
            }
            if degree >= lowest {
                put(if left > 1e-13 * square { left } else { 0.0 });
            }
        }
    }
}
