//! The kinds of leaves, and the numbers they take.

use std::iter::repeat_n;

use super::polynomials::terms;

/// The description of a leaf's box.
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
    /// The total degree of each number of a leaf of this shape, in their order; 0 for cells.
    pub fn degrees(self, shape: [usize; 3]) -> impl Iterator<Item = usize> {
        let (degree, cells) = match self {
            Self::Empty => (None, 0),
            Self::Linear(degree) | Self::Log(degree) => (Some(degree), 0),
            Self::Cells => (None, shape.iter().product()),
        };
        let terms = degree.into_iter().flat_map(move |degree| terms(degree, shape));
        terms.map(|term| term.iter().sum()).chain(repeat_n(0, cells))
    }

    /// Numbers that a leaf of this shape needs.
    pub fn numbers(self, shape: [usize; 3]) -> usize {
        match self {
            Self::Empty => 0,
            Self::Linear(degree) | Self::Log(degree) => terms(degree, shape).count(),
            Self::Cells => shape.iter().product(),
        }
    }
}
