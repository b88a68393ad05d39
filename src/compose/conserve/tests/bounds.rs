//! Bounds around the correction of moments.

use super::*;

#[test]
fn where_a_loose_bound_leaves_nothing_the_cells_are_stored() {
    for peak in [1e-290, 1.0, 1e290] {
        let vdf = Vdf::from_fn(VelocityGrid::unit([9, 1, 7]).unwrap(), |[x, _, z]| {
            peak * (-0.1 * ((x - 4.2).powi(2) + (z - 2.7).powi(2))).exp()
        });
        let vdf = vdf.unwrap();
        for spec in ["conserve(fast:l2=1)", "conserve(fast:linf=1)", "conserve(fast:l2=1,linf=1)"] {
            let error = component_error(&vdf, &round_trip(&basis(spec), &vdf));
            assert!(error <= 2e-12, "{spec}, {peak:e}: {error:e}");
        }
    }
}

#[test]
fn what_the_correction_adds_to_a_bound_is_left_to_it() {
    // The correction adds more to the largest error than the 2% reserved for it in some of these.
    for cells in [7, 8, 10] {
        let vdf = sampled("crescent", cells);
        for limit in [0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4] {
            for preset in ["fast", "balanced"] {
                let spec = format!("conserve({preset}):linf={limit}");
                let linf = Fidelity::compare(&vdf, &round_trip(&basis(&spec), &vdf)).unwrap().linf;
                assert!(linf <= limit, "{spec}: {linf}");
            }
        }
    }
}
