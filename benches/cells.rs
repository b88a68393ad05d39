//! Every bit of a 50 x 50 x 50 distribution in single precision, and histograms of particles on as many cells, one thread.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use vdf_basis::{Expansion, Registry, Sampling, Synthetic, Vdf};

/// Numbers of particles of equal weight: the density, rounded down to multiples of it.
fn histogram(vdf: &Vdf, particles: f64) -> Vdf {
    let weight = vdf.values().sum() / particles;
    // A remainder of each cell decides whether it holds one more, so that sparse cells are not all empty.
    let mut left = 0.0;
    let counts = vdf.values().mapv(|f| {
        left += f / weight;
        let count = left.floor();
        left -= count;
        count * weight
    });
    Vdf::new(*vdf.grid(), counts).unwrap()
}

fn cells(c: &mut Criterion) {
    let grid = Synthetic::default_grid("gyrating-ring", 50).unwrap();
    let vdf = Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    let single = Vdf::new(grid, vdf.values().mapv(|f| f64::from(f as f32))).unwrap();
    let inputs = [("single precision", single), ("1000", histogram(&vdf, 1e3)), ("10000", histogram(&vdf, 1e4))];
    for (name, vdf) in &inputs {
        for spec in ["lossless", "cells:l2=0.1", "fast:l2=0.1"] {
            let basis = Registry::standard().parse(spec).unwrap();
            let stream = || Expansion::encode(&basis, black_box(vdf)).unwrap().to_bytes().unwrap();
            let bytes = stream();
            let mut group = c.benchmark_group(format!("{spec} of {name}, {} bytes", bytes.len()));
            group.sample_size(10);
            group.bench_function("encode", |b| b.iter(stream));
            group.bench_function("decode", |b| {
                b.iter(|| Registry::standard().decode(black_box(&bytes)).unwrap().reconstruct().unwrap());
            });
        }
    }
}

criterion_group!(benches, cells);
criterion_main!(benches);
