//! Quantisation of the numbers of any basis, as coarse as a bound allows.

mod generation;
mod search;

use std::cell::{OnceCell, RefCell};
use std::fmt;

use search::{Search, Tried};

use crate::basis::bound::{Bound, Figure};
use crate::basis::choices::{Choices, spec_around, write_spec};
use crate::basis::framing;
use crate::basis::spec::{Spec, invalid};
use crate::basis::{Basis, Coefficients, Gradient, Kept, Quantise, Slot, Stream};
use crate::coding::{Coder, Integers, Resolution, malformed};
use crate::distribution::fidelity::Reference;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// `quantized(B)`: B with its numbers rounded to steps that change the distribution equally, as wide as a [`Bound`]
/// allows. The bound is checked on the reconstruction that a reader of the stream gets.
///
/// All stages of a `Residual` inside have the same step: the second encodes the rounding errors of the first, too.
///
/// ```
/// use vdf_basis::{Basis, Bound, Cosine, Expansion, Fidelity, Quantized, Sampling, Synthetic};
/// let grid = Synthetic::default_grid("beams", 16)?;
/// let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
/// let basis = Quantized::new(Cosine::new(), Bound::l2(0.05))?;
/// let expansion = Expansion::encode(&basis, &vdf)?;
/// assert!(Fidelity::compare(&vdf, &expansion.reconstruct()?)?.l2 <= 0.05);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Quantized<B: Basis> {
    inner: B,
    goal: Goal,
}

/// Criterion for the step.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Goal {
    /// Part of the error `l2` of the basis that rounding may add to it.
    Slack(f64),
    Bound(Bound),
}

impl Goal {
    fn of_slack(slack: f64) -> Result<Self> {
        if slack > 0.0 && slack.is_finite() {
            return Ok(Self::Slack(slack));
        }
        Err(Error::parameter("slack", slack, "a positive finite number"))
    }
}

/// Rounded coefficients and their step.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedCoefficients<B: Basis> {
    exponent: i32,
    inner: B::Coefficients,
}

/// The name of the combinator.
pub(crate) const NAME: &str = "quantized";
/// Steps per octave: steps are powers of 2^(1/64) s³ m⁻⁶. Rounding a step down by one of these, 1.1%, costs 1/64 bit
/// per number at most.
const STEPS_PER_OCTAVE: i32 = 64;
/// Smallest exponent of a step: the smallest positive number of f64 is 2⁻¹⁰⁷⁴.
const MIN_EXPONENT: i32 = -1074 * STEPS_PER_OCTAVE;
/// Exponents of steps are below this: the numbers of f64 are below 2¹⁰²⁴.
const END_OF_EXPONENTS: i32 = 1024 * STEPS_PER_OCTAVE;
/// Binary digits of an exponent in a stream: 2098 · 64 exponents are below 2¹⁸.
const EXPONENT_BITS: u32 = 18;

/// Step 2^(k/64) for an exponent k, by square roots and products alone, which are the same to the last bit on every
/// platform: with the binary digits of k mod 64, it is a product of 2^(1/2), 2^(1/4), …, 2^(1/64).
fn step(exponent: i32) -> f64 {
    let (whole, part) = (exponent.div_euclid(STEPS_PER_OCTAVE), exponent.rem_euclid(STEPS_PER_OCTAVE));
    let (mut root, mut fraction) = (2_f64, 1.0);
    // `root` is 2^(1/2), 2^(1/4), … for the binary digits of `part` from the highest on.
    for digit in (0..STEPS_PER_OCTAVE.ilog2()).rev() {
        root = root.sqrt();
        if part >> digit & 1 == 1 {
            fraction *= root;
        }
    }
    // Two factors, because 2^whole alone may underflow in `powi` for the smallest steps.
    fraction * 2f64.powi(whole / 2) * 2f64.powi(whole - whole / 2)
}

