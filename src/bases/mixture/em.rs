//! Expectation and maximisation on weighted cells (Dempster, Laird and Rubin 1977; for kappa components the t mixtures
//! of Peel and McLachlan 2000, Stat. Comput. 10, 339), accelerated by squared extrapolation (Varadhan and Roland 2008,
//! Scand. J. Stat. 35, 335).
//!
//! Every cell is one point of weight f at its centre. The likelihood is that of the weights as they are: Σ f ln p / Σ
//! f.

use std::ops::Range;

use nalgebra::{Matrix3, Vector3};

use super::cells::Cells;
use super::covariance::Structure;
use super::member::{Ellipsoid, Member, Profile};
use crate::numerics::exponential::{exp, ln};
use crate::numerics::lanes::{Instructions, LANES, Vector, Vectorisable, vectorised};

/// Difference of logarithms beyond which a component is left out of a row: everywhere in it another one is e³⁰ ≈ 1e13
/// times as large. The other shares still add up to one, so that no moment is lost.
const NEGLIGIBLE: f64 = 30.0;

/// Vectors of a row that are processed together (8192 cells). Longer rows are cut, so that the scratch buffers, one of
/// this length for each component, stay in the cache and small beside the data.
const SEGMENT: usize = 1024;

/// Stopping criteria of EM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EmSettings {
    pub tolerance: f64,
    pub max_iterations: usize,
}

/// Report of EM.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EmReport {
    /// Expectation steps, each a pass over the cells.
    pub iterations: usize,
    /// Mean log-likelihood per unit mass of the mixtures kept, each at least the one before. Densities and velocities
    /// are in units of the fit, so that only differences have a meaning.
    pub log_likelihood: Vec<f64>,
    /// True if the last step gained less than the tolerance.
    pub converged: bool,
    /// Extrapolations that lowered the likelihood and were discarded.
    pub refused: usize,
}

/// Share of one component in the data: zeroth, first and second moments about its mean, weighted by responsibility.
/// `weight` equals `mass` for Gaussians; for kappa components cells in the tail have the smaller weight
/// (ν+3)/(ν + q ν/(ν−2)), ν = 2κ − 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub mass: f64,
    pub weight: f64,
    pub first: Vector3<f64>,
    pub second: Matrix3<f64>,
}

impl Share {
    pub fn none() -> Self {
        Self { mass: 0.0, weight: 0.0, first: Vector3::zeros(), second: Matrix3::zeros() }
    }

    /// Copies the upper triangle of the second moments to the lower one.
    pub fn symmetric(self) -> Self {
        Self { second: Matrix3::from_fn(|i, j| self.second[(i.min(j), i.max(j))]), ..self }
    }
}

/// A component prepared for evaluation.
pub(super) struct Ready {
    pub ellipsoid: Ellipsoid,
    pub log_peak: f64,
}

impl Ready {
    /// Prepares the members of a mixture whose masses add up to one; `None` if a covariance is not positive definite.
    pub fn all(members: &[Member], profile: Profile) -> Option<Vec<Self>> {
        let mass: f64 = members.iter().map(|member| member.mass).sum();
        let base = profile.unit_peak().ln() - mass.ln();
        let ready = |member: &Member| {
            let ellipsoid = Ellipsoid::new(member.mean, member.covariance)?;
            let log_peak = base + member.mass.ln() + ellipsoid.half_log_det_precision();
            log_peak.is_finite().then_some(Self { ellipsoid, log_peak })
        };
        members.iter().map(ready).collect()
    }
}

/// Result of an expectation step.
pub(super) struct Expectation {
    pub shares: Vec<Share>,
    pub log_likelihood: f64,
}

impl Expectation {
    /// Sums the responsibilities of the members over the cells; `None` if a covariance is not positive definite.
    pub fn new(cells: &Cells, members: &[Member], profile: Profile) -> Option<Self> {
        let ready = Ready::all(members, profile)?;
        let (shares, total) = match profile {
            Profile::Gaussian => vectorised(Pass::<false> { cells, ready: &ready, kappa: 0.0 }),
            Profile::Kappa(kappa) => vectorised(Pass::<true> { cells, ready: &ready, kappa }),
        };
        Some(Self { shares, log_likelihood: total / cells.mass })
    }

