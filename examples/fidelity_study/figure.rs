//! One page of panels: each quantity's error against coefficients and against bytes.

use plotters::style::RGBColor;

use crate::chart::{COLOURS, Chart, Scale};
use crate::measure::Row;
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen};
use crate::picture::colours::{FADED_INK, INK};
use crate::picture::panel::{LABEL_SIZE, key};
use crate::picture::scale::LogScale;
use crate::tables::{Median, QUANTITIES, of_specs};

/// Measures of the page [px].
const LEFT: f64 = 82.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 146.0;
const PANEL: (f64, f64) = (330.0, 240.0);
const GAP: (f64, f64) = (84.0, 104.0);
const COLUMNS: usize = 4;
/// Errors shown: what is smaller is drawn at the lower end.
const MIN_ERROR_SHOWN: f64 = 1e-8;
const MAX_ERROR_SHOWN: f64 = 3.0;

/// Quantity of the horizontal axis.
#[derive(Clone, Copy)]
struct Abscissa {
    label: &'static str,
    of: fn(&Median) -> f64,
}

const ABSCISSAE: [Abscissa; 2] = [
    Abscissa { label: "numbers that a decoder needs", of: |median| median.coefficients },
    Abscissa { label: "bytes of the stream", of: |median| median.bytes },
];

/// The page of one population.
pub fn page(name: &str, distributions: usize, rows: &[Row]) -> Drawn<Canvas> {
    let medians = of_specs(rows);
    let there = |(quantity, _): &&(&str, &str)| medians.iter().any(|median| median.figure(quantity).is_some());
    let quantities: Vec<&(&str, &str)> = QUANTITIES.iter().filter(there).collect();
    let lines = quantities.len().div_ceil(COLUMNS);
    let width = LEFT + COLUMNS as f64 * PANEL.0 + (COLUMNS - 1) as f64 * GAP.0 + RIGHT;
    let rows = (ABSCISSAE.len() * lines) as f64;
    let mut canvas = Canvas::new(width, TOP + rows * (PANEL.1 + GAP.1) - 24.0)?;
    let title = format!("{name}: errors of physical quantities, medians of {distributions} distributions");
    canvas.text((LEFT, 32.0), &title, Pen::new(28.0, INK, Align::Left))?;
    let mut x = LEFT;
    let mut y = 68.0;
    for (family, colour) in colours(&medians) {
        if x > width - 260.0 {
            (x, y) = (LEFT, y + 28.0);
        }
        x = key(&mut canvas, (x, y), colour, family)?;
    }
    for (block, abscissa) in ABSCISSAE.iter().enumerate() {
        let values = || medians.iter().map(abscissa.of).filter(|value| *value > 0.0);
        let range = LogScale::new(0.7 * values().fold(f64::INFINITY, f64::min), 1.4 * values().fold(0.0, f64::max));
        for (index, (quantity, label)) in quantities.iter().enumerate() {
            let (row, column) = (block * lines + index / COLUMNS, index % COLUMNS);
            let left = LEFT + column as f64 * (PANEL.0 + GAP.0);
            let area = Area { left, top: TOP + row as f64 * (PANEL.1 + GAP.1), width: PANEL.0, height: PANEL.1 };
            let chart = Chart { area, x: Scale::Log(range), y: Scale::Log(errors(&medians, quantity)) };
            chart.axes(&mut canvas, abscissa.label, Some(" "))?;
            let above = (area.left, area.top - 16.0);
            canvas.text(above, label, Pen::new(LABEL_SIZE, FADED_INK, Align::Left))?;
            curves(&mut canvas, &chart, &medians, quantity, abscissa)?;
        }
    }
    Ok(canvas)
}

/// From the smallest error of a panel to the largest, between fixed limits.
fn errors(medians: &[Median], quantity: &str) -> LogScale {
    let values = || medians.iter().filter_map(|median| median.figure(quantity)).filter(|value| value.is_finite());
    let least = values().filter(|value| *value > MIN_ERROR_SHOWN).fold(MAX_ERROR_SHOWN, f64::min);
    LogScale::new(0.5 * least, (1.5 * values().fold(0.0, f64::max)).min(MAX_ERROR_SHOWN))
}

fn curves(canvas: &mut Canvas, chart: &Chart, medians: &[Median], quantity: &str, abscissa: &Abscissa) -> Drawn {
    let Scale::Log(scale) = chart.y else { return Ok(()) };
    for (family, colour) in colours(medians) {
        let own = medians.iter().filter(|median| median.family == family);
        let point = |median: &Median| {
            let error = median.figure(quantity)?.clamp(scale.lower, scale.upper);
            Some(((abscissa.of)(median), error))
        };
        let mut points: Vec<(f64, f64)> = own.filter_map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        chart.curve(canvas, points.iter().copied(), 2.0, colour)?;
        points.into_iter().for_each(|point| chart.marker(canvas, point, colour));
    }
    Ok(())
}

/// The families in their order, and their colours.
fn colours(medians: &[Median]) -> Vec<(&'static str, RGBColor)> {
    let mut names: Vec<&'static str> = Vec::new();
    for median in medians {
        if !names.contains(&median.family) {
            names.push(median.family);
        }
    }
    names.into_iter().zip(COLOURS.into_iter().cycle()).collect()
}
