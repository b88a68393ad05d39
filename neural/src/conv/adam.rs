//! Adam (Kingma and Ba 2015, arXiv:1412.6980) and the schedule of its rate.

use std::f32::consts::PI;

/// The state of Adam for one list of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
    /// Products of the decay rates so far, for the correction of the bias.
    decays: [f32; 2],
}

impl Adam {
    const DECAYS: [f32; 2] = [0.9, 0.99];
    const EPSILON: f32 = 1e-10;

    pub fn new(len: usize) -> Self {
        Self { first: vec![0.0; len], second: vec![0.0; len], decays: [1.0; 2] }
    }

    /// One step down the gradient.
    pub fn step(&mut self, numbers: &mut [f32], gradient: &[f32], rate: f32) {
        let [d1, d2] = Self::DECAYS;
        self.decays = [self.decays[0] * d1, self.decays[1] * d2];
        let [c1, c2] = self.decays.map(|decay| 1.0 / (1.0 - decay));
        let state = self.first.iter_mut().zip(&mut self.second);
        for ((number, g), (first, second)) in numbers.iter_mut().zip(gradient).zip(state) {
            *first = d1 * *first + (1.0 - d1) * g;
            *second = d2 * *second + (1.0 - d2) * g * g;
            *number -= rate * (*first * c1) / ((*second * c2).sqrt() + Self::EPSILON);
        }
    }
}

/// Factor of the rate at a part of the training, from 1 at its begin to 0.02 at its end, with a rise over the first 2%.
pub(crate) fn cosine(part: f32) -> f32 {
    const RISE: f32 = 0.02;
    const LAST: f32 = 0.02;
    let fall = LAST + (1.0 - LAST) * 0.5 * (1.0 + (PI * part.clamp(0.0, 1.0)).cos());
    fall * (part / RISE).clamp(0.05, 1.0)
}
