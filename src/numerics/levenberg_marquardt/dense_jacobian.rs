//! Linearisation as a stored Jacobian, for small, ill-conditioned problems.

use super::LinearisedSystem;
use nalgebra::{DMatrix, DVector};

/// Jacobian in the decomposed form J = QR.
///
/// A damped step is the least-squares solution of the stacked system \[R; √damping\] δ = \[−Qᵀr; 0\], by a second QR
/// decomposition that is small whatever the number of residuals (Moré 1978). JᵀJ is never formed, so the condition
/// number is not squared.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseJacobian {
    /// R, with at most as many rows as there are parameters.
    triangle: DMatrix<f64>,
    /// First rows of Qᵀr, those that depend on the parameters.
    residuals: DVector<f64>,
    gradient: DVector<f64>,
    diagonal: DVector<f64>,
}

impl DenseJacobian {
    /// Decomposes J, with one row per residual and one column per parameter.
    ///
    /// `None` if the numbers of rows and of residuals differ.
    #[must_use]
    pub fn new(jacobian: DMatrix<f64>, mut residuals: DVector<f64>) -> Option<Self> {
        if jacobian.nrows() != residuals.len() {
            return None;
        }
        let gradient = jacobian.tr_mul(&residuals);
        let diagonal = DVector::from_iterator(jacobian.ncols(), jacobian.column_iter().map(|c| c.norm_squared()));
        if jacobian.is_empty() {
            let triangle = DMatrix::zeros(0, jacobian.ncols());
            return Some(Self { triangle, residuals: DVector::zeros(0), gradient, diagonal });
        }
        let qr = jacobian.qr();
        qr.q_tr_mul(&mut residuals);
        let triangle = qr.r();
        let residuals = residuals.rows(0, triangle.nrows()).into_owned();
        Some(Self { triangle, residuals, gradient, diagonal })
    }
}

impl LinearisedSystem for DenseJacobian {
    fn gradient(&self) -> &DVector<f64> {
        &self.gradient
    }

    fn diagonal(&self) -> DVector<f64> {
        self.diagonal.clone()
    }

    fn squared_change(&self, step: &DVector<f64>) -> f64 {
        (&self.triangle * step).norm_squared()
    }

    fn step(&self, damping: &DVector<f64>) -> Option<DVector<f64>> {
        let (rows, columns) = self.triangle.shape();
        if columns == 0 {
            return Some(DVector::zeros(0));
        }
        let mut stacked = DMatrix::zeros(rows + columns, columns);
        stacked.rows_mut(0, rows).copy_from(&self.triangle);
        for (k, damping) in damping.iter().enumerate().take(columns) {
            stacked[(rows + k, k)] = damping.sqrt();
        }
        let mut target = DVector::zeros(rows + columns);
        target.rows_mut(0, rows).copy_from(&-&self.residuals);
        let qr = stacked.qr();
        qr.q_tr_mul(&mut target);
        qr.r().solve_upper_triangular(&target.rows(0, columns))
    }
}
