//! Traced distributions against what uniform fields, energy, volumes and fluxes demand, and what shocks show.

use approx::assert_relative_eq;
use nalgebra::Matrix6;

use super::*;
use crate::distribution::moments::Moments;

fn shock() -> Traced {
    Traced::shock(TracedShock::default()).unwrap()
}

fn sheet() -> Traced {
    Traced::current_sheet(CurrentSheet::default()).unwrap()
}

fn maxwellian(v: [f64; 3], shock: &TracedShock) -> f64 {
    let q = ((v[0] - shock.speed).powi(2) + v[1] * v[1] + v[2] * v[2]) / shock.v_th.powi(2);
    shock.density * (-0.5 * q).exp() / (TAU.sqrt() * shock.v_th).powi(3)
}

#[test]
fn without_a_shock_the_maxwellian_of_the_source_comes_back() {
    for obliquity in [90.0, 75.0] {
        let plain = TracedShock { compression: 1.0, potential: 0.0, obliquity, ..TracedShock::default() };
        let traced = Traced::shock(plain).unwrap();
        for position in [-2.0, 0.0, 0.7] {
            for v in [[4e5, 0.0, 0.0], [3e5, 1.5e5, -0.5e5], [-1e5, 2e5, 1e5], [6e5, -1e5, 2e5]] {
                let (found, expected) = (traced.evaluate(position, v), maxwellian(v, &plain));
                assert_relative_eq!(found, expected, epsilon = 0.0, max_relative = 1e-9);
            }
        }
    }
    // Upstream of the reflected ions nothing has changed either.
    for v in [[4e5, 0.0, 0.0], [5e5, 1e5, -0.5e5]] {
        let expected = maxwellian(v, &TracedShock::default());
        assert_relative_eq!(shock().evaluate(-5.0, v), expected, epsilon = 0.0, max_relative = 1e-11);
    }
}

#[test]
fn a_particle_without_fields_moves_in_a_straight_line() {
    let nothing = |_| Field { electric: [0.0; 3], magnetic: [0.0; 3] };
    let mut state = State { position: [1.0, 2.0, 3.0], velocity: [0.5, -1.0, 0.25] };
    for _ in 0..100 {
        state = state.step(-0.01, nothing);
    }
    assert_eq!(state.velocity, [0.5, -1.0, 0.25]);
    for (x, expected) in state.position.into_iter().zip([0.5, 3.0, 2.75]) {
        assert_relative_eq!(x, expected, max_relative = 1e-13);
    }
}

/// Kinetic energy and potentials of a particle in the shock, in units of m u₁².
fn energy(traced: &Traced, state: &State) -> f64 {
    let Fields::Shock(shock) = traced.fields else { panic!("a shock") };
    let t = (0.5 * (state.position[0] / shock.half_width + 1.0)).clamp(0.0, 1.0);
    let potential = 0.5 * shock.potential * t * t * t * (10.0 + t * (6.0 * t - 15.0));
    let motional = traced.field([0.0; 3]).electric[1] * state.position[1];
    0.5 * length(state.velocity).powi(2) + potential - motional
}

#[test]
fn energy_is_conserved_to_the_second_order_of_the_step() {
    let traced = shock();
    let mut errors = [0.0_f64; 2];
    for v in [[0.3, 0.4, 0.1], [-0.5, 0.8, 0.0], [0.1, -0.6, 0.3], [0.9, 0.5, -0.2]] {
        let start = State { position: [0.3, 0.0, 0.0], velocity: v };
        for (error, refinement) in errors.iter_mut().zip([1.0, 0.5]) {
            let end = traced.traced_back(start, refinement).unwrap();
            *error = error.max((energy(&traced, &end) - energy(&traced, &start)).abs());
        }
    }
    let [coarse, fine] = errors;
    assert!(coarse < 2e-3, "{coarse:e}");
    assert!(coarse / fine > 3.0, "{coarse:e}, {fine:e}");
}

