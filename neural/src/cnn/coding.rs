//! A network in a stream: its size, the scale, the steps, and the multiples of the steps.

use vdf_basis::{Coder, Error, Integers, Reals, Result, VelocityGrid};

use super::decoder::Decoder;
use super::rounding::{EXPONENTS, MOST, Steps};
use super::{CnnCoefficients, Size};

/// Classes of the magnitudes around a latent.
const CLASSES: usize = 8;

/// Writes coefficients, or reads them. `usual` is the size that the basis begins with.
pub(super) fn code(
    coefficients: &mut CnnCoefficients,
    usual: Size,
    grid: &VelocityGrid,
    coder: &mut Coder<'_>,
) -> Result<()> {
    let CnnCoefficients { size, scale, steps, multiples, .. } = coefficients;
    code_size(size, usual, coder)?;
    size.check(grid)?;
    *scale = coder.real(&mut Reals::default(), *scale)?;
    let decoder = size.decoder(grid);
    coder.sized(multiples, decoder.len())?;
    let tensors = decoder.tensors();
    coder.sized(&mut steps.exponents, tensors.len())?;
    let mut model = Integers::default();
    let mut last = 0;
    for exponent in &mut steps.exponents {
        *exponent = last + coder.integer(&mut model, *exponent - last)?;
        last = *exponent;
        if !(EXPONENTS[0]..=EXPONENTS[1]).contains(exponent) {
            return Err(Error::MalformedStream(format!("a quantisation step of 2^({exponent} / 4)")));
        }
    }
    *steps = Steps::new(&decoder, std::mem::take(&mut steps.exponents));
    let mut models = vec![Integers::default(); tensors.len()];
    for (tensor, model) in tensors[..tensors.len() - 1].iter().zip(&mut models) {
        for multiple in &mut multiples[tensor.clone()] {
            *multiple = bounded(coder.integer(model, i64::from(*multiple))?)?;
        }
    }
    code_latents(&decoder, &mut multiples[decoder.len() - decoder.latents()..], coder)
}

fn code_size(size: &mut Size, usual: Size, coder: &mut Coder<'_>) -> Result<()> {
    let differs = coder.rarely(*size != usual);
    if !differs {
        *size = usual;
        return Ok(());
    }
    let Size { levels, latents, width } = size;
    for (value, most) in [(levels, Size::MOST.levels), (latents, Size::MOST.latents), (width, Size::MOST.width)] {
        *value = 1 + coder.count(value.saturating_sub(1), most - 1)?;
    }
    Ok(())
}

fn bounded(multiple: i64) -> Result<i32> {
    match i32::try_from(multiple) {
        Ok(multiple) if multiple.abs() <= MOST => Ok(multiple),
        _ => Err(Error::MalformedStream(format!("{multiple} steps, more than {MOST}"))),
    }
}

/// Codes the latents in C order, each channel by itself, as differences from the mean of the three neighbours that come
/// before along the axes. The model is chosen by the magnitudes of those: next to zeros there are zeros.
fn code_latents(decoder: &Decoder, latents: &mut [i32], coder: &mut Coder<'_>) -> Result<()> {
    let [nx, ny, nz] = decoder.latent_shape;
    for channel in latents.chunks_exact_mut(nx * ny * nz) {
        let mut models = vec![Integers::default(); CLASSES];
        for place in 0..channel.len() {
            let (x, y, z) = (place / (ny * nz), place / nz % ny, place % nz);
            let before = |inside: bool, distance: usize| if inside { channel[place - distance] } else { 0 };
            let neighbours = [before(x > 0, ny * nz), before(y > 0, nz), before(z > 0, 1)].map(i64::from);
            let sum: i64 = neighbours.iter().sum();
            let prediction = (sum + sum.signum()) / 3;
            let size: u64 = neighbours.iter().map(|n| n.unsigned_abs()).sum();
            let class = (u64::BITS - size.leading_zeros()) as usize;
            let model = &mut models[class.min(CLASSES - 1)];
            let difference = coder.integer(model, i64::from(channel[place]) - prediction)?;
            channel[place] = bounded(prediction.saturating_add(difference))?;
        }
    }
    Ok(())
}