/// Exponent of the step nearest to a positive number.
fn exponent(step: f64) -> i32 {
    ((step.log2() * f64::from(STEPS_PER_OCTAVE)).round() as i32).clamp(MIN_EXPONENT, END_OF_EXPONENTS - 1)
}

/// The last exponent, and models of the change to the next, where a coder goes on learning.
#[derive(Debug, Clone, Default)]
struct LastExponent {
    last: Option<i32>,
    changes: Integers,
}

fn code_exponent(exponent: i32, coder: &mut Coder<'_>) -> Result<i32> {
    let exponent = coder.learnt(0, LastExponent::default, |coder, LastExponent { last, changes }| {
        let exponent = match *last {
            None => coder.bits((exponent - MIN_EXPONENT) as u64, EXPONENT_BITS) as i32 + MIN_EXPONENT,
            Some(last) => {
                let coded = i64::from(last) + coder.integer(changes, i64::from(exponent) - i64::from(last))?;
                i32::try_from(coded).unwrap_or(END_OF_EXPONENTS)
            }
        };
        *last = Some(exponent);
        Ok(exponent)
    })?;
    if !(MIN_EXPONENT..END_OF_EXPONENTS).contains(&exponent) {
        return Err(malformed(format!("a step of 2^{}", exponent / STEPS_PER_OCTAVE)));
    }
    Ok(exponent)
}

impl<B: Quantise> Quantized<B> {
    /// Default part of the error `l2` that rounding may add to it: 5%.
    pub const DEFAULT_SLACK: f64 = 0.05;
    /// Minimum error `l2` to which a slack applies: of an exact basis, a part of its error would be zero.
    pub const NO_ERROR: f64 = 1e-6;

    /// Quantises `inner` as coarsely as a bound allows.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a limit that is not positive and finite, or a bound without limits.
    pub fn new(inner: B, bound: Bound) -> Result<Self> {
        Ok(Self { inner, goal: Goal::Bound(bound.validated()?) })
    }

    /// Quantises `inner` so coarsely that its error `l2` grows by this part of itself.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a part that is not positive and finite.
    pub fn with_slack(inner: B, slack: f64) -> Result<Self> {
        Ok(Self { inner, goal: Goal::of_slack(slack)? })
    }

    /// The basis inside.
    #[must_use]
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// The part of the error that rounding may add, if there is no bound.
    #[must_use]
    pub fn slack(&self) -> Option<f64> {
        match self.goal {
            Goal::Slack(slack) => Some(slack),
            Goal::Bound(_) => None,
        }
    }

    /// The bound, if there is one.
    #[must_use]
    pub fn bound(&self) -> Option<Bound> {
        match self.goal {
            Goal::Slack(_) => None,
            Goal::Bound(bound) => Some(bound),
        }
    }

