//! The discrete cosine transform, of the whole grid or block by block.
//!
//! Along an axis of n cells, c_k = w_k Σ_i f_i cos(π (i + ½) k / n) with w_0 = √(1/n) and w_k = √(2/n): type II,
//! orthonormal (Ahmed, Natarajan and Rao 1974, IEEE Trans. Comput. C-23, 90; Strang 1999, SIAM Rev. 41, 135). In
//! three dimensions the products of three such cosines, so that Σ c² = Σ f² over the cells.

mod moments;
mod transform;

use std::fmt;
use std::sync::Arc;

use crate::basis::{Basis, Coefficients, NamedBasis, Quantity, Slot};
use crate::coding::{Coder, Resolution, Rounding, Spectrum, dead_zone_error, step_of_multiples};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::cache::Cache;
use crate::numerics::multiple::no_worse_than_nothing;
use crate::numerics::pool::Pool;
use crate::numerics::scaling::normalising_factor;
use crate::numerics::selection::{Selection, gathered, scattered};
use crate::spec::{Options, SpecWriter};

use transform::{Cut, Room, Table};

const NAME: &str = "cosine";

/// What stands in the last block of an axis behind the last cell. It is not part of the distribution and is cut off
/// again, but where terms are left out it decides how well the others describe the cells beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Padding {
    /// The cells before the edge, mirrored: no jump at the edge.
    #[default]
    Mirror,
    /// Zeros.
    Zeros,
}

/// The cosine basis with the user's choices. Cheap to clone; clones share their tables.
#[derive(Clone)]
pub struct Cosine {
    block: Option<[usize; 3]>,
    keep: Option<[usize; 3]>,
    padding: Padding,
    selection: Selection,
    tables: Arc<Cache<(usize, usize), Table>>,
    room: Arc<Pool<Room>>,
}

/// Cosine coefficients of one distribution, and which of them they are.
///
/// They belong to the shape of the grid they were made on, not to its place or its spacing.
#[derive(Debug, Clone, PartialEq)]
pub struct CosineCoefficients {
    cuts: [Cut; 3],
    /// Positions in the C-order array of all coefficients, ascending; none if all are kept.
    positions: Option<Vec<u32>>,
    amplitudes: Vec<f64>,
}

impl Default for Cosine {
    /// The whole grid, every term.
    fn default() -> Self {
        let (padding, selection) = (Padding::default(), Selection::default());
        Self { block: None, keep: None, padding, selection, tables: Arc::new(Cache::new(8)), room: Arc::default() }
    }
}

impl Cosine {
    /// The transform of the whole grid.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// In blocks of so many cells along each axis; a block longer than an axis is as long as the axis.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for blocks without cells.
    pub fn with_blocks(self, block: [usize; 3]) -> Result<Self> {
        Ok(Self { block: Some(positive("block", block, "cells")?), ..self })
    }

    /// With only the coefficients of the lowest degrees of each block (or of the whole grid), so many along each axis.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none.
    pub fn with_kept(self, keep: [usize; 3]) -> Result<Self> {
        Ok(Self { keep: Some(positive("keep", keep, "coefficients")?), ..self })
    }

    /// With another padding of the last blocks.
    #[must_use]
    pub fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// With a selection of terms, among those kept by [`Cosine::with_kept`].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a selection whose number makes no sense.
    pub fn with_selection(self, selection: Selection) -> Result<Self> {
        match selection.problem() {
            None => Ok(Self { selection, ..self }),
            Some((name, value, allowed)) => Err(Error::InvalidParameter { name, value, allowed: allowed.to_owned() }),
        }
    }

    fn cuts(&self, shape: [usize; 3]) -> [Cut; 3] {
        std::array::from_fn(|axis| {
            Cut::new(shape[axis], self.block.map(|block| block[axis]), self.keep.map(|keep| keep[axis]))
        })
    }

