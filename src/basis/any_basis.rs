//! A basis chosen at run time: by a name on a command line, or by a tag in a file.
//!
//! A private trait mirrors [`Basis`], [`Stream`] and [`Quantise`] in a form that trait objects allow, and every basis
//! implements it. [`AnyBasis`] and [`AnyCoefficients`] hold such objects, and are a basis and its [`Coefficients`]
//! themselves. Combinators made at run time hold `AnyBasis`, so each is compiled once, and not once for every pair.

use std::any::Any;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use super::bound::Bound;
use super::spec::Spec;
use super::{Basis, Coefficients, Gradient, Kept, Quantise, Slot, Stream};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// Any basis. Cheap to clone; prints the spec of the basis it holds.
///
/// ```
/// use vdf_basis::{AnyBasis, Hermite, Registry};
/// let basis: AnyBasis = Registry::standard().parse("hermite:order=8")?;
/// assert_eq!(basis.downcast_ref::<Hermite>(), Some(&Hermite::new([8; 3])?));
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Clone)]
pub struct AnyBasis(Arc<dyn ErasedBasis>);

/// The coefficients of any basis.
pub struct AnyCoefficients(Box<dyn ErasedCoefficients>);

impl AnyBasis {
    /// Wraps a basis.
    #[must_use]
    pub fn new<B: Quantise>(basis: B) -> Self {
        // An `AnyBasis` is not wrapped a second time.
        match (&basis as &dyn Any).downcast_ref::<Self>() {
            Some(erased) => erased.clone(),
            None => Self(Arc::new(basis)),
        }
    }

    /// The basis that this holds, if it is a `B`.
    #[must_use]
    pub fn downcast_ref<B: Basis>(&self) -> Option<&B> {
        self.0.as_any().downcast_ref()
    }
}

impl AnyCoefficients {
    /// Wraps coefficients.
    #[must_use]
    pub fn new<C: Coefficients>(coefficients: C) -> Self {
        Self(Box::new(coefficients))
    }

    /// The coefficients that this holds, if they are a `C`.
    #[must_use]
    pub fn downcast_ref<C: Coefficients>(&self) -> Option<&C> {
        self.0.as_any().downcast_ref()
    }
}

impl Basis for AnyBasis {
    type Coefficients = AnyCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<AnyCoefficients> {
        self.0.encode(vdf)
    }

    fn encode_from(&self, vdf: &Vdf, start: &AnyCoefficients) -> Result<AnyCoefficients> {
        self.0.encode_from(vdf, start)
    }

    fn reconstruct(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.0.reconstruct(coefficients, grid)
    }

    fn moments(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.0.moments(coefficients, grid)
    }

    fn gradient(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        self.0.gradient(coefficients, grid)
    }
}

impl Stream for AnyBasis {
    fn spec(&self) -> Result<Spec> {
        self.0.spec()
    }

    fn blank(&self, grid: &VelocityGrid) -> AnyCoefficients {
        self.0.blank(grid)
    }

    fn code(
        &self,
        coefficients: &mut AnyCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.0.code(coefficients, grid, resolution, coder)
    }
}

impl Quantise for AnyBasis {
    fn encode_to_round(&self, vdf: &Vdf) -> Result<AnyCoefficients> {
        self.0.encode_to_round(vdf)
    }

    fn rounded(&self, coefficients: &AnyCoefficients, vdf: &Vdf, resolution: Resolution) -> Result<AnyCoefficients> {
        self.0.rounded(coefficients, vdf, resolution)
    }

    fn rounding_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64> {
        self.0.rounding_error(coefficients, step)
    }

    fn logarithmic_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64> {
        self.0.logarithmic_error(coefficients, step)
    }

    fn ignores_step(&self) -> bool {
        self.0.ignores_step()
    }

    fn rounded_before(
        &self,
        coefficients: &AnyCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, AnyCoefficients)> {
        self.0.rounded_before(coefficients, vdf, steps)
    }

    fn kept_bound(&self) -> Option<Bound> {
        self.0.kept_bound()
    }

    fn is_transform(&self) -> bool {
        self.0.is_transform()
    }

    fn tightened(&self, part: f64) -> Option<Self> {
        self.0.tightened(part)
    }

    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        self.0.keep(bound)
    }
}

impl Coefficients for AnyCoefficients {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        self.0.visit(visitor);
    }

    fn scale(&mut self, factor: f64) {
        self.0.scale(factor);
    }

    fn topology_len(&self) -> usize {
        self.0.topology_len()
    }

    fn count(&self) -> usize {
        self.0.count()
    }
}

impl PartialEq for AnyBasis {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(other.0.as_any())
    }
}

impl Debug for AnyBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

impl Display for AnyBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::choices::write_spec(self, f)
    }
}

impl Clone for AnyCoefficients {
    fn clone(&self) -> Self {
        self.0.cloned()
    }
}

impl PartialEq for AnyCoefficients {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(other.0.as_any())
    }
}

impl Debug for AnyCoefficients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

