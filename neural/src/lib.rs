//! Neural networks as bases of `vdf-basis`, by its public interface alone.
#![forbid(unsafe_code)]

pub mod inference;
pub mod mlp;
pub mod training;
pub mod weights;

pub use mlp::Mlp;

use vdf_basis::Registry;

/// The standard registry with the networks.
#[must_use]
pub fn registry() -> Registry {
    Registry::standard().with::<Mlp>()
}
