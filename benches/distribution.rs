//! How long do moments and a comparison take?
#![allow(missing_docs, clippy::expect_used)]

mod common;

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use vdf_basis::{Basis, Fidelity, Maxwellian};

fn distribution(criterion: &mut Criterion) {
    for (name, vdf) in common::distributions() {
        let maxwellian = Maxwellian::default();
        let coefficients = maxwellian.encode(&vdf).expect("a distribution with a width");
        let back = maxwellian.reconstruct(&coefficients, vdf.grid()).expect("finite densities");
        let mut group = criterion.benchmark_group(format!("distribution/{name}"));
        group.bench_function("moments", |b| b.iter(|| black_box(&vdf).moments()));
        group.bench_function("fidelity", |b| b.iter(|| Fidelity::compare(black_box(&vdf), black_box(&back))));
        group.finish();
    }
}

criterion_group! { name = benches; config = common::criterion(); targets = distribution }
criterion_main!(benches);
