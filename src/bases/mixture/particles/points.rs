//! The data of a fit: particles in an order in which neighbours follow each other, and clusters of them.

use std::ops::Range;

use nalgebra::{Matrix3, Vector3};

use super::super::member::Member;
use crate::distribution::particles::Particles;
use crate::numerics::lanes::{LANES, Lanes};

/// Vectors of a block (256 particles): its scratch buffers stay in the cache, and components far from it are skipped.
pub(super) const BLOCK: usize = 32;

/// A particle in scaled velocities, and its share of the weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Particle {
    pub velocity: [f64; 3],
    pub weight: f64,
}

/// Points of a fit as vectors of eight, in blocks.
#[derive(Debug, Clone)]
pub(super) struct Points {
    pub velocities: [Vec<Lanes>; 3],
    /// The padding has no weight.
    pub weights: Vec<Lanes>,
    /// Second moments xx, xy, xz, yy, yz, zz of clusters about their means; empty for particles.
    pub scatter: [Vec<Lanes>; 6],
    pub blocks: Vec<Block>,
}

/// Successive vectors, and the box of their points.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub vectors: Range<usize>,
    pub centre: Vector3<f64>,
    pub half: Vector3<f64>,
    /// Largest trace of the scatter.
    pub trace: f64,
}

impl Points {
    pub fn of_particles(particles: &[Particle]) -> Self {
        let point = |k: usize| (particles[k].velocity, particles[k].weight);
        Self::new(particles.len(), point, std::array::from_fn(|_| Vec::new()))
    }

    pub fn of_clusters(clusters: &[Member]) -> Self {
        let entries = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
        let scatter = entries.map(|entry| lanes(clusters.len(), |k| clusters[k].covariance[entry]));
        Self::new(clusters.len(), |k| (clusters[k].mean.into(), clusters[k].mass), scatter)
    }

    fn new(count: usize, point: impl Fn(usize) -> ([f64; 3], f64), scatter: [Vec<Lanes>; 6]) -> Self {
        let velocities = std::array::from_fn(|axis| lanes(count, |k| point(k).0[axis]));
        let mut weights = lanes(count, |k| point(k).1);
        weights.as_flattened_mut()[count..].fill(0.0);
        let block = |start: usize| {
            let vectors = start..weights.len().min(start + BLOCK);
            let bounds = |axis: usize| {
                let values: &[Vec<Lanes>; 3] = &velocities;
                let values = values[axis][vectors.clone()].as_flattened().iter();
                values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &x| [low.min(x), high.max(x)])
            };
            let bounds = [bounds(0), bounds(1), bounds(2)];
            let [xx, .., zz] = &scatter;
            let yy = &scatter[3];
            let trace = |k: usize| (0..LANES).map(|l| xx[k][l] + yy[k][l] + zz[k][l]).fold(0.0, f64::max);
            Block {
                centre: Vector3::from(bounds.map(|[low, high]| 0.5 * (low + high))),
                half: Vector3::from(bounds.map(|[low, high]| 0.5 * (high - low))),
                trace: if xx.is_empty() { 0.0 } else { vectors.clone().map(trace).fold(0.0, f64::max) },
                vectors,
            }
        };
        let blocks = (0..weights.len()).step_by(BLOCK).map(block).collect();
        Self { velocities, weights, scatter, blocks }
    }
}

/// Numbers in vectors; the last one fills the padding.
fn lanes(count: usize, number: impl Fn(usize) -> f64) -> Vec<Lanes> {
    (0..count.div_ceil(LANES)).map(|v| std::array::from_fn(|l| number((v * LANES + l).min(count - 1)))).collect()
}

/// Particles in scaled velocities, whose weights add up to one.
pub(super) fn scaled(particles: &Particles, centre: [f64; 3], unit: f64) -> Vec<Particle> {
    let largest = particles.weights().iter().fold(0.0, |largest, &w| f64::max(largest, w));
    let total: f64 = particles.weights().iter().map(|w| w / largest).sum();
    let particle = |(v, w): (&[f64; 3], &f64)| Particle {
        velocity: std::array::from_fn(|axis| (v[axis] - centre[axis]) / unit),
        weight: w / largest / total,
    };
    particles.velocities().iter().zip(particles.weights()).map(particle).collect()
}

