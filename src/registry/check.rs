//! Whether the spec that a basis prints makes that basis: what a stream's reader relies on.

use std::any::TypeId;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::{Build, Registry, build};
use crate::any_basis::{AnyBasis, is_same};
use crate::basis::{Basis, NamedBasis};
use crate::error::Result;
use crate::spec::{Spec, Term, invalid};

/// The bases that were added to any registry of this process. A stream is written without a registry at hand
/// ([`Expansion::to_bytes`](crate::Expansion::to_bytes)), and nothing but this check looks here.
static ADDED: Mutex<Vec<(TypeId, &'static str, Build)>> = Mutex::new(Vec::new());

/// The standard registry, whose bases built last are kept.
static STANDARD: LazyLock<Registry> = LazyLock::new(Registry::standard);

/// Remembers a basis that a registry was given.
pub(super) fn remember<B: NamedBasis>() {
    let mut added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
    if !added.iter().any(|(kind, ..)| *kind == TypeId::of::<B>()) {
        added.push((TypeId::of::<B>(), B::NAME, build::<B>));
    }
}

/// Refuses a basis whose spec makes another one in every registry that knows the names in it: the standard one, and with
/// the bases added to any. Where none does, nothing can be said.
pub(crate) fn check_known<B: Basis>(basis: &B, spec: &Spec) -> Result<()> {
    let standard = STANDARD.knows(spec).then(|| STANDARD.check(basis, spec));
    if let Some(Ok(())) = standard {
        return Ok(());
    }
    // Several bases may have one name, also a standard one: each in turn.
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut first = standard;
    for (_, name, build) in added {
        let registry = with_others(name).with_builder(name, build);
        if registry.knows(spec) {
            let outcome = registry.check(basis, spec);
            if outcome.is_ok() {
                return Ok(());
            }
            first.get_or_insert(outcome);
        }
    }
    first.unwrap_or(Ok(()))
}

/// The standard registry with all bases added to any, but those of one name and those of standard names.
fn with_others(name: &str) -> Registry {
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_other = |other: &str| other != name && !STANDARD.names().any(|standard| standard == other);
    let others = added.into_iter().filter(|(_, other, _)| is_other(other));
    others.fold(STANDARD.clone(), |registry, (_, other, build)| registry.with_builder(other, build))
}

impl Registry {
    /// Refuses a basis whose spec makes another one here.
    pub(crate) fn check<B: Basis>(&self, basis: &B, spec: &Spec) -> Result<()> {
        let made = self.build_as_written(spec)?;
        if is_same(basis, &made) {
            return Ok(());
        }
        Err(invalid(
            &spec.to_string(),
            format!("it makes {}, which is not the basis that printed it", differences(basis, &made)),
        ))
    }

    /// Whether every name is one of this registry's, and none stands for a value learnt from data, which has no options.
    fn knows(&self, spec: &Spec) -> bool {
        spec.terms.iter().all(|term| self.knows_term(term))
    }

    fn knows_term(&self, term: &Term) -> bool {
        let learnt = term.options.iter().any(|(key, _)| key == "learnt");
        !learnt
            && match &term.inner {
                None => self.names().any(|name| name == term.name),
                Some(inner) => self.combinators().any(|name| name == term.name) && self.knows(inner),
            }
    }
}

/// Both bases as they print for debugging, from where they differ.
fn differences<B: Basis>(basis: &B, made: &AnyBasis) -> String {
    const SHOWN: usize = 120;
    let [made, printed] = [format!("{made:?}"), format!("{basis:?}")];
    if made == printed {
        return "a basis that is not equal to it, in what neither prints".to_owned();
    }
    let same = made.chars().zip(printed.chars()).take_while(|(a, b)| a == b).count();
    // From the word in which they differ.
    let begin = made.chars().take(same).collect::<String>().rfind([' ', '{', '(']).map_or(0, |at| at + 1);
    let shown = |text: &str| -> String {
        let begin = made[..begin].chars().count();
        text.chars().skip(begin).take(SHOWN).collect()
    };
    format!("`{}` where `{}` is meant", shown(&made), shown(&printed))
}
