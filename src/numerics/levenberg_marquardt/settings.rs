//! Settings: stopping criteria and initial damping.

/// Settings of the Levenberg-Marquardt iteration.
///
/// The defaults suit fits whose parameters are needed to the precision that the data allow:
///
/// | setting | default |
/// |---|---|
/// | [`max_iterations`](Self::max_iterations) | 200 |
/// | [`gradient_tolerance`](Self::gradient_tolerance) | 1e-10 |
/// | [`step_tolerance`](Self::step_tolerance) | 1e-10 |
/// | [`cost_tolerance`](Self::cost_tolerance) | 1e-12 |
/// | [`initial_damping`](Self::initial_damping) | 1e-3 |
///
/// Every number is accepted. A tolerance that is zero, negative or NaN is never met; rounding errors then end the
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
    /// Settings for a search until rounding errors prevent progress; the last digits take some more iterations.
    #[must_use]
    pub fn to_rounding() -> Self {
        Self { gradient_tolerance: 0.0, step_tolerance: 0.0, cost_tolerance: 0.0, ..Self::default() }
    }

    /// Sets the maximum number of steps. Each takes one evaluation, and each accepted one a linearisation.
    #[must_use]
    pub fn max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Sets the cosine of the angles between the residuals and the columns of the Jacobian at which the search ends.
    #[must_use]
    pub fn gradient_tolerance(self, gradient_tolerance: f64) -> Self {
        Self { gradient_tolerance, ..self }
    }

    /// Sets the ratio ‖Dδ‖/‖Dp‖ of a step δ at which the search ends; D scales each parameter by its effect on the
    /// residuals.
    #[must_use]
    pub fn step_tolerance(self, step_tolerance: f64) -> Self {
        Self { step_tolerance, ..self }
    }

    /// Sets the relative change of the cost, both predicted and actual, at which the search ends.
    #[must_use]
    pub fn cost_tolerance(self, cost_tolerance: f64) -> Self {
        Self { cost_tolerance, ..self }
    }

    /// Sets the damping μ of the first step. A small one, for a good start, gives nearly a Gauss-Newton step; one or
    /// more, for a bad start, a step along the gradient. Values that are not positive are replaced by the minimum
    /// damping.
    #[must_use]
    pub fn initial_damping(self, initial_damping: f64) -> Self {
        Self { initial_damping, ..self }
    }
}
