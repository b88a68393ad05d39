//! Gaussians about as narrow as cells, and narrower: values at the centres of the cells are all that is known of them.

use super::*;
use crate::distribution::vdf::Vdf;
use nalgebra::{Matrix3, Rotation3, Vector3};

const ALL: [Covariance; 3] = [Covariance::Isotropic, Covariance::Diagonal, Covariance::Full];

fn sampled(grid: VelocityGrid, gaussian: &Gaussian) -> Vdf {
    let Gaussian { peak, frame } = gaussian;
    Vdf::from_fn(grid, |v| peak * (-0.5 * frame.to_frame(v).iter().map(|x| x * x).sum::<f64>()).exp()).unwrap()
}

/// Relative error of the nearest Gaussian.
fn error(vdf: &Vdf, covariance: Covariance) -> f64 {
    let (found, report) = nearest("test", vdf, covariance).unwrap();
    let error = crate::distribution::fidelity::relative_l2(vdf, &sampled(*vdf.grid(), &found));
    assert!(error <= 1.0 + 1e-12, "{covariance:?} worse than nothing: {error} {report:?}");
    assert!(report.cost <= report.initial_cost * (1.0 + 1e-9), "{covariance:?} {report:?}");
    error
}

/// A grid of 20 x 18 x 16 cells with its middle at 700 km/s along the first axis.
fn grid(spacing: [f64; 3]) -> VelocityGrid {
    let lower = [7e5 - 10.0 * spacing[0], -9.0 * spacing[1], -8.0 * spacing[2]];
    VelocityGrid::new([20, 18, 16], lower, spacing).unwrap()
}

/// Places within a cell, in cells from the centre of cell (0, 0, 0).
const PLACES: [[f64; 3]; 6] =
    [[9.0, 9.0, 8.0], [9.7, 8.2, 7.4], [9.5, 8.5, 7.5], [9.49, 8.51, 8.0], [0.0, 17.0, 7.3], [-0.4, 17.4, 0.3]];

fn at(grid: &VelocityGrid, place: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| grid.centre(axis, 0) + place[axis] * grid.spacing()[axis])
}

#[test]
fn a_gaussian_narrower_than_a_cell_is_found_exactly() {
    let grid = grid([3e4; 3]);
    for width in [0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7] {
        for place in PLACES {
            let frame = Frame::grid_aligned(at(&grid, place), [width * 3e4; 3]);
            let vdf = sampled(grid, &Gaussian { peak: 2e-13, frame });
            for covariance in ALL {
                let error = error(&vdf, covariance);
                assert!(error < 1e-9, "{covariance:?} {width} {place:?}: {error}");
            }
        }
    }
}

#[test]
fn widths_may_differ_by_axis_and_axes_may_be_tilted() {
    for spacing in [[3e4; 3], [1.0, 6.0, 36.0], [1.0, 1e3, 1e6], [1e6, 1.0, 1e3]] {
        let grid = grid(spacing);
        for widths in [[0.15, 0.4, 0.2], [0.2, 3.0, 2.5], [2.0, 0.13, 0.5], [3.0, 2.0, 0.3]] {
            for place in PLACES {
                let scales = std::array::from_fn(|axis| widths[axis] * spacing[axis]);
                let frame = Frame::grid_aligned(at(&grid, place), scales);
                let error = error(&sampled(grid, &Gaussian { peak: 1.0, frame }), Covariance::Diagonal);
                assert!(error < 1e-5, "{spacing:?} {widths:?} {place:?}: {error}");
                // Tilted in cells.
                let tilt = Rotation3::from_scaled_axis(Vector3::new(0.2, -0.3, 0.4));
                let in_cells = tilt.matrix() * Matrix3::from_diagonal(&Vector3::from(widths));
                let factor = Matrix3::from_diagonal(&Vector3::from(spacing)) * in_cells;
                let frame = frame_of_factor(at(&grid, place), &factor);
                let error = self::error(&sampled(grid, &Gaussian { peak: 1.0, frame }), Covariance::Full);
                assert!(error < 1e-5, "tilted {spacing:?} {widths:?} {place:?}: {error}");
            }
        }
    }
}

