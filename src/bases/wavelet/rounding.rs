//! To which multiple of a step a coefficient is rounded.
//!
//! Not always to the nearest: a small number among zeros takes many bits to say, and little is lost without it. How many
//! bits is foreseen from the 26 around it, as if all were Laplacian with one scale, and a coefficient is told if it
//! mends more than its bits are worth: rate-distortion optimised quantisation, as in Sullivan and Wiegand 1998 (IEEE
//! Signal Process. Mag. 15, 74), without asking the coder.

use super::transform::{Band, Layout};
use crate::coding::{MOST_MULTIPLE, in_steps};

/// What a bit is worth, as a squared error in squared steps: near 6 dB of error a bit, which is ln 2 / 6, and less
/// because zeros make what follows cheaper to expect and dearer when it comes.
const BIT: f64 = 0.085;
/// Nothing smaller, in steps, is worth telling.
const LEAST: f64 = 0.5;
/// Of two multiples the smaller is cheaper, and taken a little beyond the middle.
const UPWARDS: f64 = 0.47;

/// The positions in a layout, ascending, and the multiples of the step, of what is not rounded to zero; and the sum of
/// squared errors, in squared steps.
pub(super) fn rounded(layout: &Layout, amplitudes: &[f64], step: f64, mut found: impl FnMut(usize, i64)) -> f64 {
    let mut lost = 0.0;
    for band in layout.bands() {
        let part = &amplitudes[band.begin..][..band.len()];
        lost += in_band(&band, part, step, |index, multiple| found(band.begin + index, multiple));
    }
    lost
}

fn in_band(band: &Band, amplitudes: &[f64], step: f64, mut found: impl FnMut(usize, i64)) -> f64 {
    const WIDTH: usize = 8;
    let in_steps = in_steps(step);
    let least = LEAST * step;
    let mut sums = [0.0; WIDTH];
    let mut lost = 0.0;
    for (chunk, begin) in amplitudes.chunks(WIDTH).zip((0..).step_by(WIDTH)) {
        // Most are all small, which vector instructions find out.
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
    if size < LEAST {
        return 0;
    }
    let multiple = (size + UPWARDS).min(MOST_MULTIPLE) as i64;
    if multiple > 1 {
        return multiple;
    }
    i64::from(2.0 * size - 1.0 > BIT * bits(around()))
}

/// About how many bits more a one takes than a zero where the mean size is this: −log₂ of its probability, and a sign.
fn bits(mean: f64) -> f64 {
    /// What is one step exactly stays, however alone: 1 > [`BIT`] times this.
    const MOST: f64 = 11.7;
    (1.0 + 0.6 / std::f64::consts::LN_2 / mean).min(MOST)
}

/// The mean size of the 26 around a place, the nearer ones weighing more; what lies beyond the band counts as zero.
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
            let lost = rounded(&layout, &amplitudes, step, |position, multiple| multiples[position] = multiple);
            let errors = amplitudes.iter().zip(&multiples).map(|(a, &m)| a / step - m as f64);
            assert!(amplitudes.iter().zip(&multiples).all(|(a, &m)| m as f64 * a >= 0.0));
            assert!(errors.clone().zip(&multiples).all(|(e, m)| *m == 0 || e.abs() <= 0.53 + 1e-9));
            approx::assert_relative_eq!(lost, errors.map(|e| e * e).sum::<f64>(), max_relative = 1e-9);
        }
    }

    #[test]
    fn what_is_given_up_saves_more_than_it_is_worth() {
        let grid = Synthetic::default_grid("loss-cone", 40).unwrap();
        let vdf = Synthetic::named("loss-cone", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        let WaveletCoefficients { layout, amplitudes, .. } = Wavelet::default().encode(&vdf).unwrap();
        let norm = amplitudes.iter().map(|a| (a / vdf.peak()).powi(2)).sum::<f64>().sqrt() * vdf.peak();
        for step in [1e-2, 1e-3, 1e-4].map(|part| part * norm) {
            let cost = |multiples: Vec<(u32, i64)>| {
                let mut left: Vec<f64> = amplitudes.iter().map(|a| a / step).collect();
                multiples.iter().for_each(|(position, multiple)| left[*position as usize] -= *multiple as f64);
                let mut writer = Coder::writing();
                coding::code(&layout, Some(multiples), &mut writer).unwrap();
                left.iter().map(|x| x * x).sum::<f64>() + BIT * 8.0 * writer.finish().len() as f64
            };
            let mut chosen = Vec::new();
            rounded(&layout, &amplitudes, step, |position, multiple| chosen.push((position as u32, multiple)));
            let nearest = (0..).zip(&amplitudes).map(|(position, a)| (position, (a / step).round() as i64));
            let nearest = nearest.filter(|(_, multiple)| *multiple != 0).collect();
            let (chosen, nearest) = (cost(chosen), cost(nearest));
            assert!(chosen < nearest, "{chosen} {nearest}");
        }
    }
}
