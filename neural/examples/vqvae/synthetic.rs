//! Synthetic distributions at collisionless shocks, to learn from.

use std::array;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use vdf_basis::distribution::synthetic::{Jitter, Shock, Traced, TracedShock};
use vdf_basis::{Result, Sampling, ShockPopulation, Vdf, VelocityGrid};

/// Upstream flow speed [m s⁻¹] of all shocks. Only its ratio to the thermal speed and to the cells of the grid matters.
const SPEED: f64 = 4e5;
/// Range of the upstream flow speed over the thermal speed.
const MACH: [f64; 2] = [3.5, 7.0];
/// Range of the upstream thermal speed in cells.
const CELLS_PER_THERMAL_SPEED: [f64; 2] = [0.8, 1.8];

/// Range of positions through the traced shocks [u₁/Ω₁], from just upstream of the ramp to some gyrations downstream, where
/// filaments are as thin as cells.
const POSITIONS: [f64; 2] = [-0.7, 6.0];

/// Distributions of `walk` cells of shocks composed of Maxwellians and rings, and of `traced` cells of shocks whose particles
/// are traced back, each through a shock of its own: thermal speed, compression, angle and width vary, and so do the place
/// and the spacing of the grid and the directions of its axes. The grids have this shape and unit spacing.
pub fn population(shape: [usize; 3], walk: usize, traced: usize, seed: u64) -> Result<Vec<Vdf>> {
    let unit = VelocityGrid::unit(shape)?;
    (0..walk + traced)
        .into_par_iter()
        .map(|k| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(k as u64);
            let mach = rng.random_range(MACH[0]..MACH[1]);
            let v_th = SPEED / mach;
            let grid = grid(shape, v_th, &mut rng)?;
            let vdf = if k < walk { of_walk(&grid, v_th, &mut rng)? } else { of_traced(&grid, v_th, &mut rng)? };
            Vdf::from_vec(unit, turned(vdf.as_slice(), shape, &mut rng))
        })
        .collect()
}

/// A grid of cells in a ratio to the thermal speed, that lies about the flow between upstream and downstream.
fn grid(shape: [usize; 3], v_th: f64, rng: &mut ChaCha8Rng) -> Result<VelocityGrid> {
    let spacing = v_th / rng.random_range(CELLS_PER_THERMAL_SPEED[0]..CELLS_PER_THERMAL_SPEED[1]);
    let centre = [SPEED * rng.random_range(0.0..0.8), 0.0, 0.0];
    let lower =
        array::from_fn(|axis| centre[axis] - spacing * (0.5 * shape[axis] as f64 + rng.random_range(-0.5..0.5)));
    VelocityGrid::new(shape, lower, [spacing; 3])
}

fn of_walk(grid: &VelocityGrid, v_th: f64, rng: &mut ChaCha8Rng) -> Result<Vdf> {
    /// Cells of the walk, of which one is taken.
    const CELLS: usize = 1000;
    let shock = Shock {
        v_th,
        compression: rng.random_range(2.0..3.5),
        obliquity: rng.random_range(60.0..90.0),
        anisotropy: rng.random_range(1.0..2.5),
        speed: SPEED,
        ..Shock::default()
    };
    let population = ShockPopulation::through(shock, CELLS, Jitter { amplitude: 0.2, seed: rng.random() })?;
    population.get(rng.random_range(0..CELLS))?.sample(grid, Sampling::default())
}

fn of_traced(grid: &VelocityGrid, v_th: f64, rng: &mut ChaCha8Rng) -> Result<Vdf> {
    let shock = TracedShock {
        v_th,
        speed: SPEED,
        compression: rng.random_range(2.0..3.5),
        obliquity: rng.random_range(70.0..90.0),
        potential: rng.random_range(0.2..0.7),
        half_width: rng.random_range(0.05..0.2),
        ..TracedShock::default()
    };
    Traced::shock(shock)?.sample(rng.random_range(POSITIONS[0]..POSITIONS[1]), grid)
}

/// The values with axes of equal lengths exchanged and axes turned round at random.
fn turned(values: &[f64], shape: [usize; 3], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut axes = [0, 1, 2];
    for axis in [2, 1] {
        let other = rng.random_range(0..=axis);
        if shape[axis] == shape[other] {
            axes.swap(axis, other);
        }
    }
    let flips: [bool; 3] = array::from_fn(|_| rng.random());
    let [nx, ny, nz] = shape;
    let place = |index: [usize; 3]| {
        let mut from = [0; 3];
        for axis in 0..3 {
            from[axes[axis]] = if flips[axis] { shape[axis] - 1 - index[axis] } else { index[axis] };
        }
        (from[0] * ny + from[1]) * nz + from[2]
    };
    let indices = (0..nx).flat_map(|x| (0..ny).flat_map(move |y| (0..nz).map(move |z| [x, y, z])));
    indices.map(|index| values[place(index)]).collect()
}
