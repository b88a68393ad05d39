//! A shape with a number density and a drift.

use std::ops::RangeInclusive;

use super::closed_forms::Central;
use super::shape::{SPEEDS, Shape};
use super::{dot, invalid};
use crate::distribution::moments::Moments;
use crate::error::Result;

/// A shape with a number density and a drift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    density: f64,
    drift: [f64; 3],
    shape: Shape,
    /// The factor of the formula in `Shape`.
    amplitude: f64,
    /// Unit vectors along the field and, across it, towards gyrophase zero; zero where the shape has none.
    along: [f64; 3],
    across: [f64; 3],
}

const DENSITIES: RangeInclusive<f64> = 1e-100..=1e100;

impl Component {
    /// A component of number density `density` [m⁻³] whose shape is centred at the velocity `drift` [m s⁻¹]: its bulk
    /// velocity, but for the crescent.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) naming the first parameter out of its range.
    pub fn new(density: f64, drift: [f64; 3], shape: Shape) -> Result<Self> {
        if !DENSITIES.contains(&density) {
            return Err(invalid("density", density, "a positive number from 1e-100 to 1e100"));
        }
        if !drift.iter().all(|u| u.abs() <= *SPEEDS.end()) {
            return Err(invalid("drift", format!("{drift:?}"), "a velocity whose components are at most 1e30"));
        }
        shape.check()?;
        let (along, across) = shape.directions()?;
        Ok(Self { density, drift, shape, amplitude: density * shape.normalisation(), along, across })
    }

    /// Number density [m⁻³].
    #[must_use]
    pub fn density(&self) -> f64 {
        self.density
    }

    /// Centre of the shape [m s⁻¹].
    #[must_use]
    pub fn drift(&self) -> [f64; 3] {
        self.drift
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Phase-space density [s³ m⁻⁶] at the velocity `v` [m s⁻¹].
    #[must_use]
    pub fn evaluate(&self, v: [f64; 3]) -> f64 {
        let w: [f64; 3] = std::array::from_fn(|i| v[i] - self.drift[i]);
        let par = dot(w, self.along);
        let across: [f64; 3] = std::array::from_fn(|i| w[i] - par * self.along[i]);
        let perp = dot(across, across).sqrt();
        let gaussian = |x: f64, width: f64| (-0.5 * (x / width).powi(2)).exp();
        let form = match self.shape {
            Shape::Maxwellian { v_th } => gaussian(perp, v_th),
            Shape::BiMaxwellian { v_th_par, v_th_perp, .. } => gaussian(par, v_th_par) * gaussian(perp, v_th_perp),
            Shape::Ring { speed, width, v_th_par, .. } => gaussian(perp - speed, width) * gaussian(par, v_th_par),
            Shape::Crescent { speed, width, v_th_par, sharpness, .. } => {
                // On the axis there is no gyrophase: take the middle between bunch and gap.
                let cosine = if perp > 0.0 { dot(across, self.across) / perp } else { 0.0 };
                let bunching = (0.5 * (1.0 + cosine)).clamp(0.0, 1.0).powf(sharpness);
                bunching * gaussian(perp - speed, width) * gaussian(par, v_th_par)
            }
            Shape::Shell { speed, width } => gaussian(perp - speed, width),
            Shape::Kappa { v_th, kappa } => {
                (-(kappa + 1.0) * ((perp / v_th).powi(2) / (2.0 * kappa - 3.0)).ln_1p()).exp()
            }
            Shape::LossCone { v_th_par, v_th_perp, order, .. } => {
                // Beyond 1e4 the exponential has long underflowed, and ∞ · 0 is kept out.
                let x = (0.5 * (perp / v_th_perp).powi(2)).min(1e4);
                let cone = if order == 0 { (-x).exp() } else { (f64::from(order) * x.ln() - x).exp() };
                cone * gaussian(par, v_th_par)
            }
            Shape::FlatTop { edge, exponent } => 1.0 / (1.0 + (perp / edge).powf(2.0 * exponent)),
        };
        self.amplitude * form
    }

    /// The moments over all of velocity space, in closed form.
    #[must_use]
    pub fn moments(&self) -> Moments {
        let Central { offset, variances: [across, other, along], heat_flux } = self.shape.central_moments();
        let (n, e, b) = (self.density, self.across, self.along);
        Moments {
            density: n,
            bulk_velocity: std::array::from_fn(|i| self.drift[i] + offset * e[i]),
            // diag(across, other, along) in the frame (e, b × e, b).
            pressure: std::array::from_fn(|i| {
                std::array::from_fn(|j| {
                    let isotropic = if i == j { other } else { 0.0 };
                    n * (isotropic + (across - other) * (e[i] * e[j]) + (along - other) * (b[i] * b[j]))
                })
            }),
            heat_flux: e.map(|e| n * heat_flux * e),
        }
    }

    /// The widths along the grid's axes of a Gaussian that separates on them.
    pub(super) fn separable_widths(&self) -> Option<[f64; 3]> {
        match self.shape {
            Shape::Maxwellian { v_th } => Some([v_th; 3]),
            Shape::BiMaxwellian { v_th_par, v_th_perp, .. } => {
                let axis = self.along.iter().position(|b| b.abs() == 1.0)?;
                Some(std::array::from_fn(|i| if i == axis { v_th_par } else { v_th_perp }))
            }
            _ => None,
        }
    }
}
