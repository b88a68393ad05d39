//! The data of a fit: a distribution scaled, without negative values, in rows padded to whole vectors.

use nalgebra::{Matrix3, Vector3};

use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::lanes::{LANES, Lanes};
use crate::numerics::scaling::normalising_factor;

/// Cells of a distribution, scaled. Velocities are counted from the middle of the grid in units of its largest spacing,
/// densities in units near the peak: a fit does not depend on the units of the data or on the origin of its grid.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    pub grid: VelocityGrid,
    /// Multiplies the distribution's values.
    pub factor: f64,
    /// The largest value, times the factor.
    pub peak: f64,
    pub scaling: VelocityScaling,
    /// Centres of the cells along each axis, scaled.
    pub axes: [Vec<f64>; 3],
    /// Centres along the last axis, padded.
    pub z: Vec<Lanes>,
    /// Scaled values, one row of `z.len()` vectors after another; negative ones and the padding are 0.
    pub values: Vec<Lanes>,
    /// Range of vectors of each row outside which all values are zero.
    pub occupied: Vec<std::ops::Range<usize>>,
    /// Σ f, Σ f v / Σ f and the central second moments over Σ f, all scaled.
    pub mass: f64,
    pub mean: Vector3<f64>,
    pub covariance: Matrix3<f64>,
    /// Σ f², scaled.
    pub norm_squared: f64,
    /// Cells with a positive value.
    pub positive: usize,
    /// Cells with a negative value, counted as zero, and their share of Σ |f|.
    pub clipped: usize,
    pub clipped_share: f64,
    /// Effective sample size (Σ f)² / Σ f² (Kish 1965).
    pub effective: f64,
}

/// Rows of cells on which components are evaluated.
pub(super) struct Lattice<'a> {
    pub x: &'a [f64],
    pub y: &'a [f64],
    pub z: &'a [Lanes],
}

/// The scaling of velocities on one grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct VelocityScaling {
    pub middle: [f64; 3],
    pub unit: f64,
    /// Spacings, scaled: at most 1.
    pub spacing: Vector3<f64>,
}

impl VelocityScaling {
    pub fn new(grid: &VelocityGrid) -> Self {
        let unit = grid.spacing().into_iter().fold(0.0, f64::max);
        Self { middle: grid.middle(), unit, spacing: Vector3::from(grid.spacing()) / unit }
    }

    pub fn scaled(&self, velocity: [f64; 3]) -> Vector3<f64> {
        Vector3::from_fn(|i, _| (velocity[i] - self.middle[i]) / self.unit)
    }

    pub fn velocity(&self, scaled: &Vector3<f64>) -> [f64; 3] {
        std::array::from_fn(|i| self.middle[i] + scaled[i] * self.unit)
    }

    /// Volume of a cell, scaled.
    pub fn cell_volume(&self) -> f64 {
        self.spacing.product()
    }

    /// Scaled centres of the cells along one axis, from the indices alone.
    pub fn centres(&self, grid: &VelocityGrid, axis: usize) -> Vec<f64> {
        let n = grid.shape()[axis];
        (0..n).map(|k| (k as f64 - 0.5 * (n as f64 - 1.0)) * self.spacing[axis]).collect()
    }
}

/// Centres along the last axis in whole vectors; the padding continues the spacing.
pub(super) fn padded(centres: &[f64], spacing: f64) -> Vec<Lanes> {
    let beyond = |k: usize| centres[0] + k as f64 * spacing;
    let centre = |k: usize| centres.get(k).copied().unwrap_or_else(|| beyond(k));
    (0..centres.len().div_ceil(LANES)).map(|chunk| std::array::from_fn(|lane| centre(chunk * LANES + lane))).collect()
}

impl Cells {
    /// # Errors
    /// [`Error::Degenerate`] in the name of `basis` without a positive value.
    pub fn new(basis: &'static str, vdf: &Vdf) -> Result<Self> {
        let grid = *vdf.grid();
        let [nx, ny, nz] = grid.shape();
        let peak = vdf.as_slice().iter().fold(0.0, |peak, &f| f64::max(peak, f));
        if peak == 0.0 {
            let what = if vdf.peak() == 0.0 { "zero everywhere" } else { "nowhere positive" };
            return Err(Error::Degenerate { basis, reason: format!("the distribution is {what}") });
        }
        let factor = normalising_factor(peak);
        let scaling = VelocityScaling::new(&grid);
        let axes: [Vec<f64>; 3] = std::array::from_fn(|axis| scaling.centres(&grid, axis));
        let z = padded(&axes[2], scaling.spacing[2]);
        let mut cells = Self {
            grid,
            factor,
            peak: peak * factor,
            scaling,
            values: Vec::with_capacity(nx * ny * z.len()),
            occupied: Vec::with_capacity(nx * ny),
            z,
            axes,
            mass: 0.0,
            mean: Vector3::zeros(),
            covariance: Matrix3::zeros(),
            norm_squared: 0.0,
            positive: 0,
            clipped: 0,
            clipped_share: 0.0,
            effective: 0.0,
        };
        let mut negative = 0.0;
        for row in vdf.as_slice().chunks_exact(nz) {
            let start = cells.values.len();
            for chunk in row.chunks(LANES) {
                let mut lanes = [0.0; LANES];
                for (lane, &f) in lanes.iter_mut().zip(chunk) {
                    if f > 0.0 {
                        *lane = f * factor;
                        cells.positive += 1;
                    } else if f < 0.0 {
                        cells.clipped += 1;
                        negative -= f * factor;
                    }
                }
                cells.values.push(lanes);
            }
            let filled = |lanes: &Lanes| lanes.iter().any(|&f| f > 0.0);
            let row = &cells.values[start..];
            let first = row.iter().position(filled).unwrap_or(0);
            let end = row.iter().rposition(filled).map_or(0, |last| last + 1);
            cells.occupied.push(first..end);
        }
        cells.sum()?;
        cells.clipped_share = negative / (negative + cells.mass);
        Ok(cells)
    }

    fn sum(&mut self) -> Result<()> {
        // The distribution's own compensated sums, on the scaled grid.
        let lower = std::array::from_fn(|i| -0.5 * self.axes[i].len() as f64 * self.scaling.spacing[i]);
        let grid = VelocityGrid::new(self.grid.shape(), lower, self.scaling.spacing.into())?;
        let moments = Moments::of(&grid, &self.plain(), |f| f);
        self.mass = moments.density / grid.cell_volume();
        self.mean = Vector3::from(moments.bulk_velocity);
        self.covariance = Matrix3::from_fn(|i, j| moments.pressure[i][j] / moments.density);
        self.norm_squared = self.values.as_flattened().iter().map(|f| f * f).sum();
        self.effective = self.mass * self.mass / self.norm_squared;
        Ok(())
    }

    /// The scaled values without the padding.
    pub fn plain(&self) -> Vec<f64> {
        let nz = self.axes[2].len();
        self.values.chunks_exact(self.z.len()).flat_map(|row| &row.as_flattened()[..nz]).copied().collect()
    }

    pub fn lattice(&self) -> Lattice<'_> {
        Lattice { x: &self.axes[0], y: &self.axes[1], z: &self.z }
    }

    /// The row's position across, and the index of its first vector.
    pub fn row(&self, row: usize) -> ([f64; 2], usize) {
        let ny = self.axes[1].len();
        ([self.axes[0][row / ny], self.axes[1][row % ny]], row * self.z.len())
    }

    pub fn rows(&self) -> usize {
        self.occupied.len()
    }
}
