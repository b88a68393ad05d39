//! Velocity distribution functions as coefficients of an analytic basis, and back.
#![forbid(unsafe_code)]

pub mod bases;
pub mod basis;
pub mod distribution;
pub mod error;
pub mod numerics;

pub use basis::{Basis, Coefficients, Expansion, Quantity, Slot};
pub use distribution::fidelity::{Fidelity, StorageCost};
pub use distribution::frame::{Frame, Orientation};
pub use distribution::grid::VelocityGrid;
pub use distribution::moments::Moments;
pub use distribution::vdf::Vdf;
pub use error::{Error, Result};
pub use ndarray;
