//! Distributions known in closed form: named, seeded, and with exact moments to measure everything else against.
//!
//! A [`Synthetic`] is a sum of [`Component`]s, each a number density, a drift and a [`Shape`]. Its moments are formulas
//! over all of velocity space, not sums over a grid: what a box cuts off or cells smear out shows as a difference.
//!
//! ```
//! use vdf_basis::distribution::synthetic::{Sampling, Synthetic};
//!
//! let crescent = Synthetic::named("crescent", 0)?;
//! let vdf = crescent.sample(&Synthetic::default_grid("crescent", 50)?, Sampling::default())?;
//! let (exact, summed) = (crescent.moments(), vdf.moments());
//! assert!((exact.density - summed.density).abs() < 1e-3 * exact.density);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

mod catalogue;
mod closed_forms;
mod component;
mod population;
mod sampling;
mod shape;
mod traced;

pub use component::Component;
pub use population::{Jitter, Shock, ShockPopulation};
pub use sampling::{CellValue, Noise, Sampling};
pub use shape::Shape;
pub use traced::{CurrentSheet, Traced, TracedShock};

use super::grid::VelocityGrid;
use super::moments::Moments;
use crate::error::{Error, Result};

/// A sum of components, whose moments combine in closed form.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthetic {
    components: Vec<Component>,
}

impl Synthetic {
    /// The sum of the given components.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if there are none.
    pub fn new(components: Vec<Component>) -> Result<Self> {
        if components.is_empty() {
            return Err(invalid("components", 0, "at least one component"));
        }
        Ok(Self { components })
    }

    /// A single component of number density `density` [m⁻³], centred at the velocity `drift` [m s⁻¹].
    ///
    /// # Errors
    /// Those of [`Component::new`].
    pub fn single(density: f64, drift: [f64; 3], shape: Shape) -> Result<Self> {
        Self::new(vec![Component::new(density, drift, shape)?])
    }

    /// The components.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Phase-space density [s³ m⁻⁶] at the velocity `v` [m s⁻¹].
    #[must_use]
    pub fn evaluate(&self, v: [f64; 3]) -> f64 {
        self.components.iter().map(|component| component.evaluate(v)).sum()
    }

    /// The moments over all of velocity space, in closed form.
    ///
    /// A component of density n, bulk velocity u + d, pressure P and heat flux q adds, about the common bulk velocity
    /// u, the pressure P + n d d and the heat flux q + P·d + ½ (tr P + n d²) d.
    #[must_use]
    pub fn moments(&self) -> Moments {
        let parts: Vec<Moments> = self.components.iter().map(Component::moments).collect();
        let density = parts.iter().map(|part| part.density).sum::<f64>();
        // Weights rather than mass fluxes: a single component keeps its bulk velocity to the last bit.
        let bulk_velocity: [f64; 3] =
            std::array::from_fn(|i| parts.iter().map(|part| part.density / density * part.bulk_velocity[i]).sum());
        let (mut pressure, mut heat_flux) = ([[0.0; 3]; 3], [0.0; 3]);
        for part in &parts {
            let (n, p) = (part.density, &part.pressure);
            let d: [f64; 3] = std::array::from_fn(|i| part.bulk_velocity[i] - bulk_velocity[i]);
            let energy = 0.5 * (p[0][0] + p[1][1] + p[2][2] + n * dot(d, d));
            for i in 0..3 {
                heat_flux[i] += part.heat_flux[i] + dot(p[i], d) + energy * d[i];
                for j in 0..3 {
                    pressure[i][j] += p[i][j] + n * d[i] * d[j];
                }
            }
        }
        Moments { density, bulk_velocity, pressure, heat_flux }
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn invalid(name: &'static str, value: impl ToString, allowed: impl Into<String>) -> Error {
    Error::InvalidParameter { name, value: value.to_string(), allowed: allowed.into() }
}

/// The grid between two corners with `cells` cells along the longest edge and nearly cubic cells.
fn grid_between(lower: [f64; 3], upper: [f64; 3], cells: usize) -> Result<VelocityGrid> {
    let edges: [f64; 3] = std::array::from_fn(|axis| upper[axis] - lower[axis]);
    let longest = edges.into_iter().fold(0.0, f64::max);
    let shape = edges.map(|edge| (cells as f64 * edge / longest).round() as usize);
    VelocityGrid::from_edges(shape, lower, upper)
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
