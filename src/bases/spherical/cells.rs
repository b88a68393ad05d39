//! The cells of a grid around a centre, interval of the radius by interval, and what is summed over them.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::harmonics::{Harmonics, count};
use super::radial::Pieces;
use crate::distribution::grid::VelocityGrid;
use crate::numerics::lanes::{LANES, Lanes};

/// Cells handled at once, in lanes: their harmonics up to degree 10 stay in the second-level cache.
const GROUPS: usize = 16;
pub(super) const BLOCK: usize = GROUPS * LANES;

/// Distance from the centre, in cells, below which a cell has no direction.
pub(super) const AT_CENTRE: f64 = 1e-9;

/// A grid as seen from a centre: everything that tables depend on, in units of the smallest spacing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Geometry {
    shape: [usize; 3],
    /// Spacings over the smallest.
    aspect: [f64; 3],
    /// The centre, in cells from the lower edge along each axis.
    centre: [f64; 3],
    /// Unit vectors of the frame, the polar axis last; none for the grid's own.
    axes: Option<[[f64; 3]; 3]>,
}

/// The unit of length of a geometry: the smallest spacing.
pub(super) fn unit(grid: &VelocityGrid) -> f64 {
    grid.spacing().into_iter().fold(f64::INFINITY, f64::min)
}

impl Geometry {
    pub(super) fn new(grid: &VelocityGrid, centre: [f64; 3], axes: Option<[[f64; 3]; 3]>) -> Self {
        let (lower, spacing, unit) = (grid.lower(), grid.spacing(), unit(grid));
        let cells = std::array::from_fn(|axis| (centre[axis] - lower[axis]) / spacing[axis]);
        Self { shape: grid.shape(), aspect: spacing.map(|h| h / unit), centre: cells, axes }
    }

    /// With the centre at the nearest multiple of half a cell, so that many distributions share one geometry.
    pub(super) fn snapped(mut self) -> Self {
        self.centre = self.centre.map(|c| (2.0 * c).round() / 2.0);
        self
    }

    /// With the centre moved by a number of cells along each axis; none outside the box.
    pub(super) fn moved(&self, by: [f64; 3]) -> Option<Self> {
        let centre: [f64; 3] = std::array::from_fn(|axis| self.centre[axis] + by[axis]);
        let inside = (0..3).all(|axis| (0.0..=self.shape[axis] as f64).contains(&centre[axis]));
        inside.then(|| Self { centre, ..self.clone() })
    }

    /// The centre as a velocity.
    pub(super) fn velocity(&self, grid: &VelocityGrid) -> [f64; 3] {
        std::array::from_fn(|axis| grid.lower()[axis] + self.centre[axis] * grid.spacing()[axis])
    }

    /// A cell's volume.
    pub(super) fn volume(&self) -> f64 {
        self.aspect.iter().product()
    }

    /// Distances of the cells from the centre along each axis of the grid.
    pub(super) fn offsets(&self) -> [Vec<f64>; 3] {
        std::array::from_fn(|axis| {
            let offset = |k: usize| (k as f64 + 0.5 - self.centre[axis]) * self.aspect[axis];
            (0..self.shape[axis]).map(offset).collect()
        })
    }

    /// Calls `visit` with every cell and its distance from the centre.
    pub(super) fn for_radii(&self, mut visit: impl FnMut(usize, f64)) {
        let [x, y, z] = self.offsets();
        let mut cell = 0;
        for x in x {
            for y in &y {
                let across = x * x + y * y;
                for z in &z {
                    visit(cell, (across + z * z).sqrt());
                    cell += 1;
                }
            }
        }
    }

    /// The distance of the farthest cell.
    pub(super) fn farthest(&self) -> f64 {
        let farthest = self.offsets().map(|offsets| offsets.iter().fold(0.0, |far: f64, d| far.max(d.abs())));
        farthest.iter().map(|d| d * d).sum::<f64>().sqrt()
    }
}

/// The cells in each interval of the radius.
pub(super) struct Sorted {
    geometry: Geometry,
    /// Positions in C order, interval after interval, ascending inside each.
    cells: Vec<u32>,
    /// Where each interval starts, and the end.
    starts: Vec<usize>,
}

/// Cells of one interval: their positions, distances, and directions (zero where there is none), the last eight filled
/// up with zeros.
pub(super) struct Block<'a> {
    pub(super) interval: usize,
    pub(super) cells: &'a [u32],
    pub(super) radii: &'a [f64],
    pub(super) directions: [&'a [Lanes]; 3],
}

