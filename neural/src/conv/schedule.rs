//! Adam for convolutions, and the schedule of its rate.

use std::f32::consts::PI;

use crate::adam::Adam;

/// The optimiser of a number of parameters of convolutions.
pub(crate) fn adam(count: usize) -> Adam {
    Adam::new(count, 0.99)
}

/// Factor of the rate at a part of the training, from 1 at its begin to 0.02 at its end, with a rise over the first 2%.
pub(crate) fn cosine(part: f32) -> f32 {
    const RISE: f32 = 0.02;
    const LAST: f32 = 0.02;
    let fall = LAST + (1.0 - LAST) * 0.5 * (1.0 + (PI * part.clamp(0.0, 1.0)).cos());
    fall * (part / RISE).clamp(0.05, 1.0)
}
