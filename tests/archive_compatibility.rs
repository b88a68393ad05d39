//! Golden archives: what earlier versions wrote is still read, to the same values.
//!
//! `tests/data/archives/v<version>/` holds one archive for each spec of [`SPECS`], and `index.txt` a line for each of its
//! cells: the archive's stem, population, cell, time, error l2 and density when it was written. Archives of a version that
//! has been published are never written anew. While a version is in the making:
//!
//! ```text
//! cargo test --release --test archive_compatibility -- --ignored write_the_golden_archives
//! ```
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use vdf_basis::archive::VERSION;
use vdf_basis::{
    Archive, ArchiveCell, ArchiveFacts, ArchiveWriter, Fidelity, Registry, Sampling, Synthetic, Vdf, VelocityGrid,
};

/// Between them everything that goes on from one distribution to the next.
const SPECS: [(&str, &str); 4] = [
    ("wavelets", "wavelet:l2=0.1"),
    ("mixtures", "quantized(mixture:components=3):l2=0.2"),
    ("diagonal", "quantized(mixture:components=2,covariance=diagonal)"),
    ("preset", "balanced:l2=0.1"),
];
const POPULATIONS: [&str; 2] = ["beams", "gyrating-ring"];

fn folder(version: u8) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/archives")).join(format!("v{version}"))
}

/// Cells that change slowly, the third of them on a smaller box.
fn cells(population: &str) -> Vec<ArchiveCell> {
    let whole = Synthetic::default_grid(population, 12).unwrap();
    let synthetic = Synthetic::named(population, 0).unwrap();
    let cell = |k: u64| {
        let cut = usize::from(k == 2);
        let lower = std::array::from_fn(|axis| whole.lower()[axis] + cut as f64 * whole.spacing()[axis]);
        let grid = VelocityGrid::new(whole.shape().map(|n| n - 2 * cut), lower, whole.spacing()).unwrap();
        let vdf = synthetic.sample(&grid, Sampling::default()).unwrap();
        let change = |index: usize, f: f64| f * (1.0 + 0.02 * k as f64 * (index as f64 / 100.0).sin());
        let values = vdf.as_slice().iter().enumerate().map(|(index, &f)| change(index, f)).collect();
        let (position, magnetic_field) = (Some([1e6 * k as f64, 2.5, -3e7]), (k > 0).then_some([5e-9, 1e-10, -2e-9]));
        let facts = ArchiveFacts { time: Some(800.0 + k as f64 / 3.0), position, magnetic_field };
        ArchiveCell { cell: 7 + 100 * k, facts, vdf: Vdf::from_vec(grid, values).unwrap() }
    };
    (0..5).map(cell).collect()
}

/// A line of the index for each cell of an archive.
fn lines(stem: &str, archive: &Archive) -> String {
    let mut lines = String::new();
    for population in POPULATIONS {
        for given in cells(population) {
            let record = archive.read(given.cell, population).unwrap();
            assert_eq!((record.facts, record.expansion.grid()), (given.facts, given.vdf.grid()), "{stem}");
            let back = record.expansion.reconstruct().unwrap();
            let (l2, density) = (Fidelity::compare(&given.vdf, &back).unwrap().l2, back.moments().density);
            let time = record.facts.time.unwrap();
            writeln!(lines, "{stem} {population} {} {time:e} {l2:e} {density:e}", given.cell).unwrap();
        }
    }
    lines
}

#[test]
fn archives_of_every_version_are_read_to_the_same_values() {
    for version in 1..=VERSION {
        let index = fs::read_to_string(folder(version).join("index.txt")).unwrap();
        let mut found = String::new();
        for (stem, _) in SPECS {
            let archive = Archive::open(folder(version).join(format!("{stem}.vdfa"))).unwrap();
            assert!(!archive.is_recovered());
            found.push_str(&lines(stem, &archive));
        }
        assert_eq!(index.lines().count(), found.lines().count());
        for (line, found) in index.lines().zip(found.lines()) {
            for (index, (written, found)) in line.split(' ').zip(found.split(' ')).enumerate() {
                // The last bits of an exponential may differ from platform to platform.
                let close = match (index, written.parse::<f64>(), found.parse::<f64>()) {
                    (4.., Ok(written), Ok(found)) => (found - written).abs() <= 1e-9 * written.abs().max(1e-3),
                    _ => written == found,
                };
                assert!(close, "{line}: {found}");
            }
        }
    }
}

#[test]
#[ignore = "writes the archives that the other test reads"]
fn write_the_golden_archives() {
    let folder = folder(VERSION);
    fs::create_dir_all(&folder).unwrap();
    let mut index = String::new();
    for (stem, spec) in SPECS {
        let basis = Registry::standard().parse(spec).unwrap();
        let mut writer = ArchiveWriter::new(Vec::new()).unwrap().with_group(NonZeroUsize::new(4).unwrap());
        for population in POPULATIONS {
            writer.write(population, &basis, cells(population).into_iter().map(Ok), |_, written| written).unwrap();
        }
        let bytes = writer.finish().unwrap();
        fs::write(folder.join(format!("{stem}.vdfa")), &bytes).unwrap();
        index.push_str(&lines(stem, &Archive::from_bytes(bytes).unwrap()));
    }
    fs::write(folder.join("index.txt"), index).unwrap();
}
