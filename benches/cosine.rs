//! Cosine transforms of a 50 x 50 x 50 distribution, one thread: blocks of 8 with 4 kept (padded to 56), the whole
//! grid, a long axis. `benches/peers.py` times scipy and PyWavelets on the same shapes.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use vdf_basis::{AnyBasis, Basis, Registry, Sampling, Synthetic, Vdf, VelocityGrid};

fn sampled(shape: [usize; 3]) -> Vdf {
    let cube = Synthetic::default_grid("gyrating-ring", 50).unwrap();
    let grid = VelocityGrid::from_edges(shape, cube.lower(), cube.upper()).unwrap();
    Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

fn cosine(c: &mut Criterion) {
    for (spec, shape) in [
        ("cosine:block=8,keep=4", [50; 3]),
        ("cosine:block=8", [50; 3]),
        ("cosine", [50; 3]),
        ("cosine:terms=1900", [50; 3]),
        ("cosine", [100; 3]),
    ] {
        let (basis, vdf): (AnyBasis, _) = (Registry::standard().parse(spec).unwrap(), sampled(shape));
        let coefficients = basis.encode(&vdf).unwrap();
        let mut group = c.benchmark_group(format!("{spec} of {}^3", shape[0]));
        group.sample_size(30);
        group.bench_function("encode", |b| b.iter(|| basis.encode(black_box(&vdf)).unwrap()));
        group.bench_function("reconstruct", |b| {
            b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid()).unwrap());
        });
        group.bench_function("moments", |b| b.iter(|| basis.moments(black_box(&coefficients), vdf.grid()).unwrap()));
    }
}

criterion_group!(benches, cosine);
criterion_main!(benches);
