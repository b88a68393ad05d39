//! Presets: `fast`, `balanced`, `smallest`.
//!
//! Each tries several bases, as many as its effort allows, rounds each so that what is decoded meets the bound, and takes
//! the shortest stream. `docs/benchmarks.md` has the measurements behind the choice of candidates.

mod near_maxwellian;
mod noise;
mod search;
#[cfg(test)]
mod tests;

use std::fmt;

use search::Search;

use crate::bases::cells::Cells;
use crate::bases::mixture::{Mixture, MixtureCoefficients};
use crate::bases::spherical::Spherical;
use crate::bases::wavelet::Wavelet;
use crate::basis::any_basis::AnyBasis;
use crate::basis::bound::{Bound, Figure};
use crate::basis::choices::{Choices, options_of, write_spec};
use crate::basis::framing;
use crate::basis::spec::{Spec, Term};
use crate::basis::{Basis, Coefficients, Gradient, Kept, Quantise, Slot, Stream};
use crate::coding::{Bit, Coder, Resolution};
use crate::compose::log_density::LogDensity;
use crate::compose::quantized::{Quantized, QuantizedCoefficients};
use crate::compose::ratio::Ratio;
use crate::compose::residual::{Residual, ResidualCoefficients};
use crate::distribution::decades::Floor;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// How long a preset may search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effort {
    /// One or two Gaussians where the distribution is nearly Maxwellian, the cells themselves where these are sparse, else
    /// wavelets: milliseconds.
    Fast,
    /// A mixture of few Gaussians, and wavelets for its residual: below a second for 10⁵ cells.
    Balanced,
    /// Also mixtures of more Gaussians, and spherical harmonics, which suit shells: seconds.
    Smallest,
}

/// A preset with its bound.
///
/// ```
/// use vdf_basis::{Bound, Effort, Expansion, Fidelity, Preset, Sampling, Synthetic};
/// let grid = Synthetic::default_grid("beams", 16)?;
/// let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
/// let expansion = Expansion::encode(&Preset::new(Effort::Fast, Bound::l2(0.05))?, &vdf)?;
/// assert!(Fidelity::compare(&vdf, &expansion.reconstruct()?)?.l2 <= 0.05);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    effort: Effort,
    /// `None` if the caller gave no bound.
    bound: Option<Bound>,
    /// The bases of all candidates, with their tables.
    bases: [AnyBasis; Candidate::ALL.len()],
}

/// The candidate that a preset chose, and its rounded coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct PresetCoefficients {
    candidate: Candidate,
    rounded: QuantizedCoefficients<AnyBasis>,
}

/// A basis that a preset tries. Streams hold its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    Wavelet,
    Mixture,
    /// A mixture, and wavelets for its residual.
    Sum,
    Spherical,
    /// Wavelets of the logarithm.
    Logarithm,
    /// The cells themselves, for sparse ones and the noise of particles.
    Cells,
    /// A mixture fitted in the logarithm.
    LogMixture,
    /// The same, and wavelets for what its logarithm is off by.
    Ratio,
}

impl Candidate {
    /// By their numbers in a stream.
    const ALL: [Self; 8] = [
        Self::Wavelet,
        Self::Mixture,
        Self::Sum,
        Self::Spherical,
        Self::Logarithm,
        Self::Cells,
        Self::LogMixture,
        Self::Ratio,
    ];

    /// Codes a candidate: by its number or, where a coder goes on learning, as the one before or another.
    fn code(self, coder: &mut Coder<'_>) -> Result<Self> {
        #[derive(Clone, Default)]
        struct Last(Option<Candidate>, Bit);
        coder.learnt(0, Last::default, |coder, Last(last, same)| {
            let candidate = match *last {
                Some(last) if coder.bit(same, self == last) => last,
                _ => Self::ALL[coder.choice(self as usize, Self::ALL.len())?],
            };
            *last = Some(candidate);
            Ok(candidate)
        })
    }

