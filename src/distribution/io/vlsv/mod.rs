//! VLSV, the files of Vlasiator: distributions of many spatial cells on sparse blocks.
//!
//! A file ends with a footer that says where its arrays are. [`VlsvFile::open`] reads the footer alone, so that a file of
//! any size opens at once; the list of cells is read when it is first needed, and each distribution when it is asked
//! for, from any thread:
//!
//! ```no_run
//! use vdf_basis::{Crop, VlsvFile};
//!
//! let file = VlsvFile::open("bulk.0001234.vlsv")?;
//! for population in file.populations() {
//!     println!("{population}: {} cells with distributions", file.cells(population)?.len());
//! }
//! // 25 cells either side of the peak, as the notebooks take it; or all stored blocks: `Crop::Stored`.
//! let read = file.read(1, "proton", Crop::Peak(25))?;
//! println!("{} of {}", read.vdf.grid(), read.mesh.grid);
//! let facts = file.facts(1, "proton")?;
//! println!("at {:?}, threshold {:?}, B {:?}", facts.position, facts.sparsity_threshold, facts.magnetic_field);
//! # Ok::<(), vdf_basis::Error>(())
//! ```
//!
//! [`VlsvFile::copy_to`] writes a copy with other distributions in its blocks, which programs for VLSV files open.
//!
//! # What is read
//! Blocks of single or double precision, of any width, in either byte order, of files since 2014; streams of Vlasiator's
//! own Hermite codec. Those of its other codecs (ZFP, OCTREE, MLP, MLP_MULTI), refined velocity meshes and blocks by
//! coordinates (before 2014) are refused by name. A population without a name is called `avgs`, as Vlasiator called it.
//! `docs/files.md` says more.
//!
//! # Files that lie
//! Nothing that a footer claims is believed: every array is checked against the length of the file before memory is
//! taken for it, and the cells of a box against a limit ([`VlsvFile::with_limit`]), since two blocks far apart span a
//! large one.

mod array;
mod blocks;
mod copy;
mod facts;
mod footer;
mod hermite;
mod mesh;
mod population;
mod source;
mod window;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::super::vdf::Vdf;
use crate::error::{Error, Result};
use blocks::Blocks;
use facts::{Facts, Rows};
use footer::Footer;
use mesh::{Mesh, SpatialMesh};
use population::{Entry, Population, Storage};
use source::Source;
use window::Window;

pub use blocks::StoredBlocks;
pub use copy::VlsvCopy;
pub use facts::{CellFacts, MagneticField};
pub use mesh::VelocityMesh;
pub use window::Crop;

/// Cells of a box that are read unless [`VlsvFile::with_limit`] allows more: 512 MB of values.
const DEFAULT_LIMIT: usize = 1 << 26;

/// A VLSV file that is open for reading. The [module documentation](self) has an example.
#[derive(Debug)]
pub struct VlsvFile {
    source: Source,
    path: Option<PathBuf>,
    footer: Footer,
    populations: Vec<Population>,
    rows: OnceLock<Result<Rows>>,
    spatial: OnceLock<Result<Option<SpatialMesh>>>,
    limit: usize,
}

/// A distribution of a VLSV file.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct VlsvDistribution {
    /// The densities [s³ m⁻⁶], in metres per second; zero outside the stored blocks.
    pub vdf: Vdf,
    /// First cell of the distribution, along each axis of the velocity mesh.
    pub first: [usize; 3],
    /// The velocity mesh.
    pub mesh: VelocityMesh,
    /// The stored blocks; None for a codec, which stores no blocks.
    pub blocks: Option<StoredBlocks>,
    /// The codec of Vlasiator that the densities come from: they are its reconstruction, not the simulation's.
    pub codec: Option<&'static str>,
}