/// Sorts particles into a k-d tree: halves about the median along the longest side of their box, halves of the halves,
/// and so on. Returns the nodes of at most `sizes[0]` particles, the nodes of at most `sizes[1]`, in the order of the
/// particles, for falling sizes. Particles at one place are never split.
pub(super) fn sorted(particles: &mut [Particle], sizes: [usize; 2]) -> [Vec<Range<usize>>; 2] {
    let mut nodes = [Vec::new(), Vec::new()];
    let all = 0..particles.len();
    let mut open = vec![(all, 0)];
    while let Some((range, mut level)) = open.pop() {
        let node = &mut particles[range.clone()];
        let side = longest_side(node);
        while level < 2 && (node.len() <= sizes[level] || side.is_none()) {
            nodes[level].push(range.clone());
            level += 1;
        }
        let (Some(axis), true) = (side, level < 2) else { continue };
        let middle = node.len() / 2;
        node.select_nth_unstable_by(middle, |a, b| a.velocity[axis].total_cmp(&b.velocity[axis]));
        let middle = range.start + middle;
        // The lower half is taken first.
        open.push((middle..range.end, level));
        open.push((range.start..middle, level));
    }
    nodes
}

/// The axis of the longest side of the box of the particles; `None` if all sides are zero.
fn longest_side(particles: &[Particle]) -> Option<usize> {
    let mut bounds = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
    for particle in particles {
        for ([low, high], &x) in bounds.iter_mut().zip(&particle.velocity) {
            *low = low.min(x);
            *high = high.max(x);
        }
    }
    let sides = bounds.map(|[low, high]| high - low);
    let longest = (0..3).fold(0, |longest, axis| if sides[axis] > sides[longest] { axis } else { longest });
    (particles.len() > 1 && sides[longest] > 0.0).then_some(longest)
}

/// Mass, mean and covariance of the particles of each node.
pub(super) fn clusters(particles: &[Particle], nodes: &[Range<usize>]) -> Vec<Member> {
    nodes.iter().map(|node| cluster(&particles[node.clone()])).collect()
}

fn cluster(particles: &[Particle]) -> Member {
    let mass: f64 = particles.iter().map(|p| p.weight).sum();
    let mean = particles.iter().map(|p| Vector3::from(p.velocity) * p.weight).sum::<Vector3<f64>>() / mass;
    let mut second = Matrix3::zeros();
    for particle in particles {
        let d = Vector3::from(particle.velocity) - mean;
        second += d * d.transpose() * particle.weight;
    }
    Member { mass, mean, covariance: second / mass }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::for_cases;
    use rand::Rng;

    #[test]
    fn clusters_hold_all_mass_and_moments_and_neighbours() {
        for_cases(4, |random| {
            let mut particles: Vec<Particle> = (0..1003)
                .map(|_| Particle {
                    velocity: [(); 3].map(|()| random.random_range(-1.0..1.0)),
                    weight: random.random(),
                })
                .collect();
            let whole = cluster(&particles);
            let levels = sorted(&mut particles, [64, 8]);
            for (nodes, size) in levels.iter().zip([64, 8]) {
                assert!(nodes.iter().all(|node| (1..=size).contains(&node.len())));
                assert!(nodes.windows(2).all(|pair| pair[0].end == pair[1].start));
                assert_eq!((nodes[0].start, nodes[nodes.len() - 1].end), (0, 1003));
                let merged = clusters(&particles, nodes).into_iter().reduce(|a, b| a.merged_with(&b)).unwrap();
                assert!((merged.mass - whole.mass).abs() < 1e-12 * whole.mass);
                assert!((merged.covariance - whole.covariance).amax() < 1e-12);
                let inner: f64 = clusters(&particles, nodes).iter().map(|c| c.mass * c.covariance.trace()).sum();
                assert!(inner < 0.25 * whole.mass * whole.covariance.trace());
            }
        });
        let mut same = vec![Particle { velocity: [1.0, 2.0, 3.0], weight: 1.0 }; 100];
        let whole = || std::iter::once(0..100).collect::<Vec<_>>();
        assert_eq!(sorted(&mut same, [8, 2]), [whole(), whole()]);
    }
}
