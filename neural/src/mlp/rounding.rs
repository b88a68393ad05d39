//! Rounding of weights together.
//!
//! Near its minimum the loss grows by ΔᵀHΔ = ‖LᵀΔ‖² when the weights change by Δ, with the Gauss-Newton matrix H = L Lᵀ.
//! Lᵀ is upper triangular: entry i of LᵀΔ is Lᵢᵢ (Δᵢ + cᵢ), where cᵢ depends on the weights after i alone. From the last
//! weight to the first, each is rounded to the multiple of its step that is nearest to its value less cᵢ (Babai's nearest
//! plane; for networks Frantar et al. 2022, arXiv:2210.17323). The error of a weight is then that of Lᵢᵢ, which is much
//! smaller than the sensitivity √Hᵢᵢ where weights can make up for each other.

use crate::training::{Curvature, Factor};

/// The Cholesky factor of the curvature.
#[derive(Debug)]
pub(super) struct Joint {
    factor: Factor,
}

impl Joint {
    /// `None` if the curvature is singular even with some damping.
    pub(super) fn new(curvature: &Curvature) -> Option<Self> {
        /// Added to the diagonal, as a part of it: it keeps weights near their values that have no influence, where the loss
        /// is not quadratic.
        const DAMPING: [f64; 3] = [1e-3, 1e-2, 1e-1];
        let factor = DAMPING.into_iter().find_map(|damping| curvature.factor(damping))?;
        Some(Self { factor })
    }

    /// The sensitivity of each weight when those before it make up for its error: the diagonal of L.
    pub(super) fn sensitivities(&self) -> Vec<f64> {
        self.factor.diagonal()
    }

    /// Rounds weights to multiples of their steps.
    pub(super) fn round(&self, weights: &mut [f64], steps: &[f64]) {
        let mut changes = vec![0.0; weights.len()];
        for place in (0..weights.len()).rev() {
            let column = self.factor.column(place);
            let caused: f64 = column[1..].iter().zip(&changes[place + 1..]).map(|(l, change)| l * change).sum();
            let wanted = weights[place] - caused / column[0];
            let rounded = (wanted / steps[place]).round() * steps[place];
            changes[place] = rounded - weights[place];
            weights[place] = rounded;
        }
    }
}
