//! Sums of a field against products of polynomials over every dyadic box: one axis after another, each shared by all
//! boxes that have its intervals in common.
//!
//! Products are kept up to a total degree: the degrees of the first two axes make a pair, pairs come by total degree,
//! and a degree of the third axis goes with the first so many of them.

use super::intervals::{Interval, Intervals};
use super::polynomials::Table;

/// Number of pairs of total degree `degree` at most.
pub(super) const fn pairs(degree: usize) -> usize {
    (degree + 1) * (degree + 2) / 2
}

/// Position of a pair of degrees.
#[inline(always)]
pub(super) fn pair(i: usize, j: usize) -> usize {
    let total = i + j;
    total * (total + 1) / 2 + i
}

/// Tables of one family for the intervals of an axis, by their length.
#[derive(Debug)]
pub(super) struct Tables {
    by_length: Vec<Option<Table>>,
}

impl Tables {
    pub fn new(intervals: &Intervals, table: impl Fn(usize) -> Table) -> Self {
        let longest = intervals.all.first().map_or(0, |all| all.len);
        let mut by_length: Vec<Option<Table>> = vec![None; longest + 1];
        for interval in &intervals.all {
            by_length[interval.len].get_or_insert_with(|| table(interval.len));
        }
        Self { by_length }
    }

    /// The rows for an interval; `Tables` holds those of every interval it was made for.
    #[inline(always)]
    fn rows(&self, interval: Interval) -> &[f64] {
        self.by_length[interval.len].as_ref().map_or(&[], |table| &table.values)
    }
}

/// The sums of one field, as far as they have got.
pub(super) struct Projection<'a> {
    field: &'a [f64],
    tables: [&'a Tables; 3],
    degree: usize,
    /// \[degree along x\]\[y\]\[z\] for one interval of x.
    planes: Vec<f64>,
    /// \[z\]\[pair\] for one interval of x and one of y.
    lines: Vec<f64>,
    /// \[degree along z\]\[pair\] for one box; a row holds `pairs(degree)` of which the first `pairs(degree − k)` mean
    /// something.
    pub sums: Vec<f64>,
    row: Vec<f64>,
    shape: [usize; 3],
    /// True if polynomials of degree n and more are zero on n cells.
    vanishing: bool,
    /// Highest degree along x that does not vanish.
    highest_x: usize,
}

impl<'a> Projection<'a> {
    /// `vanishing`: whether the polynomials of degree n and more are zero on n cells.
    pub fn new(field: &'a [f64], shape: [usize; 3], tables: [&'a Tables; 3], degree: usize, vanishing: bool) -> Self {
        let [_, ny, nz] = shape;
        Self {
            field,
            tables,
            degree,
            planes: vec![0.0; (degree + 1) * ny * nz],
            lines: vec![0.0; nz * pairs(degree)],
            sums: vec![0.0; (degree + 1) * pairs(degree)],
            row: vec![0.0; nz],
            shape,
            vanishing,
            highest_x: degree,
        }
    }

    #[inline(always)]
    fn highest(&self, interval: Interval) -> usize {
        if self.vanishing { self.degree.min(interval.len - 1) } else { self.degree }
    }

    /// Sums along x over an interval.
    #[inline(always)]
    pub fn along_x(&mut self, interval: Interval) {
        let [_, ny, nz] = self.shape;
        let rows = self.tables[0].rows(interval);
        self.highest_x = self.highest(interval);
        self.planes.fill(0.0);
        for y in 0..ny {
            for x in 0..interval.len {
                let from = ((interval.start + x) * ny + y) * nz;
                let values = &self.field[from..from + nz];
                for k in 0..=self.highest_x {
                    let weight = rows[k * interval.len + x];
                    let sums = &mut self.planes[(k * ny + y) * nz..(k * ny + y + 1) * nz];
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += weight * value;
                    }
                }
            }
        }
    }

    /// Then along y over an interval.
    #[inline(always)]
    pub fn along_y(&mut self, interval: Interval) {
        let [_, ny, nz] = self.shape;
        let rows = self.tables[1].rows(interval);
        let stride = pairs(self.degree);
        let highest = self.highest(interval);
        for i in 0..=self.degree {
            for j in 0..=self.degree - i {
                let row = &mut self.row[..nz];
                row.fill(0.0);
                let cells = if i <= self.highest_x && j <= highest { interval.len } else { 0 };
                for y in 0..cells {
                    let weight = rows[j * interval.len + y];
                    let from = (i * ny + interval.start + y) * nz;
                    for (sum, value) in row.iter_mut().zip(&self.planes[from..from + nz]) {
                        *sum += weight * value;
                    }
                }
                let column = pair(i, j);
                for (z, value) in row.iter().enumerate() {
                    self.lines[z * stride + column] = *value;
                }
            }
        }
    }

    /// Then along z over an interval: the sums over one box.
    #[inline(always)]
    pub fn along_z(&mut self, interval: Interval) {
        let rows = self.tables[2].rows(interval);
        let stride = pairs(self.degree);
        let highest = self.highest(interval);
        for k in 0..=self.degree {
            let sums = &mut self.sums[k * stride..k * stride + pairs(self.degree - k)];
            sums.fill(0.0);
            if k > highest {
                continue;
            }
            for z in 0..interval.len {
                let weight = rows[k * interval.len + z];
                let from = (interval.start + z) * stride;
                for (sum, value) in sums.iter_mut().zip(&self.lines[from..]) {
                    *sum += weight * value;
                }
            }
        }
    }

    /// The sum with one product, in the box that was summed last.
    #[inline(always)]
    pub fn sum(&self, [i, j, k]: [usize; 3]) -> f64 {
        self.sums[k * pairs(self.degree) + pair(i, j)]
    }
}
