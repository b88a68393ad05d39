//! Cheap tests for what no smooth basis compresses: sparse cells, and the noise of particles.

use crate::basis::bound::{Bound, Figure};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;

/// True if the cells themselves may be shorter than `terms` terms of another basis (`None`: than any other), judged by a
/// sample. Cells are for values of which few are different or few are not zero. Each that the bound does not let drop costs
/// about as much as a term or less.
pub(super) fn may_be_cells(vdf: &Vdf, bound: &Bound, terms: Option<usize>) -> bool {
    /// Cells of the sample, so few that the test takes 20 µs.
    const SAMPLE: usize = 1024;
    /// Largest part of the cells that are not zero, if their values are all different.
    const MAX_OCCUPIED: f64 = 1.0 / 8.0;
    /// Largest part of the sampled values that are different, unless there are only [`FEW`].
    const MAX_DIFFERENT: f64 = 0.75;
    const FEW: usize = 12;
    /// Cells that may be as short as a term of wavelets: places in a table take a third of it at least; of values that are
    /// all different each takes more digits than a term.
    const CELLS_OF_A_TERM: [f64; 2] = [3.0, 0.5];
    let values = vdf.as_slice();
    // Multiples of the golden ratio, modulo 1: no stride falls in with the rows of the grid.
    let place = |k: u64| (k.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
    let sampled = (0..SAMPLE as u64).map(|k| values[((place(k) as u128 * values.len() as u128) >> 32) as usize]);
    let mut sampled: Vec<f64> = sampled.map(f64::abs).filter(|value| *value > 0.0).collect();
    sampled.sort_unstable_by(f64::total_cmp);
    let occupied = sampled.len();
    let different = sampled.windows(2).filter(|pair| pair[0] < pair[1]).count() + 1;
    let are_few = different as f64 <= (MAX_DIFFERENT * occupied as f64).max(FEW as f64);
    let is_rough = are_few || occupied as f64 <= MAX_OCCUPIED * SAMPLE as f64;
    let cells_of_a_term = CELLS_OF_A_TERM[usize::from(!are_few)];
    let Some(terms) = terms.filter(|_| is_rough) else { return is_rough };
    let cells_a_sample = values.len() as f64 / SAMPLE as f64;
    kept(&sampled, bound) as f64 * cells_a_sample <= cells_of_a_term * terms as f64
}

/// How many of these magnitudes, in ascending order, cannot be zero within the bound.
fn kept(magnitudes: &[f64], bound: &Bound) -> usize {
    let Some(peak) = magnitudes.last().copied() else { return 0 };
    let squares = || magnitudes.iter().map(|value| (value / peak) * (value / peak));
    let dropped_by_linf = |limit: f64| magnitudes.partition_point(|value| *value <= limit * peak);
    let dropped_by_l2 = |limit: f64| {
        let mut left = limit * limit * squares().sum::<f64>();
        let drop = |square: &f64| {
            left -= square;
            left >= 0.0
        };
        squares().take_while(drop).count()
    };
    let dropped = [bound.limit(Figure::Linf).map(dropped_by_linf), bound.limit(Figure::L2).map(dropped_by_l2)];
    magnitudes.len() - dropped.into_iter().flatten().min().unwrap_or(0)
}

/// True if what a fit leaves is as good as white: neighbouring cells of the residual are not correlated, so that more
/// components of a fit would describe noise, each of them a cell or two.
pub(super) fn is_white(vdf: &Vdf, fit: &Vdf) -> bool {
    /// Largest mean correlation of neighbours. What a fit of too few components leaves has 0.5 to 0.95.
    const MAX_CORRELATION: f64 = 0.1;
    let peak = vdf.peak();
    if peak == 0.0 {
        return false;
    }
    let residual: Vec<f64> = vdf.as_slice().iter().zip(fit.as_slice()).map(|(f, g)| (f - g) / peak).collect();
    let square: f64 = residual.iter().map(|r| r * r).sum();
    let axes = correlations(&residual, vdf.grid());
    let count = axes.iter().flatten().count();
    let mean = axes.iter().flatten().sum::<f64>() / count.max(1) as f64;
    count > 0 && square > 0.0 && mean <= MAX_CORRELATION * square
}

/// Sum of the products of neighbours along each axis, for axes of several cells.
fn correlations(residual: &[f64], grid: &VelocityGrid) -> [Option<f64>; 3] {
    let [nx, ny, nz] = grid.shape();
    let products = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    // Along an axis, all cells of a block but its last layer have a neighbour one layer ahead.
    let along = |cells: usize, layer: usize| {
        let blocks = residual.chunks(cells * layer);
        (cells > 1).then(|| blocks.map(|block| products(&block[layer..], block)).sum())
    };
    [along(nx, ny * nz), along(ny, nz), along(nz, 1)]
}
