//! Law 9: cells of any aspect, boxes of any shape, and beams narrower than a cell.

use vdf_basis::{Basis, Error, Fidelity, Vdf, VelocityGrid};

use super::cases::{CASES, Case};
use super::{basis, difference, round_trip, sampled};

/// Cells of very unequal widths, in three orders.
const ASPECTS: [[f64; 3]; 4] = [[1.0, 6.0, 36.0], [36.0, 1.0, 6.0], [1.0, 1e3, 1e6], [1e6, 1.0, 1e3]];

/// Bases that are isotropic in velocity by their nature, so that unequal cells change what they can describe.
fn is_isotropic(spec: &str) -> bool {
    ["isotropic", "frame=", "spherical", "heat-flux"].iter().any(|tied| spec.contains(tied))
}

/// Zero is in the family, and the squared error is what is minimised.
fn is_least_squares(spec: &str) -> bool {
    !["log(", " * ", "refine=log10", "refine=none", "fit=moments", "conserve", "pca"]
        .iter()
        .any(|other| spec.contains(other))
}

#[test]
fn law_9_the_aspect_of_the_cells_does_not_matter() {
    for Case { spec, .. } in CASES.iter().filter(|case| !is_isotropic(case.spec)) {
        let (basis, vdf) = (basis(spec), sampled("gyrating-ring", 16));
        let reference =
            round_trip(&basis, &Vdf::new(VelocityGrid::unit([16; 3]).unwrap(), vdf.values().to_owned()).unwrap());
        for spacing in ASPECTS {
            let grid = VelocityGrid::new([16; 3], spacing.map(|h| -7.0 * h), spacing).unwrap();
            let back = round_trip(&basis, &Vdf::new(grid, vdf.values().to_owned()).unwrap());
            let back = Vdf::new(*reference.grid(), back.into_values()).unwrap();
            let off = difference(&reference, &back);
            // Axes that are not the grid's are angles in velocity space: they lose six digits to an aspect of 1e6.
            assert!(off < 1e-5, "{spec} on cells of {spacing:?}: {off:e}");
        }
    }
}

/// An answer that is no worse than nothing, or a reason.
fn answers(spec: &str, what: &str, vdf: &Vdf) {
    let basis = basis(spec);
    match basis.encode(vdf) {
        Ok(coefficients) => {
            let back = basis.reconstruct(&coefficients, vdf.grid()).unwrap();
            let l2 = Fidelity::compare(vdf, &back).unwrap().l2;
            let most = if is_least_squares(spec) { 1.0 + 1e-9 } else { f64::INFINITY };
            assert!(l2 <= most, "{spec} of {what}: l2 {l2:e}");
        }
        Err(Error::Degenerate { .. } | Error::TargetNotMet { .. } | Error::InvalidParameter { .. }) => {}
        Err(other) => panic!("{spec} of {what}: {other}"),
    }
}

/// A bell with its centre and widths in cells.
fn bell(grid: VelocityGrid, centre: [f64; 3], widths: [f64; 3]) -> Vdf {
    let (lower, spacing) = (grid.lower(), grid.spacing());
    let density = |v: [f64; 3]| {
        let z = |k: usize| ((v[k] - lower[k]) / spacing[k] - 0.5 - centre[k]) / widths[k];
        (-0.5 * (0..3).map(|k| z(k) * z(k)).sum::<f64>()).exp()
    };
    Vdf::from_fn(grid, density).unwrap()
}

#[test]
fn law_9_unequal_cells_give_an_answer_no_worse_than_nothing() {
    for spacing in ASPECTS {
        let grid = VelocityGrid::new([14, 13, 12], spacing.map(|h| -6.0 * h), spacing).unwrap();
        let vdf = bell(grid, [6.3, 6.2, 5.4], [1.7, 1.9, 2.1]);
        CASES.iter().for_each(|case| answers(case.spec, &format!("cells of {spacing:?}"), &vdf));
    }
}

#[test]
fn law_9_thin_boxes_give_an_answer_no_worse_than_nothing() {
    let shapes = [[1, 5, 31], [31, 1, 5], [5, 31, 1], [8, 8, 64], [64, 8, 8], [8, 64, 8]];
    for shape in shapes {
        let centre = shape.map(|cells| 0.45 * cells as f64);
        let widths = shape.map(|cells| 0.2 * cells as f64);
        let vdf = bell(VelocityGrid::unit(shape).unwrap(), centre, widths);
        CASES.iter().for_each(|case| answers(case.spec, &format!("{shape:?} cells"), &vdf));
    }
}

#[test]
fn law_9_beams_narrower_than_a_cell_give_an_answer_no_worse_than_nothing() {
    let grid = VelocityGrid::new([12; 3], [2e5; 3], [3e4; 3]).unwrap();
    for width in [0.12, 0.2, 0.3, 0.5] {
        for centre in [[5.0; 3], [4.7, 5.2, 5.4], [0.2, 5.5, 11.4]] {
            let vdf = bell(grid, centre, [width; 3]);
            CASES.iter().for_each(|case| answers(case.spec, &format!("widths of {width} cells at {centre:?}"), &vdf));
            // Mixtures are fitted with widths of 0.4 cells at least.
            for spec in ["maxwellian", "maxwellian:covariance=full", "maxwellian:covariance=isotropic"] {
                let l2 = Fidelity::compare(&vdf, &round_trip(&basis(spec), &vdf)).unwrap().l2;
                assert!(l2 < 1e-8, "{spec} of widths of {width} cells at {centre:?}: {l2:e}");
            }
        }
    }
}

#[test]
fn law_9_logarithms_stay_near_the_peak_on_a_larger_box() {
    let inner = [
        "hermite:order=6",
        "spherical:degree=4",
        "spherical:method=burnett,degree=5",
        "maxwellian",
        "mixture:components=2",
    ];
    for vdf in [sampled("gyrating-ring", 16), sampled("beams", 18), sampled("kappa", 15)] {
        let shape = vdf.grid().shape();
        let larger = vdf.grid().window([-4; 3], shape.map(|cells| cells + 8)).unwrap();
        for spec in inner.map(|inner| format!("log({inner})")) {
            let basis = basis(&spec);
            let coefficients = basis.encode(&vdf).unwrap();
            let peak = basis.reconstruct(&coefficients, &larger).unwrap().peak();
            assert!(peak < 10.0 * vdf.peak(), "{spec}: {:e} times the peak", peak / vdf.peak());
        }
    }
}
