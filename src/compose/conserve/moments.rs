//! Moments of values on cells, with velocities in cells along each axis.
//!
//! In these units the moments do not depend on the widths of the cells: cells of 1 : 1000 : 10⁶ have the moments of
//! cubes. Velocities are counted from the cell nearest to the mean, so that the mean and the pressure of a beam
//! narrower than a cell keep their digits, however far it lies from the middle of the grid.

use crate::distribution::grid::VelocityGrid;
use crate::numerics::lanes::{Instructions, Vectorisable, vectorised};
use crate::numerics::summation::{CompensatedSums, row_sums};

/// Powers of x, y and z of all monomials up to the third degree.
const MONOMIALS: [[usize; 3]; 20] = [
    [0, 0, 0],
    [0, 0, 1],
    [0, 0, 2],
    [0, 0, 3],
    [0, 1, 0],
    [0, 1, 1],
    [0, 1, 2],
    [0, 2, 0],
    [0, 2, 1],
    [0, 3, 0],
    [1, 0, 0],
    [1, 0, 1],
    [1, 0, 2],
    [1, 1, 0],
    [1, 1, 1],
    [1, 2, 0],
    [2, 0, 0],
    [2, 0, 1],
    [2, 1, 0],
    [3, 0, 0],
];

/// Axes of P_xx, P_yy, P_zz, P_xy, P_xz and P_yz.
pub(super) const PAIRS: [[usize; 2]; 6] = [[0, 0], [1, 1], [2, 2], [0, 1], [0, 2], [1, 2]];

/// Minimum width along an axis, as a part of its length, since a distribution in one plane of cells has no width. With
/// 2⁻²¹ the axis has 2²¹ · 10¹² ≈ 2⁶¹ steps of 10⁻¹² of this width, which 64 bits hold.
const MIN_WIDTH: f64 = 1.0 / (1 << 21) as f64;
/// Minimum width, in cells, by which errors of moments are measured if no density reaches 10⁻¹² of a smaller one.
pub(super) const NARROW_IN_CELLS: f64 = 1.0 / 16.0;

/// Cells of a grid: their number along each axis, and the ratios of their widths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cells {
    pub(super) shape: [usize; 3],
    /// Squared width a_j² of a cell along each axis, over that of the widest: the weight of the axis in an energy.
    pub(super) weights: [f64; 3],
}

impl Cells {
    pub(super) fn of(grid: &VelocityGrid) -> Self {
        let widest = grid.spacing().into_iter().fold(0.0, f64::max);
        Self { shape: grid.shape(), weights: grid.spacing().map(|width| (width / widest).powi(2)) }
    }

    /// Square of the minimum width along an axis, in cells; it is added to each squared width.
    pub(super) fn narrowest(&self, axis: usize) -> f64 {
        (self.shape[axis] as f64 * MIN_WIDTH).powi(2)
    }
}

/// Moments in cells: Σ f, the mean, the six P_ij = Σ x_i x_j f and the energy fluxes Σ x_i Σ_j a_j² x_j² f, x in cells
/// from the mean, a_j the width of cells along axis j over that of the widest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CellMoments {
    pub(super) density: f64,
    /// Cell nearest to the mean.
    pub(super) cell: [i64; 3],
    /// Mean from the centre of that cell.
    pub(super) offset: [f64; 3],
    /// Components in the order of [`PAIRS`].
    pub(super) pressure: [f64; 6],
    pub(super) flux: [f64; 3],
}

impl CellMoments {
    pub(super) fn of(cells: &Cells, values: &[f64]) -> Self {
        let cell = nearest_to_mean(cells.shape, values);
        let sums = sums_about(cells.shape, cell, values);
        let of = |axes: &[usize]| {
            let mut powers = [0; 3];
            axes.iter().for_each(|&axis| powers[axis] += 1);
            MONOMIALS.iter().zip(sums).find(|(monomial, _)| **monomial == powers).map_or(0.0, |(_, sum)| sum)
        };
        let density = of(&[]);
        let offset: [f64; 3] = std::array::from_fn(|i| of(&[i]) / density);
        let offset = if offset.iter().all(|o| o.is_finite()) { offset } else { [0.0; 3] };
        // Central moments from those about the nearest cell, by the binomial theorem. Few digits cancel, because the
        // mean is at most half a cell away.
        let second = |[i, j]: [usize; 2]| of(&[i, j]) - density * offset[i] * offset[j];
        let third = |i: usize, j: usize| {
            of(&[i, j, j]) - 2.0 * offset[j] * of(&[i, j]) - offset[i] * of(&[j, j])
                + 2.0 * density * offset[i] * offset[j].powi(2)
        };
        Self {
            density,
            cell,
            offset,
            pressure: PAIRS.map(second),
            flux: std::array::from_fn(|i| (0..3).map(|j| cells.weights[j] * third(i, j)).sum()),
        }
    }