#[test]
fn a_round_gaussian_is_found_on_cells_of_any_sides() {
    for spacing in [[1.0, 1.0, 6.0], [1.0, 6.0, 36.0], [36.0, 1.0, 6.0], [1.0, 1e3, 1e6]] {
        let grid = grid(spacing);
        for width in [0.3, 1.0, 3.0, 30.0, 1e3] {
            for place in PLACES {
                let frame = Frame::grid_aligned(at(&grid, place), [width; 3]);
                let vdf = sampled(grid, &Gaussian { peak: 1.0, frame });
                // Planes that are empty to the last digit tell nothing of a width.
                let Ok((found, _)) = nearest("test", &vdf, Covariance::Isotropic) else { continue };
                let error = crate::distribution::fidelity::relative_l2(&vdf, &sampled(grid, &found));
                let planes_seen = spacing.iter().all(|h| width > 0.12 * h);
                assert!(error <= if planes_seen { 1e-8 } else { 1.0 }, "{spacing:?} {width} {place:?}: {error}");
            }
        }
    }
}

#[test]
fn narrow_gaussians_of_any_magnitude_and_sign_are_found() {
    let grid = grid([1.0; 3]);
    for peak in [1e-290, -1e-100, -3.0, 1e290] {
        let frame = Frame::grid_aligned(at(&grid, [9.7, 8.2, 7.4]), [0.2, 0.3, 0.5]);
        for covariance in [Covariance::Diagonal, Covariance::Full] {
            let error = error(&sampled(grid, &Gaussian { peak, frame }), covariance);
            assert!(error < 1e-6, "{peak:e} {covariance:?} {error}");
        }
    }
}

#[test]
fn no_fit_is_worse_than_nothing() {
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for case in 0..200 {
        let shape = std::array::from_fn(|_| 1 + (random() * 9.0) as usize);
        let spacing = std::array::from_fn(|_| 10f64.powf(3.0 * random()));
        let grid = VelocityGrid::new(shape, [0.0; 3], spacing).unwrap();
        let sparse = random();
        let mut values: Vec<f64> = (0..grid.cells())
            .map(|_| {
                let value = (20.0 * (random() - 0.5)).exp() * if case % 3 == 0 { random() - 0.5 } else { 1.0 };
                if random() < sparse { 0.0 } else { value }
            })
            .collect();
        if case % 5 == 0 {
            values[0] = 1e12;
        }
        let vdf = Vdf::from_vec(grid, values).unwrap();
        for covariance in ALL {
            if nearest("test", &vdf, covariance).is_ok() {
                error(&vdf, covariance);
            }
        }
    }
}

/// A narrow beam in a wide halo, and what a threshold leaves of a beam.
#[test]
fn beams_that_are_not_alone_are_found_nearly() {
    let grid = grid([3e4; 3]);
    let beam = Gaussian { peak: 1.0, frame: Frame::grid_aligned(at(&grid, [9.7, 8.2, 7.4]), [6e3; 3]) };
    let halo = Gaussian { peak: 1e-6, frame: Frame::grid_aligned(at(&grid, [9.0, 8.0, 8.0]), [1e5; 3]) };
    let both: Vec<f64> =
        sampled(grid, &beam).as_slice().iter().zip(sampled(grid, &halo).as_slice()).map(|(a, b)| a + b).collect();
    let cut: Vec<f64> = both.iter().map(|&f| if f < 5e-6 { 0.0 } else { f }).collect();
    for values in [both, cut] {
        let vdf = Vdf::from_vec(grid, values).unwrap();
        for covariance in ALL {
            let error = error(&vdf, covariance);
            assert!(error < 0.05, "{covariance:?} {error}");
        }
    }
}
