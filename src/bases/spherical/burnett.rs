//! Burnett's functions (1935, Proc. London Math. Soc. 39, 385): Laguerre's polynomials times harmonics times a
//! Gaussian.
//!
//! φ_nlm(ρ) = √(2 n!/Γ(n + l + 3/2)) ρ^l L_n^(l+1/2)(ρ²) e^{−ρ²/2} Y_lm, ρ = (v − c)/s, orthonormal over ρ: s³ Σ c² = ∫
//! f² d³v. Those with 2n + l up to N span e^{−ρ²/2} times all polynomials of total degree N: just as the Hermite
//! functions ψ_a ψ_b ψ_c with a + b + c ≤ N of one width, which separate along the grid's axes. So the least squares
//! over the cells is three small products with functions orthonormal on each axis' cells, and Gauss and Hermite's nodes
//! lead from one set to the other, exactly.

use faer::{Mat, MatRef};

use super::cells::Geometry;
use super::harmonics::{Harmonics, count};
use crate::numerics::hermite_functions::{gauss_hermite_nodes, hermite_functions, hermite_slopes};
use crate::numerics::separable::transform;

/// Number of harmonics of each radial order n = 0, 1, …, where 2n + l is limited by a total degree.
pub(super) fn sizes(degree: usize) -> Vec<u32> {
    (0..=degree / 2).map(|n| count(degree - 2 * n) as u32).collect()
}

/// The least squares of one distribution over the functions of total degree, for any width.
pub(super) struct LeastSquares<'a> {
    offsets: [Vec<f64>; 3],
    values: &'a [f64],
    factor: f64,
    degree: usize,
}

/// The least squares for one width.
struct Solution {
    axes: [Axis; 3],
    /// Amplitudes of the products of the axes' orthonormal functions.
    cube: Vec<f64>,
}

impl<'a> LeastSquares<'a> {
    pub(super) fn new(geometry: &Geometry, values: &'a [f64], factor: f64, degree: usize) -> Self {
        Self { offsets: geometry.offsets(), values, factor, degree }
    }

    fn solve(&self, width: f64) -> Solution {
        let axes = self.offsets.each_ref().map(|offsets| Axis::new(offsets, width, self.degree + 1));
        let [x, y, z] = axes.each_ref().map(|axis| axis.table.transpose());
        let mut cube = transform(self.values, [x, y, z]);
        let m = self.degree + 1;
        for (position, c) in cube.iter_mut().enumerate() {
            let total = position / (m * m) + position / m % m + position % m;
            *c = if total <= self.degree { *c * self.factor } else { 0.0 };
        }
        Solution { axes, cube }
    }

    /// Σ g² of the best g of this width: the larger, the smaller the residual. With `all`, `None` for functions that
    /// reach so far beyond the box that the cells hardly tell them apart.
    fn explained(&self, width: f64, all: bool) -> Option<f64> {
        let solution = self.solve(width);
        let independent = solution.axes.iter().all(|axis| axis.complete && axis.independence > 1e-2);
        (independent || !all).then(|| solution.cube.iter().map(|c| c * c).sum())
    }

    /// The width with the smallest residual between 0.25 and 2.5 times a first one: the best of several, then by golden
    /// section between its neighbours. In a box so thin that at no width all functions are well told apart along every
    /// axis, that with the smallest residual of those that are.
    pub(super) fn search(&self, first: f64) -> f64 {
        [true, false].into_iter().find_map(|all| self.search_among(first, all)).unwrap_or(first)
    }

    fn search_among(&self, first: f64, all: bool) -> Option<f64> {
        /// Widths tried between 0.25 and 2.5 times the first, at steps of 18%.
        const STEPS: usize = 15;
        /// Golden sections after that: 0.618³⁶ of two steps is 1e-8 of a width.
        const SECTIONS: usize = 36;
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let at = |logarithm: f64| self.explained(first * logarithm.exp(), all).unwrap_or(-1.0);
        let (low, high) = (0.25f64.ln(), 2.5f64.ln());
        let step = (high - low) / (STEPS - 1) as f64;
        let tried: Vec<f64> = (0..STEPS).map(|k| at(low + step * k as f64)).collect();
        let best = (0..STEPS).fold(0, |best, k| if tried[k] > tried[best] { k } else { best });
        if tried[best] < 0.0 {
            return None;
        }
        let middle = low + step * best as f64;
        let (mut left, mut right) = (middle - step, middle + step);
        let mut inner = [right - GOLDEN * (right - left), left + GOLDEN * (right - left)];
        let mut found = inner.map(at);
        for _ in 0..SECTIONS {
            if found[0] >= found[1] {
                right = inner[1];
                inner = [right - GOLDEN * (right - left), inner[0]];
                found = [at(inner[0]), found[0]];
            } else {
                left = inner[0];
                inner = [inner[1], left + GOLDEN * (right - left)];
                found = [found[1], at(inner[1])];
            }
        }
        // With several maxima the sections may end at a lower one than the best step.
        let end = 0.5 * (left + right);
        Some(first * if at(end) >= tried[best] { end } else { middle }.exp())
    }

