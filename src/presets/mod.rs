//! Streams for those who do not want to choose: `fast`, `balanced`, `smallest`.
//!
//! Each tries what its effort allows, keeps the bound on what is decoded, and takes the shortest stream. What was tried
//! and why: `docs/benchmarks.md`.

mod search;
#[cfg(test)]
mod tests;

use std::fmt;

use search::Search;

use crate::bases::mixture::Mixture;
use crate::bases::spherical::Spherical;
use crate::bases::wavelet::Wavelet;
use crate::basis::{Basis, Coefficients, Slot};
use crate::coding::{Coder, Resolution};
use crate::compose::quantized::{Quantized, QuantizedCoefficients};
use crate::compose::residual::Residual;
use crate::compose::target::Target;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::header;
use crate::spec::{Options, SpecWriter};

/// How long a preset may search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effort {
    /// Wavelets alone: milliseconds.
    Fast,
    /// A mixture of few Gaussians, and wavelets for what it leaves over: below a second for 10⁵ cells.
    Balanced,
    /// A mixture of as many Gaussians as pay, and spherical harmonics, which shells are made for: seconds.
    Smallest,
}

/// A preset with its bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    effort: Effort,
    /// None where none is given.
    target: Option<Target>,
    /// Kept for their tables.
    wavelet: Wavelet,
    spherical: Spherical,
}

/// What a preset chose, rounded.
#[derive(Debug, Clone, PartialEq)]
pub struct PresetCoefficients(Chosen);

type Sum = Residual<Mixture, Wavelet>;

#[derive(Debug, Clone, PartialEq)]
enum Chosen {
    Wavelet(QuantizedCoefficients<Wavelet>),
    Mixture(QuantizedCoefficients<Mixture>),
    Both(Box<QuantizedCoefficients<Sum>>),
    Spherical(QuantizedCoefficients<Spherical>),
}

/// What spherical harmonics cost at least, and each component of a mixture [bytes]: what would be longer than the best so
/// far is not tried.
const SHORTEST_SPHERICAL: usize = 48;
const LEAST_OF_COMPONENT: usize = 5;
/// Different ways a preset may choose; their order is part of the format.
const WAYS: usize = 4;

impl Effort {
    /// All of them, by the names that specs use.
    pub const ALL: [(&'static str, Self); 3] =
        [("fast", Self::Fast), ("balanced", Self::Balanced), ("smallest", Self::Smallest)];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, effort)| *effort == self).map_or("", |(name, _)| name)
    }

    /// Most components of the mixtures that are tried. Few and wavelets are sometimes shorter than many.
    fn components(self) -> &'static [usize] {
        match self {
            Self::Fast => &[],
            Self::Balanced => &[10],
            Self::Smallest => &[10, 24, 64],
        }
    }
}

impl Preset {
    /// The bound where none is given: an error `l2` of 1%.
    pub const DEFAULT_TARGET: Target = Target::L2(0.01);

    /// A preset that keeps a bound.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a bound that is not positive and finite.
    pub fn new(effort: Effort, target: Target) -> Result<Self> {
        Ok(Self::of(effort, Some(target.validated()?)))
    }

    pub(crate) fn from_options(effort: Effort, options: &mut Options<'_>) -> Result<Self> {
        Ok(Self::of(effort, Target::from_options(options)?))
    }

    fn of(effort: Effort, target: Option<Target>) -> Self {
        Self { effort, target, wavelet: Wavelet::default(), spherical: Spherical::default() }
    }

    /// The bound it keeps.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target.unwrap_or(Self::DEFAULT_TARGET)
    }

    fn quantized<B: Basis>(&self, inner: &B) -> Result<Quantized<B>> {
        Quantized::new(inner.clone(), self.target())
    }

    fn sum(&self) -> Result<Quantized<Sum>> {
        self.quantized(&Residual::new(Mixture::default(), self.wavelet.clone()))
    }

    /// The beginning of a stream that holds a choice: as [`Preset::code_chosen`], before the coefficients.
    fn head(&self, way: usize, grid: &VelocityGrid) -> Coder<'static> {
        let mut coder = header::begin(grid, &self.to_string()).unwrap_or_else(|_| Coder::writing());
        // There is such a choice.
        let _ = coder.choice(way, WAYS);
        coder
    }

    fn decoded(&self, chosen: &Chosen, grid: &VelocityGrid) -> Result<Vdf> {
        match chosen {
            Chosen::Wavelet(c) => self.quantized(&self.wavelet)?.reconstruct(c, grid),
            Chosen::Mixture(c) => self.quantized(&Mixture::default())?.reconstruct(c, grid),
            Chosen::Both(c) => self.sum()?.reconstruct(c, grid),
            Chosen::Spherical(c) => self.quantized(&self.spherical)?.reconstruct(c, grid),
        }
    }

    fn code_chosen(&self, given: Option<&Chosen>, grid: &VelocityGrid, coder: &mut Coder<'_>) -> Result<Chosen> {
        let way = given.map_or(0, |chosen| match chosen {
            Chosen::Wavelet(_) => 0,
            Chosen::Mixture(_) => 1,
            Chosen::Both(_) => 2,
            Chosen::Spherical(_) => 3,
        });
        Ok(match coder.choice(way, WAYS)? {
            0 => {
                let given = if let Some(Chosen::Wavelet(c)) = given { Some(c) } else { None };
                Chosen::Wavelet(self.quantized(&self.wavelet)?.code(given, grid, Resolution::Exact, coder)?)
            }
            1 => {
                let given = if let Some(Chosen::Mixture(c)) = given { Some(c) } else { None };
                Chosen::Mixture(self.quantized(&Mixture::default())?.code(given, grid, Resolution::Exact, coder)?)
            }
            2 => {
                let given = if let Some(Chosen::Both(c)) = given { Some(&**c) } else { None };
                Chosen::Both(Box::new(self.sum()?.code(given, grid, Resolution::Exact, coder)?))
            }
            _ => {
                let given = if let Some(Chosen::Spherical(c)) = given { Some(c) } else { None };
                Chosen::Spherical(self.quantized(&self.spherical)?.code(given, grid, Resolution::Exact, coder)?)
            }
        })
    }
}

