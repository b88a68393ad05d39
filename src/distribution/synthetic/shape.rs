//! The shapes: a formula each, and the parameters it may have.

use std::ops::RangeInclusive;

use super::{dot, invalid};
use crate::error::Result;

/// The shape of a component in w = v − drift, normalised to ∫ f d³v = n.
///
/// `field` is the direction of the magnetic field B (any unit, any length but zero); w∥ and w⊥ are the components of w
/// along and across it. Every `v_th` is the standard deviation of one velocity component, √(kT/m), where the literature
/// often takes √2 times that. Speeds and widths must lie between 1e-30 and 1e30 [m s⁻¹].
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// f ∝ exp(−w²/2v_th²). P = n v_th² 1.
    Maxwellian {
        /// Thermal speed [m s⁻¹].
        v_th: f64,
    },
    /// f ∝ exp(−w∥²/2v_th∥² − w⊥²/2v_th⊥²). P∥ = n v_th∥², P⊥ = n v_th⊥².
    BiMaxwellian {
        /// Thermal speed along the field [m s⁻¹].
        v_th_par: f64,
        /// Thermal speed across the field, per component [m s⁻¹].
        v_th_perp: f64,
        /// Direction of the magnetic field.
        field: [f64; 3],
    },
    /// A gyrotropic ring, as pick-up ions form: f ∝ exp(−(w⊥−V)²/2s² − w∥²/2v_th∥²). With the radial integrals
    /// G_k = ∫₀^∞ x^k exp(−(x−V)²/2s²) dx, P⊥ = n G₃/2G₁ and P∥ = n v_th∥².
    Ring {
        /// Ring speed V ≥ 0 across the field [m s⁻¹].
        speed: f64,
        /// Width s of the ring [m s⁻¹].
        width: f64,
        /// Thermal speed along the field [m s⁻¹].
        v_th_par: f64,
        /// Direction of the magnetic field.
        field: [f64; 3],
    },
    /// A ring bunched in gyrophase φ, as seen where ions gyrate at a shock and electrons meander at a reconnection site
    /// (crescents of Burch et al. 2016, Science 352, aaf2939): the ring times ((1 + cos φ)/2)^m.
    ///
    /// With ⟨cos φ⟩ = m/(m+1) and ⟨cos 2φ⟩ = m(m−1)/((m+1)(m+2)) it carries a drift (G₂/G₁)⟨cos φ⟩ across the field, a
    /// pressure that is not gyrotropic, and a heat flux. For V of a few s; nearer the axis f has a kink at w⊥ = 0.
    Crescent {
        /// Ring speed V ≥ 0 across the field [m s⁻¹].
        speed: f64,
        /// Width s of the ring [m s⁻¹].
        width: f64,
        /// Thermal speed along the field [m s⁻¹].
        v_th_par: f64,
        /// Direction of the magnetic field.
        field: [f64; 3],
        /// Vector whose part across the field, which must not vanish, has the direction φ = 0.
        towards: [f64; 3],
        /// Sharpness m, 0 (a ring) to 1000; the full width at half maximum is 4 arccos 2^(−1/2m).
        sharpness: f64,
    },
    /// An isotropic shell, as scattered pick-up ions form: f ∝ exp(−(|w|−V)²/2s²). P = n G₄/3G₂ 1.
    Shell {
        /// Shell speed V ≥ 0 [m s⁻¹].
        speed: f64,
        /// Width s of the shell [m s⁻¹].
        width: f64,
    },
    /// Suprathermal tails: f ∝ (1 + w²/((2κ−3) v_th²))^(−κ−1), whose pressure does not depend on κ (Livadiotis and
    /// McComas 2009, JGR 114, A11105). P = n v_th² 1. For κ ≤ 2 the heat flux is zero as the limit of growing spheres.
    Kappa {
        /// Thermal speed [m s⁻¹].
        v_th: f64,
        /// Index κ, above 3/2 (where the pressure diverges) and up to 1e4 (beyond, take a Maxwellian).
        kappa: f64,
    },
    /// The loss cone of Dory, Guest and Harris (1965, PRL 14, 131):
    /// f ∝ w⊥^(2j) exp(−w∥²/2v_th∥² − w⊥²/2v_th⊥²). P∥ = n v_th∥², P⊥ = (j+1) n v_th⊥².
    LossCone {
        /// Thermal speed along the field [m s⁻¹].
        v_th_par: f64,
        /// The width v_th⊥ [m s⁻¹] of the formula; the peak is at √(2j) of it.
        v_th_perp: f64,
        /// The order j, 0 (a bi-Maxwellian) to 100.
        order: u32,
        /// Direction of the magnetic field.
        field: [f64; 3],
    },
    /// The flat top of electrons at the bow shock (Feldman et al. 1983, JGR 88, 96): f ∝ 1/(1 + (|w|/v₀)^(2p)).
    /// P = n (v₀²/3) sin(3π/2p)/sin(5π/2p) 1. For p ≤ 3 the heat flux is zero as the limit of growing spheres.
    FlatTop {
        /// Edge v₀ of the plateau, where f is half of its maximum [m s⁻¹].
        edge: f64,
        /// Exponent p, above 5/2 (where the pressure diverges) and up to 1e4.
        exponent: f64,
    },
}

