//! Distributions a second on one and on two threads.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vdf_basis::{Batch, Error, Registry, Sampling, Synthetic, Vdf};

const COUNT: u64 = 8;

fn batches(c: &mut Criterion) {
    let grid = Synthetic::default_grid("gyrating-ring", 30).unwrap();
    let vdfs: Vec<Vdf> = (0..COUNT)
        .map(|seed| Synthetic::named("gyrating-ring", seed).unwrap().sample(&grid, Sampling::default()).unwrap())
        .collect();
    let registry = Registry::standard();
    for spec in ["wavelet:l2=0.03", "conserve(wavelet:l2=0.03)", "quantized(mixture:components=4)"] {
        let basis = registry.parse(spec).unwrap();
        let mut group = c.benchmark_group(spec);
        group.sample_size(10).throughput(Throughput::Elements(COUNT));
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
            group.bench_function(format!("encode/{threads} threads"), |b| b.iter(|| encode(&batch)));
            if threads == 1 {
                let warm = batch.with_warm_runs(NonZeroUsize::new(COUNT as usize).unwrap());
                group.bench_function("encode/warm", |b| b.iter(|| encode(&warm)));
            }
            streams = encode(&batch);
            group.bench_function(format!("decode/{threads} threads"), |b| {
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
