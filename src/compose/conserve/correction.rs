//! Search for the density with given moments that is nearest to a given one, g.
//!
//! The problem is min Σ (h − g)² over all h ≥ 0 with Σ m_a h = t_a, m_a the functions 1, x_i, x_i x_j (and x_i |x|²).
//! It is convex. Its solution is h = max(0, g + p), p = Σ λ_a m_a, with 10 (or 13) Lagrange multipliers λ_a, which are
//! found by Newton's method on Σ m_a h(λ) = t_a; the derivative is Σ m_a m_b over the cells where h > 0. The solution
//! is a projection onto a convex set, which decreases the distance to all points of the set, among them the original.
//! Instead h = g eᵖ minimises the relative entropy to g.
//!
//! The nearest h exists, with finite multipliers, if any density on its cells has these moments. This includes the
//! edge of the set of possible moments, those of a single cell for instance: p is then negative enough to empty all
//! other cells.

use nalgebra::{DMatrix, DVector};

use crate::numerics::summation::{CompensatedSums, row_sums};

/// Number of functions up to x_i x_j, whose sums are prescribed.
pub(super) const MOMENTS: usize = 10;
/// Number of functions with the three energy fluxes.
pub(super) const WITH_HEAT_FLUX: usize = 13;

/// Monomials of the functions up to x_i x_j: powers of x, y and z.
const POWERS: [[usize; 3]; MOMENTS] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]];

/// Method by which a density is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// h = max(0, g + p) where g > 0: the density with these moments on these cells that is nearest in the sum of
    /// squares.
    Even,
    /// h = max(0, g + p) on all cells. If the original is not negative, h is never farther from it than g, even if g
    /// has few of its cells.
    Everywhere,
    /// h = g eᵖ, positive wherever g is. Of a Gaussian it makes a Gaussian again.
    Tilt,
}

/// Value of g in cells that stay empty for every p.
pub(super) const EXCLUDED: f64 = f64::NEG_INFINITY;

impl Method {
    /// Density h and its derivative by p.
    #[inline(always)]
    pub(super) fn changed(self, g: f64, p: f64) -> [f64; 2] {
        let (h, slope) = match self {
            Self::Even | Self::Everywhere => (g + p, 1.0),
            Self::Tilt => {
                let h = g * p.min(MAX_TILT).exp();
                (h, h)
            }
        };
        if h > 0.0 && (g > 0.0 || self == Self::Everywhere) { [h, slope] } else { [0.0, 0.0] }
    }

    /// True if a cell may have a positive density.
    fn may_hold(self, g: f64) -> bool {
        g > 0.0 || self == Self::Everywhere && g > EXCLUDED
    }
}

/// Maximum exponent of a tilt: larger factors than e³⁰ occur only in a diverging search, and must not overflow.
const MAX_TILT: f64 = 30.0;
/// Error of the sums, relative to the density, at which the search ends: a hundredth of the promised 10⁻¹², and about
/// the rounding error of a compensated sum.
const CONVERGED: f64 = 1e-14;
/// Error at which the search ends once a step no longer halves it: rounding errors then prevent more.
const CONVERGED_IF_SLOW: f64 = 1e-13;
/// Error from which on steps that do not halve it are counted. Moments at the edge of the set of possible moments may
/// be rounded to impossible ones: then the smallest error is about the step of their lattice, 10⁻¹².
const COUNT_IDLE_BELOW: f64 = 1e-11;
/// Maximum number of successive steps that do not halve the error.
const IDLE_STEPS: usize = 4;
/// Error above which the search has failed. Between this and 10⁻¹² the encoder decides by the moments of the result.
const FAILED_ABOVE: f64 = 1e-8;
/// Maximum number of evaluations of the sums: more than ten times as many as usual.
const MAX_SUMS: usize = 100;
/// Damping added to the Hessian matrix, as a part of its diagonal with all cells occupied. It bounds steps along
/// directions in which no occupied cell changes: a cell emptied too early can be filled again, and a direction that
/// affects no cell at all is left alone.
const DAMPING: f64 = 1e-13;

