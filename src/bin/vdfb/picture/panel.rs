//! One plane as a raster with its axes, and the colour bar that explains it.

use std::ops::Range;

use plotters::style::RGBColor;

use super::axis::{Axis, number};
use super::canvas::{Align, Area, Canvas, Drawn, Pen, text_width};
use super::colours::{FADED_INK, INK, OUTLINE};
use super::scale::Tick;
use super::view::View;

/// Size of the numbers at ticks, and of the labels of axes [px].
pub const TICK_SIZE: f64 = 19.0;
pub const LABEL_SIZE: f64 = 21.0;
const TICK_LENGTH: f64 = 6.0;
/// From the frame to the middle of numbers and labels below it [px].
const NUMBERS_BELOW: f64 = 20.0;
const LABEL_BELOW: f64 = 46.0;
/// From ticks to the numbers beside them, and from the widest to the middle of the label [px].
const NUMBERS_BESIDE: f64 = 5.0;
const LABEL_BESIDE: f64 = 19.0;
/// One tick for so many pixels at most.
const TICK_EVERY: f64 = 62.0;
/// Least space between two numbers below an axis, and how far the outermost may reach beyond its ends: less than half of the
/// narrowest gap between two panels [px].
const NUMBER_GAP: f64 = 12.0;
const OVERHANG: f64 = 6.0;

/// A plane of cells: each in the colour that `colour` gives for its indices across and up.
pub fn plane(
    canvas: &mut Canvas,
    area: &Area,
    across: &Axis,
    up: &Axis,
    colour: impl Fn([usize; 2]) -> RGBColor,
) -> Drawn {
    let colours: Vec<RGBColor> =
        (0..up.cells).flat_map(|v| (0..across.cells).map(move |u| [u, v])).map(colour).collect();
    canvas.raster(area, |u, v| colours[up.cell(v) * across.cells + across.cell(u)]);
    canvas.frame(area, INK)
}

/// The outlines of boxes of cells, where the plane through the peak cuts them.
pub fn outlines(
    canvas: &mut Canvas,
    area: &Area,
    view: &View,
    plane: [usize; 2],
    boxes: &[[Range<usize>; 3]],
) -> Drawn {
    let through = 3 - plane[0] - plane[1];
    let [across, up] = plane.map(|axis| view.axes[axis].cells as f64);
    for cells in boxes.iter().filter(|cells| cells[through].contains(&view.peak_cell[through])) {
        let x = |cell: usize| area.left + area.width * cell as f64 / across;
        let y = |cell: usize| area.bottom() - area.height * cell as f64 / up;
        let (u, v) = (&cells[plane[0]], &cells[plane[1]]);
        let corners = [(u.start, v.start), (u.end, v.start), (u.end, v.end), (u.start, v.end), (u.start, v.start)];
        canvas.line(&corners.map(|(u, v)| (x(u), y(v))), 1.0, OUTLINE)?;
    }
    canvas.frame(area, INK)
}

/// Ticks, numbers and label of an axis below an area.
pub fn axis_below(canvas: &mut Canvas, area: &Area, axis: &Axis) -> Drawn {
    for (x, text) in numbers_below(area, axis)? {
        canvas.line(&[(x, area.bottom()), (x, area.bottom() + TICK_LENGTH)], 1.0, INK)?;
        canvas.text((x, area.bottom() + NUMBERS_BELOW), &text, Pen::new(TICK_SIZE, INK, Align::Middle))?;
    }
    let below = (area.centre().0, area.bottom() + LABEL_BELOW);
    canvas.text(below, &axis.label(), Pen::new(LABEL_SIZE, INK, Align::Middle))
}

/// Ticks of an axis below an area, with their numbers: as many as have room between them, and none where a number
/// would reach into the next panel.
fn numbers_below(area: &Area, axis: &Axis) -> Drawn<Vec<(f64, String)>> {
    let most = (area.width / TICK_EVERY) as usize + 1;
    for count in (1..=most).rev() {
        let mut ticks = Vec::new();
        let mut free = true;
        let mut end = f64::NEG_INFINITY;
        for tick in axis.ticks(count) {
            let (x, text) = (area.left + axis.fraction(tick) * area.width, number(tick));
            let half = 0.5 * text_width(&text, TICK_SIZE)?;
            if x - half < area.left - OVERHANG || x + half > area.right() + OVERHANG {
                ticks.push((x, String::new()));
                continue;
            }
            free &= x - half >= end + NUMBER_GAP;
            end = x + half;
            ticks.push((x, text));
        }
        if free {
            return Ok(ticks);
        }
    }
    Ok(Vec::new())
}

