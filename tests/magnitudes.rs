//! The magnitude of the values changes nothing: every figure of a distribution times 1e-300 to 1e300 is that of the
//! distribution itself, in cell indices and in metres per second.
#![allow(clippy::unwrap_used)]

use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
use vdf_basis::{Basis, Fidelity, Hermite, Registry, Spherical, Vdf};

/// Peaks, the powers of two next to 1e-300 … 1e300: then scaling rounds nothing.
const PEAKS: [i32; 8] = [-996, -600, -510, -100, 100, 510, 600, 996];

/// In metres per second the density of a larger peak is beyond the range of `f64`, and refused as such.
const MOST_SI: i32 = 900;

/// Specs whose result does not depend on a step of a ladder or on a unit that the spec names.
const SPECS: &[&str] = &[
    "maxwellian",
    "maxwellian:fit=moments",
    "maxwellian:covariance=full",
    "hermite:order=6",
    "hermite:order=5,search=moments,frame=pressure",
    "mixture:components=2",
    "mixture:components=2,refine=none",
    "spherical:degree=3,shells=8",
    "spherical:method=misner,degree=2,shells=8",
    "spherical:method=burnett,degree=4",
    "cosine:terms=50",
    "cosine:discard=0.1",
    "wavelet:terms=50",
    "cells",
    "wavelet:discard=0.1",
    "octree:l2=0.1",
    "octree:leaf=best,coefficients=50",
    "pca:components=3",
    "pca:components=3,values=linear",
    "maxwellian + cosine:terms=20",
    "log(cosine:terms=30)",
    "conserve(cosine:terms=50)",
];

/// With a bound: its figure may move within a step, but not leave it.
const BOUNDED: &[&str] = &[
    "wavelet:l2=0.03",
    "cells:l2=0.03",
    "cosine:linf=0.05",
    "hermite:l2=0.3",
    "quantized(pca:components=3)",
    "log(wavelet:l2=0.1)",
    "fast:l2=0.02",
    "balanced:l2=0.05",
    "conserve(fast:l2=0.02)",
];

fn original(si: bool) -> Vdf {
    let grid = Synthetic::default_grid("beams", 14).unwrap();
    let vdf = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    // A power of two near one over the peak.
    let vdf = times(&vdf, -vdf.peak().log2().round() as i32);
    if si { vdf } else { vdf.with_geometry([0.0; 3], [1.0; 3]).unwrap() }
}

fn times(vdf: &Vdf, power: i32) -> Vdf {
    // In two steps: the power itself may leave the range of f64.
    let halves = [power / 2, power - power / 2].map(|power| 2f64.powi(power));
    Vdf::new(*vdf.grid(), vdf.values().mapv(|f| f * halves[0] * halves[1])).unwrap()
}

fn figures(original: &Vdf, reconstruction: &Vdf) -> [(&'static str, f64); 9] {
    let f = Fidelity::compare_above(original, reconstruction, 1e-6 * original.peak()).unwrap();
    [
        ("l1", f.l1),
        ("l2", f.l2),
        ("linf", f.linf),
        ("log10_rms", f.log10_rms),
        ("density", f.density),
        ("bulk_velocity", f.bulk_velocity),
        ("pressure", f.pressure),
        ("heat_flux", f.heat_flux),
        ("negative_mass", f.negative_mass),
    ]
}

fn decoded(spec: &str, vdf: &Vdf) -> vdf_basis::Result<Vdf> {
    let basis = Registry::standard().parse(spec).unwrap();
    let bytes = vdf_basis::Expansion::encode(&basis, vdf)?.to_bytes()?;
    Registry::standard().decode(&bytes)?.reconstruct()
}

#[test]
fn the_magnitude_of_the_values_changes_no_figure() {
    let mut wrong = Vec::new();
    for si in [false, true] {
        let one = original(si);
        for spec in SPECS {
            let expected = figures(&one, &decoded(spec, &one).unwrap());
            for power in PEAKS.map(|power| if si { power.clamp(-MOST_SI, MOST_SI) } else { power }) {
                let scaled = times(&one, power);
                match decoded(spec, &scaled) {
                    Ok(back) => {
                        for ((name, found), (_, expected)) in figures(&scaled, &back).into_iter().zip(expected) {
                            let equal = (found - expected).abs() <= 1e-6 * expected.abs() + 1e-9;
                            if !equal {
                                wrong.push(format!("{spec} x 2^{power}, si {si}: {name} {found:e}, not {expected:e}"));
                            }
                        }
                    }
                    Err(error) => wrong.push(format!("{spec} x 2^{power}, si {si}: {error}")),
                }
            }
        }
        for spec in BOUNDED {
            let expected = figures(&one, &decoded(spec, &one).unwrap());
            for power in PEAKS.map(|power| if si { power.clamp(-MOST_SI, MOST_SI) } else { power }) {
                let scaled = times(&one, power);
                match decoded(spec, &scaled) {
                    Ok(back) => {
                        for ((name, found), (_, expected)) in figures(&scaled, &back).into_iter().zip(expected) {
                            // Steps are a ladder of their own.
                            let near = found <= 3.0 * expected + 1e-9;
                            if !near {
                                wrong.push(format!("{spec} x 2^{power}, si {si}: {name} {found:e}, not {expected:e}"));
                            }
                        }
                    }
                    Err(error) => wrong.push(format!("{spec} x 2^{power}, si {si}: {error}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn spectra_share_out_the_power_at_every_magnitude() {
    let one = original(true);
    let (hermite, spherical) = (Hermite::new([5; 3]).unwrap(), Spherical::new(4, 8).unwrap());
    let of = |vdf: &Vdf| {
        let hermite = hermite.encode(vdf).unwrap().spectrum();
        let total: f64 = hermite.total_degree.iter().sum();
        let spherical = spherical.encode(vdf).unwrap().spectrum();
        let power: f64 = spherical.degree.iter().sum();
        let shares = [hermite.total_degree[0] / total, spherical.gyrotropy(), spherical.anisotropy()];
        (shares, [total.sqrt() * hermite.unit, power.sqrt() * spherical.unit])
    };
    let (shares, norms) = of(&one);
    assert!(shares.iter().all(|share| (1e-6..0.999).contains(share)), "{shares:?}");
    for power in PEAKS.map(|power| power.clamp(-MOST_SI, MOST_SI)) {
        let (found, scaled) = of(&times(&one, power));
        for (found, expected) in found.into_iter().zip(shares) {
            assert!((found / expected - 1.0).abs() < 1e-6, "2^{power}: {found} not {expected}");
        }
        for (found, expected) in scaled.into_iter().zip(norms) {
            assert!((found * 2f64.powi(-power) / expected - 1.0).abs() < 1e-6, "2^{power}: {found} not {expected}");
        }
    }
}
