use super::*;
use std::time::Instant;

fn hashed(seed: u64) -> f32 {
    let hash = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (hash >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn network(activation: Activation, width: usize, latents: usize) -> (Network, Vec<f32>) {
    let features = (0..16).map(|k| [0, 1, 2].map(|axis| hashed(3 * k + axis))).collect();
    let network = Network { layers: 3, width, activation, features, latents };
    let weights = (0..network.len() as u64).map(|k| 0.4 * hashed(k)).collect();
    (network, weights)
}

fn points(count: u64) -> Vec<[f32; 3]> {
    (0..count).map(|k| [0, 1, 2].map(|axis| 3.0 * hashed(3 * k + axis))).collect()
}

#[test]
fn bits_do_not_depend_on_vector_instructions_or_threads() {
    for activation in [Activation::Tanh, Activation::Sine, Activation::Relu] {
        let (network, weights) = network(activation, 27, 2);
        let (points, latents) = (points(10_001), [0.3, -0.7]);
        let mut scalar = vec![0.0; points.len()];
        Outputs { network: &network, weights: &weights, latents: &latents, points: &points, outputs: &mut scalar }
            .run();
        let vectors = outputs(&network, &weights, &latents, &points);
        assert!(scalar.iter().zip(&vectors).all(|(a, b)| a.to_bits() == b.to_bits()), "{activation:?}");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(pool.install(|| outputs(&network, &weights, &latents, &points)), vectors);
    }
}

#[test]
fn the_forward_pass_is_that_of_the_formula() {
    let (network, weights) = network(Activation::Tanh, 9, 1);
    let point = points(1)[0];
    let mut values: Vec<f64> = point.iter().map(|x| f64::from(*x)).collect();
    for wave in &network.features {
        let turns: f64 = wave.iter().zip(&point).map(|(k, x)| f64::from(*k) * f64::from(*x)).sum();
        let (sine, cosine) = (std::f64::consts::TAU * turns).sin_cos();
        values.extend([sine, cosine]);
    }
    values.push(0.3);
    for (layer, place) in network.places().into_iter().enumerate() {
        let of_row = |row: &[f32]| {
            let sum =
                row.iter().zip(&values).map(|(w, x)| f64::from(*w) * x).sum::<f64>() + f64::from(row[values.len()]);
            if layer < network.layers { sum.tanh() } else { sum }
        };
        values = weights[place].chunks(values.len() + 1).map(of_row).collect();
    }
    approx::assert_abs_diff_eq!(f64::from(outputs(&network, &weights, &[0.3], &[point])[0]), values[0], epsilon = 2e-5);
}

#[test]
#[ignore = "prints times"]
fn times() {
    let points = points(125_000);
    for activation in [Activation::Tanh, Activation::Sine, Activation::Relu] {
        for width in [25, 32] {
            let (network, weights) = network(activation, width, 0);
            let start = Instant::now();
            let sum: f32 = outputs(&network, &weights, &[], &points).iter().sum();
            println!("{activation:?} {width}: {:.1} ms ({sum})", 1e3 * start.elapsed().as_secs_f64());
        }
    }
}
