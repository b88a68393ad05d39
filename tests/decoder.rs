//! A second reader, in plain Python, agrees with the library.
//!
//! `tests/decoder/decode.py` follows `docs/format.md` and shares no code with the library. It reads streams of
//! `maxwellian` and `mixture`, exact and rounded, and refuses others by name. Without `python3` the tests are left out,
//! and say so.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::process::{Command, Output};
use std::{env, fs, process};

use vdf_basis::{Registry, Vdf};

/// Golden streams of the bases that the Python reader knows.
const STREAMS: [&str; 5] = ["maxwellian", "maxwellian-full", "maxwellian-isotropic", "mixture", "mixture-rounded"];

fn in_tests(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).join(path)
}

fn golden(stem: &str) -> Vec<u8> {
    fs::read(in_tests(&format!("data/streams/v1/{stem}.vdfb"))).unwrap()
}

/// Runs the Python reader on a stream. `None` if there is no Python.
fn decode(bytes: &[u8], name: &str) -> Option<(Output, PathBuf)> {
    let file = |ending: &str| env::temp_dir().join(format!("vdf-basis-decoder-{}-{name}.{ending}", process::id()));
    let (input, output) = (file("vdfb"), file("npy"));
    if Command::new("python3").arg("--version").output().is_err() {
        println!("left out: no python3 was found, so the second reader did not run");
        return None;
    }
    fs::write(&input, bytes).unwrap();
    let ran = Command::new("python3").arg(in_tests("decoder/decode.py")).arg(&input).arg(&output).output().unwrap();
    fs::remove_file(&input).unwrap();
    Some((ran, output))
}

#[test]
fn the_second_reader_reads_the_same_densities() {
    for stem in STREAMS {
        let bytes = golden(stem);
        let Some((ran, output)) = decode(&bytes, stem) else { return };
        assert!(ran.status.success(), "{stem}: {}", String::from_utf8_lossy(&ran.stderr));
        let found = Vdf::read_npy(&output).unwrap();
        fs::remove_file(&output).unwrap();
        let expected = Registry::standard().decode(&bytes).unwrap().reconstruct().unwrap();
        assert_eq!(found.grid().shape(), expected.grid().shape(), "{stem}");
        let largest = expected.as_slice().iter().fold(0.0, |largest, f| f64::max(largest, f.abs()));
        for (found, expected) in found.as_slice().iter().zip(expected.as_slice()) {
            assert!((found - expected).abs() <= 1e-12 * largest, "{stem}: {found:e}, not {expected:e}");
        }
    }
}

#[test]
fn the_second_reader_refuses_bases_that_it_does_not_know() {
    let index = fs::read_to_string(in_tests("data/streams/v1/index.txt")).unwrap();
    let stems = index.lines().filter_map(|line| line.split(' ').next());
    for stem in stems.filter(|stem| !STREAMS.contains(stem)) {
        let Some((ran, _)) = decode(&golden(stem), stem) else { return };
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && said.contains("this reader does not know"), "{stem}: {said}");
    }
}

#[test]
fn the_second_reader_refuses_damage_and_other_versions() {
    // A byte of the magic, the version, the content and the checksum.
    for (place, reason) in [(0, "not with VDF"), (3, "version"), (20, "checksum"), (66, "checksum")] {
        let mut bytes = golden("maxwellian");
        bytes[place] ^= 0x40;
        let Some((ran, _)) = decode(&bytes, &format!("damaged-{place}")) else { return };
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success() && said.contains(reason), "byte {place}: {said}");
    }
}
