//! The conformance suite: laws that every basis keeps, run over the whole registry and some combinators.
//!
//! A basis of the registry without a line in [`CASES`] fails the suite.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod cases;
mod geometry;
mod orientation;

use std::thread;

use cases::{BUDGETS, CASES, Case};
use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
use vdf_basis::{
    AnyBasis, AnyCoefficients, Basis, Coder, Coefficients, Error, Expansion, Fidelity, Moments, Registry, Resolution,
    Vdf, VelocityGrid,
};

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

fn numbers(coefficients: &AnyCoefficients) -> Vec<u64> {
    let mut numbers = Vec::new();
    coefficients.clone().visit(&mut |_, value| numbers.push(value.to_bits()));
    numbers
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
        let (basis, vdf) = (basis(spec), cut());
        let reference = round_trip(&basis, &vdf);
        for factor in [1e-30, 1e-17, 3e12, 1e30] {
            let scaled = Vdf::new(*vdf.grid(), &vdf.values() * factor).unwrap();
            let back = round_trip(&basis, &scaled);
            let back = Vdf::new(*vdf.grid(), &back.values() / factor).unwrap();
            // The many parameters of a mixture end their search a little further apart.
            let tolerance = if spec.contains("mixture") { 1e-6 } else { 1e-7 };
            assert!(
                difference(&reference, &back) < tolerance,
                "{spec} x {factor:e}: {:e}",
                difference(&reference, &back)
            );
        }
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
        let (basis, vdf) = (basis(spec), cut());
        let reference = numbers(&basis.encode(&vdf).unwrap());
        thread::scope(|scope| {
            let runs: Vec<_> = (0..4)
                .map(|k| {
                    let (basis, vdf) = (&basis, &vdf);
                    scope.spawn(move || {
                        // Other work in between must not leak through shared tables.
                        if k % 2 == 1 {
                            basis.encode(&whole()).unwrap();
                        }
                        numbers(&basis.encode(vdf).unwrap())
                    })
                })
                .collect();
            for run in runs {
                assert_eq!(run.join().unwrap(), reference, "{spec}");
            }
        });
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
            let basis = basis(spec);
            let c = basis.encode(&vdf).unwrap();
            let other = VelocityGrid::from_edges([17, 23, 19], vdf.grid().lower(), vdf.grid().upper()).unwrap();
            for grid in [*vdf.grid(), other] {
                let closed = basis.moments(&c, &grid);
                let sums = basis.reconstruct(&c, &grid);
                match (closed, sums) {
                    (Ok(closed), Ok(sums)) => assert_close(spec, &closed, &sums.moments()),
                    // Some bases are bound to their own grid, and say so both ways.
                    (Err(Error::GridMismatch { .. }), Err(Error::GridMismatch { .. })) if grid != *vdf.grid() => {}
                    (closed, sums) => panic!("{spec} on {grid}: {closed:?}, {:?}", sums.map(|_| "an answer")),
                }
            }
        }
    }
}

fn assert_close(spec: &str, a: &Moments, b: &Moments) {
    let (n, v) = (b.density.abs(), b.thermal_speed());
    let worst = |pairs: &mut dyn Iterator<Item = (f64, f64)>| pairs.fold(0.0, |w: f64, (a, b)| w.max((a - b).abs()));
    let vector = |a: [f64; 3], b: [f64; 3]| worst(&mut a.into_iter().zip(b));
    let errors = [
        (a.density - b.density).abs() / n,
        vector(a.bulk_velocity, b.bulk_velocity) / v,
        worst(&mut a.pressure.as_flattened().iter().copied().zip(b.pressure.as_flattened().iter().copied()))
            / (n * v * v),
        vector(a.heat_flux, b.heat_flux) / (n * v.powi(3)),
    ];
    assert!(errors.iter().all(|error| *error < 1e-9), "{spec}: {errors:?}");
}

#[test]
fn law_6_streams_restore_every_bit() {
    let registry = Registry::standard();
    for Case { spec, .. } in CASES {
        for vdf in [cut(), whole()] {
            let basis = basis(spec);
            let expansion = Expansion::encode(&basis, &vdf).unwrap();
            let bytes = expansion.to_bytes().unwrap();
            let read = registry.decode(&bytes).unwrap();
            assert_eq!((read.grid(), read.basis()), (expansion.grid(), &basis), "{spec}");
            assert!(read.coefficients() == expansion.coefficients(), "{spec}");
            assert!(numbers(read.coefficients()) == numbers(expansion.coefficients()), "{spec}");
            assert!(read.to_bytes().unwrap() == bytes, "{spec}");
        }
    }
}

