//! Components on one plane of cells: what each is there, and sums of products over it.
//!
//! A plane of constant x is kept as one column of lines (y) after another for each vector of a line (z): sums run down a
//! column in registers, and are added across a vector once a plane instead of once a line.

use std::ops::Range;

use nalgebra::Vector3;

use super::cells::Cells;
use super::evaluate::reached;
use super::member::{Ellipsoid, Profile};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector};

/// Functions on the cells of one plane.
pub(super) struct Plane {
    lines: usize,
    chunks: usize,
    values: Vec<Lanes>,
    /// For each function and column, the lines that hold something.
    spans: Vec<Range<usize>>,
}

/// What of a plane is summed: cells within half an extent of an origin, (y, z) each.
pub(super) struct Window {
    origin: [f64; 2],
    half: [f64; 2],
}

impl Window {
    pub fn new(origin: &Vector3<f64>, half: &Vector3<f64>) -> Self {
        Self { origin: [origin[1], origin[2]], half: [half[1], half[2]] }
    }

    fn around(&self, axis: usize) -> [f64; 2] {
        [self.origin[axis] - self.half[axis], self.origin[axis] + self.half[axis]]
    }
}

impl Plane {
    pub fn new(cells: &Cells, functions: usize) -> Self {
        let (lines, chunks) = (cells.axes[1].len(), cells.z.len());
        Self {
            lines,
            chunks,
            values: vec![[0.0; LANES]; lines * chunks * functions],
            spans: vec![0..0; chunks * functions],
        }
    }

    pub fn clear(&mut self) {
        self.spans.fill(0..0);
    }

    /// Makes room on a line for the columns of a function that it reaches, line after line.
    #[inline(always)]
    pub fn reserve(&mut self, function: usize, line: usize, columns: &Range<usize>) {
        for column in columns.clone() {
            let at = function * self.chunks + column;
            let span = &mut self.spans[at];
            if span.start == span.end {
                *span = line..line;
            }
            // What an ellipsoid reaches is convex: there is no gap, but for rounding.
            self.values[at * self.lines..][span.end..line].fill([0.0; LANES]);
            *span = span.start..line + 1;
        }
    }

    #[inline(always)]
    pub fn at(&mut self, function: usize, line: usize, column: usize) -> &mut Lanes {
        &mut self.values[(function * self.chunks + column) * self.lines + line]
    }

    fn column(&self, function: usize, column: usize) -> &[Lanes] {
        &self.values[(function * self.chunks + column) * self.lines..][..self.lines]
    }

    pub fn column_mut(&mut self, function: usize, column: usize) -> &mut [Lanes] {
        &mut self.values[(function * self.chunks + column) * self.lines..][..self.lines]
    }

    /// Whether a function holds nothing on this plane.
    pub fn is_empty(&self, function: usize) -> bool {
        self.spans[function * self.chunks..][..self.chunks].iter().all(Range::is_empty)
    }

    /// A function's slope ([`Profile::slope`]) wherever q < reach on the plane at x, nothing in the padding; each vector
    /// shown along with its line, its column and q.
    #[inline(always)]
    pub fn fill<I: Instructions>(
        &mut self,
        i: I,
        cells: &Cells,
        x: f64,
        (function, ellipsoid, reach): (usize, &Ellipsoid, f64),
        profile: Profile,
        mut visit: impl FnMut(usize, usize, Vector<I>, Vector<I>),
    ) {
        let (lattice, nz) = (cells.lattice(), cells.axes[2].len());
        let narrow = ellipsoid.narrowness();
        for line in lattice.lines(ellipsoid, x, reach) {
            let cut = ellipsoid.cut([x, lattice.y[line]]);
            let columns = reached(lattice.z, cut.across, cut.centre, narrow, reach);
            self.reserve(function, line, &columns);
            for column in columns {
                let along = (Vector::load(i, &lattice.z[column]) - cut.centre) * narrow;
                let q = along * along + cut.across;
                let slope = profile.slope(q);
                visit(line, column, q, slope);
                let value = self.at(function, line, column);
                slope.store(value);
                if (column + 1) * LANES > nz {
                    value[nz - column * LANES..].fill(0.0);
                }
            }
        }
    }

    /// Σ a b y^p z^q over the window's cells where both functions hold something, p + q < D, y and z from its origin.
    #[inline(always)]
    pub fn moments<I: Instructions, const D: usize>(
        &self,
        i: I,
        cells: &Cells,
        a: usize,
        (other, b): (&Self, usize),
        window: &Window,
    ) -> [[f64; D]; D] {
        let zero = Vector::splat(i, 0.0);
        let mut sums = [[zero; D]; D];
        let (y, z) = (&cells.axes[1][..], &cells.z[..]);
        let ([first, last], [left, right]) = (window.around(0), window.around(1));
        let lines = y.partition_point(|&y| y < first)..y.partition_point(|&y| y <= last);
        let columns = z.partition_point(|z| z[LANES - 1] < left)..z.partition_point(|z| z[0] <= right);
        for column in columns {
            let (one, two) = (&self.spans[a * self.chunks + column], &other.spans[b * self.chunks + column]);
            let (from, to) = (one.start.max(two.start).max(lines.start), one.end.min(two.end).min(lines.end));
            if from >= to {
                continue;
            }
            let mut powers = [zero; D];
            let pairs = self.column(a, column)[from..to].iter().zip(&other.column(b, column)[from..to]);
            for ((a, b), y) in pairs.zip(&y[from..to]) {
                let mut term = Vector::load(i, a) * Vector::load(i, b);
                let dy = Vector::splat(i, y - window.origin[0]);
                powers[0] += term;
                for power in &mut powers[1..] {
                    term = term * dy;
                    *power += term;
                }
            }
            let dz = Vector::load(i, &z[column]) - window.origin[1];
            for (p, (power, sums)) in powers.into_iter().zip(&mut sums).enumerate() {
                let mut term = power;
                sums[0] += term;
                for sum in &mut sums[1..D - p] {
                    term = term * dz;
                    *sum += term;
                }
            }
        }
        let mut results = [[0.0; D]; D];
        for (p, (results, sums)) in results.iter_mut().zip(sums).enumerate() {
            results.iter_mut().zip(sums).take(D - p).for_each(|(result, sum)| *result = sum.sum());
        }
        results
    }
}
