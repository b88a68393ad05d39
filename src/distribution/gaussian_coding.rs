//! Coding of Gaussians, for all bases that have Gaussian components.
//!
//! Each number is rounded in steps that change the distribution equally. With g = A exp(−½|z|²), z = L⁻¹(v − u), Σ = L
//! Lᵀ and the norm a = ‖g‖ = A (π^{3/2} |L| / dV)^{1/2} over the cells, the derivatives by a, by u along the columns
//! of L, by the logarithms of L's diagonal and by the rest of L⁻¹ dL have the norms 1, a/√2, a √3/2 and a/2. The step
//! of the norm is therefore that of the resolution, and the others have this step over these factors. The norm comes
//! first, so that a reader knows a.

mod ancestor;
mod lower_factor;

use std::f64::consts::{PI, SQRT_2};

use nalgebra::{Matrix3, Vector3};

use super::frame::Frame;
use super::gaussian_fit::Gaussian;
use super::grid::VelocityGrid;
use crate::coding::{Coder, Integers, Reals, Resolution, malformed, multiple};
use crate::error::{Error, Result};
pub(crate) use ancestor::Ancestor;
use ancestor::{Coded, Differences, tilt};
use lower_factor::{Cells, along_field, frame_of, lower_factor};

/// Numbers of the covariance that a stream holds for a Gaussian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Widths {
    /// One width for all axes.
    One,
    /// One width along each of the grid's axes.
    PerAxis,
    /// All six numbers of a covariance.
    Full,
    /// One width across and one along a field, which gives the axes.
    AcrossAndAlong([f64; 3]),
    /// No number: the covariance of the previous Gaussian, if there is one.
    Same,
}

/// Adaptive models of the Gaussians of one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct GaussianModels {
    /// The basis they belong to.
    basis: &'static str,
    norm: Integers,
    mean: Expected,
    width: Expected,
    tilt: Expected,
    /// Differences of norms from those of ancestors, over these.
    norms: Differences,
    /// The Gaussian that the next one is expected to be like.
    ancestor: Option<Ancestor>,
    /// The numbers of the Gaussian coded last, and its norm in steps.
    coded: Coded,
    steps_coded: i64,
    /// Peaks, centres, scales and angles of Gaussians that are not rounded.
    exact: [Reals; 4],
    /// The last norm, in steps: they come in descending order.
    steps: Option<i64>,
    last: Option<Frame>,
}

/// Adaptive models of numbers of one kind: those that are coded by themselves, and differences from an ancestor's.
#[derive(Debug, Clone, Default)]
struct Expected {
    alone: Integers,
    differences: Differences,
}

impl Expected {
    /// Codes a whole number of units: its difference from the number expected, if there is one; else by itself, with
    /// `places` uniformly distributed digits.
    fn code(
        &mut self,
        coder: &mut Coder<'_>,
        value: i64,
        unit: f64,
        places: u32,
        expected: Option<f64>,
    ) -> Result<f64> {
        let value = match expected {
            Some(expected) => self.differences.code(coder, value, expected, unit)?,
            None => coder.scaled(&mut self.alone, value, places)?,
        };
        Ok(value as f64 * unit)
    }
}

/// Typical deviation of the logarithm of a width from the prediction: a factor of 2.
const WIDTH_SPREAD: f64 = 0.7;
/// Typical distance of a mean from the middle, in lengths of the box.
const MEAN_SPREAD: f64 = 0.2;
/// Typical size of the entries of L below the diagonal, in units of the diagonal.
const TILT_SPREAD: f64 = 0.5;
/// Maximum norm in steps. Numbers of f64 have 53 binary digits: larger norms have none left.
const MAX_STEPS: usize = 1 << 52;
/// Maximum |ln(width / prediction)|: wider or narrower Gaussians are damaged data, and would overflow.
const MAX_LOGARITHM: f64 = 100.0;
/// Maximum entry of L below the diagonal, in units of the diagonal: the covariance would be singular to rounding.
const MAX_TILT: f64 = 1e6;
/// Finest step of means and widths, as a part of a width (2⁻⁴²): logarithms and their exponentials keep no more digits.
/// Of a sum of bases, the second encodes the rest.
const FINEST_SHARE: f64 = 1.0 / (1_u64 << 42) as f64;
/// Maximum rounding error of a mean, as a part of its step, by its conversion to widths and back: below ½ the step is
/// found again.
const MAX_MEAN_ERROR: f64 = 1.0 / 8.0;
/// Maximum distance of a mean from the middle, in lengths of the box: a Gaussian farther away is constant in the box to
/// double precision, unless it is as wide.
const MAX_MEAN: f64 = 1e6;

