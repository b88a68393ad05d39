//! Fit of a mixture to a distribution: start, EM, least squares.

use super::cells::Cells;
use super::coefficients::MixtureCoefficients;
use super::covariance::Structure;
use super::em::{self, EmReport, EmSettings};
use super::member::{Member, Profile};
use super::search::{Found, Search};
use super::selection::{Selection, by_bic, by_mml};
use super::{Mixture, NAME, Refine, Start, start};
use crate::basis::Basis;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::levenberg_marquardt::Report;
use crate::numerics::multiple::no_worse_than_nothing;

/// Report of a fit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MixtureReport {
    /// Components requested.
    pub requested: usize,
    /// Components found. There are fewer than requested if the data has fewer positive cells, if the residual is zero
    /// to rounding, if the number is selected by a criterion, or if least squares moved one to where no cell sees it.
    pub components: usize,
    /// Relative error ‖g − f‖/‖f‖ over the cells, negative values of f counted as zero.
    pub l2: f64,
    /// Cells with a negative value, counted as zero by the fit.
    pub clipped: usize,
    /// Share of the negative cells in Σ |f|.
    pub clipped_share: f64,
    /// Components at the minimum width ([`NARROWEST`](super::NARROWEST)) in the last step of EM. If there are none, the
    /// moments of EM equal those of the data to rounding.
    pub floored: usize,
    /// Effective samples, as BIC and MML count them.
    pub samples: f64,
    /// Report of EM, if it ran.
    pub em: Option<EmReport>,
    /// Report of the last least-squares search, if one ran.
    pub refinement: Option<Report>,
    /// Pairs of the number of components and the criterion by which the number is selected.
    pub selection: Vec<(usize, f64)>,
    /// Factor of the least-squares fit, if it was scaled down because its error exceeded that of zero.
    pub shrunk_by: Option<f64>,
}

/// Least-squares steps after each insertion: enough for the new component to take its shape. Precision is not needed
/// yet, because all components are refitted after the next insertion.
const STEPS_PER_INSERTION: usize = 6;
/// Relative change of the sum of squares below which the least-squares search ends. It is 0.05% of the error ‖r‖, far
/// less than one more component gains.
const COST_TOLERANCE: f64 = 1e-3;
/// EM steps after each insertion, as many as of least squares ([`STEPS_PER_INSERTION`]).
const EM_STEPS_PER_INSERTION: usize = 6;
/// Multiple of the requested error from which on a complete search follows each insertion, for the smallest number of
/// components: a complete search is assumed to lower the error of the partial one by at most a fifth.
const COMPLETE_BELOW: f64 = 1.25;
/// Part of the error of the last complete search to which the error must fall before another one is worth its time.
const COMPLETE_AGAIN_BELOW: f64 = 0.97;
/// Relative error at which insertion ends: the residual then consists of the rounding errors of the sums.
const EXACT_ERROR: f64 = 1e-11;
/// Factor by which the last search may end above the best partial one before the latter's components are taken.
const MAX_ERROR_GROWTH: f64 = 1.5;

impl Mixture {
    /// Encodes a distribution, and returns the report of the fit with the coefficients.
    ///
    /// # Errors
    /// [`Error::Degenerate`] if the distribution is nowhere positive, or no cell sees one of the components;
    /// [`Error::OutOfRange`] if a density or a width exceeds the range of `f64`.
    pub fn fit(&self, vdf: &Vdf) -> Result<(MixtureCoefficients, MixtureReport)> {
        if self.refine == Refine::Logarithm {
            return self.fit_logarithm(vdf, Vec::new());
        }
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

    /// Encodes, starting from another mixture: that of a neighbouring cell or of the previous time step, with any
    /// number of components, any kind of covariance and any κ. If it is larger than this basis, the densest components
    /// are taken; if it is smaller, components are inserted at the largest residual. Criteria for the number of
    /// components are not applied.
    ///
    /// # Errors
    /// Those of [`Mixture::fit`].
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
        if self.refine == Refine::Logarithm {
            return self.fit_logarithm(vdf, members);
        }
        let found = if members.len() < largest {
            self.greedy(&search, members, largest, 0.0)
        } else {
            // Least squares starts from the mixture itself: EM would first lead away from a good fit.
            match self.refine {
                Refine::LeastSquares => self.finish(&search, Found { members, ..Found::default() }),
                Refine::None | Refine::Logarithm => {
                    search.share_mass(&mut members);
                    self.finish(&search, search.expectation_maximisation(members))
                }
            }
        };
        self.report(&search, found, samples).and_then(|found| self.guarded(vdf, found))
    }

