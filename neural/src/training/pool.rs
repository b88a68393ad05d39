//! The points that a network is trained on, and samples of them by importance.
#![allow(clippy::needless_range_loop, reason = "several arrays have the same index")]

use rand::Rng;

use crate::inference::lanes::{LANES, POINTS, Row, ZERO};

/// Most points of a [`Pool`]: the time of a training does not grow with the grid beyond.
pub const MOST_POINTS: usize = 32_768;

/// Points with the values that a network should have there. The loss is Σ weight · (output − target)² over all points.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// Coordinates.
    pub points: Vec<[f32; 3]>,
    /// Values to learn.
    pub targets: Vec<f32>,
    /// Weights of the squares: 1 over the probability that the point is in the pool, and over the sum of squares of targets.
    pub weights: Vec<f32>,
    /// Importance of a point apart from its error, of which half is the target's magnitude.
    importance: Vec<f64>,
}

/// Points of one block, with targets and weights.
#[derive(Debug, Clone)]
pub struct Block {
    pub coordinates: [Row; 3],
    pub targets: Row,
    pub weights: Row,
}

impl Pool {
    /// All cells of a grid or, if there are more than [`MOST_POINTS`], a sample in which large values are likelier.
    /// `targets` are the values to learn, `densities` what makes a cell important, `sum_of_squares` the unit of the loss.
    pub fn new(
        point: impl Fn(usize) -> [f32; 3],
        targets: &[f32],
        densities: &[f32],
        sum_of_squares: f64,
        random: &mut impl Rng,
    ) -> Self {
        let cells = targets.len();
        let sum: f64 = densities.iter().map(|f| f64::from(f.abs())).sum();
        let importance = |cell: usize| {
            let part = if sum > 0.0 { f64::from(densities[cell].abs()) / sum } else { 0.0 };
            0.7 * part + 0.3 / cells as f64
        };
        let mut pool = Self::default();
        for (cell, &target) in targets.iter().enumerate() {
            let probability = if cells <= MOST_POINTS { 1.0 } else { (MOST_POINTS as f64 * importance(cell)).min(1.0) };
            if probability >= 1.0 || random.random::<f64>() < probability {
                pool.points.push(point(cell));
                pool.targets.push(target);
                pool.weights.push((1.0 / (probability * sum_of_squares)) as f32);
                pool.importance.push(importance(cell) / probability);
            }
        }
        pool
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// A block of the points of these indices, with a factor for each weight; the last point is repeated with weight zero.
    fn block(&self, chosen: &[(usize, f32)]) -> Block {
        let mut block = Block { coordinates: [ZERO; 3], targets: ZERO, weights: ZERO };
        for place in 0..POINTS {
            let (index, factor) = chosen[place.min(chosen.len() - 1)];
            let (group, lane) = (place / LANES, place % LANES);
            for axis in 0..3 {
                block.coordinates[axis][group][lane] = self.points[index][axis];
            }
            block.targets[group][lane] = self.targets[index];
            block.weights[group][lane] = if place < chosen.len() { factor * self.weights[index] } else { 0.0 };
        }
        block
    }

    /// All points.
    pub fn blocks(&self) -> Vec<Block> {
        let all: Vec<(usize, f32)> = (0..self.len()).map(|index| (index, 1.0)).collect();
        all.chunks(POINTS).map(|chosen| self.block(chosen)).collect()
    }

    /// The table of a sampler, for the present outputs of the network.
    pub fn sampler(&self, outputs: Option<&[f32]>) -> Sampler {
        /// Part of the importance that follows the present error.
        const OF_ERROR: f64 = 0.4;
        let errors: Vec<f64> = outputs.map_or_else(Vec::new, |outputs| {
            let error = |index: usize| f64::from(self.weights[index] * (outputs[index] - self.targets[index]).abs());
            (0..self.len()).map(error).collect()
        });
        let sum: f64 = errors.iter().sum();
        let of_error = if sum > 0.0 && sum.is_finite() { OF_ERROR } else { 0.0 };
        let all: f64 = self.importance.iter().sum();
        let mut cumulative = Vec::with_capacity(self.len());
        let mut total = 0.0;
        for index in 0..self.len() {
            let error = if of_error > 0.0 { of_error * errors[index] / sum } else { 0.0 };
            total += (1.0 - of_error) * self.importance[index] / all + error;
            cumulative.push(total);
        }
        Sampler { cumulative }
    }

    /// Blocks of a sample in which each point's factor makes up for its probability. One point is taken from each of equal
    /// parts of the cumulative importance, so that the sample is spread evenly.
    pub fn sample(&self, sampler: &Sampler, count: usize, random: &mut impl Rng) -> Vec<Block> {
        let cumulative = &sampler.cumulative;
        let total = cumulative.last().copied().unwrap_or(1.0);
        let mut index = 0;
        let mut chosen = Vec::with_capacity(count);
        for part in 0..count {
            let at = (part as f64 + random.random::<f64>()) / count as f64 * total;
            index += cumulative[index..].partition_point(|&sum| sum < at);
            index = index.min(self.len() - 1);
            let probability = (cumulative[index] - if index > 0 { cumulative[index - 1] } else { 0.0 }) / total;
            chosen.push((index, (1.0 / (count as f64 * probability)) as f32));
        }
        chosen.chunks(POINTS).map(|chosen| self.block(chosen)).collect()
    }
}

/// Cumulative importance of the points of a [`Pool`].
#[derive(Debug, Clone)]
pub struct Sampler {
    cumulative: Vec<f64>,
}
