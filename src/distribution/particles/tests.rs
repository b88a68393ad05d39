//! Particles in and out: what is refused, conserved, and how noisy samples are.

use approx::assert_relative_eq;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::synthetic::{Sampling, Synthetic};
use crate::distribution::vdf::Vdf;
use crate::testing::for_cases;

fn sampled(name: &str, cells: usize) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn random_particles(random: &mut ChaCha8Rng, count: usize, reach: f64) -> Particles {
    let velocities = (0..count).map(|_| [(); 3].map(|()| random.random_range(-reach..reach))).collect();
    let weights = (0..count).map(|_| random.random_range(0.1..2.0)).collect();
    Particles::new(velocities, weights).unwrap()
}

/// Largest difference of density, bulk velocity and pressure, each in its own scale.
fn difference(found: &Moments, expected: &Moments) -> f64 {
    let v = expected.thermal_speeds().map(|v| if v > 0.0 { v } else { 1.0 });
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

#[test]
fn what_is_no_set_of_particles_is_refused_with_the_index() {
    let refused = |velocities: &[[f64; 3]], weights: &[f64]| {
        Particles::new(velocities.to_vec(), weights.to_vec()).unwrap_err().to_string()
    };
    let rest = [0.0; 3];
    assert!(refused(&[], &[]).contains("at least one particle"));
    assert!(refused(&[rest; 3], &[1.0; 2]).contains("one weight for each of the 3"));
    assert!(refused(&[rest, [0.0, f64::NAN, 0.0]], &[1.0; 2]).contains("of particle 1"));
    assert!(refused(&[[1e80, 0.0, 0.0]], &[1.0]).contains("below 1e75"));
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(&[rest; 3], &[1.0, 1.0, weight]).contains("of particle 2"), "{weight}");
    }
    assert!(Particles::of_equal_weight(vec![rest], -1.0).is_err());
    assert!(Particles::of_equal_weight(vec![], 1.0).is_err());
}

#[test]
fn moments_follow_their_definition_in_every_unit() {
    for_cases(8, |random| {
        let particles = random_particles(random, 700, 3.0);
        let m = particles.moments();
        let n: f64 = particles.weights().iter().sum();
        let mean = |i: usize, j: Option<usize>| -> f64 {
            let term = |(v, w): (&[f64; 3], &f64)| w * v[i] * j.map_or(1.0, |j| v[j]);
            particles.velocities().iter().zip(particles.weights()).map(term).sum::<f64>() / n
        };
        assert_relative_eq!(m.density, n, max_relative = 1e-13);
        for i in 0..3 {
            assert_relative_eq!(m.bulk_velocity[i], mean(i, None), epsilon = 1e-13);
            for j in 0..3 {
                let central = mean(i, Some(j)) - mean(i, None) * mean(j, None);
                assert_relative_eq!(m.pressure[i][j] / n, central, epsilon = 1e-12);
            }
        }
        let (velocities, weights) = particles.into_parts();
        for (drift, unit) in [(1e7, 1.0), (0.0, 1e-300), (0.0, 1e290)] {
            let moved = velocities.iter().map(|v| v.map(|v| v + drift)).collect();
            let weights = weights.iter().map(|w| w * unit).collect();
            let other = Particles::new(moved, weights).unwrap().moments();
            assert_relative_eq!(other.pressure[0][1] / unit, m.pressure[0][1], epsilon = 1e-6 * n);
            assert_relative_eq!(other.heat_flux[2] / unit, m.heat_flux[2], epsilon = 1e-5 * n);
        }
    });
    let one = Particles::of_equal_weight(vec![[3.0, 4.0, 5.0]], 2.0).unwrap();
    assert_eq!((one.moments().bulk_velocity, one.moments().pressure), ([3.0, 4.0, 5.0], [[0.0; 3]; 3]));
    assert_eq!(one.effective_number(), 1.0);
}