    /// Makes the maximisation step; returns the number of covariances raised to the floor, too. Components without mass
    /// are dropped.
    pub fn maximise(&self, members: &[Member], structure: &Structure, profile: Profile) -> (Vec<Member>, usize) {
        /// Part of the mass below which a component is empty: rounding errors of the sums may exceed it.
        const EMPTY: f64 = 1e-13;
        let total: f64 = self.shares.iter().map(|share| share.mass).sum();
        // Kappa components estimate the scale matrix; the covariance is ν/(ν−2) times as large.
        let (correction, _) = kappa_factors(profile);
        let mut next: Vec<Member> = members
            .iter()
            .zip(&self.shares)
            .filter(|(_, share)| share.mass > EMPTY * total)
            .map(|(member, share)| {
                let shift = share.first / share.weight;
                let scatter = share.second - shift * shift.transpose() * share.weight;
                Member { mass: share.mass, mean: member.mean + shift, covariance: scatter * (correction / share.mass) }
            })
            .collect();
        let floored = structure.constrain(&mut next);
        (next, floored)
    }

    /// Mass of each component's share.
    pub fn masses(&self) -> impl Iterator<Item = f64> + '_ {
        self.shares.iter().map(|share| share.mass)
    }

    /// Replaces the masses that the next maximisation uses; components of mass 0 are dropped there.
    pub fn with_masses(mut self, masses: &[f64]) -> Self {
        for (share, &mass) in self.shares.iter_mut().zip(masses) {
            let factor = mass / share.mass;
            share.mass *= factor;
            share.weight *= factor;
            share.first *= factor;
            share.second *= factor;
        }
        self
    }
}

/// Covariance over scale matrix, ν/(ν−2), and the weight (ν+3)/ν of a cell at the centre, for ν = 2κ − 1.
fn kappa_factors(profile: Profile) -> (f64, f64) {
    match profile {
        Profile::Gaussian => (1.0, 1.0),
        Profile::Kappa(kappa) => {
            let nu = 2.0 * kappa - 1.0;
            (nu / (nu - 2.0), (nu + 3.0) / nu)
        }
    }
}

struct Pass<'a, const KAPPA: bool> {
    cells: &'a Cells,
    ready: &'a [Ready],
    kappa: f64,
}

impl<const KAPPA: bool> Vectorisable for Pass<'_, KAPPA> {
    type Output = (Vec<Share>, f64);

    #[inline(always)]
    fn run<I: Instructions>(self, i: I) -> Self::Output {
        expect::<I, KAPPA>(i, self.cells, self.ready, self.kappa)
    }
}

