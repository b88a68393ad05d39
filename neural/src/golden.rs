//! Streams in `tests/data` that must decode to the stored values, whatever becomes of training and compression.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use vdf_basis::{Expansion, Registry, Vdf, VelocityGrid};

use crate::mlp::SeveralMlp;
use crate::{VqVae, VqVaeOptions, registry};

/// Streams and the specs that made them. Those of `mlp` hold no wave vectors: a reader draws them.
const STREAMS: [(&str, &str); 3] = [
    ("mlp_features", "mlp:width=5,layers=2,activation=tanh,features=3,target=linear,steps=200,refinements=5"),
    ("mlp_logarithm", "mlp:width=4,layers=2,target=log10,steps=200,refinements=5"),
    ("cnn", "cnn:levels=2,latents=1,width=2,iterations=60"),
];
/// The identity of `learnt.vq`.
const IDENTITY: u64 = 0x4816_6254_a432_42ed;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn described() -> Vdf {
    let grid = VelocityGrid::unit([6, 5, 7]).unwrap();
    Vdf::from_fn(grid, |[x, y, z]| 1e-12 * (-0.3 * ((x - 3.0).powi(2) + (y - 2.0).powi(2) + (z - 3.0).powi(2))).exp())
        .unwrap()
}

fn with_learnt() -> Registry {
    let learnt = VqVae::from_bytes(&fs::read(file("learnt.vq")).unwrap()).unwrap();
    assert_eq!(learnt.hash(), IDENTITY, "{:#x}", learnt.hash());
    registry().with_value(learnt).unwrap()
}

fn written(name: &str, vdf: &Vdf) {
    let values: Vec<u8> = vdf.as_slice().iter().flat_map(|f| f.to_le_bytes()).collect();
    fs::write(file(&format!("{name}.f64")), values).unwrap();
}

fn checked(name: &str, vdf: &Vdf) {
    let stored = fs::read(file(&format!("{name}.f64"))).unwrap();
    let stored: Vec<f64> = stored.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    assert_eq!(vdf.as_slice(), stored, "{name}");
    assert!(stored.iter().any(|f| *f > 1e-13), "{name}");
}

#[test]
fn streams_decode_to_the_stored_values() {
    for name in STREAMS.map(|(name, _)| name).into_iter().chain(["vqvae"]) {
        let bytes = fs::read(file(&format!("{name}.vdfb"))).unwrap();
        checked(name, &with_learnt().decode(&bytes).unwrap().reconstruct().unwrap());
    }
    let several = SeveralMlp::from_bytes(&fs::read(file("several.nn")).unwrap()).unwrap();
    checked("several", &several.reconstruct(1).unwrap());
}

#[test]
#[ignore = "writes the files; only for a new version of the format"]
fn write_the_streams() {
    let vdf = described();
    let options =
        VqVaeOptions { dimension: 2, width: 1, codes: 4, stages: 2, iterations: 200, ..VqVaeOptions::default() };
    let learnt = VqVae::learn(std::slice::from_ref(&vdf), &options).unwrap().with_price(0.0).unwrap();
    fs::write(file("learnt.vq"), learnt.to_bytes().unwrap()).unwrap();
    let registry = registry().with_value(learnt.clone()).unwrap();
    let of_value = ("vqvae", learnt.to_string());
    for (name, spec) in STREAMS.map(|(name, spec)| (name, spec.to_owned())).into_iter().chain([of_value]) {
        let bytes = registry.to_bytes(&Expansion::encode(&registry.parse(&spec).unwrap(), &vdf).unwrap()).unwrap();
        fs::write(file(&format!("{name}.vdfb")), &bytes).unwrap();
        written(name, &registry.decode(&bytes).unwrap().reconstruct().unwrap());
    }
    let other = Vdf::new(*vdf.grid(), vdf.values().mapv(|f| 2.0 * f * f / 1e-12)).unwrap();
    let mlp = "mlp:width=5,layers=2,features=1,steps=200".parse().unwrap();
    let several = SeveralMlp::fit(&[vdf, other], &mlp, 1).unwrap();
    fs::write(file("several.nn"), several.to_bytes().unwrap()).unwrap();
    written("several", &several.reconstruct(1).unwrap());
}
