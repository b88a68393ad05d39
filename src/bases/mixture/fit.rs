//! From a distribution to a mixture: start, EM, refinement.

use std::cell::OnceCell;

use super::cells::Cells;
use super::coefficients::MixtureCoefficients;
use super::covariance::Structure;
use super::em::{self, EmReport, EmSettings};
use super::greedy::Insertion;
use super::member::{Member, Profile};
use super::refine::refine;
use super::residual::{residual, sum_of_squares, visible};
use super::selection::{Selection, by_bic, by_mml};
use super::{Mixture, NAME, Refine, Start, start};
use crate::basis::Basis;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::lanes::Lanes;
use crate::numerics::levenberg_marquardt::{LevenbergMarquardt, Report};
use crate::numerics::multiple::no_worse_than_nothing;

/// How a fit went.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MixtureReport {
    /// Components asked for.
    pub requested: usize,
    /// Components found: fewer where the data has fewer cells, where nothing was left to describe, where the number was
    /// chosen, or where the least squares took one to where no cell sees it.
    pub components: usize,
    /// Relative error ‖g − f‖/‖f‖ over the cells, negative values of f counted as zero.
    pub l2: f64,
    /// Cells with a negative value, which the fit takes for zero.
    pub clipped: usize,
    /// Their part of Σ |f|.
    pub clipped_share: f64,
    /// Components as narrow as the cells allow ([`NARROWEST`](super::NARROWEST)) in the last step of EM. Without any,
    /// EM's moments are the data's to rounding.
    pub floored: usize,
    /// Effective samples, as BIC and MML count them.
    pub samples: f64,
    /// EM, where it ran.
    pub em: Option<EmReport>,
    /// The last least-squares search, where it ran.
    pub refinement: Option<Report>,
    /// Number of components against the criterion by which it was chosen.
    pub selection: Vec<(usize, f64)>,
    /// The multiple of the least-squares fit that is kept, where negative values of f made the whole worse than nothing.
    pub shrunk_by: Option<f64>,
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub members: Vec<Member>,
    pub em: Option<EmReport>,
    pub refinement: Option<Report>,
    pub floored: usize,
    pub selection: Vec<(usize, f64)>,
}

/// What all ways of searching share.
pub(super) struct Search<'a> {
    pub cells: &'a Cells,
    pub structure: Structure,
    pub profile: Profile,
    pub em: EmSettings,
    iterations: usize,
    insertion: OnceCell<Insertion>,
}

/// Least-squares steps after each insertion: enough for the newcomer to find its shape, since all are searched again.
const STEPS_PER_INSERTION: usize = 6;
/// The least-squares search ends when a step changes the sum of squares by less than this part.
const COST_TOLERANCE: f64 = 1e-3;
/// EM steps after each insertion.
const EM_STEPS_PER_INSERTION: usize = 6;
/// Where the fewest components are wanted, a whole search is made from this multiple of the error wanted on, and again
/// when the error has fallen to this part of what the last one reached.
const NEAR: f64 = 1.25;
const AGAIN: f64 = 0.97;
/// Relative error of which nothing is left to describe.
const EXACT: f64 = 1e-11;
/// A component that is below this part of the data's peak in all cells is dropped.
const NOTHING: f64 = 1e-11;

impl Mixture {
    /// Encodes, and says how it went.
    ///
    /// # Errors
    /// [`Error::Degenerate`] if the distribution is nowhere positive, or its density exceeds the range of `f64`.
    pub fn fit(&self, vdf: &Vdf) -> Result<(MixtureCoefficients, MixtureReport)> {
        let cells = Cells::new(NAME, vdf)?;
        let search = self.search(&cells);
        let largest = self.components.min(cells.positive);
        let samples = self.samples.unwrap_or(cells.effective).max(2.0);
        let start = match (self.start, self.refine) {
            (Start::Auto, Refine::LeastSquares) => Start::Greedy,
            (start, _) => start,
        };
        let found = match self.selection {
            Selection::Fixed => match start {
                Start::Greedy => self.greedy(&search, Vec::new(), largest, 0.0),
                start => {
                    let members = search.start(start, largest, self.seed);
                    self.finish(&search, search.expectation_maximisation(members))
                }
            },
            Selection::Error(l2) => self.greedy(&search, Vec::new(), largest, l2),
            Selection::Bic => self.finish(&search, by_bic(&search, largest, samples)),
            Selection::Mml => {
                let members = search.start(start, largest, self.seed);
                self.finish(&search, by_mml(&search, members, samples))
            }
        };
        self.report(&search, found, samples).and_then(|found| self.guarded(vdf, found))
    }