    /// Whether the coefficients themselves say that they leave no more than Σ f².
    ///
    /// They are those of an orthonormal transform of the padded array: what they leave there is its Σ f² less theirs. Padded
    /// with zeros that is never more than Σ f² of the cells; mirrored, it may be.
    fn is_bounded(&self, vdf: &Vdf, coefficients: &CosineCoefficients) -> bool {
        let CosineCoefficients { cuts, amplitudes, .. } = coefficients;
        if self.padding == Padding::Zeros || cuts.iter().all(|cut| cut.padded() == cut.cells) {
            return true;
        }
        let unit = normalising_factor(vdf.peak());
        let [x, y, z] = cuts.map(Cut::appearances);
        let (mut once, mut padded) = (0.0, 0.0);
        for (row, values) in vdf.as_slice().chunks_exact(z.len()).enumerate() {
            let times = x[row / y.len()] * y[row % y.len()];
            for (f, z) in values.iter().zip(&z) {
                let square = (f * unit) * (f * unit);
                once += square;
                padded += times * z * square;
            }
        }
        let held: f64 = amplitudes.iter().map(|c| (c * unit) * (c * unit)).sum();
        padded - held <= once
    }

    fn table(&self, cut: Cut) -> Arc<Table> {
        self.tables.get_or_build(Table::key(cut), || Table::new(cut))
    }

    /// The coefficients' own grid and basis, or the error that says they are not.
    fn own(&self, coefficients: &CosineCoefficients, grid: &VelocityGrid) -> Result<()> {
        let shape = coefficients.shape();
        if grid.shape() != shape {
            let [x, y, z] = shape;
            return Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() });
        }
        if self.cuts(shape) != coefficients.cuts {
            let problem = format!("they are those of {:?}, unlike `{self}`", coefficients.cuts);
            return Err(Error::ForeignCoefficients(problem));
        }
        Ok(())
    }
}

fn positive(name: &'static str, counts: [usize; 3], what: &str) -> Result<[usize; 3]> {
    if counts.contains(&0) {
        let allowed = format!("at least one of the {what} along each axis");
        return Err(Error::InvalidParameter { name, value: format!("{counts:?}"), allowed });
    }
    Ok(counts)
}

impl CosineCoefficients {
    /// Cells along each axis of the grid they belong to.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.cuts.map(|cut| cut.cells)
    }

    /// The terms kept: block, degrees within it, and coefficient [s³ m⁻⁶].
    pub fn terms(&self) -> impl Iterator<Item = ([usize; 3], [usize; 3], f64)> {
        self.amplitudes.iter().enumerate().map(|(index, &amplitude)| {
            let position = self.position(index);
            let term = term(&self.cuts, position);
            let block = std::array::from_fn(|axis| term[axis] / self.cuts[axis].keep);
            (block, degrees(&self.cuts, position), amplitude)
        })
    }

    fn position(&self, index: usize) -> usize {
        self.positions.as_ref().map_or(index, |positions| positions[index] as usize)
    }

    /// All coefficients, zeros where no term is kept.
    fn array(&self) -> Vec<f64> {
        match &self.positions {
            None => self.amplitudes.clone(),
            Some(positions) => scattered(&self.amplitudes, positions, self.cuts.map(Cut::len).iter().product()),
        }
    }
}

/// Where a position lies in the array of all coefficients.
fn term(cuts: &[Cut; 3], position: usize) -> [usize; 3] {
    let [_, ny, nz] = cuts.map(Cut::len);
    [position / (ny * nz), position / nz % ny, position % nz]
}

/// The degrees of the cosines of a position, within its block.
fn degrees(cuts: &[Cut; 3], position: usize) -> [usize; 3] {
    let term = term(cuts, position);
    std::array::from_fn(|axis| term[axis] % cuts[axis].keep)
}