/// Ticks of an axis left of an area; with `labelled` also numbers and label.
pub fn axis_left(canvas: &mut Canvas, area: &Area, axis: &Axis, labelled: bool) -> Drawn {
    let tick = |value| Tick { fraction: axis.fraction(value), text: number(value) };
    let ticks: Vec<_> = axis.ticks((area.height / TICK_EVERY) as usize + 1).into_iter().map(tick).collect();
    ticks_left(canvas, area, &ticks, labelled.then(|| axis.label()).as_deref())
}

/// Ticks left of an area; with a label also numbers.
pub fn ticks_left(canvas: &mut Canvas, area: &Area, ticks: &[Tick], label: Option<&str>) -> Drawn {
    let numbers_right = area.left - TICK_LENGTH - NUMBERS_BESIDE;
    let mut widest: f64 = 0.0;
    for tick in ticks {
        let y = area.bottom() - tick.fraction * area.height;
        canvas.line(&[(area.left - tick_length(tick), y), (area.left, y)], 1.0, INK)?;
        if label.is_some() {
            canvas.text((numbers_right, y), &tick.text, Pen::new(TICK_SIZE, INK, Align::Right))?;
            widest = widest.max(text_width(&tick.text, TICK_SIZE)?);
        }
    }
    match label {
        Some(label) => {
            let left = (numbers_right - widest - LABEL_BESIDE, area.centre().1);
            canvas.text(left, label, Pen::new(LABEL_SIZE, INK, Align::Middle).upright())
        }
        None => Ok(()),
    }
}

/// A colour bar: `colour` of the fractions of its height, ticks at such fractions.
pub fn colour_bar(
    canvas: &mut Canvas,
    area: &Area,
    label: &str,
    ticks: &[Tick],
    colour: impl Fn(f64) -> RGBColor,
) -> Drawn {
    canvas.raster(area, |_, v| colour(v));
    canvas.frame(area, INK)?;
    let numbers_left = area.right() + TICK_LENGTH + NUMBERS_BESIDE;
    let mut widest: f64 = 0.0;
    for tick in ticks {
        let y = area.bottom() - tick.fraction * area.height;
        canvas.line(&[(area.right(), y), (area.right() + tick_length(tick), y)], 1.0, INK)?;
        canvas.text((numbers_left, y), &tick.text, Pen::new(TICK_SIZE, INK, Align::Left))?;
        widest = widest.max(text_width(&tick.text, TICK_SIZE)?);
    }
    let right = (numbers_left + widest + LABEL_BESIDE, area.centre().1);
    canvas.text(right, label, Pen::new(LABEL_SIZE, INK, Align::Middle).upright())
}

/// The colour bar of densities.
pub fn density_bar(canvas: &mut Canvas, area: &Area, view: &View) -> Drawn {
    // Just above the floor, where the colours begin.
    let colour = |fraction: f64| view.scale.colour(view.scale.value(fraction.max(1e-6)));
    colour_bar(canvas, area, view.units.density_label(), &view.scale.ticks(), colour)
}

fn tick_length(tick: &Tick) -> f64 {
    if tick.text.is_empty() { 0.5 * TICK_LENGTH } else { TICK_LENGTH }
}

/// A small square of a colour and what it stands for; gives where the next may begin.
pub fn key(canvas: &mut Canvas, (x, y): (f64, f64), colour: RGBColor, meaning: &str) -> Drawn<f64> {
    const SIDE: f64 = 16.0;
    let square = Area { left: x, top: y - 0.5 * SIDE, width: SIDE, height: SIDE };
    canvas.raster(&square, |_, _| colour);
    canvas.frame(&square, FADED_INK)?;
    canvas.text((x + SIDE + 8.0, y), meaning, Pen::new(TICK_SIZE, INK, Align::Left))?;
    Ok(x + SIDE + 8.0 + text_width(meaning, TICK_SIZE)? + 28.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdf_basis::{Vdf, VelocityGrid};

    #[test]
    fn numbers_below_neighbouring_panels_do_not_meet() {
        Canvas::new(1.0, 1.0).unwrap();
        for half in [1.5e6, 2.5e6, 1.2e5, 9.9e8, 3.0] {
            let grid = VelocityGrid::from_edges([10, 10, 10], [-half; 3], [half; 3]).unwrap();
            let axis = Axis::of(&Vdf::zeros(grid), 0);
            for width in [60.0, 100.0, 219.0, 400.0, 1000.0] {
                let area = Area { left: 0.0, top: 0.0, width, height: 10.0 };
                let mut end = -OVERHANG;
                let mut numbers = 0;
                for (x, text) in numbers_below(&area, &axis).unwrap().iter().filter(|(_, text)| !text.is_empty()) {
                    let half = 0.5 * text_width(text, TICK_SIZE).unwrap();
                    assert!(x - half >= end && x + half <= width + OVERHANG, "{half}: {text} at {x} of {width}");
                    end = x + half + NUMBER_GAP;
                    numbers += 1;
                }
                assert!(numbers > 0 && (width < 219.0 || numbers > 1), "{half}: {numbers} on {width}");
            }
        }
    }
}
