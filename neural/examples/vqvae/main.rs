//! Learns a vector-quantised autoencoder from synthetic shocks, encodes a population that it has not seen, and compares with
//! other bases at the same mean error.
//!
//! ```text
//! cargo run --release -p vdf-basis-neural --example vqvae -- FILE.npy [--walk N] [--traced N] [--iterations N] [--seed N]
//!     [--every K] [--other SPEC]... [--price P]... [--learn FILE.npy] [--save FILE] [--load FILE] [--json FILE]
//! ```
//!
//! FILE.npy has the axes cell, vx, vy, vz. `--learn` learns from a file of the same axes instead, `--save` keeps what was learnt and `--load` takes it from there; `--every 4` takes
//! each fourth cell of the population. `--other` names bases that keep a bound `l2` (`mlp` and `balanced` if none is named),
//! `--price` the prices of a bit in the encoder.

mod arguments;
mod synthetic;
mod table;

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use vdf_basis::{AnyBasis, Expansion, Fidelity, NpyPopulation, Registry, Vdf};
use vdf_basis_neural::{VqVae, VqVaeOptions, registry};

use arguments::Arguments;
use table::{Row, Shared};

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).map_err(Into::into).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let population = NpyPopulation::open(&arguments.file)?;
    let cells = (0..population.cells()).step_by(arguments.every);
    let cells = cells.map(|cell| population.read(cell)).collect::<vdf_basis::Result<Vec<Vdf>>>()?;
    let learnt = learnt(arguments, population.grid().shape())?;
    let bytes = learnt.to_bytes()?;
    if let Some(path) = &arguments.save {
        fs::write(path, &bytes)?;
    }
    let shared = Shared { bytes: bytes.len(), decoder: learnt.decoder_bytes()?, learnt_from: learnt.count() };
    let registry = registry().with_value(learnt.clone())?;
    let mut rows = Vec::new();
    for price in &arguments.prices {
        let basis = AnyBasis::new(learnt.clone().with_price(*price)?);
        let row = measured(&registry, &basis, &cells, format!("vqvae, price {price}"))?;
        let bound = row.l2;
        rows.push(row);
        for other in &arguments.others {
            let spec = format!("{other}:l2={bound:.3}");
            rows.push(measured(&registry, &registry.parse(&spec)?, &cells, spec)?);
        }
    }
    println!("{}", table::text(&rows, &shared, &arguments.file));
    if let Some(path) = &arguments.json {
        fs::write(path, table::json(&rows, &shared))?;
    }
    Ok(())
}

/// A value from a file, or learnt from synthetic distributions.
fn learnt(arguments: &Arguments, shape: [usize; 3]) -> Result<VqVae, Box<dyn Error>> {
    if let Some(path) = &arguments.load {
        return Ok(VqVae::from_bytes(&fs::read(path)?)?);
    }
    let begin = Instant::now();
    let population = match &arguments.learn {
        Some(path) => {
            let population = NpyPopulation::open(path)?;
            (0..population.cells()).map(|cell| population.read(cell)).collect::<vdf_basis::Result<Vec<Vdf>>>()?
        }
        None => synthetic::population(shape, arguments.walk, arguments.traced, arguments.seed)?,
    };
    println!("{} distributions in {:.0} s", population.len(), begin.elapsed().as_secs_f64());
    let begin = Instant::now();
    let options = VqVaeOptions { iterations: arguments.iterations, seed: arguments.seed, ..VqVaeOptions::default() };
    let (learnt, losses) = VqVae::learn_with_losses(&population, &options)?;
    println!(
        "learnt in {:.0} s; relative error of the windows in ten parts of the learning:",
        begin.elapsed().as_secs_f64()
    );
    for part in losses.chunks(losses.len().div_ceil(10)) {
        print!(" {:.3}", (part.iter().sum::<f64>() / part.len() as f64).sqrt());
    }
    println!();
    Ok(learnt)
}

/// Mean error, length and times of a basis over the cells.
fn measured(registry: &Registry, basis: &AnyBasis, cells: &[Vdf], name: String) -> vdf_basis::Result<Row> {
    let mut row = Row { name, l2: 0.0, worst: 0.0, bytes: 0.0, encode: 0.0, decode: 0.0, missed: 0 };
    let mut count = 0.0;
    for vdf in cells {
        let begin = Instant::now();
        let expansion = match Expansion::encode(basis, vdf) {
            Err(vdf_basis::Error::TargetNotMet { .. }) => {
                row.missed += 1;
                continue;
            }
            expansion => expansion?,
        };
        let bytes = registry.to_bytes(&expansion)?;
        row.encode += begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let back = registry.decode(&bytes)?.reconstruct()?;
        row.decode += begin.elapsed().as_secs_f64();
        let l2 = Fidelity::compare(vdf, &back)?.l2;
        row.l2 += l2;
        row.worst = row.worst.max(l2);
        row.bytes += bytes.len() as f64;
        count += 1.0;
    }
    for mean in [&mut row.l2, &mut row.bytes, &mut row.encode, &mut row.decode] {
        *mean /= f64::max(count, 1.0);
    }
    Ok(row)
}
