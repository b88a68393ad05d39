//! Search for the density with given moments that a [`Method`] takes to be nearest to a given one, g.
//!
//! The problem is min Σ D(h, g) over all h ≥ 0 with Σ m_a h = t_a, m_a the functions 1, x_i, x_i x_j (and x_i |x|²), D
//! the convex distance of the method: for [`Method::Even`] the square (h − g)². Its solution is h(g, p), p = Σ λ_a m_a,
//! with 10 (or 13) Lagrange multipliers λ_a, which are found by Newton's method on Σ m_a h = t_a; the derivative is
//! Σ m_a m_b ∂h/∂p. The solution is a projection onto a convex set, which decreases the distance to all points of the
//! set, among them the original.
//!
//! For [`Method::Even`] and [`Method::Everywhere`] the nearest h exists, with finite multipliers, if any density on its
//! cells has these moments. This includes the edge of the set of possible moments, those of a single cell for instance:
//! p is then negative enough to empty all other cells.

use nalgebra::{DMatrix, DVector};

use super::field::{AnyRule, Axes, Field};
use super::method::Method;
use super::polynomial::{Polynomial, function};
use super::sums::Sums;

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

/// The search for one distribution.
pub(super) struct Search<'a> {
    /// Cell centres x, y, z from the wanted mean, each in units of the wanted width along its axis.
    pub(super) axes: &'a Axes,
    /// Density g ≥ 0, near one, prepared for the method.
    pub(super) field: &'a Field,
    pub(super) method: Method,
    pub(super) rule: AnyRule,
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
    pub(super) fn polynomial(&self) -> Option<Polynomial> {
        let nothing = Polynomial::zero(self.wanted.len(), self.energies);
        let mut now = self.state(nothing.clone());
        let mut best = (now.error, nothing.clone());
        if best.0 > CONVERGED {
            let of_all = || Sums::of_ones(self.field, self.axes, &nothing);
            let first = if self.method == Method::Everywhere { &of_all() } else { &now.sums };
            let diagonal = self.hessian(first).diagonal();
            // Scale 1/√diagonal: the damping is relative to the diagonal of the matrix. Functions that vanish in all
            // cells get 0.
            let scale = diagonal.map(|d| if d > 0.0 && d.is_finite() { 1.0 / d.sqrt() } else { 0.0 });
            let (mut left, mut idle, mut halved) = (MAX_SUMS, 0, now.error);
            // Error one step before. Near the solution of a smooth rule errors are e, c e², c³ e⁴, …: where the next one
            // is below rounding errors, its sums are not needed.
            let mut before: Option<f64> = None;
            while left > 0 && best.0 > CONVERGED && idle < IDLE_STEPS {
                let Some(step) = solved(&self.hessian(&now.sums), &now.missing, &scale) else { break };
                if !self.method.is_flat()
                    && before.is_some_and(|before| now.error.powi(3) <= CONVERGED * before * before)
                {
                    return Some(now.polynomial.moved(step.as_slice(), 1.0));
                }
                let Some(next) = self.along(&step, &now, &mut left) else { break };
                before = Some(now.error);
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
    fn along(&self, step: &DVector<f64>, now: &State, left: &mut usize) -> Option<State> {
        let slope = step.dot(&now.missing);
        if slope.is_nan() || slope <= 0.0 {
            return None;
        }
        let (mut low, mut high, mut length) = ((0.0, slope), None, 1.0);
        while *left > 0 {
            *left -= 1;
            let next = self.state(now.polynomial.moved(step.as_slice(), length));
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

    fn state(&self, polynomial: Polynomial) -> State {
        let sums = Sums::new(self.field, self.axes, &polynomial, self.rule);
        let missing = DVector::from_fn(self.wanted.len(), |a, _| {
            let found = function(a, self.energies).into_iter().map(|([i, j, k], c)| c * sums.of_h[i][j][k]);
            self.wanted[a] - found.sum::<f64>()
        });
        let error = missing.amax() / self.wanted[0];
        State { polynomial, sums, missing, error: if error.is_nan() { f64::INFINITY } else { error } }
    }

    fn hessian(&self, sums: &Sums) -> DMatrix<f64> {
        let count = self.wanted.len();
        let functions: Vec<_> = (0..count).map(|a| function(a, self.energies)).collect();
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
}

/// Damped Newton step (H + [`DAMPING`]/s²)⁻¹ r, s being `scale`.
fn solved(hessian: &DMatrix<f64>, right: &DVector<f64>, scale: &DVector<f64>) -> Option<DVector<f64>> {
    /// Smallest pivot of the scaled matrix, which has ones on its diagonal, that is no rounding error.
    const MIN_PIVOT: f64 = 1e-10;
    let scaled = DMatrix::from_fn(right.len(), right.len(), |a, b| hessian[(a, b)] * scale[a] * scale[b]);
    if !scaled.iter().all(|value| value.is_finite()) {
        return None;
    }
    let damped = &scaled + DMatrix::identity(right.len(), right.len()) * DAMPING;
    let scaled_right = right.component_mul(scale);
    if let Some(factor) = damped.cholesky()
        && factor.l_dirty().diagonal().iter().all(|pivot| pivot * pivot > MIN_PIVOT)
    {
        return Some(factor.solve(&scaled_right).component_mul(scale));
    }
    // Nearly singular: by the eigenvalues, of which those that are negative by rounding count as zero.
    let eigen = scaled.symmetric_eigen();
    let along = eigen.eigenvectors.transpose() * scaled_right;
    let along = along.zip_map(&eigen.eigenvalues, |r, value| r / (value.max(0.0) + DAMPING));
    Some((eigen.eigenvectors * along).component_mul(scale))
}

#[cfg(test)]
mod tests {
    use super::super::method::Threshold;
    use super::super::polynomial::{MOMENTS, WITH_HEAT_FLUX};
    use super::*;

    const METHODS: [Method; 5] =
        [Method::Even, Method::Everywhere, Method::Mixed(Threshold::Low), Method::Mixed(Threshold::High), Method::Tilt];
    const SHAPE: [usize; 3] = [9, 8, 10];
    const ENERGIES: [f64; 3] = [1.0, 0.5, 0.2];

    fn axes() -> Axes {
        SHAPE.map(|n| (0..n).map(|k| 0.5 * (k as f64 - 0.5 * (n - 1) as f64)).collect())
    }

    /// The density that a method finds for the wanted sums.
    fn solution(density: &[f64], wanted: &[f64], method: Method) -> Option<Vec<f64>> {
        let axes = axes();
        let field =
            Field::new(SHAPE, method, None, |x, y, row| row.copy_from_slice(&density[(x * 8 + y) * 10..][..10]));
        let rule = AnyRule::new(method, field.peak());
        let search = Search { axes: &axes, field: &field, method, rule, wanted: wanted.to_vec(), energies: ENERGIES };
        Some(field.changed(&axes, &search.polynomial()?, rule, 1.0))
    }

    fn bell(centre: [f64; 3], width: f64) -> Vec<f64> {
        let [x, y, z] = axes();
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
        let [x, y, z] = axes();
        let mut sums = vec![0.0; count];
        for (cell, h) in density.iter().enumerate() {
            let v = [x[cell / 80], y[cell / 10 % 8], z[cell % 10]];
            for (a, sum) in sums.iter_mut().enumerate() {
                let product = |(p, c): &([usize; 3], f64)| c * (0..3).map(|i| v[i].powi(p[i] as i32)).product::<f64>();
                *sum += h * function(a, ENERGIES).iter().map(product).sum::<f64>();
            }
        }
        sums
    }

    fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).fold(0.0, |worst, (a, b)| f64::max(worst, (a - b).abs()))
    }

    #[test]
    fn every_method_finds_a_density_with_the_moments_wanted() {
        let (g, f) = (bell([0.1, -0.2, 0.3], 0.8), bell([-0.3, 0.4, 0.0], 1.0));
        for count in [MOMENTS, WITH_HEAT_FLUX] {
            let wanted = sums_of(&f, count);
            for method in METHODS {
                let h = solution(&g, &wanted, method).unwrap();
                assert!(h.iter().all(|&h| h >= 0.0));
                let error = largest_difference(&sums_of(&h, count), &wanted) / wanted[0];
                assert!(error < 2e-13, "{method:?}, {count}: {error:e}");
            }
        }
    }

    #[test]
    fn an_even_change_is_the_nearest_density() {
        // f itself has the moments and is not negative: the nearest such density is nearer to f than g is.
        let f = bell([-0.3, 0.4, 0.0], 1.0);
        let g: Vec<f64> = f.iter().enumerate().map(|(k, f)| f + 0.05 * (k as f64).sin().abs()).collect();
        let h = solution(&g, &sums_of(&f, MOMENTS), Method::Even).unwrap();
        let distance = |h: &[f64]| h.iter().zip(&f).map(|(h, f)| (h - f).powi(2)).sum::<f64>();
        assert!(distance(&h) < distance(&g));
    }

    #[test]
    fn only_flat_methods_empty_cells() {
        let (g, f) = (bell([0.0; 3], 0.6), bell([0.2, 0.0, 0.0], 0.5));
        for method in METHODS {
            let h = solution(&g, &sums_of(&f, MOMENTS), method).unwrap();
            assert_eq!(h.contains(&0.0), method.is_flat(), "{method:?}");
        }
    }

    #[test]
    fn a_tilted_gaussian_is_a_gaussian() {
        let f = bell([0.2, 0.1, -0.1], 0.6);
        let h = solution(&bell([0.0; 3], 0.5), &sums_of(&f, MOMENTS), Method::Tilt).unwrap();
        assert!(largest_difference(&h, &f) < 1e-12);
    }

    #[test]
    fn moments_that_no_density_has_are_not_found() {
        let g = bell([0.0; 3], 0.7);
        let mut wanted = sums_of(&g, MOMENTS);
        // A variance that is negative, and one larger than the box.
        for variance in [-0.1, 100.0] {
            wanted[4] = variance * wanted[0];
            for method in METHODS {
                assert_eq!(solution(&g, &wanted, method), None, "{method:?}");
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
                let h = solution(&g, &wanted, method).unwrap();
                let error = largest_difference(&sums_of(&h, MOMENTS), &wanted);
                assert!(error < 2e-13 * wanted[0], "{method:?}: {error:e}");
            }
        }
    }
}
