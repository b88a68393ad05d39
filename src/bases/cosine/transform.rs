//! The transform along one axis: cut into blocks, padded, and each block multiplied with its cosines.

use std::f64::consts::PI;
use std::sync::Arc;

use faer::Mat;
use rustdct::{DctPlanner, TransformType2And3};

use crate::numerics::separable::along;

/// Blocks from this length on go through the fast transform, n log n steps in place of n · keep, if at least a quarter of
/// their coefficients is kept.
const FAST_LENGTH: usize = 128;
/// Most cosines of a table (2 MiB): the fast transform serves longer blocks whatever is kept of them.
const MAX_COSINES: usize = 1 << 18;
/// Results shorter than this are summed by [`short_rows`] in place of the general matrix product.
const SHORT: usize = 8;
/// Columns transformed together, so that whole cache lines are read.
const TILE: usize = 16;

/// The values behind the last cell that fill the last block of an axis. They are not part of the distribution and are cut
/// off again, but where terms are left out they decide how well the others describe the cells beside them.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Padding {
    /// The cells before the edge, mirrored: no jump at the edge.
    #[default]
    Mirror,
    /// Zeros.
    Zeros,
}

/// The blocks of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Cells of the axis.
    pub(super) cells: usize,
    /// Cells of a block.
    pub(super) block: usize,
    /// Coefficients kept of each block, those of the lowest degrees.
    pub(super) keep: usize,
}

impl Cut {
    /// The block is at most the axis, and at most the block's coefficients are kept.
    pub(super) fn new(cells: usize, block: usize, keep: usize) -> Self {
        let block = block.min(cells);
        Self { cells, block, keep: keep.min(block) }
    }

    pub(super) fn blocks(self) -> usize {
        self.cells.div_ceil(self.block)
    }

    pub(super) fn padded(self) -> usize {
        self.blocks() * self.block
    }

    /// Coefficients along the axis.
    pub(super) fn len(self) -> usize {
        self.blocks() * self.keep
    }

    /// The number of times that each cell stands in the axis with its mirrored end.
    pub(super) fn appearances(self) -> Vec<f64> {
        let mut times = vec![1.0; self.cells];
        (self.cells..self.padded()).for_each(|k| times[mirrored(k, self.cells)] += 1.0);
        times
    }
}

/// The cell that stands at a place behind the last of `n` cells, mirrored as often as needed.
fn mirrored(place: usize, n: usize) -> usize {
    let place = place % (2 * n);
    if place < n { place } else { 2 * n - 1 - place }
}

/// The transform of blocks of one length.
pub(super) enum Table {
    /// A matrix of cosines. Row k, column i: w_k cos(π (i + ½) k / n), orthonormal rows.
    Cosines(Mat<f64>),
    /// rustdct's fast transform.
    Fast(Arc<dyn TransformType2And3<f64>>),
}

impl Table {
    pub(super) fn key(cut: Cut) -> (usize, usize) {
        (cut.block, cut.keep)
    }

    pub(super) fn new(cut: Cut) -> Self {
        let (n, keep) = Self::key(cut);
        if n >= FAST_LENGTH && (4 * keep >= n || n * keep > MAX_COSINES) {
            return Self::Fast(DctPlanner::new().plan_dct2(n));
        }
        Self::Cosines(Mat::from_fn(keep, n, |k, i| weight(k, n) * cosine(k, i, n)))
    }
}

/// The factor that makes cos(π (i + ½) k / n) a unit vector.
pub(super) fn weight(k: usize, n: usize) -> f64 {
    (if k == 0 { 1.0 } else { 2.0 } / n as f64).sqrt()
}

/// cos(π (2i + 1) k / 2n), the angle reduced exactly.
fn cosine(k: usize, i: usize, n: usize) -> f64 {
    let turn = 4 * n as u128;
    let angle = ((2 * i + 1) as u128 * k as u128 % turn) as f64;
    (PI * angle / (2 * n) as f64).cos()
}

