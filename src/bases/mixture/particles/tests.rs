//! Fits to particles: accuracy, exact moments, number of components, what is refused; and samples of mixtures.

use approx::assert_relative_eq;
use nalgebra::{DMatrix, DVector};

use super::super::MixtureComponent;
use super::*;
use crate::distribution::frame::Frame;
use crate::distribution::particles::{Arrangement, ParticleSampler};
use crate::distribution::synthetic::{Sampling, Synthetic};

fn component(density: f64, centre: [f64; 3], rotation: [f64; 3], scales: [f64; 3]) -> MixtureComponent {
    MixtureComponent { density, frame: Frame { centre, rotation: Some(rotation), scales } }
}

/// Three populations that overlap.
fn overlapping() -> MixtureCoefficients {
    let components = vec![
        component(0.5, [0.0, 0.0, 0.0], [0.0; 3], [1.0, 1.0, 1.2]),
        component(0.3, [3.0, 1.0, 0.0], [0.2, 0.0, 0.4], [0.6, 0.8, 0.7]),
        component(0.2, [-1.0, 2.5, 2.0], [0.0, 0.5, 0.0], [1.1, 0.8, 0.6]),
    ];
    MixtureCoefficients::new(Covariance::Full, None, components).unwrap()
}

fn drawn(mixture: &MixtureCoefficients, count: usize, seed: u64) -> Particles {
    let sampler = ParticleSampler::new(count).unwrap().with_seed(seed).with_exact_moments(false);
    mixture.sample(&sampler.with_arrangement(Arrangement::Random)).unwrap()
}

/// Largest difference of density, bulk velocity and pressure, each in its own scale.
fn difference(found: &Moments, expected: &Moments) -> f64 {
    let v = expected.thermal_speeds();
    let mut largest = (found.density / expected.density - 1.0).abs();
    for i in 0..3 {
        largest = largest.max((found.bulk_velocity[i] - expected.bulk_velocity[i]).abs() / v[i]);
        for j in 0..3 {
            let scale = expected.density * v[i] * v[j];
            largest = largest.max((found.pressure[i][j] - expected.pressure[i][j]).abs() / scale);
        }
    }
    largest
}

/// Parameters in one vector: densities but the last, drifts, covariances.
fn parameters(mixture: &MixtureCoefficients) -> DVector<f64> {
    let total: f64 = mixture.components().iter().map(|c| c.density).sum();
    let mut numbers: Vec<f64> = mixture.components().iter().map(|c| c.density / total).collect();
    numbers.pop();
    for component in mixture.components() {
        let s = component.covariance();
        numbers.extend(component.frame.centre);
        numbers.extend([s[0][0], s[0][1], s[0][2], s[1][1], s[1][2], s[2][2]]);
    }
    DVector::from_vec(numbers)
}

/// Fisher's information of the parameters, Σ s sᵀ over the particles, s the gradient of ln f.
fn information(mixture: &MixtureCoefficients, particles: &Particles) -> DMatrix<f64> {
    let components = mixture.components();
    let inverse: Vec<Matrix3<f64>> =
        components.iter().map(|c| Matrix3::from_fn(|i, j| c.covariance()[i][j]).try_inverse().unwrap()).collect();
    let count = components.len() - 1 + 9 * components.len();
    let mut information = DMatrix::<f64>::zeros(count, count);
    for v in particles.velocities() {
        let d: Vec<Vector3<f64>> =
            components.iter().map(|c| Vector3::from(*v) - Vector3::from(c.frame.centre)).collect();
        let density = |k: usize| {
            components[k].density * inverse[k].determinant().sqrt() * (-0.5 * d[k].dot(&(inverse[k] * d[k]))).exp()
        };
        let densities: Vec<f64> = (0..components.len()).map(density).collect();
        let sum: f64 = densities.iter().sum();
        let part = |k: usize| densities[k] / sum;
        let last = components.len() - 1;
        let mut score: Vec<f64> =
            (0..last).map(|k| part(k) / components[k].density - part(last) / components[last].density).collect();
        for k in 0..components.len() {
            let a = inverse[k] * d[k];
            score.extend((a * part(k)).iter());
            let g = (a * a.transpose() - inverse[k]) * (0.5 * part(k));
            score.extend([g[(0, 0)], 2.0 * g[(0, 1)], 2.0 * g[(0, 2)], g[(1, 1)], 2.0 * g[(1, 2)], g[(2, 2)]]);
        }
        let score = DVector::from_vec(score);
        information.ger(1.0, &score, &score, 1.0);
    }
    information
}

