//! Wavelet transforms of a 50 x 50 x 50 distribution, one thread, to and fro. `benches/peers.py` times PyWavelets on the
//! same.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use vdf_basis::bases::wavelet::Stationary;
use vdf_basis::{Basis, Expansion, Registry, Sampling, Synthetic, WaveletFilter};

fn wavelet(c: &mut Criterion) {
    let grid = Synthetic::default_grid("gyrating-ring", 50).unwrap();
    let vdf = Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    for spec in [
        "wavelet:filter=db4,level=2",
        "wavelet:level=2",
        "wavelet:boundary=periodic,level=2",
        "wavelet:filter=db4,boundary=symmetric,level=2",
        "wavelet:boundary=symmetric,level=2",
        "wavelet:filter=sym8,level=2",
        "wavelet:filter=sym8,level=2,terms=2150",
    ] {
        let basis = Registry::standard().parse(spec).unwrap();
        let coefficients = basis.encode(&vdf).unwrap();
        let mut group = c.benchmark_group(spec);
        group.sample_size(30);
        group.bench_function("there", |b| b.iter(|| basis.encode(black_box(&vdf)).unwrap()));
        group.bench_function("back", |b| b.iter(|| basis.reconstruct(black_box(&coefficients), &grid).unwrap()));
        group.bench_function("there and back", |b| {
            b.iter(|| basis.reconstruct(&basis.encode(black_box(&vdf)).unwrap(), &grid).unwrap());
        });
    }
    let stream = common::sample().unwrap_or(vdf.clone());
    for bound in [0.1, 0.03, 0.01, 0.002] {
        let basis = Registry::standard().parse(&format!("fast:l2={bound}")).unwrap();
        let bytes = Expansion::encode(&basis, &stream).unwrap().to_bytes().unwrap();
        let mut group = c.benchmark_group(format!("fast:l2={bound}, stream of {} bytes", bytes.len()));
        group.sample_size(20);
        group.bench_function("to bytes", |b| {
            b.iter(|| Expansion::encode(&basis, black_box(&stream)).unwrap().to_bytes().unwrap());
        });
        let registry = Registry::standard();
        group.bench_function("from bytes", |b| {
            b.iter(|| registry.decode(black_box(&bytes)).unwrap().reconstruct().unwrap());
        });
    }
    let stationary = Stationary::new(WaveletFilter::named("db4").unwrap(), 1);
    let mut group = c.benchmark_group("stationary db4, one level");
    group.sample_size(20);
    group.bench_function("there and back", |b| {
        b.iter(|| stationary.synthesise(&stationary.analyse(black_box(&vdf)).unwrap(), &grid).unwrap());
    });
}

criterion_group!(benches, wavelet);
criterion_main!(benches);
