//! `vdfb synthesise`: something to try the other commands on.

use std::num::NonZeroUsize;

use serde_json::{Value, json};
use vdf_basis::container::MOST_CELLS;
use vdf_basis::distribution::io::npy::npy_header;
use vdf_basis::distribution::physics::PROTON_MASS;
use vdf_basis::distribution::synthetic::{Jitter, Shock, Traced};
use vdf_basis::{ArchiveFacts, Precision, Sampling, ShockPopulation, Synthetic, Vdf, VelocityGrid};

use crate::arguments::{Common, Synthesise};
use crate::progress::Progress;
use crate::{Done, Outcome, Problem, files, grid_file};

/// Name of the population through a collisionless shock.
pub const SHOCK: &str = "shock";
/// Cells of a walk through a shock or a current sheet where no number is given.
const WALK_CELLS: usize = 24;

/// The field upstream of the default traced shock [T]: u₁ √(μ₀ n m)/6, the Alfvén Mach number being 6.
const UPSTREAM_FIELD: f64 = 3.06e-9;
/// The field B₀ of the default current sheet [T]: √(2 μ₀ n m) v_th, the pressures of plasma and field being equal.
const SHEET_FIELD: f64 = 1.3e-8;

/// Charge of the proton [C], exact in the SI. Over the field's unit B and with the unit u of velocities, m u/(q B) is the unit of
/// positions.
const ELEMENTARY_CHARGE: f64 = 1.602_176_634e-19;

/// Source of the distributions.
enum Source<'a> {
    /// A distribution of the catalogue, and its variations.
    Named(&'a str, u64),
    Shock(ShockPopulation),
    /// Distributions at these positions.
    Traced(Traced, Vec<f64>),
}

impl<'a> Source<'a> {
    fn new(name: &'a str, seed: u64, count: Option<usize>, position: Option<f64>) -> vdf_basis::Result<Self> {
        let walk = count.unwrap_or(WALK_CELLS);
        match name {
            SHOCK => Ok(Self::Shock(shock_population(walk, seed)?)),
            name if is_traced(name) => {
                let traced = Traced::named(name, seed)?;
                let walk = || (0..walk).map(|k| traced.position(k, walk)).collect();
                Ok(Self::Traced(traced, position.map_or_else(walk, |position| vec![position])))
            }
            name => Ok(Self::Named(name, seed)),
        }
    }

    fn grid(&self, cells: usize) -> vdf_basis::Result<VelocityGrid> {
        match self {
            Self::Named(name, _) => Synthetic::default_grid(name, cells),
            Self::Shock(shock) => shock.grid(cells),
            Self::Traced(traced, _) => traced.grid(cells),
        }
    }

    /// Number of distributions; `None` for an array of three axes.
    fn count(&self, asked: Option<usize>) -> Option<usize> {
        match self {
            Self::Named(..) => asked,
            Self::Shock(shock) => Some(shock.cells()),
            Self::Traced(_, positions) => Some(positions.len()),
        }
    }

    fn distribution(&self, cell: usize, grid: &VelocityGrid) -> vdf_basis::Result<Vdf> {
        let sampling = Sampling::default();
        match self {
            Self::Named(name, seed) => Synthetic::named(name, seed.wrapping_add(cell as u64))?.sample(grid, sampling),
            Self::Shock(shock) => shock.get(cell)?.sample(grid, sampling),
            Self::Traced(traced, positions) => traced.sample(positions[cell], grid),
        }
    }

    /// Time, position and magnetic field of a cell, as far as they are known.
    fn facts(&self, cell: usize) -> vdf_basis::Result<ArchiveFacts> {
        let Self::Traced(traced, positions) = self else { return Ok(ArchiveFacts::default()) };
        let unit = if traced.is_shock() { UPSTREAM_FIELD } else { SHEET_FIELD };
        let length = traced.unit() * PROTON_MASS / (ELEMENTARY_CHARGE * unit);
        Ok(ArchiveFacts {
            magnetic_field: Some(traced.magnetic_field(positions[cell])?.map(|field| unit * field)),
            position: Some(traced.place(positions[cell]).map(|place| length * place)),
            time: None,
        })
    }
}

pub fn run(arguments: &Synthesise, common: &Common) -> Outcome {
    let Synthesise { name, output, cells, seed, .. } = arguments;
    let failed = |problem: vdf_basis::Error| format!("{name}: {problem}");
    let count = arguments.population.map(NonZeroUsize::get);
    if arguments.position.is_some() && !is_traced(name) {
        let names: Vec<_> = Traced::names().collect();
        return Err(Problem::Usage(format!("--position belongs to {}, not to {name}", names.join(" and "))));
    }
    let source = Source::new(name, *seed, count, arguments.position).map_err(failed)?;
    // One position makes one distribution, as a name alone does.
    let count = if arguments.position.is_some() { None } else { source.count(count) };
    let grid = source.grid(cells.get()).map_err(failed)?;
    if grid.cells() > MOST_CELLS {
        return Err(Problem::Usage(format!("--cells {cells}: {grid} are more than {MOST_CELLS} velocity cells")));
    }
    if !output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        let problem = "its name must end with .npy: the grid goes into a .json file beside it";
        return Err(Problem::Usage(files::in_file(output, problem)));
    }
    let beside = grid_file::beside(output);
    files::check_writable(output)?;
    files::check_output(&beside, [&**output])?;
    files::check_writable(&beside)?;
    let precision = if arguments.single { Precision::Single } else { Precision::Double };
    let progress = Progress::new(count.unwrap_or(1), common);
    files::write_whole(output, |file| {
        let shape: Vec<usize> = count.into_iter().chain(grid.shape()).collect();
        file.write_all(&npy_header(&shape, precision)).map_err(|problem| files::in_file(output, problem))?;
        for cell in 0..count.unwrap_or(1) {
            let vdf = source.distribution(cell, &grid).map_err(failed)?;
            vdf.to_raw(&mut *file, precision).map_err(|problem| files::in_file(output, problem))?;
            progress.step();
        }
        Ok(())
    })?;
    drop(progress);
    let about = |cell: usize| Ok(grid_file::cell(cell as u64, &grid, &source.facts(cell)?));
    let entries: vdf_basis::Result<Vec<Value>> = (0..count.unwrap_or(1)).map(about).collect();
    grid_file::write(&beside, name, &entries.map_err(failed)?)?;
    report(arguments, common, &grid, count.unwrap_or(1))
}

fn is_traced(name: &str) -> bool {
    Traced::names().any(|traced| traced == name)
}

/// Distributions through the default shock; with a seed other than 0 each cell varies by 10%.
fn shock_population(cells: usize, seed: u64) -> vdf_basis::Result<ShockPopulation> {
    match seed {
        0 => Ok(ShockPopulation::new(cells)),
        seed => ShockPopulation::through(Shock::default(), cells, Jitter { amplitude: 0.1, seed }),
    }
}

fn report(arguments: &Synthesise, common: &Common, grid: &VelocityGrid, cells: usize) -> Outcome {
    let output = arguments.output.display();
    let beside = grid_file::beside(&arguments.output);
    if common.json {
        let content = json!({
            "output": output.to_string(),
            "cells": cells,
            "shape": grid.shape(),
            "lower": grid.lower(),
            "spacing": grid.spacing(),
        });
        files::print(&format!("{content:#}"))?;
    } else if !common.quiet {
        let beside = beside.display();
        files::print(&format!("{output}: {cells} x {grid}\n{beside}: the grid, for `vdfb encode --grid {beside}`"))?;
    }
    Ok(Done::All)
}
