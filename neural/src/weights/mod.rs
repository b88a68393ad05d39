//! Weights of a network as numbers of a stream: rounded by sensitivity and entropy coded.
//!
//! A weight w that changes by one moves the distribution by its sensitivity S(w), the root of the sum of squares of ∂f/∂w
//! over the cells. The quantisation step of a weight is s / S(w), where s is the step of the stream. Rounding then adds the
//! same error for every weight, and the stream of a given error is the shortest.
//!
//! A reader needs the sensitivities, too. A stream holds them as whole numbers of half octaves, one for each row of a matrix
//! and, if the [`Tensor`] says so, one for each column: the sensitivity of a weight is the product of its row's and its
//! column's. Half an octave is fine enough, since a step that is off by a factor 2^(1/4) costs 0.04 bits.

#[cfg(test)]
mod tests;

use std::f64::consts::SQRT_2;

use vdf_basis::{Coder, Error, Integers, MOST_COEFFICIENTS, Numbers, Result};

/// A matrix of weights, row by row. A bias may be a column of its layer's matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tensor {
    /// Number of rows, usually the outputs of a layer.
    pub rows: usize,
    /// Number of columns, usually the inputs of a layer.
    pub columns: usize,
    /// True if the sensitivity differs by columns, too. Choose it where there are more weights than some ten for each
    /// column.
    pub by_column: bool,
}

impl Tensor {
    /// Number of weights, at most `usize::MAX`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    /// Number of sensitivities in a stream.
    fn sensitivities(&self) -> usize {
        self.rows.saturating_add(if self.by_column { self.columns } else { 0 })
    }
}

/// Weights of all tensors of a network, one tensor after the other, and the sensitivities by which they are rounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The weights.
    pub values: Vec<f64>,
    /// Binary logarithms of sensitivities in half octaves: for each tensor its rows, then its columns.
    half_octaves: Vec<i32>,
}

/// Largest magnitude of a logarithm of a sensitivity, in half octaves: 2^±500.
const MOST_HALF_OCTAVES: i32 = 1000;
/// Smallest sensitivity of a weight that is told apart from zero, as a part of the largest. Weights of units that do
/// nothing have a sensitivity of zero.
const SMALLEST_PART: f64 = 1e-5;
/// Number of adaptive models of rounded weights, by the number of binary digits to expect.
const CLASSES: i32 = 20;

impl Weights {
    /// Weights that [`Weights::code`] reads into.
    #[must_use]
    pub fn blank() -> Self {
        Self { values: Vec::new(), half_octaves: Vec::new() }
    }

    /// Weights with the sensitivity of each, in the unit of the step that [`Weights::code`] is given.
    ///
    /// # Errors
    /// [`Error::ForeignCoefficients`] unless there is a weight and a sensitivity for each place of the tensors.
    pub fn new(tensors: &[Tensor], values: Vec<f64>, sensitivities: &[f64]) -> Result<Self> {
        let expected = count(tensors)?;
        if values.len() != expected || sensitivities.len() != expected {
            let problem = format!("{} weights and {} sensitivities of {expected}", values.len(), sensitivities.len());
            return Err(Error::ForeignCoefficients(problem));
        }
        let largest = sensitivities.iter().copied().filter(|s| s.is_finite()).fold(0.0, f64::max);
        let largest = if largest > 0.0 { largest } else { 1.0 };
        // Twice the binary logarithm: half octaves.
        let logarithm = |s: f64| 2.0 * s.max(SMALLEST_PART * largest).min(largest).log2();
        let mut half_octaves = Vec::new();
        let mut rest = sensitivities;
        for tensor in tensors {
            let (own, after) = rest.split_at(tensor.len());
            rest = after;
            let logarithms: Vec<f64> = own.iter().map(|&s| logarithm(s)).collect();
            half_octaves.extend(sums_of_rows_and_columns(tensor, &logarithms));
        }
        Ok(Self { values, half_octaves })
    }

    /// Number of sensitivities in a stream.
    #[must_use]
    pub fn sensitivities(&self) -> usize {
        self.half_octaves.len()
    }

    /// The quantisation step of each weight for a step of the stream.
    #[must_use]
    pub fn steps(&self, tensors: &[Tensor], step: f64) -> Vec<f64> {
        self.by_weight(tensors).into_iter().map(|(_, half_octaves)| step / power(half_octaves)).collect()
    }

    /// The tensor of each weight, and its sensitivity in half octaves.
    fn by_weight(&self, tensors: &[Tensor]) -> Vec<(Tensor, i32)> {
        let mut all = Vec::with_capacity(self.values.len());
        let mut rest = &self.half_octaves[..];
        for tensor in tensors {
            let (own, after) = rest.split_at(tensor.sensitivities().min(rest.len()));
            rest = after;
            let at = |index: usize| own.get(index).copied().unwrap_or(0);
            for row in 0..tensor.rows {
                let of_column = |column| if tensor.by_column { at(tensor.rows + column) } else { 0 };
                all.extend((0..tensor.columns).map(|column| (*tensor, at(row) + of_column(column))));
            }
        }
        all
    }

