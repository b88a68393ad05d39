//! Gaussian through the logarithms of the largest value and its neighbours.
//!
//! The logarithm of a Gaussian is a quadratic polynomial: three values along each axis, and one more for each pair of
//! axes, give its centre and its covariance exactly (Caruana, Searle, Heller and Shupack 1986, Anal. Chem. 58, 1162),
//! however narrow it is. For Gaussians narrower than a cell, sums over cells are no longer a quadrature.

use nalgebra::{Cholesky, Matrix3, Vector3};

use super::principal_axes::frame_of_factor;
use super::{Covariance, Gaussian};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;

/// Curvature −∂² ln f along an axis, in cells, above which moments are inaccurate: a width of one cell. At half a cell
/// the sums over the cells are off by 1%, at one cell by 5e-9 (Poisson's formula: 2 exp(−2π² s²)).
const NARROW_CURVATURE: f64 = 1.0;
/// Curvature assumed if neighbours are empty: a width of a fifth of a cell.
const ISOLATED_CURVATURE: f64 = 25.0;

/// Fits a Gaussian about the largest value; `None` unless it is narrower than a cell along some axis. Its peak is only
/// a start. Along axes on which it is wide, the moments are taken if they exist, because they are less sensitive to
/// noise.
pub(super) fn from_logarithms(vdf: &Vdf, covariance: Covariance, moments: Option<&Moments>) -> Option<Gaussian> {
    let peak = Peak::new(vdf)?;
    let parabolas: [Option<Parabola>; 3] = std::array::from_fn(|axis| peak.parabola(axis));
    if !parabolas.iter().flatten().any(|parabola| parabola.curvature > NARROW_CURVATURE) {
        return None;
    }
    if covariance == Covariance::Full
        && let [Some(x), Some(y), Some(z)] = parabolas
        && let Some(frame) = peak.tilted([x, y, z])
    {
        return Some(Gaussian { peak: peak.value, frame });
    }
    let mut located = [Parabola { curvature: 0.0, slope: 0.0 }; 3];
    for (axis, (located, found)) in located.iter_mut().zip(parabolas).enumerate() {
        let summed = moments.and_then(|moments| peak.summed(axis, moments));
        *located = match found {
            Some(found) if found.curvature > NARROW_CURVATURE || covariance == Covariance::Isotropic => found,
            Some(found) if found.curvature > 0.0 => summed.unwrap_or(found),
            _ => summed?,
        };
    }
    if covariance == Covariance::Isotropic {
        located = peak.round(located)?;
    }
    let spacing = peak.grid.spacing();
    let centre = peak.velocity(Vector3::from(located.map(|along| along.slope / along.curvature)));
    let mut scales = std::array::from_fn(|axis| spacing[axis] / located[axis].curvature.sqrt());
    if covariance == Covariance::Isotropic {
        // Exactly equal, because a stream holds only one of them.
        scales = [scales[0]; 3];
    }
    Some(Gaussian { peak: peak.value, frame: Frame::grid_aligned(centre, scales) })
}

/// Parabola ln f = slope x − ½ curvature x² along an axis, x in cells from the largest value.
#[derive(Debug, Clone, Copy)]
struct Parabola {
    curvature: f64,
    slope: f64,
}

/// Largest |f| and its cell.
struct Peak<'a> {
    grid: &'a VelocityGrid,
    values: &'a [f64],
    cell: [usize; 3],
    value: f64,
}

impl<'a> Peak<'a> {
    fn new(vdf: &'a Vdf) -> Option<Self> {
        let (grid, values) = (vdf.grid(), vdf.as_slice());
        let largest = vdf.peak();
        let index = values.iter().position(|f| f.abs() == largest)?;
        (largest > 0.0).then(|| Self { grid, values, cell: grid.index_of(index), value: values[index] })
    }

    /// Logarithm of the ratio of a value, at an offset in cells, and the largest one. `None` outside the box, or if
    /// the value is zero or has the other sign.
    fn log(&self, offset: [isize; 3]) -> Option<f64> {
        let [nx, ny, nz] = self.grid.shape();
        let mut at = [0; 3];
        for (axis, n) in [nx, ny, nz].into_iter().enumerate() {
            at[axis] = self.cell[axis].checked_add_signed(offset[axis]).filter(|&k| k < n)?;
        }
        let ratio = self.values[(at[0] * ny + at[1]) * nz + at[2]] / self.value;
        (ratio > 0.0).then(|| ratio.ln())
    }

    fn log_along(&self, axis: usize, offset: isize) -> Option<f64> {
        let mut offsets = [0; 3];
        offsets[axis] = offset;
        self.log(offsets)
    }

