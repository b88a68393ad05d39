//! The picture: energy of the electric field against time, one column a case.

use plotters::style::RGBColor;

use crate::chart::{COLOURS, Chart, Scale};
use crate::picture::canvas::{Align, Area, Canvas, Drawn, Pen, text_width};
use crate::picture::colours::{FADED_INK, INK};
use crate::picture::panel::{LABEL_SIZE, TICK_SIZE, key};
use crate::picture::scale::LogScale;
use crate::run::cases::{CASES, Case};
use crate::run::codec::Shared;
use crate::run::rows::Row;

const TITLE: &str = "Field energy: restart through streams at half time";
const TITLE_SIZE: f64 = 26.0;
/// Measures of the picture [px].
const LEFT: f64 = 112.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 92.0;
const PANEL: (f64, f64) = (470.0, 330.0);
const GAP: f64 = 84.0;
const BELOW: f64 = 66.0;
const LINE: f64 = 28.0;
const AROUND_KEYS: f64 = 44.0;
/// Curves in one panel. Where there are more codecs, `fast` and `balanced` are left out at the bounds of `smallest`.
const MOST_CURVES: usize = 8;
/// Width of the curve without a restart, and of the others over it [px].
const WIDE: f64 = 6.0;
const NARROW: f64 = 2.0;
const UNCOMPRESSED: RGBColor = RGBColor(206, 212, 218);

/// Draws all rows: those with exact moments below the others.
pub fn figure(rows: &[Row]) -> Drawn<Canvas> {
    let cases: Vec<&Case> = CASES.iter().filter(|case| rows.iter().any(|row| row.case == case.name)).collect();
    let groups = [
        ("moments as the codec leaves them", codecs(rows, false)),
        ("density, momentum and pressure of every cell exact", codecs(rows, true)),
    ];
    let groups: Vec<_> = groups.into_iter().filter(|(_, codecs)| !codecs.is_empty()).collect();
    // The first sheet loads the font, by which the names below the panels are measured.
    Canvas::new(1.0, 1.0)?;
    let columns = cases.len().max(1) as f64;
    let panels = columns * PANEL.0 + (columns - 1.0) * GAP;
    let width = LEFT + panels.max(text_width(TITLE, TITLE_SIZE)?) + RIGHT;
    let lines = |codecs: &[&str]| key_lines(codecs, width).map(|lines| lines.len() as f64);
    let mut height = TOP;
    for (_, codecs) in &groups {
        height += PANEL.1 + BELOW + AROUND_KEYS + LINE * lines(codecs)?;
    }
    let mut canvas = Canvas::new(width, height)?;
    canvas.text((LEFT, 30.0), TITLE, Pen::new(TITLE_SIZE, INK, Align::Left))?;
    let mut top = TOP;
    for (meaning, codecs) in groups {
        let above = (LEFT, top - 22.0);
        canvas.text(above, meaning, Pen::new(LABEL_SIZE, FADED_INK, Align::Left))?;
        for (column, case) in cases.iter().enumerate() {
            let left = LEFT + column as f64 * (PANEL.0 + GAP);
            let area = Area { left, top, width: PANEL.0, height: PANEL.1 };
            let label = if column == 0 { "½ ∫ E^{2} dx" } else { "" };
            panel(&mut canvas, area, case, rows, &codecs, label)?;
        }
        top += PANEL.1 + BELOW + 12.0;
        for line in key_lines(&codecs, width)? {
            let mut x = LEFT;
            for (name, colour) in line {
                x = key(&mut canvas, (x, top), colour, name)?;
            }
            top += LINE;
        }
        top += AROUND_KEYS - 12.0;
    }
    Ok(canvas)
}

/// The codecs drawn in the panels with or without exact moments, without repetition.
fn codecs(rows: &[Row], exact: bool) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    let is_exact = |codec: &str| codec.contains("conserve(") || codec.starts_with(Shared::PREFIX);
    for row in rows.iter().filter(|row| !row.is_uncompressed() && is_exact(&row.codec) == exact) {
        if !all.contains(&row.codec.as_str()) {
            all.push(&row.codec);
        }
    }
    if all.len() > MOST_CURVES {
        let known = all.clone();
        let is_second = |codec: &str, preset: &str| {
            codec.contains(preset) && known.contains(&codec.replace(preset, "smallest").as_str())
        };
        all.retain(|codec| !is_second(codec, "fast") && !is_second(codec, "balanced"));
    }
    all.truncate(COLOURS.len());
    all
}

