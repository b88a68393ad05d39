//! A set: the population, the grid and the basis that many groups share.

use crate::basis::any_basis::AnyBasis;
use crate::basis::framing;
use crate::basis::spec::Spec;
use crate::coding::{Coder, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// Longest name of a population, in bytes.
const MAX_NAME: usize = 256;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Set {
    pub(super) population: String,
    /// The grid of most of its cells; others may have boxes of their own.
    pub(super) grid: VelocityGrid,
    pub(super) spec: Spec,
    /// The basis that the spec makes.
    pub(super) basis: AnyBasis,
}

impl Set {
    pub(super) fn new(population: &str, grid: VelocityGrid, spec: Spec, registry: &Registry) -> Result<Self> {
        if population.is_empty() || population.len() > MAX_NAME || population.chars().any(char::is_control) {
            let allowed = format!("1 to {MAX_NAME} bytes without control characters");
            return Err(Error::parameter("population", format!("{population:?}"), allowed));
        }
        let basis = registry.build(&spec)?;
        Ok(Self { population: population.to_owned(), grid, spec, basis })
    }

    /// The bytes that [`Set::read`] reads: the name, then the grid and the spec as at the beginning of a stream.
    pub(super) fn write(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![(self.population.len() - 1) as u8];
        bytes.extend(self.population.as_bytes());
        bytes.extend(framing::begin(&self.grid, &self.spec)?.finish());
        Ok(bytes)
    }

    pub(super) fn read(bytes: &[u8], registry: &Registry, most_cells: usize) -> Result<Self> {
        let name = bytes.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length) + 1));
        let Some((name, head)) = name else { return Err(malformed("the name of a population is cut")) };
        let name = str::from_utf8(name).map_err(|_| malformed("a population's name is not UTF-8"))?;
        let (grid, spec) = framing::read(&mut Coder::reading(head), most_cells)?;
        Self::new(name, grid, spec, registry)
    }
}
