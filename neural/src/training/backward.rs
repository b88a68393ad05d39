//! Derivatives of a network's outputs by its weights, for blocks of points.
#![allow(clippy::needless_range_loop, reason = "several arrays have the same index")]

use rayon::prelude::*;

use super::pool::Block;
use crate::inference::lanes::{GROUPS, LANES, Lane, POINTS, Row, ZERO, power_of_two, zip};
use crate::inference::network::affine;
use crate::inference::{Network, Vectorised, dispatched};

/// Blocks whose gradients are summed by one thread. The sums of the chunks are added in their order, so that the result does
/// not depend on the number of threads.
const CHUNK: usize = 4;

/// The meaning of a network's output z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Head {
    /// The value is z.
    Linear,
    /// The value is 2^z.
    Exponential,
}

impl Head {
    /// The value and its derivative by the output.
    #[inline(always)]
    pub(crate) fn value(self, output: &Row) -> (Row, Row) {
        match self {
            Self::Linear => (*output, [[1.0; LANES]; GROUPS]),
            Self::Exponential => {
                let value = crate::inference::lanes::map(output, power_of_two);
                (value, crate::inference::lanes::map(&value, |g| std::f32::consts::LN_2 * g))
            }
        }
    }
}

/// A network with its weights, and each layer's matrix transposed (its bias replaced by zeros) for the backward pass.
pub struct Pass<'a> {
    pub network: &'a Network,
    pub head: Head,
    pub weights: &'a [f32],
    pub latents: &'a [f32],
    transposed: Vec<Vec<f32>>,
}

impl<'a> Pass<'a> {
    pub fn new(network: &'a Network, head: Head, weights: &'a [f32], latents: &'a [f32]) -> Self {
        let transpose = |layer: usize, place: std::ops::Range<usize>| {
            let tensor = network.tensor(layer);
            let matrix = &weights[place];
            let mut transposed = vec![0.0; (tensor.columns - 1) * (tensor.rows + 1)];
            for row in 0..tensor.rows {
                for column in 0..tensor.columns - 1 {
                    transposed[column * (tensor.rows + 1) + row] = matrix[row * tensor.columns + column];
                }
            }
            transposed
        };
        let transposed =
            network.places().into_iter().enumerate().map(|(layer, place)| transpose(layer, place)).collect();
        Self { network, head, weights, latents, transposed }
    }

    /// The loss of some blocks, half of its gradient by the weights and half of that by the latents.
    pub fn gradient(&self, blocks: &[Block]) -> (f64, Vec<f32>, Vec<f32>) {
        let parts: Vec<_> =
            blocks.par_chunks(CHUNK).map(|blocks| dispatched(Gradient { pass: self, blocks })).collect();
        let mut sum = (0.0, vec![0.0; self.weights.len()], vec![0.0; self.latents.len()]);
        for (loss, gradient, of_latents) in parts {
            sum.0 += loss;
            sum.1.iter_mut().zip(gradient).for_each(|(sum, part)| *sum += part);
            sum.2.iter_mut().zip(of_latents).for_each(|(sum, part)| *sum += part);
        }
        sum
    }

    /// Fills `rows` with the derivatives of the values at the points of the blocks, times the roots of their weights: for
    /// each weight of the network a row with all points.
    pub fn jacobian(&self, blocks: &[Block], rows: &mut [f32]) {
        dispatched(Jacobian { pass: self, blocks, rows });
    }

    /// Sums of the squares of the derivatives by each weight, times the points' weights: the diagonal of the curvature.
    pub fn mean_squares(&self, blocks: &[Block]) -> Vec<f64> {
        let mut rows = vec![0.0; self.weights.len() * POINTS];
        let mut sums = vec![0.0; self.weights.len()];
        for block in blocks {
            self.jacobian(std::slice::from_ref(block), &mut rows);
            let square = |row: &[f32]| row.iter().map(|d| f64::from(d * d)).sum::<f64>();
            sums.iter_mut().zip(rows.chunks_exact(POINTS)).for_each(|(sum, row)| *sum += square(row));
        }
        sums
    }

    /// The loss of some blocks.
    pub fn loss(&self, blocks: &[Block]) -> f64 {
        let parts: Vec<f64> = blocks.par_chunks(CHUNK).map(|blocks| dispatched(Loss { pass: self, blocks })).collect();
        parts.into_iter().sum()
    }
}