    /// The basis for a bound, whose floor is that of logarithms.
    fn basis(self, bound: &Bound) -> AnyBasis {
        match self {
            Self::Wavelet => AnyBasis::new(Wavelet::default()),
            Self::Mixture => AnyBasis::new(Mixture::default()),
            Self::Sum => AnyBasis::new(Residual::new(Self::Mixture.basis(bound), Self::Wavelet.basis(bound))),
            Self::Spherical => AnyBasis::new(Spherical::default()),
            Self::Logarithm => AnyBasis::new(LogDensity::with_floor(Wavelet::default(), floor(bound)).free_below()),
            Self::Cells => AnyBasis::new(Cells::default()),
            Self::LogMixture => AnyBasis::new(Mixture::default().with_floor(floor(bound))),
            Self::Ratio => AnyBasis::new(ratio(bound)),
        }
    }
}

/// The floor of logarithms for a bound, given or found in each distribution. Where relative errors are limited it is half of
/// the bound's: a density at the floor itself must not become zero.
fn floor(bound: &Bound) -> Floor {
    let part = if bound.limit(Figure::Relative).is_some() { 0.5 } else { 1.0 };
    bound.floor().and_then(|floor| Floor::at(part * floor).ok()).unwrap_or(Floor::Found(part))
}

/// The product of a mixture fitted in the logarithm and of wavelets.
fn ratio(bound: &Bound) -> Ratio<AnyBasis, AnyBasis> {
    let [mixture, wavelet] = [Candidate::LogMixture, Candidate::Wavelet].map(|candidate| candidate.basis(bound));
    Ratio::with_floor(mixture, wavelet, floor(bound))
}

/// Least bytes of spherical harmonics, and of each component of a mixture: a candidate that must be longer than the best
/// so far is not tried.
const SPHERICAL_MIN_BYTES: usize = 48;
const COMPONENT_MIN_BYTES: usize = 5;
/// Bytes of a component whose ten numbers are rounded as coarsely as small streams need.
const BYTES_OF_A_COMPONENT: usize = 6;

impl Effort {
    /// All of them, by the names that specs use.
    pub const ALL: [(&'static str, Self); 3] =
        [("fast", Self::Fast), ("balanced", Self::Balanced), ("smallest", Self::Smallest)];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, effort)| *effort == self).map_or("", |(name, _)| name)
    }

    /// Upper limits on the components of a mixture, tried one after another. A small mixture with wavelets is sometimes
    /// shorter than a large one.
    fn components(self) -> &'static [usize] {
        match self {
            Self::Fast => &[],
            Self::Balanced => &[10],
            Self::Smallest => &[10, 24, 64],
        }
    }

    /// As [`Self::components`], for mixtures fitted in the logarithm, whose components take longer.
    fn components_in_logarithm(self) -> &'static [usize] {
        match self {
            Self::Fast => &[],
            Self::Balanced => &[3, 8],
            Self::Smallest => &[3, 8, 14, 25],
        }
    }
}

impl Preset {
    /// The bound where none is given: an error `l2` of 1%.
    pub const DEFAULT_BOUND: Bound = Bound::l2(0.01);

    /// A preset that keeps a bound.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a limit that is not positive and finite.
    pub fn new(effort: Effort, bound: Bound) -> Result<Self> {
        Ok(Self::with(effort, Some(bound.validated()?)))
    }

    /// A preset that keeps [`Preset::DEFAULT_BOUND`], or the bound that a combinator around it passes on.
    #[must_use]
    pub fn of(effort: Effort) -> Self {
        Self::with(effort, None)
    }

    fn with(effort: Effort, bound: Option<Bound>) -> Self {
        let bases = Candidate::ALL.map(|candidate| candidate.basis(&bound.unwrap_or(Self::DEFAULT_BOUND)));
        Self { effort, bound, bases }
    }

    /// The bound it keeps.
    #[must_use]
    pub fn bound(&self) -> Bound {
        self.bound.unwrap_or(Self::DEFAULT_BOUND)
    }

