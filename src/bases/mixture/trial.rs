//! The likeliest of several starts.
//!
//! No single start suits every distribution: k-means takes long parallel populations across instead of apart, splits
//! along the longest axis divide populations that lie side by side, insertion at the residual's peak prefers the narrow
//! ones, and twice as many clusters, merged where least is lost, may join what is apart. Each is followed for a few steps of EM, on coarser cells where there are many.

use super::coarse::Coarse;
use super::covariance::Structure;
use super::em::{self, EmSettings};
use super::fit::Search;
use super::member::Member;
use super::merge::merged;
use super::start;

/// EM steps after each insertion, of the clusters that are merged then, and before likelihoods are compared.
const STEPS_PER_INSERTION: usize = 5;
const STEPS_BEFORE_MERGING: usize = 4;
const STEPS: usize = 8;
/// Mean log-likelihood that another start must gain: rounding, which units change, must not decide.
const GAIN: f64 = 1e-6;

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
        let mut best: Option<(f64, Vec<Member>)> = None;
        for start in starts {
            let Some((likelihood, members)) = self.followed(start, STEPS) else { continue };
            if best.as_ref().is_none_or(|(most, _)| likelihood > most + GAIN) {
                best = Some((likelihood, members));
            }
        }
        best.map_or_else(Vec::new, |(_, members)| members)
    }

    fn followed(&self, start: Vec<Member>, steps: usize) -> Option<(f64, Vec<Member>)> {
        let settings = EmSettings { max_iterations: steps, ..self.em };
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
