//! Boxes of cells of a velocity mesh, and how much of it is read.

/// The part of a velocity mesh that is read.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Crop {
    /// The box around the stored blocks, or the codec's own box.
    #[default]
    Stored,
    /// The cells `peak - n .. peak + n` along each axis about the cell of the highest density, n > 0, as
    /// `extract_vdf(file, cell, n)` of the ASTERIX notebooks takes them; no further than the mesh. Among equal peaks the
    /// first in C order counts.
    Peak(usize),
    /// The whole velocity mesh.
    Whole,
}

/// A box of cells of a velocity mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: [usize; 3],
    pub(super) shape: [usize; 3],
}

impl Window {
    /// Number of cells, if it can be counted.
    pub(super) fn cells(&self) -> Option<usize> {
        self.shape.iter().try_fold(1, |product: usize, &cells| product.checked_mul(cells))
    }

    /// The cells `peak - half .. peak + half` of a mesh with this many cells.
    pub(super) fn about(peak: [usize; 3], half: usize, mesh: [usize; 3]) -> Self {
        let first = peak.map(|cell| cell.saturating_sub(half));
        let shape = std::array::from_fn(|axis| peak[axis].saturating_add(half).min(mesh[axis]) - first[axis]);
        Self { first, shape }
    }

    /// The part of another window of the same mesh that lies in this one.
    pub(super) fn common(&self, other: &Self) -> Self {
        let first: [usize; 3] = std::array::from_fn(|axis| self.first[axis].max(other.first[axis]));
        let shape = std::array::from_fn(|axis| {
            let end = |window: &Self| window.first[axis] + window.shape[axis];
            end(self).min(end(other)).saturating_sub(first[axis])
        });
        Self { first, shape }
    }

    /// Index in C order of a cell of the mesh that lies in this window.
    pub(super) fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        let ([x0, y0, z0], [_, ny, nz]) = (self.first, self.shape);
        ((x - x0) * ny + (y - y0)) * nz + (z - z0)
    }

    /// Copies densities of this window to another one, where they have cells in common.
    pub(super) fn copy(&self, from: &[f64], other: &Self, to: &mut [f64]) {
        let Self { first: [x0, y0, z0], shape: [nx, ny, nz] } = self.common(other);
        if nz == 0 {
            return;
        }
        for x in x0..x0 + nx {
            for y in y0..y0 + ny {
                let (begin, end) = (self.index([x, y, z0]), other.index([x, y, z0]));
                to[end..end + nz].copy_from_slice(&from[begin..begin + nz]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_about_a_peak_stays_in_the_mesh() {
        let about = |peak, half| Window::about(peak, half, [200, 10, 200]);
        assert_eq!(about([100, 5, 199], 25), Window { first: [75, 0, 174], shape: [50, 10, 26] });
        assert_eq!(about([0, 5, 3], 2), Window { first: [0, 3, 1], shape: [2, 4, 4] });
        assert_eq!(about([1, 1, 1], usize::MAX), Window { first: [0; 3], shape: [200, 10, 200] });
    }

    #[test]
    fn common_cells_are_copied() {
        let one = Window { first: [1, 0, 2], shape: [2, 3, 4] };
        let other = Window { first: [2, 1, 0], shape: [3, 1, 4] };
        let from: Vec<f64> = (1..=24).map(f64::from).collect();
        let mut to = [0.0; 12];
        one.copy(&from, &other, &mut to);
        // Cell [2, 1, 2] is the first they share: index (1 · 3 + 1) · 4 of the one and 2 of the other.
        assert_eq!(to, [0.0, 0.0, 17.0, 18.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let apart = Window { first: [9; 3], shape: [1; 3] };
        one.copy(&from, &apart, &mut [0.0]);
        assert_eq!(one.common(&apart).cells(), Some(0));
    }
}
