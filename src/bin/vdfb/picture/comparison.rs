//! One basis on one page: three planes through the peak as original, reconstruction and difference, and the profiles
//! along the three axes.

use std::ops::Range;

use vdf_basis::Vdf;

use super::canvas::{Align, Area, Canvas, Drawn, Pen};
use super::colours::{EMPTY, FADED_INK, INK, NEGATIVE, RECONSTRUCTED};
use super::panel::{LABEL_SIZE, TICK_SIZE, axis_below, axis_left, colour_bar, density_bar, key, outlines, plane};
use super::profile::{ORIGINAL, ORIGINAL_WIDTH, RECONSTRUCTED_WIDTH, marker, profile};
use super::scale::SymmetricScale;
use super::text::broken;
use super::view::{PLANES, View};

/// Measures of the page [px].
const LONGEST_AXIS: f64 = 400.0;
const MARGIN: f64 = 28.0;
const LEFT: f64 = 110.0;
const PANEL_GAP: f64 = 30.0;
const BAR_WIDTH: f64 = 18.0;
const BAR_LABELS: f64 = 100.0;
const BELOW_PANEL: f64 = 72.0;
const ABOVE_PANEL: f64 = 30.0;
const PROFILE_HEIGHT: f64 = 280.0;
const PROFILE_GAP: f64 = 34.0;
/// Heading and legend need this width.
const NARROWEST: f64 = 1060.0;
const TITLE_SIZE: f64 = 34.0;
const SPEC_CHARACTERS: usize = 80;

/// A reconstruction, and what is said about it.
pub struct Page<'a> {
    /// The spec of its basis: the title.
    pub spec: &'a str,
    /// The line below the title.
    pub figures: &'a str,
    /// The reconstruction.
    pub reconstruction: &'a Vdf,
    /// The boxes of cells that were described one by one, where the basis has such.
    pub boxes: &'a [[Range<usize>; 3]],
}

/// The page of one reconstruction.
pub fn comparison(view: &View, page: &Page) -> Drawn<Canvas> {
    let lengths = view.lengths(LONGEST_AXIS);
    let column = lengths[0].max(lengths[1]);
    let rows: Vec<f64> = PLANES.iter().map(|plane| lengths[plane[1]]).collect();
    let titles = broken(page.spec, SPEC_CHARACTERS);

    // From left to right: original, reconstruction, their colour bar, difference, its colour bar.
    let reconstruction_left = LEFT + column + PANEL_GAP;
    let bar_left = reconstruction_left + column + 0.6 * PANEL_GAP;
    let difference_left = bar_left + BAR_WIDTH + BAR_LABELS + PANEL_GAP;
    let difference_bar_left = difference_left + column + 0.6 * PANEL_GAP;
    let width = (difference_bar_left + BAR_WIDTH + BAR_LABELS).max(NARROWEST);

    let first_row = MARGIN + 46.0 * titles.len() as f64 + 112.0;
    let planes_height = rows.iter().sum::<f64>() + (ABOVE_PANEL + BELOW_PANEL) * rows.len() as f64;
    let profiles = first_row + planes_height + 50.0;
    let mut canvas = Canvas::new(width, profiles + PROFILE_HEIGHT + BELOW_PANEL + MARGIN)?;

    heading(&mut canvas, &titles, page.figures)?;
    let mut top = first_row;
    let columns = [(LEFT, "original"), (reconstruction_left, "reconstruction"), (difference_left, "difference")];
    for (left, name) in columns {
        let middle = left + 0.5 * lengths[0];
        canvas.text((middle, top - 22.0), name, Pen::new(LABEL_SIZE + 3.0, INK, Align::Middle))?;
    }
    let differences = SymmetricScale::new(view.largest_difference(page.reconstruction));
    for (&axes, &height) in PLANES.iter().zip(&rows) {
        canvas.text((LEFT, top + 12.0), &view.cut(axes), Pen::new(TICK_SIZE, FADED_INK, Align::Left))?;
        top += ABOVE_PANEL;
        let area = |left| Area { left, top, width: lengths[axes[0]], height };
        let (across, up) = (&view.axes[axes[0]], &view.axes[axes[1]]);
        for (left, vdf) in [(LEFT, view.original), (reconstruction_left, page.reconstruction)] {
            plane(&mut canvas, &area(left), across, up, |cells| view.scale.colour(view.in_plane(vdf, axes, cells)))?;
        }
        outlines(&mut canvas, &area(reconstruction_left), view, axes, page.boxes)?;
        plane(&mut canvas, &area(difference_left), across, up, |cells| {
            differences.colour(view.difference(page.reconstruction, axes, cells))
        })?;
        for (left, _) in columns {
            axis_below(&mut canvas, &area(left), across)?;
            axis_left(&mut canvas, &area(left), up, left == LEFT)?;
        }
        top += height + BELOW_PANEL;
    }

    // Both colour bars stand beside all three rows.
    let bars_height = planes_height - ABOVE_PANEL - BELOW_PANEL;
    let bar = |left| Area { left, top: first_row + ABOVE_PANEL, width: BAR_WIDTH, height: bars_height };
    density_bar(&mut canvas, &bar(bar_left), view)?;
    let difference_label = "(reconstruction − original) / peak";
    colour_bar(&mut canvas, &bar(difference_bar_left), difference_label, &differences.ticks(), |fraction| {
        differences.colour(differences.value(fraction))
    })?;

    profiles_row(&mut canvas, view, page.reconstruction, profiles, width)?;
    Ok(canvas)
}

