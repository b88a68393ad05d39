//! Particles drawn from a distribution.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Particles, affine};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::moments::Moments;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::hilbert_curve::index_along_curve;
use crate::numerics::quasi_random::{point, unit};
use crate::numerics::scaling::normalising_factor;

/// Density within a cell, of which only the value is known.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WithinCell {
    /// A product of linear functions along the axes, with the slopes of central differences, as far as they leave the
    /// density positive. The mean over the cell is its value.
    #[default]
    Linear,
    /// The same density everywhere in the cell.
    Uniform,
    /// All particles at the centre.
    Centre,
}

/// Arrangement of the particles.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Arrangement {
    /// A quiet start (Birdsall and Langdon 1985, chapter 16). Particles lie at equal steps of the running sum of the
    /// density along Hilbert's curve through the cells, so that every octant of the grid, every octant of an octant and
    /// so on holds its share of the particles to within one. Positions within cells are quasi-random. The seed shifts
    /// all of them.
    #[default]
    Quiet,
    /// Independent random particles.
    Random,
}

/// Settings by which particles are drawn from a distribution.
///
/// The particles have equal weights. Density, bulk velocity and pressure tensor are those of the distribution to
/// rounding, unless [exact moments](Self::with_exact_moments) are switched off: an affine map of all velocities corrects
/// what sampling, and the spread of particles within cells, change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParticleSampler {
    count: usize,
    seed: u64,
    arrangement: Arrangement,
    within: WithinCell,
    exact: bool,
}

impl ParticleSampler {
    /// Maximum number of particles: 2³², which take 128 GiB.
    pub const MAX_COUNT: usize = VelocityGrid::MAX_CELLS;
    /// Minimum number of particles that can have any pressure tensor.
    const MIN_EXACT: usize = 4;

    /// A sampler of `count` particles.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none, or more than [`Self::MAX_COUNT`].
    pub fn new(count: usize) -> Result<Self> {
        if count == 0 || count > Self::MAX_COUNT {
            return Err(Error::parameter("count", count, format!("1 to {} particles", Self::MAX_COUNT)));
        }
        let (arrangement, within) = (Arrangement::default(), WithinCell::default());
        Ok(Self { count, seed: 0, arrangement, within, exact: true })
    }

    /// Sets the seed. Two seeds give sets that are independent of each other.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the arrangement.
    #[must_use]
    pub fn with_arrangement(self, arrangement: Arrangement) -> Self {
        Self { arrangement, ..self }
    }

    /// Sets the density within a cell. A mixture that is sampled without a grid does not use it.
    #[must_use]
    pub fn with_density_within_cells(self, within: WithinCell) -> Self {
        Self { within, ..self }
    }

    /// Sets whether the affine map makes the moments exact (default: it does). Along an axis on which the distribution
    /// has a single cell the pressure vanishes: the map puts all particles at the centre of that axis.
    #[must_use]
    pub fn with_exact_moments(self, exact: bool) -> Self {
        Self { exact, ..self }
    }

    /// Number of particles.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Draws particles from a distribution. Cells with a negative value count as empty. The exact moments are those of
    /// [`Vdf::moments`], negative values included.
    ///
    /// # Errors
    /// [`Error::Degenerate`] if the distribution is nowhere positive, or, with exact moments, if its density is not
    /// positive or its pressure tensor has a negative eigenvalue, which negative values may cause.
    /// [`Error::InvalidParameter`] for fewer than four particles with exact moments.
    pub fn sample(&self, vdf: &Vdf) -> Result<Particles> {
        let cells = OccupiedCells::new(vdf)?;
        let moments = vdf.moments();
        let density = if self.exact { moments.density } else { cells.total * vdf.grid().cell_volume() };
        let mut draws = self.draws();
        let mut velocities = Vec::with_capacity(self.count);
        let mut place = Place::default();
        for index in 0..self.count {
            let (along, offsets) = draws.next(index);
            cells.advance(&mut place, along);
            velocities.push(cells.velocity(vdf, place.cell, offsets, self.within));
        }
        self.finish(velocities, density, &moments)
    }

    /// The numbers by which each particle is chosen.
    pub(crate) fn draws(&self) -> Draws {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let (shift, first) = (random.random(), unit(random.random()));
        Draws { count: self.count, arrangement: self.arrangement, random, shift, first }
    }

    /// Particles with these velocities and the density together, moments corrected if the user wants them exact.
    pub(crate) fn finish(&self, mut velocities: Vec<[f64; 3]>, density: f64, moments: &Moments) -> Result<Particles> {
        let mut weights = vec![density / self.count as f64; self.count];
        if self.exact {
            if self.count < Self::MIN_EXACT {
                let allowed = "at least 4 particles, or moments that are not exact";
                return Err(Error::parameter("count", self.count, allowed));
            }
            if density.is_nan() || density <= 0.0 {
                let reason = format!("its density is {density}");
                return Err(Error::Degenerate { basis: "particles", reason });
            }
            affine::corrected(&mut velocities, &mut weights, moments)?;
        }
        Particles::new(velocities, weights)
    }
}

