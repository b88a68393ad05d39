//! Sums over the cells of products of a Gaussian, its derivatives, and the distribution.

use faer::Mat;
use nalgebra::{DMatrix, Matrix3, Vector3};

use crate::numerics::separable::transform;
use crate::numerics::summation::{CompensatedSum, row_sums};

/// Distribution of a fit, with its cells in the coordinates of the fit.
pub(super) struct Cells<'a> {
    pub values: &'a [f64],
    /// Factor of the values.
    pub factor: f64,
    /// Cell centres along the grid's axes, relative to the start's centre, in units of its scales if the frame is
    /// along the grid's axes and of its largest scale otherwise.
    pub axes: [Vec<f64>; 3],
    /// Matrix from offsets along the grid's axes to ξ, the coordinates of the start's frame; `None` if these axes
    /// agree.
    pub rotation: Option<Matrix3<f64>>,
}

/// Gaussian A exp(−½|z|²) with z = U (ξ − c).
pub(super) struct Shape {
    pub amplitude: f64,
    pub centre: Vector3<f64>,
    /// Upper triangular matrix U.
    pub factor: Matrix3<f64>,
}

/// Exponents (i, j, k) of the monomials x^i y^j z^k up to degree 2: the model's derivatives are these times g.
pub(super) const MONOMIALS: [[usize; 3]; 10] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]];

/// Sums over the cells, g the unit Gaussian and φ_p = g · monomial p.
pub(super) struct Sums {
    /// Σ f φ_p of the scaled values.
    pub data: [f64; MONOMIALS.len()],
    /// Σ φ_p φ_q.
    pub gram: DMatrix<f64>,
}

/// Position of d_i d_j among the monomials.
pub(super) fn quadratic(i: usize, j: usize) -> usize {
    let (i, j) = (i.min(j), i.max(j));
    [[4, 5, 6], [5, 7, 8], [6, 8, 9]][i][j]
}

impl Sums {
    /// Sums Σ φ_p φ_q from a function that gives Σ g² x^i y^j z^k for exponents (i, j, k).
    fn new(data: [f64; MONOMIALS.len()], squares: impl Fn([usize; 3]) -> f64) -> Self {
        let product = |p: usize, q: usize| std::array::from_fn(|axis| MONOMIALS[p][axis] + MONOMIALS[q][axis]);
        Self { data, gram: DMatrix::from_fn(MONOMIALS.len(), MONOMIALS.len(), |p, q| squares(product(p, q))) }
    }
}