/// Polynomial p = Σ λ_a m_a.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Polynomial {
    multipliers: Vec<f64>,
    /// Coefficients c_j of the energy fluxes, the sums of x_i Σ c_j x_j².
    energies: [f64; 3],
}

impl Polynomial {
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
    fn moved(&self, step: &DVector<f64>, length: f64) -> Self {
        let multipliers = self.multipliers.iter().zip(step.iter()).map(|(l, s)| l + length * s).collect();
        Self { multipliers, ..*self }
    }
}

#[inline(always)]
pub(super) fn at(coefficients: [f64; 4], z: f64) -> f64 {
    let [a, b, c, d] = coefficients;
    a + z * (b + z * (c + z * d))
}

/// Sums over the cells of monomials times h (up to degree 3) and times its derivative by p (up to degree 6).
struct Sums {
    of_h: [[[f64; 4]; 4]; 4],
    of_slope: [[[f64; 7]; 7]; 7],
}

/// The search for one distribution.
pub(super) struct Search<'a> {
    /// Cell centres x, y, z from the wanted mean, each in units of the wanted width along its axis.
    pub(super) axes: [Vec<f64>; 3],
    /// Density g ≥ 0, near one; [`EXCLUDED`] in cells that stay empty.
    pub(super) density: &'a [f64],
    /// Wanted sums t, one for every function.
    pub(super) wanted: Vec<f64>,
    /// c_j: the energy fluxes are those of x_i Σ c_j x_j².
    pub(super) energies: [f64; 3],
}

/// A point of the search: the multipliers, the sums, and t − Σ m h.
struct State {
    polynomial: Polynomial,
    sums: Sums,
    missing: DVector<f64>,
    /// Largest |t − Σ m h|, as a part of the density.
    error: f64,
}

