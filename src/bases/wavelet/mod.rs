//! Wavelets: differences between neighbouring means, on coarser and coarser grids.
//!
//! The discrete wavelet transform filters each axis with a low-pass and a high-pass filter and keeps every second
//! number of each; the part that is low along all axes is transformed again, level by level (Mallat 1989, IEEE Trans.
//! Pattern Anal. Mach. Intell. 11, 674; Daubechies 1992, Ten Lectures on Wavelets). Filters, boundaries and order are
//! those of PyWavelets (Lee et al. 2019, J. Open Source Softw. 4, 1237), whose numbers these are.
//!
//! ```
//! use vdf_basis::{Basis, Coefficients, Fidelity, Selection, Vdf, VelocityGrid, Wavelet, WaveletFilter};
//!
//! let bell = |x: f64| (-0.05 * (x - 8.0).powi(2)).exp();
//! let vdf = Vdf::from_fn(VelocityGrid::unit([16; 3])?, |[x, y, z]| bell(x) * bell(y) * bell(z))?;
//! // The fewest terms that leave an error `l2` of 1%.
//! let basis = Wavelet::new(WaveletFilter::named("db4")?).with_selection(Selection::Error(0.01))?;
//! let coefficients = basis.encode(&vdf)?;
//! assert!(coefficients.count() < 400);
//! // With zeros for the terms left out; the 4³ coefficients of the approximation come first.
//! assert_eq!(coefficients.to_dense().len(), 4096);
//! let back = basis.reconstruct(&coefficients, vdf.grid())?;
//! assert!(Fidelity::compare(&vdf, &back)?.l2 <= 0.01);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod arrangement;
mod axis;
mod boundary;
mod coding;
mod coefficients;
mod filters;
mod kernels;
mod levels;
mod recovery;
mod rounding;
mod stationary;
mod transform;

use std::sync::Arc;

pub use boundary::Boundary;
pub use coefficients::WaveletCoefficients;
pub use filters::WaveletFilter;
pub use stationary::{Stationary, StationaryCoefficients};

use crate::basis::choices::{Choices, spec_of};
use crate::basis::spec::Spec;
use crate::basis::{Basis, MOST_COEFFICIENTS, NamedBasis, Quantise, Stream};
use crate::coding::{Coder, Reals, Resolution, dead_zone_error, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::cache::Cache;
use crate::numerics::multiple::no_worse_than_nothing;
use crate::numerics::pool::Pool;
use crate::numerics::scaling::normalising_factor;
use crate::numerics::selection::{Selection, gathered};

use axis::AxisLevel;
use boundary::BOUNDARIES;
use kernels::shrunk;
use transform::{Layout, Scratch, most_levels_of};

const NAME: &str = "wavelet";

/// The numbers to which coefficients are rounded.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Rounding {
    /// As they are.
    #[default]
    None,
    /// To multiples of the largest in size over 127: one signed byte each.
    Int8,
    /// To multiples of this step, in the unit of the distribution.
    Step(f64),
}

/// The wavelet basis with the user's choices. Cheap to clone; clones share their tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Wavelet {
    filter: WaveletFilter,
    boundary: Boundary,
    level: Option<usize>,
    soft: f64,
    selection: Selection,
    rounding: Rounding,
    tables: Arc<Cache<(WaveletFilter, Boundary, usize), AxisLevel>>,
    scratch: Arc<Pool<Scratch>>,
}

impl Default for Wavelet {
    /// The 9/7 pair, mirrored, as many levels as suit the distribution and the step, every term.
    fn default() -> Self {
        Self {
            filter: WaveletFilter::default(),
            boundary: Boundary::of(WaveletFilter::default()),
            level: None,
            soft: 0.0,
            selection: Selection::default(),
            rounding: Rounding::default(),
            tables: Arc::new(Cache::new(32)),
            scratch: Arc::default(),
        }
    }
}

impl Wavelet {
    /// Another filter, with its default boundary: whole-sample where the filter allows it, else
    /// periodic.
    #[must_use]
    pub fn new(filter: WaveletFilter) -> Self {
        Self { filter, boundary: Boundary::of(filter), ..Self::default() }
    }

    /// With another boundary.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for whole-sample mirrors with a filter that they do not suit.
    pub fn with_boundary(self, boundary: Boundary) -> Result<Self> {
        Self { boundary, ..self }.validated()
    }

