//! The table.

use crate::picture::text::rounded;
use crate::run::rows::Row;

/// Widths of the columns of figures.
const WIDTH: usize = 10;
const HEADINGS: [[&str; 10]; 2] = [
    ["bytes", "l2 at", "", "rate", "energy", "momentum", "charge", "field en.", "mode at", "l2 at"],
    ["per cell", "restart", "rate", "error %", "jump", "jump", "jump", "jump", "end", "end"],
];

/// Four lines of headings for a case whose longest codec has this many characters.
pub fn headings(row: &Row, codec_width: usize) -> String {
    let columns = |line: [&str; 10]| line.map(|heading| format!("{heading:>WIDTH$}")).join("");
    format!(
        "{}: rate of the dispersion relation {:.5}, perturbation before the restart {:.4}\n\
         without a restart charge and momentum drift by {:.0e}, energy by {:.0e}\n{:codec_width$}{}\n{:codec_width$}{}",
        row.case,
        row.theory,
        row.perturbation,
        row.momentum_drift,
        row.energy_drift,
        "",
        columns(HEADINGS[0]),
        "codec",
        columns(HEADINGS[1])
    )
}

/// The figures of a row. Its rate is compared with that of the run without a restart, which is among `rows`.
pub fn line(row: &Row, rows: &[Row], codec_width: usize) -> String {
    let none = || "-".to_owned();
    let percent = row.rate_error(rows).map_or_else(none, |error| format!("{:+.3}", 100.0 * error));
    let figures = [
        format!("{:.0}", row.bytes_per_cell),
        rounded(row.l2_restart),
        row.rate.map_or_else(none, |rate| format!("{rate:.5}")),
        percent,
        rounded(row.energy_jump),
        rounded(row.momentum_jump),
        rounded(row.charge_jump),
        rounded(row.field_energy_jump),
        rounded(row.mode_ratio_end),
        rounded(row.l2_end),
    ];
    format!("{:codec_width$}{}", row.codec, figures.map(|figure| format!("{figure:>WIDTH$}")).join(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_rate_is_compared_with_the_uncompressed_run() {
        let of = |codec: &str, rate| Row { case: "landau".into(), codec: codec.into(), rate, ..Row::default() };
        let rows = [of("none", Some(-0.15)), of("fast:l2=0.1", Some(-0.153)), of("a", None)];
        let lines: Vec<String> = rows.iter().map(|row| line(row, &rows, 14)).collect();
        let width = headings(&rows[0], 14).lines().nth(3).unwrap().chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width), "{lines:?}");
        assert!(lines[1].contains("+2.000") && lines[2].contains(" - "));
    }
}
