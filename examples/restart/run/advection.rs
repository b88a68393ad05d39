//! Semi-Lagrangian shifts: exact in x for what the grid resolves, by cubic splines in vx. Both conserve mass.

use std::f64::consts::TAU;

use rayon::prelude::*;

/// The pole √3 − 2 of the filter that turns values into coefficients of cubic B-splines (Unser 1999).
const POLE: f64 = -0.267_949_192_431_122_7;

/// Cells of x and vx, each holding a row of the velocities across: `cells[x][vx * row + k]`.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Cells in x.
    pub space: usize,
    /// Cells in vx.
    pub parallel: usize,
    /// Cells in vy and vz together.
    pub row: usize,
}

/// Shifts along x by v dt/2 for the vx of every cell.
#[derive(Debug)]
pub struct SpaceShift {
    layout: Layout,
    /// Weights of the cells at distance d before the target, for each vx: trigonometric interpolation, which moves every
    /// Fourier mode of the periodic grid by the exact phase.
    weights: Vec<f64>,
}

impl SpaceShift {
    /// Shifts by `distances`, one for each vx, in units of the box' length.
    pub fn new(layout: Layout, distances: &[f64]) -> Self {
        let cells = layout.space;
        let weight = |distance: f64, d: usize| {
            let x = d as f64 / cells as f64;
            let modes = (1..cells.div_ceil(2)).map(|m| 2.0 * (TAU * m as f64 * (x - distance)).cos());
            let sum = 1.0 + modes.sum::<f64>();
            // The highest mode of an even number of cells has no phase: only its cosine is moved.
            let half = cells as f64 / 2.0;
            let highest =
                if cells.is_multiple_of(2) { (TAU * half * x).cos() * (TAU * half * distance).cos() } else { 0.0 };
            (sum + highest) / cells as f64
        };
        let weights = distances.iter().flat_map(|&distance| (0..cells).map(move |d| weight(distance, d))).collect();
        Self { layout, weights }
    }

    /// The shifted cells.
    pub fn apply(&self, cells: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let Layout { space, parallel, row } = self.layout;
        let shifted = |x: usize| {
            let mut target = vec![0.0; parallel * row];
            for (v, target) in target.chunks_exact_mut(row).enumerate() {
                for (d, weight) in self.weights[v * space..(v + 1) * space].iter().enumerate() {
                    let source = &cells[(x + space - d) % space][v * row..(v + 1) * row];
                    target.iter_mut().zip(source).for_each(|(target, source)| *target += weight * source);
                }
            }
            target
        };
        (0..space).into_par_iter().map(shifted).collect()
    }
}

/// Shifts one cell along vx by `distance` cells of the grid, periodically.
///
/// Interpolation by cardinal cubic splines reproduces cubic polynomials, so that the sums of f, v f and v² f change exactly
/// as those of a shifted function.
pub fn shift_parallel(values: &mut [f64], layout: Layout, distance: f64) {
    let Layout { parallel, row, .. } = layout;
    let coefficients = spline_coefficients(values, parallel, row);
    let first = (-distance).floor();
    let t = -distance - first;
    let s = 1.0 - t;
    let weights = [s.powi(3), 3.0 * t.powi(3) - 6.0 * t * t + 4.0, 3.0 * s.powi(3) - 6.0 * s * s + 4.0, t.powi(3)]
        .map(|w| w / 6.0);
    // The cell before the first that counts, from 0 up.
    let before = (first as i64 - 1).rem_euclid(parallel as i64) as usize;
    for (v, target) in values.chunks_exact_mut(row).enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|q| {
            let from = (v + before + q) % parallel;
            &coefficients[from * row..(from + 1) * row]
        });
        for (k, target) in target.iter_mut().enumerate() {
            *target = weights[0] * a[k] + weights[1] * b[k] + weights[2] * c[k] + weights[3] * d[k];
        }
    }
}

