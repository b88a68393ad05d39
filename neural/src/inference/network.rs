//! Fully connected networks: their layers, and the forward pass for a block of points.
#![allow(clippy::needless_range_loop, reason = "several arrays have the same index")]

use super::lanes::{GROUPS, LANES, POINTS, Row, ZERO, cosine, map, sine, tanh};
use crate::weights::Tensor;

/// The function of a hidden unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// tanh z.
    Tanh,
    /// sin 2πz.
    Sine,
    /// max(z, 0).
    Relu,
}

/// A fully connected network with one output.
///
/// Its inputs are three coordinates, the sine and cosine of each Fourier feature, and a latent vector. Each layer is a matrix
/// with a row for each output and a column for each input; its last column is the bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Number of hidden layers.
    pub layers: usize,
    /// Units of a hidden layer.
    pub width: usize,
    /// The function of hidden units.
    pub activation: Activation,
    /// Wave vectors of the Fourier features, in turns for a unit of the coordinates.
    pub features: Vec<[f32; 3]>,
    /// Length of the latent vector.
    pub latents: usize,
}

impl Network {
    /// Inputs of the first layer.
    #[must_use]
    pub fn inputs(&self) -> usize {
        3 + 2 * self.features.len() + self.latents
    }

    /// The matrices of all layers.
    #[must_use]
    pub fn tensors(&self) -> Vec<Tensor> {
        (0..=self.layers).map(|layer| self.tensor(layer)).collect()
    }

    /// The matrix of a layer.
    pub(crate) fn tensor(&self, layer: usize) -> Tensor {
        let inputs = if layer == 0 { self.inputs() } else { self.width };
        let rows = if layer == self.layers { 1 } else { self.width };
        // The output's matrix has one row: each of its columns would need a sensitivity of its own.
        Tensor { rows, columns: inputs + 1, by_column: rows > 8 }
    }

    /// Number of weights.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tensors().iter().map(Tensor::len).sum()
    }

    /// Each layer's place among the weights.
    pub(crate) fn places(&self) -> Vec<std::ops::Range<usize>> {
        let mut end = 0;
        let place = |tensor: Tensor| {
            let begin = end;
            end += tensor.len();
            begin..end
        };
        self.tensors().into_iter().map(place).collect()
    }

    /// Rows of the inputs and of all hidden units, for [`Network::forward`].
    pub(crate) fn scratch(&self) -> Vec<Row> {
        vec![ZERO; self.inputs() + self.layers * self.width]
    }

    /// Fills the inputs of a block: coordinates, features, latents.
    #[inline(always)]
    pub(crate) fn fill_inputs(&self, coordinates: &[Row; 3], latents: &[f32], inputs: &mut [Row]) {
        let [x, y, z] = coordinates;
        inputs[..3].copy_from_slice(coordinates);
        for (pair, wave) in inputs[3..].chunks_exact_mut(2).zip(&self.features) {
            let mut turns = ZERO;
            for group in 0..GROUPS {
                for lane in 0..LANES {
                    turns[group][lane] = wave[0] * x[group][lane] + wave[1] * y[group][lane] + wave[2] * z[group][lane];
                }
            }
            pair[0] = map(&turns, sine);
            pair[1] = map(&turns, cosine);
        }
        for (row, latent) in inputs[3 + 2 * self.features.len()..].iter_mut().zip(latents) {
            *row = [[*latent; LANES]; GROUPS];
        }
    }

    /// The output at the points of a block whose inputs are filled in. `rows` keeps the values of all units, `slopes` those
    /// of the derivatives of their functions where there is room for them.
    #[inline(always)]
    pub(crate) fn forward(&self, weights: &[f32], rows: &mut [Row], slopes: &mut [Row]) -> Row {
        let mut inputs = 0..self.inputs();
        let mut begin = 0;
        for layer in 0..self.layers {
            let columns = inputs.len() + 1;
            let matrix = &weights[begin..begin + self.width * columns];
            begin += matrix.len();
            let (before, after) = rows.split_at_mut(inputs.end);
            let outputs = &mut after[..self.width];
            affine(matrix, columns, &before[inputs.clone()], outputs);
            let place = if slopes.is_empty() { 0..0 } else { layer * self.width..(layer + 1) * self.width };
            activate(self.activation, outputs, &mut slopes[place]);
            inputs = inputs.end..inputs.end + self.width;
        }
        let mut output = [ZERO];
        affine(&weights[begin..], inputs.len() + 1, &rows[inputs], &mut output);
        output[0]
    }
}