    pub(crate) fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        let mut bound = self.bound;
        Bound::choose(&mut bound, choices)?;
        *self = Self::with(self.effort, bound);
        Ok(())
    }

    fn quantized(&self, candidate: Candidate) -> Result<Quantized<AnyBasis>> {
        self.quantized_to(candidate, self.bound())
    }

    fn quantized_to(&self, candidate: Candidate, bound: Bound) -> Result<Quantized<AnyBasis>> {
        Quantized::new(self.bases[candidate as usize].clone(), bound)
    }

    /// Upper limits on the components of a mixture, tried one after another: those of the effort; for a length alone, as
    /// many as fit and half of that.
    fn components(&self, grid: &VelocityGrid) -> Result<Vec<usize>> {
        let all = self.effort.components();
        let (Some(&most), Some(bytes)) = (all.last(), self.bound().limit(Figure::Bytes)) else {
            return Ok(all.to_vec());
        };
        if !self.bound().is_length_only() {
            return Ok(all.to_vec());
        }
        let head = framing::whole_len(self.head(Candidate::Mixture, grid)?);
        let fit = ((bytes as usize).saturating_sub(head) / BYTES_OF_A_COMPONENT).clamp(1, most);
        let mut counts = vec![fit.div_ceil(2), fit];
        counts.dedup();
        Ok(counts)
    }

    /// The beginning of a stream that holds a candidate: all of it but the coefficients.
    fn head(&self, candidate: Candidate, grid: &VelocityGrid) -> Result<Coder<'static>> {
        let mut coder = framing::begin(grid, &self.spec()?)?;
        coder.choice(candidate as usize, Candidate::ALL.len())?;
        Ok(coder)
    }
}

impl PresetCoefficients {
    /// The rounded coefficients of the candidate that was chosen; its basis is [`PresetCoefficients::chosen`].
    #[must_use]
    pub fn rounded(&self) -> &QuantizedCoefficients<AnyBasis> {
        &self.rounded
    }

    /// The basis that was chosen.
    #[must_use]
    pub fn chosen<'a>(&self, preset: &'a Preset) -> &'a AnyBasis {
        &preset.bases[self.candidate as usize]
    }

    /// The mixture, if one was chosen, alone or as the first of a sum.
    fn mixture(&self) -> Option<&MixtureCoefficients> {
        let found = self.rounded.inner();
        let sum = found.downcast_ref::<ResidualCoefficients<AnyBasis, AnyBasis>>();
        sum.map_or(found, |sum| &sum.first).downcast_ref()
    }
}

impl Basis for Preset {
    type Coefficients = PresetCoefficients;

    /// # Errors
    /// [`Error::TargetNotMet`](crate::Error::TargetNotMet) if nothing it tries meets the bound;
    /// [`Error::InvalidGrid`](crate::Error::InvalidGrid) for more cells than a stream holds.
    fn encode(&self, vdf: &Vdf) -> Result<PresetCoefficients> {
        let mut search = Search::new(self, vdf)?;
        let has_floor = self.bound().has_floor();
        let is_found = match self.effort {
            effort if has_floor => search.try_logarithms(effort.components_in_logarithm())?,
            Effort::Fast => search.try_few_gaussians()?,
            _ => false,
        };
        if is_found {
            return search.end();
        }
        search.try_wavelets()?;
        for (index, &count) in self.components(vdf.grid())?.iter().enumerate() {
            let more = search.try_mixture_of(count)?;
            if self.effort == Effort::Smallest && search.is_noise_left()? {
                break;
            }
            if self.effort == Effort::Smallest && index == 0 && search.is_longer_than(SPHERICAL_MIN_BYTES)? {
                search.try_spherical()?;
            }
            if !more || !search.is_longer_than(COMPONENT_MIN_BYTES * count)? {
                break;
            }
        }
        search.end()
    }

