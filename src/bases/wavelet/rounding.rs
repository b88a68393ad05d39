//! Rate-distortion optimised quantisation (Sullivan and Wiegand 1998, IEEE Signal Process. Mag. 15, 74).
//!
//! A coefficient is not always rounded to the nearest multiple of the step: a one among zeros costs many bits, and without
//! it the error is hardly larger. Its bits are estimated from the 26 coefficients around it, as if all were drawn from one
//! Laplacian distribution, without running the coder; it is kept if it saves more squared error than λ times its bits.

use super::transform::{Band, Layout};
use crate::coding::{MOST_MULTIPLE, in_steps};

/// Lagrange multiplier λ: squared error, in squared steps, for a bit. At high rate the squared error step²/12 falls by 4 a
/// bit, so that λ = 2 ln 2 / 12 = 0.116. The shortest streams of equal error over all test data came with less, because a
/// zero also lowers the cost of the zeros around it.
const LAMBDA: f64 = 0.085;
/// Smaller coefficients, in steps, become zero.
const DEAD_ZONE: f64 = 0.5;
/// Added before the fraction is cut off: the larger of two multiples costs more bits, and is taken only from 0.53 steps on.
pub(super) const ROUNDING_OFFSET: f64 = 0.47;

/// Calls `found` with the position in the layout, ascending, and the multiple of each coefficient that is not rounded to
/// zero. Returns the sum of squared errors, in squared steps. The coefficients are in two parts, of whole bands.
pub(super) fn rounded(
    layout: &Layout,
    [first, rest]: [&[f64]; 2],
    step: f64,
    mut found: impl FnMut(usize, i64),
) -> f64 {
    let mut lost = 0.0;
    for band in layout.bands() {
        let part = match band.begin.checked_sub(first.len()) {
            Some(begin) if band.len() > 0 => &rest[begin..][..band.len()],
            Some(_) => &[],
            None => &first[band.begin..][..band.len()],
        };
        lost += in_band(&band, part, step, |index, multiple| found(band.begin + index, multiple));
    }
    lost
}

fn in_band(band: &Band, amplitudes: &[f64], step: f64, mut found: impl FnMut(usize, i64)) -> f64 {
    const WIDTH: usize = 8;
    let in_steps = in_steps(step);
    let least = DEAD_ZONE * step;
    let mut sums = [0.0; WIDTH];
    let mut lost = 0.0;
    for (chunk, begin) in amplitudes.chunks(WIDTH).zip((0..).step_by(WIDTH)) {
        // In most chunks all are small, which vector instructions find out.
        let largest = chunk.iter().fold(0.0, |largest: f64, amplitude| largest.max(amplitude.abs()));
        if largest < least {
            sums.iter_mut().zip(chunk).for_each(|(sum, amplitude)| *sum += in_steps(*amplitude) * in_steps(*amplitude));
            continue;
        }
        for (amplitude, index) in chunk.iter().zip(begin..) {
            let size = in_steps(amplitude.abs());
            let multiple = multiple(size, || in_steps(around(band.shape, amplitudes, index)));
            let left = size - multiple as f64;
            lost += left * left;
            if multiple != 0 {
                found(index, if *amplitude < 0.0 { -multiple } else { multiple });
            }
        }
    }
    lost + sums.iter().sum::<f64>()
}

/// The multiple for a size in steps, given the mean size around it.
fn multiple(size: f64, around: impl FnOnce() -> f64) -> i64 {
    if size < DEAD_ZONE {
        return 0;
    }
    let multiple = (size + ROUNDING_OFFSET).min(MOST_MULTIPLE) as i64;
    if multiple > 1 {
        return multiple;
    }
    // A one in place of a zero saves size² − (size − 1)² of squared error.
    i64::from(2.0 * size - 1.0 > LAMBDA * bits(around()))
}

/// Estimated bits that a one takes beyond a zero where the mean size is this. For a Laplacian the ratio of their
/// probabilities is exp(−a / mean), which makes a log₂e / mean bits; a sign takes one more.
fn bits(mean: f64) -> f64 {
    /// The a above: 1 for numbers that are rounded finely, less for a mean over many zeros. Chosen by the length of streams
    /// over all test data.
    const DECAY: f64 = 0.6;
    /// Fewer than 1 / λ, so that a coefficient of exactly one step stays however isolated it is.
    const MAX_BITS: f64 = 11.7;
    (1.0 + DECAY / std::f64::consts::LN_2 / mean).min(MAX_BITS)
}

