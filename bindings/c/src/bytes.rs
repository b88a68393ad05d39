//! Bytes that the library hands over.

use crate::pointers::output;
use crate::status::Outcome;

/// Bytes that the library has allocated, of a stream for example. Whoever gets them frees them with `vdfb_bytes_free`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vdfb_bytes {
    /// The first byte; null if there are none.
    pub data: *mut u8,
    /// Their number.
    pub size: usize,
}

impl vdfb_bytes {
    const NONE: Self = Self { data: std::ptr::null_mut(), size: 0 };
}

/// Hands bytes over to the caller.
///
/// # Safety
/// If it is not null, `place` may be written to.
pub(crate) unsafe fn give_bytes(bytes: Vec<u8>, place: *mut vdfb_bytes, name: &str) -> Outcome {
    // SAFETY: as the caller has promised.
    let mut place = unsafe { output(place, name) }?;
    let size = bytes.len();
    let given = match size {
        0 => vdfb_bytes::NONE,
        _ => vdfb_bytes { data: Box::into_raw(bytes.into_boxed_slice()).cast(), size },
    };
    place.put(0, given);
    Ok(())
}

/// Frees bytes that the library has allocated, and sets them to none. Does nothing for null or none, so that bytes may be
/// freed twice through the same struct, but not through two copies of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_bytes_free(bytes: *mut vdfb_bytes) {
    // SAFETY: null, or the caller's struct.
    let Some(bytes) = (unsafe { bytes.as_mut() }) else { return };
    let vdfb_bytes { data, size } = std::mem::replace(bytes, vdfb_bytes::NONE);
    if !data.is_null() {
        // SAFETY: these are the pointer and the length of a boxed slice that `give_bytes` has handed over.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, size)) });
    }
}
