//! The set of products of one-dimensional functions that an expansion holds.

/// The products ψ_a ψ_b ψ_c of the functions below the orders m_x, m_y, m_z that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Truncation {
    /// All m_x m_y m_z of them.
    #[default]
    Cube,
    /// Total degree: a/(m_x−1) + b/(m_y−1) + c/(m_z−1) ≤ 1; a + b + c < m for equal orders. About a sixth of the cube.
    TotalDegree,
    /// Hyperbolic cross: (a+1)(b+1)(c+1) ≤ the largest order.
    HyperbolicCross,
    /// The given number of terms of the cube with the largest coefficients, which differ from distribution to
    /// distribution and are stored with their indices.
    Best(usize),
}

impl Truncation {
    /// True if the term belongs to the set, for the orders asked for. `Best` depends on the data: true for all terms.
    pub(super) fn holds(self, orders: [usize; 3], term: [usize; 3]) -> bool {
        match self {
            Self::Cube | Self::Best(_) => true,
            Self::HyperbolicCross => {
                let largest = orders.into_iter().max().unwrap_or(0);
                term.iter().map(|a| a + 1).product::<usize>() <= largest
            }
            Self::TotalDegree => {
                // In whole numbers, so that no term on the boundary depends on rounding.
                let degrees = orders.map(|m| (m.max(2) - 1) as u64);
                let product: u64 = degrees.iter().product();
                (0..3).map(|i| term[i] as u64 * (product / degrees[i])).sum::<u64>() <= product
            }
        }
    }

    /// The orders that so many cells can resolve, at most those asked for.
    pub(super) fn resolved(self, orders: [usize; 3], cells: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let most = match self {
                // As many functions as cells span all values of the cells.
                Self::Cube | Self::Best(_) => cells[axis],
                // These sets hold high degrees without all the lower products. With few cells a period, a high
                // degree is sampled as an alias of a lower one: three quarters of the cells keep it apart.
                Self::TotalDegree | Self::HyperbolicCross => (3 * cells[axis]).div_ceil(4),
            };
            orders[axis].min(most)
        })
    }

    /// True if the functions of an axis span all values of its cells, so that centre and width no longer matter.
    pub(super) fn fills(self, order: usize, cells: usize) -> bool {
        order >= cells && (cells == 1 || matches!(self, Self::Cube | Self::Best(_)))
    }

    /// Positions of the kept terms in a C-order cube of the shape `within` (the orders that the grid can resolve, at
    /// most `orders`), ascending.
    pub(super) fn positions(self, orders: [usize; 3], within: [usize; 3]) -> Vec<u32> {
        let mut positions = Vec::new();
        let mut position = 0;
        for a in 0..within[0] {
            for b in 0..within[1] {
                for c in 0..within[2] {
                    if self.holds(orders, [a, b, c]) {
                        positions.push(position);
                    }
                    position += 1;
                }
            }
        }
        positions
    }
}

/// Keeps the `terms` positions with the largest size, ascending; of equal ones those that come first.
pub(super) fn keep_largest(positions: &mut Vec<u32>, terms: usize, size: impl Fn(u32) -> f64) {
    // Compared by their leading 28 bits of mantissa only. Terms of a symmetric distribution come in pairs of equal
    // size, and which of them is kept must not depend on rounding, which differs with the unit.
    let leading = |position| f64::from_bits(size(position).to_bits() >> 24 << 24);
    positions.sort_by(|&p, &q| leading(q).total_cmp(&leading(p)).then(p.cmp(&q)));
    positions.truncate(terms);
    positions.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_their_known_sizes() {
        let size = |truncation: Truncation, orders| truncation.positions(orders, orders).len();
        assert_eq!(size(Truncation::Cube, [15; 3]), 3375);
        // Binomial (n+3 over 3) with n = 14.
        assert_eq!(size(Truncation::TotalDegree, [15; 3]), 17 * 16 * 15 / 6);
        assert_eq!(size(Truncation::TotalDegree, [1; 3]), 1);
        // Triples of positive integers whose product is at most 5: 1 + 3 + 3 + (3 + 3) + 3.
        assert_eq!(size(Truncation::HyperbolicCross, [5; 3]), 16);
        assert_eq!(size(Truncation::TotalDegree, [3, 1, 1]), 3);
    }

    #[test]
    fn sets_are_closed_downwards() {
        for truncation in [Truncation::Cube, Truncation::TotalDegree, Truncation::HyperbolicCross] {
            let orders = [7, 4, 9];
            for position in truncation.positions(orders, orders) {
                let term = [position / 36, position / 9 % 4, position % 9].map(|a| a as usize);
                for axis in 0..3 {
                    let mut below = term;
                    below[axis] = below[axis].saturating_sub(1);
                    assert!(truncation.holds(orders, below), "{term:?} without {below:?}");
                }
            }
        }
    }
}
