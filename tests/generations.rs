//! Law 12: encoding what was decoded, again and again, neither walks away from the first original nor bends its moments.
#![allow(clippy::unwrap_used, clippy::panic)]

use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
use vdf_basis::{Error, Expansion, Fidelity, Registry, Result, Vdf, VelocityGrid};

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

/// What twelve generations of a spec make of a distribution; an error if the first is refused.
fn generations(spec: &str, original: &Vdf) -> Result<Vec<Generation>> {
    let registry = Registry::standard();
    let basis = registry.parse(spec)?;
    let density = original.moments().density;
    let next = |vdf: &Vdf| -> Result<(usize, Vdf)> {
        let bytes = Expansion::encode(&basis, vdf)?.to_bytes()?;
        Ok((bytes.len(), registry.decode(&bytes)?.reconstruct()?))
    };
    let mut decoded = next(original)?;
    let mut all = Vec::with_capacity(GENERATIONS);
    loop {
        let (bytes, vdf) = &decoded;
        let fidelity = Fidelity::compare(original, vdf)?;
        all.push(Generation { bytes: *bytes, fidelity, density: vdf.moments().density / density - 1.0 });
        if all.len() == GENERATIONS {
            return Ok(all);
        }
        decoded = next(vdf).unwrap_or_else(|problem| panic!("{spec}, generation {}: {problem}", all.len() + 1));
    }
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

/// A spec with a bound, inside `quantized` where it is a sum.
fn bounded(spec: &str, bound: &str) -> String {
    if spec.contains(" + ") {
        return format!("quantized({spec}):{bound}");
    }
    let after = spec.rfind(')').map_or(spec, |end| &spec[end..]);
    format!("{spec}{}{bound}", if after.contains(':') { ',' } else { ':' })
}

#[test]
fn transforms_keep_what_they_decoded() {
    for spec in ["wavelet", "wavelet:filter=haar", "cosine", "cosine:keep=9"] {
        for bound in ["l2=0.3", "l2=0.1", "l2=0.03", "l2=0.001", "linf=0.05", "bytes=150"] {
            for (name, vdf) in distributions() {
                let all = match generations(&bounded(spec, bound), &vdf) {
                    Err(Error::TargetNotMet { .. }) => continue,
                    all => all.unwrap(),
                };
                let (first, last) = (all[0], all[GENERATIONS - 1]);
                // Wavelets may find that fewer levels hold the same numbers.
                assert!(all.is_sorted_by(|a, b| a.bytes >= b.bytes), "{spec}:{bound} {name}: {all:?}");
                let [first, last] = [first, last].map(|g| [g.fidelity.l2, g.fidelity.linf, g.density]);
                assert!(first.iter().zip(last).all(|(a, b)| (a - b).abs() < 1e-9), "{spec}:{bound} {name}: {last:?}");
            }
        }
    }
}

/// Specs whose errors are followed over the generations, each at several bounds.
const FOLLOWED: [&str; 16] = [
    "maxwellian",
    "mixture:components=4",
    "hermite:order=8",
    "hermite:order=8,truncation=total-degree",
    "spherical:degree=4,shells=12",
    "spherical:degree=4,shells=12,centre=0/0/0",
    "spherical:degree=6",
    "spherical:method=burnett,degree=7",
    "cosine:block=8",
    "quantized(octree)",
    "maxwellian + wavelet",
    "mixture:components=3 + wavelet",
    "conserve(wavelet)",
    "log(wavelet)",
    "fast",
    "balanced",
];

/// After twelve generations the error is at most five bounds. Density, drift and pressure are at most two and a half times as
/// far off as after one, or by five bounds more. Of sums the first basis is fitted anew in every generation, and what is
/// left over is another each time: they have room for more.
#[test]
fn errors_of_generations_add_up_like_random_ones() {
    const MAX_RATIO: f64 = 2.5;
    /// Of the error, and of what the moments are farther off.
    const MAX_BOUNDS: [f64; 2] = [5.0, 5.0];
    const MAX_BOUNDS_OF_SUMS: [f64; 2] = [6.0, 8.0];
    let mut missed = Vec::new();
    for (spec, l2) in FOLLOWED.into_iter().flat_map(|spec| [0.3, 0.1, 0.03].map(|l2| (spec, l2))) {
        let [of_error, of_moments] = if spec.contains(" + ") { MAX_BOUNDS_OF_SUMS } else { MAX_BOUNDS };
        let spec = bounded(spec, &format!("l2={l2}"));
        for (name, vdf) in distributions() {
            let all = match generations(&spec, &vdf) {
                Err(Error::TargetNotMet { .. }) => continue,
                all => all.unwrap(),
            };
            let moments = |g: &Generation| [g.fidelity.density, g.fidelity.bulk_velocity, g.fidelity.pressure];
            let (first, last) = (&all[0], &all[GENERATIONS - 1]);
            let [before, after] = [first, last].map(moments);
            let is_far = before.iter().zip(after).any(|(a, b)| b > (MAX_RATIO * a).max(a + of_moments * l2));
            if last.fidelity.l2 > of_error * l2 || is_far {
                missed.push(format!("{spec} {name}: {:.3} {before:.3?}, {after:.3?}", last.fidelity.l2 / l2));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The widest step that a coarse bound allows rounds the one number that matters up; it is moved back.
#[test]
fn coarse_bounds_do_not_enlarge() {
    let registry = Registry::standard();
    for spec in ["maxwellian:l2=0.3", "mixture:components=4,l2=0.3", "cosine:l2=0.6", "hermite:order=8,l2=0.4"] {
        let basis = registry.parse(spec).unwrap();
        for (name, vdf) in distributions() {
            let Ok(expansion) = Expansion::encode(&basis, &vdf) else { continue };
            let back = expansion.reconstruct().unwrap();
            let product = |a: &Vdf, b: &Vdf| -> f64 {
                let peak = vdf.peak();
                a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a / peak * (b / peak)).sum()
            };
            let growth = (product(&back, &back) / product(&vdf, &vdf)).sqrt();
            assert!(growth < 1.02, "{spec} {name}: {growth}");
        }
    }
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
            let spec = bounded(spec, bound);
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
