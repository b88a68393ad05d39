//! The conformance suite: laws that every basis keeps, run over the whole registry and some combinators.
//!
//! A basis of the registry without a line in [`CASES`] fails the suite.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod cases;
mod geometry;
mod orientation;

use cases::{BUDGETS, CASES, Case};
use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
use vdf_basis::{AnyBasis, Basis, Fidelity, Registry, Vdf, VelocityGrid, laws};

fn basis(spec: &str) -> AnyBasis {
    Registry::standard().parse(spec).unwrap()
}

/// A core with a gyrating ring, cut by its box.
fn cut() -> Vdf {
    sampled("gyrating-ring", 22)
}

/// Two beams on a box that holds them and is not a cube.
fn whole() -> Vdf {
    sampled("beams", 24)
}

fn sampled(name: &str, cells: usize) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

/// Largest difference over the largest value.
fn difference(a: &Vdf, b: &Vdf) -> f64 {
    let worst = a.as_slice().iter().zip(b.as_slice()).fold(0.0, |w: f64, (a, b)| w.max((a - b).abs()));
    worst / a.peak()
}

fn round_trip(basis: &AnyBasis, vdf: &Vdf) -> Vdf {
    basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap()
}

#[test]
fn every_basis_of_the_registry_has_a_case() {
    for name in Registry::standard().names().chain(Registry::standard().combinators()) {
        assert!(CASES.iter().any(|case| case.spec.starts_with(name)), "`{name}` is not in CASES");
    }
}

#[test]
fn law_0_specs_print_themselves() {
    for Case { spec, .. } in CASES {
        assert_eq!(basis(&basis(spec).to_string()), basis(spec));
    }
}

#[test]
fn law_1_what_lies_in_the_span_comes_back() {
    // What a basis made of a Maxwellian is in its span, whatever the basis.
    let maxwellian = sampled("maxwellian", 26);
    for Case { spec, reproduces, .. } in CASES {
        let basis = basis(spec);
        let element = round_trip(&basis, &maxwellian);
        let again = round_trip(&basis, &element);
        let error = Fidelity::compare(&element, &again).unwrap().l2;
        assert!(error < *reproduces, "{spec}: {error:e}");
    }
}

#[test]
fn law_1_projections_are_idempotent() {
    // With the frame given the expansion is a projection: any distribution's image comes back, cut or not.
    for vdf in [cut(), whole()] {
        let m = vdf.moments();
        let vector = |v: [f64; 3]| format!("{:e}/{:e}/{:e}", v[0], v[1], v[2]);
        let frame = format!("centre={},scales={}", vector(m.bulk_velocity), vector(m.thermal_speeds()));
        for choice in ["", ",truncation=total-degree", ",weight=asymmetric", ",terms=60"] {
            let basis = basis(&format!("hermite:order=7{choice},{frame}"));
            let element = round_trip(&basis, &vdf);
            let error = Fidelity::compare(&element, &round_trip(&basis, &element)).unwrap().l2;
            assert!(error < 1e-10, "{basis}: {error:e}");
        }
    }
}

#[test]
fn law_2_the_unit_of_density_does_not_matter() {
    for Case { spec, .. } in CASES.iter().filter(|case| case.scales) {
        laws::unit_of_density(&basis(spec), &cut()).unwrap();
    }
}

#[test]
fn law_2_origin_and_unit_of_velocity_do_not_matter() {
    for Case { spec, .. } in CASES {
        let (basis, vdf) = (basis(spec), cut());
        let reference = round_trip(&basis, &vdf);
        let shape = vdf.grid().shape();
        let spacing = vdf.grid().spacing();
        let stretched = [spacing[0] * 3.0, spacing[1] * 0.2, spacing[2] * 40.0];
        // Widths along the grid's axes follow cells of any aspect; one width, or a rotated frame, does not.
        let separate = !["isotropic", "frame=", "spherical", "heat-flux"].iter().any(|tied| spec.contains(tied));
        let moved = [
            Some(VelocityGrid::unit(shape).unwrap()),
            Some(VelocityGrid::new(shape, [3e6, -1e7, 2e5], spacing).unwrap()),
            separate.then(|| VelocityGrid::new(shape, [-1e7, 0.0, 5e6], stretched).unwrap()),
        ];
        for grid in moved.into_iter().flatten() {
            let there = Vdf::new(grid, vdf.values().to_owned()).unwrap();
            let back = round_trip(&basis, &there);
            let back = Vdf::new(*vdf.grid(), back.into_values()).unwrap();
            assert!(difference(&reference, &back) < 1e-6, "{spec} on {grid}: {:e}", difference(&reference, &back));
        }
    }
}

