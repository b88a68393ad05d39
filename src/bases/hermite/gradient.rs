//! Gradient of a Hermite expansion in velocity space.
//!
//! The derivative of a function is one or two of its neighbours: ψ′_n = √(n/2) ψ_{n−1} − √((n+1)/2) ψ_{n+1} with the
//! symmetric weight, φ′_n = −√(n+1) φ_{n+1} with the asymmetric. Along the grid's axes the table of one axis is
//! differentiated, along others the expansion itself: its derivative has one function more along that axis.

use faer::Mat;

use super::axis::Axis;
use super::orthonormal::Functions;
use super::rotated::RotatedTerms;
use super::{Hermite, HermiteCoefficients, Weight};
use crate::distribution::grid::VelocityGrid;
use crate::numerics::separable::transform;

impl Hermite {
    /// ∂f/∂v at the cells of a grid, in C order.
    pub(super) fn gradient_parts(&self, coefficients: &HermiteCoefficients, grid: &VelocityGrid) -> [Vec<f64>; 3] {
        if coefficients.frame.rotation.is_some() {
            return along_rotated_axes(coefficients, grid);
        }
        let slopes = [0, 1, 2].map(|axis| self.slopes(coefficients, grid, axis));
        self.with_functions(coefficients, grid, |cube, functions| {
            [0, 1, 2].map(|axis| {
                let mut tables = functions;
                tables[axis] = slopes[axis].as_ref();
                transform(&cube, tables)
            })
        })
    }

    /// Derivatives by the velocity of the functions of [`Hermite::with_functions`] along one axis.
    fn slopes(&self, coefficients: &HermiteCoefficients, grid: &VelocityGrid, axis: usize) -> Mat<f64> {
        let HermiteCoefficients { weight, frame, orders, .. } = coefficients;
        let slopes = Axis::new(grid, axis, frame.centre[axis], frame.scales[axis]).slopes(*weight, orders[axis]);
        if coefficients.functions != Functions::Orthonormal(*grid) {
            return slopes;
        }
        // The columns of Q are ψ R⁻¹, so that their derivatives are ψ′ R⁻¹.
        let tables = self.axis_tables(grid, axis, frame, orders[axis]);
        match &tables.triangular {
            Some([_, inverse]) => slopes * inverse,
            None => slopes,
        }
    }
}

/// ∂f/∂v_j = Σ_i e_ij / s_i ∂f/∂ξ_i.
fn along_rotated_axes(coefficients: &HermiteCoefficients, grid: &VelocityGrid) -> [Vec<f64>; 3] {
    let HermiteCoefficients { weight, frame, .. } = coefficients;
    let axes = frame.axes();
    let cube = coefficients.densities();
    let mut parts = [0, 1, 2].map(|_| vec![0.0; grid.cells()]);
    for (i, axis) in axes.iter().enumerate() {
        let (derivative, orders) = derivative(*weight, &cube, coefficients.orders, i);
        let kept = (0..=u32::MAX).zip(&derivative).filter(|(_, amplitude)| **amplitude != 0.0);
        let (positions, amplitudes): (Vec<u32>, Vec<f64>) = kept.unzip();
        let values = RotatedTerms::new(grid, frame, *weight, orders, &positions).evaluate(&amplitudes);
        for (j, part) in parts.iter_mut().enumerate() {
            let factor = axis[j] / frame.scales[i];
            part.iter_mut().zip(&values).for_each(|(part, value)| *part += factor * value);
        }
    }
    parts
}

/// The cube of the amplitudes of ∂f/∂ξ along an axis, and its orders: one more along that axis.
fn derivative(weight: Weight, cube: &[f64], orders: [usize; 3], axis: usize) -> (Vec<f64>, [usize; 3]) {
    let mut longer = orders;
    longer[axis] += 1;
    let mut derivative = vec![0.0; longer.iter().product()];
    let place = |term: [usize; 3]| (term[0] * longer[1] + term[1]) * longer[2] + term[2];
    for (position, amplitude) in cube.iter().enumerate() {
        let term = [position / (orders[1] * orders[2]), position / orders[2] % orders[1], position % orders[2]];
        let n = term[axis];
        let neighbour = |degree: usize| {
            let mut term = term;
            term[axis] = degree;
            place(term)
        };
        let next = (n + 1) as f64;
        match weight {
            Weight::Symmetric => {
                derivative[neighbour(n + 1)] -= (0.5 * next).sqrt() * amplitude;
                if n > 0 {
                    derivative[neighbour(n - 1)] += (0.5 * n as f64).sqrt() * amplitude;
                }
            }
            Weight::Asymmetric => derivative[neighbour(n + 1)] -= next.sqrt() * amplitude,
        }
    }
    (derivative, longer)
}
