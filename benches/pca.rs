//! Principal components of one distribution, and of a population of 512 through a shock, 50 x 50 x 50 cells, one thread.
//! `benches/peers.py` times scikit-learn on the same: of the population, on the file that `VDF_BASIS_POPULATION` names,
//! which this bench writes.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::hint::black_box;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use vdf_basis::bases::pca::Values;
use vdf_basis::{
    Basis, PcaAccumulator, PopulationPca, Precision, Registry, Sampling, ShockPopulation, Vdf, VelocityGrid,
};

fn one_distribution(c: &mut Criterion) {
    let vdf = common::sample().unwrap_or_else(|| common::ring(50));
    for spec in ["pca", "pca:axis=z", "pca:values=linear"] {
        let basis = Registry::standard().parse(spec).unwrap();
        let coefficients = basis.encode(&vdf).unwrap();
        let mut group = c.benchmark_group(spec);
        group.bench_function("encode", |b| b.iter(|| basis.encode(black_box(&vdf)).unwrap()));
        group.bench_function("reconstruct", |b| {
            b.iter(|| basis.reconstruct(black_box(&coefficients), vdf.grid()).unwrap());
        });
    }
}

const CELLS: usize = 512;
const COMPONENTS: usize = 30;
const BATCH: usize = 64;

fn population() -> Vec<Vdf> {
    let shock = ShockPopulation::new(CELLS);
    let box_of = shock.grid(50).unwrap();
    let grid = VelocityGrid::from_edges([50; 3], box_of.lower(), box_of.upper()).unwrap();
    let all: Vec<Vdf> = shock.iter().map(|cell| cell.unwrap().sample(&grid, Sampling::default()).unwrap()).collect();
    if let Some(path) = std::env::var_os("VDF_BASIS_POPULATION") {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
        all.iter().for_each(|vdf| vdf.to_raw(&mut file, Precision::Double).unwrap());
    }
    all
}

fn learn(population: &[Vdf], values: Values, directions: usize) -> PopulationPca {
    let accumulator = PcaAccumulator::new(*population[0].grid(), values).unwrap();
    let mut accumulator = accumulator.with_capacity(directions, BATCH).unwrap();
    population.iter().for_each(|vdf| accumulator.add(vdf).unwrap());
    accumulator.learn(COMPONENTS).unwrap()
}

/// The share of the variance, over all distributions, that the components leave out.
fn left_out(basis: &PopulationPca, population: &[Vdf]) -> f64 {
    let (mut left, mut total) = (0.0, 0.0);
    for vdf in population {
        let c = basis.encode(vdf).unwrap();
        let described = |f: f64| c.floor().map_or(f, |floor| (f.max(floor) / floor).log10());
        let mut distance: Vec<f64> = vdf.as_slice().iter().zip(basis.mean()).map(|(f, m)| described(*f) - m).collect();
        total += distance.iter().map(|d| d * d).sum::<f64>();
        for (component, score) in basis.components().zip(c.scores()) {
            distance.iter_mut().zip(component).for_each(|(d, v)| *d -= score * v);
        }
        left += distance.iter().map(|d| d * d).sum::<f64>();
    }
    left / total
}

fn of_a_population(c: &mut Criterion) {
    let population = population();
    for (name, values) in [("linear", Values::Linear), ("log10", Values::Log10 { floor: None })] {
        let mut group = c.benchmark_group(format!("population, {name}"));
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        for directions in [COMPONENTS, 2 * COMPONENTS] {
            let basis = learn(&population, values, directions);
            println!("{name}, {directions} directions: {:.4e} of the variance left out", left_out(&basis, &population));
            group.bench_function(format!("learn 30, {directions} directions kept"), |b| {
                b.iter(|| learn(black_box(&population), values, directions));
            });
        }
        let basis = learn(&population, values, 2 * COMPONENTS);
        group.bench_function("encode one", |b| b.iter(|| basis.encode(black_box(&population[300])).unwrap()));
    }
}

criterion_group! { name = benches; config = common::criterion(); targets = one_distribution, of_a_population }
criterion_main!(benches);
