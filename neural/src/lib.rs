//! Neural networks as bases of `vdf-basis`, by its public interface alone.
#![forbid(unsafe_code)]

pub mod cnn;
mod conv;
pub mod vqvae;

pub use cnn::Cnn;
pub use vqvae::{VqVae, VqVaeOptions};
