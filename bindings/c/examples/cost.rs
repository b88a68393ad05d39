//! What a cell of space costs in blocks of 4³ cells: bytes, time and errors of several specs, on one thread.
//! `cargo run --release -p vdf-basis-c --example cost [-- FILE.npy THRESHOLD]`

use std::time::Instant;

use vdf_basis::{Fidelity, Registry, Sampling, SparseExpansion, Synthetic, Vdf};

const SPECS: [&str; 8] = [
    "lossless",
    "conserve(fast:l2=0.001)",
    "conserve(fast:l2=0.01)",
    "conserve(fast:l2=0.03)",
    "fast:l2=0.03",
    "fast:dex=0.1,floor=1e-15",
    "balanced:l2=0.03",
    "conserve(balanced:l2=0.03)",
];

/// The median time of a call in milliseconds, and its result.
fn timed<T>(mut call: impl FnMut() -> vdf_basis::Result<T>) -> vdf_basis::Result<(f64, T)> {
    let mut result = call()?;
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..9 {
        let begin = Instant::now();
        result = call()?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], result))
}

fn main() -> vdf_basis::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let vdf = match arguments.next() {
        Some(path) => Vdf::read_npy(path)?,
        None => Synthetic::named("gyrating-ring", 0)?
            .sample(&Synthetic::default_grid("gyrating-ring", 50)?, Sampling::default())?,
    };
    let threshold = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1e-6 * vdf.peak());
    let blocks = vdf.block_occupancy(threshold, 4)?;
    let ids: Vec<u32> = blocks.ids().collect();
    let values: Vec<f32> = vdf.block_values(&blocks)?.iter().map(|&value| value as f32).collect();
    let stored = Vdf::from_blocks(*vdf.grid(), 4, &ids, &values)?;
    println!("{}, {} blocks above {threshold:e}: {} bytes as f32", vdf.grid(), ids.len(), 4 * values.len());
    println!("{:28} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "bytes", "encode", "decode", "l2", "density", "pressure");
    let registry = Registry::standard();
    for spec in SPECS {
        let basis = registry.parse(spec)?;
        let encode = || {
            SparseExpansion::encode_blocks(&basis, *vdf.grid(), 4, &ids, &values).and_then(|sparse| sparse.to_bytes())
        };
        let (encoding, bytes) = timed(encode)?;
        let read = || SparseExpansion::from_bytes(&registry, &bytes);
        let (decoding, _) = timed(|| read()?.block_values())?;
        let f = Fidelity::compare(&stored, &read()?.reconstruct()?)?;
        println!(
            "{spec:28} {:8} {encoding:6.1} ms {decoding:6.2} ms {:9.1e} {:9.1e} {:9.1e}",
            bytes.len(),
            f.l2,
            f.density,
            f.pressure
        );
    }
    Ok(())
}
