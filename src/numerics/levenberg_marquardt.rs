//! Nonlinear least squares, min ½‖r(p)‖², by the method of Levenberg (1944) and Marquardt (1963).
//!
//! A problem computes its cost at given parameters, and a linearisation in the form it chooses. [`NormalEquations`]
//! are accumulated row by row, so that a Jacobian of a million rows is never stored; [`DenseJacobian`] keeps twice the
//! digits on small, ill-conditioned problems. Most callers need only [`minimise`]; [`LevenbergMarquardtSolver`] is the
//! same iteration as a solver for `argmin`, with its observers and timers.
//!
//! The step δ solves (JᵀJ + μ D²) δ = −Jᵀr. D holds the largest column norms of J met so far (Moré 1978, Lecture Notes
//! in Mathematics 630, 105), which makes every decision invariant to the units of the parameters; μ follows the ratio
//! of the achieved and the predicted reduction (Nielsen 1999, IMM-REP-1999-05). Bounds must be
//! part of the problem: fit logarithms and Cholesky factors instead of positive numbers and matrices.
//!
//! ```
//! use nalgebra::DVector;
//! use vdf_basis::numerics::levenberg_marquardt::{
//!     LeastSquaresProblem, LevenbergMarquardt, NormalEquations, minimise,
//! };
//!
//! /// Decay y = a exp(−k t), observed at t = 0, 1, 2, 3.
//! struct Decay([f64; 4]);
//!
//! impl LeastSquaresProblem for Decay {
//!     type System = NormalEquations;
//!     fn cost(&self, p: &DVector<f64>) -> f64 {
//!         let residual = |(t, y): (usize, &f64)| p[0] * (-p[1] * t as f64).exp() - y;
//!         0.5 * self.0.iter().enumerate().map(residual).map(|r| r * r).sum::<f64>()
//!     }
//!     fn linearise(&self, p: &DVector<f64>) -> Option<NormalEquations> {
//!         let mut system = NormalEquations::zeros(2);
//!         for (t, y) in self.0.iter().enumerate() {
//!             let decay = (-p[1] * t as f64).exp();
//!             system.add_row(&[decay, -p[0] * t as f64 * decay], p[0] * decay - y);
//!         }
//!         Some(system)
//!     }
//! }
//!
//! let fit = minimise(&Decay([8.0, 4.0, 2.0, 1.0]), DVector::from_vec(vec![1.0, 0.0]), &LevenbergMarquardt::default());
//! assert!(fit.report.stopped.converged());
//! assert!((fit.parameters[0] - 8.0).abs() < 1e-12 && (fit.parameters[1] - 2.0_f64.ln()).abs() < 1e-12);
//! ```

mod dense_jacobian;
mod normal_equations;
mod settings;
mod solver;

pub use dense_jacobian::DenseJacobian;
pub use normal_equations::NormalEquations;
pub use settings::LevenbergMarquardt;
pub use solver::LevenbergMarquardtSolver;

use argmin::core::Executor;
use nalgebra::DVector;

/// Problem min ½‖r(p)‖² over the parameters p.
pub trait LeastSquaresProblem {
    /// Form of the linearisation.
    type System: LinearisedSystem;

    /// Cost ½‖r(p)‖². NaN or infinity means that the model does not exist for these parameters: the step is refused
    /// and a shorter one tried.
    fn cost(&self, parameters: &DVector<f64>) -> f64;

    /// Linearisation: the residuals and their Jacobian J = ∂r/∂p. `None` if derivatives do not exist, which ends the
    /// search. It is called only where [`cost`](Self::cost) is finite.
    fn linearise(&self, parameters: &DVector<f64>) -> Option<Self::System>;
}

impl<P: LeastSquaresProblem + ?Sized> LeastSquaresProblem for &P {
    type System = P::System;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        (**self).cost(parameters)
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<Self::System> {
        (**self).linearise(parameters)
    }
}

/// Linearised residuals near one point, r(p + δ) ≈ r + J δ.
pub trait LinearisedSystem {
    /// Gradient of the cost, Jᵀr.
    fn gradient(&self) -> &DVector<f64>;

    /// Diagonal of JᵀJ: squared norms of the Jacobian's columns.
    fn diagonal(&self) -> DVector<f64>;

    /// Squared change of the residuals by a step, ‖J δ‖².
    fn squared_change(&self, step: &DVector<f64>) -> f64;

    /// Solution δ of (JᵀJ + diag(damping)) δ = −Jᵀr; `None` if the matrix is singular to working precision.
    fn step(&self, damping: &DVector<f64>) -> Option<DVector<f64>>;
}

/// Result of a minimisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Parameters with the smallest cost of the search.
    pub parameters: DVector<f64>,
    /// Report of the search.
    pub report: Report,
}

/// Report of a minimisation: its work and its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Steps tried, accepted or refused.
    pub iterations: usize,
    /// Evaluations of the cost.
    pub evaluations: usize,
    /// Linearisations of the residuals.
    pub linearisations: usize,
    /// Cost at the start.
    pub initial_cost: f64,
    /// Cost of the parameters returned.
    pub cost: f64,
    /// Largest cosine of the angle between the residuals and a column of the Jacobian, at the start of the last step:
    /// zero at a minimum, independent of units.
    pub gradient_norm: f64,
    /// Reason for the end of the search.
    pub stopped: StopReason,
}

/// Reason for the end of a minimisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The residuals are orthogonal to every column of the Jacobian: a stationary point.
    Gradient,
    /// The last step was shorter than the tolerance.
    Step,
    /// Both the predicted and the actual change of the cost in the last step were below the tolerance (or rounding).
    Cost,
    /// The limit on iterations was reached.
    MaxIterations,
    /// No step lowers the cost, however short: usually a wrong Jacobian, or a cost that is mostly rounding error.
    NoProgress,
    /// The cost at the start is not finite; or a linearisation is not, or does not exist, or is for another number of
    /// parameters.
    NotFinite,
}

impl StopReason {
    /// True if the search ended at a minimum, within the tolerances.
    #[must_use]
    pub fn converged(self) -> bool {
        matches!(self, Self::Gradient | Self::Step | Self::Cost)
    }
}

/// Searches for the minimum from `start`. A search that does not converge is not an error; the report has the reason.
///
/// The same problem, start and settings give bit-identical results.
pub fn minimise<P: LeastSquaresProblem>(problem: &P, start: DVector<f64>, settings: &LevenbergMarquardt) -> Fit {
    let solver = LevenbergMarquardtSolver::new(*settings);
    let fallback = Fit { parameters: start.clone(), report: solver.report() };
    let outcome = Executor::new(problem, solver).configure(|state| state.param(start)).run();
    // The solver fails only without a starting point.
    outcome.map_or(fallback.clone(), |mut outcome| Fit {
        parameters: outcome.state.take_param().unwrap_or(fallback.parameters),
        report: outcome.solver.report(),
    })
}

#[cfg(test)]
mod tests;
