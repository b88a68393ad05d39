//! The electrostatic dispersion relation of Maxwellian beams.

use std::f64::consts::PI;

use nalgebra::Complex;

/// A Maxwellian population in one velocity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beam {
    /// Share of the density.
    pub density: f64,
    /// Mean velocity.
    pub drift: f64,
    /// Standard deviation of the velocity.
    pub thermal_speed: f64,
}

impl Beam {
    /// Density at a velocity.
    pub fn at(&self, v: f64) -> f64 {
        let z = (v - self.drift) / self.thermal_speed;
        self.density * (-0.5 * z * z).exp() / (self.thermal_speed * (2.0 * PI).sqrt())
    }

    /// Derivative of the density at a velocity.
    pub fn slope_at(&self, v: f64) -> f64 {
        -(v - self.drift) / self.thermal_speed.powi(2) * self.at(v)
    }
}

/// Spacing of the trapezoidal rule. Its error is about exp(−π²/h²), below the rounding error.
const STEP: f64 = 0.25;
/// Points on either side; exp(−t²) vanishes in double precision beyond |t| = 27.
const POINTS: i32 = 120;

/// The plasma dispersion function Z(ζ) = π^(−1/2) ∫ exp(−t²) / (t − ζ) dt, continued below the real axis.
///
/// The trapezoidal rule converges geometrically; the pole near the path adds the closed correction
/// 2πi exp(−ζ²) / (1 + exp(2π Im ζ / h)) for nodes that lie half a spacing beside Re ζ.
fn dispersion_function(zeta: Complex<f64>) -> Complex<f64> {
    let term = |n: i32| {
        let t = zeta.re + (f64::from(n) + 0.5) * STEP;
        Complex::from((-t * t).exp()) / (Complex::from(t) - zeta)
    };
    let sum: Complex<f64> = (-POINTS..POINTS).map(term).sum();
    let pole = (-zeta * zeta).exp() / (1.0 + (2.0 * PI * zeta.im / STEP).exp());
    (sum * STEP + Complex::new(0.0, 2.0 * PI) * pole) / PI.sqrt()
}

/// Dielectric function ε(ω, k) = 1 + Σ n / (k v_th)² (1 + ζ Z(ζ)), ζ = (ω/k − u) / (√2 v_th).
fn dielectric_function(beams: &[Beam], wavenumber: f64, frequency: Complex<f64>) -> Complex<f64> {
    let part = |beam: &Beam| {
        let zeta = (frequency / wavenumber - beam.drift) / (beam.thermal_speed * 2f64.sqrt());
        (zeta * dispersion_function(zeta) + 1.0) * (beam.density / (wavenumber * beam.thermal_speed).powi(2))
    };
    beams.iter().map(part).sum::<Complex<f64>>() + 1.0
}

/// The root of the dielectric function next to a guess, by Newton's method with a central difference.
pub fn root(beams: &[Beam], wavenumber: f64, guess: Complex<f64>) -> Complex<f64> {
    const DIFFERENCE: f64 = 1e-6;
    let value = |frequency| dielectric_function(beams, wavenumber, frequency);
    let mut frequency = guess;
    for _ in 0..50 {
        let slope = (value(frequency + DIFFERENCE) - value(frequency - DIFFERENCE)) / (2.0 * DIFFERENCE);
        let change = value(frequency) / slope;
        frequency -= change;
        if change.norm() < 1e-13 {
            break;
        }
    }
    frequency
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dispersion_function_has_its_known_values_and_derivative() {
        let z = dispersion_function;
        assert!((z(Complex::from(0.0)) - Complex::new(0.0, PI.sqrt())).norm() < 1e-14);
        // Z(i) = i √π e erfc(1).
        assert!((z(Complex::new(0.0, 1.0)) - Complex::new(0.0, 0.757_872_156_141_312_1)).norm() < 1e-13);
        // Z′ = −2 (1 + ζ Z) above and below the real axis.
        for zeta in [Complex::new(0.7, 0.4), Complex::new(2.0, -0.6), Complex::new(-1.3, 1e-9), Complex::new(3.0, -1.5)]
        {
            let slope = (z(zeta + 1e-5) - z(zeta - 1e-5)) / 2e-5;
            let expected = -(zeta * z(zeta) + 1.0) * 2.0;
            assert!((slope - expected).norm() < 1e-8 * (1.0 + expected.norm()), "{zeta}: {slope}, not {expected}");
        }
    }
}