fn heading(canvas: &mut Canvas, titles: &[String], figures: &str) -> Drawn {
    let mut y = MARGIN + 16.0;
    for title in titles {
        canvas.text((LEFT, y), title, Pen::new(TITLE_SIZE, INK, Align::Left))?;
        y += 46.0;
    }
    canvas.text((LEFT, y - 4.0), figures, Pen::new(LABEL_SIZE, FADED_INK, Align::Left))
}

fn profiles_row(canvas: &mut Canvas, view: &View, reconstruction: &Vdf, top: f64, width: f64) -> Drawn {
    let each = (width - LEFT - MARGIN - 2.0 * PROFILE_GAP) / 3.0;
    for axis in 0..3 {
        let left = LEFT + axis as f64 * (each + PROFILE_GAP);
        let area = Area { left, top, width: each, height: PROFILE_HEIGHT };
        profile(canvas, &area, view, reconstruction, axis, axis == 0)?;
    }
    legend(canvas, view, top - 26.0)
}

/// The key: the meaning of curves, markers and the colours beyond the scale.
fn legend(canvas: &mut Canvas, view: &View, y: f64) -> Drawn {
    let mut x = LEFT;
    let curves = [("original", ORIGINAL_WIDTH, ORIGINAL), ("reconstruction", RECONSTRUCTED_WIDTH, RECONSTRUCTED)];
    for (name, width, colour) in curves {
        canvas.line(&[(x, y), (x + 34.0, y)], width, colour)?;
        canvas.text((x + 44.0, y), name, Pen::new(TICK_SIZE, INK, Align::Left))?;
        x += 44.0 + super::canvas::text_width(name, TICK_SIZE)? + 28.0;
    }
    marker(canvas, (x + 8.0, y))?;
    let name = "its negative values";
    canvas.text((x + 22.0, y), name, Pen::new(TICK_SIZE, INK, Align::Left))?;
    x += 22.0 + super::canvas::text_width(name, TICK_SIZE)? + 60.0;
    let floor = super::axis::number(view.scale.lower);
    x = key(canvas, (x, y), EMPTY, &format!("at or below the floor, {floor}"))?;
    key(canvas, (x, y), NEGATIVE, &format!("below −{floor}"))?;
    Ok(())
}
