//! Misner's extraction of f_lm on spheres from values on a Cartesian grid (2004, Class. Quantum Grav. 21, S243,
//! gr-qc/9910044).
//!
//! The cells within Δ of the sphere r = R are a sample of a shell, on which R_n(r) Y_lm with R_n = √((2n + 1)/2Δ)
//! P_n((r − R)/Δ)/r, n = 0, …, N, are orthonormal. Cells count by the part of them inside: with d = |r − R| and the
//! spacing h, w = h³ where d ≤ Δ − h/2, h² (Δ + h/2 − d) up to d = Δ + h/2, and nothing beyond. On the cells the
//! functions have the Gram matrix G_AB = Σ w Y_A Y_B, which makes up for the grid's symmetry and for what the box cuts
//! off: f_lm(R) = Σ_n R_n(R) Σ_B (G⁻¹)_AB Σ w Y_B f, A = (n, l, m). Where the box cuts the shell, what the cells in it
//! hardly see is kept small (`block_banded`). The error falls like Δ² for N = 0 and like Δ⁴ for N = 2.

use faer::Mat;

use super::block_banded::{BlockBanded, RIDGE, ROUNDING};
use super::cells::{Block, Geometry, Sorted};
use super::harmonics::{Harmonics, count};
use super::joint::ProductBlocks;
use super::radial::Pieces;
use crate::error::{Error, Result};

/// The choices of Misner's method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Misner {
    /// Half the thickness Δ of a shell, in cells (the cube root of their volume).
    pub half_width: f64,
    /// Highest degree N of the Legendre polynomials of the radius.
    pub order: usize,
    /// l_max(R) = this times R over the spacing: near the centre no more harmonics than its cells can tell apart.
    pub resolution: f64,
}

impl Default for Misner {
    /// As [`Misner::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Misner {
    /// Δ = h, N = 2, l_max(R) = 2 R/h. For smooth distributions N = 4 with Δ = 1.5 h is better still.
    pub const DEFAULT: Self = Self { half_width: 1.0, order: 2, resolution: 2.0 };
    /// Highest degree of the polynomials of the radius.
    pub const MAX_ORDER: usize = 8;

    pub(super) fn validated(self) -> Result<Self> {
        if !(0.25..=100.0).contains(&self.half_width) {
            return Err(Error::parameter("half-width", self.half_width, "0.25 to 100 cells"));
        }
        if self.order > Self::MAX_ORDER {
            let allowed = format!("polynomials of degree 0 to {}", Self::MAX_ORDER);
            return Err(Error::parameter("order", self.order, allowed));
        }
        if !(0.0..=1e3).contains(&self.resolution) {
            return Err(Error::parameter("resolution", self.resolution, "0 to 1000 degrees a cell"));
        }
        Ok(self)
    }
}

/// Everything that depends on grid, centre, radii and choices, and not on the values.
pub(super) struct Extraction {
    misner: Misner,
    harmonics: Harmonics,
    cells: Sorted,
    /// In units of the cells, ascending; half the thickness and the spacing in the same units.
    radii: Vec<f64>,
    half_width: f64,
    spacing: f64,
    /// The shells that the cells of each interval belong to.
    members: Vec<Vec<usize>>,
    /// Shells of one interval, at most.
    most: usize,
    factors: Vec<BlockBanded>,
    sizes: Vec<u32>,
    unresolved: usize,
}

