//! Reading archives.

use std::path::PathBuf;

use pyo3::prelude::*;
use vdf_basis::container::MOST_CELLS;
use vdf_basis::{ArchiveFacts, ArchiveRecord};

use crate::errors::{Problem, Result};
use crate::expansion::Expansion;
use crate::grid::Grid;

/// Archive of many cells, open for reading.
#[pyclass(frozen, module = "vdf_basis._native")]
pub struct Archive {
    inner: vdf_basis::Archive,
}

/// Time, position and magnetic field.
pub type FactTuple = (Option<f64>, Option<[f64; 3]>, Option<[f64; 3]>);
/// Cell, population, facts and expansion.
type RecordTuple = (u64, String, FactTuple, Expansion);
/// Population, spec, cells and bytes.
type GroupTuple = (String, String, Vec<u64>, u64);
/// Population, grid of the first cell, spec, number of cells and bytes.
type SetTuple = (String, Grid, String, usize, u64);
/// Version, bytes, parts with their bytes, sets, and number of groups.
type InfoTuple = (u8, u64, Vec<(&'static str, u64)>, Vec<SetTuple>, usize);

#[pymethods]
impl Archive {
    #[staticmethod]
    #[pyo3(signature = (path, max_cells=None))]
    fn open(py: Python<'_>, path: PathBuf, max_cells: Option<usize>) -> Result<Self> {
        let open = || vdf_basis::Archive::open_within(path, max_cells.unwrap_or(MOST_CELLS));
        Ok(Self { inner: py.detach(open).map_err(Problem::File)? })
    }

    #[staticmethod]
    #[pyo3(signature = (data, max_cells=None))]
    fn from_bytes(py: Python<'_>, data: &[u8], max_cells: Option<usize>) -> Result<Self> {
        let open = || vdf_basis::Archive::from_bytes_within(data, max_cells.unwrap_or(MOST_CELLS));
        Ok(Self { inner: py.detach(open).map_err(Problem::File)? })
    }

    fn populations(&self) -> Vec<String> {
        self.inner.populations().map(str::to_owned).collect()
    }

    fn cells(&self, population: &str) -> Result<Vec<u64>> {
        self.inner.cells(population).map_err(Problem::File)
    }

    fn read(&self, py: Python<'_>, cell: u64, population: &str) -> Result<RecordTuple> {
        Ok(record(py.detach(|| self.inner.read(cell, population)).map_err(Problem::File)?))
    }

    fn read_group(&self, py: Python<'_>, group: usize) -> Result<Vec<RecordTuple>> {
        let records = py.detach(|| self.inner.read_group(group)).map_err(Problem::File)?;
        Ok(records.into_iter().map(record).collect())
    }

    fn groups(&self) -> Vec<GroupTuple> {
        let group =
            |group: vdf_basis::ArchiveGroup| (group.population, group.spec.to_string(), group.cells, group.bytes);
        self.inner.groups().map(group).collect()
    }

    /// Version, bytes, parts with their bytes, sets, and number of groups.
    fn info(&self) -> InfoTuple {
        let info = self.inner.info();
        let set = |set: vdf_basis::ArchiveSet| {
            (set.population, Grid { inner: set.grid }, set.spec.to_string(), set.cells, set.bytes)
        };
        (info.version, info.bytes, info.parts, info.sets.into_iter().map(set).collect(), info.groups)
    }

    fn is_recovered(&self) -> bool {
        self.inner.is_recovered()
    }

    fn lost_cells(&self) -> usize {
        self.inner.lost_cells()
    }
}

fn record(record: ArchiveRecord) -> RecordTuple {
    let ArchiveFacts { time, position, magnetic_field } = record.facts;
    let facts = (time, position, magnetic_field);
    (record.cell, record.population, facts, Expansion { inner: record.expansion })
}
