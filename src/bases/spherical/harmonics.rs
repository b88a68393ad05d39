//! Real spherical harmonics, all degrees and orders at once over many directions.
//!
//! Y_lm(n) = √(2 − δ_m0) N_l|m| P_l^|m|(n_z) · (cos mφ for m ≥ 0, sin |m|φ for m < 0), N the factor that makes them
//! orthonormal over the unit sphere, ∫ Y_lm Y_l'm' dΩ = δ_ll' δ_mm', without the Condon-Shortley phase: Y_1,−1, Y_10,
//! Y_11 are √(3/4π) times y, z, x. They stand in the order l² + l + m.

use std::f64::consts::{FRAC_1_PI, SQRT_2};

use crate::numerics::lanes::{Instructions, LANES, Lanes, Vector, Vectorisable, vectorised};

/// Number of harmonics up to a degree: (degree + 1)².
#[must_use]
pub fn count(degree: usize) -> usize {
    (degree + 1) * (degree + 1)
}

/// Number of harmonics of a shell of splines, the innermost 0: one degree more from shell to shell until the highest is
/// reached. Near the centre few cells tell few harmonics apart, and f_lm must vanish like r^l.
pub(super) fn count_in_shell(shell: usize, degree: usize) -> usize {
    count(degree.min(shell + 1))
}

/// The degree l and order m of the harmonic at a position in the order l² + l + m.
#[must_use]
pub fn degree_and_order(position: usize) -> (usize, isize) {
    let l = position.isqrt();
    (l, position as isize - (l * l + l) as isize)
}

/// The factors of the recurrences up to a degree.
///
/// p_l = a z p_{l−1} − b r² p_{l−2} for every order, p_m,m constant, times (x + iy)^m: polynomials of the Cartesian
/// components throughout, without angles and without division, stable upwards (Holmes and Featherstone 2002, J. Geod.
/// 76, 279). On a unit vector they are the spherical harmonics, on any other the solid ones, r^l Y_lm: at the origin
/// only l = 0 is left.
#[derive(Debug, Clone)]
pub struct Harmonics {
    degree: usize,
    /// p_mm.
    sectoral: Vec<f64>,
    /// `[a, b]` for l = m + 1, …, degree, order after order.
    steps: Vec<[f64; 2]>,
}

impl Harmonics {
    /// The harmonics of degrees 0 to `degree`.
    #[must_use]
    pub fn new(degree: usize) -> Self {
        let mut sectoral = vec![(0.25 * FRAC_1_PI).sqrt()];
        let mut steps = Vec::new();
        for m in 0..=degree {
            if m > 0 {
                // The √2 of all orders but zero comes in once, at m = 1.
                let twice = (2 * m) as f64;
                sectoral.push(sectoral[m - 1] * ((twice + 1.0) / twice).sqrt() * if m == 1 { SQRT_2 } else { 1.0 });
            }
            let squared = |k: usize| (k * k) as f64;
            for l in m + 1..=degree {
                let (l2, m2, before) = (squared(l), squared(m), squared(l - 1));
                let a = ((4.0 * l2 - 1.0) / (l2 - m2)).sqrt();
                steps.push([a, a * ((before - m2) / (4.0 * before - 1.0)).sqrt()]);
            }
        }
        Self { degree, sectoral, steps }
    }

    /// The highest degree.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// All harmonics at every direction: one after another in the order l² + l + m, each at all directions.
    ///
    /// Of vectors that are not unit vectors these are the solid harmonics r^l Y_lm.
    #[must_use]
    pub fn evaluate(&self, directions: &[[f64; 3]]) -> Vec<f64> {
        let n = directions.len();
        let mut lanes = [0, 1, 2].map(|_| vec![[0.0; LANES]; n.div_ceil(LANES)]);
        for (k, direction) in directions.iter().enumerate() {
            (0..3).for_each(|axis| lanes[axis][k / LANES][k % LANES] = direction[axis]);
        }
        let mut values = vec![[0.0; LANES]; lanes[0].len() * count(self.degree)];
        self.write([&lanes[0], &lanes[1], &lanes[2]], &mut values);
        values.chunks(lanes[0].len().max(1)).flat_map(|column| &column.as_flattened()[..n]).copied().collect()
    }

    /// The same eight by eight: `to` holds for every harmonic as many `Lanes` as there are in each component.
    pub(super) fn write(&self, directions: [&[Lanes]; 3], to: &mut [Lanes]) {
        vectorised(Write { harmonics: self, directions, to });
    }
}

struct Write<'a> {
    harmonics: &'a Harmonics,
    directions: [&'a [Lanes]; 3],
    to: &'a mut [Lanes],
}

