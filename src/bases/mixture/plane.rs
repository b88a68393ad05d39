//! Values of components on one plane of cells, and sums of products over the plane.
//!
//! A plane of constant x is stored as columns: all lines (y) of one vector of cells (z) are contiguous. Sums run down
//! a column in registers, and are added across a vector once a plane instead of once a line. Large planes are cut into
//! tiles.

use std::ops::Range;

use nalgebra::Vector3;

use super::cells::Cells;
use super::evaluate::reached;
use super::member::{Ellipsoid, Profile};
use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector};

/// Lines, and vectors of a line, that are processed together: the whole plane unless it is large.
#[derive(Debug, Clone)]
pub(super) struct Tile {
    pub lines: Range<usize>,
    pub columns: Range<usize>,
}

/// Maximum number of vectors of all functions on one tile (2¹⁸ of 64 bytes, 16 MB). Larger planes are cut, so that the
/// memory of many components on a long axis stays small.
const MAX_VECTORS: usize = 1 << 18;

impl Tile {
    /// Tiles of every plane for `functions` functions; none is larger than the first.
    pub fn all(cells: &Cells, functions: usize) -> Vec<Self> {
        Self::of(cells.axes[1].len(), cells.z.len(), MAX_VECTORS / functions.max(1))
    }

    /// Tiles of at most `most` vectors each, or one vector if `most` is zero.
    fn of(lines: usize, chunks: usize, most: usize) -> Vec<Self> {
        let width = chunks.min(most).max(1);
        let height = (most / width).clamp(1, lines.max(1));
        let part = |start: usize, len: usize, end: usize| start..(start + len).min(end);
        (0..lines)
            .step_by(height)
            .map(|line| part(line, height, lines))
            .flat_map(|rows| (0..chunks).step_by(width).map(move |column| (rows.clone(), part(column, width, chunks))))
            .map(|(lines, columns)| Self { lines, columns })
            .collect()
    }
}

fn common(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

/// Values of functions on the cells of one tile of a plane.
pub(super) struct Plane {
    tile: Tile,
    /// Lines and columns of the largest tile.
    lines: usize,
    chunks: usize,
    values: Vec<Lanes>,
    /// Range of nonzero lines of each function and column, counted from the tile's first line.
    spans: Vec<Range<usize>>,
}

/// Part of a plane that is summed: cells within half an extent of an origin, both as (y, z).
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
    /// Allocates memory for `functions` functions on tiles up to the size of this one.
    pub fn new(tile: &Tile, functions: usize) -> Self {
        let (lines, chunks) = (tile.lines.len(), tile.columns.len());
        Self {
            tile: tile.clone(),
            lines,
            chunks,
            values: vec![[0.0; LANES]; lines * chunks * functions],
            spans: vec![0..0; chunks * functions],
        }
    }

    /// Begins another tile, on which all functions are zero.
    pub fn begin(&mut self, tile: &Tile) {
        self.tile = tile.clone();
        self.spans.fill(0..0);
    }

    /// Extends a function to the given columns of a line. Lines must come in order.
    #[inline(always)]
    pub fn reserve(&mut self, function: usize, line: usize, columns: &Range<usize>) {
        let line = line - self.tile.lines.start;
        for column in columns.clone() {
            let at = self.index(function, column);
            let span = &mut self.spans[at];
            if span.start == span.end {
                *span = line..line;
            }
            // An ellipsoid is convex: the lines of a column are contiguous, except for rounding.
            self.values[at * self.lines..][span.end..line].fill([0.0; LANES]);
            *span = span.start..line + 1;
        }
    }

    /// The number of a function's column.
    #[inline(always)]
    fn index(&self, function: usize, column: usize) -> usize {
        function * self.chunks + column - self.tile.columns.start
    }

    #[inline(always)]
    pub fn at(&mut self, function: usize, line: usize, column: usize) -> &mut Lanes {
        let place = self.index(function, column) * self.lines + line - self.tile.lines.start;
        &mut self.values[place]
    }

    fn column(&self, function: usize, column: usize) -> &[Lanes] {
        &self.values[self.index(function, column) * self.lines..][..self.tile.lines.len()]
    }

    pub fn column_mut(&mut self, function: usize, column: usize) -> &mut [Lanes] {
        let begin = self.index(function, column) * self.lines;
        &mut self.values[begin..][..self.tile.lines.len()]
    }

    /// True if a function is zero on this tile.
    pub fn is_empty(&self, function: usize) -> bool {
        self.spans[function * self.chunks..][..self.chunks].iter().all(Range::is_empty)
    }

    /// A function's slope ([`Profile::slope`]) wherever q < reach on the plane at x, nothing in the padding; each
    /// vector shown along with its line, its column and q.
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
        for line in common(&lattice.lines(ellipsoid, x, reach), &self.tile.lines) {
            let cut = ellipsoid.cut([x, lattice.y[line]]);
            let columns = common(&reached(lattice.z, cut.across, cut.centre, narrow, reach), &self.tile.columns);
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
        // Lines are counted from the tile's first, as in the spans.
        let begin = self.tile.lines.start;
        let lines = common(&lines, &self.tile.lines);
        let (y, lines) = (&y[begin..], lines.start - begin..lines.end - begin);
        for column in common(&columns, &self.tile.columns) {
            let both = common(&self.spans[self.index(a, column)], &other.spans[other.index(b, column)]);
            let Range { start: from, end: to } = common(&both, &lines);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_a_plane_once_and_the_first_is_the_largest() {
        for (lines, chunks) in [(1, 1), (1, 50), (37, 1), (20, 13)] {
            for most in [0, 1, 7, 40, 1000] {
                let tiles = Tile::of(lines, chunks, most);
                let mut seen = vec![0; lines * chunks];
                for tile in &tiles {
                    assert!(tile.lines.len() <= tiles[0].lines.len() && tile.columns.len() <= tiles[0].columns.len());
                    assert!(tile.lines.len() * tile.columns.len() <= most.max(1));
                    for line in tile.lines.clone() {
                        tile.columns.clone().for_each(|column| seen[line * chunks + column] += 1);
                    }
                }
                assert!(seen.iter().all(|times| *times == 1), "{lines} {chunks} {most}");
            }
        }
    }
}
