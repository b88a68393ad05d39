//! Golden streams: what earlier versions wrote is still read, to the same values.
//!
//! `tests/data/streams/v<version>/` holds one stream for each line of its `index.txt`: the file's stem, the synthetic
//! distribution it was made of, its error l2 and its density when it was written, and the spec. Streams of a version that
//! has been published are never written anew. While a version is in the making:
//!
//! ```text
//! cargo test --release --test compatibility -- --ignored write_the_golden_streams
//! ```
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use vdf_basis::bases::pca::Values;
use vdf_basis::container::VERSION;
use vdf_basis::{
    Basis, Expansion, Fidelity, PcaAccumulator, PopulationPca, Registry, Sampling, Spec, Synthetic, Vdf, VelocityGrid,
};

/// Small, and between them every basis, combinator and way of writing numbers. On cells in index units, on a box about
/// zero, and on any other.
const STREAMS: [(&str, &str, &str); 32] = [
    ("maxwellian", "maxwellian", "maxwellian"),
    ("maxwellian-full", "bi-maxwellian", "quantized(maxwellian:covariance=full)"),
    ("maxwellian-isotropic", "cells", "maxwellian:fit=moments,covariance=isotropic"),
    ("hermite", "gyrating-ring", "hermite:order=3"),
    ("hermite-rotated", "gyrating-ring", "hermite:order=3,frame=pressure,search=moments,weight=asymmetric"),
    ("hermite-best", "beams", "hermite:order=8/6/6,terms=20"),
    ("hermite-rounded", "beams", "hermite:order=9,truncation=total-degree,l2=0.1"),
    ("mixture", "beams", "mixture:components=2"),
    ("mixture-rounded", "gyrating-ring", "mixture:components=3,covariance=diagonal,l2=0.2"),
    ("mixture-kappa", "kappa", "quantized(mixture:components=2,kappa=4,covariance=tied)"),
    ("cosine", "cells", "cosine:terms=20"),
    ("cosine-blocks", "beams", "cosine:block=8,keep=2"),
    ("cosine-rounded", "loss-cone", "cosine:l2=0.2"),
    ("wavelet", "beams", "wavelet:filter=sym4,boundary=symmetric,terms=20"),
    ("wavelet-rounded", "shell", "wavelet:linf=0.1"),
    ("wavelet-bytes", "cells", "wavelet:filter=bior1.3,bytes=60"),
    ("cells-rounded", "ring", "cells:l2=0.2"),
    ("lossless", "ring", "lossless"),
    ("ratio-log10", "ring", "mixture:components=2,refine=log10 * wavelet"),
    ("fast-dex", "ring", "fast:dex=0.2,floor=1e-16"),
    ("octree", "beams", "octree:l2=0.3"),
    ("octree-rounded", "gyrating-ring", "quantized(octree:l2=0.1,leaf=best,degree=3)"),
    ("pca", "cells", "pca:components=1"),
    ("pca-rounded", "beams", "quantized(pca:components=2,values=linear)"),
    ("spherical", "beams", "spherical:degree=1,shells=4"),
    ("spherical-misner", "ring", "spherical:method=misner,degree=2,l2=0.6"),
    ("spherical-burnett", "cells", "spherical:method=burnett,degree=4,l2=0.6"),
    ("smallest", "gyrating-ring", "smallest:l2=0.1"),
    ("log", "kappa", "log(maxwellian):floor=1e-18"),
    ("residual", "gyrating-ring", "quantized(maxwellian) + wavelet:l2=0.1"),
    ("conserve", "gyrating-ring", "conserve(maxwellian + wavelet):l2=0.1"),
    ("conserve-heat-flux", "cells", "conserve(quantized(mixture:components=2)):heat-flux=yes"),
];

fn folder(version: u8) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/streams")).join(format!("v{version}"))
}

fn distribution(name: &str) -> Vdf {
    let (name, cells) = if name == "cells" { ("ring", true) } else { (name, false) };
    let grid = Synthetic::default_grid(name, 12).unwrap();
    let vdf = Synthetic::named(name, 0).unwrap().sample(&grid, Sampling::default()).unwrap();
    if cells { Vdf::new(VelocityGrid::unit(grid.shape()).unwrap(), vdf.into_values()).unwrap() } else { vdf }
}

