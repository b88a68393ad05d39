//! Hermite expansions in a stream: the frame, then the amplitudes.

use std::f64::consts::PI;

use faer::Mat;

use super::axis::Axis;
use super::{Hermite, HermiteCoefficients, NAME, Projection, Scaling, Truncation, Weight};
use crate::basis::MOST_COEFFICIENTS;
use crate::coding::{Coder, Integers, Reals, Resolution, Rounding, Spectrum, malformed, multiple};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;
use crate::numerics::selection::{gathered, scattered};
use crate::numerics::separable::transform;

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
        let frame = self.code_frame(coefficients.map(|c| &c.frame), grid, resolution, coder)?;
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
                let given = coefficients.map(|c| scattered(&c.amplitudes, &c.positions, len));
                let tables = if best { None } else { self.orthonormal(grid, &frame, orders) };
                let orthonormal_step = step;
                let volume = self.weight.volume(&frame);
                let through_r = |given: &Vec<f64>| Some(turned(given.clone(), 1.0 / volume, tables.as_ref()?, 0));
                let orthonormal = given.as_ref().and_then(through_r);
                let (tables, unused) = chosen(tables, orthonormal.as_deref(), step, coder)?;
                let step = if tables.is_some() { step } else { self.amplitude_step(step, &frame, grid) };
                let given = if tables.is_some() { orthonormal } else { given };
                let held = (!best).then(|| {
                    let mut held = vec![false; len];
                    all().into_iter().for_each(|position| held[position as usize] = true);
                    held
                });
                let spectrum = Spectrum { blocks: [1; 3], degrees: orders, held: held.as_deref() };
                let (positions, amplitudes) = coder.spectrum(spectrum, given.as_deref(), step, rounding)?;
                let positions = positions.unwrap_or_default();
                if best {
                    (positions, amplitudes)
                } else {
                    let mut cube = scattered(&amplitudes, &positions, len);
                    if let Some(tables) = &tables {
                        if !are_few(&amplitudes, step, MOST_STEPS) {
                            return Err(malformed("Hermite amplitudes of more steps than come back through R"));
                        }
                        cube = turned(cube, 1.0, tables, 1);
                        cube.iter_mut().for_each(|amplitude| *amplitude *= volume);
                        // Functions of which the cells see next to nothing have an R⁻¹ beyond all numbers.
                        if !cube.iter().all(|amplitude| amplitude.is_finite()) {
                            return Err(coder.refusal(NAME, "Hermite amplitudes that leave the range of f64 without R"));
                        }
                    }
                    // Who writes it again would use them.
                    if let Some(unused) = unused.filter(|_| coder.is_reading())
                        && are_few(&turned(cube.clone(), 1.0 / volume, &unused, 0), orthonormal_step, CLEARLY_FEW)
                    {
                        return Err(malformed("Hermite amplitudes without R where it keeps their digits"));
                    }
                    let positions = all();
                    (positions.clone(), gathered(&cube, &positions))
                }
            }
        };
        Ok(HermiteCoefficients {
            weight: self.weight,
            truncation: self.truncation,
            frame,
            orders,
            positions,
            amplitudes,
        })
    }

    /// What turns amplitudes into those of functions that are orthonormal on the cells of the grid, and back: R and R⁻¹
    /// of each axis. One step serves all of these, where the box cuts the functions too. Triangular, so that a set that
    /// holds all lower terms stays itself. None where they are not known: along other axes than the grid's, and for
    /// functions that need not be independent on the cells.
    fn orthonormal(&self, grid: &VelocityGrid, frame: &Frame, orders: [usize; 3]) -> Option<Triangular> {
        /// Cells farther away than so many widths see nothing of the functions.
        const FAR: f64 = 1e3;
        let near = |axis: usize| {
            let axis = Axis::new(grid, axis, frame.centre[axis], frame.scales[axis]);
            axis.nodes().iter().all(|node| node.abs() < FAR)
        };
        let known = frame.rotation.is_none()
            && self.projection == Projection::LeastSquares
            && (0..3).all(|axis| orders[axis] <= grid.shape()[axis] && near(axis));
        if !known {
            return None;
        }
        let tables = [0, 1, 2].map(|axis| self.axis_tables(grid, axis, frame, orders[axis]));
        let [Some(x), Some(y), Some(z)] = tables.each_ref().map(|tables| tables.triangular.clone()) else {
            return None;
        };
        Some([x, y, z])
    }

    /// A frame of few digits near to that of the coefficients, as good where the amplitudes are found anew in it and
    /// rounded like this; none where that is not quick, where the frame is chosen by the user, or has few digits already.
    pub(super) fn coarse_frame(
        &self,
        coefficients: &HermiteCoefficients,
        grid: &VelocityGrid,
        resolution: Resolution,
    ) -> Option<Frame> {
        let searched = !matches!(self.scaling, Scaling::Given { .. });
        let quick = self.projection == Projection::LeastSquares && !matches!(self.truncation, Truncation::Best(_));
        let step = resolution.step().filter(|_| searched && quick)?;
        let frame = &coefficients.frame;
        if FINE.into_iter().any(|fine| coarse(frame, grid, fine).as_ref() == Some(frame)) {
            return None;
        }
        let amplitudes = coefficients.amplitudes.iter().map(|c| (c / self.amplitude_step(step, frame, grid)).powi(2));
        let digits = amplitudes.sum::<f64>().sqrt().log2();
        let fine = FINE.into_iter().find(|fine| f64::from(*fine) >= digits)?;
        coarse(frame, grid, fine)
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
                let few = |fine: &u32| given.is_some_and(|frame| coarse(frame, grid, *fine).as_ref() == Some(frame));
                FINE.get(coder.choice(FINE.iter().position(few).unwrap_or(FINE.len()), FINE.len() + 1)?)
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
        if frame.scales.iter().any(|scale| !(1e-75..1e75).contains(scale)) {
            return Err(malformed(format!("Hermite functions of widths {:?}", frame.scales)));
        }
        // In steps they are numbers of single precision, in cells.
        let cells: [f64; 3] = std::array::from_fn(|axis| frame.scales[axis] / grid.spacing()[axis]);
        if resolution.step().is_some() && cells.iter().any(|width| !(1e-30..1e30).contains(width)) {
            let reason = format!("Hermite functions of {cells:?} cells have no width in single precision");
            return Err(coder.refusal(NAME, reason));
        }
        Ok(frame)
    }
}

