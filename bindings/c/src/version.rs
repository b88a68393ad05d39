//! Versions of the library and of what it writes.

use std::ffi::c_char;

/// The version of the library, such as `0.1.0`; it is valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn vdfb_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the streams that the library writes.
#[unsafe(no_mangle)]
pub extern "C" fn vdfb_stream_version() -> u32 {
    u32::from(vdf_basis::container::VERSION)
}

/// The version of the archives that the library writes.
#[unsafe(no_mangle)]
pub extern "C" fn vdfb_archive_version() -> u32 {
    u32::from(vdf_basis::archive::VERSION)
}
