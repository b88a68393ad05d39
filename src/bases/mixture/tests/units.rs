//! Units of the axes change nothing but units.

use nalgebra::{Matrix3, Vector3};

use super::super::*;
use super::separated::sampled;
use crate::basis::Coefficients;

const SPACINGS: [[f64; 3]; 4] = [[1.0, 6.0, 36.0], [1.0, 1e3, 1e6], [1e6, 1.0, 1e3], [1e-3, 1.0, 1e-6]];

fn on(spacing: [f64; 3], shape: [usize; 3]) -> VelocityGrid {
    VelocityGrid::new(shape, std::array::from_fn(|i| -0.5 * shape[i] as f64 * spacing[i]), spacing).unwrap()
}

/// Two flat populations beside each other, and a third that is tilted.
fn populations(spacing: [f64; 3], tilted: bool) -> Vdf {
    let flat = Matrix3::from_diagonal(&Vector3::new(1.5, 4.0, 4.0));
    let leaning = Matrix3::new(1.5, 0.0, 0.0, 0.6, 1.8, 0.0, -0.8, 0.5, 2.0);
    let mut all = vec![(1.0, Vector3::new(-5.0, 0.0, 0.0), flat), (1.0, Vector3::new(5.0, 0.3, -0.2), flat)];
    if tilted {
        all.push((0.7, Vector3::new(0.0, 5.0, -6.0), leaning));
    }
    sampled(on(spacing, [24, 26, 28]), &all)
}

#[test]
fn every_start_search_and_selection_is_the_same_in_all_units() {
    let starts = [Start::Auto, Start::KMeans, Start::MomentSplit, Start::Greedy];
    for tilted in [false, true] {
        let reference = populations([1.0; 3], tilted);
        for kind in [Covariance::Full, Covariance::Tied, Covariance::Diagonal] {
            for (start, selection) in starts.map(|start| (start, Selection::Fixed)).into_iter().chain([
                (Start::Auto, Selection::Mml),
                (Start::Auto, Selection::Bic),
                (Start::MomentSplit, Selection::Mml),
            ]) {
                for refine in [Refine::None, Refine::LeastSquares] {
                    let basis = Mixture::new(3).unwrap().with_start(start).with_refine(refine);
                    let basis = basis.with_covariance(kind).unwrap().with_selection(selection).unwrap();
                    let expected = basis.fit(&reference).unwrap().1;
                    for spacing in SPACINGS {
                        let found = basis.fit(&populations(spacing, tilted)).unwrap().1;
                        let off = (found.l2 - expected.l2).abs();
                        assert!(
                            off < 1e-4 * expected.l2 + 1e-6 && found.components == expected.components,
                            "{basis} {spacing:?}: {} and {}",
                            found.l2,
                            expected.l2
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn flat_populations_are_split_where_they_are_apart() {
    for spacing in [[1.0; 3]].into_iter().chain(SPACINGS) {
        let flat = Matrix3::from_diagonal(&Vector3::new(1.5, 5.0, 5.0));
        let apart = Vector3::new(5.0, 0.0, 0.0);
        let vdf = sampled(on(spacing, [28; 3]), &[(1.0, -apart, flat), (1.0, apart, flat)]);
        let basis = Mixture::new(2).unwrap().with_refine(Refine::None).with_start(Start::MomentSplit);
        let l2 = basis.fit(&vdf).unwrap().1.l2;
        assert!(l2 < 0.03, "{spacing:?}: {l2}");
    }
}

/// Physically round components on cells of unequal sides: other fits than in cells, but fits.
#[test]
fn round_and_gyrotropic_components_fit_on_cells_of_any_sides() {
    for spacing in SPACINGS {
        let vdf = populations(spacing, true);
        for kind in [Covariance::Spherical, Covariance::FieldAligned([1.0, 1.0, 1.0])] {
            for components in [1, 3] {
                let basis = Mixture::new(components).unwrap().with_covariance(kind).unwrap();
                let l2 = basis.fit(&vdf).unwrap().1.l2;
                assert!(l2 <= 1.0, "{basis} {spacing:?}: {l2}");
            }
        }
    }
}

#[test]
fn frames_keep_their_narrow_axes_in_all_units() {
    for spacing in SPACINGS {
        let vdf = populations(spacing, true);
        let basis = Mixture::new(3).unwrap();
        let (c, report) = basis.fit(&vdf).unwrap();
        let back = basis.reconstruct(&c, vdf.grid()).unwrap();
        assert!(report.l2 < 1e-6, "{spacing:?} {report:?}");
        assert!(relative_l2(&vdf, &back) < 1e-6, "{spacing:?}: {}", relative_l2(&vdf, &back));
        assert_eq!(c.count(), 30);
        let norm = vdf.as_slice().iter().map(|f| f * f).sum::<f64>().sqrt();
        for part in [1e-2, 1e-4] {
            let rounded = basis.rounded(&c, &vdf, Resolution::Step(part * norm)).unwrap();
            let error = relative_l2(&vdf, &basis.reconstruct(&rounded, vdf.grid()).unwrap());
            assert!(error < 5.0 * part, "{spacing:?} {part}: {error}");
        }
        c.visit(&mut |_, _| ());
    }
}

#[test]
fn a_row_of_thin_cells_is_fitted_though_expectation_maximisation_leaves_nothing_on_it() {
    let grid = VelocityGrid::new([1, 1, 300], [0.0; 3], [1.0, 1e3, 1e6]).unwrap();
    let vdf = Vdf::from_fn(grid, |v| (-((v[2] - 1.2e8) / 8e7).powi(2)).exp()).unwrap();
    for start in [Start::MomentSplit, Start::KMeans] {
        let kind = Covariance::FieldAligned([1.0, 2.0, -1.0]);
        let basis = Mixture::new(6).unwrap().with_covariance(kind).unwrap().with_start(start);
        let (_, report) = basis.fit(&vdf).unwrap();
        assert!(report.l2 < 0.01, "{start:?}: {}", report.l2);
    }
}
