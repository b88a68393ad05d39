//! The tree: which boxes, and how each leaf describes its own. All that decoding needs besides the numbers.
//!
//! A stream holds it in preorder. Of each node, adaptive bits tell whether it is empty, else whether it is cut; a leaf is
//! one of cells, an exponential or a polynomial, the latter two with their degree in three bits; a cut has a bit for each
//! axis that can be cut, and after each that is set the shift of the cut from the middle, in units. The unit comes first.

use super::NAME;
use super::intervals::{Interval, halved};
use super::model::Model;
use super::polynomials::MAX_DEGREE;
use crate::coding::{Bit, Coder, Integers, malformed};
use crate::error::Result;

/// A box of cells: one interval an axis.
pub(super) type Extent = [Interval; 3];

/// Binary digits of a degree.
const DEGREE_BITS: usize = 3;
/// Deepest tree. An encoder halves each axis at most 63 times, and moves only the last cuts away from the middle. A stream
/// can claim a deeper tree, on which recursion would overflow the stack.
const MAX_DEPTH: usize = 3 * 64;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Branch {
    Leaf(Model),
    /// The place of the cut along each axis, in cells from the lower end of the box, and the parts in C order.
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

    /// A tree of one empty leaf.
    pub fn empty(shape: [usize; 3], unit: usize) -> Self {
        Self { shape, unit, root: Branch::Leaf(Model::Empty) }
    }

    /// Bits of the tree in a stream, to a byte or two.
    pub fn bits(&self) -> usize {
        let mut coder = Coder::writing();
        // A tree that no stream holds has no length, either.
        self.clone().code(&mut coder).map_or(0, |()| 8 * coder.finish().len())
    }

    /// Writes the tree, or reads one over a grid of this shape.
    pub fn code(&mut self, coder: &mut Coder<'_>) -> Result<()> {
        let longest = self.shape.into_iter().max().unwrap_or(1);
        self.unit = coder.count(self.unit, longest.max(255))?;
        if self.unit == 0 {
            return Err(malformed("a tree with cuts at multiples of no cells"));
        }
        if coder.is_reading() {
            self.root = Branch::Leaf(Model::Empty);
        }
        let extent = self.extent();
        Models::new(self.unit).code(&mut self.root, extent, Place { beside_empty: false, depth: 0 }, coder)
    }
}

/// Contexts of the bits of a tree.
struct Models {
    unit: usize,
    /// By whether an earlier part of the same box is empty: empty boxes come together.
    empty: [Bit; 2],
    cut: Bit,
    cells: Bit,
    exponential: Bit,
    /// By the kind of leaf, and by the digits of the degree read so far with a 1 before them: a binary tree of bits.
    degrees: [[Bit; 1 << DEGREE_BITS]; 2],
    axes: [Bit; 3],
    shifts: Integers,
}

/// The place of a node in its tree.
#[derive(Clone, Copy)]
struct Place {
    beside_empty: bool,
    depth: usize,
}

impl Models {
    fn new(unit: usize) -> Self {
        Self {
            unit,
            empty: [Bit::even(); 2],
            cut: Bit::even(),
            // Leaves of cells are rare: 1 in 64 to begin with.
            cells: Bit::expected(1 << 10, 2),
            exponential: Bit::even(),
            degrees: [[Bit::even(); 1 << DEGREE_BITS]; 2],
            axes: [Bit::even(); 3],
            shifts: Integers::default(),
        }
    }

    /// Writes a node and those below it, or reads them; a reader starts from an empty leaf.
    fn code(&mut self, branch: &mut Branch, extent: Extent, place: Place, coder: &mut Coder<'_>) -> Result<()> {
        if place.depth > MAX_DEPTH {
            return Err(coder.refusal(NAME, format!("a tree that is deeper than {MAX_DEPTH}")));
        }
        let empty = &mut self.empty[usize::from(place.beside_empty)];
        if coder.bit(empty, *branch == Branch::Leaf(Model::Empty)) {
            *branch = Branch::Leaf(Model::Empty);
            return Ok(());
        }
        if !coder.bit(&mut self.cut, matches!(branch, Branch::Split(..))) {
            let model = if let Branch::Leaf(model) = branch { *model } else { Model::Empty };
            *branch = Branch::Leaf(self.leaf(model, coder)?);
            return Ok(());
        }
        let (cuts, mut branches) = match branch {
            Branch::Split(cuts, branches) => (*cuts, std::mem::take(branches)),
            Branch::Leaf(_) => ([None; 3], Vec::new()),
        };
        let cuts = self.cuts(cuts, extent, coder)?;
        let extents = parts(extent, cuts);
        branches.resize(extents.len(), Branch::Leaf(Model::Empty));
        let mut place = Place { beside_empty: false, depth: place.depth + 1 };
        for (branch, part) in branches.iter_mut().zip(extents) {
            self.code(branch, part, place, coder)?;
            place.beside_empty |= *branch == Branch::Leaf(Model::Empty);
        }
        *branch = Branch::Split(cuts, branches);
        Ok(())
    }

