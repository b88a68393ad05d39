//! The 3×3×3 convolution and its two derivatives.

use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::volume::{LANES, Volume};

/// Neighbours of a cell, itself included.
pub(crate) const TAPS: usize = 27;
/// Output channels that a step of a kernel computes together.
const GROUP: usize = 4;
/// Neighbouring cells that a step computes together: those of a group fill eight registers of eight lanes.
const WIDTH: usize = 16;
/// Places that one task computes. Sums of the backward pass are made over blocks of this length, so that it is part of
/// what makes training reproducible.
const BLOCK: usize = 4096;

/// Convolves: output[o] = bias[o] + Σ weights[o][i][tap] · input[i] at the neighbour `tap`, with zeros beyond the box.
/// Weights are in the order output channel, input channel, tap.
pub(super) fn convolve(input: &Volume, weights: &[f32], bias: &[f32], output: &mut Volume) {
    let arch = Arch::new();
    convolve_by(input, weights, bias, output, |block| arch.dispatch(block));
}

/// As [`convolve`], with the blocks computed by a function.
fn convolve_by(
    input: &Volume,
    weights: &[f32],
    bias: &[f32],
    output: &mut Volume,
    compute: impl Fn(Forward<'_, '_>) + Sync,
) {
    let (layout, ins, outs) = (input.layout, input.channels, output.channels);
    let (first, span, pitch) = (layout.first(), layout.span(), layout.pitch());
    let padded = span.next_multiple_of(LANES);
    // For each block of places the parts of all output planes.
    let mut blocks: Vec<Vec<&mut [f32]>> = (0..padded.div_ceil(BLOCK)).map(|_| Vec::with_capacity(outs)).collect();
    for plane in output.data.chunks_exact_mut(pitch) {
        for (block, part) in blocks.iter_mut().zip(plane[first..][..padded].chunks_mut(BLOCK)) {
            block.push(part);
        }
    }
    let packed = Packed::new(weights, bias, ins, outs);
    blocks.par_iter_mut().enumerate().for_each(|(number, parts)| {
        compute(Forward { input, packed: &packed, taps: layout.taps(), start: number * BLOCK, parts });
    });
    output.clear_border();
}

/// Weights of groups of output channels, those of one group side by side: for each input channel and tap.
struct Packed {
    groups: Vec<([f32; GROUP], Vec<[f32; GROUP]>)>,
    singles: Vec<(f32, Vec<f32>)>,
}

impl Packed {
    fn new(weights: &[f32], bias: &[f32], ins: usize, outs: usize) -> Self {
        let each = ins * TAPS;
        let bias = |o: usize| bias.get(o).copied().unwrap_or(0.0);
        let group = |first: usize| {
            let side_by_side = (0..each).map(|k| std::array::from_fn(|o| weights[(first + o) * each + k])).collect();
            (std::array::from_fn(|o| bias(first + o)), side_by_side)
        };
        let grouped = outs / GROUP * GROUP;
        let groups = (0..grouped).step_by(GROUP).map(group).collect();
        let singles = (grouped..outs).map(|o| (bias(o), weights[o * each..][..each].to_vec())).collect();
        Self { groups, singles }
    }
}

struct Forward<'a, 'b> {
    input: &'a Volume,
    packed: &'a Packed,
    taps: [usize; TAPS],
    /// Distance of the block from the first cell.
    start: usize,
    parts: &'a mut [&'b mut [f32]],
}

impl NullaryFnOnce for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { input, packed, taps, start, parts } = self;
        let pitch = input.layout.pitch();
        let mut parts = parts.iter_mut();
        for (bias, weights) in &packed.groups {
            let [Some(a), Some(b), Some(c), Some(d)] = std::array::from_fn(|_| parts.next()) else { return };
            for place in (0..a.len()).step_by(WIDTH) {
                let sums = sums::<GROUP, WIDTH>(&input.data, pitch, start + place, &taps, *bias, weights);
                for (part, sums) in [&mut *a, &mut *b, &mut *c, &mut *d].into_iter().zip(sums) {
                    part[place..][..WIDTH].copy_from_slice(&sums);
                }
            }
        }
        for (bias, weights) in &packed.singles {
            let Some(part) = parts.next() else { return };
            let weights = weights.as_chunks::<1>().0;
            for place in (0..part.len()).step_by(WIDTH) {
                let [sums] = sums::<1, WIDTH>(&input.data, pitch, start + place, &taps, [*bias], weights);
                part[place..][..WIDTH].copy_from_slice(&sums);
            }
        }
    }
}

/// Sums at `L` neighbouring places for `O` output channels: the bias, then input channel by input channel and tap by tap.
#[inline(always)]
fn sums<const O: usize, const L: usize>(
    input: &[f32],
    pitch: usize,
    start: usize,
    taps: &[usize; TAPS],
    bias: [f32; O],
    weights: &[[f32; O]],
) -> [[f32; L]; O] {
    let mut sums = bias.map(|bias| [bias; L]);
    for (plane, weights) in input.chunks_exact(pitch).zip(weights.as_chunks::<TAPS>().0) {
        for (tap, weights) in taps.iter().zip(weights) {
            // A copy, so that the compiler keeps values and sums in registers.
            let Some(&values) = plane[start + tap..].first_chunk::<L>() else { continue };
            for o in 0..O {
                sums[o] = std::array::from_fn(|k| sums[o][k] + weights[o] * values[k]);
            }
        }
    }
    sums
}

