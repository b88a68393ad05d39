//! Velocity distribution functions (VDFs) as coefficients of an analytic basis, and back.
//!
//! A [`Vdf`] is phase-space density on a [`VelocityGrid`]. A [`Basis`] encodes it into [`Coefficients`] and
//! reconstructs it; [`Fidelity`] says what was lost, moments included.
//!
//! ```
//! use vdf_basis::{Basis, Coefficients, Fidelity, Hermite, Sampling, Synthetic};
//!
//! // A core with a gyrating ring, cut by its box; read your own with `Vdf::read_npy`.
//! let grid = Synthetic::default_grid("gyrating-ring", 40)?;
//! let vdf = Synthetic::named("gyrating-ring", 0)?.sample(&grid, Sampling::default())?;
//!
//! let basis = Hermite::new([10; 3])?;
//! let coefficients = basis.encode(&vdf)?;
//! let reconstruction = basis.reconstruct(&coefficients, &grid)?;
//!
//! let fidelity = Fidelity::compare(&vdf, &reconstruction)?;
//! assert_eq!(coefficients.count(), 1000 + 6); // the amplitudes, and the centre and width along each axis
//! assert!(fidelity.l2 < 1e-3 && fidelity.pressure < 1e-3);
//!
//! // Moments straight from the coefficients, without the cells.
//! let moments = basis.moments(&coefficients, &grid)?;
//! assert!((moments.density / vdf.moments().density - 1.0).abs() < 1e-3);
//! # Ok::<(), vdf_basis::Error>(())
//! ```
//!
//! By name, as on a command line:
//!
//! ```
//! use vdf_basis::{Basis, Registry, Sampling, Synthetic};
//! # let grid = Synthetic::default_grid("beams", 24)?;
//! # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
//! let basis = Registry::standard().parse("maxwellian + hermite:order=8,truncation=total-degree")?;
//! let coefficients = basis.encode(&vdf)?;
//! # let _ = coefficients;
//! # Ok::<(), vdf_basis::Error>(())
//! ```
//!
//! As bytes that another process reads with nothing else at hand, as short as an error allows:
//!
//! ```
//! use vdf_basis::{Expansion, Registry, Sampling, Synthetic};
//! # let grid = Synthetic::default_grid("beams", 24)?;
//! # let vdf = Synthetic::named("beams", 0)?.sample(&grid, Sampling::default())?;
//! let basis = Registry::standard().parse("balanced:l2=0.02")?;
//! let bytes = Expansion::encode(&basis, &vdf)?.to_bytes()?;
//! let back = Registry::standard().decode(&bytes)?.reconstruct()?;
//! # assert!(bytes.len() < 110 && vdf_basis::Fidelity::compare(&vdf, &back)?.l2 <= 0.02);
//! # Ok::<(), vdf_basis::Error>(())
//! ```
//!
//! # Where things are
//! | floor | room | |
//! |---|---|---|
//! | 6 | [`container`], [`batch`] | streams; many distributions at once |
//! | 5 | [`registry`], [`presets`] | names to bases; bases chosen by their streams |
//! | 4 | [`bases`], [`compose`] | one room per basis; bases made of bases |
//! | 3 | [`basis`], [`any_basis`], [`spec`] | the contract, its run-time twin, the grammar of names |
//! | 2 | [`distribution`], [`coding`] | grid, values, moments, frames, fidelity, synthetic distributions, files; numbers to bytes |
//! | 1 | [`numerics`], [`error`] | what several rooms share and no library does for us |
//!
//! A room imports only from floors below its own, and no basis imports another.
//!
//! # Units
//! SI in the documentation: velocities in m/s, densities in s³ m⁻⁶. Any consistent unit works, cell indices included.
//! Nothing depends on the magnitude of the values, between 1e-300 and 1e300.
#![forbid(unsafe_code)]

pub mod any_basis;
pub mod bases;
pub mod basis;
pub mod batch;
pub mod coding;
pub mod compose;
pub mod container;
pub mod distribution;
pub mod error;
mod header;
mod inner_bounds;
pub mod numerics;
pub mod presets;
pub mod registry;
pub mod spec;
#[cfg(test)]
mod testing;

pub use any_basis::{AnyBasis, AnyCoefficients};
pub use bases::cosine::{Cosine, CosineCoefficients};
pub use bases::hermite::{Hermite, HermiteCoefficients};
pub use bases::maxwellian::{Maxwellian, MaxwellianCoefficients};
pub use bases::mixture::{Mixture, MixtureCoefficients, MixtureComponent};
pub use bases::octree::{Octree, OctreeCoefficients, OctreeTarget};
pub use bases::pca::{Pca, PcaAccumulator, PcaCoefficients, PopulationPca, PopulationPcaCoefficients};
pub use bases::spherical::{Spherical, SphericalCoefficients};
pub use bases::wavelet::{Wavelet, WaveletCoefficients, WaveletFilter};
pub use basis::{Basis, Coefficients, Expansion, NamedBasis, Quantity, Slot};
pub use batch::Batch;
pub use coding::{Coder, Resolution};
pub use compose::conserve::Conserve;
pub use compose::log_density::LogDensity;
pub use compose::quantized::Quantized;
pub use compose::residual::Residual;
pub use compose::target::Target;
pub use container::StreamInfo;
pub use distribution::blocks::BlockOccupancy;
pub use distribution::fidelity::{Fidelity, StorageCost};
pub use distribution::frame::{Frame, Orientation};
pub use distribution::gaussian_fit::{Covariance, Gaussian};
pub use distribution::grid::VelocityGrid;
pub use distribution::io::Precision;
pub use distribution::moments::Moments;
pub use distribution::resample::Interpolation;
pub use distribution::synthetic::{Sampling, ShockPopulation, Synthetic};
pub use distribution::vdf::Vdf;
pub use error::{Error, Result};
pub use ndarray;
pub use numerics::selection::Selection;
pub use presets::{Effort, Preset};
pub use registry::Registry;

// The snippets of the README are compiled and run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
