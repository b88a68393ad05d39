//! Streams of a distribution in blocks: the exact set of blocks that a simulation stored, and the expansion of what is in
//! them, on the box around them. Format: `docs/format.md`.
//!
//! ```
//! use vdf_basis::{Registry, Sampling, SparseExpansion, Synthetic};
//!
//! let mesh = Synthetic::default_grid("beams", 48)?;
//! let vdf = Synthetic::named("beams", 0)?.sample(&mesh, Sampling::default())?;
//! let stored = vdf.block_occupancy(1e-5 * vdf.peak(), 4)?;
//!
//! let registry = Registry::standard();
//! let basis = registry.parse("conserve(fast:l2=0.01)")?;
//! let bytes = SparseExpansion::encode(&basis, &vdf, stored.clone())?.to_bytes()?;
//! let read = SparseExpansion::from_bytes(&registry, &bytes)?;
//! assert_eq!(read.blocks(), &stored);
//! // Zero outside the blocks, and the density of what was stored in them.
//! let back = read.reconstruct()?;
//! assert_eq!(back.within_blocks(&stored)?, back);
//! let density = vdf.within_blocks(&stored)?.moments().density;
//! assert!((back.moments().density / density - 1.0).abs() < 1e-11);
//! # Ok::<(), vdf_basis::Error>(())
//! ```

use super::MOST_CELLS;
use super::boxed::Boxed;
use super::cut::cut_keeping_moments;
use super::head::{self, Kind};
use crate::basis::any_basis::AnyBasis;
use crate::basis::bound::{Bound, Figure};
use crate::basis::framing;
use crate::basis::{Expansion, Quantise, Stream};
use crate::coding::{Coder, Resolution, malformed};
use crate::distribution::blocks::BlockOccupancy;
use crate::distribution::fidelity::Fidelity;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// A distribution in blocks of a velocity mesh: the set of the blocks, and an expansion on the box around them.
///
/// What it decodes to is zero outside the blocks. The density, the bulk velocity and the pressure tensor are those that the
/// expansion has in the box: what it has outside the blocks is cut off, and the rest is multiplied by 1 + p(v), p a
/// quadratic polynomial, unless that would make an error larger than asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseExpansion {
    mesh: VelocityGrid,
    blocks: BlockOccupancy,
    basis: AnyBasis,
    /// True if the moments are those before the cut.
    keeps_moments: bool,
    /// `None` without any density.
    expansion: Option<Expansion<AnyBasis>>,
}

/// The first bytes of a stream of a distribution in blocks.
pub const MAGIC: &[u8; 3] = b"VDS";

/// Part by which keeping the moments may enlarge an error `l2` that has no limit.
const ADDED_ERROR: f64 = 0.02;

impl SparseExpansion {
    /// Encodes the part of a distribution that lies in `blocks`.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for blocks of another grid; those of the basis, and [`Error::TargetNotMet`] if its bound does
    /// not hold in the blocks.
    pub fn encode(basis: &AnyBasis, vdf: &Vdf, blocks: BlockOccupancy) -> Result<Self> {
        Self::encode_within(basis, vdf, blocks, MOST_CELLS)
    }

    /// As [`SparseExpansion::encode`], with another limit on the cells of the velocity mesh than 2²⁶. Who reads the stream
    /// needs a limit as large ([`SparseExpansion::from_bytes_within`]).
    ///
    /// # Errors
    /// As [`SparseExpansion::encode`].
    pub fn encode_within(basis: &AnyBasis, vdf: &Vdf, blocks: BlockOccupancy, most_cells: usize) -> Result<Self> {
        let mesh = *vdf.grid();
        if blocks.shape() != mesh.shape() {
            return Err(Error::ShapeMismatch { expected: mesh.shape(), found: blocks.shape().to_vec() });
        }
        let boxed = Boxed::around(&mesh, &blocks)?;
        let values = boxed.as_ref().map(|boxed| boxed.crop(vdf)).transpose()?;
        Self::of(basis, mesh, blocks, boxed.zip(values), most_cells)
    }

