//! Sum of two bases, of which the second encodes the residual of the first.

use std::fmt;

use super::second::{self, or_nothing};
use crate::basis::bound::Bound;
use crate::basis::choices::write_spec;
use crate::basis::spec::{Spec, invalid};
use crate::basis::{Basis, Coefficients, Gradient, Kept, Quantise, Slot, Stream, gradient};
use crate::coding::{Coder, Resolution};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;

/// `A + B`: A encodes the distribution, and B the residual of A *as decoded*, which includes the rounding errors of A's
/// coefficients. B must accept signed data.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual<A: Basis, B: Basis> {
    first: A,
    second: B,
}

/// Coefficients of both stages.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualCoefficients<A: Basis, B: Basis> {
    /// Coefficients of the first basis.
    pub first: A::Coefficients,
    /// Coefficients of the residual in the second basis; `None` if it cannot encode the residual, which is zero for
    /// instance.
    pub second: Option<B::Coefficients>,
}

impl<A: Basis, B: Basis> Residual<A, B> {
    /// Encodes with `first`, and its residual with `second`.
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

impl<A: Quantise, B: Quantise> fmt::Display for Residual<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spec(self, f)
    }
}

impl<A: Basis, B: Basis> Basis for Residual<A, B> {
    type Coefficients = ResidualCoefficients<A, B>;

    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        let first = self.first.encode(vdf)?;
        let second = self.encode_residual(&first, vdf)?.map(|(_, second)| second);
        Ok(ResidualCoefficients { first, second })
    }

    /// Only the first basis starts from the given coefficients: the residual differs too much from the one before.
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

    /// The sum of both gradients.
    fn gradient(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Gradient> {
        let mut sum = self.first.gradient(&coefficients.first, grid)?;
        let Some(second) = &coefficients.second else { return Ok(sum) };
        for (part, other) in sum.iter_mut().zip(self.second.gradient(second, grid)?) {
            *part += &other;
        }
        gradient::finite("A + B", sum)
    }
}

impl<A: Quantise, B: Quantise> Stream for Residual<A, B> {
    fn spec(&self) -> Result<Spec> {
        let (mut spec, second) = (self.first.spec()?, self.second.spec()?);
        if second.terms.len() > 1 {
            let problem =
                "a sum is read from left to right: make it the first part, and not the second, of another sum";
            return Err(invalid(&second.to_string(), problem));
        }
        spec.terms.extend(second.terms);
        Ok(spec)
    }

    fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients {
        ResidualCoefficients { first: self.first.blank(grid), second: None }
    }

    fn code(
        &self,
        coefficients: &mut Self::Coefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        coder.part_of(&self.first)?;
        self.first.code(&mut coefficients.first, grid, resolution, coder)?;
        second::code(&self.second, &mut coefficients.second, grid, resolution, coder)
    }
}

impl<A: Quantise, B: Quantise> Quantise for Residual<A, B> {
    /// Rounds the first, encodes the residual of the result again, and rounds the second.
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

    /// Returns the estimate of the second basis, which encodes the rounding errors of the first.
    fn rounding_error(&self, coefficients: &Self::Coefficients, step: f64) -> Option<f64> {
        self.second.rounding_error(coefficients.second.as_ref()?, step)
    }

    fn ignores_step(&self) -> bool {
        self.first.ignores_step() && self.second.ignores_step()
    }

    /// Returns the step of the second basis. A fit of the first to a decoded sum includes the part of the second, and
    /// only comes near the rounded numbers.
    fn rounded_before(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, Self::Coefficients)> {
        let ResidualCoefficients { first, second } = coefficients;
        if let Some((index, second)) = second.as_ref().and_then(|second| self.second.rounded_before(second, vdf, steps))
        {
            return Some((index, ResidualCoefficients { first: first.clone(), second: Some(second) }));
        }
        let (index, first) = self.first.rounded_before(first, vdf, steps)?;
        Some((index, ResidualCoefficients { first, second: second.clone() }))
    }

    /// Refuses a bound if a term chooses its own step: the part of the error left to it is not known.
    fn keep(&self, bound: &Bound) -> Result<Kept<Self>> {
        refuse_own_step(&self.first, bound)?;
        refuse_own_step(&self.second, bound)?;
        Ok(Kept::AtAnyStep)
    }
}

fn refuse_own_step<B: Quantise>(term: &B, bound: &Bound) -> Result<()> {
    let own = match term.keep(bound)? {
        Kept::AtAnyStep => return Ok(()),
        Kept::Inside(own) | Kept::Itself(own) => own,
    };
    let [term, own] = [term.spec()?, own.spec()?];
    let problem = format!("it chooses its own step, and what `{bound}` leaves to it in a sum is not known");
    Err(invalid(&term.to_string(), format!("{problem}; write its own bound, `{own}`")))
}

impl<A: Basis, B: Basis> Residual<A, B> {
    /// Residual of the first basis as decoded, and its coefficients in the second; `None` if the second cannot encode
    /// it.
    fn encode_residual(&self, first: &A::Coefficients, vdf: &Vdf) -> Result<Option<(Vdf, B::Coefficients)>> {
        let decoded = self.first.reconstruct(first, vdf.grid())?;
        let residual = combined(vdf.clone(), &decoded, |f, g| f - g)?;
        Ok(or_nothing(self.second.encode(&residual))?.map(|second| (residual, second)))
    }
}

fn combined(left: Vdf, right: &Vdf, operation: impl Fn(f64, f64) -> f64) -> Result<Vdf> {
    let grid = *left.grid();
    let mut values = left.into_values();
    values.zip_mut_with(&right.values(), |f, &g| *f = operation(*f, g));
    Vdf::new(grid, values)
}

impl<A: Basis, B: Basis> Coefficients for ResidualCoefficients<A, B> {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        self.first.visit(visitor);
        if let Some(second) = &self.second {
            second.visit(visitor);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.first.scale(factor);
        if let Some(second) = &mut self.second {
            second.scale(factor);
        }
    }

    fn topology_len(&self) -> usize {
        // One number more: the bit that tells whether there is a second.
        1 + self.first.topology_len() + self.second.as_ref().map_or(0, Coefficients::topology_len)
    }
}
