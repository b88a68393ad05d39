//! The training of one network on one pool of points.

use rand::Rng;
use vdf_basis::{Error, Result};

use super::{Curvature, Factor, Head, Pass, Pool, adam, rate};
use crate::diverged;
use crate::inference::{Activation, Network, outputs};

/// The length of a training and what it aims at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Steps of Adam.
    pub steps: usize,
    /// Points of a step.
    pub batch: usize,
    /// Largest rate.
    pub rate: f32,
    /// Steps of Levenberg and Marquardt after those of Adam.
    pub refinements: usize,
    /// Relative error at which the training stops.
    pub goal: f64,
}

/// The relative error after some work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// True after the steps of Levenberg and Marquardt began.
    pub refining: bool,
    /// Number of steps of this kind.
    pub step: usize,
    /// Root of the sum of squares of the errors over that of the values to learn.
    pub error: f64,
}

/// A trained network.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The weights.
    pub weights: Vec<f32>,
    /// The relative error at the end.
    pub error: f64,
    /// The errors on the way.
    pub curve: Vec<Progress>,
}

/// Random weights to begin with.
pub fn initial(network: &Network, head: Head, random: &mut impl Rng) -> Vec<f32> {
    let mut weights = Vec::with_capacity(network.len());
    for layer in 0..=network.layers {
        let tensor = network.tensor(layer);
        let (inputs, outputs) = (tensor.columns - 1, tensor.rows);
        // Limits of uniform numbers, by Glorot and Bengio 2010, He et al. 2015 and Sitzmann et al. 2020 (in turns).
        let limit = match (network.activation, layer) {
            (Activation::Tanh, _) => (6.0 / (inputs + outputs) as f32).sqrt(),
            (Activation::Relu, _) => (6.0 / inputs as f32).sqrt(),
            (Activation::Sine, 0) => 0.5 / (inputs as f32).sqrt(),
            (Activation::Sine, _) => (6.0 / inputs as f32).sqrt() / std::f32::consts::TAU,
        };
        let last = layer == network.layers;
        let limit = if last { 0.5 * limit } else { limit };
        // Biases spread the units of the first layer over the distribution.
        let of_bias = if layer == 0 { limit } else { 0.1 * limit };
        for _ in 0..outputs {
            weights.extend((0..inputs).map(|_| random.random_range(-1.0_f32..1.0) * limit));
            let bias = random.random_range(-1.0_f32..1.0) * of_bias;
            weights.push(if last && head == Head::Exponential { -4.0 } else { bias });
        }
    }
    weights
}

/// Trains a network from given weights.
///
/// # Errors
/// [`Error::Degenerate`] with the loss if the training diverges.
pub fn fit(
    network: &Network,
    head: Head,
    mut weights: Vec<f32>,
    pool: &Pool,
    schedule: &Schedule,
    random: &mut impl Rng,
) -> Result<Trained> {
    /// Steps of Adam after which the importance of points is found anew.
    const EVERY: usize = 250;
    let mut adam = adam(weights.len());
    let mut curve = Vec::new();
    let values = |weights: &[f32]| values(network, head, weights, &[], pool);
    let mut sampler = pool.sampler(Some(&values(&weights)));
    for step in 0..schedule.steps {
        if step > 0 && step % EVERY == 0 {
            let values = values(&weights);
            let error = checked(error_of(pool, &values))?;
            curve.push(Progress { refining: false, step, error });
            if error <= schedule.goal {
                break;
            }
            sampler = pool.sampler(Some(&values));
        }
        let blocks = pool.sample(&sampler, schedule.batch, random);
        let (_, gradient, _) = Pass::new(network, head, &weights, &[]).gradient(&blocks);
        adam.step(&mut weights, &gradient, rate(step, schedule.steps, schedule.rate));
    }
    let mut trained = Trained { error: checked(error_of(pool, &values(&weights)))?, weights, curve };
    trained.curve.push(Progress { refining: false, step: schedule.steps, error: trained.error });
    refine(network, head, &mut trained, pool, schedule, random)?;
    Ok(trained)
}

/// The values of a network at all points of a pool.
pub fn values(network: &Network, head: Head, weights: &[f32], latents: &[f32], pool: &Pool) -> Vec<f32> {
    let outputs = outputs(network, weights, latents, &pool.points);
    match head {
        Head::Linear => outputs,
        Head::Exponential => outputs.into_iter().map(crate::inference::lanes::power_of_two).collect(),
    }
}

