//! Coding of occupied boxes of cells: a bit for each box, with its neighbours as contexts.

use crate::coding::{Bit, Coder};
use crate::distribution::blocks::BLOCK_EDGE;
use crate::distribution::grid::VelocityGrid;

/// Occupied boxes of cells. Boxes at the upper ends of the axes may be smaller.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Occupancy {
    /// Cells along each edge of a box: [`BLOCK_EDGE`] or one.
    edge: usize,
    boxes: [usize; 3],
    /// Bits of the boxes, x fastest.
    occupied: Vec<bool>,
}

impl Occupancy {
    /// Blocks of 4×4×4 cells with a cell for which `holds` (of its index in C order) is true.
    pub(super) fn blocks(shape: [usize; 3], holds: impl Fn(usize) -> bool) -> Self {
        Self::new(shape, BLOCK_EDGE, holds)
    }

    /// Cells for which `holds` is true.
    pub(super) fn cells(shape: [usize; 3], holds: impl Fn(usize) -> bool) -> Self {
        Self::new(shape, 1, holds)
    }

    fn new(shape: [usize; 3], edge: usize, holds: impl Fn(usize) -> bool) -> Self {
        let mut occupancy = Self::empty(shape, edge);
        let [nx, ny, nz] = shape;
        for row in 0..nx * ny {
            for low in (0..nz).step_by(edge) {
                let place = occupancy.place([row / ny, row % ny, low]);
                let occupied = &mut occupancy.occupied[place];
                *occupied = *occupied || (low..nz.min(low + edge)).any(|z| holds(row * nz + z));
            }
        }
        occupancy
    }

    fn empty(shape: [usize; 3], edge: usize) -> Self {
        let boxes = shape.map(|cells| cells.div_ceil(edge));
        Self { edge, boxes, occupied: vec![false; boxes.iter().product()] }
    }

    fn place(&self, cell: [usize; 3]) -> usize {
        let [x, y, z] = cell.map(|k| k / self.edge);
        x + self.boxes[0] * (y + self.boxes[1] * z)
    }

    pub(super) fn contains(&self, cell: [usize; 3]) -> bool {
        self.occupied[self.place(cell)]
    }

    /// Number of occupied boxes.
    pub(super) fn count(&self) -> usize {
        self.occupied.iter().filter(|&&occupied| occupied).count()
    }

    /// Number of cells of a grid in occupied boxes.
    pub(super) fn cells_in(&self, shape: [usize; 3]) -> usize {
        let [_, ny, nz] = shape;
        let inside = |cell: usize| self.contains([cell / (ny * nz), cell / nz % ny, cell % nz]);
        (0..shape.iter().product()).filter(|&cell| inside(cell)).count()
    }

    /// Calls `visit` for every cell of `grid`, in C order, whose centre lies in a cell of `own` that is not occupied.
    pub(super) fn for_each_outside(&self, grid: &VelocityGrid, own: &VelocityGrid, mut visit: impl FnMut(usize)) {
        let [x, y, z] = places_in(grid, own);
        let mut cell = 0;
        for x in &x {
            for y in &y {
                for z in &z {
                    if let (Some(x), Some(y), Some(z)) = (x, y, z)
                        && !self.contains([*x, *y, *z])
                    {
                        visit(cell);
                    }
                    cell += 1;
                }
            }
        }
    }