#[test]
fn streams_of_every_version_are_read_to_the_same_values() {
    let registry = Registry::standard();
    for version in 1..=VERSION {
        let index = fs::read_to_string(folder(version).join("index.txt")).unwrap();
        assert!(index.lines().count() >= STREAMS.len());
        for line in index.lines() {
            let [stem, name, l2, density, spec] = line.splitn(5, ' ').collect::<Vec<_>>().try_into().unwrap();
            let bytes = fs::read(folder(version).join(format!("{stem}.vdfb"))).unwrap();
            let info = registry.info(&bytes).unwrap();
            assert_eq!((info.version, info.spec.to_string().as_str()), (version, spec), "{stem}");
            let parts: usize = info.parts.iter().map(|(_, bytes)| bytes).sum();
            assert_eq!(parts, bytes.len(), "{stem}: {:?}", info.parts);
            let (vdf, read) = (distribution(name), registry.decode(&bytes).unwrap());
            assert_eq!(read.grid(), vdf.grid(), "{stem}");
            let back = read.reconstruct().unwrap();
            let close = |found: f64, written: &str, least: f64| {
                let written: f64 = written.parse().unwrap();
                (found - written).abs() <= 1e-9 * written.abs().max(least)
            };
            // The last bits of an exponential may differ from platform to platform.
            let (found, n) = (Fidelity::compare(&vdf, &back).unwrap().l2, back.moments().density);
            assert!(close(found, l2, 1e-3), "{stem}: l2 {found:e}, not {l2}");
            assert!(close(n, density, 0.0), "{stem}: density {n:e}, not {density}");
            // What is read is written again as it was.
            if version == VERSION {
                assert!(read.to_bytes().unwrap() == bytes, "{stem}");
            }
        }
    }
}

/// Identity of the golden components, and the scores of a wave in them.
const COMPONENTS: (u64, [f64; 2]) = (0x9cf7_81e6_fd4d_5050, [5.002_474_010_963_601e-15, 2.586_527_173_539_863e-15]);

/// A wave that moves across the bulk of a distribution.
fn wave(phase: f64) -> Vdf {
    let grid = VelocityGrid::new([12, 7, 9], [-6e5, -3e5, -4e5], [1e5, 1e5, 9e4]).unwrap();
    Vdf::from_fn(grid, |v| {
        let [x, y, z] = v.map(|v| v / 2.2e5);
        1e-13 * (-0.5 * (x * x + y * y + z * z)).exp() * (1.0 + 0.01 * (3.0 * x - phase).cos())
    })
    .unwrap()
}

#[test]
fn components_of_a_population_are_read_to_the_same_values() {
    let bytes = fs::read(folder(VERSION).join("components.vdc")).unwrap();
    let read = PopulationPca::from_stream(&bytes).unwrap();
    let (identity, scores) = COMPONENTS;
    assert_eq!(read.hash(), identity, "{:#x}", read.hash());
    let found = read.encode(&wave(0.7)).unwrap();
    let off = found.scores().iter().zip(scores).map(|(found, score)| (found / score - 1.0).abs());
    assert!(found.scores().len() == 2 && off.fold(0.0, f64::max) < 1e-6, "{:?}", found.scores());
}

#[test]
#[ignore = "writes the components that the other test reads"]
fn write_the_golden_components() {
    let mut all = PcaAccumulator::new(*wave(0.0).grid(), Values::Linear).unwrap();
    (0..12).for_each(|k| all.add(&wave(0.5 * f64::from(k))).unwrap());
    fs::write(folder(VERSION).join("components.vdc"), all.learn(12).unwrap().to_stream(0.05).unwrap()).unwrap();
}

#[test]
fn every_name_of_the_registry_has_a_golden_stream() {
    let index = fs::read_to_string(folder(VERSION).join("index.txt")).unwrap();
    let specs: Vec<Spec> = index.lines().map(|line| line.splitn(5, ' ').nth(4).unwrap().parse().unwrap()).collect();
    fn names(spec: &Spec, name: &str) -> bool {
        spec.terms.iter().any(|term| term.name == name || term.inner.as_ref().is_some_and(|inner| names(inner, name)))
    }
    let bases = Registry::standard().names().collect::<Vec<_>>();
    for name in bases.iter().copied().chain(Registry::standard().combinators()) {
        // All presets are written alike, and `lossless` is another name of `cells`.
        let written_alike = ["fast", "balanced", "lossless"].contains(&name);
        assert!(written_alike || specs.iter().any(|spec| names(spec, name)), "`{name}` has no golden stream");
    }
}

#[test]
#[ignore = "writes the streams that the other tests read"]
fn write_the_golden_streams() {
    let folder = folder(VERSION);
    fs::create_dir_all(&folder).unwrap();
    let mut index = String::new();
    for (stem, name, spec) in STREAMS {
        let vdf = distribution(name);
        let expansion = Expansion::encode(&Registry::standard().parse(spec).unwrap(), &vdf).unwrap();
        let (bytes, back) = (expansion.to_bytes().unwrap(), expansion.reconstruct().unwrap());
        let l2 = Fidelity::compare(&vdf, &back).unwrap().l2;
        writeln!(index, "{stem} {name} {l2:e} {:e} {}", back.moments().density, expansion.basis()).unwrap();
        fs::write(folder.join(format!("{stem}.vdfb")), bytes).unwrap();
    }
    fs::write(folder.join("index.txt"), index).unwrap();
}
