//! `vdfb cat`: one cell to stdout.

use std::fmt::Write;

use vdf_basis::{ArchiveRecord, Precision, Vdf};

use crate::arguments::Cat;
use crate::encoded::Encoded;
use crate::{Done, Outcome, files, grid_file};

pub fn run(arguments: &Cat) -> Outcome {
    let Cat { cell, input, output, .. } = arguments;
    let encoded = Encoded::open(input)?;
    let population = encoded.population(arguments.population.as_deref())?;
    let record = encoded.read(&population, *cell)?;
    let in_file = |problem: vdf_basis::Error| files::in_file(input, format!("cell {cell}: {problem}"));
    if let Some(output) = output {
        files::check_output(output, [&**input])?;
    }
    let bytes = if arguments.stream {
        record.expansion.to_bytes().map_err(in_file)?
    } else if arguments.coefficients {
        let mut labels = Vec::new();
        record.expansion.coefficients_to_json(&mut labels).map_err(in_file)?;
        match output.as_ref().filter(|output| output.extension().is_some_and(|ending| ending == "npy")) {
            None => labels,
            Some(output) => {
                let beside = grid_file::beside(output);
                files::check_output(&beside, [&**input])?;
                write(&beside, &labels)?;
                let mut values = Vec::new();
                record.expansion.coefficients_to_npy(&mut values).map_err(in_file)?;
                values
            }
        }
    } else {
        let vdf = record.expansion.reconstruct().map_err(in_file)?;
        if output.as_ref().is_some_and(|output| output.extension().is_some_and(|ending| ending == "npy")) {
            let mut values = Vec::new();
            vdf.to_npy(&mut values, Precision::Double).map_err(in_file)?;
            values
        } else {
            in_lines(&record, &vdf).into_bytes()
        }
    };
    match output {
        Some(output) => write(output, &bytes)?,
        None => files::print_bytes(&bytes)?,
    }
    Ok(Done::All)
}

fn write(path: &std::path::Path, bytes: &[u8]) -> Result<(), String> {
    files::write_whole(path, |file| file.write_all(bytes).map_err(|problem| files::in_file(path, problem)))
}

/// Centre of each velocity cell, and its density.
fn in_lines(record: &ArchiveRecord, vdf: &Vdf) -> String {
    let grid = vdf.grid();
    let mut text = format!("# cell {} {}: vx vy vz f, {grid}\n", record.cell, record.population);
    for (index, value) in vdf.as_slice().iter().enumerate() {
        let place = grid.index_of(index);
        let [x, y, z]: [f64; 3] = std::array::from_fn(|axis| grid.centre(axis, place[axis]));
        // Writing to a string does not fail.
        let _ = writeln!(text, "{x} {y} {z} {value:e}");
    }
    text
}
