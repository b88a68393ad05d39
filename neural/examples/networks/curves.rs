//! The course of trainings: printed, and as a picture.

use std::fmt::Write;

use vdf_basis_neural::mlp::{Attempt, Report};

use crate::chart::{COLOURS, Chart, Scale};
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen};
use crate::picture::colours::INK;
use crate::picture::panel::key;
use crate::picture::scale::LogScale;
use crate::picture::text::printed;

/// The trainings of one spec.
pub struct Course {
    spec: String,
    report: Report,
}

impl Course {
    /// Those of a report.
    pub fn new(spec: &str, report: Report) -> Self {
        Self { spec: spec.to_owned(), report }
    }

    /// The network whose stream was taken: the shortest, else the last.
    fn taken(&self) -> Option<&Attempt> {
        let attempts = &self.report.attempts;
        attempts
            .iter()
            .filter(|attempt| attempt.bytes.is_some())
            .min_by_key(|attempt| attempt.bytes)
            .or(attempts.last())
    }
}

/// A line for each network that was trained: its size, its length and its error on the way.
pub fn loss_table(courses: &[Course]) -> String {
    /// Errors of a line.
    const SHOWN: usize = 9;
    let mut text = String::from("Relative error during training, at equal distances, before rounding:\n");
    for Course { spec, report } in courses {
        let _ = writeln!(text, "{spec}");
        for Attempt { width, weights, bytes, curve } in &report.attempts {
            let bytes = bytes.map_or_else(|| "misses the bound".to_owned(), |bytes| format!("{bytes} bytes"));
            let _ = write!(text, "  width {width:>3}, {weights:>5} weights, {bytes:>16}:");
            let last = curve.len().saturating_sub(1);
            let places = (0..SHOWN).map(|place| place * last / (SHOWN - 1));
            for progress in places.filter_map(|place| curve.get(place)) {
                let _ = write!(text, " {}", printed(progress.error));
            }
            text.push('\n');
        }
    }
    text.push('\n');
    text
}

/// The error of each spec's network against the part of its training.
pub fn curves(courses: &[Course]) -> Drawn<Canvas> {
    /// Measures of the picture [px].
    const WIDTH: f64 = 980.0;
    const HEIGHT: f64 = 460.0;
    const LEFT: f64 = 112.0;
    const TOP: f64 = 70.0;
    const LINE: f64 = 28.0;
    const BELOW: f64 = 80.0;
    let taken: Vec<(&str, &Attempt)> =
        courses.iter().filter_map(|course| Some((course.spec.as_str(), course.taken()?))).take(COLOURS.len()).collect();
    let errors = || taken.iter().flat_map(|(_, attempt)| attempt.curve.iter().map(|progress| progress.error));
    let lowest = errors().fold(f64::INFINITY, f64::min).max(1e-6);
    let highest = errors().fold(lowest, f64::max);
    let height = TOP + HEIGHT + BELOW + LINE * taken.len() as f64;
    let mut canvas = Canvas::new(LEFT + WIDTH + 40.0, height)?;
    canvas.text((LEFT, 30.0), "Relative error l2 during training", Pen::new(26.0, INK, Align::Left))?;
    let area = Area { left: LEFT, top: TOP, width: WIDTH, height: HEIGHT };
    let chart = Chart { area, x: Scale::Linear(0.0, 1.0), y: Scale::Log(LogScale::new(0.8 * lowest, 1.2 * highest)) };
    chart.axes(&mut canvas, "part of the training", Some("l2"))?;
    for ((spec, attempt), (place, colour)) in taken.iter().zip((0..).zip(COLOURS)) {
        let last = attempt.curve.len().saturating_sub(1).max(1) as f64;
        let points = attempt.curve.iter().enumerate().map(|(k, progress)| (k as f64 / last, progress.error));
        chart.curve(&mut canvas, points, 2.0, colour)?;
        let meaning = format!("{spec}: {} weights", attempt.weights);
        key(&mut canvas, (LEFT, TOP + HEIGHT + BELOW + LINE * f64::from(place)), colour, &meaning)?;
    }
    Ok(canvas)
}
