//! A learnt value as bytes: `vdf-vq`, the version, all numbers by the coder of the core, and the hash of all bytes before.
//! Its identity is a hash of the numbers themselves, which another compression of them does not change.

use vdf_basis::{Coder, Error, Integers, Reals, Result};

use super::autoencoder::Autoencoder;
use super::codebook::Codebook;
use super::learning::Model;
use super::prior::{CONTEXTS, Prior};
use super::rounding::{EXPONENTS, MOST, exponent_of_multiples, multiple, tensors};
use super::{Learnt, VqVaeOptions};
use crate::conv::power_of_two;

const MAGIC: [u8; 7] = *b"vdf-vq\x01";
const HASH: usize = size_of::<u64>();
/// Most cells along an axis, and most in a grid.
const MOST_CELLS: usize = 1 << 32;

/// The hash (64-bit FNV-1a) of no bytes.
const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of some bytes, and then others.
fn with(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The hash of some bytes.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    with(EMPTY, bytes)
}

/// The identity: the hash of all numbers as a reader gets them, in little-endian order. They are the shape, the settings, the
/// number of distributions, λ, the weights of both networks and the codebooks in single precision, and the frequencies.
pub(super) fn identity(learnt: &Learnt) -> u64 {
    let Learnt { model, prior, settings, count, lambda, .. } = learnt;
    let VqVaeOptions { dimension, width, codes, stages, iterations, batch, rate, seed } = *settings;
    let sizes = model.autoencoder.shape.into_iter().chain([dimension, width, codes, stages, iterations, batch]);
    let head = sizes.map(|size| size as u64).chain([rate.to_bits(), seed, *count, f64::from(*lambda).to_bits()]);
    let mut identity = head.fold(EMPTY, |hash, number| with(hash, &number.to_le_bytes()));
    for number in tensors(&mut model.clone(), true).into_iter().flatten() {
        identity = with(identity, &number.to_le_bytes());
    }
    let frequencies = prior.used.iter().chain(&prior.digits);
    frequencies.fold(identity, |hash, part| with(hash, &part.to_le_bytes()))
}

fn malformed(problem: impl Into<String>) -> Error {
    Error::MalformedFile { format: "vqvae", problem: problem.into() }
}

/// All bytes but the hash.
pub(super) fn content(learnt: &Learnt, with_encoder: bool) -> Result<Vec<u8>> {
    let mut coder = Coder::writing();
    let Learnt { model, prior, settings, count, lambda, .. } = learnt;
    let mut head = (model.autoencoder.shape, *settings, *count, *lambda);
    code_head(&mut head, &mut coder)?;
    code_body(&mut model.clone(), &mut prior.clone(), with_encoder, &mut coder)?;
    Ok([&MAGIC[..], &coder.finish()].concat())
}

/// The learnt value of some bytes, whose identity is found anew.
pub(super) fn read(bytes: &[u8]) -> Result<Learnt> {
    let Some((content, end)) = bytes.split_last_chunk::<HASH>() else { return Err(malformed("it ends too early")) };
    let Some(coded) = content.strip_prefix(&MAGIC) else {
        return Err(malformed("it does not begin with `vdf-vq` and the version 1"));
    };
    if hash(content) != u64::from_le_bytes(*end) {
        return Err(malformed("its hash does not match its content: it is damaged"));
    }
    let mut coder = Coder::reading(coded);
    let mut head = ([0; 3], VqVaeOptions::default(), 0, 0.0);
    let said = |error: Error| malformed(error.to_string());
    code_head(&mut head, &mut coder).map_err(said)?;
    let (shape, settings, count, lambda) = head;
    settings.check().map_err(said)?;
    let VqVaeOptions { dimension, width, codes, stages, .. } = settings;
    let mut model =
        Model::blank(Autoencoder::new(shape, dimension, width), Codebook::blank(dimension, codes, stages), width);
    let mut prior = Prior::even(&model.codebook);
    code_body(&mut model, &mut prior, true, &mut coder).map_err(said)?;
    Ok(Learnt { model, prior, settings, count, lambda, hash: 0 })
}

fn code_head(
    (shape, settings, distributions, lambda): &mut ([usize; 3], VqVaeOptions, u64, f32),
    coder: &mut Coder<'_>,
) -> Result<()> {
    for cells in shape.iter_mut() {
        *cells = 1 + coder.count(cells.saturating_sub(1), MOST_CELLS - 1)?;
    }
    let cells = shape.iter().try_fold(1_usize, |product, cells| product.checked_mul(*cells));
    if cells.is_none_or(|cells| cells > MOST_CELLS) {
        return Err(Error::MalformedStream(format!("a grid of {shape:?} cells")));
    }
    let VqVaeOptions { dimension, width, codes, stages, iterations, batch, rate, seed } = settings;
    for value in [dimension, width, codes, stages, iterations, batch] {
        *value = coder.count(*value, 1 << 20)?;
    }
    *rate = coder.decimal(*rate)?;
    *seed = coder.bits(*seed, u64::BITS);
    *distributions = coder.bits(*distributions, u64::BITS);
    let read = coder.real(&mut Reals::default(), f64::from(*lambda))? as f32;
    if !(read >= 0.0 && read.is_finite()) {
        return Err(Error::MalformedStream(format!("λ = {read}")));
    }
    *lambda = read;
    Ok(())
}

fn code_body(model: &mut Model, prior: &mut Prior, with_encoder: bool, coder: &mut Coder<'_>) -> Result<()> {
    for tensor in tensors(model, with_encoder) {
        let exponent = coder.integer(&mut Integers::default(), exponent_of_multiples(tensor))?;
        if !(EXPONENTS[0]..=EXPONENTS[1]).contains(&exponent) {
            return Err(Error::MalformedStream(format!("a step of 2^{exponent}")));
        }
        let (step, mut model) = (power_of_two(exponent), Integers::default());
        for number in tensor {
            let read = coder.integer(&mut model, multiple(*number, step))?;
            if read.abs() > MOST {
                return Err(Error::MalformedStream(format!("{read} steps, more than {MOST}")));
            }
            *number = read as f32 * step;
        }
    }
    for part in prior.used.iter_mut().chain(&mut prior.digits) {
        // Never 0 or 1, so that every index can be written.
        *part = (coder.bits(u64::from(*part), 16) as u16).max(1);
    }
    debug_assert_eq!(prior.used.len(), model.codebook.stages() * CONTEXTS);
    Ok(())
}
