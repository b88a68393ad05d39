//! How long does a Hermite expansion take: the first on a grid and later ones, with the search of centre and widths and
//! without, each way?
//!
//! "forward" is the three products alone (given frame, plain projection, warm tables), for comparison with other
//! libraries' products; "given frame" adds the triangular solves of the least squares.
#![allow(missing_docs, clippy::expect_used)]

mod common;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use vdf_basis::bases::hermite::{Projection, Scaling};
use vdf_basis::{Basis, Hermite, Orientation};

/// What this bench takes for granted of the names and numbers it gives.
const VALID: &str = "valid choices";

fn fresh(order: usize) -> Hermite {
    Hermite::new([order; 3]).expect(VALID)
}

fn hermite(criterion: &mut Criterion) {
    for (name, vdf) in common::distributions() {
        for order in [15, 25] {
            let mut group = criterion.benchmark_group(format!("hermite/{name}/order-{order}"));
            let searched = fresh(order);
            let coefficients = searched.encode(&vdf).expect(VALID);
            let frame = *coefficients.frame();
            let scaling = Scaling::Given { centre: frame.centre, scales: frame.scales };
            let given = fresh(order).with_scaling(scaling).expect(VALID);
            let projected = given.clone().with_projection(Projection::Quadrature);

            // Clones share their tables: only a basis made anew has none.
            let first = || fresh(order).with_scaling(scaling).expect(VALID);
            group.bench_function("first on a grid", |b| {
                b.iter_batched(first, |basis| basis.encode(black_box(&vdf)), BatchSize::SmallInput)
            });
            group.bench_function("given frame", |b| b.iter(|| given.encode(black_box(&vdf))));
            group.bench_function("forward", |b| b.iter(|| projected.encode(black_box(&vdf))));
            group.bench_function("reconstruct", |b| {
                b.iter(|| searched.reconstruct(black_box(&coefficients), vdf.grid()))
            });
            group.sample_size(10);
            group.bench_function("search, first on a grid", |b| {
                b.iter_batched(|| fresh(order), |basis| basis.encode(black_box(&vdf)), BatchSize::SmallInput)
            });
            group.bench_function("search", |b| b.iter(|| searched.encode(black_box(&vdf))));
            group.finish();
        }
    }
}

/// Axes that are not the grid's.
fn rotated(criterion: &mut Criterion) {
    let vdf = common::ring(50);
    let mut group = criterion.benchmark_group("hermite/ring-50/order-12/pressure frame");
    let basis = fresh(12).with_orientation(Orientation::PressureEigenframe).expect(VALID);
    let coefficients = basis.encode(&vdf).expect(VALID);
    group.sample_size(10);
    group.bench_function("search", |b| b.iter(|| basis.encode(black_box(&vdf))));
    group.bench_function("reconstruct", |b| b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid())));
    group.finish();
}

criterion_group! { name = benches; config = common::criterion(); targets = hermite, rotated }
criterion_main!(benches);
