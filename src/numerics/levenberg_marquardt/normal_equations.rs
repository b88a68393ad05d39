//! Linearisation as JᵀJ and Jᵀr, accumulated without storing J.

use super::LinearisedSystem;
use faer::linalg::solvers::{Llt, Solve};
use faer::{ColMut, MatRef, Side};
use nalgebra::{Cholesky, DMatrix, DVector};

/// Number of parameters from which on the blocked Cholesky decomposition of faer is faster than that of nalgebra.
const BLOCKED_FROM: usize = 64;

/// Normal equations JᵀJ δ = −Jᵀr, solved by Cholesky decomposition.
///
/// Forming JᵀJ squares the condition number: directions that J resolves to less than 1e-8 of the largest are lost.
#[derive(Debug, Clone, PartialEq)]
pub struct NormalEquations {
    /// JᵀJ; only the lower triangle is used.
    matrix: DMatrix<f64>,
    /// Jᵀr.
    gradient: DVector<f64>,
}

impl NormalEquations {
    /// Normal equations without residuals, for this number of parameters.
    #[must_use]
    pub fn zeros(parameters: usize) -> Self {
        Self { matrix: DMatrix::zeros(parameters, parameters), gradient: DVector::zeros(parameters) }
    }

    /// Makes normal equations from JᵀJ, of which only the lower triangle is read, and Jᵀr.
    ///
    /// `None` unless the matrix is square and as large as the gradient.
    #[must_use]
    pub fn from_parts(matrix: DMatrix<f64>, gradient: DVector<f64>) -> Option<Self> {
        (matrix.shape() == (gradient.len(), gradient.len())).then_some(Self { matrix, gradient })
    }

    /// JᵀJ.
    #[must_use]
    pub(crate) fn into_matrix(self) -> DMatrix<f64> {
        self.matrix
    }

    /// Adds one residual and its derivatives by each parameter; derivatives left out are zero, those in excess ignored.
    pub fn add_row(&mut self, derivatives: &[f64], residual: f64) {
        let n = self.gradient.len().min(derivatives.len());
        for (column, &by_column) in derivatives[..n].iter().enumerate() {
            self.gradient[column] += by_column * residual;
            for (row, &by_row) in derivatives[..n].iter().enumerate().skip(column) {
                self.matrix[(row, column)] += by_row * by_column;
            }
        }
    }
}

impl LinearisedSystem for NormalEquations {
    fn gradient(&self) -> &DVector<f64> {
        &self.gradient
    }

    fn diagonal(&self) -> DVector<f64> {
        self.matrix.diagonal()
    }

    fn squared_change(&self, step: &DVector<f64>) -> f64 {
        let mut image = DVector::zeros(step.len());
        image.sygemv(1.0, &self.matrix, step, 0.0);
        image.dot(step)
    }

    fn step(&self, damping: &DVector<f64>) -> Option<DVector<f64>> {
        let mut damped = self.matrix.clone();
        for (k, damping) in damping.iter().enumerate().take(self.gradient.len()) {
            damped[(k, k)] += damping;
        }
        if self.gradient.len() < BLOCKED_FROM {
            return Some(Cholesky::new(damped)?.solve(&-&self.gradient));
        }
        let n = self.gradient.len();
        let factor = Llt::new(MatRef::from_column_major_slice(damped.as_slice(), n, n), Side::Lower).ok()?;
        let mut step = -&self.gradient;
        factor.solve_in_place(ColMut::from_slice_mut(step.as_mut_slice()).as_mat_mut());
        Some(step)
    }
}
