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
//! // Several limits hold together: `balanced:l2=0.02,linf=0.05`.
//! let basis = Registry::standard().parse("balanced:l2=0.02")?;
//! let bytes = Expansion::encode(&basis, &vdf)?.to_bytes()?;
//! let back = Registry::standard().decode(&bytes)?.reconstruct()?;
//! # assert!(bytes.len() < 110 && vdf_basis::Fidelity::compare(&vdf, &back)?.l2 <= 0.02);
//! # Ok::<(), vdf_basis::Error>(())
//! ```
//!
//! Your own basis takes part in all of this: implement [`Basis`], [`Stream`], [`Quantise`] and [`NamedBasis`], and
//! add it with [`Registry::with`]. `CONTRIBUTING.md` explains the steps, and [`laws`] tests the result.
//!
//! # Where things are
//! | floor | room | |
//! |---|---|---|
//! | 9 | [`archive`] | the distributions of many cells in one file |
//! | 8 | [`container`] | streams; many distributions at once ([`container::batch`]) |
//! | 7 | [`registry`], [`presets`] | names to bases; bases chosen by their streams |
//! | 6 | [`compose`] | bases made of bases |
//! | 5 | [`bases`] | one room per basis |
//! | 4 | [`basis`] | the contract, [`choices`](basis::choices), [`spec`](basis::spec), [`bound`](basis::bound), [`AnyBasis`] |
//! | 3 | [`distribution`] | grid, values, moments, frames, fidelity, [physics](distribution::physics), [particles](distribution::particles), synthetic distributions, files |
//! | 2 | [`coding`] | numbers to bytes |
//! | 1 | [`numerics`], [`Error`] | what several rooms share and no library does for us |
//!
//! A room imports only from floors below its own; on floor 7 the registry imports the presets. No basis imports
//! another. Above all floors are the [`laws`] that every basis keeps.
//!
//! # Units
//! SI in the documentation: velocities in m/s, densities in s³ m⁻⁶. Any consistent unit works, cell indices included.
//! Nothing depends on the magnitude of the values, between 1e-300 and 1e300.
#![forbid(unsafe_code)]

pub mod archive;
pub mod bases;
pub mod basis;
pub mod coding;
pub mod compose;
pub mod container;
pub mod distribution;
mod error;
pub mod laws;
pub mod numerics;
pub mod presets;
pub mod registry;
#[cfg(test)]
mod testing;

pub use archive::{
    Archive, ArchiveCell, ArchiveFacts, ArchiveGroup, ArchiveInfo, ArchiveRecord, ArchiveSet, ArchiveWriter,
};
pub use bases::cells::{Cells, CellsCoefficients};
pub use bases::cosine::{Cosine, CosineCoefficients, Padding};
pub use bases::hermite::{Hermite, HermiteCoefficients, Projection, Scaling, Truncation, Weight};
pub use bases::maxwellian::{Fit, Maxwellian, MaxwellianCoefficients};
pub use bases::mixture::{
    Covariance as MixtureCovariance, Mixture, MixtureCoefficients, MixtureComponent, Refine,
    Selection as MixtureSelection, Start,
};
pub use bases::octree::{LeafKind, Octree, OctreeCoefficients, OctreeTarget, Splitting};
pub use bases::pca::{Pca, PcaAccumulator, PcaCoefficients, PopulationPca, PopulationPcaCoefficients, Values};
pub use bases::spherical::{Centre, Method, Misner, Shells, Spherical, SphericalCoefficients};
pub use bases::wavelet::{Boundary, Rounding, Wavelet, WaveletCoefficients, WaveletFilter};
pub use basis::any_basis::{AnyBasis, AnyCoefficients};
pub use basis::bound::{Bound, Figure};
pub use basis::choices::{Choices, Number, options_of, spec_around, spec_of};
pub use basis::spec::{Spec, Term, Value};
pub use basis::{
    Basis, Coefficients, Expansion, Gradient, Kept, Label, MOST_COEFFICIENTS, NamedBasis, Quantise, Quantity, Slot,
    Stream,
};
pub use coding::{Bit, Coder, Integers, Numbers, Reals, Resolution};
pub use compose::conserve::{Conserve, ConserveCoefficients};
pub use compose::log_density::{LogDensity, LogDensityCoefficients};
pub use compose::quantized::{Quantized, QuantizedCoefficients};
pub use compose::ratio::{AboveFloor, Ratio, RatioCoefficients};
pub use compose::residual::{Residual, ResidualCoefficients};
pub use container::batch::Batch;
pub use container::sparse::SparseExpansion;
pub use container::{StreamHead, StreamInfo};
pub use distribution::blocks::BlockOccupancy;
pub use distribution::fidelity::{Fidelity, StorageCost};
pub use distribution::frame::{Frame, Orientation};
pub use distribution::gaussian_fit::{Covariance, Gaussian};
pub use distribution::grid::VelocityGrid;
#[cfg(feature = "vlsv")]
pub use distribution::io::vlsv::{
    CellFacts, Crop, MagneticField, StoredBlocks, VelocityMesh, VlsvCopy, VlsvDistribution, VlsvFile,
};
pub use distribution::io::{NpyPopulation, Precision};
pub use distribution::moments::Moments;
pub use distribution::particles::{Deposit, Deposition, ParticleSampler, Particles};
pub use distribution::physics::{
    Equilibrium, FieldDirection, FieldFidelity, FieldFrame, ReducedDistribution, ReducedGrid,
};
pub use distribution::resample::Interpolation;
pub use distribution::synthetic::{Sampling, ShockPopulation, Synthetic};
pub use distribution::vdf::Vdf;
pub use error::{Error, Result};
pub use ndarray;
pub use numerics::selection::Selection;
pub use presets::{Effort, Preset, PresetCoefficients};
pub use registry::Registry;

// The snippets of the README are compiled and run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;
#[cfg(doctest)]
#[doc = include_str!("../docs/particles.md")]
struct ParticlesDoctests;
#[cfg(all(doctest, feature = "vlsv"))]
#[doc = include_str!("../docs/files.md")]
struct FilesDoctests;
#[cfg(doctest)]
#[doc = include_str!("../docs/derivatives.md")]
struct DerivativesDoctests;
#[cfg(doctest)]
#[doc = include_str!("../docs/physics.md")]
struct PhysicsDoctests;
