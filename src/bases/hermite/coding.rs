//! Hermite expansions in a stream: the frame, then the amplitudes.

use std::f64::consts::PI;

use super::orthonormal::Functions;
use super::{Hermite, HermiteCoefficients, NAME, Projection, Scaling, Truncation, Weight};
use crate::basis::choices::spec_of;
use crate::basis::spec::Spec;
use crate::basis::{MOST_COEFFICIENTS, Stream};
use crate::coding::{
    Coder, Integers, Reals, Resolution, Rounding, Spectrum, malformed, multiple, single, step_of_multiples,
};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;
use crate::numerics::selection::{gathered, scattered};

/// A message if the tables of these functions on these cells would take more memory than the cells and the coefficients
/// account for: on a long axis the table is the longest array.
pub(super) fn too_many(grid: &VelocityGrid, orders: [usize; 3]) -> Option<String> {
    /// Entries of tables allowed for each cell, as a multiple of the distribution itself.
    const EACH: usize = 4;
    let entries = (0..3).map(|axis| grid.shape()[axis].saturating_mul(orders[axis])).fold(0, usize::saturating_add);
    (entries > EACH * grid.cells() + MOST_COEFFICIENTS)
        .then(|| format!("functions of orders {orders:?} on {:?} cells: tables of {entries} numbers", grid.shape()))
}

/// The total degree of a position.
fn degree(orders: [usize; 3], position: u32) -> usize {
    let position = position as usize;
    position / (orders[1] * orders[2]) + position / orders[2] % orders[1] + position % orders[2]
}

impl Stream for Hermite {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, _: &VelocityGrid) -> HermiteCoefficients {
        HermiteCoefficients {
            weight: self.weight,
            truncation: self.truncation,
            frame: Frame::grid_aligned([0.0; 3], [1.0; 3]),
            orders: self.orders,
            functions: Functions::Hermite,
            positions: Vec::new(),
            amplitudes: Vec::new(),
        }
    }

    fn code(
        &self,
        coefficients: &mut HermiteCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.code_terms(coefficients, grid, (resolution, Rounding::Nearest), coder)
    }
}

impl Hermite {
    /// As [`Stream::code`]. With [`Rounding::Cheapest`] amplitudes that cost more bits than they save error become
    /// smaller, or zero.
    pub(super) fn code_terms(
        &self,
        coefficients: &mut HermiteCoefficients,
        grid: &VelocityGrid,
        (resolution, rounding): (Resolution, Rounding),
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        self.own(coefficients)?;
        for (order, asked) in coefficients.orders.iter_mut().zip(self.orders) {
            // The orders asked for, unless the cells resolve fewer functions.
            let whole = !coder.rarely(*order != asked);
            *order = if whole { asked } else { coder.count(*order, asked)? };
        }
        let orders = coefficients.orders;
        let len: usize = orders.iter().product();
        if orders.contains(&0) || len > MOST_COEFFICIENTS {
            return Err(malformed(format!("Hermite functions of orders {orders:?}")));
        }
        too_many(grid, orders).map_or(Ok(()), |reason| Err(coder.refusal(NAME, reason)))?;
        self.code_frame(&mut coefficients.frame, grid, resolution, coder)?;
        self.code_functions(coefficients, grid, resolution, coder)?;
        let kept = match self.truncation {
            Truncation::Best(_) => None,
            _ => Some(self.truncation.positions(self.orders, orders)),
        };
        match resolution {
            Resolution::Exact => code_exactly(coefficients, kept, coder),
            Resolution::Step(step) => {
                let step = match coefficients.functions {
                    Functions::Hermite => self.amplitude_step(step, &coefficients.frame, grid),
                    Functions::Orthonormal(_) => step,
                };
                code_in_steps(coefficients, kept, (step, rounding), coder)
            }
        }
    }

    /// The frame that a stream in steps holds, near to that of the coefficients, in which the amplitudes are then found
    /// anew. `None` where finding them is not quick, and where the frame has been rounded before.
    ///
    /// A frame moved by a part δ of the width, with the amplitudes found anew, loses at most about δ times the norm.
    /// With d binary digits that is 2^−d of the norm, less than the step if the norm is less than 2^d steps. A frame
    /// that the user has given keeps single precision.
    pub(super) fn written_frame(
        &self,
        coefficients: &HermiteCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
    ) -> Option<Frame> {
        let frame = &coefficients.frame;
        let quick = frame.rotation.is_none()
            && self.projection == Projection::LeastSquares
            && !matches!(self.truncation, Truncation::Best(_))
            && coefficients.functions == Functions::Hermite;
        let step = resolution.step().filter(|_| quick)?;
        if FINE.into_iter().any(|fine| coarse(frame, grid, fine).as_ref() == Some(frame)) {
            return None;
        }
        let amplitudes = coefficients.amplitudes.iter().map(|c| (c / self.amplitude_step(step, frame, grid)).powi(2));
        let digits = amplitudes.sum::<f64>().sqrt().log2();
        let searched = !matches!(self.scaling, Scaling::Given { .. });
        let fine = FINE.into_iter().find(|fine| searched && f64::from(*fine) >= digits);
        let frame = fine.map_or_else(|| Some(in_single_precision(frame, grid)), |fine| coarse(frame, grid, fine))?;
        is_usable(&frame).then_some(frame)
    }

