//! Tests of the mixtures: the guarantees of each kind of fit.

mod lineage;
#[cfg(feature = "linfa")]
mod linfa;
mod separated;
mod units;

use approx::assert_relative_eq;
use nalgebra::{Matrix3, Vector3};
use rand::Rng;

use super::*;
use crate::basis::{Coefficients, Quantity};
use crate::distribution::fidelity::Fidelity;
use crate::distribution::frame::Frame;
use crate::distribution::synthetic::{Component, Noise, Sampling, Shape, Synthetic};
use crate::testing::for_cases;

pub(super) const KINDS: [Covariance; 5] = [
    Covariance::Full,
    Covariance::Tied,
    Covariance::Diagonal,
    Covariance::Spherical,
    Covariance::FieldAligned([1.0, 1.0, 2.0]),
];

pub(super) fn named(name: &str, seed: u64, cells: usize) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, seed).unwrap().sample(&grid, Sampling::default()).unwrap()
}

/// Three populations far apart.
fn separated() -> (Synthetic, Vdf) {
    let component = |n, u, v_th_par, v_th_perp| {
        Component::new(n, u, Shape::BiMaxwellian { v_th_par, v_th_perp, field: [1.0, 2.0, 2.0] }).unwrap()
    };
    let synthetic = Synthetic::new(vec![
        component(5e6, [-4e5, 0.0, 1e5], 1.0e5, 1.3e5),
        component(3e6, [5e5, 3e5, -1e5], 0.9e5, 0.7e5),
        component(1e6, [1e5, -6e5, 2e5], 1.1e5, 0.8e5),
    ])
    .unwrap();
    let grid = VelocityGrid::from_edges([52, 56, 40], [-1.1e6, -1.2e6, -8e5], [1.1e6, 1.2e6, 9e5]).unwrap();
    let vdf = synthetic.sample(&grid, Sampling::default()).unwrap();
    (synthetic, vdf)
}

fn assert_sound(coefficients: &MixtureCoefficients, vdf: &Vdf, what: &str) {
    let narrowest = vdf.grid().spacing().into_iter().fold(f64::INFINITY, f64::min) * NARROWEST;
    for component in coefficients.components() {
        assert!(component.density > 0.0 && component.density.is_finite(), "{what}: {component:?}");
        assert!(component.frame.centre.iter().all(|u| u.is_finite()), "{what}: {component:?}");
        assert!(
            component.frame.scales.iter().all(|s| s.is_finite() && *s >= narrowest * 0.999_999),
            "{what}: {component:?}"
        );
    }
}

#[test]
fn a_start_from_anything_is_hardly_worse_than_none() {
    let grid = Synthetic::default_grid("maxwellian", 16).unwrap();
    let sampled = |name| Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    let mixture = Mixture::new(4).unwrap();
    let all: Vec<_> = Synthetic::names().map(|name| (name, sampled(name))).collect();
    let found: Vec<_> = all.iter().map(|(_, vdf)| mixture.encode(vdf).unwrap()).collect();
    let error = |vdf: &Vdf, c: &MixtureCoefficients| relative_l2(vdf, &mixture.reconstruct(c, &grid).unwrap());
    for ((name, vdf), cold) in all.iter().zip(&found) {
        for ((before, _), start) in all.iter().zip(&found) {
            let (warm, cold) = (error(vdf, &mixture.encode_from(vdf, start).unwrap()), error(vdf, cold));
            assert!(warm <= 2.0 * cold + 0.04, "{name} after {before}: {warm}, alone {cold}");
        }
        let far = Vdf::new(grid, vdf.values().mapv(|f| 1e8 * f)).unwrap();
        assert_eq!(mixture.encode_from(&far, cold).unwrap(), mixture.encode(&far).unwrap());
    }
}

