//! Any bytes behind a right magic, version and checksum: an error, or a distribution that can be reconstructed and is
//! written again as coefficients that are read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vdf_basis::Registry;

/// Small enough for thousands of runs a second.
const MOST_CELLS: usize = 1 << 9;

fuzz_target!(|content: &[u8]| {
    let mut bytes = [b"VDF".as_slice(), &[vdf_basis::container::VERSION], content].concat();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let registry = Registry::standard();
    let Ok(expansion) = registry.decode_within(&bytes, MOST_CELLS) else { return };
    let _ = expansion.reconstruct();
    if let Ok(again) = expansion.to_bytes() {
        let read = registry.decode_within(&again, MOST_CELLS).expect("what was written is read");
        assert!(read.to_bytes().expect("what was read is written") == again);
    }
});
