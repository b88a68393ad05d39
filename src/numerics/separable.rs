//! Separable transforms of three-dimensional arrays: one small matrix product per axis.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Transform y\[a,b,c\] = Σ A\[a,i\] B\[b,j\] C\[c,k\] x\[i,j,k\] for arrays in C order; the matrices have one row per
/// output index.
///
/// The axes are contracted one after another, O(n³ m) instead of O(n³ m³), in the order that keeps the intermediate
/// arrays small. It runs on one thread, because callers work on many arrays in parallel.
pub(crate) fn transform(x: &[f64], matrices: [MatRef<'_, f64>; 3]) -> Vec<f64> {
    let [a, b, c] = matrices;
    let [(ma, na), (mb, nb), (mc, nc)] = matrices.map(|m| (m.nrows(), m.ncols()));
    debug_assert_eq!(x.len(), na * nb * nc);
    if exceeds(MAX_INTERMEDIATE, [ma, mb, mc], [na, nb, nc]) {
        return smallest_first(x, matrices);
    }
    if ma * mb * mc <= na * nb * nc {
        // The output is smaller: the last axis first, along which x is contiguous.
        let x = along_last(x, c);
        let x = along_first(&x, a);
        along_middle(&x, mc, b)
    } else {
        // The output is larger: the largest product last, as matrix products of whole planes.
        let x = along_middle(x, nc, b);
        let x = along_last(&x, c);
        along_first(&x, a)
    }
}

/// Maximum size of an intermediate array, as a multiple of the larger of input and output, for the usual order of the
/// axes.
const MAX_INTERMEDIATE: usize = 4;

/// True if the usual order of the axes makes an intermediate array larger than [`MAX_INTERMEDIATE`] allows.
fn exceeds(times: usize, [ma, mb, mc]: [usize; 3], [na, nb, nc]: [usize; 3]) -> bool {
    let (from, to) = (na * nb * nc, ma * mb * mc);
    let between = if to <= from { [na * nb * mc, ma * nb * mc] } else { [na * mb * nc, na * mb * mc] };
    between.into_iter().any(|len| len > times * from.max(to))
}

/// Contracts the axes that become shorter first: no array is then larger than the larger of input and output.
fn smallest_first(x: &[f64], matrices: [MatRef<'_, f64>; 3]) -> Vec<f64> {
    let mut shape = matrices.map(|matrix| matrix.ncols());
    let mut axes = [0, 1, 2];
    let growth = |axis: usize| matrices[axis].nrows() as f64 / matrices[axis].ncols().max(1) as f64;
    axes.sort_by(|&a, &b| growth(a).total_cmp(&growth(b)));
    let (mut now, mut next) = (x.to_vec(), Vec::new());
    for axis in axes {
        along(axis, &now, shape, matrices[axis], &mut next);
        shape[axis] = matrices[axis].nrows();
        std::mem::swap(&mut now, &mut next);
    }
    now
}

/// Multiplies an array of the given shape with a matrix along axis 0, 1 or 2; `y` is overwritten, and its memory
/// reused.
pub(crate) fn along(axis: usize, x: &[f64], [_, _, n2]: [usize; 3], matrix: MatRef<'_, f64>, y: &mut Vec<f64>) {
    let (m, n) = (matrix.nrows(), matrix.ncols());
    y.resize(x.len() / n.max(1) * m, 0.0);
    match axis {
        0 => first(x, matrix, y),
        1 => middle(x, n2, matrix, y),
        _ => last(x, matrix, y),
    }
}

fn along_last(x: &[f64], matrix: MatRef<'_, f64>) -> Vec<f64> {
    let mut y = Vec::new();
    along(2, x, [0; 3], matrix, &mut y);
    y
}

fn along_first(x: &[f64], matrix: MatRef<'_, f64>) -> Vec<f64> {
    let mut y = Vec::new();
    along(0, x, [0; 3], matrix, &mut y);
    y
}

fn along_middle(x: &[f64], n2: usize, matrix: MatRef<'_, f64>) -> Vec<f64> {
    let mut y = Vec::new();
    along(1, x, [0, 0, n2], matrix, &mut y);
    y
}

fn last(x: &[f64], matrix: MatRef<'_, f64>, y: &mut [f64]) {
    let (m, n) = (matrix.nrows(), matrix.ncols());
    let rows = x.len() / n.max(1);
    // The library expects column-major matrices. A row-major array is the transpose of one: yᵀ = M xᵀ.
    product(MatMut::from_column_major_slice_mut(y, m, rows), matrix, MatRef::from_column_major_slice(x, n, rows));
}

fn first(x: &[f64], matrix: MatRef<'_, f64>, y: &mut [f64]) {
    let (m, n) = (matrix.nrows(), matrix.ncols());
    let columns = x.len() / n.max(1);
    product(
        MatMut::from_column_major_slice_mut(y, columns, m),
        MatRef::from_column_major_slice(x, columns, n),
        matrix.transpose(),
    );
}

fn middle(x: &[f64], n2: usize, matrix: MatRef<'_, f64>, y: &mut [f64]) {
    let (m, n) = (matrix.nrows(), matrix.ncols());
    if n2 == 0 || m == 0 || n == 0 {
        return;
    }
    for (x, y) in x.chunks_exact(n * n2).zip(y.chunks_exact_mut(m * n2)) {
        product(
            MatMut::from_column_major_slice_mut(y, n2, m),
            MatRef::from_column_major_slice(x, n2, n),
            matrix.transpose(),
        );
    }
}

fn product(y: MatMut<'_, f64>, left: MatRef<'_, f64>, right: MatRef<'_, f64>) {
    matmul(y, Accum::Replace, left, right, 1.0, Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    /// The definition, term by term.
    fn by_definition(x: &[f64], [a, b, c]: [&Mat<f64>; 3]) -> Vec<f64> {
        let mut y = Vec::new();
        for p in 0..a.nrows() {
            for q in 0..b.nrows() {
                for r in 0..c.nrows() {
                    let mut sum = 0.0;
                    for i in 0..a.ncols() {
                        for j in 0..b.ncols() {
                            for k in 0..c.ncols() {
                                let cell = (i * b.ncols() + j) * c.ncols() + k;
                                sum += a[(p, i)] * b[(q, j)] * c[(r, k)] * x[cell];
                            }
                        }
                    }
                    y.push(sum);
                }
            }
        }
        y
    }

    #[test]
    fn three_products_equal_the_sixfold_sum() {
        let matrix = |m, n, seed: f64| Mat::from_fn(m, n, |i, j| ((i * 7 + j * 3) as f64 + seed).sin());
        for (ma, na, mb, nb, mc, nc) in [
            (2, 5, 3, 4, 4, 6),
            (5, 2, 4, 3, 6, 4),
            (1, 1, 3, 3, 7, 2),
            (3, 1, 1, 5, 2, 2),
            // The usual order would make arrays much larger than both ends.
            (1, 9, 90, 9, 1, 9),
            (40, 1, 1, 30, 1, 2),
        ] {
            let (a, b, c) = (matrix(ma, na, 0.1), matrix(mb, nb, 0.2), matrix(mc, nc, 0.3));
            let x: Vec<f64> = (0..na * nb * nc).map(|k| (k as f64 * 0.37).cos()).collect();
            let expected = by_definition(&x, [&a, &b, &c]);
            let found = transform(&x, [a.as_ref(), b.as_ref(), c.as_ref()]);
            // A used buffer, larger or smaller than needed.
            let [mut after_a, mut after_b, mut one_by_one] = [vec![7.0; 1000], vec![7.0; 3], vec![]];
            along(0, &x, [na, nb, nc], a.as_ref(), &mut after_a);
            along(1, &after_a, [ma, nb, nc], b.as_ref(), &mut after_b);
            along(2, &after_b, [ma, mb, nc], c.as_ref(), &mut one_by_one);
            assert_eq!(expected.len(), found.len());
            for k in 0..expected.len() {
                assert!((expected[k] - found[k]).abs() < 1e-13 && (expected[k] - one_by_one[k]).abs() < 1e-13);
            }
        }
    }
}
