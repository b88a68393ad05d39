//! The power of a distribution by degree and by order, on every sphere and altogether.

use super::SphericalCoefficients;
use super::burnett;
use super::coefficients::Radial;
use super::harmonics::{count, degree_and_order};
use super::sphere::gauss_legendre;
use crate::numerics::scaling::{largest_magnitude, unit_of_squares};

/// Σ f_lm² by degree and by order. Sums over the orders of one degree do not change when the axes turn. Densities are
/// counted in [`SphericalSpectrum::unit`], which is 1 unless their squares would leave the range of `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct SphericalSpectrum {
    /// ∫ Σ_m f_lm² r² dr at index l: their sum is ∫ f² d³v, in (s³ m⁻⁶)² (m/s)³.
    pub degree: Vec<f64>,
    /// ∫ Σ_l (f_lm² + f_l,−m²) r² dr at index m ≥ 0, about the polar axis.
    pub order: Vec<f64>,
    /// The same on single spheres.
    pub spheres: Vec<SphereSpectrum>,
    /// Divisor of the densities before they are squared: 1 if the largest coefficient is between 1e-120 and 1e120, else
    /// a power of two near it.
    pub unit: f64,
}

/// The spectrum on one sphere, in (s³ m⁻⁶)².
#[derive(Debug, Clone, PartialEq)]
pub struct SphereSpectrum {
    /// [m/s].
    pub radius: f64,
    /// Σ_m f_lm² at index l.
    pub degree: Vec<f64>,
    /// Σ_l (f_lm² + f_l,−m²) at index m.
    pub order: Vec<f64>,
}

impl SphericalSpectrum {
    /// The part of the power that is the same all around the polar axis: 1 for a gyrotropic distribution.
    #[must_use]
    pub fn gyrotropy(&self) -> f64 {
        share(&self.order)
    }

    /// The part of the power that depends on direction: 0 for an isotropic distribution.
    #[must_use]
    pub fn anisotropy(&self) -> f64 {
        1.0 - share(&self.degree)
    }
}

/// The first of several parts, over the sum; all of nothing.
fn share(parts: &[f64]) -> f64 {
    let sum: f64 = parts.iter().sum();
    if sum > 0.0 { parts[0] / sum } else { 1.0 }
}

impl SphereSpectrum {
    fn new(radius: f64, f: &[f64], degree: usize, unit: f64) -> Self {
        let mut spectrum = Self { radius, degree: vec![0.0; degree + 1], order: vec![0.0; degree + 1] };
        for (position, f) in f.iter().enumerate() {
            let ((l, m), f) = (degree_and_order(position), f / unit);
            spectrum.degree[l] += f * f;
            spectrum.order[m.unsigned_abs()] += f * f;
        }
        spectrum
    }
}

impl SphericalCoefficients {
    /// f_lm(r) at a distance from the centre [m/s], in the order l² + l + m up to the degree asked for [s³ m⁻⁶]; zero
    /// beyond the outermost shell.
    #[must_use]
    pub fn on_sphere(&self, radius: f64) -> Vec<f64> {
        on_sphere(&self.pieces(1.0), self, radius)
    }

    /// Power by degree and by order, with spheres at the radii that the functions of the radius are made from.
    #[must_use]
    pub fn spectrum(&self) -> SphericalSpectrum {
        let radial = self.pieces(1.0);
        let unit = unit_of_squares(largest_magnitude(&self.amplitudes));
        let at = |radius: f64| SphereSpectrum::new(radius, &on_sphere(&radial, self, radius), self.degree, unit);
        // The integrand, a cubic squared times r², has degree 8 on every interval: five nodes are exact.
        let (ends, nodes) = match &radial {
            Radial::Pieces(pieces, _) => (pieces.breaks().to_vec(), 5),
            // Functions of total degree N reach to √(2N + 3) and a few widths more.
            Radial::Burnett(width) => {
                let reach = width * ((2.0 * self.degree as f64 + 3.0).sqrt() + 4.0);
                ((0..=24).map(|k| reach * f64::from(k) / 24.0).collect(), 10)
            }
        };
        let mut spectrum = SphericalSpectrum {
            degree: vec![0.0; self.degree + 1],
            order: vec![0.0; self.degree + 1],
            spheres: ends[1..].iter().map(|&radius| at(radius)).collect(),
            unit,
        };
        let (places, weights) = gauss_legendre(nodes);
        for ends in ends.windows(2) {
            for (place, weight) in places.iter().zip(&weights) {
                let radius = ends[0] + 0.5 * (place + 1.0) * (ends[1] - ends[0]);
                let factor = 0.5 * weight * (ends[1] - ends[0]) * radius * radius;
                let sphere = at(radius);
                spectrum.degree.iter_mut().zip(sphere.degree).for_each(|(sum, power)| *sum += factor * power);
                spectrum.order.iter_mut().zip(sphere.order).for_each(|(sum, power)| *sum += factor * power);
            }
        }
        spectrum
    }
}

fn on_sphere(radial: &Radial, coefficients: &SphericalCoefficients, radius: f64) -> Vec<f64> {
    let degree = coefficients.degree;
    let mut values = vec![0.0; count(degree)];
    match radial {
        Radial::Pieces(pieces, columns) => {
            let Some(interval) = pieces.interval(radius) else { return values };
            let weights = pieces.values(interval, radius);
            for (position, value) in values.iter_mut().enumerate() {
                *value = (0..4).map(|k| weights[k] * columns[interval][(position, k)]).sum();
            }
        }
        Radial::Burnett(width) => {
            let rho = radius / width;
            let mut functions = vec![0.0; coefficients.sizes.len() * (degree + 1)];
            burnett::radial_functions(rho * rho, degree, &mut functions);
            let mut amplitudes = coefficients.amplitudes.iter();
            for (n, &size) in coefficients.sizes.iter().enumerate() {
                for (position, amplitude) in (0..size as usize).zip(amplitudes.by_ref()) {
                    let l = position.isqrt();
                    values[position] += amplitude * functions[n * (degree + 1) + l] * rho.powi(l as i32);
                }
            }
        }
    }
    values
}