#[test]
fn law_3_equal_input_gives_equal_bits_on_any_number_of_threads() {
    for Case { spec, .. } in CASES {
        laws::determinism(&basis(spec), &cut()).unwrap();
    }
}

#[test]
fn law_4_more_budget_gives_less_error() {
    /// Searches may end in neighbouring minima.
    const SLACK: f64 = 1.02;
    for vdf in [cut(), whole()] {
        for specs in BUDGETS {
            let errors = specs.map(|spec| Fidelity::compare(&vdf, &round_trip(&basis(spec), &vdf)).unwrap().l2);
            assert!(errors.windows(2).all(|pair| pair[1] <= SLACK * pair[0]), "{specs:?}: {errors:?}");
        }
    }
}

#[test]
fn law_5_moments_from_coefficients_are_those_of_the_cells() {
    for Case { spec, .. } in CASES {
        for vdf in [cut(), whole()] {
            laws::moments(&basis(spec), &vdf).unwrap();
        }
    }
}

#[test]
fn coefficients_are_counted_and_scale_with_the_distribution() {
    for Case { spec, .. } in CASES.iter().filter(|case| case.scales) {
        laws::coefficients(&basis(spec), &cut()).unwrap();
    }
}

#[test]
fn gradients_scale_with_the_distribution_or_are_refused() {
    for Case { spec, .. } in CASES.iter().filter(|case| case.scales) {
        laws::gradient(&basis(spec), &cut()).unwrap();
    }
}

#[test]
fn law_6_streams_restore_every_bit() {
    for Case { spec, .. } in CASES {
        for vdf in [cut(), whole()] {
            laws::streams(&Registry::standard(), &basis(spec), &vdf).unwrap();
        }
    }
}

#[test]
fn law_6_rounding_is_a_projection_and_finer_steps_give_less_error() {
    for Case { spec, .. } in CASES {
        laws::rounding(&basis(spec), &cut()).unwrap();
    }
}

#[test]
fn law_7_hostile_distributions_give_an_answer_or_a_reason() {
    for Case { spec, .. } in CASES {
        laws::hostile(&basis(spec)).unwrap();
    }
}

#[test]
fn law_7_a_large_grid_is_only_larger() {
    let grid = VelocityGrid::from_edges([200; 3], [-1e6; 3], [1e6; 3]).unwrap();
    let vdf = Synthetic::named("bi-maxwellian", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    for spec in [
        "maxwellian",
        "hermite:order=6",
        "log(maxwellian)",
        "pca:axis=y",
        "cosine:terms=1000",
        "octree:leaf=linear",
        "wavelet:filter=sym8,terms=1000",
    ] {
        let basis = basis(spec);
        let c = basis.encode(&vdf).unwrap();
        assert!(basis.reconstruct(&c, &grid).is_ok());
    }
}

#[test]
fn coefficients_of_another_basis_are_refused() {
    for [one, other] in [
        ["hermite:order=3", "maxwellian"],
        ["hermite:order=3", "hermite:order=3,weight=asymmetric"],
        ["maxwellian", "maxwellian:covariance=isotropic"],
        ["cosine:block=4", "cosine:block=5"],
        ["wavelet:filter=db2", "wavelet:filter=db3"],
        ["pca", "pca:axis=y"],
        ["mixture:components=2", "mixture:components=2,kappa=3"],
    ] {
        laws::foreign(&basis(one), &basis(other), &whole()).unwrap();
        laws::foreign(&basis(other), &basis(one), &whole()).unwrap();
    }
}
