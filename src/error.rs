//! One error type for the whole crate, with the offending values in it.

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong, each variant naming the value met and what would have been accepted.
///
/// Not converging is *not* an error: fits return the best they have and a report that says why they stopped.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    /// A byte stream that is cut, damaged, of another version, or not one of this crate's.
    #[error("malformed stream: {0}")]
    MalformedStream(String),
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
    #[error("{path}: {problem}")]
    Io {
        /// The path concerned.
        path: String,
        /// What the operating system said.
        problem: String,
    },
}
