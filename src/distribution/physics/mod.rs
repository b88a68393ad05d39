//! Quantities that papers print: temperatures about a magnetic field, agyrotropy, non-Maxwellianity, entropies,
//! divergences, gyro-averages, derivatives, and tables for linear solvers.
//!
//! Quantities of the pressure tensor are methods of [`Moments`](crate::Moments), so that they follow from the cells of a
//! distribution and from the coefficients of a basis alike. The others are methods of [`Vdf`](crate::Vdf). What is not
//! defined, as the direction of a field of zero or the temperature of an empty distribution, is an error that says why.
//!
//! ```
//! use vdf_basis::{FieldDirection, Sampling, Synthetic};
//!
//! let grid = Synthetic::default_grid("bi-maxwellian", 40)?;
//! let vdf = Synthetic::named("bi-maxwellian", 0)?.sample(&grid, Sampling::default())?;
//! let field = FieldDirection::new([0.0, 0.0, 5e-9])?;
//!
//! let pressure = vdf.moments().about_field(field);
//! let proton = vdf_basis::distribution::physics::PROTON_MASS;
//! let [parallel, perpendicular] = pressure.temperatures(proton)?; // kelvin
//! assert!(parallel > 0.0 && perpendicular > 0.0);
//! assert!((0.0..=1.0).contains(&pressure.sqrt_q()?));
//! # Ok::<(), vdf_basis::Error>(())
//! ```
//!
//! | quantity | function | paper |
//! |---|---|---|
//! | temperature \[K\], pressure \[Pa\], heat flux [W m⁻²] | [`Moments::temperature`](crate::Moments::temperature) and its neighbours | |
//! | T∥, T⊥, T⊥/T∥ | [`FieldPressure`] | |
//! | √Q, A∅, D_ng | [`FieldPressure::sqrt_q`] and its neighbours | Swisdak 2016, Scudder and Daughton 2008, Aunai 2013 |
//! | ε | [`Vdf::non_maxwellianity`](crate::Vdf::non_maxwellianity) | Greco 2012, Graham 2021 |
//! | entropies | [`Vdf::kinetic_entropy`](crate::Vdf::kinetic_entropy) | Kaufmann and Paterson 2009, Liang 2020 |
//! | divergences of two distributions | [`Vdf::js_divergence`](crate::Vdf::js_divergence), [`Vdf::kl_divergence`](crate::Vdf::kl_divergence) | Lin 1991, Kullback and Leibler 1951 |
//! | f(v∥, v⊥), f(v∥), gyro-average | [`Vdf::gyro_average`](crate::Vdf::gyro_average), [`ReducedDistribution`] | |
//! | f(v_⊥1, v_⊥2, v_∥) on a grid along the field | [`Vdf::in_field_frame`](crate::Vdf::in_field_frame) | |
//! | marginals along the axes | [`Vdf::marginal_on_axis`](crate::Vdf::marginal_on_axis), [`Vdf::marginal_on_plane`](crate::Vdf::marginal_on_plane) | |
//! | ∂f/∂v | [`Vdf::gradient`](crate::Vdf::gradient), [`ReducedDistribution::gradient`] | Fornberg 1988 |
//! | table f(p⊥, p∥) of ALPS | [`ReducedDistribution::alps_table`] | Verscharen 2018 |
//! | errors of T∥, T⊥, T⊥/T∥, √Q | [`FieldFidelity`] | |

mod alps;
mod comparison;
mod differences;
mod divergence;
mod entropy;
mod equilibrium;
mod field;
mod field_pressure;
mod gradient;
mod gyrotropy;
mod interpolation;
mod marginals;
mod non_maxwellianity;
mod reduced;
mod reduced_grid;
mod turned;
mod units;

pub use alps::AlpsTable;
pub use comparison::FieldFidelity;
pub(crate) use divergence::js_bits;
pub use entropy::{KineticEntropy, relative_entropy};
pub use equilibrium::Equilibrium;
pub use field::{FieldDirection, FieldFrame};
pub use field_pressure::FieldPressure;
pub use non_maxwellianity::NonMaxwellianity;
pub use reduced::ReducedDistribution;
pub use reduced_grid::ReducedGrid;
pub use units::{BOLTZMANN, ELECTRON_MASS, PROTON_MASS};

use crate::error::Error;

/// The refusal of a quantity that this distribution does not have.
fn undefined(quantity: &'static str, reason: impl Into<String>) -> Error {
    Error::Undefined { quantity, reason: reason.into() }
}

#[cfg(test)]
mod test_distributions;
