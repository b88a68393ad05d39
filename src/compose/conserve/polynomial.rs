//! Polynomials of velocity of the second degree, with energy fluxes of the third.

use crate::numerics::lanes::{Instructions, Vector};

/// Number of functions up to x_i x_j.
pub(super) const MOMENTS: usize = 10;
/// Number of functions with the three energy fluxes.
pub(super) const WITH_HEAT_FLUX: usize = 13;

/// Monomials of the functions up to x_i x_j: powers of x, y and z.
const POWERS: [[usize; 3]; MOMENTS] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]];

/// Polynomial p = Σ λ_a m_a, m_a the functions 1, x_i, x_i x_j, and Σ_j c_j x_i x_j² if there are 13.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Polynomial {
    pub(super) multipliers: Vec<f64>,
    /// Coefficients c_j of the energy fluxes.
    pub(super) energies: [f64; 3],
}

impl Polynomial {
    /// The polynomial that is zero, of `count` functions.
    pub(super) fn zero(count: usize, energies: [f64; 3]) -> Self {
        Self { multipliers: vec![0.0; count], energies }
    }

    /// Coefficients by powers of z, for given x and y.
    #[inline(always)]
    pub(super) fn along_z(&self, x: f64, y: f64) -> [f64; 4] {
        let l = &self.multipliers;
        let heat = |k: usize| l.get(MOMENTS + k).copied().unwrap_or(0.0);
        let [a, b, c] = self.energies;
        let (square, across) = (a * x * x + b * y * y, heat(0) * x + heat(1) * y);
        [
            l[0] + l[1] * x + l[2] * y + l[4] * x * x + l[5] * x * y + l[7] * y * y + across * square,
            l[3] + l[6] * x + l[8] * y + heat(2) * square,
            l[9] + across * c,
            heat(2) * c,
        ]
    }

    /// The polynomial with `length` times these multipliers added.
    pub(super) fn moved(&self, step: &[f64], length: f64) -> Self {
        let multipliers = self.multipliers.iter().zip(step).map(|(l, s)| l + length * s).collect();
        Self { multipliers, ..*self }
    }
}

/// Value at z of a polynomial with these coefficients.
#[inline(always)]
pub(super) fn at<I: Instructions>([a, b, c, d]: [f64; 4], z: Vector<I>) -> Vector<I> {
    z * (z * (z * d + c) + b) + a
}

/// Value at z of a polynomial without a cubic term.
#[inline(always)]
pub(super) fn quadratic<I: Instructions>([a, b, c, _]: [f64; 4], z: Vector<I>) -> Vector<I> {
    z * (z * c + b) + a
}

/// Monomials of function `a`, as powers of x, y and z, each with its factor.
pub(super) fn function(a: usize, energies: [f64; 3]) -> Vec<([usize; 3], f64)> {
    if a < MOMENTS {
        return vec![(POWERS[a], 1.0)];
    }
    let axis = a - MOMENTS;
    let raised = |other: usize| {
        let mut powers = [0; 3];
        powers[axis] += 1;
        powers[other] += 2;
        (powers, energies[other])
    };
    (0..3).map(raised).collect()
}
