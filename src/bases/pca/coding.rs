//! Principal components in a stream: scores, then mean and components, in steps that change the distribution equally.

use super::{Pca, PcaCoefficients, Values};
use crate::coding::{Coder, Numbers, Resolution, malformed};
use crate::distribution::decades::{self, Floor};
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// The floor and the octaves of a logarithm, if it is one, and how exactly its numbers are then kept.
pub(super) fn code_floor(
    values: Values,
    given: Option<Option<(f64, u32)>>,
    resolution: Resolution,
    coder: &mut Coder<'_>,
) -> Result<(Option<(f64, u32)>, Resolution)> {
    let Values::Log10 { floor } = values else { return Ok((None, resolution)) };
    let floor = floor.map_or_else(|| Ok(Floor::default()), Floor::at)?;
    let (floor, octaves) = floor.code(given.flatten(), coder)?;
    Ok((Some((floor, octaves)), decades::resolution(resolution, floor, octaves)))
}

impl Pca {
    pub(super) fn code_slices(
        &self,
        coefficients: Option<&PcaCoefficients>,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<PcaCoefficients> {
        coefficients.map_or(Ok(()), |coefficients| self.own(coefficients, grid))?;
        let (floor, resolution) = code_floor(self.values, coefficients.map(|c| c.floor), resolution, coder)?;
        let shape = grid.shape();
        let samples = shape[self.axis];
        let features = grid.cells() / samples;
        let most = self.components.min(samples).min(features);
        let count = coder.count(coefficients.map_or(0, |c| c.components.len() / features), most)?;
        let step = resolution.step();
        let given = |numbers: fn(&PcaCoefficients) -> &[f64], index: usize| {
            coefficients.and_then(|c| numbers(c).get(index)).copied().unwrap_or(0.0)
        };
        // A kind of numbers for each component, and one for the mean.
        let mut numbers = Numbers::new(count + 1);
        let mut scores = Vec::with_capacity(count * samples);
        for index in 0..count * samples {
            scores.push(numbers.code(coder, index / samples, given(|c| &c.scores, index), step)?);
        }
        // The mean stands in every slice, and a component as often as its scores say.
        let mut numbers = Numbers::new(count + 1);
        let of_mean = step.map(|step| step / (samples as f64).sqrt());
        let mut mean = Vec::with_capacity(features);
        for index in 0..features {
            mean.push(numbers.code(coder, count, given(|c| &c.mean, index), of_mean)?);
        }
        let mut components = Vec::with_capacity(count * features);
        for (rank, scores) in scores.chunks_exact(samples).enumerate() {
            let largest = scores.iter().fold(0.0, |largest: f64, score| largest.max(score.abs()));
            let norm = scores.iter().map(|score| (score / largest).powi(2)).sum::<f64>().sqrt() * largest;
            // Without scores a component is nowhere seen.
            let step = step.map(|step| if largest > 0.0 { step / norm } else { 1.0 });
            for entry in 0..features {
                let index = rank * features + entry;
                components.push(numbers.code(coder, rank, given(|c| &c.components, index), step)?);
            }
        }
        if mean.iter().chain(&scores).chain(&components).any(|number| !number.is_finite()) {
            return Err(malformed("principal components that are not finite"));
        }
        Ok(PcaCoefficients { shape, axis: self.axis, floor, mean, components, scores })
    }
}
