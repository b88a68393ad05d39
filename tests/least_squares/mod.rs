//! Least-squares problems written as residuals of dual numbers, so that Jacobians are exact without being typed in.
#![allow(dead_code)]

pub mod dual;

use dual::Dual;
use nalgebra::{DMatrix, DVector};
use vdf_basis::numerics::levenberg_marquardt::{DenseJacobian, LeastSquaresProblem, NormalEquations};

/// Residuals as a function of the parameters, with a stored Jacobian.
pub struct Dense<F>(pub F);

/// The same, with streamed normal equations.
pub struct Streamed<F>(pub F);

pub fn residuals<F: Fn(&[Dual]) -> Vec<Dual>>(f: &F, parameters: &DVector<f64>) -> Vec<Dual> {
    f(&parameters.iter().enumerate().map(|(k, &p)| Dual::variable(p, k)).collect::<Vec<_>>())
}

pub fn cost<F: Fn(&[Dual]) -> Vec<Dual>>(f: &F, parameters: &DVector<f64>) -> f64 {
    0.5 * residuals(f, parameters).iter().map(|r| r.value * r.value).sum::<f64>()
}

pub fn jacobian(residuals: &[Dual], parameters: usize) -> DMatrix<f64> {
    DMatrix::from_fn(residuals.len(), parameters, |row, column| residuals[row].gradient[column])
}

impl<F: Fn(&[Dual]) -> Vec<Dual>> LeastSquaresProblem for Dense<F> {
    type System = DenseJacobian;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        cost(&self.0, parameters)
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<DenseJacobian> {
        let rows = residuals(&self.0, parameters);
        let values = DVector::from_iterator(rows.len(), rows.iter().map(|r| r.value));
        DenseJacobian::new(jacobian(&rows, parameters.len()), values)
    }
}

impl<F: Fn(&[Dual]) -> Vec<Dual>> LeastSquaresProblem for Streamed<F> {
    type System = NormalEquations;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        cost(&self.0, parameters)
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<NormalEquations> {
        let mut system = NormalEquations::zeros(parameters.len());
        for r in residuals(&self.0, parameters) {
            system.add_row(&r.gradient, r.value);
        }
        Some(system)
    }
}

/// A Gaussian peak on a slope, sampled with errors that are reproducible and not small.
pub fn peak(p: &[Dual]) -> Vec<Dual> {
    let model = |x: f64| p[0] * (-((x - p[1]) / p[2]).powi(2)).exp() + p[3] + p[4] * x;
    let datum = |x: f64| 3.0 * (-((x - 0.4) / 0.7_f64).powi(2)).exp() + 0.5 - 0.1 * x + 0.2 * (37.0 * x).sin();
    (-20..=20).map(|k| f64::from(k) / 10.0).map(|x| model(x) - datum(x)).collect()
}
