//! Warm starts and choices.

use super::*;
use crate::distribution::fidelity::relative_l2;
use crate::{Expansion, Sampling, Synthetic};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[test]
fn a_warm_start_keeps_the_bound_and_loses_few_bytes() {
    let grid = Synthetic::default_grid("beams", 20).unwrap();
    let vdf = |seed| Synthetic::named("beams", seed).unwrap().sample(&grid, Sampling::default()).unwrap();
    let (before, now) = (vdf(1), vdf(2));
    for (effort, target) in [
        (Effort::Smallest, Bound::l2(0.01)),
        (Effort::Balanced, Bound::l2(1e-3)),
        (Effort::Balanced, Bound::bytes(60)),
        (Effort::Fast, Bound::l2(0.03)),
    ] {
        let preset = Preset::new(effort, target).unwrap();
        let start = preset.encode(&before).unwrap();
        let [cold, warm] = [preset.encode(&now).unwrap(), preset.encode_from(&now, &start).unwrap()].map(|found| {
            let error = relative_l2(&now, &preset.reconstruct(&found, &grid).unwrap());
            assert!(error <= target.only_l2().unwrap_or(0.1), "{preset}: {error}");
            Expansion::from_parts(grid, preset.clone(), found).to_bytes().unwrap().len()
        });
        assert!(warm <= cold + cold / 4, "{preset}: {warm}, {cold}");
    }
}

