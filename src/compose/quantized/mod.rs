//! Any basis with its numbers rounded, as coarsely as a bound allows.

mod generation;
mod search;

use std::cell::RefCell;
use std::fmt;

use search::{Figure, Search, Tried};

use super::target::Target;
use crate::basis::{Basis, Coefficients, Slot};
use crate::coding::{Coder, Resolution, malformed};
use crate::distribution::fidelity::Reference;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::header;
use crate::spec::SpecWriter;

/// `quantized(B)`: B's numbers in steps that all change the distribution equally, and as wide as a [`Target`] allows.
/// Whether it is met is measured on what a reader of the stream gets.
///
/// One step serves all stages of a `Residual` inside: what rounding the first takes away, the second sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantized<B: Basis> {
    inner: B,
    target: Target,
}

/// The rounded coefficients, and the step.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedCoefficients<B: Basis> {
    octave: i32,
    inner: B::Coefficients,
}

/// Steps are powers of 2^(1/64) s³ m⁻⁶: near enough to each other that no byte is lost.
const FINENESS: i32 = 64;
/// The whole range of f64, down to its smallest number.
const LEAST: i32 = -1074 * FINENESS;
const MOST: i32 = 1024 * FINENESS;
/// Digits of a step in a stream.
const DIGITS: u32 = 18;
/// 2^(k/64) by square roots and products alone, which are the same to the last bit on every platform.
fn step(octave: i32) -> f64 {
    let (whole, part) = (octave.div_euclid(FINENESS), octave.rem_euclid(FINENESS));
    let (mut root, mut fraction) = (2_f64, 1.0);
    for digit in (0..FINENESS.ilog2()).rev() {
        root = root.sqrt();
        if part >> digit & 1 == 1 {
            fraction *= root;
        }
    }
    // In two steps, so that the smallest are not zero.
    fraction * 2f64.powi(whole / 2) * 2f64.powi(whole - whole / 2)
}

/// The octave of the step nearest to a positive number.
fn octave(step: f64) -> i32 {
    ((step.log2() * f64::from(FINENESS)).round() as i32).clamp(LEAST, MOST - 1)
}

fn code_octave(octave: Option<i32>, coder: &mut Coder<'_>) -> Result<i32> {
    let octave = coder.bits(octave.map_or(0, |octave| (octave - LEAST) as u64), DIGITS) as i32 + LEAST;
    if octave >= MOST {
        return Err(malformed(format!("a step of 2^{}", octave / FINENESS)));
    }
    Ok(octave)
}

impl<B: Basis> Quantized<B> {
    /// What rounding adds to the error by default: 5% of it.
    pub const DEFAULT_SLACK: f64 = 0.05;
    /// A basis with a smaller error than this counts as having this one: else what a slack allows would be nothing.
    pub const NO_ERROR: f64 = 1e-6;

    /// With the given bound.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a bound that is not positive and finite.
    pub fn new(inner: B, target: Target) -> Result<Self> {
        Ok(Self { inner, target: target.validated()? })
    }

    /// The basis inside.
    #[must_use]
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// The bound.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Rounds coefficients that have been found already, as coarsely as the bound allows.
    ///
    /// # Errors
    /// [`Error::TargetNotMet`] if the coefficients as they are do not meet it, and as [`Basis::rounded`].
    pub fn round(&self, found: &B::Coefficients, vdf: &Vdf) -> Result<QuantizedCoefficients<B>> {
        // Of a basis that no spec names there is no stream but its coefficients.
        let head = || header::begin(vdf.grid(), &self.to_string()).unwrap_or_else(|_| Coder::writing());
        self.round_after(head, found, vdf)
    }