/// Scratch buffers that one transform after another uses.
#[derive(Default)]
pub(super) struct Scratch {
    /// The array as transformed along the axes so far.
    pub(super) now: Vec<f64>,
    /// The same after one axis more.
    pub(super) next: Vec<f64>,
    /// The array with its padding.
    pub(super) padded: Vec<f64>,
}

impl Scratch {
    /// Bytes allocated.
    pub(super) fn bytes(&self) -> usize {
        8 * (self.now.capacity() + self.next.capacity() + self.padded.capacity())
    }
}

/// Values to coefficients along one axis of an array of the given shape, which changes; `padded` is a scratch buffer.
pub(super) fn analyse(
    x: &[f64],
    shape: &mut [usize; 3],
    axis: usize,
    (cut, table, padding): (Cut, &Table, Padding),
    padded: &mut Vec<f64>,
    y: &mut Vec<f64>,
) {
    let x = if cut.padded() == shape[axis] {
        x
    } else {
        resize(x, shape, axis, cut.padded(), padding, padded);
        padded
    };
    let blocks = in_blocks(*shape, axis, cut.block);
    shape[axis] = cut.len();
    match table {
        Table::Fast(fast) => fast_analysis(x, blocks, cut.keep, fast.as_ref(), y),
        Table::Cosines(cosines) => product(x, blocks, cosines.as_ref(), y),
    }
}

/// Coefficients to values along one axis, without the padding.
pub(super) fn synthesise(
    x: &[f64],
    shape: &mut [usize; 3],
    axis: usize,
    (cut, table): (Cut, &Table),
    padded: &mut Vec<f64>,
    y: &mut Vec<f64>,
) {
    let values = |x: &[f64], blocks: [usize; 3], y: &mut Vec<f64>| match table {
        Table::Fast(fast) => fast_synthesis(x, blocks, cut.block, fast.as_ref(), y),
        Table::Cosines(cosines) => product(x, blocks, cosines.transpose(), y),
    };
    synthesise_by(values, x, shape, (axis, cut), padded, y);
}

/// Coefficients to whatever `operation` makes of an array in blocks along one axis, without the padding.
pub(super) fn synthesise_by(
    operation: impl Fn(&[f64], [usize; 3], &mut Vec<f64>),
    x: &[f64],
    shape: &mut [usize; 3],
    (axis, cut): (usize, Cut),
    padded: &mut Vec<f64>,
    y: &mut Vec<f64>,
) {
    let blocks = in_blocks(*shape, axis, cut.keep);
    operation(x, blocks, if cut.padded() == cut.cells { &mut *y } else { &mut *padded });
    shape[axis] = cut.padded();
    if cut.padded() != cut.cells {
        resize(padded, shape, axis, cut.cells, Padding::Zeros, y);
    }
}

/// The array as outer × block × inner: blocks of one axis are contiguous chunks along the middle.
fn in_blocks(shape: [usize; 3], axis: usize, block: usize) -> [usize; 3] {
    let inner: usize = shape[axis + 1..].iter().product();
    let cells: usize = shape.iter().product();
    [cells / (block * inner), block, inner]
}

pub(super) fn product(x: &[f64], blocks: [usize; 3], matrix: faer::MatRef<'_, f64>, y: &mut Vec<f64>) {
    // With nothing behind it the middle axis is the last one, and all blocks are one product.
    let axis = if blocks[2] == 1 { 2 } else { 1 };
    if axis == 2 && matrix.nrows() < SHORT {
        short_rows(x, matrix, y);
    } else {
        along(axis, x, blocks, matrix, y);
    }
}

/// The product with every row, where the result is shorter than a register: a general product then writes parts of
/// registers, which takes ten times as long on some processors when they straddle cache lines.
fn short_rows(x: &[f64], matrix: faer::MatRef<'_, f64>, y: &mut Vec<f64>) {
    let (m, n) = (matrix.nrows(), matrix.ncols());
    let columns: Vec<[f64; SHORT]> =
        (0..n).map(|i| std::array::from_fn(|k| if k < m { matrix[(k, i)] } else { 0.0 })).collect();
    y.resize(x.len() / n * m, 0.0);
    for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(m)) {
        let mut sums = [0.0; SHORT];
        for (x, column) in x.iter().zip(&columns) {
            for k in 0..SHORT {
                sums[k] += x * column[k];
            }
        }
        y.copy_from_slice(&sums[..m]);
    }
}

