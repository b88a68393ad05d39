//! A basis for the logarithm of the density.

use std::fmt;

use crate::basis::{Basis, Coefficients, Quantity, Slot};
use crate::coding::{Coder, Resolution};
use crate::distribution::decades::{self, Floor};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::spec::SpecWriter;

/// `log(B)`: B encodes h = log₁₀(max(f, floor) / floor), and the reconstruction is floor·10^h where h > 0, zero
/// elsewhere. It is never negative, and its errors are relative; negative densities and those below the floor become
/// zero.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDensity<B: Basis> {
    inner: B,
    floor: Floor,
}

/// What was found in the logarithm, and the floor it was taken above.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDensityCoefficients<B: Basis> {
    /// The floor [s³ m⁻⁶].
    pub floor: f64,
    /// How often the root mean square of the density is twice the floor: with it a stream knows how fine the
    /// logarithm must be.
    pub octaves: u32,
    /// What the inner basis found in h.
    pub inner: B::Coefficients,
}

impl<B: Basis> LogDensity<B> {
    /// The default floor, as a fraction of the peak.
    pub const RELATIVE_FLOOR: f64 = Floor::RELATIVE;

    /// The logarithm above a floor of [`Self::RELATIVE_FLOOR`] of each distribution's peak.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, floor: Floor::default() }
    }

    /// The logarithm above a given floor [s³ m⁻⁶].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if the floor is not a positive number.
    pub fn above(inner: B, floor: f64) -> Result<Self> {
        Ok(Self { inner, floor: Floor::at(floor)? })
    }

    /// The floor, the octaves and the logarithm.
    fn prepared(&self, vdf: &Vdf) -> Result<(f64, u32, Vdf)> {
        let floor = self.floor.of(vdf, "log")?;
        Ok((floor, decades::octaves(vdf, floor), logarithm(vdf, floor)?))
    }
}

impl<B: Basis> fmt::Display for LogDensity<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let floor = self.floor.given();
        SpecWriter::new(&format!("log({})", self.inner))
            .option(floor.is_some(), "floor", format!("{:e}", floor.unwrap_or_default()))
            .write(f)
    }
}

impl<B: Basis> Basis for LogDensity<B> {
    type Coefficients = LogDensityCoefficients<B>;

    fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
        let (floor, octaves, logarithm) = self.prepared(vdf)?;
        Ok(LogDensityCoefficients { floor, octaves, inner: self.inner.encode(&logarithm)? })
    }

    fn encode_from(&self, vdf: &Vdf, start: &Self::Coefficients) -> Result<Self::Coefficients> {
        let (floor, octaves, logarithm) = self.prepared(vdf)?;
        Ok(LogDensityCoefficients { floor, octaves, inner: self.inner.encode_from(&logarithm, &start.inner)? })
    }

    fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
        Floor::at(coefficients.floor)?;
        let mut values = self.inner.reconstruct(&coefficients.inner, grid)?.into_values().into_raw_vec_and_offset().0;
        decades::to_densities(&mut values, coefficients.floor);
        Vdf::from_vec(*grid, values)
    }

    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        let (floor, octaves) = self.floor.code(coefficients.map(|c| (c.floor, c.octaves)), coder)?;
        let resolution = decades::resolution(resolution, floor, octaves);
        let inner = self.inner.code(coefficients.map(|c| &c.inner), grid, resolution, coder)?;
        Ok(LogDensityCoefficients { floor, octaves, inner })
    }

    fn rounded(
        &self,
        coefficients: &Self::Coefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<Self::Coefficients> {
        let LogDensityCoefficients { floor, octaves, .. } = *coefficients;
        let resolution = decades::resolution(resolution, floor, octaves);
        let inner = self.inner.rounded(&coefficients.inner, &logarithm(vdf, floor)?, resolution)?;
        Ok(LogDensityCoefficients { floor, octaves, inner })
    }

    fn rounded_before(&self, coefficients: &Self::Coefficients, vdf: &Vdf, steps: &[f64]) -> Option<usize> {
        let LogDensityCoefficients { floor, octaves, ref inner } = *coefficients;
        let of_logarithm = |&step: &f64| decades::resolution(Resolution::Step(step), floor, octaves).step();
        let steps: Vec<f64> = steps.iter().filter_map(of_logarithm).collect();
        self.inner.rounded_before(inner, &logarithm(vdf, floor).ok()?, &steps)
    }
}

/// h = log₁₀(max(f, floor) / floor).
fn logarithm(vdf: &Vdf, floor: f64) -> Result<Vdf> {
    Vdf::from_vec(*vdf.grid(), decades::above(vdf.as_slice(), floor))
}

impl<B: Basis> Coefficients for LogDensityCoefficients<B> {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), &mut self.floor);
        // The inner basis counts its amplitudes as densities; here they are decades.
        self.inner.visit(&mut |slot, value| {
            let quantity = match slot.quantity {
                Quantity::PhaseSpaceDensity | Quantity::NumberDensity => Quantity::Decades,
                other => other,
            };
            visitor(Slot { quantity, ..slot }, value);
        });
    }

    /// The octaves and the inner basis' own.
    fn topology_len(&self) -> usize {
        1 + self.inner.topology_len()
    }
}
