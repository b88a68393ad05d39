//! How many components: Bayesian information, minimum message length, or the fewest that reach an error.

use super::em::{EmReport, EmSettings, Expectation, run};
use super::fit::{Found, Search};
use super::member::Member;
use super::merge::merged;

/// How the number of components is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Selection {
    /// As many as asked for.
    #[default]
    Fixed,
    /// The smallest BIC = p ln N − 2 N ⟨ln f⟩ (Schwarz 1978) of one component after another, p parameters and N
    /// effective samples.
    Bic,
    /// From the largest number down, dropping components that do not pay for their parameters: the shortest message
    /// (Figueiredo and Jain 2002) for N effective samples.
    Mml,
    /// The fewest whose relative error `l2` is at most this, if as many as allowed reach it.
    Error(f64),
}

/// Components that may pass without a better BIC before the search ends.
const PATIENCE: usize = 3;

/// EM with one, two, … components, each from the last with one inserted where the mixture lacks most.
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

/// EM in which a component keeps only what its share exceeds half its parameters by, the weakest dropped when nothing is
/// left; then, from what remains, two merged again and again, and the shortest message of all kept. (The paper takes the
/// weakest away. Where two components share a population and the weakest is another population, that leaves the other
/// without any, and EM finds no way back: one more than there are would be the answer.)
pub(super) fn by_mml(search: &Search<'_>, start: Vec<Member>, samples: f64) -> Found {
    let mut members = start;
    let mut trace = Vec::new();
    let mut best: Option<(f64, Vec<Member>, EmReport, usize)> = None;
    while !members.is_empty() {
        let (fitted, report, floored) = pruned(search, members, samples);
        let Some(length) = message_length(search, &fitted, &report, samples) else { break };
        trace.push((fitted.len(), length));
        members = fitted.clone();
        if best.as_ref().is_none_or(|(least, ..)| length < *least) {
            best = Some((length, fitted, report, floored));
        }
        members = merged(members);
        search.structure.constrain(&mut members);
    }
    // A plain step at the end gives the data's own moments.
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

fn pruned(search: &Search<'_>, start: Vec<Member>, samples: f64) -> (Vec<Member>, EmReport, usize) {
    let mut members = start;
    let (mut report, mut floored) = (EmReport::default(), 0);
    let mut last = f64::NEG_INFINITY;
    while report.iterations < search.em.max_iterations {
        report.iterations += 1;
        let Some(expectation) = Expectation::new(search.cells, &members, search.profile) else { break };
        let total = search.cells.mass;
        // In units of samples: half the parameters of one component.
        let price = 0.5 * parameters(search, 1) as f64 / samples * total;
        let mut masses: Vec<f64> = expectation.masses().map(|mass| (mass - price).max(0.0)).collect();
        let weakest = (0..masses.len()).min_by(|&a, &b| masses[a].total_cmp(&masses[b])).unwrap_or(0);
        // One at a time: its neighbours may need what it leaves.
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
        (members, floored) = expectation.with_masses(&masses).maximise(&members, &search.structure, search.profile);
        if gain.abs() < search.em.tolerance && !dropped {
            report.converged = true;
            break;
        }
    }
    (members, report, floored)
}

/// Equation 15 of Figueiredo and Jain, in which the code of a parameter is no shorter than nothing: ½ ln(N w/12) is
/// negative for a component worth fewer than twelve samples, whose parameters would pay for their own length.
fn message_length(search: &Search<'_>, members: &[Member], report: &EmReport, samples: f64) -> Option<f64> {
    let likelihood = report.log_likelihood.last()?;
    let per_component = (parameters(search, 1)) as f64;
    let k = members.len() as f64;
    let precision = |member: &Member| (samples * member.mass / search.cells.mass / 12.0).max(1.0).ln();
    let weights: f64 = members.iter().map(precision).sum();
    Some(
        0.5 * per_component * weights + 0.5 * k * (samples / 12.0).ln() + 0.5 * k * (per_component + 1.0)
            - samples * likelihood,
    )
}
