//! Distributions that several tests of this room use.

use crate::distribution::grid::VelocityGrid;
use crate::distribution::synthetic::{Sampling, Shape, Synthetic};
use crate::distribution::vdf::Vdf;

/// Fields along an axis, in a plane, and in no plane of the grid.
pub(super) const FIELDS: [[f64; 3]; 3] = [[0.0, 0.0, 2.0], [-3.0, 4.0, 0.0], [1.0, -2.0, 0.5]];
/// Drift of the bi-Maxwellian [m/s].
pub(super) const DRIFT: [f64; 3] = [0.3, -0.2, 0.1];

/// Density 5, thermal speed 2 along the field and 1 across, in a box of eight widths to each side. From 40 cells on, sums
/// over the cells are integrals to 1e-13.
pub(super) fn bi_maxwellian(field: [f64; 3], cells: usize) -> Vdf {
    let shape = Shape::BiMaxwellian { v_th_par: 2.0, v_th_perp: 1.0, field };
    sampled(&Synthetic::single(5.0, DRIFT, shape).unwrap(), 17.0, cells)
}

/// A distribution in a cube from −`edge` to `edge`.
pub(super) fn sampled(synthetic: &Synthetic, edge: f64, cells: usize) -> Vdf {
    let grid = VelocityGrid::from_edges([cells; 3], [-edge; 3], [edge; 3]).unwrap();
    synthetic.sample(&grid, Sampling::default()).unwrap()
}