impl Block<'_> {
    /// One component of the direction of a cell.
    pub(super) fn direction(&self, axis: usize, cell: usize) -> f64 {
        self.directions[axis][cell / LANES][cell % LANES]
    }
}

impl Sorted {
    /// The number of cells of the grid.
    pub(super) fn cells(&self) -> usize {
        self.geometry.shape.iter().product()
    }

    /// The cells by the interval that `interval` finds for their radius; those without one are left out.
    pub(super) fn new(geometry: Geometry, intervals: usize, interval: impl Fn(f64) -> Option<usize>) -> Self {
        let mut places = vec![u32::MAX; geometry.shape.iter().product()];
        let mut starts = vec![0; intervals + 1];
        geometry.for_radii(|cell, radius| {
            if let Some(interval) = interval(radius) {
                places[cell] = interval as u32;
                starts[interval + 1] += 1;
            }
        });
        for interval in 0..intervals {
            starts[interval + 1] += starts[interval];
        }
        let mut next = starts.clone();
        let mut cells = vec![0; starts[intervals]];
        for (cell, place) in (0..=u32::MAX).zip(places).filter(|(_, place)| *place != u32::MAX) {
            let slot = &mut next[place as usize];
            cells[*slot] = cell;
            *slot += 1;
        }
        Self { geometry, cells, starts }
    }

    /// By the intervals of radial functions.
    pub(super) fn by_pieces(geometry: Geometry, pieces: &Pieces) -> Self {
        Self::new(geometry, pieces.intervals(), |radius| pieces.interval(radius))
    }

