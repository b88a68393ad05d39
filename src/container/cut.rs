//! Cutting a density to blocks without changing its density, bulk velocity and pressure tensor.

use nalgebra::{SMatrix, SVector};

use crate::distribution::blocks::BlockOccupancy;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// Number of monomials of degree at most two.
const TERMS: usize = 10;
/// Exponents of the monomials.
const EXPONENTS: [[usize; 3]; TERMS] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]];
/// Corrections after each other: the second one removes the rounding errors of the first.
const ROUNDS: usize = 2;
/// Part of the largest eigenvalue of the normal equations below which a direction is left out: along an axis of one or two
/// occupied cells some monomials are combinations of others.
const SMALLEST_EIGENVALUE: f64 = 1e-13;

/// Cuts `vdf`, g, to the blocks, h, and returns h + |h| p(v): p is the quadratic polynomial that gives it the density, bulk
/// velocity and pressure tensor of g. `None` if p would turn the sign of a density.
///
/// Σ (h + |h| p) φ_k = Σ g φ_k for the monomials φ_k are ten linear equations for the coefficients of p, with the symmetric
/// matrix Σ |h| φ_k φ_l. Velocities are counted from the bulk velocity in thermal speeds.
pub(super) fn cut_keeping_moments(vdf: &Vdf, blocks: &BlockOccupancy) -> Result<Option<Vdf>> {
    let cut = vdf.within_blocks(blocks)?;
    if cut.as_slice() == vdf.as_slice() {
        return Ok(Some(cut));
    }
    let peak = cut.peak();
    if peak == 0.0 {
        return Ok(None);
    }
    let axes = coordinates(vdf);
    let grid = *vdf.grid();
    let mut values = cut.as_slice().to_vec();
    let matrix = gram(&cut, &axes, peak);
    let mut polynomial = SVector::<f64, TERMS>::zeros();
    for _ in 0..ROUNDS {
        let missing = missing(vdf.as_slice(), &values, &axes, peak);
        let Some(step) = solve(&matrix, &missing) else { return Ok(None) };
        polynomial += step;
        if !apply(&cut, &polynomial, &axes, &mut values) {
            return Ok(None);
        }
    }
    Vdf::from_vec(grid, values).map(Some)
}

/// Velocities of the cells along each axis, from the bulk velocity in thermal speeds.
fn coordinates(vdf: &Vdf) -> [Vec<f64>; 3] {
    let (grid, moments) = (vdf.grid(), vdf.moments());
    let speeds = moments.thermal_speeds();
    std::array::from_fn(|axis| {
        let speed = speeds[axis].max(grid.spacing()[axis]);
        grid.centres(axis).iter().map(|v| (v - moments.bulk_velocity[axis]) / speed).collect()
    })
}

/// Calls `each` with the row's first cell, and its x and y.
fn for_rows([x, y, z]: &[Vec<f64>; 3], mut each: impl FnMut(usize, f64, f64)) {
    for (i, x) in x.iter().enumerate() {
        for (j, y_value) in y.iter().enumerate() {
            each((i * y.len() + j) * z.len(), *x, *y_value);
        }
    }
}

/// The matrix Σ |h| φ_k φ_l, h in units of the peak.
fn gram(cut: &Vdf, axes: &[Vec<f64>; 3], peak: f64) -> SMatrix<f64, TERMS, TERMS> {
    let (h, n) = (cut.as_slice(), axes[2].len());
    let mut sums = [[[0.0; 5]; 5]; 5];
    for_rows(axes, |first, x, y| {
        let mut row = [0.0; 5];
        for (h, z) in h[first..first + n].iter().zip(&axes[2]) {
            let mut term = h.abs() / peak;
            for sum in &mut row {
                *sum += term;
                term *= z;
            }
        }
        let mut of_x = 1.0;
        for sums in &mut sums {
            let mut of_y = of_x;
            for sums in sums {
                sums.iter_mut().zip(&row).for_each(|(sum, row)| *sum += of_y * row);
                of_y *= y;
            }
            of_x *= x;
        }
    });
    SMatrix::from_fn(|k, l| {
        let [a, b, c]: [usize; 3] = std::array::from_fn(|axis| EXPONENTS[k][axis] + EXPONENTS[l][axis]);
        sums[a][b][c]
    })
}

/// The moments Σ (g − h) φ_k, in units of the peak.
fn missing(g: &[f64], h: &[f64], axes: &[Vec<f64>; 3], peak: f64) -> SVector<f64, TERMS> {
    let n = axes[2].len();
    let mut sums = SVector::<f64, TERMS>::zeros();
    for_rows(axes, |first, x, y| {
        let mut row = [0.0; 3];
        for ((g, h), z) in g[first..first + n].iter().zip(&h[first..first + n]).zip(&axes[2]) {
            let difference = (g - h) / peak;
            row[0] += difference;
            row[1] += difference * z;
            row[2] += difference * z * z;
        }
        for (sum, [a, b, c]) in sums.iter_mut().zip(EXPONENTS) {
            *sum += x.powi(a as i32) * y.powi(b as i32) * row[c];
        }
    });
    sums
}

