//! Any bytes as streams of a mean and components, behind right magics, versions and checksums.
#![no_main]

libfuzzer_sys::fuzz_target!(|content: &[u8]| vdf_basis_fuzz::components(content));
