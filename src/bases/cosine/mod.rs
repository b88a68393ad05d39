//! The discrete cosine transform, of the whole grid or block by block.
//!
//! Along an axis of n cells, c_k = w_k Σ_i f_i cos(π (i + ½) k / n) with w_0 = √(1/n) and w_k = √(2/n): type II,
//! orthonormal (Ahmed, Natarajan and Rao 1974, IEEE Trans. Comput. C-23, 90; Strang 1999, SIAM Rev. 41, 135). In
//! three dimensions the products of three such cosines, so that Σ c² = Σ f² over the cells.
//!
//! ```
//! use vdf_basis::{Basis, Coefficients, Cosine, Fidelity, Selection, Vdf, VelocityGrid};
//!
//! let vdf = Vdf::from_fn(VelocityGrid::unit([16; 3])?, |[x, y, z]| (-0.02 * (x * x + y * y + z * z)).exp())?;
//! // The fewest cosines that leave an error `l2` of 1%.
//! let basis = Cosine::new().with_selection(Selection::Error(0.01))?;
//! let coefficients = basis.encode(&vdf)?;
//! assert!(coefficients.count() < 100);
//! let (block, degrees, amplitude) = coefficients.terms().next().unwrap();
//! assert_eq!((block, degrees), ([0; 3], [0; 3]));
//! assert!((amplitude - vdf.as_slice().iter().sum::<f64>() / 64.0).abs() < 1e-9);
//! let back = basis.reconstruct(&coefficients, vdf.grid())?;
//! assert!(Fidelity::compare(&vdf, &back)?.l2 <= 0.01);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod gradient;
mod moments;
mod transform;

use std::borrow::Cow;
use std::sync::Arc;

use crate::basis::choices::{Choices, spec_of};
use crate::basis::spec::Spec;
use crate::basis::{
    Basis, Coefficients, Gradient, Label, NamedBasis, Quantise, Quantity, Slot, Stream, gradient as basis_gradient,
};
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

pub use transform::Padding;
use transform::{Cut, Scratch, Table};

const NAME: &str = "cosine";
const PADDINGS: [(&str, Padding); 2] = [("mirror", Padding::Mirror), ("zeros", Padding::Zeros)];

/// The cosine basis with the user's choices. Cheap to clone; clones share their tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Cosine {
    /// Cells of a block along each axis; `usize::MAX` for the whole axis.
    block: [usize; 3],
    /// Coefficients kept of each block along each axis; `usize::MAX` for all.
    keep: [usize; 3],
    padding: Padding,
    selection: Selection,
    tables: Arc<Cache<(usize, usize), Table>>,
    scratch: Arc<Pool<Scratch>>,
}

/// Cosine coefficients of one distribution, and the positions of those that are kept.
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
        Self {
            block: [usize::MAX; 3],
            keep: [usize::MAX; 3],
            padding: Padding::default(),
            selection: Selection::default(),
            tables: Arc::new(Cache::new(8)),
            scratch: Arc::default(),
        }
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
        Self { block, ..self }.validated()
    }

    /// With only the coefficients of the lowest degrees of each block (or of the whole grid), so many along each axis.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none.
    pub fn with_kept(self, keep: [usize; 3]) -> Result<Self> {
        Self { keep, ..self }.validated()
    }

    /// With another padding of the last blocks.
    #[must_use]
    pub fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// With a selection of terms, among those kept by [`Cosine::with_kept`].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a number of terms, a threshold or a share out of range.
    pub fn with_selection(self, selection: Selection) -> Result<Self> {
        Self { selection, ..self }.validated()
    }

    fn validated(self) -> Result<Self> {
        for (name, counts, what) in [("block", self.block, "cells"), ("keep", self.keep, "coefficients")] {
            if counts.contains(&0) {
                let allowed = format!("at least one of the {what} along each axis");
                return Err(Error::parameter(name, format!("{counts:?}"), allowed));
            }
        }
        self.selection.validated()?;
        Ok(self)
    }

    fn cuts(&self, shape: [usize; 3]) -> [Cut; 3] {
        std::array::from_fn(|axis| Cut::new(shape[axis], self.block[axis], self.keep[axis]))
    }

    /// True if the coefficients alone prove that the error is at most ‖f‖.
    ///
    /// They belong to an orthonormal transform of the padded array, so that the squared error there is its Σ f² − Σ c².
    /// Padded with zeros that is at most Σ f² of the cells; padded with mirrored cells it may be more.
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

    /// Refuses a grid of another shape, and coefficients of another basis.
    fn check(&self, coefficients: &CosineCoefficients, grid: &VelocityGrid) -> Result<()> {
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

    /// [`Stream::code`], with a choice of how amplitudes are rounded.
    fn code_rounded(
        &self,
        coefficients: &mut CosineCoefficients,
        grid: &VelocityGrid,
        (resolution, rounding): (Resolution, Rounding),
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.check(coefficients, grid)?;
        let (blocks, degrees) = (coefficients.cuts.map(Cut::blocks), coefficients.cuts.map(|cut| cut.keep));
        match resolution {
            Resolution::Exact => {
                let len = coefficients.len();
                coder.kept(&mut coefficients.positions, &mut coefficients.amplitudes, len)
            }
            Resolution::Step(step) => {
                let spectrum = Spectrum { blocks, degrees, held: None };
                let kept = coder.spectrum(spectrum, &coefficients.dense(), step, rounding)?;
                (coefficients.positions, coefficients.amplitudes) = kept;
                Ok(())
            }
        }
    }
}

