//! The density that has given moments and is nearest to a given one.
//!
//! h = max(0, g + p), p = Σ λ_a m_a with m_a the functions 1, x_i, x_i x_j (and x_i |x|²), solves the problem
//! min Σ (h − g)² over all h ≥ 0 with Σ m_a h = t_a: it is convex, and its 10 (or 13) multipliers are found by Newton's
//! method on Σ m_a h(λ) = t_a, whose derivative is Σ m_a m_b over the cells where h > 0. A projection onto a convex set
//! comes nearer to all points of it: to the original too, which has these moments. h = g eᵖ instead has the least
//! relative entropy to g. Both exist where any density on the cells of g has these moments.

use nalgebra::{DMatrix, DVector};

use crate::numerics::summation::{CompensatedSums, row_sums};

/// Functions whose sums are prescribed: all up to x_i x_j, or the energy fluxes too.
pub(super) const MOMENTS: usize = 10;
pub(super) const WITH_HEAT_FLUX: usize = 13;

/// Monomials of the functions up to x_i x_j: powers of x, y and z.
const POWERS: [[usize; 3]; MOMENTS] =
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [0, 0, 2]];

/// How a density is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// h = max(0, g + p) where g > 0: no density with these moments on these cells is nearer in the sum of squares.
    Even,
    /// The same on all cells: never farther from an original that is not negative than g is, however few cells g has.
    Everywhere,
    /// h = g eᵖ, positive wherever g is: what a mixture needs to remain one.
    Tilt,
}

impl Method {
    /// h and its derivative by p.
    #[inline(always)]
    pub(super) fn changed(self, g: f64, p: f64) -> [f64; 2] {
        let (h, slope) = match self {
            Self::Even | Self::Everywhere => (g + p, 1.0),
            Self::Tilt => {
                let h = g * p.min(MOST_EXPONENT).exp();
                (h, h)
            }
        };
        if h > 0.0 && (g > 0.0 || self == Self::Everywhere) { [h, slope] } else { [0.0, 0.0] }
    }
}

/// Tilts beyond e³⁰ are a search gone astray.
const MOST_EXPONENT: f64 = 30.0;
/// Sums are right when none is off by more than this, as a part of the density.
const RIGHT: f64 = 1e-14;
/// They may be off by this where rounding errors allow no more.
const ENOUGH: f64 = 1e-13;
/// What is off by no more than this, which the digits of the moments wanted leave open, is left as it is where no change
/// brings it nearer: nothing moves a plane of cells across itself. Whoever encodes sees to it that it is near enough to the
/// original.
const UNMOVED: f64 = 4e-12;
/// So often are the sums taken: more than ten times what a search that ends takes.
const MOST_SUMS: usize = 100;
/// Combinations of functions that differ from zero by less than this, as a part of each, are zero on all cells.
const DEPENDENT: f64 = 1e-13;

/// p = Σ λ_a m_a.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Polynomial(Vec<f64>);

impl Polynomial {
    /// Its coefficients by powers of z, for given x and y.
    #[inline(always)]
    pub(super) fn along_z(&self, x: f64, y: f64) -> [f64; 4] {
        let l = &self.0;
        let heat = |k: usize| l.get(MOMENTS + k).copied().unwrap_or(0.0);
        let (square, across) = (x * x + y * y, heat(0) * x + heat(1) * y);
        [
            l[0] + l[1] * x + l[2] * y + l[4] * x * x + l[5] * x * y + l[7] * y * y + across * square,
            l[3] + l[6] * x + l[8] * y + heat(2) * square,
            l[9] + across,
            heat(2),
        ]
    }
}

#[inline(always)]
pub(super) fn at(coefficients: [f64; 4], z: f64) -> f64 {
    let [a, b, c, d] = coefficients;
    a + z * (b + z * (c + z * d))
}

/// Sums over cells of all monomials up to some degree, of h and of its derivative.
struct Sums {
    of_h: [[[f64; 4]; 4]; 4],
    of_slope: [[[f64; 7]; 7]; 7],
}

/// The search for one distribution.
pub(super) struct Search<'a> {
    /// Cell centres x, y, z, from the wanted mean in units of the wanted width.
    pub(super) axes: [Vec<f64>; 3],
    /// g ≥ 0, near one.
    pub(super) density: &'a [f64],
    /// t, one for every function.
    pub(super) wanted: Vec<f64>,
}

