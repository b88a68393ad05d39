//! Gradient of an expansion in harmonics: ∇ Σ f_lm(r) Y_lm(n) = Σ [f′_lm n Y_lm + f_lm ∇Y_lm].
//!
//! Y_lm(n) is the solid harmonic S_lm = r^l Y_lm over r^l, so that r ∇Y_lm = ∇S_lm(n) − l n Y_lm. The gradient of a solid
//! harmonic is made of those of one degree less (Hobson 1931, The Theory of Spherical and Ellipsoidal Harmonics): no
//! angle, and no pole where a derivative by an angle would have no meaning.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, Par};

use super::cells::{AT_CENTRE, BLOCK, Block, Sorted};
use super::harmonics::{Harmonics, degree_and_order};
use super::radial::Pieces;

/// Functions of the radius on an interval.
const RADIAL: usize = 4;
/// Columns of a table: for each function of the radius c, l c, and the three components of the gradient.
const COLUMNS: usize = 5 * RADIAL;

/// ∂f/∂v at all cells, in C order, of Σ_k w_k(r) Σ_lm c_lm,k Y_lm (as `Sorted::evaluate`), in the geometry's unit of
/// length; zero in cells of no interval.
///
/// At the centre itself, which has no direction, f_lm ~ r^l is assumed: only l = 1 has a slope there.
pub(super) fn at_cells(
    sorted: &Sorted,
    harmonics: &Harmonics,
    pieces: &Pieces,
    coefficients: &[Mat<f64>],
    axes: Option<[[f64; 3]; 3]>,
) -> [Vec<f64>; 3] {
    let mut parts = [0, 1, 2].map(|_| vec![0.0; sorted.cells()]);
    let mut table = None;
    let mut sums = vec![0.0; COLUMNS * BLOCK];
    sorted.for_harmonics(0..coefficients.len(), harmonics, |block, functions| {
        // Blocks come interval after interval: one table serves all blocks of an interval.
        if !matches!(&table, Some((interval, _)) if *interval == block.interval) {
            table = Some((block.interval, differentiated(&coefficients[block.interval])));
        }
        let Some((_, table)) = &table else { return };
        let rows = functions.nrows();
        let to = MatMut::from_column_major_slice_mut(&mut sums[..COLUMNS * rows], rows, COLUMNS);
        matmul(to, Accum::Replace, functions, table.as_ref(), 1.0, Par::Seq);
        for (k, &cell) in block.cells.iter().enumerate() {
            let mut gradient = at_cell(&block, pieces, k, |column| sums[column * rows + k]);
            if let Some(axes) = axes {
                gradient = std::array::from_fn(|j| (0..3).map(|i| axes[i][j] * gradient[i]).sum());
            }
            parts.iter_mut().zip(gradient).for_each(|(part, value)| part[cell as usize] = value);
        }
    });
    parts
}

/// The gradient at cell k of a block, along the axes of the frame, from the sums over the harmonics of each column.
fn at_cell(block: &Block<'_>, pieces: &Pieces, k: usize, sum: impl Fn(usize) -> f64) -> [f64; 3] {
    let radius = block.radii[k];
    let (w, slopes) = (pieces.values(block.interval, radius), pieces.slopes(block.interval, radius));
    let over = |factors: [f64; RADIAL], first: usize| -> f64 {
        factors.iter().enumerate().map(|(function, factor)| factor * sum(first * RADIAL + function)).sum()
    };
    if radius <= AT_CENTRE {
        return [2, 3, 4].map(|first| over(slopes, first));
    }
    let outwards = over(slopes, 0) - over(w, 1) / radius;
    std::array::from_fn(|axis| block.direction(axis, k) * outwards + over(w, 2 + axis) / radius)
}

/// The columns c, l c, and those of ∂S/∂x, ∂S/∂y and ∂S/∂z, of a matrix with a row for each harmonic.
fn differentiated(coefficients: &Mat<f64>) -> Mat<f64> {
    let mut table = Mat::zeros(coefficients.nrows(), COLUMNS);
    for position in 0..coefficients.nrows() {
        let (l, _) = degree_and_order(position);
        for function in 0..RADIAL {
            let c = coefficients[(position, function)];
            table[(position, function)] = c;
            table[(position, RADIAL + function)] = l as f64 * c;
            for_slopes(position, |axis, lower, factor| {
                table[(lower, (2 + axis) * RADIAL + function)] += factor * c;
            });
        }
    }
    table
}

