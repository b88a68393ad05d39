//! Rounding of values: to multiples of a step or, of few different ones, to some of them.
//!
//! Both minimise D + λR, the squared error and the length. Few different values are no longer many if neighbours in their
//! table become one, and cells whose position costs more bits than their value is worth become empty. Multiples of a step
//! would not do: multiples of a quantum fall between them, all by the same distance.

use super::table::Table;
use super::{CellsCoefficients, Form, NAME, symbols};
use crate::coding::{MOST_MULTIPLE, in_steps};
use crate::error::{Error, Result};

/// Squared error, in squared steps, that a bit must save: λ in D + λR. For numbers rounded to a fine step D = 1/12 · 4^−R,
/// so that −dD/dR = 2 ln 2 · 1/12.
const ERROR_OF_A_BIT: f64 = 2.0 * std::f64::consts::LN_2 / 12.0;
/// The same of the unit of estimated costs, 2⁻⁸ bits.
const ERROR_OF_A_COST: f64 = ERROR_OF_A_BIT / 256.0;

/// Most bits that the position and the value of a cell cost, as good as always.
const MOST_BITS: f64 = 24.0;

/// Estimated error of rounding values of a table: those become zero whose square is below λ times the bits of a cell. As these
/// differ from cell to cell, a part of those above is dropped, too, the smaller, the larger they are.
pub(super) fn dropping_error(values: &[f64], step: f64) -> f64 {
    /// Bits of a cell, as measured for histograms of 300 to 10⁵ particles.
    const BITS: f64 = 6.5;
    const MAX_OVER: f64 = 1e30;
    let in_steps = in_steps(step);
    let error = |value: &f64| {
        let square = in_steps(*value) * in_steps(*value);
        let over = square / (BITS * ERROR_OF_A_BIT);
        // Far above none is dropped; the power would overflow.
        if over < MAX_OVER { square / (1.0 + over * over * (over * over)) } else { 0.0 }
    };
    let sum: f64 = values.iter().map(error).sum();
    step * sum.sqrt()
}

/// Coefficients rounded to a step.
pub(super) fn rounded(coefficients: &CellsCoefficients, step: f64) -> Result<CellsCoefficients> {
    match &coefficients.form {
        // Values of a distribution that was decoded from this step.
        Form::Places(table) if table.holds_multiples_of(step) => to_steps(coefficients, step),
        Form::Places(table) => to_places(coefficients, table, step),
        Form::Single | Form::Steps(_) => to_steps(coefficients, step),
    }
}

/// Values rounded to multiples of a step, or to the next smaller one. Those that are multiples already stay.
fn to_steps(coefficients: &CellsCoefficients, step: f64) -> Result<CellsCoefficients> {
    /// Distance of a multiple that was decoded, in steps.
    const DIGITS: f64 = 1e-9;
    /// Larger multiples are only rounded: whether they are one less changes their length little.
    const MAX_CHOSEN: f64 = 8.0;
    let in_steps = in_steps(step);
    let exact: Vec<f64> = coefficients.values.iter().map(|value| in_steps(*value)).collect();
    let nearest = |value: &f64| value.abs().round().min(MOST_MULTIPLE).copysign(*value) as i64;
    let mut multiples: Vec<i64> = exact.iter().map(nearest).collect();
    let mut chosen = multiples.clone();
    symbols::weigh(coefficients.shape, &mut multiples, |cell, multiple, cost| {
        let size = exact[cell].abs();
        let nearest = multiple.unsigned_abs();
        if multiple == 0 || size >= MAX_CHOSEN || (size - nearest as f64).abs() <= DIGITS {
            return;
        }
        let price = |multiple: u64| {
            let error = size - multiple as f64;
            error * error + ERROR_OF_A_COST * f64::from(cost(multiple))
        };
        if price(nearest - 1) < price(nearest) {
            chosen[cell] = multiple - multiple.signum();
        }
    })?;
    let values: Vec<f64> = chosen.iter().map(|multiple| *multiple as f64 * step).collect();
    if values.iter().all(|value| value.is_finite()) {
        return Ok(CellsCoefficients { values, form: Form::Steps(step), ..*coefficients });
    }
    Err(Error::OutOfRange { basis: NAME, reason: format!("multiples of {step:e} are beyond the range of f64") })
}

