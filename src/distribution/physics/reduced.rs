//! Gyro-averages: f(v∥, v⊥), f(v∥), and the gyrotropic part of a distribution.

use ndarray::{Array2, ArrayView2};

use super::field::FieldFrame;
use super::interpolation::{Interpolator, stencil};
use super::reduced_grid::ReducedGrid;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// A gyrotropic distribution f(v∥, v⊥) [s³ m⁻⁶] in the frame of a magnetic field, mostly a gyro-average: the one type for
/// that of the cells of a distribution ([`Vdf::gyro_average`]), and for those from coefficients
/// ([`MixtureCoefficients::gyro_average`](crate::MixtureCoefficients::gyro_average),
/// [`HermiteCoefficients::gyro_average`](crate::HermiteCoefficients::gyro_average)).
///
/// f(v∥), the density, gradients and tables for linear solvers follow from it alike.
#[derive(Debug, Clone, PartialEq)]
pub struct ReducedDistribution {
    pub(super) frame: FieldFrame,
    pub(super) grid: ReducedGrid,
    /// Values at the nodes `[v∥, v⊥]`.
    pub(super) values: Array2<f64>,
}

/// Fewest and most gyrophases of a circle.
const PHASES: std::ops::RangeInclusive<f64> = 16.0..=4096.0;

impl Vdf {
    /// Average over the gyrophase, f(v∥, v⊥) = ∮ f dφ / 2π, about the velocity of a frame.
    ///
    /// The density between the cells' centres is interpolated by cubic convolution, whose error is of third order in the
    /// cells' width, and zero outside the grid. The number of equal phases is the circumference in cells, but
    /// at least 16 and at most 4096: for a smooth density the sum over them converges faster than any power.
    ///
    /// ```
    /// # use vdf_basis::{Sampling, Synthetic};
    /// use vdf_basis::FieldDirection;
    /// use vdf_basis::distribution::physics::{FieldFrame, ReducedGrid};
    /// # let grid = Synthetic::default_grid("ring", 40)?;
    /// # let vdf = Synthetic::named("ring", 0)?.sample(&grid, Sampling::default())?;
    /// let moments = vdf.moments();
    /// let frame = FieldFrame::new(FieldDirection::new([0.0, 0.0, 1.0])?, moments.bulk_velocity)?;
    /// let nodes = ReducedGrid::covering(vdf.grid(), &frame, [61, 41])?;
    /// let reduced = vdf.gyro_average(&frame, &nodes);
    /// assert!((reduced.density() / moments.density - 1.0).abs() < 0.1);
    /// let along_the_field = reduced.parallel(); // f(v∥) [s m⁻⁴], one value a node
    /// assert_eq!(along_the_field.len(), 61);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    #[must_use]
    pub fn gyro_average(&self, frame: &FieldFrame, grid: &ReducedGrid) -> ReducedDistribution {
        let density = Interpolator::new(self);
        let cell = width_across(self.grid(), frame);
        let parallel = grid.parallel();
        let mut values = Array2::zeros(grid.shape());
        for (j, perpendicular) in grid.perpendicular().into_iter().enumerate() {
            let circle = circle(perpendicular, cell);
            let weight = 1.0 / circle.len() as f64;
            for (i, parallel) in parallel.iter().enumerate() {
                let sum: f64 = circle
                    .iter()
                    .map(|phase| weight * density.at(frame.velocity(*parallel, perpendicular, *phase)))
                    .sum();
                values[[i, j]] = sum;
            }
        }
        ReducedDistribution { frame: *frame, grid: *grid, values }
    }
}

/// Cosines and sines of the phases at which a circle is sampled.
fn circle(perpendicular: f64, cell: f64) -> Vec<[f64; 2]> {
    if perpendicular == 0.0 {
        return vec![[1.0, 0.0]];
    }
    let wanted = std::f64::consts::TAU * perpendicular / cell;
    let count = wanted.clamp(*PHASES.start(), *PHASES.end()).ceil() as usize;
    let phase = |k: usize| (std::f64::consts::TAU * k as f64 / count as f64).sin_cos();
    (0..count).map(phase).map(|(sin, cos)| [cos, sin]).collect()
}

