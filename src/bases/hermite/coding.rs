//! Hermite expansions in a stream: the frame, then the amplitudes.

use std::f64::consts::PI;

use super::orthonormal::Functions;
use super::{Hermite, HermiteCoefficients, NAME, Projection, Scaling, Truncation, Weight};
use crate::basis::MOST_COEFFICIENTS;
use crate::coding::{
    Coder, Integers, Reals, Resolution, Rounding, Spectrum, malformed, multiple, single, step_of_multiples,
};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};
use crate::numerics::selection::{gathered, scattered};

/// Why the tables of these functions on these cells would take more memory than the cells and the coefficients account
/// for, if they would.
pub(super) fn too_many(grid: &VelocityGrid, orders: [usize; 3]) -> Option<String> {
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

impl Hermite {
    /// Writes an expansion, or reads one; with [`Rounding::Cheapest`] what costs more bits than it mends is rounded away.
    pub(super) fn code_terms(
        &self,
        coefficients: Option<&HermiteCoefficients>,
        grid: &VelocityGrid,
        (resolution, rounding): (Resolution, Rounding),
        coder: &mut Coder<'_>,
    ) -> Result<HermiteCoefficients> {
        coefficients.map_or(Ok(()), |coefficients| self.own(coefficients))?;
        let mut orders = [0; 3];
        for (axis, (order, asked)) in orders.iter_mut().zip(self.orders).enumerate() {
            // Those asked for, but where the cells hold fewer.
            let found = coefficients.map_or(0, |c| c.orders[axis]);
            let whole = !coder.rarely(found != asked);
            *order = if whole { asked } else { coder.count(found, asked)? };
        }
        if orders.contains(&0) || orders.iter().product::<usize>() > MOST_COEFFICIENTS {
            return Err(malformed(format!("Hermite functions of orders {orders:?}")));
        }
        too_many(grid, orders).map_or(Ok(()), |reason| Err(coder.refusal(NAME, reason)))?;
        let frame = self.code_frame(coefficients.map(|c| &c.frame), grid, resolution, coder)?;
        let given = coefficients.map(|c| c.functions);
        let functions = self.code_functions(given, grid, (&frame, orders), resolution, coder)?;
        let len = orders.iter().product();
        let best = matches!(self.truncation, Truncation::Best(_));
        let all = || self.truncation.positions(self.orders, orders);
        let (positions, amplitudes) = match resolution {
            Resolution::Exact if best => {
                let given = coefficients.map(|c| (Some(&c.positions[..]), &c.amplitudes[..]));
                let (positions, amplitudes) = coder.kept(given, len)?;
                (positions.ok_or_else(|| malformed("no positions of the best terms"))?, amplitudes)
            }
            Resolution::Exact => {
                let positions = all();
                let mut reals = vec![Reals::default(); orders.iter().sum()];
                let mut amplitudes = Vec::with_capacity(positions.len());
                for (index, &position) in positions.iter().enumerate() {
                    let given = coefficients.and_then(|c| c.amplitudes.get(index)).copied().unwrap_or(0.0);
                    amplitudes.push(coder.real(&mut reals[degree(orders, position)], given)?);
                }
                (positions, amplitudes)
            }
            Resolution::Step(step) => {
                let step = match functions {
                    Functions::Hermite => self.amplitude_step(step, &frame, grid),
                    Functions::Orthonormal(_) => step,
                };
                let kept = (!best).then(all);
                let held = kept.as_ref().map(|kept| {
                    let mut held = vec![false; len];
                    kept.iter().for_each(|&position| held[position as usize] = true);
                    held
                });
                let spectrum = Spectrum { blocks: [1; 3], degrees: orders, held: held.as_deref() };
                let given = coefficients.map(HermiteCoefficients::cube);
                let (positions, amplitudes) = coder.spectrum(spectrum, given.as_deref(), step, rounding)?;
                let positions = positions.unwrap_or_default();
                match kept {
                    None => (positions, amplitudes),
                    Some(kept) => {
                        let amplitudes = gathered(&scattered(&amplitudes, &positions, len), &kept);
                        (kept, amplitudes)
                    }
                }
            }
        };
        Ok(HermiteCoefficients {
            weight: self.weight,
            truncation: self.truncation,
            frame,
            orders,
            functions,
            positions,
            amplitudes,
        })
    }

    /// The frame that a stream in steps holds, near to that of the coefficients, for the amplitudes to be found anew in it:
    /// of so few digits that it is as good when these are rounded like this, unless the user has chosen it; else in single
    /// precision. None where finding them is not quick, and where they have been rounded before.
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

    /// The step of which the amplitudes that a stream in steps would hold are multiples.
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
        given: Option<&Frame>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Frame> {
        let mut frame = given.copied().unwrap_or(Frame::grid_aligned([0.0; 3], [1.0; 3]));
        let fine = match resolution {
            Resolution::Exact => None,
            Resolution::Step(_) => {
                let few =
                    |frame: &Frame| FINE.iter().position(|fine| coarse(frame, grid, *fine).as_ref() == Some(frame));
                let mut written = given.and_then(few);
                if let (Some(given), None) = (given, written) {
                    // Of few digits may be what single precision leaves, too.
                    frame = in_single_precision(given, grid);
                    if !frame.scales.iter().chain(&frame.centre).all(|x| x.is_finite()) || frame.scales.contains(&0.0) {
                        let reason = format!("the frame leaves the range of single precision, in cells: {given:?}");
                        return Err(Error::Degenerate { basis: NAME, reason });
                    }
                    written = few(&frame);
                }
                FINE.get(coder.choice(written.unwrap_or(FINE.len()), FINE.len() + 1)?)
            }
        };
        if let Some(fine) = fine {
            frame = code_coarse(&frame, grid, *fine, coder)?;
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
            if coder.bits(u64::from(frame.rotation.is_some()), 1) == 1 {
                for angle in frame.rotation.get_or_insert_default() {
                    *angle = code(coder, *angle, 0.0, 1.0)?;
                }
            }
        }
        if !is_usable(&frame) {
            return Err(malformed(format!("Hermite functions about {:?}, {:?} wide", frame.centre, frame.scales)));
        }
        Ok(frame)
    }
}

/// The limits of what a user may give: the functions know what to do with these.
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

/// Binary digits of a width, and of a centre in widths.
const FINE: [u32; 3] = [9, 15, 21];
/// Those that all but the tightest bounds have.
pub(super) const FEW_DIGITS: [u32; 2] = [FINE[0], FINE[1]];

/// A frame along the grid's axes near to one, with widths of few digits and a centre of few digits in these; none of
/// other axes.
fn coarse(frame: &Frame, grid: &VelocityGrid, fine: u32) -> Option<Frame> {
    let mut coarse = Frame { rotation: None, ..*frame };
    for axis in 0..3 {
        let [width, centre] = coarse_numbers(frame, grid, axis, fine);
        (coarse.scales[axis], coarse.centre[axis]) = from_numbers(grid, axis, fine, [width, centre]);
    }
    frame.rotation.is_none().then_some(coarse)
}

/// The leading bits of a width in cells, and the centre from the middle in fractions of it.
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
    // The width of a cell.
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
