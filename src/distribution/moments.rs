//! Velocity moments: density, bulk velocity, pressure tensor, heat flux.

use super::grid::VelocityGrid;
use super::vdf::Vdf;
use crate::numerics::scaling::{largest_magnitude, normalising_factor};
use crate::numerics::summation::{CompensatedSums, row_sums};

/// The velocity moments of a distribution, up to the heat flux, per unit mass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Number density n = ∫ f d³v [m⁻³].
    pub density: f64,
    /// Bulk velocity u = ∫ v f d³v / n [m s⁻¹]; the middle of the grid where the density vanishes.
    pub bulk_velocity: [f64; 3],
    /// Pressure tensor per unit mass P_ij = ∫ (v−u)_i (v−u)_j f d³v [m⁻¹ s⁻²], symmetric.
    pub pressure: [[f64; 3]; 3],
    /// Heat-flux vector per unit mass q_i = ½ ∫ (v−u)_i |v−u|² f d³v [s⁻³].
    pub heat_flux: [f64; 3],
}

/// Part of two numbers below which their difference is the rounding of sums.
const CANCELLED: f64 = 16.0 * f64::EPSILON;

impl Moments {
    /// Thermal speed v_th = √(tr P / 3n) [m s⁻¹]: the standard deviation of one velocity component, averaged over the
    /// three. Zero where density and pressure are not both positive.
    #[must_use]
    pub fn thermal_speed(&self) -> f64 {
        let [px, py, pz] = [self.pressure[0][0], self.pressure[1][1], self.pressure[2][2]];
        positive_sqrt((px + py + pz) / 3.0 / self.density)
    }

    /// Thermal speed along each of the grid's axes, √(P_ii / n) [m s⁻¹]; zero where that is not a positive number.
    #[must_use]
    pub fn thermal_speeds(&self) -> [f64; 3] {
        std::array::from_fn(|axis| positive_sqrt(self.pressure[axis][axis] / self.density))
    }

    /// The moments from the sums `raw[a, b, c]` (C order, a, b, c from 0 to 3) of f ξ_0^a ξ_1^b ξ_2^c over the cells
    /// of a grid, ξ the velocity from the middle of the grid in half boxes.
    pub(crate) fn from_powers(raw: &[f64], grid: &VelocityGrid) -> Self {
        // ⟨ξ_i ξ_j …⟩ for a list of axes.
        let of = |axes: &[usize]| {
            let mut exponents = [0; 3];
            axes.iter().for_each(|&axis| exponents[axis] += 1);
            raw[(exponents[0] * 4 + exponents[1]) * 4 + exponents[2]]
        };
        let total = of(&[]);
        let drift: [f64; 3] = std::array::from_fn(|i| of(&[i]) / total);
        let drift = if drift.iter().all(|d| d.is_finite()) { drift } else { [0.0; 3] };
        // A sum of numbers that cancel to rounding is zero: density in one plane of cells has no width across it.
        let sum = |terms: &[f64]| {
            let sum: f64 = terms.iter().sum();
            if sum.abs() > CANCELLED * terms.iter().map(|term| term.abs()).sum::<f64>() { sum } else { 0.0 }
        };
        let second = |i: usize, j: usize| {
            sum(&[of(&[i, j]), -drift[i] * of(&[j]), -drift[j] * of(&[i]), drift[i] * drift[j] * total])
        };
        let third = |i: usize, j: usize| {
            sum(&[
                of(&[i, j, j]),
                -2.0 * drift[j] * of(&[i, j]),
                drift[j].powi(2) * of(&[i]),
                -drift[i] * of(&[j, j]),
                2.0 * drift[i] * drift[j] * of(&[j]),
                -drift[i] * drift[j].powi(2) * total,
            ])
        };
        let half: [f64; 3] = std::array::from_fn(|axis| 0.5 * grid.shape()[axis] as f64 * grid.spacing()[axis]);
        let middle = grid.middle();
        // Multiplied one after another, because the volume may overflow.
        let physical = |value: f64| grid.spacing().iter().fold(value, |value, width| value * width);
        Self {
            density: physical(total),
            bulk_velocity: std::array::from_fn(|i| middle[i] + drift[i] * half[i]),
            pressure: std::array::from_fn(|i| std::array::from_fn(|j| physical(second(i, j)) * half[i] * half[j])),
            heat_flux: std::array::from_fn(|i| {
                (0..3).map(|j| 0.5 * physical(third(i, j)) * half[i] * half[j].powi(2)).sum()
            }),
        }
    }