#[test]
fn likelihood_never_falls_and_moments_are_the_datas() {
    for (name, seed) in [("gyrating-ring", 0), ("kappa", 3), ("loss-cone", 1)] {
        let vdf = named(name, seed, 30);
        for kind in KINDS {
            for start in [Start::KMeans, Start::MomentSplit, Start::Greedy] {
                let basis = Mixture::new(7)
                    .unwrap()
                    .with_refine(Refine::None)
                    .with_covariance(kind)
                    .unwrap()
                    .with_start(start)
                    .with_tolerance(1e-6)
                    .unwrap();
                let (c, report) = basis.fit(&vdf).unwrap();
                let em = report.em.unwrap();
                assert!(em.log_likelihood.windows(2).all(|w| w[1] >= w[0] - 1e-12), "{name} {basis} {em:?}");
                assert_sound(&c, &vdf, name);
                if start == Start::Greedy && report.floored > 0 {
                    // Inserted so narrow that EM, for which cells are points, found a lattice to live on.
                    continue;
                }
                assert_eq!(report.floored, 0, "{name} {basis}");
                let (m, d) = (c.moments_over_velocity_space(), vdf.moments());
                let v_th = d.thermal_speed();
                assert!((m.density / d.density - 1.0).abs() < 1e-12);
                for i in 0..3 {
                    assert!((m.bulk_velocity[i] - d.bulk_velocity[i]).abs() < 1e-12 * v_th);
                }
                let p = |m: &[[f64; 3]; 3]| Matrix3::from_fn(|i, j| m[i][j] / d.density / v_th / v_th);
                let difference = p(&m.pressure) - p(&d.pressure);
                match kind {
                    Covariance::Full | Covariance::Tied => assert!(difference.amax() < 1e-12, "{basis} {difference}"),
                    Covariance::Diagonal => assert!(difference.diagonal().amax() < 1e-12),
                    Covariance::Spherical => assert!(difference.trace().abs() < 1e-12),
                    Covariance::FieldAligned(field) => {
                        let b = Vector3::from(field).normalize();
                        assert!(difference.trace().abs() < 1e-12 && b.dot(&(difference * b)).abs() < 1e-12);
                    }
                }
            }
        }
    }
}

#[test]
fn separated_populations_are_recovered() {
    let (truth, vdf) = separated();
    for (basis, tolerance) in [
        (Mixture::new(3).unwrap().with_refine(Refine::None).with_tolerance(1e-9).unwrap(), 1e-3),
        (Mixture::new(3).unwrap(), 1e-8),
    ] {
        let (c, report) = basis.fit(&vdf).unwrap();
        assert_eq!(c.components().len(), 3, "{report:?}");
        for (found, real) in c.components().iter().zip(truth.components()) {
            let moments = real.moments();
            assert_relative_eq!(found.density, real.density(), max_relative = tolerance);
            for i in 0..3 {
                assert!((found.frame.centre[i] - real.drift()[i]).abs() < tolerance * 1e5, "{basis}");
                for j in 0..3 {
                    let exact = moments.pressure[i][j] / moments.density;
                    assert!((found.covariance()[i][j] - exact).abs() < 3.0 * tolerance * 1e10, "{basis}");
                }
            }
            let [along, across] = found.parallel_and_perpendicular([1.0, 2.0, 2.0]).unwrap();
            let anisotropy = found.anisotropy([1.0, 2.0, 2.0]).unwrap();
            assert_relative_eq!((along / across).powi(-2), anisotropy, max_relative = 1e-12);
        }
    }
}

#[test]
fn the_number_of_separated_populations_is_found() {
    let (_, vdf) = separated();
    for selection in [Selection::Bic, Selection::Mml, Selection::Error(1e-4)] {
        let basis = Mixture::new(8).unwrap().with_selection(selection).unwrap().with_tolerance(1e-6).unwrap();
        for refine in [Refine::None, Refine::LeastSquares] {
            if matches!(selection, Selection::Error(_)) && refine == Refine::None {
                continue;
            }
            let (c, report) = basis.with_refine(refine).fit(&vdf).unwrap();
            assert_eq!(c.components().len(), 3, "{selection:?} {refine:?} {:?}", report.selection);
        }
    }
}

