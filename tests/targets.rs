//! What must be reached on the real distributions, and how much work it may take.
//!
//! Work is counted, not timed: iterations of a search on another processor may differ by a few, more is a slowdown.
#![allow(clippy::unwrap_used)]

mod common;

use vdf_basis::bases::hermite::Truncation;
use vdf_basis::{Basis, Fidelity, Hermite, Maxwellian, Vdf, VelocityGrid};

fn sample() -> Option<Vdf> {
    common::real_data("sample_vdf.npy").map(|path| Vdf::read_npy(path).unwrap())
}

fn l2<B: Basis>(basis: &B, vdf: &Vdf) -> f64 {
    let back = basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap();
    Fidelity::compare(vdf, &back).unwrap().l2
}

#[test]
fn the_maxwellian_fit_is_the_least_squares_optimum() {
    let Some(vdf) = sample() else { return };
    // What scipy's curve_fit reaches from the moments.
    assert!((l2(&Maxwellian::default(), &vdf) - 0.5368).abs() < 5e-5);
    let (_, report) = Maxwellian::default().fit(&vdf).unwrap();
    assert!(report.unwrap().evaluations <= 30, "{report:?}");
}

#[test]
fn hermite_reaches_its_targets() {
    let Some(vdf) = sample() else { return };
    for (order, target, evaluations) in [(15, 0.0255, 40), (12, 0.0383, 20)] {
        let basis = Hermite::new([order; 3]).unwrap();
        assert!(l2(&basis, &vdf) <= target, "order {order}: {}", l2(&basis, &vdf));
        let (_, report) = basis.fit(&vdf).unwrap();
        assert!(report.search.unwrap().evaluations <= evaluations, "{report:?}");
    }
}

#[test]
fn a_sparse_distribution_that_is_no_cube_is_encoded_like_any_other() {
    let Some(path) = common::real_data("gyrating_two_maxwellians.npy") else { return };
    let vdf = Vdf::read_npy(path).unwrap().with_geometry([-5.6e5, -6.4e5, -6.4e5], [2e4; 3]).unwrap();
    // Two Maxwellians far apart: no single one does better than the larger.
    assert!(l2(&Maxwellian::default(), &vdf) < 0.31);
    assert!(l2(&Hermite::default(), &vdf) < 0.23);
    assert!(l2(&Hermite::default().with_truncation(Truncation::TotalDegree).unwrap(), &vdf) < 0.30);
    // Units of the grid do not matter.
    let cells = Vdf::new(VelocityGrid::unit([68, 72, 56]).unwrap(), vdf.values().to_owned()).unwrap();
    assert!((l2(&Maxwellian::default(), &vdf) - l2(&Maxwellian::default(), &cells)).abs() < 1e-9);
}
