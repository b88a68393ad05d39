//! Search for the components of a mixture on given cells: its state, its result and its elementary steps.

use std::cell::OnceCell;

use super::cells::Cells;
use super::covariance::Structure;
use super::em::{self, EmReport, EmSettings};
use super::greedy::Insertion;
use super::member::{Member, Profile};
use super::refine::refine;
use super::residual::{residual, sum_of_squares, visible};
use crate::numerics::lanes::Lanes;
use crate::numerics::levenberg_marquardt::{LevenbergMarquardt, Report};

/// Result of a search.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub members: Vec<Member>,
    pub em: Option<EmReport>,
    pub refinement: Option<Report>,
    pub floored: usize,
    pub selection: Vec<(usize, f64)>,
}

/// Data and settings of one fit, shared by all kinds of start and selection.
pub(super) struct Search<'a> {
    pub cells: &'a Cells,
    pub structure: Structure,
    pub profile: Profile,
    pub em: EmSettings,
    pub iterations: usize,
    /// Tables of the greedy insertion, made when they are first needed.
    insertion: OnceCell<Insertion>,
}

/// Smallest peak of a component in the cells, as a part of the data's peak; below it a component is dropped. It equals
/// [`UNSEEN`](super::residual::UNSEEN), below which the sums leave a component out.
const MIN_VISIBLE_PEAK: f64 = 1e-11;

impl<'a> Search<'a> {
    pub fn new(cells: &'a Cells, structure: Structure, profile: Profile, em: EmSettings) -> Self {
        Self { cells, structure, profile, em, iterations: em.max_iterations, insertion: OnceCell::new() }
    }

    /// The same search on other cells.
    pub fn on<'b>(&self, cells: &'b Cells, structure: Structure) -> Search<'b> {
        let Self { profile, em, iterations, .. } = *self;
        Search { cells, structure, profile, em, iterations, insertion: OnceCell::new() }
    }

    pub fn insertion(&self) -> &Insertion {
        self.insertion.get_or_init(|| Insertion::new(self.cells))
    }

    /// Data minus mixture.
    pub fn residual(&self, members: &[Member]) -> Vec<Lanes> {
        residual(self.cells, members, self.profile)
    }

    /// Relative error ‖r‖/‖f‖ of a mixture with this residual.
    pub fn error(&self, residual: &[Lanes]) -> f64 {
        (sum_of_squares(residual) / self.cells.norm_squared).sqrt()
    }

    /// The members that some cell sees.
    pub fn visible(&self, members: Vec<Member>) -> Vec<Member> {
        visible(self.cells, members, self.profile, MIN_VISIBLE_PEAK)
    }

    /// The same members; all higher by one factor, so that the highest has the peak of the data, if all are faint beside it.
    /// EM spreads the density over all of velocity space, of which a row of thin cells is a small part where one width serves
    /// all axes.
    pub fn raised(&self, mut members: Vec<Member>) -> Vec<Member> {
        /// Part of the data's peak below which least squares hardly sees a component.
        const FAINT: f64 = 1e-3;
        if !visible(self.cells, members.clone(), self.profile, FAINT).is_empty() {
            return members;
        }
        let volume = self.cells.scaling.cell_volume();
        let highest = members.iter().map(|member| member.peak(self.profile, volume)).fold(0.0, f64::max);
        let factor = self.cells.peak / highest;
        if factor.is_finite() {
            members.iter_mut().for_each(|member| member.mass *= factor);
        }
        members
    }

    /// Scales the masses so that their sum is that of the data.
    pub fn share_mass(&self, members: &mut [Member]) {
        let total: f64 = members.iter().map(|member| member.mass).sum();
        members.iter_mut().for_each(|member| member.mass *= self.cells.mass / total);
    }

    pub fn expectation_maximisation(&self, members: Vec<Member>) -> Found {
        let (members, em, floored) = em::run(self.cells, members, &self.structure, self.profile, self.em);
        Found { members, em: Some(em), floored, ..Found::default() }
    }

    pub fn least_squares(&self, members: &[Member], iterations: usize, tolerance: f64) -> (Vec<Member>, Report) {
        let settings = LevenbergMarquardt::default().max_iterations(iterations).cost_tolerance(tolerance);
        refine(self.cells, members, self.structure, self.profile, &settings)
    }
}
