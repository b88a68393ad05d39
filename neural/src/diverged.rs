//! The end of a training that diverges.

/// Training that ended in numbers that are not finite, or far from the values to learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Diverged {
    pub iteration: usize,
    pub loss: f64,
}

/// Largest relative L2 error of a network at the end of its training. An output of zero has an error of 1, and trainings of
/// few steps end near that; a network that is twice as far away has diverged.
pub(crate) const MOST_ERROR: f64 = 2.0;

/// The relative L2 error at the end of a training, unless that has diverged.
pub(crate) fn finished(error: f64, iteration: usize) -> Result<f64, Diverged> {
    if error <= MOST_ERROR { Ok(error) } else { Err(Diverged { iteration, loss: error }) }
}
