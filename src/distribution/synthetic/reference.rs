//! Moments by brute force, from `evaluate` alone.

use std::f64::consts::{PI, TAU};

use super::shape::{perpendicular, unit};
use super::{Synthetic, dot};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;

/// Midpoint sums over a box of half-width `reach`: exponentially accurate for smooth, decaying distributions.
pub(super) fn summed(distribution: &Synthetic, reach: f64, spacing: f64) -> Moments {
    let cells = (2.0 * reach / spacing).ceil() as usize;
    let grid = VelocityGrid::from_edges([cells; 3], [-reach; 3], [reach; 3]).unwrap();
    Vdf::from_fn(grid, |v| distribution.evaluate(v)).unwrap().moments()
}

/// Quadrature in spherical coordinates about `centre` with the field as pole, radii mapped from [0, 1) by
/// r = `scale` t/(1−t): every shape is smooth in these, out to its algebraic tails.
pub(super) fn spherical(distribution: &Synthetic, centre: [f64; 3], field: [f64; 3], scale: f64) -> Moments {
    let pole = unit(field).unwrap();
    let x = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]].map(|t| perpendicular(t, pole));
    let x = unit(if dot(x[0], x[0]) > 0.3 { x[0] } else { x[1] }).unwrap();
    let y = [pole[1] * x[2] - pole[2] * x[1], pole[2] * x[0] - pole[0] * x[2], pole[0] * x[1] - pole[1] * x[0]];
    let phases: Vec<(f64, f64)> = (0..32).map(|k| (TAU * (f64::from(k) + 0.37) / 32.0).sin_cos()).collect();
    let mut nodes = Vec::new();
    for (t, dt) in composite(90) {
        let r = scale * t / (1.0 - t);
        let dr = scale * dt / (1.0 - t).powi(2);
        for (a, da) in composite(24) {
            let (sin, cos) = (PI * a).sin_cos();
            for (s, c) in &phases {
                let w: [f64; 3] = std::array::from_fn(|i| r * (cos * pole[i] + sin * (c * x[i] + s * y[i])));
                let v = std::array::from_fn(|i| centre[i] + w[i]);
                nodes.push((w, distribution.evaluate(v) * r * r * dr * sin * PI * da * TAU / 32.0));
            }
        }
    }
    let mut first = [0.0; 4];
    for (w, mass) in &nodes {
        for (sum, term) in first.iter_mut().zip([1.0, w[0], w[1], w[2]]) {
            *sum += term * mass;
        }
    }
    let density = first[0];
    let mean: [f64; 3] = std::array::from_fn(|i| first[i + 1] / density);
    let (mut pressure, mut heat_flux) = ([[0.0; 3]; 3], [0.0; 3]);
    for (w, mass) in &nodes {
        let w: [f64; 3] = std::array::from_fn(|i| w[i] - mean[i]);
        for i in 0..3 {
            heat_flux[i] += 0.5 * w[i] * dot(w, w) * mass;
            for j in 0..3 {
                pressure[i][j] += w[i] * w[j] * mass;
            }
        }
    }
    Moments { density, bulk_velocity: std::array::from_fn(|i| centre[i] + mean[i]), pressure, heat_flux }
}

/// Five-point Gauss-Legendre nodes and weights on each of `panels` panels of [0, 1] (Abramowitz and Stegun 25.4).
fn composite(panels: u32) -> impl Iterator<Item = (f64, f64)> {
    let rule = [
        (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
        (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    let width = 1.0 / f64::from(panels);
    (0..panels).flat_map(move |k| rule.map(|(x, w)| ((f64::from(k) + 0.5 * (x + 1.0)) * width, 0.5 * w * width)))
}

/// Compares moments, each in its own natural unit.
#[track_caller]
pub(super) fn assert_moments(exact: &Moments, reference: &Moments, tolerance: f64) {
    let v_th = exact.thermal_speed();
    let mut worst = (exact.density - reference.density).abs() / exact.density;
    for i in 0..3 {
        worst = worst.max((exact.bulk_velocity[i] - reference.bulk_velocity[i]).abs() / v_th);
        worst = worst.max((exact.heat_flux[i] - reference.heat_flux[i]).abs() / (exact.density * v_th.powi(3)));
        for j in 0..3 {
            let difference = (exact.pressure[i][j] - reference.pressure[i][j]).abs();
            worst = worst.max(difference / (exact.density * v_th * v_th));
        }
    }
    assert!(worst <= tolerance, "off by {worst:e}:\n{exact:?}\n{reference:?}");
}
