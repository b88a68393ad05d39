//! Levenberg-Marquardt against another implementation, under a change of units, and by either decomposition.

mod least_squares;

use approx::assert_relative_eq;
use least_squares::dual::Dual;
use least_squares::{Dense, Streamed, cost, jacobian, residuals};
use levenberg_marquardt as oracle;
use nalgebra::{DMatrix, DVector, Dyn, Owned};
use vdf_basis::numerics::levenberg_marquardt::{LevenbergMarquardt, Report, minimise};

/// A Gaussian peak on a slope, sampled with errors that are reproducible and not small.
fn peak(p: &[Dual]) -> Vec<Dual> {
    let model = |x: f64| p[0] * (-((x - p[1]) / p[2]).powi(2)).exp() + p[3] + p[4] * x;
    let datum = |x: f64| 3.0 * (-((x - 0.4) / 0.7_f64).powi(2)).exp() + 0.5 - 0.1 * x + 0.2 * (37.0 * x).sin();
    (-20..=20).map(|k| f64::from(k) / 10.0).map(|x| model(x) - datum(x)).collect()
}

fn vector<const N: usize>(entries: [f64; N]) -> DVector<f64> {
    DVector::from_row_slice(&entries)
}

fn start() -> DVector<f64> {
    vector([1.0, 0.0, 1.0, 0.0, 0.0])
}

/// The same problem for the crate `levenberg-marquardt`, which follows MINPACK.
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
    agrees_with_minpack(peak, start(), 1e-6);
    agrees_with_minpack(rosenbrock, vector([-1.2, 1.0]), 1e-10);
    // MINPACK stops once rounding hides the cost's decrease, with half of the digits of the parameters.
    agrees_with_minpack(brown_dennis, vector([25.0, 5.0, -5.0, -1.0]), 1e-5);
}

fn agrees_with_minpack(f: impl Fn(&[Dual]) -> Vec<Dual>, start: DVector<f64>, tolerance: f64) {
    let problem = Oracle { residuals: &f, parameters: start.clone() };
    let (theirs, report) = oracle::LevenbergMarquardt::new().minimize(problem);
    assert!(report.termination.was_successful(), "{:?}", report.termination);
    let ours = minimise(&Dense(&f), start, &LevenbergMarquardt::to_rounding().max_iterations(1000));
    assert!(ours.report.stopped.converged(), "{:?}", ours.report);
    assert!(ours.report.cost <= report.objective_function * (1.0 + 1e-12) + 1e-25);
    assert_relative_eq!(ours.parameters, theirs.parameters, max_relative = tolerance);
}

#[test]
fn both_decompositions_agree_where_the_problem_is_well_conditioned() {
    let settings = LevenbergMarquardt::to_rounding();
    let dense = minimise(&Dense(peak), start(), &settings);
    let streamed = minimise(&Streamed(peak), start(), &settings);
    assert_relative_eq!(dense.parameters, streamed.parameters, max_relative = 1e-13);
    assert_relative_eq!(dense.report.cost, streamed.report.cost, max_relative = 1e-14);
}

/// Parameters in units of `units`.
fn in_units(units: [f64; 5]) -> impl Fn(&[Dual]) -> Vec<Dual> {
    move |p| peak(&p.iter().zip(units).map(|(&p, unit)| p * unit).collect::<Vec<_>>())
}

#[test]
fn the_units_of_the_parameters_do_not_matter() {
    let settings = LevenbergMarquardt::default();
    let counters = |report: Report| (report.iterations, report.evaluations, report.linearisations, report.stopped);
    let plain = minimise(&Dense(peak), start(), &settings);
    for units in [[1e8, 1e-8, 1e8, 1e-8, 1e8], [1e-8; 5], [3e7, 1.0, 1e-7, 2e-3, 1e8]] {
        let units_vector = DVector::from_row_slice(&units);
        let start = start().component_div(&units_vector);
        for fit in [
            minimise(&Dense(in_units(units)), start.clone(), &settings),
            minimise(&Streamed(in_units(units)), start, &settings),
        ] {
            assert_eq!(counters(fit.report), counters(plain.report));
            assert_relative_eq!(fit.parameters.component_mul(&units_vector), plain.parameters, max_relative = 1e-9);
        }
    }
}

#[test]
fn the_result_is_the_same_bit_for_bit() {
    let fits = [(); 2].map(|()| minimise(&Streamed(peak), start(), &LevenbergMarquardt::default()));
    assert_eq!(fits[0], fits[1]);
    assert_eq!(cost(&peak, &fits[0].parameters), fits[0].report.cost);
}
