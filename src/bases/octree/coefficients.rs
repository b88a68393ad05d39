//! What encoding finds: a tree over the cells, and the numbers of its leaves.

use std::ops::Range;

use super::evaluate::decay;
use super::model::Model;
use super::polynomials::{Table, terms};
use super::tree::{Extent, Tree};
use crate::basis::{Coefficients, Quantity, Slot};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// The octree of one distribution.
///
/// It belongs to the box of velocity space that was encoded, and can be evaluated on any grid; outside of the box it is
/// zero. The grid it was made on, which an [`Expansion`](crate::Expansion) holds as well, is not counted.
#[derive(Debug, Clone, PartialEq)]
pub struct OctreeCoefficients {
    pub(super) grid: VelocityGrid,
    pub(super) tree: Tree,
    /// No exponential is larger [s³ m⁻⁶]; what its decades are relative to. Zero where there are none.
    pub(super) ceiling: f64,
    /// The numbers of each leaf, one after another.
    pub(super) numbers: Vec<f64>,
    /// Of each leaf that is an exponential, the norm over its cells in parts of the ceiling, as the nearest power of two:
    /// with it a stream knows how fine its numbers must be.
    pub(super) octaves: Vec<i16>,
}

/// How a leaf describes its box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeafModel {
    /// Zero.
    Empty,
    /// A polynomial of this total degree.
    Polynomial(usize),
    /// The exponential of a polynomial of this total degree.
    Exponential(usize),
    /// The values of its cells.
    Cells,
}

/// One leaf.
#[derive(Debug, Clone, PartialEq)]
pub struct OctreeLeaf<'a> {
    /// Its cells along each axis.
    pub cells: [Range<usize>; 3],
    /// How it describes them.
    pub model: LeafModel,
    /// Its numbers: coefficients by total degree, i then j ascending within a degree, or the values of the cells in C
    /// order.
    pub numbers: &'a [f64],
}

impl OctreeCoefficients {
    /// From a tree as bits and the numbers, as [`OctreeCoefficients::tree_bits`] and `visit` give them.
    pub(super) fn from_parts(grid: VelocityGrid, tree: Tree, ceiling: f64, numbers: Vec<f64>) -> Result<Self> {
        let needed: usize = tree.leaves().iter().map(|(extent, model)| numbers_of(*model, extent)).sum();
        if needed != numbers.len() || tree.shape != grid.shape() {
            let problem = format!("a tree of {needed} numbers on {:?} cells, {} numbers", tree.shape, numbers.len());
            return Err(Error::ForeignCoefficients(problem));
        }
        let mut coefficients = Self { grid, tree, ceiling, numbers, octaves: Vec::new() };
        coefficients.octaves = coefficients
            .boxes()
            .filter_map(|(extent, model, numbers)| {
                let shape = extent.map(|interval| interval.len);
                matches!(model, Model::Log(_)).then(|| octave(model, numbers, shape))
            })
            .collect();
        Ok(coefficients)
    }

    /// Rebuilds coefficients from the grid they were made on, [`OctreeCoefficients::tree_bits`], and the numbers in the
    /// order in which `visit` shows them.
    ///
    /// # Errors
    /// [`Error::ForeignCoefficients`] if the bits are no tree on this grid, or there are more or fewer numbers than it
    /// needs.
    pub fn from_bits(grid: VelocityGrid, bits: &[u8], numbers: &[f64]) -> Result<Self> {
        let tree = Tree::from_bits(grid.shape(), bits)
            .ok_or_else(|| Error::ForeignCoefficients(format!("{} bytes that are no tree on {grid}", bits.len())))?;
        match numbers.split_first() {
            Some((&ceiling, rest)) if has_logs(&tree) => Self::from_parts(grid, tree, ceiling, rest.to_vec()),
            _ => Self::from_parts(grid, tree, 0.0, numbers.to_vec()),
        }
    }

    /// The tree as bits: one for an empty leaf, six for another leaf or a cut; two bytes come first.
    #[must_use]
    pub fn tree_bits(&self) -> Vec<u8> {
        self.tree.to_bits().0
    }

    /// The grid they were made on.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.grid
    }

    /// The leaves, in order.
    #[must_use]
    pub fn leaves(&self) -> Vec<OctreeLeaf<'_>> {
        let mut rest = self.numbers.as_slice();
        let mut leaves = Vec::new();
        for (extent, model) in self.tree.leaves() {
            let (numbers, others) = rest.split_at(numbers_of(model, &extent).min(rest.len()));
            rest = others;
            let model = match model {
                Model::Empty => LeafModel::Empty,
                Model::Linear(degree) => LeafModel::Polynomial(degree),
                Model::Log(degree) => LeafModel::Exponential(degree),
                Model::Cells => LeafModel::Cells,
            };
            leaves.push(OctreeLeaf { cells: extent.map(|i| i.start..i.start + i.len), model, numbers });
        }
        leaves
    }

    /// The leaves as the tree has them, with their numbers.
    pub(super) fn boxes(&self) -> impl Iterator<Item = (Extent, Model, &[f64])> {
        let mut rest = self.numbers.as_slice();
        self.tree.leaves().into_iter().map(move |(extent, model)| {
            let (numbers, others) = rest.split_at(numbers_of(model, &extent).min(rest.len()));
            rest = others;
            (extent, model, numbers)
        })
    }
}

