//! The distributions of a group, one after another in one stream, of which each is coded with what those before it have
//! taught.

use super::facts::ArchiveFacts;
use super::set::Set;
use crate::basis::any_basis::AnyBasis;
use crate::basis::framing;
use crate::basis::{Coefficients, Expansion, MOST_COEFFICIENTS, Stream};
use crate::coding::{Bit, Coder, Integers, Resolution, malformed};
use crate::distribution::grid::VelocityGrid;
use crate::error::{Error, Result};

/// Largest id of a cell: a stream holds smaller integers.
const MAX_CELL: u64 = 1 << 61;

/// A cell as a group holds it.
#[derive(Debug, Clone)]
pub(super) struct Member<B: Stream> {
    pub(super) cell: u64,
    pub(super) facts: ArchiveFacts,
    pub(super) grid: VelocityGrid,
    pub(super) coefficients: B::Coefficients,
}

/// A group that is being written or read.
#[derive(Debug, Clone)]
pub(super) struct Group<'a> {
    coder: Coder<'a>,
    set: VelocityGrid,
    last: Last,
    held: Held,
}

/// Totals over the cells so far.
#[derive(Debug, Clone, Copy)]
struct Held {
    cells: usize,
    numbers: usize,
    most_numbers: usize,
}

impl Held {
    /// Most cells of grids: their number bounds the time that a made-up group takes to read.
    const MOST_CELLS: usize = 64 * framing::MOST_CELLS;
    /// Most coefficients: all of a group's are in memory at once.
    const MOST_NUMBERS: usize = framing::MOST_CELLS + MOST_COEFFICIENTS;

    fn add(&mut self, grid: &VelocityGrid, coefficients: &impl Coefficients) -> Result<()> {
        self.cells = self.cells.saturating_add(grid.cells());
        self.numbers = self.numbers.saturating_add(coefficients.count());
        let limits =
            [(self.cells, Self::MOST_CELLS, "cells of grids"), (self.numbers, self.most_numbers, "coefficients")];
        match limits.into_iter().find(|(held, limit, _)| held > limit) {
            Some((held, limit, what)) => {
                Err(Error::LimitExceeded { what: format!("{held} {what} in one group"), limit })
            }
            None => Ok(()),
        }
    }
}

/// The cell and the grid coded last, and models of the next ones.
#[derive(Debug, Clone)]
struct Last {
    cell: i64,
    stride: i64,
    same_stride: Bit,
    strides: Integers,
    grid: VelocityGrid,
    same_grid: Bit,
    on_lattice: Bit,
    /// Differences of a box's first cell, and of its shape, from those before.
    firsts: Integers,
    lengths: Integers,
}

impl<'a> Group<'a> {
    pub(super) fn writing(set: &Set) -> Group<'static> {
        Group::new(Coder::writing(), set)
    }

    pub(super) fn reading(bytes: &'a [u8], set: &Set) -> Self {
        Self::new(Coder::reading(bytes), set)
    }

    fn new(coder: Coder<'a>, set: &Set) -> Self {
        let last = Last {
            cell: 0,
            stride: 1,
            same_stride: Bit::even(),
            strides: Integers::default(),
            grid: set.grid,
            same_grid: Bit::expected(60_000, 2),
            on_lattice: Bit::expected(60_000, 2),
            firsts: Integers::default(),
            lengths: Integers::default(),
        };
        Self {
            coder: coder.remembering(),
            set: set.grid,
            last,
            held: Held { cells: 0, numbers: 0, most_numbers: Held::MOST_NUMBERS },
        }
    }

    /// This group with another limit on the coefficients of all its cells.
    #[cfg(test)]
    pub(super) fn with_most_numbers(mut self, most: usize) -> Self {
        self.held.most_numbers = most;
        self
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.coder.len()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.coder.finish()
    }

    /// Writes a cell.
    ///
    /// # Errors
    /// As [`Stream::code`]; [`Error::LimitExceeded`] for a group that would be too large, [`Error::InvalidParameter`] for an id beyond 2⁶¹ or facts that are not finite.
    pub(super) fn write<B: Stream>(&mut self, basis: &B, member: &Member<B>) -> Result<()> {
        if member.cell > MAX_CELL {
            return Err(Error::parameter("cell", member.cell, format!("at most {MAX_CELL}")));
        }
        let Member { facts, .. } = member;
        let mut numbers = [facts.position, facts.magnetic_field].into_iter().flatten().flatten().chain(facts.time);
        if let Some(odd) = numbers.find(|number| !number.is_finite()) {
            return Err(Error::parameter("facts of a cell", odd, "finite numbers"));
        }
        let (mut cell, mut facts, mut grid) = (member.cell as i64, member.facts, member.grid);
        self.last.code_cell(&mut self.coder, &mut cell)?;
        self.last.code_grid(&mut self.coder, &self.set, &mut grid, usize::MAX)?;
        facts.code(&mut self.coder)?;
        self.held.add(&grid, &member.coefficients)?;
        basis.code(&mut member.coefficients.clone(), &grid, Resolution::Exact, &mut self.coder)
    }

    /// Reads the next cell.
    ///
    /// # Errors
    /// As [`Stream::code`]; [`Error::LimitExceeded`] for a grid of more than `most_cells`.
    pub(super) fn read(&mut self, basis: &AnyBasis, most_cells: usize) -> Result<Read> {
        let (mut cell, mut facts, mut grid) = (0, ArchiveFacts::default(), self.set);
        self.last.code_cell(&mut self.coder, &mut cell)?;
        self.last.code_grid(&mut self.coder, &self.set, &mut grid, most_cells)?;
        facts.code(&mut self.coder)?;
        let mut coefficients = basis.blank(&grid);
        basis.code(&mut coefficients, &grid, Resolution::Exact, &mut self.coder)?;
        self.held.add(&grid, &coefficients)?;
        let cell = u64::try_from(cell).map_err(|_| malformed(format!("a cell of number {cell}")))?;
        Ok(Read { cell, facts, expansion: Expansion::from_parts(grid, basis.clone(), coefficients) })
    }
}

