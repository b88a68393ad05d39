//! Random triples of a distribution, a bound and a basis: the bound is met on what is decoded, or an error says what was
//! reached.
//!
//! ```text
//! VDF_BASIS_TRIPLES=2000 cargo test --release --test bounds -- --nocapture
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::env;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use vdf_basis::{Bound, Error, Expansion, Fidelity, Figure, Registry, Sampling, Synthetic, Vdf, VelocityGrid};

/// Bases that come as near a distribution as a step allows, and combinators of them.
const BASES: [&str; 10] = [
    "fast",
    "balanced",
    "wavelet",
    "cosine",
    "cosine:block=8",
    "log(wavelet)",
    "conserve(fast)",
    "conserve(cosine)",
    "quantized(mixture:components=2 + wavelet)",
    "quantized(maxwellian + cosine)",
];

/// Triples of a run where `VDF_BASIS_TRIPLES` does not say how many.
const QUICK: u64 = 150;

/// One of several values.
fn one_of<T: Copy>(random: &mut ChaCha8Rng, values: &[T]) -> T {
    values[random.random_range(0..values.len())]
}

fn distribution(random: &mut ChaCha8Rng) -> (String, Vdf) {
    let names: Vec<&str> = Synthetic::names().collect();
    let (name, seed) = (one_of(random, &names), random.random_range(0..1000));
    let whole = Synthetic::default_grid(name, 16).unwrap();
    // The same box in other cells, which are no cubes.
    let shape = [0; 3].map(|_| random.random_range(12..20));
    let [lower, upper] = [whole.lower(), whole.upper()];
    let grid = VelocityGrid::from_edges(shape, lower, upper).unwrap();
    let vdf = Synthetic::named(name, seed).unwrap().sample(&grid, Sampling::default()).unwrap();
    (format!("{name} {seed} {shape:?}"), vdf)
}

fn figure(random: &mut ChaCha8Rng) -> (Figure, f64) {
    let figure = one_of(random, &Figure::ALL);
    let limits: &[f64] = match figure {
        Figure::Bytes => &[60.0, 120.0, 400.0, 2000.0],
        Figure::Dex | Figure::Relative => &[0.3, 0.1, 0.05, 0.02],
        _ => &[0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4],
    };
    (figure, one_of(random, limits))
}

/// One limit, often two.
fn bound(random: &mut ChaCha8Rng) -> Bound {
    let (first, limit) = figure(random);
    let mut bound = Bound::new(first, limit);
    if random.random_bool(0.4) {
        let (second, limit) = figure(random);
        if second != Figure::Bytes && first != Figure::Bytes {
            bound = bound.and(second, limit);
        }
    }
    let has_floor = bound.limits().any(|(figure, _)| figure.has_floor());
    if has_floor && random.random_bool(0.5) { bound.above(one_of(random, &[1e-16, 1e-15, 1e-14])) } else { bound }
}

/// The outcome in a word.
fn outcome(vdf: &Vdf, bound: &Bound, name: &str) -> Result<&'static str, String> {
    let options = bound.limits().map(|(figure, limit)| format!("{}={limit}", figure.key()));
    let options: Vec<_> = options.chain(bound.floor().map(|floor| format!("floor={floor:e}"))).collect();
    let separator = if name.contains(':') && !name.ends_with(')') { "," } else { ":" };
    let spec = format!("{name}{separator}{}", options.join(","));
    let registry = Registry::standard();
    let basis = match registry.parse(&spec) {
        Ok(basis) => basis,
        Err(Error::InvalidSpec { problem, .. }) if problem.contains("write") => {
            return Ok("refused with what to write");
        }
        Err(other) => return Err(format!("{spec}: {other}")),
    };
    let bytes = match Expansion::encode(&basis, vdf).and_then(|expansion| expansion.to_bytes()) {
        Ok(bytes) => bytes,
        Err(Error::TargetNotMet { target, reached, .. }) => {
            let says = bound.limits().any(|(figure, _)| target.contains(figure.key()));
            return if says && !reached.is_empty() {
                Ok("not met")
            } else {
                Err(format!("{spec}: {target}, {reached}"))
            };
        }
        Err(other) => return Err(format!("{spec}: {other}")),
    };
    let back = registry.decode(&bytes).and_then(|expansion| expansion.reconstruct()).map_err(|e| e.to_string())?;
    let fidelity = Fidelity::compare_above(vdf, &back, bound.floor_of(vdf)).map_err(|e| e.to_string())?;
    for (figure, limit) in bound.limits() {
        let reached = figure.of(&fidelity).unwrap_or(bytes.len() as f64);
        if reached.is_nan() || reached > limit {
            return Err(format!("{spec}: {} is {reached:e}", figure.key()));
        }
    }
    Ok("met")
}

#[test]
fn bounds_are_met_or_what_was_reached_is_named() {
    let triples = env::var("VDF_BASIS_TRIPLES").map_or(QUICK, |text| text.parse().unwrap());
    let (mut tally, mut failures, mut missed) = (BTreeMap::<_, u64>::new(), Vec::new(), BTreeMap::<_, u64>::new());
    for number in 0..triples {
        let mut random = ChaCha8Rng::seed_from_u64(15);
        random.set_stream(number);
        let ((what, vdf), bound, name) = (distribution(&mut random), bound(&mut random), one_of(&mut random, &BASES));
        match outcome(&vdf, &bound, name) {
            Ok(outcome) => {
                *tally.entry(outcome).or_default() += 1;
                if outcome != "met" {
                    *missed.entry(format!("{outcome}: {name}, {bound}")).or_default() += 1;
                }
            }
            Err(problem) => failures.push(format!("{number}, {what}: {problem}")),
        }
    }
    println!("{tally:?} of {triples}");
    for (what, count) in missed {
        println!("{count:4} {what}");
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(10 * tally.get("met").copied().unwrap_or(0) >= 9 * triples, "{tally:?} of {triples}");
}
