//! The figures as tables that are no wider than the terminal.

use vdf_basis::FieldFidelity;

use crate::measure::{Measured, Row};
use crate::picture::text::{broken, rounded};

/// Columns that are never separated.
struct Group {
    /// The two lines of each column's heading.
    columns: &'static [[&'static str; 2]],
    /// The figures below them.
    figures: fn(&Measured) -> Vec<String>,
}

/// Storage, times, errors of f, errors of its moments, and the mass below zero; those about a magnetic field, if one is
/// given.
const GROUPS: [Group; 6] = [
    Group {
        columns: &[["coeffi-", "cients"], ["", "bytes"], ["ratio", "f64"], ["ratio", "f32"], ["ratio", "blocks"]],
        figures: |Measured { coefficients, cost, .. }| {
            let ratios = [cost.ratio_f64, cost.ratio_f32, cost.ratio_blocks].map(rounded);
            [coefficients.to_string(), cost.bytes.to_string()].into_iter().chain(ratios).collect()
        },
    },
    Group {
        columns: &[["encode", "ms"], ["decode", "ms"]],
        figures: |measured| [measured.encode_ms, measured.reconstruct_ms].map(rounded).into(),
    },
    Group {
        columns: &[["", "l1"], ["", "l2"], ["", "linf"], ["log10", "rms"], ["JS,", "bits"]],
        figures: |Measured { fidelity: f, .. }| [f.l1, f.l2, f.linf, f.log10_rms, f.js_divergence].map(rounded).into(),
    },
    Group {
        columns: &[["", "density"], ["bulk", "velocity"], ["worst", "u_i"]],
        figures: |Measured { fidelity: f, .. }| {
            [f.density, f.bulk_velocity, f.bulk_velocity_component].map(rounded).into()
        },
    },
    Group {
        columns: &[["", "pressure"], ["worst", "P_ij"], ["heat", "flux"], ["negative", "mass"]],
        figures: |Measured { fidelity: f, .. }| {
            [f.pressure, f.pressure_component, f.heat_flux, f.negative_mass].map(rounded).into()
        },
    },
    Group {
        columns: &[["", "T_par"], ["", "T_perp"], ["aniso-", "tropy"], ["", "sqrt_Q"]],
        figures: |Measured { about_field, .. }| {
            // What neither distribution has is not defined.
            let text = |error: Option<f64>| error.map_or_else(|| "-".to_owned(), rounded);
            let texts = |f: &FieldFidelity| f.errors().into_iter().map(|(_, error)| text(error)).collect();
            about_field.as_ref().map_or_else(Vec::new, texts)
        },
    },
];
/// Longer specs are broken into several lines, shorter ones where that saves a block.
const SPEC_WIDTHS: std::ops::RangeInclusive<usize> = 12..=24;
/// Spaces between two columns, and before the first of a group.
const COLUMN_GAP: usize = 1;
const GROUP_GAP: usize = 3;

/// A group with the figures of all rows, none for those that failed, and the width of each column.
struct Filled {
    headings: [Vec<String>; 2],
    rows: Vec<Option<Vec<String>>>,
    widths: Vec<usize>,
}