    pub(crate) fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        let mut bound = self.bound();
        // A slack that differs from the default is one that was chosen.
        let mut slack = self.slack().filter(|slack| *slack != Self::DEFAULT_SLACK);
        Bound::choose(&mut bound, choices)?;
        choices.optional("slack", &mut slack)?;
        self.goal = match (bound, slack) {
            (Some(bound), None) => Goal::Bound(bound),
            (None, slack) => Goal::of_slack(slack.unwrap_or(Self::DEFAULT_SLACK))?,
            (Some(bound), Some(slack)) => {
                return Err(choices.refused("slack", slack, &format!("only without a bound, such as {bound}")));
            }
        };
        Ok(())
    }

    /// Rounds given coefficients as coarsely as the bound allows.
    ///
    /// # Errors
    /// [`Error::TargetNotMet`] if the coefficients do not meet it unrounded, and those of [`Quantise::rounded`].
    pub fn round(&self, found: &B::Coefficients, vdf: &Vdf) -> Result<QuantizedCoefficients<B>> {
        self.round_after(|| framing::begin(vdf.grid(), &self.spec()?), found, vdf)
    }

    /// Rounds as [`Self::round`] does, in a stream that begins with the header that `header` writes. Only a bound of
    /// bytes needs it.
    pub(crate) fn round_after(
        &self,
        header: impl FnOnce() -> Result<Coder<'static>>,
        found: &B::Coefficients,
        vdf: &Vdf,
    ) -> Result<QuantizedCoefficients<B>> {
        self.round_near(None, header, found, vdf)
    }

    /// As [`Self::round_after`], but takes the first step that uses a third of the bound or more: for few numbers, of which
    /// a bit each is worth less than the time of a search.
    pub(crate) fn round_quickly(
        &self,
        header: impl FnOnce() -> Result<Coder<'static>>,
        found: &B::Coefficients,
        vdf: &Vdf,
    ) -> Result<QuantizedCoefficients<B>> {
        const ENOUGH: f64 = 1.0 / 3.0;
        self.round_near(Some(ENOUGH), header, found, vdf)
    }

    /// Encodes once more, with a smaller error inside. A basis inside keeps a bound of its own there, and the correction of
    /// moments around it has added more error than the rest of the bound allows. A bound that cannot be met costs as many
    /// encodings as there are parts.
    fn round_tightened(&self, vdf: &Vdf, missed: Error) -> Result<QuantizedCoefficients<B>> {
        /// Parts of the inner bound, tried one after another.
        const PARTS: [f64; 4] = [0.9, 0.75, 0.5, 0.25];
        let is_error = self.bound().is_some_and(|bound| bound.limit(Figure::Bytes).is_none());
        if !is_error || !self.inner.ignores_step() || !matches!(missed, Error::TargetNotMet { .. }) {
            return Err(missed);
        }
        for tightened in PARTS.into_iter().filter_map(|part| self.inner.tightened(part)) {
            let Ok(found) = tightened.encode_to_round(vdf) else { break };
            match self.round(&found, vdf) {
                Err(Error::TargetNotMet { .. }) => {}
                other => return other,
            }
        }
        Err(missed)
    }

    fn round_near(
        &self,
        enough: Option<f64>,
        header: impl FnOnce() -> Result<Coder<'static>>,
        found: &B::Coefficients,
        vdf: &Vdf,
    ) -> Result<QuantizedCoefficients<B>> {
        let reference = Reference::new(vdf);
        let bound = match self.goal {
            Goal::Bound(bound) => bound,
            Goal::Slack(slack) => {
                let exact = self.inner.reconstruct(found, vdf.grid())?;
                Bound::l2(reference.relative_l2(&exact).max(Self::NO_ERROR) * (1.0 + slack))
            }
        };
        let header = if bound.limit(Figure::Bytes).is_some() { header()? } else { Coder::writing() };
        let (floor, largest, gains) = (bound.floor_of(vdf), OnceCell::new(), RefCell::default());
        let search = Search { basis: &self.inner, found, vdf, reference, header, bound, floor, enough, largest, gains };
        let answer = search.as_read(search.settled(search.coarsest()?)?)?;
        search.check(&answer)?;
        let Tried { exponent, rounded, .. } = answer;
        Ok(QuantizedCoefficients { exponent, inner: rounded })
    }
}

impl<B: Stream> QuantizedCoefficients<B> {
    /// Coefficients to read into.
    pub(crate) fn blank(inner: &B, grid: &VelocityGrid) -> Self {
        Self { exponent: 0, inner: inner.blank(grid) }
    }
}

impl<B: Basis> QuantizedCoefficients<B> {
    /// The quantisation step [s³ m⁻⁶]: rounding one number changes the distribution by at most half of it, in the root
    /// of the sum of squares over the cells.
    #[must_use]
    pub fn step(&self) -> f64 {
        step(self.exponent)
    }

    /// The rounded coefficients.
    #[must_use]
    pub fn inner(&self) -> &B::Coefficients {
        &self.inner
    }
}

impl<B: Quantise> fmt::Display for Quantized<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spec(self, f)
    }
}

impl<B: Quantise> Basis for Quantized<B> {
    type Coefficients = QuantizedCoefficients<B>;