    /// Encodes, starting from another mixture: the one of a neighbouring cell or of the time step before, with any
    /// number of components, any kind of covariance and any κ. Of a larger one the densest components are taken; to a
    /// smaller one components are added where it lacks most. The number of components is not chosen anew.
    ///
    /// # Errors
    /// As [`Mixture::fit`].
    pub fn fit_from(&self, vdf: &Vdf, start: &MixtureCoefficients) -> Result<(MixtureCoefficients, MixtureReport)> {
        let cells = Cells::new(NAME, vdf)?;
        let search = self.search(&cells);
        let largest = self.components.min(cells.positive);
        let samples = self.samples.unwrap_or(cells.effective).max(2.0);
        let mut members = start.members(vdf.grid());
        members.sort_by(|a, b| b.mass.total_cmp(&a.mass));
        members.truncate(largest);
        members.iter_mut().for_each(|member| member.mass *= cells.factor);
        members.retain(|member| {
            member.mass > 0.0
                && member.mass.is_finite()
                && member.mean.iter().chain(&member.covariance).all(|x| x.is_finite() && x.abs() < 1e100)
        });
        search.structure.constrain(&mut members);
        let found = if members.len() < largest {
            self.greedy(&search, members, largest, 0.0)
        } else {
            // Least squares starts from the mixture itself: EM would first lead away from a good fit.
            match self.refine {
                Refine::LeastSquares => self.finish(&search, Found { members, ..Found::default() }),
                Refine::None => {
                    search.share_mass(&mut members);
                    self.finish(&search, search.expectation_maximisation(members))
                }
            }
        };
        self.report(&search, found, samples).and_then(|found| self.guarded(vdf, found))
    }

    /// A least-squares fit no worse than nothing: the fit takes negative values for zero, and where they weigh as much as
    /// the positive ones, a fit to these alone may leave more than it describes. So may one whose components cannot become
    /// as narrow as the distribution. As much of it is kept as helps.
    fn guarded(
        &self,
        vdf: &Vdf,
        (coefficients, mut report): (MixtureCoefficients, MixtureReport),
    ) -> Result<(MixtureCoefficients, MixtureReport)> {
        /// Least multiple kept: a component must have some density.
        const LEAST: f64 = 1e-12;
        /// Negative values that are a smaller part of Σ |f| are ripples.
        const RIPPLES: f64 = 0.01;
        let is_suspect = report.clipped_share >= RIPPLES || report.l2.is_nan() || report.l2 > 1.0;
        if self.refine == Refine::None || !is_suspect {
            return Ok((coefficients, report));
        }
        let back = self.reconstruct(&coefficients, vdf.grid())?;
        let multiple = no_worse_than_nothing(vdf.as_slice(), back.as_slice());
        if multiple == 1.0 {
            return Ok((coefficients, report));
        }
        report.shrunk_by = Some(multiple.max(LEAST));
        Ok((coefficients.scaled(multiple.max(LEAST)), report))
    }

    /// One step of the fit from a given mixture, the smallest unit of work there is: one pass of EM, or with least squares
    /// one linearisation, one solution and one evaluation. For benchmarks, and for those who interleave steps with others'
    /// work; unlike [`Mixture::fit_from`] it neither adds nor drops components.
    ///
    /// # Errors
    /// As [`Mixture::fit`].
    pub fn step_from(&self, vdf: &Vdf, start: &MixtureCoefficients) -> Result<(MixtureCoefficients, MixtureReport)> {
        let once = Self { components: start.components().len(), iterations: 1, ..*self };
        once.fit_from(vdf, start)
    }

