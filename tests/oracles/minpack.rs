//! Levenberg-Marquardt finds the same minima as the crate `levenberg-marquardt`, which follows MINPACK.

#[path = "../least_squares/mod.rs"]
mod least_squares;

use approx::assert_relative_eq;
use least_squares::dual::Dual;
use least_squares::{Dense, jacobian, peak, residuals};
use levenberg_marquardt as oracle;
use nalgebra::{DMatrix, DVector, Dyn, Owned};
use vdf_basis::numerics::levenberg_marquardt::{LevenbergMarquardt, minimise};

/// A problem of ours as the oracle takes it.
struct Oracle<F> {
    residuals: F,
    parameters: DVector<f64>,
}

impl<F: Fn(&[Dual]) -> Vec<Dual>> oracle::LeastSquaresProblem<f64, Dyn, Dyn> for Oracle<F> {
    type ParameterStorage = Owned<f64, Dyn>;
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, Dyn>;

    fn set_params(&mut self, parameters: &DVector<f64>) {
        self.parameters.copy_from(parameters);
    }

    fn params(&self) -> DVector<f64> {
        self.parameters.clone()
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        let rows = residuals(&self.residuals, &self.parameters);
        Some(DVector::from_iterator(rows.len(), rows.iter().map(|r| r.value)))
    }

    fn jacobian(&self) -> Option<DMatrix<f64>> {
        Some(jacobian(&residuals(&self.residuals, &self.parameters), self.parameters.len()))
    }
}

#[test]
fn minpack_finds_the_same_minima() {
    let rosenbrock = |x: &[Dual]| vec![10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]];
    let brown_dennis = |x: &[Dual]| -> Vec<Dual> {
        let residual = |t: f64| (x[0] + t * x[1] - t.exp()).powi(2) + (x[2] + x[3] * t.sin() - t.cos()).powi(2);
        (1..=20).map(|i| residual(f64::from(i) / 5.0)).collect()
    };
    agrees_with_minpack(peak, &[1.0, 0.0, 1.0, 0.0, 0.0], 1e-6);
    agrees_with_minpack(rosenbrock, &[-1.2, 1.0], 1e-10);
    // MINPACK stops once rounding hides the cost's decrease, with half of the digits of the parameters.
    agrees_with_minpack(brown_dennis, &[25.0, 5.0, -5.0, -1.0], 1e-5);
}

fn agrees_with_minpack(f: impl Fn(&[Dual]) -> Vec<Dual>, start: &[f64], tolerance: f64) {
    let start = DVector::from_row_slice(start);
    let problem = Oracle { residuals: &f, parameters: start.clone() };
    let (theirs, report) = oracle::LevenbergMarquardt::new().minimize(problem);
    assert!(report.termination.was_successful(), "{:?}", report.termination);
    let ours = minimise(&Dense(&f), start, &LevenbergMarquardt::to_rounding().max_iterations(1000));
    assert!(ours.report.stopped.converged(), "{:?}", ours.report);
    assert!(ours.report.cost <= report.objective_function * (1.0 + 1e-12) + 1e-25);
    assert_relative_eq!(ours.parameters, theirs.parameters, max_relative = tolerance);
}
