//! Occupied blocks in a stream: bits that expect what their neighbours are.

use crate::coding::{Bit, Coder, malformed};
use crate::distribution::blocks::BlockOccupancy;
use crate::error::Result;

/// The occupied blocks of a grid of this shape.
pub(super) fn code(given: Option<&BlockOccupancy>, shape: [usize; 3], coder: &mut Coder<'_>) -> Result<BlockOccupancy> {
    let [nx, ny, nz] = shape.map(|cells| cells.div_ceil(crate::distribution::blocks::BLOCK_EDGE));
    let mut occupied = vec![false; nx * ny * nz];
    let mut models = [[Bit::even(); 5]; 8];
    for z in 0..nz {
        for y in 0..ny {
            for x in 0..nx {
                let before = |dx: usize, dy: usize, dz: usize, occupied: &[bool]| {
                    x >= dx && y >= dy && z >= dz && occupied[x - dx + nx * (y - dy + ny * (z - dz))]
                };
                let count =
                    |steps: &[[usize; 3]]| steps.iter().filter(|[dx, dy, dz]| before(*dx, *dy, *dz, &occupied)).count();
                let faces = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
                let pattern = (0..3).map(|k| count(&faces[k..=k]) << k).sum::<usize>();
                // And those behind an edge, and the one behind the block below.
                let behind = count(&[[1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 2]]);
                let id = x + nx * (y + ny * z);
                let bit = given.is_some_and(|given| given.contains(id as u32));
                occupied[id] = coder.bit(&mut models[pattern][behind], bit);
            }
        }
    }
    let ids: Vec<u32> = (0..).zip(&occupied).filter_map(|(id, &occupied)| occupied.then_some(id)).collect();
    BlockOccupancy::from_ids(shape, &ids).map_err(|error| malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_and_round_bodies_are_short() {
        let shape = [50, 47, 41];
        let [nx, ny, nz] = [13, 12, 11];
        let ball = |id: u32| {
            let id = id as usize;
            let d = [id % nx, id / nx % ny, id / nx / ny].map(|k| k as f64 - 5.5);
            d[0] * d[0] + d[1] * d[1] + 1.3 * d[2] * d[2] < 17.0
        };
        let rubbish = |id: u32| id * id % 7 < 3;
        for (chosen, most) in [(&ball as &dyn Fn(u32) -> bool, 70), (&rubbish, 260), (&|_| false, 8), (&|_| true, 40)] {
            let ids: Vec<u32> = (0..(nx * ny * nz) as u32).filter(|&id| chosen(id)).collect();
            let occupancy = BlockOccupancy::from_ids(shape, &ids).unwrap();
            let mut writer = Coder::writing();
            code(Some(&occupancy), shape, &mut writer).unwrap();
            let bytes = writer.finish();
            assert!(bytes.len() <= most, "{} bytes for {} blocks", bytes.len(), ids.len());
            assert_eq!(code(None, shape, &mut Coder::reading(&bytes)).unwrap(), occupancy);
        }
    }
}
