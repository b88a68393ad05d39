//! Wavelets: differences between neighbouring means, on coarser and coarser grids.
//!
//! The discrete wavelet transform filters each axis with a low-pass and a high-pass filter and keeps every second
//! number of each; the part that is low along all axes is transformed again, level by level (Mallat 1989, IEEE Trans.
//! Pattern Anal. Mach. Intell. 11, 674; Daubechies 1992, Ten Lectures on Wavelets). Filters, boundaries and order are
//! those of PyWavelets (Lee et al. 2019, J. Open Source Softw. 4, 1237), whose numbers these are.

mod axis;
mod boundary;
mod coding;
mod coefficients;
mod filters;
mod kernels;
mod rounding;
mod spec;
mod stationary;
mod transform;

use std::fmt;
use std::sync::Arc;

pub use boundary::Boundary;
pub use coefficients::WaveletCoefficients;
pub use filters::WaveletFilter;
pub use stationary::{Stationary, StationaryCoefficients};

use crate::basis::{Basis, MOST_COEFFICIENTS};
use crate::coding::{Coder, Reals, Resolution, dead_zone_error, malformed, step_of_multiples};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::cache::Cache;
use crate::numerics::multiple::no_worse_than_nothing;
use crate::numerics::pool::Pool;
use crate::numerics::scaling::normalising_factor;
use crate::numerics::selection::{Selection, gathered};

use axis::AxisLevel;
use coding::Multiples;
use transform::{Layout, Room, most_levels};

const NAME: &str = "wavelet";

/// To which numbers coefficients are rounded.
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
#[derive(Clone)]
pub struct Wavelet {
    filter: WaveletFilter,
    boundary: Boundary,
    level: Option<usize>,
    soft: f64,
    selection: Selection,
    rounding: Rounding,
    tables: Arc<Cache<(WaveletFilter, Boundary, usize), AxisLevel>>,
    room: Arc<Pool<Room>>,
}

impl Default for Wavelet {
    /// The 9/7 pair, mirrored, two levels where the grid has room for them, every term.
    fn default() -> Self {
        Self {
            filter: WaveletFilter::default(),
            boundary: Boundary::of(WaveletFilter::default()),
            level: None,
            soft: 0.0,
            selection: Selection::default(),
            rounding: Rounding::default(),
            tables: Arc::new(Cache::new(24)),
            room: Arc::default(),
        }
    }
}

impl Wavelet {
    /// Levels where none are asked for and the grid has room for them.
    pub const DEFAULT_LEVELS: usize = 2;

