//! Arrays of several channels over a box of cells, with a border of zeros.

/// Length to which the planes of a volume are padded, and the most cells that one step of a kernel reads or writes.
pub(super) const LANES: usize = 32;

/// Places of the cells of a box in a plane: C order with a border of zeros, such that a neighbour is always a fixed
/// distance away.
///
/// Rows share their border: the zero after one row is the zero before the next. A box of n cells needs about
/// (n + 1)³ places, and a convolution over all of them is one loop without cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub shape: [usize; 3],
    /// Distances between neighbours along the first two axes; along the third it is 1.
    row: usize,
    slab: usize,
}

impl Layout {
    pub fn new(shape: [usize; 3]) -> Self {
        let row = shape[2] + 1;
        Self { shape, row, slab: row * (shape[1] + 1) }
    }

    /// Place of the first cell.
    pub fn first(&self) -> usize {
        self.slab + self.row + 1
    }

    pub fn strides(&self) -> [usize; 3] {
        [self.slab, self.row, 1]
    }

    /// Number of places from the first cell to the last.
    pub fn span(&self) -> usize {
        let [nx, ny, nz] = self.shape;
        (nx - 1) * self.slab + (ny - 1) * self.row + nz
    }

    /// Length of a plane.
    pub fn pitch(&self) -> usize {
        (2 * self.first() + self.span() + LANES).next_multiple_of(LANES)
    }

    /// Distance of each neighbour's place from the first of them, in C order; the cell itself is number 13.
    pub fn taps(&self) -> [usize; 27] {
        std::array::from_fn(|tap| tap / 9 * self.slab + tap / 3 % 3 * self.row + tap % 3)
    }

    /// The first places of the rows of cells, in C order.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        let Self { shape: [nx, ny, _], row, slab } = *self;
        let first = self.first();
        (0..nx).flat_map(move |x| (0..ny).map(move |y| first + x * slab + y * row))
    }

    /// Sets all places that are no cells to zero.
    pub fn clear_border(&self, plane: &mut [f32]) {
        let mut end = 0;
        for row in self.rows() {
            plane[end..row].fill(0.0);
            end = row + self.shape[2];
        }
        plane[end..].fill(0.0);
    }
}

/// Several channels over one box.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Volume {
    pub layout: Layout,
    pub channels: usize,
    pub data: Vec<f32>,
}

impl Volume {
    pub fn zeros(shape: [usize; 3], channels: usize) -> Self {
        let layout = Layout::new(shape);
        Self { layout, channels, data: vec![0.0; channels * layout.pitch()] }
    }

    /// Channels of values in C order, one channel after another.
    pub fn from_cells(shape: [usize; 3], channels: usize, cells: &[f32]) -> Self {
        let mut volume = Self::zeros(shape, channels);
        volume.set_cells(cells);
        volume
    }

    pub fn set_cells(&mut self, cells: &[f32]) {
        let Self { layout, data, .. } = self;
        let mut rows = cells.chunks_exact(layout.shape[2]);
        for plane in data.chunks_exact_mut(layout.pitch()) {
            for (row, values) in layout.rows().zip(&mut rows) {
                plane[row..][..values.len()].copy_from_slice(values);
            }
        }
    }

    /// The values of all channels in C order.
    pub fn cells(&self) -> Vec<f32> {
        let nz = self.layout.shape[2];
        let rows = |plane| self.layout.rows().map(move |row| (plane, row));
        self.planes().flat_map(rows).flat_map(|(plane, row): (&[f32], usize)| &plane[row..][..nz]).copied().collect()
    }

    pub fn planes(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.data.chunks_exact(self.layout.pitch())
    }

    pub fn clear_border(&mut self) {
        let layout = self.layout;
        self.data.chunks_exact_mut(layout.pitch()).for_each(|plane| layout.clear_border(plane));
    }
}
