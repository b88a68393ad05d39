//! The Gaussian nearest to a distribution: from its moments, or in the sense of least squares.
//!
//! Where a basis takes centre and widths from the data, this is how it finds them.

use std::cell::RefCell;
use std::rc::Rc;

use faer::Mat;
use nalgebra::{DMatrix, DVector, Matrix3, SymmetricEigen, Vector3};

use super::frame::{Frame, Orientation};
use super::grid::VelocityGrid;
use super::moments::Moments;
use super::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::levenberg_marquardt::{self, LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::separable::transform;
use crate::numerics::summation::{CompensatedSum, paired_sum, row_sums};

/// How many widths a Gaussian has, and along which axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Covariance {
    /// One width for all directions.
    Isotropic,
    /// A width along each of the grid's axes.
    #[default]
    Diagonal,
    /// A full symmetric matrix: three widths along axes of their own.
    Full,
}

/// peak · exp(−½ |ξ|²), ξ the coordinates of the frame: scales are standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaussian {
    /// Phase-space density at the centre [s³ m⁻⁶].
    pub peak: f64,
    /// Centre, axes and standard deviations [m/s].
    pub frame: Frame,
}

/// Least width of a fitted Gaussian, in cells: a narrower one falls between them.
const NARROWEST: f64 = 0.1;

/// The width of a cell along a direction.
fn cell_along(grid: &VelocityGrid, direction: [f64; 3]) -> f64 {
    (0..3).map(|j| direction[j].abs() * grid.spacing()[j]).sum()
}

/// The moments from which a basis takes its first centre and widths: the distribution's own, or, where positive and
/// negative parts largely cancel (a residual), those of |f|.
///
/// # Errors
/// [`Error::Degenerate`] in the name of `basis` if the distribution is zero everywhere.
pub(crate) fn locating_moments(basis: &'static str, vdf: &Vdf) -> Result<Moments> {
    /// Below this part of Σ|f|, Σf says more about the cancellation than about the distribution.
    const MOSTLY_ONE_SIGN: f64 = 0.9;
    let factor = normalising_factor(vdf.peak());
    let (values, row) = (vdf.as_slice(), vdf.grid().shape()[2]);
    let sum = paired_sum(values, values, row, |f, _| f * factor);
    let absolute = paired_sum(values, values, row, |f, _| f.abs() * factor);
    if absolute == 0.0 {
        return Err(Error::Degenerate { basis, reason: "the distribution is zero everywhere".to_owned() });
    }
    Ok(if sum.abs() >= MOSTLY_ONE_SIGN * absolute { vdf.moments() } else { vdf.absolute_moments() })
}

/// The frame that the moments give, with every scale made usable: an axis of a single cell gets the cell's width.
///
/// # Errors
/// [`Error::Degenerate`] in the name of `basis` if the thermal width vanishes along an axis of several cells.
pub(crate) fn frame_of_moments(
    basis: &'static str,
    moments: &Moments,
    orientation: Orientation,
    grid: &VelocityGrid,
) -> Result<Frame> {
    let mut frame = orientation.frame(moments);
    let axes = frame.axes();
    for (axis, scale) in frame.scales.iter_mut().enumerate() {
        // The width of a cell along the axis. Values in a single plane of cells have a width of rounding errors.
        let cell = cell_along(grid, axes[axis]);
        if *scale > 1e-5 * cell {
            continue;
        }
        // Only an axis along which the grid has a single cell may have no width at all.
        let along = (0..3).filter(|&j| axes[axis][j].abs() > 1e-9).collect::<Vec<_>>();
        if along.iter().any(|&j| grid.shape()[j] > 1) {
            return Err(Error::Degenerate {
                basis,
                reason: format!(
                    "the thermal width along axis {axis} is zero; the distribution must fill more than one plane of cells"
                ),
            });
        }
        *scale = along.iter().fold(0.0, |width, &j| f64::max(width, grid.spacing()[j]));
    }
    Ok(frame)
}

