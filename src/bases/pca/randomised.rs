//! Principal components by random projections.

use faer::{Mat, MatRef};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::principal::{Principal, by_gram, in_order, product, set_upright, unsolved};
use crate::error::Result;

/// Directions beyond those asked for, as Halko et al. advise: the error falls with σ_{k+10}/σ_k, not with σ_{k+1}/σ_k.
const OVERSAMPLING: usize = 10;
/// Most iterations. Each multiplies the missing variance by (σ_{k+10}/σ_k)⁴; if 30 do not suffice the ratio is close to 1,
/// and the exact decomposition follows.
const ITERATIONS: usize = 30;

/// As [`by_gram`], by subspace iteration on random directions (Halko, Martinsson and Tropp 2011,
/// SIAM Rev. 53, 217), until an iteration adds less than `tolerance` of the sum of all squares. The directions are always
/// the same ones.
pub(super) fn principal(x: MatRef<'_, f64>, most: usize, tolerance: f64) -> Result<Principal> {
    let (features, samples) = (x.nrows(), x.ncols());
    let shorter = features.min(samples);
    let (most, width) = (most.min(shorter), most.saturating_add(OVERSAMPLING).min(shorter));
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut directions = Mat::from_fn(samples, width, |_, _| if rng.random::<bool>() { 1.0 } else { -1.0 });
    let total = x.squared_norm_l2();
    let mut explained = 0.0;
    for _ in 0..ITERATIONS {
        let range = (x * &directions).qr().compute_thin_Q();
        // X ≈ Q Qᵀ X, whose other factor is small.
        let small = x.transpose() * &range;
        let svd = small.thin_svd().map_err(|_| unsolved())?;
        let values = svd.S().column_vector();
        let now: f64 = values.iter().take(most).map(|value| value * value).sum();
        if now - explained <= tolerance * total {
            let components = product(range.as_ref(), svd.V().subcols(0, most));
            let mut scores = in_order(svd.U().subcols(0, most));
            for (scores, value) in scores.chunks_exact_mut(samples).zip(values.iter()) {
                scores.iter_mut().for_each(|score| *score *= value);
            }
            let mut found = Principal { components, scores };
            set_upright(&mut found, features, samples);
            return Ok(found);
        }
        explained = now;
        directions = svd.U().to_owned();
    }
    Ok(by_gram(x, most)?.0)
}
