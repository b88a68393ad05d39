//! What the benches measure on, and for how long.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::Duration;

use criterion::Criterion;
use vdf_basis::{Sampling, Synthetic, Vdf};

/// The distributions, by name: a synthetic one at 50³ and 100³, and the real 50³ sample where it is present.
pub fn distributions() -> Vec<(String, Vdf)> {
    let mut all: Vec<_> = [50, 100].map(|cells| (format!("ring-{cells}"), ring(cells))).into();
    all.extend(sample().map(|vdf| ("sample-50".to_owned(), vdf)));
    all
}

/// A core with a gyrating partial ring, cut by the box, on about `cells`³ cells.
pub fn ring(cells: usize) -> Vdf {
    let grid = Synthetic::default_grid("gyrating-ring", cells).expect("a grid of this size");
    let ring = Synthetic::named("gyrating-ring", 0).expect("a name of the catalogue");
    ring.sample(&grid, Sampling::default()).expect("finite densities")
}

/// `sample_vdf.npy` in the folder that `VDF_BASIS_DATA` names, else in `../shared/data` beside the repository.
pub fn sample() -> Option<Vdf> {
    read("sample_vdf")
}

/// The real distributions that are there, by name.
pub fn real() -> Vec<(String, Vdf)> {
    ["sample_vdf", "gyrating_two_maxwellians"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), read(name)?)))
        .collect()
}

fn read(name: &str) -> Option<Vdf> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("VDF_BASIS_DATA").map_or_else(default, PathBuf::from);
    let file = folder.join(name).with_extension("npy");
    match Vdf::read_npy(&file) {
        Ok(vdf) => Some(vdf),
        Err(error) => {
            eprintln!("no {name} ({}: {error}): set VDF_BASIS_DATA", file.display());
            None
        }
    }
}

/// Short enough that all benches together take a few minutes.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .configure_from_args()
}