impl Basis for Preset {
    type Coefficients = PresetCoefficients;

    /// # Errors
    /// [`Error::TargetNotMet`](crate::Error::TargetNotMet) if nothing it tries meets the bound;
    /// [`Error::InvalidGrid`](crate::Error::InvalidGrid) for more cells than a stream holds.
    fn encode(&self, vdf: &Vdf) -> Result<PresetCoefficients> {
        let mut search = Search::new(self, vdf)?;
        for (index, &count) in self.effort.components().iter().enumerate() {
            let more = search.try_mixture_of(count)?;
            if self.effort == Effort::Smallest && index == 0 && search.is_longer_than(SHORTEST_SPHERICAL)? {
                search.try_spherical()?;
            }
            if !more || !search.is_longer_than(LEAST_OF_COMPONENT * count)? {
                break;
            }
        }
        search.end()
    }

    /// As what was chosen before: from that mixture, with some components more where it does not come near the bound.
    /// Anew where wavelets were chosen.
    fn encode_from(&self, vdf: &Vdf, start: &PresetCoefficients) -> Result<PresetCoefficients> {
        if matches!(start.0, Chosen::Wavelet(_)) {
            return self.encode(vdf);
        }
        let mut search = Search::new(self, vdf)?;
        let tried = match &start.0 {
            Chosen::Mixture(c) => search.try_mixture_from(c.inner(), true),
            Chosen::Both(c) => search.try_mixture_from(&c.inner().first, false),
            Chosen::Spherical(_) if self.effort == Effort::Smallest => search.try_spherical(),
            // Wavelets, which are tried in any case, or what another preset found.
            Chosen::Wavelet(_) | Chosen::Spherical(_) => Ok(()),
        };
        match tried {
            Ok(()) => search.end(),
            // Another distribution's mixture may be none of this one.
            Err(_) => self.encode(vdf),
        }
    }

    fn reconstruct(&self, coefficients: &PresetCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.decoded(&coefficients.0, grid)
    }

    fn moments(&self, coefficients: &PresetCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        match &coefficients.0 {
            Chosen::Wavelet(c) => self.quantized(&self.wavelet)?.moments(c, grid),
            Chosen::Mixture(c) => self.quantized(&Mixture::default())?.moments(c, grid),
            Chosen::Both(c) => self.sum()?.moments(c, grid),
            Chosen::Spherical(c) => self.quantized(&self.spherical)?.moments(c, grid),
        }
    }

    /// Already rounded: whatever the resolution asked for.
    fn code(
        &self,
        coefficients: Option<&PresetCoefficients>,
        grid: &VelocityGrid,
        _: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<PresetCoefficients> {
        self.code_chosen(coefficients.map(|c| &c.0), grid, coder).map(PresetCoefficients)
    }

    fn rounded(&self, coefficients: &PresetCoefficients, _: &Vdf, _: Resolution) -> Result<PresetCoefficients> {
        Ok(coefficients.clone())
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = SpecWriter::new(self.effort.name());
        match self.target {
            None => spec,
            Some(target) => target.write(spec),
        }
        .write(f)
    }
}

impl Coefficients for PresetCoefficients {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        match &mut self.0 {
            Chosen::Wavelet(c) => c.visit(visitor),
            Chosen::Mixture(c) => c.visit(visitor),
            Chosen::Both(c) => c.visit(visitor),
            Chosen::Spherical(c) => c.visit(visitor),
        }
    }

    /// The choice, and the chosen's own.
    fn topology_len(&self) -> usize {
        1 + match &self.0 {
            Chosen::Wavelet(c) => c.topology_len(),
            Chosen::Mixture(c) => c.topology_len(),
            Chosen::Both(c) => c.topology_len(),
            Chosen::Spherical(c) => c.topology_len(),
        }
    }
}
