//! Names for the choices.

use std::fmt;

use super::{Centre, Method, Misner, NAME, Shells, Spherical};
use crate::basis::NamedBasis;
use crate::error::Result;
use crate::spec::{Options, SpecWriter};

impl fmt::Display for Spherical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spec = SpecWriter::new(NAME);
        spec = match self.method {
            Method::Joint => spec,
            Method::Misner(misner) => {
                let Misner { half_width, order, resolution } = Misner::default();
                spec.option(true, "method", "misner")
                    .option(misner.half_width != half_width, "half-width", misner.half_width)
                    .option(misner.order != order, "order", misner.order)
                    .option(misner.resolution != resolution, "resolution", misner.resolution)
            }
            Method::Burnett(width) => {
                let spec = spec.option(true, "method", "burnett");
                match width {
                    Some(width) => spec.option(true, "width", format!("{width:e}")),
                    None => spec,
                }
            }
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
        let methods = [
            ("joint", Method::Joint),
            ("misner", Method::Misner(Misner::default())),
            ("burnett", Method::Burnett(None)),
        ];
        basis.method = options.choice("method", &methods)?.unwrap_or_default();
        match &mut basis.method {
            Method::Joint => {}
            Method::Misner(misner) => {
                misner.half_width = options.number("half-width")?.unwrap_or(misner.half_width);
                misner.order = options.number("order")?.unwrap_or(misner.order);
                misner.resolution = options.number("resolution")?.unwrap_or(misner.resolution);
            }
            Method::Burnett(width) => *width = options.number("width")?,
        }
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
