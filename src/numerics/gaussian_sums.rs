//! Sums of an array against Gaussians at every cell of an axis, in memory that grows with the axis and not with its
//! square.

use std::f64::consts::{PI, TAU};

use faer::Mat;
use rustdct::DctPlanner;

use super::separable::along;

/// Longest axis that is multiplied with the matrix of all Gaussians (512² numbers, 2 MB): for short axes that is faster
/// than a transform.
const MAX_MATRIX: usize = 512;
/// Zero padding at each end of a longer axis, in widths. The cosine transform continues the axis by its mirror image,
/// which is then nine widths away, where a Gaussian is 3e-18.
const MARGIN: f64 = 4.5;
/// Distance, in widths, beyond which a Gaussian counts as zero: exp(−9²/2) = 3e-18.
const REACH: f64 = 9.0;
/// Width [cells] from which on the transform of a sampled Gaussian equals, to rounding, that of the Gaussian and its
/// two nearest aliases. Narrower ones are summed cell by cell.
const SMOOTH: f64 = 1.0;

/// Sums Σ_j exp(−½ ((i − j) / width)²) x_j for every cell i of an axis, by a matrix on short axes and by a cosine
/// transform on long ones.
pub(crate) struct GaussianSums {
    cells: usize,
}

impl GaussianSums {
    /// Prepares sums on an axis of `cells` cells.
    pub(crate) fn new(cells: usize) -> Self {
        Self { cells }
    }

    fn is_long(&self) -> bool {
        self.cells > MAX_MATRIX
    }

    /// Computes the sums along one axis of an array of the given shape; `y` is overwritten.
    pub(crate) fn along(&self, axis: usize, x: &[f64], shape: [usize; 3], width: f64, y: &mut Vec<f64>) {
        if self.is_long() {
            y.resize(x.len(), 0.0);
            return self.filter(x, shape[axis + 1..].iter().product(), width, y);
        }
        let kernel = self.kernel(width);
        let matrix = Mat::from_fn(self.cells, self.cells, |i, j| kernel[i.abs_diff(j)]);
        along(axis, x, shape, matrix.as_ref(), y);
    }

    /// Sums of the squares of the Gaussian centred on each cell; they are smaller near the ends of the axis, which cut
    /// it.
    pub(crate) fn norms(&self, width: f64) -> Vec<f64> {
        let kernel = self.kernel(width);
        if !self.is_long() {
            let norm = |i: usize| (0..self.cells).map(|j| kernel[i.abs_diff(j)].powi(2)).sum();
            return (0..self.cells).map(norm).collect();
        }
        // Partial sums over 0, 1, … cells to one side. The sums to both sides count the centre twice.
        let sums: Vec<f64> = kernel
            .iter()
            .scan(0.0, |sum, value| {
                *sum += value * value;
                Some(*sum)
            })
            .collect();
        (0..self.cells).map(|i| sums[i] + sums[self.cells - 1 - i] - 1.0).collect()
    }

    /// Values of the Gaussian by the distance in cells.
    fn kernel(&self, width: f64) -> Vec<f64> {
        (0..self.cells).map(|distance| gaussian(distance as f64 / width)).collect()
    }

    /// Computes the sums along an axis, whose neighbours are `inner` numbers apart, by the cosine transform of each
    /// line.
    fn filter(&self, x: &[f64], inner: usize, width: f64, y: &mut [f64]) {
        let n = self.cells;
        let margin = (MARGIN * width).ceil() as usize + 1;
        let wanted = n + 2 * margin;
        // Transforms are fast for lengths with small prime factors only.
        let length = wanted.next_multiple_of(1 << (wanted.ilog2() - 3));
        let transform = DctPlanner::new().plan_dct2(length);
        let response: Vec<f64> = (0..length)
            .map(|k| frequency_response(width, PI * k as f64 / length as f64) * 2.0 / length as f64)
            .collect();
        let (mut line, mut scratch) = (vec![0.0; length], vec![0.0; transform.get_scratch_len()]);
        for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(n * inner)) {
            for column in 0..inner {
                line.fill(0.0);
                let cells = x[column..].iter().step_by(inner);
                line[margin..margin + n].iter_mut().zip(cells).for_each(|(to, from)| *to = *from);
                transform.process_dct2_with_scratch(&mut line, &mut scratch);
                line.iter_mut().zip(&response).for_each(|(value, factor)| *value *= factor);
                transform.process_dct3_with_scratch(&mut line, &mut scratch);
                let cells = y[column..].iter_mut().step_by(inner);
                cells.zip(&line[margin..margin + n]).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

fn gaussian(z: f64) -> f64 {
    (-0.5 * z.powi(2)).exp()
}

/// Fourier sum Σ_d exp(−½ (d / width)²) cos(angle d) over all integers d.
fn frequency_response(width: f64, angle: f64) -> f64 {
    if width < SMOOTH {
        let farthest = (REACH * width).ceil() as usize;
        return 1.0 + (1..=farthest).map(|d| 2.0 * gaussian(d as f64 / width) * (angle * d as f64).cos()).sum::<f64>();
    }
    // Poisson's formula: the sum equals √(2π) width Σ_m exp(−½ width² (angle + 2πm)²); m = −1, 0, 1 are enough.
    let alias = |turn: f64| gaussian(width * (angle + turn));
    width * TAU.sqrt() * (alias(0.0) + alias(TAU) + alias(-TAU))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_axes_give_what_the_sums_say() {
        for n in [MAX_MATRIX + 1, 700] {
            let sums = GaussianSums::new(n);
            assert!(sums.is_long());
            let x: Vec<f64> = (0..2 * n).map(|k| (k as f64 * 0.7).sin() + f64::from(u8::from(k % 97 == 3))).collect();
            for width in [0.4, 0.99, 1.0, 3.7, n as f64 / 4.0] {
                for (axis, shape, inner) in [(0, [n, 1, 2], 2), (1, [1, n, 2], 2), (2, [2, 1, n], 1)] {
                    let mut y = vec![7.0; 3];
                    sums.along(axis, &x, shape, width, &mut y);
                    assert_eq!(y.len(), 2 * n);
                    let norms = sums.norms(width);
                    for i in [0, 1, n / 2, n - 1] {
                        let at = |j: usize| gaussian((i as f64 - j as f64) / width);
                        for column in 0..2 {
                            let place = |i: usize| if inner == 2 { 2 * i + column } else { column * n + i };
                            let expected: f64 = (0..n).map(|j| at(j) * x[place(j)]).sum();
                            let scale: f64 = (0..n).map(at).sum();
                            assert!((y[place(i)] - expected).abs() < 1e-13 * scale.max(1.0) * 10.0, "{n} {width} {i}");
                        }
                        let norm: f64 = (0..n).map(|j| at(j).powi(2)).sum();
                        assert!((norms[i] / norm - 1.0).abs() < 1e-12);
                    }
                }
            }
        }
    }
}
