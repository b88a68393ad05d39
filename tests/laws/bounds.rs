//! Laws 10 and 11: a fit is no worse than nothing, and more budget never refuses what less reaches.

use vdf_basis::{Error, Expansion, Fidelity, Registry, Vdf, VelocityGrid};

use super::sampled;

/// Bases, combinators and presets that take a bound; `@` stands for it.
const SPECS: &[&str] = &[
    "maxwellian:@",
    "hermite:order=6,@",
    "mixture:components=3,@",
    "spherical:degree=4,shells=9,@",
    "cosine:@",
    "wavelet:@",
    "cells:@",
    "quantized(octree:l2=1e-3):@",
    "pca:components=8,values=linear,@",
    "log(wavelet):@",
    "quantized(maxwellian + wavelet):@",
    "conserve(wavelet):@",
    "conserve(maxwellian):@",
    "fast:@",
    "balanced:@",
];

/// Distributions with and without a smooth part.
fn distributions() -> [(&'static str, Vdf); 4] {
    let unit = |shape| VelocityGrid::unit(shape).unwrap();
    let mut next = 0.0;
    let ramp = Vdf::from_fn(unit([5, 10, 6]), |_| {
        next += 1.0;
        next
    });
    let mut y: f64 = 1.0 / 3.0;
    let chaotic = Vdf::from_fn(unit([8; 3]), |_| {
        y = 4.0 * y * (1.0 - y);
        y * 2f64.powi(-150)
    });
    let constant = Vdf::from_fn(unit([6, 7, 5]), |_| 0.1);
    [
        ("gyrating ring", sampled("gyrating-ring", 12)),
        ("ramp", ramp.unwrap()),
        ("chaotic map", chaotic.unwrap()),
        ("constant", constant.unwrap()),
    ]
}

/// The figure that a bound limits, of the stream as decoded; none where the bound is refused.
fn reached(spec: &str, key: &str, vdf: &Vdf) -> Option<f64> {
    let registry = Registry::standard();
    match Expansion::encode(&registry.parse(spec).unwrap(), vdf) {
        Ok(expansion) => {
            let bytes = expansion.to_bytes().unwrap();
            let back = registry.decode(&bytes).unwrap().reconstruct().unwrap();
            let fidelity = Fidelity::compare(vdf, &back).unwrap();
            Some(match key {
                "l2" => fidelity.l2,
                "linf" => fidelity.linf,
                _ => bytes.len() as f64,
            })
        }
        Err(Error::TargetNotMet { reached, .. }) => {
            assert!(reached.contains(|c: char| c.is_ascii_digit()), "{spec}: reached `{reached}`");
            None
        }
        Err(other) => panic!("{spec}: {other}"),
    }
}

#[test]
fn law_11_more_budget_never_refuses_what_less_reaches() {
    let ladders = [
        ("bytes", &["30", "60", "120", "1000", "100000"][..]),
        ("l2", &["1e-12", "1e-7", "1e-3", "0.03", "0.3", "1"]),
        ("linf", &["1e-10", "1e-3", "0.1", "1"]),
    ];
    for (name, vdf) in distributions() {
        for spec in SPECS {
            for (key, values) in ladders {
                let mut met_before = false;
                for value in values {
                    let spec = spec.replace('@', &format!("{key}={value}"));
                    // A bound of the combinators does not reach a preset inside.
                    let figure = reached(&spec, key, &vdf);
                    let bound: f64 = value.parse().unwrap();
                    assert!(figure.is_none_or(|figure| figure <= bound), "{spec} of the {name}: {figure:?}");
                    assert!(figure.is_some() || !met_before, "{spec} of the {name} is refused, and less is not");
                    met_before |= figure.is_some();
                }
            }
        }
    }
}

#[test]
fn a_bound_near_the_last_digit_is_met() {
    let mut y: f64 = 1.0 / 3.0;
    let vdf = Vdf::from_fn(VelocityGrid::unit([16; 3]).unwrap(), |_| {
        y = 4.0 * y * (1.0 - y);
        y
    });
    let vdf = vdf.unwrap();
    for spec in ["fast:l2=1e-12", "wavelet:l2=1e-13", "cosine:l2=1e-13"] {
        assert!(reached(spec, "l2", &vdf).is_some(), "{spec}");
    }
}
