//! The three runs: Landau damping, the two-stream instability and a bump on tail.
//!
//! Lengths are in Debye lengths, times in inverse plasma frequencies, velocities in thermal speeds.

use nalgebra::Complex;

use super::dispersion::{Beam, root};

/// Initial perturbation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// f₀ (1 + a cos kx), a standing wave.
    Standing,
    /// The eigenfunction of the dispersion relation's root: no other mode has to die out first.
    Eigenmode,
}

/// A run.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Name in tables and on the command line.
    pub name: &'static str,
    /// Name in pictures.
    pub title: &'static str,
    /// The unperturbed distribution along x. All beams have thermal speed 1 across it.
    pub beams: &'static [Beam],
    /// Wavenumber of the perturbation; one wavelength is the length of the box.
    pub wavenumber: f64,
    /// Relative amplitude of the density's perturbation.
    pub amplitude: f64,
    /// Initial perturbation.
    pub start: Start,
    /// Edges of the grid in vx. The density at the edges is below 1e-7 of the peak.
    pub edges: [f64; 2],
    /// Time of the end. The restart is at half of it.
    pub end: f64,
    /// Start and end of the fit of the rate, after the restart. The fit of growth ends before the wave saturates; that of
    /// damping begins when the modes that damp faster have died out.
    pub window: [f64; 2],
    /// First guess of the root of the dispersion relation, real and imaginary part.
    guess: [f64; 2],
}

const fn beam(density: f64, drift: f64, thermal_speed: f64) -> Beam {
    Beam { density, drift, thermal_speed }
}

/// All runs.
pub const CASES: [Case; 3] = [
    Case {
        name: "landau",
        title: "Landau damping",
        beams: &[beam(1.0, 0.0, 1.0)],
        wavenumber: 0.5,
        amplitude: 0.01,
        start: Start::Standing,
        edges: [-6.0, 6.0],
        end: 24.0,
        window: [4.0, 12.0],
        guess: [1.4, -0.15],
    },
    Case {
        name: "two-stream",
        title: "two-stream instability",
        beams: &[beam(0.5, -2.4, 1.0), beam(0.5, 2.4, 1.0)],
        wavenumber: 0.2,
        amplitude: 1e-4,
        start: Start::Eigenmode,
        edges: [-8.5, 8.5],
        end: 40.0,
        window: [0.0, 6.0],
        guess: [0.0, 0.2],
    },
    Case {
        name: "bump-on-tail",
        title: "bump on tail",
        beams: &[beam(0.9, 0.0, 1.0), beam(0.1, 4.5, 0.5)],
        wavenumber: 0.3,
        amplitude: 1e-4,
        start: Start::Eigenmode,
        edges: [-7.0, 9.0],
        end: 48.0,
        window: [0.0, 6.0],
        guess: [1.0, 0.2],
    },
];

impl Case {
    /// The run of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Complex frequency of the wave, the root of the dispersion relation next to the guess.
    pub fn frequency(&self) -> Complex<f64> {
        root(self.beams, self.wavenumber, Complex::new(self.guess[0], self.guess[1]))
    }

    /// Length of the box.
    pub fn length(&self) -> f64 {
        std::f64::consts::TAU / self.wavenumber
    }

    /// Initial density as a function of x and vx, integrated over vy and vz.
    pub fn density(&self) -> impl Fn(f64, f64) -> f64 {
        let Self { beams, wavenumber, amplitude, start, .. } = *self;
        let phase_velocity = self.frequency() / wavenumber;
        move |x, v| {
            let unperturbed: f64 = beams.iter().map(|beam| beam.at(v)).sum();
            match start {
                Start::Standing => unperturbed * (1.0 + amplitude * (wavenumber * x).cos()),
                Start::Eigenmode => {
                    // ∫ f₀′ / (v − ω/k) dv = k² at the root, so that the density's amplitude is a.
                    let slope: f64 = beams.iter().map(|beam| beam.slope_at(v)).sum();
                    let resonant = Complex::from(slope) / (Complex::from(v) - phase_velocity);
                    let wave = Complex::from_polar(amplitude / wavenumber.powi(2), wavenumber * x);
                    unperturbed + (resonant * wave).re
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_the_published_ones() {
        let of = |name: &str| Case::named(name).unwrap().frequency();
        // Canosa (1973) for Landau damping; Crouseilles et al. (2009) give 0.2258 for the two streams.
        assert!((of("landau") - Complex::new(1.41566, -0.15336)).norm() < 1e-5);
        assert!((of("two-stream") - Complex::new(0.0, 0.22584)).norm() < 1e-5);
        let bump = of("bump-on-tail");
        assert!(bump.im > 0.15 && bump.re > 0.9);
    }
}