    /// The coefficients c_nlm, all of n = 0 first, and true if their sum on the cells is the least squares to many
    /// digits. Functions that are hardly independent on the cells have large coefficients, in which rounding costs
    /// digits.
    pub(super) fn coefficients(&self, width: f64, axes: Option<[[f64; 3]; 3]>) -> (Vec<f64>, bool) {
        /// Product of the three axes' independences that leaves eight digits of sixteen.
        const MANY_DIGITS: f64 = 1e-8;
        let Solution { axes: tables, cube } = self.solve(width);
        let known = tables.iter().map(|axis| axis.independence).product::<f64>() > MANY_DIGITS;
        let nodes = Nodes::new(self.degree);
        let at_nodes = tables.each_ref().map(|axis| axis.at(&nodes.places));
        let [x, y, z] = at_nodes.each_ref().map(Mat::as_ref);
        (nodes.project(&transform(&cube, [x, y, z]), axes), known)
    }
}

/// Σ c φ on the cells.
pub(super) fn evaluate(
    coefficients: &[f64],
    degree: usize,
    width: f64,
    geometry: &Geometry,
    axes: Option<[[f64; 3]; 3]>,
) -> Vec<f64> {
    let (at_nodes, tables) = expanded(coefficients, degree, width, geometry, axes);
    let [x, y, z] = tables.each_ref().map(|[functions, _]| functions.as_ref());
    transform(&at_nodes, [x, y, z])
}

/// The gradient of Σ c φ on the cells, in the geometry's unit of length.
pub(super) fn gradient(
    coefficients: &[f64],
    degree: usize,
    width: f64,
    geometry: &Geometry,
    axes: Option<[[f64; 3]; 3]>,
) -> [Vec<f64>; 3] {
    let (at_nodes, tables) = expanded(coefficients, degree, width, geometry, axes);
    [0, 1, 2].map(|axis| {
        let [x, y, z] = [0, 1, 2].map(|other| tables[other][usize::from(other == axis)].as_ref());
        transform(&at_nodes, [x, y, z])
    })
}

/// The values of Σ c φ at the nodes, and for each axis the matrices that lead from the nodes to the values and to the
/// derivatives on the cells: from the nodes to Hermite functions, and from those to the cells.
fn expanded(
    coefficients: &[f64],
    degree: usize,
    width: f64,
    geometry: &Geometry,
    axes: Option<[[f64; 3]; 3]>,
) -> (Vec<f64>, [[Mat<f64>; 2]; 3]) {
    let nodes = Nodes::new(degree);
    let at_nodes = nodes.evaluate(coefficients, axes);
    let functions = hermite(&nodes.places, degree + 1);
    let analysis = Mat::from_fn(degree + 1, nodes.places.len(), |k, i| functions[(i, k)] * nodes.weights[i]);
    let tables = geometry.offsets().map(|offsets| {
        let z: Vec<f64> = offsets.iter().map(|offset| offset / width).collect();
        let mut slopes = hermite_slopes(&z, degree + 1);
        slopes.iter_mut().for_each(|slope| *slope /= width);
        let slopes = MatRef::from_column_major_slice(&slopes, z.len(), degree + 1);
        [hermite(&z, degree + 1) * &analysis, slopes * &analysis]
    });
    (at_nodes, tables)
}

/// Functions e^{−z²/2} times polynomials, orthonormal in the sum over the cells of one axis.
struct Axis {
    /// One row a cell, one column a function; columns beyond what the cells tell apart are zero.
    table: Mat<f64>,
    norm: f64,
    /// z q_k = b_{k+1} q_{k+1} + a_k q_k + b_k q_{k−1}.
    recurrence: Vec<[f64; 2]>,
    /// Norm of the part of the last polynomial that is orthogonal to the others, on the cells over on the whole axis: 1
    /// where the cells hold and resolve the functions, near 0 where the box cuts most of them.
    independence: f64,
    /// True if these are all the functions asked for, or as many as there are cells.
    complete: bool,
}