    /// Parabola through the three values about the largest, shifted at the edge of the box; `None` if no neighbour has
    /// a logarithm.
    fn parabola(&self, axis: usize) -> Option<Parabola> {
        let n = self.grid.shape()[axis];
        if n == 1 {
            return Some(Parabola { curvature: NARROW_CURVATURE, slope: 0.0 });
        }
        let middle = match self.cell[axis] {
            0 => 1,
            k if k == n - 1 => -1,
            _ => 0,
        };
        let three = [middle - 1, middle, middle + 1].map(|offset| self.log_along(axis, offset));
        if let [Some(left), Some(centre), Some(right)] = three {
            let curvature = 2.0 * centre - left - right;
            return Some(Parabola { curvature, slope: 0.5 * (right - left) + curvature * middle as f64 });
        }
        // Two values leave one parameter free: the curvature is set so that the parabola is steep towards the empty
        // cell.
        let neighbour = |side: isize| Some((side, -self.log_along(axis, side)?));
        let nearer = |a: &(isize, f64), b: &(isize, f64)| a.1.total_cmp(&b.1);
        let (side, fall) = [-1, 1].into_iter().filter_map(neighbour).min_by(nearer)?;
        let curvature = if n == 2 { (2.0 * fall).max(NARROW_CURVATURE) } else { 2.0 * fall + ISOLATED_CURVATURE };
        Some(Parabola { curvature, slope: side as f64 * (0.5 * curvature - fall) })
    }

    /// Parabola of the moments; `None` if they have no width. (For values in a single plane it is a rounding error.)
    fn summed(&self, axis: usize, moments: &Moments) -> Option<Parabola> {
        let spacing = self.grid.spacing()[axis];
        let width = moments.thermal_speeds()[axis] / spacing;
        let centre = self.grid.centre(axis, self.cell[axis]);
        let curvature = width.powi(-2).min(ISOLATED_CURVATURE);
        let slope = curvature * (moments.bulk_velocity[axis] - centre) / spacing;
        (width > 1e-5 && slope.is_finite()).then_some(Parabola { curvature, slope })
    }

    /// One physical width s for all axes: every curvature is h²/s², h the width of a cell. 1/s² follows by least
    /// squares, in which the longest cells have the largest weight. Along axes with short cells only the slope, which
    /// gives the centre, is kept: the curvature there is mostly rounding error.
    fn round(&self, parabolas: [Parabola; 3]) -> Option<[Parabola; 3]> {
        let (spacing, shape) = (self.grid.spacing(), self.grid.shape());
        let longest = spacing.into_iter().fold(0.0, f64::max);
        let squares = spacing.map(|h| (h / longest).powi(2));
        let (mut weighted, mut weights) = (0.0, 0.0);
        for axis in (0..3).filter(|&axis| shape[axis] > 1) {
            weighted += parabolas[axis].curvature * squares[axis];
            weights += squares[axis] * squares[axis];
        }
        let tau = weighted / weights;
        let along = |axis: usize| {
            let Parabola { curvature, slope } = parabolas[axis];
            let round = tau * squares[axis];
            Parabola {
                curvature: round,
                slope: if curvature > NARROW_CURVATURE { slope / curvature * round } else { slope },
            }
        };
        (tau > 0.0 && tau.is_finite()).then(|| std::array::from_fn(along))
    }

    /// Full covariance, with the mixed second derivative of each pair of axes from the largest of the four diagonal
    /// neighbours.
    fn tilted(&self, parabolas: [Parabola; 3]) -> Option<Frame> {
        let mut precision = Matrix3::from_diagonal(&Vector3::from(parabolas.map(|along| along.curvature)));
        for (i, j) in [(0, 1), (0, 2), (1, 2)] {
            if self.grid.shape()[i] == 1 || self.grid.shape()[j] == 1 {
                continue;
            }
            let corner = |(a, b): (isize, isize)| {
                let mut offset = [0; 3];
                offset[i] = a;
                offset[j] = b;
                let corner = self.log(offset)?;
                Some((corner, (a * b) as f64 * (self.log_along(i, a)? + self.log_along(j, b)? - corner)))
            };
            let corners = [(1, 1), (1, -1), (-1, 1), (-1, -1)].into_iter().filter_map(corner);
            let (_, mixed) = corners.max_by(|a, b| a.0.total_cmp(&b.0))?;
            precision[(i, j)] = mixed;
            precision[(j, i)] = mixed;
        }
        let lower = Cholesky::new(precision)?;
        let centre = self.velocity(lower.solve(&Vector3::from(parabolas.map(|along| along.slope))));
        // Σ = Q⁻¹ = L⁻ᵀ L⁻¹ in cells.
        let factor = lower.l().transpose().try_inverse()?;
        let spacing = Vector3::from(self.grid.spacing());
        Some(frame_of_factor(centre, &(Matrix3::from_diagonal(&spacing) * factor)))
    }

    fn velocity(&self, offset: Vector3<f64>) -> [f64; 3] {
        std::array::from_fn(|axis| self.grid.centre(axis, self.cell[axis]) + offset[axis] * self.grid.spacing()[axis])
    }
}
