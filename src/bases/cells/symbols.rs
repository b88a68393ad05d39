//! Coding of small integers in cells, most of them zero: which cells hold one, and how large it is.
//!
//! Nothing is predicted but the probability of each value. It follows from the mean of the cells around, which is known at
//! three scales for the cells that come before ([`Densities`]), and from the three cells next to it; the predictions of
//! these contexts are mixed. For particles that fall into cells at random this is as short as their positions can be told,
//! up to what the density around costs to learn. A row without density takes one decision.

use super::density::Densities;
use crate::coding::{CLASSES, Coder, FINE_CLASSES, Magnitudes, Mixing, Surroundings, class, fine_class};
use crate::error::Result;

/// Numbers of contexts of each aspect of a cell, as [`surroundings`] counts them.
const NEAR: usize = FINE_CLASSES * 4;
const WIDE: usize = FINE_CLASSES * 6;
const BOTH: usize = CLASSES * CLASSES;
const DIRECTIONS: usize = 4 * 4 * 4 * CLASSES;
const WIDEST: usize = FINE_CLASSES * 4;
const ASPECTS: usize = NEAR + WIDE + BOTH + DIRECTIONS + WIDEST;
/// Larger neighbours count as this one in contexts.
const MAX_NEIGHBOUR: u64 = 1000;

/// Writes the symbols of all cells in C order, or reads them.
///
/// # Errors
/// [`Error::MalformedStream`](crate::Error::MalformedStream) for a stream that holds a magnitude above 2⁶².
pub(super) fn code(shape: [usize; 3], symbols: &mut [i64], coder: &mut Coder<'_>) -> Result<()> {
    pass(shape, symbols, coder, |_, _, _| ())
}

/// Shows each symbol with its cell and a function that tells what it, or another one in its place, costs in 2⁻⁸ bits.
/// Symbols of empty rows are not shown.
///
/// The costs are those of a stream of these symbols, whatever is made of them: if an encoder learnt from its own choices,
/// each cell that it drops would make the next one cost more, and few bits less would empty the grid.
pub(super) fn weigh(
    shape: [usize; 3],
    symbols: &mut [i64],
    show: impl FnMut(usize, i64, &dyn Fn(u64) -> u32),
) -> Result<()> {
    pass(shape, symbols, &mut Coder::writing(), show)
}

#[inline(always)]
fn pass(
    shape: [usize; 3],
    symbols: &mut [i64],
    coder: &mut Coder<'_>,
    mut show: impl FnMut(usize, i64, &dyn Fn(u64) -> u32),
) -> Result<()> {
    let [nx, ny, nz] = shape;
    let (plane, row) = (ny * nz, nz);
    let mut models = Models::new();
    let mut densities = Densities::new(shape);
    let mut at = 0;
    for x in 0..nx {
        // Number of cells in the row before that are not zero.
        let mut in_row_before = 0;
        for y in 0..ny {
            let mut in_row = 0;
            let is_empty = symbols[at..at + nz].iter().all(|symbol| *symbol == 0);
            if models.is_empty_row(&densities, in_row_before, is_empty, coder) {
                symbols[at..at + nz].fill(0);
                at += nz;
            } else {
                for z in 0..nz {
                    let near = [
                        if x > 0 { symbols[at - plane] } else { 0 },
                        if y > 0 { symbols[at - row] } else { 0 },
                        if z > 0 { symbols[at - 1] } else { 0 },
                    ];
                    let around = surroundings(near, densities.at(z));
                    show(at, symbols[at], &|size| models.sizes.cost(&around, size));
                    symbols[at] = models.symbol(&around, near, symbols[at], coder)?;
                    densities.learn(z, symbols[at].unsigned_abs());
                    in_row += usize::from(symbols[at] != 0);
                    at += 1;
                }
            }
            densities.end_row();
            in_row_before = in_row;
        }
        densities.end_plane();
    }
    Ok(())
}

struct Models {
    sizes: Magnitudes<5>,
    signs: Mixing<2>,
    rows: Mixing<2>,
}

impl Models {
    fn new() -> Self {
        Self {
            sizes: Magnitudes::new(ASPECTS),
            signs: Mixing::new(27 + 1, 1),
            rows: Mixing::new(FINE_CLASSES + 4 * CLASSES, 1),
        }
    }

    /// Codes whether a row is empty, with two contexts: the largest mean along it, and that with the number of cells in the
    /// row before.
    fn is_empty_row(&mut self, densities: &Densities, before: usize, is_empty: bool, coder: &mut Coder<'_>) -> bool {
        let near = densities.of_row();
        let contexts = [fine_class(near), FINE_CLASSES + 4 * class(near) + before.min(3)];
        let expected = self.rows.expect(contexts, 0);
        coder.mixed(&mut self.rows, &expected, is_empty)
    }

    #[inline(always)]
    fn symbol(&mut self, around: &Surroundings<5>, near: [i64; 3], symbol: i64, coder: &mut Coder<'_>) -> Result<i64> {
        let size = self.sizes.code(around, symbol.unsigned_abs(), coder)? as i64;
        if size == 0 {
            return Ok(0);
        }
        // Two contexts: the signs of the three cells next to it, and none.
        let signs = near.iter().fold(0, |all, symbol| 3 * all + (1 + symbol.signum()) as usize);
        let expected = self.signs.expect([signs, 27], 0);
        Ok(if coder.mixed(&mut self.signs, &expected, symbol < 0) { -size } else { size })
    }
}

/// The five contexts of a cell: the mean at each of the three scales with the sum of the three cells next to it (of the
/// widest, with the largest of them), the two narrower means together, and each of the three cells by itself.
#[inline(always)]
fn surroundings(near: [i64; 3], [narrow, wide, widest]: [u32; 3]) -> Surroundings<5> {
    let sizes = near.map(|symbol| symbol.unsigned_abs().min(MAX_NEIGHBOUR) as u32);
    let sum = sizes.iter().sum::<u32>() as usize;
    let largest = sizes.iter().fold(0, |largest, size| largest.max(*size)) as usize;
    let directions = sizes.iter().fold(0, |all, size| 4 * all + (*size).min(3) as usize);
    let mut begin = 0;
    let mut after = |len: usize, index: usize| {
        begin += len;
        begin - len + index
    };
    let aspects = [
        after(NEAR, fine_class(narrow) * 4 + sum.min(3)),
        after(WIDE, fine_class(wide) * 6 + sum.min(5)),
        after(BOTH, class(narrow) * CLASSES + class(wide)),
        after(DIRECTIONS, directions * CLASSES + class(wide)),
        after(WIDEST, fine_class(widest) * 4 + largest.min(3)),
    ];
    Surroundings { aspects, expected: class(narrow) }
}
