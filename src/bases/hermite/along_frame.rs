//! A distribution on cells along a frame's axes, as the search for centre and widths needs it: there products separate.

use ndarray::Axis;

use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::scaling::{largest_magnitude, normalising_factor};

/// The same cells along a frame's axes, with the origin at the frame's centre. `None` unless the axes are the grid's in
/// another order or sense.
pub(super) fn reordered(vdf: &Vdf, frame: &Frame) -> Option<Vdf> {
    /// Largest component across a grid axis that counts as rounding of a parallel axis.
    const ALONG: f64 = 1e-9;
    let (grid, axes) = (vdf.grid(), frame.axes());
    let mut order = [0; 3];
    for (axis, place) in axes.iter().zip(&mut order) {
        *place = (0..3).find(|&j| (0..3).all(|k| k == j || axis[k].abs() < ALONG))?;
    }
    let reversed: [bool; 3] = std::array::from_fn(|i| axes[i][order[i]] < 0.0);
    let lower = std::array::from_fn(|i| {
        let j = order[i];
        if reversed[i] { frame.centre[j] - grid.upper()[j] } else { grid.lower()[j] - frame.centre[j] }
    });
    let along = VelocityGrid::new(order.map(|j| grid.shape()[j]), lower, order.map(|j| grid.spacing()[j])).ok()?;
    let mut values = vdf.values().permuted_axes(order);
    for (i, _) in reversed.into_iter().enumerate().filter(|(_, reversed)| *reversed) {
        values.invert_axis(Axis(i));
    }
    Vdf::from_vec(along, values.iter().copied().collect()).ok()
}

/// The distribution on a grid along the frame's axes, its origin at the frame's centre, by trilinear interpolation and
/// zero outside the box: good enough to search centre and widths on, where only their rough place matters. The cells
/// themselves where the axes are the grid's.
///
/// A cube around a row of cells has the third power of their number. Where the box along the axes would have many more
/// cells than the grid, it is the box around those cells that are not faint, with cells as large as it takes.
pub(super) fn along_frame(vdf: &Vdf, frame: &Frame) -> Result<Vdf> {
    /// Cells that are never too many (2 MiB).
    const FEW: usize = 1 << 18;
    /// More than so many times the cells of the grid are too many.
    const MULTIPLE: usize = 8;
    /// Cells that suffice along a row or a plane.
    const COARSE: usize = 1 << 15;
    if let Some(same) = reordered(vdf, frame) {
        return Ok(same);
    }
    let unit = Frame { scales: [1.0; 3], ..*frame };
    let whole = AlongAxes::of(vdf.grid(), &unit, [[0; 3], vdf.grid().shape()]);
    let most = FEW.max(MULTIPLE * vdf.grid().cells());
    if whole.count() <= most as f64 {
        return interpolated(vdf, &unit, whole.grid()?);
    }
    let bright = AlongAxes::of(vdf.grid(), &unit, range_of_bright(vdf));
    summed(vdf, &unit, bright.with_at_most(COARSE.max(MULTIPLE * vdf.grid().cells())).grid()?)
}

/// A box along a frame's axes, and its number of cells along each.
struct AlongAxes {
    reach: [[f64; 2]; 3],
    cells: [f64; 3],
}

impl AlongAxes {
    /// The box around the cells of `grid` from one index up to another, in cells as wide as the narrowest of the grid, but
    /// no more along an axis than the grid has along its longest.
    fn of(grid: &VelocityGrid, unit: &Frame, [from, to]: [[usize; 3]; 2]) -> Self {
        let shape = grid.shape();
        let edge = |axis: usize, index: usize| grid.lower()[axis] + index as f64 * grid.spacing()[axis];
        let mut reach = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
        for corner in 0..8 {
            let corner = std::array::from_fn(|j| edge(j, if corner >> j & 1 == 0 { from[j] } else { to[j] }));
            for (reach, xi) in reach.iter_mut().zip(unit.to_frame(corner)) {
                *reach = [reach[0].min(xi), reach[1].max(xi)];
            }
        }
        let finest = (0..3).filter(|&j| shape[j] > 1).fold(f64::INFINITY, |h, j| f64::min(h, grid.spacing()[j]));
        let most = shape.into_iter().max().unwrap_or(1) as f64;
        // A millionth of a cell less, so that rounding adds no cell.
        let cells = reach.map(|[low, high]| ((high - low) / finest - 1e-6).ceil().clamp(1.0, most));
        Self { reach, cells }
    }

    fn count(&self) -> f64 {
        self.cells.iter().product()
    }

    /// The same box with larger cells, so that there are at most `most`.
    fn with_at_most(self, most: usize) -> Self {
        let Self { reach, mut cells } = self;
        // An axis that is down to one cell cannot have fewer, so that the others may need to be reduced again.
        for _ in 0..3 {
            let part = most as f64 / cells.iter().product::<f64>();
            let axes = cells.iter().filter(|n| **n > 1.0).count();
            if part < 1.0 {
                cells = cells.map(|n| (part.powf(1.0 / axes as f64) * n).floor().max(1.0));
            }
        }
        Self { reach, cells }
    }

    fn grid(&self) -> Result<VelocityGrid> {
        let edge = |end: usize| self.reach.map(|reach| reach[end]);
        VelocityGrid::from_edges(self.cells.map(|n| n as usize), edge(0), edge(1))
    }
}

