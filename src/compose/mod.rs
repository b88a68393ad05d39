//! Bases made of bases.

pub mod log_density;
pub mod quantized;
pub mod residual;
pub mod target;
