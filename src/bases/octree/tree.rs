//! The tree: which boxes, and how each leaf describes its own. All that decoding needs besides the numbers.
//!
//! As bits, in preorder: 0 is an empty leaf. 1 and five bits are, from 0 on, a polynomial of degree 0 to 6, the exponential
//! of one of degree 0 to 6, a leaf of cells, and a cut along the axes of a mask 1 to 7 (bit 0 is x); the parts of a cut
//! follow in C order. Where cuts may leave the middle, each is followed by 0, or by 1 and its shift in units in eight
//! bits. Two bytes come first: the unit of the cuts in cells, and 1 if cuts may leave the middle.

use super::intervals::{Interval, halved};
use super::model::Model;
use super::polynomials::MAX_DEGREE;

/// A box of cells: one interval an axis.
pub(super) type Extent = [Interval; 3];

/// Degrees of one kind of leaf.
const DEGREES: u32 = MAX_DEGREE as u32 + 1;
const CELLS: u32 = 2 * DEGREES;
const CODE_BITS: u32 = 5;
/// Of a cut from the middle, in units.
const FARTHEST: isize = 127;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Branch {
    Leaf(Model),
    /// Where each axis is cut, in cells from the lower end of the box, and the parts in C order.
    Split([Option<usize>; 3], Vec<Branch>),
}

/// A tree over a grid.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    pub shape: [usize; 3],
    /// Cuts are at multiples of so many cells.
    pub unit: usize,
    pub root: Branch,
}

/// The parts of a box cut at some places, in C order.
pub(super) fn parts(extent: Extent, cuts: [Option<usize>; 3]) -> Vec<Extent> {
    let mut all = vec![extent];
    for axis in 0..3 {
        let Some(cut) = cuts[axis] else { continue };
        let both = |extent: Extent| {
            let Interval { start, len } = extent[axis];
            let halves = [Interval { start, len: cut }, Interval { start: start + cut, len: len - cut }];
            halves.map(|half| {
                let mut part = extent;
                part[axis] = half;
                part
            })
        };
        all = all.into_iter().flat_map(both).collect();
    }
    all
}

impl Tree {
    /// The box of the whole grid.
    pub fn extent(&self) -> Extent {
        self.shape.map(|len| Interval { start: 0, len })
    }

    /// Every leaf and its box, in order.
    pub fn leaves(&self) -> Vec<(Extent, Model)> {
        fn collect(branch: &Branch, extent: Extent, leaves: &mut Vec<(Extent, Model)>) {
            match branch {
                Branch::Leaf(model) => leaves.push((extent, *model)),
                Branch::Split(cuts, branches) => {
                    parts(extent, *cuts).into_iter().zip(branches).for_each(|(part, b)| collect(b, part, leaves));
                }
            }
        }
        let mut leaves = Vec::new();
        collect(&self.root, self.extent(), &mut leaves);
        leaves
    }

    /// The tree as bits, and how many they are.
    pub fn to_bits(&self) -> (Vec<u8>, usize) {
        let moved = self.moved(&self.root, self.extent());
        let mut bits = Bits::default();
        bits.put(self.unit.min(255) as u32, 8);
        bits.put(u32::from(moved), 8);
        self.write(&self.root, self.extent(), moved, &mut bits);
        (bits.bytes, bits.len)
    }

    fn moved(&self, branch: &Branch, extent: Extent) -> bool {
        let Branch::Split(cuts, branches) = branch else { return false };
        let here = (0..3).any(|axis| cuts[axis].is_some_and(|cut| cut != halved(extent[axis], self.unit)[0].len));
        here || parts(extent, *cuts).into_iter().zip(branches).any(|(part, branch)| self.moved(branch, part))
    }

    fn write(&self, branch: &Branch, extent: Extent, moved: bool, bits: &mut Bits) {
        let code = match branch {
            Branch::Leaf(Model::Empty) => return bits.put(0, 1),
            Branch::Leaf(Model::Linear(degree)) => *degree as u32,
            Branch::Leaf(Model::Log(degree)) => DEGREES + *degree as u32,
            Branch::Leaf(Model::Cells) => CELLS,
            Branch::Split(cuts, _) => CELLS + (0..3).map(|a| u32::from(cuts[a].is_some()) << a).sum::<u32>(),
        };
        bits.put(1, 1);
        bits.put(code, CODE_BITS);
        let Branch::Split(cuts, branches) = branch else { return };
        for axis in (0..3).filter(|_| moved) {
            let Some(cut) = cuts[axis] else { continue };
            let middle = halved(extent[axis], self.unit)[0].len;
            let shift = (cut as isize - middle as isize) / self.unit as isize;
            bits.put(u32::from(shift != 0), 1);
            if shift != 0 {
                bits.put((shift + FARTHEST) as u32, 8);
            }
        }
        parts(extent, *cuts).into_iter().zip(branches).for_each(|(part, b)| self.write(b, part, moved, bits));
    }