/// Rows of one forward and backward pass.
struct Scratch {
    rows: Vec<Row>,
    slopes: Vec<Row>,
    deltas: Vec<Row>,
    of_inputs: Vec<Row>,
}

impl Scratch {
    fn new(network: &Network) -> Self {
        let hidden = vec![ZERO; network.layers * network.width];
        Self {
            rows: network.scratch(),
            slopes: hidden.clone(),
            deltas: hidden,
            of_inputs: vec![ZERO; network.inputs()],
        }
    }
}

impl Pass<'_> {
    /// The output at the points of a block.
    #[inline(always)]
    fn forward(&self, block: &Block, scratch: &mut Scratch) -> Row {
        let inputs = self.network.inputs();
        self.network.fill_inputs(&block.coordinates, self.latents, &mut scratch.rows[..inputs]);
        self.network.forward(self.weights, &mut scratch.rows, &mut scratch.slopes)
    }

    /// Derivatives of the output by the sums of all hidden units, from `delta` at the output.
    #[inline(always)]
    fn backward(&self, delta: &Row, scratch: &mut Scratch) {
        let (layers, width) = (self.network.layers, self.network.width);
        for layer in (0..layers).rev() {
            let (before, after) = scratch.deltas.split_at_mut((layer + 1) * width);
            let own = &mut before[layer * width..];
            let transposed = &self.transposed[layer + 1];
            if layer + 1 == layers {
                affine(transposed, 2, std::slice::from_ref(delta), own);
            } else {
                affine(transposed, width + 1, &after[..width], own);
            }
            for (delta, slope) in own.iter_mut().zip(&scratch.slopes[layer * width..]) {
                *delta = zip(delta, slope, |delta, slope| delta * slope);
            }
        }
        if !self.latents.is_empty() {
            affine(&self.transposed[0], width + 1, &scratch.deltas[..width], &mut scratch.of_inputs);
        }
    }

    /// The inputs of a layer among all rows, and its deltas.
    #[inline(always)]
    fn of_layer<'b>(&self, layer: usize, delta: &'b Row, scratch: &'b Scratch) -> (&'b [Row], &'b [Row]) {
        let (inputs, width) = (self.network.inputs(), self.network.width);
        let inputs = if layer == 0 { 0..inputs } else { inputs + (layer - 1) * width..inputs + layer * width };
        let deltas = if layer == self.network.layers {
            std::slice::from_ref(delta)
        } else {
            &scratch.deltas[layer * width..(layer + 1) * width]
        };
        (&scratch.rows[inputs], deltas)
    }
}

struct Gradient<'a, 'b> {
    pass: &'a Pass<'b>,
    blocks: &'a [Block],
}

impl Vectorised for Gradient<'_, '_> {
    type Output = (f64, Vec<f32>, Vec<f32>);

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Self { pass, blocks } = self;
        let mut scratch = Scratch::new(pass.network);
        let mut sums: Vec<Lane> = vec![[0.0; LANES]; pass.weights.len()];
        let mut of_latents: Vec<Lane> = vec![[0.0; LANES]; pass.latents.len()];
        let mut loss = 0.0;
        for block in blocks {
            let output = pass.forward(block, &mut scratch);
            let (value, slope) = pass.head.value(&output);
            let error = zip(&value, &block.targets, |value, target| value - target);
            let weighted = zip(&error, &block.weights, |error, weight| error * weight);
            loss += total(&zip(&error, &weighted, |error, weighted| error * weighted));
            let delta = zip(&weighted, &slope, |weighted, slope| weighted * slope);
            pass.backward(&delta, &mut scratch);
            let mut begin = 0;
            for layer in 0..=pass.network.layers {
                let (inputs, deltas) = pass.of_layer(layer, &delta, &scratch);
                let len = deltas.len() * (inputs.len() + 1);
                add_products(deltas, inputs, &mut sums[begin..begin + len]);
                begin += len;
            }
            let first = scratch.of_inputs.len() - of_latents.len();
            for (sum, row) in of_latents.iter_mut().zip(&scratch.of_inputs[first..]) {
                add_row(sum, row);
            }
        }
        let total_of = |sums: Vec<Lane>| sums.iter().map(|lane| lane.iter().sum()).collect();
        (loss, total_of(sums), total_of(of_latents))
    }
}