/// The shortest way across a cell perpendicular to the field: moving by s in a direction e crosses |e_i| s / h_i cells along
/// axis i, and |e_i| is at most √(1 − b_i²).
fn width_across(grid: &VelocityGrid, frame: &FieldFrame) -> f64 {
    let b = frame.field().along();
    let cells = (0..3).map(|i| (1.0 - b[i] * b[i]).max(0.0).sqrt() / grid.spacing()[i]);
    1.0 / cells.fold(0.0, f64::max)
}

impl ReducedDistribution {
    /// A gyrotropic distribution from a function of v∥ and v⊥ [m/s].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the function is not finite at a node.
    pub fn from_fn(frame: FieldFrame, grid: ReducedGrid, mut density: impl FnMut(f64, f64) -> f64) -> Result<Self> {
        let (parallel, perpendicular) = (grid.parallel(), grid.perpendicular());
        let values = Array2::from_shape_fn(grid.shape(), |(i, j)| density(parallel[i], perpendicular[j]));
        if let Some(((i, j), value)) = values.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let at = format!("{value} at v∥ = {:e}, v⊥ = {:e}", parallel[i], perpendicular[j]);
            return Err(Error::parameter("density", at, "finite values"));
        }
        Ok(Self { frame, grid, values })
    }

    /// A gyro-average that a basis has at the nodes `[v∥, v⊥]`.
    pub(crate) fn of_nodes(frame: FieldFrame, grid: ReducedGrid, values: Array2<f64>) -> Self {
        Self { frame, grid, values }
    }

    /// The frame.
    #[must_use]
    pub fn frame(&self) -> &FieldFrame {
        &self.frame
    }

    /// The nodes.
    #[must_use]
    pub fn grid(&self) -> &ReducedGrid {
        &self.grid
    }

    /// Values at the nodes `[v∥, v⊥]` [s³ m⁻⁶].
    #[must_use]
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// Number density n = 2π ∫∫ f v⊥ dv⊥ dv∥ [m⁻³]: trapezoidal in v∥, of sixth order in v⊥.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.parallel().iter().zip(self.grid.parallel_weights()).map(|(f, w)| f * w).sum()
    }

    /// f(v∥) = 2π ∫ f v⊥ dv⊥ [s m⁻⁴] at the nodes of v∥, for any distribution, gyrotropic or not: the average over
    /// gyrophases changes no integral across the field.
    #[must_use]
    pub fn parallel(&self) -> Vec<f64> {
        let weights = self.grid.perpendicular_weights();
        let integral = |row: ndarray::ArrayView1<'_, f64>| row.iter().zip(&weights).map(|(f, w)| f * w).sum::<f64>();
        self.values.rows().into_iter().map(|row| std::f64::consts::TAU * integral(row)).collect()
    }

    /// ∫ f dv∥ [s² m⁻⁵] at the nodes of v⊥.
    #[must_use]
    pub fn perpendicular(&self) -> Vec<f64> {
        let weights = self.grid.parallel_weights();
        self.values.columns().into_iter().map(|column| column.iter().zip(&weights).map(|(f, w)| f * w).sum()).collect()
    }

    /// f(v∥, v⊥) between the nodes by cubic convolution, even in v⊥; zero outside.
    #[must_use]
    pub fn at(&self, parallel: f64, perpendicular: f64) -> f64 {
        let ([h_par, h_perp], [n_par, n_perp]) = (self.grid.spacing(), self.grid.shape());
        let (first, along) = stencil((parallel - self.grid.lowest()) / h_par);
        let (low, across) = stencil(perpendicular / h_perp);
        let mut sum = 0.0;
        for (k, along) in along.into_iter().enumerate() {
            let node = usize::try_from(first.saturating_add(k as isize)).ok();
            let Some(i) = node.filter(|i| *i < n_par) else { continue };
            for (l, across) in across.into_iter().enumerate() {
                // f is even in v⊥.
                let j = low.saturating_add(l as isize).unsigned_abs();
                if j < n_perp {
                    sum += along * across * self.values[[i, j]];
                }
            }
        }
        sum
    }

    /// This distribution on a grid of cells: the gyrotropic part of the one that was averaged, up to the interpolation by
    /// cubic convolution.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the interpolation leaves the range of f64.
    pub fn to_vdf(&self, grid: &VelocityGrid) -> Result<Vdf> {
        Vdf::from_fn(*grid, |v| {
            let [parallel, perpendicular] = self.frame.parallel_and_perpendicular(v);
            self.at(parallel, perpendicular)
        })
    }
}

#[cfg(test)]
mod tests;
