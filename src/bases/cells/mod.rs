//! Cells as they are: which of them hold density, and how much.
//!
//! Histograms of particles and other sparse, rough data have no smooth part for which a basis is worth its coefficients. This
//! basis keeps the values themselves. Where few different ones occur, as the multiples of the weight of one particle do, each
//! cell stores the place of its value in a table; other values are predicted from their neighbours and stored to the last
//! bit. With a bound, values become fewer or multiples of a step.
//!
//! ```
//! use vdf_basis::{Basis, Cells, Expansion, Vdf, VelocityGrid};
//!
//! // Particles of equal weight, in single precision.
//! let weight = f64::from(1.7e-13_f32);
//! let particles = |[x, y, z]: [f64; 3]| if (x * 7.0 + y * 3.0 + z * 5.0) % 31.0 < 1.0 { weight } else { 0.0 };
//! let vdf = Vdf::from_fn(VelocityGrid::unit([20; 3])?, particles)?;
//! let bytes = Expansion::encode(&Cells::default(), &vdf)?.to_bytes()?;
//! assert!(bytes.len() < 400);
//! let back = vdf_basis::Registry::standard().decode(&bytes)?.reconstruct()?;
//! assert_eq!(back, vdf);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod density;
mod exact;
mod logarithm;
mod prediction;
mod rounding;
mod symbols;
mod table;
#[cfg(test)]
mod tests;

use crate::basis::choices::{Choices, spec_of};
use crate::basis::spec::Spec;
use crate::basis::{Basis, Coefficients, Label, NamedBasis, Quantise, Quantity, Slot, Stream};
use crate::coding::{Coder, Resolution, dead_zone_error, malformed, multiple, step_of_multiples};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

use table::Table;

const NAME: &str = "cells";

/// The basis of the cells themselves. It has no choices: without a bound a stream restores every bit, also of −0 and of
/// subnormal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cells {}

/// The values of all cells. They belong to the shape of the grid they were made on, not to its place or its spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct CellsCoefficients {
    shape: [usize; 3],
    /// In C order.
    values: Vec<f64>,
    form: Form,
}

/// The form of values in a stream.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// Each by itself: to the last bit, or as a multiple of the step of the stream.
    Single,
    /// Multiples of this step.
    Steps(f64),
    /// As places in a table of the different values.
    Places(Table),
}

impl CellsCoefficients {
    /// Densities in C order [s³ m⁻⁶].
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of different magnitudes in the table of the values; `None` if they are stored without one.
    #[must_use]
    pub fn different(&self) -> Option<usize> {
        match &self.form {
            Form::Places(table) => Some(table.len()),
            Form::Single | Form::Steps(_) => None,
        }
    }

    /// The values of a distribution, with a table if few of them are different.
    fn with_table(vdf: &Vdf) -> Self {
        let values = vdf.as_slice().to_vec();
        let form = Table::of(&values).map_or(Form::Single, Form::Places);
        Self { shape: vdf.grid().shape(), values, form }
    }

    /// Codes the values as places in a table, which was coded before.
    fn code_places(&mut self, table: &Table, coder: &mut Coder<'_>) -> Result<()> {
        let mut places: Vec<i64> = self.values.iter().map(|value| table.place(*value)).collect();
        symbols::code(self.shape, &mut places, coder)?;
        if !coder.is_reading() {
            return Ok(());
        }
        for (value, place) in self.values.iter_mut().zip(&places) {
            *value = table.value(*place).ok_or_else(|| malformed(format!("the place {place} of a table")))?;
        }
        if table.is_used(&places) { Ok(()) } else { Err(malformed("a table of values that do not occur")) }
    }

    /// Codes the values as multiples of a step.
    fn code_steps(&mut self, step: f64, coder: &mut Coder<'_>) -> Result<()> {
        let mut multiples: Vec<i64> = self.values.iter().map(|value| multiple(*value, step)).collect();
        symbols::code(self.shape, &mut multiples, coder)?;
        for (value, multiple) in self.values.iter_mut().zip(multiples) {
            *value = multiple as f64 * step;
            if !value.is_finite() {
                return Err(coder.refusal(NAME, format!("{multiple} steps of {step:e} are beyond the range of f64")));
            }
        }
        Ok(())
    }

    /// True if places in the table are shorter than the values to the last bit, judged by the fullest planes.
    fn are_places_shorter(&self, table: &Table) -> Result<bool> {
        /// Most cells of these planes, unless one plane has more: a tenth of a usual grid.
        const TRIED: usize = 1 << 14;
        let part = self.fullest(TRIED);
        let share = part.values.len() as f64 / self.values.len() as f64;
        let [mut whole, mut places, mut single] = [(); 3].map(|()| Coder::writing());
        table.clone().code(self.values.len(), &mut whole)?;
        part.clone().code_places(table, &mut places)?;
        exact::code(part.shape, &mut part.values.clone(), &mut single)?;
        Ok(places.len() as f64 + share * whole.len() as f64 <= single.len() as f64)
    }

    /// The neighbouring planes in which most cells hold a value, as many as have `most` cells.
    fn fullest(&self, most: usize) -> Self {
        let [nx, ny, nz] = self.shape;
        let plane = ny * nz;
        let planes = (most / plane).clamp(1, nx);
        let occupied = |plane: &[f64]| plane.iter().filter(|value| value.to_bits() != 0).count();
        let counts: Vec<usize> = self.values.chunks(plane).map(occupied).collect();
        let begin = (0..=nx - planes).max_by_key(|&x| counts[x..x + planes].iter().sum::<usize>()).unwrap_or(0);
        let values = self.values[begin * plane..(begin + planes) * plane].to_vec();
        Self { shape: [planes, ny, nz], values, form: self.form.clone() }
    }