/// The Gaussian with the distribution's density, bulk velocity and (for `Full` and `Diagonal`) variances.
///
/// # Errors
/// [`Error::Degenerate`] in the name of `basis` as [`locating_moments`] and [`frame_of_moments`].
pub(crate) fn from_moments(basis: &'static str, vdf: &Vdf, covariance: Covariance) -> Result<Gaussian> {
    let moments = locating_moments(basis, vdf)?;
    let orientation = match covariance {
        Covariance::Full => Orientation::PressureEigenframe,
        Covariance::Isotropic | Covariance::Diagonal => Orientation::Grid,
    };
    let mut frame = frame_of_moments(basis, &moments, orientation, vdf.grid())?;
    if covariance == Covariance::Isotropic {
        frame.scales = [moments.thermal_speed(); 3];
    }
    // Multiplied one after another: the cube of a width may leave the range of f64 where the density does not.
    let peak = frame.scales.iter().fold(moments.density, |peak, scale| peak / (scale * std::f64::consts::TAU.sqrt()));
    if !(peak.is_finite() && frame.scales.iter().all(|&scale| scale > 0.0)) {
        return Err(Error::Degenerate { basis, reason: format!("no Gaussian has its moments, {moments:?}") });
    }
    Ok(Gaussian { peak, frame })
}

/// The Gaussian with the smallest Σ (g − f)² over the cells, by Levenberg-Marquardt from `start`, whose frame must be
/// along the grid's axes unless the covariance is full.
pub(crate) fn least_squares(vdf: &Vdf, covariance: Covariance, start: &Gaussian) -> (Gaussian, Report) {
    let factor = normalising_factor(vdf.peak());
    let mut start = *start;
    for (axis, direction) in start.frame.axes().into_iter().enumerate() {
        // A start too narrow for the cells would be refused: as wide as they see it has the same density.
        let narrow = start.frame.scales[axis];
        let wide = narrow.max(2.0 * NARROWEST * cell_along(vdf.grid(), direction));
        start.frame.scales[axis] = wide;
        start.peak *= narrow / wide;
    }
    let problem = GaussianProblem::new(vdf, factor, covariance, start.frame);
    let mut first = DVector::zeros(problem.parameters());
    first[0] = start.peak * factor;
    let fit = levenberg_marquardt::minimise(&problem, first, &LevenbergMarquardt::default().cost_tolerance(1e-10));
    let shape = problem.shape(&fit.parameters);
    let peak = shape.amplitude / factor;
    // A centre far outside the box may ask for a peak beyond the range of f64.
    let gaussian = if peak.is_finite() { Gaussian { peak, frame: problem.frame_of(&shape) } } else { start };
    (gaussian, fit.report)
}

/// min ½ Σ (A exp(−½|z|²) − f)², with z = U (ξ − c), ξ the coordinates of the start's frame and U upper triangular
/// with a positive diagonal: everything the solver sees is of order one.
///
/// Parameters: A, c_0, c_1, c_2, then log U_ii (one for isotropic, three otherwise), then U_01, U_02, U_12 (full).
struct GaussianProblem<'a> {
    values: &'a [f64],
    factor: f64,
    covariance: Covariance,
    start: Frame,
    /// Cell centres along the grid's axes, relative to the start's centre, in units of its scales if the frame is
    /// along the grid's axes and of its largest scale otherwise.
    axes: [Vec<f64>; 3],
    largest: f64,
    /// Turns grid-axis offsets into ξ; `None` where the frame is along the grid's axes.
    rotation: Option<Matrix3<f64>>,
    /// Least width along each axis, in units of the start's: a narrower Gaussian falls between the cells.
    narrowest: [f64; 3],
    /// Σ f² of the scaled values.
    norm_squared: f64,
    /// The sums last made: the solver asks for the derivatives where it has just asked for the cost.
    last: RefCell<Option<(DVector<f64>, Rc<Sums>)>>,
}

/// The parameters, unpacked.
struct Shape {
    amplitude: f64,
    centre: Vector3<f64>,
    factor: Matrix3<f64>,
}

/// Exponents (i, j, k) of the monomials x^i y^j z^k up to degree 2: the model's derivatives are these times g.
const MONOMIALS: [[usize; 3]; 10] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]];

/// Sums over the cells, g the unit Gaussian and φ_p = g · monomial p.
struct Sums {
    /// Σ f φ_p of the scaled values.
    data: [f64; MONOMIALS.len()],
    /// Σ φ_p φ_q.
    gram: DMatrix<f64>,
}

fn added(a: [usize; 3], b: [usize; 3]) -> [usize; 3] {
    std::array::from_fn(|axis| a[axis] + b[axis])
}

/// Position of d_i d_j among the monomials.
fn quadratic(i: usize, j: usize) -> usize {
    let (i, j) = (i.min(j), i.max(j));
    [[4, 5, 6], [5, 7, 8], [6, 8, 9]][i][j]
}

