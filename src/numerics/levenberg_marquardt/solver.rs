//! Levenberg-Marquardt iteration as a solver for `argmin`.

use super::{LeastSquaresProblem, LevenbergMarquardt, LinearisedSystem, Report, StopReason};
use argmin::core::{ArgminError, Error, IterState, KV, Problem, Solver, State, TerminationReason, TerminationStatus};
use nalgebra::DVector;

/// Minimum damping, relative to the square of a column's norm: smaller ones are below rounding.
const MIN_DAMPING: f64 = f64::EPSILON * f64::EPSILON;

/// State that `argmin` keeps between iterations.
type Parameters = IterState<DVector<f64>, (), (), (), (), f64>;

/// The Levenberg-Marquardt iteration as an `argmin` solver; [`minimise`](super::minimise) runs it where observers,
/// timers and checkpoints are not wanted.
///
/// One iteration tries one step. Limits of `argmin`'s state apply in addition to those of the settings.
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
    /// Damping μ, relative to the squares of `scale`.
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
            damping: settings.initial_damping.max(MIN_DAMPING),
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

    /// Report of the work so far. A search ended by `argmin` counts as ended by the limit on iterations.
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

    /// Takes the linearisation at the current parameters as the origin of the next step, unless the search ends there.
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

    /// True if the search ends after a step of this length from parameters of this norm, both scaled by `scale`.
    fn reason_to_stop(&self, reduction: &Reduction, accepted: bool, length: f64, reach: f64) -> Option<StopReason> {
        // A step may be short because of its damping, far from the minimum.
        let free = self.damping <= 1.0;
        if free && (reduction.within(self.settings.cost_tolerance) || !(reduction.is_visible() || accepted)) {
            Some(StopReason::Cost)
        } else if free && length <= self.settings.step_tolerance.max(f64::EPSILON) * reach {
            Some(StopReason::Step)
        } else if !accepted && length <= f64::EPSILON * reach {
            Some(StopReason::NoProgress)
        } else if self.report.iterations >= self.settings.max_iterations {
            Some(StopReason::MaxIterations)
        } else {
            None
        }
    }

    /// Raises the damping after a step that was refused.
    fn retreat(&mut self) {
        self.damping *= self.growth;
        self.growth *= 2.0;
        if !self.damping.is_finite() {
            self.stopped = Some(StopReason::NoProgress);
        }
    }

    /// Lowers the damping after a step that lowered the cost by `gain` times the prediction, or raises it if `gain` is
    /// small.
    fn advance(&mut self, gain: f64) {
        let factor = (1.0 - (2.0 * gain.min(1.0) - 1.0).powi(3)).max(1.0 / 3.0);
        self.damping = (self.damping * factor).max(MIN_DAMPING);
        self.growth = 2.0;
    }
}

/// The cost before a step and after it, and by how much the step was predicted to lower it.
struct Reduction {
    cost: f64,
    trial_cost: f64,
    predicted: f64,
}

impl Reduction {
    fn actual(&self) -> f64 {
        self.cost - self.trial_cost
    }

    /// True if neither the predicted nor the actual change is more than this part of the cost.
    fn within(&self, tolerance: f64) -> bool {
        self.predicted <= tolerance * self.cost && self.actual().abs() <= tolerance * self.cost
    }

    /// True if the predicted change exceeds the rounding error of the cost.
    fn is_visible(&self) -> bool {
        self.predicted.is_nan() || self.predicted > f64::EPSILON * self.cost
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

        // The parameter of a column of zeros is not changed, whatever the damping.
        let damping = self.scale.map(|scale| if scale > 0.0 { self.damping * scale * scale } else { 1.0 });
        let usable = |step: &DVector<f64>| step.len() == damping.len() && step.iter().all(|x| x.is_finite());
        let Some(step) = system.step(&damping).filter(usable) else {
            self.retreat();
            self.system = Some(system);
            return Ok((state, None));
        };
        let trial = parameters + &step;
        let trial_cost = self.evaluate(problem, &trial)?;

        let reduction = Reduction { cost: state.get_cost(), trial_cost, predicted: promise(&system, &step, &damping) };
        let mut ahead = None;
        let accepted = if reduction.is_visible() && trial_cost < reduction.cost {
            true
        } else if reduction.within(f64::EPSILON.sqrt()) && !reduction.within(self.settings.cost_tolerance) {
            // Near the minimum, differences of the cost are rounding errors, while the gradient still has half its
            // digits. A step is then accepted if the gradient predicts a smaller decrease than before (as in the
            // approximate Wolfe conditions, Hager and Zhang 2005, SIAM J. Optim. 16, 170).
            ahead = self.linearise(problem, &trial)?;
            let promised = |ahead: &P::System| Some(promise(ahead, &ahead.step(&damping)?, &damping));
            ahead.as_ref().and_then(promised).is_some_and(|promised| promised < reduction.predicted)
        } else {
            false
        };
        let [length, reach] = [&step, parameters].map(|vector| vector.component_mul(&self.scale).norm());
        self.stopped = self.reason_to_stop(&reduction, accepted, length, reach);

        if !accepted {
            self.retreat();
            self.system = Some(system);
            return Ok((state, None));
        }
        self.report.cost = trial_cost;
        self.advance(if ahead.is_none() { reduction.actual() / reduction.predicted } else { 1.0 });
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

/// Predicted reduction of the cost by a damped step, for linear residuals: ½‖J δ‖² + ‖√damping δ‖², a sum of squares,
/// which rounding does not make negative (Moré 1978).
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
