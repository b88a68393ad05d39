//! Leaves that are exponentials of polynomials: positive, and exact for a Maxwellian at degree 2.
//!
//! The start is the weighted fit of the logarithm, min Σ f² (ln f − p)². Levenberg-Marquardt then lowers the error that
//! counts, Σ (eᵖ − f)². With products of Chebyshev polynomials every entry of JᵀJ is the mean of eight sums
//! Σ g² T_i T_j T_k, and those come from three small matrix products: J is never formed.

use std::cell::RefCell;

use nalgebra::{Cholesky, DMatrix, DVector};

use super::evaluate::{Polynomials, exponentiate};
use super::polynomials::{Table, terms};
use crate::numerics::levenberg_marquardt::{
    LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report, minimise,
};
use crate::numerics::separable::transform;

/// Most steps of Levenberg-Marquardt.
const MOST_STEPS: usize = 30;
/// Relative change of the squared error below which the search ends: the plan does not need the error any better.
const WORTH_A_STEP: f64 = 3e-3;

/// A fitted leaf.
#[derive(Debug, Clone)]
pub(super) struct LogFit {
    /// Of the natural logarithm, in products of Chebyshev polynomials, by total degree.
    pub coefficients: Vec<f64>,
    /// e^p at the cells.
    pub values: Vec<f64>,
    /// The report of Levenberg-Marquardt.
    pub report: Report,
}

/// Fits e^p to the values of a box. Values below `floor` count as `floor` to the logarithm of the start; e^p is cut off
/// at e^`ceiling`.
pub(super) fn fit(values: &[f64], shape: [usize; 3], degree: usize, floor: f64, ceiling: f64) -> Option<LogFit> {
    let problem = Problem::new(values, shape, degree, ceiling);
    let start = problem.start(floor)?;
    let settings = LevenbergMarquardt::default().max_iterations(MOST_STEPS).cost_tolerance(WORTH_A_STEP);
    let fit = minimise(&problem, start, &settings);
    let sound = fit.report.cost.is_finite() && fit.parameters.iter().all(|c| c.is_finite());
    sound.then(|| LogFit {
        values: problem.model(&fit.parameters),
        coefficients: fit.parameters.as_slice().to_vec(),
        report: fit.report,
    })
}

struct Problem<'a> {
    values: &'a [f64],
    shape: [usize; 3],
    degree: usize,
    ceiling: f64,
    terms: Vec<[usize; 3]>,
    polynomials: Polynomials,
    /// Chebyshev polynomials up to twice the degree.
    tables: [Table; 3],
    /// The parameters of the last evaluated cost, and the model there: mostly a linearisation at the same place follows.
    last: RefCell<(DVector<f64>, Vec<f64>)>,
}

impl<'a> Problem<'a> {
    fn new(values: &'a [f64], shape: [usize; 3], degree: usize, ceiling: f64) -> Self {
        let tables = shape.map(|n| Table::chebyshev(n, 2 * degree));
        let last = RefCell::new((DVector::zeros(0), Vec::new()));
        let terms: Vec<_> = terms(degree, shape).collect();
        let polynomials = Polynomials::new(degree, tables.clone());
        Self { values, shape, degree, ceiling, terms, polynomials, tables, last }
    }

    fn model(&self, parameters: &DVector<f64>) -> Vec<f64> {
        let mut model = self.polynomials.values(parameters.as_slice());
        exponentiate(&mut model, self.ceiling, 1.0);
        model
    }

    /// Σ w T_s T_t and Σ v T_s for all terms.
    fn normal_equations(&self, weights: &[f64], targets: &[f64]) -> (DMatrix<f64>, DVector<f64>) {
        let rows = self.shape.map(|n| 2 * n.min(self.degree + 1) - 1);
        let matrices = [0, 1, 2].map(|axis| self.tables[axis].matrix(rows[axis]));
        let sums = transform(weights, matrices);
        let size = self.terms.len();
        let mut matrix = DMatrix::zeros(size, size);
        for (s, a) in self.terms.iter().enumerate() {
            for (t, b) in self.terms[..=s].iter().enumerate() {
                let place = |axis: usize, high: bool| if high { a[axis] + b[axis] } else { a[axis].abs_diff(b[axis]) };
                let [x, y, z] = [0, 1, 2].map(|axis| [place(axis, true), place(axis, false)]);
                let mut entry = 0.0;
                for i in x {
                    for j in y {
                        let row = (i * rows[1] + j) * rows[2];
                        entry += sums[row + z[0]] + sums[row + z[1]];
                    }
                }
                matrix[(s, t)] = 0.125 * entry;
            }
        }
        let rows = self.shape.map(|n| n.min(self.degree + 1));
        let matrices = [0, 1, 2].map(|axis| self.tables[axis].matrix(rows[axis]));
        let sums = transform(targets, matrices);
        let right =
            DVector::from_iterator(size, self.terms.iter().map(|[i, j, k]| sums[(i * rows[1] + j) * rows[2] + k]));
        (matrix, right)
    }

    /// The weighted fit of the logarithm.
    fn start(&self, floor: f64) -> Option<DVector<f64>> {
        let floored = self.values.iter().map(|f| f.max(floor));
        let weights: Vec<f64> = floored.clone().map(|f| f * f).collect();
        let targets: Vec<f64> = floored.map(|f| f * f * f.ln()).collect();
        let (mut matrix, right) = self.normal_equations(&weights, &targets);
        // A touch of damping, for directions that the weights do not see.
        for k in 0..right.len() {
            matrix[(k, k)] *= 1.0 + 1e-13;
        }
        let start = Cholesky::new(matrix)?.solve(&right);
        start.iter().all(|c| c.is_finite()).then_some(start)
    }
}

impl LeastSquaresProblem for Problem<'_> {
    type System = NormalEquations;

    fn cost(&self, parameters: &DVector<f64>) -> f64 {
        let model = self.model(parameters);
        let cost = 0.5 * model.iter().zip(self.values).map(|(g, f)| (g - f).powi(2)).sum::<f64>();
        *self.last.borrow_mut() = (parameters.clone(), model);
        cost
    }

    fn linearise(&self, parameters: &DVector<f64>) -> Option<NormalEquations> {
        let mut last = self.last.borrow_mut();
        if last.0 != *parameters {
            *last = (parameters.clone(), self.model(parameters));
        }
        let model = &last.1;
        let weights: Vec<f64> = model.iter().map(|g| g * g).collect();
        let residuals: Vec<f64> = model.iter().zip(self.values).map(|(g, f)| g * (g - f)).collect();
        let (matrix, gradient) = self.normal_equations(&weights, &residuals);
        NormalEquations::from_parts(matrix, gradient)
    }
}