/// Independence below which no more functions are added. Errors grow by its inverse along each axis, on the way to
/// coefficients and back: 1e12 on three axes leaves four digits.
const MIN_INDEPENDENCE: f64 = 1e-4;

impl Axis {
    /// By the process of Lanczos and Stieltjes, every function orthogonalised twice.
    fn new(offsets: &[f64], width: f64, functions: usize) -> Self {
        let z: Vec<f64> = offsets.iter().map(|offset| offset / width).collect();
        let cells = z.len();
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let mut recurrence = Vec::new();
        let mut next: Vec<f64> = z.iter().map(|z| (-0.5 * z * z).exp()).collect();
        let norm = dot(&next, &next).sqrt();
        let largest = z.iter().fold(0.0, |largest: f64, z| largest.max(z.abs()));
        let (mut length, mut independence, mut complete) = (norm, 1.0, true);
        for k in 0..functions.min(cells) {
            let next_independence = if k > 0 { independence * length / (0.5 * k as f64).sqrt() } else { 1.0 };
            // Written so that NaN counts as dependent.
            let independent = length > 1e-9 * largest.max(1e-150);
            if !(independent && next_independence > MIN_INDEPENDENCE) {
                complete = false;
                break;
            }
            independence = next_independence;
            let column: Vec<f64> = next.iter().map(|x| x / length).collect();
            next = z.iter().zip(&column).map(|(z, q)| z * q).collect();
            let a = dot(&next, &column);
            recurrence.push([length, a]);
            columns.push(column);
            for _ in 0..2 {
                for column in &columns {
                    let part = dot(&next, column);
                    next.iter_mut().zip(column).for_each(|(x, q)| *x -= part * q);
                }
            }
            length = dot(&next, &next).sqrt();
        }
        let table = Mat::from_fn(cells, functions, |i, k| columns.get(k).map_or(0.0, |column| column[i]));
        Self { table, norm, recurrence, independence, complete }
    }

    /// The same functions at any places, in units of the width.
    fn at(&self, places: &[f64]) -> Mat<f64> {
        let mut table = Mat::zeros(places.len(), self.table.ncols());
        for (i, z) in places.iter().enumerate() {
            let (mut before, mut last) = (0.0, (-0.5 * z * z).exp() / self.norm);
            for (k, [b, a]) in self.recurrence.iter().enumerate() {
                table[(i, k)] = last;
                let Some([next_b, _]) = self.recurrence.get(k + 1) else { break };
                let b = if k > 0 { *b } else { 0.0 };
                (before, last) = (last, ((z - a) * last - b * before) / next_b);
            }
        }
        table
    }
}

/// Hermite functions ψ_k, orthonormal over z: one row a place, one column a function.
fn hermite(z: &[f64], functions: usize) -> Mat<f64> {
    MatRef::from_column_major_slice(&hermite_functions(z, functions), z.len(), functions).to_owned()
}

/// Gauss and Hermite's nodes along each axis, with weights for the product of two functions of total degree up to N,
/// each with its e^{−z²/2}, for which they are exact.
struct Nodes {
    degree: usize,
    places: Vec<f64>,
    weights: Vec<f64>,
}

impl Nodes {
    fn new(degree: usize) -> Self {
        let n = degree + 1;
        let mut places = gauss_hermite_nodes(n);
        places.sort_by(f64::total_cmp);
        for z in &mut places {
            // Newton on ψ_n, whose derivative at its zeros is √(2n) ψ_{n−1}.
            for _ in 0..3 {
                let values = hermite_functions(&[*z], n + 1);
                *z -= values[n] / ((2.0 * n as f64).sqrt() * values[n - 1]);
            }
        }
        let table = hermite(&places, n);
        let weights = (0..n).map(|i| 1.0 / (0..n).map(|k| table[(i, k)] * table[(i, k)]).sum::<f64>()).collect();
        Self { degree, places, weights }
    }

    /// Σ over the nodes of value times φ_nlm.
    fn project(&self, values: &[f64], axes: Option<[[f64; 3]; 3]>) -> Vec<f64> {
        let mut sums = vec![0.0; sizes(self.degree).iter().map(|&size| size as usize).sum()];
        self.for_functions(axes, |node, weight, functions| {
            let factor = weight * values[node];
            sums.iter_mut().zip(functions).for_each(|(sum, function)| *sum += factor * function);
        });
        sums
    }

