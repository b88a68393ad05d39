//! Search for the likeliest mixture: first on clusters of particles, then on the particles.

use nalgebra::{Matrix3, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::covariance::Structure;
use super::super::em::{EmReport, EmSettings, run_with};
use super::super::member::{Member, Profile};
use super::super::merge::merged;
use super::points::{Particle, Points, clusters, sorted};

/// Maximum number of clusters on which starts are compared: enough for twenty components of a hundred clusters.
const TRIAL_CLUSTERS: usize = 2048;
/// Maximum number of clusters on which EM converges before it goes on to the particles, and particles in each.
const FINE_CLUSTERS: usize = 16_384;
const FINE_SIZE: usize = 16;
/// Starts that are followed to the end.
const FINALISTS: usize = 2;
/// Sets of random centres that are tried.
const RANDOM_STARTS: u64 = 3;
/// Rounds of assignment of k-means. Few are enough, because EM refines the clusters.
const ROUNDS: usize = 5;
/// Maximum number of EM steps on the trial clusters, and the gain of the mean log-likelihood at which they end: far less
/// than two local optima differ by.
const TRIAL: EmSettings = EmSettings { tolerance: 1e-5, max_iterations: 60 };
/// The same before starts are compared.
const SHORT: EmSettings = EmSettings { max_iterations: 10, ..TRIAL };

/// Data and settings of a fit to particles. Masses of mixtures add up to one.
pub(super) struct ParticleSearch {
    pub particles: Points,
    /// Few clusters, on which starts are compared.
    pub trial: Points,
    trial_clusters: Vec<Member>,
    fine: Points,
    pub structure: Structure,
    pub em: EmSettings,
    /// Effective number of samples.
    pub samples: f64,
    count: usize,
}

/// Result of a search.
#[derive(Debug, Clone, Default)]
pub(super) struct Fitted {
    pub members: Vec<Member>,
    pub em: EmReport,
    pub floored: usize,
    pub selection: Vec<(usize, f64)>,
}

impl ParticleSearch {
    pub fn new(mut particles: Vec<Particle>, structure: Structure, em: EmSettings, samples: f64) -> Self {
        let count = particles.len();
        let trial_size = count.div_ceil(TRIAL_CLUSTERS);
        let fine_size = FINE_SIZE.min(trial_size).max(count.div_ceil(FINE_CLUSTERS));
        let [trial, fine] = sorted(&mut particles, [trial_size, fine_size]);
        let trial_clusters = clusters(&particles, &trial);
        Self {
            trial: Points::of_clusters(&trial_clusters),
            fine: Points::of_clusters(&clusters(&particles, &fine)),
            particles: Points::of_particles(&particles),
            trial_clusters,
            structure,
            em,
            samples,
            count,
        }
    }

    /// Maximum number of components: each needs four particles for its covariance.
    pub fn largest(&self, requested: usize) -> usize {
        requested.min(self.count / 4).max(1)
    }

    /// Runs EM on any of the points.
    pub fn run(&self, points: &Points, start: Vec<Member>, em: EmSettings) -> (Vec<Member>, EmReport, usize) {
        run_with(|members| points.expectation(members), start, &self.structure, Profile::Gaussian, em)
    }

    /// Runs EM to the end: on fine clusters, then on the particles.
    pub fn polished(&self, start: Vec<Member>) -> Fitted {
        let (members, ..) = self.run(&self.fine, start, self.em);
        let (members, em, floored) = self.run(&self.particles, members, self.em);
        Fitted { members, em, floored, selection: Vec::new() }
    }

    /// The likeliest of several starts after EM on the trial clusters, improved by merging two components and splitting
    /// another.
    pub fn likeliest(&self, components: usize, seed: u64) -> Vec<Member> {
        if components == 1 {
            return self.k_means(1, seed);
        }
        let random = (0..RANDOM_STARTS).map(|start| self.k_means(components, seed.wrapping_add(start)));
        let starts = random.chain([self.merged_from(2 * components, components, seed)]);
        let mut tried: Vec<(f64, Vec<Member>)> = starts.filter_map(|start| self.followed(start, SHORT)).collect();
        tried.sort_by(|a, b| b.0.total_cmp(&a.0));
        tried.truncate(FINALISTS);
        let settled = tried.into_iter().filter_map(|(_, members)| self.followed(members, TRIAL));
        let best = settled.max_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or_else(|| self.k_means(components, seed), |(likelihood, members)| self.improved(likelihood, members))
    }

    /// EM on the trial clusters; `None` if it fails.
    pub fn followed(&self, start: Vec<Member>, em: EmSettings) -> Option<(f64, Vec<Member>)> {
        let (members, report, _) = self.run(&self.trial, start, em);
        Some((*report.log_likelihood.last()?, members))
    }

    /// EM on the trial clusters with the settings of trials.
    pub fn settled(&self, start: Vec<Member>) -> Option<(f64, Vec<Member>)> {
        self.followed(start, TRIAL)
    }

    /// More components than wanted after a few steps of EM, merged in pairs.
    fn merged_from(&self, more: usize, components: usize, seed: u64) -> Vec<Member> {
        let start = self.k_means(self.largest(more), seed);
        let mut members = self.followed(start, SHORT).map_or_else(Vec::new, |(_, members)| members);
        while members.len() > components {
            members = merged(members);
        }
        self.structure.constrain(&mut members);
        members
    }

    /// Weighted k-means of the trial clusters: centres drawn by the squared distance from those before (k-means++, Arthur
    /// and Vassilvitskii 2007) times the weight, then moved to the means of the clusters nearest to them. Distances are
    /// in the widths of all particles along each axis.
    pub fn k_means(&self, components: usize, seed: u64) -> Vec<Member> {
        let data = &self.trial_clusters;
        let scale = self.structure.narrowest.map(f64::recip);
        let far = |a: &Vector3<f64>, b: &Vector3<f64>| (a - b).component_mul(&scale).norm_squared();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut centres: Vec<Vector3<f64>> = Vec::with_capacity(components);
        let mut distance = vec![1.0; data.len()];
        while centres.len() < components {
            let total: f64 = data.iter().zip(&distance).map(|(cluster, d)| cluster.mass * d).sum();
            let mut left = random.random::<f64>() * total;
            let mut drawn = None;
            for (cluster, d) in data.iter().zip(&distance).filter(|(_, d)| **d > 0.0) {
                drawn = Some(cluster.mean);
                left -= cluster.mass * d;
                if left <= 0.0 {
                    break;
                }
            }
            let Some(centre) = drawn else { break };
            for (cluster, d) in data.iter().zip(&mut distance) {
                let new = far(&cluster.mean, &centre);
                *d = if centres.is_empty() { new } else { d.min(new) };
            }
            centres.push(centre);
        }
        let mut members = Vec::new();
        for _ in 0..=ROUNDS {
            members = assigned(data, &centres, far);
            centres = members.iter().map(|member| member.mean).collect();
        }
        self.structure.constrain(&mut members);
        members
    }
}

/// Mass, mean and covariance of the clusters nearest to each centre. Centres without clusters are left out.
fn assigned(
    data: &[Member],
    centres: &[Vector3<f64>],
    far: impl Fn(&Vector3<f64>, &Vector3<f64>) -> f64,
) -> Vec<Member> {
    let empty = (0.0, Vector3::zeros(), Matrix3::zeros());
    let mut sums = vec![empty; centres.len()];
    for cluster in data {
        let mut nearest = (f64::INFINITY, 0);
        for (k, centre) in centres.iter().enumerate() {
            let distance = far(&cluster.mean, centre);
            if distance < nearest.0 {
                nearest = (distance, k);
            }
        }
        let Some(centre) = centres.get(nearest.1) else { continue };
        let (sum, d) = (&mut sums[nearest.1], cluster.mean - centre);
        sum.0 += cluster.mass;
        sum.1 += d * cluster.mass;
        sum.2 += (cluster.covariance + d * d.transpose()) * cluster.mass;
    }
    let occupied = sums.into_iter().zip(centres).filter(|((mass, ..), _)| *mass > 0.0);
    let members = occupied.map(|((mass, first, second), centre)| {
        let shift = first / mass;
        Member { mass, mean: centre + shift, covariance: second / mass - shift * shift.transpose() }
    });
    members.collect()
}