#[test]
fn what_another_preset_found_is_a_start_too() {
    let grid = Synthetic::default_grid("maxwellian", 12).unwrap();
    let vdf = Synthetic::named("maxwellian", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    let preset = |effort| Preset::new(effort, Bound::l2(0.05)).unwrap();
    let start = preset(Effort::Smallest).encode(&vdf).unwrap();
    assert_eq!(start.candidate, Candidate::Mixture);
    let found = preset(Effort::Fast).encode_from(&vdf, &start).unwrap();
    assert_eq!(found, preset(Effort::Fast).encode(&vdf).unwrap());
}

#[test]
fn a_shell_is_left_to_spherical_harmonics_cold_and_warm() {
    let grid = Synthetic::default_grid("shell", 24).unwrap();
    let vdf = Synthetic::named("shell", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    let preset = Preset::new(Effort::Smallest, Bound::l2(0.02)).unwrap();
    let cold = preset.encode(&vdf).unwrap();
    let warm = preset.encode_from(&vdf, &cold).unwrap();
    assert!(cold.candidate == Candidate::Spherical && warm == cold);
    let bytes = Expansion::from_parts(grid, preset, cold).to_bytes().unwrap();
    let back = crate::Registry::standard().decode(&bytes).unwrap().reconstruct().unwrap();
    assert!(relative_l2(&vdf, &back) <= 0.02 && bytes.len() < 100, "{}", bytes.len());
}

#[test]
fn a_narrow_maxwellian_keeps_its_pressure_under_the_fastest_preset() {
    let grid = VelocityGrid::new([24; 3], [-6e5; 3], [5e4; 3]).unwrap();
    for width in [0.8, 1.5, 3.0] {
        let vdf = Vdf::from_fn(grid, |[x, y, z]| {
            let r2 = ((x - 1e4).powi(2) + (y + 2e4).powi(2) + 1.3 * z.powi(2)) / (width * 5e4_f64).powi(2);
            1e-12 * ((-0.5 * r2).exp() + 2e-3 * (-0.5 * r2 / 6.0).exp())
        });
        let (vdf, preset) = (vdf.unwrap(), Preset::new(Effort::Fast, Bound::l2(0.1)).unwrap());
        let found = preset.encode(&vdf).unwrap();
        let fidelity = crate::Fidelity::compare(&vdf, &preset.reconstruct(&found, &grid).unwrap()).unwrap();
        assert!(fidelity.l2 <= 0.1 && fidelity.pressure <= 0.1 && fidelity.negative_mass < 0.01, "{width}: {fidelity}");
        assert_eq!(found.candidate, Candidate::Mixture);
    }
}

#[test]
fn a_few_bytes_hold_the_components_that_fit() {
    let grid = Synthetic::default_grid("beams", 20).unwrap();
    let vdf = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    for bytes in [25, 45, 80] {
        let bound = Bound::bytes(bytes);
        let error = |basis: &AnyBasis| {
            let back = basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid).unwrap();
            relative_l2(&vdf, &back)
        };
        let of_preset = error(&AnyBasis::new(Preset::new(Effort::Smallest, bound).unwrap()));
        let of_one = error(&AnyBasis::new(Quantized::new(Mixture::new(1).unwrap(), bound).unwrap()));
        assert!(of_preset <= of_one, "{bytes} bytes: {of_preset}, {of_one}");
    }
}

#[test]
fn logarithms_are_taken_where_a_bound_counts_decades() {
    let grid = Synthetic::default_grid("gyrating-ring", 24).unwrap();
    let vdf = Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    for (bound, figure) in [
        (Bound::new(Figure::Dex, 0.1), Figure::Dex),
        (Bound::new(Figure::Dex, 0.03).above(1e-17), Figure::Dex),
        (Bound::new(Figure::Relative, 0.1), Figure::Relative),
        (Bound::l2(0.05).and(Figure::Relative, 0.1).above(1e-16), Figure::Relative),
    ] {
        let mut last = usize::MAX;
        for effort in [Effort::Fast, Effort::Balanced, Effort::Smallest] {
            let preset = Preset::new(effort, bound).unwrap();
            let found = preset.encode(&vdf).unwrap();
            let of_logarithm = [Candidate::Logarithm, Candidate::LogMixture, Candidate::Ratio];
            assert!(of_logarithm.contains(&found.candidate), "{preset}: {:?}", found.candidate);
            let bytes = Expansion::from_parts(grid, preset.clone(), found).to_bytes().unwrap();
            let back = crate::Registry::standard().decode(&bytes).unwrap().reconstruct().unwrap();
            let fidelity = crate::Fidelity::compare_above(&vdf, &back, bound.floor_of(&vdf)).unwrap();
            assert!(figure.of(&fidelity) <= bound.limit(figure), "{preset}: {fidelity}");
            assert!(bytes.len() <= last.saturating_add(2), "{preset}: {} bytes after {last}", bytes.len());
            last = bytes.len();
        }
    }
}

/// Particles of equal weight, which fall into cells at random, about a Maxwellian.
fn particles(count: usize) -> Vdf {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut values = vec![0.0; 24_usize.pow(3)];
    for _ in 0..count {
        let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let place = [0; 3].map(|_| (12.0 + 2.5 * normal()) as usize);
        if let Some(value) = values.get_mut((place[0] * 24 + place[1]) * 24 + place[2]) {
            *value += 1.7e-16;
        }
    }
    Vdf::from_vec(VelocityGrid::unit([24; 3]).unwrap(), values).unwrap()
}

#[test]
fn a_histogram_of_particles_is_left_to_its_cells() {
    for count in [300, 1000] {
        let vdf = particles(count);
        for effort in [Effort::Fast, Effort::Smallest] {
            let preset = Preset::new(effort, Bound::l2(0.01)).unwrap();
            let found = preset.encode(&vdf).unwrap();
            assert_eq!(found.candidate, Candidate::Cells, "{preset}");
            assert_eq!(preset.reconstruct(&found, vdf.grid()).unwrap(), vdf);
            assert_eq!(preset.encode_from(&vdf, &found).unwrap(), found);
        }
    }
}

#[test]
fn noise_is_white_and_what_a_fit_has_missed_is_not() {
    let noisy = particles(3000);
    let fit = |vdf: &Vdf, components| {
        let basis = Mixture::new(components).unwrap();
        basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap()
    };
    assert!(noise::is_white(&noisy, &fit(&noisy, 2)));
    for name in ["beams", "gyrating-ring", "shell"] {
        let grid = Synthetic::default_grid(name, 24).unwrap();
        let vdf = Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        assert!(!noise::is_white(&vdf, &fit(&vdf, 1)), "{name}");
        assert!(!noise::may_be_cells(&vdf, &Bound::l2(0.01), Some(100)), "{name}");
    }
}
