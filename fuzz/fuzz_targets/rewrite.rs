//! What was decoded is reconstructed, written and read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| vdf_basis_fuzz::rewrite(content));
