//! Bases made of bases.

pub mod conserve;
mod free_decades;
pub mod log_density;
pub mod quantized;
pub mod ratio;
pub mod residual;
mod second;
