//! Options of a mixture in a spec.

use super::{Covariance, Mixture, NAME, Refine, Selection, Start};
use crate::basis::NamedBasis;
use crate::basis::choices::Choices;
use crate::distribution::decades::Floor;
use crate::error::Result;

const REFINEMENTS: [(&str, Refine); 3] =
    [("least-squares", Refine::LeastSquares), ("none", Refine::None), ("log10", Refine::Logarithm)];
const STARTS: &[(&str, Start)] = &[
    ("auto", Start::Auto),
    ("k-means", Start::KMeans),
    ("moment-split", Start::MomentSplit),
    ("greedy", Start::Greedy),
    #[cfg(feature = "linfa")]
    ("linfa", Start::Linfa),
];
/// Kinds of covariance; the field has a key of its own.
const COVARIANCES: [(&str, Covariance); 5] = [
    ("full", Covariance::Full),
    ("tied", Covariance::Tied),
    ("diagonal", Covariance::Diagonal),
    ("spherical", Covariance::Spherical),
    ("field-aligned", Covariance::FieldAligned([0.0; 3])),
];
/// Kinds of selection; the error has a key of its own.
const SELECTIONS: [(&str, Selection); 4] =
    [("fixed", Selection::Fixed), ("bic", Selection::Bic), ("mml", Selection::Mml), ("l2", Selection::Error(0.0))];

impl NamedBasis for Mixture {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.number("components", &mut self.components)?;
        choose_covariance(&mut self.covariance, choices)?;
        choices.optional("kappa", &mut self.kappa)?;
        choices.one_of("refine", &mut self.refine, &REFINEMENTS)?;
        choices.one_of("start", &mut self.start, STARTS)?;
        choose_selection(&mut self.selection, choices)?;
        choices.optional("samples", &mut self.samples)?;
        choices.number("seed", &mut self.seed)?;
        choices.number("tolerance", &mut self.tolerance)?;
        choices.number("iterations", &mut self.iterations)?;
        if self.refine == Refine::Logarithm {
            let mut floor = self.floor.given();
            choices.optional("floor", &mut floor)?;
            self.floor = floor.map(Floor::at).transpose()?.unwrap_or_default();
        }
        self.validated().map(|_| ())
    }
}

fn choose_covariance(covariance: &mut Covariance, choices: &mut Choices<'_>) -> Result<()> {
    let (mut kind, mut field) = match *covariance {
        Covariance::FieldAligned(field) => (Covariance::FieldAligned([0.0; 3]), Some(field)),
        kind => (kind, None),
    };
    choices.one_of("covariance", &mut kind, &COVARIANCES)?;
    choices.vector("field", &mut field)?;
    *covariance = match (kind, field) {
        (Covariance::FieldAligned(_), Some(field)) => Covariance::FieldAligned(field),
        (Covariance::FieldAligned(_), None) => {
            return Err(choices.refused("covariance", "field-aligned", "field-aligned needs `field=x/y/z`"));
        }
        (_, Some([x, y, z])) => {
            return Err(choices.refused("field", format!("{x}/{y}/{z}"), "only with covariance=field-aligned"));
        }
        (kind, None) => kind,
    };
    Ok(())
}

fn choose_selection(selection: &mut Selection, choices: &mut Choices<'_>) -> Result<()> {
    let (mut kind, mut l2) = match *selection {
        Selection::Error(l2) => (Selection::Error(0.0), Some(l2)),
        kind => (kind, None),
    };
    choices.one_of("select", &mut kind, &SELECTIONS)?;
    if kind == Selection::Error(0.0) {
        // With another selection the key `l2` is not the mixture's own, but a bound for the stream.
        choices.optional("l2", &mut l2)?;
        let refused = || choices.refused("select", "l2", "needs the error to reach, `l2=0.05`");
        kind = Selection::Error(l2.ok_or_else(refused)?);
    }
    *selection = kind;
    Ok(())
}