#[test]
fn volumes_of_phase_space_are_conserved() {
    for traced in [shock(), sheet()] {
        let after = |numbers: [f64; 6]| -> [f64; 6] {
            let [x, y, z, a, b, c] = numbers;
            let mut state = State { position: [x, y, z], velocity: [a, b, c] };
            for _ in 0..300 {
                state = state.step(-0.01, |at| traced.field(at));
            }
            let (p, v) = (state.position, state.velocity);
            [p[0], p[1], p[2], v[0], v[1], v[2]]
        };
        let start = [0.1, 0.2, 0.3, 0.4, -0.5, 0.2];
        let mut jacobian = Matrix6::zeros();
        for column in 0..6 {
            let moved = |by: f64| {
                let mut numbers = start;
                numbers[column] += by;
                after(numbers)
            };
            let (above, below) = (moved(1e-5), moved(-1e-5));
            for row in 0..6 {
                jacobian[(row, column)] = (above[row] - below[row]) / 2e-5;
            }
        }
        assert_relative_eq!(jacobian.determinant(), 1.0, max_relative = 1e-4);
    }
}

fn moments(traced: &Traced, position: f64, cells: usize) -> Moments {
    traced.sample(position, &traced.grid(cells).unwrap()).unwrap().moments()
}

#[test]
fn the_mass_flux_is_the_same_everywhere() {
    let shock = TracedShock { v_th: 1e5, ..TracedShock::default() };
    let traced = Traced::shock(shock).unwrap();
    for position in [-1.0, -0.2, 0.0, 0.5] {
        let m = moments(&traced, position, 30);
        let flux = m.density * m.bulk_velocity[0] / (shock.density * shock.speed);
        assert!((flux - 1.0).abs() < 0.05, "{position}: {flux}");
    }
}

#[test]
fn particles_are_followed_from_far_downstream() {
    for half_width in [0.01, 1.0 / 12.0, 1.0] {
        let traced = Traced::shock(TracedShock { half_width, ..TracedShock::default() }).unwrap();
        // Flow and thermal speed behind the ramp.
        let found: f64 = (0..40).map(|k| traced.evaluate(150.0, [1.3e5 + 5e3 * f64::from(k), 0.0, 0.0])).sum();
        assert!(found > 0.0, "{half_width}");
    }
    assert!(shock().sample(201.0, &shock().grid(2).unwrap()).unwrap_err().to_string().contains("-200 to 200"));
}

#[test]
fn the_density_is_the_same_along_trajectories_also_with_a_guide_field() {
    for guide in [0.0, 1.0, -0.5] {
        let sheet = CurrentSheet { guide, ..CurrentSheet::default() };
        let traced = Traced::current_sheet(sheet).unwrap();
        for velocity in [[0.3, -0.4, -0.2], [-0.5, 0.2, -0.6], [0.8, 0.1, 0.1]] {
            // In the lobe, and some gyrations before.
            let now = State { position: [0.0, 0.0, 12.0], velocity };
            let mut before = now;
            for _ in 0..4000 {
                before = before.step(-0.005, |at| traced.field(at));
            }
            let at = |state: &State| traced.evaluate(state.position[2], state.velocity.map(|v| v * sheet.v_th));
            let (now, before) = (at(&now), at(&before));
            assert!(now > 0.0 && (before / now - 1.0).abs() < 1e-2, "{guide}, {velocity:?}: {before:e}, {now:e}");
        }
    }
}

#[test]
fn ions_are_reflected_upstream_and_gyrate_downstream() {
    let traced = shock();
    let grid = traced.grid(30).unwrap();
    let backwards = |position: f64| {
        let f = traced.sample(position, &grid).unwrap();
        let cells = (0..grid.shape()[0]).filter(|&k| grid.centre(0, k) < 0.0).count();
        let [_, ny, nz] = grid.shape();
        f.as_slice()[..cells * ny * nz].iter().sum::<f64>() / f.as_slice().iter().sum::<f64>()
    };
    assert!(backwards(-0.25) > 0.02, "{}", backwards(-0.25));
    assert!(backwards(-3.0) < 1e-8);
    // Reflected ions have gained energy along the motional electric field, +y.
    assert!(moments(&traced, -0.25, 30).bulk_velocity[1] > 0.02 * 4e5);
    // Downstream the pressure across the field differs between directions.
    let m = moments(&traced, 0.3, 30);
    let ratio = m.pressure[0][0] / m.pressure[1][1];
    assert!(!(0.8..1.25).contains(&ratio) || m.pressure[0][1].abs() > 0.1 * m.pressure[0][0], "{m:?}");
    assert!(m.thermal_speed() > 1.5 * 6e4);
}