/// A cell that was read.
pub(super) struct Read {
    pub(super) cell: u64,
    pub(super) facts: ArchiveFacts,
    pub(super) expansion: Expansion<AnyBasis>,
}

impl Last {
    fn code_cell(&mut self, coder: &mut Coder<'_>, cell: &mut i64) -> Result<()> {
        let same = coder.bit(&mut self.same_stride, cell.saturating_sub(self.cell) == self.stride);
        if !same {
            self.stride = coder.integer(&mut self.strides, cell.saturating_sub(self.cell))?;
        }
        let next = self.cell.checked_add(self.stride).filter(|next| (0..=MAX_CELL as i64).contains(next));
        *cell = next.ok_or_else(|| malformed("a cell whose number is out of range"))?;
        self.cell = *cell;
        Ok(())
    }

    /// Codes the grid of a cell: the one before; a box of the set's grid, continued beyond its edges; or any other.
    fn code_grid(
        &mut self,
        coder: &mut Coder<'_>,
        set: &VelocityGrid,
        grid: &mut VelocityGrid,
        most_cells: usize,
    ) -> Result<()> {
        if coder.bit(&mut self.same_grid, *grid == self.grid) {
            *grid = self.grid;
            return framing::check_read(grid.shape(), most_cells);
        }
        let place = first_cell(set, grid);
        if coder.bit(&mut self.on_lattice, place.is_some()) {
            let before = (first_cell(set, &self.grid).unwrap_or_default(), self.grid.shape());
            let mut first = place.unwrap_or_default();
            let mut shape = grid.shape();
            for axis in 0..3 {
                first[axis] = before.0[axis] + coder.integer(&mut self.firsts, first[axis] - before.0[axis])?;
                let change = shape[axis] as i64 - before.1[axis] as i64;
                let length = before.1[axis] as i64 + coder.integer(&mut self.lengths, change)?;
                shape[axis] = usize::try_from(length).map_err(|_| malformed(format!("a box of {length} cells")))?;
            }
            framing::check_read(shape, most_cells)?;
            *grid = on_lattice(set, first, shape).ok_or_else(|| malformed("a box that is no grid"))?;
        } else {
            framing::code_grid(coder, grid, most_cells)?;
        }
        self.grid = *grid;
        Ok(())
    }
}

/// Largest distance of a box from the set's grid, in cells.
const MAX_FIRST: i64 = 1 << 30;

/// The first cell of a box in the cells of `set`, if this is such a box to the last bit.
fn first_cell(set: &VelocityGrid, grid: &VelocityGrid) -> Option<[i64; 3]> {
    let first = std::array::from_fn(|axis| {
        let place = ((grid.lower()[axis] - set.lower()[axis]) / set.spacing()[axis]).round();
        (place as i64).clamp(-MAX_FIRST, MAX_FIRST)
    });
    (on_lattice(set, first, grid.shape())? == *grid).then_some(first)
}

fn on_lattice(set: &VelocityGrid, first: [i64; 3], shape: [usize; 3]) -> Option<VelocityGrid> {
    if first.iter().any(|place| place.abs() > MAX_FIRST) {
        return None;
    }
    let lower = std::array::from_fn(|axis| set.lower()[axis] + first[axis] as f64 * set.spacing()[axis]);
    VelocityGrid::new(shape, lower, set.spacing()).ok()
}
