//! Spherical harmonics around a centre, times functions of the radius: the expansion of theory and of instruments.
//!
//! f(v) = Σ_lm f_lm(r) Y_lm(n), v = c + r n. The harmonics of degree 0 to 2 hold density, bulk velocity, pressure and
//! heat flux (Viñas and Gurgiolo 2009, J. Geophys. Res. 114, A01105); orders m ≠ 0 about the magnetic field what is not
//! gyrotropic. Three ways to f_lm: splines by least squares over all cells ([`Method::Joint`]), Misner's shells (2004,
//! Class. Quantum Grav. 21, S243) and Burnett's functions (1935, Proc. London Math. Soc. 39, 385).
//!
//! ```
//! use vdf_basis::{Basis, Coefficients, Fidelity, Sampling, Spherical, Synthetic};
//! # let grid = Synthetic::default_grid("gyrating-ring", 24)?;
//! # let vdf = Synthetic::named("gyrating-ring", 0)?.sample(&grid, Sampling::default())?;
//! // Harmonics to degree 8 on 20 shells, the polar axis along the magnetic field.
//! let basis = Spherical::new(8, 20)?.with_polar_axis([0.0, 0.0, 1.0])?;
//! let coefficients = basis.encode(&vdf)?;
//! let back = basis.reconstruct(&coefficients, &grid)?;
//! assert!(Fidelity::compare(&vdf, &back)?.l2 < 0.5);
//!
//! // Every amplitude with its shell and its harmonic.
//! let (shell, (l, m), _) = coefficients.terms().next().expect("at least one term");
//! assert_eq!((shell, l, m), (0, 0, 0));
//! // How gyrotropic the distribution is, and f_lm on a sphere of 300 km/s.
//! assert!((0.0..=1.0).contains(&coefficients.spectrum().gyrotropy()));
//! assert_eq!(coefficients.on_sphere(3e5).len(), 81);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod block_banded;
mod burnett;
mod cell_factor;
mod cells;
mod centre;
mod coding;
mod coefficients;
mod fit;
mod gradient;
pub mod harmonics;
mod joint;
mod misner;
mod moments;
mod radial;
mod shells;
mod spec;
mod spectrum;
mod sphere;
mod triangle;

use std::sync::Arc;

pub use centre::Centre;
pub use coefficients::SphericalCoefficients;
pub use fit::SphericalReport;
pub use misner::Misner;
pub use shells::Shells;
pub use spectrum::{SphereSpectrum, SphericalSpectrum};

use crate::basis::{Basis, Gradient, Quantise, gradient as basis_gradient};
use crate::coding::step_of_multiples;
use crate::distribution::frame::{Orientation, axes_along};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::cache::Cache;

use cells::{Geometry, Sorted};
use coefficients::{Extent, Radial};
use harmonics::{Harmonics, count};
use joint::Joint;
use misner::Extraction;

const NAME: &str = "spherical";

/// Representation of f_lm(r), and the method by which it is found.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Method {
    /// Cubic B-splines of the radius, the smallest Σ (g − f)² over all cells.
    #[default]
    Joint,
    /// Values on spheres, by Misner's extraction, and cubic splines through them.
    Misner(Misner),
    /// Burnett's functions of total degree 2n + l up to the degree, the smallest Σ (g − f)² over all cells; of the
    /// width with the smallest of all where none is given [m/s].
    Burnett(Option<f64>),
}

/// Geometry, degree and breaks.
type JointKey = (Geometry, usize, Vec<f64>);
/// Geometry, degree, radii and choices.
type ExtractionKey = (Geometry, usize, Vec<f64>, Misner);

/// The spherical basis with the user's choices. Cheap to clone; clones share their tables.
#[derive(Debug, Clone, PartialEq)]
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
            tables: Arc::new(Cache::new(2)),
            extractions: Arc::new(Cache::new(2)),
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
        Self { axis: Some(axis), ..self }.validated()
    }

    fn validated(self) -> Result<Self> {
        if self.degree > Self::MAX_DEGREE {
            return Err(Error::parameter("degree", self.degree, format!("0 to {}", Self::MAX_DEGREE)));
        }
        if !(Self::MIN_SHELLS..=Self::MAX_SHELLS).contains(&self.shells) {
            let allowed = format!("{} to {}", Self::MIN_SHELLS, Self::MAX_SHELLS);
            return Err(Error::parameter("shells", self.shells, allowed));
        }
        // The normal matrix has four blocks a shell, its own and those of three neighbours, of (degree + 1)² rows and
        // columns of eight bytes each.
        let most = Self::MAX_TABLE / (32 * count(self.degree) * count(self.degree));
        if self.shells > most {
            let allowed = format!("at most {most} at degree {}, for the size of the table", self.degree);
            return Err(Error::parameter("shells", self.shells, allowed));
        }
        if let Method::Misner(misner) = self.method {
            misner.validated()?;
        }
        let width = if let Method::Burnett(width) = self.method { width } else { None };
        for (name, length) in [("width", width), ("radius", self.radius)] {
            if let Some(length) = length
                && !(1e-75..1e75).contains(&length)
            {
                return Err(Error::parameter(name, length, "between 1e-75 and 1e75"));
            }
        }
        self.axis.map_or(Ok(Orientation::Grid), |axis| Orientation::FieldAligned(axis).validated())?;
        match self.centre {
            Centre::Given(centre) if !centre.iter().all(|c| c.abs() < 1e75) => {
                Err(Error::parameter("centre", format!("{centre:?}"), "three numbers below 1e75"))
            }
            _ => Ok(self),
        }
    }

    fn axes(&self) -> Option<[[f64; 3]; 3]> {
        self.axis.map(axes_along)
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

    /// By the derivatives of the functions of the radius and of the harmonics. Zero beyond the outermost radius. Of
    /// [`Method::Misner`], whose f_lm need not vanish like r^l, the gradient may grow like 1/r within the innermost
    /// shell, as that of its reconstruction does.
    fn gradient(&self, coefficients: &SphericalCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        self.own(coefficients)?;
        let geometry = Geometry::new(grid, coefficients.centre, self.axes());
        let (unit, degree) = (cells::unit(grid), coefficients.degree);
        let mut parts = match coefficients.pieces(unit) {
            Radial::Pieces(pieces, columns) => {
                let sorted = Sorted::by_pieces(geometry, &pieces);
                gradient::at_cells(&sorted, &Harmonics::new(degree), &pieces, &columns, self.axes())
            }
            Radial::Burnett(width) => {
                burnett::gradient(&coefficients.amplitudes, degree, width, &geometry, self.axes())
            }
        };
        parts.iter_mut().flatten().for_each(|slope| *slope /= unit);
        basis_gradient::from_parts(NAME, grid, parts)
    }
}

impl Quantise for Spherical {
    fn rounded_before(
        &self,
        coefficients: &SphericalCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, SphericalCoefficients)> {
        let index = step_of_multiples(&coefficients.in_norms(vdf.grid()), steps)?;
        Some((index, coefficients.clone()))
    }
}

#[cfg(test)]
mod tests;
