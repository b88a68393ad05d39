//! Names for the choices.

use std::fmt;

use super::{LeafKind, NAME, Octree, OctreeTarget, Splitting};
use crate::basis::NamedBasis;
use crate::error::Result;
use crate::spec::{Options, SpecWriter};

impl fmt::Display for Octree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = match self.leaf {
            LeafKind::Log => "log",
            LeafKind::Linear => "linear",
            LeafKind::Best => "best",
        };
        let spec = SpecWriter::new(NAME).option(self.leaf != LeafKind::default(), "leaf", leaf).option(
            self.degree.is_some(),
            "degree",
            self.degree.unwrap_or_default(),
        );
        let spec = match self.target {
            OctreeTarget::L2(l2) => spec.option(self.target != OctreeTarget::default(), "l2", l2),
            OctreeTarget::Linf(linf) => spec.option(true, "linf", linf),
            OctreeTarget::Coefficients(count) => spec.option(true, "coefficients", count),
        };
        spec.option(self.splitting == Splitting::Octants, "split", "octants")
            .option(self.smallest != Self::SMALLEST, "smallest", self.smallest)
            .option(self.align > 1, "align", self.align)
            .option(self.moves_cuts, "refine", "splits")
            .option(self.blended, "blend", "yes")
            .write(f)
    }
}

impl NamedBasis for Octree {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        let kinds = [("log", LeafKind::Log), ("linear", LeafKind::Linear), ("best", LeafKind::Best)];
        let mut basis = Self::new(options.choice("leaf", &kinds)?.unwrap_or_default());
        match options.text("degree") {
            None | Some("auto") => {}
            Some(text) => match text.parse() {
                Ok(degree) => basis = basis.with_degree(degree)?,
                Err(_) => return Err(options.refused("degree", text, "auto or a whole number from 0 to 6")),
            },
        }
        let target = match (options.number("l2")?, options.number("linf")?, options.number("coefficients")?) {
            (None, None, None) => OctreeTarget::default(),
            (Some(l2), None, None) => OctreeTarget::L2(l2),
            (None, Some(linf), None) => OctreeTarget::Linf(linf),
            (None, None, Some(count)) => OctreeTarget::Coefficients(count),
            _ => return Err(options.refused("l2, linf and coefficients", "as given", "only one of them")),
        };
        basis = basis.with_target(target)?;
        let splittings = [("axis", Splitting::Axis), ("octants", Splitting::Octants)];
        basis = basis.with_splitting(options.choice("split", &splittings)?.unwrap_or_default());
        if let Some(smallest) = options.number("smallest")? {
            basis = basis.with_smallest(smallest)?;
        }
        if let Some(cells) = options.number("align")? {
            basis = basis.with_alignment(cells)?;
        }
        basis = basis.with_moved_cuts(options.choice("refine", &[("splits", true), ("none", false)])?.unwrap_or(false));
        Ok(basis.with_blend(options.choice("blend", &[("yes", true), ("no", false)])?.unwrap_or(false)))
    }
}