impl<'a> GaussianProblem<'a> {
    fn new(vdf: &'a Vdf, factor: f64, covariance: Covariance, start: Frame) -> Self {
        let grid = vdf.grid();
        let rotated = covariance == Covariance::Full;
        let largest = start.scales.into_iter().fold(0.0, f64::max);
        let axes = std::array::from_fn(|axis| {
            let unit = if rotated { largest } else { start.scales[axis] };
            grid.centres(axis).iter().map(|v| (v - start.centre[axis]) / unit).collect()
        });
        let directions = start.axes();
        let rotation = rotated.then(|| Matrix3::from_fn(|i, j| directions[i][j] * (largest / start.scales[i])));
        let narrowest = std::array::from_fn(|axis| NARROWEST * cell_along(grid, directions[axis]) / start.scales[axis]);
        let (values, row) = (vdf.as_slice(), grid.shape()[2]);
        let norm_squared = paired_sum(values, values, row, |f, _| (f * factor).powi(2));
        Self {
            values,
            factor,
            covariance,
            start,
            axes,
            largest,
            rotation,
            narrowest,
            norm_squared,
            last: RefCell::new(None),
        }
    }

    fn parameters(&self) -> usize {
        match self.covariance {
            Covariance::Isotropic => 5,
            Covariance::Diagonal => 7,
            Covariance::Full => 10,
        }
    }

    fn shape(&self, p: &DVector<f64>) -> Shape {
        let centre = Vector3::new(p[1], p[2], p[3]);
        let factor = match self.covariance {
            Covariance::Isotropic => Matrix3::from_diagonal_element(p[4].exp()),
            Covariance::Diagonal => Matrix3::from_diagonal(&Vector3::new(p[4].exp(), p[5].exp(), p[6].exp())),
            Covariance::Full => Matrix3::new(p[4].exp(), p[7], p[8], 0.0, p[5].exp(), p[9], 0.0, 0.0, p[6].exp()),
        };
        Shape { amplitude: p[0], centre, factor }
    }

    /// Widths narrower than a cell can see, or out of all proportion, belong to no Gaussian on this grid.
    fn admissible(&self, shape: &Shape) -> bool {
        (0..3).all(|i| {
            let width = 1.0 / shape.factor[(i, i)];
            width > self.narrowest[i] && width < 1e3 && shape.centre[i].abs() < 1e3
        })
    }

    fn frame_of(&self, shape: &Shape) -> Frame {
        let start = self.start;
        let centre = start.to_velocity(shape.centre.into());
        if self.covariance != Covariance::Full {
            let scales = std::array::from_fn(|i| start.scales[i] / shape.factor[(i, i)]);
            return Frame::grid_aligned(centre, scales);
        }
        // z = U R (v − c): the precision in the grid's coordinates is (U R)ᵀ U R; its eigenvectors are the axes.
        let whitening = shape.factor * self.rotation.unwrap_or_else(Matrix3::identity);
        let unit = whitening.amax();
        let eigen = SymmetricEigen::new((whitening / unit).transpose() * (whitening / unit));
        let pressure = Matrix3::from_fn(|i, j| {
            (0..3)
                .map(|k| eigen.eigenvectors[(i, k)] * eigen.eigenvectors[(j, k)] / eigen.eigenvalues[k].max(1e-30))
                .sum::<f64>()
        });
        // The frame's convention for its axes is the pressure tensor's: the covariance stands in for it.
        let moments = Moments {
            density: (unit / self.largest).powi(2),
            bulk_velocity: centre,
            pressure: std::array::from_fn(|i| std::array::from_fn(|j| pressure[(i, j)])),
            heat_flux: [0.0; 3],
        };
        Orientation::PressureEigenframe.frame(&moments)
    }

