//! `vdfb compare`: the errors of all cells against the source.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vdf_basis::{ArchiveRecord, Bound, Crop, Fidelity, FieldDirection, FieldFidelity, Quantise};

use crate::arguments::{Common, Compare, From, Geometry};
use crate::cells::CellList;
use crate::encoded::{Content, Encoded};
use crate::picture::text::rounded;
use crate::progress::Progress;
use crate::source::Source;
use crate::statistics::{CellErrors, SHOWN, Spread};
use crate::{Outcome, Problem, files};

pub fn run(arguments: &Compare, common: &Common) -> Outcome {
    let Compare { input, sources, from, field, .. } = arguments;
    let Compared { encoded, population, errors, left_out, .. } =
        Compared::new(input, sources, (from, None), *field, common)?;
    let beyond = arguments.bound.map_or(Vec::new(), |bound| exceeding(bound, &errors));
    if common.json {
        // What no cell has is null.
        let known = SHOWN.iter().filter(|shown| shown.is_known(&errors));
        let figures =
            known.map(|shown| (shown.name.to_owned(), Spread::of(shown.of, &errors).map(|spread| spread.to_json())));
        let content = json!({
            "population": population,
            "cells": errors.len(),
            "left_out": left_out,
            "errors": figures.map(|(name, spread)| (name, json!(spread))).collect::<serde_json::Map<String, Value>>(),
            "beyond_bound": beyond.iter().map(|(cell, _)| cell).collect::<Vec<_>>(),
        });
        crate::files::print(&format!("{content:#}"))?;
    } else if !common.quiet {
        crate::files::print(&table(&errors))?;
    }
    if let Some((cell, what)) = beyond.first() {
        let count = format!("{} of {} cells exceed the bound", beyond.len(), errors.len());
        return Err(Problem::Failed(format!("{}: {count}, cell {cell} with {what}", arguments.input.display())));
    }
    Ok(encoded.done(left_out))
}

/// An archive beside its source.
pub struct Compared {
    pub encoded: Encoded,
    pub source: Source,
    pub population: String,
    /// The errors of each cell, in the archive's order.
    pub errors: Vec<CellErrors>,
    /// The number of cells that could not be compared.
    pub left_out: usize,
}

impl Compared {
    /// Compares all cells that are asked for, and a stream with the one `cell`, if that is given. Without a magnetic field it is
    /// the one that the archive or the source knows.
    pub fn new(
        input: &Path,
        sources: &[PathBuf],
        (from, cell): (&From, Option<u64>),
        field: Option<FieldDirection>,
        common: &Common,
    ) -> Result<Self, Problem> {
        let encoded = Encoded::open(input)?;
        let is_stream = matches!(encoded.content, Content::Stream { .. });
        let list = match cell {
            Some(cell) if is_stream => CellList::Some(vec![cell..=cell]),
            _ => from.cells.clone(),
        };
        let population = encoded.population(from.population.as_deref())?;
        let name = Some(population.as_str()).filter(|name| !name.is_empty());
        let source = Source::open(sources, name, Crop::Stored, &Geometry::default())?;
        let there = source.cells()?.len();
        if is_stream && there > 1 && list.single().is_none() {
            let problem = format!("it holds {there} cells: say with --cells which one the stream is of");
            return Err(Problem::Usage(files::in_file(&sources[0], problem)));
        }
        let cells = encoded.select(&population, &list)?;
        let progress = Progress::new(cells.len(), common);
        let (mut errors, mut left_out) = (Vec::with_capacity(cells.len()), encoded.report_lost());
        encoded.for_each(
            &population,
            &cells,
            |record| errors_of(record, &source, field),
            |cell, outcome| {
                progress.step();
                match outcome {
                    Ok(found) => errors.push(found),
                    Err(problem) => {
                        left_out += 1;
                        progress.leave_out(input, cell, &problem);
                    }
                }
                Ok(())
            },
        )?;
        drop(progress);
        if errors.is_empty() {
            return Err(Problem::Failed(format!("{}: no cell could be compared", input.display())));
        }
        Ok(Self { encoded, source, population, errors, left_out })
    }
}

/// The errors of a reconstruction. The floor of logarithms is that of the bound of its basis.
fn errors_of(record: &ArchiveRecord, source: &Source, field: Option<FieldDirection>) -> Result<CellErrors, String> {
    let original = source.read_on(record.cell, record.expansion.grid())?;
    let in_file = |problem: vdf_basis::Error| source.in_file(record.cell, problem);
    let floor = record.expansion.basis().kept_bound().unwrap_or_default().floor_of(&original);
    let reconstruction = record.expansion.reconstruct().map_err(in_file)?;
    let fidelity = Fidelity::compare_above(&original, &reconstruction, floor).map_err(in_file)?;
    let field = field.or_else(|| known_field(record, source));
    let about_field = field.and_then(|field| FieldFidelity::compare(&original, &reconstruction, field).ok());
    Ok(CellErrors { cell: record.cell, fidelity, about_field })
}

/// The magnetic field that the archive or the source knows, if it has a direction.
fn known_field(record: &ArchiveRecord, source: &Source) -> Option<FieldDirection> {
    let of_source = || source.facts(record.cell).ok()?.magnetic_field;
    FieldDirection::new(record.facts.magnetic_field.or_else(of_source)?).ok()
}

/// The cells that exceed a bound, and in what.
fn exceeding(bound: Bound, errors: &[CellErrors]) -> Vec<(u64, String)> {
    let excess = |cell: &CellErrors| {
        let (figure, _, value) = bound.first_beyond(|figure| figure.of(&cell.fidelity))?;
        Some((cell.cell, format!("{} = {}", figure.key(), rounded(value))))
    };
    errors.iter().filter_map(excess).collect()
}

fn table(errors: &[CellErrors]) -> String {
    let mut lines = vec![format!(
        "{:<15} {:>9} {:>9} {:>9}  in cell",
        if errors.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", errors.len()) },
        "median",
        "95%",
        "worst"
    )];
    for shown in SHOWN.iter().filter(|shown| shown.is_known(errors)) {
        let Some(Spread { median, upper, worst, cell, cells, .. }) = Spread::of(shown.of, errors) else {
            lines.push(format!("{:<15} {:>9} {:>9} {:>9}  undefined", shown.name, "-", "-", "-"));
            continue;
        };
        let [median, upper, worst] = [median, upper, worst].map(rounded);
        // Errors about a field are not defined where neither distribution has, say, a temperature.
        let of = if cells < errors.len() { format!(", defined in {cells}") } else { String::new() };
        lines.push(format!("{:<15} {median:>9} {upper:>9} {worst:>9}  {cell}{of}", shown.name));
    }
    lines.join("\n")
}
