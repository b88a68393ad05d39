//! Octrees in a stream: the tree, then leaf by leaf its numbers.

use std::f64::consts::LN_10;

use super::coefficients::{OctreeCoefficients, has_logs, numbers_of};
use super::intervals::halved;
use super::model::Model;
use super::polynomials::{MAX_DEGREE, terms};
use super::tree::{Branch, Extent, Tree, parts};
use crate::coding::{Bit, Coder, Integers, Numbers, Reals, Resolution, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// Digits of the ceiling that are kept in steps: those of single precision.
const ROUNDED: u64 = !((1 << 29) - 1);
/// Kinds of numbers: polynomials by degree, exponentials by degree, cells.
const KINDS: usize = 2 * (MAX_DEGREE + 1) + 1;
/// Digits of a degree.
const DEGREE_BITS: usize = 3;

pub(super) fn code(
    coefficients: Option<&OctreeCoefficients>,
    grid: &VelocityGrid,
    resolution: Resolution,
    coder: &mut Coder<'_>,
) -> Result<OctreeCoefficients> {
    if let Some(own) = coefficients.map(|c| c.grid).filter(|own| own != grid) {
        return Err(Error::GridMismatch { left: own.to_string(), right: grid.to_string() });
    }
    let tree = code_tree(coefficients.map(|c| &c.tree), grid.shape(), coder)?;
    let mut ceiling = coefficients.map_or(0.0, |c| c.ceiling);
    if has_logs(&tree) {
        if resolution != Resolution::Exact {
            ceiling = f64::from_bits(ceiling.to_bits() & ROUNDED);
        }
        ceiling = coder.real(&mut Reals::default(), ceiling)?;
    }
    let mut levels = Integers::default();
    let (mut octaves, mut last) = (Vec::new(), 0);
    let mut kinds = Numbers::new(KINDS);
    let mut numbers = Vec::new();
    for (extent, model) in tree.leaves() {
        let shape = extent.map(|interval| interval.len);
        let step = match (model, resolution) {
            (Model::Log(_), _) => {
                let given = coefficients.and_then(|c| c.octaves.get(octaves.len())).copied().unwrap_or(0);
                let octave = coder.integer(&mut levels, i64::from(given) - last)?.saturating_add(last);
                let octave = i16::try_from(octave).map_err(|_| malformed("an exponential without measure"))?;
                octaves.push(octave);
                last = i64::from(octave);
                // A decade more is ln 10 times the leaf's norm more, where the polynomial is one.
                let norm = ceiling * 2f64.powi(octave.into()) * LN_10;
                resolution.step().map(|step| if norm > 0.0 { (step / norm).min(1.0) } else { 1.0 })
            }
            _ => resolution.step(),
        };
        let mut number = |coder: &mut Coder<'_>, kind: usize| -> Result<()> {
            let given = coefficients.and_then(|c| c.numbers.get(numbers.len())).copied().unwrap_or(0.0);
            numbers.push(kinds.code(coder, kind, given, step)?);
            Ok(())
        };
        match model {
            Model::Empty => {}
            Model::Linear(degree) => {
                terms(degree, shape).try_for_each(|term| number(coder, term.iter().sum()))?;
            }
            Model::Log(degree) => {
                terms(degree, shape).try_for_each(|term| number(coder, MAX_DEGREE + 1 + term.iter().sum::<usize>()))?;
            }
            Model::Cells => (0..numbers_of(model, &extent)).try_for_each(|_| number(coder, KINDS - 1))?,
        }
    }
    Ok(OctreeCoefficients { grid: *grid, tree, ceiling, numbers, octaves })
}

/// What is expected of the nodes of a tree.
struct Models {
    /// Whether a node is empty, cut, of cells, an exponential; by whether the node above had an empty part before.
    empty: [Bit; 2],
    cut: Bit,
    cells: Bit,
    exponential: Bit,
    degrees: [[Bit; 1 << DEGREE_BITS]; 2],
    axes: [Bit; 3],
    shifts: Integers,
}