    /// Encodes blocks of `width` cells along each edge on a velocity mesh, as [`Vdf::from_blocks`] takes them. Only the box
    /// around the blocks is held in memory.
    ///
    /// # Errors
    /// Those of [`Vdf::from_blocks`] and [`SparseExpansion::encode`].
    pub fn encode_blocks<T: Copy + Into<f64>>(
        basis: &AnyBasis,
        mesh: VelocityGrid,
        width: usize,
        ids: &[u32],
        values: &[T],
    ) -> Result<Self> {
        Self::encode_blocks_within(basis, mesh, width, ids, values, MOST_CELLS)
    }

    /// As [`SparseExpansion::encode_blocks`], with another limit on the cells of the velocity mesh than 2²⁶; the box around
    /// the blocks keeps that of the basis. Who reads the stream needs a limit as large
    /// ([`SparseExpansion::from_bytes_within`]).
    ///
    /// # Errors
    /// As [`SparseExpansion::encode_blocks`].
    pub fn encode_blocks_within<T: Copy + Into<f64>>(
        basis: &AnyBasis,
        mesh: VelocityGrid,
        width: usize,
        ids: &[u32],
        values: &[T],
        most_cells: usize,
    ) -> Result<Self> {
        // Before the set and the box around it are in memory.
        framing::check_cells(&mesh, most_cells)?;
        let blocks = BlockOccupancy::from_ids(mesh.shape(), width, ids)?;
        head::check_blocks(&blocks, most_cells)?;
        let Some(boxed) = Boxed::around(&mesh, &blocks)? else {
            // Refuses values without blocks.
            Vdf::from_blocks(VelocityGrid::unit([1; 3])?, width, &[], values)?;
            return Self::of(basis, mesh, blocks, None, most_cells);
        };
        framing::check_cells(&boxed.grid, MOST_CELLS)?;
        let inner: Vec<u32> = ids.iter().map(|&id| boxed.inner_id(&blocks, id)).collect();
        let vdf = Vdf::from_blocks(boxed.grid, width, &inner, values).map_err(|error| match error {
            Error::NotFinite { index, value } => {
                Error::NotFinite { index: std::array::from_fn(|axis| index[axis] + boxed.first[axis]), value }
            }
            other => other,
        })?;
        Self::of(basis, mesh, blocks, Some((boxed, vdf)), most_cells)
    }

    fn of(
        basis: &AnyBasis,
        mesh: VelocityGrid,
        blocks: BlockOccupancy,
        values: Option<(Boxed, Vdf)>,
        most_cells: usize,
    ) -> Result<Self> {
        framing::check_cells(&mesh, most_cells)?;
        head::check_blocks(&blocks, most_cells)?;
        let mut sparse = Self { mesh, blocks, basis: basis.clone(), keeps_moments: true, expansion: None };
        let original = values.map(|(boxed, values)| Ok::<_, Error>((values.within_blocks(&boxed.blocks)?, boxed)));
        if let Some((original, boxed)) = original.transpose()?
            && original.peak() > 0.0
        {
            let expansion = Expansion::encode(basis, &original).map_err(|error| boxed.explain(error, &mesh))?;
            let dense = expansion.reconstruct()?;
            sparse.keeps_moments = keeps_moments(basis, &original, &dense, &boxed.blocks)?;
            sparse.expansion = Some(expansion);
        }
        Ok(sparse)
    }

    /// The velocity mesh.
    #[must_use]
    pub fn mesh(&self) -> &VelocityGrid {
        &self.mesh
    }

    /// The set of blocks.
    #[must_use]
    pub fn blocks(&self) -> &BlockOccupancy {
        &self.blocks
    }

    /// The basis.
    #[must_use]
    pub fn basis(&self) -> &AnyBasis {
        &self.basis
    }

    /// The expansion on the box around the blocks; `None` if there is no density in them.
    #[must_use]
    pub fn expansion(&self) -> Option<&Expansion<AnyBasis>> {
        self.expansion.as_ref()
    }

    /// The densities in the blocks, width³ a block, in the order of [`BlockOccupancy::ids`] \[s³ m⁻⁶\].
    ///
    /// # Errors
    /// As [`Basis::reconstruct`](crate::Basis::reconstruct).
    pub fn block_values(&self) -> Result<Vec<f64>> {
        match self.in_box()? {
            Some((boxed, vdf)) => vdf.block_values(&boxed.blocks),
            None => Ok(vec![0.0; self.blocks.count() * self.blocks.width().pow(3)]),
        }
    }

