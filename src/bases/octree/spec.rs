//! Names for the choices.

use super::{LeafKind, NAME, Octree, OctreeTarget, Splitting};
use crate::basis::NamedBasis;
use crate::basis::choices::{Choices, Number};
use crate::basis::spec::Value;
use crate::error::Result;

/// The degree of all leaves, or `auto`: chosen for each.
#[derive(Clone, Copy)]
struct Degree(Option<usize>);

impl Number for Degree {
    const KIND: &'static str = "auto, or a whole number";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Word(word) if word == "auto" => Some(Self(None)),
            _ => usize::from_value(value).map(|degree| Self(Some(degree))),
        }
    }

    fn to_value(self) -> Value {
        self.0.map_or_else(|| Value::Word("auto".to_owned()), usize::to_value)
    }
}

impl NamedBasis for Octree {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        let leaves = [("log", LeafKind::Log), ("linear", LeafKind::Linear), ("best", LeafKind::Best)];
        choices.one_of("leaf", &mut self.leaf, &leaves)?;
        let mut degree = Degree(self.degree);
        choices.number("degree", &mut degree)?;
        self.degree = degree.0;
        // The default target is the absence of all others: any of the three keys replaces it.
        let (mut l2, mut linf, mut coefficients) = match self.target {
            target if target == OctreeTarget::default() => (None, None, None),
            OctreeTarget::L2(l2) => (Some(l2), None, None),
            OctreeTarget::Linf(linf) => (None, Some(linf), None),
            OctreeTarget::Coefficients(count) => (None, None, Some(count)),
        };
        choices.optional("l2", &mut l2)?;
        choices.optional("linf", &mut linf)?;
        choices.optional("coefficients", &mut coefficients)?;
        self.target = match (l2, linf, coefficients) {
            (None, None, None) => OctreeTarget::default(),
            (Some(l2), None, None) => OctreeTarget::L2(l2),
            (None, Some(linf), None) => OctreeTarget::Linf(linf),
            (None, None, Some(count)) => OctreeTarget::Coefficients(count),
            _ => return Err(choices.refused("l2, linf and coefficients", "as given", "only one of them")),
        };
        let splittings = [("axis", Splitting::Axis), ("octants", Splitting::Octants)];
        choices.one_of("split", &mut self.splitting, &splittings)?;
        choices.number("smallest", &mut self.smallest)?;
        choices.number("align", &mut self.align)?;
        choices.one_of("refine", &mut self.moves_cuts, &[("splits", true), ("none", false)])?;
        choices.flag("blend", &mut self.blended)?;
        *self = self.clone().validated()?;
        Ok(())
    }
}
