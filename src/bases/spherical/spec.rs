//! The choices of a spherical basis and their names in a spec.

use super::{Centre, Method, Misner, NAME, Shells, Spherical};
use crate::basis::NamedBasis;
use crate::basis::choices::Choices;
use crate::error::Result;

/// The methods with their defaults. Numbers that only one of them has are choices with keys of their own.
const METHODS: [(&str, Method); 3] =
    [("joint", Method::Joint), ("misner", Method::Misner(Misner::DEFAULT)), ("burnett", Method::Burnett(None))];
const PLACINGS: [(&str, Shells); 2] = [("uniform", Shells::Uniform), ("data", Shells::Placed)];
const CENTRES: [(&str, Centre); 3] =
    [("half-cell", Centre::HalfCell), ("bulk", Centre::BulkVelocity), ("search", Centre::Searched)];

impl NamedBasis for Spherical {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choose_method(&mut self.method, choices)?;
        choices.number("degree", &mut self.degree)?;
        choices.number("shells", &mut self.shells)?;
        choices.one_of("placing", &mut self.placing, &PLACINGS)?;
        choices.optional("radius", &mut self.radius)?;
        choose_centre(&mut self.centre, choices)?;
        choices.vector("field", &mut self.axis)?;
        *self = self.clone().validated()?;
        Ok(())
    }
}

fn choose_method(method: &mut Method, choices: &mut Choices<'_>) -> Result<()> {
    let (mut misner, mut width) = match *method {
        Method::Joint => (Misner::DEFAULT, None),
        Method::Misner(misner) => (misner, None),
        Method::Burnett(width) => (Misner::DEFAULT, width),
    };
    let mut named = match method {
        Method::Joint => Method::Joint,
        Method::Misner(_) => Method::Misner(Misner::DEFAULT),
        Method::Burnett(_) => Method::Burnett(None),
    };
    choices.one_of("method", &mut named, &METHODS)?;
    choices.number("half-width", &mut misner.half_width)?;
    choices.number("order", &mut misner.order)?;
    choices.number("resolution", &mut misner.resolution)?;
    choices.optional("width", &mut width)?;
    *method = match (named, width) {
        (Method::Burnett(_), width) => Method::Burnett(width),
        (_, Some(width)) => return Err(choices.refused("width", width, "only with method=burnett")),
        (Method::Misner(_), None) => Method::Misner(misner),
        (Method::Joint, None) => Method::Joint,
    };
    if !matches!(method, Method::Misner(_)) && misner != Misner::DEFAULT {
        let allowed = "only with method=misner";
        return Err(choices.refused("half-width, order and resolution", "as given", allowed));
    }
    Ok(())
}

/// A name, or three numbers.
fn choose_centre(centre: &mut Centre, choices: &mut Choices<'_>) -> Result<()> {
    let (mut named, mut given) = match *centre {
        Centre::Given(given) => (Centre::HalfCell, Some(given)),
        named => (named, None),
    };
    choices.one_of_or_vector("centre", &mut named, &mut given, &CENTRES)?;
    *centre = given.map_or(named, Centre::Given);
    Ok(())
}