/// Errors of a fit to 1e5 particles of a known mixture.
struct Pulls {
    /// Each parameter's error in its standard error.
    each: DVector<f64>,
    /// (θ − θ₀)ᵀ I (θ − θ₀): chi-square distributed with as many degrees of freedom as there are parameters, however these
    /// are correlated.
    chi_square: f64,
}

fn pulls(seed: u64) -> Pulls {
    let truth = overlapping();
    let particles = drawn(&truth, 100_000, seed);
    let (found, report) = Mixture::new(3).unwrap().fit_particles(&particles).unwrap();
    assert!(report.em.converged, "{report:?}");
    let information = information(&truth, &particles);
    let off = parameters(&found) - parameters(&truth);
    let chi_square = off.dot(&(&information * &off));
    let errors = information.try_inverse().unwrap().diagonal().map(f64::sqrt);
    Pulls { each: off.component_div(&errors), chi_square }
}

#[test]
fn parameters_of_a_known_mixture_are_found_within_three_standard_errors() {
    let fits: Vec<Pulls> = (1..4).map(pulls).collect();
    let each = || fits.iter().flat_map(|fit| fit.each.iter());
    // Of 87 normal numbers 0.23 are beyond three standard errors on average.
    let beyond = each().filter(|z| z.abs() > 3.0).count();
    assert!(beyond <= 1 && each().all(|z| z.abs() < 4.0), "{beyond}");
    // The sum over the fits has the mean 87 and the standard deviation √(2 · 87) = 13.2.
    let sum: f64 = fits.iter().map(|fit| fit.chi_square).sum();
    assert!((sum - 87.0).abs() < 3.0 * 174f64.sqrt(), "{sum}");
}

/// A minute or so: `cargo test --release --lib -- --ignored --nocapture errors_of_many_fits`.
#[test]
#[ignore = "slow: fits to many sets of particles"]
fn errors_of_many_fits_are_those_of_chance() {
    const SEEDS: u64 = 100;
    let fits: Vec<Pulls> = (1..=SEEDS).map(pulls).collect();
    let (count, parameters) = (SEEDS as f64, fits[0].each.len());
    let each = || fits.iter().flat_map(|fit| fit.each.iter());
    let beyond = [1.0, 2.0, 3.0].map(|limit| each().filter(|z| z.abs() > limit).count());
    let chi_square: f64 = fits.iter().map(|fit| fit.chi_square).sum();
    let degrees = count * parameters as f64;
    // The mean error of a parameter over the fits is normal with the standard deviation 1/√SEEDS.
    let bias: Vec<f64> =
        (0..parameters).map(|i| fits.iter().map(|fit| fit.each[i]).sum::<f64>() / count.sqrt()).collect();
    let largest = bias.iter().fold(0.0, |largest: f64, b| largest.max(b.abs()));
    let of_bias: f64 = bias.iter().map(|b| b * b).sum();
    println!("beyond 1, 2, 3 standard errors: {beyond:?} of {degrees}; chi-square {chi_square:.1}");
    println!("means over the fits in their standard errors: {bias:.2?}; squares {of_bias:.1} of {parameters}");
    assert!(((chi_square - degrees) / (2.0 * degrees).sqrt()).abs() < 3.0, "{chi_square}");
    // Normal: 0.27%. Errors of one fit are correlated, so that their number scatters more than by its root.
    assert!((beyond[2] as f64) < 0.0027 * degrees + 5.0 * (0.0027 * degrees).sqrt(), "{beyond:?}");
    assert!(largest < 4.0, "{bias:.2?}");
}

#[test]
fn density_drift_and_pressure_are_those_of_the_particles() {
    for (name, components) in [("gyrating-ring", 6), ("kappa", 4), ("crescent", 1), ("beams", 2)] {
        let f = Synthetic::named(name, 0).unwrap();
        let f = f.sample(&Synthetic::default_grid(name, 24).unwrap(), Sampling::default()).unwrap();
        let particles = ParticleSampler::new(20_000).unwrap().sample(&f).unwrap();
        for covariance in [Covariance::Full, Covariance::Tied] {
            let basis = Mixture::new(components).unwrap().with_covariance(covariance).unwrap();
            let (found, report) = basis.fit_particles(&particles).unwrap();
            let wrong = difference(&found.moments_over_velocity_space(), &particles.moments());
            assert!(wrong < 1e-12, "{name}, {covariance:?}: {wrong:e}");
            assert!(report.correction < 1e-9, "{name}: {report:?}");
            let likelihood = &report.em.log_likelihood;
            assert!(likelihood.windows(2).all(|pair| pair[1] > pair[0] - 1e-12), "{likelihood:?}");
        }
        for covariance in [Covariance::Diagonal, Covariance::Spherical, Covariance::FieldAligned([1.0, 0.0, 2.0])] {
            let basis = Mixture::new(components).unwrap().with_covariance(covariance).unwrap();
            let (found, _) = basis.fit_particles(&particles).unwrap();
            let (found, expected) = (found.moments_over_velocity_space(), particles.moments());
            assert_relative_eq!(found.density, expected.density, max_relative = 1e-13);
            let trace = |m: &Moments| m.pressure[0][0] + m.pressure[1][1] + m.pressure[2][2];
            assert_relative_eq!(trace(&found), trace(&expected), max_relative = 1e-11);
        }
    }
}

