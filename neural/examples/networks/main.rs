//! Encodes a distribution by networks and by the bases beside which they stand, and compares: the table of `compare`, the
//! course of the trainings, and pictures.
//!
//! ```text
//! cargo run --release -p vdf-basis-neural --example networks -- [FILE] [--bases SPEC]... [--json FILE] [--out DIR]
//!     [--pictures none|all]
//! ```

// Parts of `compare`, which needs more of them.
#[allow(dead_code)]
#[path = "../../../examples/shared/chart.rs"]
mod chart;
#[allow(dead_code)]
#[path = "../../../examples/compare/compressor.rs"]
mod compressor;
mod curves;
#[allow(dead_code)]
#[path = "../../../src/bin/vdfb/files/mod.rs"]
mod files;
#[allow(dead_code)]
#[path = "../../../examples/compare/measure.rs"]
mod measure;
#[allow(dead_code)]
#[path = "../../../examples/compare/names.rs"]
mod names;
#[allow(dead_code)]
#[path = "../../../src/bin/vdfb/picture/mod.rs"]
mod picture;
#[allow(dead_code)]
#[path = "../../../examples/compare/progress.rs"]
mod progress;
#[allow(dead_code)]
#[path = "../../../examples/compare/rows.rs"]
mod rows;
#[allow(dead_code)]
#[path = "../../../examples/compare/table.rs"]
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use vdf_basis::distribution::blocks::BLOCK_EDGE;
use vdf_basis::{Coefficients, Expansion, Fidelity, Registry, Result, Sampling, StorageCost, Stream, Synthetic, Vdf};
use vdf_basis_neural::mlp::{Mlp, Report};

use curves::{Course, curves, loss_table};
use measure::{Measured, Row};
use picture::comparison::{Page, comparison};
use picture::text::printed;
use picture::view::View;
use progress::columns;
use rows::JsonRow;

/// The networks compared when none are named: those of this crate with bounds, then those with as many weights as the
/// notebooks' two and Vlasiator's have, then a mixture and presets.
const DEFAULT_BASES: [&str; 10] = [
    "mlp:l2=0.05",
    "mlp:l2=0.03",
    "mlp:bytes=2000",
    "mlp:width=25,activation=tanh,target=linear",
    "mlp:width=25,activation=tanh,features=48,target=linear",
    "mlp:width=32,features=32,target=log10",
    "mixture:components=25,l2=0.05",
    "balanced:l2=0.05",
    "balanced:l2=0.03",
    "smallest:l2=0.03",
];