impl VlsvFile {
    /// Opens a file and reads its footer.
    ///
    /// # Errors
    /// [`Error::MalformedFile`] for what is not a VLSV file, or was cut; [`Error::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(Source::open(path.as_ref())?, Some(path.as_ref().to_path_buf()))
    }

    /// A file whose bytes are in memory.
    ///
    /// # Errors
    /// [`Error::MalformedFile`] for what is not a VLSV file, or was cut.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        Self::new(Source::in_memory(bytes.into())?, None)
    }

    fn new(source: Source, path: Option<PathBuf>) -> Result<Self> {
        let footer = Footer::read(&source)?;
        let populations = Population::all(&footer);
        let (rows, spatial) = (OnceLock::new(), OnceLock::new());
        Ok(Self { source, path, footer, populations, rows, spatial, limit: DEFAULT_LIMIT })
    }

    /// The same file, of which boxes of up to `cells` cells are read. The default is 2²⁶.
    #[must_use]
    pub fn with_limit(self, cells: usize) -> Self {
        Self { limit: cells, ..self }
    }

    /// The populations for which the file has a place for distributions, in its order. Files without any have none.
    pub fn populations(&self) -> impl Iterator<Item = &str> {
        self.populations.iter().map(|population| population.name.as_str())
    }

    /// The cells that have a distribution of a population, in the file's order, which need not be sorted.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a population that is not there, with those that are; [`Error::MalformedFile`] for
    /// lists that do not agree; [`Error::UnsupportedFile`] for blocks by coordinates; [`Error::Io`].
    pub fn cells(&self, population: &str) -> Result<&[u64]> {
        Ok(&self.population(population)?.index(&self.source, &self.footer)?.cells)
    }

    /// The velocity mesh of a population.
    ///
    /// # Errors
    /// Those of [`VlsvFile::cells`], and [`Error::UnsupportedFile`] for a mesh that is not uniform.
    pub fn mesh(&self, population: &str) -> Result<VelocityMesh> {
        Ok(self.population(population)?.mesh(&self.source, &self.footer)?.public)
    }

    /// The distribution of a population in a cell, or the part of it that `crop` names.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a population or cell that is not there, with what is, and for a box beyond the
    /// limit; [`Error::MalformedFile`] for blocks outside the mesh, blocks that are there twice, densities that are not
    /// finite, arrays past the end of the file; [`Error::UnsupportedFile`] for what is not read; [`Error::Io`].
    pub fn read(&self, cell: u64, population: &str, crop: Crop) -> Result<VlsvDistribution> {
        if crop == Crop::Peak(0) {
            return Err(Error::parameter("box", 0, "one cell or more on either side of the peak"));
        }
        let population = self.population(population)?;
        let index = population.index(&self.source, &self.footer)?;
        let entry = self.entry(population, cell)?;
        let mesh = population.mesh(&self.source, &self.footer)?;
        match &index.storage {
            Storage::Blocks { ids, values } => {
                let refined = population.is_refined(&self.footer);
                let name = &population.name;
                let blocks = Blocks::read(&self.source, (ids, values), entry, &mesh.public, refined, name)?;
                self.decode_blocks(population, cell, mesh, &blocks, crop)
            }
            Storage::Hermite { bytes } => {
                let what = format!("BLOCKVARIABLE of {}, cell {cell}", population.name);
                let bytes = self.source.rows(bytes, entry.first, entry.count, &what)?;
                self.decode_hermite(population, cell, mesh, &bytes, crop)
            }
            Storage::Other(codec) => {
                let problem =
                    format!("the distributions of {} are stored by {codec}, which is not read", population.name);
                Err(self.source.unsupported(problem + "; blocks and HERMITE are"))
            }
        }
    }

    /// The facts that the file states about a cell besides its distribution: position, field, moments.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a population that is not there, [`Error::MalformedFile`] for variables past the
    /// end of the file, [`Error::Io`].
    pub fn facts(&self, cell: u64, population: &str) -> Result<CellFacts> {
        self.facts_of(cell, self.population(population)?)?.read()
    }

    fn decode_blocks(
        &self,
        population: &Population,
        cell: u64,
        mesh: &Mesh,
        blocks: &Blocks,
        crop: Crop,
    ) -> Result<VlsvDistribution> {
        let bounds = blocks.bounds();
        self.check_cells(bounds)?;
        let stored = blocks.stored(&self.source, &population.name)?;
        let window = match crop {
            Crop::Stored => bounds,
            Crop::Peak(half) => Window::about(blocks.peak(&self.source)?, half, mesh.public.grid.shape()),
            Crop::Whole => Window { first: [0; 3], shape: mesh.public.grid.shape() },
        };
        let mut values = vec![0.0; self.check_cells(window)?];
        let finite = blocks.fill(&self.source, &window, &mut values)?;
        let vdf = self.vdf(population, cell, mesh, window, values, finite)?;
        Ok(VlsvDistribution { vdf, first: window.first, mesh: mesh.public, blocks: Some(stored), codec: None })
    }

    fn decode_hermite(
        &self,
        population: &Population,
        cell: u64,
        mesh: &Mesh,
        bytes: &[u8],
        crop: Crop,
    ) -> Result<VlsvDistribution> {
        let name = &population.name;
        let wrong = |problem| self.source.malformed(format!("the Hermite stream of {name}, cell {cell}: {problem}"));
        let stream = hermite::Stream::parse(bytes, &mesh.public, self.limit).map_err(wrong)?;
        let threshold = self.facts_of(cell, population)?.threshold()?.filter(|t| *t > 0.0 && t.is_finite());
        let threshold = threshold.ok_or_else(|| {
            self.source
                .malformed(format!("the Hermite streams of {name} need a sparsity threshold, and the file has none"))
        })?;
        let (own, densities) = (stream.window, stream.decode(threshold));
        let window = match crop {
            Crop::Stored => own,
            Crop::Whole => Window { first: [0; 3], shape: mesh.public.grid.shape() },
            Crop::Peak(half) => {
                let higher = |best: usize, place: usize| if densities[place] > densities[best] { place } else { best };
                let place = (0..densities.len()).reduce(higher).unwrap_or_default();
                let [_, ny, nz] = own.shape;
                let peak = [place / (ny * nz), place / nz % ny, place % nz];
                Window::about(std::array::from_fn(|axis| own.first[axis] + peak[axis]), half, mesh.public.grid.shape())
            }
        };
        let values = if window == own {
            densities
        } else {
            let mut values = vec![0.0; self.check_cells(window)?];
            own.copy(&densities, &window, &mut values);
            values
        };
        let vdf = self.vdf(population, cell, mesh, window, values, false)?;
        Ok(VlsvDistribution { vdf, first: window.first, mesh: mesh.public, blocks: None, codec: Some("HERMITE") })
    }

    /// The distribution on a window; `finite` says that its values are known to be so.
    fn vdf(
        &self,
        population: &Population,
        cell: u64,
        mesh: &Mesh,
        window: Window,
        values: Vec<f64>,
        finite: bool,
    ) -> Result<Vdf> {
        let grid = mesh.window(window.first, window.shape)?;
        let bound = if finite { 0.0 } else { f64::NAN };
        Vdf::from_bounded_vec(grid, values, bound)
            .map_err(|problem| self.source.malformed(format!("{}, cell {cell}: {problem}", population.name)))
    }

    /// The number of cells of a window, if it is within the limit.
    fn check_cells(&self, window: Window) -> Result<usize> {
        window.cells().filter(|&cells| cells <= self.limit).ok_or_else(|| {
            let allowed = format!("at most {} cells of {}; VlsvFile::with_limit allows more", self.limit, self.name());
            Error::parameter("box", format!("{:?}", window.shape), allowed)
        })
    }

    fn facts_of<'a>(&'a self, cell: u64, population: &'a Population) -> Result<Facts<'a>> {
        let rows = self.rows.get_or_init(|| Rows::read(&self.source, &self.footer));
        let rows = rows.as_ref().map_err(Clone::clone)?;
        let mesh = self.spatial_mesh(population)?;
        Ok(Facts { source: &self.source, footer: &self.footer, population, rows, mesh, cell })
    }

    fn spatial_mesh(&self, population: &Population) -> Result<Option<&SpatialMesh>> {
        let read = || SpatialMesh::read(&self.source, &self.footer, population.spatial_mesh());
        self.spatial.get_or_init(read).as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The population with a name.
    fn population(&self, name: &str) -> Result<&Population> {
        self.populations.iter().find(|population| population.name == name).ok_or_else(|| {
            let file = self.name();
            let names: Vec<&str> = self.populations().collect();
            let allowed = if names.is_empty() {
                format!("{file} has no distributions (no BLOCKVARIABLE in its footer)")
            } else {
                format!("{file} has {}", names.join(", "))
            };
            Error::parameter("population", name, allowed)
        })
    }

    /// The distribution of a cell, or an error that names the nearest cell that has one.
    fn entry(&self, population: &Population, cell: u64) -> Result<Entry> {
        let index = population.index(&self.source, &self.footer)?;
        index.entry(cell).ok_or_else(|| {
            let (file, name) = (self.name(), &population.name);
            let allowed = match self.nearest(population, &index.cells, cell) {
                None => format!("{file} was saved without distributions of {name}"),
                Some(nearest) => {
                    let count = index.cells.len();
                    format!("{count} cells of {file} have a distribution of {name}, the nearest is {nearest}")
                }
            };
            Error::parameter("cell", cell, allowed)
        })
    }

    /// The cell nearest to another: in space where the file says where cells lie, else by number.
    fn nearest(&self, population: &Population, cells: &[u64], cell: u64) -> Option<u64> {
        let mesh = self.spatial_mesh(population).ok().flatten();
        let centre = mesh.and_then(|mesh| mesh.centre(cell));
        let distance = |other: u64| {
            let square = mesh.and_then(|mesh| mesh.centre(other)).zip(centre).map(|(there, here)| {
                there.iter().zip(here).map(|(there, here)| (there - here) * (there - here)).sum::<f64>()
            });
            (square.unwrap_or(f64::INFINITY), other.abs_diff(cell))
        };
        cells.iter().copied().min_by(|&a, &b| {
            let (one, other) = (distance(a), distance(b));
            one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
        })
    }

    /// True if this file was opened from where `path` points to.
    fn is_at(&self, path: &Path) -> bool {
        self.path.as_ref().is_some_and(|own| copy::is_same(own, path))
    }

    /// The path, or a word for bytes in memory.
    fn name(&self) -> &str {
        self.source.name()
    }

    fn source(&self) -> &Source {
        &self.source
    }

    fn footer(&self) -> &Footer {
        &self.footer
    }
}

/// Device and number of a file, which all its names share.
#[cfg(unix)]
fn name_of(path: &Path) -> Option<[u64; 2]> {
    let metadata = std::fs::metadata(path).ok()?;
    Some([std::os::unix::fs::MetadataExt::dev(&metadata), std::os::unix::fs::MetadataExt::ino(&metadata)])
}

#[cfg(not(unix))]
fn name_of(_: &Path) -> Option<[u64; 2]> {
    None
}
