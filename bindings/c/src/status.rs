//! Status codes, and the message of the last error of each thread.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use vdf_basis::Error;

/// The outcome of a call. `vdfb_last_message` says more of all but `VDFB_OK`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vdfb_status {
    /// All was done.
    VDFB_OK = 0,
    /// A pointer that must not be null is null, or is not aligned.
    VDFB_NULL_POINTER = 1,
    /// An argument is outside its range.
    VDFB_INVALID_ARGUMENT = 2,
    /// A grid without cells, or whose edges or spacings are not finite and positive.
    VDFB_INVALID_GRID = 3,
    /// The number of values is not that of the grid or of the blocks.
    VDFB_SIZE_MISMATCH = 4,
    /// A NaN or an infinity among the densities; the message has its cell and its value.
    VDFB_NOT_FINITE = 5,
    /// A spec that does not parse, or a basis that is not known.
    VDFB_INVALID_SPEC = 6,
    /// A buffer is too small; the size that is needed has been returned.
    VDFB_BUFFER_TOO_SMALL = 7,
    /// Bytes that are cut, damaged, or not of this library.
    VDFB_MALFORMED = 8,
    /// Bytes of another version of the format.
    VDFB_UNSUPPORTED_VERSION = 9,
    /// Bytes that ask for more than the reader allows.
    VDFB_LIMIT_EXCEEDED = 10,
    /// A bound that the basis cannot reach.
    VDFB_TARGET_NOT_MET = 11,
    /// A distribution with nothing that the basis could describe.
    VDFB_DEGENERATE = 12,
    /// A number outside the range of the stream, or of `float`.
    VDFB_OUT_OF_RANGE = 13,
    /// Two grids, or two sets of components, where one was needed.
    VDFB_MISMATCH = 14,
    /// Reading or writing a file failed.
    VDFB_IO = 15,
    /// The stream holds no set of blocks.
    VDFB_NO_BLOCKS = 16,
    /// An error inside the library: please report it. Handles that the call was to change may only be freed.
    VDFB_INTERNAL = 17,
}

use vdfb_status::*;

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    status: vdfb_status,
    message: String,
}

impl Failure {
    pub(crate) fn new(status: vdfb_status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// A value of an argument that is not allowed.
    pub(crate) fn argument(name: &str, value: impl std::fmt::Display, allowed: &str) -> Self {
        Self::new(VDFB_INVALID_ARGUMENT, format!("{name} = {value} is not allowed: {allowed}"))
    }

    /// A buffer of `given` elements where `needed` are needed.
    pub(crate) fn too_small(name: &str, given: usize, needed: usize) -> Self {
        Self::new(VDFB_BUFFER_TOO_SMALL, format!("{name} holds {given} elements, but {needed} are needed"))
    }

    /// This failure with a word on where it happened.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::InvalidGrid(_) => VDFB_INVALID_GRID,
            Error::ShapeMismatch { .. } => VDFB_SIZE_MISMATCH,
            Error::InvalidParameter { name: "number of block values", .. } => VDFB_SIZE_MISMATCH,
            Error::InvalidParameter { .. } => VDFB_INVALID_ARGUMENT,
            Error::GridMismatch { .. } | Error::ForeignCoefficients(_) => VDFB_MISMATCH,
            Error::NotFinite { .. } => VDFB_NOT_FINITE,
            Error::Degenerate { .. } => VDFB_DEGENERATE,
            Error::OutOfRange { .. } | Error::StepTooFine { .. } => VDFB_OUT_OF_RANGE,
            Error::InvalidSpec { .. } => VDFB_INVALID_SPEC,
            Error::MalformedFile { .. } | Error::UnsupportedFile { .. } | Error::MalformedStream(_) => VDFB_MALFORMED,
            Error::UnsupportedVersion { .. } => VDFB_UNSUPPORTED_VERSION,
            Error::LimitExceeded { .. } => VDFB_LIMIT_EXCEEDED,
            Error::TargetNotMet { .. } => VDFB_TARGET_NOT_MET,
            Error::Io { .. } => VDFB_IO,
            _ => VDFB_INTERNAL,
        };
        Self::new(status, error.to_string())
    }
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// Runs the work of an exported function. A panic becomes `VDFB_INTERNAL`; an error's message is kept for this thread.
pub(crate) fn guard(work: impl FnOnce() -> Outcome) -> vdfb_status {
    // A handle that was being changed may hold half of the change: the header says that it may only be freed.
    let failure = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return VDFB_OK,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(VDFB_INTERNAL, format!("an error inside the library: {}", panic_text(&*panic))),
    };
    let Failure { status, mut message } = failure;
    message.retain(|character| character != '\0');
    let message = CString::new(message).unwrap_or_default();
    // At the end of a thread its message may be gone.
    let _ = MESSAGE.try_with(|last| *last.borrow_mut() = message);
    status
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

/// The message of the last call on this thread that did not return `VDFB_OK`, a sentence in UTF-8; empty if there was none.
/// It is valid until the next such call on this thread, and belongs to the library.
#[unsafe(no_mangle)]
pub extern "C" fn vdfb_last_message() -> *const c_char {
    MESSAGE.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// The name of a status, such as `VDFB_NOT_FINITE`; it is valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn vdfb_status_name(status: i32) -> *const c_char {
    const NAMES: [&CStr; 18] = [
        c"VDFB_OK",
        c"VDFB_NULL_POINTER",
        c"VDFB_INVALID_ARGUMENT",
        c"VDFB_INVALID_GRID",
        c"VDFB_SIZE_MISMATCH",
        c"VDFB_NOT_FINITE",
        c"VDFB_INVALID_SPEC",
        c"VDFB_BUFFER_TOO_SMALL",
        c"VDFB_MALFORMED",
        c"VDFB_UNSUPPORTED_VERSION",
        c"VDFB_LIMIT_EXCEEDED",
        c"VDFB_TARGET_NOT_MET",
        c"VDFB_DEGENERATE",
        c"VDFB_OUT_OF_RANGE",
        c"VDFB_MISMATCH",
        c"VDFB_IO",
        c"VDFB_NO_BLOCKS",
        c"VDFB_INTERNAL",
    ];
    let name = usize::try_from(status).ok().and_then(|status| NAMES.get(status));
    name.copied().unwrap_or(c"unknown status").as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> String {
        // SAFETY: the message of this thread, which no call replaces meanwhile.
        unsafe { CStr::from_ptr(vdfb_last_message()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_a_status_with_its_message() {
        assert_eq!(guard(|| panic!("seven of nine")), VDFB_INTERNAL);
        assert!(message().contains("seven of nine"));
        assert_eq!(guard(|| Ok(())), VDFB_OK);
        assert!(message().contains("seven of nine"), "a call that succeeds leaves the message");
        let elsewhere = std::thread::spawn(message).join().unwrap();
        assert_eq!(elsewhere, "");
    }

    #[test]
    fn every_status_has_its_name() {
        for status in 0..=VDFB_INTERNAL as i32 {
            // SAFETY: a static text.
            let name = unsafe { CStr::from_ptr(vdfb_status_name(status)) };
            assert!(name.to_bytes().starts_with(b"VDFB_"));
        }
        // SAFETY: a static text.
        let name = unsafe { CStr::from_ptr(vdfb_status_name(VDFB_INTERNAL as i32)) };
        assert_eq!(name, c"VDFB_INTERNAL");
        // SAFETY: a static text.
        let name = unsafe { CStr::from_ptr(vdfb_status_name(-3)) };
        assert_eq!(name, c"unknown status");
    }
}