/// The derivative with respect to the input: the convolution of the gradient with the mirrored weights.
pub(super) fn backward_input(gradient: &Volume, weights: &[f32], input: &mut Volume) {
    let (outs, ins) = (gradient.channels, input.channels);
    let mirrored: Vec<f32> = (0..ins)
        .flat_map(|i| (0..outs).flat_map(move |o| (0..TAPS).map(move |tap| (o * ins + i + 1) * TAPS - 1 - tap)))
        .map(|place| weights[place])
        .collect();
    convolve(gradient, &mirrored, &[], input);
}

/// The derivatives with respect to weights and bias. The border of the gradient must be zero.
pub(super) fn backward_weights(input: &Volume, gradient: &Volume) -> (Vec<f32>, Vec<f32>) {
    let layout = input.layout;
    let (ins, outs) = (input.channels, gradient.channels);
    let arch = Arch::new();
    let padded = layout.span().next_multiple_of(LANES);
    let blocks: Vec<Vec<f32>> = (0..padded.div_ceil(BLOCK))
        .into_par_iter()
        .map(|number| {
            let start = number * BLOCK;
            let mut products = vec![0.0; outs * ins * TAPS];
            arch.dispatch(Backward { input, gradient, start, len: BLOCK.min(padded - start), products: &mut products });
            products
        })
        .collect();
    // In the order of the blocks, whichever thread was first.
    let mut weights = vec![0.0; outs * ins * TAPS];
    for block in &blocks {
        weights.iter_mut().zip(block).for_each(|(sum, product)| *sum += product);
    }
    let first = layout.first();
    let bias = gradient.planes().map(|plane| {
        let chunks = plane[first..][..padded].as_chunks::<LANES>().0;
        let mut sums = [0.0; LANES];
        chunks.iter().for_each(|chunk| sums.iter_mut().zip(chunk).for_each(|(sum, g)| *sum += g));
        sums.iter().sum()
    });
    (weights, bias.collect())
}

struct Backward<'a> {
    input: &'a Volume,
    gradient: &'a Volume,
    start: usize,
    len: usize,
    products: &'a mut [f32],
}

impl NullaryFnOnce for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { input, gradient, start, len, products } = self;
        let (layout, ins) = (input.layout, input.channels);
        let (first, pitch) = (layout.first(), layout.pitch());
        let [slab, row, _] = layout.strides();
        for (i, values) in input.data.chunks_exact(pitch).enumerate() {
            for column in 0..9 {
                let from = start + column / 3 * slab + column % 3 * row;
                let values = &values[from..][..len + 2];
                for (group, planes) in gradient.data.chunks(GROUP * pitch).enumerate() {
                    let mut put = |o: usize, sums: [f32; 3]| {
                        products[((group * GROUP + o) * ins + i) * TAPS + column * 3..][..3].copy_from_slice(&sums);
                    };
                    let part = |o: usize| &planes[o * pitch + first + start..][..len];
                    if planes.len() == GROUP * pitch {
                        let sums = products_of([part(0), part(1), part(2), part(3)], values);
                        sums.into_iter().enumerate().for_each(|(o, sums)| put(o, sums));
                    } else {
                        for o in 0..planes.len() / pitch {
                            let [sums] = products_of([part(o)], values);
                            put(o, sums);
                        }
                    }
                }
            }
        }
    }
}

/// Σ gradient · value for three neighbouring taps and `O` output channels.
#[inline(always)]
fn products_of<const O: usize>(gradients: [&[f32]; O], values: &[f32]) -> [[f32; 3]; O] {
    const WIDTH: usize = 8;
    let mut sums = [[[0.0_f32; WIDTH]; 3]; O];
    let len = gradients[0].len();
    for place in (0..len).step_by(WIDTH) {
        let shifted: [[f32; WIDTH]; 3] =
            std::array::from_fn(|tap| values[place + tap..].first_chunk().copied().unwrap_or([0.0; WIDTH]));
        for (sums, gradient) in sums.iter_mut().zip(&gradients) {
            let Some(gradient) = gradient[place..].first_chunk::<WIDTH>() else { continue };
            for (sums, values) in sums.iter_mut().zip(&shifted) {
                for ((sum, value), g) in sums.iter_mut().zip(values).zip(gradient) {
                    *sum += g * value;
                }
            }
        }
    }
    sums.map(|sums| sums.map(|sums| sums.iter().sum()))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn vector_instructions_change_no_bit() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for (shape, ins, outs) in [([9, 8, 7], 3, 5), ([1, 1, 90], 2, 9), ([20, 21, 13], 4, 1)] {
            let mut draw = |len: usize| -> Vec<f32> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
            let input = Volume::from_cells(shape, ins, &draw(ins * shape.iter().product::<usize>()));
            let (weights, bias) = (draw(ins * outs * TAPS), draw(outs));
            let [mut by_vectors, mut one_by_one] = [0, 1].map(|_| Volume::zeros(shape, outs));
            convolve(&input, &weights, &bias, &mut by_vectors);
            convolve_by(&input, &weights, &bias, &mut one_by_one, |block| block.call());
            let bits = |volume: &Volume| -> Vec<u32> { volume.data.iter().map(|x| x.to_bits()).collect() };
            assert_eq!(bits(&by_vectors), bits(&one_by_one));
        }
    }
}
