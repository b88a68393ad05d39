//! The choices of a Hermite basis and their names in a spec.

use super::{Hermite, NAME, Projection, Scaling, Truncation, Weight};
use crate::basis::NamedBasis;
use crate::basis::choices::Choices;
use crate::distribution::frame::Orientation;
use crate::error::Result;

/// [`Truncation::Best`] has a key of its own, `terms`, and goes with `truncation=cube`.
const TRUNCATIONS: [(&str, Truncation); 3] = [
    ("cube", Truncation::Cube),
    ("total-degree", Truncation::TotalDegree),
    ("hyperbolic-cross", Truncation::HyperbolicCross),
];
const WEIGHTS: [(&str, Weight); 2] = [("symmetric", Weight::Symmetric), ("asymmetric", Weight::Asymmetric)];
const PROJECTIONS: [(&str, Projection); 2] =
    [("least-squares", Projection::LeastSquares), ("quadrature", Projection::Quadrature)];
/// The factor of the width has a key of its own, `scale`, and is 1 without it. A given frame has `centre` and `scales`.
const SEARCHES: [(&str, Scaling); 3] =
    [("residual", Scaling::ResidualOptimal), ("fitted", Scaling::Fitted(1.0)), ("moments", Scaling::Moments(1.0))];
/// The word `field-aligned`, before the field is known, which has a key of its own, `field`.
const NO_FIELD: Orientation = Orientation::FieldAligned([0.0; 3]);
const FRAMES: [(&str, Orientation); 3] =
    [("grid", Orientation::Grid), ("pressure", Orientation::PressureEigenframe), ("field-aligned", NO_FIELD)];

impl NamedBasis for Hermite {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.per_axis("order", &mut self.orders)?;
        choose_truncation(&mut self.truncation, choices)?;
        choices.one_of("weight", &mut self.weight, &WEIGHTS)?;
        choices.one_of("projection", &mut self.projection, &PROJECTIONS)?;
        choose_scaling(&mut self.scaling, choices)?;
        choose_orientation(&mut self.orientation, choices)?;
        *self = self.clone().validated()?;
        Ok(())
    }
}

fn choose_truncation(truncation: &mut Truncation, choices: &mut Choices<'_>) -> Result<()> {
    let (mut set, mut terms) = match *truncation {
        Truncation::Best(terms) => (Truncation::Cube, Some(terms)),
        set => (set, None),
    };
    choices.one_of("truncation", &mut set, &TRUNCATIONS)?;
    choices.optional("terms", &mut terms)?;
    *truncation = match (set, terms) {
        (set, None) => set,
        (Truncation::Cube, Some(terms)) => Truncation::Best(terms),
        (_, Some(terms)) => return Err(choices.refused("terms", terms, "only for truncation=cube")),
    };
    Ok(())
}

fn choose_scaling(scaling: &mut Scaling, choices: &mut Choices<'_>) -> Result<()> {
    let (mut search, factor, mut centre, mut scales) = match *scaling {
        Scaling::ResidualOptimal => (None, 1.0, None, None),
        Scaling::Fitted(factor) => (Some(Scaling::Fitted(1.0)), factor, None, None),
        Scaling::Moments(factor) => (Some(Scaling::Moments(1.0)), factor, None, None),
        Scaling::Given { centre, scales } => (None, 1.0, Some(centre), Some(scales)),
    };
    let mut factor = Some(factor).filter(|&factor| factor != 1.0);
    choices.optional_of("search", &mut search, &SEARCHES)?;
    choices.optional("scale", &mut factor)?;
    choices.vector("centre", &mut centre)?;
    choices.vector("scales", &mut scales)?;
    *scaling = match (search, factor, centre, scales) {
        (search, None, None, None) => search.unwrap_or(Scaling::ResidualOptimal),
        (Some(Scaling::Fitted(_)), Some(factor), None, None) => Scaling::Fitted(factor),
        (Some(Scaling::Moments(_)), Some(factor), None, None) => Scaling::Moments(factor),
        (None, None, Some(centre), Some(scales)) => Scaling::Given { centre, scales },
        (_, Some(factor), None, None) => {
            return Err(choices.refused("scale", factor, "only with search=moments or search=fitted"));
        }
        _ => {
            let allowed = "centre and scales go together, and without search and scale";
            return Err(choices.refused("centre and scales", "as given", allowed));
        }
    };
    Ok(())
}

fn choose_orientation(orientation: &mut Orientation, choices: &mut Choices<'_>) -> Result<()> {
    let (mut frame, mut field) = match *orientation {
        Orientation::FieldAligned(field) => (NO_FIELD, Some(field)),
        frame => (frame, None),
    };
    choices.one_of("frame", &mut frame, &FRAMES)?;
    choices.vector("field", &mut field)?;
    *orientation = match (frame, field) {
        (Orientation::FieldAligned(_), Some(field)) => Orientation::FieldAligned(field),
        (Orientation::FieldAligned(_), None) => {
            return Err(choices.refused("frame", "field-aligned", "it needs field=x/y/z"));
        }
        (frame, None) => frame,
        (_, Some(field)) => {
            return Err(choices.refused("field", format!("{field:?}"), "only with frame=field-aligned"));
        }
    };
    Ok(())
}
