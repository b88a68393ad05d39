//! Grids, and where in memory their cells are.

use vdf_basis::VelocityGrid;

use crate::pointers::{optional, output, reference};
use crate::status::vdfb_status::{VDFB_INVALID_GRID, VDFB_SIZE_MISMATCH};
use crate::status::{Failure, Outcome, guard, vdfb_status};

/// A uniform grid of velocity cells. Cell `k` of an axis spans `lower + k spacing` to `lower + (k + 1) spacing`. Any unit
/// will do, m/s for example; spacing 1 and lower edge -0.5 count cells.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct vdfb_grid {
    /// Cells along vx, vy, vz.
    pub shape: [u64; 3],
    /// Lower edges of the first cells [m/s].
    pub lower: [f64; 3],
    /// Widths of a cell [m/s].
    pub spacing: [f64; 3],
}

/// Where in an array the cells of a grid are: cell `[i, j, k]` is element `offset + i strides[0] + j strides[1] +
/// k strides[2]`. Strides count elements, not bytes, and may be negative. The other elements are neither read nor written:
/// they may be the cells of distributions that other threads work on. A null pointer to a layout means C order: vz runs
/// fastest.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct vdfb_layout {
    /// Elements from one cell to the next along vx, vy, vz.
    pub strides: [i64; 3],
    /// The element of cell [0, 0, 0].
    pub offset: u64,
}

impl From<&VelocityGrid> for vdfb_grid {
    fn from(grid: &VelocityGrid) -> Self {
        Self { shape: grid.shape().map(|cells| cells as u64), lower: grid.lower(), spacing: grid.spacing() }
    }
}

/// The grid that a caller describes.
///
/// # Safety
/// If it is not null, `grid` points to a grid.
pub(crate) unsafe fn grid_at(grid: *const vdfb_grid) -> Outcome<VelocityGrid> {
    // SAFETY: as the caller has promised.
    let grid = unsafe { reference(grid, "grid") }?;
    let shape = shape_of(grid.shape)?;
    Ok(VelocityGrid::new(shape, grid.lower, grid.spacing)?)
}

fn shape_of(shape: [u64; 3]) -> Outcome<[usize; 3]> {
    let cells = |cells: u64| {
        let refused = || Failure::new(VDFB_INVALID_GRID, format!("a grid of shape {shape:?} is too large"));
        usize::try_from(cells).map_err(|_| refused())
    };
    Ok([cells(shape[0])?, cells(shape[1])?, cells(shape[2])?])
}

/// Elements of an array that belong to the cells of a grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    pub(crate) shape: [usize; 3],
    strides: [isize; 3],
    offset: usize,
    /// True if the cells are the first elements in C order.
    pub(crate) is_plain: bool,
}

impl Places {
    /// The places of a grid's cells in an array of `count` elements.
    ///
    /// # Safety
    /// If it is not null, `layout` points to a layout.
    pub(crate) unsafe fn new(grid: &VelocityGrid, count: usize, layout: *const vdfb_layout) -> Outcome<Self> {
        let shape = grid.shape();
        // SAFETY: as the caller has promised.
        let Some(layout) = (unsafe { optional(layout, "layout") })? else {
            return Self::plain(shape, count);
        };
        let places = Self::with(shape, layout).filter(|places| places.last().is_some_and(|last| last < count));
        let refused = || {
            let problem = format!(
                "strides {:?} and offset {} of a grid of shape {shape:?} lead out of {count} elements",
                layout.strides, layout.offset
            );
            Failure::new(VDFB_SIZE_MISMATCH, problem)
        };
        places.ok_or_else(refused)
    }

    fn plain(shape: [usize; 3], count: usize) -> Outcome<Self> {
        let [nx, ny, nz] = shape;
        if count != nx * ny * nz {
            let problem = format!("{count} values for a grid of shape {shape:?}, which has {} cells", nx * ny * nz);
            return Err(Failure::new(VDFB_SIZE_MISMATCH, problem));
        }
        Ok(Self { shape, strides: [(ny * nz) as isize, nz as isize, 1], offset: 0, is_plain: true })
    }

    fn with(shape: [usize; 3], layout: &vdfb_layout) -> Option<Self> {
        let stride = |axis: usize| isize::try_from(layout.strides[axis]).ok();
        let strides = [stride(0)?, stride(1)?, stride(2)?];
        let offset = usize::try_from(layout.offset).ok()?;
        let [_, ny, nz] = shape;
        let is_plain = offset == 0 && strides == [(ny * nz) as isize, nz as isize, 1];
        Some(Self { shape, strides, offset, is_plain })
    }

    /// The last element that belongs to a cell; `None` if one lies before the first element or beyond what can be counted.
    fn last(&self) -> Option<usize> {
        let (mut low, mut high) = (i128::from(self.offset as u64), i128::from(self.offset as u64));
        for axis in 0..3 {
            let reach = i128::try_from(self.shape[axis] - 1).ok()? * i128::try_from(self.strides[axis]).ok()?;
            low += reach.min(0);
            high += reach.max(0);
        }
        if low < 0 { None } else { usize::try_from(high).ok() }
    }

    /// Calls `each` with the element of each cell, in C order of the cells.
    pub(crate) fn for_each(&self, mut each: impl FnMut(usize)) {
        let ([nx, ny, nz], [sx, sy, sz]) = (self.shape, self.strides);
        for i in 0..nx {
            for j in 0..ny {
                // The sums stay within the array, as `last` has checked.
                let row = self.offset as isize + i as isize * sx + j as isize * sy;
                for k in 0..nz {
                    each((row + k as isize * sz) as usize);
                }
            }
        }
    }
}

/// Sets `layout` to that of an array in C order, in which vz runs fastest; the same as none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_layout_c(grid: *const vdfb_grid, layout: *mut vdfb_layout) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointers.
        let [_, ny, nz] = unsafe { grid_at(grid) }?.shape().map(|cells| cells as i64);
        // SAFETY: the caller's pointer.
        unsafe { output(layout, "layout") }?.put(0, vdfb_layout { strides: [ny * nz, nz, 1], offset: 0 });
        Ok(())
    })
}

/// Sets `layout` to that of an array in Fortran order, in which vx runs fastest.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdfb_layout_fortran(grid: *const vdfb_grid, layout: *mut vdfb_layout) -> vdfb_status {
    guard(|| {
        // SAFETY: the caller's pointers.
        let [nx, ny, _] = unsafe { grid_at(grid) }?.shape().map(|cells| cells as i64);
        // SAFETY: the caller's pointer.
        unsafe { output(layout, "layout") }?.put(0, vdfb_layout { strides: [1, nx, nx * ny], offset: 0 });
        Ok(())
    })
}