    /// Another filter, with the default levels and its default boundary: whole-sample where the filter allows it, else
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
        if boundary == Boundary::WholeSample && !self.filter.is_odd() {
            let (value, allowed) = ("whole-sample".to_owned(), "only with filter bior2.2 or bior4.4".to_owned());
            return Err(Error::InvalidParameter { name: "boundary", value, allowed });
        }
        Ok(Self { boundary, ..self })
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
        if soft >= 0.0 && soft.is_finite() {
            return Ok(Self { soft, ..self });
        }
        let allowed = "a finite number that is not negative".to_owned();
        Err(Error::InvalidParameter { name: "soft", value: soft.to_string(), allowed })
    }

    /// With a selection of terms: the hard threshold, the largest n, or as many as an error allows. (That error is
    /// measured on the coefficients: with filters that are not orthogonal, the symmetric boundary, or odd sizes it is
    /// only near that of the values.)
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a selection whose number makes no sense.
    pub fn with_selection(self, selection: Selection) -> Result<Self> {
        match selection.problem() {
            None => Ok(Self { selection, ..self }),
            Some((name, value, allowed)) => Err(Error::InvalidParameter { name, value, allowed: allowed.to_owned() }),
        }
    }

    /// With rounded coefficients, after the selection. Where terms are selected, those rounded to zero are not kept.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a step that is not positive and finite.
    pub fn with_rounding(self, rounding: Rounding) -> Result<Self> {
        match rounding {
            Rounding::Step(step) if !(step > 0.0 && step.is_finite()) => Err(Error::InvalidParameter {
                name: "step",
                value: step.to_string(),
                allowed: "a positive finite number".to_owned(),
            }),
            _ => Ok(Self { rounding, ..self }),
        }
    }

    /// The most levels a grid of this shape has room for: as often as its longest axis can be halved (rounding up)
    /// until one cell is left, and at least 1. Shorter axes take part until they are that short.
    #[must_use]
    pub fn max_level(shape: [usize; 3]) -> usize {
        shape.into_iter().map(most_levels).fold(1, usize::max)
    }

    fn layout(&self, shape: [usize; 3]) -> Result<Layout> {
        let most = Self::max_level(shape);
        let levels = self.level.unwrap_or(Self::DEFAULT_LEVELS.min(most));
        if levels > most {
            let [x, y, z] = shape;
            return Err(Error::InvalidParameter {
                name: "level",
                value: levels.to_string(),
                allowed: format!("0 to {most} on a grid of {x} x {y} x {z} cells"),
            });
        }
        Ok(Layout::new(shape, levels, self.boundary, self.filter.bank().len()))
    }

    /// The coefficients' own grid and basis, or the error that says they are not.
    fn own(&self, coefficients: &WaveletCoefficients, grid: &VelocityGrid) -> Result<()> {
        let WaveletCoefficients { filter, boundary, shape, layout, .. } = coefficients;
        if grid.shape() != *shape {
            let [x, y, z] = shape;
            return Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() });
        }
        if (*filter, *boundary) != (self.filter, self.boundary) || self.layout(*shape)? != *layout {
            let problem = format!("they are those of {}, {boundary:?}, unlike `{self}`", filter.name());
            return Err(Error::ForeignCoefficients(problem));
        }
        Ok(())
    }

    /// Mirrors beyond the ends of short axes make many coefficients of few cells: refused, before any is worked out, where a
    /// stream of them would not be read.
    fn check_len(&self, layout: &Layout, grid: &VelocityGrid) -> Result<()> {
        let most = grid.cells().saturating_add(MOST_COEFFICIENTS);
        if layout.len() <= most {
            return Ok(());
        }
        let made = format!("{} makes {} coefficients of {} cells", self.boundary.name(), layout.len(), grid.cells());
        Err(Error::InvalidParameter { name: "boundary", value: made, allowed: format!("at most {most}; try periodic") })
    }

    fn table(&self, n: usize) -> Arc<AxisLevel> {
        let build = || AxisLevel::new(&self.filter.bank(), self.boundary, n);
        self.tables.get_or_build((self.filter, self.boundary, n), build)
    }
}

impl Basis for Wavelet {
    type Coefficients = WaveletCoefficients;

    /// Where so much is left out that the rest would be worse than nothing, as a few terms of a basis that is not
    /// orthogonal may be, all of the rest is made smaller.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for more levels than the grid has room for, with how many that are, and for a symmetric
    /// boundary that makes more coefficients of short axes than a reader takes.
    fn encode(&self, vdf: &Vdf) -> Result<WaveletCoefficients> {
        /// Part of Σ f² that may be left out unseen: no filter makes the error of a coefficient this much larger.
        const UNSEEN: f64 = 2.5e-3;
        let shape = vdf.grid().shape();
        let layout = self.layout(shape)?;
        self.check_len(&layout, vdf.grid())?;
        let table = |n| self.table(n);
        let mut values = self.room.lend(Room::bytes, |room| layout.analyse(vdf.as_slice(), &table, room));
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
        let much = chosen && all - squares(&amplitudes) > UNSEEN * all;
        let mut coefficients = WaveletCoefficients { filter, boundary, shape, layout, positions, amplitudes, step };
        if much {
            let back = self.reconstruct(&coefficients, vdf.grid())?;
            coefficients.shrink(no_worse_than_nothing(vdf.as_slice(), back.as_slice()));
        }
        Ok(coefficients)
    }

    /// Bound to the shape of the grid: another is refused. Its place and spacing are free.
    fn reconstruct(&self, coefficients: &WaveletCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        self.own(coefficients, grid)?;
        let layout = &coefficients.layout;
        let table = |n| self.table(n);
        let values = self.room.lend(Room::bytes, |room| match &coefficients.positions {
            None => layout.synthesise(&coefficients.amplitudes, &table, room),
            Some(positions) => layout.synthesise_sparse(positions, &coefficients.amplitudes, &table, room),
        });
        Vdf::from_vec(*grid, values)
    }

