//! The beginning of a stream: kind, version, grid, blocks and spec, which are read without the coefficients.

use super::{CHECKSUM, MOST_CELLS, VERSION};
use crate::basis::framing::{self, MAGIC, PREFIX};
use crate::basis::spec::Spec;
use crate::coding::{Coder, malformed};
use crate::distribution::blocks::{BlockOccupancy, MAX_BLOCKS, MAX_WIDTH, check_block_count};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// The kinds of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A distribution on a grid.
    Dense,
    /// A distribution in blocks of a velocity mesh.
    Sparse,
    /// The mean and the components of a population.
    Components,
}

impl Kind {
    /// The first bytes of a stream of this kind.
    pub(super) fn magic(self) -> &'static [u8; 3] {
        match self {
            Self::Dense => MAGIC,
            Self::Sparse => super::sparse::MAGIC,
            Self::Components => super::components::MAGIC,
        }
    }

    fn of(magic: &[u8; 3]) -> Option<Self> {
        [Self::Dense, Self::Sparse, Self::Components].into_iter().find(|kind| kind.magic() == magic)
    }

    /// Whole bytes of this kind: the content after the magic and the version, and before the checksum of all of it.
    pub(super) fn sealed(self, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX + content.len() + CHECKSUM);
        bytes.extend(self.magic());
        bytes.push(VERSION);
        bytes.extend(content);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }
}

/// What a stream says of itself before its coefficients: read in microseconds, whatever the basis.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamHead {
    /// The version of the format.
    pub version: u8,
    /// The grid of the distribution; the velocity mesh of one in blocks.
    pub grid: VelocityGrid,
    /// The blocks outside of which the density is zero, if the stream has such a set.
    pub blocks: Option<BlockOccupancy>,
    /// The spec of the basis.
    pub spec: Spec,
}

impl StreamHead {
    /// Reads the head of a stream of either kind: of [`Expansion::to_bytes`](crate::Expansion::to_bytes) or of
    /// [`SparseExpansion::to_bytes`](crate::SparseExpansion::to_bytes).
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for bytes that are cut or damaged, [`Error::UnsupportedVersion`], and
    /// [`Error::LimitExceeded`] for more than [`MOST_CELLS`].
    pub fn read(bytes: &[u8]) -> Result<Self> {
        Self::read_within(bytes, MOST_CELLS)
    }

    /// As [`StreamHead::read`], with another limit on the cells of the grid.
    ///
    /// # Errors
    /// As [`StreamHead::read`].
    pub fn read_within(bytes: &[u8], most_cells: usize) -> Result<Self> {
        let (grid, blocks, spec) = match bytes.first_chunk().and_then(Kind::of) {
            Some(Kind::Sparse) => {
                let mut coder = Coder::reading(checked(bytes, Kind::Sparse)?);
                let (mesh, blocks, spec) = read_sparse(&mut coder, most_cells)?;
                (mesh, Some(blocks), spec)
            }
            _ => {
                let mut coder = Coder::reading(checked(bytes, Kind::Dense)?);
                let (grid, spec) = framing::read(&mut coder, most_cells)?;
                (grid, None, spec)
            }
        };
        Ok(Self { version: VERSION, grid, blocks, spec })
    }
}

/// The bytes between the version and the checksum, if both are right.
pub(super) fn checked(bytes: &[u8], kind: Kind) -> Result<&[u8]> {
    let short = || malformed("it is shorter than any stream");
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(short)?;
    let Some((magic, [version, body @ ..])) = content.split_first_chunk::<{ MAGIC.len() }>() else {
        return Err(short());
    };
    if magic != kind.magic() {
        return Err(match Kind::of(magic) {
            Some(Kind::Sparse) => malformed(
                "it holds a set of blocks, which `SparseExpansion::from_bytes` reads, and in C the functions that decode streams",
            ),
            Some(Kind::Dense) => {
                malformed("it holds one distribution, without a set of blocks: read it with `Registry::decode`")
            }
            Some(Kind::Components) => {
                malformed("it holds the components of a population, which `PopulationPca::from_stream` reads")
            }
            None => {
                let expected = String::from_utf8_lossy(kind.magic());
                malformed(format!("it begins with {magic:02x?}, not with `{expected}`"))
            }
        });
    }
    if *version != VERSION {
        return Err(Error::UnsupportedVersion { found: *version, supported: VERSION });
    }
    let (expected, found) = (u32::from_le_bytes(*checksum), crc32fast::hash(content));
    if expected != found {
        return Err(malformed(format!("its checksum is {found:08x}, not {expected:08x}: it is cut or damaged")));
    }
    Ok(body)
}

