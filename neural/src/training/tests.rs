use candle_core::{DType, Device, Tensor, Var};
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

/// The loss by candle, whose automatic differentiation is an independent reference.
fn by_candle(network: &Network, weights: &[f32], latents: &[f32], pool: &Pool) -> (f64, Vec<f32>, Vec<f32>) {
    let device = Device::Cpu;
    let count = pool.points.len();
    let variable = |values: &[f32], shape: (usize, usize)| {
        let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &device).unwrap()).unwrap()
    };
    let latent = variable(latents, (1, latents.len()));
    let tau = std::f64::consts::TAU;
    let mut rows = Vec::new();
    for point in &pool.points {
        rows.extend(point.map(f64::from));
        for wave in &network.features {
            let turns: f64 = wave.iter().zip(point).map(|(k, x)| f64::from(k * x)).sum();
            rows.extend([(tau * turns).sin(), (tau * turns).cos()]);
        }
    }
    let rows = Tensor::from_vec(rows, (count, 3 + 2 * network.features.len()), &device).unwrap();
    let ones = Tensor::ones((count, 1), DType::F64, &device).unwrap();
    let mut values = Tensor::cat(&[&rows, &ones.matmul(&latent).unwrap()], 1).unwrap();
    let mut variables = Vec::new();
    for (layer, place) in network.places().into_iter().enumerate() {
        let tensor = network.tensor(layer);
        let matrix = variable(&weights[place], (tensor.rows, tensor.columns));
        values = Tensor::cat(&[&values, &ones], 1).unwrap().matmul(&matrix.t().unwrap()).unwrap();
        if layer < network.layers {
            values = match network.activation {
                Activation::Tanh => values.tanh().unwrap(),
                Activation::Sine => (values * tau).unwrap().sin().unwrap(),
                Activation::Relu => values.relu().unwrap(),
            };
        }
        variables.push(matrix);
    }
    let column = |values: &[f32]| {
        let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        Tensor::from_vec(values, (count, 1), &device).unwrap()
    };
    let squares = (values - column(&pool.targets)).unwrap().sqr().unwrap();
    let loss = (squares * column(&pool.weights)).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    let of = |variable: &Var| -> Vec<f32> {
        let gradient = gradients.get(variable).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        // Ours is half of it.
        gradient.into_iter().map(|x| (0.5 * x) as f32).collect()
    };
    (loss.to_scalar::<f64>().unwrap(), variables.iter().flat_map(of).collect(), of(&latent))
}

#[test]
fn gradients_are_those_of_automatic_differentiation() {
    for activation in [Activation::Tanh, Activation::Sine, Activation::Relu] {
        let (network, weights, pool) = network(activation);
        let latents = [0.4, -0.9];
        let (loss, gradient, of_latents) =
            Pass::new(&network, Head::Linear, &weights, &latents).gradient(&pool.blocks());
        let (expected, reference, reference_of_latents) = by_candle(&network, &weights, &latents, &pool);
        approx::assert_relative_eq!(loss, expected, max_relative = 1e-4);
        let largest = reference.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        for (ours, reference) in gradient.iter().zip(&reference).chain(of_latents.iter().zip(&reference_of_latents)) {
            approx::assert_abs_diff_eq!(*ours, *reference, epsilon = 1e-4 * largest);
        }
        assert_eq!(gradient.len(), reference.len());
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
