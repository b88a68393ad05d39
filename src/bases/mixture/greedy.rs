//! Greedy insertion: a new component at the largest residual (Vlassis and Likas 2002, Neural Process. Lett. 15, 77, for
//! the likelihood; matching pursuit, Mallat and Zhang 1993, for least squares).

use nalgebra::{Matrix3, Vector3};

use super::cells::Cells;
use super::covariance::{NARROWEST, Structure};
use super::member::{Member, Profile};
use crate::numerics::gaussian_sums::GaussianSums;
use crate::numerics::lanes::Lanes;

/// Narrowest width tried, in cells: twice the minimum width of a component.
const MIN_WIDTH: f64 = 2.0 * NARROWEST;
/// Ratio of successive widths, up to a quarter of the longest axis. Between two of them the correlation
/// (2ab/(a²+b²))^{3/2} of a Gaussian with the nearer one is at least 0.96, and the fit that follows adapts the width.
const WIDTH_RATIO: f64 = 1.6;
/// Factor by which the gain of a place must exceed the best so far, so that rounding errors do not decide between
/// places that are equal by symmetry.
const MIN_GAIN_RATIO: f64 = 1.0 + 1e-9;

/// Dictionary of Gaussians of several widths at all cells of one grid.
pub(super) struct Insertion {
    /// Widths tried, in cells.
    widths: Vec<f64>,
    sums: [GaussianSums; 3],
}

impl Insertion {
    pub fn new(cells: &Cells) -> Self {
        let shape = cells.grid.shape();
        let widest = shape.into_iter().max().unwrap_or(1) as f64 / 4.0;
        let next = |width: &f64| Some(width * WIDTH_RATIO).filter(|width| *width <= widest);
        Self { widths: std::iter::successors(Some(MIN_WIDTH), next).collect(), sums: shape.map(GaussianSums::new) }
    }

    /// The Gaussian along the grid's axes that lowers the sum of squares of the residual most; `None` if no positive
    /// one lowers it.
    pub fn best(&self, cells: &Cells, residual: &[Lanes], structure: &Structure, profile: Profile) -> Option<Member> {
        let shape = cells.grid.shape();
        let [_, ny, nz] = shape;
        let plain: Vec<f64> =
            residual.chunks_exact(cells.z.len()).flat_map(|row| &row.as_flattened()[..nz]).copied().collect();
        let mut best: Option<(f64, usize, f64, f64)> = None;
        let (mut products, mut next) = (Vec::new(), Vec::new());
        for width in &self.widths {
            let norms = self.sums.each_ref().map(|sums| sums.norms(*width));
            self.sums[2].along(2, &plain, shape, *width, &mut products);
            for axis in [0, 1] {
                self.sums[axis].along(axis, &products, shape, *width, &mut next);
                std::mem::swap(&mut products, &mut next);
            }
            for (row, products) in products.chunks_exact(nz).enumerate() {
                let across = norms[0][row / ny] * norms[1][row % ny];
                for (k, &product) in products.iter().enumerate() {
                    let norm = across * norms[2][k];
                    // Least squares for the height a of one Gaussian h: a = ⟨r, h⟩/⟨h, h⟩ lowers ‖r‖² by ⟨r, h⟩²/⟨h,
                    // h⟩.
                    let gain = product * product / norm;
                    if product > 0.0 && best.is_none_or(|(most, ..)| gain > most * MIN_GAIN_RATIO) {
                        best = Some((gain, row * nz + k, *width, product / norm));
                    }
                }
            }
        }
        let (_, cell, width, peak) = best?;
        let mean =
            Vector3::new(cells.axes[0][cell / (ny * nz)], cells.axes[1][cell / nz % ny], cells.axes[2][cell % nz]);
        let widths = cells.scaling.spacing * width;
        let covariance = Matrix3::from_diagonal(&widths.component_mul(&widths));
        let mut inserted = [Member { mass: 1.0, mean, covariance }];
        structure.constrain(&mut inserted);
        let [Member { covariance, .. }] = inserted;
        // The peak is kept, not the mass: on cells of unequal sides a constrained covariance, a sphere say, may have a
        // far larger volume than the Gaussian that was found.
        let mass = Member::mass_of(peak, &covariance, profile, cells.scaling.cell_volume());
        Some(Member { mass, mean, covariance })
    }
}
