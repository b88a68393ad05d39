//! Quadrature over the unit sphere: Gauss and Legendre's nodes in cos θ times equal steps in φ.

use std::f64::consts::{PI, TAU};

/// Nodes and weights that integrate every spherical harmonic up to a degree exactly.
#[derive(Debug, Clone)]
pub(super) struct Sphere {
    directions: Vec<[f64; 3]>,
    weights: Vec<f64>,
}

impl Sphere {
    /// For polynomials up to `degree`.
    pub(super) fn exact_to(degree: usize) -> Self {
        let (nodes, weights) = gauss_legendre(degree / 2 + 1);
        let steps = degree + 1;
        let mut sphere = Self { directions: Vec::new(), weights: Vec::new() };
        for (z, weight) in nodes.into_iter().zip(weights) {
            let across = ((1.0 - z) * (1.0 + z)).sqrt();
            for k in 0..steps {
                let (sine, cosine) = (TAU * k as f64 / steps as f64).sin_cos();
                sphere.directions.push([across * cosine, across * sine, z]);
                sphere.weights.push(weight * TAU / steps as f64);
            }
        }
        sphere
    }

    pub(super) fn directions(&self) -> &[[f64; 3]] {
        &self.directions
    }

    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }
}

/// Nodes and weights on [−1, 1] with which a sum over n nodes is exact to degree 2n − 1: roots of P_n by Newton's
/// method from Tricomi's approximation.
pub(super) fn gauss_legendre(n: usize) -> (Vec<f64>, Vec<f64>) {
    let count = n as f64;
    let mut nodes = vec![0.0; n];
    let mut weights = vec![0.0; n];
    for k in 0..n.div_ceil(2) {
        let mut x = (PI * (k as f64 + 0.75) / (count + 0.5)).cos();
        let mut slope = 1.0;
        // Quadratic from a start this good: four steps are enough for any n, the last makes sure of the slope.
        for _ in 0..6 {
            let (mut before, mut value) = (0.0, 1.0);
            for j in 0..n {
                let j = j as f64;
                (before, value) = (value, ((2.0 * j + 1.0) * x * value - j * before) / (j + 1.0));
            }
            slope = count * (x * value - before) / ((x - 1.0) * (x + 1.0));
            x -= value / slope;
        }
        // The middle node of an odd number is zero, which Newton's method finds to rounding.
        if 2 * k + 1 == n {
            x = 0.0;
        }
        let weight = 2.0 / ((1.0 - x) * (1.0 + x) * slope * slope);
        (nodes[k], nodes[n - 1 - k]) = (x, -x);
        (weights[k], weights[n - 1 - k]) = (weight, weight);
    }
    (nodes, weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for n in [1, 2, 5, 21, 64] {
            let (x, w) = gauss_legendre(n);
            for power in (0..2 * n).step_by(2) {
                let sum: f64 = x.iter().zip(&w).map(|(x, w)| w * x.powi(power as i32)).sum();
                assert!((sum - 2.0 / (power as f64 + 1.0)).abs() < 1e-14, "{n} {power}: {sum}");
            }
        }
        // ∫ x⁴ y² z² dΩ = 4π · 3·1·1 / (3·5·7·9).
        let sphere = Sphere::exact_to(8);
        let sum: f64 = sphere
            .directions()
            .iter()
            .zip(sphere.weights())
            .map(|([x, y, z], w)| w * x.powi(4) * y.powi(2) * z.powi(2))
            .sum();
        assert!((sum - 4.0 * PI * 3.0 / 945.0).abs() < 1e-15);
    }
}
