//! Minimisation of Σ (g − f)² by Levenberg-Marquardt, with an analytic Jacobian that is never stored.
//!
//! Every derivative is a component's bare function h times a quadratic polynomial in v − mean. The gradient Jᵀr needs
//! the sums of r h times ten monomials, which the pass that computes the cost also gives. JᵀJ needs those of
//! [`overlap`].
//!
//! [`overlap`]: super::overlap

use std::cell::RefCell;

use nalgebra::{DMatrix, DVector};

use super::cells::Cells;
use super::covariance::Structure;
use super::member::{Member, Profile};
use super::overlap::overlaps;
use super::parameters::{Parameters, dot, shifted};
use super::residual::{Misfit, UNSEEN};
use crate::numerics::levenberg_marquardt::{
    LeastSquaresProblem, LevenbergMarquardt, NormalEquations, Report, minimise,
};

/// Value below which a component counts as zero, as a part of the root mean square of the residual at the start of the
/// search: what is left out is below 1e-5 of the error.
const NEGLIGIBLE: f64 = 1e-5;
/// Ratio of final and initial cost below which the search is repeated with a smaller cutoff: the error has then fallen
/// a hundredfold, and the part left out is no longer negligible.
const REPEAT_BELOW: f64 = 1e-4;

/// Least-squares problem min ½ Σ (g − f)² over all cells of the grid, empty ones included.
pub(super) struct MixtureProblem<'a> {
    cells: &'a Cells,
    parameters: Parameters,
    /// Value below which a component counts as zero.
    least: f64,
    /// Cache of the last parameters at which the cost was computed, and of the sums found there. The next
    /// linearisation is at the same place.
    last: RefCell<Option<(DVector<f64>, Misfit)>>,
}

/// Minimises from `start`. A search that does not converge returns its best mixture.
pub(super) fn refine(
    cells: &Cells,
    start: &[Member],
    structure: Structure,
    profile: Profile,
    settings: &LevenbergMarquardt,
) -> (Vec<Member>, Report) {
    let parameters = Parameters::new(cells, structure, profile, start.len());
    let volume = cells.scaling.cell_volume();
    let mut packed = parameters.pack(start, volume);
    let mut problem = MixtureProblem::new(cells, parameters);
    let squares = 2.0 * problem.cost(&packed);
    problem.reach_for(squares);
    let mut fit = minimise(&problem, packed, settings);
    while fit.report.cost < REPEAT_BELOW * fit.report.initial_cost && problem.least > UNSEEN {
        packed = fit.parameters;
        problem.last.take();
        problem.reach_for(2.0 * fit.report.cost);
        fit = minimise(&problem, packed, settings);
    }
    let members = match parameters.unpack(&fit.parameters) {
        Some(bells) if fit.report.cost.is_finite() => parameters.members(&bells, volume),
        _ => start.to_vec(),
    };
    (members, fit.report)
}

impl<'a> MixtureProblem<'a> {
    pub fn new(cells: &'a Cells, parameters: Parameters) -> Self {
        Self { cells, parameters, least: UNSEEN, last: RefCell::new(None) }
    }

    /// Sets the value below which a component counts as zero, for a residual of the given sum of squares.
    fn reach_for(&mut self, squares: f64) {
        let cells = self.cells.grid.cells() as f64;
        self.least = (NEGLIGIBLE * (squares / cells).sqrt()).max(UNSEEN);
    }
}

