//! The expectation step of Gaussian mixtures over particles, or over clusters of them.

use nalgebra::{Matrix3, Vector3};

use super::super::em::{Expectation, Ready, Share};
use super::super::member::{Member, Profile};
use super::points::{BLOCK, Block, Points};
use crate::numerics::exponential::{exp, ln};
use crate::numerics::lanes::{Instructions, LANES, Vector, Vectorisable, vectorised};

/// Difference of logarithms beyond which a component is left out of a block: everywhere in it another one is e³⁰ ≈ 1e13
/// times as large. The other shares still add up to one, so that no moment is lost.
const NEGLIGIBLE: f64 = 30.0;

impl Points {
    /// Sums the responsibilities of the members over the points; `None` if a covariance is not positive definite.
    ///
    /// For clusters, responsibilities are constant within each: ln N(v) is replaced by its mean over the cluster, ln
    /// N(mean) − ½ tr Σ⁻¹S, and second moments include the scatter S. EM then climbs a lower bound of the likelihood of
    /// the particles (Verbeek, Nunnink and Vlassis 2006, Data Min. Knowl. Discov. 13, 291).
    pub fn expectation(&self, members: &[Member]) -> Option<Expectation> {
        let ready = Ready::all(members, Profile::Gaussian)?;
        let (shares, log_likelihood) = if self.scatter[0].is_empty() {
            vectorised(Pass::<false> { points: self, ready: &ready })
        } else {
            vectorised(Pass::<true> { points: self, ready: &ready })
        };
        Some(Expectation { shares, log_likelihood })
    }
}

struct Pass<'a, const CLUSTERS: bool> {
    points: &'a Points,
    ready: &'a [Ready],
}

impl<const CLUSTERS: bool> Vectorisable for Pass<'_, CLUSTERS> {
    type Output = (Vec<Share>, f64);

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) -> Self::Output {
        expect::<I, CLUSTERS>(i, self.points, self.ready)
    }
}

/// Components that are not negligible somewhere in a block.
///
/// In the whitened velocities of a component the box of the block lies within a distance ρ from its centre, which is d
/// from the mean: ln N is at most that at d − ρ and at least that at d + ρ, less ½ tr Σ⁻¹S.
fn choose_active(active: &mut Vec<usize>, block: &Block, ready: &[Ready]) {
    active.clear();
    let bounds = |component: &Ready| {
        let w = &component.ellipsoid.whitening;
        let distance = (w * (block.centre - component.ellipsoid.mean)).norm();
        let radius = (w.abs() * block.half).norm();
        let scatter = if block.trace > 0.0 { w.norm_squared() * block.trace } else { 0.0 };
        let nearest = component.log_peak - 0.5 * (distance - radius).max(0.0).powi(2);
        (nearest, component.log_peak - 0.5 * ((distance + radius).powi(2) + scatter))
    };
    let certain = ready.iter().map(|component| bounds(component).1).fold(f64::NEG_INFINITY, f64::max);
    active.extend((0..ready.len()).filter(|&k| bounds(&ready[k]).0 >= certain - NEGLIGIBLE));
}