#[test]
fn deposits_conserve_what_their_clouds_promise() {
    let grid = VelocityGrid::new([12, 9, 10], [-6.0, -5.4, -4.0], [1.0, 1.2, 0.8]).unwrap();
    for_cases(6, |random| {
        let particles = random_particles(random, 500, 2.5);
        let m = particles.moments();
        for deposition in [Deposition::NearestCell, Deposition::CloudInCell, Deposition::TriangularCloud] {
            let deposit = Vdf::from_particles(grid, &particles, deposition).unwrap();
            assert_eq!((deposit.outside, deposit.cut, deposit.outside_weight), (0, 0, 0.0));
            let found = deposit.vdf.moments();
            assert_relative_eq!(found.density, m.density, max_relative = 1e-13);
            for i in 0..3 {
                let widened = grid.spacing()[i].powi(2) / 4.0;
                if deposition != Deposition::NearestCell {
                    assert_relative_eq!(found.bulk_velocity[i], m.bulk_velocity[i], epsilon = 1e-13);
                }
                if deposition == Deposition::TriangularCloud {
                    let expected = m.pressure[i][i] + m.density * widened;
                    assert_relative_eq!(found.pressure[i][i], expected, max_relative = 1e-12);
                }
                // Off the diagonal, products of linear splines are exact.
                if deposition != Deposition::NearestCell {
                    let j = (i + 1) % 3;
                    assert_relative_eq!(found.pressure[i][j], m.pressure[i][j], epsilon = 1e-11 * m.density);
                }
            }
        }
    });
}

#[test]
fn what_falls_outside_is_counted() {
    let grid = VelocityGrid::new([4, 4, 4], [-2.0; 3], [1.0; 3]).unwrap();
    for_cases(4, |random| {
        let particles = random_particles(random, 400, 4.0);
        let inside = |v: &[f64; 3]| v.iter().all(|v| (-2.0..2.0).contains(v));
        for deposition in [Deposition::NearestCell, Deposition::CloudInCell, Deposition::TriangularCloud] {
            let Deposit { vdf, outside, cut, outside_weight } =
                Vdf::from_particles(grid, &particles, deposition).unwrap();
            let total = vdf.moments().density + outside_weight;
            assert_relative_eq!(total, particles.moments().density, max_relative = 1e-13);
            assert!(vdf.as_slice().iter().all(|f| *f >= 0.0));
            let expected = particles.velocities().iter().filter(|v| !inside(v)).count();
            match deposition {
                Deposition::NearestCell => assert_eq!((outside, cut), (expected, 0)),
                // Clouds reach into the grid.
                _ => assert!(outside < expected && cut > 0),
            }
        }
    });
    let far = Particles::of_equal_weight(vec![[1e70, 0.0, 0.0], [0.0, -1e70, 3.0]], 2.0).unwrap();
    let deposit = Vdf::from_particles(grid, &far, Deposition::TriangularCloud).unwrap();
    assert_eq!((deposit.outside, deposit.outside_weight, deposit.vdf.peak()), (2, 2.0, 0.0));
}

#[test]
fn samples_have_the_moments_of_the_distribution() {
    for name in Synthetic::names() {
        let f = sampled(name, 20);
        for within in [WithinCell::Linear, WithinCell::Uniform, WithinCell::Centre] {
            for arrangement in [Arrangement::Quiet, Arrangement::Random] {
                let sampler = ParticleSampler::new(3000).unwrap().with_seed(3);
                let sampler = sampler.with_arrangement(arrangement).with_density_within_cells(within);
                let particles = sampler.sample(&f).unwrap();
                let wrong = difference(&particles.moments(), &f.moments());
                assert!(wrong < 1e-13, "{name}, {within:?}, {arrangement:?}: {wrong:e}");
                assert_eq!(particles.count(), 3000);
            }
        }
    }
}