#[test]
fn components_at_the_minimum_width_leave_the_moments_exact() {
    // Half of the particles lie in a sheet.
    let mut velocities = drawn(&overlapping(), 4000, 1).into_parts().0;
    velocities.iter_mut().take(2000).for_each(|v| v[0] = 7.0);
    let particles = Particles::of_equal_weight(velocities, 3.0).unwrap();
    let (found, report) = Mixture::new(4).unwrap().fit_particles(&particles).unwrap();
    assert!(report.floored > 0);
    assert!(difference(&found.moments_over_velocity_space(), &particles.moments()) < 1e-12);
}

#[test]
fn the_number_of_populations_is_found() {
    for seed in 0..3 {
        let particles = drawn(&overlapping(), 30_000, seed);
        for selection in [Selection::Mml, Selection::Bic] {
            let basis = Mixture::new(7).unwrap().with_selection(selection).unwrap();
            let (_, report) = basis.fit_particles(&particles).unwrap();
            assert_eq!(report.components, 3, "seed {seed}, {selection:?}: {:?}", report.selection);
        }
    }
}

#[test]
fn weights_count_as_particles() {
    let particles = drawn(&overlapping(), 3000, 5);
    let (velocities, mut weights) = particles.into_parts();
    weights.iter_mut().take(1000).for_each(|w| *w *= 2.0);
    let doubled = velocities.iter().take(1000).chain(&velocities).copied().collect();
    let weighted = Particles::new(velocities, weights.clone()).unwrap();
    let doubled = Particles::new(doubled, vec![weights[2000]; 4000]).unwrap();
    let basis = Mixture::new(3).unwrap().with_tolerance(1e-10).unwrap().with_iterations(3000).unwrap();
    let [one, two] = [weighted, doubled].map(|set| parameters(&basis.fit_particles(&set).unwrap().0));
    assert!((&one - &two).amax() < 1e-3, "{}", one - two);
}

#[test]
fn units_drifts_and_weights_change_nothing_but_units() {
    let particles = drawn(&overlapping(), 5000, 2);
    let basis = Mixture::new(3).unwrap();
    let (base, _) = basis.fit_particles(&particles).unwrap();
    let (velocities, weights) = particles.into_parts();
    for (unit, drift, weight) in [(1e5, 4e5, 1e6), (1e-20, 0.0, 1e-250)] {
        let moved = velocities.iter().map(|v| v.map(|v| v * unit + drift)).collect();
        let moved = Particles::new(moved, weights.iter().map(|w| w * weight).collect()).unwrap();
        let (found, _) = basis.fit_particles(&moved).unwrap();
        for (a, b) in base.components().iter().zip(found.components()) {
            assert_relative_eq!(a.density * weight, b.density, max_relative = 1e-6);
            for i in 0..3 {
                assert_relative_eq!(a.frame.scales[i] * unit, b.frame.scales[i], max_relative = 1e-6);
                assert!((a.frame.centre[i] * unit + drift - b.frame.centre[i]).abs() < 1e-6 * unit);
            }
        }
    }
}

#[test]
fn a_start_from_an_earlier_mixture_is_polished() {
    let particles = drawn(&overlapping(), 20_000, 3);
    let basis = Mixture::new(3).unwrap();
    let (found, report) = basis.fit_particles(&particles).unwrap();
    let (again, second) = basis.fit_particles_from(&particles, &overlapping()).unwrap();
    assert!((second.log_likelihood - report.log_likelihood).abs() < 1e-6);
    assert!((parameters(&again) - parameters(&found)).amax() < 1e-2);
}

