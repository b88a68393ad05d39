//! Mixtures of the real distributions, where they are at hand (see [`common::real_data`]).
#![allow(clippy::unwrap_used)]

mod common;
#[allow(dead_code)]
#[path = "../src/testing.rs"]
mod testing;

use rand::Rng;
use testing::for_cases;
use vdf_basis::bases::mixture::{Covariance, Refine, Start};
use vdf_basis::{Basis, Coefficients, Fidelity, Mixture, Vdf};

fn sample() -> Option<Vdf> {
    Some(Vdf::read_npy(common::real_data("sample_vdf.npy")?).unwrap())
}

fn gyration() -> Option<Vdf> {
    let path = common::real_data("gyrating_two_maxwellians.npy")?;
    Some(Vdf::read_npy(path).unwrap().with_geometry([-560e3, -640e3, -640e3], [20e3; 3]).unwrap())
}

fn l2(basis: &Mixture, vdf: &Vdf) -> f64 {
    let back = basis.reconstruct(&basis.encode(vdf).unwrap(), vdf.grid()).unwrap();
    Fidelity::compare(vdf, &back).unwrap().l2
}

#[test]
fn the_sample_is_described_as_well_as_promised() {
    let Some(vdf) = sample() else { return };
    let error = l2(&Mixture::new(15).unwrap().with_refine(Refine::None), &vdf);
    assert!(error <= 0.175, "EM: {error}");
    for (components, most) in [(15, 0.076), (25, 0.054), (40, 0.037)] {
        let error = l2(&Mixture::new(components).unwrap(), &vdf);
        assert!(error <= most, "{components}: {error}");
    }
}

#[test]
fn every_start_leads_to_a_good_fit() {
    let Some(vdf) = sample() else { return };
    for start in [Start::KMeans, Start::MomentSplit, Start::Greedy] {
        let error = l2(&Mixture::new(15).unwrap().with_start(start), &vdf);
        assert!(error <= 0.085, "{start:?}: {error}");
    }
}

/// Mass, drift and the whole pressure tensor are the data's.
#[test]
fn em_keeps_the_moments() {
    for vdf in [sample(), gyration()].into_iter().flatten() {
        let clipped = Vdf::new(*vdf.grid(), vdf.values().mapv(|f| f.max(0.0))).unwrap();
        let (c, report) = Mixture::new(10).unwrap().with_refine(Refine::None).fit(&vdf).unwrap();
        assert_eq!(report.clipped, vdf.as_slice().iter().filter(|f| **f < 0.0).count());
        assert_eq!(report.floored, 0);
        let (m, d) = (c.moments_over_velocity_space(), clipped.moments());
        let v_th = d.thermal_speed();
        assert!((m.density / d.density - 1.0).abs() < 1e-12);
        for i in 0..3 {
            assert!((m.bulk_velocity[i] - d.bulk_velocity[i]).abs() < 1e-12 * v_th);
            for j in 0..3 {
                assert!((m.pressure[i][j] - d.pressure[i][j]).abs() < 1e-12 * d.density * v_th * v_th);
            }
        }
    }
}

/// Two Maxwellians of 5e5 K and 1e5 K, 2e6 m⁻³ each, turned by the solver.
#[test]
fn the_gyration_test_has_its_two_populations() {
    let Some(vdf) = gyration() else { return };
    let basis = Mixture::new(2).unwrap();
    let (c, report) = basis.fit(&vdf).unwrap();
    // The populations are no longer Maxwellians after 50 s of gyration on a grid.
    assert!(report.l2 < 0.08, "{report:?}");
    for component in c.components() {
        assert!((component.density / 2e6 - 1.0).abs() < 0.05, "{component:?}");
    }
    let mut speeds: Vec<f64> = c.components().iter().map(|component| component.thermal_speed()).collect();
    speeds.sort_by(f64::total_cmp);
    // √(kT/m) of a proton: 28.7 and 64.2 km/s, the colder one widened by the solver's diffusion.
    assert!((2.8e4..4.0e4).contains(&speeds[0]) && (6.3e4..7.0e4).contains(&speeds[1]), "{speeds:?}");
}

const KINDS: [Covariance; 5] = [
    Covariance::Full,
    Covariance::Tied,
    Covariance::Diagonal,
    Covariance::Spherical,
    Covariance::FieldAligned([0.0, 0.0, 1.0]),
];

#[test]
fn no_component_collapses() {
    for_cases(30, |random| {
        let Some(vdf) = (if random.random() { sample() } else { gyration() }) else { return };
        let (components, kind) = (random.random_range(1..=64), random.random_range(0..KINDS.len()));
        let refine = if random.random() { Refine::LeastSquares } else { Refine::None };
        let seed = random.random_range(0..100);
        let narrowest = vdf.grid().spacing()[0] * 0.4;
        let basis = Mixture::new(components).unwrap().with_covariance(KINDS[kind]).unwrap().with_refine(refine);
        // From k-means: the greedy way to 64 components takes its time.
        let basis = basis.with_start(Start::KMeans).with_seed(seed).with_iterations(10).unwrap();
        let (c, report) = basis.fit(&vdf).unwrap();
        assert!(report.l2 < 1.0, "{} {}", basis, report.l2);
        assert_eq!(c.components().len(), report.components, "{}", basis);
        // The least squares may take one where no cell sees it: such are left out.
        let least = if refine == Refine::None { components } else { components - components / 10 };
        assert!((least..=components).contains(&c.components().len()), "{}: {}", basis, c.components().len());
        for component in c.components() {
            let sound = component.frame.scales.iter().all(|s| s.is_finite() && *s > 0.999 * narrowest);
            assert!(sound && component.density > 0.0, "{} {:?}", basis, component);
        }
        let mut finite = true;
        c.visit(&mut |_, x| finite &= x.is_finite());
        assert!(finite);
    });
}

/// One of 43 is taken to where no cell sees it.
#[test]
fn a_component_that_no_cell_sees_is_left_out() {
    let Some(vdf) = sample() else { return };
    let basis = Mixture::new(43).unwrap().with_covariance(Covariance::Spherical).unwrap();
    let basis = basis.with_start(Start::KMeans).with_seed(5).with_iterations(10).unwrap();
    let (c, report) = basis.with_refine(Refine::LeastSquares).fit(&vdf).unwrap();
    assert_eq!((report.requested, report.components), (43, c.components().len()));
    assert!((40..=43).contains(&report.components) && report.l2 < 0.1, "{report:?}");
}
