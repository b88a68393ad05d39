//! The coefficients: a tree over the cells, and the numbers of its leaves.

use std::ops::Range;

use super::evaluate::{Polynomials, decay};
use super::model::Model;
use super::polynomials::{Table, chebyshev, gram};
use super::tree::{Extent, Tree};
use crate::basis::{Coefficients, Label, Quantity, Slot};
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
    /// Upper limit of all exponentials [s³ m⁻⁶], which their decades are relative to. Zero where there are none.
    pub(super) ceiling: f64,
    /// The numbers of each leaf, one after another.
    pub(super) numbers: Vec<f64>,
    /// round(log₂(norm / ceiling)) of each leaf that is an exponential, for its norm over the cells: sets the quantisation
    /// step of its numbers.
    pub(super) octaves: Vec<i16>,
}

/// The description of a leaf's box.
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
    /// The description of their densities.
    pub model: LeafModel,
    /// Its numbers: coefficients by total degree, i then j ascending within a degree, or the values of the cells in C
    /// order.
    pub numbers: &'a [f64],
}

impl OctreeCoefficients {
    /// From a tree and the numbers of its leaves.
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

    /// The grid they were made on.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.grid
    }

    /// The leaves, in order.
    #[must_use]
    pub fn leaves(&self) -> Vec<OctreeLeaf<'_>> {
        let leaf = |(extent, model, numbers): (Extent, Model, _)| {
            let model = match model {
                Model::Empty => LeafModel::Empty,
                Model::Linear(degree) => LeafModel::Polynomial(degree),
                Model::Log(degree) => LeafModel::Exponential(degree),
                Model::Cells => LeafModel::Cells,
            };
            OctreeLeaf { cells: extent.map(|i| i.start..i.start + i.len), model, numbers }
        };
        self.boxes().map(leaf).collect()
    }

    /// The largest value that an exponential takes [s³ m⁻⁶], which its decades are relative to; 0 where there are none.
    #[must_use]
    pub fn ceiling(&self) -> f64 {
        self.ceiling
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

/// The norm of an exponential below a ceiling of one: round(log₂ of it).
fn octave(model: Model, numbers: &[f64], shape: [usize; 3]) -> i16 {
    /// Smaller norms are zero below any ceiling that f64 holds.
    const LEAST: f64 = -1000.0;
    let centres = shape.map(|n| (0..n).map(|k| k as f64 + 0.5 - 0.5 * n as f64).collect::<Vec<_>>());
    let values = values_at(model, numbers, 1.0, shape, centres.each_ref().map(Vec::as_slice));
    let largest = values.iter().fold(f64::MIN_POSITIVE, |largest, value| f64::max(largest, *value));
    let squares: f64 = values.iter().map(|value| (value / largest).powi(2)).sum();
    (largest.log2() + 0.5 * squares.log2()).max(LEAST).round() as i16
}

fn numbers_of(model: Model, extent: &Extent) -> usize {
    model.numbers(extent.map(|interval| interval.len))
}

impl Coefficients for OctreeCoefficients {
    /// The ceiling of the exponentials, if there are any, then leaf by leaf; their labels are the leaf and the index in it.
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        if !self.octaves.is_empty() {
            visitor(Slot::new(Quantity::PhaseSpaceDensity, 0), self.ceiling);
        }
        for (level, (extent, model, numbers)) in (0..).zip(self.boxes()) {
            let quantity = if matches!(model, Model::Log(_)) { Quantity::Decades } else { Quantity::PhaseSpaceDensity };
            let degrees = model.degrees(extent.map(|interval| interval.len));
            for ((position, number), degree) in (0..).zip(numbers).zip(degrees) {
                visitor(Slot::new(quantity, degree).at(Label::Place { level, position }), *number);
            }
        }
    }

    /// The ceiling and the numbers of all leaves but exponentials, whose decades are relative to the ceiling.
    fn scale(&mut self, factor: f64) {
        self.ceiling *= factor;
        let mut numbers = self.numbers.iter_mut();
        for (extent, model) in self.tree.leaves() {
            let factor = if matches!(model, Model::Log(_)) { 1.0 } else { factor };
            numbers.by_ref().take(numbers_of(model, &extent)).for_each(|number| *number *= factor);
        }
    }

    /// The bits of the tree and of the octaves, in words of 64.
    fn topology_len(&self) -> usize {
        (self.tree.bits() + i16::BITS as usize * self.octaves.len()).div_ceil(64)
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
            let tables = tables(degree, |n, degree, x, put| gram(n, degree, x, put));
            Polynomials::new(degree, tables).values_in(numbers, shape)
        }
        Model::Log(degree) => {
            let tables = tables(degree, |n, degree, x, put| chebyshev(n, degree, x, put));
            let mut values = Polynomials::new(degree, tables).values_in(numbers, shape);
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
