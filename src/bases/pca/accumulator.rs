//! Mean and covariance of a population, gathered distribution by distribution.

use faer::MatRef;

use super::population::PopulationPca;
use super::principal::{Principal, by_gram, gram_directions, orthonormalise, seen, turn};
use super::randomised;
use super::{NAME, Values};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::numerics::scaling::{largest_magnitude, normalising_factor};

/// Takes in the distributions of a population, one after another, and learns its principal components.
///
/// It holds their mean and as many rows R as are needed for RᵀR = Σ (x − mean)(x − mean)ᵀ. A distribution x adds
/// the row √(n/(n+1)) (x − mean); another accumulator adds its rows and √(n m/(n+m)) times the difference of the means
/// (Chan, Golub and LeVeque 1983, Am. Stat. 37, 242). So parts of a population can be taken in anywhere, by threads or
/// by processes ([`PcaAccumulator::write`]), and [merged](PcaAccumulator::merge) in any order, to the same within rounding.
///
/// More rows than needed are turned into fewer by the eigenvectors of the shorter of RRᵀ and RᵀR. Nothing is lost where
/// as many are kept as there are cells; [`PcaAccumulator::with_capacity`] keeps fewer, for a bounded memory.
///
/// ```
/// use vdf_basis::bases::pca::{PcaAccumulator, Values};
/// use vdf_basis::{Basis, Sampling, ShockPopulation};
///
/// let population = ShockPopulation::new(40);
/// let grid = population.grid(16)?;
/// let mut parts = [0, 1].map(|_| PcaAccumulator::new(grid, Values::default()).unwrap());
/// for (k, distribution) in population.iter().enumerate() {
///     parts[k % 2].add(&distribution?.sample(&grid, Sampling::default())?)?;
/// }
/// let [mut all, other] = parts;
/// all.merge(&other)?;
/// let basis = all.learn(8)?;
/// let vdf = population.get(11)?.sample(&grid, Sampling::default())?;
/// let coefficients = basis.encode(&vdf)?; // a floor and eight scores
/// assert_eq!(coefficients.scores().len(), 8);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PcaAccumulator {
    pub(super) grid: VelocityGrid,
    pub(super) values: Values,
    /// Rows that may be kept, and that may be added to them before they are made fewer.
    pub(super) capacity: usize,
    pub(super) batch: usize,
    pub(super) count: u64,
    /// Largest value met; mean, rows and what was lost are in units of the power of two next to it.
    pub(super) peak: f64,
    pub(super) mean: Vec<f64>,
    pub(super) rows: Vec<f64>,
    /// Sum of the squares that were left out.
    pub(super) lost: f64,
}

impl PcaAccumulator {
    /// For distributions on one grid. Exact: holds up to twice as many rows as there are cells, one a distribution.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a floor that is not a positive number.
    pub fn new(grid: VelocityGrid, values: Values) -> Result<Self> {
        let cells = grid.cells();
        Ok(Self {
            grid,
            values: values.checked()?,
            capacity: cells,
            batch: cells,
            count: 0,
            peak: 0.0,
            mean: vec![0.0; cells],
            rows: Vec::new(),
            lost: 0.0,
        })
    }

    /// With only the leading directions kept whenever a batch of distributions has come together: never more than
    /// `directions + batch` rows of 8 bytes a cell are held, whatever the size of the population. What is lost is known
    /// ([`PcaAccumulator::lost`]); twice the components to be learnt is a good number of directions.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for none of either.
    pub fn with_capacity(self, directions: usize, batch: usize) -> Result<Self> {
        for (name, value) in [("directions", directions), ("batch", batch)] {
            if value == 0 {
                return Err(Error::parameter(name, value, "at least one"));
            }
        }
        Ok(Self { capacity: directions.min(self.grid.cells()), batch, ..self })
    }

    /// The grid of the population.
    #[must_use]
    pub fn grid(&self) -> &VelocityGrid {
        &self.grid
    }

    /// The numbers of a distribution that the components describe.
    #[must_use]
    pub fn values(&self) -> Values {
        self.values
    }