/// Expectation over all rows. Each row takes four passes over the components: logarithms of the densities and their
/// maximum, exponentials relative to the maximum and their sum (which cannot overflow), weights f / sum, and moments.
#[inline(always)]
fn expect<I: Instructions, const KAPPA: bool>(i: I, cells: &Cells, ready: &[Ready], kappa: f64) -> (Vec<Share>, f64) {
    let chunks = cells.z.len().min(SEGMENT);
    let mut shares = vec![Share::none(); ready.len()];
    let mut logs = vec![[0.0; LANES]; chunks * ready.len()];
    let mut largest = vec![[0.0; LANES]; chunks];
    let mut sums = vec![[0.0; LANES]; chunks];
    let mut active: Vec<(usize, f64, f64)> = Vec::with_capacity(ready.len());
    let zero = Vector::splat(i, 0.0);
    let mut likelihood = zero;
    let (tail, weight_at_centre) = (2.0 * kappa - 3.0, kappa_factors(Profile::Kappa(kappa)).1);

    let segments = (0..cells.rows()).flat_map(|row| {
        let Range { start, end } = cells.occupied[row].clone();
        (start..end).step_by(SEGMENT).map(move |start| (row, start..end.min(start + SEGMENT)))
    });
    for (row, range) in segments {
        let ([x, y], start) = cells.row(row);
        let z = &cells.z[range.clone()];
        let weights = &cells.values[start..][range.clone()];
        let n = z.len();
        let (left, right) = (z[0][0], z[n - 1][LANES - 1]);

        // A component's logarithm falls monotonically from its centre, so that its minimum in a row is at an end. The
        // largest of these minima, `certain`, is exceeded in every cell of the row.
        let log_at = |component: &Ready, across: f64, distance: f64| {
            let q = across + (component.ellipsoid.narrowness() * distance).powi(2);
            component.log_peak - if KAPPA { (kappa + 1.0) * (q / tail).ln_1p() } else { 0.5 * q }
        };
        active.clear();
        let mut certain = f64::NEG_INFINITY;
        for (k, component) in ready.iter().enumerate() {
            let cut = component.ellipsoid.cut([x, y]);
            let farthest = (cut.centre - left).abs().max((cut.centre - right).abs());
            certain = certain.max(log_at(component, cut.across, farthest));
            active.push((k, cut.across, cut.centre));
        }
        active.retain(|&(k, across, centre)| {
            let nearest = centre.clamp(left, right) - centre;
            log_at(&ready[k], across, nearest) > certain - NEGLIGIBLE
        });

        let largest = &mut largest[..n];
        largest.fill([f64::MIN; LANES]);
        for &(k, across, centre) in &active {
            let (narrow, log_peak) = (ready[k].ellipsoid.narrowness(), ready[k].log_peak);
            let logs = &mut logs[k * chunks..][..n];
            for ((log, largest), z) in logs.iter_mut().zip(&mut *largest).zip(z) {
                let d = (Vector::load(i, z) - centre) * narrow;
                let q = d * d + across;
                let value = if KAPPA { -ln(q * (1.0 / tail) + 1.0) * (kappa + 1.0) } else { q * -0.5 } + log_peak;
                value.store(log);
                value.larger(Vector::load(i, largest)).store(largest);
            }
        }
        let sums = &mut sums[..n];
        sums.fill([0.0; LANES]);
        for &(k, ..) in &active {
            let logs = &mut logs[k * chunks..][..n];
            for ((log, largest), sum) in logs.iter_mut().zip(&*largest).zip(&mut *sums) {
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
        for &(k, across, centre) in &active {
            let mean = ready[k].ellipsoid.mean;
            let narrow = ready[k].ellipsoid.narrowness();
            let logs = &logs[k * chunks..][..n];
            let (mut s0, mut s1, mut s2, mut mass) = (zero, zero, zero, zero);
            for ((e, scale), z) in logs.iter().zip(&*sums).zip(z) {
                let (share, z) = (Vector::load(i, e) * Vector::load(i, scale), Vector::load(i, z));
                let d = z - mean[2];
                let weight = if KAPPA {
                    mass += share;
                    let along = (z - centre) * narrow;
                    share * weight_at_centre / ((along * along + across) * (1.0 / tail) + 1.0)
                } else {
                    share
                };
                let first = weight * d;
                s0 += weight;
                s1 += first;
                s2 += first * d;
            }
            let [s0, s1, s2, mass] = [s0, s1, s2, mass].map(Vector::sum);
            let (dx, dy) = (x - mean[0], y - mean[1]);
            let share = &mut shares[k];
            share.mass += if KAPPA { mass } else { s0 };
            share.weight += s0;
            share.first += Vector3::new(dx * s0, dy * s0, s1);
            let second = [dx * dx * s0, dx * dy * s0, dx * s1, dy * dy * s0, dy * s1, s2];
            for (index, (i, j)) in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)].into_iter().enumerate() {
                share.second[(i, j)] += second[index];
            }
        }
    }
    (shares.into_iter().map(Share::symmetric).collect(), likelihood.sum())
}

/// Runs EM from a start; the last step is a plain maximisation, so that mass, mean and (where no component is on the
/// floor, and for Gaussians) what the kind of covariance keeps of the second moments are exactly the data's.
pub(super) fn run(
    cells: &Cells,
    start: Vec<Member>,
    structure: &Structure,
    profile: Profile,
    settings: EmSettings,
) -> (Vec<Member>, EmReport, usize) {
    run_with(|members| Expectation::new(cells, members, profile), start, structure, profile, settings)
}

