//! Encodes a distribution in several bases, reconstructs it, and compares: the whole job of the reference notebooks.
//!
//! zlib stands beside them. `cargo run --release -p vdf-basis-peers` measures zfp, SPERR and SZ3.
//!
//! ```text
//! cargo run --release --example compare -- [FILE] [--bases SPEC]... [--json FILE] [--repeat N]
//!     [--out DIR] [--pictures none|summary|all] [--synthetic NAME]... [--cells N]
//!     [--shape NX,NY,NZ] [--precision f32|f64] [--lower X,Y,Z --spacing X,Y,Z]
//!     [--cell ID] [--population NAME] [--box N]
//! ```

mod arguments;
mod compressor;
// Shared with the command, which needs more of it.
#[allow(dead_code)]
#[path = "../../src/bin/vdfb/files/mod.rs"]
mod files;
mod gallery;
mod input;
mod measure;
mod names;
#[allow(dead_code)]
#[path = "../../src/bin/vdfb/picture/mod.rs"]
mod picture;
mod progress;
mod rows;
mod selection;
mod spectrum;
mod summary;
mod table;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use vdf_basis::distribution::blocks::BLOCK_EDGE;
use vdf_basis::{Fidelity, FieldDirection, Registry};

use arguments::{Arguments, Pictures};
use gallery::Gallery;
use input::Input;
use measure::{Row, Subject, Task, measure};
use progress::{Progress, columns};
use rows::JsonRow;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            files::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let registry = Registry::standard();
    // Whatever can be refused is refused before any work.
    let specs = arguments.bases();
    let subjects = specs.iter().map(|spec| Ok((*spec, Subject::named(spec, &registry)?)));
    let subjects = subjects.collect::<Result<Vec<(&str, Subject)>, Box<dyn Error>>>()?;
    arguments.field.map(FieldDirection::new).transpose()?;
    let inputs = input::load(arguments)?;
    let given = arguments.file.as_deref();
    if let Some(path) = &arguments.json {
        check_json(path, given)?;
    }
    let folder = |input: &Input| match inputs.len() {
        1 => arguments.out.clone(),
        _ => arguments.out.join(&input.name),
    };
    let pictures = arguments.pictures();
    let galleries: Vec<_> = inputs.iter().map(|input| Gallery { folder: folder(input), pictures, given }).collect();
    if pictures != Pictures::None {
        galleries.iter().try_for_each(|gallery| files::check_folder(&gallery.folder))?;
    }

    let progress = Progress::new(inputs.len() * subjects.len());
    progress.print(&(paragraph(&measure::meaning_of_times(arguments.repeat)) + "\n"))?;
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for (input, gallery) in inputs.iter().zip(&galleries) {
        let rows = compare(input, &subjects, arguments, &progress)?;
        let failed: Vec<&str> = rows.iter().filter(|row| row.outcome.is_err()).map(|row| row.spec.as_str()).collect();
        for (spec, reason) in rows.iter().filter_map(|row| Some((&row.spec, row.outcome.as_ref().err()?))) {
            progress.complain(&format!("error: {spec} of {}: {reason}", input.name));
        }
        if !failed.is_empty() {
            let counts = format!("{} of {} bases", failed.len(), rows.len());
            problems.push(format!("{counts} failed on {}: {}", input.name, failed.join("; ")));
        }
        problems.extend(gallery.draw(input, &rows, &progress)?);
        all.extend(rows.iter().map(|row| JsonRow::new(&input.name, row)));
    }
    if let Some(path) = &arguments.json {
        let text = rows::to_json(&all)? + "\n";
        files::write_whole(path, |file| file.write_all(text.as_bytes()).map_err(|problem| problem.to_string()))?;
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\nerror: ").into()) }
}

/// Refuses a file for the figures that cannot be written, or is the one to be read.
fn check_json(path: &Path, given: Option<&Path>) -> Result<(), String> {
    files::check_output(path, given)?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|problem| files::in_file(parent, problem))?;
    }
    files::check_writable(path)
}