    fn code(
        &self,
        coefficients: Option<&WaveletCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<WaveletCoefficients> {
        coefficients.map_or(Ok(()), |coefficients| self.own(coefficients, grid))?;
        let (filter, boundary, shape) = (self.filter, self.boundary, grid.shape());
        let layout = self.layout(shape)?;
        if let Err(error) = self.check_len(&layout, grid) {
            return Err(if coder.is_reading() { malformed(error.to_string()) } else { error });
        }
        let ((positions, amplitudes), step) = match resolution {
            Resolution::Exact => {
                let given = coefficients.map(|c| (c.positions.as_deref(), &c.amplitudes[..]));
                let rounded = coefficients.and_then(|c| c.step);
                let step = match coder.bits(u64::from(rounded.is_some()), 1) {
                    0 => None,
                    _ => Some(coder.real(&mut Reals::default(), rounded.unwrap_or(0.0))?),
                };
                (coder.kept(given, layout.len())?, step)
            }
            Resolution::Step(step) => {
                let given = coefficients.map(|c| c.multiples(step));
                (kept(&coding::code(&layout, given, coder)?, step), Some(step))
            }
        };
        Ok(WaveletCoefficients { filter, boundary, shape, layout, positions, amplitudes, step })
    }

    /// Details whose bits cost more than they mend are made smaller or zero; what is rounded already stays.
    fn rounded(
        &self,
        coefficients: &WaveletCoefficients,
        vdf: &Vdf,
        resolution: Resolution,
    ) -> Result<WaveletCoefficients> {
        let step = match resolution {
            Resolution::Step(step) if coefficients.step != Some(step) => step,
            _ => return self.code(Some(coefficients), vdf.grid(), resolution, &mut Coder::writing()),
        };
        self.own(coefficients, vdf.grid())?;
        let mut found = Multiples::new();
        let WaveletCoefficients { filter, boundary, shape, .. } = *coefficients;
        let layout = coefficients.layout.clone();
        rounding::rounded(&layout, &coefficients.dense(), step, |position, multiple| {
            found.push((position as u32, multiple));
        });
        let (positions, amplitudes) = kept(&found, step);
        Ok(WaveletCoefficients { filter, boundary, shape, layout, positions, amplitudes, step: Some(step) })
    }

    fn rounding_error(&self, coefficients: &WaveletCoefficients, step: f64) -> Option<f64> {
        Some(dead_zone_error(&coefficients.amplitudes, step))
    }

    fn rounded_before(&self, coefficients: &WaveletCoefficients, _: &Vdf, steps: &[f64]) -> Option<usize> {
        step_of_multiples(&coefficients.amplitudes, steps)
    }
}

/// Nearer to zero by `threshold`, or zero.
fn shrunk(value: f64, threshold: f64) -> f64 {
    if value.abs() <= threshold { 0.0 } else { value - threshold.copysign(value) }
}

/// The multiple of `step` next to a value; the value itself where multiples lie closer than numbers do.
fn nearest_multiple(value: f64, step: f64) -> f64 {
    let count = value / step;
    if count.abs() < 1.0 / f64::EPSILON { count.round() * step } else { value }
}

/// Positions, and the amplitudes that multiples stand for.
fn kept(multiples: &[(u32, i64)], step: f64) -> (Option<Vec<u32>>, Vec<f64>) {
    let positions = multiples.iter().map(|(position, _)| *position).collect();
    (Some(positions), multiples.iter().map(|(_, multiple)| *multiple as f64 * step).collect())
}

impl PartialEq for Wavelet {
    fn eq(&self, other: &Self) -> bool {
        let choices = |w: &Self| (w.filter, w.boundary, w.level, w.soft, w.selection, w.rounding);
        choices(self) == choices(other)
    }
}

impl fmt::Debug for Wavelet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wavelet({self})")
    }
}

#[cfg(test)]
mod tests;
