//! Errors of physical quantities over a whole population in every basis, against coefficients and against bytes.
//!
//! Every basis at several sizes, and the presets at several bounds, on distributions through a collisionless shock: errors of
//! the density, the bulk velocity, the pressure, the temperature anisotropy, the heat flux, the logarithm of the density and
//! whatever else `Fidelity` compares, as CSV, JSON and a page of pictures for each population.
//!
//! ```text
//! cargo run --release --example fidelity_study -- [FILE.npy]... [--quick] [--distributions N] [--cells N] [--out DIR]
//! ```

mod arguments;
// Shared with other examples and with the command, which need more of them.
#[allow(dead_code)]
#[path = "../shared/chart.rs"]
mod chart;
mod families;
mod figure;
#[allow(dead_code)]
#[path = "../../src/bin/vdfb/files/mod.rs"]
mod files;
mod measure;
#[allow(dead_code)]
#[path = "../../src/bin/vdfb/picture/mod.rs"]
mod picture;
mod population;
mod tables;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use measure::{Row, measure};
use population::Population;

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
    files::check_folder(&arguments.out)?;
    let families = families::families(arguments.quick);
    let mut rows: Vec<Row> = Vec::new();
    let mut failures = Vec::new();
    for population in population::load(arguments)? {
        let Population { name, distributions } = &population;
        files::print(&format!("{name}: {} distributions of {}", distributions.len(), distributions[0].grid()))?;
        let (measured, failed) = measure(&population, &families)?;
        files::print(&(tables::table(&measured) + "\n"))?;
        let page = figure::page(name, distributions.len(), &measured)?;
        page.save(&arguments.out.join(format!("{name}.png")))?;
        rows.extend(measured);
        failures.extend(failed);
    }
    write(&arguments.out.join("rows.csv"), &tables::csv(&rows))?;
    write(&arguments.out.join("medians.json"), &(serde_json::to_string_pretty(&tables::medians(&rows))? + "\n"))?;
    files::print(&format!("rows.csv, medians.json and pictures: {}", arguments.out.display()))?;
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\nerror: ").into()) }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    files::write_whole(path, |file| file.write_all(text.as_bytes()).map_err(|problem| problem.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use vdf_basis::{Precision, Sampling, Synthetic};

    #[test]
    fn a_study_writes_every_row_the_medians_and_a_page() {
        let folder = std::env::temp_dir().join(format!("vdf-basis-study-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let grid = Synthetic::default_grid("beams", 10).unwrap();
        let vdf = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        vdf.write_npy(folder.join("beams.npy"), Precision::Double).unwrap();
        let words = ["study", "--quick", "--out"].map(str::to_owned);
        let paths = ["out", "beams.npy"].map(|name| folder.join(name).display().to_string());
        run(&Arguments::try_parse_from(words.into_iter().chain(paths)).unwrap()).unwrap();
        let csv = fs::read_to_string(folder.join("out/rows.csv")).unwrap();
        let specs: usize = families::families(true).iter().map(|family| family.specs.len()).sum();
        assert_eq!(csv.lines().count(), 1 + specs);
        let columns = csv.lines().next().unwrap();
        assert!(columns.starts_with("population,cell,family,spec,coefficients,bytes,l1,l2,"), "{columns}");
        for figure in ["density", "bulk_velocity", "pressure", "heat_flux", "log10_rms", "temperature_anisotropy"] {
            assert!(columns.split(',').any(|column| column == figure), "{figure}");
        }
        let medians: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("out/medians.json")).unwrap()).unwrap();
        assert_eq!(medians.as_array().unwrap().len(), specs);
        assert!(medians[0]["pressure"].is_number() && medians[0]["bytes"].is_number());
        assert!(folder.join("out/beams.png").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
