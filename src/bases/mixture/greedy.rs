//! One more component where the mixture lacks most (greedy insertion; Vlassis and Likas 2002, Neural Process. Lett. 15,
//! 77, for the likelihood; matching pursuit, Mallat and Zhang 1993, for least squares).

use faer::{Mat, MatRef};
use nalgebra::{Matrix3, Vector3};

use super::cells::Cells;
use super::covariance::{NARROWEST, Structure};
use super::member::{Member, Profile};
use crate::numerics::lanes::Lanes;
use crate::numerics::separable::transform;

/// Widths tried: the narrowest in cells, twice what a component may be; each next wider by a factor, up to a quarter of the
/// longest axis.
const NARROW: f64 = 2.0 * NARROWEST;
const WIDER: f64 = 1.6;
/// What another place must gain more than this part of the best so far: rounding must not decide between places that
/// symmetry makes equal.
const BETTER: f64 = 1.0 + 1e-9;

/// Gaussians of several widths at all cells of one grid.
pub(super) struct Insertion {
    widths: Vec<Width>,
}

struct Width {
    cells: f64,
    kernels: [Mat<f64>; 3],
    /// Σ g² along each axis for a Gaussian at each cell: smaller where the box cuts it.
    norms: [Vec<f64>; 3],
}

impl Insertion {
    pub fn new(cells: &Cells) -> Self {
        let shape = cells.grid.shape();
        let widest = shape.into_iter().max().unwrap_or(1) as f64 / 4.0;
        let of = |width: f64| {
            let kernels =
                shape.map(|n| Mat::from_fn(n, n, |i, j| (-0.5 * ((i as f64 - j as f64) / width).powi(2)).exp()));
            let norm = |kernel: &Mat<f64>| {
                (0..kernel.nrows()).map(|i| (0..kernel.ncols()).map(|j| kernel[(i, j)].powi(2)).sum()).collect()
            };
            Width { cells: width, norms: [norm(&kernels[0]), norm(&kernels[1]), norm(&kernels[2])], kernels }
        };
        Self {
            widths: std::iter::successors(Some(NARROW), |width| Some(width * WIDER).filter(|width| *width <= widest))
                .map(of)
                .collect(),
        }
    }

    /// The Gaussian along the grid's axes that lowers the sum of squares of the residual most; none where no positive
    /// one lowers it.
    pub fn best(&self, cells: &Cells, residual: &[Lanes], structure: &Structure, profile: Profile) -> Option<Member> {
        let [_, ny, nz] = cells.grid.shape();
        let plain: Vec<f64> =
            residual.chunks_exact(cells.z.len()).flat_map(|row| &row.as_flattened()[..nz]).copied().collect();
        let mut best: Option<(f64, usize, f64, f64)> = None;
        for Width { cells: width, kernels, norms } in &self.widths {
            let kernels: [MatRef<'_, f64>; 3] = [kernels[0].as_ref(), kernels[1].as_ref(), kernels[2].as_ref()];
            let products = transform(&plain, kernels);
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