/// The root of the loss.
pub fn error_of(pool: &Pool, values: &[f32]) -> f64 {
    let square = |((value, target), weight): ((&f32, &f32), &f32)| f64::from((value - target).powi(2) * weight);
    values.iter().zip(&pool.targets).zip(&pool.weights).map(square).sum::<f64>().sqrt()
}

/// The error during training, unless that has diverged. It may rise for some steps.
pub fn checked(error: f64) -> Result<f64> {
    /// An output of zero has an error of 1.
    const LARGEST: f64 = 1e3;
    if error.is_finite() && error < LARGEST { Ok(error) } else { Err(diverged(error)) }
}

/// The error at the end of the training, unless that has diverged.
pub fn finished(error: f64) -> Result<f64> {
    diverged::finished(error, 0).map_err(|end| diverged(end.loss))
}

fn diverged(error: f64) -> Error {
    let reason = format!("the training diverged: the relative error is {error:e}; another seed or activation may help");
    Error::Degenerate { basis: "mlp", reason }
}

/// Steps of Levenberg and Marquardt. The gradient is that of all points; the curvature is estimated from samples, each
/// blended with the ones before.
fn refine(
    network: &Network,
    head: Head,
    trained: &mut Trained,
    pool: &Pool,
    schedule: &Schedule,
    random: &mut impl Rng,
) -> Result<()> {
    /// Points of a sample for each weight.
    const POINTS_PER_WEIGHT: f64 = 1.5;
    /// Part of the new sample in the curvature.
    const NEW_PART: f32 = 0.5;
    const FIRST_DAMPING: f64 = 1e-2;
    const MOST_DAMPING: f64 = 1e6;
    let all = pool.blocks();
    let (mut damping, mut last) = (FIRST_DAMPING, None::<Curvature>);
    let sample = (POINTS_PER_WEIGHT * trained.weights.len() as f64) as usize;
    for step in 1..=schedule.refinements {
        if trained.error <= schedule.goal {
            break;
        }
        let pass = Pass::new(network, head, &trained.weights, &[]);
        let sampler = pool.sampler(Some(&values(network, head, &trained.weights, &[], pool)));
        let new = Curvature::of(&pass, &pool.sample(&sampler, sample, random));
        let curvature = match last.take() {
            None => new,
            Some(mut curvature) => {
                curvature.blend(&new, 1.0 - NEW_PART);
                curvature
            }
        };
        let (loss, gradient, _) = pass.gradient(&all);
        let gradient: Vec<f64> = gradient.into_iter().map(f64::from).collect();
        let mut found = None;
        while found.is_none() && damping < MOST_DAMPING {
            let tried = curvature.factor(damping).map(|factor| {
                let (moved, predicted) = step_of(&curvature, &factor, damping, &gradient, &trained.weights);
                let reached = Pass::new(network, head, &moved, &[]).loss(&all);
                (moved, predicted, reached)
            });
            match tried {
                Some((moved, predicted, reached)) if reached < loss => {
                    // Nielsen 1999: the damping falls if the loss falls as predicted, here to a fifth and not a third.
                    let gain = ((loss - reached) / predicted).min(1.0);
                    damping = (damping * (1.0 - (2.0 * gain - 1.0).powi(3)).max(0.2)).max(1e-9);
                    found = Some((moved, reached));
                }
                _ => damping *= 4.0,
            }
        }
        last = Some(curvature);
        let Some((moved, reached)) = found else { break };
        trained.weights = moved;
        trained.error = checked(reached.sqrt())?;
        trained.curve.push(Progress { refining: true, step, error: trained.error });
    }
    Ok(())
}

/// The weights after a step, and the reduction of the loss that the quadratic model predicts.
fn step_of(curvature: &Curvature, factor: &Factor, damping: f64, gradient: &[f64], weights: &[f32]) -> (Vec<f32>, f64) {
    let step = factor.solve(gradient);
    let moved = weights.iter().zip(&step).map(|(weight, step)| (f64::from(*weight) - step) as f32).collect();
    let linear: f64 = step.iter().zip(gradient).map(|(step, gradient)| step * gradient).sum();
    let damped: f64 = step.iter().zip(curvature.scales()).map(|(step, scale)| damping * scale * step * step).sum();
    (moved, linear + damped)
}
