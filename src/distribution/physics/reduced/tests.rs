use super::super::field::FieldDirection;
use super::super::test_distributions::{DRIFT, FIELDS, bi_maxwellian, sampled};
use super::*;
use crate::distribution::synthetic::{Shape, Synthetic};
use approx::assert_relative_eq;
use std::f64::consts::TAU;

fn about(field: [f64; 3], centre: [f64; 3]) -> FieldFrame {
    FieldFrame::new(FieldDirection::new(field).unwrap(), centre).unwrap()
}

/// Largest difference of a gyro-average from a closed form, over its peak.
fn error(synthetic: &Synthetic, field: [f64; 3], cells: usize, exact: impl Fn(f64, f64) -> f64) -> f64 {
    let vdf = sampled(synthetic, 10.0, cells);
    let frame = about(field, DRIFT);
    let nodes = ReducedGrid::new([-4.0, 4.0], 6.0, [23, 19]).unwrap();
    let expected = ReducedDistribution::from_fn(frame, nodes, exact).unwrap();
    let found = vdf.gyro_average(&frame, &nodes);
    let peak = expected.values().iter().copied().fold(0.0, f64::max);
    let difference = found.values.iter().zip(&expected.values).map(|(a, b)| (a - b).abs());
    difference.fold(0.0, f64::max) / peak
}

#[test]
fn rings_come_back_with_third_order() {
    for field in FIELDS {
        // Fast enough that the kink at w⊥ = 0 does not show.
        let ring = Shape::Ring { speed: 5.0, width: 1.0, v_th_par: 1.2, field };
        let ring = Synthetic::single(2.0, DRIFT, ring).unwrap();
        let across = about(field, DRIFT);
        let exact = |par: f64, perp: f64| ring.evaluate(across.velocity(par, perp, [0.6, 0.8]));
        let [coarse, fine] = [36, 72].map(|cells| error(&ring, field, cells, exact));
        assert!(coarse < 0.05 && fine < 0.2 * coarse, "{coarse} {fine}");
    }
}

#[test]
fn the_average_of_a_crescent_is_a_ring_with_the_mean_of_its_bunching() {
    let field = FIELDS[2];
    let (speed, width, v_th_par) = (4.0, 1.0, 1.2);
    let crescent = Shape::Crescent { speed, width, v_th_par, field, towards: [0.0, 0.0, 1.0], sharpness: 2.0 };
    let crescent = Synthetic::single(2.0, DRIFT, crescent).unwrap();
    // At phase zero the bunching is 1, its mean ⟨cos⁴(φ/2)⟩ = 3/8.
    let frame = about(field, DRIFT);
    let peak = (0..3600)
        .map(|k| f64::from(k) * TAU / 3600.0)
        .map(|phase| crescent.evaluate(frame.velocity(0.0, speed, [phase.cos(), phase.sin()])))
        .fold(0.0, f64::max);
    let gaussian = |x: f64, width: f64| (-0.5 * (x / width).powi(2)).exp();
    let exact = |par: f64, perp: f64| 0.375 * peak * gaussian(perp - speed, width) * gaussian(par, v_th_par);
    let [coarse, fine] = [36, 72].map(|cells| error(&crescent, field, cells, exact));
    assert!(coarse < 0.05 && fine < 0.2 * coarse, "{coarse} {fine}");
}

#[test]
fn the_distribution_along_the_field_is_that_of_its_closed_form() {
    for field in FIELDS {
        let vdf = bi_maxwellian(field, 60);
        let frame = about(field, [0.0; 3]);
        let nodes = ReducedGrid::covering(vdf.grid(), &frame, [121, 81]).unwrap();
        let reduced = vdf.gyro_average(&frame, &nodes);
        let drift = frame.parallel_and_perpendicular(DRIFT)[0];
        let peak = 5.0 / (2.0 * TAU.sqrt());
        for (v, f) in nodes.parallel().iter().zip(reduced.parallel()) {
            let exact = peak * (-0.125 * (v - drift).powi(2)).exp();
            assert!((f - exact).abs() < 2e-3 * peak, "{v}: {f} {exact}");
        }
        assert_relative_eq!(reduced.density(), 5.0, max_relative = 2e-3);
        // 2π ∫ v⊥ (∫ f dv∥) dv⊥ is the density too.
        let weights = nodes.perpendicular_weights();
        let across: f64 = reduced.perpendicular().iter().zip(&weights).map(|(f, w)| TAU * f * w).sum();
        assert_relative_eq!(across, reduced.density(), max_relative = 1e-12);
    }
}