#[inline(always)]
fn total(row: &Row) -> f64 {
    let mut sum = [0.0; LANES];
    add_row(&mut sum, row);
    sum.iter().map(|x| f64::from(*x)).sum()
}

#[inline(always)]
fn add_row(sum: &mut Lane, row: &Row) {
    for lanes in row {
        for lane in 0..LANES {
            sum[lane] += lanes[lane];
        }
    }
}

/// Adds the products of each delta and each input, and the deltas themselves for the bias, to the sums of a matrix.
#[inline(always)]
fn add_products(deltas: &[Row], inputs: &[Row], sums: &mut [Lane]) {
    let columns = inputs.len() + 1;
    let mut row = 0;
    while row + 4 <= deltas.len() {
        add_products_of::<4>(&deltas[row..row + 4], inputs, &mut sums[row * columns..(row + 4) * columns]);
        row += 4;
    }
    while row < deltas.len() {
        add_products_of::<1>(&deltas[row..=row], inputs, &mut sums[row * columns..(row + 1) * columns]);
        row += 1;
    }
}

#[inline(always)]
fn add_products_of<const ROWS: usize>(deltas: &[Row], inputs: &[Row], sums: &mut [Lane]) {
    let columns = inputs.len() + 1;
    let mut column = 0;
    while column + 2 <= inputs.len() {
        let mut products = [[[0.0; LANES]; 2]; ROWS];
        for group in 0..GROUPS {
            let pair = [inputs[column][group], inputs[column + 1][group]];
            for row in 0..ROWS {
                let delta = deltas[row][group];
                for (product, input) in products[row].iter_mut().zip(&pair) {
                    for lane in 0..LANES {
                        product[lane] += delta[lane] * input[lane];
                    }
                }
            }
        }
        for row in 0..ROWS {
            for (k, product) in products[row].iter().enumerate() {
                let sum = &mut sums[row * columns + column + k];
                for lane in 0..LANES {
                    sum[lane] += product[lane];
                }
            }
        }
        column += 2;
    }
    for row in 0..ROWS {
        for column in column..inputs.len() {
            for group in 0..GROUPS {
                let sum = &mut sums[row * columns + column];
                for lane in 0..LANES {
                    sum[lane] += deltas[row][group][lane] * inputs[column][group][lane];
                }
            }
        }
        add_row(&mut sums[(row + 1) * columns - 1], &deltas[row]);
    }
}

struct Jacobian<'a, 'b> {
    pass: &'a Pass<'b>,
    blocks: &'a [Block],
    rows: &'a mut [f32],
}

impl Vectorised for Jacobian<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { pass, blocks, rows } = self;
        let mut scratch = Scratch::new(pass.network);
        let len = blocks.len() * POINTS;
        for (place, block) in blocks.iter().enumerate() {
            let output = pass.forward(block, &mut scratch);
            let (_, slope) = pass.head.value(&output);
            let delta = zip(&slope, &block.weights, |slope, weight| slope * weight.sqrt());
            pass.backward(&delta, &mut scratch);
            let mut of_weights = rows.chunks_exact_mut(len);
            for layer in 0..=pass.network.layers {
                let (inputs, deltas) = pass.of_layer(layer, &delta, &scratch);
                for delta in deltas {
                    for (input, row) in inputs.iter().zip(of_weights.by_ref()) {
                        store(&zip(delta, input, |delta, input| delta * input), row, place);
                    }
                    of_weights.by_ref().take(1).for_each(|row| store(delta, row, place));
                }
            }
        }
    }
}

#[inline(always)]
fn store(values: &Row, row: &mut [f32], place: usize) {
    row[place * POINTS..(place + 1) * POINTS].copy_from_slice(values.as_flattened());
}

struct Loss<'a, 'b> {
    pass: &'a Pass<'b>,
    blocks: &'a [Block],
}

impl Vectorised for Loss<'_, '_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let Self { pass, blocks } = self;
        let mut scratch = Scratch::new(pass.network);
        scratch.slopes.clear();
        let mut loss = 0.0;
        for block in blocks {
            let (value, _) = pass.head.value(&pass.forward(block, &mut scratch));
            let error = zip(&value, &block.targets, |value, target| value - target);
            loss += total(&zip(&zip(&error, &error, |a, b| a * b), &block.weights, |square, weight| square * weight));
        }
        loss
    }
}
