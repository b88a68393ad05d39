//! From names to bases: the one place that lists them.

use std::fmt;
use std::sync::Arc;

use crate::bases::cells::Cells;
use crate::bases::cosine::Cosine;
use crate::bases::hermite::Hermite;
use crate::bases::maxwellian::Maxwellian;
use crate::bases::mixture::Mixture;
use crate::bases::octree::Octree;
use crate::bases::pca::Pca;
use crate::bases::spherical::Spherical;
use crate::bases::wavelet::Wavelet;
use crate::basis::any_basis::AnyBasis;
use crate::basis::bound::Bound;
use crate::basis::choices::Choices;
use crate::basis::spec::{Spec, Term, invalid};
use crate::basis::{Kept, NamedBasis, Quantise};
use crate::compose::conserve::{self, Conserve};
use crate::compose::log_density::{self, LogDensity};
use crate::compose::quantized::{self, Quantized};
use crate::compose::ratio::{self, Ratio};
use crate::compose::residual::Residual;
use crate::error::Result;
use crate::numerics::cache::Cache;
use crate::presets::{Effort, Preset};

type Build = Arc<dyn Fn(&mut Choices<'_>) -> Result<AnyBasis> + Send + Sync>;
type Combine = Arc<dyn Fn(AnyBasis, &mut Choices<'_>) -> Result<AnyBasis> + Send + Sync>;

/// The name of the preset that keeps every bit: the basis [`Cells`] without a bound.
const LOSSLESS: &str = "lossless";

/// The bases that exist, by name. A value, not a global: add your own with [`Registry::with`]. It remembers the last few
/// bases that it has built, with their tables, so keep one registry if you decode many streams.
///
/// ```
/// use vdf_basis::Registry;
/// let basis = Registry::standard().parse("maxwellian + hermite:order=8,truncation=total-degree")?;
/// assert_eq!(basis.to_string(), "maxwellian + hermite:order=8,truncation=total-degree");
/// let error = Registry::standard().parse("hermit").unwrap_err();
/// assert!(error.to_string().contains("cosine, hermite, maxwellian, mixture"));
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    bases: Vec<(&'static str, Build)>,
    combinators: Vec<(&'static str, Combine)>,
    /// Bases learnt from data, found by the one term of their spec.
    values: Vec<(Term, AnyBasis)>,
    /// The bases built last: streams that follow one another share their tables.
    built: Arc<Cache<Spec, AnyBasis>>,
}

impl Default for Registry {
    /// As [`Registry::standard`].
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names().chain(self.combinators()).collect();
        write!(f, "Registry({})", names.join(", "))
    }
}

impl Registry {
    /// No names at all.
    #[must_use]
    pub fn empty() -> Self {
        Self { bases: Vec::new(), combinators: Vec::new(), values: Vec::new(), built: no_bases() }
    }

    /// All bases and combinators of this crate.
    #[must_use]
    pub fn standard() -> Self {
        let bases = Self::empty()
            .with::<Cells>()
            .with::<Cosine>()
            .with::<Hermite>()
            .with::<Maxwellian>()
            .with::<Mixture>()
            .with::<Octree>()
            .with::<Pca>()
            .with::<Spherical>()
            .with::<Wavelet>();
        let presets = Effort::ALL.into_iter().fold(bases, |registry, (name, effort)| {
            registry.with_builder(name, move |choices| {
                let mut preset = Preset::of(effort);
                preset.choose(choices)?;
                Ok(AnyBasis::new(preset))
            })
        });
        presets
            .with_builder(LOSSLESS, |choices| {
                let mut bound = None;
                Bound::choose(&mut bound, choices)?;
                match bound {
                    None => Ok(AnyBasis::new(Cells::default())),
                    Some(bound) => {
                        Err(choices.refused("bound", bound, "every bit is kept; write a bound after `cells`"))
                    }
                }
            })
            .with_combinator(conserve::NAME, |inner, choices| {
                let mut conserve = Conserve::new(inner);
                conserve.choose(choices)?;
                Ok(AnyBasis::new(conserve))
            })
            .with_combinator(log_density::NAME, |inner, choices| {
                let mut log = LogDensity::new(inner);
                log.choose(choices)?;
                Ok(AnyBasis::new(log))
            })
            .with_combinator(quantized::NAME, |inner, choices| {
                let mut quantized = Quantized::with_slack(inner, Quantized::<AnyBasis>::DEFAULT_SLACK)?;
                quantized.choose(choices)?;
                match quantized.bound() {
                    Some(bound) => bounded(quantized.inner(), bound),
                    // The basis inside chooses its own step: rounding it once more would change nothing.
                    None if matches!(quantized.inner().keep(&Preset::DEFAULT_BOUND), Ok(Kept::Itself(_))) => {
                        match quantized.slack() {
                            Some(slack) if slack != Quantized::<AnyBasis>::DEFAULT_SLACK => {
                                Err(choices.refused("slack", slack, "the basis inside chooses its own step"))
                            }
                            _ => Ok(quantized.inner().clone()),
                        }
                    }
                    None => Ok(AnyBasis::new(quantized)),
                }
            })
    }

    /// This registry with one more basis; one of the same name is replaced.
    #[must_use]
    pub fn with<B: NamedBasis>(self) -> Self {
        self.with_builder(B::NAME, |choices| {
            let mut basis = B::default();
            basis.choose(choices)?;
            Ok(AnyBasis::new(basis))
        })
    }

    fn with_builder(
        mut self,
        name: &'static str,
        build: impl Fn(&mut Choices<'_>) -> Result<AnyBasis> + Send + Sync + 'static,
    ) -> Self {
        self.built = no_bases();
        self.bases.retain(|(other, _)| *other != name);
        self.bases.push((name, Arc::new(build)));
        self
    }

    /// This registry with one more combinator, written `name(inner):options`; one of the same name is replaced.
    #[must_use]
    pub fn with_combinator(
        mut self,
        name: &'static str,
        combine: impl Fn(AnyBasis, &mut Choices<'_>) -> Result<AnyBasis> + Send + Sync + 'static,
    ) -> Self {
        self.built = no_bases();
        self.combinators.retain(|(other, _)| *other != name);
        self.combinators.push((name, Arc::new(combine)));
        self
    }

    /// This registry with a basis that was learnt from data, which no options could make again. A spec names it by one term
    /// (`pca:learnt=` and its hash).
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) for a basis whose spec is not a single term.
    pub fn with_value<B: Quantise>(mut self, basis: B) -> Result<Self> {
        let spec = basis.spec()?;
        let [term] = &spec.terms[..] else {
            return Err(invalid(&spec.to_string(), "a learnt basis has one term"));
        };
        if !term.factors.is_empty() {
            return Err(invalid(&spec.to_string(), "a learnt basis has one factor"));
        }
        self.built = no_bases();
        self.values.push((term.clone(), AnyBasis::new(basis)));
        Ok(self)
    }

    /// Names of the bases, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.bases.iter().map(|(name, _)| *name)
    }

    /// Names of the combinators, in the order they were added.
    pub fn combinators(&self) -> impl Iterator<Item = &'static str> {
        self.combinators.iter().map(|(name, _)| *name)
    }

    /// The basis that a spec describes (grammar: [`spec`](crate::basis::spec)). A bound after a combinator is passed on to a
    /// preset in its parentheses that has no bound: `conserve(smallest):l2=0.03`. In a sum, a bound after one term limits
    /// that term alone: `quantized(a + b):l2=0.03` bounds the whole.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`](crate::Error::InvalidSpec) for text that the grammar does not allow, for unknown names, keys
    /// and values with the list of those that exist, and for a bound that cannot be passed on (`log(smallest):l2=0.03`)
    /// with the spec to write instead; [`Error::InvalidParameter`](crate::Error::InvalidParameter) for values out of range.
    pub fn parse(&self, spec: &str) -> Result<AnyBasis> {
        self.build(&spec.parse()?)
    }

    /// The basis that a parsed spec describes.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn build(&self, spec: &Spec) -> Result<AnyBasis> {
        if let Some(basis) = self.built.get(spec) {
            return Ok(AnyBasis::clone(&basis));
        }
        let basis = self.sum(spec)?;
        Ok(AnyBasis::clone(&self.built.get_or_build(spec.clone(), || basis)))
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

    /// The factors of a term: a basis, and those that encode the factors by which the ones before are off.
    fn term(&self, term: &Term) -> Result<AnyBasis> {
        let (mut product, _) = self.factor(term, false)?;
        for factor in &term.factors {
            let (basis, floor) = self.factor(factor, true)?;
            product = AnyBasis::new(match floor {
                Some(floor) => Ratio::above(product, basis, floor)?,
                None => Ratio::new(product, basis),
            });
        }
        Ok(product)
    }

    /// The basis of one factor, and the floor of the ratio that it encodes if it is a further factor of a term.
    fn factor(&self, term: &Term, encodes_ratio: bool) -> Result<(AnyBasis, Option<f64>)> {
        if let Some((_, value)) = self.values.iter().find(|(own, _)| own.same_factor(term)) {
            return Ok((value.clone(), None));
        }
        let mut choices = Choices::of(term);
        let basis = match &term.inner {
            None => {
                let combines = self.combinators().any(|name| name == term.name);
                let build = find(&self.bases, term, |name, names| match combines {
                    true => format!("`{name}` needs a basis in parentheses, such as `{name}(wavelet)`"),
                    false => format!("there is no basis `{name}`; there are {names}"),
                })?;
                build(&mut choices)?
            }
            Some(inner) => {
                let combine = find(&self.combinators, term, |name, names| {
                    format!(
                        "`{name}` is no combinator, so nothing may stand in parentheses after it; combinators are {names}"
                    )
                })?;
                combine(self.sum(inner)?, &mut choices)?
            }
        };
        let mut floor = None;
        if encodes_ratio && !choices.has_shown(ratio::FLOOR) {
            choices.optional(ratio::FLOOR, &mut floor)?;
        }
        // The keys of a bound that the basis does not use itself: the basis is then rounded as coarsely as the bound allows.
        let mut bound = None;
        Bound::choose(&mut bound, &mut choices)?;
        choices.finish()?;
        let basis = match bound {
            Some(bound) => bounded(&basis, bound)?,
            None => basis,
        };
        Ok((basis, floor))
    }
}

/// A basis that keeps a bound: the basis itself if it chooses its own step, else [`Quantized`] around it.
fn bounded(basis: &AnyBasis, bound: Bound) -> Result<AnyBasis> {
    Ok(match basis.keep(&bound)? {
        Kept::AtAnyStep => AnyBasis::new(Quantized::new(basis.clone(), bound)?),
        Kept::Inside(basis) => AnyBasis::new(Quantized::new(basis, bound)?),
        Kept::Itself(basis) => basis,
    })
}

/// An empty memory of the bases built last.
fn no_bases() -> Arc<Cache<Spec, AnyBasis>> {
    const LAST: usize = 4;
    Arc::new(Cache::new(LAST))
}

fn find<'a, T>(
    table: &'a [(&'static str, T)],
    term: &Term,
    unknown: impl FnOnce(&str, &str) -> String,
) -> Result<&'a T> {
    table.iter().find(|(name, _)| *name == term.name).map(|(_, value)| value).ok_or_else(|| {
        let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        invalid(&term.to_string(), unknown(&term.name, &names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basis::framing::{RARE_WORDS, WORDS};
    use crate::distribution::fidelity::relative_l2;
    use crate::{Expansion, Sampling, Synthetic};

    #[test]
    fn unknown_names_and_keys_are_refused_with_what_exists() {
        let message = |spec: &str| Registry::standard().parse(spec).unwrap_err().to_string();
        let names: Vec<_> = Registry::standard().names().collect();
        let expected = format!("there is no basis `hermit`; there are {}", names.join(", "));
        assert!(message("hermit").contains(&expected));
        let names: Vec<_> = Registry::standard().combinators().collect();
        let expected = format!(
            "no combinator, so nothing may stand in parentheses after it; combinators are {}",
            names.join(", ")
        );
        assert!(message("hermite(maxwellian)").contains(&expected));
        assert!(message("hermite(maxwellian)").contains("`hermite` is no combinator"));
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
            "maxwellian * wavelet + hermite * cosine:floor=1e-16 * wavelet",
            "quantized(mixture:components=3,refine=log10,floor=1e-16 * wavelet):l2=0.1",
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
        // A basis built before a combinator was replaced is not used afterwards.
        let registry = Registry::standard();
        let maxwellian = registry.parse("log(maxwellian)").unwrap();
        let other = registry.clone().with_combinator("log", |inner, _| Ok(inner));
        assert_eq!(other.parse("log(maxwellian)").unwrap().to_string(), "maxwellian");
        assert_eq!(registry.parse("log(maxwellian)").unwrap(), maxwellian);
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
            ("conserve(fast):linf=0.1,pressure=0.1", "conserve(fast:linf=0.09799):linf=0.1,pressure=0.1"),
            ("conserve(fast):dex=0.1,floor=1e-16", "conserve(fast:dex=0.09799,floor=1e-16):dex=0.1,floor=1e-16"),
            ("log(wavelet):floor=1e-16,dex=0.1", "quantized(log(wavelet):floor=1e-16):dex=0.1,floor=1e-16"),
        ] {
            // The spec that is printed into a stream makes the same basis.
            let registry = Registry::standard();
            let basis = registry.parse(spec).unwrap();
            assert_eq!(registry.parse(expected).unwrap(), basis, "{spec}");
            assert_eq!(registry.parse(&basis.to_string()).unwrap(), basis, "{spec}");
        }
        // A bound in the parentheses is not changed, and none is added there without a bound after them.
        for (spec, printed) in [
            ("conserve(smallest:l2=0.1):l2=0.03", "quantized(conserve(smallest:l2=0.1)):l2=0.03"),
            ("conserve(smallest)", "conserve(smallest)"),
            (
                "conserve(quantized(cosine):slack=0.3):l2=0.03",
                "quantized(conserve(quantized(cosine):slack=0.3)):l2=0.03",
            ),
            ("conserve(wavelet):l2=0.03", "quantized(conserve(wavelet)):l2=0.03"),
            ("maxwellian + smallest", "maxwellian + smallest"),
            ("quantized(fast:bytes=90 + wavelet):l2=0.1", "quantized(fast:bytes=90 + wavelet):l2=0.1"),
        ] {
            assert_eq!(Registry::standard().parse(spec).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn where_a_bound_does_not_reach_it_is_said_what_to_write() {
        for (spec, expected) in [
            ("log(smallest):l2=0.03", "through `log`; write a basis that does not, as `log(wavelet)`"),
            ("conserve(balanced):bytes=800", "what `800 bytes` leaves to it is not known"),
            ("conserve(log(fast)):l2=0.1", "through `log`"),
            ("octree:l2=0.04,bytes=100", "write the other bounds outside, `quantized(…:l2=…):…`"),
            ("mixture:select=l2,l2=0.1,linf=0.1", "the basis' own here"),
            (
                "quantized(maxwellian + smallest):l2=0.03",
                "in a sum is not known; write its own bound, `smallest:l2=0.03`",
            ),
            ("conserve(quantized(cosine) + wavelet):l2=0.5", "`quantized(cosine):l2=0.4899`"),
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
        assert_eq!(Preset::new(Effort::Fast, Bound::l2(0.01)).unwrap().to_string(), "fast:l2=0.01");
    }

    #[test]
    fn the_dictionary_of_the_format_holds_what_the_bases_declare() {
        let registry = Registry::standard();
        let mut declared: Vec<&str> = registry.names().chain(registry.combinators()).collect();
        for (_, build) in &registry.bases {
            let mut choices = Choices::printing();
            build(&mut choices).unwrap();
            declared.extend(choices.vocabulary());
        }
        for (_, combine) in &registry.combinators {
            let mut choices = Choices::printing();
            combine(AnyBasis::new(Cosine::new()), &mut choices).unwrap();
            declared.extend(choices.vocabulary());
        }
        let known: Vec<_> = WORDS.into_iter().chain(RARE_WORDS).collect();
        let missing: Vec<_> = declared.iter().filter(|word| !known.contains(word)).collect();
        let unused: Vec<_> = known.iter().filter(|word| !declared.contains(word)).collect();
        assert!(missing.is_empty() && unused.is_empty(), "missing {missing:?}, unused {unused:?}");
    }
}
