//! What one basis or codec makes of a distribution: bytes, errors, times.

use std::time::Instant;

use vdf_basis::{AnyBasis, Expansion, Fidelity, Registry, Result, Vdf};

use crate::codecs::{self, Codec};
use crate::tolerance;

/// Times are the least of this many runs, after one that is not timed.
const RUNS: usize = 3;

/// A basis, or a codec with the relative L2 error that it is allowed.
pub enum Subject {
    Basis(AnyBasis),
    Peer { codec: Box<dyn Codec>, l2: f64 },
}

/// The figures of one row.
pub struct Measured {
    pub bytes: usize,
    pub fidelity: Fidelity,
    pub encode_ms: f64,
    pub decode_ms: f64,
}

impl Subject {
    /// The codec of a spec such as `zfp:l2=0.03`, else the basis.
    pub fn named(spec: &str) -> std::result::Result<Self, String> {
        let (name, options) = spec.split_once(':').unwrap_or((spec, ""));
        let Some(codec) = codecs::named(name) else {
            return Registry::standard().parse(spec).map(Self::Basis).map_err(|problem| problem.to_string());
        };
        match options.strip_prefix("l2=").and_then(|error| error.parse().ok()) {
            Some(l2) if l2 > 0.0 && l2 < 1.0 => Ok(Self::Peer { codec, l2 }),
            _ => Err(format!("{spec}: a relative L2 error between 0 and 1 is needed, as in {name}:l2=0.03")),
        }
    }

    /// Encodes and decodes a distribution.
    pub fn measure(&self, vdf: &Vdf) -> Result<Measured> {
        match self {
            Self::Basis(basis) => measured(
                vdf,
                || Expansion::encode(basis, vdf)?.to_bytes(),
                |bytes| Registry::standard().decode(bytes)?.reconstruct(),
            ),
            Self::Peer { codec, l2 } => {
                let tolerance = tolerance::largest(&**codec, vdf, *l2)?;
                measured(vdf, || codec.compress(vdf, tolerance), |bytes| codec.decompress(bytes, vdf.grid()))
            }
        }
    }
}

fn measured(
    vdf: &Vdf,
    encode: impl Fn() -> Result<Vec<u8>>,
    decode: impl Fn(&[u8]) -> Result<Vdf>,
) -> Result<Measured> {
    let (bytes, encode_ms) = timed(encode)?;
    let (back, decode_ms) = timed(|| decode(&bytes))?;
    Ok(Measured { bytes: bytes.len(), fidelity: Fidelity::compare(vdf, &back)?, encode_ms, decode_ms })
}

/// The result of a run, and the least time of several [ms].
fn timed<T>(run: impl Fn() -> Result<T>) -> Result<(T, f64)> {
    let result = run()?;
    let mut least = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        least = least.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok((result, least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_needs_an_error_and_anything_else_is_a_basis() {
        assert!(matches!(Subject::named("sz3:l2=0.5"), Ok(Subject::Peer { l2: 0.5, .. })));
        assert!(matches!(Subject::named("conserve(fast:l2=0.03)"), Ok(Subject::Basis(_))));
        for spec in ["zfp", "zfp:l2=0", "sperr:l2=1", "sz3:linf=0.1", "gzip"] {
            assert!(Subject::named(spec).is_err(), "{spec}");
        }
    }
}
