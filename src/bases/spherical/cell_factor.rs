//! The triangular factor of the joint least squares, from the cells themselves by QR.
//!
//! Cholesky's factor of the normal matrix loses half of the digits to rounding, which shows where a centre near a face
//! of the box leaves half of every sphere or less. QR keeps them.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};

use super::block_banded::{BlockBanded, SMALL};
use super::cells::Sorted;
use super::harmonics::{Harmonics, count, count_in_shell};
use super::radial::Pieces;
use super::triangle::Triangle;

/// Cells taken at once.
const ROWS: usize = 512;

/// Ridge, as a part of each function's norm over the cells. Combinations of functions that the cells see to less than
/// 1e-11 stay small, and no pivot consists of rounding alone.
const PART: f64 = 1e-11;

/// L with L Lᵀ = BᵀB + the squares of parts of the functions' norms.
pub(super) fn factorise(cells: &Sorted, pieces: &Pieces, harmonics: &Harmonics) -> BlockBanded {
    let rows = Rows { cells, pieces, harmonics };
    let diagonals = rows.parts();
    let mut triangle = Triangle::default();
    let mut blocks = Vec::new();
    for interval in 0..pieces.intervals() {
        let shells = if interval == 0 { 0..3 } else { interval + 2..interval + 3 };
        shells.for_each(|shell| triangle.widen(&diagonals[shell]));
        match rows.compressed(interval) {
            Some(compressed) => triangle.absorb_triangle(compressed.as_ref()),
            None => rows.of_interval(interval, |rows| triangle.absorb(rows)),
        }
        if interval > 0 {
            blocks.push(finished(&mut triangle));
        }
    }
    while triangle.sizes().next().is_some() {
        blocks.push(finished(&mut triangle));
    }
    let squared = |diagonal: Vec<f64>| diagonal.into_iter().map(|part| part * part).collect();
    BlockBanded::from_factor(blocks, diagonals.into_iter().map(squared).collect())
}

/// The first shell's rows of R as a column of blocks of L.
fn finished(triangle: &mut Triangle) -> Vec<Mat<f64>> {
    let sizes: Vec<usize> = triangle.sizes().collect();
    let rows = triangle.narrow();
    let mut start = 0;
    let block = |size| {
        let block = rows.get(.., start..start + size).transpose().to_owned();
        start += size;
        block
    };
    sizes.into_iter().map(block).collect()
}

/// The rows of B, one a cell.
struct Rows<'a> {
    cells: &'a Sorted,
    pieces: &'a Pieces,
    harmonics: &'a Harmonics,
}