/// Refuses a mesh of more blocks than a reader accepts, and blocks that reach so far beyond a thin mesh that their values
/// are many times its cells, or many times those that are accepted at all.
///
/// # Errors
/// [`Error::LimitExceeded`].
pub(super) fn check_blocks(blocks: &BlockOccupancy, most_cells: usize) -> Result<()> {
    check_mesh(blocks.shape(), blocks.width())?;
    /// Values of blocks for each cell: 8² where a mesh is one cell thick along two axes, and blocks are 8 cells wide.
    const MOST_PER_CELL: usize = 64;
    /// Values of blocks for each cell that is accepted, so that a short stream cannot ask for 64 times the memory of the
    /// largest grid: enough for blocks of 4 cells on a mesh of the most cells that is one cell thick.
    const MOST_PER_ACCEPTED_CELL: usize = 4;
    /// As many values are always accepted: 64 for each cell of meshes of up to 2¹⁸ cells.
    const ALWAYS: usize = 1 << 24;
    let cells = blocks.shape().iter().product::<usize>();
    let accepted = most_cells.saturating_mul(MOST_PER_ACCEPTED_CELL).max(ALWAYS);
    let limit = cells.saturating_mul(MOST_PER_CELL).min(accepted).saturating_add(MAX_WIDTH.pow(3));
    let values = blocks.count().saturating_mul(blocks.width().pow(3));
    match values <= limit {
        true => Ok(()),
        false => Err(Error::LimitExceeded { what: format!("{values} values in blocks"), limit }),
    }
}

/// Refuses a mesh of more blocks than a reader accepts.
fn check_mesh(shape: [usize; 3], width: usize) -> Result<()> {
    check_block_count(shape, width)
        .map_err(|count| Error::LimitExceeded { what: format!("a mesh of {count} blocks"), limit: MAX_BLOCKS })
}

/// Codes the mesh, its blocks and the spec.
pub(super) fn code(
    coder: &mut Coder<'_>,
    mesh: &mut VelocityGrid,
    blocks: &mut BlockOccupancy,
    spec: &mut Spec,
    most_cells: usize,
) -> Result<()> {
    framing::code_grid(coder, mesh, most_cells)?;
    let width = coder.count(blocks.width() - 1, MAX_WIDTH - 1)? + 1;
    if coder.is_reading() {
        check_mesh(mesh.shape(), width)?;
        *blocks = BlockOccupancy::empty(mesh.shape(), width)?;
    }
    blocks.code(coder)?;
    framing::code_whole_spec(coder, spec)
}

/// Reads the mesh, its blocks and the spec.
pub(super) fn read_sparse(coder: &mut Coder<'_>, most_cells: usize) -> Result<(VelocityGrid, BlockOccupancy, Spec)> {
    let (mut mesh, mut spec) = (VelocityGrid::unit([1; 3])?, Spec { terms: Vec::new() });
    let mut blocks = BlockOccupancy::empty([1; 3], 1)?;
    code(coder, &mut mesh, &mut blocks, &mut spec, most_cells)?;
    check_blocks(&blocks, most_cells)?;
    // A made-up stream may hold words that the grammar does not allow, or one key twice.
    spec.check().map_err(|error| malformed(error.to_string()))?;
    Ok((mesh, blocks, spec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expansion, Registry, Sampling, Synthetic};

    #[test]
    fn blocks_beyond_a_thin_mesh_are_limited_by_the_cells_that_are_accepted() {
        let all = |shape, width| {
            let mut blocks = BlockOccupancy::empty(shape, width).unwrap();
            let ids: Vec<u32> = (0..blocks.block_shape().iter().product::<usize>() as u32).collect();
            blocks = BlockOccupancy::from_ids(shape, width, &ids).unwrap();
            blocks
        };
        // 64 values a cell.
        let line = |cells| all([1, 1, cells], 8);
        assert!(check_blocks(&line(1 << 18), 1 << 18).is_ok());
        assert!(check_blocks(&line(1 << 20), 1 << 24).is_ok());
        assert!(matches!(check_blocks(&line(1 << 20), 1 << 20), Err(Error::LimitExceeded { .. })));
        // 4 values a cell are accepted of any mesh.
        assert!(check_blocks(&all([1, 1 << 12, 1 << 12], 4), 1 << 24).is_ok());
    }

    #[test]
    fn the_head_is_that_of_the_whole_stream() {
        let grid = Synthetic::default_grid("beams", 12).unwrap();
        let vdf = Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap();
        let registry = Registry::standard();
        let basis = registry.parse("fast:l2=0.05").unwrap();
        let bytes = Expansion::encode(&basis, &vdf).unwrap().to_bytes().unwrap();
        let head = StreamHead::read(&bytes).unwrap();
        let info = registry.info(&bytes).unwrap();
        assert_eq!((head.grid, head.spec, head.version), (info.grid, info.spec, info.version));
        assert_eq!(head.blocks, None);
        assert!(matches!(StreamHead::read_within(&bytes, 12), Err(Error::LimitExceeded { .. })));
        assert!(StreamHead::read(b"VDF").is_err() && StreamHead::read(&[]).is_err());
        let mut other = bytes.clone();
        other[3] = 9;
        assert!(matches!(StreamHead::read(&other), Err(Error::UnsupportedVersion { found: 9, supported: 1 })));
    }
}