    /// With so many levels, 0 to [`Wavelet::max_level`] of the grid that is encoded.
    #[must_use]
    pub fn with_level(self, level: usize) -> Self {
        Self { level: Some(level), ..self }
    }

    /// With the details brought nearer to zero by this much [s³ m⁻⁶], those smaller than it to zero: the soft
    /// threshold of Donoho 1995 (IEEE Trans. Inf. Theory 41, 613). The approximation stays. Details that become zero
    /// are not kept.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a threshold that is negative or not finite.
    pub fn with_soft_threshold(self, soft: f64) -> Result<Self> {
        Self { soft, ..self }.validated()
    }

    /// With a selection of terms: the hard threshold, the largest n, or as many as an error allows. (That error is
    /// measured on the coefficients: with filters that are not orthogonal, the symmetric boundary, or odd sizes it is
    /// only near that of the values.)
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a number of terms, a threshold or a share out of range.
    pub fn with_selection(self, selection: Selection) -> Result<Self> {
        Self { selection, ..self }.validated()
    }

    /// With rounded coefficients, after the selection. Where terms are selected, those rounded to zero are not kept.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a step that is not positive and finite.
    pub fn with_rounding(self, rounding: Rounding) -> Result<Self> {
        Self { rounding, ..self }.validated()
    }

    fn validated(self) -> Result<Self> {
        if self.boundary == Boundary::WholeSample && !self.filter.is_odd() {
            return Err(Error::parameter("boundary", "whole-sample", "only with filter bior2.2 or bior4.4"));
        }
        if !(self.soft >= 0.0 && self.soft.is_finite()) {
            return Err(Error::parameter("soft", self.soft, "a finite number that is not negative"));
        }
        match self.rounding {
            Rounding::Step(step) if !(step > 0.0 && step.is_finite()) => {
                return Err(Error::parameter("step", step, "a positive finite number"));
            }
            _ => {}
        }
        self.selection.validated()?;
        Ok(self)
    }

    /// The most levels a grid of this shape has room for: as often as its longest axis can be halved (rounding up)
    /// until one cell is left, and at least 1. Shorter axes take part until they are that short.
    #[must_use]
    pub fn max_level(shape: [usize; 3]) -> usize {
        most_levels_of(shape)
    }

    /// The layout on a grid of this shape with the levels that are asked for, or as many as there is room for; without any
    /// where they follow the distribution.
    fn layout(&self, shape: [usize; 3]) -> Layout {
        let levels = self.level.unwrap_or(0).min(Self::max_level(shape));
        Layout::new(shape, levels, self.boundary, self.filter.bank().len())
    }

    fn layout_with(&self, shape: [usize; 3], levels: &[levels::Axes]) -> Layout {
        Layout::with_axes(shape, levels, self.boundary, self.filter.bank().len())
    }

    /// Refuses more levels than the grid has room for, and more coefficients than a reader takes: mirrors beyond the ends
    /// of short axes make many of few cells.
    fn check_layout(&self, layout: &Layout, grid: &VelocityGrid) -> Result<()> {
        let (shape, cells) = (grid.shape(), grid.cells());
        let most = Self::max_level(shape);
        if let Some(level) = self.level.filter(|level| *level > most) {
            let [x, y, z] = shape;
            let allowed = format!("0 to {most} on a grid of {x} x {y} x {z} cells");
            return Err(Error::parameter("level", level, allowed));
        }
        let most = cells.saturating_add(MOST_COEFFICIENTS);
        if layout.len() > most {
            let made = format!("{} makes {} coefficients of {cells} cells", self.boundary.name(), layout.len());
            return Err(Error::parameter("boundary", made, format!("at most {most}; try periodic")));
        }
        Ok(())
    }