    /// The number of distributions taken in.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The share of the total variance that was left out to keep within the capacity: every sum of explained variances
    /// is right to that share. 0 for an exact accumulator.
    #[must_use]
    pub fn lost(&self) -> f64 {
        if self.lost > 0.0 { self.lost / self.total() } else { 0.0 }
    }

    /// Sum of squared distances from the mean, in the accumulator's units.
    fn total(&self) -> f64 {
        self.lost + self.rows.iter().map(|x| x * x).sum::<f64>()
    }

    /// Takes in a distribution.
    ///
    /// # Errors
    /// [`Error::GridMismatch`] naming both grids if it is not on the population's, [`Error::Degenerate`] if no density
    /// is above the floor.
    pub fn add(&mut self, vdf: &Vdf) -> Result<()> {
        self.same_grid(vdf.grid())?;
        let (values, _) = self.values.of(vdf)?;
        self.reach(largest_magnitude(&values));
        let factor = normalising_factor(self.peak);
        let count = self.count as f64;
        let (weight, share) = ((count / (count + 1.0)).sqrt(), 1.0 / (count + 1.0));
        if self.rows.capacity() == 0 && self.is_bounded() {
            // Growing would hold the rows twice. Where so much is not to be had, they grow all the same.
            let most = self.capacity.saturating_add(self.batch).saturating_mul(values.len());
            let _ = self.rows.try_reserve_exact(most);
        }
        let row = self.mean.iter_mut().zip(values.iter()).map(|(mean, value)| {
            let distance = value * factor - *mean;
            *mean += share * distance;
            weight * distance
        });
        if self.count == 0 {
            // The first is the mean itself, and adds nothing to the covariance.
            row.for_each(drop);
        } else {
            self.rows.extend(row);
        }
        self.count += 1;
        self.keep_within()
    }