    /// Squared width along an axis in cells, plus the square of the minimum width.
    fn squared_width(&self, cells: &Cells, axis: usize) -> f64 {
        self.pressure[axis] / self.density + cells.narrowest(axis)
    }

    pub(super) fn widths(&self, cells: &Cells) -> [f64; 3] {
        std::array::from_fn(|axis| self.squared_width(cells, axis).sqrt())
    }

    /// Largest error of density, mean and any component of the pressure (and of the energy fluxes), each as a part of
    /// its own scale: of Σ f, of the width along the axis, and of the product of two widths (of w_i Σ a_j² w_j²), none
    /// of them below `narrowest`, in cells.
    pub(super) fn error(&self, wanted: &Self, cells: &Cells, narrowest: f64, heat_flux: bool) -> f64 {
        let widths: [f64; 3] =
            std::array::from_fn(|axis| wanted.squared_width(cells, axis).max(narrowest.powi(2)).sqrt());
        let density = (self.density - wanted.density) / wanted.density;
        let mean = |i: usize| {
            let between = (self.cell[i] - wanted.cell[i]) as f64;
            (between + (self.offset[i] - wanted.offset[i])) / widths[i]
        };
        let pressure = |k: usize| {
            let [i, j] = PAIRS[k];
            (self.pressure[k] - wanted.pressure[k]) / (wanted.density * widths[i] * widths[j])
        };
        let energy: f64 = (0..3).map(|j| cells.weights[j] * widths[j].powi(2)).sum();
        let flux = |i: usize| (self.flux[i] - wanted.flux[i]) / (wanted.density * widths[i] * energy);
        let errors = [density].into_iter().chain((0..3).map(mean)).chain((0..6).map(pressure));
        let errors = errors.chain((0..if heat_flux { 3 } else { 0 }).map(flux));
        errors.fold(0.0, |worst, error| if error.is_nan() { f64::INFINITY } else { error.abs().max(worst) })
    }
}

/// Cell nearest to the mean; the middle one if the sum is not positive.
fn nearest_to_mean(shape: [usize; 3], values: &[f64]) -> [i64; 3] {
    let [_, ny, nz] = shape;
    let middle = shape.map(|cells| (cells / 2) as f64);
    let z: Vec<f64> = (0..nz).map(|k| k as f64 - middle[2]).collect();
    let mut sums = CompensatedSums::zero();
    for (row, f) in values.chunks_exact(nz).enumerate() {
        let [s, sz] = row_sums(nz, |k| [f[k], f[k] * z[k]]);
        sums.add([s, s * ((row / ny) as f64 - middle[0]), s * ((row % ny) as f64 - middle[1]), sz]);
    }
    let [n, mean @ ..] = sums.values();
    std::array::from_fn(|axis| {
        let mean = mean[axis] / n;
        let mean = if mean.is_finite() { mean } else { 0.0 };
        (middle[axis] + mean.clamp(-middle[axis], middle[axis])).round().min(shape[axis] as f64 - 1.0) as i64
    })
}

/// Sums of all [`MONOMIALS`] of the index differences to `cell`.
fn sums_about(shape: [usize; 3], cell: [i64; 3], values: &[f64]) -> [f64; 20] {
    vectorised(SumsAbout { shape, cell, values })
}

struct SumsAbout<'a> {
    shape: [usize; 3],
    cell: [i64; 3],
    values: &'a [f64],
}

