//! Streams of awkward distributions: what was found in them is recovered bit by bit, and bounds hold for what is read.
#![allow(clippy::unwrap_used, clippy::panic)]

use vdf_basis::{Basis, Error, Expansion, Fidelity, Registry, Vdf, VelocityGrid};

fn awkward() -> Vec<(&'static str, Vdf)> {
    let grid = |shape| VelocityGrid::new(shape, [-3e5, 1e6, 0.1], [2e4, 1e4 / 3.0, 7e3]).unwrap();
    let one_cell = |shape: [usize; 3]| {
        let mut values = vec![0.0; shape.iter().product()];
        let middle = values.len() / 2;
        values[middle] = 0.3;
        Vdf::from_vec(grid(shape), values).unwrap()
    };
    let bumpy = |shape: [usize; 3], scale: f64| {
        let mut k = 0.0;
        let value = |_| {
            k += 1.0;
            scale * (1.1 + f64::sin(1.7 * k))
        };
        Vdf::from_fn(grid(shape), value).unwrap()
    };
    vec![
        ("all zero", Vdf::zeros(grid([6, 5, 7]))),
        ("a single cell", bumpy([1; 3], 1.0)),
        ("one cell that is not zero", one_cell([8, 9, 7])),
        ("a line", bumpy([1, 1, 31], 1e-15)),
        ("a plane", bumpy([13, 1, 11], 1e20)),
        ("primes", bumpy([7, 11, 13], 1e-15)),
        ("tiny", bumpy([6; 3], 1e-300)),
        ("denormal", bumpy([6; 3], 1e-310)),
        ("huge", bumpy([6; 3], 1e300)),
        ("negative", Vdf::from_fn(grid([5; 3]), |[x, y, _]| -1.0 - (x + y).sin()).unwrap()),
        ("single precision", Vdf::from_slice(grid([4; 3]), &(0..64_u8).map(f32::from).collect::<Vec<f32>>()).unwrap()),
    ]
}

const SPECS: [&str; 16] = [
    "maxwellian",
    "maxwellian:fit=moments,covariance=full",
    "hermite:order=4",
    "hermite:order=3,terms=9",
    "mixture:components=2",
    "cosine",
    "cosine:block=4,keep=2",
    "wavelet",
    "wavelet:filter=sym8,boundary=symmetric",
    "cells",
    "log(wavelet)",
    "quantized(wavelet)",
    "maxwellian + cosine",
    "maxwellian * cosine",
    "conserve(cosine)",
    "conserve(wavelet:terms=50)",
];

#[test]
fn what_was_found_is_recovered_bit_by_bit() {
    let registry = Registry::standard();
    let mut recovered = 0;
    for (what, vdf) in awkward() {
        for spec in SPECS {
            let basis = registry.parse(spec).unwrap();
            let expansion = match Expansion::encode(&basis, &vdf) {
                Ok(expansion) => expansion,
                Err(Error::Degenerate { .. } | Error::OutOfRange { .. }) => continue,
                Err(other) => panic!("{spec} of {what}: {other}"),
            };
            let bytes = expansion.to_bytes().unwrap();
            let read = registry.decode(&bytes).unwrap();
            assert!(read.coefficients() == expansion.coefficients(), "{spec} of {what}");
            assert!(read.to_bytes().unwrap() == bytes, "{spec} of {what}");
            match (read.reconstruct(), expansion.reconstruct()) {
                (Ok(a), Ok(b)) => assert!(a == b, "{spec} of {what}"),
                (Err(Error::NotFinite { .. }), Err(Error::NotFinite { .. })) => {}
                (a, b) => panic!("{spec} of {what}: {:?}, {:?}", a.map(|_| ()), b.map(|_| ())),
            }
            recovered += 1;
        }
    }
    assert!(recovered > 100, "{recovered}");
}

#[test]
fn bounds_hold_for_what_is_read() {
    let registry = Registry::standard();
    for (what, vdf) in awkward() {
        for spec in [
            "cosine:l2=0.01",
            "wavelet:linf=0.02",
            "wavelet:filter=haar,bytes=60",
            "balanced:bytes=60",
            "octree:bytes=60",
            "conserve(cosine):bytes=100",
            "maxwellian + cosine:l2=1e-6",
        ] {
            let bytes = match Expansion::encode(&registry.parse(spec).unwrap(), &vdf) {
                Ok(expansion) => expansion.to_bytes().unwrap(),
                Err(Error::Degenerate { .. }) => continue,
                Err(Error::TargetNotMet { reached, .. }) if what == "denormal" => {
                    assert!(!reached.is_empty());
                    continue;
                }
                Err(other) => panic!("{spec} of {what}: {other}"),
            };
            let back = registry.decode(&bytes).unwrap().reconstruct().unwrap();
            let Fidelity { l2, linf, .. } = Fidelity::compare(&vdf, &back).unwrap();
            // 0/0 is no error.
            let (l2, linf) = (if l2.is_nan() { 0.0 } else { l2 }, if linf.is_nan() { 0.0 } else { linf });
            let kept = match spec.split_once('=').map(|_| spec) {
                Some("cosine:l2=0.01") => l2 <= 0.01,
                Some("wavelet:linf=0.02") => linf <= 0.02,
                Some("maxwellian + cosine:l2=1e-6") => l2 <= 1e-6,
                _ => bytes.len() <= spec.rsplit_once("bytes=").unwrap().1.parse().unwrap(),
            };
            assert!(kept, "{spec} of {what}: l2 {l2:e}, linf {linf:e}, {} bytes", bytes.len());
        }
    }
}

#[test]
fn a_bound_that_cannot_be_met_says_what_was_reached() {
    let vdf = &awkward()[5].1;
    for (spec, target) in
        [("maxwellian:l2=1e-3", "l2 = 0.001"), ("cosine:bytes=1", "1 bytes"), ("hermite:order=2,linf=1e-9", "linf")]
    {
        let basis = Registry::standard().parse(spec).unwrap();
        match basis.encode(vdf).unwrap_err() {
            Error::TargetNotMet { target: asked, reached, .. } => {
                assert!(asked.contains(target) && !reached.is_empty(), "{spec}: {asked}, {reached}");
            }
            other => panic!("{spec}: {other}"),
        }
    }
}
