//! `vdfb decode`: an archive or a stream to values.

use serde_json::{Value, json};
use vdf_basis::{ArchiveFacts, ArchiveRecord, Precision, Vdf, VlsvFile};

use crate::arguments::{Common, Decode};
use crate::encoded::{Content, Encoded};
use crate::output::{Format, Values};
use crate::progress::Progress;
use crate::{Outcome, Problem, files, grid_file};

pub fn run(arguments: &Decode, common: &Common) -> Outcome {
    let output = &arguments.output;
    files::check_output(output, [&*arguments.input].into_iter().chain(arguments.like.as_deref()))?;
    let format = Format::of(output)?;
    let encoded = Encoded::open(&arguments.input)?;
    if format == Format::Vlsv {
        return to_vlsv(&encoded, arguments, common);
    }
    if let Some(like) = &arguments.like {
        return Err(Problem::Usage(files::in_file(like, "--like belongs to an output .vlsv")));
    }
    let population = encoded.population(arguments.from.population.as_deref())?;
    let cells = encoded.select(&population, &arguments.from.cells)?;
    files::check_writable(output)?;
    let beside = (format == Format::Npy).then(|| grid_file::beside(output));
    if let Some(path) = &beside {
        files::check_output(path, [&*arguments.input, &**output])?;
        files::check_writable(path)?;
    }
    let precision = if arguments.single { Precision::Single } else { Precision::Double };
    let progress = Progress::new(cells.len(), common);
    let mut left_out = encoded.report_lost();
    let mut about: Vec<Value> = Vec::new();
    files::write_whole(output, |file| {
        let mut values = Values::new(format, file, &cells, precision, output);
        encoded.for_each(&population, &cells, reconstruct, |cell, outcome| {
            progress.step();
            match outcome {
                Ok((facts, vdf)) => {
                    about.push(grid_file::cell(cell, vdf.grid(), &facts));
                    values.put(cell, &vdf)
                }
                Err(problem) => {
                    left_out += 1;
                    progress.leave_out(&arguments.input, cell, &problem);
                    // Cells of the grid file and of the array correspond.
                    about.push(json!({ "cell": cell }));
                    values.put_missing(cell)
                }
            }
        })?;
        values.finish()
    })?;
    if let Some(path) = beside {
        grid_file::write(&path, &population, &about)?;
    }
    Ok(encoded.done(left_out))
}

fn reconstruct(record: &ArchiveRecord) -> Result<(ArchiveFacts, Vdf), String> {
    let vdf = record.expansion.reconstruct().map_err(|problem| problem.to_string())?;
    Ok((record.facts, vdf))
}

/// Copies a `.vlsv` file and replaces the distributions of the archive's cells: of one population, or of all.
fn to_vlsv(encoded: &Encoded, arguments: &Decode, common: &Common) -> Outcome {
    let (output, from) = (&arguments.output, &arguments.from);
    let Some(like) = &arguments.like else {
        let problem = "--like SOURCE.vlsv is needed: the file whose distributions are replaced";
        return Err(Problem::Usage(files::in_file(output, problem)));
    };
    if matches!(encoded.content, Content::Stream { .. }) && (from.population.is_none() || from.cells.single().is_none())
    {
        let problem = "a stream does not say which cell it is: --cells ID --population NAME";
        return Err(Problem::Usage(files::in_file(&arguments.input, problem)));
    }
    files::check_writable(output)?;
    let file = VlsvFile::open(like).map_err(|problem| files::in_file(like, problem))?;
    let populations: Vec<String> = match &from.population {
        Some(_) => vec![encoded.population(from.population.as_deref())?],
        None => encoded.populations().into_iter().map(str::to_owned).collect(),
    };
    let selected =
        populations.into_iter().map(|population| Ok((encoded.select(&population, &from.cells)?, population)));
    let selected = selected.collect::<Result<Vec<_>, String>>()?;
    let copy = file.copy_to(output).map_err(|problem| files::in_file(output, problem))?;
    let count = selected.iter().map(|(cells, _)| cells.len()).sum();
    let progress = Progress::new(count, common);
    let mut left_out = encoded.report_lost();
    for (cells, population) in &selected {
        let replace = |record: &ArchiveRecord| {
            let (_, vdf) = reconstruct(record)?;
            let replaced = copy.replace(record.cell, population, &vdf);
            replaced.map_err(|problem| files::in_file(like, problem))
        };
        encoded.for_each(population, cells, replace, |cell, outcome| {
            progress.step();
            if let Err(problem) = outcome {
                left_out += 1;
                progress.leave_out(&arguments.input, cell, &problem);
            }
            Ok(())
        })?;
    }
    drop(progress);
    if left_out == count {
        return Err(Problem::Failed(files::in_file(output, "no cell could be replaced")));
    }
    copy.finish().map_err(|problem| files::in_file(output, problem))?;
    Ok(encoded.done(left_out))
}
