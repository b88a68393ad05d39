//! Neural networks as bases of `vdf-basis`, by its public interface alone.
#![forbid(unsafe_code)]

mod adam;
mod bounds;
pub mod cnn;
mod conv;
mod diverged;
#[cfg(test)]
mod golden;
mod inference;
pub mod mlp;
mod training;
pub mod vqvae;
mod weights;

pub use cnn::Cnn;
pub use mlp::Mlp;
pub use vqvae::{VqVae, VqVaeOptions};

use vdf_basis::Registry;

/// The standard registry with the networks that are trained on one distribution. One that was learnt over a population is
/// added by [`Registry::with_value`].
#[must_use]
pub fn registry() -> Registry {
    Registry::standard().with::<Mlp>().with::<Cnn>()
}
