//! `vdfb encode`: files to an archive, or to a stream of one distribution.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::json;
use vdf_basis::archive::along_curve;
use vdf_basis::container::MOST_CELLS;
use vdf_basis::{
    AnyBasis, Archive, ArchiveCell, ArchiveWriter, Error, Expansion, Fidelity, Quantise, Registry, VlsvFile,
};

use crate::appended::{self, Appended};
use crate::arguments::{Common, Encode, Order};
use crate::cells::CellList;
use crate::files::is_vlsv;
use crate::progress::Progress;
use crate::source::Source;
use crate::{Done, Outcome, Problem, files, statistics};

pub fn run(arguments: &Encode, common: &Common) -> Outcome {
    let basis = Registry::standard().parse(&arguments.basis).map_err(|problem| Problem::Usage(problem.to_string()))?;
    let output = &arguments.output;
    let inputs = arguments.inputs.iter().chain(&arguments.geometry.grid).map(AsRef::as_ref);
    files::check_output(output, inputs)?;
    let is_stream = match output.extension().and_then(|extension| extension.to_str()) {
        Some("vdfa") => false,
        Some("vdfb") if arguments.append => {
            return Err(Problem::Usage(format!(
                "--append {}: only an archive, .vdfa, can be continued",
                output.display()
            )));
        }
        Some("vdfb") => true,
        _ => {
            let names = "an archive is named .vdfa, a stream of one cell .vdfb";
            return Err(Problem::Usage(format!("{}: {names}", output.display())));
        }
    };
    let there = if arguments.append { Some(open(output)?) } else { None };
    let before = there.as_ref().map_or(0, |archive| archive.info().bytes);
    let torn = there.as_ref().filter(|archive| archive.is_recovered()).map(|archive| before - kept(archive));
    let mut selected = Vec::new();
    for source in sources(arguments)? {
        let source = match &there {
            // Without a list of cells, those of a .npy file follow those that are there.
            Some(archive) if arguments.from.cells == CellList::All => {
                let next = next_cell(archive, source.population());
                source.counted_from(next)
            }
            _ => source,
        };
        let cells = in_order(&source, source.select(&arguments.from.cells)?, arguments.order)?;
        if cells.is_empty() {
            let problem = format!("no cell has a distribution of {}", source.population());
            return Err(files::in_file(&arguments.inputs[0], problem).into());
        }
        if let Some(archive) = &there {
            refuse_repeated(archive, source.population(), &cells, output)?;
        }
        selected.push((source, cells));
    }
    drop(there);
    files::check_writable(output)?;
    match &selected[..] {
        [(source, cells)] if is_stream => stream(source, cells, &basis, output, common),
        _ if is_stream => {
            Err(Problem::Usage(files::in_file(output, "a stream holds one cell: --population NAME --cells ID")))
        }
        _ => archive(&Task { selected: &selected, basis: &basis, arguments, common }, before, torn),
    }
}

/// The populations to be encoded: the one that is named, else all of the file.
fn sources(arguments: &Encode) -> Result<Vec<Source>, Problem> {
    let Encode { inputs, from, crop, geometry, .. } = arguments;
    let open = |population: Option<&str>| Source::open(inputs, population, *crop, geometry);
    if let ([path], None) = (&inputs[..], &from.population)
        && is_vlsv(path)
    {
        let file = VlsvFile::open(path).map_err(|problem| files::in_file(path, problem))?;
        let names: Vec<&str> = file.populations().collect();
        if names.len() > 1 {
            return names.into_iter().map(|name| open(Some(name))).collect();
        }
    }
    Ok(vec![open(from.population.as_deref())?])
}

fn open(output: &Path) -> Result<Archive, String> {
    Archive::open(output).map_err(|problem| files::in_file(output, problem))
}

/// The id of the first cell of a `.npy` file that continues an archive.
fn next_cell(archive: &Archive, population: &str) -> u64 {
    let cells = archive.cells(population).unwrap_or_default();
    cells.into_iter().max().map_or(0, |last| last.saturating_add(1))
}

fn refuse_repeated(archive: &Archive, population: &str, cells: &[u64], output: &Path) -> Result<(), String> {
    let there: HashSet<u64> = archive.cells(population).unwrap_or_default().into_iter().collect();
    match cells.iter().find(|cell| there.contains(cell)) {
        None => Ok(()),
        Some(cell) => Err(files::in_file(output, format!("cell {cell} of {population} is there already"))),
    }
}

