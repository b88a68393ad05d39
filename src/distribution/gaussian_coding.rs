//! Gaussians in a stream: shared by all bases that are made of them.
//!
//! Each number is rounded in steps that change the distribution equally. With g = A exp(−½|z|²), z = L⁻¹(v − u), Σ = L Lᵀ
//! and the norm a = ‖g‖ = A (π^{3/2} |L| / dV)^{1/2} over the cells, the derivatives by a, by u along the columns of L, by
//! the logarithms of L's diagonal and by the rest of L⁻¹ dL have the norms 1, a/√2, a √3/2 and a/2. The norm itself
//! thus takes steps of the resolution, and the others steps over these factors: a reader knows a before it needs them.

mod lower_factor;

use std::f64::consts::{PI, SQRT_2};

use nalgebra::{Matrix3, Vector3};

use super::frame::Frame;
use super::gaussian_fit::Gaussian;
use super::grid::VelocityGrid;
use crate::coding::{Coder, Integers, Reals, Resolution, malformed, multiple};
use crate::error::{Error, Result};
use lower_factor::{Cells, along_field, frame_of, lower_factor};

/// Which numbers of its covariance a Gaussian has of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Widths {
    /// One for all axes.
    One,
    /// One along each of the grid's axes.
    PerAxis,
    /// Any covariance.
    Full,
    /// One across and one along a field; the frame's axes are given.
    AcrossAndAlong([f64; 3]),
    /// None: those of the Gaussian before, if there is one.
    Same,
}

/// What is expected of the Gaussians of one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct GaussianModels {
    /// The basis they belong to.
    basis: &'static str,
    norm: Integers,
    mean: Integers,
    width: Integers,
    tilt: Integers,
    /// Peaks, centres, scales and angles of Gaussians that are not rounded.
    exact: [Reals; 4],
    /// The last norm, in steps: they come in descending order.
    steps: Option<i64>,
    last: Option<Frame>,
}

/// In a box of n cells, a width of n/8 cells is not surprising, nor is a factor of 2 from it; nor a mean anywhere
/// within a quarter of the box from its middle.
const EXPECTED_WIDTH: f64 = 0.125;
const WIDTH_SPREAD: f64 = 0.7;
const MEAN_SPREAD: f64 = 0.2;
const TILT_SPREAD: f64 = 0.5;
/// Norms beyond so many steps are no Gaussians but noise; so are widths of e^±100 times what is expected, and axes that
/// lean by so many widths.
const MOST_STEPS: usize = 1 << 52;
const MOST_LOGARITHM: f64 = 100.0;
const MOST_TILT: f64 = 1e6;
/// Means and widths are written no finer than this part of a width (2⁻⁴²): logarithms and their exponentials give no more
/// digits back. In a sum, the second basis mends the rest.
const FINEST_SHARE: f64 = 1.0 / (1_u64 << 42) as f64;
/// Rounding errors of a mean through the widths and back may be this part of its step.
const LEAST_DIGITS: f64 = 1.0 / 8.0;
/// Farther than this from the middle, in boxes, no Gaussian has ever been found.
const MOST_MEAN: f64 = 1e6;

/// The norm of a Gaussian over the cells, had it no end: by it they are ordered in a stream.
pub(crate) fn norm(gaussian: &Gaussian, grid: &VelocityGrid) -> f64 {
    let spacing = grid.spacing();
    let scales = gaussian.frame.scales;
    // In cells, axis by axis: volumes leave the range of f64 sooner than densities.
    let volume: f64 = (0..3).map(|i| scales[i] / spacing[i]).product();
    gaussian.peak.abs() * (PI.powf(1.5) * volume).sqrt()
}

/// Numbers of a Gaussian that was rounded, and found again by a search, are off by less than this part of their steps. More
/// would take a round one about a cell, which has two numbers of its own, for rounded.
const NEAR: f64 = 0.01;

/// By how much the norm of a Gaussian differs from a multiple of a step, in steps; none where it is not near to one.
pub(crate) fn off_whole(gaussian: &Gaussian, grid: &VelocityGrid, step: f64) -> Option<f64> {
    let steps = norm(gaussian, grid) / step;
    let off = (steps - steps.round()).abs();
    (steps >= 0.5 && off <= NEAR).then_some(off)
}