    fn search<'a>(&self, cells: &'a Cells) -> Search<'a> {
        Search {
            cells,
            structure: Structure::new(self.covariance, cells.scaling.spacing),
            profile: Profile::new(self.kappa),
            em: EmSettings { tolerance: self.tolerance, max_iterations: self.iterations },
            iterations: self.iterations,
            insertion: OnceCell::new(),
        }
    }

    /// The last step of every way: least squares, if asked for.
    fn finish(&self, search: &Search<'_>, found: Found) -> Found {
        match self.refine {
            Refine::None => found,
            Refine::LeastSquares => {
                let (members, report) = search.least_squares(&found.members, search.iterations, COST_TOLERANCE);
                Found { members, refinement: Some(report), floored: 0, ..found }
            }
        }
    }

    /// Adds components until there are `largest`, or the error is at most `l2`, refitting all after each.
    fn greedy(&self, search: &Search<'_>, start: Vec<Member>, largest: usize, l2: f64) -> Found {
        let mut found = Found { members: start, ..Found::default() };
        let chosen = l2 > 0.0;
        let mut completed = f64::INFINITY;
        let mut best: Option<(f64, Vec<Member>)> = None;
        let mut missing = search.residual(&found.members);
        // A search may find that it can do without a component it was given: another is inserted, but not for ever.
        let mut insertions = 2 * largest;
        while found.members.len() < largest && insertions > 0 {
            insertions -= 1;
            let inserted = search.insertion().best(search.cells, &missing, &search.structure, search.profile);
            let Some(inserted) = inserted else { break };
            found.members.push(inserted);
            match self.refine {
                Refine::LeastSquares => {
                    let (members, report) = search.least_squares(&found.members, STEPS_PER_INSERTION, COST_TOLERANCE);
                    found = Found { members: search.visible(members), refinement: Some(report), ..found };
                }
                Refine::None => {
                    search.share_mass(&mut found.members);
                    let settings = EmSettings { max_iterations: EM_STEPS_PER_INSERTION, ..search.em };
                    let (members, report, floored) =
                        em::run(search.cells, found.members, &search.structure, search.profile, settings);
                    found = Found { members, em: Some(report), floored, ..found };
                }
            }
            missing = search.residual(&found.members);
            let mut error = search.error(&missing);
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, found.members.clone()));
            }
            if chosen && error > l2 && error <= NEAR * l2 && error <= AGAIN * completed {
                // Near: what a whole search reaches decides. It is kept in any case, the next component starts from it.
                found = self.complete(search, found);
                missing = search.residual(&found.members);
                error = search.error(&missing);
                completed = error;
            }
            if chosen {
                found.selection.push((found.members.len(), error));
            }
            if error <= l2 {
                return found;
            }
            if error <= EXACT {
                break;
            }
        }
        let done = self.complete(search, found);
        let error = search.error(&search.residual(&done.members));
        match best {
            // Where covariances are tied a newcomer changes all: what came before may have been better.
            Some((least, members))
                if self.refine == Refine::LeastSquares && (error.is_nan() || error > 1.5 * least) =>
            {
                Found { members, ..done }
            }
            _ => done,
        }
    }

    /// A whole search from members that were searched in part.
    fn complete(&self, search: &Search<'_>, found: Found) -> Found {
        match self.refine {
            Refine::LeastSquares => self.finish(search, found),
            Refine::None => {
                let selection = found.selection;
                Found { selection, ..search.expectation_maximisation(found.members) }
            }
        }
    }

    fn report(
        &self,
        search: &Search<'_>,
        mut found: Found,
        samples: f64,
    ) -> Result<(MixtureCoefficients, MixtureReport)> {
        let cells = search.cells;
        found.members = search.visible(found.members);
        let error = search.error(&search.residual(&found.members));
        let report = MixtureReport {
            requested: self.components,
            components: found.members.len(),
            l2: error,
            clipped: cells.clipped,
            clipped_share: cells.clipped_share,
            floored: found.floored,
            samples,
            em: found.em,
            refinement: found.refinement,
            selection: found.selection,
            shrunk_by: None,
        };
        let coefficients =
            MixtureCoefficients::from_members(found.members, self.covariance, self.kappa, &cells.grid, cells.factor);
        let valid = |n: f64| n > 0.0 && n.is_finite();
        let sound = coefficients.components().iter().all(|c| valid(c.density) && c.frame.scales.into_iter().all(valid));
        if coefficients.components().is_empty() || !sound {
            let reason = "its density leaves the range of f64; rescale it".to_owned();
            return Err(Error::Degenerate { basis: NAME, reason });
        }
        Ok((coefficients, report))
    }
}

impl Search<'_> {
    pub fn insertion(&self) -> &Insertion {
        self.insertion.get_or_init(|| Insertion::new(self.cells))
    }

    /// Data minus mixture.
    pub fn residual(&self, members: &[Member]) -> Vec<Lanes> {
        residual(self.cells, members, self.profile)
    }

    fn visible(&self, members: Vec<Member>) -> Vec<Member> {
        visible(self.cells, members, self.profile, NOTHING)
    }

    fn error(&self, residual: &[Lanes]) -> f64 {
        (sum_of_squares(residual) / self.cells.norm_squared).sqrt()
    }

    /// The same search on other cells.
    pub fn on<'b>(&self, cells: &'b Cells, structure: Structure) -> Search<'b> {
        let Self { profile, em, iterations, .. } = *self;
        Search { cells, structure, profile, em, iterations, insertion: OnceCell::new() }
    }

    /// Scales the masses to the data's.
    pub fn share_mass(&self, members: &mut [Member]) {
        let total: f64 = members.iter().map(|member| member.mass).sum();
        members.iter_mut().for_each(|member| member.mass *= self.cells.mass / total);
    }

    fn start(&self, start: Start, components: usize, seed: u64) -> Vec<Member> {
        match start {
            Start::Auto | Start::Greedy => self.likeliest_start(components, seed),
            Start::KMeans => start::k_means(self.cells, components, seed, &self.structure),
            Start::MomentSplit => start::moment_split(self.cells, components, &self.structure),
            #[cfg(feature = "linfa")]
            Start::Linfa => start::linfa(self.cells, components, seed, &self.structure),
        }
    }

    fn expectation_maximisation(&self, members: Vec<Member>) -> Found {
        let (members, em, floored) = em::run(self.cells, members, &self.structure, self.profile, self.em);
        Found { members, em: Some(em), floored, ..Found::default() }
    }

    fn least_squares(&self, members: &[Member], iterations: usize, tolerance: f64) -> (Vec<Member>, Report) {
        let settings = LevenbergMarquardt::default().max_iterations(iterations).cost_tolerance(tolerance);
        refine(self.cells, members, self.structure, self.profile, &settings)
    }
}