impl Vectorisable for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self, instructions: I) {
        let Harmonics { degree, sectoral, steps } = self.harmonics;
        let groups = self.directions[0].len();
        for group in 0..groups {
            let [x, y, z] = self.directions.map(|component| Vector::load(instructions, &component[group]));
            let squared = x * x + y * y + z * z;
            let mut place = |l: usize, m: usize, p: Vector<I>, cosine: Vector<I>, sine: Vector<I>| {
                (p * cosine).store(&mut self.to[(l * l + l + m) * groups + group]);
                if m > 0 {
                    (p * sine).store(&mut self.to[(l * l + l - m) * groups + group]);
                }
            };
            let mut steps = steps.iter();
            let (mut cosine, mut sine) = (x.of(1.0), x.of(0.0));
            for (m, &first) in sectoral.iter().enumerate() {
                if m > 0 {
                    (cosine, sine) = (x * cosine - y * sine, x * sine + y * cosine);
                }
                let (mut before, mut last) = (x.of(0.0), x.of(first));
                place(m, m, last, cosine, sine);
                for (l, &[a, b]) in (m + 1..=*degree).zip(steps.by_ref()) {
                    let next = z * last * a - squared * before * b;
                    (before, last) = (last, next);
                    place(l, m, last, cosine, sine);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sphere::Sphere;
    use super::*;
    use std::f64::consts::PI;

    fn directions() -> Vec<[f64; 3]> {
        let mut all = vec![[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]];
        all.extend((1..40).map(|k| {
            let (t, p) = (f64::from(k) * 0.079, f64::from(k) * 1.7);
            [t.sin() * p.cos(), t.sin() * p.sin(), t.cos()]
        }));
        all
    }

    #[test]
    fn low_degrees_follow_their_closed_forms() {
        let at = directions();
        let values = Harmonics::new(4).evaluate(&at);
        for (k, &[x, y, z]) in at.iter().enumerate() {
            // The table of Cartesian real harmonics in every textbook of quantum chemistry.
            let a = |numerator: f64, denominator: f64| (numerator / (denominator * PI)).sqrt();
            let expected = [
                a(1.0, 4.0),
                a(3.0, 4.0) * y,
                a(3.0, 4.0) * z,
                a(3.0, 4.0) * x,
                a(15.0, 4.0) * x * y,
                a(15.0, 4.0) * y * z,
                a(5.0, 16.0) * (3.0 * z * z - 1.0),
                a(15.0, 4.0) * x * z,
                a(15.0, 16.0) * (x * x - y * y),
                a(35.0, 32.0) * y * (3.0 * x * x - y * y),
                a(105.0, 4.0) * x * y * z,
                a(21.0, 32.0) * y * (5.0 * z * z - 1.0),
                a(7.0, 16.0) * (5.0 * z.powi(3) - 3.0 * z),
                a(21.0, 32.0) * x * (5.0 * z * z - 1.0),
                a(105.0, 16.0) * (x * x - y * y) * z,
                a(35.0, 32.0) * x * (x * x - 3.0 * y * y),
                a(315.0, 16.0) * x * y * (x * x - y * y),
                a(315.0, 32.0) * y * (3.0 * x * x - y * y) * z,
                a(45.0, 16.0) * x * y * (7.0 * z * z - 1.0),
                a(45.0, 32.0) * y * (7.0 * z.powi(3) - 3.0 * z),
                a(9.0, 256.0) * (35.0 * z.powi(4) - 30.0 * z * z + 3.0),
                a(45.0, 32.0) * x * (7.0 * z.powi(3) - 3.0 * z),
                a(45.0, 64.0) * (x * x - y * y) * (7.0 * z * z - 1.0),
                a(315.0, 32.0) * x * (x * x - 3.0 * y * y) * z,
                a(315.0, 256.0) * (x * x * (x * x - 3.0 * y * y) - y * y * (3.0 * x * x - y * y)),
            ];
            for (position, expected) in expected.into_iter().enumerate() {
                let found = values[position * at.len() + k];
                assert!((found - expected).abs() < 1e-13, "{:?}: {found}, {expected}", degree_and_order(position));
            }
        }
    }

    #[test]
    fn they_are_orthonormal_to_degree_64() {
        let sphere = Sphere::exact_to(128);
        let values = Harmonics::new(64).evaluate(sphere.directions());
        let n = sphere.directions().len();
        let values = faer::MatRef::from_column_major_slice(&values, n, count(64));
        let weighted = faer::Mat::from_fn(n, count(64), |i, j| sphere.weights()[i] * values[(i, j)]);
        // Every 7th against all: degrees and orders of every kind in a tenth of the time.
        let some = faer::Mat::from_fn(n, count(64).div_ceil(7), |i, j| values[(i, 7 * j)]);
        let gram = some.transpose() * &weighted;
        for i in 0..gram.nrows() {
            for j in 0..gram.ncols() {
                let expected = if 7 * i == j { 1.0 } else { 0.0 };
                assert!((gram[(i, j)] - expected).abs() < 1e-12, "{i} {j}: {}", gram[(i, j)]);
            }
        }
    }

    #[test]
    fn the_addition_theorem_holds() {
        // Σ_m Y_lm(n) Y_lm(n') = (2l + 1)/4π P_l(n · n').
        let at = directions();
        let values = Harmonics::new(64).evaluate(&at);
        for i in 0..at.len() {
            for j in [0, 7, 23] {
                let cosine: f64 = (0..3).map(|axis| at[i][axis] * at[j][axis]).sum();
                let (mut before, mut legendre) = (0.0, 1.0);
                for l in 0..=64usize {
                    let sum: f64 = (l * l..count(l)).map(|k| values[k * at.len() + i] * values[k * at.len() + j]).sum();
                    let factor = (2 * l + 1) as f64;
                    assert!((sum - factor / (4.0 * PI) * legendre).abs() < 1e-12 * factor, "degree {l}");
                    let l = l as f64;
                    (before, legendre) = (legendre, ((2.0 * l + 1.0) * cosine * legendre - l * before) / (l + 1.0));
                }
            }
        }
    }

    #[test]
    fn other_vectors_give_solid_harmonics() {
        let values = Harmonics::new(6).evaluate(&[[0.6, 0.0, 0.8], [1.2, 0.0, 1.6], [0.0; 3]]);
        for (position, v) in values.chunks(3).enumerate() {
            let (l, _) = degree_and_order(position);
            assert!((v[1] - v[0] * 2f64.powi(l as i32)).abs() < 1e-12 && (v[2] == 0.0 || l == 0));
        }
    }
}