impl Rows<'_> {
    /// The ridge of each function: [`PART`] of its norm, and the largest norm for one that vanishes on all cells, whose
    /// coefficient then stays zero.
    fn parts(&self) -> Vec<Vec<f64>> {
        let (intervals, degree) = (self.pieces.intervals(), self.harmonics.degree());
        let mut squares: Vec<Vec<f64>> =
            (0..intervals + 2).map(|shell| vec![0.0; count_in_shell(shell, degree)]).collect();
        for interval in 0..intervals {
            self.factors(interval, |y, w| {
                for (j, y) in y.as_ref().col_iter().enumerate() {
                    // The first spline's l = 0 goes with the second's.
                    let shared = if interval == 0 && j == 0 { 1.0 } else { 0.0 };
                    let mut sums = [0.0; 4];
                    for (y, w) in y.iter().zip(w) {
                        let splines = [w[0], w[1] + shared * w[0], w[2], w[3]];
                        sums.iter_mut().zip(splines).for_each(|(sum, w)| *sum += (w * y).powi(2));
                    }
                    for (k, sum) in sums.into_iter().enumerate() {
                        if let Some(square) = (interval + k).checked_sub(1).and_then(|shell| squares[shell].get_mut(j))
                        {
                            *square += sum;
                        }
                    }
                }
            });
        }
        let largest = squares.iter().flatten().fold(0.0, |a: f64, b| a.max(*b));
        let part = |square: f64| if square > SMALL * largest { PART * square.sqrt() } else { largest.sqrt() };
        squares.into_iter().map(|shell| shell.into_iter().map(part).collect()).collect()
    }

    /// Calls `visit` with the harmonics and the four splines at some cells of an interval, one row a cell.
    fn factors(&self, interval: usize, mut visit: impl FnMut(MatMut<'_, f64>, &[[f64; 4]])) {
        let functions = count(self.harmonics.degree());
        let (mut harmonics, mut splines) = (Mat::zeros(ROWS, functions), Vec::with_capacity(ROWS));
        self.cells.for_harmonics(interval..interval + 1, self.harmonics, |block, table| {
            if splines.len() + block.cells.len() > ROWS {
                visit(harmonics.get_mut(..splines.len(), ..), &splines);
                splines.clear();
            }
            let (start, end) = (splines.len(), splines.len() + block.cells.len());
            harmonics.get_mut(start..end, ..).copy_from(table.get(..block.cells.len(), ..));
            splines.extend(block.radii.iter().map(|&radius| self.pieces.values(interval, radius)));
        });
        if !splines.is_empty() {
            visit(harmonics.get_mut(..splines.len(), ..), &splines);
        }
    }

    /// Calls `visit` with all rows of an interval, some at once.
    fn of_interval(&self, interval: usize, mut visit: impl FnMut(MatRef<'_, f64>)) {
        let degree = self.harmonics.degree();
        let shells: Vec<(usize, usize)> =
            (0..4).filter_map(|k| Some((k, count_in_shell((interval + k).checked_sub(1)?, degree)))).collect();
        let columns = shells.iter().map(|(_, size)| size).sum();
        let mut rows = Mat::zeros(ROWS, columns);
        self.factors(interval, |y, w| {
            let y = y.as_ref();
            let mut rows = rows.get_mut(..w.len(), ..);
            let mut place = shells.iter().flat_map(|&(spline, size)| (0..size).map(move |j| (spline, j)));
            for column in rows.as_mut().col_iter_mut() {
                let Some((spline, j)) = place.next() else { continue };
                column.iter_mut().zip(y.col(j).iter()).zip(w).for_each(|((b, y), w)| *b = w[spline] * y);
            }
            if interval == 0 {
                rows.as_mut().col_mut(0).iter_mut().zip(y.col(0).iter()).zip(w).for_each(|((b, y), w)| *b += w[0] * y);
            }
            visit(rows.as_ref());
        });
    }

    /// The triangular factor of all rows of an interval, which has as few rows as columns. `None` where it would save
    /// nothing, or lose digits.
    ///
    /// Functions are nearly dependent because of the directions that the box cuts off, and hardly because of the
    /// radius. So harmonics are first made orthonormal on the interval's cells, Q = Y R⁻¹ by QR. The products of
    /// splines and Q are then well conditioned, and Cholesky's factor of them is as good as a QR of all rows, in a
    /// third of the time.
    fn compressed(&self, interval: usize) -> Option<Mat<f64>> {
        /// Ridge of the QR of the harmonics, as a part of a harmonic's mean norm: well above rounding.
        const CLEAR: f64 = 1e-10;
        /// Part of the mean square of the orthonormal combinations below which one is mostly ridge: the cells see no
        /// more than CLEAR of it, and its pivot is not tested.
        const SEEN: f64 = 0.3;
        /// Ridge of Cholesky's factor, as a part of the diagonal, for combinations that are mostly ridge.
        const RIDGE: f64 = 1e-9;
        /// Part of the diagonal above which a pivot is exact to ten digits.
        const MIN_PIVOT: f64 = 1e-6;
        let (n, cells) = (count(self.harmonics.degree()), self.cells.count(interval));
        if interval <= self.harmonics.degree() || cells < 6 * n {
            return None;
        }
        let mut angular = Triangle::default();
        angular.widen(&vec![CLEAR * (cells as f64 / (4.0 * std::f64::consts::PI)).sqrt(); n]);
        self.factors(interval, |y, _| angular.absorb(y.as_ref()));
        let angular = angular.narrow();
        let mut products = Mat::<f64>::zeros(4 * n, 4 * n);
        let mut splines = Mat::zeros(ROWS, 4 * n);
        self.factors(interval, |mut y, w| {
            solve_lower_triangular_in_place(angular.transpose(), y.as_mut().transpose_mut(), Par::Seq);
            let y = y.as_ref();
            let mut columns = splines.get_mut(..w.len(), ..);
            for (j, column) in columns.as_mut().col_iter_mut().enumerate() {
                let spline = j / n;
                column.iter_mut().zip(y.col(j % n).iter()).zip(w).for_each(|((b, q), w)| *b = w[spline] * q);
            }
            let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
            let (left, right) = (columns.as_ref().transpose(), columns.as_ref());
            triangular::matmul(products.as_mut(), lower, Accum::Add, left, whole, right, whole, 1.0, Par::Seq);
        });
        let means: Vec<f64> =
            (0..4).map(|k| (0..n).map(|j| products[(k * n + j, k * n + j)]).sum::<f64>() / n as f64).collect();
        let norm_squared = |j: usize| (0..4).map(|k| products[(k * n + j, k * n + j)]).sum::<f64>();
        let seen: Vec<bool> = (0..n).map(|j| norm_squared(j) > SEEN * means.iter().sum::<f64>()).collect();
        for j in 0..4 * n {
            products[(j, j)] += RIDGE * means[j / n];
        }
        let factor = products.llt(Side::Lower).ok()?;
        let exact = |j: usize| factor.L()[(j, j)].powi(2) > MIN_PIVOT * means[j / n] || !seen[j % n];
        if !(0..4 * n).all(exact) {
            return None;
        }
        // Rows of Lᵀ times R, spline by spline: a triangle again.
        let mut rows = Mat::zeros(4 * n, 4 * n);
        for i in 0..4 {
            for j in i..4 {
                let left = factor.L().get(j * n..(j + 1) * n, i * n..(i + 1) * n).transpose();
                let to = rows.get_mut(i * n..(i + 1) * n, j * n..(j + 1) * n);
                matmul(to, Accum::Replace, left, angular.as_ref(), 1.0, Par::Seq);
            }
        }
        Some(rows)
    }
}