    pub(crate) fn of(grid: &VelocityGrid, values: &[f64], transform: impl Fn(f64) -> f64 + Copy) -> Self {
        Self::of_scaled(grid, values, 1.0, transform)
    }

    /// Moments of the values times a power of two, at most the one that brings their peak near one. They do not
    /// overflow, although the moments of the values may.
    pub(crate) fn of_scaled(
        grid: &VelocityGrid,
        values: &[f64],
        scale: f64,
        transform: impl Fn(f64) -> f64 + Copy,
    ) -> Self {
        let [_, ny, nz] = grid.shape();
        let peak = largest_magnitude(values);
        // Of zeros there is nothing to bring near one, and `scale` alone may be near the largest double.
        let factor = if peak > 0.0 { normalising_factor(peak) } else { scale };
        let middle = grid.middle();
        // Velocities are taken relative to the middle of the box, then to the bulk velocity, so that neither the
        // origin nor a drift much faster than the thermal speed costs digits.
        let offsets = |origin: [f64; 3]| -> [Vec<f64>; 3] {
            std::array::from_fn(|axis| grid.centres(axis).iter().map(|v| v - origin[axis]).collect())
        };
        let density_at = |value: f64| transform(value * factor);

        let [x, y, z] = offsets(middle);
        let [n, nx, ny_, nz_] = {
            let mut first = CompensatedSums::zero();
            for (row, f) in values.chunks_exact(nz).enumerate() {
                let [s0, s1] = row_sums(nz, |k| {
                    let f = density_at(f[k]);
                    [f, f * z[k]]
                });
                first.add([s0, x[row / ny] * s0, y[row % ny] * s0, s1]);
            }
            first.values()
        };
        let drift = [nx / n, ny_ / n, nz_ / n];
        // A vanishing density (all zero, or positive and negative parts that cancel) has no bulk velocity.
        let drift = if drift.iter().all(|u| u.is_finite()) { drift } else { [0.0; 3] };
        let drift: [f64; 3] = std::array::from_fn(|axis| unrounded(drift[axis], [&x, &y, &z][axis]));
        let bulk_velocity = std::array::from_fn(|axis| middle[axis] + drift[axis]);

        let [x, y, z] = [(x, 0), (y, 1), (z, 2)]
            .map(|(offsets, axis)| -> Vec<f64> { offsets.iter().map(|v| v - drift[axis]).collect() });
        let second = {
            let mut second = CompensatedSums::zero();
            for (row, f) in values.chunks_exact(nz).enumerate() {
                let (x, y) = (x[row / ny], y[row % ny]);
                let [s0, s1, s2, s3] = row_sums(nz, |k| {
                    let (f, z) = (density_at(f[k]), z[k]);
                    [f, f * z, f * z * z, f * z * z * z]
                });
                let perpendicular = x * x + y * y;
                let energy = perpendicular * s0 + s2;
                second.add([
                    x * x * s0,
                    x * y * s0,
                    x * s1,
                    y * y * s0,
                    y * s1,
                    s2,
                    0.5 * x * energy,
                    0.5 * y * energy,
                    0.5 * (perpendicular * s1 + s3),
                ]);
            }
            second.values()
        };
        let unit = grid.cell_volume() * (scale / factor);
        let [xx, xy, xz, yy, yz, zz, qx, qy, qz] = second.map(|sum| sum * unit);
        Self {
            density: n * unit,
            bulk_velocity,
            pressure: [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]],
            heat_flux: [qx, qy, qz],
        }
    }
}