#[test]
fn along_an_axis_it_is_the_marginal() {
    let vdf = bi_maxwellian([0.0, 0.0, 1.0], 40);
    let frame = about([0.0, 0.0, 1.0], DRIFT);
    let centres: Vec<f64> = vdf.grid().centres(2).iter().map(|v| v - DRIFT[2]).collect();
    let nodes = ReducedGrid::new([centres[0], centres[39]], 12.0, [40, 49]).unwrap();
    let marginal = vdf.marginal_on_axis(2).unwrap();
    for (found, expected) in vdf.gyro_average(&frame, &nodes).parallel().iter().zip(marginal) {
        assert_relative_eq!(*found, expected, max_relative = 5e-3, epsilon = 1e-9);
    }
}

#[test]
fn quadratures_of_exact_values_are_exact_to_their_order() {
    let frame = about(FIELDS[1], [0.0; 3]);
    let error = |n: usize| {
        let nodes = ReducedGrid::new([-20.0, 20.0], 10.0, [61, n]).unwrap();
        let f = |par: f64, perp: f64| (-0.125 * par * par - 0.5 * perp * perp).exp() / (2.0 * TAU.powf(1.5));
        (ReducedDistribution::from_fn(frame, nodes, f).unwrap().density() - 1.0).abs()
    };
    assert!(error(21) / error(41) > 50.0 && error(401) < 1e-12, "{} {} {}", error(21), error(41), error(401));
}

#[test]
fn a_gyrotropic_distribution_is_its_own_average() {
    for field in FIELDS {
        let shape = Shape::BiMaxwellian { v_th_par: 1.5, v_th_perp: 2.0, field };
        let difference = |cells: usize| {
            let vdf = sampled(&Synthetic::single(1.0, DRIFT, shape).unwrap(), 10.0, cells);
            let frame = about(field, DRIFT);
            let nodes = ReducedGrid::covering(vdf.grid(), &frame, [5 * cells / 2, 2 * cells]).unwrap();
            let back = vdf.gyro_average(&frame, &nodes).to_vdf(vdf.grid()).unwrap();
            // In the middle of the box: circles that leave it find nothing there.
            let inside = |v: f64| v.abs() < 5.0;
            let mut worst = 0.0;
            for ((x, y, z), f) in vdf.values().indexed_iter() {
                let v = [vdf.grid().centre(0, x), vdf.grid().centre(1, y), vdf.grid().centre(2, z)];
                if v.into_iter().all(inside) {
                    worst = f64::max(worst, (f - back.values()[[x, y, z]]).abs());
                }
            }
            worst / vdf.peak()
        };
        let [coarse, fine] = [20, 40].map(difference);
        assert!(coarse < 0.02 && fine < 0.2 * coarse, "{coarse} {fine}");
    }
}

#[test]
fn odd_grids_give_an_answer() {
    use crate::distribution::grid::VelocityGrid;
    let frame = about([1.0, 1.0, 0.0], [0.0; 3]);
    let nodes = ReducedGrid::new([-1.0, 1.0], 1.0, [3, 3]).unwrap();
    for grid in [
        VelocityGrid::unit([1, 1, 1]),
        VelocityGrid::unit([1, 1, 9]),
        VelocityGrid::new([2, 2, 2], [-1e6, -1.0, -1e-6], [1e6, 1.0, 1e-6]),
        VelocityGrid::new([2, 2, 2], [1e70; 3], [1e70; 3]),
    ] {
        let vdf = Vdf::from_fn(grid.unwrap(), |_| 1e300).unwrap();
        let reduced = vdf.gyro_average(&frame, &nodes);
        assert!(reduced.values().iter().all(|f| f.is_finite()));
        assert_eq!(reduced.parallel().len(), 3);
        assert!(reduced.to_vdf(vdf.grid()).is_ok());
    }
    assert!(ReducedDistribution::from_fn(frame, nodes, |_, _| f64::NAN).is_err());
    let far = about([1.0, 1.0, 0.0], [1e300; 3]);
    assert_eq!(Vdf::zeros(VelocityGrid::unit([2; 3]).unwrap()).gyro_average(&far, &nodes).density(), 0.0);
}
