//! Errors of the library as Python exceptions.

use std::io;

use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use vdf_basis::Error;

create_exception!(
    vdf_basis,
    StreamError,
    PyValueError,
    "Bytes or a file that is cut, damaged, of another format or version, or larger than its reader allows."
);

/// An error of a call: the library's, or one that Python raised on the way.
pub enum Problem {
    /// An error about arguments.
    Value(Error),
    /// An error about bytes that were read: whatever is wrong is wrong with them.
    Stream(Error),
    /// An error about a file that was read, or about what was asked of it.
    File(Error),
    /// An error about one cell of many.
    Cell(u64, Error),
    Python(PyErr),
}

/// The result of a call.
pub type Result<T> = std::result::Result<T, Problem>;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Value(error)
    }
}

impl From<PyErr> for Problem {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Problem> for PyErr {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Python(error) => error,
            Problem::Value(Error::Io { path, source })
            | Problem::Stream(Error::Io { path, source })
            | Problem::File(Error::Io { path, source })
            | Problem::Cell(_, Error::Io { path, source }) => system_error(&path, &source),
            Problem::Value(error) if is_about_bytes(&error) => StreamError::new_err(error.to_string()),
            Problem::Value(error) | Problem::File(error @ Error::InvalidParameter { .. }) => {
                PyValueError::new_err(error.to_string())
            }
            Problem::Stream(error) | Problem::File(error) => StreamError::new_err(error.to_string()),
            Problem::Cell(cell, error) => PyValueError::new_err(format!("cell {cell}: {error}")),
        }
    }
}

fn is_about_bytes(error: &Error) -> bool {
    matches!(
        error,
        Error::MalformedFile { .. }
            | Error::UnsupportedFile { .. }
            | Error::MalformedStream(_)
            | Error::UnsupportedVersion { .. }
            | Error::LimitExceeded { .. }
    )
}

/// `OSError`, of which Python makes `FileNotFoundError` and its like by the number of the error.
fn system_error(path: &str, source: &io::Error) -> PyErr {
    match source.raw_os_error() {
        Some(number) => PyOSError::new_err((number, reason(source, number), path.to_owned())),
        None => PyOSError::new_err(format!("{path}: {source}")),
    }
}

/// The message of the system without the number, which Python prints itself.
fn reason(source: &io::Error, number: i32) -> String {
    let message = source.to_string();
    message.strip_suffix(&format!(" (os error {number})")).unwrap_or(&message).to_owned()
}