pub(super) const SPEEDS: RangeInclusive<f64> = 1e-30..=1e30;
const MAX_KAPPA: f64 = 1e4;
const MAX_EXPONENT: f64 = 1e4;
const MAX_SHARPNESS: f64 = 1e3;
const MAX_ORDER: u32 = 100;

impl Shape {
    /// Refuses parameters out of their range.
    pub(super) fn check(&self) -> Result<()> {
        let within = |name, value: f64, range: RangeInclusive<f64>, allowed: &str| {
            if range.contains(&value) { Ok(()) } else { Err(invalid(name, value, allowed)) }
        };
        let width = |name, value| within(name, value, SPEEDS, "a positive speed from 1e-30 to 1e30");
        let speed = |value| within("speed", value, 0.0..=*SPEEDS.end(), "a speed from 0 to 1e30");
        match *self {
            Self::Maxwellian { v_th } => width("v_th", v_th),
            Self::BiMaxwellian { v_th_par, v_th_perp, .. } => {
                width("v_th_par", v_th_par).and(width("v_th_perp", v_th_perp))
            }
            Self::Ring { speed: v, width: s, v_th_par, .. } => {
                speed(v).and(width("width", s)).and(width("v_th_par", v_th_par))
            }
            Self::Crescent { speed: v, width: s, v_th_par, sharpness, .. } => speed(v)
                .and(width("width", s))
                .and(width("v_th_par", v_th_par))
                .and(within("sharpness", sharpness, 0.0..=MAX_SHARPNESS, "a number from 0 to 1000")),
            Self::Shell { speed: v, width: s } => speed(v).and(width("width", s)),
            Self::Kappa { v_th, kappa } => width("v_th", v_th).and(within(
                "kappa",
                kappa,
                1.5f64.next_up()..=MAX_KAPPA,
                "a number above 3/2, up to 1e4",
            )),
            Self::LossCone { v_th_par, v_th_perp, order, .. } => width("v_th_par", v_th_par)
                .and(width("v_th_perp", v_th_perp))
                .and(within("order", order.into(), 0.0..=MAX_ORDER.into(), "an integer from 0 to 100")),
            Self::FlatTop { edge, exponent } => width("edge", edge).and(within(
                "exponent",
                exponent,
                2.5f64.next_up()..=MAX_EXPONENT,
                "a number above 5/2, up to 1e4",
            )),
        }
    }

    /// Unit vectors along the field, and across it towards gyrophase zero.
    pub(super) fn directions(&self) -> Result<([f64; 3], [f64; 3])> {
        let field = match *self {
            Self::Maxwellian { .. } | Self::Shell { .. } | Self::Kappa { .. } | Self::FlatTop { .. } => {
                return Ok(([0.0; 3], [0.0; 3]));
            }
            Self::BiMaxwellian { field, .. }
            | Self::Ring { field, .. }
            | Self::LossCone { field, .. }
            | Self::Crescent { field, .. } => field,
        };
        let along =
            unit(field).ok_or_else(|| invalid("field", format!("{field:?}"), "a finite vector of non-zero length"))?;
        let Self::Crescent { towards, .. } = *self else {
            return Ok((along, [0.0; 3]));
        };
        let across = unit(towards).and_then(|t| {
            let across = perpendicular(t, along);
            // Projected twice, or what rounding leaves along the field would count for a nearly parallel vector.
            (dot(across, across) > 1e-20).then(|| unit(perpendicular(across, along))).flatten()
        });
        let across = across
            .ok_or_else(|| invalid("towards", format!("{towards:?}"), "a finite vector that is not along the field"))?;
        Ok((along, across))
    }
}

/// The unit vector along `v`, unless it is zero or not finite.
pub(super) fn unit(v: [f64; 3]) -> Option<[f64; 3]> {
    // Divided by the largest component first: a field of 1e-200 T has a direction too.
    let largest = v.iter().fold(0.0, |largest, v| f64::max(largest, v.abs()));
    let finite = v.iter().all(|v| v.is_finite());
    (finite && largest > 0.0).then(|| {
        let v = v.map(|v| v / largest);
        let length = dot(v, v).sqrt();
        v.map(|v| v / length)
    })
}

/// The part of `v` across the unit vector `axis`.
pub(super) fn perpendicular(v: [f64; 3], axis: [f64; 3]) -> [f64; 3] {
    let along = dot(v, axis);
    std::array::from_fn(|i| v[i] - along * axis[i])
}