impl Extraction {
    pub(super) fn new(geometry: Geometry, degree: usize, misner: Misner, radii: Vec<f64>) -> Self {
        let spacing = geometry.volume().cbrt();
        let half_width = misner.half_width * spacing;
        let reach = half_width + 0.5 * spacing;
        // Between these radii all cells belong to the same shells.
        let mut edges: Vec<f64> = radii.iter().flat_map(|radius| [radius - reach, radius + reach]).collect();
        edges.retain(|edge| *edge > 0.0);
        edges.push(0.0);
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let intervals = edges.len() - 1;
        let members: Vec<Vec<usize>> = edges
            .windows(2)
            .map(|ends| {
                let middle = 0.5 * (ends[0] + ends[1]);
                (0..radii.len()).filter(|&shell| (middle - radii[shell]).abs() < reach).collect()
            })
            .collect();
        let cells = Sorted::new(geometry, intervals, |radius| {
            let interval = edges[1..].partition_point(|end| *end <= radius);
            members.get(interval).is_some_and(|shells| !shells.is_empty()).then_some(interval)
        });
        let most = members.iter().map(Vec::len).max().unwrap_or_default();
        let sizes = radii.iter().map(|radius| {
            let resolved = (misner.resolution * radius / spacing) as usize;
            count(degree.min(resolved)) as u32
        });
        let sizes = sizes.collect();
        let harmonics = Harmonics::new(degree);
        let mut extraction = Self {
            misner,
            harmonics,
            cells,
            radii,
            half_width,
            spacing,
            members,
            most,
            factors: Vec::new(),
            sizes,
            unresolved: 0,
        };
        let matrices = extraction.gram_matrices();
        extraction.unresolved = matrices.iter().map(BlockBanded::unresolved).sum();
        extraction.factors = matrices.into_iter().map(|matrix| matrix.factorise(RIDGE, ROUNDING)).collect();
        extraction
    }

    /// Harmonics that each shell has.
    pub(super) fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// Functions that the cells hardly tell from others of their shell, and the total.
    pub(super) fn unresolved(&self) -> [usize; 2] {
        let functions = self.sizes.iter().map(|&size| size as usize * (self.misner.order + 1)).sum();
        [self.unresolved, functions]
    }

    /// f_lm(R), shell after shell, of values times a factor.
    pub(super) fn extract(&self, values: &[f64], factor: f64) -> Vec<f64> {
        let functions = self.misner.order + 1;
        let sums = self.cells.project(&self.harmonics, self.most * functions, |block, weights, rows| {
            let mut any = false;
            self.weigh(block, |column, k, weight, radial| {
                let value = values[block.cells[k] as usize] * factor;
                any |= value != 0.0;
                for (n, radial) in radial.iter().enumerate() {
                    weights[(column * functions + n) * rows + k] = weight * radial * value;
                }
            });
            any
        });
        let mut found = Vec::with_capacity(self.sizes.iter().map(|&size| size as usize).sum());
        for (shell, &size) in self.sizes.iter().enumerate() {
            let size = size as usize;
            let mut x = vec![vec![0.0; size]; functions];
            for (interval, column) in self.intervals_of(shell) {
                for (n, x) in x.iter_mut().enumerate() {
                    let sums = sums[interval].col(column * functions + n);
                    x.iter_mut().zip(sums.iter()).for_each(|(x, sum)| *x += sum);
                }
            }
            self.factors[shell].solve(&mut x);
            let mut at_radius = vec![0.0; functions];
            self.radial(shell, self.radii[shell], &mut at_radius);
            found.extend((0..size).map(|k| (0..functions).map(|n| at_radius[n] * x[n][k]).sum::<f64>()));
        }
        found
    }

    /// R_n(r) of a shell.
    fn radial(&self, shell: usize, radius: f64, values: &mut [f64]) {
        let x = (radius - self.radii[shell]) / self.half_width;
        let (mut before, mut legendre) = (0.0, 1.0);
        for (n, value) in values.iter_mut().enumerate() {
            let n = n as f64;
            *value = ((2.0 * n + 1.0) / (2.0 * self.half_width)).sqrt() * legendre / radius;
            (before, legendre) = (legendre, ((2.0 * n + 1.0) * x * legendre - n * before) / (n + 1.0));
        }
    }