    /// The distribution on the velocity mesh, zero outside the blocks.
    ///
    /// # Errors
    /// As [`Basis::reconstruct`](crate::Basis::reconstruct).
    pub fn reconstruct(&self) -> Result<Vdf> {
        match self.in_box()? {
            Some((boxed, vdf)) => boxed.padded(&self.mesh, &vdf),
            None => Ok(Vdf::zeros(self.mesh)),
        }
    }

    /// The moments of what is decoded.
    ///
    /// # Errors
    /// As [`Basis::reconstruct`](crate::Basis::reconstruct).
    pub fn moments(&self) -> Result<Moments> {
        match self.in_box()? {
            Some((_, vdf)) => Ok(vdf.moments()),
            None => Ok(Vdf::zeros(VelocityGrid::from_edges([1; 3], self.mesh.lower(), self.mesh.upper())?).moments()),
        }
    }

    /// The densities on the box around the blocks.
    fn in_box(&self) -> Result<Option<(Boxed, Vdf)>> {
        let (Some(expansion), Some(boxed)) = (&self.expansion, Boxed::around(&self.mesh, &self.blocks)?) else {
            return Ok(None);
        };
        let dense = expansion.reconstruct()?;
        let vdf = match self.keeps_moments {
            true => cut_keeping_moments(&dense, &boxed.blocks)?
                .ok_or_else(|| malformed("the moments of its blocks cannot be kept"))?,
            false => dense.within_blocks(&boxed.blocks)?,
        };
        Ok(Some((boxed, vdf)))
    }

    /// The stream that [`SparseExpansion::from_bytes`] reads.
    ///
    /// # Errors
    /// As [`Expansion::to_bytes`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut coder = Coder::writing();
        let mut spec = self.basis.spec()?;
        spec.check()?;
        // The limit was checked before anything was encoded or read.
        let most_cells = self.mesh.cells();
        head::code(&mut coder, &mut self.mesh.clone(), &mut self.blocks.clone(), &mut spec, most_cells)?;
        if !coder.rarely(self.expansion.is_none())
            && let Some(expansion) = &self.expansion
        {
            coder.rarely(!self.keeps_moments);
            let mut coefficients = expansion.coefficients().clone();
            self.basis.code(&mut coefficients, expansion.grid(), Resolution::Exact, &mut coder)?;
        }
        Ok(Kind::Sparse.sealed(&coder.finish()))
    }

    /// Reads a stream of a distribution in blocks.
    ///
    /// # Errors
    /// As [`Registry::decode`].
    pub fn from_bytes(registry: &Registry, bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_within(registry, bytes, MOST_CELLS)
    }

    /// As [`SparseExpansion::from_bytes`], with another limit on the cells of the velocity mesh.
    ///
    /// # Errors
    /// As [`Registry::decode`].
    pub fn from_bytes_within(registry: &Registry, bytes: &[u8], most_cells: usize) -> Result<Self> {
        let body = head::checked(bytes, Kind::Sparse)?;
        let mut coder = Coder::reading(body);
        let (mesh, blocks, spec) = head::read_sparse(&mut coder, most_cells)?;
        let basis = registry.build(&spec)?;
        let mut sparse = Self { mesh, blocks, basis, keeps_moments: true, expansion: None };
        if coder.rarely(false) {
            return Ok(sparse);
        }
        let boxed = Boxed::around(&sparse.mesh, &sparse.blocks)?
            .ok_or_else(|| malformed("coefficients where there are no blocks"))?;
        sparse.keeps_moments = !coder.rarely(false);
        let mut coefficients = sparse.basis.blank(&boxed.grid);
        sparse.basis.code(&mut coefficients, &boxed.grid, Resolution::Exact, &mut coder)?;
        sparse.expansion = Some(Expansion::from_parts(boxed.grid, sparse.basis.clone(), coefficients));
        Ok(sparse)
    }
}