impl Coefficients for CosineCoefficients {
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        for index in 0..self.amplitudes.len() {
            let degree = degrees(&self.cuts, self.position(index)).iter().sum();
            visitor(Slot::new(Quantity::PhaseSpaceDensity, degree), &mut self.amplitudes[index]);
        }
    }

    fn topology_len(&self) -> usize {
        self.positions.as_ref().map_or(0, Vec::len)
    }

    fn count(&self) -> usize {
        self.amplitudes.len()
    }
}

impl Basis for Cosine {
    type Coefficients = CosineCoefficients;

    /// Padded with zeros after all where what is left out of mirrored blocks leaves more than nothing would.
    fn encode(&self, vdf: &Vdf) -> Result<CosineCoefficients> {
        let mut shape = vdf.grid().shape();
        let cuts = self.cuts(shape);
        let (positions, amplitudes) = self.room.lend(Room::bytes, |Room { now, next, padded }| {
            // The last axis first: its rows are contiguous, and what is left out makes the others shorter.
            for axis in [2, 0, 1] {
                let choices = (cuts[axis], &*self.table(cuts[axis]), self.padding);
                let values = if axis == 2 { vdf.as_slice() } else { &now[..] };
                transform::analyse(values, &mut shape, axis, choices, padded, next);
                std::mem::swap(now, next);
            }
            let positions = self.selection.positions(now);
            let amplitudes = positions.as_ref().map_or_else(|| now.clone(), |positions| gathered(now, positions));
            (positions, amplitudes)
        });
        let coefficients = CosineCoefficients { cuts, positions, amplitudes };
        if !self.is_bounded(vdf, &coefficients) {
            let back = self.reconstruct(&coefficients, vdf.grid())?;
            if no_worse_than_nothing(vdf.as_slice(), back.as_slice()) < 1.0 {
                return self.clone().with_padding(Padding::Zeros).encode(vdf);
            }
        }
        Ok(coefficients)
    }

    /// Bound to the shape of the grid: another is refused. Its place and spacing are free.
    fn reconstruct(&self, coefficients: &CosineCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.own(coefficients, grid)?;
        let cuts = coefficients.cuts;
        let mut shape = cuts.map(Cut::len);
        let mut values = Vec::new();
        self.room.lend(Room::bytes, |Room { now, next, padded }| {
            let scattered = coefficients.positions.as_ref().map(|_| coefficients.array());
            for axis in [1, 0, 2] {
                let choices = (cuts[axis], &*self.table(cuts[axis]));
                let from = if axis == 1 { scattered.as_ref().unwrap_or(&coefficients.amplitudes) } else { &*now };
                let to = if axis == 2 { &mut values } else { &mut *next };
                transform::synthesise(from, &mut shape, axis, choices, padded, to);
                std::mem::swap(now, next);
            }
        });
        Vdf::from_vec(*grid, values)
    }

    /// In closed form: sums of cosines against powers, one axis after another.
    fn moments(&self, coefficients: &CosineCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.own(coefficients, grid)?;
        let powers = coefficients.cuts.map(|cut| moments::powers(cut, &self.table(cut)));
        Ok(moments::assemble(&coefficients.array(), &powers, grid))
    }

