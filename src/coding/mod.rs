//! Numbers to bytes: an adaptive binary range coder, models of bits, integers and real numbers, and one [`Coder`] that
//! works both ways. Knows numbers and no basis.
//!
//! Everything is integer arithmetic: a stream decodes to the same numbers on every platform.

mod amplitudes;
mod coder;
mod logistic;
mod models;
mod numbers;
mod range_coder;
mod spectrum;

pub use coder::Coder;
pub(crate) use coder::malformed;
pub(crate) use logistic::Mixing;
pub use models::{Bit, Integers, Reals};
pub(crate) use numbers::multiple;
pub use numbers::{Numbers, Resolution};
pub(crate) use spectrum::{Rounding, Spectrum, rounding_error};
