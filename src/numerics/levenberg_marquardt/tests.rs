//! What every search keeps to, whatever the problem, the settings and the shapes.

use nalgebra::{DMatrix, DVector};

use super::*;

fn vector<const N: usize>(entries: [f64; N]) -> DVector<f64> {
    DVector::from_row_slice(&entries)
}

/// One residual per function, one parameter, by normal equations: r and dr/dp.
struct Scalar<F>(F);

impl<F: Fn(f64) -> (f64, f64)> LeastSquaresProblem for Scalar<F> {
    type System = NormalEquations;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        0.5 * self.0(parameters[0]).0.powi(2)
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<NormalEquations> {
        let (residual, derivative) = self.0(parameters[0]);
        let mut system = NormalEquations::zeros(1);
        system.add_row(&[derivative], residual);
        Some(system)
    }
}

fn search(residual: impl Fn(f64) -> (f64, f64), start: f64) -> Fit {
    minimise(&Scalar(residual), vector([start]), &LevenbergMarquardt::default())
}

/// r = A p − b, with the Jacobian stored.
struct Linear(DMatrix<f64>, DVector<f64>);

impl LeastSquaresProblem for Linear {
    type System = DenseJacobian;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        0.5 * (&self.0 * parameters - &self.1).norm_squared()
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<DenseJacobian> {
        DenseJacobian::new(self.0.clone(), &self.0 * parameters - &self.1)
    }
}

#[test]
fn steps_to_where_the_model_does_not_exist_are_refused() {
    // The first, nearly undamped step from 30 leads to negative p.
    let fit = search(|p| (p.ln(), 1.0 / p), 30.0);
    assert!((fit.parameters[0] - 1.0).abs() < 1e-12 && fit.report.stopped.converged(), "{fit:?}");
    assert!(fit.report.linearisations < fit.report.iterations);
}

#[test]
fn what_is_not_finite_is_reported_and_the_start_returned() {
    for residual in [f64::NAN, f64::INFINITY] {
        let fit = search(|_| (residual, 1.0), 3.0);
        assert_eq!((fit.parameters[0], fit.report.stopped), (3.0, StopReason::NotFinite));
        assert_eq!((fit.report.evaluations, fit.report.linearisations), (1, 0));
    }
    let fit = search(|p| (p, f64::NAN), 3.0);
    assert_eq!((fit.parameters[0], fit.report.stopped), (3.0, StopReason::NotFinite));
    let fit = search(|p| (p - 1.0, if p > 2.0 { 1.0 } else { f64::NAN }), 3.0);
    assert_eq!((fit.report.iterations, fit.report.stopped), (1, StopReason::NotFinite));
    assert!(fit.report.cost < fit.report.initial_cost && fit.parameters[0] < 2.0, "{fit:?}");
    let hostile = Linear(DMatrix::from_element(3, 2, f64::NAN), vector([1.0, 1.0, 1.0]));
    let fit = minimise(&hostile, vector([0.0, 0.0]), &LevenbergMarquardt::default());
    assert_eq!(fit.report.stopped, StopReason::NotFinite);
}

#[test]
fn a_linearisation_that_does_not_exist_ends_the_search() {
    struct Opaque;
    impl LeastSquaresProblem for Opaque {
        type System = NormalEquations;
        fn cost(&self, _: &DVector<f64>) -> f64 {
            1.0
        }
        fn linearise(&self, _: &DVector<f64>) -> Option<NormalEquations> {
            None
        }
    }
    let fit = minimise(&Opaque, vector([1.0]), &LevenbergMarquardt::default());
    assert_eq!((fit.parameters[0], fit.report.stopped), (1.0, StopReason::NotFinite));
}

#[test]
fn a_wrong_jacobian_makes_no_progress_and_says_so() {
    let fit = search(|p| (p - 1.0, -1.0), 3.0);
    assert_eq!((fit.parameters[0], fit.report.stopped), (3.0, StopReason::NoProgress));
    assert!(fit.report.iterations < 30, "{:?}", fit.report);
}

