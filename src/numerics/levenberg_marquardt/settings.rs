//! When to stop, and how boldly to start.

/// Settings of the Levenberg-Marquardt iteration.
///
/// The defaults suit fits whose parameters are wanted to the digits that the data can support:
///
/// | setting | default |
/// |---|---|
/// | [`max_iterations`](Self::max_iterations) | 200 |
/// | [`gradient_tolerance`](Self::gradient_tolerance) | 1e-10 |
/// | [`step_tolerance`](Self::step_tolerance) | 1e-10 |
/// | [`cost_tolerance`](Self::cost_tolerance) | 1e-12 |
/// | [`initial_damping`](Self::initial_damping) | 1e-3 |
///
/// Every number is accepted: a tolerance that is negative or NaN is never met, as is zero, and then rounding ends the
/// search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevenbergMarquardt {
    pub(super) max_iterations: usize,
    pub(super) gradient_tolerance: f64,
    pub(super) step_tolerance: f64,
    pub(super) cost_tolerance: f64,
    pub(super) initial_damping: f64,
}

impl Default for LevenbergMarquardt {
    fn default() -> Self {
        Self {
            max_iterations: 200,
            gradient_tolerance: 1e-10,
            step_tolerance: 1e-10,
            cost_tolerance: 1e-12,
            initial_damping: 1e-3,
        }
    }
}

impl LevenbergMarquardt {
    /// Settings that go on until rounding hides all further progress: some more iterations for the last digits.
    #[must_use]
    pub fn to_rounding() -> Self {
        Self { gradient_tolerance: 0.0, step_tolerance: 0.0, cost_tolerance: 0.0, ..Self::default() }
    }

    /// At most so many steps are tried; each costs one evaluation, and the accepted ones a linearisation.
    #[must_use]
    pub fn max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Stops where the cosine of the angle between the residuals and every column of the Jacobian is at most this.
    #[must_use]
    pub fn gradient_tolerance(self, gradient_tolerance: f64) -> Self {
        Self { gradient_tolerance, ..self }
    }

    /// Stops after a step δ with ‖Dδ‖ at most this times ‖Dp‖, where D scales each parameter by its effect on the
    /// residuals.
    #[must_use]
    pub fn step_tolerance(self, step_tolerance: f64) -> Self {
        Self { step_tolerance, ..self }
    }

    /// Stops after a step for which the predicted and the actual change of the cost both are at most this times the
    /// cost.
    #[must_use]
    pub fn cost_tolerance(self, cost_tolerance: f64) -> Self {
        Self { cost_tolerance, ..self }
    }

    /// Damping μ of the first step: small trusts the start and takes nearly a Gauss-Newton step, one or more distrusts
    /// it and goes down the gradient. Values that are not positive count as the smallest damping there is.
    #[must_use]
    pub fn initial_damping(self, initial_damping: f64) -> Self {
        Self { initial_damping, ..self }
    }
}
