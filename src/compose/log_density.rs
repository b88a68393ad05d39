//! A basis for the logarithm of the density.

use std::f64::consts::LN_10;
use std::fmt;

use crate::basis::{Basis, Coefficients, Quantity, Slot};
use crate::coding::{Coder, Reals, Resolution, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::spec::SpecWriter;

/// `log(B)`: B encodes h = log₁₀(max(f, floor) / floor), and the reconstruction is floor·10^h where h > 0, zero
/// elsewhere. It is never negative, and its errors are relative; negative densities and those below the floor become
/// zero.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDensity<B: Basis> {
    inner: B,
    floor: Option<f64>,
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
    pub const RELATIVE_FLOOR: f64 = 1e-6;

    /// The logarithm above a floor of [`Self::RELATIVE_FLOOR`] of each distribution's peak.
    #[must_use]
    pub fn new(inner: B) -> Self {
        Self { inner, floor: None }
    }

    /// The logarithm above a given floor [s³ m⁻⁶].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the floor is not a positive number.
    pub fn above(inner: B, floor: f64) -> Result<Self> {
        if !(floor > 0.0 && floor.is_finite()) {
            return Err(Error::InvalidParameter {
                name: "floor",
                value: floor.to_string(),
                allowed: "a positive phase-space density".to_owned(),
            });
        }
        Ok(Self { inner, floor: Some(floor) })
    }

    /// The floor, the octaves and the logarithm.
    fn prepared(&self, vdf: &Vdf) -> Result<(f64, u32, Vdf)> {
        let peak = vdf.as_slice().iter().fold(0.0, |peak, &f| f64::max(peak, f));
        let floor = match self.floor {
            Some(floor) => floor,
            // No positive density: any floor leaves h = 0.
            None if peak == 0.0 => 1.0,
            None => (Self::RELATIVE_FLOOR * peak).max(f64::MIN_POSITIVE),
        };
        if peak > 0.0 && peak <= floor {
            let reason = format!("no density is above the floor, {floor:e}; the largest is {peak:e}");
            return Err(Error::Degenerate { basis: "log", reason });
        }
        let above = |f: &f64| (f.max(floor) / peak.max(floor)).powi(2);
        let square = vdf.as_slice().iter().map(above).sum::<f64>() / vdf.grid().cells() as f64;
        let octaves = (peak.max(floor).log2() - floor.log2() + 0.5 * square.log2()).round().max(0.0) as u32;
        Ok((floor, octaves, logarithm(vdf, floor)?))
    }
}

impl<B: Basis> fmt::Display for LogDensity<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let floor = self.floor.unwrap_or_default();
        SpecWriter::new(&format!("log({})", self.inner))
            .option(self.floor.is_some(), "floor", format!("{floor:e}"))
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
        let mut values = self.inner.reconstruct(&coefficients.inner, grid)?.into_values();
        // Added to the exponent, so that a floor of 1e-300 under a peak of 1e300 does not overflow on the way.
        let floor = coefficients.floor.log10();
        values.mapv_inplace(|h| if h > 0.0 { f64::powf(10.0, h + floor) } else { 0.0 });
        Vdf::new(*grid, values)
    }

    fn code(
        &self,
        coefficients: Option<&Self::Coefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Self::Coefficients> {
        let floor = match self.floor {
            Some(floor) => floor,
            None => coder.real(&mut Reals::default(), coefficients.map_or(1.0, |c| c.floor))?,
        };
        let octaves = coder.count(coefficients.map_or(0, |c| c.octaves as usize), MOST_OCTAVES)? as u32;
        if floor <= 0.0 {
            return Err(malformed(format!("a floor of {floor}")));
        }
        let resolution = of_logarithm(resolution, floor, octaves);
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
        let resolution = of_logarithm(resolution, floor, octaves);
        let inner = self.inner.rounded(&coefficients.inner, &logarithm(vdf, floor)?, resolution)?;
        Ok(LogDensityCoefficients { floor, octaves, inner })
    }
}

/// h = log₁₀(max(f, floor) / floor).
fn logarithm(vdf: &Vdf, floor: f64) -> Result<Vdf> {
    Vdf::new(*vdf.grid(), vdf.values().mapv(|f| f.max(floor).log10() - floor.log10()))
}

/// A change of h changes f by f ln 10 times as much: spread over all cells, by ln 10 times the root mean square of f.
fn of_logarithm(resolution: Resolution, floor: f64, octaves: u32) -> Resolution {
    match resolution {
        Resolution::Exact => Resolution::Exact,
        Resolution::Step(step) => Resolution::Step(step / floor / LN_10 * 0.5f64.powi(octaves as i32)),
    }
}

/// The whole range of f64.
const MOST_OCTAVES: usize = 2100;

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