    /// Begins with the candidate of `start`: with its mixture and, if that was chosen alone and now misses the bound, some
    /// more components. As [`Basis::encode`] from [`Effort::Fast`], and if no mixture was chosen and no harmonics.
    fn encode_from(&self, vdf: &Vdf, start: &PresetCoefficients) -> Result<PresetCoefficients> {
        let has_start = matches!(start.candidate, Candidate::Mixture | Candidate::Sum | Candidate::Spherical);
        if self.effort == Effort::Fast || !has_start {
            return self.encode(vdf);
        }
        let mut search = Search::new(self, vdf)?;
        search.try_wavelets()?;
        let tried = match (start.candidate, start.mixture()) {
            (candidate, Some(mixture)) => search.try_mixture_from(mixture, candidate == Candidate::Mixture),
            (Candidate::Spherical, None) if self.effort == Effort::Smallest => search.try_spherical(),
            // Wavelets are tried anyway; the candidate that another preset chose may not be allowed here.
            _ => Ok(()),
        };
        match tried {
            Ok(()) => search.end(),
            // The start led to no answer: search anew.
            Err(_) => self.encode(vdf),
        }
    }

    fn reconstruct(&self, coefficients: &PresetCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        coefficients.chosen(self).reconstruct(coefficients.rounded.inner(), grid)
    }

    fn moments(&self, coefficients: &PresetCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        coefficients.chosen(self).moments(coefficients.rounded.inner(), grid)
    }

    /// The gradient of the candidate that was chosen, if it has one.
    fn gradient(&self, coefficients: &PresetCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        coefficients.chosen(self).gradient(coefficients.rounded.inner(), grid)
    }
}

impl Stream for Preset {
    fn spec(&self) -> Result<Spec> {
        let options = options_of(|choices| self.clone().choose(choices), |choices| Bound::choose(&mut None, choices))?;
        Ok(Spec::of(Term { options, ..Term::named(self.effort.name()) }))
    }

    fn blank(&self, grid: &VelocityGrid) -> PresetCoefficients {
        let candidate = Candidate::Wavelet;
        PresetCoefficients { candidate, rounded: QuantizedCoefficients::blank(&self.bases[candidate as usize], grid) }
    }

    /// Ignores the resolution asked for: the coefficients are in a step of their own, which is written with them.
    fn code(
        &self,
        coefficients: &mut PresetCoefficients,
        grid: &VelocityGrid,
        _: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let candidate = Candidate::code(coefficients.candidate, coder)?;
        // A reader begins with the blank of another candidate.
        if candidate != coefficients.candidate {
            let rounded = QuantizedCoefficients::blank(&self.bases[candidate as usize], grid);
            *coefficients = PresetCoefficients { candidate, rounded };
        }
        // Quantized ignores this resolution and writes its own step.
        self.quantized(candidate)?.code(&mut coefficients.rounded, grid, Resolution::Exact, coder)
    }
}

impl Quantise for Preset {
    fn ignores_step(&self) -> bool {
        true
    }

    fn kept_bound(&self) -> Option<Bound> {
        Some(self.bound())
    }

    fn tightened(&self, part: f64) -> Option<Self> {
        Self::new(self.effort, self.bound().tightened(part)).ok()
    }

    fn rounded(&self, coefficients: &PresetCoefficients, _: &Vdf, _: Resolution) -> Result<PresetCoefficients> {
        Ok(coefficients.clone())
    }

    /// Keeps the bound by itself, unless it has one of its own.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        match self.bound {
            Some(_) => Ok(Kept::AtAnyStep),
            None => Self::new(self.effort, *bound).map(Kept::Itself),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spec(self, f)
    }
}

impl Coefficients for PresetCoefficients {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        self.rounded.visit(visitor);
    }

    fn scale(&mut self, factor: f64) {
        self.rounded.scale(factor);
    }

    /// One integer for the candidate's number, and those of its coefficients.
    fn topology_len(&self) -> usize {
        1 + self.rounded.topology_len()
    }
}