/// True if the moments are to be kept when the decoded density is cut to the blocks: if that leads to a density whose
/// errors are within the bound of the basis, or hardly larger where it has none. `conserve` always keeps them.
///
/// # Errors
/// [`Error::TargetNotMet`] if the bound is missed with and without it, or if `conserve` cannot keep the moments.
fn keeps_moments(basis: &AnyBasis, original: &Vdf, dense: &Vdf, blocks: &BlockOccupancy) -> Result<bool> {
    let bound = basis.kept_bound().unwrap_or_default();
    let floor = bound.floor_of(original);
    let fidelity = |vdf: &Vdf| Fidelity::without_divergence(original, vdf, floor);
    let conserves = basis.spec()?.to_string().starts_with("conserve(");
    let failed = |target: String, reached: String| Error::TargetNotMet { basis: basis.to_string(), target, reached };
    let limit = |(figure, limit, reached): (Figure, f64, f64)| {
        failed(format!("{}={limit} in the blocks", figure.key()), figure.say(reached))
    };
    if let Some(kept) = cut_keeping_moments(dense, blocks)? {
        let kept = fidelity(&kept)?;
        match bound.first_beyond(|figure| figure.of(&kept)) {
            Some(beyond) if conserves => return Err(limit(beyond)),
            Some(_) => {}
            None if conserves || bound != Bound::default() => return Ok(true),
            None => return Ok(kept.l2 <= (1.0 + ADDED_ERROR) * fidelity(dense)?.l2),
        }
    } else if conserves {
        let target = "the moments of the blocks".to_owned();
        return Err(failed(target, "a density that would change its sign".to_owned()));
    }
    let cut = fidelity(&dense.within_blocks(blocks)?)?;
    bound.first_beyond(|figure| figure.of(&cut)).map_or(Ok(false), |beyond| Err(limit(beyond)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sampling, Synthetic};

    fn cell(cells: usize) -> (Vdf, BlockOccupancy) {
        let mesh = Synthetic::default_grid("beams", cells).unwrap();
        let vdf = Synthetic::named("beams", 0).unwrap().sample(&mesh, Sampling::default()).unwrap();
        let blocks = vdf.block_occupancy(1e-4 * vdf.peak(), 4).unwrap();
        (vdf, blocks)
    }

    #[test]
    fn the_set_of_blocks_the_moments_and_the_bound_are_kept() {
        let (vdf, blocks) = cell(30);
        let registry = Registry::standard();
        let stored = vdf.within_blocks(&blocks).unwrap();
        let ids: Vec<u32> = blocks.ids().collect();
        let values = stored.block_values(&blocks).unwrap();
        for (spec, l2) in [("conserve(fast:l2=0.03)", 0.0306), ("fast:l2=0.02", 0.02), ("lossless", 0.0)] {
            let basis = registry.parse(spec).unwrap();
            let sparse = SparseExpansion::encode(&basis, &vdf, blocks.clone()).unwrap();
            let bytes = sparse.to_bytes().unwrap();
            let of_blocks = SparseExpansion::encode_blocks(&basis, *vdf.grid(), 4, &ids, &values).unwrap();
            assert_eq!(of_blocks.to_bytes().unwrap(), bytes, "{spec}");
            let read = SparseExpansion::from_bytes(&registry, &bytes).unwrap();
            assert_eq!(read, sparse, "{spec}");
            let back = read.reconstruct().unwrap();
            assert_eq!(back.within_blocks(&blocks).unwrap(), back);
            assert_eq!(back.block_values(&blocks).unwrap(), read.block_values().unwrap());
            let fidelity = Fidelity::compare(&stored, &back).unwrap();
            assert!(fidelity.l2 <= l2, "{spec}: {}", fidelity.l2);
            if spec.starts_with("conserve") {
                assert!(read.keeps_moments && fidelity.negative_mass == 0.0);
                assert!(fidelity.density < 1e-12 && fidelity.bulk_velocity < 1e-12 && fidelity.pressure < 1e-12);
            }
            let moments = read.moments().unwrap();
            assert!((moments.density / back.moments().density - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn blocks_without_density_and_no_blocks_come_back() {
        let (vdf, blocks) = cell(12);
        let registry = Registry::standard();
        let basis = registry.parse("maxwellian").unwrap();
        let none = BlockOccupancy::empty(vdf.grid().shape(), 4).unwrap();
        for blocks in [blocks, none] {
            let zeros = Vdf::zeros(*vdf.grid());
            let bytes = SparseExpansion::encode(&basis, &zeros, blocks.clone()).unwrap().to_bytes().unwrap();
            let read = SparseExpansion::from_bytes(&registry, &bytes).unwrap();
            assert_eq!((read.blocks(), read.reconstruct().unwrap()), (&blocks, zeros));
            assert_eq!(read.block_values().unwrap().len(), 64 * blocks.count());
            assert_eq!(read.moments().unwrap().density, 0.0);
        }
    }

    #[test]
    fn what_is_wrong_with_blocks_is_said_in_cells_of_the_mesh() {
        let mesh = VelocityGrid::unit([40; 3]).unwrap();
        let basis = Registry::standard().parse("fast").unwrap();
        let mut values = vec![1.0; 128];
        values[64 + 1 + 4 * 2 + 16 * 3] = f64::NAN;
        let refused =
            |ids: &[u32], values: &[f64]| SparseExpansion::encode_blocks(&basis, mesh, 4, ids, values).unwrap_err();
        // Block [3, 4, 5] of ten along each axis.
        let error = refused(&[999, 543], &values);
        assert!(matches!(error, Error::NotFinite { index: [13, 18, 23], .. }), "{error}");
        values[64 + 1 + 4 * 2 + 16 * 3] = 1.0;
        assert!(refused(&[1000, 2], &values).to_string().contains("1000"));
        assert!(refused(&[2, 2], &values).to_string().contains("only once"));
        assert!(refused(&[2], &values).to_string().contains("64 for each of 1 blocks"));
        assert!(refused(&[], &values).to_string().contains("of 0 blocks"));
    }

    #[test]
    fn a_mesh_of_many_cells_takes_memory_for_its_blocks_only() {
        // 2³⁰ cells, of which two blocks are stored.
        let mesh = VelocityGrid::unit([1 << 10; 3]).unwrap();
        let registry = Registry::standard();
        let basis = registry.parse("lossless").unwrap();
        let (ids, values) = ([77, 78], (0..128).map(f64::from).collect::<Vec<_>>());
        let refused = SparseExpansion::encode_blocks(&basis, mesh, 4, &ids, &values).unwrap_err();
        assert!(refused.to_string().contains("at most 67108864"), "{refused}");
        let sparse = SparseExpansion::encode_blocks_within(&basis, mesh, 4, &ids, &values, 1 << 30).unwrap();
        let bytes = sparse.to_bytes().unwrap();
        assert!(matches!(SparseExpansion::from_bytes(&registry, &bytes), Err(Error::LimitExceeded { .. })));
        let read = SparseExpansion::from_bytes_within(&registry, &bytes, 1 << 30).unwrap();
        assert_eq!(read.block_values().unwrap(), values);
    }

    #[test]
    fn a_choice_that_does_not_fit_the_box_is_refused_with_the_box() {
        let mesh = VelocityGrid::unit([40; 3]).unwrap();
        let basis = Registry::standard().parse("wavelet:level=5").unwrap();
        let refused = SparseExpansion::encode_blocks(&basis, mesh, 4, &[555], &[1.0; 64]).unwrap_err().to_string();
        assert!(refused.contains("0 to 2 on a grid of 4 x 4 x 4 cells, the box around the blocks"), "{refused}");
    }

    #[test]
    fn damaged_streams_are_refused() {
        let (vdf, blocks) = cell(16);
        let registry = Registry::standard();
        let basis = registry.parse("fast:l2=0.05").unwrap();
        let bytes = SparseExpansion::encode(&basis, &vdf, blocks).unwrap().to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(SparseExpansion::from_bytes(&registry, &bytes[..end]).is_err());
        }
        for bit in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SparseExpansion::from_bytes(&registry, &bytes).is_err());
        }
        let error = registry.decode(&bytes).unwrap_err().to_string();
        assert!(error.contains("SparseExpansion"), "{error}");
        let limit = SparseExpansion::from_bytes_within(&registry, &bytes, 100).unwrap_err();
        assert!(matches!(limit, Error::LimitExceeded { .. }));
    }
}
