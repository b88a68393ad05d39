//! How a leaf describes its box, and how many numbers that takes.

use super::polynomials::terms;

/// How a leaf describes its box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Model {
    /// By nothing: zero.
    Empty,
    /// By a polynomial of a total degree.
    Linear(usize),
    /// By the exponential of a polynomial of a total degree.
    Log(usize),
    /// By the values of its cells.
    Cells,
}

impl Model {
    /// Numbers that a leaf of this shape needs.
    pub fn numbers(self, shape: [usize; 3]) -> usize {
        match self {
            Self::Empty => 0,
            Self::Linear(degree) | Self::Log(degree) => terms(degree, shape).count(),
            Self::Cells => shape.iter().product(),
        }
    }
}