fn in_order(source: &Source, cells: Vec<u64>, order: Order) -> Result<Vec<u64>, String> {
    if order == Order::Given {
        return Ok(cells);
    }
    let position = |&cell: &u64| {
        let facts = source.facts(cell).map_err(|problem| source.in_file(cell, problem))?;
        facts
            .position
            .ok_or_else(|| source.in_file(cell, "its position is not known, so that --order curve is not possible"))
    };
    let positions = cells.iter().map(position).collect::<Result<Vec<_>, String>>()?;
    Ok(along_curve(&positions).into_iter().map(|place| cells[place]).collect())
}

/// Writes one distribution as a stream, and says what a reader of it gets.
fn stream(source: &Source, cells: &[u64], basis: &AnyBasis, output: &Path, common: &Common) -> Outcome {
    let &[cell] = cells else {
        let count = cells.len();
        let problem =
            format!("{}: a stream holds one cell, not {count}: --cells ID, or an archive, .vdfa", output.display());
        return Err(Problem::Usage(problem));
    };
    let in_file = |problem: Error| source.in_file(cell, problem);
    let vdf = source.read(cell).map_err(in_file)?;
    if vdf.grid().cells() > MOST_CELLS {
        let problem = format!("{}: a stream holds at most {MOST_CELLS} velocity cells", vdf.grid());
        return Err(source.in_file(cell, problem).into());
    }
    let bytes = Expansion::encode(basis, &vdf).and_then(|expansion| expansion.to_bytes()).map_err(in_file)?;
    // What another process will get: decoded from the bytes.
    let back = Registry::standard().decode(&bytes).and_then(|expansion| expansion.reconstruct()).map_err(in_file)?;
    let floor = basis.kept_bound().unwrap_or_default().floor_of(&vdf);
    let fidelity = Fidelity::compare_above(&vdf, &back, floor).map_err(in_file)?;
    files::write_whole(output, |file| file.write_all(&bytes).map_err(|problem| files::in_file(output, problem)))?;
    if common.json {
        let mut content = statistics::to_json(&fidelity);
        content["output"] = json!(output.display().to_string());
        content["bytes"] = json!(bytes.len());
        content["cells"] = json!(1);
        content["basis"] = json!(basis.to_string());
        files::print(&format!("{content:#}"))?;
    } else if !common.quiet {
        let count = vdf.grid().cells();
        files::print(&format!(
            "{}: {} bytes for {count} cells, {}",
            output.display(),
            bytes.len(),
            in_words(&fidelity)
        ))?;
    }
    Ok(Done::All)
}

fn in_words(f: &Fidelity) -> String {
    format!(
        "l2 {:.3e}, linf {:.3e}, density {:.1e}, bulk velocity {:.1e} (component {:.1e}), pressure {:.1e} (component \
         {:.1e}), heat flux {:.1e}, log10 rms {:.3e} dex and relative {:.1e} above {:.0e}, negative mass {:.1e}",
        f.l2,
        f.linf,
        f.density,
        f.bulk_velocity,
        f.bulk_velocity_component,
        f.pressure,
        f.pressure_component,
        f.heat_flux,
        f.log10_rms,
        f.relative,
        f.log10_floor,
        f.negative_mass
    )
}