    fn code(&mut self, resolution: Resolution, coder: &mut Coder<'_>) -> Result<()> {
        let mut table = match &self.form {
            Form::Places(table) => Some(table.clone()),
            Form::Single | Form::Steps(_) => None,
        };
        if coder.bits(u64::from(table.is_some()), 1) == 1 {
            let table = table.get_or_insert_default();
            table.code(self.values.len(), coder)?;
            self.form = Form::Places(table.clone());
            return self.code_places(table, coder);
        }
        match resolution {
            Resolution::Exact => {
                self.form = Form::Single;
                exact::code(self.shape, &mut self.values, coder)
            }
            Resolution::Step(step) => {
                self.form = Form::Steps(step);
                self.code_steps(step, coder)
            }
        }
    }
}

impl Cells {
    /// Refuses a grid of another shape.
    fn check(coefficients: &CellsCoefficients, grid: &VelocityGrid) -> Result<()> {
        if grid.shape() == coefficients.shape {
            return Ok(());
        }
        let [x, y, z] = coefficients.shape;
        Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() })
    }
}

/// True for a step of a stream, which is a power of 2^(1/64): its multiples are those of a distribution that was decoded.
fn is_step(quantum: f64) -> bool {
    const DIGITS: f64 = 1e-8;
    let exponent = 64.0 * quantum.log2();
    (exponent - exponent.round()).abs() < DIGITS
}

impl NamedBasis for Cells {
    const NAME: &'static str = NAME;

    fn choose(&mut self, _: &mut Choices<'_>) -> Result<()> {
        Ok(())
    }
}

impl Basis for Cells {
    type Coefficients = CellsCoefficients;

    fn encode(&self, vdf: &Vdf) -> Result<CellsCoefficients> {
        let mut found = CellsCoefficients::with_table(vdf);
        if let Form::Places(table) = &found.form
            && !found.are_places_shorter(table)?
        {
            found.form = Form::Single;
        }
        Ok(found)
    }

    /// Bound to the shape of the grid: another is refused. Its place and spacing are free.
    fn reconstruct(&self, coefficients: &CellsCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        Self::check(coefficients, grid)?;
        Vdf::from_vec(*grid, coefficients.values.clone())
    }
}

impl Stream for Cells {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> CellsCoefficients {
        CellsCoefficients { shape: grid.shape(), values: vec![0.0; grid.cells()], form: Form::Single }
    }

    fn code(
        &self,
        coefficients: &mut CellsCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        Self::check(coefficients, grid)?;
        coefficients.code(resolution, coder)
    }
}

impl Quantise for Cells {
    /// With a table of multiples of a quantum, or of a few values. Others are rounded to steps, which repeated encodings keep.
    fn encode_to_round(&self, vdf: &Vdf) -> Result<CellsCoefficients> {
        /// Most values that are no multiples of a quantum.
        const FEW: usize = 12;
        let mut found = CellsCoefficients::with_table(vdf);
        if let Form::Places(table) = &found.form
            && table.quantum().map_or(table.len() > FEW, is_step)
        {
            found.form = Form::Single;
        }
        Ok(found)
    }

    /// Values whose bits cost more than the error they save become smaller or zero. Those of a table remain exact, or become
    /// another one of it.
    fn rounded(
        &self,
        coefficients: &CellsCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<CellsCoefficients> {
        Self::check(coefficients, vdf.grid())?;
        match resolution {
            Resolution::Step(step) if coefficients.form != Form::Steps(step) => rounding::rounded(coefficients, step),
            _ => Ok(coefficients.clone()),
        }
    }

    fn rounding_error(&self, coefficients: &CellsCoefficients, step: f64) -> Option<f64> {
        match coefficients.form {
            Form::Places(_) => Some(rounding::dropping_error(&coefficients.values, step)),
            Form::Single | Form::Steps(_) => Some(dead_zone_error(&coefficients.values, step)),
        }
    }

    /// Values of a table must be multiples to nearly the last digit: those of a quantum are near multiples of many steps.
    fn rounded_before(
        &self,
        coefficients: &CellsCoefficients,
        _: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, CellsCoefficients)> {
        let index = match &coefficients.form {
            Form::Places(table) => steps.iter().position(|step| table.holds_multiples_of(*step)),
            Form::Single | Form::Steps(_) => step_of_multiples(&coefficients.values, steps),
        }?;
        Some((index, coefficients.clone()))
    }
}

impl Coefficients for CellsCoefficients {
    /// The values that are not zero.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        for (cell, value) in (0..).zip(&self.values).filter(|(_, value)| value.to_bits() != 0) {
            visitor(Slot::new(Quantity::PhaseSpaceDensity, 0).at(Label::Index(cell)), *value);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|value| *value *= factor);
        self.form = match self.form {
            Form::Places(_) => Table::of(&self.values).map_or(Form::Single, Form::Places),
            Form::Single | Form::Steps(_) => Form::Single,
        };
    }

    /// The positions of the values that are not zero.
    fn topology_len(&self) -> usize {
        self.count()
    }
}