impl Cells<'_> {
    /// Sum Σ r², cell by cell.
    pub fn residual(&self, shape: &Shape) -> f64 {
        let mut sum = CompensatedSum::default();
        self.for_rows(shape, |_, _, gaussian, values| {
            let [row] = row_sums(values.len(), |k| {
                let r = shape.amplitude * gaussian[k] - self.factor * values[k];
                [r * r]
            });
            sum.add(row);
        });
        sum.value()
    }

    /// Sums for the cost and its derivatives.
    pub fn sums(&self, shape: &Shape) -> Sums {
        if self.rotation.is_none() { self.separable_sums(shape) } else { self.sums_by_rows(shape) }
    }

    /// Calls `row` for every row of cells along the last axis with the offsets of the row and of its cells from the
    /// centre, the unit Gaussian on it, and its values.
    fn for_rows(&self, shape: &Shape, row: impl FnMut([f64; 2], &[f64], &[f64], &[f64])) {
        match self.rotation {
            None => self.for_separable_rows(shape, row),
            Some(rotation) => self.for_rotated_rows(shape, rotation, row),
        }
    }

    /// Along the grid's axes the Gaussian is a product of three.
    fn for_separable_rows(&self, shape: &Shape, mut row: impl FnMut([f64; 2], &[f64], &[f64], &[f64])) {
        let [_, ny, nz] = [0, 1, 2].map(|axis| self.axes[axis].len());
        let offsets: [Vec<f64>; 3] =
            std::array::from_fn(|axis| self.axes[axis].iter().map(|x| x - shape.centre[axis]).collect());
        let exponentials: [Vec<f64>; 3] = std::array::from_fn(|axis| {
            let width = shape.factor[(axis, axis)];
            offsets[axis].iter().map(|d| (-0.5 * (width * d).powi(2)).exp()).collect()
        });
        let mut gaussian = vec![0.0; nz];
        for (index, values) in self.values.chunks_exact(nz).enumerate() {
            let (ix, iy) = (index / ny, index % ny);
            let across = exponentials[0][ix] * exponentials[1][iy];
            for (g, e) in gaussian.iter_mut().zip(&exponentials[2]) {
                *g = across * e;
            }
            row([offsets[0][ix], offsets[1][iy]], &offsets[2], &gaussian, values);
        }
    }

    /// Offsets stay in the grid's coordinates; the whitening U R carries the shape.
    fn for_rotated_rows(
        &self,
        shape: &Shape,
        rotation: Matrix3<f64>,
        mut row: impl FnMut([f64; 2], &[f64], &[f64], &[f64]),
    ) {
        let [nx, ny, nz] = [0, 1, 2].map(|axis| self.axes[axis].len());
        let whitening = shape.factor * rotation;
        let centre = rotation.try_inverse().unwrap_or_else(Matrix3::zeros) * shape.centre;
        let z: Vec<f64> = self.axes[2].iter().map(|z| z - centre.z).collect();
        let mut gaussian = vec![0.0; nz];
        for ix in 0..nx {
            for iy in 0..ny {
                let (dx, dy) = (self.axes[0][ix] - centre.x, self.axes[1][iy] - centre.y);
                let base = whitening * Vector3::new(dx, dy, 0.0);
                let along = whitening.column(2).into_owned();
                // |base + z·along|² = a + 2 b z + c z². Rows whose minimum a − b²/c is too large are skipped.
                let (a, b, c) = (base.norm_squared(), base.dot(&along), along.norm_squared());
                let nearest = a - b * b / c;
                for (g, z) in gaussian.iter_mut().zip(&z) {
                    let exponent = -0.5 * (a + z * (2.0 * b + c * z));
                    *g = if nearest < 1480.0 { exponent.exp() } else { 0.0 };
                }
                let start = (ix * ny + iy) * nz;
                row([dx, dy], &z, &gaussian, &self.values[start..start + nz]);
            }
        }
    }

    /// Along the grid's axes the Gaussian is a product: sums over the model are products of one-dimensional ones, sums
    /// over the data one separable transform.
    fn separable_sums(&self, shape: &Shape) -> Sums {
        let mut squares = [[0.0; 5]; 3];
        let tables: [Mat<f64>; 3] = std::array::from_fn(|axis| {
            let (centre, width) = (shape.centre[axis], shape.factor[(axis, axis)]);
            let scale = if axis == 2 { self.factor } else { 1.0 };
            let mut table = Mat::zeros(3, self.axes[axis].len());
            for (k, x) in self.axes[axis].iter().enumerate() {
                let d = x - centre;
                let e = (-0.5 * (width * d).powi(2)).exp();
                let mut power = e * e;
                for sum in &mut squares[axis] {
                    *sum += power;
                    power *= d;
                }
                for (i, e) in [e, e * d, e * d * d].into_iter().enumerate() {
                    table[(i, k)] = scale * e;
                }
            }
            table
        });
        let data = transform(self.values, [tables[0].as_ref(), tables[1].as_ref(), tables[2].as_ref()]);
        let square = |[i, j, k]: [usize; 3]| squares[0][i] * squares[1][j] * squares[2][k];
        Sums::new(MONOMIALS.map(|[i, j, k]| data[(i * 3 + j) * 3 + k]), square)
    }

    /// Sums for a row. Along it every derivative is g times a quadratic polynomial in z, so that eight sums are enough.
    fn sums_by_rows(&self, shape: &Shape) -> Sums {
        let mut powers = [[[0.0; 5]; 5]; 5];
        let mut data = [0.0; MONOMIALS.len()];
        self.for_rows(shape, |[x, y], z, gaussian, values| {
            let n = values.len();
            let (z, gaussian) = (&z[..n], &gaussian[..n]);
            let along = row_sums(n, |k| {
                let fg = self.factor * values[k] * gaussian[k];
                [fg, fg * z[k], fg * z[k] * z[k]]
            });
            let squares = row_sums(n, |k| {
                let (g, z) = (gaussian[k] * gaussian[k], z[k]);
                let gz2 = g * z * z;
                [g, g * z, gz2, gz2 * z, gz2 * z * z]
            });
            let (xs, ys) = ([1.0, x, x * x], [1.0, y, y * y]);
            for (sum, [i, j, k]) in data.iter_mut().zip(MONOMIALS) {
                *sum += xs[i] * ys[j] * along[k];
            }
            let mut xi = 1.0;
            for (i, plane) in powers.iter_mut().enumerate() {
                let mut xy = xi;
                for row in plane.iter_mut().take(5 - i) {
                    for (sum, square) in row.iter_mut().zip(squares) {
                        *sum += xy * square;
                    }
                    xy *= y;
                }
                xi *= x;
            }
        });
        Sums::new(data, |[i, j, k]| powers[i][j][k])
    }
}
