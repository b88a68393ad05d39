//! Resampling of a distribution on other grids: cropped, padded, or interpolated. Outside its grid it is zero.

use std::ops::Range;

use ndarray::{Array3, Slice};

use super::grid::VelocityGrid;
use super::vdf::Vdf;
use crate::error::{Error, Result};

/// Interpolation of [`Vdf::resample`]. Each kind acts along one axis after the other; s is
/// the distance between the new cell's centre and an old one's, in old cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The density of the old cell that holds the new centre.
    Nearest,
    /// Old cells weigh 1 − |s|. Exact for linear functions between the old centres; never negative for f ≥ 0.
    Linear,
    /// Cubic convolution (Keys 1981, IEEE Trans. ASSP 29, 1153, with a = −½; Catmull-Rom splines): old cells weigh
    /// 1 − 5⁄2 s² + 3⁄2 |s|³ to |s| = 1 and 2 − 4|s| + 5⁄2 s² − ½|s|³ to |s| = 2. Exact for quadratic functions one
    /// cell inside the old centres; may undershoot zero next to steep flanks.
    Cubic,
    /// The average of the old densities over the new cell, each old one constant in its cell. The density n is kept,
    /// to rounding, where the new grid covers the old one; never negative for f ≥ 0.
    Conservative,
}

impl Vdf {
    /// This distribution on another grid, of which any part may lie outside its own. An axis on which both grids
    /// agree is left as it is, bit by bit.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a cubic overshoots the range of `f64`.
    pub fn resample(&self, grid: &VelocityGrid, interpolation: Interpolation) -> Result<Self> {
        let (from, to) = (self.grid(), grid);
        let mut axes = [0, 1, 2];
        // The axis that shrinks most comes first, so that no intermediate array is larger than the larger of both
        // grids.
        let growth = |axis: usize| to.shape()[axis] as f64 / from.shape()[axis] as f64;
        axes.sort_by(|&a, &b| growth(a).total_cmp(&growth(b)));
        let (mut shape, mut values) = (from.shape(), self.as_slice().to_vec());
        for axis in axes {
            let geometry = |grid: &VelocityGrid| (grid.shape()[axis], grid.lower()[axis], grid.spacing()[axis]);
            if geometry(from) != geometry(to) {
                let weights = AxisWeights::new(from, to, axis, interpolation);
                values = weights.apply(&values, shape[axis], shape[axis + 1..].iter().product());
                shape[axis] = to.shape()[axis];
            }
        }
        Self::from_vec(*grid, values)
    }

    /// The cells `start[axis] .. start[axis] + shape[axis]` along every axis. Where they reach beyond the grid
    /// (negative starts, larger shapes) they are zero: this crops and pads.
    ///
    /// # Errors
    /// [`Error::InvalidGrid`] as [`VelocityGrid::window`].
    pub fn window(&self, start: [isize; 3], shape: [usize; 3]) -> Result<Self> {
        let grid = self.grid().window(start, shape)?;
        let overlap: [Range<isize>; 3] = std::array::from_fn(|axis| {
            let n = self.grid().shape()[axis] as isize;
            start[axis].max(0)..start[axis].saturating_add_unsigned(shape[axis]).min(n)
        });
        if overlap.iter().any(Range::is_empty) {
            return Ok(Self::zeros(grid));
        }
        let part = |axis: usize, origin: isize| {
            let Range { start, end } = overlap[axis];
            Slice::from(start - origin..end - origin)
        };
        let mut values = Array3::zeros(shape);
        values
            .slice_each_axis_mut(|axis| part(axis.axis.index(), start[axis.axis.index()]))
            .assign(&self.values().slice_each_axis(|axis| part(axis.axis.index(), 0)));
        Self::new(grid, values)
    }

    /// Along every axis, the smallest range of cells outside which no |f| exceeds `threshold` [s³ m⁻⁶]; none if no
    /// cell exceeds it.
    #[must_use]
    pub fn support(&self, threshold: f64) -> Option<[Range<usize>; 3]> {
        let [_, ny, nz] = self.grid().shape();
        let mut support: Option<[Range<usize>; 3]> = None;
        for (row, f) in self.as_slice().chunks_exact(nz).enumerate() {
            let Some(first) = f.iter().position(|f| f.abs() > threshold) else { continue };
            let end = nz - f.iter().rev().take_while(|f| f.abs() <= threshold).count();
            let row = [row / ny..row / ny + 1, row % ny..row % ny + 1, first..end];
            support = Some(match support {
                None => row,
                Some(s) => std::array::from_fn(|i| s[i].start.min(row[i].start)..s[i].end.max(row[i].end)),
            });
        }
        support
    }

