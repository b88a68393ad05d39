//! The optimiser Adam (Kingma and Ba 2015, arXiv:1412.6980) with a cosine schedule of the rate.

/// Moving averages of a gradient and of its square.
#[derive(Debug, Clone)]
pub struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
    /// Powers of the two decay rates, by which the averages fall short of the gradient at first.
    missing: [f32; 2],
}

impl Adam {
    const DECAY: [f32; 2] = [0.9, 0.995];

    /// The optimiser of a number of parameters.
    pub fn new(count: usize) -> Self {
        Self { first: vec![0.0; count], second: vec![0.0; count], missing: [1.0; 2] }
    }

    /// Moves the parameters by a step.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f32) {
        const SMALLEST: f32 = 1e-12;
        let [a, b] = Self::DECAY;
        self.missing = [self.missing[0] * a, self.missing[1] * b];
        let [first_scale, second_scale] = self.missing.map(|missing| 1.0 / (1.0 - missing));
        let averages = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, gradient), (first, second)) in parameters.iter_mut().zip(gradient).zip(averages) {
            *first = a * *first + (1.0 - a) * gradient;
            *second = b * *second + (1.0 - b) * gradient * gradient;
            *parameter -= rate * *first * first_scale / ((*second * second_scale).sqrt() + SMALLEST);
        }
    }

    /// The rate at a step of a schedule: it rises over the first part of it, then falls as a cosine to nearly zero.
    pub fn rate(step: usize, steps: usize, largest: f32) -> f32 {
        const RISE: f32 = 0.03;
        const LAST: f32 = 0.003;
        let part = step as f32 / steps.max(1) as f32;
        if part < RISE {
            return largest * (part + 1.0 / steps.max(1) as f32) / RISE;
        }
        let part = (part - RISE) / (1.0 - RISE);
        // (1 + cos πx) / 2 = 1 − sin²(πx/2), without the platform's cosine.
        let sine = crate::inference::lanes::sine(0.25 * part);
        largest * (LAST + (1.0 - LAST) * (1.0 - sine * sine))
    }
}
