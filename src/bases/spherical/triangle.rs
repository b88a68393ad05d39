//! The triangular factor of a matrix whose rows each touch a few neighbouring blocks of columns, from the rows
//! themselves.
//!
//! R with RᵀR = BᵀB tells two functions apart down to rounding, Cholesky's factor of BᵀB as computed only to its square
//! root: sequential QR by Householder's reflections (Björck 1996, Numerical Methods for Least Squares Problems, 6.2).

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::qr::no_pivoting::factor::{qr_in_place, qr_in_place_scratch, recommended_block_size};
use faer::{Conj, Mat, MatRef, Par};

/// R of the rows absorbed so far, in the blocks of columns that rows still touch.
#[derive(Default)]
pub(super) struct Triangle {
    /// Of every block its rows, from the diagonal to the last column.
    blocks: Vec<Mat<f64>>,
}

impl Triangle {
    /// Takes in another block of columns, and rows that are diagonal there.
    pub(super) fn widen(&mut self, diagonal: &[f64]) {
        let n = diagonal.len();
        for rows in &mut self.blocks {
            rows.resize_with(rows.nrows(), rows.ncols() + n, |_, _| 0.0);
        }
        self.blocks.push(Mat::from_fn(n, n, |i, j| if i == j { diagonal[i] } else { 0.0 }));
    }

    /// Gives out the rows of the first block, which no further row touches.
    pub(super) fn narrow(&mut self) -> Mat<f64> {
        self.blocks.remove(0)
    }

    /// Columns of each block.
    pub(super) fn sizes(&self) -> impl Iterator<Item = usize> {
        self.blocks.iter().map(Mat::nrows)
    }

    /// Adds rows, from the first column to the last.
    pub(super) fn absorb(&mut self, rows: MatRef<'_, f64>) {
        self.absorb_by_block(|block, _| if block == 0 { rows } else { rows.get(..0, ..) });
    }

    /// Adds the rows of another triangle with the same columns.
    pub(super) fn absorb_triangle(&mut self, rows: MatRef<'_, f64>) {
        let mut start = 0;
        self.absorb_by_block(|_, size| {
            let rows = rows.get(start..start + size, start..);
            start += size;
            rows
        });
    }

    /// Adds for every block the rows that start there; what is left of them below a block's own rows starts at the
    /// next.
    fn absorb_by_block<'a>(&mut self, mut rows: impl FnMut(usize, usize) -> MatRef<'a, f64>) {
        let mut left = Mat::zeros(0, self.blocks.first().map_or(0, Mat::ncols));
        for (block, done) in self.blocks.iter_mut().enumerate() {
            let (size, width) = (done.nrows(), done.ncols());
            let new = rows(block, size);
            let starts = [size, size + new.nrows(), size + new.nrows() + left.nrows()];
            let mut stack = Mat::zeros(starts[2], width);
            stack.get_mut(..starts[0], ..).copy_from(&*done);
            if new.nrows() > 0 {
                stack.get_mut(starts[0]..starts[1], ..).copy_from(new);
            }
            stack.get_mut(starts[1].., ..).copy_from(&left);
            let (mut panel, mut rest) = stack.split_at_col_mut(size);
            let step = recommended_block_size::<f64>(starts[2], size);
            let mut factors = Mat::zeros(step, size);
            let scratch = qr_in_place_scratch::<f64>(starts[2], size, step, Par::Seq, Default::default())
                .or(apply_scratch::<f64>(starts[2], step, width - size));
            let mut memory = MemBuffer::new(scratch);
            let memory = MemStack::new(&mut memory);
            // faer leaves out a column of which 16 ε a row or less is new: what `widen` takes in must be above that.
            qr_in_place(panel.as_mut(), factors.as_mut(), Par::Seq, memory, Default::default());
            apply(panel.as_ref(), factors.as_ref(), Conj::No, rest.as_mut(), Par::Seq, memory);
            for j in 0..size {
                done.get_mut(..j + 1, j).copy_from(panel.as_ref().get(..j + 1, j));
            }
            done.get_mut(.., size..).copy_from(rest.as_ref().get(..size, ..));
            left = rest.as_ref().get(size.., ..).to_owned();
        }
    }
}
