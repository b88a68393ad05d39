//! Any bytes as a `.npy` file: an error, or a distribution that is written and read again bit by bit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vdf_basis::{Precision, Vdf};

fuzz_target!(|bytes: &[u8]| {
    let Ok(vdf) = Vdf::from_npy(bytes) else { return };
    let mut written = Vec::new();
    vdf.to_npy(&mut written, Precision::Double).expect("a vector takes all");
    let read = Vdf::from_npy(&written[..]).expect("what was written is read");
    assert!(read.as_slice().iter().zip(vdf.as_slice()).all(|(a, b)| a.to_bits() == b.to_bits()));
});