#[test]
fn a_sheet_turns_inflow_into_beams() {
    let (inside, lobe) = (moments(&sheet(), 0.0, 24), moments(&sheet(), 3.0, 24));
    // The mean velocity along x is that of ions accelerated by E_y.
    assert!(inside.bulk_velocity[0] > 0.3 * 2e5 && inside.pressure[0][0] > 1.2 * inside.density * 4e10, "{inside:?}");
    assert!(lobe.density > 0.5e6);
    // Both lobes are alike: z → −z turns the field of the sheet into its mirror image.
    let [above, below] = [2.0, -2.0].map(|z| moments(&sheet(), z, 24));
    // But for rounding errors, which grow along the trajectories that meander longest.
    assert_relative_eq!(above.density, below.density, max_relative = 1e-5);
}

#[test]
fn seeds_names_and_limits() {
    for name in Traced::names() {
        assert_eq!(Traced::named(name, 3).unwrap(), Traced::named(name, 3).unwrap());
        assert_ne!(Traced::named(name, 3).unwrap(), Traced::named(name, 0).unwrap());
        let traced = Traced::named(name, 5).unwrap();
        assert_eq!(traced.position(0, 9), traced.walk()[0]);
        assert_eq!(traced.position(8, 9), traced.walk()[1]);
        assert!(traced.position(0, 1).is_finite());
        assert!(traced.sample(f64::NAN, &traced.grid(4).unwrap()).is_err() && traced.grid(0).is_err());
        assert_eq!(traced.evaluate(0.0, [1e300; 3]), 0.0);
    }
    assert!(Traced::named("shock-traced", 0).unwrap_err().to_string().contains("traced-shock or current-sheet"));
    let shock = TracedShock::default();
    for (name, shock) in [
        ("compression", TracedShock { compression: 5.0, ..shock }),
        ("potential", TracedShock { potential: f64::NAN, ..shock }),
        ("half_width", TracedShock { half_width: 0.0, ..shock }),
        ("speed", TracedShock { speed: -1.0, ..shock }),
    ] {
        assert!(Traced::shock(shock).unwrap_err().to_string().starts_with(name), "{name}");
    }
    let sheet = CurrentSheet::default();
    assert!(Traced::current_sheet(CurrentSheet { normal: 0.0, ..sheet }).is_err());
    assert!(Traced::current_sheet(CurrentSheet { inflow: f64::INFINITY, ..sheet }).is_err());
}

#[test]
fn fields_and_samples_are_those_of_the_trajectories() {
    let strength = |traced: Traced, at: f64| length(traced.magnetic_field(at).unwrap());
    assert_relative_eq!(strength(shock(), -5.0), 1.0, max_relative = 1e-14);
    let perpendicular = Traced::shock(TracedShock { obliquity: 90.0, ..TracedShock::default() }).unwrap();
    assert_relative_eq!(strength(perpendicular, 5.0), TracedShock::default().compression, max_relative = 1e-14);
    let [below, above] = [-3.0, 3.0].map(|z| sheet().magnetic_field(z).unwrap());
    assert!(below[0] == -above[0] && above[0] > 0.9 && below[2] == above[2]);
    assert!(shock().magnetic_field(f64::NAN).is_err() && shock().is_shock() && !sheet().is_shock());
    // Cell by cell on all threads as one after another.
    let grid = sheet().grid(6).unwrap();
    let expected = Vdf::from_fn(grid, |v| sheet().evaluate(0.5, v)).unwrap();
    assert!(sheet().sample(0.5, &grid).unwrap() == expected && expected.peak() > 0.0);
}
