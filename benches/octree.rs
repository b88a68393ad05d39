//! Octrees of a 50 x 50 x 50 distribution, one thread: encode with polynomial and exponential leaves, reconstruct.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use vdf_basis::{Basis, Coefficients, Registry};

fn octree(c: &mut Criterion) {
    let mut distributions = vec![("ring-50".to_owned(), common::ring(50))];
    distributions.extend(common::sample().map(|vdf| ("sample-50".to_owned(), vdf)));
    for (name, vdf) in distributions {
        for spec in ["octree:leaf=linear,l2=0.06", "octree:l2=0.06", "octree:l2=0.016", "octree:l2=0.06,split=octants"]
        {
            let basis = Registry::standard().parse(spec).unwrap();
            let coefficients = basis.encode(&vdf).unwrap();
            let mut group = c.benchmark_group(format!("{name} {spec} ({})", coefficients.count()));
            group.bench_function("encode", |b| b.iter(|| basis.encode(black_box(&vdf)).unwrap()));
            group.bench_function("reconstruct", |b| {
                b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid()).unwrap());
            });
            group.bench_function("moments", |b| {
                b.iter(|| basis.moments(black_box(&coefficients), vdf.grid()).unwrap());
            });
        }
    }
}

criterion_group! { name = benches; config = common::criterion(); targets = octree }
criterion_main!(benches);
