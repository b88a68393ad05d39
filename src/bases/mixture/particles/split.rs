//! Moves between local optima: two components are merged and another is split (Ueda, Nakano, Ghahramani and Hinton 2000,
//! Neural Comput. 12, 2109).

use nalgebra::SymmetricEigen;

use super::super::em::EmSettings;
use super::super::member::Member;
use super::super::merge::{improved_by_moves, merged_by_rank};
use super::search::ParticleSearch;

/// Maximum number of moves tried.
const MAX_MOVES: usize = 6;
/// Components whose split is tried in one move, by falling mass.
const SPLITS_TRIED: usize = 8;
/// EM steps after which splits are compared.
const STEPS_AFTER_SPLIT: usize = 4;
/// Gain of the mean log-likelihood of a move that is made.
const MIN_GAIN: f64 = 1e-5;
/// Distance of each half of a split component from its mean, in standard deviations along the longest axis.
const HALF_DISTANCE: f64 = 0.8;

impl ParticleSearch {
    /// Repeats moves as long as one raises the likelihood on the trial clusters.
    pub fn improved(&self, likelihood: f64, members: Vec<Member>) -> Vec<Member> {
        improved_by_moves((likelihood, members), MIN_GAIN, MAX_MOVES, |members, rank| self.moved(members, rank))
    }

    fn moved(&self, members: &[Member], rank: usize) -> Option<(f64, Vec<Member>)> {
        let fewer = merged_by_rank(members.to_vec(), rank)?;
        let (_, split) = self.likeliest_split(&fewer)?;
        self.settled(split)
    }

    /// The likeliest mixture, after a few steps of EM, with one component more.
    pub fn likeliest_split(&self, members: &[Member]) -> Option<(f64, Vec<Member>)> {
        let few = EmSettings { tolerance: 0.0, max_iterations: STEPS_AFTER_SPLIT };
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by(|&a, &b| members[b].mass.total_cmp(&members[a].mass));
        let tried = order.into_iter().take(SPLITS_TRIED).filter_map(|k| {
            let mut split = members.to_vec();
            let other = halved(&mut split[k]);
            split.push(other);
            self.structure.constrain(&mut split);
            self.followed(split, few)
        });
        tried.max_by(|a, b| a.0.total_cmp(&b.0))
    }
}

/// Splits a component along its longest axis into two that have its moments together; returns one of them.
fn halved(member: &mut Member) -> Member {
    let eigen = SymmetricEigen::new(member.covariance);
    let longest = eigen.eigenvalues.imax();
    let apart = eigen.eigenvectors.column(longest) * (HALF_DISTANCE * eigen.eigenvalues[longest].max(0.0).sqrt());
    member.mass *= 0.5;
    member.covariance -= apart * apart.transpose();
    let other = Member { mean: member.mean - apart, ..member.clone() };
    member.mean += apart;
    other
}
