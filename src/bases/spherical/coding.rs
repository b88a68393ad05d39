//! Spherical expansions in a stream: centre and radii, the degree of every shell, then the amplitudes.

use super::coefficients::Extent;
use super::harmonics::{count, degree_and_order};
use super::{Method, Spherical, SphericalCoefficients, burnett};
use crate::coding::{Coder, Integers, Numbers, Reals, Resolution, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// ∫ B² dr of a cubic B-spline, in steps of its knots.
const SQUARE_OF_SPLINE: f64 = 151.0 / 315.0;

impl Spherical {
    pub(super) fn code_shells(
        &self,
        coefficients: Option<&SphericalCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<SphericalCoefficients> {
        coefficients.map_or(Ok(()), |coefficients| self.own(coefficients))?;
        let mut reals = Reals::default();
        // In steps, places and radii keep single precision, in cells from the middle of the grid.
        let mut code = |coder: &mut Coder<'_>, value: f64, origin: f64, unit: f64| {
            resolution.place(coder, &mut reals, value, origin, unit)
        };
        let (middle, spacing) = (grid.middle(), grid.spacing());
        let mut centre = coefficients.map_or(middle, |c| c.centre);
        for axis in 0..3 {
            centre[axis] = code(coder, centre[axis], middle[axis], spacing[axis])?;
        }
        let unit = super::cells::unit(grid);
        let mut radius = |coder: &mut Coder<'_>, value: f64| code(coder, value, 0.0, unit);
        let extent = match (self.method, coefficients.map(|c| c.extent)) {
            (Method::Joint, given) => {
                let (inner, outer) =
                    if let Some(Extent::Splines { inner, outer }) = given { (inner, outer) } else { (0.0, unit) };
                Extent::Splines { inner: radius(coder, inner)?, outer: radius(coder, outer)? }
            }
            (Method::Misner(_), given) => {
                let last = if let Some(Extent::Spheres { last }) = given { last } else { unit };
                Extent::Spheres { last: radius(coder, last)? }
            }
            (Method::Burnett(_), given) => {
                let width = if let Some(Extent::Burnett { width }) = given { width } else { unit };
                Extent::Burnett { width: radius(coder, width)? }
            }
        };
        let sensible = |x: f64| (0.0..1e75).contains(&x);
        let valid = match extent {
            Extent::Splines { inner, outer } => inner > 0.0 && outer > 0.0 && sensible(inner) && sensible(outer),
            Extent::Spheres { last: length } | Extent::Burnett { width: length } => length > 0.0 && sensible(length),
        };
        if !valid || !centre.iter().all(|x| x.abs() < 1e75) {
            return Err(malformed(format!("a spherical expansion about {centre:?} with {extent:?}")));
        }
        let sizes = self.code_sizes(coefficients.map(|c| &c.sizes[..]), coder)?;
        let burnett = matches!(extent, Extent::Burnett { .. });
        // A degree, a kind.
        let mut numbers = Numbers::new(2 * Self::MAX_DEGREE);
        let mut amplitudes = Vec::new();
        for (shell, &size) in sizes.iter().enumerate() {
            let step = resolution.step().map(|step| step / norm(extent, shell, sizes.len(), grid));
            for position in 0..size as usize {
                let l = degree_and_order(position).0;
                let degree = if burnett { 2 * shell + l } else { l };
                let given = coefficients.and_then(|c| c.amplitudes.get(amplitudes.len())).copied().unwrap_or(0.0);
                amplitudes.push(numbers.code(coder, degree, given, step)?);
            }
        }
        Ok(SphericalCoefficients { degree: self.degree, axis: self.axis, centre, extent, sizes, amplitudes })
    }

    /// How many harmonics each shell has: the squares of 0 to the degree plus one.
    fn code_sizes(&self, given: Option<&[u32]>, coder: &mut Coder<'_>) -> Result<Vec<u32>> {
        if matches!(self.method, Method::Burnett(_)) {
            return Ok(burnett::sizes(self.degree));
        }
        // Misner's shells are as many as fit, whatever was asked for.
        let shells = coder.count(given.map_or(0, <[u32]>::len), Self::MAX_SHELLS)?;
        let least = if self.method == Method::Joint { Self::MIN_SHELLS } else { 1 };
        if shells < least {
            return Err(malformed(format!("{shells} shells, where {least} are needed")));
        }
        let mut models = Integers::default();
        let mut sizes = Vec::with_capacity(shells);
        let mut last = self.degree as i64 + 1;
        for shell in 0..shells {
            let side = given.map_or(0, |given| i64::from(given[shell].isqrt()));
            let side = last.saturating_sub(coder.integer(&mut models, last - side)?);
            if side < 0 || side > self.degree as i64 + 1 {
                return Err(malformed(format!("a shell of harmonics up to degree {}", side.saturating_sub(1))));
            }
            sizes.push(if side == 0 { 0 } else { count(side as usize - 1) as u32 });
            last = side;
        }
        Ok(sizes)
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

/// The norm over the cells of the functions of one shell, about.
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