    pub(super) fn code(&mut self, shape: [usize; 3], coder: &mut Coder<'_>) {
        let edge = if coder.rarely(self.edge == 1) { 1 } else { BLOCK_EDGE };
        // Context of a bit, out of 8 · 5: the pattern of the three boxes that share a face and come before it, and the
        // number of occupied ones among the three that share an edge and the second box below. Reader and writer fill
        // `read` in the same order.
        let given = std::mem::replace(self, Self::empty(shape, edge));
        let read = self;
        let [nx, ny, nz] = read.boxes;
        let mut models = [[Bit::even(); 5]; 8];
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let before = |[dx, dy, dz]: [usize; 3], occupied: &[bool]| {
                        x >= dx && y >= dy && z >= dz && occupied[x - dx + nx * (y - dy + ny * (z - dz))]
                    };
                    let count =
                        |steps: &[[usize; 3]]| steps.iter().filter(|step| before(**step, &read.occupied)).count();
                    let faces = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
                    let pattern = (0..3).map(|k| count(&faces[k..=k]) << k).sum::<usize>();
                    let behind = count(&[[1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 2]]);
                    let id = x + nx * (y + ny * z);
                    let bit = given.occupied.get(id) == Some(&true);
                    read.occupied[id] = coder.bit(&mut models[pattern][behind], bit);
                }
            }
        }
    }
}

/// Cell of `own` in which each centre of `grid` lies, along each axis; `None` outside of it.
pub(super) fn places_in(grid: &VelocityGrid, own: &VelocityGrid) -> [Vec<Option<usize>>; 3] {
    std::array::from_fn(|axis| {
        if grid == own {
            return (0..own.shape()[axis]).map(Some).collect();
        }
        let place = |v: &f64| {
            let cell = ((v - own.lower()[axis]) / own.spacing()[axis]).floor();
            (cell >= 0.0 && cell < own.shape()[axis] as f64).then_some(cell as usize)
        };
        grid.centres(axis).iter().map(place).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(occupancy: &Occupancy, shape: [usize; 3]) -> usize {
        let mut writer = Coder::writing();
        occupancy.clone().code(shape, &mut writer);
        let (bytes, mut read) = (writer.finish(), Occupancy::default());
        read.code(shape, &mut Coder::reading(&bytes));
        assert_eq!(read, *occupancy);
        bytes.len()
    }

    #[test]
    fn blocks_come_back_and_round_bodies_are_short() {
        let shape = [50, 47, 41];
        let ball = |cell: usize| {
            let d = [cell / (47 * 41), cell / 41 % 47, cell % 41].map(|k| (k / 4) as f64 - 5.5);
            d[0] * d[0] + d[1] * d[1] + 1.3 * d[2] * d[2] < 17.0
        };
        let rubbish = |cell: usize| {
            let [x, y, z] = [cell / (47 * 41) / 4, cell / 41 % 47 / 4, cell % 41 / 4];
            let id = x + 13 * (y + 12 * z);
            id * id % 7 < 3
        };
        for (chosen, most) in [(&ball as &dyn Fn(usize) -> bool, 71), (&rubbish, 261), (&|_| false, 8), (&|_| true, 40)]
        {
            let bytes = round_trip(&Occupancy::blocks(shape, chosen), shape);
            assert!(bytes <= most, "{bytes} bytes");
        }
    }

    #[test]
    fn a_few_cells_of_many_are_a_few_bytes() {
        let shape = [20; 3];
        let few = Occupancy::cells(shape, |cell| [0, 399, 4321, 7999].contains(&cell));
        assert_eq!(few.count(), 4);
        assert!(few.contains([0, 0, 0]) && few.contains([0, 19, 19]) && !few.contains([0, 0, 1]));
        let bytes = round_trip(&few, shape);
        assert!(bytes <= 20, "{bytes} bytes");
    }

    #[test]
    fn cells_of_another_grid_are_found_by_their_centres() {
        let own = VelocityGrid::unit([3, 1, 1]).unwrap();
        let occupancy = Occupancy::cells(own.shape(), |cell| cell == 1);
        let finer = VelocityGrid::new([8, 1, 1], [-1.0, -0.5, -0.5], [0.5, 1.0, 1.0]).unwrap();
        let mut outside = Vec::new();
        occupancy.for_each_outside(&finer, &own, |cell| outside.push(cell));
        assert_eq!(outside, [1, 2, 5, 6]);
    }
}
