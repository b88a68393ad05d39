//! Spherical harmonics around a centre, times functions of the radius: the expansion of theory and of instruments.
//!
//! f(v) = Σ_lm f_lm(r) Y_lm(n), v = c + r n. The harmonics of degree 0 to 2 hold density, bulk velocity, pressure and heat
//! flux (Viñas and Gurgiolo 2009, J. Geophys. Res. 114, A01105); orders m ≠ 0 about the magnetic field what is not
//! gyrotropic. Three ways to f_lm: splines by least squares over all cells ([`Method::Joint`]), Misner's shells
//! (2004, Class. Quantum Grav. 21, S243) and Burnett's functions (1935, Proc. London Math. Soc. 39, 385).

mod block_banded;
mod burnett;
mod cell_factor;
mod cells;
mod centre;
mod coding;
mod coefficients;
pub mod harmonics;
mod joint;
mod misner;
mod moments;
mod radial;
mod spec;
mod spectrum;
mod sphere;
mod triangle;

use std::fmt;
use std::sync::Arc;

pub use centre::Centre;
pub use coefficients::SphericalCoefficients;
pub use misner::Misner;
pub use spectrum::{SphereSpectrum, SphericalSpectrum};

use crate::basis::Basis;
use crate::coding::{Coder, Resolution};
use crate::distribution::frame::{Orientation, axes_along};
use crate::distribution::gaussian_fit::locating_moments;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::cache::Cache;
use crate::numerics::scaling::normalising_factor;

use burnett::LeastSquares;
use cells::{Geometry, Sorted};
use coefficients::{Extent, Radial};
use harmonics::{Harmonics, count};
use joint::Joint;
use misner::Extraction;

const NAME: &str = "spherical";

/// How f_lm(r) is represented and found.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Method {
    /// Cubic B-splines of the radius, the smallest Σ (g − f)² over all cells.
    #[default]
    Joint,
    /// Values on spheres, by Misner's extraction, and cubic splines through them.
    Misner(Misner),
    /// Burnett's functions of total degree 2n + l up to the degree, the smallest Σ (g − f)² over all cells; of the width
    /// with the smallest of all where none is given [m/s].
    Burnett(Option<f64>),
}

/// Where the shells of [`Method::Joint`] stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shells {
    /// At equal steps up to the farthest cell: they depend on the grid and the centre alone.
    #[default]
    Uniform,
    /// At equal steps up to the radius, in whole cells, that holds 99.9 % of Σ f², and one wide one from there to the
    /// farthest cell: for distributions that fill a small part of their box.
    Placed,
}

/// Geometry, degree and breaks.
type JointKey = (Geometry, usize, Vec<f64>);
/// Geometry, degree, radii and choices.
type ExtractionKey = (Geometry, usize, Vec<f64>, Misner);

/// The spherical basis with the user's choices. Cheap to clone; clones share their tables.
#[derive(Clone)]
pub struct Spherical {
    method: Method,
    degree: usize,
    shells: usize,
    placing: Shells,
    radius: Option<f64>,
    centre: Centre,
    axis: Option<[f64; 3]>,
    tables: Arc<Cache<JointKey, Joint>>,
    extractions: Arc<Cache<ExtractionKey, Extraction>>,
}

/// How an encoding went.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SphericalReport {
    /// The highest degree of which each shell has coefficients, from the innermost on.
    pub degrees: Vec<Option<usize>>,
    /// Functions of which the cells see next to nothing beside the others of their shell: their coefficients are kept small.
    pub unresolved: usize,
    /// All functions asked for.
    pub functions: usize,
    /// Refinements of the joint least squares of data that lie in the span of the functions, or nearly so.
    pub iterations: usize,
}

impl Default for Spherical {
    /// Joint least squares to degree 10 on 50 shells, about the bulk velocity to half a cell, the polar
    /// axis along z.
    fn default() -> Self {
        Self {
            method: Method::default(),
            degree: 10,
            shells: 50,
            placing: Shells::default(),
            radius: None,
            centre: Centre::default(),
            axis: None,
            tables: Arc::new(Cache::new(4)),
            extractions: Arc::new(Cache::new(4)),
        }
    }
}

impl Spherical {
    /// Highest degree.
    pub const MAX_DEGREE: usize = 32;
    /// Fewest shells of splines.
    pub const MIN_SHELLS: usize = 3;
    /// Most shells.
    pub const MAX_SHELLS: usize = 1000;
    /// Largest table [bytes]: 32 shells (degree + 1)⁴, about.
    const MAX_TABLE: usize = 1 << 30;

    /// The default basis with harmonics up to a degree and the given number of functions of the radius.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless the degree is at most [`Self::MAX_DEGREE`], the shells are 3 to
    /// [`Self::MAX_SHELLS`], and the table for both stays below 1 GiB.
    pub fn new(degree: usize, shells: usize) -> Result<Self> {
        Self { degree, shells, ..Self::default() }.validated()
    }