#[test]
fn what_has_no_gaussian_is_refused_with_the_reason() {
    let basis = Mixture::new(2).unwrap();
    let refused = |velocities: Vec<[f64; 3]>| {
        let particles = Particles::of_equal_weight(velocities, 1.0).unwrap();
        basis.fit_particles(&particles).unwrap_err().to_string()
    };
    assert!(refused(vec![[3e5, -2e5, 1e4]; 50]).contains("one velocity"));
    assert!(refused(vec![[1.0, 2.0, 3.0]]).contains("one velocity"));
    assert!(refused((0..50).map(|k| [f64::from(k), 2.0, f64::from(k * k % 7)]).collect()).contains("the same vy"));
    assert!(
        refused((0..50).map(|k| [f64::from(k), 2.0 * f64::from(k), f64::from(k * k % 7)]).collect()).contains("plane")
    );
    assert!(refused(vec![[0.0; 3], [1.0, 0.0, 2.0], [0.0, 1.0, 0.3]]).contains("plane"));
    let four = vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let four = Particles::of_equal_weight(four, 1.0).unwrap();
    assert_eq!(basis.fit_particles(&four).unwrap().1.components, 1);
    let kappa = basis.with_kappa(3.0).unwrap().fit_particles(&four).unwrap_err().to_string();
    assert!(kappa.contains("Gaussian components for particles"), "{kappa}");
    assert!(basis.with_selection(Selection::Error(0.1)).unwrap().fit_particles(&four).is_err());
    // Extreme weights: one particle counts alone.
    let mut weights = vec![1e-300; 200];
    weights[17] = 1e300;
    let lone = Particles::new(drawn(&overlapping(), 200, 1).into_parts().0, weights).unwrap();
    assert!(basis.fit_particles(&lone).is_err());
}

#[test]
fn every_small_set_of_particles_has_an_answer() {
    for count in [4, 5, 8, 13, 100] {
        let particles = drawn(&overlapping(), count, 8);
        for selection in [Selection::Fixed, Selection::Mml, Selection::Bic] {
            let basis = Mixture::new(15).unwrap().with_selection(selection).unwrap();
            let (found, _) = basis.fit_particles(&particles).unwrap();
            let wrong = difference(&found.moments_over_velocity_space(), &particles.moments());
            assert!(wrong < 1e-11, "{count}, {selection:?}: {wrong:e}");
        }
    }
}

#[test]
fn samples_of_mixtures_follow_them() {
    let mixture = overlapping();
    let expected = mixture.moments_over_velocity_space();
    for arrangement in [Arrangement::Quiet, Arrangement::Random] {
        let sampler = ParticleSampler::new(4000).unwrap().with_seed(4).with_arrangement(arrangement);
        let particles = mixture.sample(&sampler).unwrap();
        assert!(difference(&particles.moments(), &expected) < 1e-13);
        for direction in [[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]] {
            let project = |v: &[f64; 3]| (0..3).map(|i| v[i] * direction[i]).sum::<f64>();
            let mut along: Vec<f64> = particles.velocities().iter().map(project).collect();
            along.sort_by(f64::total_cmp);
            // The marginal is summed from the first particle on; 1.358/√N is the limit of Kolmogorov and Smirnov at 5%.
            let grid: Vec<f64> = (0..8000).map(|k| -12.0 + 0.003 * (f64::from(k) + 0.5)).collect();
            let mut sum = 0.0;
            let mut largest: f64 = 0.0;
            for (v, f) in grid.iter().zip(mixture.marginal(direction, &grid).unwrap()) {
                sum += 0.003 * f / expected.density;
                let below = along.partition_point(|x| *x < v + 0.0015) as f64 / 4000.0;
                largest = largest.max((below - sum).abs());
            }
            assert!(largest < 1.358 / f64::sqrt(4000.0), "{arrangement:?}: {largest}");
        }
    }
    assert!(mixture.sample(&ParticleSampler::new(3).unwrap()).is_err());
}

#[test]
fn samples_of_kappa_mixtures_have_their_tails() {
    let one = component(2.0, [1.0, 0.0, -1.0], [0.0; 3], [1.0, 1.0, 1.0]);
    let mixture = MixtureCoefficients::new(Covariance::Full, Some(4.0), vec![one]).unwrap();
    let sampler = ParticleSampler::new(100_000).unwrap();
    let particles = mixture.sample(&sampler.with_exact_moments(false)).unwrap();
    let moments = particles.moments();
    assert_relative_eq!(moments.pressure[0][0] / moments.density, 1.0, max_relative = 2e-2);
    let grid: Vec<f64> = (0..6000).map(|k| 4.0 + 0.01 * f64::from(k)).collect();
    let tail: f64 = mixture.marginal([1.0, 0.0, 0.0], &grid).unwrap().iter().sum::<f64>() * 0.01 / 2.0;
    let found = particles.velocities().iter().filter(|v| v[0] > 4.0).count() as f64 / 1e5;
    assert_relative_eq!(found, tail, max_relative = 0.1);
}
