//! Encodes a distribution in several bases, reconstructs it, and compares: the whole job of the reference notebooks.
//!
//! zlib stands beside them. `cargo run --release -p vdf-basis-peers` measures zfp, SPERR and SZ3.
//!
//! ```text
//! cargo run --release --example compare -- [FILE] [--bases SPEC ...] [--json FILE] [--out DIR] [--repeat N]
//!     [--shape NX,NY,NZ] [--precision f32|f64] [--lower X,Y,Z --spacing X,Y,Z] [--cells N]
//! ```

mod arguments;
mod compressor;
#[path = "../files/mod.rs"]
mod files;
mod input;
mod measure;
mod names;
mod picture;
mod progress;
mod rows;
mod table;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use vdf_basis::{Fidelity, Registry};

use arguments::Arguments;
use input::Input;
use measure::{Row, Subject, measure};
use picture::View;
use progress::Progress;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let registry = Registry::standard();
    // Refused before any work: a spec that means nothing would only be a row among others at the end.
    let subjects = arguments.bases.iter().map(|spec| Ok((spec.as_str(), Subject::named(spec, &registry)?)));
    let subjects = subjects.collect::<Result<Vec<(&str, Subject)>, Box<dyn Error>>>()?;
    let given = arguments.file.as_deref();
    if let Some(path) = &arguments.json {
        files::check_output(path, given)?;
    }
    let inputs = input::load(arguments)?;
    // Each basis is measured, then drawn.
    let progress = Progress::new(inputs.len() * arguments.bases.len() * 2);
    let mut succeeded = false;
    let mut all = Vec::new();
    for input in &inputs {
        let rows = compare(input, &subjects, arguments.repeat, &progress)?;
        succeeded |= rows.iter().any(|row| row.outcome.is_ok());
        let folder = if inputs.len() > 1 { arguments.out.join(&input.name) } else { arguments.out.clone() };
        let pictures = draw(input, given, &rows, &folder, &progress)?;
        if !pictures.is_empty() {
            progress.print(&format!("pictures: {}\n", listed(&folder, &pictures)))?;
        }
        all.extend(rows);
    }
    if let Some(path) = &arguments.json {
        create_parent(path)?;
        let text = rows::to_json(&all)? + "\n";
        files::write_whole(path, |file| file.write_all(text.as_bytes()).map_err(|problem| problem.to_string()))?;
    }
    if succeeded { Ok(()) } else { Err("every basis failed".into()) }
}

/// Measures every basis on one distribution and prints the table.
fn compare(
    input: &Input,
    subjects: &[(&str, Subject)],
    repeat: usize,
    progress: &Progress,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let Input { name, vdf } = input;
    let floor = Fidelity::default_floor(vdf);
    let blocks = vdf.block_occupancy(floor)?.count();
    let mut rows = Vec::with_capacity(subjects.len());
    for (spec, subject) in subjects {
        rows.push(measure(spec, subject, vdf, blocks, repeat, progress));
        progress.step();
    }
    progress.print(&format!(
        "{name}: {}, peak {:.3e}, {blocks} blocks of 4^3 cells above the floor {floor:.1e}\n{}",
        vdf.grid(),
        vdf.peak(),
        table::table(&rows)
    ))?;
    Ok(rows)
}

/// Draws a picture of every basis that succeeded and one summary of them all, none over the file `given`; gives the names of
/// the files.
fn draw(
    input: &Input,
    given: Option<&Path>,
    rows: &[Row],
    folder: &Path,
    progress: &Progress,
) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    fs::create_dir_all(folder).map_err(|problem| format!("{}: {problem}", folder.display()))?;
    let view = View::new(&input.name, &input.vdf);
    let stems = names::file_stems(rows.iter().map(|row| row.spec.as_str()));
    let mut files = Vec::new();
    for (row, stem) in rows.iter().zip(stems) {
        if let Ok(measured) = &row.outcome {
            let file = PathBuf::from(format!("{stem}.png"));
            progress.doing(format!("{}: picture", row.spec));
            files::check_output(&folder.join(&file), given)?;
            picture::comparison(&view, &row.spec, measured)?.save(&folder.join(&file))?;
            files.push(file);
            if let Some(spectrum) = &measured.spectrum {
                let file = PathBuf::from(format!("{stem}-spectrum.png"));
                files::check_output(&folder.join(&file), given)?;
                picture::spectrum(&view, &row.spec, spectrum)?.save(&folder.join(&file))?;
                files.push(file);
            }
        }
        progress.step();
    }
    let shown: Vec<_> = rows.iter().filter_map(|row| Some((row.spec.as_str(), row.outcome.as_ref().ok()?))).collect();
    if !shown.is_empty() {
        let file = PathBuf::from("summary.png");
        files::check_output(&folder.join(&file), given)?;
        picture::summary(&view, &shown)?.save(&folder.join(&file))?;
        files.push(file);
    }
    Ok(files)
}

fn create_parent(path: &Path) -> Result<(), Box<dyn Error>> {
    match path.parent() {
        Some(parent) => Ok(fs::create_dir_all(parent).map_err(|problem| format!("{}: {problem}", parent.display()))?),
        None => Ok(()),
    }
}

/// `folder/{a.png, b.png}`.
fn listed(folder: &Path, files: &[PathBuf]) -> String {
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    format!("{}/{{{}}}", folder.display(), files.join(", "))
}
