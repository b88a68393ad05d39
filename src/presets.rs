//! Streams for those who do not want to choose: `fast`, `balanced`, `smallest`.
//!
//! Each tries what its effort allows, keeps the bound on what is decoded, and takes the shortest stream. What was tried
//! and why: `docs/benchmarks.md`.

use std::fmt;

use crate::bases::mixture::{Mixture, MixtureCoefficients, Selection};
use crate::bases::wavelet::Wavelet;
use crate::basis::{Basis, Coefficients, Slot};
use crate::coding::{Coder, Resolution};
use crate::compose::quantized::{Quantized, QuantizedCoefficients};
use crate::compose::residual::{Residual, ResidualCoefficients};
use crate::compose::target::Target;
use crate::distribution::fidelity::relative_l2;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::spec::{Options, SpecWriter};

/// How long a preset may search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effort {
    /// Wavelets alone: milliseconds.
    Fast,
    /// A mixture of few Gaussians, and wavelets for what it leaves over: below a second for 10⁵ cells.
    Balanced,
    /// A mixture of as many Gaussians as pay: seconds.
    Smallest,
}

/// A preset with its bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    effort: Effort,
    /// None where none is given.
    target: Option<Target>,
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
}

/// Different ways a preset may choose; their order is part of the format.
const WAYS: usize = 3;

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
    /// [`Error::InvalidParameter`] for a bound that is not positive and finite.
    pub fn new(effort: Effort, target: Target) -> Result<Self> {
        Ok(Self { effort, target: Some(target.validated()?) })
    }

    pub(crate) fn from_options(effort: Effort, options: &mut Options<'_>) -> Result<Self> {
        Ok(Self { effort, target: Target::from_options(options)? })
    }

    /// The bound it keeps.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target.unwrap_or(Self::DEFAULT_TARGET)
    }

    fn quantized<B: Basis>(&self, inner: B) -> Result<Quantized<B>> {
        Quantized::new(inner, self.target())
    }

    fn sum(&self) -> Result<Quantized<Sum>> {
        self.quantized(Residual::new(Mixture::default(), Wavelet::default()))
    }

    /// The mixture to start from: the fewest components that come near the bound, or as many as there may be.
    fn mixture(&self, components: usize, vdf: &Vdf) -> Result<MixtureCoefficients> {
        /// What rounding needs of an error.
        const SHARE: f64 = 0.88;
        let selection = match self.target() {
            Target::L2(l2) => Selection::Error(SHARE * l2),
            _ => Selection::Fixed,
        };
        Mixture::new(components)?.with_selection(selection)?.encode(vdf)
    }

    /// Whichever is better: shorter, or nearer where the length is given.
    fn better(&self, a: Option<Chosen>, b: Chosen, vdf: &Vdf) -> Result<Chosen> {
        let Some(a) = a else { return Ok(b) };
        let cost = |chosen: &Chosen| -> Result<f64> {
            if matches!(self.target(), Target::Bytes(_)) {
                return Ok(relative_l2(vdf, &self.decoded(chosen, vdf.grid())?));
            }
            let mut coder = Coder::writing();
            self.code_chosen(Some(chosen), vdf.grid(), &mut coder)?;
            Ok(coder.finish().len() as f64)
        };
        Ok(if cost(&b)? < cost(&a)? { b } else { a })
    }

    /// The best of wavelets, and of mixtures of these counts of components, alone and with wavelets for what is left;
    /// `settled` by the first mixture that meets an error alone, or not.
    fn shortest(
        &self,
        vdf: &Vdf,
        counts: &[usize],
        settled: bool,
        mixture: impl Fn(usize) -> Result<MixtureCoefficients>,
    ) -> Result<PresetCoefficients> {
        let mut missed = None;
        let mut best = met(self.quantized(Wavelet::default())?.encode(vdf), &mut missed)?.map(Chosen::Wavelet);
        for &components in counts {
            let Some(found) = met(mixture(components), &mut None)? else { break };
            let used = found.components().len();
            let alone = met(self.quantized(Mixture::default())?.round(&found, vdf), &mut missed)?;
            let met_alone = alone.is_some();
            if let Some(rounded) = alone {
                best = Some(self.better(best, Chosen::Mixture(rounded), vdf)?);
            }
            // What meets the bound with room for rounding leaves nothing worth a wavelet.
            let nothing_left = met_alone && matches!(self.target(), Target::L2(_));
            if !nothing_left {
                let found = ResidualCoefficients { first: found, second: None };
                if let Some(rounded) = met(self.sum()?.round(&found, vdf), &mut missed)? {
                    best = Some(self.better(best, Chosen::Both(Box::new(rounded)), vdf)?);
                }
            }
            // More would be the same again.
            if used < components || settled && nothing_left {
                break;
            }
        }
        match (best, missed) {
            (Some(chosen), _) => Ok(PresetCoefficients(chosen)),
            (None, Some(Error::TargetNotMet { target, reached, .. })) => {
                Err(Error::TargetNotMet { basis: self.to_string(), target, reached })
            }
            (None, Some(error)) => Err(error),
            (None, None) => {
                let reason = "nothing that this preset tries describes it".to_owned();
                Err(Error::Degenerate { basis: self.effort.name(), reason })
            }
        }
    }

    fn decoded(&self, chosen: &Chosen, grid: &VelocityGrid) -> Result<Vdf> {
        match chosen {
            Chosen::Wavelet(c) => self.quantized(Wavelet::default())?.reconstruct(c, grid),
            Chosen::Mixture(c) => self.quantized(Mixture::default())?.reconstruct(c, grid),
            Chosen::Both(c) => self.sum()?.reconstruct(c, grid),
        }
    }

    fn code_chosen(&self, given: Option<&Chosen>, grid: &VelocityGrid, coder: &mut Coder<'_>) -> Result<Chosen> {
        let way = given.map_or(0, |chosen| match chosen {
            Chosen::Wavelet(_) => 0,
            Chosen::Mixture(_) => 1,
            Chosen::Both(_) => 2,
        });
        Ok(match coder.choice(way, WAYS)? {
            0 => {
                let given = if let Some(Chosen::Wavelet(c)) = given { Some(c) } else { None };
                Chosen::Wavelet(self.quantized(Wavelet::default())?.code(given, grid, Resolution::Exact, coder)?)
            }
            1 => {
                let given = if let Some(Chosen::Mixture(c)) = given { Some(c) } else { None };
                Chosen::Mixture(self.quantized(Mixture::default())?.code(given, grid, Resolution::Exact, coder)?)
            }
            _ => {
                let given = if let Some(Chosen::Both(c)) = given { Some(&**c) } else { None };
                Chosen::Both(Box::new(self.sum()?.code(given, grid, Resolution::Exact, coder)?))
            }
        })
    }
}

