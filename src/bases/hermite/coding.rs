//! Hermite expansions in a stream: the frame, then the amplitudes.

use std::f64::consts::PI;

use super::{Hermite, HermiteCoefficients, Truncation, Weight};
use crate::basis::MOST_COEFFICIENTS;
use crate::coding::{Coder, Numbers, Reals, Resolution, malformed};
use crate::distribution::frame::Frame;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;
use crate::numerics::selection::scattered;

impl Hermite {
    pub(super) fn code_terms(
        &self,
        coefficients: Option<&HermiteCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
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
        let degree = |position: u32| {
            let position = position as usize;
            position / (orders[1] * orders[2]) + position / orders[2] % orders[1] + position % orders[2]
        };
        let (positions, amplitudes) = match resolution {
            Resolution::Step(step) if best => {
                let step = self.amplitude_step(step, &frame, grid);
                let cube = coefficients.map(|c| scattered(&c.amplitudes, &c.positions, len));
                let (positions, amplitudes) = coder.rounded(cube.as_deref(), len, step, |p| degree(p as u32))?;
                (positions.unwrap_or_default(), amplitudes)
            }
            Resolution::Exact if best => {
                let given = coefficients.map(|c| (Some(&c.positions[..]), &c.amplitudes[..]));
                let (positions, amplitudes) = coder.kept(given, len)?;
                (positions.ok_or_else(|| malformed("no positions of the best terms"))?, amplitudes)
            }
            _ => {
                let positions = self.truncation.positions(self.orders, orders);
                let step = match resolution {
                    Resolution::Exact => None,
                    Resolution::Step(step) => Some(self.amplitude_step(step, &frame, grid)),
                };
                // A degree, a kind.
                let mut numbers = Numbers::new(128);
                let mut amplitudes = Vec::with_capacity(positions.len());
                for (index, &position) in positions.iter().enumerate() {
                    let given = coefficients.and_then(|c| c.amplitudes.get(index)).copied().unwrap_or(0.0);
                    amplitudes.push(numbers.code(coder, degree(position), given, step)?);
                }
                (positions, amplitudes)
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

    /// The frame: in steps, its numbers keep single precision, in cells from the middle of the grid.
    fn code_frame(
        &self,
        given: Option<&Frame>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<Frame> {
        let mut frame = given.copied().unwrap_or(Frame::grid_aligned([0.0; 3], [1.0; 3]));
        let mut reals = Reals::default();
        let mut code = |coder: &mut Coder<'_>, value: f64, origin: f64, unit: f64| {
            resolution.place(coder, &mut reals, value, origin, unit)
        };
        let (middle, spacing) = (grid.middle(), grid.spacing());
        for axis in 0..3 {
            frame.scales[axis] = code(coder, frame.scales[axis], 0.0, spacing[axis])?;
            frame.centre[axis] = code(coder, frame.centre[axis], middle[axis], spacing[axis])?;
        }
        if frame.scales.iter().any(|scale| !(1e-75..1e75).contains(scale)) {
            return Err(malformed(format!("Hermite functions of widths {:?}", frame.scales)));
        }
        if coder.bits(u64::from(frame.rotation.is_some()), 1) == 1 {
            for angle in frame.rotation.get_or_insert_default() {
                *angle = code(coder, *angle, 0.0, 1.0)?;
            }
        }
        Ok(frame)
    }
}
