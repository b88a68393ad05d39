//! Names for the choices.

use std::fmt;

use super::{Covariance, Mixture, NAME, Refine, Selection, Start};
use crate::basis::NamedBasis;
use crate::error::Result;
use crate::spec::{Options, SpecWriter};

const REFINEMENTS: [(&str, Refine); 2] = [("least-squares", Refine::LeastSquares), ("none", Refine::None)];
const STARTS: &[(&str, Start)] = &[
    ("auto", Start::Auto),
    ("k-means", Start::KMeans),
    ("moment-split", Start::MomentSplit),
    ("greedy", Start::Greedy),
    #[cfg(feature = "linfa")]
    ("linfa", Start::Linfa),
];
const COVARIANCES: [&str; 5] = ["full", "tied", "diagonal", "spherical", "field-aligned"];
const SELECTIONS: [&str; 4] = ["fixed", "bic", "mml", "l2"];

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = Self::default();
        let name_of = |names: &[(&'static str, Refine)]| {
            names.iter().find(|(_, refine)| *refine == self.refine).map_or("", |(name, _)| name)
        };
        let start = STARTS.iter().find(|(_, start)| *start == self.start).map_or("", |(name, _)| name);
        let covariance = match self.covariance {
            Covariance::Full => COVARIANCES[0],
            Covariance::Tied => COVARIANCES[1],
            Covariance::Diagonal => COVARIANCES[2],
            Covariance::Spherical => COVARIANCES[3],
            Covariance::FieldAligned(_) => COVARIANCES[4],
        };
        let mut spec = SpecWriter::new(NAME)
            .option(self.components != default.components, "components", self.components)
            .option(self.covariance != default.covariance, "covariance", covariance);
        if let Covariance::FieldAligned(field) = self.covariance {
            spec = spec.vector("field", field);
        }
        let select = match self.selection {
            Selection::Fixed => SELECTIONS[0],
            Selection::Bic => SELECTIONS[1],
            Selection::Mml => SELECTIONS[2],
            Selection::Error(_) => SELECTIONS[3],
        };
        spec = spec
            .option(self.kappa.is_some(), "kappa", self.kappa.unwrap_or_default())
            .option(self.refine != default.refine, "refine", name_of(&REFINEMENTS))
            .option(self.start != default.start, "start", start)
            .option(self.selection != default.selection, "select", select);
        if let Selection::Error(l2) = self.selection {
            spec = spec.option(true, "l2", l2);
        }
        spec.option(self.samples.is_some(), "samples", self.samples.unwrap_or_default())
            .option(self.seed != default.seed, "seed", self.seed)
            .option(self.tolerance != default.tolerance, "tolerance", format!("{:e}", self.tolerance))
            .option(self.iterations != default.iterations, "iterations", self.iterations)
            .write(f)
    }
}

impl NamedBasis for Mixture {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        let mut mixture = match options.number("components")? {
            Some(components) => Self::new(components)?,
            None => Self::default(),
        };
        let covariance = options.text("covariance").unwrap_or(COVARIANCES[0]);
        let field = options.vector("field")?;
        let kind = match (covariance, field) {
            ("full", None) => Covariance::Full,
            ("tied", None) => Covariance::Tied,
            ("diagonal", None) => Covariance::Diagonal,
            ("spherical", None) => Covariance::Spherical,
            ("field-aligned", Some(field)) => Covariance::FieldAligned(field),
            ("field-aligned", None) => {
                return Err(options.refused("covariance", covariance, "field-aligned needs `field=x/y/z`"));
            }
            (known, Some(_)) if COVARIANCES.contains(&known) => {
                return Err(options.refused("field", known, "only with covariance=field-aligned"));
            }
            _ => {
                let allowed = format!("one of {}", COVARIANCES.join(", "));
                return Err(options.refused("covariance", covariance, &allowed));
            }
        };
        mixture = mixture.with_covariance(kind)?;
        if let Some(kappa) = options.number("kappa")? {
            mixture = mixture.with_kappa(kappa)?;
        }
        mixture.refine = options.choice("refine", &REFINEMENTS)?.unwrap_or_default();
        mixture.start = options.choice("start", STARTS)?.unwrap_or_default();
        let select = options.text("select");
        // Without select=l2 the key is a bound for the stream, and not the mixture's own.
        let l2 = if select == Some("l2") { options.number("l2")? } else { None };
        let selection = match (select, l2) {
            (None | Some("fixed"), None) => Selection::Fixed,
            (Some("bic"), None) => Selection::Bic,
            (Some("mml"), None) => Selection::Mml,
            (_, Some(l2)) => Selection::Error(l2),
            (Some("l2"), None) => return Err(options.refused("select", "l2", "needs the error to reach, `l2=0.05`")),
            (Some(other), None) => {
                return Err(options.refused("select", other, &format!("one of {}", SELECTIONS.join(", "))));
            }
        };
        mixture = mixture.with_selection(selection)?;
        if let Some(samples) = options.number("samples")? {
            mixture = mixture.with_samples(samples)?;
        }
        mixture.seed = options.number("seed")?.unwrap_or_default();
        if let Some(tolerance) = options.number("tolerance")? {
            mixture = mixture.with_tolerance(tolerance)?;
        }
        if let Some(iterations) = options.number("iterations")? {
            mixture = mixture.with_iterations(iterations)?;
        }
        Ok(mixture)
    }
}
