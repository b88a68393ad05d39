//! Coding of numbers as bytes: a binary range coder, adaptive models of bits, integers and real numbers, and a
//! [`Coder`] that writes and reads. This module does not depend on any basis.
//!
//! All models use integer arithmetic, so that a stream decodes to the same numbers on every platform.

mod amplitudes;
mod classes;
mod coder;
mod logistic;
mod magnitudes;
mod memory;
mod models;
mod numbers;
mod range_coder;
mod spectrum;

pub(crate) use classes::{CLASSES, FINE_CLASSES, class, fine_class, places};
pub use coder::Coder;
pub(crate) use coder::malformed;
pub(crate) use logistic::Mixing;
pub(crate) use magnitudes::{Magnitudes, Surroundings};
pub use models::{Bit, Integers, Reals};
pub(crate) use numbers::{
    MOST_MULTIPLE, MaybeMultiples, dead_zone_error, in_steps, multiple, single, step_of_multiples,
};
pub use numbers::{Numbers, Resolution};
pub(crate) use spectrum::{Rounding, Spectrum};
