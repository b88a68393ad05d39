//! How much memory does an encoding take? Exits with an error where the peak of the heap over a warm Hermite encode and
//! reconstruct, tables and results included, reaches twelve times the distribution's own 8 bytes a cell.
#![allow(missing_docs, clippy::expect_used)]

mod common;

use std::process::ExitCode;

use peak_alloc::PeakAlloc;
use vdf_basis::{Basis, Hermite, Vdf};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The peak, as a multiple of the distribution, of what is on the heap beyond the distribution itself.
fn multiple(vdf: &Vdf, before: usize, order: usize) -> f64 {
    let basis = Hermite::new([order; 3]).expect("an order in range");
    let round_trip = || {
        let coefficients = basis.encode(vdf).expect("a distribution with a width");
        basis.reconstruct(&coefficients, vdf.grid()).expect("finite densities")
    };
    drop(round_trip());
    HEAP.reset_peak_usage();
    drop(round_trip());
    (HEAP.peak_usage() - before) as f64 / size_of_val(vdf.as_slice()) as f64
}

fn main() -> ExitCode {
    /// Of the distribution's own size.
    const LIMIT: f64 = 12.0;
    let mut worst = 0.0;
    println!("peak heap of a warm Hermite encode and reconstruct, in distributions of 8 bytes a cell (below {LIMIT})");
    for (name, vdf) in common::distributions() {
        for order in [15, 25] {
            let before = HEAP.current_usage();
            let multiple = multiple(&vdf, before, order);
            println!("{name:>10} order {order}: {multiple:.2}");
            worst = f64::max(worst, multiple);
        }
    }
    if worst < LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