    /// The same, in a stream that begins with what `head` has written.
    pub(crate) fn round_after(
        &self,
        head: impl FnOnce() -> Coder<'static>,
        found: &B::Coefficients,
        vdf: &Vdf,
    ) -> Result<QuantizedCoefficients<B>> {
        let head = if let Target::Bytes(_) = self.target { head() } else { Coder::writing() };
        let reference = Reference::new(vdf);
        let (bound, figure): (f64, Figure) = match self.target {
            Target::L2(bound) => (bound, Figure::L2),
            Target::Linf(bound) => (bound, Figure::Linf),
            Target::Bytes(bound) => (bound as f64, Figure::Bytes),
            Target::Slack(slack) => {
                let exact = self.inner.reconstruct(found, vdf.grid())?;
                (reference.relative_l2(&exact).max(Self::NO_ERROR) * (1.0 + slack), Figure::L2)
            }
        };
        let search =
            Search { basis: &self.inner, found, vdf, reference, head, figure, bound, gains: RefCell::default() };
        let Tried { octave, rounded, reached } = search.settled(search.coarsest()?)?;
        if reached <= bound {
            return Ok(QuantizedCoefficients { octave, inner: rounded });
        }
        Err(Error::TargetNotMet {
            basis: self.inner.to_string(),
            target: self.target.to_string(),
            reached: figure.reached(reached).to_string(),
        })
    }
}

impl<B: Basis> QuantizedCoefficients<B> {
    /// The step: half of it is the most by which rounding one number changes the distribution, in the root of the sum of
    /// squares over the cells [s³ m⁻⁶].
    #[must_use]
    pub fn step(&self) -> f64 {
        step(self.octave)
    }

    /// The rounded coefficients.
    #[must_use]
    pub fn inner(&self) -> &B::Coefficients {
        &self.inner
    }
}

impl<B: Basis> fmt::Display for Quantized<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = SpecWriter::new(&format!("quantized({})", self.inner));
        match self.target {
            Target::Slack(slack) if slack == Self::DEFAULT_SLACK => spec,
            target => target.write(spec),
        }
        .write(f)
    }
}

impl<B: Basis> Basis for Quantized<B> {
    type Coefficients = QuantizedCoefficients<B>;

    /// # Errors
    /// [`Error::TargetNotMet`] if the basis cannot meet the bound, with what it reached; [`Error::InvalidGrid`] for more
    /// cells than a stream holds.
    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        header::check_cells(vdf.grid(), header::MOST_CELLS)?;
        self.round(&self.inner.encode(vdf)?, vdf)
    }

    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        let warm = self.inner.encode_from(vdf, &start.inner).and_then(|found| self.round(&found, vdf));
        // What another distribution has left must not cost a bound that a search of its own keeps.
        warm.or_else(|_| self.encode(vdf))
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.inner.reconstruct(&coefficients.inner, grid)
    }

    fn moments(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.inner.moments(&coefficients.inner, grid)
    }

    /// In its own steps, whatever the resolution asked for.
    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        _: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        let octave = code_octave(coefficients.map(|c| c.octave), coder)?;
        let resolution = Resolution::Step(step(octave));
        let inner = self.inner.code(coefficients.map(|c| &c.inner), grid, resolution, coder)?;
        Ok(QuantizedCoefficients { octave, inner })
    }

    fn rounded(&self, coefficients: &Self::Coefficients, _: &Vdf, _: Resolution) -> Result<Self::Coefficients> {
        Ok(coefficients.clone())
    }
}

impl<B: Basis> Coefficients for QuantizedCoefficients<B> {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        self.inner.visit(visitor);
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
    fn steps_are_the_powers_they_should_be() {
        for k in [1 - MOST, -1000, -65, -1, 0, 1, 15, 16, 63, 64, 333, MOST - 1] {
            let exact = 2f64.powf(f64::from(k) / f64::from(FINENESS));
            assert!((step(k) / exact - 1.0).abs() < 1e-12, "{k}");
            assert_eq!(octave(step(k)), k);
        }
        assert_eq!(step(LEAST), f64::from_bits(1));
    }
}
