//! The coefficients in a given frame.

use std::sync::Arc;

use super::along_frame;
use super::axis::{self, Axis, Orthogonalised};
use super::orthonormal::Functions;
use super::rotated::{self, RotatedTerms};
use super::truncation::keep_largest;
use super::{AxisTables, Hermite, HermiteCoefficients, Projection, Truncation, Weight};
use crate::basis::Coefficients;
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::numerics::cgls;
use crate::numerics::selection::{gathered, scattered};
use crate::numerics::separable::transform;

/// Limits of conjugate gradients. A frame for which 60 iterations do not suffice is ill-conditioned, and more
/// iterations would only fit rounding.
const LIMITS: cgls::Limits = cgls::Limits { gradient: 1e-13, worthwhile: 1e-9, iterations: 60 };

impl Hermite {
    /// The coefficients in a frame, and the number of iterations of conjugate gradients made.
    pub(super) fn solve(&self, vdf: &Vdf, frame: Frame) -> (HermiteCoefficients, usize) {
        let orders = self.truncation.resolved(self.orders, cells_along(vdf.grid(), &frame));
        let mut coefficients = HermiteCoefficients {
            weight: self.weight,
            truncation: self.truncation,
            frame,
            orders,
            functions: Functions::Hermite,
            positions: self.truncation.positions(self.orders, orders),
            amplitudes: Vec::new(),
        };
        let iterations = match frame.rotation {
            None => self.solve_separable(vdf, &mut coefficients),
            Some(_) => match self.reordered(vdf, &frame) {
                Some(along) => {
                    // The frame's axes are the grid's in another order. Products separate, and the direct solution
                    // is more accurate than iterations, which end early where the box cuts the functions.
                    coefficients.frame = Frame::grid_aligned([0.0; 3], frame.scales);
                    let iterations = self.solve_separable(&along, &mut coefficients);
                    coefficients.frame = frame;
                    iterations
                }
                None => self.solve_rotated(vdf, &mut coefficients),
            },
        };
        (coefficients, iterations)
    }

    /// The distribution along a frame's axes, for the least squares, where they are the grid's in another order.
    fn reordered(&self, vdf: &Vdf, frame: &Frame) -> Option<Vdf> {
        let least_squares = self.projection == Projection::LeastSquares;
        least_squares.then(|| along_frame::reordered(vdf, frame)).flatten()
    }

    /// The tables of one axis, from the cache.
    pub(super) fn axis_tables(&self, grid: &VelocityGrid, axis: usize, frame: &Frame, order: usize) -> Arc<AxisTables> {
        let key = Axis::new(grid, axis, frame.centre[axis], frame.scales[axis]);
        self.tables.get_or_build((key, order, self.weight, self.projection), || match self.projection {
            Projection::LeastSquares => {
                let tables = Orthogonalised::new(&key, self.weight, order);
                let inverse = tables.inverse(order);
                let least = tables.least();
                AxisTables { analysis: tables.q.transpose().to_owned(), triangular: Some([tables.r, inverse]), least }
            }
            Projection::Quadrature => {
                AxisTables { analysis: key.projection(self.weight, order), triangular: None, least: 0.0 }
            }
        })
    }