impl Filled {
    fn new(group: &Group, rows: &[Row]) -> Self {
        let headings = [0, 1].map(|line| group.columns.iter().map(|column| column[line].to_owned()).collect());
        let rows: Vec<_> = rows.iter().map(|row| row.outcome.as_ref().ok().map(group.figures)).collect();
        let longest = |column: usize| {
            let lines = headings.iter().chain(rows.iter().flatten());
            // Rows without the group's figures are empty.
            lines
                .filter_map(|line: &Vec<String>| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths = (0..group.columns.len()).map(longest).collect();
        Self { headings, rows, widths }
    }

    /// True if there are bases, none of which has these figures.
    fn is_empty(&self) -> bool {
        let mut measured = self.rows.iter().flatten().peekable();
        measured.peek().is_some() && measured.all(Vec::is_empty)
    }

    /// The width of all columns and of the gap before them.
    fn width(&self) -> usize {
        GROUP_GAP + self.widths.iter().sum::<usize>() + COLUMN_GAP * (self.widths.len() - 1)
    }

    /// Some cells, aligned to the right.
    fn line(&self, cells: &[String]) -> String {
        let mut line = " ".repeat(GROUP_GAP - COLUMN_GAP);
        for (cell, width) in cells.iter().zip(&self.widths) {
            line += &format!("{:COLUMN_GAP$}{cell:>width$}", "");
        }
        line
    }
}

/// One line per basis, in the order given; where a basis failed, its reason stands in place of the figures. Groups of columns
/// that do not fit into `width` side by side follow each other in blocks, each with the names of the bases.
pub fn table(rows: &[Row], width: usize) -> String {
    let groups: Vec<Filled> =
        GROUPS.iter().map(|group| Filled::new(group, rows)).filter(|group| !group.is_empty()).collect();
    let cost = |spec_width: &usize| {
        let blocks = packed(&groups, width.saturating_sub(*spec_width));
        (blocks.iter().any(|block| spec_width + columns_width(block) > width), blocks.len())
    };
    // Of those with as few blocks the widest.
    let spec_width = SPEC_WIDTHS.rev().min_by_key(cost).unwrap_or(*SPEC_WIDTHS.start());
    let specs: Vec<Vec<String>> = rows.iter().map(|row| broken(&row.spec, spec_width)).collect();
    let blocks = packed(&groups, width.saturating_sub(spec_width));
    let spec_width = specs.iter().flatten().map(|line| line.chars().count()).max().unwrap_or_default();

    let mut lines = Vec::new();
    for (index, block) in blocks.into_iter().enumerate() {
        // Failures are explained once, and what has no figures has no further lines.
        let reasons = (index == 0).then_some(width);
        if reasons.is_some() || rows.iter().any(|row| row.outcome.is_ok()) {
            lines.extend(block_lines(block, rows, &specs, spec_width, reasons));
        }
    }
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    lines.push("─".repeat(longest));
    lines.join("\n")
}

/// The width of some groups side by side.
fn columns_width(block: &[Filled]) -> usize {
    block.iter().map(Filled::width).sum()
}

/// The groups in blocks: in each as many as fit into this width, and at least one.
fn packed(groups: &[Filled], width: usize) -> Vec<&[Filled]> {
    let mut blocks = Vec::new();
    let mut rest = groups;
    while !rest.is_empty() {
        let fitting = (1..=rest.len()).take_while(|&count| columns_width(&rest[..count]) <= width).count();
        let (block, after) = rest.split_at(fitting.max(1));
        blocks.push(block);
        rest = after;
    }
    blocks
}

/// The lines of some groups, below a rule; with the reasons of failures in lines of the width given, if any.
fn block_lines(
    block: &[Filled],
    rows: &[Row],
    specs: &[Vec<String>],
    spec_width: usize,
    reasons: Option<usize>,
) -> Vec<String> {
    let rule = "─".repeat(spec_width + columns_width(block));
    let mut lines = vec![rule.clone()];
    for (line, name) in ["", "basis"].into_iter().enumerate() {
        let cells: String = block.iter().map(|group| group.line(&group.headings[line])).collect();
        lines.push(format!("{name:spec_width$}{cells}"));
    }
    lines.push(rule);
    for (index, (row, spec)) in rows.iter().zip(specs).enumerate() {
        let beside = match (&row.outcome, reasons) {
            (Ok(_), _) => {
                let cells = block.iter().filter_map(|group| Some(group.line(group.rows[index].as_ref()?)));
                vec![cells.collect::<String>()]
            }
            (Err(reason), Some(width)) => {
                let gap = " ".repeat(GROUP_GAP);
                let reason = wrapped(&format!("failed: {reason}"), width.saturating_sub(spec_width + GROUP_GAP));
                reason.into_iter().map(|line| gap.clone() + &line).collect()
            }
            (Err(_), None) => continue,
        };
        for line in 0..spec.len().max(beside.len()) {
            let [spec, beside] = [spec, &beside].map(|lines| lines.get(line).map_or("", String::as_str));
            lines.push(format!("{spec:spec_width$}{beside}").trim_end().to_owned());
        }
    }
    lines
}

/// Text in lines of at most `width` characters, broken at spaces; longer words stay whole.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
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
                about_field: None,
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
    fn no_line_is_longer_than_the_terminal_is_wide() {
        let long = "every word of this reason is to be read ".repeat(8);
        let rows = [
            row("hermite:order=15,truncation=total-degree", None),
            row("maxwellian", Some(&long)),
            row("maxwellian:fit=moments", None),
        ];
        for width in 60..200 {
            let text = table(&rows, width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
            assert_eq!(text.matches("every").count(), 8, "{text}");
            for heading in ["coeffi-", "encode", "linf", "P_ij"] {
                assert_eq!(text.matches(heading).count(), 1, "{text}");
            }
        }
        let blocks = |width| table(&rows, width).lines().filter(|line| line.starts_with("basis")).count();
        assert_eq!([160, 80].map(blocks), [1, 3]);
        // What does not fit at all is readable as soon as lines are broken anywhere.
        assert!(table(&rows, 0).contains("truncation="));
    }

    #[test]
    fn what_neither_distribution_has_is_a_dash() {
        let vdf = Vdf::zeros(VelocityGrid::unit([2, 2, 2]).unwrap());
        let mut row = row("maxwellian", None);
        let field = vdf_basis::FieldDirection::new([0.0, 0.0, 1.0]).unwrap();
        if let Ok(measured) = &mut row.outcome {
            measured.about_field = Some(FieldFidelity::compare(&vdf, &vdf, field).unwrap());
        }
        let text = table(&[row], 300);
        let line = text.lines().find(|line| line.starts_with("maxwellian")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[words.len() - 4..], ["-"; 4], "{text}");
    }

    #[test]
    fn a_failed_basis_takes_the_lines_it_needs_and_the_others_stay() {
        let rows = [
            row("hermite:order=15,truncation=total-degree", None),
            row("maxwellian", Some(&"reason ".repeat(40))),
            row("maxwellian:fit=moments", None),
        ];
        let text = table(&rows, 160);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[4].starts_with("hermite:order=15,") && lines[5].starts_with("truncation=total-degree"), "{text}");
        assert!(lines[6].starts_with("maxwellian ") && lines[6].contains("failed: these coefficients"), "{text}");
        assert!(
            lines[lines.len() - 2].starts_with("maxwellian:fit=moments") && lines[lines.len() - 2].contains("1.50")
        );
        let all_failed = table(&rows[1..2], 80);
        assert_eq!(all_failed.matches("basis").count(), 2, "its heading and its reason: {all_failed}");
    }
}
