//! `vdfb moments`: density, drift, temperatures and agyrotropy of each cell.

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Value, json};
use vdf_basis::{Crop, Equilibrium, FieldDirection, Vdf, VelocityGrid};

use crate::arguments::{Common, Moments};
use crate::encoded::Encoded;
use crate::progress::Progress;
use crate::source::Source;
use crate::{Done, Outcome, Problem, files};

/// Cells of a file that are read at a time.
const CELLS_AT_A_TIME: usize = 64;
/// The columns of the table, and the places of their numbers in the JSON of a cell.
const COLUMNS: [(&str, &str); 9] = [
    ("n", "/density"),
    ("ux", "/bulk_velocity/0"),
    ("uy", "/bulk_velocity/1"),
    ("uz", "/bulk_velocity/2"),
    ("T", "/temperature"),
    ("T_par", "/parallel_temperature"),
    ("T_perp", "/perpendicular_temperature"),
    ("T_perp/T_par", "/anisotropy"),
    ("sqrt_Q", "/sqrt_q"),
];

pub fn run(arguments: &Moments, common: &Common) -> Outcome {
    let (mass, field) = (arguments.mass, arguments.field);
    let mut table = Table { cells: Vec::new(), left_out: 0, is_in_cells: false, mass, field };
    let (population, done) = match (&arguments.inputs[..], arguments.inputs.iter().find(|input| !is_source(input))) {
        (_, None) => {
            let population = table.of_source(arguments, common)?;
            (population, if table.left_out == 0 { Done::All } else { Done::LeftOut })
        }
        ([input], Some(_)) => {
            let encoded = Encoded::open(input)?;
            let population = table.of_encoded(&encoded, arguments, common)?;
            (population, encoded.done(table.left_out))
        }
        (_, Some(input)) => {
            return Err(Problem::Usage(files::in_file(input, "an archive or a stream is read alone")));
        }
    };
    if table.cells.is_empty() {
        return Err(Problem::Failed(files::in_file(&arguments.inputs[0], "it has no cell with moments")));
    }
    if common.json {
        let content = json!({
            "population": population,
            "mass": mass,
            "velocities_in_cells": table.is_in_cells,
            "cells": table.cells,
        });
        files::print(&format!("{content:#}"))?;
    } else {
        files::print(&table.in_lines())?;
        if !common.quiet {
            files::complain(&format!("note: {}", table.note()));
            if let Some(note) = table.missing_field() {
                files::complain(&format!("note: {note}"));
            }
        }
    }
    Ok(done)
}

/// True for the name of a file of distributions that are not encoded.
fn is_source(path: &Path) -> bool {
    files::is_vlsv(path) || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"))
}

struct Table {
    /// The quantities of each cell.
    cells: Vec<Value>,
    left_out: usize,
    /// True if velocities are counted in cells, those of some cell at least.
    is_in_cells: bool,
    mass: f64,
    /// The magnetic field in place of what the file knows.
    field: Option<FieldDirection>,
}

impl Table {
    /// The cells of an archive or a stream. Returns the name of the population.
    fn of_encoded(&mut self, encoded: &Encoded, arguments: &Moments, common: &Common) -> Result<String, Problem> {
        arguments.geometry.refused(&encoded.path, "what is encoded has its own grid")?;
        self.left_out += encoded.report_lost();
        let population = encoded.population(arguments.from.population.as_deref())?;
        let cells = encoded.select(&population, &arguments.from.cells)?;
        let progress = Progress::new(cells.len(), common);
        let (mass, field) = (self.mass, self.field);
        encoded.for_each(
            &population,
            &cells,
            |record| {
                let vdf = record.expansion.reconstruct().map_err(|problem| problem.to_string())?;
                Ok(Found::of(record.cell, &vdf, field.or(direction(record.facts.magnetic_field)), mass))
            },
            |cell, outcome| {
                progress.step();
                self.add(&encoded.path, cell, outcome, &progress);
                Ok(())
            },
        )?;
        Ok(population)
    }

    /// The cells of a `.vlsv` file or of `.npy` files. Returns the name of the population.
    fn of_source(&mut self, arguments: &Moments, common: &Common) -> Result<String, Problem> {
        let population = arguments.from.population.as_deref();
        let source = Source::open(&arguments.inputs, population, Crop::Stored, &arguments.geometry)?;
        let cells = source.select(&arguments.from.cells)?;
        let progress = Progress::new(cells.len(), common);
        let (mass, field) = (self.mass, self.field);
        let of_cell = |&cell: &u64| {
            let read = || {
                let field = field.or(direction(source.facts(cell)?.magnetic_field));
                Ok(Found::of(cell, &source.read(cell)?, field, mass))
            };
            progress.step();
            (cell, read().map_err(|problem: vdf_basis::Error| problem.to_string()))
        };
        for cells in cells.chunks(CELLS_AT_A_TIME) {
            let found: Vec<_> = cells.par_iter().map(of_cell).collect();
            for (cell, outcome) in found {
                self.add(source.path_of(cell), cell, outcome, &progress);
            }
        }
        drop(progress);
        Ok(source.population().to_owned())
    }

