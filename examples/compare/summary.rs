//! Several bases in one picture: the original and the reconstructions in one plane.

use vdf_basis::Vdf;

use crate::measure::Measured;
use crate::picture::axis::number;
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen, text_width};
use crate::picture::colours::{EMPTY, FADED_INK, INK, NEGATIVE};
use crate::picture::panel::{LABEL_SIZE, TICK_SIZE, axis_below, axis_left, density_bar, key, plane};
use crate::picture::text::{broken, printed};
use crate::picture::view::{PLANES, View};

/// Measures of the picture [px].
const WIDTH: f64 = 1400.0;
const LEFT: f64 = 108.0;
const RIGHT: f64 = 130.0;
const TITLE: f64 = 32.0;
const SUBTITLE: f64 = 66.0;
const TOP: f64 = 96.0;
const GAP: f64 = 22.0;
const BELOW_PANEL: f64 = 66.0;
const LINE: f64 = 25.0;
const BAR_WIDTH: f64 = 16.0;
/// Panels side by side at most; more go into further rows.
const COLUMNS: usize = 5;
const TITLE_SIZE: f64 = 28.0;
const NAME_SIZE: f64 = 19.0;

/// The original and its reconstructions in the first plane through the peak.
pub fn summary(view: &View, bases: &[(&str, &Measured)]) -> Drawn<Canvas> {
    let axes = PLANES[0];
    let columns = (bases.len() + 1).clamp(2, COLUMNS);
    let column = (WIDTH - LEFT - RIGHT - GAP * (columns - 1) as f64) / columns as f64;
    // The longest axis as long as the column allows.
    let unit = view.lengths(1000.0);
    let factor = column / unit[axes[0]].max(unit[axes[1]] / 1.6);
    let (panel_width, panel_height) = (unit[axes[0]] * factor, unit[axes[1]] * factor);
    let characters = (column / 9.0) as usize;

    let mut panels: Vec<(Vec<String>, String, &Vdf)> =
        vec![(vec!["original".to_owned()], format!("{} values", view.original.grid().cells()), view.original)];
    for (spec, measured) in bases {
        // What compressors write are no coefficients.
        let size = match measured.coefficients {
            0 => format!("{} bytes", measured.cost.bytes),
            coefficients => format!("{coefficients} coefficients"),
        };
        let figures = format!("{size}, l2 {}", printed(measured.fidelity.l2));
        panels.push((broken(spec, characters), figures, &measured.reconstruction));
    }
    let lines = panels.iter().map(|panel| panel.0.len() + 1).max().unwrap_or_default();
    let row_height = panel_height + BELOW_PANEL + LINE * lines as f64 + 14.0;
    let rows = panels.len().div_ceil(columns);
    let mut canvas = Canvas::new(WIDTH, TOP + row_height * rows as f64)?;
    let title = format!("{}, {} cells", view.name, view.shape());
    canvas.text((LEFT, TITLE), &title, Pen::new(TITLE_SIZE, INK, Align::Left))?;
    let subtitle = format!("the original and its reconstructions at {}", view.cut(axes));
    canvas.text((LEFT, SUBTITLE), &subtitle, Pen::new(LABEL_SIZE, FADED_INK, Align::Left))?;
    let x = LEFT + text_width(&subtitle, LABEL_SIZE)? + 48.0;
    let x = key(&mut canvas, (x, SUBTITLE), EMPTY, &format!("at or below {}", number(view.scale.lower)))?;
    key(&mut canvas, (x, SUBTITLE), NEGATIVE, "negative")?;

    for (index, (name, figures, vdf)) in panels.iter().enumerate() {
        let (row, column_index) = (index / columns, index % columns);
        let left = LEFT + column_index as f64 * (column + GAP);
        let area = Area { left, top: TOP + row as f64 * row_height, width: panel_width, height: panel_height };
        let (across, up) = (&view.axes[axes[0]], &view.axes[axes[1]]);
        plane(&mut canvas, &area, across, up, |cells| view.scale.colour(view.in_plane(vdf, axes, cells)))?;
        axis_below(&mut canvas, &area, across)?;
        axis_left(&mut canvas, &area, up, column_index == 0)?;
        let mut y = area.bottom() + BELOW_PANEL + 0.5 * LINE;
        for line in name {
            canvas.text((area.centre().0, y), line, Pen::new(NAME_SIZE, INK, Align::Middle))?;
            y += LINE;
        }
        canvas.text((area.centre().0, y), figures, Pen::new(TICK_SIZE - 1.0, FADED_INK, Align::Middle))?;
    }
    let bar = Area { left: WIDTH - RIGHT + GAP, top: TOP, width: BAR_WIDTH, height: panel_height };
    density_bar(&mut canvas, &bar, view)?;
    Ok(canvas)
}