/// A drift that differs from the centre of a cell by no more than it is rounded is that centre: density in one plane of
/// cells has no width across it, and the square of a rounding error would be read as a temperature.
fn unrounded(drift: f64, centres: &[f64]) -> f64 {
    /// Rounding of a quotient of two compensated sums, generously.
    const ROUNDING: f64 = 8.0 * f64::EPSILON;
    let after = centres.partition_point(|centre| *centre < drift);
    let near = &centres[after.saturating_sub(1)..centres.len().min(after + 1)];
    near.iter().copied().find(|centre| (centre - drift).abs() <= ROUNDING * centre.abs()).unwrap_or(drift)
}

/// Square root of x if x is positive, else zero.
fn positive_sqrt(x: f64) -> f64 {
    if x > 0.0 && x.is_finite() { x.sqrt() } else { 0.0 }
}

impl Vdf {
    /// The velocity moments by summation over the cells, each taken at its centre.
    ///
    /// Sums are compensated (rounding errors stay below a few ulp of the sum of absolute values) and scaled, so that
    /// neither tiny nor huge densities under- or overflow in between; a moment whose own value exceeds the range of
    /// `f64` is infinite.
    #[must_use]
    pub fn moments(&self) -> Moments {
        Moments::of(self.grid(), self.as_slice(), |f| f)
    }

