//! Hilbert's curve through a cube of cells: an order in which neighbours in space follow each other.

/// Index along Hilbert's curve of the cell at a point of a cube with 2^`digits` cells along each edge, by the algorithm
/// of Skilling 2004 (AIP Conf. Proc. 707, 381). Coordinates beyond the cube lose their higher digits.
///
/// The cells of every octant, of every octant of an octant, and so on, follow each other without a gap.
pub(crate) fn index_along_curve(mut point: [u32; 3], digits: u32) -> u128 {
    // Undo the excess work of the reflections and exchanges, from the highest digit on.
    for place in (1..digits).rev() {
        let (digit, below) = (1 << place, (1 << place) - 1);
        for axis in 0..3 {
            if point[axis] & digit == 0 {
                let exchange = (point[0] ^ point[axis]) & below;
                point[0] ^= exchange;
                point[axis] ^= exchange;
            } else {
                point[0] ^= below;
            }
        }
    }
    // Gray code.
    point[1] ^= point[0];
    point[2] ^= point[1];
    let flips =
        (1..digits).filter(|place| point[2] >> place & 1 == 1).fold(0, |flips, place| flips ^ ((1 << place) - 1));
    point = point.map(|coordinate| coordinate ^ flips);
    let mut index = 0;
    for place in (0..digits).rev() {
        for coordinate in point {
            index = index << 1 | u128::from(coordinate >> place & 1);
        }
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octants_are_segments_of_the_curve() {
        let side = 8_u32;
        let mut cells: Vec<[u32; 3]> = (0..side.pow(3)).map(|k| [k / side / side, k / side % side, k % side]).collect();
        cells.sort_by_key(|&cell| index_along_curve(cell, 3));
        for (segment, place) in [(64, 2), (8, 1)] {
            for octant in cells.chunks(segment) {
                assert!(octant.iter().all(|cell| cell.map(|x| x >> place) == octant[0].map(|x| x >> place)));
            }
        }
    }

    #[test]
    fn long_axes_have_room_in_the_index() {
        let last = index_along_curve([u32::MAX, 0, 0], 32);
        assert!(last > u128::from(u64::MAX) && index_along_curve([0; 3], 32) == 0);
        assert_eq!(index_along_curve([0; 3], 0), 0);
    }
}
