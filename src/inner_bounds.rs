//! How far into a spec its bounds reach.
//!
//! A bound outside is kept by rounding what is inside as coarsely as it allows. Presets and `quantized` round for
//! themselves, and no rounding outside undoes that: where they are given no bound, they get the one from outside, and
//! where none can be told, the spec is refused with what to write. Streams hold the outcome.

use crate::compose::quantized::Quantized;
use crate::compose::target::Target;
use crate::error::Result;
use crate::presets::Effort;
use crate::spec::{Options, Spec, Term, invalid};

/// What `conserve` may add to an error `l2`, at most.
const ADDED_BY_CONSERVE: f64 = 0.02;

/// The spec with each bound written wherever it is in force.
///
/// # Errors
/// [`Error::InvalidSpec`](crate::Error::InvalidSpec) where a bound does not reach a basis inside that keeps its own.
pub(crate) fn spread(spec: Spec) -> Result<Spec> {
    Ok(Spec { terms: spec.terms.into_iter().map(spread_term).collect::<Result<_>>()? })
}

fn spread_term(mut term: Term) -> Result<Term> {
    let Some(mut inner) = term.inner.take() else { return Ok(term) };
    if let Some(target) = bound_of(&term)? {
        // What keeps the very bound needs nobody to keep it.
        if term.name == QUANTIZED
            && let [only] = &mut inner.terms[..]
            && rounds_unbounded(only)
        {
            return spread_term(bounded(only.clone(), target));
        }
        inner = passed(&term.name, inner, target)?;
    }
    term.inner = Some(spread(inner)?);
    Ok(term)
}

const QUANTIZED: &str = "quantized";
const CONSERVE: &str = "conserve";
const LOG: &str = "log";

/// The bound of one of the combinators that have no other use for its keys.
fn bound_of(term: &Term) -> Result<Option<Target>> {
    match &term.name[..] {
        QUANTIZED | CONSERVE | LOG => Target::from_options(&mut Options::of(term)),
        _ => Ok(None),
    }
}

/// A spec inside a combinator that is to keep this bound.
fn passed(combinator: &str, mut inner: Spec, target: Target) -> Result<Spec> {
    let inside = match (combinator, target) {
        (QUANTIZED, target) => Some(target),
        (CONSERVE, Target::L2(l2)) => Some(Target::L2(less(l2, ADDED_BY_CONSERVE))),
        _ => None,
    };
    if let (Some(target), [only]) = (inside, &mut inner.terms[..]) {
        let term = only.clone();
        if rounds_unbounded(&term) {
            *only = bounded(term, target);
            return Ok(inner);
        }
        if let Some(spec) = &term.inner
            && has_no_bound(&term)
        {
            only.inner = Some(passed(&term.name, spec.clone(), target)?);
            return Ok(inner);
        }
    }
    match unbounded(&inner) {
        None => Ok(inner),
        Some(term) => {
            let name = &term.name;
            let within = if inner.terms.len() > 1 { "a sum".to_owned() } else { format!("`{combinator}`") };
            let instead = match combinator {
                // Inside it, errors are those of logarithms.
                LOG => format!("write one that does not, as `log(wavelet)`, or `{name}` without `log`"),
                _ => format!("write its own bound, `{}`", bounded(term.clone(), target)),
            };
            Err(invalid(
                &format!("{combinator}({inner})"),
                format!(
                    "`{name}` rounds for itself, and what `{target}` outside leaves to it cannot be told through \
                     {within}; {instead}"
                ),
            ))
        }
    }
}

/// The first term that rounds for itself, as far as no bound outside allows.
fn unbounded(spec: &Spec) -> Option<&Term> {
    spec.terms.iter().find_map(|term| match &term.inner {
        _ if rounds_unbounded(term) => Some(term),
        Some(inner) if has_no_bound(term) => unbounded(inner),
        _ => None,
    })
}

fn rounds_unbounded(term: &Term) -> bool {
    let default = |(key, value): &(String, String)| {
        key != "slack" || value.parse() == Ok(Quantized::<crate::AnyBasis>::DEFAULT_SLACK)
    };
    let preset = Effort::ALL.iter().any(|(name, _)| *name == term.name) && term.inner.is_none();
    let quantized = term.name == QUANTIZED && term.inner.is_some() && term.options.iter().all(default);
    (preset || quantized) && has_no_bound(term)
}

fn has_no_bound(term: &Term) -> bool {
    term.options.iter().all(|(key, _)| !["l2", "linf", "bytes"].contains(&&key[..]))
}