/// The names and colours below the panels, in lines that fit into the picture.
fn key_lines<'a>(codecs: &[&'a str], width: f64) -> Drawn<Vec<Vec<(&'a str, RGBColor)>>> {
    let names = std::iter::once(("no compression", UNCOMPRESSED));
    let mut lines: Vec<Vec<(&str, RGBColor)>> = vec![Vec::new()];
    let mut x = LEFT;
    for (name, colour) in names.chain(codecs.iter().copied().zip(COLOURS)) {
        // The square, the name and the gaps of `key`.
        let length = 16.0 + 8.0 + text_width(name, TICK_SIZE)? + 28.0;
        if x + length > width && x > LEFT {
            lines.push(Vec::new());
            x = LEFT;
        }
        x += length;
        if let Some(line) = lines.last_mut() {
            line.push((name, colour));
        }
    }
    Ok(lines)
}

fn panel(canvas: &mut Canvas, area: Area, case: &Case, rows: &[Row], codecs: &[&str], label: &str) -> Drawn {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.case == case.name).collect();
    let Some(uncompressed) = rows.iter().find(|row| row.is_uncompressed()) else { return Ok(()) };
    let chart = Chart { area, x: Scale::Linear(0.0, case.end), y: Scale::Log(scale(uncompressed)) };
    let y_label = if label.is_empty() { " " } else { label };
    chart.axes(canvas, "time  [1/ω_{p}]", Some(y_label))?;
    let corner = (area.left + 10.0, area.top + 18.0);
    canvas.text(corner, case.title, Pen::new(LABEL_SIZE, INK, Align::Left))?;
    let half = 0.5 * case.end;
    chart.curve(canvas, [(half, 1e-300), (half, 1e300)], 1.0, FADED_INK)?;
    let curve =
        |row: &Row| -> Vec<(f64, f64)> { row.times.iter().copied().zip(row.field_energy.iter().copied()).collect() };
    chart.curve(canvas, curve(uncompressed), WIDE, UNCOMPRESSED)?;
    for (codec, colour) in codecs.iter().zip(COLOURS) {
        if let Some(row) = rows.iter().find(|row| row.codec == *codec) {
            // The first half is that of all runs.
            chart.curve(canvas, curve(row).into_iter().filter(|(time, _)| *time >= half - 1e-9), NARROW, colour)?;
        }
    }
    Ok(())
}

/// From somewhat below the energies without a restart to above them. Zeros of a standing wave do not count.
fn scale(row: &Row) -> LogScale {
    let mut energies = row.field_energy.clone();
    energies.sort_by(f64::total_cmp);
    let [low, high] = [energies.len() / 8, energies.len().saturating_sub(1)].map(|at| energies.get(at).copied());
    LogScale::new(0.1 * low.unwrap_or(0.0), 10.0 * high.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_or_the_smallest_presets_are_drawn() {
        let row = |codec: &str| Row {
            case: "landau".into(),
            codec: codec.into(),
            times: vec![0.0, 12.0, 24.0],
            field_energy: vec![1e-3, 0.0, 1e-6],
            ..Row::default()
        };
        let few = ["none", "fast:l2=0.1", "conserve(fast:l2=0.1)"].map(row);
        assert_eq!((codecs(&few, false), codecs(&few, true)), (vec!["fast:l2=0.1"], vec!["conserve(fast:l2=0.1)"]));
        let presets = ["fast", "balanced", "smallest"];
        let names = presets.iter().flat_map(|preset| (1..6).map(move |k| format!("{preset}:l2=0.{k}")));
        let names = names.chain(["balanced:l2=0.01".to_owned(), "sz3".to_owned()]);
        let many: Vec<Row> = names.map(|name| row(&name)).collect();
        let drawn = codecs(&many, false);
        assert_eq!((drawn.len(), drawn[0], drawn[5], drawn[6]), (7, "smallest:l2=0.1", "balanced:l2=0.01", "sz3"));
        assert!(figure(&few).is_ok() && figure(&[]).is_ok());
    }
}