    /// Refuses a grid of another shape, and coefficients of another basis.
    fn check(&self, coefficients: &WaveletCoefficients, grid: &VelocityGrid) -> Result<()> {
        let WaveletCoefficients { filter, boundary, shape, layout, .. } = coefficients;
        if grid.shape() != *shape {
            let [x, y, z] = shape;
            return Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() });
        }
        self.check_layout(layout, grid)?;
        let other_levels = self.level.is_some() && self.layout(*shape) != *layout;
        if (*filter, *boundary) != (self.filter, self.boundary) || other_levels {
            let problem = format!("they are those of {}, {boundary:?}, unlike `{self}`", filter.name());
            return Err(Error::ForeignCoefficients(problem));
        }
        Ok(())
    }

    /// Codes the levels where they follow the distribution.
    fn code_levels(
        &self,
        coefficients: &mut WaveletCoefficients,
        grid: &VelocityGrid,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let mut levels = coefficients.layout.axes();
        coding::code_levels(grid.shape(), &mut levels, coder)?;
        if coder.is_reading() {
            let layout = self.layout_with(grid.shape(), &levels);
            self.check_layout(&layout, grid).map_err(|error| malformed(error.to_string()))?;
            coefficients.layout = layout;
        }
        Ok(())
    }

    fn table(&self, n: usize) -> Arc<AxisLevel> {
        let build = || AxisLevel::new(&self.filter.bank(), self.boundary, n);
        self.tables.get_or_build((self.filter, self.boundary, n), build)
    }
}

impl NamedBasis for Wavelet {
    const NAME: &'static str = NAME;

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        // Each filter has a boundary of its own where none is chosen.
        let mut boundary = Some(self.boundary).filter(|boundary| *boundary != Boundary::of(self.filter));
        choices.one_of("filter", &mut self.filter, &WaveletFilter::names())?;
        choices.optional_of("boundary", &mut boundary, &BOUNDARIES)?;
        self.boundary = boundary.unwrap_or(Boundary::of(self.filter));
        choices.optional("level", &mut self.level)?;
        choices.number("soft", &mut self.soft)?;
        choices.selection(&mut self.selection)?;
        let (mut named, mut step) = match self.rounding {
            Rounding::None => (None, None),
            Rounding::Int8 => (Some(Rounding::Int8), None),
            Rounding::Step(step) => (None, Some(step)),
        };
        choices.optional_of("rounding", &mut named, &[("int8", Rounding::Int8)])?;
        choices.optional("step", &mut step)?;
        self.rounding = match (named, step) {
            (named, None) => named.unwrap_or_default(),
            (None, Some(step)) => Rounding::Step(step),
            _ => return Err(choices.refused("rounding and step", "as given", "only one of them")),
        };
        self.clone().validated().map(|_| ())
    }
}

impl Basis for Wavelet {
    type Coefficients = WaveletCoefficients;

    /// Coefficients of a selection, a threshold or a rounding that would leave more than nothing does are all made smaller,
    /// as may happen to a few terms of a basis that is not orthogonal.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for more levels than the grid has room for, with the maximum, and for a symmetric
    /// boundary that makes more coefficients of short axes than a reader takes.
    fn encode(&self, vdf: &Vdf) -> Result<WaveletCoefficients> {
        /// Part of Σ c² that may be left out without a check of the error: no filter makes the squared error of a
        /// coefficient 400 times larger.
        const UNCHECKED: f64 = 2.5e-3;
        let shape = vdf.grid().shape();
        let layout = match self.level {
            Some(_) => self.layout(shape),
            None => self.layout_with(shape, &levels::of_values(shape, vdf.as_slice())),
        };
        self.check_layout(&layout, vdf.grid())?;
        let table = |n| self.table(n);
        let mut values = self.scratch.with(Scratch::bytes, |scratch| layout.analyse(vdf.as_slice(), &table, scratch));
        let mut selection = self.selection;
        let unit = normalising_factor(vdf.peak());
        let squares = |values: &[f64]| values.iter().map(|c| (c * unit) * (c * unit)).sum::<f64>();
        let chosen = selection != Selection::All || self.soft > 0.0 || self.rounding != Rounding::None;
        let all = if chosen { squares(&values) } else { 0.0 };
        if self.soft > 0.0 {
            values[layout.approximation_len()..].iter_mut().for_each(|c| *c = shrunk(*c, self.soft));
            if selection == Selection::All {
                selection = Selection::Above(0.0);
            }
        }
        let mut positions = selection.positions(&values);
        let mut amplitudes = match &positions {
            None => values,
            Some(positions) => gathered(&values, positions),
        };
        let step = match self.rounding {
            Rounding::None => None,
            Rounding::Int8 => Some(amplitudes.iter().fold(0.0, |peak: f64, c| peak.max(c.abs())) / 127.0),
            Rounding::Step(step) => Some(step),
        };
        if let Some(step) = step.filter(|step| *step > 0.0) {
            amplitudes.iter_mut().for_each(|c| *c = nearest_multiple(*c, step));
            if let Some(positions) = &mut positions {
                let mut kept = amplitudes.iter().map(|c| *c != 0.0);
                positions.retain(|_| kept.next() == Some(true));
                amplitudes.retain(|c| *c != 0.0);
            }
        }
        let (filter, boundary) = (self.filter, self.boundary);
        let is_checked = chosen && all - squares(&amplitudes) > UNCHECKED * all;
        let mut coefficients = WaveletCoefficients { filter, boundary, shape, layout, positions, amplitudes, step };
        if is_checked {
            let back = self.reconstruct(&coefficients, vdf.grid())?;
            coefficients.shrink(no_worse_than_nothing(vdf.as_slice(), back.as_slice()));
        }
        Ok(coefficients)
    }

