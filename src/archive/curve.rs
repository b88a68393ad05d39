//! An order of cells in space in which neighbours follow each other.

use crate::numerics::hilbert_curve::index_along_curve;

/// Binary digits of a coordinate on the curve.
const DIGITS: u32 = 20;

/// The order in which cells at these positions lie along Hilbert's curve through their box: indices of `positions`.
/// Distributions of neighbours are alike, so that an archive of cells in this order is shorter. Positions that are not
/// finite count as those of the box's corner.
///
/// ```
/// let corners = [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
/// let order = vdf_basis::archive::along_curve(&corners);
/// // Each next corner of the square is one step away.
/// for pair in order.windows(2) {
///     let step: f64 = (0..3).map(|axis| f64::abs(corners[pair[1]][axis] - corners[pair[0]][axis])).sum();
///     assert_eq!(step, 1.0);
/// }
/// ```
#[must_use]
pub fn along_curve(positions: &[[f64; 3]]) -> Vec<usize> {
    let bounds: [(f64, f64); 3] = std::array::from_fn(|axis| {
        let finite = positions.iter().map(|position| position[axis]).filter(|x| x.is_finite());
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    });
    // One scale for all axes, so that the curve's steps are as long along each.
    let extent = bounds.iter().map(|(low, high)| high - low).fold(f64::MIN_POSITIVE, f64::max);
    let largest = f64::from((1_u32 << DIGITS) - 1);
    let mut order: Vec<usize> = (0..positions.len()).collect();
    order.sort_by_cached_key(|&index| {
        let coordinate = |axis: usize| {
            let part = (positions[index][axis] - bounds[axis].0) / extent;
            if part.is_finite() { (part.clamp(0.0, 1.0) * largest) as u32 } else { 0 }
        };
        index_along_curve([coordinate(0), coordinate(1), coordinate(2)], DIGITS)
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_visits_every_cell_of_a_cube_by_steps_to_neighbours() {
        let side = 8;
        let cells: Vec<[f64; 3]> = (0..side * side * side)
            .map(|k| [k % side, k / side % side, k / side / side].map(|index| f64::from(index as u16)))
            .collect();
        let order = along_curve(&cells);
        let mut visited = order.clone();
        visited.sort_unstable();
        assert!(visited.into_iter().eq(0..cells.len()));
        for pair in order.windows(2) {
            let step: f64 = (0..3).map(|axis| (cells[pair[0]][axis] - cells[pair[1]][axis]).abs()).sum();
            assert!(step == 1.0, "{:?} {:?}", cells[pair[0]], cells[pair[1]]);
        }
    }

    #[test]
    fn any_positions_have_an_order() {
        assert!(along_curve(&[]).is_empty());
        let odd = [[f64::NAN, 0.0, 1e300], [f64::INFINITY, -1e300, 0.0], [0.0; 3], [0.0; 3]];
        assert_eq!(along_curve(&odd).len(), 4);
        assert_eq!(along_curve(&[[1.0; 3]; 3]), [0, 1, 2]);
    }
}
