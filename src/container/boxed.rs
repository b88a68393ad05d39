//! The box of whole blocks around a set of blocks, on which its expansion is.

use ndarray::{Array3, AxisDescription, Slice};

use crate::distribution::blocks::BlockOccupancy;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// The box of whole blocks around a set of blocks, as far as it lies in the mesh.
pub(super) struct Boxed {
    /// First cell of the box in the mesh.
    pub(super) first: [usize; 3],
    pub(super) grid: VelocityGrid,
    /// The blocks, counted in the box.
    pub(super) blocks: BlockOccupancy,
}

impl Boxed {
    /// `None` if there are no blocks.
    pub(super) fn around(mesh: &VelocityGrid, blocks: &BlockOccupancy) -> Result<Option<Self>> {
        let Some((first, last)) = blocks.bounds() else { return Ok(None) };
        let width = blocks.width();
        let first = first.map(|block| block * width);
        let shape = std::array::from_fn(|axis| ((last[axis] + 1) * width).min(mesh.shape()[axis]) - first[axis]);
        let grid = mesh.window(first.map(|cell| cell as isize), shape)?;
        let mut boxed = Self { first, grid, blocks: BlockOccupancy::empty(shape, width)? };
        let inner: Vec<u32> = blocks.ids().map(|id| boxed.inner_id(blocks, id)).collect();
        boxed.blocks = BlockOccupancy::from_ids(shape, width, &inner)?;
        Ok(Some(boxed))
    }

    /// An error of a basis that names the shape of the box, which a user of the mesh does not know.
    pub(super) fn explain(&self, error: Error, mesh: &VelocityGrid) -> Error {
        match error {
            Error::InvalidParameter { name, value, allowed } if self.grid != *mesh => {
                Error::InvalidParameter { name, value, allowed: format!("{allowed}, the box around the blocks") }
            }
            other => other,
        }
    }

    /// The number in the box of block `id` of the mesh. The order of the numbers is the same.
    pub(super) fn inner_id(&self, blocks: &BlockOccupancy, id: u32) -> u32 {
        let [nbx, nby, _] = blocks.block_shape();
        let [inner_x, inner_y, _] = self.blocks.block_shape();
        let id = id as usize;
        let place = [id % nbx, id / nbx % nby, id / nbx / nby];
        let [x, y, z]: [usize; 3] = std::array::from_fn(|axis| place[axis] - self.first[axis] / blocks.width());
        // The box has no more blocks than the mesh, whose blocks a `u32` can number.
        (x + inner_x * (y + inner_y * z)) as u32
    }

    fn along(&self, axis: AxisDescription) -> Slice {
        let first = self.first[axis.axis.index()];
        Slice::from(first..first + self.grid.shape()[axis.axis.index()])
    }

    /// The part of a distribution on the mesh that lies in the box.
    pub(super) fn crop(&self, vdf: &Vdf) -> Result<Vdf> {
        Vdf::new(self.grid, vdf.values().slice_each_axis(|axis| self.along(axis)).to_owned())
    }

    /// A distribution in the box on the mesh, zero around it.
    pub(super) fn padded(&self, mesh: &VelocityGrid, vdf: &Vdf) -> Result<Vdf> {
        let mut values = Array3::zeros(mesh.shape());
        values.slice_each_axis_mut(|axis| self.along(axis)).assign(&vdf.values());
        Vdf::new(*mesh, values)
    }
}