    /// A leaf that is not empty.
    fn leaf(&mut self, model: Model, coder: &mut Coder<'_>) -> Result<Model> {
        if coder.bit(&mut self.cells, model == Model::Cells) {
            return Ok(Model::Cells);
        }
        let exponential = coder.bit(&mut self.exponential, matches!(model, Model::Log(_)));
        let degree = if let Model::Log(degree) | Model::Linear(degree) = model { degree } else { 0 };
        let mut read = 1;
        for place in (0..DEGREE_BITS).rev() {
            let digit = coder.bit(&mut self.degrees[usize::from(exponential)][read], degree >> place & 1 == 1);
            read = read << 1 | usize::from(digit);
        }
        let degree = read - (1 << DEGREE_BITS);
        if degree > MAX_DEGREE {
            return Err(malformed(format!("a leaf of degree {degree}")));
        }
        Ok(if exponential { Model::Log(degree) } else { Model::Linear(degree) })
    }

    fn cuts(&mut self, given: [Option<usize>; 3], extent: Extent, coder: &mut Coder<'_>) -> Result<[Option<usize>; 3]> {
        let mut cuts = [None; 3];
        for axis in 0..3 {
            // An axis of one cell is never cut.
            if extent[axis].len < 2 || !coder.bit(&mut self.axes[axis], given[axis].is_some()) {
                continue;
            }
            let (middle, unit) = (halved(extent[axis], self.unit)[0].len as i64, self.unit as i64);
            let shift = given[axis].map_or(0, |cut| (cut as i64 - middle) / unit);
            let shift = coder.integer(&mut self.shifts, shift)?;
            let cut = shift.checked_mul(unit).and_then(|shift| shift.checked_add(middle)).unwrap_or(0);
            if cut < 1 || cut >= extent[axis].len as i64 {
                return Err(malformed(format!("a box of {} cells cut after {cut}", extent[axis].len)));
            }
            cuts[axis] = Some(cut as usize);
        }
        match cuts {
            [None, None, None] => Err(malformed("a box that is cut nowhere")),
            _ => Ok(cuts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn tree() -> Tree {
        use Branch::{Leaf, Split};
        let inner = Split([None, Some(2), None], vec![Leaf(Model::Cells), Leaf(Model::Empty)]);
        let parts = vec![Leaf(Model::Log(2)), Leaf(Model::Linear(6)), inner, Leaf(Model::Empty)];
        Tree { shape: [7, 4, 5], unit: 1, root: Split([Some(4), None, Some(3)], parts) }
    }

    fn written(tree: &Tree) -> Vec<u8> {
        let mut coder = Coder::writing();
        tree.clone().code(&mut coder).unwrap();
        coder.finish()
    }

    fn read(shape: [usize; 3], bytes: &[u8]) -> Result<Tree> {
        let mut tree = Tree::empty(shape, 1);
        tree.code(&mut Coder::reading(bytes))?;
        Ok(tree)
    }

    #[test]
    fn a_tree_that_was_written_is_read() {
        let mut tree = tree();
        let middle = written(&tree);
        assert_eq!(read(tree.shape, &middle).unwrap(), tree);
        // A cut that has left the middle.
        if let Branch::Split(cuts, _) = &mut tree.root {
            cuts[0] = Some(2);
        }
        let moved = written(&tree);
        assert!(moved != middle && tree.bits() == 8 * moved.len());
        assert_eq!(read(tree.shape, &moved).unwrap(), tree);
    }

    #[test]
    fn a_damaged_tree_covers_the_grid_or_is_refused() {
        let bytes = written(&tree());
        for flipped in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[flipped / 8] ^= 1 << (flipped % 8);
            if let Ok(other) = read([7, 4, 5], &bytes) {
                let cells: usize =
                    other.leaves().iter().map(|(extent, _)| extent.iter().map(|i| i.len).product::<usize>()).sum();
                assert_eq!(cells, 140);
            }
        }
        // A box of one cell is not cut.
        assert!(read([1, 1, 1], &bytes).is_err());
    }

    #[test]
    fn a_tree_without_end_is_refused_before_the_stack_overflows() {
        let mut tree = Tree::empty([1, 1, 1_000_000], 1);
        for _ in 0..1000 {
            let root = std::mem::replace(&mut tree.root, Branch::Leaf(Model::Cells));
            tree.root = Branch::Split([None, None, Some(1)], vec![Branch::Leaf(Model::Empty), root]);
        }
        let mut coder = Coder::writing();
        assert!(matches!(tree.code(&mut coder), Err(Error::OutOfRange { .. })));
        // What was written before the refusal holds as deep a tree.
        let bytes = coder.finish();
        assert!(read(tree.shape, &bytes).unwrap_err().to_string().contains("deeper"));
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