impl Vectorisable for SumsAbout<'_> {
    type Output = [f64; 20];

    #[inline(always)]
    fn run<I: Instructions>(self, _: I) -> [f64; 20] {
        let [_, ny, nz] = self.shape;
        let from = |axis: usize, k: usize| (k as i64 - self.cell[axis]) as f64;
        let powers = |x: f64| [1.0, x, x * x, x * x * x];
        let z: Vec<f64> = (0..nz).map(|k| from(2, k)).collect();
        let mut sums = CompensatedSums::<20>::zero();
        for (row, plane) in self.values.chunks_exact(ny * nz).enumerate() {
            // Sums of yʲ zᵏ in a plane, at 4 j + k.
            let mut of_plane = CompensatedSums::<16>::zero();
            for (row, f) in plane.chunks_exact(nz).enumerate() {
                let along = row_sums(nz, |k| {
                    let (f, z) = (f[k], z[k]);
                    [f, f * z, f * z * z, f * z * z * z]
                });
                let mut terms = [0.0; 16];
                for (terms, power) in terms.chunks_exact_mut(4).zip(powers(from(1, row))) {
                    for (term, along) in terms.iter_mut().zip(along) {
                        *term = power * along;
                    }
                }
                of_plane.add(terms);
            }
            let (x, of_plane) = (powers(from(0, row)), of_plane.values());
            let mut terms = [0.0; 20];
            for (term, [i, j, k]) in terms.iter_mut().zip(MONOMIALS) {
                *term = x[i] * of_plane[4 * j + k];
            }
            sums.add(terms);
        }
        sums.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments by their definition, one cell at a time.
    fn by_definition(cells: &Cells, values: &[f64]) -> (f64, [f64; 3], [f64; 6], [f64; 3]) {
        let [_, ny, nz] = cells.shape;
        let place = |k: usize| [k / (ny * nz), k / nz % ny, k % nz].map(|k| k as f64);
        let sum =
            |term: &dyn Fn([f64; 3]) -> f64| values.iter().enumerate().map(|(k, f)| f * term(place(k))).sum::<f64>();
        let n = sum(&|_| 1.0);
        let mean: [f64; 3] = std::array::from_fn(|i| sum(&|v| v[i]) / n);
        let pressure = PAIRS.map(|[i, j]| sum(&|v| (v[i] - mean[i]) * (v[j] - mean[j])));
        let flux = std::array::from_fn(|i| {
            sum(&|v| (v[i] - mean[i]) * (0..3).map(|j| cells.weights[j] * (v[j] - mean[j]).powi(2)).sum::<f64>())
        });
        (n, mean, pressure, flux)
    }

    #[test]
    fn figures_follow_their_definitions() {
        let grid = VelocityGrid::new([5, 7, 11], [-3.0, 10.0, 0.0], [1.0, 2.0, 0.5]).unwrap();
        let cells = Cells::of(&grid);
        let values: Vec<f64> = (0..385).map(|k| 1.0 + f64::sin(k as f64) + 0.01 * k as f64).collect();
        let found = CellMoments::of(&cells, &values);
        let (n, mean, pressure, flux) = by_definition(&cells, &values);
        assert!((found.density - n).abs() < 1e-12 * n);
        for i in 0..3 {
            assert!((found.cell[i] as f64 + found.offset[i] - mean[i]).abs() < 1e-12);
            assert!((found.flux[i] - flux[i]).abs() < 1e-10 * n * 11.0);
        }
        for (found, expected) in found.pressure.iter().zip(pressure) {
            assert!((found - expected).abs() < 1e-12 * n * 25.0);
        }
        assert_eq!(found.error(&found, &cells, 0.0, true), 0.0);
    }

    #[test]
    fn a_beam_far_narrower_than_a_cell_keeps_its_digits() {
        let cells = Cells::of(&VelocityGrid::unit([40, 3, 3]).unwrap());
        let mut values = vec![0.0; 360];
        let (a, b) = (1.0, 3e-12);
        (values[37 * 9 + 4], values[38 * 9 + 4]) = (a, b);
        let CellMoments { cell, offset, pressure, .. } = CellMoments::of(&cells, &values);
        assert_eq!(cell, [37, 1, 1]);
        assert!((offset[0] / (b / (a + b)) - 1.0).abs() < 1e-14);
        assert!((pressure[0] / (a * b / (a + b)) - 1.0).abs() < 1e-14);
        assert_eq!(pressure[1..], [0.0; 5]);
    }
}