    /// Writes the sensitivities and the weights, or reads them: to the last bit or, with a step, rounded. Afterwards the
    /// weights are those that a reader gets. Weights that have single precision take half the bytes to the last bit.
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for a stream that holds no such weights, [`Error::ForeignCoefficients`] for weights of
    /// other tensors, and those of [`Numbers::code`].
    pub fn code(&mut self, tensors: &[Tensor], step: Option<f64>, coder: &mut Coder<'_>) -> Result<()> {
        let count = count(tensors)?;
        coder.sized(&mut self.half_octaves, tensors.iter().map(Tensor::sensitivities).sum())?;
        coder.sized(&mut self.values, count)?;
        self.code_sensitivities(tensors, coder)?;
        let mut numbers = Numbers::new(CLASSES as usize);
        let by_weight = self.by_weight(tensors);
        for (value, (tensor, half_octaves)) in self.values.iter_mut().zip(by_weight) {
            let step = step.map(|step| step / power(half_octaves));
            let class = step.map_or(0, |step| class(step, tensor.columns));
            *value = numbers.code(coder, class, *value, step)?;
        }
        Ok(())
    }

    /// Codes each sensitivity as the difference from the one before in its list. Those of columns are near zero.
    fn code_sensitivities(&mut self, tensors: &[Tensor], coder: &mut Coder<'_>) -> Result<()> {
        let (mut of_rows, mut of_columns) = (Integers::default(), Integers::default());
        let mut own = self.half_octaves.iter_mut();
        let mut last = 0;
        for tensor in tensors {
            for exponent in own.by_ref().take(tensor.rows) {
                *exponent = checked(coder.integer(&mut of_rows, i64::from(*exponent - last))? + i64::from(last))?;
                last = *exponent;
            }
            let columns = if tensor.by_column { tensor.columns } else { 0 };
            for exponent in own.by_ref().take(columns) {
                *exponent = checked(coder.integer(&mut of_columns, i64::from(*exponent))?)?;
            }
        }
        Ok(())
    }
}

/// A sensitivity that a stream may hold.
fn checked(half_octaves: i64) -> Result<i32> {
    let allowed = -i64::from(MOST_HALF_OCTAVES)..=i64::from(MOST_HALF_OCTAVES);
    if allowed.contains(&half_octaves) {
        return Ok(half_octaves as i32);
    }
    Err(Error::MalformedStream(format!("a sensitivity of 2^{}", half_octaves / 2)))
}

/// Number of weights of all tensors.
///
/// # Errors
/// [`Error::LimitExceeded`] for more than a stream may hold.
pub fn count(tensors: &[Tensor]) -> Result<usize> {
    let sum = |len: fn(&Tensor) -> usize| tensors.iter().fold(0_usize, |all, tensor| all.saturating_add(len(tensor)));
    let all = sum(Tensor::len);
    if all.max(sum(Tensor::sensitivities)) <= MOST_COEFFICIENTS {
        return Ok(all);
    }
    Err(Error::LimitExceeded { what: format!("a network of {all} weights"), limit: MOST_COEFFICIENTS })
}

/// 2^(h/2) for a number of half octaves, the same to the last bit on every platform.
fn power(half_octaves: i32) -> f64 {
    2f64.powi(half_octaves.div_euclid(2)) * if half_octaves.rem_euclid(2) == 1 { SQRT_2 } else { 1.0 }
}

/// The model of a weight: the number of binary digits to expect. Weights of a layer with n inputs are about 1/√n.
fn class(step: f64, inputs: usize) -> usize {
    // The exponent of a normal number; logarithms may differ by platform.
    let octaves = (step.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    (-octaves - inputs.max(1).ilog2() as i32 / 2 + 4).clamp(0, CLASSES - 1) as usize
}

/// Whole numbers r of rows and c of columns with r + c as near to a matrix as means are: the means of rows, and what the
/// means of columns differ from the mean of all.
fn sums_of_rows_and_columns(tensor: &Tensor, matrix: &[f64]) -> Vec<i32> {
    let rounded = |x: f64| (x.round() as i32).clamp(-MOST_HALF_OCTAVES / 2, MOST_HALF_OCTAVES / 2);
    let columns = tensor.columns.max(1);
    let of_rows: Vec<f64> = matrix.chunks(columns).map(|row| row.iter().sum::<f64>() / columns as f64).collect();
    let mut sums: Vec<i32> = of_rows.iter().map(|&mean| rounded(mean)).collect();
    sums.resize(tensor.rows, 0);
    if tensor.by_column {
        let of_column = |column: usize| {
            let rest = matrix.chunks(columns).zip(&of_rows).map(|(row, mean)| row[column] - mean);
            rounded(rest.sum::<f64>() / tensor.rows.max(1) as f64)
        };
        sums.extend((0..tensor.columns).map(of_column));
    }
    sums
}