    /// With f_lm represented and found in another way.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for numbers out of range, which the message names.
    pub fn with_method(self, method: Method) -> Result<Self> {
        Self { method, ..self }.validated()
    }

    /// With the shells elsewhere.
    #[must_use]
    pub fn with_placing(self, placing: Shells) -> Self {
        Self { placing, ..self }
    }

    /// With nothing represented beyond a distance from the centre [m/s]; by default all cells are.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless it is positive.
    pub fn with_radius(self, radius: f64) -> Result<Self> {
        Self { radius: Some(radius), ..self }.validated()
    }

    /// About another centre.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a centre that is not finite.
    pub fn with_centre(self, centre: Centre) -> Result<Self> {
        Self { centre, ..self }.validated()
    }

    /// With the polar axis along a vector, usually the magnetic field: then a gyrotropic distribution has m = 0 only.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a vector that is zero or not finite.
    pub fn with_polar_axis(self, axis: [f64; 3]) -> Result<Self> {
        Orientation::FieldAligned(axis).validated()?;
        Ok(Self { axis: Some(axis), ..self })
    }

    fn validated(self) -> Result<Self> {
        let refused = |name, value, allowed| Err(Error::InvalidParameter { name, value, allowed });
        if self.degree > Self::MAX_DEGREE {
            return refused("degree", self.degree.to_string(), format!("0 to {}", Self::MAX_DEGREE));
        }
        if !(Self::MIN_SHELLS..=Self::MAX_SHELLS).contains(&self.shells) {
            return refused("shells", self.shells.to_string(), format!("3 to {}", Self::MAX_SHELLS));
        }
        let most = Self::MAX_TABLE / (32 * count(self.degree) * count(self.degree));
        if self.shells > most {
            let allowed = format!("at most {most} at degree {}, for the size of the table", self.degree);
            return refused("shells", self.shells.to_string(), allowed);
        }
        match self.method {
            Method::Misner(misner) => {
                misner.validated()?;
            }
            Method::Burnett(Some(width)) if !(1e-75..1e75).contains(&width) => {
                return refused("width", width.to_string(), "between 1e-75 and 1e75".to_owned());
            }
            _ => {}
        }
        match self.radius {
            Some(radius) if !(1e-75..1e75).contains(&radius) => {
                return refused("radius", radius.to_string(), "between 1e-75 and 1e75".to_owned());
            }
            _ => {}
        }
        match self.centre {
            Centre::Given(centre) if !centre.iter().all(|c| c.abs() < 1e75) => {
                refused("centre", format!("{centre:?}"), "three numbers below 1e75".to_owned())
            }
            _ => Ok(self),
        }
    }

    /// Encodes, and says what the shells could resolve.
    ///
    /// # Errors
    /// [`Error::Degenerate`] for a distribution that is zero everywhere where the centre is taken from it, for a given
    /// centre outside the grid, and where coefficients leave the range of `f64`.
    pub fn fit(&self, vdf: &Vdf) -> Result<(SphericalCoefficients, SphericalReport)> {
        let geometry = self.find_geometry(vdf)?;
        let (coefficients, report) = self.solve(vdf, geometry)?;
        if !coefficients.finite() {
            let reason = format!("coefficients leave the range of f64 about the centre {:?}", coefficients.centre());
            return Err(Error::Degenerate { basis: NAME, reason });
        }
        Ok((coefficients, report))
    }

    fn axes(&self) -> Option<[[f64; 3]; 3]> {
        self.axis.map(axes_along)
    }

    fn solve(&self, vdf: &Vdf, geometry: Geometry) -> Result<(SphericalCoefficients, SphericalReport)> {
        let unit = cells::unit(vdf.grid());
        let (values, factor) = (vdf.as_slice(), normalising_factor(vdf.peak()));
        let mut report = SphericalReport::default();
        let (extent, sizes, amplitudes) = match self.method {
            Method::Joint => {
                let (inner, outer, shells) = self.extent(vdf, &geometry);
                let key = (geometry.clone(), self.degree, radial::breaks(inner, outer, shells));
                let table = self.tables.get_or_build(key.clone(), || Joint::new(key.0, key.1, key.2));
                let (amplitudes, iterations) = table.solve(values, factor);
                report.iterations = iterations;
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
                        // No width at all along any axis: a cell's.
                        squares.search(if thermal > 1e-3 { thermal } else { 1.0 })
                    }
                };
                let amplitudes = squares.coefficients(width, self.axes());
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
        Ok((coefficients, report))
    }

