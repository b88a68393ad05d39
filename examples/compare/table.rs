//! The figures as one table for a terminal of about 150 columns.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table, TableComponent};

use crate::measure::{Measured, Row};
use crate::names::broken;

/// What the columns hold, in groups that stand apart: the basis, storage, errors of f, errors of its moments, times.
const GROUPS: [&[&str]; 5] = [
    &["\nbasis"],
    &["coeffi-\ncients", "\nbytes", "ratio\nf64", "ratio\nf32", "ratio\nblocks"],
    &["\nl1", "\nl2", "\nlinf", "log10\nrms"],
    &["\ndensity", "bulk\nvelocity", "worst\nu_i", "\npressure", "worst\nP_ij", "heat\nflux", "negative\nmass"],
    &["encode\nms", "recon-\nstruct"],
];
/// Longer specs are broken into several lines.
const SPEC_WIDTH: usize = 24;
/// Spaces before the first column of a group.
const GROUP_GAP: u16 = 3;
/// Lines before the first row: two of names, and a rule.
const HEADER_LINES: usize = 3;

/// One line per basis, in the order given; where a basis failed, its reason stands in place of the figures.
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_header(GROUPS.concat());
    for row in rows {
        let spec = broken(&row.spec, SPEC_WIDTH).join("\n");
        table.add_row(std::iter::once(spec).chain(row.outcome.as_ref().map(figures).unwrap_or_default()));
    }
    let starts: Vec<usize> =
        GROUPS.iter().scan(0, |next, group| Some(std::mem::replace(next, *next + group.len()))).collect();
    for (index, column) in table.column_iter_mut().enumerate() {
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_padding((if starts.contains(&index) { GROUP_GAP } else { 1 }, 0));
        } else {
            column.set_padding((0, 0));
        }
    }
    with_reasons(table.lines().collect(), rows)
}

/// Puts the reasons of failures to the right of their specs, over as many columns and lines as they take, and rules
/// above and below.
fn with_reasons(mut lines: Vec<String>, rows: &[Row]) -> String {
    let specs: Vec<Vec<String>> = rows.iter().map(|row| broken(&row.spec, SPEC_WIDTH)).collect();
    let spec_width = specs.iter().flatten().map(|line| line.chars().count()).max().unwrap_or_default();
    let rule = "─".repeat(lines.first().map_or(0, |line| line.chars().count()));
    let reason_width = rule.chars().count().saturating_sub(spec_width + usize::from(GROUP_GAP));
    let mut line = HEADER_LINES;
    for (row, spec) in rows.iter().zip(&specs) {
        let mut height = spec.len().max(1);
        if let Err(reason) = &row.outcome {
            let reason = wrapped(&format!("failed: {reason}"), reason_width);
            let shown = spec.len().max(reason.len());
            let replaced = (0..shown).map(|index| {
                let [spec, reason] = [spec, &reason].map(|lines| lines.get(index).map_or("", String::as_str));
                format!("{spec:spec_width$}{:gap$}{reason}", "", gap = usize::from(GROUP_GAP))
            });
            lines.splice(line..line + height, replaced.collect::<Vec<_>>());
            height = shown;
        }
        line += height;
    }
    lines.insert(0, rule.clone());
    lines.push(rule);
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn figures(measured: &Measured) -> Vec<String> {
    let Measured { cost, fidelity, .. } = measured;
    let mut cells = vec![measured.coefficients.to_string(), cost.bytes.to_string()];
    cells.extend([cost.ratio_f64, cost.ratio_f32, cost.ratio_blocks].map(rounded));
    cells.extend([fidelity.l1, fidelity.l2, fidelity.linf, fidelity.log10_rms].map(rounded));
    cells.extend([fidelity.density, fidelity.bulk_velocity, fidelity.bulk_velocity_component].map(rounded));
    cells.extend([fidelity.pressure, fidelity.pressure_component, fidelity.heat_flux].map(rounded));
    cells.extend([fidelity.negative_mass, measured.encode_ms, measured.reconstruct_ms].map(rounded));
    cells
}

/// Three digits where they are readable without an exponent, two with one.
pub fn rounded(figure: f64) -> String {
    let magnitude = figure.abs();
    if figure == 0.0 {
        "0".to_owned()
    } else if !figure.is_finite() {
        figure.to_string()
    } else if !(9.995e-3..99_999.5).contains(&magnitude) {
        format!("{figure:.1e}")
    } else {
        // Rounding may add a digit: 9.999 is 10.0, not 10.00.
        let digits = (magnitude * (1.0 + 5e-4)).log10().floor() as i32;
        format!("{figure:.*}", (2 - digits).max(0) as usize)
    }
}

/// Text in lines of at most `width` characters, broken at spaces; longer words stay whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdf_basis::{Error, Fidelity, StorageCost, Vdf, VelocityGrid};

    fn row(spec: &str, reason: Option<&str>) -> Row {
        let vdf = Vdf::zeros(VelocityGrid::unit([2, 2, 2]).unwrap());
        let outcome = match reason {
            Some(reason) => Err(Error::ForeignCoefficients(reason.to_owned())),
            None => Ok(Measured {
                boxes: Vec::new(),
                cost: StorageCost::new(vdf.grid(), 1, 128),
                fidelity: Fidelity::compare(&vdf, &vdf).unwrap(),
                reconstruction: vdf,
                coefficients: 7,
                encode_ms: 1.5,
                reconstruct_ms: 0.5,
                spectrum: None,
            }),
        };
        Row { spec: spec.to_owned(), outcome }
    }

    #[test]
    fn numbers_are_short_and_readable() {
        let expected = [
            (0.0, "0"),
            (0.13449, "0.134"),
            (0.012345, "0.0123"),
            (0.009999, "0.0100"),
            (0.00123, "1.2e-3"),
            (9.999, "10.0"),
            (36.97, "37.0"),
            (12500.4, "12500"),
            (123456.0, "1.2e5"),
            (f64::INFINITY, "inf"),
            (-0.5, "-0.500"),
        ];
        for (figure, text) in expected {
            assert_eq!(rounded(figure), text);
        }
    }

    #[test]
    fn a_failed_basis_takes_the_lines_it_needs_and_the_others_stay() {
        let long = "every word of this reason is to be read ".repeat(8);
        let rows = [
            row("hermite:order=15,truncation=total-degree", None),
            row("maxwellian", Some(&long)),
            row("maxwellian:fit=moments", None),
        ];
        let text = table(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= 150), "{text}");
        assert!(lines[4].starts_with("hermite:order=15,") && lines[5].starts_with("truncation=total-degree"), "{text}");
        assert!(lines[6].starts_with("maxwellian ") && lines[6].contains("failed: these coefficients"), "{text}");
        assert_eq!(text.matches("every word").count(), 8, "{text}");
        assert!(
            lines[lines.len() - 2].starts_with("maxwellian:fit=moments") && lines[lines.len() - 2].contains("1.50")
        );
    }
}
