//! Curves in a frame with linear or logarithmic axes.

use plotters::style::RGBColor;

use crate::picture::axis::{number, ticks};
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen, Point};
use crate::picture::colours::{INK, RULE};
use crate::picture::panel::{LABEL_SIZE, TICK_SIZE, ticks_left};
use crate::picture::scale::{LogScale, Tick};

/// Colours of curves. The first seven can be told apart without red or green (Okabe and Ito 2008).
pub const COLOURS: [RGBColor; 12] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
    RGBColor(150, 150, 150),
    RGBColor(120, 94, 240),
    RGBColor(148, 24, 36),
    RGBColor(190, 174, 60),
    RGBColor(20, 96, 80),
];

/// From the frame down to the middle of numbers and label [px].
const NUMBERS_BELOW: f64 = 20.0;
const LABEL_BELOW: f64 = 46.0;
const TICK_LENGTH: f64 = 6.0;
/// One tick for so many pixels at most.
const TICK_EVERY: f64 = 80.0;

/// An axis.
#[derive(Debug, Clone, Copy)]
pub enum Scale {
    /// Between two limits.
    Linear(f64, f64),
    /// Logarithmic.
    Log(LogScale),
}

impl Scale {
    /// Position of a value, 0..1 between the limits; `None` where it has none.
    fn fraction(self, value: f64) -> Option<f64> {
        let fraction = match self {
            Self::Linear(lower, upper) => (value - lower) / (upper - lower),
            Self::Log(scale) => scale.fraction(value),
        };
        // The logarithm of zero is far below every scale; a curve goes down to the frame there.
        if fraction == f64::NEG_INFINITY { Some(-1e3) } else { fraction.is_finite().then_some(fraction) }
    }

    fn ticks(self, length: f64) -> Vec<Tick> {
        match self {
            Self::Linear(lower, upper) => {
                let tick = |value| Tick { fraction: (value - lower) / (upper - lower), text: number(value) };
                ticks(lower, upper, (length / TICK_EVERY) as usize + 1).into_iter().map(tick).collect()
            }
            Self::Log(scale) => scale.ticks(),
        }
    }
}

/// A frame with axes.
#[derive(Debug, Clone, Copy)]
pub struct Chart {
    /// Place on the sheet.
    pub area: Area,
    /// Axis to the right.
    pub x: Scale,
    /// Axis upwards.
    pub y: Scale,
}

impl Chart {
    /// Draws frame, rules, ticks and labels; the numbers of the axis upwards only with a label.
    pub fn axes(&self, canvas: &mut Canvas, x_label: &str, y_label: Option<&str>) -> Drawn {
        let area = &self.area;
        let upwards = self.y.ticks(area.height);
        for tick in upwards.iter().filter(|tick| !tick.text.is_empty()) {
            let y = area.bottom() - tick.fraction * area.height;
            canvas.line(&[(area.left, y), (area.right(), y)], 1.0, RULE)?;
        }
        canvas.frame(area, INK)?;
        for tick in self.x.ticks(area.width) {
            let x = area.left + tick.fraction * area.width;
            let length = if tick.text.is_empty() { 0.5 * TICK_LENGTH } else { TICK_LENGTH };
            canvas.line(&[(x, area.bottom()), (x, area.bottom() + length)], 1.0, INK)?;
            let below = (x, area.bottom() + NUMBERS_BELOW);
            canvas.text(below, &tick.text, Pen::new(TICK_SIZE, INK, Align::Middle))?;
        }
        let below = (area.centre().0, area.bottom() + LABEL_BELOW);
        canvas.text(below, x_label, Pen::new(LABEL_SIZE, INK, Align::Middle))?;
        ticks_left(canvas, area, &upwards, y_label)
    }

    /// Draws a curve, as far as it lies in the frame.
    pub fn curve(
        &self,
        canvas: &mut Canvas,
        points: impl IntoIterator<Item = (f64, f64)>,
        width: f64,
        colour: RGBColor,
    ) -> Drawn {
        let place = |(x, y)| Some((self.x.fraction(x)?, self.y.fraction(y)?));
        for piece in visible(points.into_iter().map(place)) {
            let points: Vec<Point> = piece.into_iter().map(|fractions| self.on_sheet(fractions)).collect();
            canvas.line(&points, width, colour)?;
        }
        Ok(())
    }

    /// Draws a filled square at a point, if it lies in the frame.
    pub fn marker(&self, canvas: &mut Canvas, (x, y): (f64, f64), colour: RGBColor) {
        const SIDE: f64 = 7.0;
        let Some(at) = self.x.fraction(x).zip(self.y.fraction(y)) else { return };
        if (0.0..=1.0).contains(&at.0) && (0.0..=1.0).contains(&at.1) {
            let (x, y) = self.on_sheet(at);
            canvas
                .raster(&Area { left: x - 0.5 * SIDE, top: y - 0.5 * SIDE, width: SIDE, height: SIDE }, |_, _| colour);
        }
    }

    fn on_sheet(&self, (x, y): Point) -> Point {
        (self.area.left + x * self.area.width, self.area.bottom() - y * self.area.height)
    }
}

/// The pieces of a curve inside the unit square, cut at its edges, with gaps where there is no value.
fn visible(points: impl Iterator<Item = Option<Point>>) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    let mut before = None;
    for point in points {
        if let Some((from, to)) = before.zip(point)
            && let Some((start, end)) = clipped(from, to)
        {
            match pieces.last_mut() {
                Some(piece) if piece.last() == Some(&start) => piece.push(end),
                _ => pieces.push(vec![start, end]),
            }
        }
        before = point;
    }
    pieces
}

/// The part of a line inside the unit square (Liang and Barsky 1984).
fn clipped(from: Point, to: Point) -> Option<(Point, Point)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut start, mut end) = (0.0, 1.0);
    for (slope, room) in [(-dx, from.0), (dx, 1.0 - from.0), (-dy, from.1), (dy, 1.0 - from.1)] {
        if slope == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if slope < 0.0 {
            start = f64::max(start, room / slope);
        } else {
            end = f64::min(end, room / slope);
        }
    }
    let at = |t: f64| match t {
        0.0 => from,
        1.0 => to,
        t => (from.0 + t * dx, from.1 + t * dy),
    };
    (start < end).then(|| (at(start), at(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_cut_at_the_frame_and_at_gaps() {
        let of = |points: &[(f64, f64)]| visible(points.iter().map(|&point| Some(point)));
        assert_eq!(of(&[(0.0, 0.5), (0.5, 0.5), (1.0, 0.5)]), [[(0.0, 0.5), (0.5, 0.5), (1.0, 0.5)]]);
        let peak = [(0.0, 0.5), (0.5, 1.5), (1.0, 0.5)];
        assert_eq!(of(&peak), [[(0.0, 0.5), (0.25, 1.0)], [(0.75, 1.0), (1.0, 0.5)]]);
        assert!(of(&[(0.0, 2.0), (1.0, 2.0)]).is_empty());
        let gap = [Some((0.0, 0.0)), None, Some((0.5, 0.5)), Some((1.0, 1.0))];
        assert_eq!(visible(gap.into_iter()), [[(0.5, 0.5), (1.0, 1.0)]]);
        assert_eq!(Scale::Log(LogScale::new(1.0, 10.0)).fraction(0.0), Some(-1e3));
        assert_eq!(Scale::Linear(0.0, 1.0).fraction(f64::NAN), None);
    }
}
