//! Sums of magnitudes around each coefficient, of those coded before it.
//!
//! Nearly all coefficients are zero, so that it is cheaper to scatter than to gather: a coefficient that is not zero adds
//! its magnitude once, when it is coded, to every place whose context will use it.

use super::super::transform::Band;

/// Cells of a block along each axis.
pub(super) const BLOCK: usize = 4;
/// Places of margin around a band.
const MARGIN: usize = 2;
/// Larger magnitudes count as this one, so that weighted sums of the neighbours, whose weights sum to 28, stay below
/// 2¹⁶.
const MAX_SIZE: u64 = 1000;

/// A coefficient that is not zero.
#[derive(Debug, Clone, Copy)]
struct Found {
    cell: [u32; 3],
    size: u16,
    sign: i8,
}

/// The context of one place.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Binary digits of the magnitude here, at most 5.
    class: u8,
    sign: i8,
    /// Weighted sum of the magnitudes of the 16 neighbours that are coded before it, nearer ones weighing more.
    beside: u16,
    /// Weighted sum of the magnitudes of the siblings coded before, here (4) and in the six places around (1 each).
    siblings: u16,
}

/// The context that a place of the next coarser level, of the same kind, gives to its children.
#[derive(Debug, Clone, Copy, Default)]
struct Parent {
    /// Twice its magnitude and those of the six around it.
    near: u16,
    sign: i8,
}

/// Sums of magnitudes in a block: of the band itself, of its siblings, and of the parents of its places.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    here: u32,
    siblings: u32,
    above: u32,
}

/// The band being coded, those of its level that are known, and its parent.
#[derive(Default)]
pub(super) struct Neighbourhood {
    rank: usize,
    /// Kinds of this level that are coded.
    siblings: u32,
    /// Offsets to the places whose contexts use a coefficient, and its weight there, for the strides of this level.
    ahead: Vec<(usize, u16)>,
    strides: [usize; 3],
    places: Vec<Place>,
    /// The axes along which there are half as many parents.
    halved: [bool; 3],
    parent_strides: [usize; 3],
    parents: Vec<Parent>,
    block_strides: [usize; 3],
    blocks: Vec<Block>,
    /// Coefficients that are not zero: of the band, of the others of its level by kind, and of the level before by kind.
    found: Vec<Found>,
    level: Vec<(usize, Vec<Found>)>,
    before: Vec<(usize, Vec<Found>)>,
}

/// The context of one coefficient's magnitude.
pub(super) struct Sizes {
    /// Classes of its three nearest neighbours, 0 to 5.
    pub beside: [usize; 3],
    pub spatial: u32,
    pub parent: u32,
    pub siblings: u32,
}

/// The context of one coefficient's sign: signs of three neighbours as a number of base 3, and the parent's, 0 to 2.
pub(super) struct Signs {
    pub beside: usize,
    pub diagonal: usize,
    pub second: usize,
    pub parent: usize,
}

/// The context of a block: sums of magnitudes.
pub(super) struct Sums {
    /// In the three blocks before it, one along each axis.
    pub beside: [u32; 3],
    pub siblings: u32,
    pub above: u32,
}

fn strides([_, ny, nz]: [usize; 3]) -> [usize; 3] {
    [ny * nz, nz, 1]
}

fn clear<T: Clone + Default>(places: &mut Vec<T>, shape: [usize; 3]) {
    places.clear();
    places.resize(shape.iter().product(), T::default());
}

impl Neighbourhood {
    /// Begins the first band of a level, the largest shape of whose bands is given.
    pub(super) fn begin_level(&mut self, rank: usize, extent: [usize; 3]) {
        // The approximation has no kind that details have, and is no parent.
        self.before = if self.rank > 0 { std::mem::take(&mut self.level) } else { Vec::new() };
        self.level.clear();
        (self.rank, self.siblings) = (rank, 0);
        let shape = extent.map(|n| n + 2 * MARGIN);
        self.strides = strides(shape);
        let [x, y, z] = self.strides;
        // Of the 26 neighbours the 13 that follow in C order, by the number of axes along which they differ, and the three
        // two steps ahead. (x − y is positive: the strides fall from x to z.)
        let (near, edge, far) = (3, 2, 1);
        self.ahead = [
            [
                (x, near),
                (y, near),
                (z, near),
                (x + y, edge),
                (x + z, edge),
                (y + z, edge),
                (x - y, edge),
                (x - z, edge),
            ]
            .as_slice(),
            &[(y - z, edge), (x + y + z, far), (x + y - z, far), (x - y + z, far), (x - y - z, far)],
            &[(2 * x, far), (2 * y, far), (2 * z, far)],
        ]
        .concat();
        clear(&mut self.places, shape);
        // A margin of one block on each side.
        let blocks = extent.map(|n| n.div_ceil(BLOCK) + 2);
        self.block_strides = strides(blocks);
        clear(&mut self.blocks, blocks);
    }

