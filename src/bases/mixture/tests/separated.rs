//! Populations that do not overlap: each must be found, and no more of them.

use nalgebra::{Matrix3, Rotation3, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::*;

/// Density, mean and a factor of the covariance, in cells.
type Population = (f64, Vector3<f64>, Matrix3<f64>);

pub(super) fn sampled(grid: VelocityGrid, populations: &[Population]) -> Vdf {
    let spacing = Vector3::from(grid.spacing());
    let middle = Vector3::from(grid.middle());
    let whitened: Vec<_> = populations.iter().map(|(n, u, factor)| (n, u, factor.try_inverse().unwrap())).collect();
    Vdf::from_fn(grid, |v| {
        let x = (Vector3::from(v) - middle).component_div(&spacing);
        whitened.iter().map(|(n, u, w)| *n * w.determinant() * (-0.5 * (w * (x - *u)).norm_squared()).exp()).sum()
    })
    .unwrap()
}

/// Side by side along one axis, long along another, turned about the third.
fn cigars(count: usize, gap: f64, [across, along]: [usize; 2], turned: f64) -> Vdf {
    let turn = Rotation3::from_axis_angle(&Vector3::ith_axis(3 - across - along), turned);
    let populations: Vec<Population> = (0..count)
        .map(|k| {
            let mut widths = Vector3::repeat(1.2);
            widths[along] = 5.5;
            let mean = Vector3::ith(across, (k as f64 - 0.5 * (count as f64 - 1.0)) * gap);
            (1.0 + 0.3 * k as f64, turn * mean, turn.matrix() * Matrix3::from_diagonal(&widths))
        })
        .collect();
    sampled(VelocityGrid::unit([36, 38, 40]).unwrap(), &populations)
}

/// Elongated populations of any orientation, with densities from 0.3 to 3, far apart in their own widths.
fn scattered(count: usize, seed: u64) -> Vdf {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let half = Vector3::new(20.0, 22.0, 18.0);
    let mut populations: Vec<Population> = Vec::new();
    while populations.len() < count {
        let mut random = || Vector3::from_fn(|_, _| 2.0 * rng.random::<f64>() - 1.0);
        let turn = Rotation3::from_scaled_axis(random() * 3.0);
        let widths = random().map(|x| (0.65 + 0.75 * x).exp());
        let mean = random().component_mul(&(half * 0.85));
        let density = (1.15 * random()[0]).exp();
        let factor = turn.matrix() * Matrix3::from_diagonal(&widths);
        let covariance = factor * factor.transpose();
        let inside = (0..3).all(|i| mean[i].abs() + 3.0 * covariance[(i, i)].sqrt() < half[i]);
        let apart = populations.iter().all(|(_, other, factor)| {
            let both = (covariance + factor * factor.transpose()) * 0.5;
            let d = mean - other;
            d.dot(&(both.try_inverse().unwrap() * d)) > 36.0
        });
        if inside && apart {
            populations.push((density, mean, factor));
        }
    }
    sampled(VelocityGrid::unit([40, 44, 36]).unwrap(), &populations)
}

/// Cigars with thermal speeds of 1.0 to 1.8 cells across and 2 to 5 times as much along, of any orientation, anywhere
/// in the box: many overlap.
fn overlapping(count: usize, seed: u64) -> Vdf {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let half = Vector3::repeat(12.0);
    let mut populations: Vec<Population> = Vec::new();
    while populations.len() < count {
        let mut random = || Vector3::from_fn(|_, _| 2.0 * rng.random::<f64>() - 1.0);
        let turn = Rotation3::from_scaled_axis(random() * 3.0);
        let ratios = random();
        let across = 1.2 + 0.2 * ratios[0];
        let widths = across * Vector3::new(1.0, 1.0 + 0.3 * ratios[1], 3.5 + 1.5 * ratios[2]);
        let mean = random().component_mul(&(half * 0.85));
        let density = (1.15 * random()[0]).exp();
        let factor = turn.matrix() * Matrix3::from_diagonal(&widths);
        let covariance = factor * factor.transpose();
        if (0..3).all(|i| mean[i].abs() + 2.2 * covariance[(i, i)].sqrt() < half[i]) {
            populations.push((density, mean, factor));
        }
    }
    sampled(VelocityGrid::unit([24; 3]).unwrap(), &populations)
}

fn error(basis: &Mixture, vdf: &Vdf) -> f64 {
    basis.fit(vdf).unwrap().1.l2
}

#[test]
fn parallel_populations_are_told_apart_with_every_seed() {
    for (count, gap, axes, turned) in [
        (3, 7.0, [0, 1], 0.0),
        (3, 5.0, [2, 0], 0.0),
        (3, 7.0, [1, 2], 0.5),
        (5, 6.0, [0, 2], 0.0),
        (4, 6.0, [1, 0], 0.0),
    ] {
        let vdf = cigars(count, gap, axes, turned);
        let basis = Mixture::new(count).unwrap().with_refine(Refine::None);
        let greedy = error(&basis.with_start(Start::Greedy), &vdf);
        for seed in 0..4 {
            let error = error(&basis.with_seed(seed), &vdf);
            assert!(error <= 1.1 * greedy.max(0.01), "{count} {axes:?} {turned} seed {seed}: {error}, greedy {greedy}");
        }
    }
}

#[test]
fn scattered_and_overlapping_populations_are_found_as_well_as_by_insertion() {
    for (seed, count) in (0..12).zip([3, 4, 5, 6].into_iter().cycle()) {
        for vdf in [overlapping(count, seed), scattered(count, seed)] {
            let basis = Mixture::new(count).unwrap().with_refine(Refine::None);
            let (auto, greedy) = (error(&basis, &vdf), error(&basis.with_start(Start::Greedy), &vdf));
            assert!(auto <= 1.1 * greedy, "{count} of seed {seed}: {auto}, greedy {greedy}");
        }
    }
}

#[test]
fn the_number_of_parallel_populations_is_found() {
    for (count, gap, axes) in [(3, 7.0, [0, 1]), (4, 6.0, [1, 0]), (5, 6.0, [2, 1])] {
        let vdf = cigars(count, gap, axes, 0.0);
        for largest in [count + 1, 2 * count, 15] {
            let basis =
                Mixture::new(largest).unwrap().with_refine(Refine::None).with_selection(Selection::Mml).unwrap();
            for seed in 0..2 {
                let (c, report) = basis.with_seed(seed).fit(&vdf).unwrap();
                assert_eq!(c.components().len(), count, "{axes:?} of {largest}: {:?}", report.selection);
            }
        }
    }
}

#[test]
fn the_number_of_scattered_populations_is_found() {
    let mut missed = Vec::new();
    for (seed, count) in (0..24).zip([1, 2, 3, 4, 5, 6, 7, 8].into_iter().cycle()) {
        let vdf = scattered(count, seed);
        let basis = Mixture::new(2 * count + 3).unwrap().with_refine(Refine::None);
        for selection in [Selection::Mml, Selection::Bic] {
            let (c, report) = basis.with_selection(selection).unwrap().fit(&vdf).unwrap();
            if c.components().len() != count {
                missed.push((seed, count, selection, report.selection));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
