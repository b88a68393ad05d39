use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::inference::{Activation, Network};

fn network(activation: Activation) -> (Network, Vec<f32>, Pool) {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let features = vec![[0.1, -0.2, 0.3], [0.2, 0.1, -0.1]];
    let network = Network { layers: 2, width: 7, activation, features, latents: 2 };
    let weights = initial(&network, Head::Linear, &mut random);
    let axis = |cell: usize| (cell % 10) as f32 / 5.0 - 1.0;
    let point = |cell: usize| [axis(cell), axis(cell / 10), 0.3 * axis(cell) * axis(cell / 10)];
    let targets: Vec<f32> = (0..100).map(|cell| (-point(cell)[0].powi(2) - point(cell)[1]).exp()).collect();
    let pool = Pool::new(point, &targets, &targets, 7.0, &mut random);
    (network, weights, pool)
}

/// The loss, in plain sums of double precision.
fn plain_loss(network: &Network, weights: &[f64], latents: &[f64], pool: &Pool) -> f64 {
    let tau = std::f64::consts::TAU;
    let output = |point: &[f32; 3]| {
        let mut values: Vec<f64> = point.iter().map(|x| f64::from(*x)).collect();
        for wave in &network.features {
            let turns: f64 = wave.iter().zip(point).map(|(k, x)| f64::from(k * x)).sum();
            values.extend([(tau * turns).sin(), (tau * turns).cos()]);
        }
        values.extend(latents);
        for (layer, place) in network.places().into_iter().enumerate() {
            let row = |row: &[f64]| row.iter().zip(values.iter().chain([&1.0])).map(|(w, x)| w * x).sum();
            let sums: Vec<f64> = weights[place].chunks_exact(values.len() + 1).map(row).collect();
            let unit = |z: &f64| match network.activation {
                _ if layer == network.layers => *z,
                Activation::Tanh => z.tanh(),
                Activation::Sine => (tau * z).sin(),
                Activation::Relu => z.max(0.0),
            };
            values = sums.iter().map(unit).collect();
        }
        values[0]
    };
    let points = pool.points.iter().zip(&pool.targets).zip(&pool.weights);
    points.map(|((point, target), weight)| f64::from(*weight) * (output(point) - f64::from(*target)).powi(2)).sum()
}

/// Half the derivatives of [`plain_loss`] by the weights and by the latents, from differences.
fn differences(network: &Network, weights: &[f32], latents: &[f32], pool: &Pool) -> Vec<f64> {
    const CHANGE: f64 = 1e-6;
    let all: Vec<f64> = weights.iter().chain(latents).map(|value| f64::from(*value)).collect();
    let at = |place: usize, change: f64| {
        let mut moved = all.clone();
        moved[place] += change;
        let (weights, latents) = moved.split_at(weights.len());
        plain_loss(network, weights, latents, pool)
    };
    (0..all.len()).map(|place| (at(place, CHANGE) - at(place, -CHANGE)) / (4.0 * CHANGE)).collect()
}

#[test]
fn gradients_are_those_of_differences_of_a_plain_loss() {
    for activation in [Activation::Tanh, Activation::Sine, Activation::Relu] {
        let (network, weights, pool) = network(activation);
        let latents = [0.4, -0.9];
        let (loss, gradient, of_latents) =
            Pass::new(&network, Head::Linear, &weights, &latents).gradient(&pool.blocks());
        let doubled = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
        let expected = plain_loss(&network, &doubled(&weights), &doubled(&latents), &pool);
        approx::assert_relative_eq!(loss, expected, max_relative = 1e-4);
        let reference = differences(&network, &weights, &latents, &pool);
        let largest = reference.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        for (ours, reference) in gradient.iter().chain(&of_latents).zip(&reference) {
            approx::assert_abs_diff_eq!(f64::from(*ours), *reference, epsilon = 1e-4 * largest);
        }
        assert_eq!(gradient.len() + of_latents.len(), reference.len());
    }
}

#[test]
fn the_curvature_is_that_of_differences_of_values() {
    let (network, weights, pool) = network(Activation::Sine);
    let latents = [0.4, -0.9];
    for head in [Head::Linear, Head::Exponential] {
        let pass = Pass::new(&network, head, &weights, &latents);
        let curvature = Curvature::of(&pass, &pool.blocks());
        let squares = pass.mean_squares(&pool.blocks());
        for place in [0, 17, 80, weights.len() - 1] {
            const CHANGE: f32 = 2e-3;
            let at = |change: f32| {
                let mut moved = weights.clone();
                moved[place] += change;
                values(&network, head, &moved, &latents, &pool)
            };
            let difference = at(CHANGE).into_iter().zip(at(-CHANGE)).zip(&pool.weights);
            let square = |((above, below), weight): ((f32, f32), &f32)| {
                f64::from(weight * ((above - below) / (2.0 * CHANGE)).powi(2))
            };
            let expected: f64 = difference.map(square).sum();
            approx::assert_relative_eq!(curvature.diagonal()[place], expected, max_relative = 0.02);
            approx::assert_relative_eq!(squares[place], expected, max_relative = 0.02);
        }
    }
}

#[test]
fn samples_estimate_the_loss_of_all_points() {
    let (network, weights, pool) = network(Activation::Tanh);
    let pass = Pass::new(&network, Head::Linear, &weights, &[0.1, 0.2]);
    let all = pass.loss(&pool.blocks());
    let sampler = pool.sampler(Some(&values(&network, Head::Linear, &weights, &[0.1, 0.2], &pool)));
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mean = (0..100).map(|_| pass.loss(&pool.sample(&sampler, 128, &mut random))).sum::<f64>() / 100.0;
    approx::assert_relative_eq!(mean, all, max_relative = 0.02);
}