    fn add(&mut self, path: &Path, cell: u64, outcome: Result<Found, String>, progress: &Progress) {
        match outcome {
            Ok(Found { quantities, is_in_cells }) => {
                self.is_in_cells |= is_in_cells;
                self.cells.push(quantities);
            }
            Err(problem) => {
                self.left_out += 1;
                progress.leave_out(path, cell, &problem);
            }
        }
    }

    fn in_lines(&self) -> String {
        let mut lines = vec![format!("{:>10}", "cell")];
        lines.extend(self.cells.iter().map(|cell| format!("{:>10}", cell["cell"].to_string())));
        for (name, place) in COLUMNS {
            let value = |cell: &Value| cell.pointer(place).and_then(Value::as_f64).map_or("-".to_owned(), four_digits);
            let column: Vec<String> = std::iter::once(name.to_owned()).chain(self.cells.iter().map(value)).collect();
            let width = column.iter().map(String::len).max().unwrap_or(0);
            lines.iter_mut().zip(column).for_each(|(line, value)| *line += &format!("  {value:>width$}"));
        }
        lines.join("\n")
    }

    /// The units of the table.
    fn note(&self) -> String {
        if self.is_in_cells {
            return "the grid is not known, so that all is in units of a cell 1 m/s wide; give --lower and --spacing, or --grid, \
                    to `moments` of a .npy file, or to `encode`"
                .to_owned();
        }
        format!("n in m^-3, u in m/s, T in K of particles of {:e} kg (--mass)", self.mass)
    }

    /// A note on cells whose magnetic field is not known, so that the columns about it are empty.
    fn missing_field(&self) -> Option<String> {
        let without = self.cells.iter().filter(|cell| cell["field_direction"].is_null()).count();
        let of = match (without, self.cells.len()) {
            (0, _) => return None,
            (without, all) if without < all => format!(" of {without} of {all} cells"),
            _ => String::new(),
        };
        Some(format!("no magnetic field is known{of}; give --field Bx,By,Bz for T_par, T_perp, sqrt_q and agyrotropy"))
    }
}

/// Four digits, with an exponent where they are not readable without.
fn four_digits(figure: f64) -> String {
    if figure == 0.0 || (1e-2..1e4).contains(&figure.abs()) {
        let whole = figure.abs().max(1.0).log10().floor() as usize;
        format!("{figure:.*}", 3_usize.saturating_sub(whole))
    } else {
        format!("{figure:.3e}")
    }
}

fn direction(field: Option<[f64; 3]>) -> Option<FieldDirection> {
    FieldDirection::new(field?).ok()
}

/// The quantities of one cell, and whether its grid is known.
struct Found {
    quantities: Value,
    /// True if the grid is that of cells without one.
    is_in_cells: bool,
}

impl Found {
    fn of(cell: u64, vdf: &Vdf, field: Option<FieldDirection>, mass: f64) -> Self {
        // The grid of a `.npy` file whose own is not known stays so in a stream, and in the file beside a decoded one.
        let is_in_cells = VelocityGrid::unit(vdf.grid().shape()).is_ok_and(|unit| unit == *vdf.grid());
        Self { quantities: quantities(cell, vdf, field, mass), is_in_cells }
    }
}

/// The quantities of a distribution; those that it does not have, or that need a field that is not known, are null.
fn quantities(cell: u64, vdf: &Vdf, field: Option<FieldDirection>, mass: f64) -> Value {
    let moments = vdf.moments();
    let about = field.map(|field| moments.about_field(field));
    let temperatures = about.and_then(|about| about.temperatures(mass).ok());
    let epsilon = |equilibrium| vdf.non_maxwellianity(equilibrium).ok().map(|epsilon| epsilon.graham);
    json!({
        "cell": cell,
        "density": moments.density,
        "bulk_velocity": Some(moments.bulk_velocity).filter(|_| moments.density != 0.0),
        "thermal_speed": Some(moments.thermal_speed()).filter(|speed| moments.density > 0.0 && speed.is_finite()),
        "temperature": moments.temperature(mass).ok(),
        "pressure": moments.pressure_in_pascal(mass).ok(),
        "heat_flux": moments.heat_flux_in_watts(mass).ok(),
        "field_direction": field.map(|field| field.along()),
        "parallel_temperature": temperatures.map(|[along, _]| along),
        "perpendicular_temperature": temperatures.map(|[_, across]| across),
        "anisotropy": about.and_then(|about| about.anisotropy().ok()),
        "sqrt_q": about.and_then(|about| about.sqrt_q().ok()),
        "agyrotropy": about.and_then(|about| about.agyrotropy().ok()),
        "nongyrotropy": about.and_then(|about| about.nongyrotropy().ok()),
        "non_maxwellianity": epsilon(Equilibrium::Maxwellian),
        "non_bi_maxwellianity": field.and_then(|field| epsilon(Equilibrium::BiMaxwellian(field))),
    })
}
