//! Velocity distribution functions as coefficients of an analytic basis, and back.
#![forbid(unsafe_code)]

pub mod any_basis;
pub mod bases;
pub mod basis;
pub mod compose;
pub mod distribution;
pub mod error;
pub mod numerics;
pub mod registry;
pub mod spec;

pub use any_basis::{AnyBasis, AnyCoefficients};
pub use bases::hermite::{Hermite, HermiteCoefficients};
pub use bases::maxwellian::{Maxwellian, MaxwellianCoefficients};
pub use basis::{Basis, Coefficients, Expansion, NamedBasis, Quantity, Slot};
pub use compose::log_density::LogDensity;
pub use compose::residual::Residual;
pub use distribution::blocks::BlockOccupancy;
pub use distribution::fidelity::{Fidelity, StorageCost};
pub use distribution::frame::{Frame, Orientation};
pub use distribution::grid::VelocityGrid;
pub use distribution::io::Precision;
pub use distribution::moments::Moments;
pub use distribution::resample::Interpolation;
pub use distribution::synthetic::{Sampling, ShockPopulation, Synthetic};
pub use distribution::vdf::Vdf;
pub use error::{Error, Result};
pub use ndarray;
pub use registry::Registry;