#[test]
fn parameters_without_effect_stay_where_they_are() {
    let matrix = DMatrix::from_row_slice(3, 3, &[1.0, 0.0, 1.0, 1.0, 0.0, 2.0, 1.0, 0.0, 3.0]);
    let problem = Linear(matrix, vector([2.0, 3.0, 4.0]));
    let fit = minimise(&problem, vector([0.0, 7.0, 0.0]), &LevenbergMarquardt::default());
    assert!((&fit.parameters - vector([1.0, 7.0, 1.0])).norm() < 1e-12, "{fit:?}");
    let nothing = Linear(DMatrix::zeros(2, 2), vector([1.0, 1.0]));
    let fit = minimise(&nothing, vector([5.0, 6.0]), &LevenbergMarquardt::default());
    assert_eq!((fit.parameters, fit.report.stopped), (vector([5.0, 6.0]), StopReason::Gradient));
}

#[test]
fn any_shape_of_problem_is_solved() {
    let empty = minimise(&Linear(DMatrix::zeros(2, 0), vector([1.0, 1.0])), vector([]), &LevenbergMarquardt::default());
    assert_eq!((empty.report.stopped, empty.report.cost), (StopReason::Gradient, 1.0));
    let none = minimise(&Linear(DMatrix::zeros(0, 2), vector([])), vector([1.0, 2.0]), &LevenbergMarquardt::default());
    assert_eq!((none.report.stopped, none.report.cost), (StopReason::Gradient, 0.0));
    let wide = Linear(DMatrix::from_row_slice(1, 3, &[1.0, 2.0, 3.0]), vector([14.0]));
    let wide = minimise(&wide, vector([0.0, 0.0, 0.0]), &LevenbergMarquardt::default());
    assert!(wide.report.stopped.converged() && wide.report.cost < 1e-20, "{wide:?}");
}

#[test]
fn the_limit_on_iterations_holds_and_keeps_the_best() {
    let residual = |p: f64| (p * p * p - 8.0, 3.0 * p * p);
    for limit in [0, 1, 3] {
        let settings = LevenbergMarquardt::default().max_iterations(limit);
        let fit = minimise(&Scalar(residual), vector([30.0]), &settings);
        let expected = (limit, limit + 1, StopReason::MaxIterations);
        assert_eq!((fit.report.iterations, fit.report.evaluations, fit.report.stopped), expected);
        assert_eq!(fit.report.cost, Scalar(residual).cost(&fit.parameters));
        assert!(limit == 0 || fit.report.cost < fit.report.initial_cost);
        assert_eq!(fit.report.linearisations, limit.max(1), "one after the last step would be wasted");
    }
}

#[test]
fn no_settings_can_make_it_hang() {
    for hostile in [f64::NAN, f64::INFINITY, -1.0, 0.0, f64::MAX] {
        let settings = LevenbergMarquardt::default()
            .initial_damping(hostile)
            .gradient_tolerance(hostile)
            .step_tolerance(hostile)
            .cost_tolerance(hostile);
        let fit = minimise(&Scalar(|p: f64| (p.exp() - 2.0, p.exp())), vector([3.0]), &settings);
        assert!(fit.report.iterations <= 200 && fit.parameters[0].is_finite(), "{fit:?}");
        let at_rest = minimise(&Scalar(|p: f64| (p, 1.0)), vector([0.0]), &settings);
        assert_eq!((at_rest.report.stopped, at_rest.report.iterations), (StopReason::Gradient, 0));
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let oversized = Linear(DMatrix::zeros(2, 3), vector([1.0, 1.0]));
    struct Misfit(Linear);
    impl LeastSquaresProblem for Misfit {
        type System = DenseJacobian;
        fn cost(&self, _: &DVector<f64>) -> f64 {
            1.0
        }
        fn linearise(&self, _: &DVector<f64>) -> Option<DenseJacobian> {
            self.0.linearise(&vector([1.0, 2.0, 3.0]))
        }
    }
    let fit = minimise(&Misfit(oversized), vector([1.0]), &LevenbergMarquardt::default());
    assert_eq!((fit.parameters, fit.report.stopped), (vector([1.0]), StopReason::NotFinite));
    assert!(NormalEquations::from_parts(DMatrix::zeros(2, 3), DVector::zeros(2)).is_none());
    assert!(NormalEquations::from_parts(DMatrix::zeros(3, 3), DVector::zeros(2)).is_none());
    assert!(DenseJacobian::new(DMatrix::zeros(3, 2), DVector::zeros(2)).is_none());
}
