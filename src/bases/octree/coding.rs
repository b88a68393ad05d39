//! Octrees in a stream: the tree, then leaf by leaf its numbers.

use std::f64::consts::LN_10;

use super::coefficients::OctreeCoefficients;
use super::model::Model;
use super::polynomials::MAX_DEGREE;
use crate::coding::{Coder, Integers, Numbers, Reals, Resolution, malformed};
use crate::error::Result;

/// Bits of the ceiling that are kept in steps: those of single precision.
const SINGLE: u64 = !((1 << 29) - 1);
/// Kinds of numbers: those of polynomials by degree, then those of exponentials by degree, then cells. Within a kind
/// sizes are alike, and they fall with the degree.
const KINDS: usize = 2 * (MAX_DEGREE + 1) + 1;

/// Writes the coefficients of a grid of the tree's shape, or reads them.
pub(super) fn code(coefficients: &mut OctreeCoefficients, resolution: Resolution, coder: &mut Coder<'_>) -> Result<()> {
    let OctreeCoefficients { tree, ceiling, numbers, octaves, .. } = coefficients;
    tree.code(coder)?;
    let leaves = tree.leaves();
    let exponentials = leaves.iter().filter(|(_, model)| matches!(model, Model::Log(_))).count();
    if exponentials > 0 {
        if resolution != Resolution::Exact {
            *ceiling = f64::from_bits(ceiling.to_bits() & SINGLE);
        }
        *ceiling = coder.real(&mut Reals::default(), *ceiling)?;
    } else {
        *ceiling = 0.0;
    }
    // Leaves never need more numbers than they have cells.
    coder.sized(numbers, leaves.iter().map(|(extent, model)| model.numbers(extent.map(|i| i.len))).sum())?;
    coder.sized(octaves, exponentials)?;
    let (mut numbers, mut octaves) = (numbers.iter_mut(), octaves.iter_mut());
    let (mut levels, mut last) = (Integers::default(), 0);
    let mut kinds = Numbers::new(KINDS);
    for (extent, model) in leaves {
        let mut step = resolution.step();
        if matches!(model, Model::Log(_))
            && let Some(octave) = octaves.next()
        {
            last = coder.integer(&mut levels, i64::from(*octave) - last)?.saturating_add(last);
            *octave = i16::try_from(last).map_err(|_| malformed(format!("an exponential of 2^{last} ceilings")))?;
            // p counts decades and f = ceiling · 10^p, so that a change δ of p at all cells, which is what an orthonormal
            // polynomial of amplitude δ√cells is, changes f by ln 10 · f · δ: by ln 10 times the leaf's norm in all.
            let norm = *ceiling * 2f64.powi((*octave).into()) * LN_10;
            step = step.map(|step| if norm > 0.0 { (step / norm).min(1.0) } else { 1.0 });
        }
        for (degree, number) in model.degrees(extent.map(|i| i.len)).zip(numbers.by_ref()) {
            let kind = match model {
                Model::Cells => KINDS - 1,
                Model::Log(_) => MAX_DEGREE + 1 + degree,
                Model::Linear(_) | Model::Empty => degree,
            };
            *number = kinds.code(coder, kind, *number, step)?;
        }
    }
    Ok(())
}