/// Writes an archive, or the end of one that had `before` bytes, of which the last `torn` are no whole group.
fn archive(task: &Task<'_>, before: u64, torn: Option<u64>) -> Outcome {
    let Task { selected, basis, arguments, common } = *task;
    let output = &arguments.output;
    let failed = |problem: Error| files::in_file(output, problem);
    let Written { left_out, values } = if arguments.append {
        let writer = ArchiveWriter::append_through(output, |file, end| Appended::begin(output, file, end));
        let mut writer = task.configured(writer.map_err(failed)?);
        if let Some(torn) = torn {
            let problem = format!("its writing was not finished: {torn} bytes after the last whole group are cut off");
            files::complain(&format!("note: {}", files::in_file(output, problem)));
        }
        let written = task.write(&mut writer);
        // Also after a failure: the index was cut off, and all groups before it are whole.
        let finished = writer
            .finish()
            .map_err(failed)
            .and_then(|file| file.done().map_err(|problem| files::in_file(output, problem)));
        if finished.is_err() {
            appended::put_back().map_err(|problem| files::in_file(output, problem))?;
        }
        let written = written?;
        finished?;
        written
    } else {
        let mut written = None;
        files::write_whole(output, |file| {
            let mut writer = task.configured(ArchiveWriter::new(file).map_err(failed)?);
            written = Some(task.write(&mut writer)?);
            writer.finish().map(drop).map_err(failed)
        })?;
        written.ok_or_else(|| format!("{}: nothing was written", output.display()))?
    };
    let (count, bytes) = (task.cells() - left_out, size(output)?.saturating_sub(before));
    let per_cell = bytes as f64 / count as f64;
    let ratio = 4.0 * values as f64 / bytes as f64;
    let population = selected.iter().map(|(source, _)| source.population()).collect::<Vec<_>>().join(", ");
    let cells = if count == 1 { "cell" } else { "cells" };
    if common.json {
        let content = json!({
            "output": output.display().to_string(),
            "population": population,
            "basis": basis.to_string(),
            "cells": count,
            "left_out": left_out,
            "bytes": bytes,
            "bytes_per_cell": per_cell,
            "ratio_f32": ratio,
        });
        files::print(&format!("{content:#}"))?;
    } else if !common.quiet {
        files::print(&format!(
            "{}: {bytes} bytes{} for {count} {cells} of {population}, {per_cell:.1} a cell, {ratio:.0} times less than f32 values",
            output.display(),
            if arguments.append { " more" } else { "" },
        ))?;
    }
    Ok(if left_out == 0 { Done::All } else { Done::LeftOut })
}

/// Bytes that stay if an archive without its index is continued: all that is whole.
fn kept(archive: &Archive) -> u64 {
    let parts = archive.info().parts;
    parts.iter().filter(|(part, _)| !["index", "not readable"].contains(part)).map(|(_, bytes)| bytes).sum()
}

fn size(path: &Path) -> Result<u64, String> {
    fs::metadata(path).map(|metadata| metadata.len()).map_err(|problem| files::in_file(path, problem))
}

/// Cells to be written to an archive.
#[derive(Clone, Copy)]
struct Task<'a> {
    selected: &'a [(Source, Vec<u64>)],
    basis: &'a AnyBasis,
    arguments: &'a Encode,
    common: &'a Common,
}

/// Cells that were left out, and values of those that were not.
struct Written {
    left_out: usize,
    values: usize,
}

impl Task<'_> {
    fn cells(&self) -> usize {
        self.selected.iter().map(|(_, cells)| cells.len()).sum()
    }

    fn configured<W: Write>(&self, writer: ArchiveWriter<W>) -> ArchiveWriter<W> {
        let writer = writer.with_group(self.arguments.group);
        match self.common.threads() {
            Some(threads) => writer.with_threads(threads),
            None => writer,
        }
    }

    fn write<W: Write>(&self, writer: &mut ArchiveWriter<W>) -> Result<Written, String> {
        let progress = Progress::new(self.cells(), self.common);
        let mut all = Written { left_out: 0, values: 0 };
        for (source, cells) in self.selected {
            let Written { left_out, values } = self.write_population(writer, source, cells, &progress)?;
            all.left_out += left_out;
            all.values += values;
        }
        if all.left_out == self.cells() {
            return Err(files::in_file(&self.arguments.inputs[0], "no cell could be encoded"));
        }
        Ok(all)
    }

    fn write_population<W: Write>(
        &self,
        writer: &mut ArchiveWriter<W>,
        source: &Source,
        cells: &[u64],
        progress: &Progress,
    ) -> Result<Written, String> {
        let values = Cell::new(0);
        let read = |&cell: &u64| {
            let vdf = source.read(cell)?;
            values.set(values.get() + vdf.grid().cells());
            Ok(ArchiveCell { cell, facts: source.facts(cell)?, vdf })
        };
        let (mut left_out, mut reported) = (0, cells.iter());
        let hook = |_, outcome: vdf_basis::Result<()>| {
            let cell = reported.next().copied().unwrap_or_default();
            progress.step();
            if let Err(problem) = outcome {
                left_out += 1;
                progress.leave_out(source.path_of(cell), cell, &problem);
            }
            Ok(())
        };
        let written = writer.write(source.population(), self.basis, cells.iter().map(read), hook);
        written.map_err(|problem| files::in_file(&self.arguments.output, problem))?;
        Ok(Written { left_out, values: values.get() })
    }
}