    /// Calls `row` for every row of cells along the last axis with the offsets of the row and of its cells from the
    /// centre, the unit Gaussian on it, and its values.
    fn for_rows(&self, shape: &Shape, mut row: impl FnMut([f64; 2], &[f64], &[f64], &[f64])) {
        let [nx, ny, nz] = [0, 1, 2].map(|axis| self.axes[axis].len());
        match self.rotation {
            None => {
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
            Some(rotation) => {
                // Offsets stay in the grid's coordinates; the whitening U R carries the shape.
                let whitening = shape.factor * rotation;
                let centre = rotation.try_inverse().unwrap_or_else(Matrix3::zeros) * shape.centre;
                let z: Vec<f64> = self.axes[2].iter().map(|z| z - centre.z).collect();
                let mut gaussian = vec![0.0; nz];
                for ix in 0..nx {
                    for iy in 0..ny {
                        let (dx, dy) = (self.axes[0][ix] - centre.x, self.axes[1][iy] - centre.y);
                        let base = whitening * Vector3::new(dx, dy, 0.0);
                        let along = whitening.column(2).into_owned();
                        // |base + z·along|² = a + 2 b z + c z²; the least value along the row tells whether to look.
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
        }
    }

    /// Σ r² cell by cell.
    fn residual(&self, shape: &Shape) -> f64 {
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

    /// All sums that cost and derivatives need.
    fn sums(&self, parameters: &DVector<f64>) -> Rc<Sums> {
        if let Some((_, sums)) = self.last.borrow().as_ref().filter(|(at, _)| at == parameters) {
            return Rc::clone(sums);
        }
        let shape = self.shape(parameters);
        let sums = if self.rotation.is_none() { self.separable_sums(&shape) } else { self.sums_by_rows(&shape) };
        let sums = Rc::new(sums);
        *self.last.borrow_mut() = Some((parameters.clone(), Rc::clone(&sums)));
        sums
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
        Sums {
            data: MONOMIALS.map(|[i, j, k]| data[(i * 3 + j) * 3 + k]),
            gram: DMatrix::from_fn(MONOMIALS.len(), MONOMIALS.len(), |p, q| square(added(MONOMIALS[p], MONOMIALS[q]))),
        }
    }

    fn sums_by_rows(&self, shape: &Shape) -> Sums {
        // Along a row every derivative is g times a quadratic in z: eight sums hold all that a row contributes.
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
        Sums {
            data,
            gram: DMatrix::from_fn(MONOMIALS.len(), MONOMIALS.len(), |p, q| {
                let [i, j, k] = added(MONOMIALS[p], MONOMIALS[q]);
                powers[i][j][k]
            }),
        }
    }

    /// ∂model/∂parameter = Σ over monomials of this matrix's column, times the unit Gaussian.
    fn derivatives(&self, shape: &Shape) -> DMatrix<f64> {
        let mut columns = DMatrix::zeros(MONOMIALS.len(), self.parameters());
        let (a, u) = (shape.amplitude, shape.factor);
        // z = W d, d the offset in the coordinates the monomials are taken in; ∂/∂c acts on ξ, and d = R⁻¹ ξ.
        let w = self.rotation.map_or(u, |rotation| u * rotation);
        let xi = self.rotation.unwrap_or_else(Matrix3::identity);
        columns[(0, 0)] = 1.0;
        // ∂/∂c_i = A g (Uᵀ z)_i, z = W d.
        let uw = u.transpose() * w;
        for i in 0..3 {
            for k in 0..3 {
                columns[(1 + k, 1 + i)] = a * uw[(i, k)];
            }
        }
        // ∂/∂U_ij = −A g z_i ξ_j, with z_i ξ_j = Σ_kl W_ik X_jl d_k d_l.
        let mut add = |parameter: usize, i: usize, j: usize, weight: f64| {
            for k in 0..3 {
                for l in 0..3 {
                    columns[(quadratic(k, l), parameter)] -= a * weight * w[(i, k)] * xi[(j, l)];
                }
            }
        };
        for i in 0..3 {
            let parameter = if self.covariance == Covariance::Isotropic { 4 } else { 4 + i };
            add(parameter, i, i, u[(i, i)]);
        }
        if self.covariance == Covariance::Full {
            for (offset, (i, j)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
                add(7 + offset, i, j, 1.0);
            }
        }
        columns
    }
}

impl LeastSquaresProblem for GaussianProblem<'_> {
    type System = NormalEquations;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        /// Part of the norm below which the difference of sums is mostly rounding.
        const SMALL: f64 = 1e-7;
        let shape = self.shape(parameters);
        if !self.admissible(&shape) {
            return f64::NAN;
        }
        let sums = self.sums(parameters);
        let residual = self.norm_squared + shape.amplitude * (shape.amplitude * sums.gram[(0, 0)] - 2.0 * sums.data[0]);
        0.5 * if residual > SMALL * self.norm_squared { residual } else { self.residual(&shape) }
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<NormalEquations> {
        let shape = self.shape(parameters);
        let sums = self.sums(parameters);
        let (data, gram) = (&sums.data, &sums.gram);
        // Σ r φ = A Σ g φ − Σ f φ, and the unit Gaussian is the first of the φ.
        let projections = gram.column(0) * shape.amplitude - DVector::from_row_slice(data);
        let derivatives = self.derivatives(&shape);
        NormalEquations::from_parts(derivatives.tr_mul(&(gram * &derivatives)), derivatives.tr_mul(&projections))
    }
}
