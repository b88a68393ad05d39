//! Closed forms of every shape and of sums of them, by brute force; limits; what is refused.

use approx::assert_relative_eq;
use rand::Rng;

use super::reference::{assert_moments, spherical, summed};
use super::*;
use crate::testing::{for_cases, vector};

const DRIFT: [f64; 3] = [0.3, -0.7, 1.1];
const FIELD: [f64; 3] = [1.0, -2.0, 2.0];
const TOWARDS: [f64; 3] = [1.0, 1.0, 1.0];

/// Every shape, with nothing special about its parameters.
fn shapes() -> [Shape; 10] {
    let field = FIELD;
    [
        Shape::Maxwellian { v_th: 1.3 },
        Shape::BiMaxwellian { v_th_par: 0.8, v_th_perp: 1.4, field },
        Shape::Ring { speed: 1.2, width: 0.9, v_th_par: 0.7, field },
        Shape::Ring { speed: 0.0, width: 0.9, v_th_par: 0.7, field },
        Shape::Crescent { speed: 6.0, width: 0.8, v_th_par: 1.1, field, towards: TOWARDS, sharpness: 3.0 },
        Shape::Shell { speed: 2.0, width: 0.7 },
        Shape::Kappa { v_th: 1.2, kappa: 3.5 },
        Shape::LossCone { v_th_par: 1.1, v_th_perp: 0.8, order: 3, field },
        Shape::FlatTop { edge: 1.7, exponent: 5.0 },
        Shape::FlatTop { edge: 0.6, exponent: 4.0 },
    ]
}

#[test]
fn closed_forms_agree_with_quadrature_in_spherical_coordinates() {
    for shape in shapes() {
        let component = Synthetic::single(2.5, DRIFT, shape).unwrap();
        assert_moments(&component.moments(), &spherical(&component, DRIFT, FIELD, 2.0), 1e-9);
    }
}

#[test]
fn closed_forms_agree_with_sums_over_a_wide_fine_grid() {
    for shape in shapes() {
        // Algebraic tails and the cusps of narrow rings and shells are for the quadrature above.
        let smooth = match shape {
            Shape::Kappa { .. } | Shape::FlatTop { .. } => continue,
            Shape::Ring { v_th_par, field, .. } => Shape::Ring { speed: 6.0, width: 0.8, v_th_par, field },
            Shape::Shell { .. } => Shape::Shell { speed: 6.0, width: 0.8 },
            shape => shape,
        };
        let component = Synthetic::single(2.5, DRIFT, smooth).unwrap();
        assert_moments(&component.moments(), &summed(&component, 13.5, 0.45), 1e-10);
    }
}

#[test]
fn the_crescent_has_a_drift_a_heat_flux_and_no_gyrotropy() {
    let (speed, width, v_th_par) = (6.0, 0.8, 1.1);
    let crescent = |sharpness| {
        let shape =
            Shape::Crescent { speed, width, v_th_par, field: [0.0, 0.0, 2.0], towards: [0.0, 1.0, 5.0], sharpness };
        Component::new(1.0, [0.0; 3], shape).unwrap()
    };
    let m = crescent(2.0).moments();
    assert_relative_eq!(m.bulk_velocity[1], (speed + width * width / speed) * 2.0 / 3.0, max_relative = 1e-9);
    assert!(m.pressure[0][0] > 1.5 * m.pressure[1][1] && m.heat_flux[1].abs() > m.thermal_speed().powi(3) / 10.0);
    // Unsharpened it is the ring, and a fractional sharpness is as good as a whole one.
    let ring = Component::new(1.0, [0.0; 3], Shape::Ring { speed, width, v_th_par, field: [0.0, 0.0, 1.0] }).unwrap();
    assert_moments(&crescent(0.0).moments(), &ring.moments(), 1e-14);
    let fractional = Synthetic::new(vec![crescent(7.5)]).unwrap();
    assert_moments(&fractional.moments(), &spherical(&fractional, [0.0; 3], [0.0, 0.0, 1.0], 2.0), 1e-9);
}

#[test]
fn limits_of_the_families_are_maxwellians() {
    let v = [1.0, 0.4, -0.8];
    let at = |shape| Component::new(1.0, DRIFT, shape).unwrap().evaluate(v);
    let maxwellian = at(Shape::Maxwellian { v_th: 0.9 });
    let field = FIELD;
    assert_relative_eq!(at(Shape::BiMaxwellian { v_th_par: 0.9, v_th_perp: 0.9, field }), maxwellian);
    let cone = Shape::LossCone { v_th_par: 0.9, v_th_perp: 0.9, order: 0, field };
    assert_relative_eq!(at(cone), maxwellian, max_relative = 1e-14);
    assert_relative_eq!(at(Shape::Shell { speed: 0.0, width: 0.9 }), maxwellian, max_relative = 1e-14);
    let ring = Shape::Ring { speed: 0.0, width: 0.9, v_th_par: 0.9, field };
    assert_relative_eq!(at(ring), maxwellian, max_relative = 1e-14);
    assert_relative_eq!(at(Shape::Kappa { v_th: 0.9, kappa: 1e4 }), maxwellian, max_relative = 1e-2);
}