    fn code(
        &self,
        coefficients: Option<&CosineCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<CosineCoefficients> {
        coefficients.map_or(Ok(()), |coefficients| self.own(coefficients, grid))?;
        let cuts = self.cuts(grid.shape());
        let len = cuts.map(Cut::len).iter().product();
        let (positions, amplitudes) = match resolution {
            Resolution::Exact => coder.kept(coefficients.map(|c| (c.positions.as_deref(), &c.amplitudes[..])), len)?,
            Resolution::Step(step) => {
                let array = coefficients.map(CosineCoefficients::array);
                coder.spectrum(spectrum(&cuts), array.as_deref(), step, Rounding::Nearest)?
            }
        };
        Ok(CosineCoefficients { cuts, positions, amplitudes })
    }

    /// What costs more bits than it mends is made smaller or zero; what is rounded already stays.
    fn rounded(
        &self,
        coefficients: &CosineCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<CosineCoefficients> {
        let mut coder = Coder::writing();
        let Resolution::Step(step) = resolution else {
            return self.code(Some(coefficients), vdf.grid(), resolution, &mut coder);
        };
        self.own(coefficients, vdf.grid())?;
        let cuts = coefficients.cuts;
        let (positions, amplitudes) =
            coder.spectrum(spectrum(&cuts), Some(&coefficients.array()), step, Rounding::Cheapest)?;
        Ok(CosineCoefficients { cuts, positions, amplitudes })
    }

    fn rounding_error(&self, coefficients: &CosineCoefficients, step: f64) -> Option<f64> {
        Some(dead_zone_error(&coefficients.amplitudes, step))
    }

    fn rounded_before(&self, coefficients: &CosineCoefficients, _: &Vdf, steps: &[f64]) -> Option<usize> {
        step_of_multiples(&coefficients.amplitudes, steps)
    }
}

/// Blocks and the degrees of each.
fn spectrum(cuts: &[Cut; 3]) -> Spectrum<'static> {
    Spectrum { blocks: cuts.map(Cut::blocks), degrees: cuts.map(|cut| cut.keep), held: None }
}

impl PartialEq for Cosine {
    fn eq(&self, other: &Self) -> bool {
        let choices = |c: &Self| (c.block, c.keep, c.padding, c.selection);
        choices(self) == choices(other)
    }
}

impl fmt::Debug for Cosine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosine({self})")
    }
}

impl fmt::Display for Cosine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spec = SpecWriter::new(NAME);
        for (key, counts) in [("block", self.block), ("keep", self.keep)] {
            if let Some([x, y, z]) = counts {
                let text = if x == y && y == z { x.to_string() } else { format!("{x}/{y}/{z}") };
                spec = spec.option(true, key, text);
            }
        }
        spec = spec.option(self.padding == Padding::Zeros, "padding", "zeros");
        match self.selection {
            Selection::All => spec,
            Selection::Largest(terms) => spec.option(true, "terms", terms),
            Selection::Above(threshold) => spec.option(true, "threshold", format!("{threshold:e}")),
            Selection::Error(share) => spec.option(true, "discard", share),
        }
        .write(f)
    }
}

impl NamedBasis for Cosine {
    const NAME: &'static str = NAME;

    fn from_options(options: &mut Options<'_>) -> Result<Self> {
        let mut basis = Self::default();
        if let Some(block) = counts(options, "block")? {
            basis = basis.with_blocks(block)?;
        }
        if let Some(keep) = counts(options, "keep")? {
            basis = basis.with_kept(keep)?;
        }
        let paddings = [("mirror", Padding::Mirror), ("zeros", Padding::Zeros)];
        basis.padding = options.choice("padding", &paddings)?.unwrap_or_default();
        let selection = match (options.number("terms")?, options.number("threshold")?, options.number("discard")?) {
            (None, None, None) => Selection::All,
            (Some(terms), None, None) => Selection::Largest(terms),
            (None, Some(threshold), None) => Selection::Above(threshold),
            (None, None, Some(share)) => Selection::Error(share),
            _ => return Err(options.refused("terms, threshold and discard", "as given", "only one of them")),
        };
        basis.with_selection(selection)
    }
}

/// One number for all axes, or three written x/y/z.
fn counts(options: &mut Options<'_>, key: &'static str) -> Result<Option<[usize; 3]>> {
    let Some(text) = options.text(key) else { return Ok(None) };
    let counts: Option<Vec<usize>> = text.split('/').map(|part| part.parse().ok()).collect();
    match counts.as_deref() {
        Some([count]) => Ok(Some([*count; 3])),
        Some([x, y, z]) => Ok(Some([*x, *y, *z])),
        _ => Err(options.refused(key, text, "one whole number or three written x/y/z")),
    }
}

#[cfg(test)]
mod tests;
