//! How long does a spherical expansion take: the first on a grid and later ones, each way, by each method, and of data that a
//! finer factor is made for? How much memory do its tables take? And how long does the transform of whole spheres take
//! alone, for comparison with `benches/peers.py` (pyshtools on the same latitudes and longitudes)?
#![allow(missing_docs, clippy::expect_used)]

mod common;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use peak_alloc::PeakAlloc;
use std::f64::consts::PI;
use std::hint::black_box;
use vdf_basis::bases::spherical::harmonics::Harmonics;
use vdf_basis::bases::spherical::{Method, Misner};
use vdf_basis::{Basis, Spherical};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

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
            if let Method::Joint = method {
                let inside = basis.reconstruct(&coefficients, vdf.grid()).expect(VALID);
                group.bench_function("first on a grid, in the span", |b| {
                    b.iter_batched(fresh, |basis| basis.encode(black_box(&inside)), BatchSize::SmallInput)
                });
                group.bench_function("encode, in the span", |b| b.iter(|| basis.encode(black_box(&inside))));
            }
            group.bench_function("reconstruct", |b| b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid())));
            group.finish();
        }
    }
}

/// What the tables of one grid hold and take while they are made, in MiB: of any data, and of data that lie in the span.
fn memory(_: &mut Criterion) {
    let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    for (name, vdf) in common::distributions().into_iter().filter(|(name, _)| name.ends_with("50")) {
        let basis = Spherical::new(10, 50).expect(VALID);
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let coefficients = basis.encode(&vdf).expect(VALID);
        let [now, peak] = [HEAP.current_usage(), HEAP.peak_usage()].map(|bytes| mebibytes(bytes - before));
        println!("spherical/{name}/joint-10: tables {now:.1} MiB, {peak:.1} at the peak");
        let inside = basis.reconstruct(&coefficients, vdf.grid()).expect(VALID);
        HEAP.reset_peak_usage();
        drop(basis.encode(&inside).expect(VALID));
        let values = size_of_val(inside.as_slice());
        let [now, peak] = [HEAP.current_usage(), HEAP.peak_usage()].map(|bytes| mebibytes(bytes - before - values));
        println!("spherical/{name}/joint-10, in the span: tables {now:.1} MiB, {peak:.1} at the peak");
    }
}

/// Latitudes of Driscoll and Healy (1994, Adv. Appl. Math. 15, 202), the pole first, and their weights on the sphere.
fn latitudes(n: usize) -> Vec<[f64; 2]> {
    let angle = |k: usize| PI * k as f64 / n as f64;
    let series = |k: usize| (0..n / 2).map(|l| (2 * l + 1) as f64).map(|odd| (odd * angle(k)).sin() / odd).sum::<f64>();
    (0..n).map(|k| [angle(k), 4.0 / n as f64 * angle(k).sin() * series(k) * PI / n as f64]).collect()
}

/// Harmonics to degree 10 of 50 spheres of 22 × 44, there and back: harmonics made anew each time.
fn transform(criterion: &mut Criterion) {
    let (n, spheres, harmonics) = (22, 50, Harmonics::new(10));
    let nodes: Vec<([f64; 3], f64)> = latitudes(n)
        .into_iter()
        .flat_map(|[theta, weight]| {
            (0..2 * n).map(move |k| {
                let phi = PI * k as f64 / n as f64;
                ([theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos()], weight)
            })
        })
        .collect();
    let directions: Vec<[f64; 3]> = nodes.iter().map(|(direction, _)| *direction).collect();
    let values = Mat::from_fn(nodes.len(), spheres, |k, sphere| ((7 * k + 3 * sphere * sphere) as f64).sin());
    let product = |left: MatRef<'_, f64>, right: MatRef<'_, f64>| {
        let mut product = Mat::zeros(left.nrows(), right.ncols());
        matmul(product.as_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
        product
    };
    let there = |values: MatRef<'_, f64>| {
        let table = harmonics.evaluate(&directions);
        let weighted = Mat::from_fn(nodes.len(), values.ncols(), |k, sphere| nodes[k].1 * values[(k, sphere)]);
        product(MatRef::from_column_major_slice(&table, nodes.len(), 121).transpose(), weighted.as_ref())
    };
    let back = |coefficients: MatRef<'_, f64>| {
        let table = harmonics.evaluate(&directions);
        product(MatRef::from_column_major_slice(&table, nodes.len(), 121), coefficients)
    };
    let coefficients = there(values.as_ref());
    let again = there(back(coefficients.as_ref()).as_ref());
    assert!((&again - &coefficients).norm_max() < 1e-12 * coefficients.norm_max(), "the quadrature is exact");
    let mut group = criterion.benchmark_group("spherical/transform to degree 10, 50 x 22 x 44");
    group.bench_function("there", |b| b.iter(|| there(black_box(values.as_ref()))));
    group.bench_function("back", |b| b.iter(|| back(black_box(coefficients.as_ref()))));
    group.finish();
}

criterion_group! { name = benches; config = common::criterion(); targets = memory, transform, spherical }
criterion_main!(benches);
