//! A basis chosen at run time: by a name on a command line, or by a tag in a file.
//!
//! Erasure happens here and nowhere else: a private object-safe twin of each trait, implemented for every basis, and
//! two values that wrap it and are themselves a [`Basis`] and its [`Coefficients`].

use std::any::Any;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use crate::basis::{Basis, Coefficients, Resolution, Slot};
use crate::coding::Coder;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// Any basis. Cheap to clone; prints the spec of the basis it holds.
#[derive(Clone)]
pub struct AnyBasis(Arc<dyn ErasedBasis>);

/// The coefficients of any basis.
pub struct AnyCoefficients(Box<dyn ErasedCoefficients>);

impl AnyBasis {
    /// Wraps a basis.
    #[must_use]
    pub fn new<B: Basis>(basis: B) -> Self {
        // What is erased already is not wrapped a second time.
        match (&basis as &dyn Any).downcast_ref::<Self>() {
            Some(erased) => erased.clone(),
            None => Self(Arc::new(basis)),
        }
    }

    /// The basis inside, if it is a `B`.
    #[must_use]
    pub fn downcast_ref<B: Basis>(&self) -> Option<&B> {
        self.0.as_any().downcast_ref()
    }
}

/// Whether two bases are the same: equal if they are of one type; else, as `A<B>` and `A<AnyBasis>`, by what they print for
/// debugging, in which erasure does not show.
pub(crate) fn is_same<B: Basis>(basis: &B, other: &AnyBasis) -> bool {
    let erased = AnyBasis::new(basis.clone());
    if erased.0.as_any().type_id() == other.0.as_any().type_id() {
        return erased == *other;
    }
    format!("{erased:?}") == format!("{other:?}")
}

impl AnyCoefficients {
    /// Wraps coefficients.
    #[must_use]
    pub fn new<C: Coefficients>(coefficients: C) -> Self {
        Self(Box::new(coefficients))
    }

    /// The coefficients inside, if they are a `C`.
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

    fn code(
        &self,
        coefficients: Option<&AnyCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<AnyCoefficients> {
        self.0.code(coefficients, grid, resolution, coder)
    }

    fn rounded(&self, coefficients: &AnyCoefficients, vdf: &Vdf, resolution: Resolution) -> Result<AnyCoefficients> {
        self.0.rounded(coefficients, vdf, resolution)
    }

    fn rounding_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64> {
        self.0.rounding_error(coefficients, step)
    }

    fn rounded_before(&self, coefficients: &AnyCoefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        self.0.rounded_before(coefficients, vdf, steps)
    }
}

impl Coefficients for AnyCoefficients {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        self.0.visit(visitor);
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
        Display::fmt(&self.0, f)
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

trait ErasedBasis: Debug + Display + Send + Sync {
    fn encode(&self, vdf: &Vdf) -> Result<AnyCoefficients>;
    fn encode_from(&self, vdf: &Vdf, start: &AnyCoefficients) -> Result<AnyCoefficients>;
    fn reconstruct(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Vdf>;
    fn moments(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Moments>;
    fn code(
        &self,
        coefficients: Option<&AnyCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<AnyCoefficients>;
    fn rounded(&self, coefficients: &AnyCoefficients, vdf: &Vdf, resolution: Resolution) -> Result<AnyCoefficients>;
    fn rounding_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64>;
    fn rounded_before(&self, coefficients: &AnyCoefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize>;
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<B: Basis> ErasedBasis for B {
    fn encode(&self, vdf: &Vdf) -> Result<AnyCoefficients> {
        Basis::encode(self, vdf).map(AnyCoefficients::new)
    }

    fn encode_from(&self, vdf: &Vdf, start: &AnyCoefficients) -> Result<AnyCoefficients> {
        Basis::encode_from(self, vdf, own(self, start)?).map(AnyCoefficients::new)
    }

    fn reconstruct(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        Basis::reconstruct(self, own(self, coefficients)?, grid)
    }

    fn moments(&self, coefficients: &AnyCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        Basis::moments(self, own(self, coefficients)?, grid)
    }

    fn code(
        &self,
        coefficients: Option<&AnyCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<AnyCoefficients> {
        let coefficients = coefficients.map(|coefficients| own(self, coefficients)).transpose()?;
        Basis::code(self, coefficients, grid, resolution, coder).map(AnyCoefficients::new)
    }

    fn rounded(&self, coefficients: &AnyCoefficients, vdf: &Vdf, resolution: Resolution) -> Result<AnyCoefficients> {
        Basis::rounded(self, own(self, coefficients)?, vdf, resolution).map(AnyCoefficients::new)
    }

    fn rounding_error(&self, coefficients: &AnyCoefficients, step: f64) -> Option<f64> {
        Basis::rounding_error(self, own(self, coefficients).ok()?, step)
    }

    fn rounded_before(&self, coefficients: &AnyCoefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        Basis::rounded_before(self, own(self, coefficients).ok()?, vdf, steps)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<B>() == Some(self)
    }
}

fn own<'a, B: Basis>(basis: &B, coefficients: &'a AnyCoefficients) -> Result<&'a B::Coefficients> {
    coefficients
        .downcast_ref()
        .ok_or_else(|| Error::ForeignCoefficients(format!("another kind than those of `{basis}`")))
}

trait ErasedCoefficients: Debug + Send + Sync {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64));
    fn topology_len(&self) -> usize;
    fn count(&self) -> usize;
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
    fn cloned(&self) -> AnyCoefficients;
}

impl<C: Coefficients> ErasedCoefficients for C {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        Coefficients::visit(self, visitor);
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

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<C>() == Some(self)
    }

    fn cloned(&self) -> AnyCoefficients {
        AnyCoefficients::new(self.clone())
    }
}