/// Norm of a Gaussian over the cells of an unbounded grid. Gaussians are ordered by it in a stream.
pub(crate) fn norm(gaussian: &Gaussian, grid: &VelocityGrid) -> f64 {
    let spacing = grid.spacing();
    let scales = gaussian.frame.scales;
    // Ratios of lengths, axis by axis: a volume may leave the range of f64.
    let volume: f64 = (0..3).map(|i| scales[i] / spacing[i]).product();
    gaussian.peak.abs() * (PI.powf(1.5) * volume).sqrt()
}

/// Maximum distance from a multiple of a step, in steps, of a number that was rounded to it and found again by a fit. A
/// larger margin would take arbitrary numbers for rounded ones: an isotropic Gaussian centred on a cell has only two.
const MAX_OFF_MULTIPLE: f64 = 0.01;

/// Distance of the norm of a Gaussian from a multiple of a step, in steps; `None` above [`MAX_OFF_MULTIPLE`].
pub(crate) fn off_whole(gaussian: &Gaussian, grid: &VelocityGrid, step: f64) -> Option<f64> {
    let steps = norm(gaussian, grid) / step;
    let off = (steps - steps.round()).abs();
    (steps >= 0.5 && off <= MAX_OFF_MULTIPLE).then_some(off)
}

/// Index of the first step with the smallest distance, if any step has one.
pub(crate) fn best_step(steps: &[f64], distance: impl Fn(f64) -> Option<f64>) -> Option<usize> {
    let distances = steps.iter().enumerate().filter_map(|(index, &step)| Some((index, distance(step)?)));
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

/// True if widths and means of two Gaussians differ by at most [`MAX_OFF_MULTIPLE`] steps.
pub(crate) fn is_same(a: &Gaussian, b: &Gaussian, grid: &VelocityGrid, step: f64) -> bool {
    let steps = norm(a, grid) / step;
    (0..3).all(|i| {
        let narrowest = a.frame.scales.iter().fold(f64::INFINITY, |narrowest, scale| scale.min(narrowest));
        let width = (a.frame.scales[i] / b.frame.scales[i]).ln().abs();
        let mean = ((a.frame.centre[i] - b.frame.centre[i]) / narrowest).abs();
        width * steps <= MAX_OFF_MULTIPLE && mean * steps <= MAX_OFF_MULTIPLE
    })
}

/// Gaussian to read into.
pub(crate) const BLANK: Gaussian =
    Gaussian { peak: 1.0, frame: Frame { centre: [0.0; 3], rotation: None, scales: [1.0; 3] } };

impl GaussianModels {
    /// New models; errors name `basis`.
    pub(crate) fn of(basis: &'static str) -> Self {
        Self { basis, ..Self::default() }
    }

    /// Begins another distribution: what was learnt stays, but its norms are not smaller than the last one's.
    pub(crate) fn begin(&mut self) {
        (self.steps, self.last, self.ancestor) = (None, None, None);
    }

    /// Codes a Gaussian, rounded, that is expected to be like one of a distribution before, if there is such a one; returns
    /// it as an ancestor of later ones. Only for Gaussians with a width for each axis or a full covariance.
    pub(crate) fn code_like(
        &mut self,
        coder: &mut Coder<'_>,
        ancestor: Option<&Ancestor>,
        gaussian: &mut Gaussian,
        (widths, grid, step): (Widths, &VelocityGrid, f64),
    ) -> Result<Ancestor> {
        (self.ancestor, self.coded) = (ancestor.copied(), Coded::default());
        self.code(coder, gaussian, widths, grid, Resolution::Step(step))?;
        self.ancestor = None;
        Ok(Ancestor::of(self.steps_coded as f64 * step, &self.coded, grid))
    }

    /// Error for a Gaussian whose rounding errors exceed its steps, so that a reader would get another one.
    pub(crate) fn lost_digits(&self, coder: &Coder<'_>) -> Error {
        let reason = "a Gaussian is too thin, or too faint, for the digits of its steps";
        match coder.is_reading() {
            true => malformed(reason),
            false => Error::StepTooFine { basis: self.basis, reason: reason.to_owned() },
        }
    }

    /// Writes or reads a Gaussian. Rounded ones come in descending order of their norms.
    pub(crate) fn code(
        &mut self,
        coder: &mut Coder<'_>,
        gaussian: &mut Gaussian,
        widths: Widths,
        grid: &VelocityGrid,
        resolution: Resolution,
    ) -> Result<()> {
        if coder.is_reading() {
            *gaussian = BLANK;
        }
        match resolution {
            Resolution::Exact => self.exact(coder, gaussian, widths),
            Resolution::Step(step) => self.rounded(coder, gaussian, widths, grid, step),
        }
    }

    fn exact(&mut self, coder: &mut Coder<'_>, gaussian: &mut Gaussian, widths: Widths) -> Result<()> {
        let Gaussian { peak, mut frame } = *gaussian;
        let [peaks, centres, scales, angles] = &mut self.exact;
        let peak = coder.real(peaks, peak)?;
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
        *gaussian = Gaussian { peak, frame };
        Ok(())
    }

    fn as_before(&self, frame: Frame) -> Frame {
        self.last.map_or(frame, |last| Frame { centre: frame.centre, ..last })
    }

    fn rounded(
        &mut self,
        coder: &mut Coder<'_>,
        gaussian: &mut Gaussian,
        widths: Widths,
        grid: &VelocityGrid,
        step: f64,
    ) -> Result<()> {
        let negative = coder.rarely(gaussian.peak < 0.0);
        let steps = self.code_norm(coder, norm(gaussian, grid), step)?;
        self.steps_coded = steps;
        // The step over the norm, from which those of mean and widths follow.
        let share = (1.0 / steps as f64).max(FINEST_SHARE);
        let frame = self.code_frame(coder, &gaussian.frame, widths, grid, share)?;
        let mut rounded = Gaussian { peak: 1.0, frame };
        rounded.peak = steps as f64 * step / norm(&rounded, grid);
        if negative {
            rounded.peak = -rounded.peak;
        }
        if !rounded.peak.is_normal() {
            return Err(self.lost_digits(coder));
        }
        *gaussian = rounded;
        Ok(())
    }

    /// Writes or reads the widths, the axes and the centre of a Gaussian, in steps that change it by `share` of its
    /// norm.
    pub(crate) fn code_frame(
        &mut self,
        coder: &mut Coder<'_>,
        given: &Frame,
        widths: Widths,
        grid: &VelocityGrid,
        share: f64,
    ) -> Result<Frame> {
        let cells = Cells::of(grid);
        let shape = match (widths, self.last) {
            (Widths::Same, Some(last)) => last,
            _ => self.code_shape(coder, given, widths, &cells, share)?,
        };
        let centre = self.code_mean(coder, given.centre, &shape, &cells, share)?;
        let frame = Frame { centre, ..shape };
        self.last = Some(frame);
        Ok(frame)
    }

    /// Codes a norm in steps: the first one itself, the others as differences from the previous one.
    fn code_norm(&mut self, coder: &mut Coder<'_>, norm: f64, step: f64) -> Result<i64> {
        let steps = multiple(norm, step).max(1);
        if steps > MAX_STEPS as i64 && !coder.is_reading() {
            return Err(self.lost_digits(coder));
        }
        if let Some(ancestor) = &self.ancestor {
            let unit = (step / ancestor.norm).clamp(FINEST_SHARE, 1.0);
            let steps = self.norms.code(coder, steps, ancestor.norm / step * unit, unit)?;
            return match (1..=MAX_STEPS as i64).contains(&steps) {
                true => Ok(steps),
                false => Err(malformed(format!("a Gaussian of norm {steps}"))),
            };
        }
        let steps = match self.steps {
            None => coder.count(steps as usize - 1, MAX_STEPS)? as i64 + 1,
            Some(last) => {
                let spread = (last as f64 / 8.0).max(1.0);
                let less = coder.scaled(&mut self.norm, last - steps, finest(spread))?;
                let now = last.saturating_sub(less);
                if now < 1 || now > MAX_STEPS as i64 {
                    return Err(malformed(format!("a Gaussian of norm {now}")));
                }
                now
            }
        };
        self.steps = Some(steps);
        Ok(steps)
    }

    /// Codes a mean as L⁻¹(u − m), m the middle of the box.
    fn code_mean(
        &mut self,
        coder: &mut Coder<'_>,
        mean: [f64; 3],
        shape: &Frame,
        cells: &Cells,
        share: f64,
    ) -> Result<[f64; 3]> {
        let unit = share * SQRT_2;
        let factor = lower_factor(shape, cells);
        let inverse = factor.try_inverse().unwrap_or_else(Matrix3::identity);
        let given = inverse * Vector3::from_fn(|i, _| (mean[i] - cells.middle[i]) / cells.spacing[i]);
        let expected = self.ancestor.map(|ancestor| ancestor.expected_mean(&self.coded, cells));
        let mut z = Vector3::zeros();
        for i in 0..3 {
            let spread = MEAN_SPREAD * (0..=i).map(|j| (inverse[(i, j)] * cells.shape[j]).powi(2)).sum::<f64>().sqrt();
            let places = finest(spread / unit);
            z[i] = self.mean.code(coder, multiple(given[i], unit), unit, places, expected.map(|mean| mean[i]))?;
        }
        self.coded.mean = z.into();
        let offset = factor * z;
        if !(0..3).all(|i| offset[i].abs() < MAX_MEAN * cells.shape[i]) {
            return Err(coder.refusal(self.basis, "a Gaussian that lies outside of everything"));
        }
        // The rounded numbers must follow again from the decoded mean and widths.
        let lost = f64::EPSILON * factor.norm() * inverse.norm() * z.amax();
        if lost.is_nan() || lost > MAX_MEAN_ERROR * unit {
            return Err(self.lost_digits(coder));
        }
        Ok(std::array::from_fn(|i| cells.middle[i] + offset[i] * cells.spacing[i]))
    }

    /// Codes widths and axes; the centre stays at zero.
    fn code_shape(
        &mut self,
        coder: &mut Coder<'_>,
        given: &Frame,
        widths: Widths,
        cells: &Cells,
        share: f64,
    ) -> Result<Frame> {
        let unit = width_unit(share);
        match widths {
            Widths::One => {
                // A change of one number that sets three widths changes the distribution √3 times as much; similarly
                // below.
                let scale = self.code_width(coder, given.scales[0], cells, 0, unit / 3f64.sqrt())?;
                Ok(Frame::grid_aligned([0.0; 3], [scale; 3]))
            }
            Widths::AcrossAndAlong(field) => {
                let across = self.code_width(coder, given.scales[0], cells, 0, unit / SQRT_2)?;
                let along = self.code_width(coder, given.scales[2], cells, 2, unit)?;
                Ok(along_field(field, Frame::grid_aligned([0.0; 3], [across, across, along])))
            }
            Widths::PerAxis | Widths::Same => {
                let mut scales = [0.0; 3];
                for (i, scale) in scales.iter_mut().enumerate() {
                    *scale = self.code_width(coder, given.scales[i], cells, i, unit)?;
                }
                Ok(Frame::grid_aligned([0.0; 3], scales))
            }
            Widths::Full => self.code_factor(coder, given, cells, share),
        }
    }

    /// Codes L: its diagonal as widths, the rest in units of the diagonal.
    fn code_factor(&mut self, coder: &mut Coder<'_>, given: &Frame, cells: &Cells, share: f64) -> Result<Frame> {
        let given = lower_factor(given, cells);
        let mut factor = Matrix3::zeros();
        for i in 0..3 {
            let width = given[(i, i)] * cells.spacing[i];
            factor[(i, i)] = self.code_width(coder, width, cells, i, width_unit(share))? / cells.spacing[i];
        }
        // M = L⁻¹ dL is lower triangular, as L is: a change of L_21 alone makes M_21 = dL_21 / L_22, one of L_20
        // M_20 = dL_20 / L_22, one of L_10 M_10 = dL_10 / L_11 and M_20 = −L_21 dL_10 / (L_11 L_22).
        for (i, j) in [(2, 1), (1, 0), (2, 0)] {
            // From the number in the stream, so that every reader finds the same.
            let below = self.coded.tilts[tilt(2, 1)];
            let reach = if i == 1 { (1.0 + below * below).sqrt() } else { 1.0 };
            let unit = 2.0 * share / reach;
            let value = multiple(given[(i, j)] / factor[(i, i)], unit);
            let (places, expected) =
                (finest(TILT_SPREAD / unit), self.ancestor.map(|ancestor| ancestor.expected_tilt(i, j)));
            let value = self.tilt.code(coder, value, unit, places, expected)?;
            self.coded.tilts[tilt(i, j)] = value;
            if value.abs() > MAX_TILT {
                return Err(coder.refusal(self.basis, "a Gaussian that is tilted beyond measure"));
            }
            factor[(i, j)] = value * factor[(i, i)];
        }
        frame_of(&factor, cells).map_err(|reason| coder.refusal(self.basis, reason))
    }

    /// Codes a width by its logarithm.
    fn code_width(&mut self, coder: &mut Coder<'_>, width: f64, cells: &Cells, axis: usize, unit: f64) -> Result<f64> {
        let expected = cells.expected_width(axis);
        let value = multiple((width / expected).ln(), unit);
        let (places, of_ancestor) =
            (finest(WIDTH_SPREAD / unit), self.ancestor.map(|ancestor| ancestor.expected_width(cells, axis)));
        let value = self.width.code(coder, value, unit, places, of_ancestor)?;
        self.coded.widths[axis] = value;
        if value.abs() > MAX_LOGARITHM {
            return Err(coder.refusal(self.basis, format!("a width of e^{value} times what is expected")));
        }
        Ok(expected * value.exp())
    }
}

/// Step of the logarithm of a width: `share` over √3/2.
fn width_unit(share: f64) -> f64 {
    share * 2.0 / 3f64.sqrt()
}

/// Number of binary digits that are uniformly distributed, for numbers of this spread (in steps).
pub(crate) fn finest(spread: f64) -> u32 {
    // Within a quarter of the spread, the probability density of a bell-shaped distribution is nearly constant.
    // The logarithm of a whole number, which is the same on every platform.
    ((0.25 * spread).max(1.0) as u64).ilog2().min(52)
}

#[cfg(test)]
mod tests;
