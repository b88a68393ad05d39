//! Distributions: their grids, values and moments, and the comparison of two of them.

pub mod blocks;
pub(crate) mod decades;
pub mod fidelity;
pub mod frame;
pub(crate) mod gaussian_coding;
pub mod gaussian_fit;
pub mod grid;
pub mod io;
pub mod moments;
pub mod particles;
pub mod physics;
pub mod resample;
pub mod synthetic;
pub mod vdf;