    /// The index of the one of some steps of which the amplitudes that a stream would hold are multiples.
    pub(super) fn orthonormal_step(
        &self,
        coefficients: &HermiteCoefficients,
        grid: &VelocityGrid,
        steps: &[f64],
    ) -> Option<usize> {
        match self.orthonormal(coefficients, grid) {
            Some(orthonormal) => step_of_multiples(&orthonormal.amplitudes, steps),
            None => {
                let own: Vec<f64> =
                    steps.iter().map(|&step| self.amplitude_step(step, &coefficients.frame, grid)).collect();
                step_of_multiples(&coefficients.amplitudes, &own)
            }
        }
    }

    /// The step of an amplitude that changes the distribution by `step`: Σ over cells of f² is s_1 s_2 s_3 / dV times
    /// Σ c², where the box holds the functions.
    fn amplitude_step(&self, step: f64, frame: &Frame, grid: &VelocityGrid) -> f64 {
        let cells: f64 = (0..3).map(|i| frame.scales[i] / grid.spacing()[i]).product();
        match self.weight {
            Weight::Symmetric => step / cells.sqrt(),
            // φ_0 = e^{−ξ²/2}/√2π has the square integral 1/(2√π) along each axis.
            Weight::Asymmetric => step / cells.sqrt() * self.weight.volume(frame) * (2.0 * PI.sqrt()).powf(1.5),
        }
    }

    /// The frame: to the last bit; [`coarse`]; or, in steps, in single precision and cells from the middle of the grid.
    fn code_frame(
        &self,
        frame: &mut Frame,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        let fine = match resolution {
            Resolution::Exact => None,
            Resolution::Step(_) => {
                let few =
                    |frame: &Frame| FINE.iter().position(|fine| coarse(frame, grid, *fine).as_ref() == Some(frame));
                let mut written = few(frame);
                if written.is_none() && !coder.is_reading() {
                    let found = std::mem::replace(frame, in_single_precision(frame, grid));
                    if !frame.scales.iter().chain(&frame.centre).all(|x| x.is_finite()) || frame.scales.contains(&0.0) {
                        let reason = format!("the frame leaves the range of single precision, in cells: {found:?}");
                        return Err(coder.refusal(NAME, reason));
                    }
                    // Single precision may have left a frame of few digits.
                    written = few(frame);
                }
                FINE.get(coder.choice(written.unwrap_or(FINE.len()), FINE.len() + 1)?)
            }
        };
        if let Some(fine) = fine {
            *frame = code_coarse(frame, grid, *fine, coder)?;
        } else {
            let mut reals = Reals::default();
            let mut code = |coder: &mut Coder<'_>, value: f64, origin: f64, unit: f64| {
                resolution.place(coder, &mut reals, value, origin, unit)
            };
            let (middle, spacing) = (grid.middle(), grid.spacing());
            for axis in 0..3 {
                frame.scales[axis] = code(coder, frame.scales[axis], 0.0, spacing[axis])?;
                frame.centre[axis] = code(coder, frame.centre[axis], middle[axis], spacing[axis])?;
            }
            let rotated = coder.bits(u64::from(frame.rotation.is_some()), 1) == 1;
            frame.rotation = rotated.then(|| frame.rotation.unwrap_or_default());
            for angle in frame.rotation.iter_mut().flatten() {
                *angle = code(coder, *angle, 0.0, 1.0)?;
            }
        }
        if !is_usable(frame) {
            let reason = format!("Hermite functions about {:?}, {:?} wide", frame.centre, frame.scales);
            return Err(coder.refusal(NAME, reason));
        }
        Ok(())
    }
}

/// The amplitudes to the last bit: of the terms kept for every distribution, each total degree with a model of its own;
/// or, where none are, of the best terms and their positions.
fn code_exactly(coefficients: &mut HermiteCoefficients, kept: Option<Vec<u32>>, coder: &mut Coder<'_>) -> Result<()> {
    let HermiteCoefficients { orders, positions, amplitudes, .. } = coefficients;
    if let Some(kept) = kept {
        *positions = kept;
        coder.sized(amplitudes, positions.len())?;
        let mut reals = vec![Reals::default(); orders.iter().sum()];
        for (amplitude, &position) in amplitudes.iter_mut().zip(positions.iter()) {
            *amplitude = coder.real(&mut reals[degree(*orders, position)], *amplitude)?;
        }
        return Ok(());
    }
    let mut best = Some(std::mem::take(positions));
    coder.kept(&mut best, amplitudes, orders.iter().product())?;
    *positions = best.ok_or_else(|| malformed("no positions of the best terms"))?;
    Ok(())
}

