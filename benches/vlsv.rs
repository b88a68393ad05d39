//! Reading distributions from a VLSV file, beside reading the same bytes without looking at them.
//!
//! `cargo bench --bench vlsv` writes a file of 48 cells with a ball of some 1400 blocks of 4³ cells each, as Vlasiator's
//! are, and prints bytes of block values a second: of `std::fs` (what `numpy.fromfile` does), and of distributions in C
//! order, on one thread. The file is in the page cache. Each figure is the median of several passes over all cells.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../tests/vlsv/writer.rs"]
mod writer;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Instant;

use vdf_basis::{Crop, VlsvFile};
use writer::{Naming, Run};

const CELLS: u64 = 48;
const PASSES: usize = 9;

fn main() {
    let path = std::env::temp_dir().join(format!("vdf-basis-bench-{}.vlsv", std::process::id()));
    for (size, width) in [(4, 4), (8, 4), (4, 8)] {
        let run = run(size, width);
        let bytes = run.file();
        std::fs::write(&path, &bytes).unwrap();
        let file = VlsvFile::open(&path).unwrap();
        let values: usize = run.cells.iter().map(|(_, ids)| ids.len() * size * width.pow(3)).sum();
        println!("{size}-byte values, blocks of {width}^3 cells, {:.1} MB of values", values as f64 / 1e6);
        report("std::fs::File", values, || read_all(&path, values));
        for (name, crop) in [("stored blocks", Crop::Stored), ("25 cells about the peak", Crop::Peak(25))] {
            report(name, values, || {
                let cells = file.cells("proton").unwrap().iter();
                cells.map(|&cell| file.read(cell, "proton", crop).unwrap().vdf.as_slice()[0]).sum()
            });
        }
    }
    std::fs::remove_file(path).unwrap();
}

/// Cells with a ball of blocks in a mesh of 200³ cells.
fn run(size: usize, width: usize) -> Run {
    let across = 200 / width;
    let radius = 28.0 / width as f64;
    let ids = (0..across.pow(3) as u64).filter(|&id| {
        let id = id as usize;
        let block = [id % across, id / across % across, id / across / across];
        block.iter().map(|&k| (k as f64 + 0.5 - 0.5 * across as f64).powi(2)).sum::<f64>() < radius * radius
    });
    let ids: Vec<u64> = ids.collect();
    let cells = (1..=CELLS).map(|cell| (cell, ids.clone())).collect();
    Run { blocks: [across; 3], cells, ..Run::new(false, size, width, Naming::Named("proton")) }
}

/// As many bytes as the values have, in pieces of one cell, into new memory.
fn read_all(path: &Path, bytes: usize) -> f64 {
    let mut file = File::open(path).unwrap();
    let mut sum = 0.0;
    file.seek(SeekFrom::Start(16)).unwrap();
    for _ in 0..CELLS {
        let mut piece = vec![0; bytes / CELLS as usize];
        file.read_exact(&mut piece).unwrap();
        sum += f64::from(piece[piece.len() / 2]);
    }
    sum
}

fn report(name: &str, bytes: usize, mut pass: impl FnMut() -> f64) {
    let mut sum = pass();
    let mut times: Vec<f64> = (0..PASSES)
        .map(|_| {
            let begin = Instant::now();
            sum += pass();
            begin.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let each = 1e3 * times[PASSES / 2] / CELLS as f64;
    println!("  {name:24} {:6.2} GB/s, {each:.3} ms a cell", bytes as f64 / times[PASSES / 2] / 1e9);
    // The values are looked at, so that reading them is not optimised away.
    assert!(sum.is_finite());
}