/// Solution of least norm of matrix · p = right, without the directions that the matrix does not determine.
fn solve(matrix: &SMatrix<f64, TERMS, TERMS>, right: &SVector<f64, TERMS>) -> Option<SVector<f64, TERMS>> {
    // Monomials are scaled to the diagonal 1, since fourth powers are much larger than the density.
    let scales = SVector::<f64, TERMS>::from_fn(|k, _| if matrix[(k, k)] > 0.0 { matrix[(k, k)].sqrt() } else { 1.0 });
    let scaled = SMatrix::<f64, TERMS, TERMS>::from_fn(|k, l| matrix[(k, l)] / scales[k] / scales[l]);
    if !scaled.iter().chain(right).all(|x| x.is_finite()) {
        return None;
    }
    let eigen = scaled.symmetric_eigen();
    let largest = eigen.eigenvalues.max();
    let mut turned = eigen.eigenvectors.tr_mul(&right.component_div(&scales));
    for (turned, value) in turned.iter_mut().zip(&eigen.eigenvalues) {
        *turned = if *value > SMALLEST_EIGENVALUE * largest { *turned / value } else { 0.0 };
    }
    Some((eigen.eigenvectors * turned).component_div(&scales))
}

/// Sets `values` to h + |h| p; false if that turns the sign of a density.
fn apply(cut: &Vdf, polynomial: &SVector<f64, TERMS>, axes: &[Vec<f64>; 3], values: &mut [f64]) -> bool {
    let (h, n) = (cut.as_slice(), axes[2].len());
    let mut keeps_signs = true;
    for_rows(axes, |first, x, y| {
        let mut row = [0.0; 3];
        for (coefficient, [a, b, c]) in polynomial.iter().zip(EXPONENTS) {
            row[c] += coefficient * x.powi(a as i32) * y.powi(b as i32);
        }
        let cells = h[first..first + n].iter().zip(&mut values[first..first + n]).zip(&axes[2]);
        for ((&h, value), z) in cells {
            let p = row[0] + z * (row[1] + z * row[2]);
            *value = h + h.abs() * p;
            keeps_signs &= h == 0.0 || p.abs() < 1.0;
        }
    });
    keeps_signs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fidelity, VelocityGrid};

    #[test]
    fn moments_stay_where_tails_are_cut_at_any_scale_and_aspect() {
        for (factor, stretch) in [(1.0, [1.0; 3]), (1e-200, [1.0, 1e3, 1e6]), (1e200, [1e-3, 1.0, 1.0])] {
            let spacing: [f64; 3] = stretch.map(|stretch| 0.4 * stretch);
            let grid = VelocityGrid::new([24, 20, 17], spacing.map(|width| -10.0 * width), spacing).unwrap();
            let vdf = Vdf::from_fn(grid, |v| {
                let r: f64 = (0..3).map(|axis| (v[axis] / stretch[axis] - 0.3).powi(2)).sum();
                factor * ((-r / 2.0).exp() + 1e-4)
            })
            .unwrap();
            let blocks = vdf.block_occupancy(3e-3 * vdf.peak(), 4).unwrap();
            let cut = cut_keeping_moments(&vdf, &blocks).unwrap().unwrap();
            assert_eq!(cut.within_blocks(&blocks).unwrap(), cut);
            let fidelity = Fidelity::compare(&vdf, &cut).unwrap();
            assert!(fidelity.density < 1e-13 && fidelity.bulk_velocity_component < 1e-12, "{fidelity}");
            assert!(fidelity.pressure_component < 1e-12 && fidelity.l2 < 0.1, "{fidelity}");
            let plain = Fidelity::compare(&vdf, &vdf.within_blocks(&blocks).unwrap()).unwrap();
            assert!(plain.pressure_component > 1e-3);
        }
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        // Nearly everything is cut.
        let grid = VelocityGrid::unit([8, 8, 8]).unwrap();
        let vdf = Vdf::from_fn(grid, |[x, ..]| if x < 4.0 { 1e-3 } else { 1.0 }).unwrap();
        let blocks = BlockOccupancy::from_ids([8; 3], 4, &[0]).unwrap();
        assert_eq!(cut_keeping_moments(&vdf, &blocks).unwrap(), None);
        // One plane of cells: some monomials are the same there.
        let grid = VelocityGrid::unit([16, 1, 16]).unwrap();
        let vdf = Vdf::from_fn(grid, |[x, _, z]| (-0.1 * ((x - 8.0).powi(2) + (z - 7.0).powi(2))).exp()).unwrap();
        let blocks = vdf.block_occupancy(1e-2, 4).unwrap();
        let cut = cut_keeping_moments(&vdf, &blocks).unwrap().unwrap();
        let fidelity = Fidelity::compare(&vdf, &cut).unwrap();
        assert!(fidelity.density < 1e-12 && fidelity.pressure < 1e-12, "{fidelity}");
    }
}