    /// Bound to the shape of the grid: another is refused. Its place and spacing are free.
    fn reconstruct(&self, coefficients: &WaveletCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.check(coefficients, grid)?;
        let layout = &coefficients.layout;
        let table = |n| self.table(n);
        let values = self.scratch.with(Scratch::bytes, |scratch| match &coefficients.positions {
            None => layout.synthesise(&coefficients.amplitudes, &table, scratch),
            Some(positions) => layout.synthesise_sparse(positions, &coefficients.amplitudes, &table, scratch),
        });
        Vdf::from_vec(*grid, values)
    }
}

impl Stream for Wavelet {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> WaveletCoefficients {
        let shape = grid.shape();
        WaveletCoefficients {
            filter: self.filter,
            boundary: self.boundary,
            shape,
            layout: self.layout(shape),
            positions: None,
            amplitudes: Vec::new(),
            step: None,
        }
    }

    fn code(
        &self,
        coefficients: &mut WaveletCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        if let Err(error) = self.check(coefficients, grid) {
            return Err(if coder.is_reading() { malformed(error.to_string()) } else { error });
        }
        if self.level.is_none() {
            self.code_levels(coefficients, grid, coder)?;
        }
        match resolution {
            Resolution::Exact => {
                let WaveletCoefficients { layout, positions, amplitudes, step, .. } = coefficients;
                if coder.bits(u64::from(step.is_some()), 1) == 1 {
                    *step = Some(coder.real(&mut Reals::default(), step.unwrap_or_default())?);
                } else {
                    *step = None;
                }
                coder.kept(positions, amplitudes, layout.len())
            }
            Resolution::Step(step) => {
                let mut multiples = coefficients.multiples(step);
                coding::code(&coefficients.layout, &mut multiples, coder)?;
                coefficients.set_multiples(&multiples, step);
                Ok(())
            }
        }
    }
}

impl Quantise for Wavelet {
    /// Details whose bits cost more than the error they save are made smaller or zero; multiples of the step stay.
    fn rounded(
        &self,
        coefficients: &WaveletCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<WaveletCoefficients> {
        let step = match resolution {
            Resolution::Step(step) if coefficients.step != Some(step) => step,
            _ => {
                let mut rounded = coefficients.clone();
                self.code(&mut rounded, vdf.grid(), resolution, &mut Coder::writing())?;
                return Ok(rounded);
            }
        };
        self.check(coefficients, vdf.grid())?;
        Ok(self.rounded_in(&self.arranged(coefficients, vdf, step), vdf.grid(), step))
    }

    fn rounding_error(&self, coefficients: &WaveletCoefficients, step: f64) -> Option<f64> {
        Some(dead_zone_error(&coefficients.amplitudes, step))
    }

    fn rounded_before(
        &self,
        coefficients: &WaveletCoefficients,
        vdf: &Vdf,
        steps: &[f64],
    ) -> Option<(usize, WaveletCoefficients)> {
        self.rounded_to_a_step_before(coefficients, vdf, steps)
    }

    fn is_transform(&self) -> bool {
        self.selection == Selection::All && self.soft == 0.0 && self.rounding == Rounding::default()
    }
}

/// The multiple of `step` next to a value; the value itself where multiples lie closer than numbers do.
fn nearest_multiple(value: f64, step: f64) -> f64 {
    let count = value / step;
    if count.abs() < 1.0 / f64::EPSILON { count.round() * step } else { value }
}

#[cfg(test)]
mod tests;