impl Search<'_> {
    /// Polynomial of the solution; `None` if the search fails.
    pub(super) fn polynomial(&self, method: Method) -> Option<Polynomial> {
        match method {
            Method::Even => self.solve(method, |g, p| Method::Even.changed(g, p)),
            Method::Everywhere => self.solve(method, |g, p| Method::Everywhere.changed(g, p)),
            Method::Tilt => self.solve(method, |g, p| Method::Tilt.changed(g, p)),
        }
    }

    fn solve(&self, method: Method, changed: impl Fn(f64, f64) -> [f64; 2] + Copy) -> Option<Polynomial> {
        let count = self.wanted.len();
        let mut now = self.state(Polynomial { multipliers: vec![0.0; count], energies: self.energies }, changed);
        let mut best = (now.error, now.polynomial.clone());
        if best.0 > CONVERGED {
            let first = if method == Method::Everywhere { &self.sums_of_all(method) } else { &now.sums };
            let diagonal = self.hessian(first).diagonal();
            // Scale 1/√diagonal: the damping is relative to the diagonal of the matrix. Functions that vanish in all
            // cells get 0.
            let scale = diagonal.map(|d| if d > 0.0 && d.is_finite() { 1.0 / d.sqrt() } else { 0.0 });
            let (mut left, mut idle, mut halved) = (MAX_SUMS, 0, now.error);
            while left > 0 && best.0 > CONVERGED && idle < IDLE_STEPS {
                let Some(step) = solved(&self.hessian(&now.sums), &now.missing, &scale) else { break };
                let Some(next) = self.along(&step, &now, &mut left, changed) else { break };
                now = next;
                if now.error < best.0 {
                    best = (now.error, now.polynomial.clone());
                }
                match now.error <= 0.5 * halved {
                    true => (idle, halved) = (0, now.error),
                    false if halved <= CONVERGED_IF_SLOW => idle = IDLE_STEPS,
                    false if halved <= COUNT_IDLE_BELOW => idle += 1,
                    false => {}
                }
            }
        }
        (best.0 <= FAILED_ABOVE).then_some(best.1)
    }

    /// Line search along a Newton step; `None` if rounding errors prevent progress.
    ///
    /// The functional that Newton's method minimises is convex: along the step its slope rises from −s through zero.
    /// The whole step is taken if its slope is still negative, or at most 0.9 s in size. Otherwise a length with a
    /// smaller slope is found by regula falsi between a length too small and one too large.
    fn along(
        &self,
        step: &DVector<f64>,
        now: &State,
        left: &mut usize,
        changed: impl Fn(f64, f64) -> [f64; 2] + Copy,
    ) -> Option<State> {
        let slope = step.dot(&now.missing);
        if slope.is_nan() || slope <= 0.0 {
            return None;
        }
        let (mut low, mut high, mut length) = ((0.0, slope), None, 1.0);
        while *left > 0 {
            *left -= 1;
            let next = self.state(now.polynomial.moved(step, length), changed);
            let there = step.dot(&next.missing);
            if there.abs() <= 0.9 * slope || next.error <= CONVERGED || high.is_none() && there > 0.0 {
                return Some(next);
            }
            match there > 0.0 {
                true => low = (length, there),
                false => high = Some((length, there)),
            }
            let (end, beyond) = high?;
            let width = end - low.0;
            if low.0 > 0.0 && width < 0.3 * low.0 {
                return Some(next);
            }
            let crossing = if beyond.is_finite() { low.1 / (low.1 - beyond) } else { 0.0 };
            // The crossing of a straight line, kept away from both ends. While the lower end is zero, the upper one
            // may be orders of magnitude too large, and the length may shrink to a hundredth.
            length = low.0 + width * if low.0 > 0.0 { crossing.clamp(0.1, 0.9) } else { crossing.clamp(0.01, 0.5) };
        }
        None
    }

    fn state(&self, polynomial: Polynomial, changed: impl Fn(f64, f64) -> [f64; 2] + Copy) -> State {
        let sums = self.sums(&polynomial, changed);
        let missing = DVector::from_fn(self.wanted.len(), |a, _| {
            self.wanted[a] - self.function(a).iter().map(|&([i, j, k], c)| c * sums.of_h[i][j][k]).sum::<f64>()
        });
        let error = missing.amax() / self.wanted[0];
        State { polynomial, sums, missing, error: if error.is_nan() { f64::INFINITY } else { error } }
    }

    /// Sums with h = 1 in every cell that may have a positive density, for the scale of the damping.
    fn sums_of_all(&self, method: Method) -> Sums {
        let nothing = Polynomial { multipliers: vec![0.0; self.wanted.len()], energies: self.energies };
        self.sums(&nothing, |g, _| if method.may_hold(g) { [1.0, 1.0] } else { [0.0, 0.0] })
    }

    /// Monomials of function `a`, as powers of x, y and z, each with its factor.
    fn function(&self, a: usize) -> Vec<([usize; 3], f64)> {
        if a < MOMENTS {
            return vec![(POWERS[a], 1.0)];
        }
        let axis = a - MOMENTS;
        let raised = |other: usize| {
            let mut powers = [0; 3];
            powers[axis] += 1;
            powers[other] += 2;
            (powers, self.energies[other])
        };
        (0..3).map(raised).collect()
    }

    fn hessian(&self, sums: &Sums) -> DMatrix<f64> {
        let count = self.wanted.len();
        let functions: Vec<_> = (0..count).map(|a| self.function(a)).collect();
        DMatrix::from_fn(count, count, |a, b| {
            let mut sum = 0.0;
            for (left, c) in &functions[a] {
                for (right, d) in &functions[b] {
                    sum += c * d * sums.of_slope[left[0] + right[0]][left[1] + right[1]][left[2] + right[2]];
                }
            }
            sum
        })
    }

    fn sums(&self, polynomial: &Polynomial, changed: impl Fn(f64, f64) -> [f64; 2] + Copy) -> Sums {
        if self.wanted.len() == MOMENTS {
            self.sums_to::<8>(polynomial, 2, changed)
        } else {
            self.sums_to::<11>(polynomial, 3, changed)
        }
    }

    /// N sums along z: of h z^k up to the degree of the functions, and of its derivative up to twice that.
    fn sums_to<const N: usize>(
        &self,
        polynomial: &Polynomial,
        degree: usize,
        changed: impl Fn(f64, f64) -> [f64; 2] + Copy,
    ) -> Sums {
        let [x, y, z] = &self.axes;
        let (of_functions, of_products) = (exponents(degree), exponents(2 * degree));
        let least = if changed(0.0, 1.0)[0] == 0.0 { 0.0 } else { EXCLUDED };
        let mut of_h = CompensatedSums::<20>::zero();
        let mut sums = Sums { of_h: [[[0.0; 4]; 4]; 4], of_slope: [[[0.0; 7]; 7]; 7] };
        for (row, density) in self.density.chunks_exact(z.len()).enumerate() {
            if density.iter().all(|&g| g <= least) {
                continue;
            }
            let (x, y) = (x[row / y.len()], y[row % y.len()]);
            let along = polynomial.along_z(x, y);
            let line = row_sums::<N>(z.len(), |cell| {
                let z = z[cell];
                let [h, slope] = changed(density[cell], at(along, z));
                let mut terms = [0.0; N];
                let (mut h, mut slope) = (h, slope);
                for (k, term) in terms.iter_mut().enumerate() {
                    if k <= degree {
                        *term = h;
                        h *= z;
                    } else {
                        *term = slope;
                        slope *= z;
                    }
                }
                terms
            });
            let (powers_x, powers_y) = (powers(x), powers(y));
            let mut terms = [0.0; 20];
            for (term, &[i, j, k]) in terms.iter_mut().zip(&of_functions) {
                *term = powers_x[i] * powers_y[j] * line[k];
            }
            of_h.add(terms);
            for &[i, j, k] in &of_products {
                sums.of_slope[i][j][k] += powers_x[i] * powers_y[j] * line[degree + 1 + k];
            }
        }
        for (&[i, j, k], value) in of_functions.iter().zip(of_h.values()) {
            sums.of_h[i][j][k] = value;
        }
        sums
    }
}