    /// Calls `visit` with the place of each shell among those of the block's interval, the position in the block, the
    /// cell's weight in the shell and the functions R_n there. A cell at the centre has no direction and no weight.
    fn weigh(&self, block: &Block<'_>, mut visit: impl FnMut(usize, usize, f64, &[f64])) {
        let mut radial = vec![0.0; self.misner.order + 1];
        let h = self.spacing;
        for (column, &shell) in self.members[block.interval].iter().enumerate() {
            for (k, &radius) in block.radii.iter().enumerate() {
                let inside = self.half_width + 0.5 * h - (radius - self.radii[shell]).abs();
                let weight = h * h * inside.clamp(0.0, h);
                if radius > 0.01 * h && weight > 0.0 {
                    self.radial(shell, radius, &mut radial);
                    visit(column, k, weight, &radial);
                }
            }
        }
    }

    /// The intervals whose cells belong to a shell, and its place among those of the interval.
    fn intervals_of(&self, shell: usize) -> impl Iterator<Item = (usize, usize)> {
        let place = move |shells: &Vec<usize>| shells.iter().position(|other| *other == shell);
        self.members.iter().enumerate().filter_map(move |(interval, shells)| Some((interval, place(shells)?)))
    }

    /// G of every shell, block by block of n.
    fn gram_matrices(&self) -> Vec<BlockBanded> {
        let degree = self.harmonics.degree();
        let functions = self.misner.order + 1;
        let pairs: Vec<[usize; 2]> = (0..functions).flat_map(|a| (a..functions).map(move |b| [a, b])).collect();
        let products = Harmonics::new(2 * degree);
        let sums = self.cells.project(&products, self.most * pairs.len(), |block, weights, rows| {
            self.weigh(block, |column, k, weight, radial| {
                for (pair, [a, b]) in pairs.iter().enumerate() {
                    weights[(column * pairs.len() + pair) * rows + k] = weight * radial[*a] * radial[*b];
                }
            });
            true
        });
        let blocks = ProductBlocks::new(degree);
        let gram = |shell: usize| {
            let size = self.sizes[shell] as usize;
            let block = |pair: usize| {
                let mut sum = vec![0.0; count(2 * degree)];
                for (interval, column) in self.intervals_of(shell) {
                    let products = sums[interval].col(column * pairs.len() + pair);
                    sum.iter_mut().zip(products.iter()).for_each(|(sum, product)| *sum += product);
                }
                blocks.block(&sum, size, size)
            };
            let mut rows: Vec<Vec<Mat<f64>>> = vec![Vec::new(); functions];
            for (pair, [a, _]) in pairs.iter().enumerate() {
                rows[*a].push(block(pair));
            }
            BlockBanded::new(rows)
        };
        (0..self.radii.len()).map(gram).collect()
    }
}

/// The cubic splines through values on spheres at equal steps up to `last`: their pieces, and the coefficients on every
/// interval. They go on through the centre with the parity of the harmonic, f_lm(−r) = (−1)^l f_lm(r), and end without
/// curvature.
///
/// On an interval between radii a and b the four functions multiply the values at a and b and the second derivatives
/// there.
pub(super) fn splines(last: f64, amplitudes: &[f64], sizes: &[u32], functions: usize) -> (Pieces, Vec<Mat<f64>>) {
    let shells = sizes.len();
    let step = last / shells.max(1) as f64;
    let breaks: Vec<f64> = (0..=shells).map(|k| k as f64 * step).collect();
    // From 0 to R_1 half of the interval from −R_1 to R_1.
    let pieces = (0..shells).map(|i| if i == 0 { piece(2.0 * step, 0.5, 0.5) } else { piece(step, 0.0, 1.0) });
    let pieces = Pieces::new(breaks, pieces.collect());
    let mut columns = vec![Mat::zeros(functions, 4); shells];
    let mut starts = vec![0; shells + 1];
    (0..shells).for_each(|shell| starts[shell + 1] = starts[shell] + sizes[shell] as usize);
    for position in 0..functions {
        let parity = if position.isqrt() % 2 == 0 { 1.0 } else { -1.0 };
        let value = |shell: usize| {
            let held = position < sizes[shell] as usize;
            amplitudes.get(starts[shell] + position).copied().filter(|_| held).unwrap_or(0.0)
        };
        let y: Vec<f64> = (0..shells).map(value).collect();
        let curvature = second_derivatives(&y, step, parity);
        for (i, columns) in columns.iter_mut().enumerate() {
            let (before, bent) =
                if i == 0 { (parity * y[0], parity * curvature[0]) } else { (y[i - 1], curvature[i - 1]) };
            for (column, value) in [before, y[i], bent, curvature[i]].into_iter().enumerate() {
                columns[(position, column)] = value;
            }
        }
    }
    (pieces, columns)
}

