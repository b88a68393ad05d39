//! Bases made of bases.

pub mod log_density;
pub mod residual;