trait ErasedBasis: Debug + Send + Sync {
    fn encode(&self, vdf: &Vdf) -> Result<AnyCoefficients>;
    fn encode_from(&self, vdf: &Vdf, start: &AnyCoefficients) -> Result<AnyCoefficients>;
    fn reconstruct(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Vdf>;
    fn moments(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Moments>;
    fn gradient(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Gradient>;
    fn spec(&self) -> Result<Spec>;
    fn blank(&self, grid: &VelocityGrid) -> AnyCoefficients;
    fn code(
        &self,
        coefficients: &mut AnyCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()>;
    fn encode_to_round(&self, vdf: &Vdf) -> Result<AnyCoefficients>;
    fn rounded(&self, coefficients: &AnyCoefficients, vdf: &Vdf, resolution: Resolution) -> Result<AnyCoefficients>;
    fn rounding_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64>;
    fn logarithmic_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64>;
    fn ignores_step(&self) -> bool;
    fn rounded_before(
        &self,
        coefficients: &AnyCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, AnyCoefficients)>;
    fn kept_bound(&self) -> Option<Bound>;
    fn is_transform(&self) -> bool;
    fn tightened(&self, part: f64) -> Option<AnyBasis>;
    fn keep(&self, bound: &Bound) -> Result<Kept<AnyBasis>>;
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<B: Quantise> ErasedBasis for B {
    fn encode(&self, vdf: &Vdf) -> Result<AnyCoefficients> {
        Basis::encode(self, vdf).map(AnyCoefficients::new)
    }

    fn encode_from(&self, vdf: &Vdf, start: &AnyCoefficients) -> Result<AnyCoefficients> {
        Basis::encode_from(self, vdf, own::<B>(start)?).map(AnyCoefficients::new)
    }

    fn reconstruct(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        Basis::reconstruct(self, own::<B>(coefficients)?, grid)
    }

    fn moments(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        Basis::moments(self, own::<B>(coefficients)?, grid)
    }

    fn gradient(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        Basis::gradient(self, own::<B>(coefficients)?, grid)
    }

    fn spec(&self) -> Result<Spec> {
        Stream::spec(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> AnyCoefficients {
        AnyCoefficients::new(Stream::blank(self, grid))
    }

    fn code(
        &self,
        coefficients: &mut AnyCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let own = coefficients.0.as_any_mut().downcast_mut().ok_or_else(foreign::<B>)?;
        Stream::code(self, own, grid, resolution, coder)
    }

    fn encode_to_round(&self, vdf: &Vdf) -> Result<AnyCoefficients> {
        Quantise::encode_to_round(self, vdf).map(AnyCoefficients::new)
    }

    fn rounded(&self, coefficients: &AnyCoefficients, vdf: &Vdf, resolution: Resolution) -> Result<AnyCoefficients> {
        Quantise::rounded(self, own::<B>(coefficients)?, vdf, resolution).map(AnyCoefficients::new)
    }

    fn rounding_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64> {
        Quantise::rounding_error(self, own::<B>(coefficients).ok()?, step)
    }

    fn logarithmic_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64> {
        Quantise::logarithmic_error(self, own::<B>(coefficients).ok()?, step)
    }

    fn ignores_step(&self) -> bool {
        Quantise::ignores_step(self)
    }

    fn rounded_before(
        &self,
        coefficients: &AnyCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, AnyCoefficients)> {
        let (index, coefficients) = Quantise::rounded_before(self, own::<B>(coefficients).ok()?, vdf, steps)?;
        Some((index, AnyCoefficients::new(coefficients)))
    }

    fn kept_bound(&self) -> Option<Bound> {
        Quantise::kept_bound(self)
    }

    fn is_transform(&self) -> bool {
        Quantise::is_transform(self)
    }

    fn tightened(&self, part: f64) -> Option<AnyBasis> {
        Quantise::tightened(self, part).map(AnyBasis::new)
    }

    fn keep(&self, bound: &Bound) -> Result<Kept<AnyBasis>> {
        Ok(match Quantise::keep(self, bound)? {
            Kept::AtAnyStep => Kept::AtAnyStep,
            Kept::Inside(basis) => Kept::Inside(AnyBasis::new(basis)),
            Kept::Itself(basis) => Kept::Itself(AnyBasis::new(basis)),
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<B>() == Some(self)
    }
}

fn own<B: Basis>(coefficients: &AnyCoefficients) -> Result<&B::Coefficients> {
    coefficients.downcast_ref().ok_or_else(foreign::<B>)
}

fn foreign<B>() -> Error {
    Error::ForeignCoefficients(format!("another kind than those of {}", std::any::type_name::<B>()))
}

trait ErasedCoefficients: Debug + Send + Sync {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64));
    fn scale(&mut self, factor: f64);
    fn topology_len(&self) -> usize;
    fn count(&self) -> usize;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
    fn cloned(&self) -> AnyCoefficients;
}

impl<C: Coefficients> ErasedCoefficients for C {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        Coefficients::visit(self, visitor);
    }

    fn scale(&mut self, factor: f64) {
        Coefficients::scale(self, factor);
    }

    fn topology_len(&self) -> usize {
        Coefficients::topology_len(self)
    }

    fn count(&self) -> usize {
        Coefficients::count(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<C>() == Some(self)
    }

    fn cloned(&self) -> AnyCoefficients {
        AnyCoefficients::new(self.clone())
    }
}
