//! Running means of the cells that are coded already, near and far, as contexts of the next cell.
//!
//! Cells are coded row by row and plane by plane. At each of several scales the mean around a cell has three parts: of its
//! row, the cells before; of its plane, the rows before; and the planes before. Older ones count exponentially less, and
//! rows and planes are smoothed along themselves by a sliding sum. One step costs the same at every scale.

/// The number of scales.
pub(super) const SCALES: usize = 3;
/// Cells on each side that the sliding sums take in, and the weight in 1/256 that older cells keep at each step. A row
/// then reaches back about one, three and five cells; particles of a sparse histogram are as far apart.
const REACH: [(usize, u32); SCALES] = [(1, 64), (2, 160), (5, 208)];
/// Weight of 1, in fixed point.
const UNIT: u32 = 256;
/// Larger symbols count as this one: sums of them times weights stay below 2³².
const MAX_SYMBOL: u64 = 1000;

/// The running means.
pub(super) struct Densities {
    rows: usize,
    cells: usize,
    /// The row that is being coded, and whether it or its plane holds anything.
    row: usize,
    is_row_empty: bool,
    is_plane_empty: bool,
    scales: [Scale; SCALES],
    scratch: Vec<u32>,
}

struct Scale {
    radius: usize,
    keep: u32,
    /// Mean of the cells before in this row.
    line: u32,
    /// Means at each cell of the row, over the rows before in this plane.
    rows: Vec<u32>,
    /// Means at each cell of the plane, over the planes before.
    planes: Vec<u32>,
    /// The cells of this row, and of this plane, smoothed along the rows.
    row: Vec<u32>,
    plane: Vec<u32>,
}

impl Scale {
    /// The mean of a value that is new and those before.
    #[inline(always)]
    fn mean(&self, before: u32, new: u32) -> u32 {
        (before * self.keep + new * (UNIT - self.keep)) / UNIT
    }
}

impl Densities {
    pub(super) fn new([_, ny, nz]: [usize; 3]) -> Self {
        let scale = |(radius, keep)| {
            let [rows, row] = [vec![0; nz], vec![0; nz]];
            let [planes, plane] = [vec![0; ny * nz], vec![0; ny * nz]];
            Scale { radius, keep, line: 0, rows, planes, row, plane }
        };
        Self {
            rows: ny,
            cells: nz,
            row: 0,
            is_row_empty: true,
            is_plane_empty: true,
            scales: REACH.map(scale),
            scratch: vec![0; nz],
        }
    }

    /// Mean symbol around a cell of the current row at each scale, in units of 1/12.
    #[inline(always)]
    pub(super) fn at(&self, cell: usize) -> [u32; SCALES] {
        std::array::from_fn(|k| {
            let scale = &self.scales[k];
            // Three means in units of 1/256, over 64.
            (scale.planes[self.row * self.cells + cell] + scale.rows[cell] + scale.line + 32) / 64
        })
    }

    /// The largest mean along the current row at the nearest scale, before anything of it is coded.
    pub(super) fn of_row(&self) -> u32 {
        let scale = &self.scales[0];
        let planes = &scale.planes[self.row * self.cells..][..self.cells];
        let largest = planes.iter().zip(&scale.rows).fold(0, |largest: u32, (a, b)| largest.max(a + b));
        (largest + 32) / 64
    }

    /// Adds the next cell of the row.
    #[inline(always)]
    pub(super) fn learn(&mut self, cell: usize, symbol: u64) {
        let new = symbol.min(MAX_SYMBOL) as u32 * UNIT;
        self.is_row_empty &= new == 0;
        for scale in &mut self.scales {
            scale.row[cell] = new;
            scale.line = scale.mean(scale.line, new);
        }
    }