/// The index of the first step with the smallest figure, if any step has one.
pub(crate) fn best_step(steps: &[f64], figure: impl Fn(f64) -> Option<f64>) -> Option<usize> {
    let figures = steps.iter().enumerate().filter_map(|(index, &step)| Some((index, figure(step)?)));
    figures.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

/// Whether two Gaussians of whole norms differ in widths and mean by next to nothing, in steps.
pub(crate) fn is_same(a: &Gaussian, b: &Gaussian, grid: &VelocityGrid, step: f64) -> bool {
    let steps = norm(a, grid) / step;
    (0..3).all(|i| {
        let narrowest = a.frame.scales.iter().fold(f64::INFINITY, |narrowest, scale| scale.min(narrowest));
        let width = (a.frame.scales[i] / b.frame.scales[i]).ln().abs();
        let mean = ((a.frame.centre[i] - b.frame.centre[i]) / narrowest).abs();
        width * steps <= NEAR && mean * steps <= NEAR
    })
}

impl GaussianModels {
    /// Of this basis.
    pub(crate) fn of(basis: &'static str) -> Self {
        Self { basis, ..Self::default() }
    }

    /// The error for a Gaussian that has fewer digits than its steps, and would not be found again.
    pub(crate) fn lost_digits(&self, coder: &Coder<'_>) -> Error {
        let reason = "a Gaussian is too thin, or too faint, for the digits of its steps";
        match coder.is_reading() {
            true => malformed(reason),
            false => Error::StepTooFine { basis: self.basis, reason: reason.to_owned() },
        }
    }

    /// Writes a Gaussian, or reads one. Rounded ones come in descending order of their norms.
    pub(crate) fn code(
        &mut self,
        coder: &mut Coder<'_>,
        gaussian: Option<&Gaussian>,
        widths: Widths,
        grid: &VelocityGrid,
        resolution: Resolution,
    ) -> Result<Gaussian> {
        match resolution {
            Resolution::Exact => self.exact(coder, gaussian, widths),
            Resolution::Step(step) => self.rounded(coder, gaussian, widths, grid, step),
        }
    }

    fn exact(&mut self, coder: &mut Coder<'_>, gaussian: Option<&Gaussian>, widths: Widths) -> Result<Gaussian> {
        let given = gaussian.copied().unwrap_or(Gaussian { peak: 1.0, frame: Frame::grid_aligned([0.0; 3], [1.0; 3]) });
        let [peaks, centres, scales, angles] = &mut self.exact;
        let peak = coder.real(peaks, given.peak)?;
        let mut frame = given.frame;
        for value in &mut frame.centre {
            *value = coder.real(centres, *value)?;
        }
        let own: &[usize] = match widths {
            Widths::One => &[0],
            Widths::PerAxis | Widths::Full => &[0, 1, 2],
            Widths::AcrossAndAlong(_) => &[0, 2],
            Widths::Same => &[],
        };
        for &axis in own {
            frame.scales[axis] = coder.real(scales, frame.scales[axis])?;
        }
        let turned = widths == Widths::Full && coder.bits(u64::from(frame.rotation.is_some()), 1) == 1;
        if turned {
            for value in frame.rotation.get_or_insert_default() {
                *value = coder.real(angles, *value)?;
            }
        }
        if coder.is_reading() {
            match widths {
                Widths::One => frame.scales = [frame.scales[0]; 3],
                Widths::AcrossAndAlong(field) => frame = along_field(field, frame),
                Widths::Same => frame = self.as_before(frame),
                Widths::PerAxis | Widths::Full => {}
            }
        }
        self.last = Some(frame);
        if frame.scales.iter().any(|&scale| scale <= 0.0) {
            return Err(malformed(format!("widths {:?} that are not positive", frame.scales)));
        }
        Ok(Gaussian { peak, frame })
    }

    fn as_before(&self, frame: Frame) -> Frame {
        self.last.map_or(frame, |last| Frame { centre: frame.centre, ..last })
    }

    fn rounded(
        &mut self,
        coder: &mut Coder<'_>,
        gaussian: Option<&Gaussian>,
        widths: Widths,
        grid: &VelocityGrid,
        step: f64,
    ) -> Result<Gaussian> {
        let cells = Cells::of(grid);
        let negative = coder.rarely(gaussian.is_some_and(|g| g.peak < 0.0));
        let steps = self.code_norm(coder, gaussian.map(|g| norm(g, grid)), step)?;
        // A step over the norm.
        let share = (1.0 / steps as f64).max(FINEST_SHARE);
        let shape = match (widths, self.last) {
            (Widths::Same, Some(last)) => last,
            _ => self.code_shape(coder, gaussian.map(|g| &g.frame), widths, &cells, share)?,
        };
        let centre = self.code_mean(coder, gaussian.map(|g| g.frame.centre), &shape, &cells, share)?;
        let mut rounded = Gaussian { peak: 1.0, frame: Frame { centre, ..shape } };
        rounded.peak = steps as f64 * step / norm(&rounded, grid);
        if negative {
            rounded.peak = -rounded.peak;
        }
        if !rounded.peak.is_normal() {
            return Err(self.lost_digits(coder));
        }
        self.last = Some(rounded.frame);
        Ok(rounded)
    }

    /// A norm, in steps: the first as it is, the others by how much less they are than the one before.
    fn code_norm(&mut self, coder: &mut Coder<'_>, given: Option<f64>, step: f64) -> Result<i64> {
        let steps = given.map_or(1, |norm| multiple(norm, step)).max(1);
        if steps > MOST_STEPS as i64 {
            return Err(self.lost_digits(coder));
        }
        let steps = match self.steps {
            None => coder.count(steps as usize - 1, MOST_STEPS)? as i64 + 1,
            Some(last) => {
                let spread = (last as f64 / 8.0).max(1.0);
                let less = coder.scaled(&mut self.norm, last - steps, finest(spread))?;
                let now = last.saturating_sub(less);
                if now < 1 || now > MOST_STEPS as i64 {
                    return Err(malformed(format!("a Gaussian of norm {now}")));
                }
                now
            }
        };
        self.steps = Some(steps);
        Ok(steps)
    }

    /// A mean, in columns of L from the middle of the box.
    fn code_mean(
        &mut self,
        coder: &mut Coder<'_>,
        given: Option<[f64; 3]>,
        shape: &Frame,
        cells: &Cells,
        share: f64,
    ) -> Result<[f64; 3]> {
        let unit = share * SQRT_2;
        let factor = lower_factor(shape, cells);
        let inverse = factor.try_inverse().unwrap_or_else(Matrix3::identity);
        let from_middle = |mean: [f64; 3]| Vector3::from_fn(|i, _| (mean[i] - cells.middle[i]) / cells.spacing[i]);
        let given = given.map_or_else(Vector3::zeros, |mean| inverse * from_middle(mean));
        let mut z = Vector3::zeros();
        for i in 0..3 {
            let spread = MEAN_SPREAD * (0..=i).map(|j| (inverse[(i, j)] * cells.shape[j]).powi(2)).sum::<f64>().sqrt();
            let places = finest(spread / unit);
            z[i] = coder.scaled(&mut self.mean, multiple(given[i], unit), places)? as f64 * unit;
        }
        let offset = factor * z;
        if !(0..3).all(|i| offset[i].abs() < MOST_MEAN * cells.shape[i]) {
            return Err(coder.refusal(self.basis, "a Gaussian that lies outside of everything"));
        }
        // What is rounded must be found again, from the mean and the widths alone.
        let lost = f64::EPSILON * factor.norm() * inverse.norm() * z.amax();
        if lost.is_nan() || lost > LEAST_DIGITS * unit {
            return Err(self.lost_digits(coder));
        }
        Ok(std::array::from_fn(|i| cells.middle[i] + offset[i] * cells.spacing[i]))
    }

    /// Widths and axes; the centre stays at zero.
    fn code_shape(
        &mut self,
        coder: &mut Coder<'_>,
        given: Option<&Frame>,
        widths: Widths,
        cells: &Cells,
        share: f64,
    ) -> Result<Frame> {
        let unit = width_unit(share);
        match widths {
            Widths::One => {
                // One number that stands for three axes must be so much finer; likewise below.
                let scale = self.code_width(coder, given.map(|f| f.scales[0]), cells, 0, unit / 3f64.sqrt())?;
                Ok(Frame::grid_aligned([0.0; 3], [scale; 3]))
            }
            Widths::AcrossAndAlong(field) => {
                let across = self.code_width(coder, given.map(|f| f.scales[0]), cells, 0, unit / SQRT_2)?;
                let along = self.code_width(coder, given.map(|f| f.scales[2]), cells, 2, unit)?;
                Ok(along_field(field, Frame::grid_aligned([0.0; 3], [across, across, along])))
            }
            Widths::PerAxis | Widths::Same => {
                let mut scales = [0.0; 3];
                for (i, scale) in scales.iter_mut().enumerate() {
                    *scale = self.code_width(coder, given.map(|f| f.scales[i]), cells, i, unit)?;
                }
                Ok(Frame::grid_aligned([0.0; 3], scales))
            }
            Widths::Full => self.code_factor(coder, given, cells, share),
        }
    }

    /// L: its diagonal as widths, the rest in units of the diagonal.
    fn code_factor(
        &mut self,
        coder: &mut Coder<'_>,
        given: Option<&Frame>,
        cells: &Cells,
        share: f64,
    ) -> Result<Frame> {
        let given = given.map(|frame| lower_factor(frame, cells));
        let mut factor = Matrix3::zeros();
        for i in 0..3 {
            let width = given.map(|given| given[(i, i)] * cells.spacing[i]);
            factor[(i, i)] = self.code_width(coder, width, cells, i, width_unit(share))? / cells.spacing[i];
        }
        // M = L⁻¹ dL is lower triangular, as L is: a change of L_21 alone makes M_21 = dL_21 / L_22, one of L_20
        // M_20 = dL_20 / L_22, one of L_10 M_10 = dL_10 / L_11 and M_20 = −L_21 dL_10 / (L_11 L_22).
        for (i, j) in [(2, 1), (1, 0), (2, 0)] {
            let reach = if i == 1 { (factor[(2, 1)] / factor[(2, 2)]).hypot(1.0) } else { 1.0 };
            let unit = 2.0 * share / reach;
            let value = multiple(given.map_or(0.0, |given| given[(i, j)] / factor[(i, i)]), unit);
            let value = coder.scaled(&mut self.tilt, value, finest(TILT_SPREAD / unit))? as f64 * unit;
            if value.abs() > MOST_TILT {
                return Err(coder.refusal(self.basis, "a Gaussian that is tilted beyond measure"));
            }
            factor[(i, j)] = value * factor[(i, i)];
        }
        frame_of(&factor, cells).map_err(|reason| coder.refusal(self.basis, reason))
    }

    /// A width, by its logarithm.
    fn code_width(
        &mut self,
        coder: &mut Coder<'_>,
        given: Option<f64>,
        cells: &Cells,
        axis: usize,
        unit: f64,
    ) -> Result<f64> {
        let expected = EXPECTED_WIDTH * cells.shape[axis] * cells.spacing[axis];
        let value = multiple(given.map_or(0.0, |width| (width / expected).ln()), unit);
        let value = coder.scaled(&mut self.width, value, finest(WIDTH_SPREAD / unit))? as f64 * unit;
        if value.abs() > MOST_LOGARITHM {
            return Err(coder.refusal(self.basis, format!("a width of e^{value} times what is expected")));
        }
        Ok(expected * value.exp())
    }
}

/// Steps of the logarithm of a width.
fn width_unit(share: f64) -> f64 {
    share * 2.0 / 3f64.sqrt()
}

/// How many digits of numbers that spread like this (in steps) look like noise.
fn finest(spread: f64) -> u32 {
    // A quarter of the spread is where the distribution begins to show.
    (0.25 * spread).max(1.0).log2().clamp(0.0, 52.0) as u32
}

#[cfg(test)]
mod tests;