    fn extraction(&self, geometry: Geometry, misner: Misner, radii: Vec<f64>) -> Arc<Extraction> {
        let key = (geometry, self.degree, radii, misner);
        self.extractions.get_or_build(key.clone(), || Extraction::new(key.0, key.1, key.3, key.2))
    }

    /// f_lm on spheres of any radii [m/s] about the centre that the basis finds, by Misner's method: one vector a radius,
    /// in the order l² + l + m, up to the degree that the shell can resolve. With the choices of [`Method::Misner`], or
    /// with their defaults.
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
            return Err(Error::InvalidParameter { name: "radius", value: radius.to_string(), allowed });
        }
        let misner = if let Method::Misner(misner) = self.method { misner } else { Misner::default() };
        let table = self.extraction(geometry, misner, radii.iter().map(|radius| radius / unit).collect());
        let factor = normalising_factor(vdf.peak());
        let found = table.extract(vdf.as_slice(), factor);
        let mut rest = found.iter().map(|value| value / factor);
        Ok(table.sizes().iter().map(|&size| rest.by_ref().take(size as usize).collect()).collect())
    }

    /// The radius up to which shells stand at equal steps, the outermost radius, and how many shells there are: in units
    /// of the cells.
    fn extent(&self, vdf: &Vdf, geometry: &Geometry) -> (f64, f64, usize) {
        /// Steps nearer than this part of a cell tell nothing.
        const FINEST: f64 = 1.0;
        /// Part of Σ f² beyond the radius up to which shells are narrow.
        const BEYOND: f64 = 1e-3;
        // A single cell is at no distance from itself.
        let farthest = geometry.farthest().max(FINEST);
        let outer = self.radius.map_or(farthest, |radius| farthest.min(radius / cells::unit(vdf.grid())));
        let inner = match self.placing {
            Shells::Uniform => outer,
            Shells::Placed => {
                // Counted by whole cells: the radius is the same for distributions that are alike.
                let mut squares = vec![0.0; farthest.ceil() as usize + 1];
                let factor = normalising_factor(vdf.peak());
                let values = vdf.as_slice();
                geometry.for_radii(|cell, radius| squares[radius.ceil() as usize] += (values[cell] * factor).powi(2));
                let mut beyond = BEYOND * squares.iter().sum::<f64>();
                let radius = squares.iter().rposition(|square| {
                    beyond -= square;
                    beyond < 0.0
                });
                radius.map_or(outer, |radius| radius.max(1) as f64).min(outer)
            }
        };
        // A last step from the inner radius on that would be no wider than the others is one of them.
        let inner = if outer - inner < 1.0 { outer } else { inner };
        let most = (inner / FINEST).ceil() as usize + if inner < outer { 1 } else { 0 } + 2;
        (inner, outer, self.shells.min(most).max(3))
    }

    fn own(&self, coefficients: &SphericalCoefficients) -> Result<()> {
        let method = matches!(
            (self.method, coefficients.extent),
            (Method::Joint, Extent::Splines { .. })
                | (Method::Misner(_), Extent::Spheres { .. })
                | (Method::Burnett(_), Extent::Burnett { .. })
        );
        if method && coefficients.degree == self.degree && coefficients.axis == self.axis {
            return Ok(());
        }
        Err(Error::ForeignCoefficients(format!(
            "they are of degree {} about the axis {:?} with {:?}, unlike `{self}`",
            coefficients.degree, coefficients.axis, coefficients.extent
        )))
    }
}

impl Basis for Spherical {
    type Coefficients = SphericalCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<SphericalCoefficients> {
        Ok(self.fit(vdf)?.0)
    }

    /// Zero beyond the outermost radius.
    fn reconstruct(&self, coefficients: &SphericalCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.own(coefficients)?;
        let geometry = Geometry::new(grid, coefficients.centre, self.axes());
        let (unit, degree) = (cells::unit(grid), coefficients.degree);
        let values = match coefficients.pieces(unit) {
            Radial::Pieces(pieces, columns) => {
                let sorted = Sorted::by_pieces(geometry, &pieces);
                sorted.evaluate(&Harmonics::new(degree), &pieces, &columns)
            }
            Radial::Burnett(width) => {
                burnett::evaluate(&coefficients.amplitudes, degree, width, &geometry, self.axes())
            }
        };
        Vdf::from_vec(*grid, values)
    }

    fn code(
        &self,
        coefficients: Option<&SphericalCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<SphericalCoefficients> {
        self.code_shells(coefficients, grid, resolution, coder)
    }
}

impl PartialEq for Spherical {
    fn eq(&self, other: &Self) -> bool {
        let choices = |s: &Self| (s.method, s.degree, s.shells, s.placing, s.radius, s.centre, s.axis);
        choices(self) == choices(other)
    }
}

impl fmt::Debug for Spherical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spherical({self})")
    }
}

#[cfg(test)]
mod tests;