/// Measures every basis on one distribution and prints the table.
fn compare(
    input: &Input,
    subjects: &[(&str, Subject)],
    arguments: &Arguments,
    progress: &Progress,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let Input { name, vdf } = input;
    let floor = Fidelity::default_floor(vdf);
    let occupied_blocks = vdf.block_occupancy(floor, BLOCK_EDGE)?.count();
    let field = arguments.field.map(FieldDirection::new).transpose()?;
    let task = Task { vdf, occupied_blocks, repeat: arguments.repeat, field, progress };
    let mut rows = Vec::with_capacity(subjects.len());
    for (spec, subject) in subjects {
        rows.push(measure(spec, subject, &task));
        progress.step();
    }
    let heading = format!(
        "{name}: {}, peak {:.3e}, {occupied_blocks} blocks of 4^3 cells above the floor {floor:.1e}",
        picture::axis::grid_text(vdf.grid()),
        vdf.peak()
    );
    progress.print(&(paragraph(&heading) + "\n" + &table::table(&rows, columns())))?;
    Ok(rows)
}

/// Text in lines that fit into the terminal.
fn paragraph(text: &str) -> String {
    table::wrapped(text, columns()).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use vdf_basis::{Precision, Vdf, VelocityGrid};

    /// A new folder with a distribution that is zero, which `maxwellian` refuses and `wavelet` takes.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("vdf-basis-compare-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let zero = Vdf::zeros(VelocityGrid::unit([4, 5, 6]).unwrap());
        zero.write_npy(folder.join("zero.npy"), Precision::Double).unwrap();
        fs::write(folder.join("bad.npy"), "no array").unwrap();
        folder
    }

    /// The outcome of a command line; words that begin with `@` are files in `folder`.
    fn outcome(folder: &Path, line: &str) -> Result<(), String> {
        let word = |word: &str| word.replace('@', &format!("{}/", folder.display()));
        let words = std::iter::once("compare".to_owned()).chain(line.split_whitespace().map(word));
        run(&Arguments::try_parse_from(words).unwrap()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn one_basis_that_fails_fails_the_run_and_keeps_what_the_others_gave() {
        let folder = folder("partial");
        let line = "--bases wavelet;maxwellian --repeat 1 @zero.npy --out @out --json @deeper/rows.json";
        assert_eq!(outcome(&folder, line).unwrap_err(), "1 of 2 bases failed on zero: maxwellian");
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("deeper/rows.json")).unwrap()).unwrap();
        assert_eq!((&json[0]["distribution"], &json[0]["l2"]), (&"zero".into(), &0.0.into()));
        assert!(json[1]["error"].as_str().unwrap().contains("zero everywhere"));
        let mut pictures: Vec<_> =
            fs::read_dir(folder.join("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        pictures.sort();
        assert_eq!(pictures, ["summary.png", "wavelet.png"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn several_distributions_have_a_summary_each_and_nothing_more_unless_asked() {
        let folder = folder("several");
        let line = "--synthetic beams,kappa,beams --cells 6 --bases pca --pictures summary --repeat 2 --out @out";
        assert_eq!(outcome(&folder, line), Ok(()));
        for name in ["beams", "kappa"] {
            let files: Vec<_> = fs::read_dir(folder.join("out").join(name)).unwrap().collect();
            assert_eq!(files.len(), 1);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_done_is_refused_before_the_work_with_the_name_of_the_file() {
        let folder = folder("refused");
        let lines = [
            ("@zero.npy --bases nonsense --out @out", "nonsense"),
            ("@bad.npy --bases wavelet --out @out", "bad.npy: malformed"),
            ("@none.npy --bases wavelet --out @out", "none.npy"),
            ("wavelet --bases wavelet --out @out", "given again"),
            ("@zero.npy --bases wavelet --out @bad.npy", "bad.npy"),
            ("@zero.npy --bases wavelet --out @out --json @bad.npy/rows.json", "bad.npy"),
            ("@zero.npy --bases wavelet --out @out --json @zero.npy", "would be lost"),
            ("@zero.npy --bases wavelet --out @out --json @", "folder"),
            ("@zero.npy --bases wavelet --out @out --cell 1", "zero.npy: --cell, --population and --box"),
            ("@none.vlsv --bases wavelet --out @out --cell 1", "none.vlsv"),
        ];
        for (line, part) in lines {
            let problem = outcome(&folder, line).unwrap_err();
            assert!(problem.contains(part), "{line}: {problem}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(folder).unwrap();
    }
}
