//! From a distribution to coefficients: tables by method, grid and centre, and what they give for the values.

use std::sync::Arc;

use super::burnett::{self, LeastSquares};
use super::cells::{self, Geometry};
use super::coefficients::{Extent, SphericalCoefficients};
use super::joint::{Joint, Solved};
use super::misner::{Extraction, Misner};
use super::{Method, NAME, Spherical, radial};
use crate::basis::{Basis, Coefficients};
use crate::distribution::gaussian_fit::locating_moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::multiple::no_worse_than_nothing;
use crate::numerics::scaling::normalising_factor;

/// Report on an encoding: the resolution of its shells, and corrections.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SphericalReport {
    /// The highest degree of which each shell has coefficients, from the innermost on.
    pub degrees: Vec<Option<usize>>,
    /// Functions of which the cells see next to nothing beside the others of their shell: their coefficients are kept
    /// small.
    pub unresolved: usize,
    /// All functions asked for.
    pub functions: usize,
    /// Refinements of the joint least squares of data that lie in the span of the functions, or nearly so.
    pub iterations: usize,
    /// The factor by which the fit is shrunk, where the whole would leave an error larger than the distribution: there
    /// the functions suit neither the cells nor the distribution.
    pub shrunk_by: Option<f64>,
}

impl Spherical {
    /// Encodes, and reports on what the shells resolve.
    ///
    /// # Errors
    /// [`Error::Degenerate`] for a distribution that is zero everywhere where the centre is taken from it;
    /// [`Error::InvalidParameter`] for a given centre outside the grid; [`Error::OutOfRange`] where coefficients leave
    /// the range of `f64`.
    pub fn fit(&self, vdf: &Vdf) -> Result<(SphericalCoefficients, SphericalReport)> {
        let geometry = self.find_geometry(vdf)?;
        let (mut coefficients, mut report, bounded) = self.solve(vdf, geometry)?;
        if !coefficients.finite() {
            let reason = format!("coefficients leave the range of f64 about the centre {:?}", coefficients.centre());
            return Err(Error::OutOfRange { basis: NAME, reason });
        }
        if !bounded {
            report.shrunk_by = self.shrink(&mut coefficients, vdf)?;
        }
        Ok((coefficients, report))
    }

    /// Shrinks a fit whose error is larger than the distribution; returns the factor, if it is not 1.
    fn shrink(&self, coefficients: &mut SphericalCoefficients, vdf: &Vdf) -> Result<Option<f64>> {
        let multiple = match self.reconstruct(coefficients, vdf.grid()) {
            Ok(back) => no_worse_than_nothing(vdf.as_slice(), back.as_slice()),
            Err(Error::NotFinite { .. }) => 0.0,
            Err(error) => return Err(error),
        };
        if multiple == 1.0 {
            return Ok(None);
        }
        coefficients.scale(multiple);
        Ok(Some(multiple))
    }

    /// The coefficients, the report, and true if the equations themselves show that the error is no larger than the
    /// distribution.
    fn solve(&self, vdf: &Vdf, geometry: Geometry) -> Result<(SphericalCoefficients, SphericalReport, bool)> {
        let unit = cells::unit(vdf.grid());
        let (values, factor) = (vdf.as_slice(), normalising_factor(vdf.peak()));
        let mut report = SphericalReport::default();
        // Extraction and interpolation are no projection: what Misner's method leaves is measured.
        let mut bounded = false;
        let (extent, sizes, amplitudes) = match self.method {
            Method::Joint => {
                let (inner, outer, shells) = self.extent(vdf, &geometry);
                let key = (geometry.clone(), self.degree, radial::breaks(inner, outer, shells));
                let table = self.tables.get_or_build(key.clone(), || Joint::new(key.0, key.1, key.2));
                let Solved { amplitudes, refinements, bounded: known } = table.solve(values, factor);
                (report.iterations, bounded) = (refinements, known);
                [report.unresolved, report.functions] = table.unresolved();
                (Extent::Splines { inner: inner * unit, outer: outer * unit }, table.sizes().to_vec(), amplitudes)
            }
            Method::Misner(misner) => {
                let (last, _, shells) = self.extent(vdf, &geometry);
                let radii = (1..=shells).map(|k| last * k as f64 / shells as f64).collect();
                let table = self.extraction(geometry.clone(), misner, radii);
                [report.unresolved, report.functions] = table.unresolved();
                (Extent::Spheres { last: last * unit }, table.sizes().to_vec(), table.extract(values, factor))
            }
            Method::Burnett(width) => {
                let squares = LeastSquares::new(&geometry, values, factor, self.degree);
                let width = match width {
                    Some(width) => width / unit,
                    None => {
                        let thermal = locating_moments(NAME, vdf)?.thermal_speed() / unit;
                        // A distribution without width along any axis gets that of a cell.
                        squares.search(if thermal > 1e-3 { thermal } else { 1.0 })
                    }
                };
                let (amplitudes, known) = squares.coefficients(width, self.axes());
                bounded = known;
                report.functions = amplitudes.len();
                (Extent::Burnett { width: width * unit }, burnett::sizes(self.degree), amplitudes)
            }
        };
        let coefficients = SphericalCoefficients {
            degree: self.degree,
            axis: self.axis,
            centre: geometry.velocity(vdf.grid()),
            extent,
            sizes,
            amplitudes: amplitudes.into_iter().map(|c| c / factor).collect(),
        };
        report.degrees = coefficients.degrees().collect();
        Ok((coefficients, report, bounded))
    }

    fn extraction(&self, geometry: Geometry, misner: Misner, radii: Vec<f64>) -> Arc<Extraction> {
        let key = (geometry, self.degree, radii, misner);
        self.extractions.get_or_build(key.clone(), || Extraction::new(key.0, key.1, key.3, key.2))
    }

    /// f_lm on spheres of any radii [m/s] about the centre that the basis finds, by Misner's method: one vector a
    /// radius, in the order l² + l + m, up to the degree that the shell can resolve. With the choices of
    /// [`Method::Misner`], or with their defaults.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for radii that are not positive or beyond the farthest cell; else as
    /// [`Spherical::fit`].
    pub fn extract(&self, vdf: &Vdf, radii: &[f64]) -> Result<Vec<Vec<f64>>> {
        let geometry = self.find_geometry(vdf)?;
        let unit = cells::unit(vdf.grid());
        let farthest = geometry.farthest() * unit;
        if let Some(radius) = radii.iter().find(|radius| !(**radius > 0.0 && **radius <= farthest)) {
            let allowed = format!("above 0 and up to the farthest cell, at {farthest:e}");
            return Err(Error::parameter("radius", radius, allowed));
        }
        let misner = if let Method::Misner(misner) = self.method { misner } else { Misner::default() };
        let table = self.extraction(geometry, misner, radii.iter().map(|radius| radius / unit).collect());
        let factor = normalising_factor(vdf.peak());
        let found = table.extract(vdf.as_slice(), factor);
        let mut rest = found.iter().map(|value| value / factor);
        Ok(table.sizes().iter().map(|&size| rest.by_ref().take(size as usize).collect()).collect())
    }
}
