//! One more component where the mixture lacks most (greedy insertion; Vlassis and Likas 2002, Neural Process. Lett. 15,
//! 77, for the likelihood; matching pursuit, Mallat and Zhang 1993, for least squares).

use nalgebra::{Matrix3, Vector3};

use super::cells::Cells;
use super::covariance::{NARROWEST, Structure};
use super::member::{Member, Profile};
use crate::numerics::gaussian_sums::GaussianSums;
use crate::numerics::lanes::Lanes;

/// Widths tried: the narrowest in cells, twice what a component may be; each next wider by a factor, up to a quarter of the
/// longest axis.
const NARROW: f64 = 2.0 * NARROWEST;
const WIDER: f64 = 1.6;
/// What another place must gain more than this part of the best so far: rounding must not decide between places that
/// symmetry makes equal.
const BETTER: f64 = 1.0 + 1e-9;

/// Gaussians of several widths at all cells of one grid.
pub(super) struct Insertion {
    /// In cells.
    widths: Vec<f64>,
    sums: [GaussianSums; 3],
}

impl Insertion {
    pub fn new(cells: &Cells) -> Self {
        let shape = cells.grid.shape();
        let widest = shape.into_iter().max().unwrap_or(1) as f64 / 4.0;
        let next = |width: &f64| Some(width * WIDER).filter(|width| *width <= widest);
        Self { widths: std::iter::successors(Some(NARROW), next).collect(), sums: shape.map(GaussianSums::new) }
    }

    /// The Gaussian along the grid's axes that lowers the sum of squares of the residual most; none where no positive
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
                    let gain = product * product / norm;
                    if product > 0.0 && best.is_none_or(|(most, ..)| gain > most * BETTER) {
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
        // The peak is kept: on cells of unequal sides a sphere may be far larger than what was found.
        let mass = Member::mass_of(peak, &covariance, profile, cells.scaling.cell_volume());
        Some(Member { mass, mean, covariance })
    }
}