fn fast_analysis(
    x: &[f64],
    [outer, n, inner]: [usize; 3],
    keep: usize,
    fast: &dyn TransformType2And3<f64>,
    y: &mut Vec<f64>,
) {
    y.resize(outer * keep * inner, 0.0);
    if inner == 1 {
        let weights: Vec<f64> = (0..keep).map(|k| weight(k, n)).collect();
        let (mut row, mut scratch) = (vec![0.0; n], vec![0.0; fast.get_scratch_len()]);
        for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(keep)) {
            row.copy_from_slice(x);
            fast.process_dct2_with_scratch(&mut row, &mut scratch);
            y.iter_mut().zip(&row).zip(&weights).for_each(|((y, x), w)| *y = w * x);
        }
        return;
    }
    for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(keep * inner)) {
        by_tiles(x, y, [n, keep, inner], fast.get_scratch_len(), |row, scratch| {
            fast.process_dct2_with_scratch(row, scratch);
            row.iter_mut().enumerate().for_each(|(k, y)| *y *= weight(k, n));
        });
    }
}

fn fast_synthesis(
    x: &[f64],
    [outer, keep, inner]: [usize; 3],
    n: usize,
    fast: &dyn TransformType2And3<f64>,
    y: &mut Vec<f64>,
) {
    y.resize(outer * n * inner, 0.0);
    for (x, y) in x.chunks_exact(keep * inner).zip(y.chunks_exact_mut(n * inner)) {
        by_tiles(x, y, [keep, n, inner], fast.get_scratch_len(), |row, scratch| {
            // rustdct's type 3 takes half of the first coefficient.
            row.iter_mut().enumerate().for_each(|(k, y)| *y *= weight(k, n) * if k == 0 { 2.0 } else { 1.0 });
            fast.process_dct3_with_scratch(row, scratch);
        });
    }
}

/// Columns of `x`, `from` × inner, through an operation on max(from, to) numbers into `y`, `to` × inner.
pub(super) fn by_tiles(
    x: &[f64],
    y: &mut [f64],
    [from, to, inner]: [usize; 3],
    scratch: usize,
    operation: impl Fn(&mut [f64], &mut [f64]),
) {
    let n = from.max(to);
    let (mut tile, mut scratch) = (vec![0.0; n * TILE.min(inner)], vec![0.0; scratch]);
    for start in (0..inner).step_by(TILE) {
        let width = TILE.min(inner - start);
        for (i, x) in x.chunks_exact(inner).enumerate() {
            x[start..start + width].iter().enumerate().for_each(|(column, x)| tile[column * n + i] = *x);
        }
        for row in tile.chunks_exact_mut(n).take(width) {
            row[from..].fill(0.0);
            operation(row, &mut scratch);
        }
        for (k, y) in y.chunks_exact_mut(inner).enumerate() {
            y[start..start + width].iter_mut().enumerate().for_each(|(column, y)| *y = tile[column * n + k]);
        }
    }
}

/// The array with another number of cells along one axis: padded behind, or cut.
fn resize(x: &[f64], shape: &mut [usize; 3], axis: usize, cells: usize, padding: Padding, y: &mut Vec<f64>) {
    let n = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    shape[axis] = cells;
    y.clear();
    y.reserve(shape.iter().product());
    for x in x.chunks_exact(n * inner) {
        y.extend_from_slice(&x[..n.min(cells) * inner]);
        for k in n..cells {
            match padding {
                Padding::Zeros => y.extend(std::iter::repeat_n(0.0, inner)),
                Padding::Mirror => {
                    let from = mirrored(k, n);
                    y.extend_from_slice(&x[from * inner..(from + 1) * inner]);
                }
            }
        }
    }
}