/// Coefficients of the periodic cubic B-splines through the values: a causal and an anticausal recursion along vx.
fn spline_coefficients(values: &[f64], parallel: usize, row: usize) -> Vec<f64> {
    let around = 1.0 / (1.0 - POLE.powi(parallel as i32));
    let mut coefficients = values.to_vec();
    // First element of the causal recursion: Σ pole^j f[−j], j over one period.
    let mut carried = vec![0.0; row];
    for v in (1..parallel).rev() {
        let weight = around * POLE.powi((parallel - v) as i32);
        carried.iter_mut().zip(&values[v * row..(v + 1) * row]).for_each(|(sum, f)| *sum += weight * f);
    }
    carried.iter_mut().zip(values).for_each(|(sum, f)| *sum += around * f);
    coefficients[..row].copy_from_slice(&carried);
    for v in 1..parallel {
        let (done, rest) = coefficients.split_at_mut(v * row);
        rest[..row].iter_mut().zip(&done[(v - 1) * row..]).for_each(|(c, before)| *c += POLE * before);
    }
    // Last element of the anticausal recursion: Σ pole^j c[N − 1 + j].
    let last = (parallel - 1) * row;
    carried.iter_mut().zip(&coefficients[last..]).for_each(|(sum, c)| *sum = around * c);
    for v in 0..parallel - 1 {
        let weight = around * POLE.powi(v as i32 + 1);
        carried.iter_mut().zip(&coefficients[v * row..(v + 1) * row]).for_each(|(sum, c)| *sum += weight * c);
    }
    coefficients[last..].copy_from_slice(&carried);
    for v in (0..parallel - 1).rev() {
        let (now, after) = coefficients.split_at_mut((v + 1) * row);
        now[v * row..].iter_mut().zip(&after[..row]).for_each(|(c, after)| *c += POLE * after);
    }
    coefficients.iter_mut().for_each(|c| *c *= -6.0 * POLE);
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from 0 to 1 without a pattern.
    fn noise(count: usize) -> Vec<f64> {
        (0..count).map(|k| (12.9898 * k as f64 + 0.3).sin().mul_add(43758.5453, 0.0).rem_euclid(1.0)).collect()
    }

    #[test]
    fn a_wave_moves_by_its_exact_phase_and_mass_stays() {
        for space in [8, 9] {
            let layout = Layout { space, parallel: 2, row: 3 };
            let distances = [0.137, -2.6];
            let wave = |x: usize, shift: f64| (TAU * 3.0 * (x as f64 / space as f64 - shift)).cos() + 2.0;
            let cells: Vec<Vec<f64>> = (0..space).map(|x| vec![wave(x, 0.0); 6]).collect();
            let moved = SpaceShift::new(layout, &distances).apply(&cells);
            for (x, cell) in moved.iter().enumerate() {
                for (k, value) in cell.iter().enumerate() {
                    assert!((value - wave(x, distances[k / 3])).abs() < 1e-13);
                }
            }
        }
        let layout = Layout { space: 6, parallel: 1, row: 1 };
        let cells: Vec<Vec<f64>> = noise(6).into_iter().map(|value| vec![value]).collect();
        let moved = SpaceShift::new(layout, &[0.31]).apply(&cells);
        let mass = |cells: &[Vec<f64>]| cells.iter().map(|cell| cell[0]).sum::<f64>();
        assert!((mass(&moved) - mass(&cells)).abs() < 1e-14);
    }

    #[test]
    fn splines_interpolate_and_keep_the_first_three_moments() {
        let layout = Layout { space: 1, parallel: 40, row: 2 };
        let mut whole = noise(80);
        let before = whole.clone();
        shift_parallel(&mut whole, layout, 3.0);
        for v in 0..40 {
            assert!((whole[(v + 3) % 40 * 2] - before[v * 2]).abs() < 1e-13);
        }
        // Density in the middle only, so that nothing wraps around.
        let mut middle: Vec<f64> = noise(80);
        middle.iter_mut().enumerate().filter(|(k, _)| !(36..44).contains(&(k / 2 * 2))).for_each(|(_, f)| *f = 0.0);
        let moments = |f: &[f64], centre: f64| -> [f64; 3] {
            let sum = |p: i32| f.iter().enumerate().map(|(k, f)| ((k / 2) as f64 - centre).powi(p) * f).sum();
            [sum(0), sum(1), sum(2)]
        };
        let expected = moments(&middle, 20.0);
        shift_parallel(&mut middle, layout, -1.37);
        let found = moments(&middle, 20.0 - 1.37);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-7 * expected.abs().max(1.0), "{found}, not {expected}");
        }
    }

    #[test]
    fn splines_converge_with_the_fourth_order() {
        let error = |cells: usize| {
            let layout = Layout { space: 1, parallel: cells, row: 1 };
            let wave = |v: usize, shift: f64| (TAU * (v as f64 - shift) / cells as f64).sin();
            let mut values: Vec<f64> = (0..cells).map(|v| wave(v, 0.0)).collect();
            shift_parallel(&mut values, layout, 0.4);
            values.iter().enumerate().map(|(v, f)| (f - wave(v, 0.4)).abs()).fold(0.0, f64::max)
        };
        let ratio = error(16) / error(32);
        assert!((14.0..18.0).contains(&ratio), "{ratio}");
    }
}
