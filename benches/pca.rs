//! Principal components of a 50 x 50 x 50 distribution, one thread. `benches/peers.py` times scikit-learn on the same
//! shape.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use vdf_basis::{Basis, Registry};

fn one_distribution(c: &mut Criterion) {
    let vdf = common::sample().unwrap_or_else(|| common::ring(50));
    for spec in ["pca", "pca:axis=z", "pca:values=linear"] {
        let basis = Registry::standard().parse(spec).unwrap();
        let coefficients = basis.encode(&vdf).unwrap();
        let mut group = c.benchmark_group(spec);
        group.bench_function("encode", |b| b.iter(|| basis.encode(black_box(&vdf)).unwrap()));
        group.bench_function("reconstruct", |b| {
            b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid()).unwrap());
        });
    }
}

criterion_group! { name = benches; config = common::criterion(); targets = one_distribution }
criterion_main!(benches);
