//! Polynomials along one axis of a box, on its cells and between them, and which products of three a degree holds.
//!
//! A box has n cells along an axis; x counts cells from its middle, so that the centres are i − (n − 1)/2 and the
//! edges ±n/2.

use faer::MatRef;

/// Highest total degree of a leaf.
pub(super) const MAX_DEGREE: usize = 6;

/// Gram's discrete Legendre polynomials p_0 … p_degree at x, orthonormal on the n cells: Σ_i p_k p_l = δ_kl. Zero from
/// degree n on.
///
/// x p_k = b_(k+1) p_(k+1) + b_k p_(k−1) with b_k² = k² (n² − k²) / (4 (4k² − 1)) (Gautschi 2004, Orthogonal
/// Polynomials, 1.5.1).
pub(super) fn gram(n: usize, degree: usize, x: f64, mut put: impl FnMut(usize, f64)) {
    let n = n as f64;
    let (mut before, mut last, mut b_last) = (0.0, 1.0 / n.sqrt(), 0.0);
    put(0, last);
    for k in 1..=degree {
        let square = k as f64 * k as f64;
        let b = (square * (n * n - square) / (4.0 * (4.0 * square - 1.0))).max(0.0).sqrt();
        let next = if b > 0.0 { (x * last - b_last * before) / b } else { 0.0 };
        (before, last, b_last) = (last, next, b);
        put(k, next);
        if b == 0.0 {
            // All that follow are zero too: nothing is left to be orthogonal to.
            (k + 1..=degree).for_each(|k| put(k, 0.0));
            return;
        }
    }
}

/// Chebyshev's T_0 … T_degree at 2x/n: within ±1 in the box.
pub(super) fn chebyshev(n: usize, degree: usize, x: f64, mut put: impl FnMut(usize, f64)) {
    let xi = 2.0 * x / n as f64;
    let (mut before, mut last) = (xi, 1.0);
    for k in 0..=degree {
        put(k, last);
        (before, last) = (last, 2.0 * xi * last - before);
    }
}

/// Derivatives by x of [`gram`]'s polynomials.
pub(super) fn gram_slopes(n: usize, degree: usize, x: f64, mut put: impl FnMut(usize, f64)) {
    let n = n as f64;
    // Each polynomial with its derivative.
    let (mut before, mut last, mut b_last) = ([0.0; 2], [1.0 / n.sqrt(), 0.0], 0.0);
    put(0, 0.0);
    for k in 1..=degree {
        let square = k as f64 * k as f64;
        let b = (square * (n * n - square) / (4.0 * (4.0 * square - 1.0))).max(0.0).sqrt();
        let next = [x * last[0] - b_last * before[0], last[0] + x * last[1] - b_last * before[1]];
        (before, last, b_last) = (last, if b > 0.0 { next.map(|value| value / b) } else { [0.0; 2] }, b);
        put(k, last[1]);
        if b == 0.0 {
            (k + 1..=degree).for_each(|k| put(k, 0.0));
            return;
        }
    }
}

/// Derivatives by x of [`chebyshev`]'s polynomials.
pub(super) fn chebyshev_slopes(n: usize, degree: usize, x: f64, mut put: impl FnMut(usize, f64)) {
    let scale = 2.0 / n as f64;
    let xi = scale * x;
    // Each polynomial with its derivative by ξ.
    let (mut before, mut last) = ([xi, 1.0], [1.0, 0.0]);
    for k in 0..=degree {
        put(k, scale * last[1]);
        let next = [2.0 * xi * last[0] - before[0], 2.0 * last[0] + 2.0 * xi * last[1] - before[1]];
        (before, last) = (last, next);
    }
}

/// The values of a family at some points, one row a degree.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Row by row.
    pub values: Vec<f64>,
    /// Points: columns.
    pub points: usize,
}

impl Table {
    /// Gram's polynomials on the cells of a box.
    pub fn gram(n: usize, degree: usize) -> Self {
        Self::at(degree, &centres(n), |x, put| gram(n, degree, x, put))
    }

    /// Chebyshev's polynomials on the cells of a box.
    pub fn chebyshev(n: usize, degree: usize) -> Self {
        Self::at(degree, &centres(n), |x, put| chebyshev(n, degree, x, put))
    }

    /// Any family at any points; `family` puts its values of all degrees at x.
    pub fn at(degree: usize, xs: &[f64], family: impl Fn(f64, &mut dyn FnMut(usize, f64))) -> Self {
        let points = xs.len();
        let mut values = vec![0.0; (degree + 1) * points];
        for (i, &x) in xs.iter().enumerate() {
            family(x, &mut |k, value| values[k * points + i] = value);
        }
        Self { values, points }
    }

    /// The row of one degree.
    #[inline(always)]
    pub fn row(&self, degree: usize) -> &[f64] {
        &self.values[degree * self.points..(degree + 1) * self.points]
    }

    /// The first `rows` degrees as a matrix with a row each.
    pub fn matrix(&self, rows: usize) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values[..rows * self.points], rows, self.points)
    }
}

fn centres(n: usize) -> Vec<f64> {
    (0..n).map(|i| i as f64 - 0.5 * (n as f64 - 1.0)).collect()
}

/// The products of total degree `degree` at most that a box of this shape can tell apart (along an axis, degrees below
/// its number of cells), by total degree.
pub(super) fn terms(degree: usize, shape: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..=degree).flat_map(move |total| {
        (0..=total).flat_map(move |i| {
            (0..=total - i).map(move |j| [i, j, total - i - j]).filter(move |term| (0..3).all(|a| term[a] < shape[a]))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gram_polynomials_are_orthonormal_on_the_cells() {
        for n in [1, 2, 3, 5, 7, 13, 50, 211] {
            let table = Table::gram(n, MAX_DEGREE);
            for k in 0..=MAX_DEGREE {
                for l in 0..=k {
                    let product: f64 = table.row(k).iter().zip(table.row(l)).map(|(a, b)| a * b).sum();
                    let expected = if k == l && k < n { 1.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-13, "{n}: {k}, {l}: {product}");
                }
            }
        }
    }

    #[test]
    fn chebyshev_polynomials_are_cosines() {
        let n = 17;
        for (i, x) in centres(n).into_iter().enumerate() {
            for k in 0..=12 {
                let expected = (k as f64 * (2.0 * x / n as f64).acos()).cos();
                assert!((Table::chebyshev(n, 12).row(k)[i] - expected).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn terms_are_those_of_the_total_degree_that_fit_the_box() {
        assert_eq!((0..=6).map(|p| terms(p, [9; 3]).count()).collect::<Vec<_>>(), [1, 4, 10, 20, 35, 56, 84]);
        // A box of so few cells is complete.
        assert_eq!(terms(6, [3; 3]).count(), 27);
        assert_eq!(terms(6, [1, 1, 4]).collect::<Vec<_>>(), [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 0, 3]]);
    }
}