/// Values of a table, each of which becomes one of fewer, or zero.
fn to_places(coefficients: &CellsCoefficients, table: &Table, step: f64) -> Result<CellsCoefficients> {
    let in_steps = in_steps(step);
    let sizes: Vec<f64> = table.magnitudes().map(in_steps).collect();
    let exact: Vec<i64> = coefficients.values.iter().map(|value| table.place(*value)).collect();
    let join = joined(&sizes, &exact);
    let is_joined = (1..=sizes.len()).any(|place| join(place as u64) != place as i64);
    if !is_joined && sizes.first().is_none_or(|size| size * size > ERROR_OF_A_BIT * MOST_BITS) {
        // No cell is worth as few bits as to become zero.
        return Ok(coefficients.clone());
    }
    let mut places: Vec<i64> = exact.iter().map(|place| place.signum() * join(place.unsigned_abs())).collect();
    let mut kept = places.clone();
    symbols::weigh(coefficients.shape, &mut places, |cell, place, cost| {
        if place == 0 {
            return;
        }
        let size = |place: i64| sizes.get(place.unsigned_abs() as usize - 1).copied().unwrap_or(0.0);
        let (was, is) = (size(exact[cell]), size(place));
        let with = (was - is) * (was - is) + ERROR_OF_A_COST * f64::from(cost(place.unsigned_abs()));
        let without = was * was + ERROR_OF_A_COST * f64::from(cost(0));
        if without < with {
            kept[cell] = 0;
        }
    })?;
    let values = kept.iter().map(|place| table.value(*place).unwrap_or(0.0)).collect();
    Ok(CellsCoefficients { values, form: Form::Places(table.used(&kept)), ..*coefficients })
}

/// Neighbours in a table that become one value: the indices of the first and the last, the number of cells, and the sum and
/// the sum of squares of their values in steps.
#[derive(Debug, Clone, Copy)]
struct Group {
    first: usize,
    last: usize,
    cells: f64,
    sum: f64,
    squares: f64,
}

impl Group {
    fn with(self, next: Self) -> Self {
        Self {
            first: self.first,
            last: next.last,
            cells: self.cells + next.cells,
            sum: self.sum + next.sum,
            squares: self.squares + next.squares,
        }
    }

    /// The index of the value that is nearest to the mean.
    fn index(&self, sizes: &[f64]) -> usize {
        let mean = self.sum / self.cells;
        let after = self.first + sizes[self.first..=self.last].partition_point(|size| *size < mean);
        let before = after.saturating_sub(1).max(self.first);
        let after = after.min(self.last);
        if mean - sizes[before] < sizes[after] - mean { before } else { after }
    }

    /// D + λR of its cells among all: the squared error, and the entropy with the entry in the table.
    fn price(&self, sizes: &[f64], occupied: f64) -> f64 {
        /// Bits of an entry in the table, as measured for multiples of a quantum.
        const ENTRY: f64 = 6.0;
        let size = sizes[self.index(sizes)];
        let error = self.squares - size * (2.0 * self.sum - size * self.cells);
        error.max(0.0) + ERROR_OF_A_BIT * (self.cells * (occupied / self.cells).log2() + ENTRY)
    }
}

/// The place, of those that are left, for each place of a table of these sizes in steps: neighbours are joined as long as
/// that is a better compromise between error and length.
fn joined(sizes: &[f64], places: &[i64]) -> impl Fn(u64) -> i64 + use<> {
    let mut counts = vec![0.0; sizes.len() + 1];
    places.iter().for_each(|place| counts[place.unsigned_abs() as usize] += 1.0);
    let occupied: f64 = counts[1..].iter().sum();
    let group = |(index, (size, cells)): (usize, (&f64, &f64))| Group {
        first: index,
        last: index,
        cells: *cells,
        sum: cells * size,
        squares: cells * size * size,
    };
    let mut groups: Vec<Group> = sizes.iter().zip(&counts[1..]).enumerate().map(group).collect();
    loop {
        // The price saved by joining each group with the next. A group joins the neighbour with which it saves more.
        let price = |group: &Group| group.price(sizes, occupied);
        let saved = |pair: &[Group]| price(&pair[0]) + price(&pair[1]) - price(&pair[0].with(pair[1]));
        let saved: Vec<f64> = groups.windows(2).map(saved).collect();
        let is_best = |k: usize| {
            let before = k > 0 && saved[k - 1] > saved[k];
            saved[k] > 0.0 && !before && saved.get(k + 1).is_none_or(|after| *after <= saved[k])
        };
        let mut next = Vec::with_capacity(groups.len());
        let mut k = 0;
        while k < groups.len() {
            let joins = k < saved.len() && is_best(k);
            next.push(if joins { groups[k].with(groups[k + 1]) } else { groups[k] });
            k += 1 + usize::from(joins);
        }
        if next.len() == groups.len() {
            break;
        }
        groups = next;
    }
    let mut chosen = vec![0; sizes.len() + 1];
    for group in &groups {
        chosen[group.first + 1..=group.last + 1].fill(group.index(sizes) as i64 + 1);
    }
    move |place| usize::try_from(place).ok().and_then(|place| chosen.get(place)).copied().unwrap_or(0)
}
