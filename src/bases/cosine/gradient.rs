//! Gradient of a sum of cosines: sines, along one axis at a time.
//!
//! Along an axis of n cells a cosine is a function of the place x = i + ½ in cells, cos(πkx/n), with the derivative
//! −(πk/n) sin(πkx/n). Blocks are differentiated each by itself: the steps between them have no share in the gradient.

use std::f64::consts::PI;

use faer::Mat;

use super::transform::{Cut, Scratch, Table, by_tiles, product, synthesise, synthesise_by, weight};
use super::{Cosine, CosineCoefficients};

impl Cosine {
    /// Derivatives by the place in cells along one axis, in C order.
    pub(super) fn slopes(&self, coefficients: &CosineCoefficients, along: usize) -> Vec<f64> {
        let cuts = coefficients.cuts;
        let mut shape = cuts.map(Cut::len);
        let mut now = coefficients.dense().into_owned();
        let Scratch { mut next, mut padded, .. } = Scratch::default();
        for axis in [1, 0, 2] {
            let table = self.table(cuts[axis]);
            if axis == along {
                let sines = |x: &[f64], blocks: [usize; 3], y: &mut Vec<f64>| sines(x, blocks, cuts[axis], &table, y);
                synthesise_by(sines, &now, &mut shape, (axis, cuts[axis]), &mut padded, &mut next);
            } else {
                synthesise(&now, &mut shape, axis, (cuts[axis], &table), &mut padded, &mut next);
            }
            std::mem::swap(&mut now, &mut next);
        }
        now
    }
}

/// The factor of sin(πkx/n) in the derivative of function k.
fn factor(k: usize, n: usize) -> f64 {
    -PI * k as f64 / n as f64 * weight(k, n)
}

/// Coefficients to derivatives along the blocks of one axis.
fn sines(x: &[f64], blocks: [usize; 3], cut: Cut, table: &Table, y: &mut Vec<f64>) {
    let (n, keep) = (cut.block, cut.keep);
    match table {
        Table::Cosines(_) => {
            let turn = |i: usize, k: usize| ((2 * i + 1) as u128 * k as u128 % (4 * n as u128)) as f64;
            let matrix = Mat::from_fn(n, keep, |i, k| factor(k, n) * (PI * turn(i, k) / (2 * n) as f64).sin());
            product(x, blocks, matrix.as_ref(), y);
        }
        Table::Fast(fast) => {
            let [outer, keep, inner] = blocks;
            y.resize(outer * n * inner, 0.0);
            for (x, y) in x.chunks_exact(keep * inner).zip(y.chunks_exact_mut(n * inner)) {
                by_tiles(x, y, [keep, n, inner], fast.get_scratch_len(), |row, scratch| {
                    // The sine transform of type 3 begins with k = 1, and the function k = 0 has no slope.
                    (0..n - 1).for_each(|k| row[k] = row[k + 1] * factor(k + 1, n));
                    row[n - 1] = 0.0;
                    fast.process_dst3_with_scratch(row, scratch);
                });
            }
        }
    }
}
