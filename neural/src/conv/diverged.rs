//! The end of a training that diverges.

/// Training that ended in numbers that are not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Diverged {
    pub iteration: usize,
    pub loss: f64,
}