#[test]
fn a_mixture_is_its_own_expansion() {
    let component = |n, u, scales, rotation| MixtureComponent {
        density: n,
        frame: Frame { centre: u, rotation: Some(rotation), scales },
    };
    let components = vec![
        component(3.0, [1.0, 0.5, -2.0], [2.0, 2.5, 1.8], [0.3, -0.2, 0.7]),
        component(1.0, [-3.0, 2.0, 3.0], [1.5, 1.2, 2.0], [0.1, 0.9, 0.0]),
    ];
    let grid = VelocityGrid::new([26, 28, 30], [-13.0, -14.0, -15.0], [1.0; 3]).unwrap();
    for kind in KINDS {
        for kappa in [None, Some(4.0)] {
            let mixture = MixtureCoefficients::new(kind, kappa, components.clone()).unwrap();
            let mut basis = Mixture::new(2).unwrap().with_covariance(kind).unwrap();
            if let Some(kappa) = kappa {
                basis = basis.with_kappa(kappa).unwrap();
            }
            let vdf = basis.reconstruct(&mixture, &grid).unwrap();
            // Near enough that the last search converges to it.
            let (c, report) = basis.fit(&vdf).unwrap();
            let fidelity = Fidelity::compare(&vdf, &basis.reconstruct(&c, &grid).unwrap()).unwrap();
            assert!(fidelity.l2 < 1e-10, "{basis} {} {report:?}", fidelity.l2);
            let (warm, _) = basis.fit_from(&vdf, &mixture).unwrap();
            let fidelity = Fidelity::compare(&vdf, &basis.reconstruct(&warm, &grid).unwrap()).unwrap();
            assert!(fidelity.l2 < 1e-10, "warm {basis} {}", fidelity.l2);
        }
    }
}

#[test]
fn the_scale_and_the_origin_change_nothing_but_units() {
    let vdf = named("gyrating-ring", 0, 20);
    for basis in [Mixture::new(4).unwrap(), Mixture::new(4).unwrap().with_refine(Refine::None)] {
        let reference = basis.reconstruct(&basis.encode(&vdf).unwrap(), vdf.grid()).unwrap();
        for scale in [1e-30, 1e-7, 1e30] {
            let scaled = Vdf::new(*vdf.grid(), vdf.values().mapv(|f| f * scale)).unwrap();
            let back = basis.reconstruct(&basis.encode(&scaled).unwrap(), vdf.grid()).unwrap();
            let worst = back.as_slice().iter().zip(reference.as_slice());
            let worst = worst.fold(0.0, |w, (a, b)| f64::max(w, (a / scale - b).abs()));
            assert!(worst < 1e-6 * reference.peak(), "{basis} {scale} {worst}");
        }
        let elsewhere =
            VelocityGrid::new(vdf.grid().shape(), [3e3, -1e4, 5.0], vdf.grid().spacing().map(|h| h * 1e-3)).unwrap();
        let moved = Vdf::from_slice(elsewhere, vdf.as_slice()).unwrap();
        let back = basis.reconstruct(&basis.encode(&moved).unwrap(), &elsewhere).unwrap();
        for (a, b) in back.as_slice().iter().zip(reference.as_slice()) {
            assert!((a - b).abs() < 1e-6 * reference.peak());
        }
    }
}

