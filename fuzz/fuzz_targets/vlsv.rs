//! Any bytes as a VLSV file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vdf_basis_fuzz::vlsv(bytes));
