//! Names for the choices.

use std::fmt;

use super::{Centre, Method, NAME, Shells, Spherical};
use crate::basis::NamedBasis;
use crate::error::Result;
use crate::spec::{Options, SpecWriter};

impl fmt::Display for Spherical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spec = SpecWriter::new(NAME);
        spec = match self.method {
            Method::Joint => spec,
        };
        spec = spec.option(self.degree != 10, "degree", self.degree).option(self.shells != 50, "shells", self.shells);
        spec = spec.option(self.placing == Shells::Placed, "placing", "data");
        if let Some(radius) = self.radius {
            spec = spec.option(true, "radius", format!("{radius:e}"));
        }
        spec = match self.centre {
            Centre::HalfCell => spec,
            Centre::BulkVelocity => spec.option(true, "centre", "bulk"),
            Centre::Searched => spec.option(true, "centre", "search"),
            Centre::Given(centre) => spec.vector("centre", centre),
        };
        match self.axis {
            None => spec,
            Some(axis) => spec.vector("field", axis),
        }
        .write(f)
    }
}

impl NamedBasis for Spherical {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        let mut basis = Self::default();
        let methods = [("joint", Method::Joint)];
        basis.method = options.choice("method", &methods)?.unwrap_or_default();
        basis.degree = options.number("degree")?.unwrap_or(basis.degree);
        basis.shells = options.number("shells")?.unwrap_or(basis.shells);
        let placings = [("uniform", Shells::Uniform), ("data", Shells::Placed)];
        basis.placing = options.choice("placing", &placings)?.unwrap_or_default();
        basis.radius = options.number("radius")?;
        let centres = [("half-cell", Centre::HalfCell), ("bulk", Centre::BulkVelocity), ("search", Centre::Searched)];
        // A name, or three numbers: what is neither is refused as the one it looks like.
        basis.centre = match options.text("centre") {
            Some(text) if text.contains('/') => options.vector("centre")?.map_or_else(Centre::default, Centre::Given),
            Some(_) => options.choice("centre", &centres)?.unwrap_or_default(),
            None => Centre::default(),
        };
        let basis = match options.vector("field")? {
            Some(field) => basis.with_polar_axis(field)?,
            None => basis,
        };
        basis.validated()
    }
}