#[test]
fn closed_forms_agree_with_sums() {
    let (_, vdf) = separated();
    let basis = Mixture::new(3).unwrap();
    let (c, _) = basis.fit(&vdf).unwrap();
    let (closed, summed) = (c.moments_over_velocity_space(), basis.moments(&c, vdf.grid()).unwrap());
    assert_relative_eq!(closed.density, summed.density, max_relative = 1e-6);
    for i in 0..3 {
        assert_relative_eq!(closed.heat_flux[i], summed.heat_flux[i], max_relative = 1e-4);
        for j in 0..3 {
            assert!((closed.pressure[i][j] - summed.pressure[i][j]).abs() < 1e-6 * summed.pressure[0][0]);
        }
    }
    // The marginal along an axis is the sum over planes.
    let grid = vdf.grid();
    let plane = grid.spacing()[1] * grid.spacing()[2];
    let marginal = c.marginal([2.0, 0.0, 0.0], &grid.centres(0)).unwrap();
    let peak = marginal.iter().fold(0.0, |peak, f| f64::max(peak, *f));
    for (index, marginal) in marginal.iter().enumerate() {
        let sum = vdf.values().index_axis(ndarray::Axis(0), index).sum() * plane;
        assert!((marginal - sum).abs() < 1e-5 * peak);
    }
    // Cell averages keep the density at any width, and differ from centres to second order in the cells' size.
    let averaged = basis.reconstruct_averaged(&c, grid).unwrap();
    assert_relative_eq!(averaged.moments().density, closed.density, max_relative = 1e-6);
    let change = Fidelity::compare(&vdf, &averaged).unwrap().l2;
    assert!((1e-4..0.1).contains(&change), "{change}");
    let (entropy, bound) = (relative_entropy(&vdf), c.free_energy_bound());
    assert!(entropy > 0.1 && entropy < bound, "{entropy} {bound}");
    // Components that do not overlap: only the entropy of mixing is missing.
    let mixing: f64 = c.components().iter().map(|k| k.density / closed.density).map(|w| -w * w.ln()).sum();
    assert_relative_eq!(entropy, bound - mixing, max_relative = 0.02);
}

#[test]
fn entropy_takes_negative_cells_as_empty_everywhere() {
    let vdf = named("beams", 0, 24);
    let exact = relative_entropy(&vdf);
    let with = |change: &dyn Fn(usize, f64) -> f64| {
        let values = vdf.as_slice().iter().enumerate().map(|(k, &f)| change(k, f)).collect();
        relative_entropy(&Vdf::from_vec(*vdf.grid(), values).unwrap())
    };
    // Ripples of both signs, as a truncated series leaves them, half of them negative.
    let ripple = 3e-3 * vdf.peak();
    let rippled = with(&|k, f| f + if k % 2 == 0 { ripple } else { -ripple });
    let clipped = with(&|k, f| (f + if k % 2 == 0 { ripple } else { -ripple }).max(0.0));
    assert_relative_eq!(rippled, clipped, max_relative = 1e-14);
    assert!(rippled >= 0.0 && rippled < 5.0 * exact, "{rippled} {exact}");
    for scale in [1e-290, 1e290] {
        assert_relative_eq!(with(&|_, f| f / vdf.peak() * scale), exact, max_relative = 1e-9);
    }
    assert_eq!(with(&|_, f| -f), 0.0);
}

#[test]
fn kappa_components_have_their_moments_and_tails() {
    let vdf = named("kappa", 0, 48);
    let basis = Mixture::new(1).unwrap().with_kappa(3.0).unwrap();
    let (c, report) = basis.fit(&vdf).unwrap();
    assert!(report.l2 < 1e-10, "{report:?}");
    assert_relative_eq!(c.components()[0].density, 1e6, max_relative = 1e-8);
    assert_relative_eq!(c.components()[0].thermal_speed(), 3e5, max_relative = 1e-8);
    // The marginal against a sum over planes reaching far.
    let grid = VelocityGrid::from_edges([1, 200, 200], [0.0, -6e6, -6e6], [2e4, 6e6, 6e6]).unwrap();
    let plane: f64 = basis.reconstruct(&c, &grid).unwrap().as_slice().iter().sum::<f64>() * grid.spacing()[1].powi(2);
    assert_relative_eq!(c.marginal([1.0, 0.0, 0.0], &[1e4]).unwrap()[0], plane, max_relative = 1e-3);
    let em = basis.with_refine(Refine::None).with_tolerance(1e-9).unwrap();
    let (c, report) = em.fit(&vdf).unwrap();
    assert!(report.l2 < 0.05 && (c.components()[0].density / 1e6 - 1.0).abs() < 0.01, "{report:?}");
    let likelihood = report.em.unwrap().log_likelihood;
    assert!(likelihood.windows(2).all(|w| w[1] >= w[0] - 1e-12));
}

