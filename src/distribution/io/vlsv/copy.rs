//! Copies of a file with other distributions in its blocks.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::input::Positioned;
use super::blocks::Blocks;
use super::mesh::VelocityMesh;
use super::population::Storage;
use super::window::Window;
use super::{VlsvFile, name_of};
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// Bytes copied at a time.
const CHUNK: usize = 1 << 20;
/// Largest distance of a grid from the cells of the mesh, in cells.
const MAX_OFFSET: f64 = 1e-6;

/// A copy of a VLSV file in the making: begun by [`VlsvFile::copy_to`], changed by [`VlsvCopy::replace`], and given its
/// name by [`VlsvCopy::finish`]. Until then it has a temporary name in the same folder; without `finish` it is removed.
#[derive(Debug)]
pub struct VlsvCopy<'a> {
    original: &'a VlsvFile,
    file: Positioned,
    temporary: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl VlsvFile {
    /// Begins a copy of this file at `path`, over one that is there: the same bytes, in which distributions can be
    /// replaced.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if `path` is this file itself; [`Error::Io`].
    pub fn copy_to(&self, path: impl AsRef<Path>) -> Result<VlsvCopy<'_>> {
        // A link stays one: what it points to is replaced.
        let path = fs::canonicalize(path.as_ref()).unwrap_or_else(|_| path.as_ref().to_path_buf());
        if self.is_at(&path) {
            return Err(Error::parameter("output", path.display(), "another file than the one that is copied"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let temporary = path.with_file_name(format!(".{}-{now}.part", std::process::id()));
        let failed = |error| Error::io(path.display().to_string(), error);
        let file = File::options().read(true).write(true).create_new(true).open(&temporary).map_err(failed)?;
        let copy =
            VlsvCopy { original: self, file: Positioned::new(file), temporary, path: path.clone(), finished: false };
        copy.fill()?;
        Ok(copy)
    }
}

impl VlsvCopy<'_> {
    /// Copies all bytes of the original.
    fn fill(&self) -> Result<()> {
        let (mut reader, mut offset, mut chunk) = (self.original.source().reader(), 0, vec![0; CHUNK]);
        loop {
            let count = reader.read(&mut chunk).map_err(|error| Error::io(self.original.name(), error))?;
            if count == 0 {
                return Ok(());
            }
            self.file.write_at(&chunk[..count], offset).map_err(|error| self.failed(error))?;
            offset += count as u64;
        }
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io(self.path.display().to_string(), error)
    }

    /// Replaces the densities in the stored blocks of a cell by those of `vdf`, rounded to the file's precision. Which
    /// blocks are stored does not change: density outside of them is not written.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a population or cell that is not there, a grid that does not lie on the cells of
    /// the velocity mesh or does not hold all stored blocks ([`Crop::Stored`](super::Crop::Stored) and
    /// [`Crop::Whole`](super::Crop::Whole) do), or a value beyond the range of single precision;
    /// [`Error::UnsupportedFile`] for distributions that are no blocks; [`Error::Io`], and errors of
    /// [`VlsvFile::read`].
    pub fn replace(&self, cell: u64, population: &str, vdf: &Vdf) -> Result<()> {
        let (source, footer) = (self.original.source(), self.original.footer());
        let population = self.original.population(population)?;
        let index = population.index(source, footer)?;
        let entry = self.original.entry(population, cell)?;
        let mesh = population.mesh(source, footer)?.public;
        let Storage::Blocks { ids, values } = &index.storage else {
            let problem = format!("the distributions of {} are no blocks, and cannot be replaced", population.name);
            return Err(source.unsupported(problem));
        };
        let refined = population.is_refined(footer);
        let blocks = Blocks::read(source, (ids, values), entry, &mesh, refined, &population.name)?;
        let window = window_of(vdf, &mesh)?;
        let bounds = blocks.bounds();
        if window.common(&bounds) != bounds {
            let end: [usize; 3] = std::array::from_fn(|axis| bounds.first[axis] + bounds.shape[axis]);
            let place =
                format!("one that holds the cells {:?} to {end:?} of the mesh, where blocks are stored", bounds.first);
            return Err(Error::parameter("grid", vdf.grid(), place));
        }
        let bytes = blocks.encode(vdf.as_slice(), &window).ok_or_else(|| {
            let allowed = format!("at most 3.4e38, as {} stores single precision", self.original.name());
            Error::parameter("density", vdf.peak(), allowed)
        })?;
        let row = values.row_bytes().unwrap_or_default();
        let offset = row.checked_mul(entry.first).and_then(|begin| begin.checked_add(values.offset));
        let offset = offset.ok_or_else(|| source.malformed("BLOCKVARIABLE reaches beyond the file"))?;
        // The original holds them all: nothing is written past its end.
        source.bytes(offset, bytes.len() as u64, &format!("BLOCKVARIABLE of {}", population.name))?;
        self.file.write_at(&bytes, offset).map_err(|error| self.failed(error))
    }

    /// Gives the copy its name, once all its bytes are on the disk.
    ///
    /// # Errors
    /// [`Error::Io`]; what was at the path before is then still there.
    pub fn finish(mut self) -> Result<()> {
        self.file.sync().map_err(|error| self.failed(error))?;
        fs::rename(&self.temporary, &self.path).map_err(|error| self.failed(error))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for VlsvCopy<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody is left to be told of a failure.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The cells of the mesh on which a distribution lies.
fn window_of(vdf: &Vdf, mesh: &VelocityMesh) -> Result<Window> {
    let (grid, whole) = (vdf.grid(), &mesh.grid);
    let mut first = [0; 3];
    for (axis, first) in first.iter_mut().enumerate() {
        let (spacing, cells) = (whole.spacing()[axis], grid.shape()[axis]);
        let place = (grid.lower()[axis] - whole.lower()[axis]) / spacing;
        let stretch = (grid.spacing()[axis] / spacing - 1.0).abs() * cells as f64;
        let inside = place.round() >= 0.0 && place.round() + cells as f64 <= whole.shape()[axis] as f64;
        if (place - place.round()).abs() > MAX_OFFSET || stretch > MAX_OFFSET || !inside {
            return Err(Error::GridMismatch { left: whole.to_string(), right: grid.to_string() });
        }
        *first = place.round() as usize;
    }
    Ok(Window { first, shape: grid.shape() })
}

/// True if two paths name one file.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    let (Ok(one), Ok(other)) = (fs::canonicalize(a), fs::canonicalize(b)) else { return false };
    one == other || name_of(&one).is_some_and(|one| Some(one) == name_of(&other))
}