/// Powers of x, y and z of all monomials up to a degree.
fn exponents(degree: usize) -> Vec<[usize; 3]> {
    let across = (0..=degree).flat_map(|i| (0..=degree - i).map(move |j| [i, j]));
    across.flat_map(|[i, j]| (0..=degree - i - j).map(move |k| [i, j, k])).collect()
}

fn powers(x: f64) -> [f64; 7] {
    let mut powers = [1.0; 7];
    for k in 1..7 {
        powers[k] = powers[k - 1] * x;
    }
    powers
}

/// Damped Newton step (H + [`DAMPING`]/s²)⁻¹ r, s being `scale`, by the eigenvalues of the scaled matrix: those that
/// are negative by rounding count as zero.
fn solved(hessian: &DMatrix<f64>, right: &DVector<f64>, scale: &DVector<f64>) -> Option<DVector<f64>> {
    let scaled = DMatrix::from_fn(right.len(), right.len(), |a, b| hessian[(a, b)] * scale[a] * scale[b]);
    if !scaled.iter().all(|value| value.is_finite()) {
        return None;
    }
    let eigen = scaled.symmetric_eigen();
    let along = eigen.eigenvectors.transpose() * right.component_mul(scale);
    let along = along.zip_map(&eigen.eigenvalues, |r, value| r / (value.max(0.0) + DAMPING));
    Some((eigen.eigenvectors * along).component_mul(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [Method; 3] = [Method::Even, Method::Everywhere, Method::Tilt];

    fn search(density: &[f64], wanted: Vec<f64>) -> Search<'_> {
        let axis = |n: usize| (0..n).map(|k| 0.5 * (k as f64 - 0.5 * (n - 1) as f64)).collect();
        Search { axes: [axis(9), axis(8), axis(10)], density, wanted, energies: [1.0, 0.5, 0.2] }
    }

    fn bell(centre: [f64; 3], width: f64) -> Vec<f64> {
        let Search { axes: [x, y, z], .. } = search(&[], vec![]);
        let mut values = Vec::new();
        for x in &x {
            for y in &y {
                for z in &z {
                    let d = [x - centre[0], y - centre[1], z - centre[2]];
                    let q: f64 = d.iter().map(|d| d * d).sum();
                    values.push((-0.5 * q / (width * width)).exp());
                }
            }
        }
        values
    }

    /// The sums, one cell at a time.
    fn sums_of(density: &[f64], count: usize) -> Vec<f64> {
        let Search { axes: [x, y, z], .. } = search(&[], vec![]);
        let mut sums = vec![0.0; count];
        for (cell, h) in density.iter().enumerate() {
            let v = [x[cell / 80], y[cell / 10 % 8], z[cell % 10]];
            for (a, sum) in sums.iter_mut().enumerate() {
                let product = |(p, c): &([usize; 3], f64)| c * (0..3).map(|i| v[i].powi(p[i] as i32)).product::<f64>();
                *sum += h * search(&[], vec![]).function(a).iter().map(product).sum::<f64>();
            }
        }
        sums
    }

    fn changed(density: &[f64], method: Method, polynomial: &Polynomial) -> Vec<f64> {
        let Search { axes: [x, y, z], .. } = search(&[], vec![]);
        let value = |(cell, &g): (usize, &f64)| {
            method.changed(g, at(polynomial.along_z(x[cell / 80], y[cell / 10 % 8]), z[cell % 10]))[0]
        };
        density.iter().enumerate().map(value).collect()
    }

    #[test]
    fn every_method_finds_a_density_with_the_moments_wanted() {
        let (g, f) = (bell([0.1, -0.2, 0.3], 0.8), bell([-0.3, 0.4, 0.0], 1.0));
        for count in [MOMENTS, WITH_HEAT_FLUX] {
            let wanted = sums_of(&f, count);
            for method in METHODS {
                let polynomial = search(&g, wanted.clone()).polynomial(method).unwrap();
                let h = changed(&g, method, &polynomial);
                assert!(h.iter().all(|&h| h >= 0.0));
                for (found, wanted) in sums_of(&h, count).iter().zip(&wanted) {
                    assert!((found - wanted).abs() < 2e-13 * sums_of(&f, 1)[0], "{method:?}: {found} for {wanted}");
                }
            }
        }
    }

    #[test]
    fn an_even_change_is_the_nearest_density() {
        // f itself has the moments and is not negative: the nearest such density is nearer to f than g is.
        let f = bell([-0.3, 0.4, 0.0], 1.0);
        let g: Vec<f64> = f.iter().enumerate().map(|(k, f)| f + 0.05 * (k as f64).sin().abs()).collect();
        let polynomial = search(&g, sums_of(&f, MOMENTS)).polynomial(Method::Even).unwrap();
        let distance = |h: &[f64]| h.iter().zip(&f).map(|(h, f)| (h - f).powi(2)).sum::<f64>();
        assert!(distance(&changed(&g, Method::Even, &polynomial)) < distance(&g));
    }

    #[test]
    fn moments_that_no_density_has_are_not_found() {
        let g = bell([0.0; 3], 0.7);
        let mut wanted = sums_of(&g, MOMENTS);
        // A variance that is negative, and one larger than the box.
        for variance in [-0.1, 100.0] {
            wanted[4] = variance * wanted[0];
            for method in METHODS {
                assert_eq!(search(&g, wanted.clone()).polynomial(method), None, "{method:?}");
            }
        }
    }

    #[test]
    fn planes_and_lines_of_cells_are_no_obstacle() {
        let f = bell([0.2, 0.1, -0.1], 0.9);
        let g = bell([0.0; 3], 0.8);
        // Only the cells of one plane, or of one line.
        for kept in [|cell: usize| cell / 80 == 4, |cell: usize| cell / 10 == 35] {
            let only =
                |values: &[f64]| values.iter().enumerate().map(|(k, v)| if kept(k) { *v } else { 0.0 }).collect();
            let (f, g): (Vec<f64>, Vec<f64>) = (only(&f), only(&g));
            let wanted = sums_of(&f, MOMENTS);
            for method in METHODS {
                let polynomial = search(&g, wanted.clone()).polynomial(method).unwrap();
                let found = sums_of(&changed(&g, method, &polynomial), MOMENTS);
                let error = found.iter().zip(&wanted).fold(0.0, |w: f64, (a, b)| w.max((a - b).abs()));
                assert!(error < 2e-13 * wanted[0], "{method:?}: {error:e}");
            }
        }
    }
}