#[test]
fn a_warm_start_of_any_size_is_taken() {
    let (before, now) = (named("gyrating-ring", 0, 24), named("gyrating-ring", 1, 24));
    for refine in [Refine::None, Refine::LeastSquares] {
        let basis = Mixture::new(6).unwrap().with_refine(refine);
        let cold = basis.fit(&now).unwrap().1;
        for components in [1, 6, 20] {
            let other = Mixture::new(components).unwrap().with_covariance(Covariance::Spherical).unwrap();
            let start = other.encode(&before).unwrap();
            let (c, report) = basis.fit_from(&now, &start).unwrap();
            // A search may end without the last component it was given.
            assert!((5..=6).contains(&c.components().len()), "{refine:?} from {components}: {report:?}");
            // Another start, another local optimum.
            assert!(report.l2 < 2.0 * cold.l2 + 0.02, "{refine:?} {components}: {} after {}", report.l2, cold.l2);
        }
        let (same, report) = basis.fit_from(&now, &basis.encode(&now).unwrap()).unwrap();
        assert!(report.l2 < 1.05 * cold.l2);
        assert_sound(&same, &now, "warm");
    }
}

#[test]
fn degenerate_data_gives_an_answer_or_the_reason() {
    let grid = VelocityGrid::new([9, 8, 7], [-4.0, -4.0, -3.0], [1.0, 1.0, 2.0]).unwrap();
    let filled = |inside: &dyn Fn([f64; 3]) -> bool| {
        Vdf::from_fn(grid, |v| if inside(v) { 1.0 + 0.1 * v[1] } else { 0.0 }).unwrap()
    };
    let cases = [
        ("one cell", filled(&|v| v == [0.5, 0.5, 2.0])),
        ("two cells", filled(&|v| v[0] == 0.5 && v[1].abs() == 0.5 && v[2] == 2.0)),
        ("a line", filled(&|v| v[0] == 0.5 && v[2] == 2.0)),
        ("a plane", filled(&|v| v[0] == 0.5)),
        ("constant", filled(&|_| true)),
    ];
    for (what, vdf) in cases {
        for kind in KINDS {
            for refine in [Refine::None, Refine::LeastSquares] {
                for start in [Start::Auto, Start::MomentSplit] {
                    for components in [1, 5, 64] {
                        let basis = Mixture::new(components)
                            .unwrap()
                            .with_refine(refine)
                            .with_start(start)
                            .with_covariance(kind)
                            .unwrap();
                        let (c, _) = basis.fit(&vdf).unwrap();
                        assert_sound(&c, &vdf, what);
                        assert!(basis.reconstruct(&c, &grid).is_ok());
                    }
                }
            }
        }
    }
    let refused = |vdf: &Vdf| Mixture::default().encode(vdf).unwrap_err().to_string();
    assert!(refused(&Vdf::zeros(grid)).contains("zero everywhere"));
    assert!(refused(&Vdf::from_fn(grid, |v| -1.0 - v[0].abs()).unwrap()).contains("nowhere positive"));
}

#[test]
fn negative_cells_are_clipped_and_counted() {
    let grid = Synthetic::default_grid("beams", 24).unwrap();
    let noise = Some(Noise { ripple: 1e-3, relative: 0.0, seed: 5 });
    let vdf = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling { noise, ..Sampling::default() }).unwrap();
    let negative = vdf.as_slice().iter().filter(|f| **f < 0.0).count();
    let (_, report) = Mixture::new(2).unwrap().fit(&vdf).unwrap();
    assert!(negative > 100 && report.clipped == negative && report.clipped_share > 0.0, "{report:?}");
    assert!(report.l2 < 0.02);
}

