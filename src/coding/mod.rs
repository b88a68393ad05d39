//! Numbers to bytes: an adaptive binary range coder, models of bits, integers and real numbers, and one [`Coder`] that
//! works both ways. Knows numbers and no basis.
//!
//! Everything is integer arithmetic: a stream decodes to the same numbers on every platform.

mod amplitudes;
mod classes;
mod coder;
mod logistic;
mod magnitudes;
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
pub(crate) use numbers::{MOST_MULTIPLE, dead_zone_error, in_steps, multiple, single, step_of_multiples};
pub use numbers::{Numbers, Resolution};
pub(crate) use spectrum::{Rounding, Spectrum};
