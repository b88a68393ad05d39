//! Spherical expansions in a stream: centre and radii, the degree of every shell, then the amplitudes.

use super::cells::unit;
use super::coefficients::Extent;
use super::harmonics::count;
use super::{Method, NAME, Spherical, SphericalCoefficients, burnett};
use crate::basis::Stream;
use crate::basis::choices::spec_of;
use crate::basis::spec::Spec;
use crate::coding::{Coder, Integers, Numbers, Reals, Resolution, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// ∫ B² dr of a cubic B-spline, in steps of its knots.
const SQUARE_OF_SPLINE: f64 = 151.0 / 315.0;

impl Stream for Spherical {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, _: &VelocityGrid) -> SphericalCoefficients {
        let extent = match self.method {
            Method::Joint => Extent::Splines { inner: 1.0, outer: 1.0 },
            Method::Misner(_) => Extent::Spheres { last: 1.0 },
            Method::Burnett(_) => Extent::Burnett { width: 1.0 },
        };
        SphericalCoefficients {
            degree: self.degree,
            axis: self.axis,
            centre: [0.0; 3],
            extent,
            sizes: Vec::new(),
            amplitudes: Vec::new(),
        }
    }

    fn code(
        &self,
        coefficients: &mut SphericalCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.own(coefficients)?;
        let SphericalCoefficients { centre, extent, sizes, amplitudes, .. } = coefficients;
        // In steps, centre and radii keep single precision, in cells from the middle of the grid.
        let mut reals = Reals::default();
        let (middle, spacing) = (grid.middle(), grid.spacing());
        for axis in 0..3 {
            centre[axis] = resolution.place(coder, &mut reals, centre[axis], middle[axis], spacing[axis])?;
        }
        for length in extent.lengths() {
            *length = resolution.place(coder, &mut reals, *length, 0.0, unit(grid))?;
        }
        let sensible = extent.lengths().all(|length| *length > 0.0 && *length < 1e75);
        if !sensible || !centre.iter().all(|x| x.abs() < 1e75) {
            let reason = format!("a spherical expansion about {centre:?} with {extent:?}");
            return Err(coder.refusal(NAME, reason));
        }
        self.code_sizes(sizes, coder)?;
        coder.sized(amplitudes, sizes.iter().map(|&size| size as usize).sum())?;
        // Amplitudes of one polynomial degree are alike: each degree learns its own distribution.
        let mut numbers = Numbers::new(2 * Self::MAX_DEGREE);
        let mut amplitudes = amplitudes.iter_mut();
        for (shell, &size) in sizes.iter().enumerate() {
            let step = resolution.step().map(|step| step / norm(*extent, shell, sizes.len(), grid));
            for (position, amplitude) in (0..size as usize).zip(amplitudes.by_ref()) {
                *amplitude = numbers.code(coder, extent.polynomial_degree(shell, position), *amplitude, step)?;
            }
        }
        Ok(())
    }
}

impl Spherical {
    /// The number of harmonics of each shell: the squares of 0 to the degree plus one. Each shell is written as the
    /// difference of its degree from that of the shell before, which is mostly zero.
    fn code_sizes(&self, sizes: &mut Vec<u32>, coder: &mut Coder<'_>) -> Result<()> {
        if matches!(self.method, Method::Burnett(_)) {
            *sizes = burnett::sizes(self.degree);
            return Ok(());
        }
        // Misner's shells are as many as fit, whatever was asked for.
        let shells = coder.count(sizes.len(), Self::MAX_SHELLS)?;
        let least = if self.method == Method::Joint { Self::MIN_SHELLS } else { 1 };
        if shells < least {
            return Err(malformed(format!("{shells} shells, where {least} are needed")));
        }
        coder.sized(sizes, shells)?;
        let mut models = Integers::default();
        let mut last = self.degree as i64 + 1;
        for size in sizes {
            let side = last.saturating_sub(coder.integer(&mut models, last - i64::from(size.isqrt()))?);
            if side < 0 || side > self.degree as i64 + 1 {
                return Err(malformed(format!("a shell of harmonics up to degree {}", side.saturating_sub(1))));
            }
            *size = if side == 0 { 0 } else { count(side as usize - 1) as u32 };
            last = side;
        }
        Ok(())
    }
}

impl SphericalCoefficients {
    /// The amplitudes times the norms of their functions: in steps, these are multiples of the step.
    pub(super) fn in_norms(&self, grid: &VelocityGrid) -> Vec<f64> {
        let norms = self.sizes.iter().enumerate().flat_map(|(shell, &size)| {
            std::iter::repeat_n(norm(self.extent, shell, self.sizes.len(), grid), size as usize)
        });
        self.amplitudes.iter().zip(norms).map(|(amplitude, norm)| amplitude * norm).collect()
    }
}

/// Estimated norm over the cells of the functions of one shell: the root of ∫ R² r² dr, R the function of the radius,
/// with ∫ Y² dΩ = 1 and one cell a unit of volume.
fn norm(extent: Extent, shell: usize, shells: usize, grid: &VelocityGrid) -> f64 {
    let in_cells = |volume: [f64; 3]| volume.iter().zip(grid.spacing()).map(|(v, cell)| v / cell).product::<f64>();
    match extent {
        Extent::Splines { inner, .. } => {
            let width = inner / shells as f64;
            let radius = (shell as f64 * width).max(width);
            in_cells([SQUARE_OF_SPLINE * width, radius, radius]).sqrt()
        }
        Extent::Spheres { last } => {
            let width = last / shells as f64;
            let radius = (shell as f64 + 1.0) * width;
            in_cells([width, radius, radius]).sqrt()
        }
        Extent::Burnett { width } => in_cells([width; 3]).sqrt(),
    }
}
