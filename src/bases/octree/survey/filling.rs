//! The errors of all boxes, a row of them along z at a time.

use super::super::intervals::{Interval, Intervals};
use super::super::polynomials::{MAX_DEGREE, Table};
use super::super::projection::{Projection, Tables, pairs};
use super::logarithms::{LogFields, LogSurvey, LogSystem};
use super::{Choices, Threshold};
use crate::numerics::lanes::{Instructions, Vectorisable};

/// The tables of all families along all axes.
pub(super) struct Families {
    ones: [Tables; 3],
    gram: [Tables; 3],
    chebyshev: [Tables; 3],
    system: LogSystem,
}

impl Families {
    pub fn new(axes: &[Intervals; 3], choices: Choices) -> Self {
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
pub(super) struct Filling<'a> {
    pub xs: &'a [Interval],
    pub axes: &'a [Intervals; 3],
    /// A row a box, a column a model.
    pub errors: &'a mut [f32],
    /// Number of models.
    pub models: usize,
    pub values: &'a [f64],
    pub squares: &'a [f64],
    pub logs: &'a LogFields,
    /// The sum of all squares.
    pub total: f64,
    pub choices: Choices,
    pub threshold: Threshold,
    pub families: &'a Families,
}

impl Vectorisable for Filling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) {
        let Self { xs, axes, errors, models, values, squares, logs, total, choices, threshold, families } = self;
        let shape = [0, 1, 2].map(|axis| axes[axis].all[0].len);
        let ones = families.ones.each_ref();
        let mut energy = Projection::new(squares, shape, ones, 0, false);
        let mut linear = choices
            .linear
            .map(|range| (Projection::new(values, shape, families.gram.each_ref(), range[1], true), range));
        let chebyshev = families.chebyshev.each_ref();
        let mut log = choices.log.map(|range| LogSurvey::new(logs, shape, ones, chebyshev, &families.system, range));
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
