//! Distributions a second on one and on two threads, and what a warm start from the one before gains.
//!
//! Eight distributions that follow one another: a gyrating ring that turns into another.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vdf_basis::{Batch, Error, Registry, Sampling, Synthetic, Vdf};

const COUNT: u64 = 8;

fn batches(c: &mut Criterion) {
    let grid = Synthetic::default_grid("gyrating-ring", 30).unwrap();
    let [first, last] =
        [1, 2].map(|seed| Synthetic::named("gyrating-ring", seed).unwrap().sample(&grid, Sampling::default()).unwrap());
    let between = |k: u64| {
        let share = 0.02 * k as f64;
        let blended = first.as_slice().iter().zip(last.as_slice()).map(|(f, g)| (1.0 - share) * f + share * g);
        Vdf::from_vec(grid, blended.collect()).unwrap()
    };
    let vdfs: Vec<Vdf> = (0..COUNT).map(between).collect();
    let registry = Registry::standard();
    for spec in [
        "fast:l2=0.03",
        "conserve(fast:l2=0.03)",
        "quantized(mixture:components=4)",
        "balanced:l2=0.03",
        "smallest:l2=0.01",
    ] {
        let basis = registry.parse(spec).unwrap();
        let mut group = c.benchmark_group(spec);
        group.sample_size(10).measurement_time(Duration::from_secs(2)).throughput(Throughput::Elements(COUNT));
        let mut streams = Vec::new();
        for threads in [1, 2] {
            let batch = Batch::default().with_threads(NonZeroUsize::new(threads).unwrap());
            let encode = |batch: &Batch| {
                let mut streams: Vec<Vec<u8>> = Vec::new();
                let keep = |_, bytes: vdf_basis::Result<Vec<u8>>| {
                    streams.push(bytes?);
                    Ok::<(), Error>(())
                };
                batch.encode(&basis, vdfs.iter().cloned(), keep).unwrap();
                streams
            };
            group.bench_function(format!("encode/{threads} thread"), |b| b.iter(|| encode(&batch)));
            if threads == 1 {
                let warm = batch.with_warm_runs(NonZeroUsize::new(COUNT as usize).unwrap());
                let [cold_bytes, warm_bytes] = [&batch, &warm].map(|batch| encode(batch).concat().len());
                println!("{spec}: {cold_bytes} bytes, warm {warm_bytes}");
                group.bench_function("encode/1 thread, warm", |b| b.iter(|| encode(&warm)));
            }
            streams = encode(&batch);
            group.bench_function(format!("decode/{threads} thread"), |b| {
                b.iter(|| {
                    let look = |_, read: vdf_basis::Result<_>| {
                        black_box(read?);
                        Ok::<(), Error>(())
                    };
                    batch.decode(&registry, &streams, look).unwrap();
                });
            });
        }
        black_box(streams);
    }
}

criterion_group!(benches, batches);
criterion_main!(benches);
