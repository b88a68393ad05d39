//! One error type for the whole crate, with the offending values in it.

use std::sync::Arc;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong, each variant naming the value met and what would have been accepted.
///
/// Not converging is *not* an error: fits return the best they have and a report that says why they stopped.
#[non_exhaustive]
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A grid without cells, with more cells than can be addressed, or with a geometry that is not finite and positive.
    #[error("invalid velocity grid: {0}")]
    InvalidGrid(String),
    /// An array's shape is not the grid's.
    #[error("the values have shape {found:?}, but the grid has shape {expected:?}")]
    ShapeMismatch {
        /// Shape of the grid.
        expected: [usize; 3],
        /// Shape (or length in the first entry) of the values.
        found: Vec<usize>,
    },
    /// A basis bound to one grid was asked for another.
    #[error("this operation needs one grid, but was given two: {left} and {right}")]
    GridMismatch {
        /// The grid expected, as printed by its `Display`.
        left: String,
        /// The grid given.
        right: String,
    },
    /// A NaN or an infinity among the phase-space densities.
    #[error("the phase-space density at index {index:?} is {value}; only finite values are allowed")]
    NotFinite {
        /// Cell index `[ix, iy, iz]` of the first such value.
        index: [usize; 3],
        /// The value met.
        value: f64,
    },
    /// A distribution of which a basis has no gradient in closed form.
    #[error("{basis} has no gradient: {reason}")]
    NotDifferentiable {
        /// Name of the basis.
        basis: String,
        /// The reason, and what to do instead.
        reason: String,
    },
    /// A parameter outside its range.
    #[error("{name} = {value} is not allowed: {allowed}")]
    InvalidParameter {
        /// Name of the parameter, as in a spec.
        name: &'static str,
        /// The value given.
        value: String,
        /// What would have been accepted.
        allowed: String,
    },
    /// The distribution has nothing this basis could describe.
    #[error("cannot fit {basis}: {reason}")]
    Degenerate {
        /// Name of the basis.
        basis: &'static str,
        /// What the distribution lacks.
        reason: String,
    },
    /// A physical quantity that a distribution does not have, such as the temperature of an empty one.
    #[error("{quantity} is not defined: {reason}")]
    Undefined {
        /// Name of the quantity.
        quantity: &'static str,
        /// The reason: a property that the distribution does not have.
        reason: String,
    },
    /// Coefficients with a number beyond the range in which a stream, or f64, holds it.
    #[error("{basis} cannot be written: {reason}")]
    OutOfRange {
        /// Name of the basis.
        basis: &'static str,
        /// The number, and the range.
        reason: String,
    },
    /// Coefficients that a stream cannot hold in such fine steps: a coarser step, or [`Resolution::Exact`], can.
    ///
    /// [`Resolution::Exact`]: crate::Resolution::Exact
    #[error("{basis} cannot be written in such fine steps: {reason}")]
    StepTooFine {
        /// Name of the basis.
        basis: &'static str,
        /// The number that the steps are too fine for.
        reason: String,
    },
    /// Coefficients that do not belong to the basis they were given to.
    #[error("these coefficients do not belong to this basis: {0}")]
    ForeignCoefficients(String),
    /// A spec that does not follow the grammar, or names something that does not exist.
    #[error("in the spec `{spec}`: {problem}")]
    InvalidSpec {
        /// The spec as given (shortened if long).
        spec: String,
        /// What is wrong, and what exists.
        problem: String,
    },
    /// A file that is not what it claims to be.
    #[error("malformed {format} data: {problem}")]
    MalformedFile {
        /// Name of the format.
        format: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A file that is sound, but of a kind that this crate does not read.
    #[error("unsupported {format} file: {problem}")]
    UnsupportedFile {
        /// Name of the format.
        format: &'static str,
        /// The part of the file that this crate does not read, and what to do instead.
        problem: String,
    },
    /// A byte stream that is cut, damaged, or not one of this crate's.
    #[error("malformed stream: {0}")]
    MalformedStream(String),
    /// A byte stream of a version of the format that this crate does not read.
    #[error("the stream is of version {found} of the format; this crate reads version {supported}")]
    UnsupportedVersion {
        /// The version of the stream.
        found: u8,
        /// The version that is read.
        supported: u8,
    },
    /// A byte stream that asks for more than its reader allows; the stream itself may be sound.
    #[error("the stream holds {what}, beyond the limit of {limit} that its reader sets")]
    LimitExceeded {
        /// The claim, with its number.
        what: String,
        /// The limit.
        limit: usize,
    },
    /// An error bound or a length that the basis cannot reach.
    #[error("`{basis}` cannot reach {target}: the best it reaches is {reached}")]
    TargetNotMet {
        /// Spec of the basis.
        basis: String,
        /// What was asked for, as in a spec.
        target: String,
        /// What was reached, in the same figure.
        reached: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The path concerned.
        path: String,
        /// The error of the operating system.
        source: Arc<std::io::Error>,
    },
}

impl Error {
    /// The refusal of a parameter's value, with what is allowed.
    pub(crate) fn parameter(name: &'static str, value: impl std::fmt::Display, allowed: impl Into<String>) -> Self {
        Self::InvalidParameter { name, value: value.to_string(), allowed: allowed.into() }
    }

    /// The failure of reading or writing a file.
    pub(crate) fn io(path: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source: Arc::new(source) }
    }
}
