//! The likeliest of several starts.
//!
//! No single start suits every distribution: k-means takes long parallel populations across instead of apart, splits
//! along the longest axis divide populations that lie side by side, insertion at the residual's peak prefers the narrow
//! ones, and twice as many clusters, merged where least is lost, may join what is apart. Each is followed for a few
//! steps of EM, on coarser cells where there are many, and the likeliest two until they settle. Where all starts end in
//! a local optimum, with two components on one population and one on two others, the likelier is mended by moves: two
//! components are merged, and one is inserted at the residual's peak (after Ueda et al. 2000, Neural Comput. 12, 2109).

use super::coarse::Coarse;
use super::covariance::Structure;
use super::em::{self, EmSettings};
use super::fit::Search;
use super::member::Member;
use super::merge::{merged, merged_by_rank};
use super::start;

/// EM steps after each insertion, of the clusters that are merged then, and before likelihoods are compared.
const STEPS_PER_INSERTION: usize = 5;
const STEPS_BEFORE_MERGING: usize = 4;
const STEPS: usize = 8;
/// Mean log-likelihood that another start must gain: rounding, which units change, must not decide.
const GAIN: f64 = 1e-6;
/// Starts that are followed until they settle: after few steps the likelihood does not tell which will end higher.
const FINALISTS: usize = 2;
/// Most EM steps until a mixture has settled, and the tolerance at which it has, as a part of that of the last search:
/// mixtures that end at the same optimum must not differ by where on the way to it they were left.
const SETTLING_STEPS: usize = 40;
const SETTLING_TOLERANCE: f64 = 0.1;
/// Most moves tried, and pairs whose merger is tried, the cheapest first, before the mixture is taken for the best.
const MOST_MOVES: usize = 8;
const PAIRS_TRIED: usize = 2;

impl Search<'_> {
    /// The start from which a few steps of EM lead to the greatest likelihood: of k-means, splits by moments, insertion
    /// one by one, and clusters that are merged.
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
            starts.into_iter().filter_map(|start| self.followed(start, STEPS)).collect();
        let rounded = |likelihood: f64| (likelihood / GAIN).round();
        tried.sort_by(|a, b| rounded(b.0).total_cmp(&rounded(a.0)));
        let mut best: Option<(f64, Vec<Member>)> = None;
        for (_, members) in tried.into_iter().take(FINALISTS) {
            let Some((likelihood, members)) = self.settled(members) else { continue };
            if best.as_ref().is_none_or(|(most, _)| likelihood > most + GAIN) {
                best = Some((likelihood, members));
            }
        }
        best.map_or_else(Vec::new, |(likelihood, members)| self.improved(likelihood, members))
    }

    /// The mixture after moves, as long as one of the cheapest makes it likelier.
    fn improved(&self, mut likelihood: f64, mut members: Vec<Member>) -> Vec<Member> {
        let gain = GAIN.max(SETTLING_TOLERANCE * self.em.tolerance);
        let mut rank = 0;
        for _ in 0..MOST_MOVES {
            match self.moved(&members, rank) {
                Some((other, moved)) if other > likelihood + gain && moved.len() == members.len() => {
                    (likelihood, members, rank) = (other, moved, 0);
                }
                _ => rank += 1,
            }
            if rank == PAIRS_TRIED {
                break;
            }
        }
        members
    }

    /// Two components merged, another inserted where the mixture lacks most, and what EM makes of it; none where there
    /// are fewer pairs than the rank, or nothing is lacking.
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
            let Some(newcomer) = self.insertion().best(self.cells, &missing, &self.structure, self.profile) else {
                break;
            };
            members.push(newcomer);
            self.share_mass(&mut members);
            let Some((_, followed)) = self.followed(members.clone(), STEPS_PER_INSERTION) else { break };
            if followed.len() < members.len() {
                // EM has emptied one: what is inserted next would go the same way.
                break;
            }
            members = followed;
        }
        members
    }
}