#[test]
fn few_particles_cells_and_axes_are_sampled_too() {
    let sampler = |count| ParticleSampler::new(count).unwrap();
    let f = sampled("beams", 16);
    assert!(difference(&sampler(4).sample(&f).unwrap().moments(), &f.moments()) < 1e-12);
    assert!(sampler(3).sample(&f).unwrap_err().to_string().contains("at least 4"));
    assert_eq!(sampler(3).with_exact_moments(false).sample(&f).unwrap().count(), 3);
    assert!(ParticleSampler::new(0).is_err() && ParticleSampler::new(usize::MAX).is_err());
    // All in one cell: no pressure.
    let grid = VelocityGrid::new([4, 4, 4], [-2.0, 7.0, 1e3], [1.0, 1e-3, 10.0]).unwrap();
    let mut values = vec![0.0; 64];
    values[21] = 1e-200;
    let one = Vdf::from_vec(grid, values.clone()).unwrap();
    let m = sampler(100).sample(&one).unwrap().moments();
    assert_relative_eq!(m.density, one.moments().density, max_relative = 1e-14);
    assert_eq!(m.pressure, [[0.0; 3]; 3]);
    let spread = sampler(100).with_exact_moments(false).sample(&one).unwrap().moments();
    assert_relative_eq!(spread.pressure[2][2] / spread.density, 100.0 / 12.0, max_relative = 0.2);
    // Flat and long grids.
    for shape in [[1, 1, 1], [1, 40, 1], [30, 1, 20], [3000, 2, 1]] {
        let grid = VelocityGrid::new(shape, [-1.0; 3], [0.5; 3]).unwrap();
        let flat = Vdf::from_fn(grid, |[x, y, z]| 1.0 + (x + 2.0 * y - z).sin()).unwrap();
        let wrong = difference(&sampler(500).sample(&flat).unwrap().moments(), &flat.moments());
        assert!(wrong < 1e-12, "{shape:?}: {wrong:e}");
    }
    assert!(sampler(9).sample(&Vdf::zeros(grid)).unwrap_err().to_string().contains("nowhere positive"));
    values.iter_mut().enumerate().for_each(|(k, f)| *f = if k % 2 == 0 { -1.0 } else { 0.5 });
    assert!(sampler(9).sample(&Vdf::from_vec(grid, values).unwrap()).unwrap_err().to_string().contains("density is -"));
}

#[test]
fn every_octant_holds_its_share_to_within_one_particle() {
    let f = sampled("gyrating-ring", 32);
    let count = 5000;
    let sampler = ParticleSampler::new(count).unwrap().with_exact_moments(false);
    let total: f64 = f.as_slice().iter().sum();
    for within in [WithinCell::Linear, WithinCell::Uniform] {
        let particles = sampler.with_seed(5).with_density_within_cells(within).sample(&f).unwrap();
        let deposit = Vdf::from_particles(*f.grid(), &particles, Deposition::NearestCell).unwrap().vdf;
        let per_particle: f64 = deposit.as_slice().iter().sum::<f64>() / count as f64;
        for side in [1, 2, 4, 8, 16, 32] {
            let (expected, found) = (f.values(), deposit.values());
            let boxes = expected.exact_chunks([side; 3]).into_iter().zip(found.exact_chunks([side; 3]));
            for (expected, found) in boxes.map(|(a, b)| (a.sum(), b.sum())) {
                let off = found / per_particle - expected / total * count as f64;
                assert!(off.abs() < 1.0 + 1e-6, "{side} {off}");
            }
        }
    }
}

/// Kolmogorov-Smirnov distance between two sets of numbers.
fn distance(mut a: Vec<f64>, mut b: Vec<f64>) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (mut i, mut j, mut largest) = (0, 0, 0.0);
    while i < a.len() && j < b.len() {
        if a[i] <= b[j] {
            i += 1
        } else {
            j += 1
        }
        largest = f64::max(largest, (i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    largest
}

#[test]
fn samples_pass_two_sample_tests_against_the_distribution() {
    // Kolmogorov and Smirnov at 5%: 1.358 √((a + b)/ab), along the axes and along oblique directions.
    let directions = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.6, -0.48, 0.64], [0.36, 0.8, -0.48]];
    let (count, reference) = (4000, 40_000);
    let critical = 1.358 * f64::sqrt((count + reference) as f64 / (count * reference) as f64);
    for name in ["beams", "gyrating-ring", "kappa", "loss-cone"] {
        let f = sampled(name, 30);
        let random = |seed: u64| {
            let uniform = ParticleSampler::new(reference).unwrap().with_arrangement(Arrangement::Random);
            uniform.with_density_within_cells(WithinCell::Uniform).with_exact_moments(false).with_seed(seed).sample(&f)
        };
        for seed in 0..5 {
            let particles = ParticleSampler::new(count).unwrap().with_seed(seed).sample(&f).unwrap();
            let other = random(1000 + seed).unwrap();
            for direction in directions {
                let along = |set: &Particles| -> Vec<f64> {
                    let project = |v: &[f64; 3]| (0..3).map(|i| v[i] * direction[i]).sum();
                    set.velocities().iter().map(project).collect()
                };
                let d = distance(along(&particles), along(&other));
                assert!(d < critical, "{name}, seed {seed}, {direction:?}: {d} against {critical}");
            }
        }
    }
}