/// Applies the function of hidden units in place, and keeps its derivatives where there is room for them.
#[inline(always)]
fn activate(activation: Activation, rows: &mut [Row], slopes: &mut [Row]) {
    match activation {
        Activation::Tanh => {
            in_place(rows, tanh);
            for (slope, row) in slopes.iter_mut().zip(&*rows) {
                *slope = map(row, |y| 1.0 - y * y);
            }
        }
        Activation::Sine => {
            const TAU: f32 = std::f32::consts::TAU;
            for (slope, row) in slopes.iter_mut().zip(&*rows) {
                *slope = map(row, |z| TAU * cosine(z));
            }
            in_place(rows, sine);
        }
        Activation::Relu => {
            for (slope, row) in slopes.iter_mut().zip(&*rows) {
                *slope = map(row, |z| if z > 0.0 { 1.0 } else { 0.0 });
            }
            for row in rows {
                *row = map(row, |z| if z > 0.0 { z } else { 0.0 });
            }
        }
    }
}

/// Applies a function to all values of some rows. These are loops and no `for_each`: the compiler may put the closure of that
/// into a function of its own, which has no vector instructions.
#[inline(always)]
fn in_place(rows: &mut [Row], function: impl Fn(f32) -> f32) {
    for row in rows {
        for lane in row {
            let mut values = *lane;
            for value in &mut values {
                *value = function(*value);
            }
            *lane = values;
        }
    }
}

/// outputs = matrix · inputs + bias, where the bias is the last of the `columns` of the matrix.
#[inline(always)]
pub(crate) fn affine(matrix: &[f32], columns: usize, inputs: &[Row], outputs: &mut [Row]) {
    let mut row = 0;
    // Four rows at a time: each value that is loaded is used four times.
    while row + 4 <= outputs.len() {
        affine_rows::<4>(&matrix[row * columns..], columns, inputs, &mut outputs[row..row + 4]);
        row += 4;
    }
    while row < outputs.len() {
        affine_rows::<1>(&matrix[row * columns..], columns, inputs, &mut outputs[row..=row]);
        row += 1;
    }
}

#[inline(always)]
fn affine_rows<const ROWS: usize>(matrix: &[f32], columns: usize, inputs: &[Row], outputs: &mut [Row]) {
    /// Vectors at a time: with four rows, eight sums stay in registers.
    const TILE: usize = 2;
    let matrix: [&[f32]; ROWS] = std::array::from_fn(|row| &matrix[row * columns..(row + 1) * columns]);
    for tile in (0..GROUPS).step_by(TILE) {
        let mut sums: [[[f32; LANES]; TILE]; ROWS] =
            std::array::from_fn(|row| [[matrix[row][columns - 1]; LANES]; TILE]);
        for (column, input) in inputs.iter().enumerate().take(columns - 1) {
            let input: [[f32; LANES]; TILE] = [input[tile], input[tile + 1]];
            for row in 0..ROWS {
                let weight = matrix[row][column];
                for group in 0..TILE {
                    for lane in 0..LANES {
                        sums[row][group][lane] += weight * input[group][lane];
                    }
                }
            }
        }
        for row in 0..ROWS {
            outputs[row][tile..tile + TILE].copy_from_slice(&sums[row]);
        }
    }
}

/// Rows of coordinates from those of at most [`POINTS`] points; the last point is repeated.
pub(crate) fn rows_of(points: &[[f32; 3]]) -> [Row; 3] {
    let mut rows = [ZERO; 3];
    for index in 0..POINTS {
        let point = points[index.min(points.len() - 1)];
        for axis in 0..3 {
            rows[axis][index / LANES][index % LANES] = point[axis];
        }
    }
    rows
}