    /// Ends a row, all of whose cells have been added, or none if it is empty.
    pub(super) fn end_row(&mut self) {
        let begin = self.row * self.cells;
        for scale in &mut self.scales {
            let plane = &mut scale.plane[begin..begin + self.cells];
            if self.is_row_empty {
                plane.fill(0);
            } else {
                smooth(&scale.row, scale.radius, plane);
            }
            for (mean, new) in scale.rows.iter_mut().zip(&*plane) {
                *mean = (*mean * scale.keep + new * (UNIT - scale.keep)) / UNIT;
            }
            scale.line = 0;
        }
        self.is_plane_empty &= self.is_row_empty;
        self.is_row_empty = true;
        self.row += 1;
    }

    /// Ends a plane.
    pub(super) fn end_plane(&mut self) {
        for scale in &mut self.scales {
            scale.rows.fill(0);
            if self.is_plane_empty {
                scale.planes.iter_mut().for_each(|mean| *mean = *mean * scale.keep / UNIT);
                continue;
            }
            // A sliding sum over rows.
            let (radius, row) = (scale.radius, self.cells);
            let width = 2 * radius as u32 + 1;
            self.scratch.fill(0);
            for y in 0..self.rows + radius {
                if y < self.rows {
                    add(&mut self.scratch, &scale.plane[y * row..][..row]);
                }
                // The sum now is that around the row `radius` before.
                let Some(centre) = y.checked_sub(radius) else { continue };
                for (mean, sum) in scale.planes[centre * row..][..row].iter_mut().zip(&self.scratch) {
                    *mean = (*mean * scale.keep + sum / width * (UNIT - scale.keep)) / UNIT;
                }
                if let Some(oldest) = centre.checked_sub(radius) {
                    subtract(&mut self.scratch, &scale.plane[oldest * row..][..row]);
                }
            }
        }
        self.is_plane_empty = true;
        self.row = 0;
    }
}

/// Means over `radius` cells on each side; cells beyond the ends are zero.
fn smooth(from: &[u32], radius: usize, to: &mut [u32]) {
    let width = 2 * radius as u32 + 1;
    let mut sum: u32 = from.iter().take(radius).sum();
    for (k, mean) in to.iter_mut().enumerate() {
        sum += from.get(k + radius).copied().unwrap_or(0);
        *mean = sum / width;
        sum -= k.checked_sub(radius).map_or(0, |oldest| from[oldest]);
    }
}

fn add(sums: &mut [u32], row: &[u32]) {
    sums.iter_mut().zip(row).for_each(|(sum, new)| *sum += new);
}

fn subtract(sums: &mut [u32], row: &[u32]) {
    sums.iter_mut().zip(row).for_each(|(sum, old)| *sum -= old);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_has_its_own_mean_inside() {
        let shape = [40, 40, 40];
        let mut densities = Densities::new(shape);
        for plane in 0..40 {
            for row in 0..40 {
                for cell in 0..40 {
                    if (plane, row, cell) == (30, 30, 30) {
                        // 12 for each of a mean of 7, less what is rounded down.
                        assert!(
                            densities.at(cell).iter().all(|mean| (78..=84).contains(mean)),
                            "{:?}",
                            densities.at(cell)
                        );
                    }
                    densities.learn(cell, 7);
                }
                densities.end_row();
            }
            densities.end_plane();
        }
    }

    #[test]
    fn rows_without_cells_are_rows_of_zeros() {
        let shape = [3, 7, 5];
        let [mut told, mut skipped] = [Densities::new(shape), Densities::new(shape)];
        for plane in 0..3 {
            for row in 0..7 {
                assert_eq!(told.of_row(), skipped.of_row());
                if row % 3 != 1 || plane == 1 {
                    (0..5).for_each(|cell| told.learn(cell, 0));
                } else {
                    for cell in 0..5 {
                        assert_eq!(told.at(cell), skipped.at(cell));
                        told.learn(cell, cell as u64 * 300);
                        skipped.learn(cell, cell as u64 * 300);
                    }
                }
                told.end_row();
                skipped.end_row();
            }
            told.end_plane();
            skipped.end_plane();
        }
        assert!(told.of_row() > 0);
    }
}
