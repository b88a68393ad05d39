//! Adam for fully connected networks, and the schedule of its rate.

use crate::adam::Adam;
use crate::inference::lanes::sine;

/// The optimiser of a number of weights.
pub(crate) fn adam(count: usize) -> Adam {
    Adam::new(count, 0.995)
}

/// The rate at a step of a training: it rises over the first part of it, then falls as a cosine to nearly zero.
pub(crate) fn rate(step: usize, steps: usize, largest: f32) -> f32 {
    const RISE: f32 = 0.03;
    const LAST: f32 = 0.003;
    let part = step as f32 / steps.max(1) as f32;
    if part < RISE {
        return largest * (part + 1.0 / steps.max(1) as f32) / RISE;
    }
    let part = (part - RISE) / (1.0 - RISE);
    // (1 + cos πx) / 2 = 1 − sin²(πx/2), without the platform's cosine.
    let sine = sine(0.25 * part);
    largest * (LAST + (1.0 - LAST) * (1.0 - sine * sine))
}
