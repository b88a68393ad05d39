//! Number of components of a mixture of particles, by BIC or by the minimum message length.

use super::super::em::EmSettings;
use super::super::member::{Member, Profile};
use super::super::merge::merged;
use super::super::selection::{PATIENCE, Penalty, pruned};
use super::search::{Fitted, ParticleSearch};

/// EM steps on the particles before a criterion is evaluated: the clusters' likelihood is a lower bound, whose gap
/// depends on the widths of the components.
const STEPS_BEFORE_CRITERION: usize = 6;

impl ParticleSearch {
    /// EM with one, two, … components; each start is the last mixture with one component split.
    pub fn by_bic(&self, largest: usize, seed: u64) -> Fitted {
        let mut best: Option<(f64, Fitted)> = None;
        let mut trace = Vec::new();
        let mut members = self.k_means(1, seed);
        loop {
            let components = members.len();
            let fitted = self.polished(members);
            let likelihood = fitted.em.log_likelihood.last().copied().unwrap_or(f64::NEG_INFINITY);
            let parameters = (4 * components - 1 + self.structure.kind.parameters(components)) as f64;
            let bic = parameters * self.samples.ln() - 2.0 * self.samples * likelihood;
            trace.push((components, bic));
            members = fitted.members.clone();
            if best.as_ref().is_none_or(|(least, _)| bic < *least) {
                best = Some((bic, fitted));
            } else if best.as_ref().is_some_and(|(_, found)| found.members.len() + PATIENCE <= components) {
                break;
            }
            let Some((_, split)) = self.likeliest_split(&members).filter(|_| components < largest) else { break };
            // EM may have emptied a component.
            if split.len() <= components {
                break;
            }
            members = self.settled(split.clone()).map_or(split, |(_, settled)| settled);
            if members.len() <= components {
                break;
            }
        }
        let (_, fitted) = best.unwrap_or_default();
        Fitted { selection: trace, ..fitted }
    }

    /// From the largest number down, EM on the trial clusters with the penalty of Figueiredo and Jain; then two
    /// components are merged again and again, and the mixture with the shortest message is kept.
    pub fn by_mml(&self, largest: usize, seed: u64) -> Fitted {
        // As on cells: without its weight.
        let parameters = 3 + self.structure.kind.parameters(1);
        let penalty = Penalty { parameters, samples: self.samples, mass: 1.0 };
        let steps = EmSettings { max_iterations: STEPS_BEFORE_CRITERION, ..self.em };
        let trial = EmSettings { tolerance: 1e-5, ..self.em };
        let mut members = self.likeliest(largest, seed);
        let mut trace = Vec::new();
        let mut best: Option<(f64, Vec<Member>)> = None;
        while !members.is_empty() {
            let expect = |members: &[Member]| self.trial.expectation(members);
            let (fewer, ..) = pruned(expect, members, penalty, &self.structure, Profile::Gaussian, trial);
            let (followed, report, _) = self.run(&self.particles, fewer.clone(), steps);
            let Some(&likelihood) = report.log_likelihood.last() else { break };
            let length = penalty.message_length(&followed, likelihood);
            trace.push((followed.len(), length));
            if best.as_ref().is_none_or(|(least, _)| length < *least) {
                best = Some((length, followed));
            }
            members = merged(fewer);
            self.structure.constrain(&mut members);
        }
        let members = best.map_or_else(|| self.k_means(1, seed), |(_, members)| members);
        Fitted { selection: trace, ..self.polished(members) }
    }
}
