//! Merging of two components into one.

use super::member::{Member, volume};

/// Merges the two components with the smallest loss. The result is empty for fewer than two components.
pub(super) fn merged(members: Vec<Member>) -> Vec<Member> {
    merged_by_rank(members, 0).unwrap_or_default()
}

/// Merges the pair at `rank` by increasing loss: one component with the moments of both replaces it. The loss is
/// Runnalls' bound on the relative entropy, ½ [(a + b) ln det Σ_ab − a ln det Σ_a − b ln det Σ_b] (2007, IEEE Trans.
/// Aerosp. Electron. Syst. 43, 989), which does not depend on units. `None` if there are no more pairs than `rank`.
pub(super) fn merged_by_rank(mut members: Vec<Member>, rank: usize) -> Option<Vec<Member>> {
    let log_det = |member: &Member| 2.0 * volume(&member.covariance).ln();
    let alone: Vec<f64> = members.iter().map(log_det).collect();
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (i, a) in members.iter().enumerate() {
        for (j, b) in members.iter().enumerate().skip(i + 1) {
            let both = a.merged_with(b);
            // Twice the bound; the factor ½ does not change the order.
            let loss = both.mass * log_det(&both) - a.mass * alone[i] - b.mass * alone[j];
            // A covariance that is not positive definite has no logarithm of its determinant: such pairs come last.
            pairs.push((if loss.is_nan() { f64::INFINITY } else { loss }, i, j));
        }
    }
    if rank >= pairs.len() {
        return None;
    }
    let by_loss =
        |a: &(f64, usize, usize), b: &(f64, usize, usize)| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2)));
    let (_, &mut (_, i, j), _) = pairs.select_nth_unstable_by(rank, by_loss);
    members[i] = members[i].merged_with(&members[j]);
    members.remove(j);
    Some(members)
}

/// Pairs whose merger is tried, by increasing loss, before the moves of [`improved_by_moves`] end.
const PAIRS_TRIED: usize = 2;

/// Repeats moves between local optima, at most `most` of them, as long as one raises the likelihood by more than `gain`.
/// `moved` merges the pair at a rank by increasing loss and puts a component elsewhere.
pub(super) fn improved_by_moves(
    (mut likelihood, mut members): (f64, Vec<Member>),
    gain: f64,
    most: usize,
    moved: impl Fn(&[Member], usize) -> Option<(f64, Vec<Member>)>,
) -> Vec<Member> {
    let mut rank = 0;
    for _ in 0..most {
        match moved(&members, rank) {
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

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use nalgebra::{Matrix3, Vector3};

    use super::*;

    #[test]
    fn the_halves_of_a_population_are_merged_whatever_the_units() {
        for units in [Vector3::repeat(1.0), Vector3::new(1.0, 1e-3, 1e-6)] {
            let member = |mass: f64, mean: Vector3<f64>| Member {
                mass,
                mean: mean.component_mul(&units),
                covariance: Matrix3::from_diagonal(&units.component_mul(&units)),
            };
            // The weakest is a population of its own; the two halves lie along the axis of the shortest unit.
            let apart = Vector3::new(6.0, 0.0, 0.0);
            let half = Vector3::new(0.0, 0.0, 1.0);
            let members = vec![member(1.0, half), member(0.2, apart), member(1.0, -half), member(0.9, -apart)];
            let three = merged(members);
            assert_eq!(three.len(), 3);
            assert_relative_eq!(three[0].mass, 2.0);
            assert_relative_eq!(three[0].mean, Vector3::zeros());
            assert_relative_eq!(three[0].covariance[(2, 2)], 2.0 * units[2] * units[2], max_relative = 1e-14);
        }
        assert!(merged(vec![]).is_empty());
        let round = |x: f64| Member { mass: 1.0, mean: Vector3::ith(0, x), covariance: Matrix3::identity() };
        let next = merged_by_rank(vec![round(0.0), round(1.0), round(3.0)], 1).unwrap();
        assert_eq!(next.iter().map(|member| member.mean[0]).collect::<Vec<_>>(), [0.0, 2.0]);
        assert!(merged_by_rank(next, 1).is_none());
    }
}
