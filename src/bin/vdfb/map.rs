//! The errors of all cells in one picture.

use crate::picture::axis::{number, ticks};
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen};
use crate::picture::colours::{INK, RECONSTRUCTED, RULE};
use crate::picture::panel::{LABEL_SIZE, TICK_SIZE, colour_bar, ticks_left};
use crate::picture::scale::{LogScale, Tick};

/// Measures of the picture [px].
const LEFT: f64 = 130.0;
const TOP: f64 = 76.0;
const LONGEST: f64 = 800.0;
const SHORTEST: f64 = 120.0;
const RIGHT: f64 = 170.0;
const BELOW: f64 = 80.0;
/// Positions are shown in this unit [m].
const KM: f64 = 1e3;
/// Names of the axes of space.
const AXES: [&str; 3] = ["x", "y", "z"];

/// A cell: its error, and where it lies if that is known [m].
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub error: f64,
    pub position: Option<[f64; 3]>,
}

/// A map over the two directions in which the cells lie farthest apart; a curve over their order where there are no two.
pub fn draw(title: &str, places: &[Place]) -> Drawn<Canvas> {
    let errors = places.iter().map(|place| place.error).filter(|error| *error > 0.0 && error.is_finite());
    let (least, largest) = errors.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), e| (a.min(e), b.max(e)));
    // A little beyond both ends, so that the smallest error has a colour.
    let scale = LogScale::new(0.9 * least, 1.1 * largest);
    let positions: Option<Vec<[f64; 3]>> = places.iter().map(|place| place.position).collect();
    match positions.as_deref().and_then(directions) {
        Some((positions, directions)) => map(title, places, &positions, directions, &scale),
        None => curve(title, places, &LogScale::new(0.5 * least, 2.0 * largest)),
    }
}

/// Positions along the two directions of the largest extents, if the cells do not lie in one line.
fn directions(positions: &[[f64; 3]]) -> Option<(Vec<[f64; 2]>, [usize; 2])> {
    let mut axes = [0, 1, 2];
    axes.sort_by(|&a, &b| extent(positions, b).total_cmp(&extent(positions, a)));
    let [mut a, mut b, _] = axes;
    if a > b {
        (a, b) = (b, a);
    }
    let flat = positions.iter().map(|position| [position[a] / KM, position[b] / KM]).collect();
    (extent(positions, axes[1]) > 0.0).then_some((flat, [a, b]))
}

fn extent<const N: usize>(positions: &[[f64; N]], axis: usize) -> f64 {
    let (low, high) = ends(positions, axis);
    high - low
}

fn ends<const N: usize>(positions: &[[f64; N]], axis: usize) -> (f64, f64) {
    let along = positions.iter().map(|position| position[axis]);
    along.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)))
}

/// The least distance of two positions along an axis that is not zero.
fn step(positions: &[[f64; 2]], axis: usize) -> f64 {
    let mut along: Vec<f64> = positions.iter().map(|position| position[axis]).collect();
    along.sort_by(f64::total_cmp);
    let range = extent(positions, axis);
    let steps = along.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 1e-9 * range);
    steps.fold(f64::INFINITY, f64::min)
}