    /// The smallest window that holds every |f| > `threshold` [s³ m⁻⁶] and `margin` more cells on every side, as far
    /// as the grid reaches.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if no |f| exceeds the threshold, as in an all-zero distribution: there is no
    /// grid without cells.
    pub fn crop(&self, threshold: f64, margin: usize) -> Result<Self> {
        let support = self.support(threshold).ok_or_else(|| Error::InvalidParameter {
            name: "threshold",
            value: threshold.to_string(),
            allowed: format!("a number below the largest |f|, {:e}", self.peak()),
        })?;
        let n = self.grid().shape();
        let start = std::array::from_fn(|axis| support[axis].start.saturating_sub(margin));
        let end: [usize; 3] = std::array::from_fn(|axis| support[axis].end.saturating_add(margin).min(n[axis]));
        self.window(start.map(|start| start as isize), std::array::from_fn(|axis| end[axis] - start[axis]))
    }
}

/// Sparse matrix along one axis: each new cell is a weighted sum of consecutive old ones.
struct AxisWeights {
    /// First old cell, and range of the weights, of each new cell.
    rows: Vec<(usize, Range<usize>)>,
    weights: Vec<f64>,
}

impl AxisWeights {
    fn new(from: &VelocityGrid, to: &VelocityGrid, axis: usize, interpolation: Interpolation) -> Self {
        let n = from.shape()[axis] as f64;
        // Old cell k spans k to k + 1.
        let offset = (to.lower()[axis] - from.lower()[axis]) / from.spacing()[axis];
        let width = to.spacing()[axis] / from.spacing()[axis];
        let mut matrix = Self { rows: Vec::with_capacity(to.shape()[axis]), weights: Vec::new() };
        for j in 0..to.shape()[axis] {
            let [lower, middle, upper] = [0.0, 0.5, 1.0].map(|part| offset + (j as f64 + part) * width);
            // Where the new centre lies between the old ones.
            let position = middle - 0.5;
            let cells = match interpolation {
                Interpolation::Nearest => [middle.floor(), middle.floor() + 1.0],
                Interpolation::Linear => [position.floor(), position.floor() + 2.0],
                Interpolation::Cubic => [position.floor() - 1.0, position.floor() + 3.0],
                Interpolation::Conservative => [lower.floor(), upper.ceil()],
            };
            let [first, end] = cells.map(|cell| cell.clamp(0.0, n) as usize);
            let begin = matrix.weights.len();
            matrix.weights.extend((first..end).map(|k| {
                let k = k as f64;
                match interpolation {
                    Interpolation::Nearest => 1.0,
                    Interpolation::Linear => 1.0 - (position - k).abs(),
                    Interpolation::Cubic => keys((position - k).abs()),
                    Interpolation::Conservative => f64::max(upper.min(k + 1.0) - lower.max(k), 0.0) / width,
                }
            }));
            matrix.rows.push((first, begin..matrix.weights.len()));
        }
        matrix
    }

    /// Replaces the `n` old cells along the axis by the new ones; cells `inner` apart in memory are neighbours.
    fn apply(&self, values: &[f64], n: usize, inner: usize) -> Vec<f64> {
        let m = self.rows.len();
        let mut out = vec![0.0; values.len() / n * m];
        for (from, to) in values.chunks_exact(n * inner).zip(out.chunks_exact_mut(m * inner)) {
            for ((first, weights), to) in self.rows.iter().zip(to.chunks_exact_mut(inner)) {
                let from = from[first * inner..].chunks_exact(inner);
                for (weight, from) in self.weights[weights.clone()].iter().zip(from) {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
                }
            }
        }
        out
    }
}

