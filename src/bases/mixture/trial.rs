//! Choice of the likeliest of several starts.
//!
//! No single start suits every distribution. K-means cuts long parallel populations across. Splits along the longest
//! axis divide populations that lie side by side. Insertion at the residual's peak prefers narrow populations. Twice
//! as many clusters, merged in pairs, may join separate populations. A few steps of EM follow each start, on coarser
//! cells if there are many, and the likeliest two starts are continued until they converge. All starts may end in a
//! local optimum with two components on one population and one on two others: the better mixture is then improved by
//! moves, in which two components are merged and one is inserted at the residual's peak (after Ueda et al. 2000,
//! Neural Comput. 12, 2109).

use super::coarse::Coarse;
use super::covariance::Structure;
use super::em::{self, EmSettings};
use super::member::Member;
use super::merge::{improved_by_moves, merged, merged_by_rank};
use super::search::Search;
use super::start;

/// EM steps after each insertion. The counts here are compromises: trials must cost less than the fit that follows.
const STEPS_PER_INSERTION: usize = 5;
/// EM steps of the clusters before they are merged in pairs.
const STEPS_BEFORE_MERGING: usize = 4;
/// EM steps of each start before likelihoods are compared.
const STEPS_BEFORE_COMPARISON: usize = 8;
/// Mean log-likelihood by which a start must exceed another to count as better. It is above the rounding errors, which
/// depend on the units of the axes, and below any difference between distinct optima.
const MIN_GAIN: f64 = 1e-6;
/// Starts that are continued until they converge: after few steps the likelihood does not tell which will end higher.
const FINALISTS: usize = 2;
/// Maximum number of EM steps until convergence.
const SETTLING_STEPS: usize = 40;
/// Tolerance of that convergence, as a part of the tolerance of the last search: the likelihoods of two mixtures on
/// their way to the same optimum must differ by less than those of two optima.
const SETTLING_TOLERANCE: f64 = 0.1;
/// Maximum number of moves tried.
const MAX_MOVES: usize = 8;

impl Search<'_> {
    /// The start with the greatest likelihood after EM, of k-means, splits by moments, insertion one by one, and merged
    /// clusters.
    pub fn likeliest_start(&self, components: usize, seed: u64) -> Vec<Member> {
        let mut members = match Coarse::new(self.cells) {
            Some(coarse) => {
                let structure = Structure::new(self.structure.kind, coarse.cells.scaling.spacing);
                coarse.refined(self.on(&coarse.cells, structure).tried(components, seed))
            }
            None => self.tried(components, seed),
        };
        self.structure.constrain(&mut members);
        members
    }

    fn tried(&self, components: usize, seed: u64) -> Vec<Member> {
        let k_means = start::k_means(self.cells, components, seed, &self.structure);
        if components < 2 {
            return k_means;
        }
        let starts = [
            k_means,
            start::moment_split(self.cells, components, &self.structure),
            self.inserted_one_by_one(components),
            self.clusters_merged(components, seed),
        ];
        let mut tried: Vec<(f64, Vec<Member>)> =
            starts.into_iter().filter_map(|start| self.followed(start, STEPS_BEFORE_COMPARISON)).collect();
        let rounded = |likelihood: f64| (likelihood / MIN_GAIN).round();
        tried.sort_by(|a, b| rounded(b.0).total_cmp(&rounded(a.0)));
        let mut best: Option<(f64, Vec<Member>)> = None;
        for (_, members) in tried.into_iter().take(FINALISTS) {
            let Some((likelihood, members)) = self.settled(members) else { continue };
            if best.as_ref().is_none_or(|(most, _)| likelihood > most + MIN_GAIN) {
                best = Some((likelihood, members));
            }
        }
        best.map_or_else(Vec::new, |(likelihood, members)| self.improved(likelihood, members))
    }

    /// Repeats moves as long as one raises the likelihood.
    fn improved(&self, likelihood: f64, members: Vec<Member>) -> Vec<Member> {
        let gain = MIN_GAIN.max(SETTLING_TOLERANCE * self.em.tolerance);
        improved_by_moves((likelihood, members), gain, MAX_MOVES, |members, rank| self.moved(members, rank))
    }

    /// Merges two components, inserts one at the largest residual, and runs EM; `None` if there are fewer pairs than
    /// the rank, or no positive component lowers the residual.
    fn moved(&self, members: &[Member], rank: usize) -> Option<(f64, Vec<Member>)> {
        let mut fewer = merged_by_rank(members.to_vec(), rank)?;
        self.structure.constrain(&mut fewer);
        let (_, mut members) = self.followed(fewer, STEPS_PER_INSERTION)?;
        let missing = self.residual(&members);
        members.push(self.insertion().best(self.cells, &missing, &self.structure, self.profile)?);
        self.share_mass(&mut members);
        self.settled(members)
    }

    fn settled(&self, start: Vec<Member>) -> Option<(f64, Vec<Member>)> {
        let tolerance = SETTLING_TOLERANCE * self.em.tolerance;
        self.run_em(start, EmSettings { max_iterations: SETTLING_STEPS, tolerance })
    }

    fn followed(&self, start: Vec<Member>, steps: usize) -> Option<(f64, Vec<Member>)> {
        self.run_em(start, EmSettings { max_iterations: steps, ..self.em })
    }

    fn run_em(&self, start: Vec<Member>, settings: EmSettings) -> Option<(f64, Vec<Member>)> {
        let (members, report, _) = em::run(self.cells, start, &self.structure, self.profile, settings);
        Some((*report.log_likelihood.last()?, members))
    }

    fn clusters_merged(&self, components: usize, seed: u64) -> Vec<Member> {
        let clusters = start::k_means(self.cells, 2 * components, seed, &self.structure);
        let mut members = self.followed(clusters, STEPS_BEFORE_MERGING).map_or_else(Vec::new, |(_, members)| members);
        while members.len() > components {
            members = merged(members);
        }
        self.structure.constrain(&mut members);
        members
    }

    fn inserted_one_by_one(&self, components: usize) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::with_capacity(components);
        while members.len() < components.min(self.cells.positive) {
            let missing = self.residual(&members);
            let Some(inserted) = self.insertion().best(self.cells, &missing, &self.structure, self.profile) else {
                break;
            };
            members.push(inserted);
            self.share_mass(&mut members);
            let Some((_, followed)) = self.followed(members.clone(), STEPS_PER_INSERTION) else { break };
            if followed.len() < members.len() {
                // EM has emptied a component: the next one would be inserted at the same place and be emptied again.
                break;
            }
            members = followed;
        }
        members
    }
}
