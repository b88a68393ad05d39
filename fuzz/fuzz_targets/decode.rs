//! Any bytes behind a right magic, version and checksum.
#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| vdf_basis_fuzz::decode(content));