/// Expectation over all blocks. Each block takes four passes over its components: logarithms of the densities and their
/// maximum, exponentials relative to the maximum and their sum (which cannot overflow), weights over sums, and moments.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "several arrays have the same index")]
fn expect<I: Instructions, const CLUSTERS: bool>(i: I, points: &Points, ready: &[Ready]) -> (Vec<Share>, f64) {
    let mut shares = vec![Share::none(); ready.len()];
    let mut logs = vec![[[0.0; LANES]; BLOCK]; ready.len()];
    let (mut largest, mut sums) = ([[0.0; LANES]; BLOCK], [[0.0; LANES]; BLOCK]);
    let mut active: Vec<usize> = Vec::with_capacity(ready.len());
    let zero = Vector::splat(i, 0.0);
    let mut likelihood = zero;
    for block in &points.blocks {
        choose_active(&mut active, block, ready);
        let range = block.vectors.clone();
        let n = range.len();
        let [x, y, z] = [0, 1, 2].map(|axis| &points.velocities[axis][range.clone()]);
        let weights = &points.weights[range.clone()];
        let (largest, sums) = (&mut largest[..n], &mut sums[..n]);
        largest.fill([f64::MIN; LANES]);
        for &k in &active {
            let Ready { ellipsoid, log_peak } = &ready[k];
            let (w, mean) = (&ellipsoid.whitening, &ellipsoid.mean);
            let p = ellipsoid.precision();
            for v in 0..n {
                let [dx, dy, dz] = [(x, 0), (y, 1), (z, 2)].map(|(x, axis)| Vector::load(i, &x[v]) - mean[axis]);
                let a = dx * w[(0, 0)];
                let b = dx * w[(1, 0)] + dy * w[(1, 1)];
                let c = dx * w[(2, 0)] + dy * w[(2, 1)] + dz * w[(2, 2)];
                let mut q = a * a + b * b + c * c;
                if CLUSTERS {
                    let s = |index: usize| Vector::load(i, &points.scatter[index][range.start + v]);
                    q += s(0) * p[(0, 0)] + s(3) * p[(1, 1)] + s(5) * p[(2, 2)];
                    q += (s(1) * p[(0, 1)] + s(2) * p[(0, 2)] + s(4) * p[(1, 2)]) * 2.0;
                }
                // Finite, so that the differences of logarithms are numbers.
                let log = q.smaller(q.of(1e300)) * -0.5 + *log_peak;
                log.store(&mut logs[k][v]);
                log.larger(Vector::load(i, &largest[v])).store(&mut largest[v]);
            }
        }
        sums.fill([0.0; LANES]);
        for &k in &active {
            for ((log, largest), sum) in logs[k].iter_mut().zip(&*largest).zip(&mut *sums) {
                let e = exp(Vector::load(i, log) - Vector::load(i, largest));
                e.store(log);
                (Vector::load(i, sum) + e).store(sum);
            }
        }
        for ((sum, largest), weight) in sums.iter_mut().zip(&*largest).zip(weights) {
            let (total, weight) = (Vector::load(i, sum), Vector::load(i, weight));
            likelihood += weight * (Vector::load(i, largest) + ln(total));
            (weight / total).store(sum);
        }
        for &k in &active {
            let mean = &ready[k].ellipsoid.mean;
            let (mut s0, mut sx, mut sy, mut sz) = (zero, zero, zero, zero);
            let (mut xx, mut xy, mut xz, mut yy, mut yz, mut zz) = (zero, zero, zero, zero, zero, zero);
            for v in 0..n {
                let share = Vector::load(i, &logs[k][v]) * Vector::load(i, &sums[v]);
                let [dx, dy, dz] = [(x, 0), (y, 1), (z, 2)].map(|(x, axis)| Vector::load(i, &x[v]) - mean[axis]);
                let (gx, gy, gz) = (share * dx, share * dy, share * dz);
                s0 += share;
                sx += gx;
                sy += gy;
                sz += gz;
                xx += gx * dx;
                xy += gx * dy;
                xz += gx * dz;
                yy += gy * dy;
                yz += gy * dz;
                zz += gz * dz;
                if CLUSTERS {
                    let s = |index: usize| share * Vector::load(i, &points.scatter[index][range.start + v]);
                    xx += s(0);
                    xy += s(1);
                    xz += s(2);
                    yy += s(3);
                    yz += s(4);
                    zz += s(5);
                }
            }
            let [s0, sx, sy, sz] = [s0, sx, sy, sz].map(Vector::sum);
            let [xx, xy, xz, yy, yz, zz] = [xx, xy, xz, yy, yz, zz].map(Vector::sum);
            let share = &mut shares[k];
            share.mass += s0;
            share.weight += s0;
            share.first += Vector3::new(sx, sy, sz);
            share.second += Matrix3::new(xx, xy, xz, 0.0, yy, yz, 0.0, 0.0, zz);
        }
    }
    (shares.into_iter().map(Share::symmetric).collect(), likelihood.sum())
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::super::points::{Particle, clusters, sorted};
    use super::*;
    use crate::testing::for_cases;

    fn members() -> [Member; 3] {
        let member = |mass: f64, x: f64, width: f64| Member {
            mass,
            mean: Vector3::new(x, 0.1 * x, -0.2),
            covariance: Matrix3::new(1.0, 0.2, 0.0, 0.2, 0.5, 0.1, 0.0, 0.1, 2.0) * (width * width),
        };
        [member(0.5, 0.0, 1.0), member(0.3, 2.0, 0.5), member(0.2, 40.0, 0.3)]
    }

    fn particles(random: &mut impl Rng, count: usize) -> Vec<Particle> {
        let particle = |random: &mut dyn FnMut() -> f64| {
            let far = if random() < 0.2 { 40.0 } else { 0.0 };
            Particle { velocity: [far + 6.0 * random() - 3.0, 4.0 * random() - 2.0, 3.0 * random()], weight: random() }
        };
        (0..count).map(|_| particle(&mut || random.random())).collect()
    }

    /// The sums as they are defined, one particle at a time.
    fn by_definition(particles: &[Particle], members: &[Member]) -> (Vec<Share>, f64) {
        let ready = Ready::all(members, Profile::Gaussian).unwrap();
        let mut shares = vec![Share::none(); members.len()];
        let mut likelihood = 0.0;
        for particle in particles {
            let v = Vector3::from(particle.velocity);
            let density =
                |r: &Ready| (r.log_peak - 0.5 * (r.ellipsoid.whitening * (v - r.ellipsoid.mean)).norm_squared()).exp();
            let total: f64 = ready.iter().map(density).sum();
            likelihood += particle.weight * total.ln();
            for (share, r) in shares.iter_mut().zip(&ready) {
                let (part, d) = (particle.weight * density(r) / total, v - r.ellipsoid.mean);
                share.mass += part;
                share.first += d * part;
                share.second += d * d.transpose() * part;
            }
        }
        (shares, likelihood)
    }

    #[test]
    fn sums_follow_their_definition_where_components_are_skipped_too() {
        for_cases(6, |random| {
            let count = random.random_range(1..2000);
            let mut particles = particles(random, count);
            sorted(&mut particles, [64, 16]);
            let (expected, likelihood) = by_definition(&particles, &members());
            let found = Points::of_particles(&particles).expectation(&members()).unwrap();
            let weight: f64 = particles.iter().map(|p| p.weight).sum();
            assert!((found.log_likelihood - likelihood).abs() < 1e-11 * likelihood.abs());
            for (found, expected) in found.shares.iter().zip(&expected) {
                assert!((found.mass - expected.mass).abs() < 1e-12 * weight);
                assert!((found.first - expected.first).amax() < 1e-10 * weight);
                assert!((found.second - expected.second).amax() < 1e-9 * weight);
            }
        });
    }

    #[test]
    fn clusters_bound_the_likelihood_and_keep_all_moments() {
        for_cases(3, |random| {
            let mut particles = particles(random, 1500);
            let levels = sorted(&mut particles, [32, 4]);
            let exact = Points::of_particles(&particles).expectation(&members()).unwrap();
            let mut last = f64::NEG_INFINITY;
            let total = |e: &Expectation| -> Vector3<f64> {
                let about_zero = |(s, m): (&Share, Member)| s.first + m.mean * s.mass;
                e.shares.iter().zip(members()).map(about_zero).sum()
            };
            for nodes in &levels {
                let coarse = Points::of_clusters(&clusters(&particles, nodes)).expectation(&members()).unwrap();
                assert!(coarse.log_likelihood > last && coarse.log_likelihood < exact.log_likelihood);
                last = coarse.log_likelihood;
                assert!((total(&coarse) - total(&exact)).amax() < 1e-9 * total(&exact).amax());
            }
        });
    }
}
