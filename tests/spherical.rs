//! What the spherical basis must reach on the real distribution, and its relation to the Hermite basis.
#![allow(clippy::unwrap_used)]

mod common;

use vdf_basis::bases::hermite::{Scaling, Truncation};
use vdf_basis::bases::spherical::{Centre, Method};
use vdf_basis::{Basis, Coefficients, Fidelity, Hermite, Quantity, Registry, Spherical, Vdf, VelocityGrid};

#[test]
fn spherical_expansions_reach_their_targets() {
    let Some(path) = common::real_data("sample_vdf.npy") else { return };
    let vdf = Vdf::read_npy(path).unwrap();
    for (spec, target) in [
        ("spherical", 0.040),
        ("spherical:method=misner", 0.045),
        ("spherical:degree=14", 0.025),
        ("spherical:method=burnett,degree=15", 0.055),
    ] {
        let basis = Registry::standard().parse(spec).unwrap();
        let c = basis.encode(&vdf).unwrap();
        let f = Fidelity::compare(&vdf, &basis.reconstruct(&c, vdf.grid()).unwrap()).unwrap();
        println!("{spec}: l2 {:.5}, pressure {:.1e}, {} coefficients", f.l2, f.pressure, c.count());
        assert!(f.l2 <= target, "{spec}: {}", f.l2);
        assert!(spec.contains("14") || c.count() <= 6050, "{spec}: {}", c.count());
        if !spec.contains("method") {
            assert!(f.density.max(f.bulk_velocity).max(f.pressure) < 1e-10, "{spec}: {f:?}");
        }
    }
}

#[test]
fn burnett_and_hermite_of_equal_total_degree_are_one_expansion() {
    let grid = VelocityGrid::from_edges([21, 24, 19], [-2.0, -2.5, -1.9], [2.3, 2.2, 2.0]).unwrap();
    let vdf = Vdf::from_fn(grid, |[x, y, z]| {
        (-(x - 0.3).powi(2) - 1.5 * (y + 0.2).powi(2) - 2.0 * z * z).exp() * (1.0 + 0.5 * x * y - 0.3 * z)
    })
    .unwrap();
    let (centre, width, degree) = ([0.1, -0.2, 0.05], 0.55, 7);
    let hermite = Hermite::new([degree + 1; 3])
        .and_then(|basis| basis.with_truncation(Truncation::TotalDegree))
        .and_then(|basis| basis.with_scaling(Scaling::Given { centre, scales: [width; 3] }))
        .unwrap();
    let h = hermite.encode(&vdf).unwrap();
    let from_hermite = hermite.reconstruct(&h, &grid).unwrap();
    let by_degree = h.spectrum().total_degree;
    for axis in [None, Some([0.4, -1.0, 0.7])] {
        let burnett = Spherical::new(degree, 50)
            .and_then(|basis| basis.with_method(Method::Burnett(Some(width))))
            .and_then(|basis| basis.with_centre(Centre::Given(centre)))
            .unwrap();
        let burnett = axis.map_or_else(|| burnett.clone(), |axis| burnett.clone().with_polar_axis(axis).unwrap());
        let b = burnett.encode(&vdf).unwrap();
        let back = burnett.reconstruct(&b, &grid).unwrap();
        let difference = Fidelity::compare(&from_hermite, &back).unwrap().l2;
        assert!(difference < 1e-11, "{difference:e}");
        // Within each total degree the two sets of coefficients differ by an orthogonal matrix.
        let mut squares = vec![0.0; degree + 1];
        b.visit(&mut |slot, value| {
            if slot.quantity == Quantity::PhaseSpaceDensity {
                squares[slot.degree as usize] += value * value;
            }
        });
        let total: f64 = squares.iter().sum();
        for (degree, square) in squares.iter().enumerate() {
            assert!((square - by_degree[degree]).abs() < 1e-11 * total, "degree {degree}: {square}");
        }
    }
}
