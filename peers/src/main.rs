//! zfp, SPERR and SZ3 beside bases of `vdf-basis` on the same distribution: bytes, errors and times, one row each.
//!
//! ```text
//! cargo run --release -p vdf-basis-peers -- [FILE.npy] [SPEC …]
//! ```
//!
//! Without a file, on the synthetic `gyrating-ring` on 50³ cells. A spec is that of a basis, or `zfp:l2=0.03`,
//! `sperr:l2=…`, `sz3:l2=…`: these get the largest tolerance that keeps the error. Codecs take values in single
//! precision, and their streams hold no grid.

mod codecs;
mod measure;
mod tolerance;

use std::error::Error;
use std::process::ExitCode;

use measure::{Measured, Subject};
use vdf_basis::{Sampling, Synthetic, Vdf};

const SPECS: [&str; 10] = [
    "zfp:l2=0.03",
    "sperr:l2=0.03",
    "sz3:l2=0.03",
    "fast:l2=0.03",
    "smallest:l2=0.03",
    "zfp:l2=0.003",
    "sperr:l2=0.003",
    "sz3:l2=0.003",
    "fast:l2=0.003",
    "smallest:l2=0.003",
];
const SYNTHETIC: &str = "gyrating-ring";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Vec<String>) -> Result<(), Box<dyn Error>> {
    let file = arguments.first().is_some_and(|argument| argument.ends_with(".npy")).then(|| arguments.remove(0));
    let specs = if arguments.is_empty() { SPECS.map(str::to_owned).into() } else { arguments };
    // Every spec is read before the work begins.
    let subjects = specs.iter().map(|spec| Subject::named(spec)).collect::<Result<Vec<_>, _>>()?;
    let (name, vdf) = distribution(file)?;
    println!("{name}: {}, peak {:.3e}", vdf.grid(), vdf.peak());
    println!("{}", HEADINGS.map(|heading| format!("{heading:>9}")).join(" "));
    let mut failures = 0;
    for (spec, subject) in specs.iter().zip(&subjects) {
        match subject.measure(&vdf) {
            Ok(measured) => println!("{}  {spec}", row(&measured)),
            Err(problem) => {
                failures += 1;
                println!("failed: {spec}: {problem}");
            }
        }
    }
    if failures == 0 { Ok(()) } else { Err(format!("{failures} of {} failed", specs.len()).into()) }
}

/// A file's distribution, or a synthetic one, with its name.
fn distribution(file: Option<String>) -> Result<(String, Vdf), Box<dyn Error>> {
    match file {
        Some(path) => {
            let vdf = Vdf::read_npy(&path)?;
            Ok((path, vdf))
        }
        None => {
            let grid = Synthetic::default_grid(SYNTHETIC, 50)?;
            Ok((SYNTHETIC.to_owned(), Synthetic::named(SYNTHETIC, 0)?.sample(&grid, Sampling::default())?))
        }
    }
}

const HEADINGS: [&str; 10] =
    ["bytes", "l1", "l2", "linf", "density", "velocity", "pressure", "heat flux", "encode ms", "decode ms"];

fn row(measured: &Measured) -> String {
    let f = &measured.fidelity;
    let errors = [f.l1, f.l2, f.linf, f.density, f.bulk_velocity, f.pressure, f.heat_flux];
    let errors = errors.map(|error| format!("{error:>9.2e}")).join(" ");
    format!("{:>9} {errors} {:>9.1} {:>9.1}", measured.bytes, measured.encode_ms, measured.decode_ms)
}
