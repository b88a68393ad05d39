//! Names for the choices.

use std::fmt;

use super::{Hermite, NAME, Projection, Scaling, Truncation, Weight};
use crate::basis::NamedBasis;
use crate::distribution::frame::Orientation;
use crate::error::Result;
use crate::spec::{Options, SpecWriter};

impl fmt::Display for Hermite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.orders;
        let orders = if x == y && y == z { x.to_string() } else { format!("{x}/{y}/{z}") };
        let mut spec = SpecWriter::new(NAME).option(self.orders != [15; 3], "order", orders);
        spec = match self.truncation {
            Truncation::Cube => spec,
            Truncation::TotalDegree => spec.option(true, "truncation", "total-degree"),
            Truncation::HyperbolicCross => spec.option(true, "truncation", "hyperbolic-cross"),
            Truncation::Best(terms) => spec.option(true, "terms", terms),
        };
        spec = spec.option(self.weight == Weight::Asymmetric, "weight", "asymmetric").option(
            self.projection == Projection::Quadrature,
            "projection",
            "quadrature",
        );
        spec = match self.scaling {
            Scaling::ResidualOptimal => spec,
            Scaling::Moments(a) => spec.option(true, "search", "moments").option(a != 1.0, "scale", a),
            Scaling::Fitted(a) => spec.option(true, "search", "fitted").option(a != 1.0, "scale", a),
            Scaling::Given { centre, scales } => spec.vector("centre", centre).vector("scales", scales),
        };
        match self.orientation {
            Orientation::Grid => spec,
            Orientation::PressureEigenframe => spec.option(true, "frame", "pressure"),
            Orientation::FieldAligned(field) => spec.option(true, "frame", "field-aligned").vector("field", field),
        }
        .write(f)
    }
}

impl NamedBasis for Hermite {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        let mut basis = match options.text("order") {
            None => Self::default(),
            Some(text) => match orders(text) {
                Some(orders) => Self::new(orders)?,
                None => {
                    let allowed = "functions per axis, one whole number or three written x/y/z";
                    return Err(options.refused("order", text, allowed));
                }
            },
        };
        let truncations = [
            ("cube", Truncation::Cube),
            ("total-degree", Truncation::TotalDegree),
            ("hyperbolic-cross", Truncation::HyperbolicCross),
        ];
        let truncation = options.choice("truncation", &truncations)?;
        basis.truncation = match (truncation, options.number("terms")?) {
            (truncation, None) => truncation.unwrap_or_default(),
            (None | Some(Truncation::Cube), Some(terms)) => Truncation::Best(terms),
            (Some(_), Some(terms)) => {
                return Err(options.refused("terms", &terms.to_string(), "only for truncation=cube"));
            }
        };
        let weights = [("symmetric", Weight::Symmetric), ("asymmetric", Weight::Asymmetric)];
        basis.weight = options.choice("weight", &weights)?.unwrap_or_default();
        let projections = [("least-squares", Projection::LeastSquares), ("quadrature", Projection::Quadrature)];
        basis.projection = options.choice("projection", &projections)?.unwrap_or_default();

        let searches = [("residual", 0), ("fitted", 1), ("moments", 2)];
        let search = options.choice("search", &searches)?;
        let scale = options.number("scale")?;
        let given = (options.vector("centre")?, options.vector("scales")?);
        basis.scaling = match (search, scale, given) {
            (None | Some(0), None, (None, None)) => Scaling::ResidualOptimal,
            (Some(1), factor, (None, None)) => Scaling::Fitted(factor.unwrap_or(1.0)),
            (Some(2), factor, (None, None)) => Scaling::Moments(factor.unwrap_or(1.0)),
            (None, None, (Some(centre), Some(scales))) => Scaling::Given { centre, scales },
            (_, Some(factor), (None, None)) => {
                return Err(options.refused("scale", &factor.to_string(), "only with search=moments or search=fitted"));
            }
            _ => {
                let allowed = "centre and scales go together, and without search and scale";
                return Err(options.refused("centre and scales", "as given", allowed));
            }
        };

        let field = options.vector("field")?;
        let frames = [("grid", 0), ("pressure", 1), ("field-aligned", 2)];
        let orientation = match (options.choice("frame", &frames)?.unwrap_or(0), field) {
            (2, Some(field)) => Orientation::FieldAligned(field),
            (2, None) => return Err(options.refused("frame", "field-aligned", "it needs field=x/y/z")),
            (_, Some(field)) => {
                return Err(options.refused("field", &format!("{field:?}"), "only with frame=field-aligned"));
            }
            (1, None) => Orientation::PressureEigenframe,
            (_, None) => Orientation::Grid,
        };
        basis.with_orientation(orientation)?.validated()
    }
}

/// One order for all axes, or three written x/y/z.
fn orders(text: &str) -> Option<[usize; 3]> {
    let orders: Vec<usize> = text.split('/').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match orders[..] {
        [order] => Some([order; 3]),
        [x, y, z] => Some([x, y, z]),
        _ => None,
    }
}