    /// # Errors
    /// [`Error::TargetNotMet`] if the basis cannot meet the bound, with what it reached; [`Error::InvalidGrid`] for
    /// more cells than a stream holds.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        framing::check_cells(vdf.grid(), framing::MOST_CELLS)?;
        let found = match self.goal {
            // The error that a slack is a part of.
            Goal::Slack(_) => self.inner.encode(vdf)?,
            Goal::Bound(_) => self.inner.encode_to_round(vdf)?,
        };
        self.round(&found, vdf).or_else(|missed| self.round_tightened(vdf, missed))
    }

    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        let warm = self.inner.encode_from(vdf, &start.inner).and_then(|found| self.round(&found, vdf));
        // A warm start may miss a bound that a search from the beginning meets.
        warm.or_else(|_| self.encode(vdf))
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.inner.reconstruct(&coefficients.inner, grid)
    }

    fn moments(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.inner.moments(&coefficients.inner, grid)
    }

    fn gradient(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Gradient> {
        self.inner.gradient(&coefficients.inner, grid)
    }
}

impl<B: Quantise> Stream for Quantized<B> {
    fn spec(&self) -> Result<Spec> {
        // What a reader makes of the spec must be this basis: there a basis inside that chooses its own step stands alone.
        let stands_alone = match self.goal {
            Goal::Bound(bound) => self.inner.keep(&bound)? != Kept::AtAnyStep,
            Goal::Slack(_) => matches!(self.inner.keep(&Bound::l2(1.0)), Ok(Kept::Itself(_))),
        };
        if stands_alone {
            let inner = self.inner.spec()?.to_string();
            return Err(invalid(&inner, "it chooses its own step: give it the bound itself, without `quantized`"));
        }
        let default = || Self { inner: self.inner.clone(), goal: Goal::Slack(Self::DEFAULT_SLACK) };
        spec_around(NAME, self.inner.spec()?, |shown| self.clone().choose(shown), |shown| default().choose(shown))
    }

    fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients {
        QuantizedCoefficients::blank(&self.inner, grid)
    }

    /// Codes the numbers in their own step; the resolution is ignored.
    fn code(
        &self,
        coefficients: &mut Self::Coefficients,
        grid: &VelocityGrid,
        _: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        coefficients.exponent = code_exponent(coefficients.exponent, coder)?;
        let resolution = Resolution::Step(coefficients.step());
        self.inner.code(&mut coefficients.inner, grid, resolution, coder)
    }
}

impl<B: Quantise> Quantise for Quantized<B> {
    fn ignores_step(&self) -> bool {
        true
    }

    fn kept_bound(&self) -> Option<Bound> {
        self.bound()
    }

    fn tightened(&self, part: f64) -> Option<Self> {
        Self::new(self.inner.clone(), self.bound()?.tightened(part)).ok()
    }

    fn rounded(&self, coefficients: &Self::Coefficients, _: &Vdf, _: Resolution) -> Result<Self::Coefficients> {
        Ok(coefficients.clone())
    }

    /// Keeps the bound by itself, unless it has one, or a slack, of its own.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        if self.slack() != Some(Self::DEFAULT_SLACK) {
            return Ok(Kept::AtAnyStep);
        }
        // Around something that keeps bounds itself there would be two steps.
        match self.inner.keep(bound)? {
            Kept::AtAnyStep => Self::new(self.inner.clone(), *bound).map(Kept::Itself),
            Kept::Inside(inner) | Kept::Itself(inner) => Self::new(inner, *bound).map(Kept::Itself),
        }
    }
}