#[test]
fn any_unit_works() {
    for unit in [1e-25, 1e25] {
        for shape in [Shape::Kappa { v_th: unit, kappa: 1.6 }, Shape::Shell { speed: 5.0 * unit, width: unit }] {
            let m = Component::new(1e30, [3.0 * unit; 3], shape).unwrap().moments();
            assert!(m.pressure[0][0] > 0.0 && m.pressure[0][0].is_finite());
        }
    }
    for shape in shapes() {
        let component = Component::new(1.0, DRIFT, shape).unwrap();
        for far in [1e5, 1e150, 1e300] {
            let f = component.evaluate([far, -far, far]);
            assert!((0.0..1e-20).contains(&f), "{shape:?} is {f} at {far:e}");
        }
        assert!(component.evaluate(DRIFT).is_finite());
    }
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let (field, towards) = (FIELD, TOWARDS);
    let crescent = |field, towards, sharpness| Shape::Crescent {
        speed: 1.0,
        width: 1.0,
        v_th_par: 1.0,
        field,
        towards,
        sharpness,
    };
    for (expected, shape) in [
        ("v_th", Shape::Maxwellian { v_th: 0.0 }),
        ("v_th", Shape::Kappa { v_th: f64::NAN, kappa: 3.0 }),
        ("v_th_par", Shape::BiMaxwellian { v_th_par: -1.0, v_th_perp: 1.0, field }),
        ("v_th_perp", Shape::BiMaxwellian { v_th_par: 1.0, v_th_perp: f64::INFINITY, field }),
        ("v_th_perp", Shape::LossCone { v_th_par: 1.0, v_th_perp: 0.0, order: 1, field }),
        ("order", Shape::LossCone { v_th_par: 1.0, v_th_perp: 1.0, order: 101, field }),
        ("kappa", Shape::Kappa { v_th: 1.0, kappa: 1.5 }),
        ("kappa", Shape::Kappa { v_th: 1.0, kappa: f64::NAN }),
        ("exponent", Shape::FlatTop { edge: 1.0, exponent: 2.5 }),
        ("edge", Shape::FlatTop { edge: -1.0, exponent: 4.0 }),
        ("speed", Shape::Shell { speed: -1.0, width: 1.0 }),
        ("width", Shape::Shell { speed: 1.0, width: 0.0 }),
        ("width", Shape::Ring { speed: 1.0, width: 1e31, v_th_par: 1.0, field }),
        ("field", Shape::Ring { speed: 1.0, width: 1.0, v_th_par: 1.0, field: [0.0; 3] }),
        ("field", crescent([f64::NAN, 1.0, 0.0], towards, 1.0)),
        ("towards", crescent(field, field.map(|b| -3.0 * b), 1.0)),
        ("towards", crescent(field, [0.0; 3], 1.0)),
        ("sharpness", crescent(field, towards, -0.1)),
    ] {
        match Component::new(1.0, [0.0; 3], shape) {
            Err(Error::InvalidParameter { name, .. }) => assert_eq!(name, expected, "{shape:?}"),
            other => panic!("{shape:?} gave {other:?}"),
        }
    }
    let shape = Shape::Maxwellian { v_th: 1.0 };
    for density in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Component::new(density, [0.0; 3], shape).is_err());
    }
    assert!(Component::new(1.0, [0.0, f64::NAN, 0.0], shape).is_err());
}

#[test]
fn moments_of_any_mixture_of_maxwellians_are_those_of_its_sum() {
    for_cases(24, |random| {
        let components = vector(random, 1..5, |random| {
            let (density, v_th) = (random.random_range(0.1..3.0), random.random_range(0.8..1.2));
            let drift = [(); 3].map(|()| random.random_range(-2.0..2.0));
            Component::new(density, drift, Shape::Maxwellian { v_th }).unwrap()
        });
        let mixture = Synthetic::new(components).unwrap();
        assert_moments(&mixture.moments(), &summed(&mixture, 12.6, 0.6), 1e-11);
    });
}

#[test]
fn unlike_components_combine_about_their_common_bulk_velocity() {
    let field = [1.0, -2.0, 2.0];
    let mixture = Synthetic::new(vec![
        Component::new(1.5, [2.0, 0.0, -1.0], Shape::BiMaxwellian { v_th_par: 1.5, v_th_perp: 0.9, field }).unwrap(),
        Component::new(0.5, [-3.0, 1.0, 0.5], Shape::LossCone { v_th_par: 1.0, v_th_perp: 1.0, order: 2, field })
            .unwrap(),
    ])
    .unwrap();
    assert_moments(&mixture.moments(), &summed(&mixture, 15.0, 0.5), 1e-11);
}

#[test]
fn a_single_component_keeps_its_moments_to_the_last_bit() {
    let component = Component::new(0.3, [0.1, 1e9, -7.7], Shape::Kappa { v_th: 1.1, kappa: 2.5 }).unwrap();
    assert_eq!(Synthetic::new(vec![component]).unwrap().moments(), component.moments());
    assert!(matches!(Synthetic::new(Vec::new()), Err(Error::InvalidParameter { name: "components", .. })));
}
