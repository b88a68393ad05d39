//! Neural networks as bases of `vdf-basis`, by its public interface alone.
#![forbid(unsafe_code)]

pub mod cnn;
mod conv;
