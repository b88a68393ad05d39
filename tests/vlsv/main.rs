//! VLSV files: small ones that the tests write, and those of Vlasiator where they are at hand.
#![cfg(feature = "vlsv")]
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

#[path = "../../src/testing.rs"]
mod testing;

mod copying;
mod malformed;
mod reading;
mod real;
mod writer;

use std::path::PathBuf;

/// A new folder for the files of a test.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("vdf-basis-vlsv-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
