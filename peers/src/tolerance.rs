//! The largest tolerance of a codec that keeps an error.

use vdf_basis::{Error, Fidelity, Result, Vdf};

use crate::codecs::Codec;

/// Powers of two tried as tolerances, in units of the peak: from the error of single precision to the peak itself.
const EXPONENTS: std::ops::RangeInclusive<i32> = -28..=0;
/// Halvings of the interval between two of them, on a logarithmic scale: to 1 part in 6000.
const HALVINGS: usize = 12;

/// The largest tolerance with which the relative L2 error stays within `l2`.
pub fn largest(codec: &dyn Codec, vdf: &Vdf, l2: f64) -> Result<f64> {
    let is_within = |tolerance: f64| -> Result<bool> {
        let back = codec.decompress(&codec.compress(vdf, tolerance)?, vdf.grid())?;
        Ok(Fidelity::compare(vdf, &back)?.l2 <= l2)
    };
    for exponent in EXPONENTS.rev() {
        let (mut low, mut high) = (f64::from(exponent).exp2(), f64::from(exponent + 1).exp2());
        if !is_within(low)? {
            continue;
        }
        for _ in 0..HALVINGS {
            let middle = (low * high).sqrt();
            if is_within(middle)? { low = middle } else { high = middle }
        }
        return Ok(low);
    }
    Err(Error::Degenerate { basis: "peers", reason: format!("no tolerance keeps the error within {l2}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codecs::named;
    use vdf_basis::{Sampling, Synthetic, VelocityGrid};

    #[test]
    fn every_codec_keeps_the_error_it_is_allowed_on_a_grid_that_is_no_cube() {
        let cube = Synthetic::default_grid("gyrating-ring", 32).unwrap();
        let grid = VelocityGrid::from_edges([40, 24, 32], cube.lower(), cube.upper()).unwrap();
        let vdf = Synthetic::named("gyrating-ring", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        for name in ["zfp", "sperr", "sz3"] {
            let codec = named(name).unwrap();
            let lengths = [0.05, 0.005].map(|l2| {
                let bytes = codec.compress(&vdf, largest(&*codec, &vdf, l2).unwrap()).unwrap();
                let found = Fidelity::compare(&vdf, &codec.decompress(&bytes, &grid).unwrap()).unwrap().l2;
                assert!(found <= l2 && found > 0.5 * l2, "{name}: {found}, not {l2}");
                bytes.len()
            });
            assert!(lengths[0] < lengths[1] && lengths[1] < grid.cells(), "{name}: {lengths:?}");
        }
    }
}
