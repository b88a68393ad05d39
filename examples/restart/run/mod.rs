//! The simulation and the study of its restarts. `peers` compiles this folder too, for its codecs.

pub mod advection;
pub mod cases;
pub mod codec;
pub mod dispersion;
pub mod plasma;
pub mod rates;
pub mod rows;
pub mod study;
