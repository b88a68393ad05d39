//! What memory is measured on: long axes, every basis, combinator and preset, and what they may take.
#![allow(dead_code, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use vdf_basis::{Expansion, Registry, Vdf, VelocityGrid};

/// The peak is at most this many times the data at 8 bytes a cell, …
const MULTIPLE: usize = 160;
/// … or this many where the boundary is symmetric and makes up to 16² coefficients of 2² cells, …
const MULTIPLE_SYMMETRIC: usize = 320;
/// … plus this many bytes: models of a coder and tables that do not depend on the grid, …
const CONSTANT: usize = 8 << 20;
/// … or this many where splines of 50 shells with harmonics to degree 10 are fitted, whose table has 32 · 50 · 11⁴ bytes.
const CONSTANT_SPHERICAL: usize = 64 << 20;

/// The most that a spec may take for so many bytes of data: `docs/architecture.md`.
pub fn allowed(spec: &str, data: usize) -> usize {
    let multiple = if spec.contains("symmetric") { MULTIPLE_SYMMETRIC } else { MULTIPLE };
    let spherical = spec.contains("spherical") || spec.contains("smallest");
    multiple * data + if spherical { CONSTANT_SPHERICAL } else { CONSTANT }
}

/// Every basis, combinator and preset.
pub const SPECS: &[&str] = &[
    "maxwellian:fit=moments",
    "maxwellian",
    "maxwellian:covariance=full",
    "hermite",
    "hermite:order=25,truncation=total-degree",
    "hermite:order=8,weight=asymmetric,search=moments",
    "hermite:order=6,frame=pressure,search=moments",
    "hermite:order=4,frame=field-aligned,field=1/2/-1",
    "mixture:components=4",
    "mixture:components=3,refine=none",
    "mixture:components=4,select=mml",
    "mixture:components=3,select=bic",
    "spherical:degree=4",
    "spherical:method=misner,degree=4",
    "spherical:method=burnett,degree=8",
    "cosine",
    "cosine:keep=100",
    "cosine:terms=100",
    "cosine:block=8,keep=4",
    "wavelet",
    "cells",
    "cells:l2=0.01",
    "wavelet:filter=sym8,boundary=symmetric,discard=0.01",
    "octree",
    "octree:leaf=best,l2=0.01",
    "octree:leaf=linear,linf=0.01,split=octants",
    "pca",
    "pca:axis=y",
    "pca:axis=z,values=linear",
    "log(wavelet)",
    "conserve(wavelet)",
    "conserve(wavelet:l2=0.1):heat-flux=yes",
    "quantized(hermite)",
    "quantized(pca:components=3)",
    "quantized(octree)",
    "wavelet:linf=0.01",
    "cosine:bytes=2000",
    "maxwellian + wavelet:filter=haar,level=1,terms=200",
    "fast:l2=0.01",
    "balanced:l2=0.01",
    "smallest:l2=0.2",
    "balanced:bytes=3000",
    "balanced:linf=0.05",
];

/// Long axes in every direction.
pub fn shapes() -> Vec<[usize; 3]> {
    let long = |n: usize, a: usize, b: usize| [[n, a, b], [a, n, b], [a, b, n]];
    [long(20_000, 1, 1), long(5000, 4, 4), long(3000, 2, 2)].concat()
}

/// A beam on a core with some noise.
pub fn distribution(shape: [usize; 3]) -> Vdf {
    let grid = VelocityGrid::unit(shape).unwrap();
    let half = shape.map(|n| n as f64 / 2.0);
    let mut state = 1_u64;
    Vdf::from_fn(grid, |v| {
        let q = |at: f64, width: f64| -> f64 {
            (0..3).map(|i| ((v[i] - at * half[i]) / (width * half[i]).max(0.8)).powi(2)).sum()
        };
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 40) as f64 / (1 << 24) as f64;
        (-0.5 * q(1.0, 0.2)).exp() + 0.3 * (-0.5 * q(1.3, 0.07)).exp() + 1e-3 * noise
    })
    .unwrap()
}

/// Whether a spec is measured on so many cells: fits of spherical harmonics and many components take half a minute on the
/// largest, and their memory follows from the others.
pub fn is_quick(spec: &str, cells: usize) -> bool {
    cells < 50_000 || !spec.contains("smallest")
}

/// What one spec took on one distribution.
pub struct Taken {
    /// Peak of the heap over encoding and writing, and over reading and reconstructing, beyond what was there before
    /// [bytes].
    pub peaks: [usize; 2],
    pub times: [Duration; 2],
    /// Bytes of the stream, or why there is none.
    pub stream: Result<usize, String>,
}

/// Measures a spec. The heap is the global allocator, and nothing else may run.
pub fn measure(heap: &PeakAlloc, spec: &str, vdf: &Vdf) -> Taken {
    let before = heap.current_usage();
    let timed = |work: &mut dyn FnMut()| {
        heap.reset_peak_usage();
        let begin = Instant::now();
        work();
        (heap.peak_usage() - before, begin.elapsed())
    };
    let mut stream = None;
    let (encoding, encoding_time) = timed(&mut || {
        let basis = Registry::standard().parse(spec).unwrap();
        stream = Some(Expansion::encode(&basis, vdf).and_then(|expansion| expansion.to_bytes()));
    });
    let stream = stream.unwrap();
    let (decoding, decoding_time) = timed(&mut || {
        if let Ok(bytes) = &stream {
            Registry::standard().decode(bytes).unwrap().reconstruct().unwrap();
        }
    });
    let stream = stream.map(|bytes| bytes.len()).map_err(|error| error.to_string());
    Taken { peaks: [encoding, decoding], times: [encoding_time, decoding_time], stream }
}