/// The first cell, and the one after the last, of the box that holds all cells that are not faint.
fn range_of_bright(vdf: &Vdf) -> [[usize; 3]; 2] {
    /// Part of the highest |f| below which a cell hardly changes where centre and widths are looked for.
    const FAINT: f64 = 1e-6;
    let least = FAINT * largest_magnitude(vdf.as_slice());
    let (mut from, mut to) = (vdf.grid().shape(), [0; 3]);
    for (cell, _) in vdf.as_slice().iter().enumerate().filter(|(_, f)| f.abs() > least) {
        let index = vdf.grid().index_of(cell);
        for j in 0..3 {
            (from[j], to[j]) = (from[j].min(index[j]), to[j].max(index[j] + 1));
        }
    }
    if from[0] < to[0] { [from, to] } else { [[0; 3], vdf.grid().shape()] }
}

fn interpolated(vdf: &Vdf, unit: &Frame, along: VelocityGrid) -> Result<Vdf> {
    let (grid, values) = (vdf.grid(), vdf.as_slice());
    let (lower, shape, axes) = (grid.lower(), grid.shape(), unit.axes());
    Vdf::from_fn(along, |w| {
        let mut base = [0isize; 3];
        let mut part = [0.0; 3];
        for j in 0..3 {
            let v = unit.centre[j] + (0..3).map(|i| axes[i][j] * w[i]).sum::<f64>();
            let position = (v - lower[j]) / grid.spacing()[j] - 0.5;
            base[j] = position.floor() as isize;
            part[j] = position - position.floor();
        }
        let mut sum = 0.0;
        for corner in 0..8usize {
            let step: [usize; 3] = std::array::from_fn(|j| corner >> j & 1);
            let index: [isize; 3] = std::array::from_fn(|j| base[j].saturating_add(step[j] as isize));
            if (0..3).all(|j| index[j] >= 0 && (index[j] as usize) < shape[j]) {
                let weight: f64 = (0..3).map(|j| if step[j] == 0 { 1.0 - part[j] } else { part[j] }).product();
                let [x, y, z] = index.map(|k| k as usize);
                sum += weight * values[(x * shape[1] + y) * shape[2] + z];
            }
        }
        sum
    })
}

/// In each cell of `along` the sum of the cells whose centres lie in it, in a unit in which nothing overflows.
fn summed(vdf: &Vdf, unit: &Frame, along: VelocityGrid) -> Result<Vdf> {
    let factor = normalising_factor(largest_magnitude(vdf.as_slice()));
    let mut sums = Vdf::zeros(along).into_values();
    for (cell, f) in vdf.as_slice().iter().enumerate() {
        let index = vdf.grid().index_of(cell);
        let xi = unit.to_frame(std::array::from_fn(|j| vdf.grid().centre(j, index[j])));
        let place: [f64; 3] = std::array::from_fn(|i| ((xi[i] - along.lower()[i]) / along.spacing()[i]).floor());
        if (0..3).all(|i| place[i] >= 0.0 && place[i] < along.shape()[i] as f64) {
            sums[place.map(|k| k as usize)] += f * factor;
        }
    }
    Vdf::new(along, sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bell along a row, a plane and a box, and its frame along oblique axes.
    fn bell(shape: [usize; 3]) -> (Vdf, Frame) {
        let grid = VelocityGrid::new(shape, [0.0; 3], [1.0, 2.0, 3.0]).unwrap();
        let middle = grid.middle();
        let widths: [f64; 3] = std::array::from_fn(|j| 0.1 * shape[j] as f64 * grid.spacing()[j]);
        let bell = |v: [f64; 3]| (0..3).map(|j| ((v[j] - middle[j]) / widths[j]).powi(2)).sum::<f64>();
        let vdf = Vdf::from_fn(grid, |v| (-0.5 * bell(v)).exp()).unwrap();
        let axes = [[0.6, 0.8, 0.0], [-0.48, 0.36, 0.8], [0.64, -0.48, 0.6]];
        (vdf, Frame::along(axes, middle, [1.0; 3]).unwrap())
    }

    #[test]
    fn rows_and_planes_have_no_cubes_around_them() {
        for shape in [[20_000, 1, 1], [1, 3000, 1], [400, 1, 300], [2, 3, 900]] {
            let (vdf, frame) = bell(shape);
            let along = along_frame(&vdf, &frame).unwrap();
            let cells = along.grid().cells();
            assert!(cells <= (1 << 18).max(8 * vdf.grid().cells()), "{shape:?}: {cells}");
            // Nothing is lost, and the mean stays where it is to a cell.
            let unit = normalising_factor(vdf.peak());
            let (f, g) = (unit * vdf.as_slice().iter().sum::<f64>(), along.as_slice().iter().sum::<f64>());
            let m = along.moments();
            assert!((g / f - 1.0).abs() < 1e-4, "{shape:?}: {g} of {f}");
            assert!((0..3).all(|i| m.bulk_velocity[i].abs() <= along.grid().spacing()[i]), "{shape:?}: {m:?}");
        }
    }

    #[test]
    fn an_axis_of_one_cell_leaves_the_limit_to_the_others() {
        let (vdf, _) = bell([60_000, 1, 1]);
        let axes = [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
        let frame = Frame::along(axes, vdf.grid().middle(), [1.0; 3]).unwrap();
        let cells = along_frame(&vdf, &frame).unwrap().grid().cells();
        assert!(cells <= 8 * 60_000, "{cells}");
    }

    #[test]
    fn cubes_are_interpolated_in_cells_of_their_own_width() {
        let (vdf, frame) = bell([16, 16, 16]);
        let along = along_frame(&vdf, &frame).unwrap();
        assert!(along.grid().shape().iter().all(|n| *n <= 16));
        // The middle of the box, between eight cells.
        let most = along.peak();
        assert!((0.7..=1.0).contains(&most), "{most}");
    }
}
