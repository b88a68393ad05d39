//! Coding of occupied cells: a bit for each cell, with its neighbours as contexts.

use crate::coding::{Bit, Coder};
use crate::distribution::grid::VelocityGrid;

/// Occupied cells.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Occupancy {
    shape: [usize; 3],
    /// Bits of the cells, x fastest.
    occupied: Vec<bool>,
}

impl Occupancy {
    /// Cells for which `holds` (of the index in C order) is true.
    pub(super) fn new(shape: [usize; 3], holds: impl Fn(usize) -> bool) -> Self {
        let mut occupancy = Self::empty(shape);
        let [nx, ny, nz] = shape;
        for row in 0..nx * ny {
            for z in 0..nz {
                let place = occupancy.place([row / ny, row % ny, z]);
                occupancy.occupied[place] = holds(row * nz + z);
            }
        }
        occupancy
    }

    fn empty(shape: [usize; 3]) -> Self {
        Self { shape, occupied: vec![false; shape.iter().product()] }
    }

    fn place(&self, [x, y, z]: [usize; 3]) -> usize {
        x + self.shape[0] * (y + self.shape[1] * z)
    }

    pub(super) fn contains(&self, cell: [usize; 3]) -> bool {
        self.occupied[self.place(cell)]
    }

    /// Number of occupied cells.
    pub(super) fn count(&self) -> usize {
        self.occupied.iter().filter(|&&occupied| occupied).count()
    }

    pub(super) fn code(&mut self, shape: [usize; 3], coder: &mut Coder<'_>) {
        // Context of a bit, out of 8 · 5: the pattern of the three cells that share a face and come before it, and the
        // number of occupied ones among the three that share an edge and the second cell below. Reader and writer fill
        // `read` in the same order.
        let given = std::mem::replace(self, Self::empty(shape));
        let read = self;
        let [nx, ny, nz] = read.shape;
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
    fn cells_come_back_and_round_bodies_are_short() {
        let shape = [13, 12, 11];
        let ball = |cell: usize| {
            let d = [cell / (12 * 11), cell / 11 % 12, cell % 11].map(|k| k as f64 - 5.5);
            d[0] * d[0] + d[1] * d[1] + 1.3 * d[2] * d[2] < 17.0
        };
        let rubbish = |cell: usize| cell * cell % 7 < 3;
        for (chosen, most) in [(&ball as &dyn Fn(usize) -> bool, 71), (&rubbish, 261), (&|_| false, 8), (&|_| true, 40)]
        {
            let bytes = round_trip(&Occupancy::new(shape, chosen), shape);
            assert!(bytes <= most, "{bytes} bytes");
        }
    }

    #[test]
    fn a_few_cells_of_many_are_a_few_bytes() {
        let shape = [20; 3];
        let few = Occupancy::new(shape, |cell| [0, 399, 4321, 7999].contains(&cell));
        assert_eq!(few.count(), 4);
        assert!(few.contains([0, 0, 0]) && few.contains([0, 19, 19]) && !few.contains([0, 0, 1]));
        let bytes = round_trip(&few, shape);
        assert!(bytes <= 20, "{bytes} bytes");
    }

    #[test]
    fn cells_of_another_grid_are_found_by_their_centres() {
        let own = VelocityGrid::unit([3, 1, 1]).unwrap();
        let finer = VelocityGrid::new([8, 1, 1], [-1.0, -0.5, -0.5], [0.5, 1.0, 1.0]).unwrap();
        let [x, ..] = places_in(&finer, &own);
        assert_eq!(x, [None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), None]);
    }
}