    /// Solves along the grid's axes, by three small matrix products, and three triangular ones for the least squares.
    /// Returns the iterations made: none but for the best terms.
    fn solve_separable(&self, vdf: &Vdf, coefficients: &mut HermiteCoefficients) -> usize {
        let HermiteCoefficients { frame, orders, .. } = coefficients;
        let tables = [0, 1, 2].map(|axis| self.axis_tables(vdf.grid(), axis, frame, orders[axis]));
        let analysis = [0, 1, 2].map(|axis| tables[axis].analysis.as_ref());
        let mut cube = transform(vdf.as_slice(), analysis);
        if let [Some([rx, ix]), Some([ry, iy]), Some([rz, iz])] = [0, 1, 2].map(|axis| tables[axis].triangular.as_ref())
        {
            // Q's columns are nested like the functions: for a set of terms that holds all lower ones, leaving out
            // columns of Q *is* the least squares over the set.
            let mut held = vec![0.0; cube.len()];
            for &position in &coefficients.positions {
                held[position as usize] = cube[position as usize];
            }
            let inverse = [ix.as_ref(), iy.as_ref(), iz.as_ref()];
            let solved = transform(&held, inverse);
            if let Truncation::Best(terms) = self.truncation {
                keep_largest(&mut coefficients.positions, terms, |position| solved[position as usize].abs());
                let positions = &coefficients.positions;
                let triangular = [rx.as_ref(), ry.as_ref(), rz.as_ref()];
                let transposed = triangular.map(|r| r.transpose());
                let (amplitudes, made) = cgls::solve(
                    cube,
                    |x| transform(&scattered(x, positions, held.len()), triangular),
                    |y| gathered(&transform(y, transposed), positions),
                    &cgls::Limits { worthwhile: 0.0, iterations: 300, ..LIMITS },
                );
                coefficients.amplitudes = amplitudes;
                return made;
            }
            cube = solved;
        } else if let Truncation::Best(terms) = self.truncation {
            keep_largest(&mut coefficients.positions, terms, |position| cube[position as usize].abs());
        }
        coefficients.amplitudes = gathered(&cube, &coefficients.positions);
        coefficients.scale(self.weight.volume(&coefficients.frame));
        0
    }

    /// Solves along other axes, block by block, the least squares by conjugate gradients. Returns the iterations made.
    fn solve_rotated(&self, vdf: &Vdf, coefficients: &mut HermiteCoefficients) -> usize {
        let HermiteCoefficients { frame, orders, .. } = *coefficients;
        let grid = vdf.grid();
        if self.projection == Projection::Quadrature {
            let duals = RotatedTerms::new(grid, &frame, self.weight, orders, &coefficients.positions).duals();
            coefficients.amplitudes = duals.project(vdf.as_slice());
            let step = (0..3).fold(1.0, |step, axis| step * (grid.spacing()[axis] / frame.scales[axis]));
            coefficients.scale(step * self.weight.volume(&frame));
            if let Truncation::Best(terms) = self.truncation {
                coefficients.keep_largest(terms);
            }
            return 0;
        }
        let solve = |positions: &[u32]| rotated::least_squares(vdf, &frame, orders, positions, &LIMITS);
        let (amplitudes, mut iterations) = solve(&coefficients.positions);
        coefficients.amplitudes = amplitudes;
        if let Truncation::Best(terms) = self.truncation {
            coefficients.keep_largest(terms);
            let (amplitudes, more) = solve(&coefficients.positions);
            coefficients.amplitudes = amplitudes;
            iterations += more;
        }
        if self.weight == Weight::Asymmetric {
            // Solved with the symmetric functions, which are nearly orthogonal; the span is the same.
            let change = [0, 1, 2].map(|axis| axis::symmetric_to_asymmetric(orders[axis]));
            let cube = scattered(&coefficients.amplitudes, &coefficients.positions, orders.iter().product());
            let cube = transform(&cube, [0, 1, 2].map(|axis| change[axis].as_ref()));
            coefficients.amplitudes = gathered(&cube, &coefficients.positions);
            coefficients.scale(self.weight.volume(&frame));
        }
        iterations
    }
}

/// Cells along each axis of the frame: along the grid's own its shape, else as many as fit into the box.
fn cells_along(grid: &VelocityGrid, frame: &Frame) -> [usize; 3] {
    if frame.rotation.is_none() {
        return grid.shape();
    }
    frame.axes().map(|axis| {
        let along = |widths: [f64; 3]| (0..3).map(|j| axis[j].abs() * widths[j]).sum::<f64>();
        let box_widths = std::array::from_fn(|j| grid.shape()[j] as f64 * grid.spacing()[j]);
        (along(box_widths) / along(grid.spacing())).round() as usize
    })
}
