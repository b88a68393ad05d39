//! The shapes: one formula each, with its normalisation and moments.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, PI, TAU};

use special::{Error as ErrorFunction, Gamma};

use super::{dot, invalid};
use crate::distribution::moments::Moments;
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
        /// Where φ = 0: the part of this vector across the field, which must not vanish.
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

const SPEEDS: std::ops::RangeInclusive<f64> = 1e-30..=1e30;
const DENSITIES: std::ops::RangeInclusive<f64> = 1e-100..=1e100;
const MAX_KAPPA: f64 = 1e4;
const MAX_EXPONENT: f64 = 1e4;
const MAX_SHARPNESS: f64 = 1e3;
const MAX_ORDER: u32 = 100;

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

/// Moments of a shape of unit density about its own mean, in the frame (e, b × e, b), where e points to gyrophase zero.
struct Central {
    /// Mean velocity along e.
    offset: f64,
    variances: [f64; 3],
    /// Heat flux along e.
    heat_flux: f64,
}

impl Shape {
    fn check(&self) -> Result<()> {
        let within = |name, value: f64, range: std::ops::RangeInclusive<f64>, allowed: &str| {
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
    fn directions(&self) -> Result<([f64; 3], [f64; 3])> {
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

    /// The factor that makes ∫ f d³v = 1.
    fn normalisation(&self) -> f64 {
        // √2π times a width: the integral of a Gaussian.
        let line = |width: f64| TAU.sqrt() * width;
        match *self {
            Self::Maxwellian { v_th } => line(v_th).powi(-3),
            Self::BiMaxwellian { v_th_par, v_th_perp, .. } => 1.0 / (line(v_th_par) * line(v_th_perp).powi(2)),
            Self::Ring { speed, width, v_th_par, .. } => {
                1.0 / (TAU * radial_integrals(speed, width)[1] * line(v_th_par))
            }
            Self::Crescent { speed, width, v_th_par, sharpness: m, .. } => {
                // ⟨((1 + cos φ)/2)^m⟩ = ⟨cos^2m(φ/2)⟩ = Γ(m + ½) / (√π Γ(m + 1)).
                let bunching = (ln_gamma(m + 0.5) - ln_gamma(m + 1.0)).exp() / PI.sqrt();
                1.0 / (TAU * bunching * radial_integrals(speed, width)[1] * line(v_th_par))
            }
            Self::Shell { speed, width } => 1.0 / (2.0 * TAU * radial_integrals(speed, width)[2]),
            Self::Kappa { v_th, kappa } => {
                let scale = (PI * (2.0 * kappa - 3.0)).sqrt() * v_th;
                (ln_gamma(kappa + 1.0) - ln_gamma(kappa - 0.5)).exp() / scale.powi(3)
            }
            Self::LossCone { v_th_par, v_th_perp, order, .. } => {
                // The formula is written with (w⊥²/2v_th⊥²)^j, whose mean over the bi-Maxwellian is j!.
                let factorial: f64 = (1..=order).map(f64::from).product();
                1.0 / (line(v_th_par) * line(v_th_perp).powi(2) * factorial)
            }
            Self::FlatTop { edge, exponent: p } => {
                // ∫₀^∞ x^k / (1 + x^2p) dx = (π/2p) / sin((k+1) π/2p).
                let integral = FRAC_PI_2 / p / (3.0 * FRAC_PI_2 / p).sin();
                1.0 / (2.0 * TAU * edge.powi(3) * integral)
            }
        }
    }

    fn central_moments(&self) -> Central {
        let gyrotropic = |perp, par| Central { offset: 0.0, variances: [perp, perp, par], heat_flux: 0.0 };
        let isotropic = |variance| gyrotropic(variance, variance);
        match *self {
            Self::Maxwellian { v_th } | Self::Kappa { v_th, .. } => isotropic(v_th * v_th),
            Self::BiMaxwellian { v_th_par, v_th_perp, .. } => gyrotropic(v_th_perp * v_th_perp, v_th_par * v_th_par),
            Self::Ring { speed, width, v_th_par, .. } => {
                let [_, g1, _, g3, _] = radial_integrals(speed, width);
                gyrotropic(0.5 * g3 / g1, v_th_par * v_th_par)
            }
            Self::Crescent { speed, width, v_th_par, sharpness: m, .. } => {
                let [_, g1, g2, g3, g4] = radial_integrals(speed, width);
                let [r1, r2, r3] = [g2 / g1, g3 / g1, g4 / g1];
                let (cos, cos2) = (m / (m + 1.0), m * (m - 1.0) / ((m + 1.0) * (m + 2.0)));
                let along = v_th_par * v_th_par;
                let offset = r1 * cos;
                let (xx, yy) = (0.5 * r2 * (1.0 + cos2), 0.5 * r2 * (1.0 - cos2));
                // ½⟨w_x w²⟩, moved from the centre of the ring to the mean d: −(M·d) − ½ tr(M) d + d³.
                let third = 0.5 * cos * (r3 + r1 * along);
                let heat_flux = third - offset * (xx + 0.5 * (xx + yy + along) - offset * offset);
                Central { offset, variances: [xx - offset * offset, yy, along], heat_flux }
            }
            Self::Shell { speed, width } => {
                let [_, _, g2, _, g4] = radial_integrals(speed, width);
                isotropic(g4 / (3.0 * g2))
            }
            Self::LossCone { v_th_par, v_th_perp, order, .. } => {
                gyrotropic(f64::from(order + 1) * v_th_perp * v_th_perp, v_th_par * v_th_par)
            }
            Self::FlatTop { edge, exponent: p } => {
                isotropic(edge * edge / 3.0 * (3.0 * FRAC_PI_2 / p).sin() / (5.0 * FRAC_PI_2 / p).sin())
            }
        }
    }
}

/// G_k = ∫₀^∞ x^k exp(−(x−V)²/2s²) dx for k = 0 … 4, by G_k = V G_{k−1} + (k−1) s² G_{k−2}: no term is negative.
fn radial_integrals(speed: f64, width: f64) -> [f64; 5] {
    let (ratio, half_line) = (speed / width, FRAC_PI_2.sqrt());
    let mut g = [half_line * (1.0 + ErrorFunction::error(ratio * FRAC_1_SQRT_2)), 0.0, 0.0, 0.0, 0.0];
    g[1] = ratio * g[0] + (-0.5 * ratio * ratio).exp();
    for k in 2..5 {
        g[k] = ratio * g[k - 1] + (k - 1) as f64 * g[k - 2];
    }
    let mut scale = 1.0;
    g.map(|g| {
        scale *= width;
        g * scale
    })
}

fn ln_gamma(x: f64) -> f64 {
    Gamma::ln_gamma(x).0
}

/// The unit vector along `v`, unless it is zero or not finite.
fn unit(v: [f64; 3]) -> Option<[f64; 3]> {
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
fn perpendicular(v: [f64; 3], axis: [f64; 3]) -> [f64; 3] {
    let along = dot(v, axis);
    std::array::from_fn(|i| v[i] - along * axis[i])
}

/// Moments by brute force, from `evaluate` alone.
#[cfg(test)]
pub(super) mod reference {
    use super::super::Synthetic;
    use super::*;
    use crate::distribution::{grid::VelocityGrid, vdf::Vdf};

    /// Midpoint sums over a box of half-width `reach`: exponentially accurate for smooth, decaying distributions.
    pub fn summed(distribution: &Synthetic, reach: f64, spacing: f64) -> Moments {
        let cells = (2.0 * reach / spacing).ceil() as usize;
        let grid = VelocityGrid::from_edges([cells; 3], [-reach; 3], [reach; 3]).unwrap();
        Vdf::from_fn(grid, |v| distribution.evaluate(v)).unwrap().moments()
    }

    /// Quadrature in spherical coordinates about `centre` with the field as pole, radii mapped from [0, 1) by
    /// r = `scale` t/(1−t): every shape is smooth in these, out to its algebraic tails.
    pub fn spherical(distribution: &Synthetic, centre: [f64; 3], field: [f64; 3], scale: f64) -> Moments {
        let pole = unit(field).unwrap();
        let x = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]].map(|t| perpendicular(t, pole));
        let x = unit(if dot(x[0], x[0]) > 0.3 { x[0] } else { x[1] }).unwrap();
        let y = [pole[1] * x[2] - pole[2] * x[1], pole[2] * x[0] - pole[0] * x[2], pole[0] * x[1] - pole[1] * x[0]];
        let phases: Vec<(f64, f64)> = (0..32).map(|k| (TAU * (f64::from(k) + 0.37) / 32.0).sin_cos()).collect();
        let mut nodes = Vec::new();
        for (t, dt) in composite(90) {
            let r = scale * t / (1.0 - t);
            let dr = scale * dt / (1.0 - t).powi(2);
            for (a, da) in composite(24) {
                let (sin, cos) = (PI * a).sin_cos();
                for (s, c) in &phases {
                    let w: [f64; 3] = std::array::from_fn(|i| r * (cos * pole[i] + sin * (c * x[i] + s * y[i])));
                    let v = std::array::from_fn(|i| centre[i] + w[i]);
                    nodes.push((w, distribution.evaluate(v) * r * r * dr * sin * PI * da * TAU / 32.0));
                }
            }
        }
        let mut first = [0.0; 4];
        for (w, mass) in &nodes {
            for (sum, term) in first.iter_mut().zip([1.0, w[0], w[1], w[2]]) {
                *sum += term * mass;
            }
        }
        let density = first[0];
        let mean: [f64; 3] = std::array::from_fn(|i| first[i + 1] / density);
        let (mut pressure, mut heat_flux) = ([[0.0; 3]; 3], [0.0; 3]);
        for (w, mass) in &nodes {
            let w: [f64; 3] = std::array::from_fn(|i| w[i] - mean[i]);
            for i in 0..3 {
                heat_flux[i] += 0.5 * w[i] * dot(w, w) * mass;
                for j in 0..3 {
                    pressure[i][j] += w[i] * w[j] * mass;
                }
            }
        }
        Moments { density, bulk_velocity: std::array::from_fn(|i| centre[i] + mean[i]), pressure, heat_flux }
    }

    /// Five-point Gauss-Legendre nodes and weights on each of `panels` panels of [0, 1] (Abramowitz and Stegun 25.4).
    fn composite(panels: u32) -> impl Iterator<Item = (f64, f64)> {
        let rule = [
            (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
            (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
            (0.0, 0.568_888_888_888_888_9),
            (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
            (0.906_179_845_938_664, 0.236_926_885_056_189_1),
        ];
        let width = 1.0 / f64::from(panels);
        (0..panels).flat_map(move |k| rule.map(|(x, w)| ((f64::from(k) + 0.5 * (x + 1.0)) * width, 0.5 * w * width)))
    }

    /// Compares moments, each in its own natural unit.
    #[track_caller]
    pub fn assert_moments(exact: &Moments, reference: &Moments, tolerance: f64) {
        let v_th = exact.thermal_speed();
        let mut worst = (exact.density - reference.density).abs() / exact.density;
        for i in 0..3 {
            worst = worst.max((exact.bulk_velocity[i] - reference.bulk_velocity[i]).abs() / v_th);
            worst = worst.max((exact.heat_flux[i] - reference.heat_flux[i]).abs() / (exact.density * v_th.powi(3)));
            for j in 0..3 {
                let difference = (exact.pressure[i][j] - reference.pressure[i][j]).abs();
                worst = worst.max(difference / (exact.density * v_th * v_th));
            }
        }
        assert!(worst <= tolerance, "off by {worst:e}:\n{exact:?}\n{reference:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::Synthetic;
    use super::reference::{assert_moments, spherical, summed};
    use super::*;
    use crate::error::Error;
    use approx::assert_relative_eq;

    const DRIFT: [f64; 3] = [0.3, -0.7, 1.1];
    const FIELD: [f64; 3] = [1.0, -2.0, 2.0];
    const TOWARDS: [f64; 3] = [1.0, 1.0, 1.0];

    /// Every shape, with nothing special about its parameters.
    fn shapes() -> [Shape; 10] {
        let field = FIELD;
        [
            Shape::Maxwellian { v_th: 1.3 },
            Shape::BiMaxwellian { v_th_par: 0.8, v_th_perp: 1.4, field },
            Shape::Ring { speed: 1.2, width: 0.9, v_th_par: 0.7, field },
            Shape::Ring { speed: 0.0, width: 0.9, v_th_par: 0.7, field },
            Shape::Crescent { speed: 6.0, width: 0.8, v_th_par: 1.1, field, towards: TOWARDS, sharpness: 3.0 },
            Shape::Shell { speed: 2.0, width: 0.7 },
            Shape::Kappa { v_th: 1.2, kappa: 3.5 },
            Shape::LossCone { v_th_par: 1.1, v_th_perp: 0.8, order: 3, field },
            Shape::FlatTop { edge: 1.7, exponent: 5.0 },
            Shape::FlatTop { edge: 0.6, exponent: 4.0 },
        ]
    }

    #[test]
    fn closed_forms_agree_with_quadrature_in_spherical_coordinates() {
        for shape in shapes() {
            let component = Synthetic::single(2.5, DRIFT, shape).unwrap();
            assert_moments(&component.moments(), &spherical(&component, DRIFT, FIELD, 2.0), 1e-9);
        }
    }

    #[test]
    fn closed_forms_agree_with_sums_over_a_wide_fine_grid() {
        for shape in shapes() {
            // Algebraic tails and the cusps of narrow rings and shells are for the quadrature above.
            let smooth = match shape {
                Shape::Kappa { .. } | Shape::FlatTop { .. } => continue,
                Shape::Ring { v_th_par, field, .. } => Shape::Ring { speed: 6.0, width: 0.8, v_th_par, field },
                Shape::Shell { .. } => Shape::Shell { speed: 6.0, width: 0.8 },
                shape => shape,
            };
            let component = Synthetic::single(2.5, DRIFT, smooth).unwrap();
            assert_moments(&component.moments(), &summed(&component, 13.5, 0.45), 1e-10);
        }
    }

    #[test]
    fn the_crescent_has_a_drift_a_heat_flux_and_no_gyrotropy() {
        let (speed, width, v_th_par) = (6.0, 0.8, 1.1);
        let crescent = |sharpness| {
            let shape =
                Shape::Crescent { speed, width, v_th_par, field: [0.0, 0.0, 2.0], towards: [0.0, 1.0, 5.0], sharpness };
            Component::new(1.0, [0.0; 3], shape).unwrap()
        };
        let m = crescent(2.0).moments();
        assert_relative_eq!(m.bulk_velocity[1], (speed + width * width / speed) * 2.0 / 3.0, max_relative = 1e-9);
        assert!(m.pressure[0][0] > 1.5 * m.pressure[1][1] && m.heat_flux[1].abs() > m.thermal_speed().powi(3) / 10.0);
        // Unsharpened it is the ring, and a fractional sharpness is as good as a whole one.
        let ring =
            Component::new(1.0, [0.0; 3], Shape::Ring { speed, width, v_th_par, field: [0.0, 0.0, 1.0] }).unwrap();
        assert_moments(&crescent(0.0).moments(), &ring.moments(), 1e-14);
        let fractional = Synthetic::new(vec![crescent(7.5)]).unwrap();
        assert_moments(&fractional.moments(), &spherical(&fractional, [0.0; 3], [0.0, 0.0, 1.0], 2.0), 1e-9);
    }

    #[test]
    fn limits_of_the_families_are_maxwellians() {
        let v = [1.0, 0.4, -0.8];
        let at = |shape| Component::new(1.0, DRIFT, shape).unwrap().evaluate(v);
        let maxwellian = at(Shape::Maxwellian { v_th: 0.9 });
        let field = FIELD;
        assert_relative_eq!(at(Shape::BiMaxwellian { v_th_par: 0.9, v_th_perp: 0.9, field }), maxwellian);
        let cone = Shape::LossCone { v_th_par: 0.9, v_th_perp: 0.9, order: 0, field };
        assert_relative_eq!(at(cone), maxwellian, max_relative = 1e-14);
        assert_relative_eq!(at(Shape::Shell { speed: 0.0, width: 0.9 }), maxwellian, max_relative = 1e-14);
        let ring = Shape::Ring { speed: 0.0, width: 0.9, v_th_par: 0.9, field };
        assert_relative_eq!(at(ring), maxwellian, max_relative = 1e-14);
        assert_relative_eq!(at(Shape::Kappa { v_th: 0.9, kappa: 1e4 }), maxwellian, max_relative = 1e-2);
    }

    #[test]
    fn any_unit_works() {
        for unit in [1e-25, 1e25] {
            for shape in [Shape::Kappa { v_th: unit, kappa: 1.6 }, Shape::Shell { speed: 5.0 * unit, width: unit }] {
                let m = Component::new(1e30, [3.0 * unit; 3], shape).unwrap().moments();
                assert!(m.pressure[0][0] > 0.0 && m.pressure[0][0].is_finite());
            }
        }
        for shape in shapes() {
            let component = Component::new(1.0, DRIFT, shape).unwrap();
            for far in [1e5, 1e150, 1e300] {
                let f = component.evaluate([far, -far, far]);
                assert!((0.0..1e-20).contains(&f), "{shape:?} is {f} at {far:e}");
            }
            assert!(component.evaluate(DRIFT).is_finite());
        }
    }

    #[test]
    fn parameters_out_of_range_are_refused_by_name() {
        let (field, towards) = (FIELD, TOWARDS);
        let crescent = |field, towards, sharpness| Shape::Crescent {
            speed: 1.0,
            width: 1.0,
            v_th_par: 1.0,
            field,
            towards,
            sharpness,
        };
        for (expected, shape) in [
            ("v_th", Shape::Maxwellian { v_th: 0.0 }),
            ("v_th", Shape::Kappa { v_th: f64::NAN, kappa: 3.0 }),
            ("v_th_par", Shape::BiMaxwellian { v_th_par: -1.0, v_th_perp: 1.0, field }),
            ("v_th_perp", Shape::BiMaxwellian { v_th_par: 1.0, v_th_perp: f64::INFINITY, field }),
            ("v_th_perp", Shape::LossCone { v_th_par: 1.0, v_th_perp: 0.0, order: 1, field }),
            ("order", Shape::LossCone { v_th_par: 1.0, v_th_perp: 1.0, order: 101, field }),
            ("kappa", Shape::Kappa { v_th: 1.0, kappa: 1.5 }),
            ("kappa", Shape::Kappa { v_th: 1.0, kappa: f64::NAN }),
            ("exponent", Shape::FlatTop { edge: 1.0, exponent: 2.5 }),
            ("edge", Shape::FlatTop { edge: -1.0, exponent: 4.0 }),
            ("speed", Shape::Shell { speed: -1.0, width: 1.0 }),
            ("width", Shape::Shell { speed: 1.0, width: 0.0 }),
            ("width", Shape::Ring { speed: 1.0, width: 1e31, v_th_par: 1.0, field }),
            ("field", Shape::Ring { speed: 1.0, width: 1.0, v_th_par: 1.0, field: [0.0; 3] }),
            ("field", crescent([f64::NAN, 1.0, 0.0], towards, 1.0)),
            ("towards", crescent(field, field.map(|b| -3.0 * b), 1.0)),
            ("towards", crescent(field, [0.0; 3], 1.0)),
            ("sharpness", crescent(field, towards, -0.1)),
        ] {
            match Component::new(1.0, [0.0; 3], shape) {
                Err(Error::InvalidParameter { name, .. }) => assert_eq!(name, expected, "{shape:?}"),
                other => panic!("{shape:?} gave {other:?}"),
            }
        }
        let shape = Shape::Maxwellian { v_th: 1.0 };
        for density in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Component::new(density, [0.0; 3], shape).is_err());
        }
        assert!(Component::new(1.0, [0.0, f64::NAN, 0.0], shape).is_err());
    }
}