fn code_tree(given: Option<&Tree>, shape: [usize; 3], coder: &mut Coder<'_>) -> Result<Tree> {
    let longest = shape.into_iter().max().unwrap_or(1);
    let unit = coder.count(given.map_or(1, |tree| tree.unit), longest.max(255))?;
    if unit == 0 {
        return Err(malformed("a tree with cuts at multiples of no cells"));
    }
    let mut tree = Tree { shape, unit, root: Branch::Leaf(Model::Empty) };
    let mut models = Models {
        empty: [Bit::even(); 2],
        cut: Bit::even(),
        cells: Bit::expected(1 << 10, 2),
        exponential: Bit::even(),
        degrees: [[Bit::even(); 1 << DEGREE_BITS]; 2],
        axes: [Bit::even(); 3],
        shifts: Integers::default(),
    };
    tree.root = code_branch(given.map(|tree| &tree.root), tree.extent(), unit, false, &mut models, coder)?;
    Ok(tree)
}

fn code_branch(
    given: Option<&Branch>,
    extent: Extent,
    unit: usize,
    beside_empty: bool,
    models: &mut Models,
    coder: &mut Coder<'_>,
) -> Result<Branch> {
    let is = |wanted: fn(&Branch) -> bool| given.is_some_and(wanted);
    let empty = &mut models.empty[usize::from(beside_empty)];
    if coder.bit(empty, is(|branch| matches!(branch, Branch::Leaf(Model::Empty)))) {
        return Ok(Branch::Leaf(Model::Empty));
    }
    if !coder.bit(&mut models.cut, is(|branch| matches!(branch, Branch::Split(..)))) {
        if coder.bit(&mut models.cells, is(|branch| matches!(branch, Branch::Leaf(Model::Cells)))) {
            return Ok(Branch::Leaf(Model::Cells));
        }
        let exponential =
            coder.bit(&mut models.exponential, is(|branch| matches!(branch, Branch::Leaf(Model::Log(_)))));
        let degree = match given {
            Some(Branch::Leaf(Model::Log(degree) | Model::Linear(degree))) => *degree,
            _ => 0,
        };
        let mut read = 1;
        for place in (0..DEGREE_BITS).rev() {
            let digit = coder.bit(&mut models.degrees[usize::from(exponential)][read], degree >> place & 1 == 1);
            read = read << 1 | usize::from(digit);
        }
        let degree = read - (1 << DEGREE_BITS);
        if degree > MAX_DEGREE {
            return Err(malformed(format!("a leaf of degree {degree}")));
        }
        return Ok(Branch::Leaf(if exponential { Model::Log(degree) } else { Model::Linear(degree) }));
    }
    let (given_cuts, given_branches) = match given {
        Some(Branch::Split(cuts, branches)) => (*cuts, &branches[..]),
        _ => ([None; 3], &[][..]),
    };
    let mut cuts = [None; 3];
    for axis in 0..3 {
        // An axis of one cell is never cut.
        if extent[axis].len < 2 || !coder.bit(&mut models.axes[axis], given_cuts[axis].is_some()) {
            continue;
        }
        let middle = halved(extent[axis], unit)[0].len as i64;
        let shift = given_cuts[axis].map_or(0, |cut| (cut as i64 - middle) / unit as i64);
        let shift = coder.integer(&mut models.shifts, shift)?;
        let cut = shift.checked_mul(unit as i64).and_then(|shift| shift.checked_add(middle)).unwrap_or(0);
        if cut < 1 || cut >= extent[axis].len as i64 {
            return Err(malformed(format!("a box of {} cells cut after {cut}", extent[axis].len)));
        }
        cuts[axis] = Some(cut as usize);
    }
    if cuts == [None; 3] {
        return Err(malformed("a box that is cut nowhere"));
    }
    let mut branches = Vec::new();
    let mut beside_empty = false;
    for (index, part) in parts(extent, cuts).into_iter().enumerate() {
        let branch = code_branch(given_branches.get(index), part, unit, beside_empty, models, coder)?;
        beside_empty |= matches!(branch, Branch::Leaf(Model::Empty));
        branches.push(branch);
    }
    Ok(Branch::Split(cuts, branches))
}