impl<B: Basis> Coefficients for QuantizedCoefficients<B> {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        self.inner.visit(visitor);
    }

    /// Moves the step to the nearest one that is larger by the factor, in which a stream then holds the numbers: exactly the
    /// same multiples for powers of two.
    fn scale(&mut self, factor: f64) {
        self.exponent = exponent(self.step() * factor);
        self.inner.scale(factor);
    }

    /// The step and the inner basis' own.
    fn topology_len(&self) -> usize {
        1 + self.inner.topology_len()
    }

    fn count(&self) -> usize {
        self.inner.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_and_a_length_are_met_together_on_decoded_data_too() {
        let grid = crate::Synthetic::default_grid("gyrating-ring", 18).unwrap();
        let ring = crate::Synthetic::named("gyrating-ring", 0).unwrap();
        let vdf = ring.sample(&grid, crate::Sampling::default()).unwrap();
        let stream = |bound, vdf: &Vdf| {
            let basis = Quantized::new(crate::Cosine::new(), bound).unwrap();
            crate::Expansion::encode(&basis, vdf)
                .and_then(|expansion| Ok((expansion.to_bytes()?, expansion.reconstruct()?)))
        };
        let (_, decoded) = stream(Bound::l2(0.02), &vdf).unwrap();
        // The step of the first stream, and not the wider one that this bound allows.
        let (kept, _) = stream(Bound::l2(0.04), &decoded).unwrap();
        let bytes = kept.len() as f64 - 8.0;
        let (shorter, back) = stream(Bound::l2(0.04).and(Figure::Bytes, bytes), &decoded).unwrap();
        assert!(shorter.len() as f64 <= bytes && crate::distribution::fidelity::relative_l2(&decoded, &back) <= 0.04);
        let missed = stream(Bound::l2(0.04).and(Figure::Bytes, 40.0), &decoded).unwrap_err().to_string();
        assert!(missed.contains("cannot reach 40 bytes"), "{missed}");
    }

    #[test]
    fn an_error_that_is_no_number_is_beyond_every_limit() {
        // Misner's shells miss a ring this thin: nothing is left, and the density's scale is near the largest double.
        let grid = VelocityGrid::new([8, 19, 9], [0.0; 3], [3e4, 3e10, 3e7]).unwrap();
        let beam = |v: [f64; 3]| if v[1] < 4e10 && v[0] < 7e4 { 1e-290 } else { 0.0 };
        let vdf = Vdf::from_fn(grid, beam).unwrap();
        let basis = crate::Registry::standard().parse("spherical:degree=0,method=misner,density=0.1").unwrap();
        let missed = basis.encode(&vdf).unwrap_err();
        assert!(matches!(missed, Error::TargetNotMet { .. }), "{missed}");
    }

    #[test]
    fn a_length_makes_no_projection_worse() {
        let grid = crate::Synthetic::default_grid("beams", 16).unwrap();
        let vdf = crate::Synthetic::named("beams", 0).unwrap().sample(&grid, crate::Sampling::default()).unwrap();
        let error = |vdf: &Vdf, back: Vdf| crate::distribution::fidelity::relative_l2(vdf, &back);
        for spec in ["maxwellian", "cosine:keep=2", "spherical:degree=1,shells=4", "hermite:order=2"] {
            let basis = crate::Registry::standard().parse(spec).unwrap();
            let exact = error(&vdf, basis.reconstruct(&basis.encode(&vdf).unwrap(), &grid).unwrap());
            let quantized = Quantized::new(basis, Bound::bytes(100_000)).unwrap();
            let reached = error(&vdf, quantized.reconstruct(&quantized.encode(&vdf).unwrap(), &grid).unwrap());
            assert!(reached <= 1.021 * exact, "{spec}: {reached} where {exact} is possible");
        }
    }

    #[test]
    fn steps_are_the_powers_they_should_be() {
        for k in [1 - END_OF_EXPONENTS, -1000, -65, -1, 0, 1, 15, 16, 63, 64, 333, END_OF_EXPONENTS - 1] {
            let exact = 2f64.powf(f64::from(k) / f64::from(STEPS_PER_OCTAVE));
            assert!((step(k) / exact - 1.0).abs() < 1e-12, "{k}");
            assert_eq!(exponent(step(k)), k);
        }
        assert_eq!(step(MIN_EXPONENT), f64::from_bits(1));
    }
}
