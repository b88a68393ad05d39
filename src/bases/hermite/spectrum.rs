//! The Hermite power spectrum: the squared norm of a distribution by degree, that is by scale in velocity space.

use crate::numerics::scaling::unit_of_squares;

/// Sums of squared coefficients, as fidelity studies plot them (Servidio et al. 2017).
///
/// With the symmetric weight Σ c² s_1 s_2 s_3 = ∫ f² d³v, so that the spectrum divides the distribution's norm among
/// the degrees; coefficients keep their unit, squared, but for a power of two ([`HermiteSpectrum::unit`]) where their
/// squares would leave the range of `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct HermiteSpectrum {
    /// Σ c² over all terms of total degree a + b + c = n, at index n.
    pub total_degree: Vec<f64>,
    /// Σ c² over all terms of degree n along axis i of the frame, at index n of entry i.
    pub axis: [Vec<f64>; 3],
    /// Divisor of the coefficients before they are squared: 1 if the largest is between 1e-120 and 1e120, else a power
    /// of two near it.
    pub unit: f64,
}

impl HermiteSpectrum {
    pub(super) fn new(orders: [usize; 3], terms: &[([usize; 3], f64)]) -> Self {
        let unit = unit_of_squares(terms.iter().fold(0.0, |largest, (_, c)| f64::max(largest, c.abs())));
        let mut total_degree = vec![0.0; orders.iter().map(|m| m.saturating_sub(1)).sum::<usize>() + 1];
        let mut axis = orders.map(|m| vec![0.0; m]);
        for &(term, c) in terms {
            let c = c / unit;
            total_degree[term.iter().sum::<usize>()] += c * c;
            for i in 0..3 {
                axis[i][term[i]] += c * c;
            }
        }
        Self { total_degree, axis, unit }
    }
}
