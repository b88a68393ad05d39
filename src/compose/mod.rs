//! Bases made of bases.

pub mod conserve;
pub mod log_density;
pub mod quantized;
pub mod residual;
