//! The centre of an expansion.

use super::cells::Geometry;
use super::joint::Joint;
use super::radial::breaks;
use super::{NAME, Spherical};
use crate::distribution::gaussian_fit::locating_moments;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::normalising_factor;
use crate::numerics::summation::paired_sum;

/// Choice of the centre of an expansion.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Centre {
    /// The bulk velocity, moved to the nearest multiple of half a cell, so that distributions that are alike share
    /// their tables. Distances of a quarter of a cell change little in the error.
    #[default]
    HalfCell,
    /// The bulk velocity itself. Every distribution then needs tables of its own.
    BulkVelocity,
    /// That of the smallest residual, searched from the bulk velocity by half cells.
    Searched,
    /// Given [m/s].
    Given([f64; 3]),
}

impl Spherical {
    /// The grid as seen from the centre that the choices give.
    pub(super) fn find_geometry(&self, vdf: &Vdf) -> Result<Geometry> {
        let grid = vdf.grid();
        let bulk = || Ok(inside(locating_moments(NAME, vdf)?.bulk_velocity, grid));
        match self.centre {
            Centre::Given(centre) if inside(centre, grid) != centre => {
                let (lower, upper) = (grid.lower(), grid.upper());
                let allowed = format!("it is outside the grid, which reaches from {lower:?} to {upper:?}");
                Err(Error::parameter("centre", format!("{centre:?}"), allowed))
            }
            Centre::Given(centre) => Ok(Geometry::new(grid, centre, self.axes())),
            Centre::BulkVelocity => Ok(Geometry::new(grid, bulk()?, self.axes())),
            Centre::HalfCell => Ok(Geometry::new(grid, bulk()?, self.axes()).snapped()),
            Centre::Searched => self.search(vdf, Geometry::new(grid, bulk()?, self.axes()).snapped()),
        }
    }
}

impl Spherical {
    /// The centre with the smallest residual of an expansion to low degree, where the centre matters most. From the
    /// start it takes steps of two cells, one and a half along the axes, as long as one of them makes the residual
    /// smaller. If at the degree asked for the start has the smaller residual, it is kept.
    fn search(&self, vdf: &Vdf, start: Geometry) -> Result<Geometry> {
        /// Degree and shells during the search: low, since every trial builds a table of its own.
        const DEGREE: usize = 4;
        const SHELLS: usize = 24;
        let scout = Self { degree: self.degree.min(DEGREE), shells: self.shells.min(SHELLS), ..self.clone() };
        let mut best = (scout.residual(vdf, &start), start.clone());
        for step in [2.0, 1.0, 0.5] {
            // Ends, since the residual falls at every step and the grid is finite.
            while let Some(better) = steps(step)
                .filter_map(|offset| best.1.moved(offset))
                .map(|geometry| (scout.residual(vdf, &geometry), geometry))
                .find(|(residual, _)| *residual < best.0)
            {
                best = better;
            }
        }
        let found = best.1;
        Ok(if self.residual(vdf, &found) <= self.residual(vdf, &start) { found } else { start })
    }

    /// Σ (g − f)² of the joint least squares about a centre, f scaled to a peak of about one.
    fn residual(&self, vdf: &Vdf, geometry: &Geometry) -> f64 {
        let (inner, outer, shells) = self.extent(vdf, geometry);
        let table = Joint::new(geometry.clone(), self.degree, breaks(inner, outer, shells));
        let factor = normalising_factor(vdf.peak());
        let back = table.evaluate(&table.solve(vdf.as_slice(), factor).amplitudes);
        paired_sum(vdf.as_slice(), &back, vdf.grid().shape()[2], |f, g| (f * factor - g).powi(2))
    }
}

/// One step either way along each axis.
fn steps(step: f64) -> impl Iterator<Item = [f64; 3]> {
    (0..6).map(move |k| {
        let mut offset = [0.0; 3];
        offset[k / 2] = if k % 2 == 0 { step } else { -step };
        offset
    })
}

/// The nearest velocity in the grid's box: sums with negative values may have their centroid elsewhere.
fn inside(velocity: [f64; 3], grid: &VelocityGrid) -> [f64; 3] {
    std::array::from_fn(|axis| velocity[axis].clamp(grid.lower()[axis], grid.upper()[axis]))
}
