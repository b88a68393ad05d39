//! Number of components: by the Bayesian information criterion, the minimum message length, or an error to reach.

use super::covariance::Structure;
use super::em::{EmReport, EmSettings, Expectation, run};
use super::member::{Member, Profile};
use super::merge::merged;
use super::search::{Found, Search};

/// Criterion for the number of components.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Selection {
    /// The requested number.
    #[default]
    Fixed,
    /// The smallest BIC = p ln N − 2 N ⟨ln f⟩ (Schwarz 1978) of one component after another, p parameters and N
    /// effective samples.
    Bic,
    /// The shortest message (Figueiredo and Jain 2002) for N effective samples: from the largest number down,
    /// components are dropped whose share of the samples is smaller than the cost of their parameters.
    Mml,
    /// The smallest number whose relative error `l2` is at most this; the largest number allowed if none reaches it.
    Error(f64),
}

/// Further components tried after the one with the smallest BIC: BIC may rise for one or two where populations come in
/// pairs.
pub(super) const PATIENCE: usize = 3;

/// EM with one, two, … components; each start is the last mixture with one component inserted at the largest residual.
pub(super) fn by_bic(search: &Search<'_>, largest: usize, samples: f64) -> Found {
    let mut trace = Vec::new();
    let mut best: Option<(f64, Found)> = None;
    let mut members: Vec<Member> = Vec::new();
    for components in 1..=largest {
        let Some(inserted) =
            search.insertion().best(search.cells, &search.residual(&members), &search.structure, search.profile)
        else {
            break;
        };
        members.push(inserted);
        search.share_mass(&mut members);
        let (fitted, em, floored) = run(search.cells, members, &search.structure, search.profile, search.em);
        let likelihood = em.log_likelihood.last().copied().unwrap_or(f64::NEG_INFINITY);
        let parameters = (parameters(search, fitted.len())) as f64;
        let bic = parameters * samples.ln() - 2.0 * samples * likelihood;
        trace.push((components, bic));
        members = fitted.clone();
        if best.as_ref().is_none_or(|(least, _)| bic < *least) {
            best = Some((bic, Found { members: fitted, em: Some(em), floored, ..Found::default() }));
        } else if best.as_ref().is_some_and(|(_, found)| found.members.len() + PATIENCE <= components) {
            break;
        }
    }
    let (_, found) = best.unwrap_or_default();
    Found { selection: trace, ..found }
}

fn parameters(search: &Search<'_>, components: usize) -> usize {
    // Masses and means, less one for the total.
    4 * components - 1 + search.structure.kind.parameters(components)
}

/// Runs EM in which each share is lowered by half the component's parameters and the weakest component is dropped when
/// nothing is left of it; then merges two components again and again, and keeps the mixture with the shortest message.
///
/// The paper removes the weakest component instead of merging two. If two components share one population and the
/// weakest describes another, removing it leaves that population without a component, from which EM does not recover;
/// the selected number is then one too large.
pub(super) fn by_mml(search: &Search<'_>, start: Vec<Member>, samples: f64) -> Found {
    let mut members = start;
    let mut trace = Vec::new();
    let mut best: Option<(f64, Vec<Member>, EmReport, usize)> = None;
    while !members.is_empty() {
        let penalty = Penalty { parameters: parameters(search, 1), samples, mass: search.cells.mass };
        let expect = |members: &[Member]| Expectation::new(search.cells, members, search.profile);
        let (fitted, report, floored) = pruned(expect, members, penalty, &search.structure, search.profile, search.em);
        let Some(&likelihood) = report.log_likelihood.last() else { break };
        let length = penalty.message_length(&fitted, likelihood);
        trace.push((fitted.len(), length));
        members = fitted.clone();
        if best.as_ref().is_none_or(|(least, ..)| length < *least) {
            best = Some((length, fitted, report, floored));
        }
        members = merged(members);
        search.structure.constrain(&mut members);
    }
    // One step of plain EM, because the lowered shares bias the moments: after it they equal the data's.
    let (members, em, floored) = match best {
        Some((_, members, report, _)) => {
            let settings = EmSettings { max_iterations: 1, ..search.em };
            let (members, _, floored) = run(search.cells, members, &search.structure, search.profile, settings);
            (members, Some(report), floored)
        }
        None => (Vec::new(), None, 0),
    };
    Found { members, em, floored, selection: trace, ..Found::default() }
}

/// The prior of Figueiredo and Jain, which makes each component cost its parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalty {
    /// Parameters p of one component.
    pub parameters: usize,
    /// Effective number N of samples.
    pub samples: f64,
    /// Mass of the data, for which the samples stand.
    pub mass: f64,
}

impl Penalty {
    /// Mass that is taken from each component: that of p/2 samples.
    fn price(&self) -> f64 {
        0.5 * self.parameters as f64 / self.samples * self.mass
    }

    /// Message length by equation 15 of Figueiredo and Jain, p/2 Σ ln(N w_k/12) + k/2 ln(N/12) + k (p+1)/2 − N ⟨ln f⟩,
    /// with each ln(N w_k/12) at least zero: it is negative for a component worth fewer than twelve samples, which would
    /// make useless components shorten the message.
    pub fn message_length(&self, members: &[Member], log_likelihood: f64) -> f64 {
        let (p, k, n) = (self.parameters as f64, members.len() as f64, self.samples);
        let precision = |member: &Member| (n * member.mass / self.mass / 12.0).max(1.0).ln();
        let weights: f64 = members.iter().map(precision).sum();
        0.5 * p * weights + 0.5 * k * (n / 12.0).ln() + 0.5 * k * (p + 1.0) - n * log_likelihood
    }
}

/// EM with lowered shares, m_k ← max(0, m_k − p/2) for p parameters of a component, the weight update of
/// Figueiredo and Jain.
pub(super) fn pruned(
    mut expect: impl FnMut(&[Member]) -> Option<Expectation>,
    start: Vec<Member>,
    penalty: Penalty,
    structure: &Structure,
    profile: Profile,
    em: EmSettings,
) -> (Vec<Member>, EmReport, usize) {
    let mut members = start;
    let (mut report, mut floored) = (EmReport::default(), 0);
    let mut last = f64::NEG_INFINITY;
    let (total, price) = (penalty.mass, penalty.price());
    while report.iterations < em.max_iterations {
        report.iterations += 1;
        let Some(expectation) = expect(&members) else { break };
        let mut masses: Vec<f64> = expectation.masses().map(|mass| (mass - price).max(0.0)).collect();
        let weakest = (0..masses.len()).min_by(|&a, &b| masses[a].total_cmp(&masses[b])).unwrap_or(0);
        // Only the weakest is dropped in one step: its mass goes to its neighbours, which may then stay.
        for (k, (mass, share)) in masses.iter_mut().zip(expectation.masses()).enumerate() {
            if *mass == 0.0 && (k != weakest || members.len() == 1) {
                *mass = share;
            }
        }
        let dropped = members.len() > 1 && masses[weakest] == 0.0;
        let sum: f64 = masses.iter().sum();
        masses.iter_mut().for_each(|mass| *mass *= total / sum);
        let gain = expectation.log_likelihood - last;
        last = expectation.log_likelihood;
        report.log_likelihood.push(last);
        (members, floored) = expectation.with_masses(&masses).maximise(&members, structure, profile);
        if gain.abs() < em.tolerance && !dropped {
            report.converged = true;
            break;
        }
    }
    (members, report, floored)
}
