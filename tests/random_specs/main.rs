//! Random specs of random small distributions: bounds are met, nothing blows up, nothing panics.
//!
//! A run of an hour with a seed of your choice, which prints a tally and how to repeat each failure:
//!
//! ```text
//! VDF_BASIS_RANDOM_SECONDS=3600 VDF_BASIS_RANDOM_SEED=7 cargo test --release --test random_specs -- --ignored --nocapture
//! VDF_BASIS_RANDOM_SEED=7 VDF_BASIS_RANDOM_CASE=1234 cargo test --release --test random_specs -- --ignored --nocapture
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod distributions;
mod specs;

use std::collections::BTreeMap;
use std::env;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Cases of the run that is part of every `cargo test`.
const QUICK_CASES: u64 = 300;

/// One case: everything follows from the seed of the run and the number of the case.
fn case(seed: u64, number: u64) -> (distributions::Drawn, specs::Drawn) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    (distributions::draw(&mut random), specs::draw(&mut random))
}

#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<&'static str, usize>,
    failures: Vec<String>,
    slowest: (Duration, String),
}

impl Tally {
    fn run(&mut self, seed: u64, number: u64) {
        let (distribution, spec) = case(seed, number);
        let grid = distribution.vdf.grid();
        let title = format!("seed {seed} case {number}: {} on {grid}, `{}`", distribution.kind, spec.spec);
        let start = Instant::now();
        let outcome = checks::check(&HEAP, &distribution.vdf, &spec);
        let took = start.elapsed();
        if took > self.slowest.0 {
            self.slowest = (took, title.clone());
        }
        match outcome {
            Ok(outcome) => *self.outcomes.entry(outcome).or_default() += 1,
            Err(problem) => {
                println!("{title}: {problem}");
                self.failures.push(format!("{title}: {problem}"));
            }
        }
    }

    fn finish(self) {
        println!(
            "{:?}; {} failed; slowest: {:?} for {}",
            self.outcomes,
            self.failures.len(),
            self.slowest.0,
            self.slowest.1
        );
        assert!(self.failures.is_empty(), "{} cases failed:\n{}", self.failures.len(), self.failures.join("\n"));
    }
}

fn number_from(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

#[test]
fn a_few_hundred_random_specs_keep_their_promises() {
    let mut tally = Tally::default();
    (0..QUICK_CASES).for_each(|number| tally.run(0, number));
    tally.finish();
}

#[test]
#[ignore = "runs as long as it is told: see the top of the file"]
fn random_specs_keep_their_promises() {
    let seed = number_from("VDF_BASIS_RANDOM_SEED").unwrap_or(1);
    let mut tally = Tally::default();
    if let Some(number) = number_from("VDF_BASIS_RANDOM_CASE") {
        tally.run(seed, number);
    } else {
        let end = Instant::now() + Duration::from_secs(number_from("VDF_BASIS_RANDOM_SECONDS").unwrap_or(60));
        (0..).take_while(|_| Instant::now() < end).for_each(|number| tally.run(seed, number));
    }
    tally.finish();
}
