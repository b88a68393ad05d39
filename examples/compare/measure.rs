//! Encoding, decoding, comparing and timing one basis.

use std::time::Instant;

use vdf_basis::{AnyBasis, Coefficients, Expansion, Fidelity, Registry, Result, StorageCost, Vdf};

use crate::progress::Progress;

/// What one basis did to one distribution.
pub struct Measured {
    /// What a reader of the stream reconstructs.
    pub reconstruction: Vdf,
    /// How many real numbers a decoder needs.
    pub coefficients: usize,
    /// What the stream costs.
    pub cost: StorageCost,
    /// How faithful the reconstruction is.
    pub fidelity: Fidelity,
    /// Median time of encoding, writing the stream included [ms].
    pub encode_ms: f64,
    /// Median time of reading the stream and reconstructing, with nothing else at hand [ms].
    pub reconstruct_ms: f64,
}

/// One line of every table: a spec, and what came of it.
pub struct Row {
    /// The spec as given.
    pub spec: String,
    /// The figures, or why there are none.
    pub outcome: Result<Measured>,
}

/// Runs one basis; its errors become part of the row.
pub fn measure(
    spec: &str,
    basis: &AnyBasis,
    vdf: &Vdf,
    occupied_blocks: usize,
    repeat: usize,
    progress: &Progress,
) -> Row {
    let outcome = measure_basis(basis, vdf, occupied_blocks, repeat, spec, progress);
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
    let ((coefficients, bytes), encode_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: encode {}/{repeat}", run + 1));
        let expansion = Expansion::encode(basis, vdf)?;
        Ok((expansion.coefficients().count(), expansion.to_bytes()?))
    })?;
    let (reconstruction, reconstruct_ms) = timed(repeat, |run| {
        progress.doing(format!("{spec}: decode {}/{repeat}", run + 1));
        Registry::standard().decode(&bytes)?.reconstruct()
    })?;
    Ok(Measured {
        coefficients,
        cost: StorageCost::new(vdf.grid(), occupied_blocks, bytes.len()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
