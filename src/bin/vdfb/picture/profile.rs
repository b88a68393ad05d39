//! Values along a line through the peak, on a logarithmic scale.

use plotters::style::RGBColor;
use vdf_basis::Vdf;

use super::canvas::{Area, Canvas, Drawn, Point};
use super::colours::{INK, RECONSTRUCTED, RULE};
use super::panel::{axis_below, ticks_left};
use super::scale::LogScale;
use super::view::View;

/// Width of the original's curve and, drawn over it, the reconstruction's [px].
pub const ORIGINAL_WIDTH: f64 = 4.0;
pub const RECONSTRUCTED_WIDTH: f64 = 2.0;
/// The original's curve.
pub const ORIGINAL: RGBColor = RGBColor(134, 142, 150);

/// Original and reconstruction along an axis. Where they are not positive the curves have gaps; where the
/// reconstruction is negative, markers stand at its absolute value.
pub fn profile(
    canvas: &mut Canvas,
    area: &Area,
    view: &View,
    reconstruction: &Vdf,
    axis: usize,
    labelled: bool,
) -> Drawn {
    // From a decade below the floor to a little above the peak.
    let scale = LogScale::new(0.1 * view.scale.lower, 2.0 * view.scale.upper);
    let ticks = scale.ticks();
    for tick in ticks.iter().filter(|tick| !tick.text.is_empty()) {
        let y = area.bottom() - tick.fraction * area.height;
        canvas.line(&[(area.left, y), (area.right(), y)], 1.0, RULE)?;
    }
    let floor = area.bottom() - scale.fraction(view.scale.lower) * area.height;
    dashed(canvas, (area.left, floor), area.right(), INK)?;

    let place = |cell: usize, fraction: f64| {
        (area.left + view.axes[axis].centre(cell) * area.width, area.bottom() - fraction * area.height)
    };
    let values = view.profile(reconstruction, axis);
    for (values, width, colour) in
        [(&view.profile(view.original, axis), ORIGINAL_WIDTH, ORIGINAL), (&values, RECONSTRUCTED_WIDTH, RECONSTRUCTED)]
    {
        for piece in pieces(values, &scale) {
            let points: Vec<Point> = piece.iter().map(|&(cell, fraction)| between(cell, fraction, place)).collect();
            canvas.line(&points, width, colour)?;
        }
    }
    for (cell, &value) in values.iter().enumerate() {
        let fraction = scale.fraction(-value);
        if value < 0.0 && (0.0..=1.0).contains(&fraction) {
            marker(canvas, place(cell, fraction))?;
        }
    }
    canvas.frame(area, INK)?;
    axis_below(canvas, area, &view.axes[axis])?;
    ticks_left(canvas, area, &ticks, labelled.then(|| view.units.density_label()))
}

/// The marker of a negative value: an open triangle that points down.
pub fn marker(canvas: &mut Canvas, (x, y): Point) -> Drawn {
    let corners = [(x - 4.5, y - 3.5), (x + 4.5, y - 3.5), (x, y + 4.5), (x - 4.5, y - 3.5)];
    canvas.line(&corners, 1.5, RECONSTRUCTED)
}

fn dashed(canvas: &mut Canvas, (left, y): Point, right: f64, colour: RGBColor) -> Drawn {
    const DASH: f64 = 6.0;
    let starts = (0..).map(|dash| left + 2.0 * DASH * f64::from(dash)).take_while(|&x| x < right);
    for x in starts {
        canvas.line(&[(x, y), ((x + DASH).min(right), y)], 1.0, colour)?;
    }
    Ok(())
}

/// A position on the sheet at a fractional cell.
fn between(cell: f64, fraction: f64, place: impl Fn(usize, f64) -> Point) -> Point {
    let (left, right) = (place(cell as usize, fraction), place(cell as usize + 1, fraction));
    (left.0 + cell.fract() * (right.0 - left.0), left.1)
}

/// The visible pieces of a curve as (cell, fraction of the scale), cut where it leaves the scale, with gaps where it
/// is not positive.
fn pieces(values: &[f64], scale: &LogScale) -> Vec<Vec<(f64, f64)>> {
    let mut pieces: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let points: Vec<Option<f64>> = values.iter().map(|&value| (value > 0.0).then(|| scale.fraction(value))).collect();
    let visible = |fraction: f64| (0.0..=1.0).contains(&fraction);
    for (cell, point) in points.iter().enumerate() {
        let before = cell.checked_sub(1).and_then(|before| points[before]);
        let Some(fraction) = *point else {
            pieces.push(Vec::new());
            continue;
        };
        // The cuts at either end of the scale between the cell before and this one, in order.
        let mut cuts: Vec<f64> = before.map_or(Vec::new(), |before| {
            let part = |end: f64| (end - before) / (fraction - before);
            [0.0, 1.0].map(part).into_iter().filter(|part| *part > 0.0 && *part < 1.0).collect()
        });
        cuts.sort_by(f64::total_cmp);
        for cut in cuts {
            let end = before.map_or(0.0, |before| (before + cut * (fraction - before)).round());
            let point = (cell as f64 - 1.0 + cut, end);
            match pieces.last_mut() {
                Some(piece) if !piece.is_empty() => {
                    piece.push(point);
                    pieces.push(Vec::new());
                }
                _ => pieces.push(vec![point]),
            }
        }
        if visible(fraction)
            && let Some(piece) = pieces.last_mut()
        {
            piece.push((cell as f64, fraction));
        }
    }
    pieces.retain(|piece| piece.len() > 1);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_cut_at_the_ends_of_the_scale_and_at_gaps() {
        let scale = LogScale::new(1.0, 100.0);
        let of = |values: &[f64]| pieces(values, &scale);
        assert_eq!(of(&[1.0, 10.0, 100.0]), [[(0.0, 0.0), (1.0, 0.5), (2.0, 1.0)]]);
        assert_eq!(of(&[10.0, 0.1, 10.0]), [[(0.0, 0.5), (0.5, 0.0)], [(1.5, 0.0), (2.0, 0.5)]]);
        assert_eq!(of(&[0.1, 1000.0]), [[(0.25, 0.0), (0.75, 1.0)]]);
        assert_eq!(of(&[10.0, 10.0, -1.0, 10.0, 10.0]).len(), 2);
        assert!(of(&[0.0, 5.0, 0.0]).is_empty() && of(&[]).is_empty());
    }
}
