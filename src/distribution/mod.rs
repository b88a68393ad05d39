//! What a distribution is: its grid, its values, its moments, and how two of them are compared.

pub mod blocks;
pub(crate) mod decades;
pub mod fidelity;
pub mod frame;
pub(crate) mod gaussian_coding;
pub mod gaussian_fit;
pub mod grid;
pub mod io;
pub mod moments;
pub mod resample;
pub mod synthetic;
pub mod vdf;