/// Runs EM as [`run`] does, with the expectation step of any data; `None` of it ends the search.
pub(super) fn run_with(
    mut expectation: impl FnMut(&[Member]) -> Option<Expectation>,
    start: Vec<Member>,
    structure: &Structure,
    profile: Profile,
    settings: EmSettings,
) -> (Vec<Member>, EmReport, usize) {
    let mut report = EmReport::default();
    let mut floored = 0;
    let mut current = start;
    let mut last = f64::NEG_INFINITY;
    let mut expect = |members: &[Member], report: &mut EmReport| {
        report.iterations += 1;
        expectation(members)
    };
    while report.iterations < settings.max_iterations {
        let Some(first) = expect(&current, &mut report) else { break };
        report.log_likelihood.push(first.log_likelihood);
        let gain = first.log_likelihood - last;
        last = first.log_likelihood;
        let (one, on_floor) = first.maximise(&current, structure, profile);
        floored = on_floor;
        if gain < settings.tolerance || report.iterations >= settings.max_iterations {
            report.converged = gain < settings.tolerance;
            return (one, report, floored);
        }
        let Some(second) = expect(&one, &mut report) else {
            current = one;
            continue;
        };
        report.log_likelihood.push(second.log_likelihood);
        last = second.log_likelihood;
        let (two, on_floor) = second.maximise(&one, structure, profile);
        floored = on_floor;
        let gain = second.log_likelihood - first.log_likelihood;
        if gain < settings.tolerance || report.iterations >= settings.max_iterations {
            report.converged = gain < settings.tolerance;
            return (two, report, floored);
        }
        // The extrapolation is kept only if its likelihood is no smaller than that of the second mixture.
        let leap = extrapolated(&current, &one, &two, structure);
        let ahead = leap.and_then(|leap| Some((expect(&leap, &mut report)?, leap)));
        current = match ahead {
            Some((ahead, leap)) if ahead.log_likelihood >= last => {
                last = ahead.log_likelihood;
                report.log_likelihood.push(last);
                let (next, on_floor) = ahead.maximise(&leap, structure, profile);
                floored = on_floor;
                next
            }
            _ => {
                report.refused += 1;
                two
            }
        };
    }
    (current, report, floored)
}

/// Squared extrapolation p + 2αr + α²v from three successive mixtures, r = p₁ − p, v = p₂ − 2p₁ + p, α = ‖r‖/‖v‖
/// (SQUAREM, scheme S3). Parameters are log masses, means and Cholesky factors, the latter two in units of the cells'
/// widths, so that the norms do not depend on the units of the axes.
fn extrapolated(start: &[Member], one: &[Member], two: &[Member], structure: &Structure) -> Option<Vec<Member>> {
    if one.len() != start.len() || two.len() != start.len() {
        return None;
    }
    let unit = &structure.narrowest;
    let [zeroth, first, second] = [packed(start, unit)?, packed(one, unit)?, packed(two, unit)?];
    let r: Vec<f64> = first.iter().zip(&zeroth).map(|(a, b)| a - b).collect();
    let v: Vec<f64> = second.iter().zip(&first).zip(&r).map(|((a, b), r)| a - b - r).collect();
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let length = norm(&r) / norm(&v);
    // A step length of 1 is plain EM.
    if !(length.is_finite() && length > 1.0) {
        return None;
    }
    let leap: Vec<f64> =
        zeroth.iter().zip(&r).zip(&v).map(|((p, r), v)| p + 2.0 * length * r + length * length * v).collect();
    let total: f64 = two.iter().map(|member| member.mass).sum();
    let mut members = unpacked(&leap, unit)?;
    let mass: f64 = members.iter().map(|member| member.mass).sum();
    members.iter_mut().for_each(|member| member.mass *= total / mass);
    structure.constrain(&mut members);
    Some(members)
}

/// Numbers per component in the extrapolation: log mass, mean, and the six entries of the Cholesky factor.
const PACKED: usize = 10;

fn packed(members: &[Member], unit: &Vector3<f64>) -> Option<Vec<f64>> {
    let mut numbers = Vec::with_capacity(PACKED * members.len());
    for member in members {
        let l = Matrix3::from_diagonal(&unit.map(f64::recip)) * member.covariance.cholesky()?.l();
        numbers.push(member.mass.ln());
        numbers.extend(member.mean.component_div(unit).iter());
        numbers.extend([l[(0, 0)].ln(), l[(1, 1)].ln(), l[(2, 2)].ln(), l[(1, 0)], l[(2, 0)], l[(2, 1)]]);
    }
    Some(numbers)
}

fn unpacked(numbers: &[f64], unit: &Vector3<f64>) -> Option<Vec<Member>> {
    let (parts, _) = numbers.as_chunks::<PACKED>();
    let member = |&[mass, x, y, z, a, b, c, ba, ca, cb]: &[f64; PACKED]| {
        let l = Matrix3::from_diagonal(unit) * Matrix3::new(a.exp(), 0.0, 0.0, ba, b.exp(), 0.0, ca, cb, c.exp());
        let mean = Vector3::new(x, y, z).component_mul(unit);
        let member = Member { mass: mass.exp(), mean, covariance: l * l.transpose() };
        let finite = member.mass.is_finite() && member.covariance.iter().chain(&member.mean).all(|x| x.is_finite());
        finite.then_some(member)
    };
    parts.iter().map(member).collect()
}
