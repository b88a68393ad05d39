//! The iteration itself, as a solver for `argmin`.

use super::{LeastSquaresProblem, LevenbergMarquardt, LinearisedSystem, Report, StopReason};
use argmin::core::{ArgminError, Error, IterState, KV, Problem, Solver, State, TerminationReason, TerminationStatus};
use nalgebra::DVector;

/// Damping below this, relative to the square of a column's norm, is lost in rounding.
const LEAST_DAMPING: f64 = f64::EPSILON * f64::EPSILON;

/// What `argmin` keeps for us between iterations.
type Parameters = IterState<DVector<f64>, (), (), (), (), f64>;

/// The Levenberg-Marquardt iteration as an `argmin` solver; [`minimise`](super::minimise) runs it where observers,
/// timers and checkpoints are not wanted.
///
/// One iteration tries one step. Limits set on `argmin`'s state hold beside those of the settings.
///
/// ```
/// use argmin::core::{Executor, State};
/// use nalgebra::{DMatrix, DVector};
/// use vdf_basis::numerics::levenberg_marquardt::{
///     DenseJacobian, LeastSquaresProblem, LevenbergMarquardt, LevenbergMarquardtSolver,
/// };
///
/// /// r = (x − 2, xy − 6)
/// struct Problem;
/// impl LeastSquaresProblem for Problem {
///     type System = DenseJacobian;
///     fn cost(&self, p: &DVector<f64>) -> f64 {
///         0.5 * ((p[0] - 2.0).powi(2) + (p[0] * p[1] - 6.0).powi(2))
///     }
///     fn linearise(&self, p: &DVector<f64>) -> Option<DenseJacobian> {
///         let jacobian = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, p[1], p[0]]);
///         DenseJacobian::new(jacobian, DVector::from_vec(vec![p[0] - 2.0, p[0] * p[1] - 6.0]))
///     }
/// }
///
/// let solver = LevenbergMarquardtSolver::new(LevenbergMarquardt::default());
/// let start = DVector::from_vec(vec![1.0, 1.0]);
/// let outcome = Executor::new(Problem, solver).configure(|state| state.param(start)).run()?;
/// assert!((outcome.state.get_best_param().unwrap()[1] - 3.0).abs() < 1e-12);
/// println!("{:?} after {} steps", outcome.solver.report().stopped, outcome.state.get_iter());
/// # Ok::<(), argmin::core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LevenbergMarquardtSolver<S> {
    settings: LevenbergMarquardt,
    /// The linearisation at the current parameters.
    system: Option<S>,
    /// Running maximum of the norms of the Jacobian's columns.
    scale: DVector<f64>,
    /// μ, relative to the squares of `scale`.
    damping: f64,
    /// Factor for μ when the next step is refused; doubles with every refusal in a row.
    growth: f64,
    stopped: Option<StopReason>,
    report: Report,
}

impl<S: LinearisedSystem> LevenbergMarquardtSolver<S> {
    /// A solver that has not run yet.
    #[must_use]
    pub fn new(settings: LevenbergMarquardt) -> Self {
        Self {
            settings,
            system: None,
            scale: DVector::zeros(0),
            damping: settings.initial_damping.max(LEAST_DAMPING),
            growth: 2.0,
            stopped: None,
            report: Report {
                iterations: 0,
                evaluations: 0,
                linearisations: 0,
                initial_cost: f64::NAN,
                cost: f64::NAN,
                gradient_norm: f64::NAN,
                stopped: StopReason::MaxIterations,
            },
        }
    }

    /// The work done so far. A search that something else cut short counts as stopped by its limit on iterations.
    #[must_use]
    pub fn report(&self) -> Report {
        Report { stopped: self.stopped.unwrap_or(StopReason::MaxIterations), ..self.report }
    }

    fn evaluate<P>(&mut self, problem: &mut Problem<P>, parameters: &DVector<f64>) -> Result<f64, Error>
    where
        P: LeastSquaresProblem<System = S>,
    {
        self.report.evaluations += 1;
        problem.problem("cost_count", |problem| Ok(problem.cost(parameters)))
    }