    /// Scales a least-squares fit down if its error exceeds ‖f‖, that of zero.
    ///
    /// There are two causes. The fit counts negative values as zero: if they weigh as much as the positive ones, a fit
    /// to the latter may increase the error. And components cannot become as narrow as a single cell.
    fn guarded(
        &self,
        vdf: &Vdf,
        (coefficients, mut report): (MixtureCoefficients, MixtureReport),
    ) -> Result<(MixtureCoefficients, MixtureReport)> {
        /// Minimum factor: the density of a component must be positive.
        const MIN_FACTOR: f64 = 1e-12;
        /// Share of negative values in Σ |f| below which they are ripples of a reconstruction or noise, and the fit is
        /// not checked.
        const MAX_RIPPLES: f64 = 0.01;
        let is_suspect = report.clipped_share >= MAX_RIPPLES || report.l2.is_nan() || report.l2 > 1.0;
        if self.refine == Refine::None || !is_suspect {
            return Ok((coefficients, report));
        }
        let back = self.reconstruct(&coefficients, vdf.grid())?;
        let multiple = no_worse_than_nothing(vdf.as_slice(), back.as_slice());
        if multiple == 1.0 {
            return Ok((coefficients, report));
        }
        report.shrunk_by = Some(multiple.max(MIN_FACTOR));
        Ok((coefficients.scaled(multiple.max(MIN_FACTOR)), report))
    }

    /// Makes one step of the fit from a given mixture: one pass of EM, or with least squares one linearisation, one
    /// solution and one evaluation. It serves benchmarks and programs that interleave steps with other work. Unlike
    /// [`Mixture::fit_from`] it neither adds nor drops components.
    ///
    /// # Errors
    /// Those of [`Mixture::fit`].
    pub fn step_from(&self, vdf: &Vdf, start: &MixtureCoefficients) -> Result<(MixtureCoefficients, MixtureReport)> {
        let once = Self { components: start.components().len(), iterations: 1, ..*self };
        once.fit_from(vdf, start)
    }

    pub(super) fn search<'a>(&self, cells: &'a Cells) -> Search<'a> {
        let structure = Structure::new(self.covariance, cells.scaling.spacing);
        let em = EmSettings { tolerance: self.tolerance, max_iterations: self.iterations };
        Search::new(cells, structure, Profile::new(self.kappa), em)
    }

    /// Ends a search with least squares, if the user chose it.
    fn finish(&self, search: &Search<'_>, found: Found) -> Found {
        match self.refine {
            Refine::None | Refine::Logarithm => found,
            Refine::LeastSquares => {
                let start = search.raised(found.members);
                let (members, report) = search.least_squares(&start, search.iterations, COST_TOLERANCE);
                Found { members, refinement: Some(report), floored: 0, ..found }
            }
        }
    }

    /// Inserts components until there are `largest`, or the error is at most `l2`, and refits all after each insertion.
    fn greedy(&self, search: &Search<'_>, start: Vec<Member>, largest: usize, l2: f64) -> Found {
        let mut found = Found { members: start, ..Found::default() };
        let chosen = l2 > 0.0;
        let mut completed = f64::INFINITY;
        let mut best: Option<(f64, Vec<Member>)> = None;
        let mut missing = search.residual(&found.members);
        // A search may drop a component that no cell sees, and another is inserted: the limit ends such a cycle.
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
                Refine::None | Refine::Logarithm => {
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
            if chosen && error > l2 && error <= COMPLETE_BELOW * l2 && error <= COMPLETE_AGAIN_BELOW * completed {
                // The error of a complete search decides whether another component is needed. Its result is kept in any
                // case, as the start for the next component.
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
            if error <= EXACT_ERROR {
                break;
            }
        }
        let done = self.complete(search, found);
        let error = search.error(&search.residual(&done.members));
        match best {
            // A new component changes tied covariances of all: an earlier, smaller mixture may have been better.
            Some((least, members))
                if self.refine == Refine::LeastSquares && (error.is_nan() || error > MAX_ERROR_GROWTH * least) =>
            {
                Found { members, ..done }
            }
            _ => done,
        }
    }

    /// Completes a partial search with all iterations.
    fn complete(&self, search: &Search<'_>, found: Found) -> Found {
        match self.refine {
            Refine::LeastSquares => self.finish(search, found),
            Refine::None | Refine::Logarithm => {
                let selection = found.selection;
                Found { selection, ..search.expectation_maximisation(found.members) }
            }
        }
    }

    pub(super) fn report(
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
        if coefficients.components().is_empty() {
            let reason = "its components are spread so far beyond the cells that none of these sees them; refine them, or choose \
                          another covariance"
                .to_owned();
            return Err(Error::Degenerate { basis: NAME, reason });
        }
        if !sound {
            let reason =
                "a density or a width leaves the range of f64; rescale it, or choose another covariance".to_owned();
            return Err(Error::OutOfRange { basis: NAME, reason });
        }
        Ok((coefficients, report))
    }
}

impl Search<'_> {
    /// Members from which EM starts.
    fn start(&self, start: Start, components: usize, seed: u64) -> Vec<Member> {
        match start {
            Start::Auto | Start::Greedy => self.likeliest_start(components, seed),
            Start::KMeans => start::k_means(self.cells, components, seed, &self.structure),
            Start::MomentSplit => start::moment_split(self.cells, components, &self.structure),
            #[cfg(feature = "linfa")]
            Start::Linfa => start::linfa(self.cells, components, seed, &self.structure),
        }
    }
}
