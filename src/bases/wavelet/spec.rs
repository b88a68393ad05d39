//! Names for the choices.

use std::fmt;

use super::boundary::BOUNDARIES;
use super::{Boundary, NAME, Rounding, Wavelet, WaveletFilter};
use crate::basis::NamedBasis;
use crate::error::Result;
use crate::numerics::selection::Selection;
use crate::spec::{Options, SpecWriter};

impl fmt::Display for Wavelet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filter = self.filter.name();
        let mut spec = SpecWriter::new(NAME)
            .option(self.filter != WaveletFilter::default(), "filter", filter)
            .option(self.boundary != Boundary::of(self.filter), "boundary", self.boundary.name())
            .option(self.level.is_some(), "level", self.level.unwrap_or_default())
            .option(self.soft > 0.0, "soft", format!("{:e}", self.soft));
        spec = match self.selection {
            Selection::All => spec,
            Selection::Largest(terms) => spec.option(true, "terms", terms),
            Selection::Above(threshold) => spec.option(true, "threshold", format!("{threshold:e}")),
            Selection::Error(share) => spec.option(true, "discard", share),
        };
        match self.rounding {
            Rounding::None => spec,
            Rounding::Int8 => spec.option(true, "rounding", "int8"),
            Rounding::Step(step) => spec.option(true, "step", format!("{step:e}")),
        }
        .write(f)
    }
}

impl NamedBasis for Wavelet {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        let filter = options.text("filter").map_or_else(|| Ok(WaveletFilter::default()), WaveletFilter::named)?;
        let boundary = options.choice("boundary", &BOUNDARIES)?.unwrap_or(Boundary::of(filter));
        let level = options.number("level")?;
        let basis = Self { level, ..Self::new(filter).with_boundary(boundary)? };
        let basis = basis.with_soft_threshold(options.number("soft")?.unwrap_or(0.0))?;
        let selection = match (options.number("terms")?, options.number("threshold")?, options.number("discard")?) {
            (None, None, None) => Selection::All,
            (Some(terms), None, None) => Selection::Largest(terms),
            (None, Some(threshold), None) => Selection::Above(threshold),
            (None, None, Some(share)) => Selection::Error(share),
            _ => return Err(options.refused("terms, threshold and discard", "as given", "only one of them")),
        };
        let rounding = match (options.choice("rounding", &[("int8", Rounding::Int8)])?, options.number("step")?) {
            (rounding, None) => rounding.unwrap_or_default(),
            (None, Some(step)) => Rounding::Step(step),
            _ => return Err(options.refused("rounding and step", "as given", "only one of them")),
        };
        basis.with_selection(selection)?.with_rounding(rounding)
    }
}