    /// Σ c φ at the nodes.
    fn evaluate(&self, coefficients: &[f64], axes: Option<[[f64; 3]; 3]>) -> Vec<f64> {
        let mut values = vec![0.0; self.places.len().pow(3)];
        self.for_functions(axes, |node, _, functions| {
            values[node] = coefficients.iter().zip(functions).map(|(c, function)| c * function).sum();
        });
        values
    }

    /// Calls `visit` with every node of the cube, its weight, and all functions there.
    fn for_functions(&self, axes: Option<[[f64; 3]; 3]>, mut visit: impl FnMut(usize, f64, &[f64])) {
        let harmonics = Harmonics::new(self.degree);
        let sizes = sizes(self.degree);
        let mut functions = vec![0.0; sizes.iter().map(|&size| size as usize).sum()];
        let n = self.places.len();
        let mut radial = vec![0.0; sizes.len() * (self.degree + 1)];
        for first in 0..n {
            for second in 0..n {
                let row: Vec<[f64; 3]> = (0..n)
                    .map(|third| {
                        let place = [first, second, third].map(|k| self.places[k]);
                        axes.map_or(place, |axes| axes.map(|axis| (0..3).map(|j| axis[j] * place[j]).sum()))
                    })
                    .collect();
                let solid = harmonics.evaluate(&row);
                for third in 0..n {
                    let squared = row[third].iter().map(|x| x * x).sum();
                    radial_functions(squared, self.degree, &mut radial);
                    let mut place = 0;
                    for (order, &size) in sizes.iter().enumerate() {
                        for position in 0..size as usize {
                            functions[place] =
                                radial[order * (self.degree + 1) + position.isqrt()] * solid[position * n + third];
                            place += 1;
                        }
                    }
                    let weight = self.weights[first] * self.weights[second] * self.weights[third];
                    visit((first * n + second) * n + third, weight, &functions);
                }
            }
        }
    }
}

/// R_nl(ρ)/ρ^l from ρ²: for every n all l from 0 to the degree, those with 2n + l beyond it included.
pub(super) fn radial_functions(squared: f64, degree: usize, values: &mut [f64]) {
    let width = degree + 1;
    let mut first = 2.0 * (-0.5 * squared).exp() / std::f64::consts::PI.powf(0.25);
    for l in 0..=degree {
        let alpha = l as f64 + 0.5;
        // Orthonormal all the way: √(2 n!/Γ(n + l + 3/2)), from Γ(3/2) = √π/2.
        first /= if l > 0 { alpha.sqrt() } else { 1.0 };
        let (mut before, mut last) = (0.0, first);
        for n in 0..=degree / 2 {
            values[n * width + l] = last;
            let k = n as f64;
            let next = ((2.0 * k + alpha + 1.0 - squared) * last - (k * (k + alpha)).sqrt() * before)
                / ((k + 1.0) * (k + 1.0 + alpha)).sqrt();
            (before, last) = (last, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sphere::gauss_legendre;
    use super::*;

    #[test]
    fn radial_functions_are_orthonormal() {
        let degree = 12;
        let (nodes, weights) = gauss_legendre(200);
        for l in [0, 1, 5, 12] {
            let mut gram = [[0.0; 7]; 7];
            for (x, w) in nodes.iter().zip(&weights) {
                let r = 7.5 * (x + 1.0);
                let mut values = vec![0.0; 7 * 13];
                radial_functions(r * r, degree, &mut values);
                for (i, row) in gram.iter_mut().enumerate() {
                    for (j, sum) in row.iter_mut().enumerate() {
                        let product = values[i * 13 + l] * values[j * 13 + l];
                        *sum += 7.5 * w * r.powi(2 * l as i32 + 2) * product;
                    }
                }
            }
            for (i, row) in gram.iter().enumerate() {
                for (j, sum) in row.iter().enumerate() {
                    assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-11, "{l} {i} {j}: {sum}");
                }
            }
        }
    }

    #[test]
    fn nodes_make_the_functions_orthonormal_about_any_axis() {
        let nodes = Nodes::new(6);
        let total: usize = sizes(6).iter().map(|&size| size as usize).sum();
        assert_eq!(total, 7 * 8 * 9 / 6);
        for axes in [None, Some(crate::distribution::frame::axes_along([1.0, -2.0, 0.4]))] {
            for k in [0, 5, 17, total - 1] {
                let mut unit = vec![0.0; total];
                unit[k] = 1.0;
                let back = nodes.project(&nodes.evaluate(&unit, axes), axes);
                for (found, expected) in back.iter().zip(&unit) {
                    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
                }
            }
        }
    }
}