#[test]
fn law_6_rounding_is_a_projection_and_finer_steps_give_less_error() {
    let vdf = cut();
    let norm = vdf.as_slice().iter().map(|f| (f / vdf.peak()).powi(2)).sum::<f64>().sqrt() * vdf.peak();
    for Case { spec, .. } in CASES {
        let basis = basis(spec);
        let exact = basis.encode(&vdf).unwrap();
        let reference = basis.reconstruct(&exact, vdf.grid()).unwrap();
        let mut last = f64::INFINITY;
        for digits in [2, 4, 6] {
            let resolution = Resolution::Step(norm * 0.1_f64.powi(digits));
            let rounded = basis.rounded(&exact, &vdf, resolution).unwrap();
            let mut writer = Coder::writing();
            let written = basis.code(Some(&rounded), vdf.grid(), resolution, &mut writer).unwrap();
            assert!(numbers(&written) == numbers(&rounded), "{spec} {resolution:?}");
            let read = basis.code(None, vdf.grid(), resolution, &mut Coder::reading(&writer.finish())).unwrap();
            assert!(numbers(&read) == numbers(&rounded), "{spec} {resolution:?}");
            let error = Fidelity::compare(&reference, &basis.reconstruct(&read, vdf.grid()).unwrap()).unwrap().l2;
            assert!(error < last || error < 1e-12, "{spec}: {error:e} after {last:e}");
            last = error;
        }
        assert!(last < 1e-3, "{spec}: {last:e}");
    }
}

#[test]
fn law_7_hostile_distributions_give_an_answer_or_a_reason() {
    let unit = |shape| VelocityGrid::unit(shape).unwrap();
    let one_cell = |shape: [usize; 3]| {
        let mut values = vec![0.0; shape.iter().product()];
        let middle = values.len() / 2;
        values[middle] = 0.3;
        Vdf::from_vec(unit(shape), values).unwrap()
    };
    let bumpy = |shape| Vdf::from_fn(unit(shape), |[x, y, z]| (x * 1.3 + y * 0.7 + z * 2.1).sin() + 0.5).unwrap();
    let hostile = [
        ("all zero", Vdf::zeros(unit([6, 5, 7]))),
        ("a single cell", Vdf::from_slice(unit([1; 3]), &[3.0]).unwrap()),
        ("constant", Vdf::from_fn(unit([7; 3]), |_| 2.0).unwrap()),
        ("one cell that is not zero", one_cell([8, 9, 7])),
        ("negative only", Vdf::from_fn(unit([8; 3]), |[x, y, z]| -(-0.1 * (x * x + y * y + z * z)).exp()).unwrap()),
        ("cancelling", Vdf::from_fn(unit([8; 3]), |[x, y, z]| (x + y + z - 10.5).signum()).unwrap()),
        ("a line", bumpy([1, 1, 31])),
        ("a plane", bumpy([13, 1, 11])),
        ("primes", bumpy([7, 11, 13])),
        ("fewer cells than functions", bumpy([3, 2, 4])),
        ("denormal", Vdf::from_fn(unit([9; 3]), |[x, _, _]| 1e-310 * (1.0 + x)).unwrap()),
        ("enormous", Vdf::from_fn(unit([9; 3]), |[x, _, z]| 1e300 * (-0.1 * (x * x + z * z)).exp()).unwrap()),
        ("23 decades", Vdf::from_fn(unit([12; 3]), |[x, y, z]| 10f64.powf(-2.0 * (x + y + z) / 3.0 - 10.0)).unwrap()),
    ];
    for Case { spec, .. } in CASES {
        for (what, vdf) in &hostile {
            let basis = basis(spec);
            match basis.encode(vdf) {
                Ok(mut c) => {
                    let mut finite = true;
                    c.visit(&mut |_, value| finite &= value.is_finite());
                    assert!(finite, "{spec} of {what}: coefficients that are not finite");
                    match basis.reconstruct(&c, vdf.grid()) {
                        Ok(_) => assert!(basis.moments(&c, vdf.grid()).is_ok()),
                        Err(Error::NotFinite { .. }) if *what == "enormous" => {}
                        Err(other) => panic!("{spec} of {what}: {other}"),
                    }
                }
                Err(Error::Degenerate { reason, .. }) => assert!(!reason.is_empty()),
                // Subnormal numbers have few digits.
                Err(Error::TargetNotMet { reached, .. }) if *what == "denormal" => assert!(!reached.is_empty()),
                Err(other) => panic!("{spec} of {what}: {other}"),
            }
        }
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
    let vdf = whole();
    let foreign = basis("maxwellian").encode(&vdf).unwrap();
    let refused = basis("hermite:order=3").reconstruct(&foreign, vdf.grid());
    assert!(matches!(refused, Err(Error::ForeignCoefficients(_))));
}
