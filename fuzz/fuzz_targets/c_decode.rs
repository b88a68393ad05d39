//! Any bytes as a stream and as an archive, through the C face.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vdf_basis_fuzz::c_face::decode(bytes));
