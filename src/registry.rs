//! From names to bases.

mod check;

use std::sync::Arc;

use crate::any_basis::AnyBasis;
use crate::bases::cosine::Cosine;
use crate::bases::hermite::Hermite;
use crate::bases::maxwellian::Maxwellian;
use crate::bases::mixture::Mixture;
use crate::bases::octree::Octree;
use crate::bases::pca::Pca;
use crate::bases::spherical::Spherical;
use crate::bases::wavelet::Wavelet;
use crate::basis::{Basis, NamedBasis};
use crate::compose::conserve::Conserve;
use crate::compose::log_density::LogDensity;
use crate::compose::quantized::Quantized;
use crate::compose::residual::Residual;
use crate::compose::target::Target;
use crate::error::Result;
use crate::inner_bounds;
use crate::numerics::cache::Cache;
use crate::presets::{Effort, Preset};
use crate::spec::{Options, Spec, Term, invalid};

pub(crate) use check::check_known;

type Build = fn(&mut Options<'_>) -> Result<AnyBasis>;
type Combine = fn(AnyBasis, &mut Options<'_>) -> Result<AnyBasis>;

/// The bases that exist, by name. A value, not a global: add your own with [`Registry::with`]. It remembers the last few
/// bases that it has built, with their tables: who decodes many streams keeps one.
///
/// ```
/// use vdf_basis::Registry;
/// let basis = Registry::standard().parse("maxwellian + hermite:order=8,truncation=total-degree")?;
/// assert_eq!(basis.to_string(), "maxwellian + hermite:order=8,truncation=total-degree");
/// let error = Registry::standard().parse("hermit").unwrap_err();
/// assert!(error.to_string().contains("cosine, hermite, maxwellian, mixture"));
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry {
    bases: Vec<(&'static str, Build)>,
    combinators: Vec<(&'static str, Combine)>,
    values: Vec<AnyBasis>,
    built: Arc<Built>,
}

/// The bases built last, by their specs: streams that follow one another share their tables.
#[derive(Debug)]
struct Built(Cache<String, AnyBasis>);

impl Default for Built {
    fn default() -> Self {
        const LAST: usize = 4;
        Self(Cache::new(LAST))
    }
}

impl Registry {
    /// No names at all.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// All bases and combinators of this crate.
    #[must_use]
    pub fn standard() -> Self {
        Self::empty()
            .with::<Cosine>()
            .with::<Hermite>()
            .with::<Maxwellian>()
            .with::<Mixture>()
            .with::<Octree>()
            .with::<Pca>()
            .with::<Spherical>()
            .with::<Wavelet>()
            .with_builder("fast", |options| Preset::from_options(Effort::Fast, options).map(AnyBasis::new))
            .with_builder("balanced", |options| Preset::from_options(Effort::Balanced, options).map(AnyBasis::new))
            .with_builder("smallest", |options| Preset::from_options(Effort::Smallest, options).map(AnyBasis::new))
            .with_combinator("conserve", |inner, options| {
                let heat_flux = options.choice("heat-flux", &[("yes", true), ("no", false)])?.unwrap_or(false);
                Ok(AnyBasis::new(Conserve::new(inner).with_heat_flux(heat_flux)))
            })
            .with_combinator("log", |inner, options| {
                Ok(AnyBasis::new(match options.number("floor")? {
                    Some(floor) => LogDensity::above(inner, floor)?,
                    None => LogDensity::new(inner),
                }))
            })
            .with_combinator("quantized", |inner, options| {
                let target = match (Target::from_options(options)?, options.number("slack")?) {
                    (None, slack) => Target::Slack(slack.unwrap_or(Quantized::<AnyBasis>::DEFAULT_SLACK)),
                    (Some(target), None) => target,
                    (Some(_), Some(_)) => {
                        return Err(options.refused("slack", "as given", "only without l2, linf and bytes"));
                    }
                };
                Ok(AnyBasis::new(Quantized::new(inner, target)?))
            })
    }

    /// This registry with one more basis; one of the same name is replaced.
    #[must_use]
    pub fn with<B: NamedBasis>(self) -> Self {
        check::remember::<B>();
        self.with_builder(B::NAME, build::<B>)
    }

    fn with_builder(mut self, name: &'static str, build: Build) -> Self {
        self.built = Arc::default();
        self.bases.retain(|(other, _)| *other != name);
        self.bases.push((name, build));
        self
    }

    /// This registry with one more combinator, written `name(inner):options`; one of the same name is replaced.
    #[must_use]
    pub fn with_combinator(mut self, name: &'static str, combine: Combine) -> Self {
        self.built = Arc::default();
        self.combinators.retain(|(other, _)| *other != name);
        self.combinators.push((name, combine));
        self
    }

    /// This registry with a basis that its options do not make, because it was learnt from data: found by the one term
    /// that it prints (`pca:learnt=` and its hash).
    #[must_use]
    pub fn with_value<B: Basis>(mut self, basis: B) -> Self {
        self.built = Arc::default();
        self.values.push(AnyBasis::new(basis));
        self
    }

    /// Names of the bases, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.bases.iter().map(|(name, _)| *name)
    }

    /// Names of the combinators, in the order they were added.
    pub fn combinators(&self) -> impl Iterator<Item = &'static str> {
        self.combinators.iter().map(|(name, _)| *name)
    }

    /// The basis that a spec describes (grammar: [`crate::spec`]). A bound of a combinator reaches the preset or the
    /// `quantized` inside that is given none: `conserve(smallest):l2=0.03`.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) for what is not grammar, for unknown names, keys and values with
    /// the list of those that exist, and for a bound that does not reach what rounds for itself inside
    /// (`log(smallest):l2=0.03`) with what to write; [`Error::InvalidParameter`](crate::Error::InvalidParameter) for
    /// values out of range.
    pub fn parse(&self, spec: &str) -> Result<AnyBasis> {
        self.build(&spec.parse()?)
    }

    /// The basis that a parsed spec describes.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn build(&self, spec: &Spec) -> Result<AnyBasis> {
        self.build_as_written(&inner_bounds::spread(spec.clone())?)
    }

    /// The basis of a spec in which bounds are written wherever they are in force, as in streams.
    pub(crate) fn build_as_written(&self, spec: &Spec) -> Result<AnyBasis> {
        let Built(built) = &*self.built;
        let text = spec.to_string();
        if let Some(basis) = built.get(&text) {
            return Ok(AnyBasis::clone(&basis));
        }
        let basis = self.sum(spec)?;
        Ok(AnyBasis::clone(&built.get_or_build(text, || basis)))
    }

    fn sum(&self, spec: &Spec) -> Result<AnyBasis> {
        let mut sum: Option<AnyBasis> = None;
        for term in &spec.terms {
            let basis = self.term(term)?;
            sum = Some(match sum {
                None => basis,
                Some(first) => AnyBasis::new(Residual::new(first, basis)),
            });
        }
        sum.ok_or_else(|| invalid("", "it has no terms"))
    }

    fn term(&self, term: &Term) -> Result<AnyBasis> {
        let text = term.to_string();
        if let Some(value) = self.values.iter().find(|value| value.to_string() == text) {
            return Ok(value.clone());
        }
        let mut options = Options::of(term);
        let basis = match &term.inner {
            None => {
                let combines = self.combinators().any(|name| name == term.name);
                let build = find(&self.bases, term, |name, names| match combines {
                    true => format!("`{name}` needs a basis in parentheses, such as `{name}(wavelet)`"),
                    false => format!("there is no basis `{name}`; there are {names}"),
                })?;
                build(&mut options)?
            }
            Some(inner) => {
                let combine = find(&self.combinators, term, |name, names| {
                    format!("there is no combinator `{name}`, which may have a basis in parentheses; there are {names}")
                })?;
                combine(self.sum(inner)?, &mut options)?
            }
        };
        // A bound that the basis does not know itself is kept by rounding as coarsely as it allows.
        let basis = match Target::from_unread(&mut options)? {
            Some(target) => AnyBasis::new(Quantized::new(basis, target)?),
            None => basis,
        };
        options.finish()?;
        Ok(basis)
    }
}

fn build<B: NamedBasis>(options: &mut Options<'_>) -> Result<AnyBasis> {
    B::from_options(options).map(AnyBasis::new)
}

fn find<T: Copy>(table: &[(&'static str, T)], term: &Term, unknown: impl FnOnce(&str, &str) -> String) -> Result<T> {
    table.iter().find(|(name, _)| *name == term.name).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        invalid(&term.to_string(), unknown(&term.name, &names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_and_keys_are_refused_with_what_exists() {
        let message = |spec: &str| Registry::standard().parse(spec).unwrap_err().to_string();
        let names: Vec<_> = Registry::standard().names().collect();
        let expected = format!("there is no basis `hermit`; there are {}", names.join(", "));
        assert!(message("hermit").contains(&expected));
        let names: Vec<_> = Registry::standard().combinators().collect();
        let expected =
            format!("no combinator `hermite`, which may have a basis in parentheses; there are {}", names.join(", "));
        assert!(message("hermite(maxwellian)").contains(&expected));
        assert!(message("log").contains("`log` needs a basis in parentheses, such as `log(wavelet)`"));
        let keys = message("maxwellian:oder=3");
        assert!(keys.contains("no key `oder`") && keys.contains("fit, covariance"), "{keys}");
        assert!(message("maxwellian:fit=magic").contains("one of least-squares, moments"));
        assert!(message("log(maxwellian:x=1)").contains("no key `x`"));
    }

    #[test]
    fn specs_print_as_they_were_read() {
        for spec in [
            "maxwellian",
            "maxwellian:fit=moments,covariance=full",
            "hermite:order=7,truncation=hyperbolic-cross",
            "hermite:frame=field-aligned,field=0e0/1e0/2.5e-9",
            "maxwellian + hermite + hermite:order=4",
            "log(maxwellian + hermite):floor=1e-16",
            "mixture",
            "mixture:components=25,covariance=field-aligned,field=0e0/1e0/2.5e-9,kappa=3,refine=none,start=moment-split",
            "pca",
            "pca:components=12,axis=z,floor=1e-16",
            "pca:values=linear",
            "mixture:select=l2,l2=0.05,samples=10000,seed=7,tolerance=1e-5,iterations=50",
            "octree",
            "octree:leaf=best,degree=2,l2=0.01,split=octants,smallest=1,align=4,refine=splits,blend=yes",
            "octree:leaf=linear,linf=0.01",
            "octree:coefficients=500",
        ] {
            let basis = Registry::standard().parse(spec).unwrap();
            assert_eq!(basis.to_string(), spec);
            assert_eq!(Registry::standard().parse(&basis.to_string()).unwrap(), basis);
        }
    }

    #[test]
    fn the_registry_is_a_value() {
        assert_eq!(Registry::empty().with::<Hermite>().names().collect::<Vec<_>>(), ["hermite"]);
        assert_eq!(Registry::standard().with::<Hermite>().names().count(), Registry::standard().names().count());
        // What was built before does not stand in for what is there now.
        let registry = Registry::standard();
        let maxwellian = registry.parse("log(maxwellian)").unwrap();
        let other = registry.clone().with_combinator("log", |inner, _| Ok(inner));
        assert_eq!(other.parse("log(maxwellian)").unwrap().to_string(), "maxwellian");
        assert_eq!(registry.parse("log(maxwellian)").unwrap(), maxwellian);
    }
}
