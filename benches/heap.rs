//! How much memory does it take? Exits with an error where the peak of the heap over a warm Hermite encode and
//! reconstruct, tables and results included, reaches twelve times the distribution's own 8 bytes a cell; or where that of
//! learning 30 components of 512 distributions, 64 a batch, reaches four times a batch plus the components; or where any
//! basis takes more on a long axis than `docs/architecture.md` says.
#![allow(missing_docs, clippy::expect_used)]

mod common;
#[path = "../tests/long_axes/mod.rs"]
mod long_axes;

use std::process::ExitCode;

use peak_alloc::PeakAlloc;
use vdf_basis::bases::pca::Values;
use vdf_basis::{Basis, Hermite, PcaAccumulator, Sampling, ShockPopulation, Vdf, VelocityGrid};

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

/// The peak over learning a population of distributions made one after another, in distributions.
fn learning(components: usize, batch: usize) -> f64 {
    let population = ShockPopulation::new(512);
    let cube = population.grid(50).expect("a grid of this size");
    let grid = VelocityGrid::from_edges([50; 3], cube.lower(), cube.upper()).expect("the same box");
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let accumulator = PcaAccumulator::new(grid, Values::default()).expect("no floor is given");
    let mut accumulator = accumulator.with_capacity(2 * components, batch).expect("some of each");
    for distribution in population.iter() {
        let vdf = distribution.and_then(|d| d.sample(&grid, Sampling::default())).expect("finite densities");
        accumulator.add(&vdf).expect("on the grid");
    }
    let basis = accumulator.learn(components).expect("a population");
    assert_eq!(basis.components().len(), components);
    (HEAP.peak_usage() - before) as f64 / (8 * grid.cells()) as f64
}

/// Prints the peak over every spec on every long shape, in distributions: whether all are within what is allowed.
fn long_axes_are_within() -> bool {
    println!("peak heap on long axes, in distributions: encoding and writing, reading and reconstructing");
    let mut within = true;
    for shape in long_axes::shapes() {
        let vdf = long_axes::distribution(shape);
        let data = size_of_val(vdf.as_slice());
        for spec in long_axes::SPECS.iter().filter(|spec| long_axes::is_quick(spec, vdf.as_slice().len())) {
            let taken = long_axes::measure(&HEAP, spec, &vdf);
            let [encoding, decoding] = taken.peaks.map(|peak| peak as f64 / data as f64);
            let fits = taken.peaks.iter().all(|peak| *peak <= long_axes::allowed(spec, data));
            let mark = if fits { "" } else { "  MORE THAN ALLOWED" };
            println!("{shape:?} {spec}: {encoding:.1} {decoding:.1}{mark}");
            within &= fits;
        }
    }
    within
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
    let (components, batch) = (30, 64);
    let (found, allowed) = (learning(components, batch), (4 * batch + components) as f64);
    println!(
        "learning {components} components, {batch} distributions a batch: {found:.0} distributions (below {allowed})"
    );
    let within = long_axes_are_within();
    if worst < LIMIT && found < allowed && within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
