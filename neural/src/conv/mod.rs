//! Three-dimensional convolutions in single precision, forwards for decoding and backwards for training.
//!
//! Forwards is part of the format: a stream must decode to the same bits on every x86-64 processor. Each output is one sum
//! in a fixed order, of products that are rounded before they are added (no fused multiply-add). Nothing but the four
//! operations of IEEE single precision is used. Vector instructions compute several outputs side by side and change no order.
//! Backwards adds over fixed blocks of cells, so that training does not depend on the number of threads either.

mod convolve;
mod network;
mod power;
mod resample;
mod scale;
mod schedule;
mod volume;

pub(crate) use network::{Layer, Network, Tape};
pub(crate) use power::power_of_two;
pub(crate) use resample::halved;
pub(crate) use scale::{as_densities, normalised};
pub(crate) use schedule::{adam, cosine};
pub(crate) use volume::{Layout, Volume};