/// 1 − T, T and the cubics that carry second derivatives, T = offset + slope t, over an interval of a width.
fn piece(width: f64, offset: f64, slope: f64) -> [[f64; 4]; 4] {
    let factor = width * width / 6.0;
    // (x + s t)³ − (x + s t) by powers of t.
    let cubic = |x: f64, s: f64| {
        [x * x * x - x, s * (3.0 * x * x - 1.0), 3.0 * x * s * s, s * s * s].map(|coefficient| factor * coefficient)
    };
    [[1.0 - offset, -slope, 0.0, 0.0], [offset, slope, 0.0, 0.0], cubic(1.0 - offset, -slope), cubic(offset, slope)]
}

/// Second derivatives at R_1, …, R_S of the cubic spline through y there, at equal steps, and parity · y at −R_1, …;
/// none at the last.
fn second_derivatives(y: &[f64], step: f64, parity: f64) -> Vec<f64> {
    let n = y.len();
    let mut m = vec![0.0; n];
    if n < 2 {
        return m;
    }
    // Thomas' algorithm on (left/6) m_{k−1} + (left + right)/3 m_k + (right/6) m_{k+1} = slopes' difference; the first
    // interval is two steps wide, and its other end has m_1 with the parity's sign.
    let mut upper = vec![0.0; n];
    for k in 0..n - 1 {
        let (left, before) = if k == 0 { (2.0 * step, parity * y[0]) } else { (step, y[k - 1]) };
        let right = (y[k + 1] - y[k]) / step - (y[k] - before) / left;
        let mut diagonal = (left + step) / 3.0;
        let mut known = right;
        if k == 0 {
            diagonal += parity * left / 6.0;
        } else {
            diagonal -= left / 6.0 * upper[k - 1];
            known -= left / 6.0 * m[k - 1];
        }
        upper[k] = step / 6.0 / diagonal;
        m[k] = known / diagonal;
    }
    for k in (0..n - 1).rev() {
        m[k] -= upper[k] * m[k + 1];
    }
    m
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splines_reproduce_what_they_go_through_and_regular_functions_nearly() {
        // r² e^{−r²/8} has even parity, r e^{−r²/8} odd.
        let (shells, last) = (40, 10.0);
        let f = |k: usize, r: f64| match k {
            0 => (1.0 + r * r) * (-r * r / 8.0).exp(),
            _ => r * (-r * r / 8.0).exp(),
        };
        let sizes = vec![4; shells];
        let amplitudes: Vec<f64> =
            (1..=shells).flat_map(|s| (0..4).map(move |k| f(k, s as f64 * last / shells as f64))).collect();
        let (pieces, columns) = splines(last, &amplitudes, &sizes, 4);
        for step in 0..=400 {
            let r = f64::from(step) * 0.025;
            let i = pieces.interval(r).unwrap();
            let w = pieces.values(i, r);
            for k in 0..4 {
                let value: f64 = (0..4).map(|j| w[j] * columns[i][(k, j)]).sum();
                let tolerance = if step % 10 == 0 && step > 0 { 1e-13 } else { 1e-3 };
                assert!((value - f(k, r)).abs() < tolerance, "{k} {r}: {value} {}", f(k, r));
            }
        }
    }
}