    fn linearise<P>(&mut self, problem: &mut Problem<P>, parameters: &DVector<f64>) -> Result<Option<S>, Error>
    where
        P: LeastSquaresProblem<System = S>,
    {
        self.report.linearisations += 1;
        problem.problem("jacobian_count", |problem| Ok(problem.linearise(parameters)))
    }

    /// Makes the linearisation at the current parameters the one to step from, unless the search can end there.
    fn arrive(&mut self, system: Option<S>, cost: f64) {
        let sound = |v: &DVector<f64>| v.len() == self.scale.len() && v.iter().all(|x| x.is_finite());
        let system = system.map(|system| (system.diagonal(), system));
        let Some((diagonal, system)) = system.filter(|(d, system)| sound(d) && sound(system.gradient())) else {
            self.stopped = Some(StopReason::NotFinite);
            return;
        };
        let norms = diagonal.map(f64::sqrt);
        self.report.gradient_norm = largest_cosine(system.gradient(), &norms, cost);
        // Residuals that are all zero, or no parameters at all, end the search whatever the tolerance.
        if self.report.gradient_norm <= self.settings.gradient_tolerance || self.report.gradient_norm == 0.0 {
            self.stopped = Some(StopReason::Gradient);
            return;
        }
        self.scale.zip_apply(&norms, |scale, norm| *scale = scale.max(norm));
        self.system = Some(system);
    }

    /// Raises the damping after a step that was refused.
    fn retreat(&mut self) {
        self.damping *= self.growth;
        self.growth *= 2.0;
        if !self.damping.is_finite() {
            self.stopped = Some(StopReason::NoProgress);
        }
    }

    /// Lowers the damping after a step that achieved `gain` times what was predicted, or raises it if that is little.
    fn advance(&mut self, gain: f64) {
        let factor = (1.0 - (2.0 * gain.min(1.0) - 1.0).powi(3)).max(1.0 / 3.0);
        self.damping = (self.damping * factor).max(LEAST_DAMPING);
        self.growth = 2.0;
    }
}

impl<P: LeastSquaresProblem> Solver<P, Parameters> for LevenbergMarquardtSolver<P::System> {
    fn name(&self) -> &str {
        "Levenberg-Marquardt"
    }

    fn init(&mut self, problem: &mut Problem<P>, state: Parameters) -> Result<(Parameters, Option<KV>), Error> {
        let start = state.get_param().ok_or_else(no_start)?;
        *self = Self { scale: DVector::zeros(start.len()), ..Self::new(self.settings) };
        let cost = self.evaluate(problem, start)?;
        (self.report.initial_cost, self.report.cost) = (cost, cost);
        if cost.is_finite() {
            let system = self.linearise(problem, start)?;
            self.arrive(system, cost);
        } else {
            self.stopped = Some(StopReason::NotFinite);
        }
        Ok((state.cost(cost), None))
    }