impl CosineCoefficients {
    /// Cells along each axis of the grid they belong to.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.cuts.map(|cut| cut.cells)
    }

    /// The terms kept: block, degrees within it, and coefficient [s³ m⁻⁶].
    pub fn terms(&self) -> impl Iterator<Item = ([usize; 3], [usize; 3], f64)> {
        let [_, ny, nz] = self.cuts.map(Cut::len);
        self.amplitudes.iter().enumerate().map(move |(index, &amplitude)| {
            let position = self.positions.as_ref().map_or(index, |positions| positions[index] as usize);
            let place = [position / (ny * nz), position / nz % ny, position % nz];
            let block = std::array::from_fn(|axis| place[axis] / self.cuts[axis].keep);
            let degrees = std::array::from_fn(|axis| place[axis] % self.cuts[axis].keep);
            (block, degrees, amplitude)
        })
    }

    /// The number of coefficients if all were kept.
    fn len(&self) -> usize {
        self.cuts.map(Cut::len).iter().product()
    }

    /// All coefficients, zeros where no term is kept.
    fn dense(&self) -> Cow<'_, [f64]> {
        match &self.positions {
            None => Cow::Borrowed(&self.amplitudes),
            Some(positions) => Cow::Owned(scattered(&self.amplitudes, positions, self.len())),
        }
    }
}

impl Coefficients for CosineCoefficients {
    /// Labelled by the degrees within the block.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        for (_, degrees, amplitude) in self.terms() {
            let label = Label::Degrees(degrees.map(|degree| degree as u32));
            visitor(Slot::new(Quantity::PhaseSpaceDensity, degrees.iter().sum()).at(label), amplitude);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.amplitudes.iter_mut().for_each(|amplitude| *amplitude *= factor);
    }

    fn topology_len(&self) -> usize {
        self.positions.as_ref().map_or(0, Vec::len)
    }

    fn count(&self) -> usize {
        self.amplitudes.len()
    }
}

impl NamedBasis for Cosine {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.per_axis("block", &mut self.block)?;
        choices.per_axis("keep", &mut self.keep)?;
        choices.one_of("padding", &mut self.padding, &PADDINGS)?;
        choices.selection(&mut self.selection)?;
        self.clone().validated().map(|_| ())
    }
}

impl Basis for Cosine {
    type Coefficients = CosineCoefficients;

    /// Blocks are padded with zeros in place of mirrored cells where the terms kept of the latter would leave an error
    /// of more than ‖f‖.
    fn encode(&self, vdf: &Vdf) -> Result<CosineCoefficients> {
        let mut shape = vdf.grid().shape();
        let cuts = self.cuts(shape);
        let (positions, amplitudes) = self.scratch.with(Scratch::bytes, |Scratch { now, next, padded }| {
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
        self.check(coefficients, grid)?;
        let cuts = coefficients.cuts;
        let mut shape = cuts.map(Cut::len);
        let mut values = Vec::new();
        let dense = coefficients.dense();
        self.scratch.with(Scratch::bytes, |Scratch { now, next, padded }| {
            for axis in [1, 0, 2] {
                let choices = (cuts[axis], &*self.table(cuts[axis]));
                let from = if axis == 1 { &dense[..] } else { &*now };
                let to = if axis == 2 { &mut values } else { &mut *next };
                transform::synthesise(from, &mut shape, axis, choices, padded, to);
                std::mem::swap(now, next);
            }
        });
        Vdf::from_vec(*grid, values)
    }

    /// In closed form: sums of cosines against powers, one axis after another.
    fn moments(&self, coefficients: &CosineCoefficients, grid: &VelocityGrid) -> Result<Moments> {
        self.check(coefficients, grid)?;
        let powers = coefficients.cuts.map(|cut| moments::powers(cut, &self.table(cut)));
        Ok(moments::assemble(&coefficients.dense(), &powers, grid))
    }

    /// Sums of sines. At the faces of the box, and of blocks, the gradient across them vanishes, and steps between blocks
    /// have no share in it.
    fn gradient(&self, coefficients: &CosineCoefficients, grid: &VelocityGrid) -> Result<Gradient> {
        self.check(coefficients, grid)?;
        let parts = [0, 1, 2].map(|axis| {
            let mut slopes = self.slopes(coefficients, axis);
            slopes.iter_mut().for_each(|slope| *slope /= grid.spacing()[axis]);
            slopes
        });
        basis_gradient::from_parts(NAME, grid, parts)
    }
}

impl Stream for Cosine {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> CosineCoefficients {
        CosineCoefficients { cuts: self.cuts(grid.shape()), positions: None, amplitudes: Vec::new() }
    }

    fn code(
        &self,
        coefficients: &mut CosineCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.code_rounded(coefficients, grid, (resolution, Rounding::Nearest), coder)
    }
}

impl Quantise for Cosine {
    /// Amplitudes whose bits cost more than the error they save are made smaller or zero; multiples of the step stay.
    fn rounded(
        &self,
        coefficients: &CosineCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<CosineCoefficients> {
        let mut rounded = coefficients.clone();
        self.code_rounded(&mut rounded, vdf.grid(), (resolution, Rounding::Cheapest), &mut Coder::writing())?;
        Ok(rounded)
    }

    fn rounding_error(&self, coefficients: &CosineCoefficients, step: f64) -> Option<f64> {
        Some(dead_zone_error(&coefficients.amplitudes, step))
    }

    fn rounded_before(
        &self,
        coefficients: &CosineCoefficients,
        _: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, CosineCoefficients)> {
        Some((step_of_multiples(&coefficients.amplitudes, steps)?, coefficients.clone()))
    }

    fn is_transform(&self) -> bool {
        self.selection == Selection::All && self.keep == [usize::MAX; 3]
    }
}

#[cfg(test)]
mod tests;