#[test]
fn coefficients_are_counted_and_visited_by_kind() {
    let vdf = named("beams", 0, 16);
    for (kind, count) in KINDS.into_iter().zip([40, 22, 28, 20, 24]) {
        let basis = Mixture::new(4).unwrap().with_refine(Refine::None).with_covariance(kind).unwrap();
        let c = basis.encode(&vdf).unwrap();
        assert_eq!((c.components().len(), c.count()), (4, count), "{kind:?}");
        let mut labels = std::collections::HashSet::new();
        c.visit(&mut |slot, _| assert!(labels.insert((slot.quantity, slot.label)), "{slot:?}"));
        let (mut doubled, mut densities) = (c.clone(), Vec::new());
        doubled.scale(2.0);
        doubled.visit(&mut |slot, value| densities.extend((slot.quantity == Quantity::NumberDensity).then_some(value)));
        assert!(densities.iter().zip(c.components()).all(|(density, component)| *density == 2.0 * component.density));
        let other = Mixture::new(4).unwrap().with_kappa(3.0).unwrap();
        assert!(matches!(other.reconstruct(&c, vdf.grid()), Err(Error::ForeignCoefficients(_))));
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    assert!(Mixture::new(0).is_err() && Mixture::new(257).is_err());
    let basis = Mixture::default();
    assert!(basis.with_kappa(1.5).is_err() && basis.with_kappa(f64::NAN).is_err());
    assert!(basis.with_covariance(Covariance::FieldAligned([0.0; 3])).is_err());
    assert!(basis.with_selection(Selection::Error(0.0)).is_err());
    assert!(
        basis.with_samples(1.0).is_err() && basis.with_tolerance(0.0).is_err() && basis.with_iterations(0).is_err()
    );
    let empty = MixtureCoefficients::new(Covariance::Full, None, Vec::new());
    assert!(empty.is_err());
}

#[test]
fn a_least_squares_fit_of_signed_values_is_no_worse_than_nothing() {
    // Positive and negative values weigh the same: a bell over the positive ones leaves more than it describes.
    let grid = VelocityGrid::unit([1, 1, 60]).unwrap();
    let vdf = Vdf::from_fn(grid, |[_, _, z]| (7.3 * z * z).sin() * (1.0 + 0.1 * (0.3 * z).cos())).unwrap();
    for components in 1..5 {
        let basis = Mixture::new(components).unwrap();
        let (c, report) = basis.fit(&vdf).unwrap();
        let l2 = Fidelity::compare(&vdf, &basis.reconstruct(&c, &grid).unwrap()).unwrap().l2;
        assert!(l2 <= 1.0 + 1e-9, "{components}: {l2}, {report:?}");
    }
}

#[test]
fn no_component_collapses() {
    for_cases(40, |random| {
        let name = Synthetic::names().nth(random.random_range(0..10)).unwrap();
        let (seed, components) = (random.random_range(0..100), random.random_range(1..=64));
        let kind = KINDS[random.random_range(0..5)];
        let refine = if random.random() { Refine::LeastSquares } else { Refine::None };
        let vdf = named(name, seed, random.random_range(6..14));
        let basis = Mixture::new(components).unwrap().with_covariance(kind).unwrap().with_refine(refine);
        let basis = basis.with_seed(seed).with_iterations(12).unwrap();
        let (c, report) = basis.fit(&vdf).unwrap();
        assert!(!c.components().is_empty() && c.components().len() <= components);
        assert_sound(&c, &vdf, name);
        assert!(report.l2.is_finite() && report.l2 < 1.5, "{} {}", basis, report.l2);
        assert_eq!(basis.fit(&vdf).unwrap().0, c);
    });
}
