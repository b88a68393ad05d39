//! Encoding, decoding, comparing and timing one basis.

use std::error::Error;
use std::ops::Range;
use std::time::Instant;

use vdf_basis::bases::spherical::SphericalSpectrum;
use vdf_basis::{
    AnyBasis, Coefficients, Expansion, Fidelity, FieldDirection, FieldFidelity, OctreeCoefficients, Registry, Result,
    SphericalCoefficients, StorageCost, Vdf,
};

use crate::compressor::Compressor;
use crate::progress::Progress;

/// The settings of the measurement.
pub enum Subject {
    /// A basis.
    Basis(AnyBasis),
    /// A general compressor.
    Compressor(Compressor),
}

impl Subject {
    /// The basis or compressor that a spec names.
    pub fn named(spec: &str, registry: &Registry) -> std::result::Result<Self, Box<dyn Error>> {
        match Compressor::named(spec) {
            Some(compressor) => Ok(Self::Compressor(compressor)),
            None => Ok(Self::Basis(registry.parse(spec)?)),
        }
    }
}

/// The measurements of one basis on one distribution.
pub struct Measured {
    /// The distribution that a reader of the stream reconstructs.
    pub reconstruction: Vdf,
    /// The boxes of cells that were described one by one, where the basis has such.
    pub boxes: Vec<[Range<usize>; 3]>,
    /// Real numbers that a decoder needs; none for a compressor.
    pub coefficients: usize,
    /// Bytes of the stream.
    pub cost: StorageCost,
    /// Errors of the reconstruction.
    pub fidelity: Fidelity,
    /// Errors about the magnetic field, if one was given.
    pub about_field: Option<FieldFidelity>,
    /// Median time of encoding, writing the stream included [ms]. As all times, see [`timed`].
    pub encode_ms: f64,
    /// Median time of reading the stream and reconstructing, with nothing else at hand [ms].
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

/// A distribution, and how it is measured.
pub struct Task<'a> {
    /// The distribution.
    pub vdf: &'a Vdf,
    /// Blocks of 4³ cells above the floor.
    pub occupied_blocks: usize,
    /// Number of timed runs.
    pub repeat: usize,
    /// Direction of the magnetic field, if one was given.
    pub field: Option<FieldDirection>,
    /// The line that shows the progress.
    pub progress: &'a Progress,
}

/// Runs one basis or compressor; its errors become part of the row.
pub fn measure(spec: &str, subject: &Subject, task: &Task) -> Row {
    let outcome = match subject {
        Subject::Basis(basis) => measure_basis(basis, spec, task),
        Subject::Compressor(compressor) => measure_compressor(compressor, spec, task),
    };
    Row { spec: spec.to_owned(), outcome }
}

fn measure_basis(basis: &AnyBasis, spec: &str, task: &Task) -> Result<Measured> {
    let &Task { vdf, occupied_blocks, repeat, field, progress } = task;
    let ((expansion, bytes), encode_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: encode {run}/{repeat}"));
        let expansion = Expansion::encode(basis, vdf)?;
        let bytes = expansion.to_bytes()?;
        Ok((expansion, bytes))
    })?;
    let (reconstruction, reconstruct_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: decode {run}/{repeat}"));
        Registry::standard().decode(&bytes)?.reconstruct()
    })?;
    let coefficients = expansion.coefficients();
    let octree = coefficients.downcast_ref::<OctreeCoefficients>();
    Ok(Measured {
        boxes: octree.map_or_else(Vec::new, |octree| octree.leaves().into_iter().map(|leaf| leaf.cells).collect()),
        coefficients: coefficients.count(),
        cost: StorageCost::new(vdf.grid(), occupied_blocks, bytes.len()),
        fidelity: Fidelity::compare(vdf, &reconstruction)?,
        about_field: field.map(|field| FieldFidelity::compare(vdf, &reconstruction, field)).transpose()?,
        reconstruction,
        encode_ms,
        reconstruct_ms,
        spectrum: coefficients.downcast_ref::<SphericalCoefficients>().map(SphericalCoefficients::spectrum),
    })
}

fn measure_compressor(compressor: &Compressor, spec: &str, task: &Task) -> Result<Measured> {
    let &Task { vdf, occupied_blocks, repeat, field, progress } = task;
    let (bytes, encode_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: compress {run}/{repeat}"));
        compressor.compress(vdf)
    })?;
    let (reconstruction, reconstruct_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: decompress {run}/{repeat}"));
        compressor.decompress(&bytes, vdf.grid())
    })?;
    Ok(Measured {
        coefficients: 0,
        // The compressor's own stream, as its users count it: the grid's place and spacing are not in it.
        cost: StorageCost::new(vdf.grid(), occupied_blocks, bytes.len()),
        fidelity: Fidelity::compare(vdf, &reconstruction)?,
        about_field: field.map(|field| FieldFidelity::compare(vdf, &reconstruction, field)).transpose()?,
        reconstruction,
        encode_ms,
        reconstruct_ms,
        boxes: Vec::new(),
        spectrum: None,
    })
}

/// Time after which runs are no longer repeated [ms].
const PATIENCE: f64 = 2e3;

/// The sentence that explains the times of the tables.
pub fn meaning_of_times(repeat: usize) -> String {
    match repeat {
        1 => "Times are those of a single run, which also fills the caches of its grid.".to_owned(),
        _ => format!(
            "Times are medians of {repeat} runs, fewer where they take longer than {:.0} s together, after a first one \
             that fills the caches of its grid and does not count.",
            PATIENCE / 1e3
        ),
    }
}

/// The result of the last run, and the median time [ms] of `repeat` runs, or of as many as end within the patience.
///
/// A first run, number 0, is not counted: it makes tables for the grid that later runs find. With one repeat it is the only
/// one, numbered 1.
fn timed<T>(repeat: usize, mut run: impl FnMut(usize) -> Result<T>) -> Result<(T, f64)> {
    if repeat > 1 {
        run(0)?;
    }
    let mut times = Vec::with_capacity(repeat);
    loop {
        let start = Instant::now();
        let result = run(times.len() + 1)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        if times.len() >= repeat || times.iter().sum::<f64>() >= PATIENCE {
            return Ok((result, median(&mut times)));
        }
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    let upper = times.len() / 2;
    if times.len() % 2 == 1 { times[upper] } else { 0.5 * (times[upper - 1] + times[upper]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_runs_is_not_timed() {
        for (repeat, expected) in [(1, vec![1]), (3, vec![0, 1, 2, 3])] {
            let mut runs = Vec::new();
            let slow_at_first = |run| {
                runs.push(run);
                if run == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(200));
                }
                Ok(run)
            };
            let (last, ms) = timed(repeat, slow_at_first).unwrap();
            assert_eq!((last, &runs), (repeat, &expected));
            assert!(ms < 200.0, "{ms}");
        }
    }

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