#[test]
fn counts_of_cells_pass_a_test_of_chi_squared() {
    // Boxes of cells that expect at least five particles. The mean of χ² is their number, its variance twice that.
    for name in ["beams", "gyrating-ring"] {
        let f = sampled(name, 32);
        let total: f64 = f.as_slice().iter().sum();
        for (arrangement, seed) in (0..4).flat_map(|s| [(Arrangement::Quiet, s), (Arrangement::Random, s)]) {
            let sampler = ParticleSampler::new(8000).unwrap().with_seed(seed).with_arrangement(arrangement);
            let particles = sampler.sample(&f).unwrap();
            let counts = Vdf::from_particles(*f.grid(), &particles, Deposition::NearestCell).unwrap().vdf;
            let unit = 8000.0 / counts.as_slice().iter().sum::<f64>();
            let (mut chi, mut boxes) = (0.0, 0.0);
            let (expected, found) = (f.values(), counts.values());
            for (expected, found) in expected.exact_chunks([4; 3]).into_iter().zip(found.exact_chunks([4; 3])) {
                let (expected, found) = (expected.sum() / total * 8000.0, found.sum() * unit);
                if expected >= 5.0 {
                    chi += (found - expected).powi(2) / expected;
                    boxes += 1.0;
                }
            }
            let limit = boxes + 1.645 * f64::sqrt(2.0 * boxes) + 2.0;
            assert!(chi < limit, "{name}, {arrangement:?}, seed {seed}: χ² {chi} of {boxes}");
        }
    }
}

#[test]
fn quiet_samples_are_less_noisy_than_random_ones() {
    let f = sampled("gyrating-ring", 24);
    let (count, seeds) = (4096, 24);
    // Fourier modes of velocity space, and the share of the fast particles: none is among the exact moments.
    let unit = f.moments().thermal_speed();
    let observables: [fn([f64; 3]) -> f64; 4] = [
        |x| (1.5 * x[0]).cos(),
        |x| (x[1] + 2.0 * x[2]).sin(),
        |x| x[0] * x[0] * x[1],
        |x| if x[0] * x[0] + x[1] * x[1] > 2.0 { 1.0 } else { 0.0 },
    ];
    let noise = |arrangement: Arrangement| -> Vec<f64> {
        let sampler = ParticleSampler::new(count).unwrap().with_arrangement(arrangement).with_exact_moments(false);
        let means: Vec<Vec<f64>> = (0..seeds)
            .map(|seed| {
                let set = sampler.with_seed(seed).sample(&f).unwrap();
                let mean = |g: &fn([f64; 3]) -> f64| {
                    set.velocities().iter().map(|v| g(v.map(|v| v / unit))).sum::<f64>() / count as f64
                };
                observables.iter().map(mean).collect()
            })
            .collect();
        (0..observables.len())
            .map(|k| {
                let mean = means.iter().map(|m| m[k]).sum::<f64>() / seeds as f64;
                (means.iter().map(|m| (m[k] - mean).powi(2)).sum::<f64>() / seeds as f64).sqrt()
            })
            .collect()
    };
    for (quiet, random) in noise(Arrangement::Quiet).into_iter().zip(noise(Arrangement::Random)) {
        assert!(quiet < 0.3 * random, "{quiet:e} against {random:e}");
    }
}

#[test]
fn seeds_are_reproducible_and_differ() {
    let f = sampled("ring", 16);
    for arrangement in [Arrangement::Quiet, Arrangement::Random] {
        let sampler = ParticleSampler::new(100).unwrap().with_arrangement(arrangement);
        let draw = |seed| sampler.with_seed(seed).sample(&f).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let set = random_particles(&mut rng, 10, 1.0);
    assert!(set.effective_number() < 10.0 && set.effective_number() > 5.0);
}