    /// The tree that [`Tree::to_bits`] wrote for a grid of this shape; none if the bits are no such tree.
    pub fn from_bits(shape: [usize; 3], bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes, at: 0 };
        let unit = reader.take(8)? as usize;
        let moved = reader.take(8)?;
        if unit == 0 || moved > 1 || shape.contains(&0) {
            return None;
        }
        let mut tree = Self { shape, unit, root: Branch::Leaf(Model::Empty) };
        tree.root = tree.read(tree.extent(), moved == 1, &mut reader)?;
        Some(tree)
    }

    fn read(&self, extent: Extent, moved: bool, reader: &mut Reader<'_>) -> Option<Branch> {
        if reader.take(1)? == 0 {
            return Some(Branch::Leaf(Model::Empty));
        }
        let code = reader.take(CODE_BITS)?;
        if code < DEGREES {
            return Some(Branch::Leaf(Model::Linear(code as usize)));
        } else if code < CELLS {
            return Some(Branch::Leaf(Model::Log((code - DEGREES) as usize)));
        } else if code == CELLS {
            return Some(Branch::Leaf(Model::Cells));
        }
        let mask = code - CELLS;
        if mask > 7 {
            return None;
        }
        let mut cuts = [None; 3];
        for axis in (0..3).filter(|axis| mask >> axis & 1 == 1) {
            let middle = halved(extent[axis], self.unit)[0].len;
            let shift = if moved && reader.take(1)? == 1 { reader.take(8)? as isize - FARTHEST } else { 0 }
                * self.unit as isize;
            let cut = middle.checked_add_signed(shift)?;
            if cut == 0 || cut >= extent[axis].len {
                return None;
            }
            cuts[axis] = Some(cut);
        }
        let branches = parts(extent, cuts).into_iter().map(|part| self.read(part, moved, reader));
        Some(Branch::Split(cuts, branches.collect::<Option<_>>()?))
    }

    /// Whether a cut may be moved there and still be written.
    pub fn allows(&self, interval: Interval, cut: usize) -> bool {
        let shift = cut as isize - halved(interval, self.unit)[0].len as isize;
        cut > 0
            && cut < interval.len
            && (shift / self.unit as isize).abs() <= FARTHEST
            && shift % self.unit as isize == 0
    }
}

/// Bits, the first in the lowest place of the first byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    fn put(&mut self, value: u32, bits: u32) {
        for bit in 0..bits {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (self.len % 8);
            }
            self.len += 1;
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0;
        for bit in 0..bits {
            let byte = *self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        use Branch::{Leaf, Split};
        let inner = Split([None, Some(2), None], vec![Leaf(Model::Cells), Leaf(Model::Empty)]);
        let parts = vec![Leaf(Model::Log(2)), Leaf(Model::Linear(6)), inner, Leaf(Model::Empty)];
        Tree { shape: [7, 4, 5], unit: 1, root: Split([Some(4), None, Some(3)], parts) }
    }

    #[test]
    fn bits_come_back_as_the_tree() {
        let mut tree = tree();
        let (bytes, bits) = tree.to_bits();
        assert_eq!((bits, bytes.len()), (16 + 5 * 6 + 2, 6));
        assert_eq!(Tree::from_bits(tree.shape, &bytes).as_ref(), Some(&tree));
        // A cut that has left the middle.
        if let Branch::Split(cuts, _) = &mut tree.root {
            cuts[0] = Some(2);
        }
        let (bytes, bits) = tree.to_bits();
        assert_eq!(bits, 16 + 5 * 6 + 2 + 3 + 8);
        assert_eq!(Tree::from_bits(tree.shape, &bytes), Some(tree));
    }

    #[test]
    fn bits_that_are_no_tree_are_refused() {
        let (bytes, bits) = tree().to_bits();
        for len in 0..bytes.len() {
            assert_eq!(Tree::from_bits([7, 4, 5], &bytes[..len]), None);
        }
        for flipped in 0..bits {
            let mut bytes = bytes.clone();
            bytes[flipped / 8] ^= 1 << (flipped % 8);
            if let Some(other) = Tree::from_bits([7, 4, 5], &bytes) {
                let cells: usize =
                    other.leaves().iter().map(|(extent, _)| extent.iter().map(|i| i.len).product::<usize>()).sum();
                assert_eq!(cells, 140);
            }
        }
        assert_eq!(Tree::from_bits([1, 1, 1], &bytes), None);
    }

    #[test]
    fn leaves_cover_the_grid_once() {
        let tree = tree();
        let mut covered = vec![0; 140];
        for (extent, _) in tree.leaves() {
            let [x, y, z] = extent.map(|i| i.start..i.start + i.len);
            for i in x {
                for j in y.clone() {
                    z.clone().for_each(|k| covered[(i * 4 + j) * 5 + k] += 1);
                }
            }
        }
        assert!(covered.iter().all(|&times| times == 1));
    }
}