    /// The moments of |f|: location and width of a distribution that may be negative, such as a residual.
    #[must_use]
    pub fn absolute_moments(&self) -> Moments {
        Moments::of(self.grid(), self.as_slice(), f64::abs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// Σ over cells exactly as defined, one cell at a time.
    fn by_definition(vdf: &Vdf) -> Moments {
        let grid = vdf.grid();
        let volume = grid.cell_volume();
        let cells: Vec<([f64; 3], f64)> = vdf
            .values()
            .indexed_iter()
            .map(|((x, y, z), &f)| ([grid.centre(0, x), grid.centre(1, y), grid.centre(2, z)], f * volume))
            .collect();
        let density = cells.iter().map(|c| c.1).sum::<f64>();
        let bulk_velocity: [f64; 3] =
            std::array::from_fn(|i| cells.iter().map(|c| c.0[i] * c.1).sum::<f64>() / density);
        let w = |c: &([f64; 3], f64), i: usize| c.0[i] - bulk_velocity[i];
        let pressure = std::array::from_fn(|i| {
            std::array::from_fn(|j| cells.iter().map(|c| w(c, i) * w(c, j) * c.1).sum::<f64>())
        });
        let heat_flux = std::array::from_fn(|i| {
            0.5 * cells.iter().map(|c| w(c, i) * (0..3).map(|j| w(c, j).powi(2)).sum::<f64>() * c.1).sum::<f64>()
        });
        Moments { density, bulk_velocity, pressure, heat_flux }
    }

    fn lopsided(scale: f64) -> Vdf {
        let grid = VelocityGrid::new([5, 7, 11], [-3.0, 10.0, 0.0], [1.0, 2.0, 0.5]).unwrap();
        Vdf::from_fn(grid, |[x, y, z]| scale * (1.0 + 0.1 * x + 0.02 * y * z + (z - 2.0).powi(2))).unwrap()
    }

    #[test]
    fn zeros_have_no_moments_in_any_unit() {
        let grid = VelocityGrid::new([4, 3, 2], [0.0; 3], [3e4, 3e7, 3e10]).unwrap();
        let moments = Moments::of_scaled(&grid, &[0.0; 24], f64::powi(2.0, 1000), |f| f);
        assert_eq!((moments.density, moments.pressure, moments.heat_flux), (0.0, [[0.0; 3]; 3], [0.0; 3]));
    }

    #[test]
    fn sums_follow_their_definition() {
        let (fast, slow) = (lopsided(1.0).moments(), by_definition(&lopsided(1.0)));
        assert_relative_eq!(fast.density, slow.density, max_relative = 1e-13);
        for i in 0..3 {
            assert_relative_eq!(fast.bulk_velocity[i], slow.bulk_velocity[i], max_relative = 1e-13);
            assert_relative_eq!(fast.heat_flux[i], slow.heat_flux[i], max_relative = 1e-11, epsilon = 1e-9);
            for j in 0..3 {
                assert_relative_eq!(fast.pressure[i][j], slow.pressure[i][j], max_relative = 1e-12, epsilon = 1e-10);
            }
        }
    }

    #[test]
    fn magnitudes_at_the_ends_of_the_range_keep_their_digits() {
        let base = lopsided(1.0).moments();
        for scale in [1e-300, 1e300] {
            let scaled = lopsided(scale).moments();
            assert_relative_eq!(scaled.density / scale, base.density, max_relative = 1e-13);
            assert_relative_eq!(scaled.bulk_velocity[1], base.bulk_velocity[1], max_relative = 1e-13);
            assert_relative_eq!(scaled.pressure[1][2] / scale, base.pressure[1][2], max_relative = 1e-10);
        }
    }

    #[test]
    fn fast_drifts_do_not_cost_digits() {
        let still = VelocityGrid::new([8, 8, 8], [-4.0; 3], [1.0; 3]).unwrap();
        let moving = VelocityGrid::new([8, 8, 8], [1e9 - 4.0; 3], [1.0; 3]).unwrap();
        let values: Vec<f64> = (0..512).map(|k| f64::from(k % 13)).collect();
        let still = Vdf::from_slice(still, &values).unwrap().moments();
        let moving = Vdf::from_slice(moving, &values).unwrap().moments();
        assert_relative_eq!(still.pressure[0][1], moving.pressure[0][1], max_relative = 1e-9);
        assert_relative_eq!(still.heat_flux[2], moving.heat_flux[2], max_relative = 1e-7);
    }

    #[test]
    fn density_in_one_plane_or_cell_has_no_width_across_it() {
        let grid = VelocityGrid::new([5, 7, 9], [-3e5, 1e6, 0.3], [7.1e4, 3.3e4, 2.9e4]).unwrap();
        for index in (0..315).step_by(7) {
            let mut values = vec![0.0; 315];
            values[index] = 1.3e-13;
            let moments = Vdf::from_slice(grid, &values).unwrap().moments();
            assert_eq!((moments.pressure, moments.heat_flux), ([[0.0; 3]; 3], [0.0; 3]), "{index}");
        }
        for axis in 0..3 {
            for plane in 0..grid.shape()[axis] {
                let mut number = 0.0;
                let values: Vec<f64> = (0..315)
                    .map(|index| {
                        number += 0.37;
                        if grid.index_of(index)[axis] == plane { 1.0 + f64::sin(number) } else { 0.0 }
                    })
                    .collect();
                let moments = Vdf::from_slice(grid, &values).unwrap().moments();
                assert_eq!(moments.pressure[axis], [0.0; 3], "{axis} {plane}");
                assert!((0..3).filter(|i| *i != axis).all(|i| moments.pressure[i][i] > 0.0));
                assert_relative_eq!(moments.bulk_velocity[axis], grid.centre(axis, plane), max_relative = 1e-14);
            }
        }
    }

    #[test]
    fn a_vanishing_density_has_the_middle_of_the_grid_as_bulk_velocity() {
        let grid = VelocityGrid::unit([3, 1, 2]).unwrap();
        let zero = Vdf::zeros(grid).moments();
        assert_eq!((zero.density, zero.bulk_velocity, zero.thermal_speed()), (0.0, grid.middle(), 0.0));
        let cancelling = Vdf::from_slice(grid, &[1.0, -1.0, 0.0, 0.0, 0.0, 0.0]).unwrap().moments();
        assert!(cancelling.bulk_velocity.iter().all(|u| u.is_finite()));
    }
}