    /// Takes in what another accumulator has taken in. The other's capacity does not matter.
    ///
    /// # Errors
    /// [`Error::GridMismatch`] naming both grids, [`Error::InvalidParameter`] for one of other values.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.same_grid(&other.grid)?;
        if self.values != other.values {
            let (value, allowed) = (format!("{:?}", other.values), format!("{:?}, as here", self.values));
            return Err(Error::parameter("values", value, allowed));
        }
        if other.count == 0 {
            return Ok(());
        }
        self.reach(other.peak);
        let ratio = normalising_factor(self.peak) / normalising_factor(other.peak);
        let (n, m) = (self.count as f64, other.count as f64);
        let (weight, share) = ((n / (n + m) * m).sqrt(), m / (n + m));
        self.rows.extend(other.rows.iter().map(|x| x * ratio));
        let difference = self.mean.iter_mut().zip(&other.mean).map(|(mean, value)| {
            let distance = value * ratio - *mean;
            *mean += share * distance;
            weight * distance
        });
        if self.count == 0 {
            difference.for_each(drop);
        } else {
            self.rows.extend(difference);
        }
        self.count += other.count;
        self.lost += other.lost * ratio * ratio;
        self.keep_within()
    }

    fn same_grid(&self, grid: &VelocityGrid) -> Result<()> {
        if *grid == self.grid {
            return Ok(());
        }
        Err(Error::GridMismatch { left: self.grid.to_string(), right: grid.to_string() })
    }

    fn is_bounded(&self) -> bool {
        self.capacity < self.grid.cells()
    }

    /// Brings everything to the unit of a larger peak; exact, since units are powers of two.
    fn reach(&mut self, peak: f64) {
        if peak <= self.peak {
            return;
        }
        let ratio = normalising_factor(peak) / normalising_factor(self.peak);
        if ratio != 1.0 && self.peak > 0.0 {
            self.mean.iter_mut().chain(&mut self.rows).for_each(|x| *x *= ratio);
            self.lost *= ratio * ratio;
        }
        self.peak = peak;
    }

    pub(super) fn row_count(&self) -> usize {
        self.rows.len() / self.mean.len()
    }

    fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.rows, self.mean.len(), self.row_count())
    }

    /// Makes the rows fewer once there are more than may be.
    fn keep_within(&mut self) -> Result<()> {
        let (cells, rows) = (self.mean.len(), self.row_count());
        if rows < self.capacity.saturating_add(self.batch) {
            return Ok(());
        }
        let of_rows = rows <= cells;
        let (directions, variances) = gram_directions(self.matrix(), of_rows)?;
        let kept = seen(&variances, rows.max(cells)).min(self.capacity);
        self.lost += variances[kept..].iter().map(|v| v.max(0.0)).sum::<f64>();
        if of_rows {
            turn(&mut self.rows, cells, directions.subcols(0, kept));
            self.rows.truncate(kept * cells);
        } else {
            self.rows.truncate(kept * cells);
            for (k, row) in self.rows.chunks_exact_mut(cells).enumerate() {
                let length = variances[k].sqrt();
                row.iter_mut().zip(directions.col(k).iter()).for_each(|(x, d)| *x = length * d);
            }
        }
        Ok(())
    }

    /// The population's mean and its leading components; fewer where fewer describe it, none of a single distribution.
    /// Explained variances are right to 1e-14 of the total variance; components with less than about 1e-7 of the first one's
    /// standard deviation are rounding and are left out. Needs room for the components and no more.
    ///
    /// # Errors
    /// [`Error::Degenerate`] for an empty population, [`Error::InvalidParameter`] for no components.
    pub fn learn(&self, components: usize) -> Result<PopulationPca> {
        self.learnt(components, |x, most| Ok(by_gram(x, most)?.0))
    }

    /// As [`PcaAccumulator::learn`], by random projections and power iterations: faster where there are many more rows
    /// than components, but with room for some copies of both. It iterates until another iteration adds less than
    /// `tolerance` of the total variance to the variance explained, which then misses the largest possible by that order.
    ///
    /// # Errors
    /// As [`PcaAccumulator::learn`], and for a tolerance that is not between 0 and 1.
    pub fn learn_randomised(&self, components: usize, tolerance: f64) -> Result<PopulationPca> {
        if !(tolerance > 0.0 && tolerance < 1.0) {
            return Err(Error::parameter("tolerance", tolerance, "a number between 0 and 1"));
        }
        self.learnt(components, |x, most| randomised::principal(x, most, tolerance))
    }

    fn learnt(
        &self,
        components: usize,
        principal: impl Fn(MatRef<'_, f64>, usize) -> Result<Principal>,
    ) -> Result<PopulationPca> {
        if components == 0 {
            return Err(Error::parameter("components", components, "at least one"));
        }
        if self.count == 0 {
            return Err(Error::Degenerate { basis: NAME, reason: "the population is empty".to_owned() });
        }
        let (cells, rows) = (self.mean.len(), self.row_count());
        let mut found = if rows == 0 {
            Principal { components: Vec::new(), scores: Vec::new() }
        } else {
            principal(self.matrix(), components)?
        };
        let squares: Vec<f64> =
            found.scores.chunks_exact(rows.max(1)).map(|scores| scores.iter().map(|s| s * s).sum()).collect();
        let kept = seen(&squares, rows.max(cells));
        found.components.truncate(kept * cells);
        orthonormalise(&mut found.components, cells);
        let factor = normalising_factor(self.peak);
        let freedom = (self.count as f64 - 1.0).max(1.0);
        let variances: Vec<f64> = squares[..kept].iter().map(|square| square / freedom).collect();
        let mean = self.mean.iter().map(|mean| mean / factor).collect();
        let (variances, unit) = in_units(variances, self.total() / freedom, factor);
        PopulationPca::new(self.grid, self.values, self.count, mean, found.components, variances, unit)
    }
}

/// Variances, and their total, of values that were multiplied by a power of two, and the unit of whose square they are:
/// 1 where their own unit leaves them in the range of `f64`, else what the values were divided by.
fn in_units(variances: Vec<f64>, total: f64, factor: f64) -> ((Vec<f64>, f64), f64) {
    let own: Vec<f64> = variances.iter().map(|variance| variance / factor / factor).collect();
    let own_total = total / factor / factor;
    let all = variances.iter().zip(&own).chain([(&total, &own_total)]);
    if all.into_iter().all(|(scaled, own)| *scaled == 0.0 || own.is_normal()) {
        ((own, own_total), 1.0)
    } else {
        ((variances, total), 1.0 / factor)
    }
}