    /// Begins a band of the level.
    pub(super) fn begin(&mut self, band: &Band) {
        self.halved = band.halved;
        let half = |n: usize, axis: usize| if band.halved[axis] { n.div_ceil(2) } else { n };
        let parents = std::array::from_fn(|axis| half(band.shape[axis], axis) + 2 * MARGIN);
        self.parent_strides = strides(parents);
        clear(&mut self.parents, parents);
        let Some((_, found)) = self.before.iter().find(|(kind, _)| *kind == band.kind) else { return };
        let counts = band.shape.map(|n| n.div_ceil(BLOCK));
        for &Found { cell, size, sign } in found {
            let cell = cell.map(|n| n as usize);
            // The symmetric boundary makes parents beyond the last child.
            if (0..3).any(|axis| cell[axis] + MARGIN + 2 > parents[axis]) {
                continue;
            }
            let place = place(self.parent_strides, cell);
            self.parents[place].sign = sign;
            self.parents[place].near += 2 * size;
            for stride in self.parent_strides {
                self.parents[place - stride].near += size;
                self.parents[place + stride].near += size;
            }
            // The context of a block has the parents of its places and one more on each side.
            let asking = |axis: usize| {
                // Parents of a block: half as many as it has places, or as many.
                let (n, parents) = (cell[axis], if band.halved[axis] { BLOCK / 2 } else { BLOCK });
                let asks = move |&b: &usize| n < half((BLOCK * (b + 1)).min(band.shape[axis]), axis) + 1;
                (n.saturating_sub(1) / parents..counts[axis].min((n + 1) / parents + 1)).filter(asks)
            };
            for x in asking(0) {
                for y in asking(1) {
                    for z in asking(2) {
                        let block = block(self.block_strides, [x, y, z]);
                        self.blocks[block].above += u32::from(size);
                    }
                }
            }
        }
    }

    /// Ends the band: its coefficients become siblings of the bands that follow.
    pub(super) fn end(&mut self, kind: usize) {
        for &Found { cell, size, .. } in &self.found {
            let at = place(self.strides, cell.map(|n| n as usize));
            // Six siblings sum to less than 2¹⁶ (6 × 10 × 1000); the seventh is the last band, whose sum no other uses.
            let mut add = |at: usize, size: u16| {
                let place = &mut self.places[at].siblings;
                *place = place.saturating_add(size);
            };
            add(at, 4 * size);
            for stride in self.strides {
                add(at - stride, size);
                add(at + stride, size);
            }
        }
        for place in &mut self.places {
            *place = Place { siblings: place.siblings, ..Place::default() };
        }
        for block in &mut self.blocks {
            *block = Block { siblings: block.siblings + block.here, ..Block::default() };
        }
        self.siblings += 1;
        self.level.push((kind, std::mem::take(&mut self.found)));
    }

    /// Adds a coefficient that is not zero to the contexts of the places that follow.
    pub(super) fn learn(&mut self, cell: [usize; 3], value: i64) {
        let (size, sign) = (value.unsigned_abs().min(MAX_SIZE) as u16, value.signum() as i8);
        self.found.push(Found { cell: cell.map(|n| n as u32), size, sign });
        let at = place(self.strides, cell);
        (self.places[at].class, self.places[at].sign) = (digits(size), sign);
        for &(ahead, weight) in &self.ahead {
            self.places[at + ahead].beside += weight * size;
        }
        let block = block(self.block_strides, cell.map(|n| n / BLOCK));
        self.blocks[block].here += u32::from(size);
    }

    /// The place of the parent.
    #[inline(always)]
    fn parent(&self, cell: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| cell[axis] >> u32::from(self.halved[axis]))
    }

    #[inline(always)]
    pub(super) fn sizes(&self, cell: [usize; 3]) -> Sizes {
        let at = place(self.strides, cell);
        let [x, y, z] = self.strides;
        let beside = [at - x, at - y, at - z].map(|place| usize::from(self.places[place].class));
        let Place { beside: spatial, siblings, .. } = self.places[at];
        let parent = self.parents[place(self.parent_strides, self.parent(cell))].near;
        Sizes {
            beside,
            spatial: u32::from(spatial),
            parent: u32::from(parent).div_ceil(2),
            siblings: u32::from(siblings) / (1 + self.siblings / 2),
        }
    }

    pub(super) fn signs(&self, cell: [usize; 3]) -> Signs {
        let at = place(self.strides, cell);
        let three = |strides: [usize; 3]| strides.iter().fold(0, |all, s| 3 * all + third(self.places[at - s].sign));
        let [x, y, z] = self.strides;
        Signs {
            beside: three([x, y, z]),
            diagonal: three([x + y, x + z, y + z]),
            second: three([2 * x, 2 * y, 2 * z]),
            parent: third(self.parents[place(self.parent_strides, self.parent(cell))].sign),
        }
    }

    pub(super) fn sums(&self, of: [usize; 3]) -> Sums {
        let at = block(self.block_strides, of);
        let Block { siblings, above, .. } = self.blocks[at];
        Sums { beside: self.block_strides.map(|stride| self.blocks[at - stride].here), siblings, above }
    }
}

/// Binary digits, at most 5.
fn digits(size: u16) -> u8 {
    size.checked_ilog2().map_or(0, |log| log as u8 + 1).min(5)
}

/// 0 for negative, 1 for zero, 2 for positive.
fn third(sign: i8) -> usize {
    (1 + sign) as usize
}

#[inline]
fn place([sx, sy, _]: [usize; 3], [x, y, z]: [usize; 3]) -> usize {
    (x + MARGIN) * sx + (y + MARGIN) * sy + z + MARGIN
}

#[inline]
fn block([sx, sy, _]: [usize; 3], [x, y, z]: [usize; 3]) -> usize {
    (x + 1) * sx + (y + 1) * sy + z + 1
}