fn map(
    title: &str,
    places: &[Place],
    positions: &[[f64; 2]],
    directions: [usize; 2],
    scale: &LogScale,
) -> Drawn<Canvas> {
    let steps = [0, 1].map(|axis| step(positions, axis));
    let edges = [0, 1].map(|axis| {
        let (low, high) = ends(positions, axis);
        (low - 0.5 * steps[axis], high + 0.5 * steps[axis])
    });
    let [wide, high] = edges.map(|(low, high)| high - low);
    let longest = wide.max(high);
    let [width, height] = [wide, high].map(|side| (LONGEST * side / longest).max(SHORTEST));
    let area = Area { left: LEFT, top: TOP, width, height };
    let mut canvas = Canvas::new(LEFT + width + RIGHT, TOP + height + BELOW)?;
    canvas.text((LEFT, 36.0), title, Pen::new(LABEL_SIZE, INK, Align::Left))?;
    for (place, position) in places.iter().zip(positions) {
        let fraction = [0, 1].map(|axis| (position[axis] - edges[axis].0) / (edges[axis].1 - edges[axis].0));
        let [side_x, side_y] = [width * steps[0] / wide, height * steps[1] / high].map(|side| side.max(2.0));
        let (left, bottom) = (area.left + fraction[0] * width, area.bottom() - fraction[1] * height);
        let square = Area { left: left - 0.5 * side_x, top: bottom - 0.5 * side_y, width: side_x, height: side_y };
        canvas.raster(&square, |_, _| scale.colour(place.error));
    }
    canvas.frame(&area, INK)?;
    let label = |axis: usize| format!("{} [km]", AXES[directions[axis]]);
    below(&mut canvas, &area, edges[0], &label(0))?;
    let upright: Vec<Tick> = ticks(edges[1].0, edges[1].1, 6)
        .into_iter()
        .map(|tick| Tick { fraction: (tick - edges[1].0) / high, text: number(tick) })
        .collect();
    ticks_left(&mut canvas, &area, &upright, Some(&label(1)))?;
    let bar = Area { left: area.right() + 24.0, top: TOP, width: 18.0, height };
    let colour = |fraction: f64| scale.colour(scale.value(fraction.max(1e-6)));
    colour_bar(&mut canvas, &bar, "error l2", &scale.ticks(), colour)?;
    Ok(canvas)
}

/// Errors in the order of the archive.
fn curve(title: &str, places: &[Place], scale: &LogScale) -> Drawn<Canvas> {
    const HEIGHT: f64 = 320.0;
    const DOT: f64 = 3.0;
    let area = Area { left: LEFT, top: TOP, width: LONGEST, height: HEIGHT };
    let mut canvas = Canvas::new(LEFT + LONGEST + 40.0, TOP + HEIGHT + BELOW)?;
    canvas.text((LEFT, 36.0), title, Pen::new(LABEL_SIZE, INK, Align::Left))?;
    let ticks = scale.ticks();
    for tick in ticks.iter().filter(|tick| !tick.text.is_empty()) {
        let y = area.bottom() - tick.fraction * area.height;
        canvas.line(&[(area.left, y), (area.right(), y)], 1.0, RULE)?;
    }
    let count = places.len() as f64;
    for (index, place) in places.iter().enumerate().filter(|(_, place)| place.error > 0.0 && place.error.is_finite()) {
        let x = area.left + (index as f64 + 0.5) / count * area.width;
        let y = area.bottom() - scale.fraction(place.error) * area.height;
        let dot = Area { left: x - DOT, top: y - DOT, width: 2.0 * DOT, height: 2.0 * DOT };
        canvas.raster(&dot, |_, _| RECONSTRUCTED);
    }
    canvas.frame(&area, INK)?;
    ticks_left(&mut canvas, &area, &ticks, Some("error l2"))?;
    below(&mut canvas, &area, (-0.5, count - 0.5), "place in the archive")?;
    Ok(canvas)
}

/// Ticks, numbers and label below an area.
fn below(canvas: &mut Canvas, area: &Area, (lower, upper): (f64, f64), label: &str) -> Drawn {
    for tick in ticks(lower, upper, (area.width / 110.0) as usize + 1) {
        let x = area.left + (tick - lower) / (upper - lower) * area.width;
        canvas.line(&[(x, area.bottom()), (x, area.bottom() + 6.0)], 1.0, INK)?;
        canvas.text((x, area.bottom() + 20.0), &number(tick), Pen::new(TICK_SIZE, INK, Align::Middle))?;
    }
    canvas.text((area.centre().0, area.bottom() + 46.0), label, Pen::new(LABEL_SIZE, INK, Align::Middle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_in_a_plane_make_a_map_and_those_in_a_line_a_curve() {
        let plane = [[0.0, 0.0, 1.0], [2e3, 0.0, 1.0], [0.0, 0.0, 3e3]];
        assert_eq!(directions(&plane), Some((vec![[0.0, 1e-3], [2.0, 1e-3], [0.0, 3.0]], [0, 2])));
        assert_eq!(directions(&[[0.0; 3], [1.0, 0.0, 0.0]]), None);
        for errors in [[0.01, 0.03, 0.02], [0.0; 3], [f64::INFINITY, 1.0, 0.0]] {
            for known in [true, false] {
                let places = [0, 1, 2].map(|k| Place { error: errors[k], position: known.then_some(plane[k]) });
                draw("errors", &places).unwrap();
            }
        }
    }
}
