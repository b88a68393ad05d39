//! How long does a spherical expansion take: the first on a grid and later ones, each way, by each method? And the
//! harmonics alone, for comparison with `benches/peers.py` (pyshtools on grids of its own)?
#![allow(missing_docs, clippy::expect_used)]

mod common;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use vdf_basis::bases::spherical::harmonics::Harmonics;
use vdf_basis::bases::spherical::{Method, Misner};
use vdf_basis::{Basis, Spherical};

/// What this bench takes for granted of the names and numbers it gives.
const VALID: &str = "valid choices";

fn spherical(criterion: &mut Criterion) {
    for (name, vdf) in common::distributions().into_iter().filter(|(name, _)| name.ends_with("50")) {
        for (method, degree, what) in [
            (Method::Joint, 10, "joint-10"),
            (Method::Joint, 14, "joint-14"),
            (Method::Misner(Misner::default()), 10, "misner-10"),
            (Method::Burnett(None), 15, "burnett-15"),
        ] {
            let mut group = criterion.benchmark_group(format!("spherical/{name}/{what}"));
            group.sample_size(10);
            let fresh = || Spherical::new(degree, 50).and_then(|basis| basis.with_method(method)).expect(VALID);
            let basis = fresh();
            let coefficients = basis.encode(&vdf).expect(VALID);
            // Clones share their tables: only a basis made anew has none.
            group.bench_function("first on a grid", |b| {
                b.iter_batched(fresh, |basis| basis.encode(black_box(&vdf)), BatchSize::SmallInput)
            });
            group.bench_function("encode", |b| b.iter(|| basis.encode(black_box(&vdf))));
            group.bench_function("reconstruct", |b| b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid())));
            group.finish();
        }
    }
}

/// All harmonics to degree 10 at as many directions as 50 shells of 22 x 44 have.
fn harmonics(criterion: &mut Criterion) {
    let directions: Vec<[f64; 3]> = (0..50 * 22 * 44)
        .map(|k| {
            let (theta, phi) = (f64::from(k % 22) * 0.14 + 0.05, f64::from(k) * 0.37);
            [theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos()]
        })
        .collect();
    let harmonics = Harmonics::new(10);
    criterion.bench_function("spherical/harmonics to degree 10, 48400 directions", |b| {
        b.iter(|| harmonics.evaluate(black_box(&directions)))
    });
}

criterion_group! { name = benches; config = common::criterion(); targets = spherical, harmonics }
criterion_main!(benches);
