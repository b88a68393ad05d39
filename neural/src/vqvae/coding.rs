//! Indices in a stream.

use vdf_basis::{Bit, Coder, Error, Reals, Result};

use super::VqVaeCoefficients;
use super::learning::Model;
use super::prior::{CONTEXTS, Prior, context};

/// Number of bits that the models of an index act as if they had seen with the learnt frequencies: a distribution of
/// another kind than the population's soon has its own.
const SEEN: u8 = 30;

/// Writes the scale and the indices, or reads them.
pub(super) fn code(
    model: &Model,
    prior: &Prior,
    coefficients: &mut VqVaeCoefficients,
    coder: &mut Coder<'_>,
) -> Result<()> {
    let VqVaeCoefficients { scale, indices, .. } = coefficients;
    *scale = coder.real(&mut Reals::default(), *scale)?;
    let (stages, codes) = (model.codebook.stages(), model.codebook.codes);
    let shape = model.autoencoder.latent_shape;
    coder.sized(indices, model.autoencoder.sites() * stages)?;
    if let Some(index) = indices.iter().find(|index| usize::from(**index) > codes) {
        return Err(Error::ForeignCoefficients(format!("the index {index} of {codes} codes")));
    }
    let models = |parts: &[u16]| -> Vec<Bit> { parts.iter().map(|part| Bit::expected(*part, SEEN)).collect() };
    let (mut used, mut digits) = (models(&prior.used), models(&prior.digits));
    for place in 0..indices.len() {
        let (site, stage) = (place / stages, place % stages);
        let context = stage * CONTEXTS + context(indices, stages, shape, site, stage);
        let index = usize::from(indices[place]);
        if !coder.bit(&mut used[context], index > 0) {
            indices[place] = 0;
            continue;
        }
        // Down the tree of digits; a reader follows the digits that it reads.
        let mut node = 1;
        for shift in (0..codes.trailing_zeros()).rev() {
            let digit = index.saturating_sub(1) >> shift & 1 == 1;
            node = 2 * node + usize::from(coder.bit(&mut digits[stage * codes + node], digit));
        }
        indices[place] = (node - codes + 1) as u16;
    }
    Ok(())
}