/// The amplitudes as multiples of a step: of the terms kept for every distribution, or, where none are, of those that
/// do not become zero.
fn code_in_steps(
    coefficients: &mut HermiteCoefficients,
    kept: Option<Vec<u32>>,
    (step, rounding): (f64, Rounding),
    coder: &mut Coder<'_>,
) -> Result<()> {
    let orders = coefficients.orders;
    let len = orders.iter().product();
    let held = kept.as_ref().map(|kept| {
        let mut held = vec![false; len];
        kept.iter().for_each(|&position| held[position as usize] = true);
        held
    });
    let spectrum = Spectrum { blocks: [1; 3], degrees: orders, held: held.as_deref() };
    let cube = if coder.is_reading() { Vec::new() } else { coefficients.cube() };
    let (positions, amplitudes) = coder.spectrum(spectrum, &cube, step, rounding)?;
    let positions = positions.unwrap_or_default();
    (coefficients.positions, coefficients.amplitudes) = match kept {
        None => (positions, amplitudes),
        Some(kept) => {
            let amplitudes = gathered(&scattered(&amplitudes, &positions, len), &kept);
            (kept, amplitudes)
        }
    };
    Ok(())
}

/// True within the limits that [`Hermite::with_scaling`] sets, in which no function over- or underflows.
fn is_usable(frame: &Frame) -> bool {
    frame.centre.iter().zip(&frame.scales).all(|(centre, scale)| centre.abs() < 1e75 && (1e-75..1e75).contains(scale))
}

/// A frame in single precision, as [`Resolution::place`] has it.
fn in_single_precision(frame: &Frame, grid: &VelocityGrid) -> Frame {
    let place = |value: f64, origin: f64, unit: f64| origin + single(value, origin, unit) * unit;
    let (middle, spacing) = (grid.middle(), grid.spacing());
    Frame {
        centre: std::array::from_fn(|axis| place(frame.centre[axis], middle[axis], spacing[axis])),
        rotation: frame.rotation.map(|angles| angles.map(|angle| place(angle, 0.0, 1.0))),
        scales: std::array::from_fn(|axis| place(frame.scales[axis], 0.0, spacing[axis])),
    }
}

/// The binary digits that a written width may have after the leading one, and a centre in units of the width. They move
/// a frame by up to 1e-3, 2e-5 and 2e-7 of a width. Where that is too much, a frame has single precision.
const FINE: [u32; 3] = [9, 15, 21];
/// The digits that streams with all but the tightest bounds have.
pub(super) const FEW_DIGITS: [u32; 2] = [FINE[0], FINE[1]];

/// The frame nearest to one along the grid's axes whose widths have few digits, and whose centre has few digits in
/// units of these. `None` for a frame along other axes.
fn coarse(frame: &Frame, grid: &VelocityGrid, fine: u32) -> Option<Frame> {
    let mut coarse = Frame { rotation: None, ..*frame };
    for axis in 0..3 {
        let [width, centre] = coarse_numbers(frame, grid, axis, fine);
        (coarse.scales[axis], coarse.centre[axis]) = from_numbers(grid, axis, fine, [width, centre]);
    }
    frame.rotation.is_none().then_some(coarse)
}

/// Two whole numbers that stand for a width and a centre: the exponent and leading mantissa bits of the width in cells
/// (the bits of an f64, rounded and shifted), and the distance of the centre from the middle of the grid in 2^−`fine`
/// widths.
pub(super) fn coarse_numbers(frame: &Frame, grid: &VelocityGrid, axis: usize, fine: u32) -> [i64; 2] {
    let (spacing, shift) = (grid.spacing()[axis], f64::MANTISSA_DIGITS - 1 - fine);
    let width = (((frame.scales[axis] / spacing).to_bits() + (1 << (shift - 1))) >> shift) as i64;
    let (scale, _) = from_numbers(grid, axis, fine, [width, 0]);
    [width, multiple((1_u64 << fine) as f64 * (frame.centre[axis] - grid.middle()[axis]), scale)]
}

/// The width and the centre that two numbers stand for.
pub(super) fn from_numbers(grid: &VelocityGrid, axis: usize, fine: u32, [width, centre]: [i64; 2]) -> (f64, f64) {
    let scale = f64::from_bits((width as u64) << (f64::MANTISSA_DIGITS - 1 - fine)) * grid.spacing()[axis];
    (scale, grid.middle()[axis] + centre as f64 / (1_u64 << fine) as f64 * scale)
}

fn code_coarse(given: &Frame, grid: &VelocityGrid, fine: u32, coder: &mut Coder<'_>) -> Result<Frame> {
    // The number that stands for the width of a cell, 1.0: the bias of an f64's exponent. Widths are coded relative to
    // it.
    let one = 1023_i64 << fine;
    let (mut widths, mut centres) = (Integers::default(), Integers::default());
    let mut frame = Frame { rotation: None, ..*given };
    for axis in 0..3 {
        let [width, centre] = coarse_numbers(given, grid, axis, fine);
        let width = coder.scaled(&mut widths, width - one, fine)?.saturating_add(one);
        if !(1..2047 << fine).contains(&width) {
            return Err(malformed(format!("a Hermite function whose width has the digits {width:x}")));
        }
        let centre = coder.scaled(&mut centres, centre, fine)?;
        (frame.scales[axis], frame.centre[axis]) = from_numbers(grid, axis, fine, [width, centre]);
    }
    Ok(frame)
}
