//! Law 12: encoding what was decoded, again and again, neither walks away from the first original nor bends its moments.
#![allow(clippy::unwrap_used)]

use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
use vdf_basis::{Basis, Fidelity, Registry, Result, Vdf, VelocityGrid};

/// Encodings of each chain.
const GENERATIONS: usize = 12;

/// Errors against the first original after one generation.
#[derive(Debug, Clone, Copy)]
struct Generation {
    bytes: usize,
    fidelity: Fidelity,
    /// Relative change of the density, with its sign.
    density: f64,
}

/// What twelve generations of a spec make of a distribution.
fn generations(spec: &str, original: &Vdf) -> Result<Vec<Generation>> {
    let registry = Registry::standard();
    let basis = registry.parse(spec)?;
    let density = original.moments().density;
    let mut vdf = original.clone();
    let mut all = Vec::with_capacity(GENERATIONS);
    for _ in 0..GENERATIONS {
        let bytes = vdf_basis::Expansion::encode(&basis, &vdf)?.to_bytes()?;
        vdf = registry.decode(&bytes)?.reconstruct()?;
        let fidelity = Fidelity::compare(original, &vdf)?;
        all.push(Generation { bytes: bytes.len(), fidelity, density: vdf.moments().density / density - 1.0 });
    }
    Ok(all)
}

fn sampled(name: &str, cells: usize, seed: u64) -> Vdf {
    let grid = Synthetic::default_grid(name, cells).unwrap();
    Synthetic::named(name, seed).unwrap().sample(&grid, Sampling::default()).unwrap()
}

/// Positive noise without any structure.
fn noise(cells: usize) -> Vdf {
    let values = |k: usize| ((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
    let grid = VelocityGrid::unit([cells, cells - 1, cells - 3]).unwrap();
    Vdf::from_vec(grid, (0..grid.cells()).map(values).collect()).unwrap()
}

fn distributions() -> Vec<(&'static str, Vdf)> {
    vec![
        ("gyrating-ring", sampled("gyrating-ring", 22, 0)),
        ("beams", sampled("beams", 24, 0)),
        ("kappa", sampled("kappa", 20, 3)),
        ("loss-cone", sampled("loss-cone", 21, 0)),
        ("bi-maxwellian", sampled("bi-maxwellian", 20, 5)),
        ("noise", noise(14)),
    ]
}

/// Prints how errors grow: `cargo test --release --test generations -- --ignored --nocapture`, for the specs that the
/// environment variable `SPECS` lists, separated by semicolons.
#[test]
#[ignore = "a table, for reading"]
fn table_of_generations() {
    const SPECS: &str = "wavelet;cosine;cosine:block=8;hermite:order=8;spherical:degree=6,shells=16;\
                         mixture:components=4;maxwellian;quantized(octree);quantized(pca);maxwellian + wavelet;\
                         mixture:components=3 + wavelet;fast;balanced;conserve(fast);log(wavelet)";
    let specs = std::env::var("SPECS").unwrap_or_else(|_| SPECS.to_owned());
    println!("{:34} {:14} l2/bound 1 2 3 6 12 | density 1 12 | u 1 12 | P 1 12 | bytes 1 12", "spec", "distribution");
    for spec in specs.split(';') {
        for bound in ["l2=0.3", "l2=0.1", "l2=0.03", "l2=0.01", "linf=0.05", "bytes=200"] {
            let spec = match spec.contains(" + ") {
                true => format!("quantized({spec}):{bound}"),
                false if spec.contains(':') && !spec.contains('(') => format!("{spec},{bound}"),
                false => format!("{spec}:{bound}"),
            };
            let unit: f64 = bound.strip_prefix("l2=").map_or(1.0, |l2| l2.parse().unwrap());
            for (name, vdf) in distributions() {
                match generations(&spec, &vdf) {
                    Err(problem) => {
                        println!("{spec:34} {name:14} {}", problem.to_string().chars().take(90).collect::<String>())
                    }
                    Ok(all) => {
                        let last = all[GENERATIONS - 1];
                        let l2: Vec<String> =
                            [1, 2, 3, 6, 12].map(|k| format!("{:7.3}", all[k - 1].fidelity.l2 / unit)).into();
                        println!(
                            "{spec:34} {name:14} {} | {:+.4} {:+.4} | {:.4} {:.4} | {:.4} {:.4} | {} {}",
                            l2.join(" "),
                            all[0].density,
                            last.density,
                            all[0].fidelity.bulk_velocity,
                            last.fidelity.bulk_velocity,
                            all[0].fidelity.pressure,
                            last.fidelity.pressure,
                            all[0].bytes,
                            last.bytes,
                        );
                    }
                }
            }
        }
    }
}