impl Search<'_> {
    /// The multipliers, if they exist.
    pub(super) fn polynomial(&self, method: Method) -> Option<Polynomial> {
        match method {
            Method::Even => self.solve(|g, p| Method::Even.changed(g, p)),
            Method::Everywhere => self.solve(|g, p| Method::Everywhere.changed(g, p)),
            Method::Tilt => self.solve(|g, p| Method::Tilt.changed(g, p)),
        }
    }

    fn solve(&self, changed: impl Fn(f64, f64) -> [f64; 2] + Copy) -> Option<Polynomial> {
        let count = self.wanted.len();
        let size = self.wanted[0];
        let error = |missing: &DVector<f64>| missing.amax() / size;
        let mut now = Polynomial(vec![0.0; count]);
        let mut sums = self.sums(&now, changed);
        let mut missing = self.missing(&sums);
        let unmoved = (error(&missing) <= UNMOVED).then(|| now.clone());
        let mut left = MOST_SUMS;
        while left > 0 {
            if error(&missing) <= RIGHT {
                return Some(now);
            }
            let Some(step) = solved(&hessian(&sums, count), &missing) else { break };
            // The functional that Newton's method minimises is convex: along the step its slope rises from −s to 0.
            let slope = step.dot(&missing);
            if slope.is_nan() || slope <= 0.0 {
                break;
            }
            let mut length = 1.0;
            let better = (0..left).find_map(|_| {
                left -= 1;
                let next = Polynomial(now.0.iter().zip(step.iter()).map(|(l, s)| l + length * s).collect());
                let sums = self.sums(&next, changed);
                let missing = self.missing(&sums);
                let there = step.dot(&missing);
                if there.abs() <= 0.9 * slope || error(&missing) <= RIGHT {
                    return Some((next, sums, missing));
                }
                let crossing = if there.is_finite() { slope / (slope - there) } else { 0.1 };
                length *= crossing.clamp(0.1, 0.5);
                None
            });
            let Some(better) = better else { break };
            if error(&missing) <= ENOUGH && error(&better.2) >= 0.5 * error(&missing) {
                return Some(now);
            }
            (now, sums, missing) = better;
        }
        if error(&missing) <= ENOUGH { Some(now) } else { unmoved }
    }

    /// t − Σ m h.
    fn missing(&self, sums: &Sums) -> DVector<f64> {
        DVector::from_fn(self.wanted.len(), |a, _| {
            self.wanted[a] - monomials(a).iter().map(|&[i, j, k]| sums.of_h[i][j][k]).sum::<f64>()
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
        let nothing_stays = changed(0.0, 1.0)[0] == 0.0;
        let mut of_h = CompensatedSums::<20>::zero();
        let mut sums = Sums { of_h: [[[0.0; 4]; 4]; 4], of_slope: [[[0.0; 7]; 7]; 7] };
        for (row, density) in self.density.chunks_exact(z.len()).enumerate() {
            if nothing_stays && density.iter().all(|&g| g <= 0.0) {
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

/// The monomials whose sum is function `a`.
fn monomials(a: usize) -> Vec<[usize; 3]> {
    if a < MOMENTS {
        return vec![POWERS[a]];
    }
    let axis = a - MOMENTS;
    let raised = |other| {
        let mut powers = [0; 3];
        powers[axis] += 1;
        powers[other] += 2;
        powers
    };
    (0..3).map(raised).collect()
}

fn hessian(sums: &Sums, count: usize) -> DMatrix<f64> {
    let functions: Vec<_> = (0..count).map(monomials).collect();
    DMatrix::from_fn(count, count, |a, b| {
        let mut sum = 0.0;
        for left in &functions[a] {
            for right in &functions[b] {
                sum += sums.of_slope[left[0] + right[0]][left[1] + right[1]][left[2] + right[2]];
            }
        }
        sum
    })
}

/// H⁻¹ r, without the combinations that vanish on all cells.
fn solved(hessian: &DMatrix<f64>, right: &DVector<f64>) -> Option<DVector<f64>> {
    let scale = hessian.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    let scaled = DMatrix::from_fn(right.len(), right.len(), |a, b| hessian[(a, b)] * scale[a] * scale[b]);
    if !scaled.iter().all(|value| value.is_finite()) {
        return None;
    }
    let eigen = scaled.symmetric_eigen();
    let along = eigen.eigenvectors.transpose() * right.component_mul(&scale);
    let along = along.zip_map(&eigen.eigenvalues, |r, value| if value > DEPENDENT { r / value } else { 0.0 });
    Some((eigen.eigenvectors * along).component_mul(&scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [Method; 3] = [Method::Even, Method::Everywhere, Method::Tilt];

    fn search(density: &[f64], wanted: Vec<f64>) -> Search<'_> {
        let axis = |n: usize| (0..n).map(|k| 0.5 * (k as f64 - 0.5 * (n - 1) as f64)).collect();
        Search { axes: [axis(9), axis(8), axis(10)], density, wanted }
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
                let product = |p: &[usize; 3]| (0..3).map(|i| v[i].powi(p[i] as i32)).product::<f64>();
                *sum += h * monomials(a).iter().map(product).sum::<f64>();
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