fn bounded(mut term: Term, target: Target) -> Term {
    let (key, value) = match target {
        Target::L2(l2) => ("l2", l2.to_string()),
        Target::Linf(linf) => ("linf", linf.to_string()),
        Target::Bytes(bytes) => ("bytes", bytes.to_string()),
        Target::Slack(slack) => ("slack", slack.to_string()),
    };
    term.options.retain(|(key, _)| key != "slack");
    term.options.push((key.to_owned(), value));
    term
}

/// What may grow by a part and still be no more than `bound`, in four digits: it is stored.
fn less(bound: f64, part: f64) -> f64 {
    const ROUNDING: f64 = 5.1e-4;
    let exact = bound / (1.0 + part) * (1.0 - ROUNDING);
    format!("{exact:.3e}").parse().unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::fidelity::relative_l2;
    use crate::{Expansion, Preset, Registry, Sampling, Synthetic};

    fn spread_out(spec: &str) -> String {
        spread(spec.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn bounds_reach_what_rounds_for_itself() {
        for (spec, expected) in [
            ("quantized(smallest):linf=0.03", "smallest:linf=0.03"),
            ("quantized(quantized(cosine)):bytes=90", "quantized(cosine):bytes=90"),
            ("quantized(quantized(fast)):bytes=90", "fast:bytes=90"),
            ("conserve(smallest):l2=0.03", "conserve(smallest:l2=0.0294):l2=0.03"),
            ("conserve(quantized(cosine:terms=9)):l2=0.3", "conserve(quantized(cosine:terms=9):l2=0.294):l2=0.3"),
            ("quantized(conserve(fast)):l2=0.03", "quantized(conserve(fast:l2=0.0294)):l2=0.03"),
            ("log(conserve(conserve(fast)):l2=1)", "log(conserve(conserve(fast:l2=0.9602)):l2=1)"),
        ] {
            assert_eq!(spread_out(spec), expected, "{spec}");
            assert_eq!(spread_out(expected), expected);
            // What is printed into a stream makes the same basis.
            let registry = Registry::standard();
            let basis = registry.parse(spec).unwrap();
            assert_eq!(registry.parse(&basis.to_string()).unwrap(), basis, "{basis}");
        }
        // What has a bound, and what has none outside, is left alone.
        for spec in [
            "conserve(smallest:l2=0.1):l2=0.03",
            "conserve(smallest)",
            "conserve(quantized(cosine):slack=0.3):l2=0.03",
            "conserve(wavelet):l2=0.03",
            "maxwellian + smallest",
            "quantized(fast:bytes=90 + wavelet):l2=0.1",
            "mine(smallest):l2=0.03",
        ] {
            assert_eq!(spread_out(spec), spec);
        }
    }

    #[test]
    fn where_a_bound_does_not_reach_it_is_said_what_to_write() {
        for (spec, expected) in [
            ("log(smallest):l2=0.03", "through `log`; write one that does not, as `log(wavelet)`"),
            ("conserve(fast):linf=0.1", "through `conserve`; write its own bound, `fast:linf=0.1`"),
            ("conserve(balanced):bytes=800", "`800 bytes` outside leaves to it"),
            ("conserve(log(fast)):l2=0.1", "through `log`"),
            ("quantized(maxwellian + smallest):l2=0.03", "through a sum; write its own bound, `smallest:l2=0.03`"),
            ("conserve(quantized(cosine) + wavelet):l2=0.5", "`quantized(cosine):l2=0.5`"),
        ] {
            let message = Registry::standard().parse(spec).unwrap_err().to_string();
            assert!(message.contains(expected), "{spec}: {message}");
        }
    }

    #[test]
    fn conserve_keeps_the_bound_that_reached_its_preset() {
        let registry = Registry::standard();
        let grid = Synthetic::default_grid("gyrating-ring", 24).unwrap();
        let vdf = Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        let stream = |spec: &str| {
            let bytes = Expansion::encode(&registry.parse(spec).unwrap(), &vdf).unwrap().to_bytes().unwrap();
            let expansion = registry.decode(&bytes).unwrap();
            assert_eq!(expansion.basis(), &registry.parse(spec).unwrap());
            (relative_l2(&vdf, &expansion.reconstruct().unwrap()), bytes.len())
        };
        for target in [0.1, 0.03] {
            let (error, len) = stream(&format!("conserve(fast):l2={target}"));
            let (_, inside) = stream(&format!("conserve(fast:l2={target})"));
            let (_, default) = stream("conserve(fast)");
            assert!(error <= target, "{error}");
            assert!(len < inside + inside / 25 + 12 && len < 4 * default / 5, "{len}, {inside}, {default}");
        }
        assert_eq!(Preset::new(Effort::Fast, Target::L2(0.01)).unwrap().to_string(), "fast:l2=0.01");
    }
}
