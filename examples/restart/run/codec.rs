//! Codecs through which the distributions go at the restart.

use rayon::prelude::*;
use vdf_basis::{AnyBasis, Batch, Registry, Result, Vdf};

/// Distributions as a reader of their streams finds them, and the streams' length.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// One distribution a cell.
    pub distributions: Vec<Vdf>,
    /// Bytes of all streams.
    pub bytes: usize,
}

/// Turns distributions into bytes and back.
pub trait Codec {
    /// Name in tables.
    fn name(&self) -> String;
    /// The distributions of all cells after a way through their streams.
    fn through(&self, distributions: &[Vdf]) -> Result<Decoded>;
}

/// A basis of this crate: one stream a cell.
#[derive(Debug, Clone)]
pub struct Streams {
    spec: String,
    basis: AnyBasis,
}

impl Streams {
    /// Streams of a spec, as `conserve(smallest:l2=0.01)`.
    pub fn new(spec: &str) -> Result<Self> {
        Ok(Self { spec: spec.to_owned(), basis: Registry::standard().parse(spec)? })
    }
}

impl Codec for Streams {
    fn name(&self) -> String {
        self.spec.clone()
    }

    fn through(&self, distributions: &[Vdf]) -> Result<Decoded> {
        let mut streams = Vec::with_capacity(distributions.len());
        Batch::default()
            .encode(&self.basis, distributions.iter().cloned(), |_, bytes| bytes.map(|b| streams.push(b)))?;
        let registry = Registry::standard();
        let decode = |bytes: &Vec<u8>| registry.decode(bytes)?.reconstruct();
        let distributions = streams.par_iter().map(decode).collect::<Result<_>>()?;
        Ok(Decoded { distributions, bytes: streams.iter().map(Vec::len).sum() })
    }
}