/// Weighted mean magnitude of the 26 neighbours of a place, nearer ones weighing more; zeros beyond the band.
fn around([nx, ny, nz]: [usize; 3], amplitudes: &[f64], index: usize) -> f64 {
    /// By the number of axes along which a place differs.
    const WEIGHTS: [f64; 4] = [0.0, 3.0, 1.5, 1.0];
    const TOTAL: f64 = 6.0 * WEIGHTS[1] + 12.0 * WEIGHTS[2] + 8.0 * WEIGHTS[3];
    let [x, y, z] = [index / nz / ny, index / nz % ny, index % nz];
    let near = |at: usize, n: usize| at.saturating_sub(1)..(at + 2).min(n);
    let mut sum = 0.0;
    for i in near(x, nx) {
        for j in near(y, ny) {
            for k in near(z, nz) {
                let differ = usize::from(i != x) + usize::from(j != y) + usize::from(k != z);
                sum += WEIGHTS[differ] * amplitudes[(i * ny + j) * nz + k].abs();
            }
        }
    }
    sum / TOTAL
}

#[cfg(test)]
mod tests {
    use super::super::{Boundary, Wavelet, WaveletCoefficients, coding};
    use super::*;
    use crate::basis::Basis;
    use crate::coding::Coder;
    use crate::distribution::synthetic::{Sampling, Synthetic};

    fn noise(k: usize) -> f64 {
        ((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64
    }

    #[test]
    fn nothing_is_rounded_up_and_the_error_is_what_it_says() {
        let layout = Layout::new([24, 25, 26], 2, Boundary::WholeSample, 10);
        let amplitudes: Vec<f64> =
            (0..layout.len()).map(|k| 2e4 * (noise(k) - 0.5).powi(7) * noise(2 * k).powi(9)).collect();
        for step in [1e-3, 0.25, 1.0, 1e3] {
            let mut multiples = vec![0; layout.len()];
            let lost = rounded(&layout, [&amplitudes, &[]], step, |position, multiple| multiples[position] = multiple);
            let errors = amplitudes.iter().zip(&multiples).map(|(a, &m)| a / step - m as f64);
            assert!(amplitudes.iter().zip(&multiples).all(|(a, &m)| m as f64 * a >= 0.0));
            assert!(errors.clone().zip(&multiples).all(|(e, m)| *m == 0 || e.abs() <= 0.53 + 1e-9));
            approx::assert_relative_eq!(lost, errors.map(|e| e * e).sum::<f64>(), max_relative = 1e-9);
        }
    }

    #[test]
    fn rounding_costs_less_than_to_the_nearest() {
        let grid = Synthetic::default_grid("loss-cone", 40).unwrap();
        let vdf = Synthetic::named("loss-cone", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        let WaveletCoefficients { layout, amplitudes, .. } = Wavelet::default().encode(&vdf).unwrap();
        let norm = amplitudes.iter().map(|a| (a / vdf.peak()).powi(2)).sum::<f64>().sqrt() * vdf.peak();
        for step in [1e-2, 1e-3, 1e-4].map(|part| part * norm) {
            let cost = |mut multiples: Vec<(u32, i64)>| {
                let mut left: Vec<f64> = amplitudes.iter().map(|a| a / step).collect();
                multiples.iter().for_each(|(position, multiple)| left[*position as usize] -= *multiple as f64);
                let mut writer = Coder::writing();
                coding::code(&layout, &mut multiples, &mut writer).unwrap();
                left.iter().map(|x| x * x).sum::<f64>() + LAMBDA * 8.0 * writer.finish().len() as f64
            };
            let mut chosen = Vec::new();
            rounded(&layout, [&amplitudes, &[]], step, |position, multiple| chosen.push((position as u32, multiple)));
            let nearest = (0..).zip(&amplitudes).map(|(position, a)| (position, (a / step).round() as i64));
            let nearest = nearest.filter(|(_, multiple)| *multiple != 0).collect();
            let (chosen, nearest) = (cost(chosen), cost(nearest));
            assert!(chosen < nearest, "{chosen} {nearest}");
        }
    }
}
