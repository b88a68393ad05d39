//! Principal components in a stream: scores, then mean and components, in steps that change the distribution equally.

use super::{Scale, Values};
use crate::coding::{Coder, Numbers, Resolution};
use crate::distribution::decades::{self, Floor};
use crate::error::Result;

/// Writes the scale of a logarithm, if there is one, or reads it; returns the resolution of the values that are described.
pub(super) fn code_scale(
    values: Values,
    scale: &mut Scale,
    resolution: Resolution,
    coder: &mut Coder<'_>,
) -> Result<Resolution> {
    let Values::Log10 { floor: given } = values else {
        *scale = None;
        return Ok(resolution);
    };
    let (floor, octaves) = scale.get_or_insert((1.0, 0));
    given.map_or_else(|| Ok(Floor::default()), Floor::at)?.code(floor, octaves, coder)?;
    Ok(decades::resolution(resolution, *floor, *octaves))
}

/// Writes mean, components (at most `most`) and scores of the slices, or reads them.
pub(super) fn code_slices(
    most: usize,
    [samples, features]: [usize; 2],
    [mean, components, scores]: [&mut Vec<f64>; 3],
    resolution: Resolution,
    coder: &mut Coder<'_>,
) -> Result<()> {
    let count = coder.count(components.len() / features, most.min(samples).min(features))?;
    let step = resolution.step();
    // Components are orthonormal: rounding a score by half a step changes the distribution by as much. A kind of numbers
    // for each rank, since scores fall off with it.
    let mut numbers = Numbers::new(count + 1);
    coder.sized(scores, count * samples)?;
    for (index, score) in scores.iter_mut().enumerate() {
        *score = numbers.code(coder, index / samples, *score, step)?;
    }
    // An error of the mean is repeated in every slice: its norm over the cells grows by √samples.
    let mut numbers = Numbers::new(count + 1);
    let step_of_mean = step.map(|step| step / (samples as f64).sqrt());
    coder.sized(mean, features)?;
    for value in mean.iter_mut() {
        *value = numbers.code(coder, count, *value, step_of_mean)?;
    }
    // An error of a component appears in every slice times its score: its norm grows by that of the scores.
    coder.sized(components, count * features)?;
    for (rank, component) in components.chunks_exact_mut(features).enumerate() {
        let scores = &scores[rank * samples..][..samples];
        // Divided by the largest, squares stay in the range of f64.
        let largest = scores.iter().fold(0.0, |largest: f64, score| largest.max(score.abs()));
        let norm = scores.iter().map(|score| (score / largest).powi(2)).sum::<f64>().sqrt() * largest;
        // A component whose scores are all zero adds nothing, and may be rounded to nothing.
        let step = step.map(|step| if largest > 0.0 { step / norm } else { 1.0 });
        for entry in component {
            *entry = numbers.code(coder, rank, *entry, step)?;
        }
    }
    Ok(())
}