/// R and R⁻¹ of each axis.
type Triangular = [[Mat<f64>; 2]; 3];

/// Up to this condition of all axes together values keep twelve digits through R and R⁻¹, on every processor.
const MOST_CONDITION: f64 = 1e4;
/// And multiples of the step, up to this many, come back as themselves.
const MOST_STEPS: f64 = (1_u64 << 32) as f64;

/// R and R⁻¹ if the stream uses them: where they keep their digits, and the amplitudes, given orthonormal, theirs. Or those
/// that it might use and does not.
fn chosen(
    tables: Option<Triangular>,
    orthonormal: Option<&[f64]>,
    step: f64,
    coder: &mut Coder<'_>,
) -> Result<(Option<Triangular>, Option<Triangular>)> {
    let Some(tables) = tables else { return Ok((None, None)) };
    let reliable = condition(&tables) <= MOST_CONDITION;
    let plain = orthonormal.is_some_and(|amplitudes| !(reliable && are_few(amplitudes, step, MOST_STEPS)));
    match coder.rarely(plain) {
        true => Ok((None, Some(tables).filter(|_| reliable))),
        false if reliable => Ok((Some(tables), None)),
        false => Err(malformed("Hermite functions that are hardly independent on the cells of the grid")),
    }
}

/// Whether no amplitude takes so many steps; NaN does.
fn are_few(amplitudes: &[f64], step: f64, most: f64) -> bool {
    amplitudes.iter().all(|amplitude| (amplitude / step).abs().round() < most)
}

/// Fewer steps than any that R is left out for, whatever rounding does.
const CLEARLY_FEW: f64 = 65536.0;

/// About ‖R‖ ‖R⁻¹‖ of the tensor product: root mean squares of singular values, and of their reciprocals.
fn condition(tables: &Triangular) -> f64 {
    let norm = |matrix: &Mat<f64>| matrix.norm_l2() / (matrix.nrows() as f64).sqrt();
    tables.iter().flatten().map(norm).product()
}

/// A cube of amplitudes times a factor, through R (0) or R⁻¹ (1).
fn turned(mut cube: Vec<f64>, factor: f64, tables: &Triangular, which: usize) -> Vec<f64> {
    cube.iter_mut().for_each(|amplitude| *amplitude *= factor);
    transform(&cube, tables.each_ref().map(|tables| tables[which].as_ref()))
}

/// Binary digits of a width, and of a centre in widths.
const FINE: [u32; 3] = [9, 15, 21];

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
fn coarse_numbers(frame: &Frame, grid: &VelocityGrid, axis: usize, fine: u32) -> [i64; 2] {
    let (spacing, shift) = (grid.spacing()[axis], f64::MANTISSA_DIGITS - 1 - fine);
    let width = (((frame.scales[axis] / spacing).to_bits() + (1 << (shift - 1))) >> shift) as i64;
    let (scale, _) = from_numbers(grid, axis, fine, [width, 0]);
    [width, multiple((1_u64 << fine) as f64 * (frame.centre[axis] - grid.middle()[axis]), scale)]
}

fn from_numbers(grid: &VelocityGrid, axis: usize, fine: u32, [width, centre]: [i64; 2]) -> (f64, f64) {
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
