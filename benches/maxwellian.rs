//! How long does it take to fit a Maxwellian, and to put it on a grid?
#![allow(missing_docs, clippy::expect_used)]

mod common;

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use vdf_basis::{Basis, Maxwellian, Registry};

fn maxwellian(criterion: &mut Criterion) {
    let registry = Registry::standard();
    for (name, vdf) in common::distributions() {
        let mut group = criterion.benchmark_group(format!("maxwellian/{name}"));
        for (what, spec) in [
            ("moments", "maxwellian:fit=moments"),
            ("fit isotropic", "maxwellian:covariance=isotropic"),
            ("fit diagonal", "maxwellian"),
            ("fit full", "maxwellian:covariance=full"),
        ] {
            let basis = registry.parse(spec).expect("a spec of the standard registry");
            group.bench_function(what, |b| b.iter(|| basis.encode(black_box(&vdf))));
        }
        let basis = Maxwellian::default();
        let coefficients = basis.encode(&vdf).expect("a distribution with a width");
        group.bench_function("reconstruct diagonal", |b| {
            b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid()))
        });
        group.finish();
    }
}

criterion_group! { name = benches; config = common::criterion(); targets = maxwellian }
criterion_main!(benches);