/// The cubic convolution kernel with a = −½ at distance s ≥ 0.
pub(super) fn keys(s: f64) -> f64 {
    if s < 1.0 {
        1.0 + s * s * (1.5 * s - 2.5)
    } else if s < 2.0 {
        2.0 + s * (-4.0 + s * (2.5 - 0.5 * s))
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::for_cases;
    use Interpolation::{Conservative, Cubic, Linear, Nearest};
    use approx::assert_relative_eq;
    use rand::Rng;

    const ALL: [Interpolation; 4] = [Nearest, Linear, Cubic, Conservative];

    fn grid() -> VelocityGrid {
        VelocityGrid::new([9, 7, 8], [-3.0, 10.0, 0.0], [0.5, 1.5, 1.0]).unwrap()
    }

    /// Incommensurate with `grid()`; all centres at least two old cells inside its edges.
    fn inside() -> VelocityGrid {
        VelocityGrid::from_edges([5, 4, 6], [-1.9, 13.1, 2.1], [0.4, 17.3, 5.7]).unwrap()
    }

    /// Any distribution: smooth, but of no polynomial.
    fn lumpy(grid: VelocityGrid) -> Vdf {
        Vdf::from_fn(grid, |[x, y, z]| (1.3 * x + 0.2).sin() + (0.7 * y * z).cos() + 2.5).unwrap()
    }

    /// Resampling a polynomial gives the polynomial.
    fn assert_exact(interpolation: Interpolation, polynomial: fn([f64; 3]) -> f64) {
        let vdf = Vdf::from_fn(grid(), polynomial).unwrap().resample(&inside(), interpolation).unwrap();
        let expected = Vdf::from_fn(inside(), polynomial).unwrap();
        for (f, expected) in vdf.as_slice().iter().zip(expected.as_slice()) {
            assert_relative_eq!(f, expected, max_relative = 1e-12);
        }
    }

    #[test]
    fn polynomials_are_reproduced_up_to_the_order() {
        for interpolation in ALL {
            assert_exact(interpolation, |_| 7.0);
        }
        assert_exact(Linear, |[x, y, z]| 500.0 + (3.0 - x) * (1.0 + 2.0 * y) * (z + 4.0));
        assert_exact(Cubic, |[x, y, z]| 1e4 + (3.0 - x * x) * (1.0 + y - 0.1 * y * y) * (z * z + 4.0));
    }

    #[test]
    fn order_of_accuracy_is_as_documented() {
        // Halving the spacing divides the error by 4 for linear and by 8 for cubic.
        let at = VelocityGrid::from_edges([397, 1, 1], [-1.0, -0.5, -0.5], [1.0, 0.5, 0.5]).unwrap();
        let error = |cells: usize, interpolation| {
            let grid = VelocityGrid::from_edges([cells, 1, 1], [-3.0, -0.5, -0.5], [3.0, 0.5, 0.5]).unwrap();
            let gaussian = |[x, _, _]: [f64; 3]| (-x * x).exp();
            let found = Vdf::from_fn(grid, gaussian).unwrap().resample(&at, interpolation).unwrap();
            let expected = Vdf::from_fn(at, gaussian).unwrap();
            found.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        for (interpolation, ratio) in [(Linear, 4.0), (Cubic, 8.0)] {
            assert_relative_eq!(error(60, interpolation) / error(120, interpolation), ratio, max_relative = 0.2);
        }
    }

    #[test]
    fn the_grid_itself_changes_nothing() {
        let vdf = Vdf::from_fn(grid(), |[x, y, z]| if z > 4.0 { -0.0 } else { 1e-30 * x + y }).unwrap();
        for interpolation in ALL {
            let same = vdf.resample(&grid(), interpolation).unwrap();
            assert!(same.as_slice().iter().zip(vdf.as_slice()).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn whole_cells_are_shifted_and_the_outside_is_zero() {
        // Spacings are powers of two: the shift by two cells is exact.
        let vdf = lumpy(VelocityGrid::new([4, 1, 3], [0.0; 3], [0.5, 1.0, 0.25]).unwrap());
        let shifted = vdf.window([-2, 0, 1], [5, 1, 3]).unwrap();
        assert_eq!(shifted.grid().lower(), [-1.0, 0.0, 0.25]);
        for ((x, y, z), &f) in shifted.values().indexed_iter() {
            let expected = if x < 2 || z > 1 { 0.0 } else { vdf.values()[[x - 2, y, z + 1]] };
            assert_eq!(f, expected);
        }
        for interpolation in ALL {
            assert_eq!(vdf.resample(shifted.grid(), interpolation).unwrap(), shifted);
        }
    }

    #[test]
    fn windows_apart_from_the_grid_are_zero() {
        let vdf = lumpy(grid());
        for start in [[-4, 0, 0], [0, 7, 0], [0, 0, 1000]] {
            assert_eq!(vdf.window(start, [4, 2, 3]).unwrap().peak(), 0.0);
        }
        assert!(vdf.window([0; 3], [0, 1, 1]).is_err());
        assert!(vdf.window([0; 3], [usize::MAX, 1, 1]).is_err());
        for start in [isize::MIN, isize::MAX] {
            assert!(vdf.window([start; 3], [1; 3]).is_err(), "cells too small beside their distance");
        }
    }

    #[test]
    fn cropping_keeps_what_exceeds_the_threshold() {
        let mut values = Array3::zeros([9, 7, 8]);
        values[[2, 3, 7]] = -2.0;
        values[[4, 3, 1]] = 3.0;
        values[[4, 3, 5]] = 2.0;
        values[[8, 0, 0]] = 1.0;
        let vdf = Vdf::new(grid(), values).unwrap();
        assert_eq!(vdf.support(1.0), Some([2..5, 3..4, 1..8]));
        let cropped = vdf.crop(1.0, 0).unwrap();
        assert_eq!(cropped, vdf.window([2, 3, 1], [3, 1, 7]).unwrap());
        assert_eq!(cropped.window([-2, -3, -1], [9, 7, 8]).unwrap().values()[[4, 3, 1]], 3.0);
        assert_eq!(vdf.crop(2.0, 2).unwrap().grid(), &grid().window([2, 1, 0], [5, 5, 4]).unwrap());
        assert_eq!(vdf.crop(0.5, usize::MAX).unwrap(), vdf);
        assert_eq!(
            vdf.crop(3.0, 1).unwrap_err().to_string(),
            "threshold = 3 is not allowed: a number below the largest |f|, 3e0"
        );
        for threshold in [0.0, f64::NAN] {
            assert!(Vdf::zeros(grid()).crop(threshold, 0).is_err());
        }
    }

    #[test]
    fn averages_are_those_of_the_overlaps() {
        let vdf = Vdf::from_slice(VelocityGrid::unit([3, 1, 1]).unwrap(), &[6.0, 12.0, 24.0]).unwrap();
        // Edges at 0.5, 2 and 3.5 old cells.
        let grid = VelocityGrid::new([2, 1, 1], [0.0, -0.5, -0.5], [1.5, 1.0, 1.0]).unwrap();
        let average = vdf.resample(&grid, Conservative).unwrap();
        assert_relative_eq!(average.as_slice()[0], (0.5 * 6.0 + 12.0) / 1.5, max_relative = 1e-15);
        assert_relative_eq!(average.as_slice()[1], 24.0 / 1.5, max_relative = 1e-15);
    }

    #[test]
    fn long_thin_grids_need_no_memory_between() {
        // Along x before z, or y before z, a million million values would lie between.
        let vdf = lumpy(VelocityGrid::new([1, 1, 1 << 20], [0.0; 3], [1.0, 1.0, 1e-6]).unwrap());
        let grid = VelocityGrid::new([1 << 20, 1, 1], [0.0; 3], [1e-6, 1.0, 2.0]).unwrap();
        let resampled = vdf.resample(&grid, Conservative).unwrap();
        assert_relative_eq!(resampled.moments().density, vdf.moments().density, max_relative = 1e-12);
    }

    #[test]
    fn conservative_keeps_the_density() {
        for_cases(256, |random| {
            let shape = [(); 3].map(|()| random.random_range(1..9));
            let vdf = lumpy(VelocityGrid::new(shape, [-7e5, 0.0, 3e5], [2e4, 3e4, 1e4]).unwrap());
            let lower = vdf.grid().lower().map(|v| v - random.random_range(0.0..4e4));
            let upper = vdf.grid().upper().map(|v| v + random.random_range(0.0..4e4));
            let new_shape = [(); 3].map(|()| random.random_range(1..14));
            let covering = VelocityGrid::from_edges(new_shape, lower, upper).unwrap();
            let [before, after] = [&vdf, &vdf.resample(&covering, Conservative).unwrap()].map(|f| f.moments().density);
            assert!((after / before - 1.0).abs() < 1e-13, "{before} became {after}");
        });
    }

    /// Against the definition, cell by cell.
    #[test]
    fn nearest_takes_the_cell_that_holds_the_centre() {
        for_cases(256, |random| {
            let vdf = lumpy(VelocityGrid::new([5, 6, 7], [0.0; 3], [1.0; 3]).unwrap());
            let shape = [(); 3].map(|()| random.random_range(1..7));
            let lower = [(); 3].map(|()| random.random_range(-4.0..12.0));
            let spacing = [(); 3].map(|()| random.random_range(0.1..3.0));
            let grid = VelocityGrid::new(shape, lower, spacing).unwrap();
            let resampled = vdf.resample(&grid, Nearest).unwrap();
            for ((x, y, z), &f) in resampled.values().indexed_iter() {
                let cell = [grid.centre(0, x), grid.centre(1, y), grid.centre(2, z)].map(f64::floor);
                let inside = cell.iter().zip([5.0, 6.0, 7.0]).all(|(&cell, n)| (0.0..n).contains(&cell));
                let expected = if inside { vdf.values()[cell.map(|cell| cell as usize)] } else { 0.0 };
                assert_eq!(f, expected);
            }
        });
    }
}