/// Source of the numbers by which particles are chosen.
pub(crate) struct Draws {
    count: usize,
    arrangement: Arrangement,
    random: ChaCha8Rng,
    shift: [u64; 3],
    first: f64,
}

impl Draws {
    /// For particle `index`, a number that chooses its cell or component and three more, all between 0 and 1.
    pub(crate) fn next(&mut self, index: usize) -> (f64, [f64; 3]) {
        match self.arrangement {
            Arrangement::Quiet => ((index as f64 + self.first) / self.count as f64, point(index as u64, self.shift)),
            Arrangement::Random => (unit(self.random.random()), [(); 3].map(|()| unit(self.random.random()))),
        }
    }
}

/// Cells with a positive value along Hilbert's curve.
struct OccupiedCells {
    /// Positions of the cells in C order.
    cells: Vec<usize>,
    /// Sums of the values of the cells up to and including each, scaled.
    running: Vec<f64>,
    /// Sum of all values.
    total: f64,
    spacing: [f64; 3],
}

/// Position in the running sum.
#[derive(Default)]
struct Place {
    /// Index of an occupied cell along the curve.
    along: usize,
    /// Its position in C order.
    cell: usize,
}

impl OccupiedCells {
    fn new(vdf: &Vdf) -> Result<Self> {
        let (grid, values) = (vdf.grid(), vdf.as_slice());
        let digits = grid.shape().iter().map(|&n| usize::BITS - (n - 1).leading_zeros()).max().unwrap_or(0);
        let key = |cell: usize| index_along_curve(grid.index_of(cell).map(|k| k as u32), digits);
        let mut keyed: Vec<(u128, usize)> =
            values.iter().enumerate().filter(|&(_, &f)| f > 0.0).map(|(cell, _)| (key(cell), cell)).collect();
        keyed.sort_unstable();
        let largest = values.iter().fold(0.0, |largest, &f| f64::max(largest, f));
        if largest == 0.0 {
            let reason = "the distribution is nowhere positive".to_owned();
            return Err(Error::Degenerate { basis: "particles", reason });
        }
        let factor = normalising_factor(largest);
        let mut sum = 0.0;
        let running: Vec<f64> = keyed
            .iter()
            .map(|&(_, cell)| {
                sum += values[cell] * factor;
                sum
            })
            .collect();
        let cells = keyed.into_iter().map(|(_, cell)| cell).collect();
        Ok(Self { cells, running, total: sum / factor, spacing: grid.spacing() })
    }

    /// Moves to the cell in which the running sum reaches the fraction `along` of the total.
    fn advance(&self, place: &mut Place, along: f64) {
        let last = self.running.len() - 1;
        let target = along * self.running[last];
        /// Cells to which the next particle in order mostly moves on.
        const NEAR: usize = 16;
        let behind = place.along > 0 && self.running[place.along - 1] > target;
        if behind || self.running[(place.along + NEAR).min(last)] < target {
            place.along = self.running.partition_point(|&sum| sum < target).min(last);
        } else {
            while place.along < last && self.running[place.along] < target {
                place.along += 1;
            }
        }
        place.cell = self.cells[place.along];
    }

    /// A velocity in a cell, from three numbers between 0 and 1.
    fn velocity(&self, vdf: &Vdf, cell: usize, offsets: [f64; 3], within: WithinCell) -> [f64; 3] {
        let (grid, index) = (vdf.grid(), vdf.grid().index_of(cell));
        std::array::from_fn(|axis| {
            let offset = match within {
                WithinCell::Centre => 0.0,
                WithinCell::Uniform => offsets[axis] - 0.5,
                WithinCell::Linear => linear(offsets[axis], slope(vdf, cell, index, axis)),
            };
            grid.centre(axis, index[axis]) + offset * self.spacing[axis]
        })
    }
}

/// Relative slope (f₊ − f₋)/2f per cell along an axis, between −2 and 2, where the density vanishes at an edge of the
/// cell. The distribution is zero outside its grid.
fn slope(vdf: &Vdf, cell: usize, index: [usize; 3], axis: usize) -> f64 {
    let (values, [nx, ny, nz]) = (vdf.as_slice(), vdf.grid().shape());
    let (stride, cells) = [(ny * nz, nx), (nz, ny), (1, nz)][axis];
    let below = if index[axis] > 0 { values[cell - stride] } else { 0.0 };
    let above = if index[axis] + 1 < cells { values[cell + stride] } else { 0.0 };
    // Halved before they are subtracted, because the difference may overflow.
    let slope = (0.5 * above - 0.5 * below) / values[cell];
    if slope.is_nan() { 0.0 } else { slope.clamp(-2.0, 2.0) }
}

/// Position x between −½ and ½ at which ∫ (1 + s x') dx' from −½ reaches `fraction`.
fn linear(fraction: f64, slope: f64) -> f64 {
    // s x²/2 + x + ½ − s/8 = fraction, by the root that does not cancel for small s.
    let rest = fraction - 0.5 + 0.125 * slope;
    let root = (1.0 + 2.0 * slope * rest).max(0.0).sqrt();
    (2.0 * rest / (1.0 + root)).clamp(-0.5, 0.5)
}
