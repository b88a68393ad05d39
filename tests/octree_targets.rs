//! What the octree must reach on the real distributions.
#![allow(clippy::unwrap_used)]

mod common;

use vdf_basis::{Basis, Coefficients, Fidelity, Octree, Registry, Vdf};

/// Specs, and the most coefficients each may need; its own `l2` or `linf` holds as well.
fn reaches(file: &str, targets: &[(&str, usize)]) {
    let Some(path) = common::real_data(file) else { return };
    let vdf = Vdf::read_npy(path).unwrap();
    for &(spec, most) in targets {
        let any = Registry::standard().parse(spec).unwrap();
        let basis: &Octree = any.downcast_ref().unwrap();
        let (c, report) = basis.fit(&vdf).unwrap();
        let fidelity = Fidelity::compare(&vdf, &basis.reconstruct(&c, vdf.grid()).unwrap()).unwrap();
        println!(
            "{spec}: {} coefficients, {} leaves, tree {} bytes, l2 {:.4}, linf {:.4}, pressure {:.4}, {} fits, {} steps",
            c.count(),
            report.leaves,
            report.tree_bits.div_ceil(8),
            fidelity.l2,
            fidelity.linf,
            fidelity.pressure,
            report.fits,
            report.steps,
        );
        let asked = |key: &str| spec.split(key).nth(1).map(|rest| rest.split(',').next().unwrap().parse().unwrap());
        assert!(c.count() <= most, "{spec}: {} coefficients", c.count());
        assert!(asked("l2=").is_none_or(|l2: f64| fidelity.l2 <= l2), "{spec}: {}", fidelity.l2);
        assert!(asked("linf=").is_none_or(|linf: f64| fidelity.linf <= linf), "{spec}: {}", fidelity.linf);
    }
}

#[test]
fn the_sample_takes_a_fifteenth_of_the_notebooks_coefficients() {
    reaches(
        "sample_vdf.npy",
        &[
            ("octree:l2=0.1", 300),
            ("octree:l2=0.06", 560),
            ("octree:l2=0.036", 1000),
            ("octree:l2=0.016", 2900),
            ("octree:leaf=linear,l2=0.1", 600),
            ("octree:leaf=linear,l2=0.06", 1100),
            ("octree:leaf=linear,l2=0.036", 1950),
            ("octree:leaf=linear,l2=0.016", 4200),
            ("octree:leaf=best,l2=0.06", 560),
            ("octree:split=octants,l2=0.06", 650),
            ("octree:align=4,l2=0.06", 580),
            ("octree:refine=splits,l2=0.06", 560),
            ("octree:linf=0.03", 1600),
            ("octree:coefficients=900", 900),
        ],
    );
}

#[test]
fn two_gyrated_maxwellians_take_little() {
    reaches(
        "gyrating_two_maxwellians.npy",
        &[("octree:l2=0.05", 300), ("octree:leaf=linear,l2=0.05", 1000), ("octree:l2=0.01", 1500)],
    );
}
