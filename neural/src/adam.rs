//! Adam (Kingma and Ba 2015, arXiv:1412.6980).

/// Moving averages of a gradient and of its square.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
    /// Decay rates of both averages.
    decay: [f32; 2],
    /// Powers of the two decay rates, by which the averages fall short of the gradient at first.
    missing: [f32; 2],
}

impl Adam {
    /// The optimiser of a number of parameters. `decay` is that of the average of squares, which is shorter where the
    /// gradients are those of all points.
    pub fn new(count: usize, decay: f32) -> Self {
        const OF_GRADIENT: f32 = 0.9;
        Self { first: vec![0.0; count], second: vec![0.0; count], decay: [OF_GRADIENT, decay], missing: [1.0; 2] }
    }

    /// Moves the parameters by a step.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], rate: f32) {
        const SMALLEST: f32 = 1e-12;
        let [a, b] = self.decay;
        self.missing = [self.missing[0] * a, self.missing[1] * b];
        let [first_scale, second_scale] = self.missing.map(|missing| 1.0 / (1.0 - missing));
        let averages = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, gradient), (first, second)) in parameters.iter_mut().zip(gradient).zip(averages) {
            *first = a * *first + (1.0 - a) * gradient;
            *second = b * *second + (1.0 - b) * gradient * gradient;
            *parameter -= rate * *first * first_scale / ((*second * second_scale).sqrt() + SMALLEST);
        }
    }
}
