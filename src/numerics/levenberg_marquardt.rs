//! Nonlinear least squares, min ½‖r(p)‖², by the method of Levenberg (1944) and Marquardt (1963).
//!
//! A problem tells its cost at given parameters and linearises itself there; how it keeps the linearisation is its own
//! choice. [`NormalEquations`] are accumulated cell by cell, so that a Jacobian of a million rows is never stored;
//! [`DenseJacobian`] keeps twice the digits on small, ill-conditioned problems. [`minimise`] is all that most callers
//! need; [`LevenbergMarquardtSolver`] is the same iteration for those who want `argmin` to observe or time it.
//!
//! The step δ solves (JᵀJ + μ D²) δ = −Jᵀr. D holds the largest column norms of J met so far (Moré 1978, Lecture Notes
//! in Mathematics 630, 105), which makes every decision invariant to the units of the parameters; μ follows the ratio
//! of the achieved and the predicted reduction (Nielsen 1999, IMM-REP-1999-05). Bounds are the problem's business:
//! fit logarithms and Cholesky factors rather than positive numbers and matrices.
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

/// A sum of squares ½‖r(p)‖² to be minimised over the parameters p.
pub trait LeastSquaresProblem {
    /// What a linearisation of the residuals is kept as.
    type System: LinearisedSystem;

    /// ½‖r(p)‖². NaN or infinity marks parameters for which the model does not exist: the step there is refused and a
    /// shorter one tried.
    fn cost(&self, parameters: &DVector<f64>) -> f64;

    /// The residuals and their Jacobian J = ∂r/∂p, or none where derivatives do not exist, which ends the search.
    /// Called only where [`cost`](Self::cost) is finite.
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

/// The residuals near one point, r(p + δ) ≈ r + J δ.
pub trait LinearisedSystem {
    /// Jᵀr, the gradient of the cost.
    fn gradient(&self) -> &DVector<f64>;

    /// The diagonal of JᵀJ: squared norms of the Jacobian's columns.
    fn diagonal(&self) -> DVector<f64>;

    /// ‖J δ‖², the square of what a step changes the residuals by.
    fn squared_change(&self, step: &DVector<f64>) -> f64;

    /// The δ that solves (JᵀJ + diag(damping)) δ = −Jᵀr; none where the matrix is singular to working precision.
    fn step(&self, damping: &DVector<f64>) -> Option<DVector<f64>>;
}

/// What a minimisation found.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The best parameters met, whatever ended the search.
    pub parameters: DVector<f64>,
    /// How they were found.
    pub report: Report,
}

/// The work a minimisation did, and how it ended.
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
    /// Largest cosine of the angle between the residuals and a column of the Jacobian, where the last step
    /// began: zero at a minimum, whatever the units.
    pub gradient_norm: f64,
    /// Why the search ended.
    pub stopped: StopReason,
}

/// Why a minimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The residuals are orthogonal to every column of the Jacobian: a stationary point.
    Gradient,
    /// The last step was shorter than the tolerance allows to matter.
    Step,
    /// The last step neither was predicted to change the cost by more than the tolerance (or than rounding), nor did.
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
    /// Whether the search ended at a minimum, as far as the tolerances can tell.
    #[must_use]
    pub fn converged(self) -> bool {
        matches!(self, Self::Gradient | Self::Step | Self::Cost)
    }
}

/// Searches for the minimum from `start`; not converging is not an error, and the report says what happened.
///
/// The same problem, start and settings give the same result, bit for bit.
pub fn minimise<P: LeastSquaresProblem>(problem: &P, start: DVector<f64>, settings: &LevenbergMarquardt) -> Fit {
    let solver = LevenbergMarquardtSolver::new(*settings);
    let fallback = Fit { parameters: start.clone(), report: solver.report() };
    let outcome = Executor::new(problem, solver).configure(|state| state.param(start)).run();
    // The solver itself fails only without a starting point, and it has one.
    outcome.map_or(fallback.clone(), |mut outcome| Fit {
        parameters: outcome.state.take_param().unwrap_or(fallback.parameters),
        report: outcome.solver.report(),
    })
}

#[cfg(test)]
mod tests;
