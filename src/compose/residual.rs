//! One basis after another: the second encodes what the first left over.

use std::fmt;

use crate::basis::{Basis, Coefficients, Slot};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// `A + B`: A encodes the distribution, B the residual of A *as decoded*, so that B also mends what storing A's
/// coefficients rounded away. B must accept signed data.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual<A: Basis, B: Basis> {
    first: A,
    second: B,
}

/// The coefficients of both stages.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualCoefficients<A: Basis, B: Basis> {
    /// What the first basis found in the distribution.
    pub first: A::Coefficients,
    /// What the second found in the residual; `None` where nothing was left that it could describe.
    pub second: Option<B::Coefficients>,
}

impl<A: Basis, B: Basis> Residual<A, B> {
    /// `first`, then `second` on what is left.
    #[must_use]
    pub fn new(first: A, second: B) -> Self {
        Self { first, second }
    }

    /// The basis of the first stage.
    #[must_use]
    pub fn first(&self) -> &A {
        &self.first
    }

    /// The basis of the residual.
    #[must_use]
    pub fn second(&self) -> &B {
        &self.second
    }
}

impl<A: Basis, B: Basis> fmt::Display for Residual<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {}", self.first, self.second)
    }
}

impl<A: Basis, B: Basis> Basis for Residual<A, B> {
    type Coefficients = ResidualCoefficients<A, B>;

    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        let first = self.first.encode(vdf)?;
        let second = self.encode_residual(&first, vdf)?.map(|(_, second)| second);
        Ok(ResidualCoefficients { first, second })
    }

    /// What the first leaves over is another every time: only the first starts from what was found before.
    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        let first = self.first.encode_from(vdf, &start.first)?;
        let second = self.encode_residual(&first, vdf)?.map(|(_, second)| second);
        Ok(ResidualCoefficients { first, second })
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        let first = self.first.reconstruct(&coefficients.first, grid)?;
        match &coefficients.second {
            None => Ok(first),
            Some(second) => combined(first, &self.second.reconstruct(second, grid)?, |f, g| f + g),
        }
    }

    /// That of the second: it mends what the first one's rounding does.
    fn rounding_error(&self, coefficients: &Self::Coefficients, step: f64) -> Option<f64> {
        self.second.rounding_error(coefficients.second.as_ref()?, step)
    }

    /// That of the second: the first is fitted to what the second gave back, too, and found only nearly the same.
    fn rounded_before(&self, coefficients: &Self::Coefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        let second = coefficients.second.as_ref().and_then(|second| self.second.rounded_before(second, vdf, steps));
        second.or_else(|| self.first.rounded_before(&coefficients.first, vdf, steps))
    }

    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        coder.part(self.first.to_string());
        let first = self.first.code(coefficients.map(|c| &c.first), grid, resolution, coder)?;
        coder.part(self.second.to_string());
        let second = coefficients.and_then(|c| c.second.as_ref());
        let second = match coder.rarely(coefficients.is_some() && second.is_none()) {
            true => None,
            false => Some(self.second.code(second, grid, resolution, coder)?),
        };
        Ok(ResidualCoefficients { first, second })
    }

    /// What rounding the first took away is part of the residual that the second encodes.
    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let first = self.first.rounded(&coefficients.first, vdf, resolution)?;
        let second = match self.encode_residual(&first, vdf)? {
            Some((residual, second)) => Some(self.second.rounded(&second, &residual, resolution)?),
            None => None,
        };
        Ok(ResidualCoefficients { first, second })
    }
}

impl<A: Basis, B: Basis> Residual<A, B> {
    /// What the first, as decoded, leaves over, and what the second finds in it, if anything.
    fn encode_residual(&self, first: &A::Coefficients, vdf: &Vdf) -> Result<Option<(Vdf, B::Coefficients)>> {
        let decoded = self.first.reconstruct(first, vdf.grid())?;
        let residual = combined(vdf.clone(), &decoded, |f, g| f - g)?;
        match self.second.encode(&residual) {
            Ok(second) => Ok(Some((residual, second))),
            // The first held everything, or all but a plane of cells: its own coefficients are the answer.
            Err(Error::Degenerate { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

fn combined(left: Vdf, right: &Vdf, operation: impl Fn(f64, f64) -> f64) -> Result<Vdf> {
    let grid = *left.grid();
    let mut values = left.into_values();
    values.zip_mut_with(&right.values(), |f, &g| *f = operation(*f, g));
    Vdf::new(grid, values)
}

impl<A: Basis, B: Basis> Coefficients for ResidualCoefficients<A, B> {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        self.first.visit(visitor);
        if let Some(second) = &mut self.second {
            second.visit(visitor);
        }
    }

    fn topology_len(&self) -> usize {
        // And one for whether there is a second.
        1 + self.first.topology_len() + self.second.as_ref().map_or(0, Coefficients::topology_len)
    }
}
