//! Search for the coarsest rounding that keeps a bound.

use super::decoder::Decoder;
use super::rounding::Steps;
use super::training::Trainer;
use crate::conv::Volume;
use crate::diverged::{Diverged, finished};

/// A decoder's numbers as multiples of steps, and their relative L2 error.
#[derive(Debug, Clone)]
pub(crate) struct Rounded {
    pub steps: Steps,
    pub multiples: Vec<i32>,
    pub error: f64,
    /// Relative L2 error of every iteration of the training.
    pub losses: Vec<f64>,
}

/// Part of the iterations that is spent on training with rounded numbers.
const ROUNDED_PART: f64 = 0.3;
/// Rate of that training over the rate before: the rounded numbers are near their places.
const ROUNDED_RATE: f64 = 0.2;
/// Largest part of a bound that training without rounding may leave: at 0.9 of the bound rounding may add
/// √(1 − 0.9²) = 0.44 of it.
const TRAINED_PART: f64 = 0.9;
/// Share of the trained error that rounding adds where there is no bound: √(1 + 0.5²) = 1.12.
const UNBOUNDED_PART: f64 = 0.5;
/// Trials of other steps for a bound.
const TRIALS: usize = 4;

/// Trains and rounds. With a bound on the error training goes on, up to three times as long, until the bound is in reach,
/// and the steps are the coarsest of some trials that keep it; `None` if none does. Without a bound rounding adds an eighth
/// to the error.
pub(crate) fn trained(
    decoder: &Decoder,
    target: &Volume,
    seed: u64,
    iterations: usize,
    rate: f64,
    bound: Option<f64>,
) -> Result<Rounded, Diverged> {
    let mut trainer = Trainer::new(decoder, target, seed);
    let square = target.data.iter().map(|f| f64::from(*f).powi(2)).sum();
    trainer.train(iterations, rate, None)?;
    let mut error = trainer.error(&trainer.numbers);
    for _ in 0..2 {
        if bound.is_some_and(|bound| error > TRAINED_PART * bound) {
            trainer.train(iterations, 0.5 * rate, None)?;
            error = trainer.error(&trainer.numbers);
        }
    }
    finished(error, trainer.losses.len())?;
    let allowed =
        bound.map_or(UNBOUNDED_PART * error, |bound| (bound * bound - error * error).max(0.01 * bound * bound).sqrt());
    let steps = Steps::of_error(decoder, &trainer.numbers, square, allowed);
    let rounded_iterations = (ROUNDED_PART * iterations as f64).ceil() as usize;
    let rounded = |steps: Steps| -> Result<Rounded, Diverged> {
        let mut trainer = trainer.clone();
        trainer.train(rounded_iterations, ROUNDED_RATE * rate, Some(&steps))?;
        let multiples = steps.rounded(&trainer.numbers);
        let error = trainer.error(&steps.values(&multiples));
        Ok(Rounded { steps, multiples, error, losses: trainer.losses })
    };
    let Some(bound) = bound else {
        let rounded = rounded(steps)?;
        finished(rounded.error, rounded.losses.len())?;
        return Ok(rounded);
    };
    // Bisection over the step, in quarters of an octave: a coarser one first, since training makes up for rounding.
    let (mut fine, mut coarse): (Option<i64>, Option<i64>) = (None, None);
    let (mut quarters, mut best): (i64, Option<Rounded>) = (-2, None);
    for _ in 0..TRIALS {
        let trial = rounded(steps.finer(quarters))?;
        let keeps = trial.error <= bound;
        if keeps {
            fine = Some(quarters);
        } else {
            coarse = Some(quarters);
        }
        if best.as_ref().is_none_or(|best| keeps || (best.error > bound && trial.error < best.error)) {
            best = Some(trial);
        }
        quarters = match (fine, coarse) {
            (Some(fine), Some(coarse)) if fine - coarse <= 1 => break,
            (Some(fine), Some(coarse)) => (fine + coarse).div_euclid(2),
            (Some(fine), None) => fine - 4,
            (None, Some(coarse)) => coarse + 4,
            (None, None) => break,
        };
    }
    match best {
        Some(best) => Ok(best),
        None => rounded(steps),
    }
}