/// Encode a distribution by neural networks, and compare them with other bases.
#[derive(Debug, Parser)]
#[command(name = "networks")]
struct Arguments {
    /// A distribution in C order `[vx, vy, vz]`, `.npy`. Without it, a synthetic one is taken.
    file: Option<PathBuf>,
    /// A basis to compare. Give the option again for each further one, or several specs in quotes with `;` between them.
    #[arg(long, value_name = "SPEC", value_delimiter = ';')]
    bases: Vec<String>,
    /// Write the figures to this file, with the keys of `compare`.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The folder of the pictures.
    #[arg(long, value_name = "DIR", default_value = "out/networks")]
    out: PathBuf,
    /// The pictures to draw: the course of the trainings, and a page for each basis.
    #[arg(long, value_enum, default_value_t = Pictures::All)]
    pictures: Pictures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pictures {
    None,
    All,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            files::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

/// True if every basis succeeded.
fn run(arguments: &Arguments) -> std::result::Result<bool, Box<dyn Error>> {
    let registry = vdf_basis_neural::registry();
    let default = DEFAULT_BASES.map(str::to_owned);
    let specs = if arguments.bases.is_empty() { &default[..] } else { &arguments.bases };
    // Whatever can be refused is refused before any work.
    specs.iter().try_for_each(|spec| registry.parse(spec).map(|_| ()))?;
    let (name, vdf) = input(arguments.file.as_deref())?;
    let given = arguments.file.as_deref();
    if let Some(json) = &arguments.json {
        files::check_output(json, given)?;
        files::check_writable(json)?;
    }
    if arguments.pictures == Pictures::All {
        files::check_folder(&arguments.out)?;
    }
    let mut courses = Vec::new();
    let mut all = Vec::new();
    for spec in specs {
        eprintln!("{spec}");
        let (outcome, report) = measured(spec, &registry, &vdf);
        courses.extend(report.map(|report| Course::new(spec, report)));
        all.push(Row { spec: spec.clone(), outcome });
    }
    files::print(&format!("{name}: {}\n\n{}\n", vdf.grid(), table::table(&all, columns())))?;
    files::print("Times are those of a single run, with the search for the width of a network.\n\n")?;
    files::print(&loss_table(&courses))?;
    if let Some(path) = &arguments.json {
        let rows: Vec<JsonRow> = all.iter().map(|row| JsonRow::new(&name, row)).collect();
        let text = rows::to_json(&rows)?;
        files::write_whole(path, |file| writeln!(file, "{text}").map_err(|problem| problem.to_string()))?;
    }
    if arguments.pictures == Pictures::All {
        draw(&arguments.out, &name, &vdf, &all, &courses)?;
        files::print(&format!("pictures: {}/*.png\n", arguments.out.display()))?;
    }
    let failed: Vec<&Row> = all.iter().filter(|row| row.outcome.is_err()).collect();
    for row in &failed {
        if let Err(reason) = &row.outcome {
            eprintln!("{}: {reason}", row.spec);
        }
    }
    Ok(failed.is_empty())
}

/// The distribution of a file, or a synthetic one, with its name.
fn input(file: Option<&Path>) -> std::result::Result<(String, Vdf), Box<dyn Error>> {
    match file {
        Some(path) => {
            let stem = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
            Ok((stem, Vdf::read_npy(path)?))
        }
        None => {
            const NAME: &str = "gyrating-ring";
            const CELLS: usize = 32;
            let grid = Synthetic::default_grid(NAME, CELLS)?;
            Ok((NAME.to_owned(), Synthetic::named(NAME, 0)?.sample(&grid, Sampling::default())?))
        }
    }
}

/// Encodes, decodes and compares; of networks also the report of the training.
fn measured(spec: &str, registry: &Registry, vdf: &Vdf) -> (Result<Measured>, Option<Report>) {
    let start = Instant::now();
    if let Ok(mlp) = spec.parse::<Mlp>() {
        return match mlp.fit(vdf) {
            Ok((found, report)) => {
                let expansion = Expansion::from_parts(*vdf.grid(), mlp, found);
                (figures(&expansion, registry, vdf, start), Some(report))
            }
            Err(error) => (Err(error), None),
        };
    }
    let expansion = registry.parse(spec).and_then(|basis| Expansion::encode(&basis, vdf));
    (expansion.and_then(|expansion| figures(&expansion, registry, vdf, start)), None)
}

/// The figures of an expansion whose encoding began at `start`.
fn figures<B: Stream>(expansion: &Expansion<B>, registry: &Registry, vdf: &Vdf, start: Instant) -> Result<Measured> {
    let bytes = registry.to_bytes(expansion)?;
    let encode_ms = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let reconstruction = registry.decode(&bytes)?.reconstruct()?;
    let reconstruct_ms = start.elapsed().as_secs_f64() * 1e3;
    let blocks = vdf.block_occupancy(Fidelity::default_floor(vdf), BLOCK_EDGE)?.count();
    Ok(Measured {
        boxes: Vec::new(),
        coefficients: expansion.coefficients().count(),
        cost: StorageCost::new(vdf.grid(), blocks, bytes.len()),
        fidelity: Fidelity::compare(vdf, &reconstruction)?,
        about_field: None,
        reconstruction,
        encode_ms,
        reconstruct_ms,
        spectrum: None,
    })
}

/// The course of the trainings, and a page for each basis.
fn draw(
    folder: &Path,
    name: &str,
    vdf: &Vdf,
    rows: &[Row],
    courses: &[Course],
) -> std::result::Result<(), Box<dyn Error>> {
    if !courses.is_empty() {
        curves(courses)?.save(&folder.join("training.png"))?;
    }
    let view = View::new(name, vdf);
    let measured: Vec<_> =
        rows.iter().filter_map(|row| Some((row.spec.as_str(), row.outcome.as_ref().ok()?))).collect();
    let stems = names::file_stems(measured.iter().map(|(spec, _)| *spec));
    for ((spec, measured), stem) in measured.into_iter().zip(stems) {
        let figures = format!(
            "{} coefficients, {} bytes     l2 error {}, pressure error {}     {name}, {}",
            measured.coefficients,
            measured.cost.bytes,
            printed(measured.fidelity.l2),
            printed(measured.fidelity.pressure),
            view.shape(),
        );
        let page = Page { spec, figures: &figures, reconstruction: &measured.reconstruction, boxes: &[] };
        comparison(&view, &page)?.save(&folder.join(format!("{stem}.png")))?;
    }
    Ok(())
}