impl LeastSquaresProblem for MixtureProblem<'_> {
    type System = NormalEquations;

    fn cost(&self, p: &DVector<f64>) -> f64 {
        if let Some((at, misfit)) = &*self.last.borrow()
            && at == p
        {
            return 0.5 * misfit.squares;
        }
        let Some(bells) = self.parameters.unpack(p) else { return f64::NAN };
        let misfit = Misfit::new(self.cells, &bells, self.parameters.profile, self.least);
        let cost = 0.5 * misfit.squares;
        *self.last.borrow_mut() = Some((p.clone(), misfit));
        cost
    }

    fn linearise(&self, p: &DVector<f64>) -> Option<NormalEquations> {
        let bells = self.parameters.unpack(p)?;
        let profile = self.parameters.profile;
        self.cost(p);
        let last = self.last.borrow();
        let (_, misfit) = last.as_ref()?;
        let derivatives: Vec<_> =
            bells.iter().enumerate().map(|(k, bell)| self.parameters.derivatives(p, k, bell)).collect();
        let n = self.parameters.len();
        let (mut matrix, mut gradient) = (DMatrix::zeros(n, n), DVector::zeros(n));
        // Gradient: Σ r h p for each derivative h p, p a quadratic polynomial.
        for (by, sums) in derivatives.iter().zip(&misfit.gradient) {
            for (index, polynomial) in by {
                gradient[*index] += dot(polynomial, sums);
            }
        }
        // Blocks of JᵀJ: with derivatives h_k p and h_l q, Σ h_k p h_l q follows from the moments Σ h_k h_l x^a y^b
        // z^c about the origin of the overlap, to which both polynomials are shifted.
        for overlap in overlaps(self.cells, &bells, profile) {
            let moments = overlap.moments();
            let about_origin = |k: usize| {
                let shift = overlap.origin - bells[k].mean;
                derivatives[k].iter().map(move |(index, by)| (*index, shifted(by, &shift)))
            };
            let left: Vec<_> = about_origin(overlap.first).collect();
            for (column, by) in about_origin(overlap.second) {
                let image = moments.map(|row| dot(&row, &by));
                for (row, by) in &left {
                    let value = dot(by, &image);
                    matrix[(*row, column)] += value;
                    if overlap.first != overlap.second {
                        matrix[(column, *row)] += value;
                    }
                }
            }
        }
        NormalEquations::from_parts(matrix, gradient)
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::super::tests::{KINDS, named};
    use super::super::{NAME, residual, start};
    use super::*;
    use crate::numerics::levenberg_marquardt::LinearisedSystem;

    #[test]
    fn the_gradient_is_that_of_the_cost_and_the_matrix_is_jtj() {
        let vdf = named("gyrating-ring", 2, 14);
        let cells = Cells::new(NAME, &vdf).unwrap();
        for profile in [Profile::Gaussian, Profile::Kappa(2.5)] {
            for kind in KINDS {
                let structure = Structure::new(kind, cells.scaling.spacing);
                let members = start::k_means(&cells, 3, 1, &structure);
                let parameters = Parameters::new(&cells, structure, profile, 3);
                let problem = MixtureProblem::new(&cells, parameters);
                let p = parameters.pack(&members, cells.scaling.cell_volume());
                problem.cost(&p);
                let system = problem.linearise(&p).unwrap();
                let at = |i: usize, h: f64| {
                    let mut q = p.clone();
                    q[i] += h;
                    q
                };
                let h = 1e-5;
                let numeric =
                    DVector::from_fn(p.len(), |i, _| (problem.cost(&at(i, h)) - problem.cost(&at(i, -h))) / (2.0 * h));
                let scale = system.gradient().amax();
                assert!((system.gradient() - &numeric).amax() < 1e-5 * scale, "{kind:?} {profile:?}");
                // ‖J δ‖² against differences of the model itself.
                let model = |q: &DVector<f64>| {
                    let members = parameters.members(&parameters.unpack(q).unwrap(), cells.scaling.cell_volume());
                    residual::residual(&cells, &members, profile)
                };
                let step = DVector::from_fn(p.len(), |i, _| f64::sin(1.0 + i as f64));
                let (ahead, behind) = (model(&(&p + &step * h)), model(&(&p - &step * h)));
                let change: f64 = ahead
                    .as_flattened()
                    .iter()
                    .zip(behind.as_flattened())
                    .map(|(a, b)| ((a - b) / (2.0 * h)).powi(2))
                    .sum();
                assert_relative_eq!(system.squared_change(&step), change, max_relative = 1e-4);
            }
        }
    }
}
