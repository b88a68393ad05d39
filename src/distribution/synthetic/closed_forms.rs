//! Integrals over all of velocity space: what normalises each shape, and its moments.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, PI, TAU};

use special::{Error as ErrorFunction, Gamma};

use super::shape::Shape;

/// Moments of a shape of unit density about its own mean, in the frame (e, b × e, b), where e points to gyrophase zero.
pub(super) struct Central {
    /// Mean velocity along e.
    pub offset: f64,
    pub variances: [f64; 3],
    /// Heat flux along e.
    pub heat_flux: f64,
}

impl Shape {
    /// The factor that makes ∫ f d³v = 1.
    pub(super) fn normalisation(&self) -> f64 {
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

    pub(super) fn central_moments(&self) -> Central {
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