/// Calls `put` with the axis, the position of a solid harmonic of one degree less, and its factor, for all that make up
/// the gradient of the solid harmonic at a position.
///
/// For Z_m = N r^l P_l^m e^{imφ}, m ≥ 0 and without a sign, (∂_x − i∂_y) Z_m = α Z_{m−1}, (∂_x + i∂_y) Z_m = −β Z_{m+1}
/// and ∂_z Z_m = γ Z_m of degree l − 1, α² = κ (l+m)(l+m−1), β² = κ (l−m)(l−m−1), γ² = κ (l+m)(l−m), κ = (2l+1)/(2l−1).
/// The real harmonics are √2 times the real and the imaginary part, for m = 0 once the real part.
fn for_slopes(position: usize, mut put: impl FnMut(usize, usize, f64)) {
    let (l, order) = degree_and_order(position);
    if l == 0 {
        return;
    }
    let m = order.unsigned_abs();
    let [degree, order_f] = [l as f64, m as f64];
    let ratio = (2.0 * degree + 1.0) / (2.0 * degree - 1.0);
    let [plus, minus] = [degree + order_f, degree - order_f];
    let root = |product: f64| (ratio * product).max(0.0).sqrt();
    let (alpha, beta, gamma) = (0.5 * root(plus * (plus - 1.0)), 0.5 * root(minus * (minus - 1.0)), root(plus * minus));
    // Harmonics of degree l − 1 with cos kφ and sin kφ; there are none beyond k = l − 1.
    let middle = (l - 1) * (l - 1) + (l - 1);
    let mut cosine = |axis: usize, k: usize, factor: f64| {
        if k < l {
            put(axis, middle + k, factor);
        }
    };
    let is_cosine = order >= 0;
    match (m, is_cosine) {
        (0, _) => cosine(0, 1, -beta * std::f64::consts::SQRT_2),
        (1, true) => {
            cosine(0, 0, alpha * std::f64::consts::SQRT_2);
            cosine(0, 2, -beta);
        }
        (_, true) => {
            cosine(0, m - 1, alpha);
            cosine(0, m + 1, -beta);
        }
        (1, false) => {
            cosine(1, 0, alpha * std::f64::consts::SQRT_2);
            cosine(1, 2, beta);
        }
        (_, false) => {
            cosine(1, m - 1, alpha);
            cosine(1, m + 1, beta);
        }
    }
    let mut sine = |axis: usize, k: usize, factor: f64| {
        if (1..l).contains(&k) {
            put(axis, middle - k, factor);
        }
    };
    match (m, is_cosine) {
        (0, _) => sine(1, 1, -beta * std::f64::consts::SQRT_2),
        (_, true) => {
            sine(1, m - 1, -alpha);
            sine(1, m + 1, -beta);
        }
        (_, false) => {
            sine(0, m - 1, alpha);
            sine(0, m + 1, -beta);
        }
    }
    if m < l {
        put(2, if is_cosine { middle + m } else { middle - m }, gamma);
    }
}

#[cfg(test)]
mod tests {
    use super::super::harmonics::count;
    use super::*;

    #[test]
    fn slopes_of_solid_harmonics_agree_with_differences() {
        let (degree, step) = (7, 1e-5);
        let harmonics = Harmonics::new(degree);
        let at = [0.31, -0.58, 0.44];
        let values = harmonics.evaluate(&[at]);
        for axis in 0..3 {
            let [up, down] = [step, -step].map(|step| {
                let mut moved = at;
                moved[axis] += step;
                harmonics.evaluate(&[moved])
            });
            for position in 0..count(degree) {
                let mut slope = 0.0;
                for_slopes(position, |other, lower, factor| {
                    if other == axis {
                        slope += factor * values[lower];
                    }
                });
                let difference = (up[position] - down[position]) / (2.0 * step);
                assert!((slope - difference).abs() < 1e-8, "{:?} {axis}", degree_and_order(position));
            }
        }
    }
}