/// The norm of an exponential below a ceiling of one, as a power of two.
fn octave(model: Model, numbers: &[f64], shape: [usize; 3]) -> i16 {
    /// What is smaller is next to nothing, whatever the ceiling.
    const LEAST: f64 = -1000.0;
    let centres = shape.map(|n| (0..n).map(|k| k as f64 + 0.5 - 0.5 * n as f64).collect::<Vec<_>>());
    let values = values_at(model, numbers, 1.0, shape, centres.each_ref().map(Vec::as_slice));
    let largest = values.iter().fold(f64::MIN_POSITIVE, |largest, value| f64::max(largest, *value));
    let squares: f64 = values.iter().map(|value| (value / largest).powi(2)).sum();
    (largest.log2() + 0.5 * squares.log2()).max(LEAST).round() as i16
}

pub(super) fn numbers_of(model: Model, extent: &Extent) -> usize {
    model.numbers(extent.map(|interval| interval.len))
}

pub(super) fn has_logs(tree: &Tree) -> bool {
    tree.leaves().iter().any(|(_, model)| matches!(model, Model::Log(_)))
}

impl Coefficients for OctreeCoefficients {
    /// The ceiling of the exponentials, if there are any, then leaf by leaf.
    fn visit(&mut self, visitor: &mut dyn FnMut(Slot, &mut f64)) {
        if has_logs(&self.tree) {
            visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), &mut self.ceiling);
        }
        let mut numbers = self.numbers.iter_mut();
        for (extent, model) in self.tree.leaves() {
            let shape = extent.map(|interval| interval.len);
            let (quantity, degree) = match model {
                Model::Empty => continue,
                Model::Linear(degree) => (Quantity::PhaseSpaceDensity, degree),
                Model::Log(degree) => (Quantity::Decades, degree),
                Model::Cells => {
                    let cells = numbers.by_ref().take(shape.iter().product());
                    cells.for_each(|value| visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), value));
                    continue;
                }
            };
            for (term, value) in terms(degree, shape).zip(numbers.by_ref()) {
                visitor(Slot::new(quantity, term.iter().sum()), value);
            }
        }
    }

    /// The tree's bits and the octaves' as words of 64.
    fn topology_len(&self) -> usize {
        (self.tree.to_bits().1 + i16::BITS as usize * self.octaves.len()).div_ceil(64)
    }

    fn count(&self) -> usize {
        self.numbers.len() + usize::from(has_logs(&self.tree))
    }
}

/// The values of a leaf at points given along each axis in cells from the middle of its box.
pub(super) fn values_at(
    model: Model,
    numbers: &[f64],
    ceiling: f64,
    shape: [usize; 3],
    points: [&[f64]; 3],
) -> Vec<f64> {
    let tables = |degree: usize, family: Family| {
        [0, 1, 2].map(|a| Table::at(degree, points[a], |x, put| family(shape[a], degree, x, put)))
    };
    match model {
        Model::Empty => vec![0.0; points.iter().map(|xs| xs.len()).product()],
        Model::Linear(degree) => {
            let tables = tables(degree, |n, degree, x, put| super::polynomials::gram(n, degree, x, put));
            super::evaluate::Polynomials::new(degree, tables).values_in(numbers, shape)
        }
        Model::Log(degree) => {
            let tables = tables(degree, |n, degree, x, put| super::polynomials::chebyshev(n, degree, x, put));
            let mut values = super::evaluate::Polynomials::new(degree, tables).values_in(numbers, shape);
            decay(&mut values, ceiling);
            values
        }
        Model::Cells => {
            let cell = |axis: usize, x: f64| {
                let place = (x + 0.5 * shape[axis] as f64).floor();
                (place.max(0.0) as usize).min(shape[axis] - 1)
            };
            let mut values = Vec::with_capacity(points.iter().map(|xs| xs.len()).product());
            for &x in points[0] {
                for &y in points[1] {
                    let row = (cell(0, x) * shape[1] + cell(1, y)) * shape[2];
                    values.extend(points[2].iter().map(|&z| numbers[row + cell(2, z)]));
                }
            }
            values
        }
    }
}

type Family = fn(usize, usize, f64, &mut dyn FnMut(usize, f64));