    /// Calls `visit` with blocks of cells, interval after interval.
    pub(super) fn for_blocks(&self, visit: impl FnMut(Block<'_>)) {
        self.for_blocks_of(0..self.starts.len() - 1, visit);
    }

    /// The same of some of the intervals.
    fn for_blocks_of(&self, intervals: Range<usize>, mut visit: impl FnMut(Block<'_>)) {
        let Geometry { shape: [_, ny, nz], axes, .. } = self.geometry;
        let [x, y, z] = self.geometry.offsets();
        let mut radii = vec![0.0; BLOCK];
        let mut directions = [[[0.0; LANES]; GROUPS]; 3];
        for interval in intervals {
            for cells in self.cells[self.starts[interval]..self.starts[interval + 1]].chunks(BLOCK) {
                for (k, &cell) in cells.iter().enumerate() {
                    let cell = cell as usize;
                    let (row, k_z) = (cell / nz, cell % nz);
                    let mut d = [x[row / ny], y[row % ny], z[k_z]];
                    let radius = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
                    if let Some(axes) = axes {
                        d = axes.map(|axis| axis[0] * d[0] + axis[1] * d[1] + axis[2] * d[2]);
                    }
                    let inverse = if radius > AT_CENTRE { 1.0 / radius } else { 0.0 };
                    radii[k] = radius;
                    (0..3).for_each(|axis| directions[axis][k / LANES][k % LANES] = d[axis] * inverse);
                }
                let (n, groups) = (cells.len(), cells.len().div_ceil(LANES));
                for component in &mut directions {
                    component.as_flattened_mut()[n..groups * LANES].fill(0.0);
                }
                let directions = directions.each_ref().map(|component| &component[..groups]);
                visit(Block { interval, cells, radii: &radii[..n], directions });
            }
        }
    }

    /// The sum of the squares of values times a factor, over the cells of all intervals.
    pub(super) fn square(&self, values: &[f64], factor: f64) -> f64 {
        self.cells.iter().map(|&cell| (values[cell as usize] * factor).powi(2)).sum()
    }

    /// Number of cells of an interval.
    pub(super) fn count(&self, interval: usize) -> usize {
        self.starts[interval + 1] - self.starts[interval]
    }

    /// Calls `visit` with the blocks of some intervals and their harmonics, a column each, in whole lanes.
    pub(super) fn for_harmonics(
        &self,
        intervals: Range<usize>,
        harmonics: &Harmonics,
        mut visit: impl FnMut(Block<'_>, MatRef<'_, f64>),
    ) {
        let functions = count(harmonics.degree());
        let mut table = vec![[0.0; LANES]; functions * GROUPS];
        self.for_blocks_of(intervals, |block| {
            let groups = block.directions[0].len();
            let table = &mut table[..functions * groups];
            harmonics.write(block.directions, table);
            visit(block, MatRef::from_column_major_slice(table.as_flattened(), groups * LANES, functions));
        });
    }

    /// Σ over the cells of each interval of w_k(cell) Y_lm(cell), for as many weights w as `weigh` writes (columns,
    /// each padded to whole lanes; what it leaves is zero): one matrix an interval, harmonics by weights. Blocks for
    /// which it says `false` are passed over.
    pub(super) fn project(
        &self,
        harmonics: &Harmonics,
        weights: usize,
        mut weigh: impl FnMut(&Block<'_>, &mut [f64], usize) -> bool,
    ) -> Vec<Mat<f64>> {
        let functions = count(harmonics.degree());
        let mut sums = vec![Mat::zeros(functions, weights); self.starts.len() - 1];
        let mut table = vec![[0.0; LANES]; functions * GROUPS];
        let mut weighted = vec![0.0; weights * BLOCK];
        self.for_blocks(|block| {
            let groups = block.directions[0].len();
            let rows = groups * LANES;
            let weighted = &mut weighted[..weights * rows];
            weighted.fill(0.0);
            if !weigh(&block, weighted, rows) {
                return;
            }
            let table = &mut table[..functions * groups];
            harmonics.write(block.directions, table);
            matmul(
                sums[block.interval].as_mut(),
                Accum::Add,
                MatRef::from_column_major_slice(table.as_flattened(), rows, functions).transpose(),
                MatRef::from_column_major_slice(weighted, rows, weights),
                1.0,
                Par::Seq,
            );
        });
        sums
    }

    /// Σ_k w_k(r) Σ_lm c_lm,k Y_lm at every cell, w the four functions of the cell's interval and c the interval's
    /// matrix, harmonics by functions; zero in cells of no interval.
    pub(super) fn evaluate(&self, harmonics: &Harmonics, pieces: &Pieces, coefficients: &[Mat<f64>]) -> Vec<f64> {
        let mut values = vec![0.0; self.geometry.shape.iter().product()];
        let mut sums = vec![0.0; 4 * BLOCK];
        self.for_harmonics(0..coefficients.len(), harmonics, |block, table| {
            let rows = table.nrows();
            let sums = &mut sums[..4 * rows];
            let to = MatMut::from_column_major_slice_mut(sums, rows, 4);
            matmul(to, Accum::Replace, table, coefficients[block.interval].as_ref(), 1.0, Par::Seq);
            for (k, (&cell, &radius)) in block.cells.iter().zip(block.radii).enumerate() {
                let w = pieces.values(block.interval, radius);
                values[cell as usize] =
                    w[0] * sums[k] + w[1] * sums[rows + k] + w[2] * sums[2 * rows + k] + w[3] * sums[3 * rows + k];
            }
        });
        values
    }

    /// Projections of the residual, values times a factor less `evaluate`: Σ w_k Y_lm times it over the cells of each
    /// interval, harmonics by functions, and the sum of its squares over all cells.
    pub(super) fn project_left(
        &self,
        harmonics: &Harmonics,
        pieces: &Pieces,
        coefficients: &[Mat<f64>],
        values: &[f64],
        factor: f64,
    ) -> (Vec<Mat<f64>>, f64) {
        let mut projections = vec![Mat::zeros(count(harmonics.degree()), 4); coefficients.len()];
        let mut sums = vec![0.0; 4 * BLOCK];
        let mut squares = 0.0;
        self.for_harmonics(0..coefficients.len(), harmonics, |block, table| {
            let rows = table.nrows();
            let sums = &mut sums[..4 * rows];
            let to = MatMut::from_column_major_slice_mut(sums, rows, 4);
            matmul(to, Accum::Replace, table, coefficients[block.interval].as_ref(), 1.0, Par::Seq);
            for k in 0..rows {
                // Lanes without a cell are left empty.
                let (mut w, mut left) = ([0.0; 4], 0.0);
                if let (Some(&cell), Some(&radius)) = (block.cells.get(k), block.radii.get(k)) {
                    w = pieces.values(block.interval, radius);
                    let value =
                        w[0] * sums[k] + w[1] * sums[rows + k] + w[2] * sums[2 * rows + k] + w[3] * sums[3 * rows + k];
                    left = values[cell as usize] * factor - value;
                    squares += left * left;
                }
                (0..4).for_each(|column| sums[column * rows + k] = w[column] * left);
            }
            let left = MatRef::from_column_major_slice(sums, rows, 4);
            let to = projections[block.interval].as_mut();
            matmul(to, Accum::Add, table.transpose(), left, 1.0, Par::Seq);
        });
        (projections, squares)
    }
}
