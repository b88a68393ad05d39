//! Encoding, reconstructing, comparing and timing one basis.

use std::error::Error;
use std::ops::Range;
use std::time::Instant;

use vdf_basis::bases::spherical::SphericalSpectrum;
use vdf_basis::{
    AnyBasis, Basis, Coefficients, Fidelity, OctreeCoefficients, Registry, Result, SphericalCoefficients, StorageCost,
    Vdf,
};

use crate::compressor::Compressor;
use crate::progress::Progress;

/// What is measured.
pub enum Subject {
    /// A basis.
    Basis(AnyBasis),
    /// A general compressor beside them.
    Compressor(Compressor),
}

impl Subject {
    /// What a spec names.
    pub fn named(spec: &str, registry: &Registry) -> std::result::Result<Self, Box<dyn Error>> {
        match Compressor::named(spec) {
            Some(compressor) => Ok(Self::Compressor(compressor?)),
            None => Ok(Self::Basis(registry.parse(spec)?)),
        }
    }
}

/// What one basis did to one distribution.
pub struct Measured {
    /// The reconstruction on the original's grid.
    pub reconstruction: Vdf,
    /// The boxes of cells that were described one by one, where the basis has such.
    pub boxes: Vec<[Range<usize>; 3]>,
    /// How many real numbers a decoder needs; none of a compressor's bytes.
    pub coefficients: usize,
    /// What storing them costs.
    pub cost: StorageCost,
    /// How faithful the reconstruction is.
    pub fidelity: Fidelity,
    /// Median time of encoding [ms].
    pub encode_ms: f64,
    /// Median time of reconstructing [ms].
    pub reconstruct_ms: f64,
    /// Of spherical expansions, the power by degree and order.
    pub spectrum: Option<SphericalSpectrum>,
}

/// One line of every table: a spec, and what came of it.
pub struct Row {
    /// The spec as given.
    pub spec: String,
    /// The figures, or why there are none.
    pub outcome: Result<Measured>,
}

/// Runs one basis or compressor; its errors become part of the row.
pub fn measure(
    spec: &str,
    subject: &Subject,
    vdf: &Vdf,
    occupied_blocks: usize,
    repeat: usize,
    progress: &Progress,
) -> Row {
    let outcome = match subject {
        Subject::Basis(basis) => measure_basis(basis, vdf, occupied_blocks, repeat, spec, progress),
        Subject::Compressor(compressor) => measure_compressor(compressor, vdf, occupied_blocks, repeat, spec, progress),
    };
    Row { spec: spec.to_owned(), outcome }
}

fn measure_basis(
    basis: &AnyBasis,
    vdf: &Vdf,
    occupied_blocks: usize,
    repeat: usize,
    spec: &str,
    progress: &Progress,
) -> Result<Measured> {
    let (coefficients, encode_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: encode {}/{repeat}", run + 1));
        basis.encode(vdf)
    })?;
    let (reconstruction, reconstruct_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: reconstruct {}/{repeat}", run + 1));
        basis.reconstruct(&coefficients, vdf.grid())
    })?;
    let bytes = stored_bytes(&basis.to_string(), coefficients.count(), coefficients.topology_len());
    let octree = coefficients.downcast_ref::<OctreeCoefficients>();
    Ok(Measured {
        boxes: octree.map_or_else(Vec::new, |octree| octree.leaves().into_iter().map(|leaf| leaf.cells).collect()),
        coefficients: coefficients.count(),
        cost: StorageCost::new(vdf.grid(), occupied_blocks, bytes),
        fidelity: Fidelity::compare(vdf, &reconstruction)?,
        reconstruction,
        encode_ms,
        reconstruct_ms,
        spectrum: coefficients.downcast_ref::<SphericalCoefficients>().map(SphericalCoefficients::spectrum),
    })
}

fn measure_compressor(
    compressor: &Compressor,
    vdf: &Vdf,
    occupied_blocks: usize,
    repeat: usize,
    spec: &str,
    progress: &Progress,
) -> Result<Measured> {
    progress.doing(format!("{spec}: search for the tolerance"));
    let tolerance = compressor.tolerance(vdf)?;
    let (bytes, encode_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: compress {}/{repeat}", run + 1));
        compressor.compress(vdf, tolerance)
    })?;
    let (reconstruction, reconstruct_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: decompress {}/{repeat}", run + 1));
        compressor.decompress(&bytes, vdf.grid())
    })?;
    Ok(Measured {
        coefficients: 0,
        // The grid is not in the stream.
        cost: StorageCost::new(vdf.grid(), occupied_blocks, bytes.len() + 8 * GRID_NUMBERS),
        fidelity: Fidelity::compare(vdf, &reconstruction)?,
        reconstruction,
        encode_ms,
        reconstruct_ms,
    })
}

/// The result of the last run, and the median time of all [ms].
fn timed<T>(repeat: usize, mut run: impl FnMut(usize) -> Result<T>) -> Result<(T, f64)> {
    let mut times = Vec::with_capacity(repeat);
    let mut measure = |index| {
        let start = Instant::now();
        let result = run(index);
        times.push(start.elapsed().as_secs_f64() * 1e3);
        result
    };
    let mut result = measure(0)?;
    for index in 1..repeat {
        result = measure(index)?;
    }
    Ok((result, median(&mut times)))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    let upper = times.len() / 2;
    if times.len() % 2 == 1 { times[upper] } else { 0.5 * (times[upper - 1] + times[upper]) }
}

/// Shape, lower edges and spacings.
const GRID_NUMBERS: usize = 9;

/// What a decoder needs, uncompressed, at 8 bytes a number: the coefficients, the integers of the topology, the nine
/// numbers of the grid, and a number for every name and every option of the spec.
fn stored_bytes(spec: &str, coefficients: usize, topology_len: usize) -> usize {
    let choices = 1 + spec.matches([':', ',', '+', '(']).count();
    8 * (coefficients + topology_len + GRID_NUMBERS + choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stored_is_counted() {
        assert_eq!(stored_bytes("hermite:order=14,terms=9", 9, 9), 8 * (18 + 9 + 3));
        assert_eq!(stored_bytes("maxwellian + log(maxwellian)", 15, 0), 8 * (15 + 9 + 3));
    }

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