    fn next_iter(&mut self, problem: &mut Problem<P>, state: Parameters) -> Result<(Parameters, Option<KV>), Error> {
        let parameters = state.get_param().ok_or_else(no_start)?;
        let system = self.system.take().ok_or_else(no_start)?;
        self.report.iterations += 1;

        // A column of zeros leaves its parameter where it is, under any damping.
        let damping = self.scale.map(|scale| if scale > 0.0 { self.damping * scale * scale } else { 1.0 });
        let usable = |step: &DVector<f64>| step.len() == damping.len() && step.iter().all(|x| x.is_finite());
        let Some(step) = system.step(&damping).filter(usable) else {
            self.retreat();
            self.system = Some(system);
            return Ok((state, None));
        };
        let trial = parameters + &step;
        let trial_cost = self.evaluate(problem, &trial)?;

        let cost = state.get_cost();
        let actual = cost - trial_cost;
        let predicted = promise(&system, &step, &damping);
        let both_within = |tolerance: f64| predicted <= tolerance * cost && actual.abs() <= tolerance * cost;

        // Near the minimum, differences of the cost are rounding errors while the gradient still has half its digits:
        // there a step is good if it leaves a gradient that promises less than before (the idea of the approximate
        // Wolfe conditions, Hager and Zhang 2005, SIAM J. Optim. 16, 170).
        let visible = predicted.is_nan() || predicted > f64::EPSILON * cost;
        let mut ahead = None;
        let accepted = if visible && trial_cost < cost {
            true
        } else if both_within(f64::EPSILON.sqrt()) && !both_within(self.settings.cost_tolerance) {
            ahead = self.linearise(problem, &trial)?;
            let promised = |ahead: &P::System| Some(promise(ahead, &ahead.step(&damping)?, &damping));
            ahead.as_ref().and_then(promised).is_some_and(|promised| promised < predicted)
        } else {
            false
        };

        // A step that only its damping made small says nothing about the distance from the minimum.
        let free = self.damping <= 1.0;
        let length = step.component_mul(&self.scale).norm();
        let reach = parameters.component_mul(&self.scale).norm();
        self.stopped = if free && (both_within(self.settings.cost_tolerance) || !(visible || accepted)) {
            Some(StopReason::Cost)
        } else if free && length <= self.settings.step_tolerance.max(f64::EPSILON) * reach {
            Some(StopReason::Step)
        } else if !accepted && length <= f64::EPSILON * reach {
            Some(StopReason::NoProgress)
        } else if self.report.iterations >= self.settings.max_iterations {
            Some(StopReason::MaxIterations)
        } else {
            None
        };

        if !accepted {
            self.retreat();
            self.system = Some(system);
            return Ok((state, None));
        }
        self.report.cost = trial_cost;
        self.advance(if ahead.is_none() { actual / predicted } else { 1.0 });
        if self.stopped.is_none() {
            let system = if ahead.is_some() { ahead } else { self.linearise(problem, &trial)? };
            self.arrive(system, trial_cost);
        }
        Ok((state.param(trial).cost(trial_cost), None))
    }

    fn terminate(&mut self, _state: &Parameters) -> TerminationStatus {
        match self.stopped {
            None if self.settings.max_iterations > self.report.iterations => TerminationStatus::NotTerminated,
            None | Some(StopReason::MaxIterations) => TerminationStatus::Terminated(TerminationReason::MaxItersReached),
            Some(reason) if reason.converged() => TerminationStatus::Terminated(TerminationReason::SolverConverged),
            Some(reason) => TerminationStatus::Terminated(TerminationReason::SolverExit(format!("{reason:?}"))),
        }
    }
}

/// The reduction of the cost that a damped step would achieve if the residuals were linear, by the step's own equation
/// a sum of squares, which rounding does not turn negative (Moré 1978).
fn promise<S: LinearisedSystem>(system: &S, step: &DVector<f64>, damping: &DVector<f64>) -> f64 {
    0.5 * system.squared_change(step) + step.component_mul(damping).dot(step)
}

/// Largest |cos| of the angle between the residuals and a column of the Jacobian of norm > 0.
fn largest_cosine(gradient: &DVector<f64>, norms: &DVector<f64>, cost: f64) -> f64 {
    let residuals = (2.0 * cost).sqrt();
    let cosines = gradient.iter().zip(norms).filter(|(_, norm)| **norm > 0.0).map(|(g, norm)| g.abs() / norm);
    if residuals > 0.0 { cosines.fold(0.0, f64::max) / residuals } else { 0.0 }
}

fn no_start() -> Error {
    ArgminError::NotInitialized { text: "Levenberg-Marquardt needs a starting point: `state.param(start)`".into() }
        .into()
}

#[cfg(test)]
mod tests {
    use super::super::{DenseJacobian, Fit, NormalEquations, minimise};
    use super::*;
    use nalgebra::DMatrix;

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
        let empty =
            minimise(&Linear(DMatrix::zeros(2, 0), vector([1.0, 1.0])), vector([]), &LevenbergMarquardt::default());
        assert_eq!((empty.report.stopped, empty.report.cost), (StopReason::Gradient, 1.0));
        let none =
            minimise(&Linear(DMatrix::zeros(0, 2), vector([])), vector([1.0, 2.0]), &LevenbergMarquardt::default());
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
}