/// The answer, if there is one, and otherwise the reason; an answer that misses the bound is no mistake.
fn met<T>(answer: Result<T>, missed: &mut Option<Error>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error @ (Error::TargetNotMet { .. } | Error::Degenerate { .. })) => {
            missed.get_or_insert(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl Basis for Preset {
    type Coefficients = PresetCoefficients;

    /// # Errors
    /// [`Error::TargetNotMet`] if nothing it tries meets the bound.
    fn encode(&self, vdf: &Vdf) -> Result<PresetCoefficients> {
        self.shortest(vdf, self.effort.components(), false, |components| self.mixture(components, vdf))
    }

    /// From the mixture that was chosen before, with some components more where it does not come near the bound; anew
    /// where none was chosen.
    fn encode_from(&self, vdf: &Vdf, start: &PresetCoefficients) -> Result<PresetCoefficients> {
        let (start, alone) = match &start.0 {
            Chosen::Wavelet(_) => return self.encode(vdf),
            Chosen::Mixture(c) => (c.inner(), true),
            Chosen::Both(c) => (&c.inner().first, false),
        };
        let most = self.effort.components().last().copied().unwrap_or(0);
        let count = start.components().len();
        let counts = [count, count + count.div_ceil(4)].map(|count| count.min(most));
        let tries = if most == 0 { 0 } else { 1 + usize::from(alone) };
        self.shortest(vdf, &counts[..tries], true, |components| Mixture::new(components)?.encode_from(vdf, start))
    }

    fn reconstruct(&self, coefficients: &PresetCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.decoded(&coefficients.0, grid)
    }

    fn moments(&self, coefficients: &PresetCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        match &coefficients.0 {
            Chosen::Wavelet(c) => self.quantized(Wavelet::default())?.moments(c, grid),
            Chosen::Mixture(c) => self.quantized(Mixture::default())?.moments(c, grid),
            Chosen::Both(c) => self.sum()?.moments(c, grid),
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
        }
    }

    /// The choice, and the chosen's own.
    fn topology_len(&self) -> usize {
        1 + match &self.0 {
            Chosen::Wavelet(c) => c.topology_len(),
            Chosen::Mixture(c) => c.topology_len(),
            Chosen::Both(c) => c.topology_len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expansion, Sampling, Synthetic};

    #[test]
    fn a_warm_start_keeps_the_bound_and_loses_few_bytes() {
        let grid = Synthetic::default_grid("beams", 20).unwrap();
        let vdf = |seed| Synthetic::named("beams", seed).unwrap().sample(&grid, Sampling::default()).unwrap();
        let (before, now) = (vdf(1), vdf(2));
        for (effort, target) in [
            (Effort::Smallest, Target::L2(0.01)),
            (Effort::Balanced, Target::L2(1e-3)),
            (Effort::Balanced, Target::Bytes(60)),
            (Effort::Fast, Target::L2(0.03)),
        ] {
            let preset = Preset::new(effort, target).unwrap();
            let start = preset.encode(&before).unwrap();
            let [cold, warm] = [preset.encode(&now).unwrap(), preset.encode_from(&now, &start).unwrap()].map(|found| {
                let error = relative_l2(&now, &preset.reconstruct(&found, &grid).unwrap());
                assert!(if let Target::L2(l2) = target { error <= l2 } else { error < 0.1 }, "{preset}: {error}");
                Expansion::from_parts(grid, preset.clone(), found).to_bytes().unwrap().len()
            });
            assert!(warm <= cold + cold / 4, "{preset}: {warm}, {cold}");
        }
    }

    #[test]
    fn what_another_preset_found_is_a_start_too() {
        let grid = Synthetic::default_grid("maxwellian", 12).unwrap();
        let vdf = Synthetic::named("maxwellian", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        let preset = |effort| Preset::new(effort, Target::L2(0.05)).unwrap();
        let start = preset(Effort::Smallest).encode(&vdf).unwrap();
        assert!(matches!(start.0, Chosen::Mixture(_)));
        let found = preset(Effort::Fast).encode_from(&vdf, &start).unwrap();
        assert!(matches!(found.0, Chosen::Wavelet(_)));
    }
}
