use super::*;

const TENSORS: [Tensor; 2] =
    [Tensor { rows: 5, columns: 30, by_column: true }, Tensor { rows: 3, columns: 6, by_column: false }];

/// Numbers between −1 and 1 that look random.
fn hashed(count: usize) -> Vec<f64> {
    let hash = |k: u64| ((k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (0..count as u64).map(|k| (hash(k) >> 40) as f64 / f64::from(1 << 23) - 1.0).collect()
}

fn weights() -> Weights {
    let sensitivity = |k: usize| f64::from(1 << (k / 30 * 2)) * if k % 30 < 15 { 1.0 } else { 8.0 };
    let values = hashed(168).into_iter().map(|w| f64::from(w as f32)).collect();
    Weights::new(&TENSORS, values, &(0..168).map(sensitivity).collect::<Vec<_>>()).unwrap()
}

fn coded(weights: &Weights, step: Option<f64>) -> (Weights, Weights, Vec<u8>) {
    let (mut written, mut coder) = (weights.clone(), Coder::writing());
    written.code(&TENSORS, step, &mut coder).unwrap();
    let bytes = coder.finish();
    let mut read = Weights::blank();
    read.code(&TENSORS, step, &mut Coder::reading(&bytes)).unwrap();
    (written, read, bytes)
}

#[test]
fn weights_are_read_as_they_were_written() {
    let weights = weights();
    let (written, read, bytes) = coded(&weights, None);
    assert_eq!(written, weights);
    assert_eq!(read, weights);
    assert!(bytes.len() < 168 * 4 + 30, "{}", bytes.len());
    for step in [0.5, 0.01, 1e-5] {
        let (written, read, _) = coded(&weights, Some(step));
        assert_eq!(written, read);
        assert_eq!(coded(&written, Some(step)).0, written);
        let steps = weights.steps(&TENSORS, step);
        for ((rounded, exact), step) in written.values.iter().zip(&weights.values).zip(steps) {
            assert!((rounded - exact).abs() <= 0.5 * step * (1.0 + 1e-12));
        }
    }
}

#[test]
fn steps_follow_the_sensitivity_of_rows_and_columns() {
    let steps = weights().steps(&TENSORS, 1.0);
    // Rows differ by factors of 4, columns by one of 8.
    approx::assert_relative_eq!(steps[0] / steps[30], 4.0, max_relative = 1e-12);
    approx::assert_relative_eq!(steps[0] / steps[20], 8.0, max_relative = 1e-12);
}

#[test]
fn sensitivities_of_zero_or_of_no_number_are_no_harm() {
    for sensitivities in [vec![0.0; 168], vec![f64::NAN; 168], vec![f64::INFINITY; 168], vec![1e300; 168]] {
        let weights = Weights::new(&TENSORS, hashed(168), &sensitivities).unwrap();
        assert!(weights.steps(&TENSORS, 1.0).iter().all(|step| step.is_finite() && *step > 0.0));
    }
    assert!(matches!(Weights::new(&TENSORS, vec![0.0; 7], &[1.0; 7]), Err(Error::ForeignCoefficients(_))));
}

#[test]
fn damaged_weights_and_huge_tensors_give_errors_or_weights() {
    let (_, _, bytes) = coded(&weights(), Some(0.01));
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        for damaged in [&bytes[..place], &flipped] {
            for step in [None, Some(0.01), Some(1e-300), Some(1e300)] {
                let _ = Weights::blank().code(&TENSORS, step, &mut Coder::reading(damaged));
            }
        }
    }
    let huge = [Tensor { rows: 1 << 40, columns: 1 << 40, by_column: false }];
    let refused = Weights::blank().code(&huge, None, &mut Coder::reading(&bytes));
    assert!(matches!(refused, Err(Error::LimitExceeded { .. })), "{refused:?}");
}
