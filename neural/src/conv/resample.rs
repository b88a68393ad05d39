//! Doubling of the resolution along all axes, and its adjoint.
//!
//! Doubling inserts knots into uniform cubic B-splines: with the coefficients c of a spline, those on half the spacing
//! are (c₋₁ + 6 c₀ + c₁) / 8 at the old knots and (c₀ + c₁) / 2 between them (Lane and Riesenfeld 1980, IEEE Trans.
//! Pattern Anal. Mach. Intell. 2, 35). So a decoder without any convolution draws smooth functions already. Beyond the
//! box everything is zero.

use rayon::prelude::*;

use super::volume::{Layout, Volume};

/// The shape with half the resolution: n cells of a line come from ⌈n/2⌉.
pub(crate) fn halved(shape: [usize; 3]) -> [usize; 3] {
    shape.map(|cells| cells.div_ceil(2))
}

/// Doubles the resolution along the axes whose lengths differ, last axis first, while the arrays are small.
pub(super) fn double(input: &Volume, output: &mut Volume) {
    along_axes(input, output, [2, 1, 0], doubled);
}

/// The adjoint of [`double`].
pub(super) fn double_adjoint(gradient: &Volume, output: &mut Volume) {
    along_axes(gradient, output, [0, 1, 2], adjoint);
}

/// A step along one axis: the input and its layout, the output and its layout, and the axis.
type Step = fn(&[f32], &Layout, &mut [f32], &Layout, usize);

fn along_axes(input: &Volume, output: &mut Volume, axes: [usize; 3], step: Step) {
    let (from, to) = (input.layout, output.layout);
    let planes = output.data.par_chunks_exact_mut(to.pitch());
    planes.zip(input.data.par_chunks_exact(from.pitch())).for_each(|(output, input)| {
        let mut layout = from;
        let mut plane = input.to_vec();
        for axis in axes.into_iter().filter(|&axis| from.shape[axis] != to.shape[axis]) {
            let mut shape = layout.shape;
            shape[axis] = to.shape[axis];
            let next = Layout::new(shape);
            let mut made = vec![0.0; next.pitch()];
            step(&plane, &layout, &mut made, &next, axis);
            (layout, plane) = (next, made);
        }
        output.copy_from_slice(&plane);
    });
}

/// Begins and lengths, in both layouts, of the runs of neighbouring places that a step along an axis treats alike: a whole
/// slab, a row, or one cell.
fn runs(from: &Layout, to: &Layout, axis: usize) -> (Vec<[usize; 2]>, usize) {
    let [nx, ny, nz] = from.shape;
    let begin = |place: [usize; 2]| {
        let at = |layout: &Layout| layout.first() + place[0] * layout.strides()[0] + place[1] * layout.strides()[1];
        [at(from), at(to)]
    };
    match axis {
        0 => (vec![begin([0, 0])], from.strides()[0] - from.strides()[1] - 1),
        1 => ((0..nx).map(|x| begin([x, 0])).collect(), nz),
        _ => ((0..nx).flat_map(|x| (0..ny).map(move |y| [x, y])).map(begin).collect(), 1),
    }
}

fn doubled(old: &[f32], from: &Layout, new: &mut [f32], to: &Layout, axis: usize) {
    let [old_stride, new_stride] = [from, to].map(|layout| layout.strides()[axis]);
    let (runs, run) = runs(from, to, axis);
    for [old_begin, new_begin] in runs {
        for k in 0..from.shape[axis] {
            let (old, new) =
                (&old[old_begin + k * old_stride - old_stride..], &mut new[new_begin + 2 * k * new_stride..]);
            let (before, here, after) = (&old[..run], &old[old_stride..][..run], &old[2 * old_stride..][..run]);
            for (((new, before), here), after) in new[..run].iter_mut().zip(before).zip(here).zip(after) {
                *new = 0.125 * (before + after) + 0.75 * here;
            }
            if 2 * k + 1 < to.shape[axis] {
                for ((new, here), after) in new[new_stride..][..run].iter_mut().zip(here).zip(after) {
                    *new = 0.5 * (here + after);
                }
            }
        }
    }
}

fn adjoint(gradient: &[f32], from: &Layout, new: &mut [f32], to: &Layout, axis: usize) {
    let [stride, new_stride] = [from, to].map(|layout| layout.strides()[axis]);
    let (runs, run) = runs(from, to, axis);
    for [begin, new_begin] in runs {
        for k in 0..to.shape[axis] {
            let new = &mut new[new_begin + k * new_stride..][..run];
            let neighbours = [(-2, 0.125), (-1, 0.5), (0, 0.75), (1, 0.5), (2, 0.125)];
            for (distance, weight) in neighbours {
                let at = (2 * k).checked_add_signed(distance).filter(|&at| at < from.shape[axis]);
                let Some(at) = at else { continue };
                let gradient = &gradient[begin + at * stride..][..run];
                new.iter_mut().zip(gradient).for_each(|(new, g)| *new += weight * g);
            }
        }
    }
}

/// Moves the cells of each 2×2×2 block into eight channels, or back: channel 8 c + 4 i + 2 j + k holds the cells (i, j, k) of
/// the blocks of channel c. `fine` is the volume with more cells; beyond an odd edge a block has zeros.
pub(super) fn fold(fine: &Volume, coarse: &mut Volume) {
    let (from, to) = (fine.layout, coarse.layout);
    for (number, plane) in coarse.data.chunks_exact_mut(to.pitch()).enumerate() {
        let source = &fine.data[number / 8 * from.pitch()..][..from.pitch()];
        each_row(&from, &to, number % 8, |fine, coarse, parity| {
            let row = plane[coarse..][..to.shape[2]].iter_mut();
            let cells = source[fine..][..from.shape[2]].iter().skip(parity).step_by(2);
            row.zip(cells).for_each(|(new, old)| *new = *old);
        });
    }
}

/// The inverse of [`fold`], and its adjoint.
pub(super) fn unfold(coarse: &Volume, fine: &mut Volume) {
    let (from, to) = (coarse.layout, fine.layout);
    for (number, source) in coarse.data.chunks_exact(from.pitch()).enumerate() {
        let plane = &mut fine.data[number / 8 * to.pitch()..][..to.pitch()];
        each_row(&to, &from, number % 8, |fine, coarse, parity| {
            let row = &source[coarse..][..from.shape[2]];
            let cells = plane[fine..][..to.shape[2]].iter_mut().skip(parity).step_by(2);
            cells.zip(row).for_each(|(new, old)| *new = *old);
        });
    }
}

/// Calls a function for each row of the coarse grid that has cells of this number in a block: the first places of the rows
/// in both layouts, and the parity along the last axis.
fn each_row(fine: &Layout, coarse: &Layout, number: usize, mut each: impl FnMut(usize, usize, usize)) {
    let [i, j, k] = [number / 4, number / 2 % 2, number % 2];
    let place =
        |layout: &Layout, x: usize, y: usize| layout.first() + x * layout.strides()[0] + y * layout.strides()[1];
    for x in 0..coarse.shape[0] {
        for y in 0..coarse.shape[1] {
            if 2 * x + i < fine.shape[0] && 2 * y + j < fine.shape[1] {
                each(place(fine, 2 * x + i, 2 * y + j), place(coarse, x, y), k);
            }
        }
    }
}
