//! Choice of the correction for one distribution.

use std::cmp::Ordering;
use std::f64::consts::LN_10;

use super::change::{Change, factor_of, positive};
use super::correction::{Correction, Way};
use super::halo::{Halo, Lack};
use super::lattice::Residues;
use super::method::{Method, Threshold};
use super::moments::{CellMoments, Cells, NARROW_IN_CELLS};
use super::occupancy::Occupancy;
use crate::distribution::decades::above;
use crate::distribution::fidelity::Reference;
use crate::distribution::vdf::Vdf;
use crate::numerics::summation::row_sums;

/// Maximum error of a moment, relative to its scale: 10⁻¹² plus the rounding errors of the sums over the cells.
const MAX_ERROR: f64 = 1.1e-12;
/// Maximum change of a moment, relative to its scale, by leaving out cells: a tenth of the promised error.
const LEFT_OUT: f64 = 1e-13;
/// Number of densities up to which they are stored themselves: eight at 64 bits take as many bytes as 13 moments at
/// about 35 bits.
const MAX_STORED: usize = 8;
/// Growth of the error `l2` from which on other methods are tried. The nearest density with the moments of an original
/// without negative values is never farther from it than the decoded one, so that growth means a failed search.
const MAX_GROWTH: f64 = 1.02;
/// Growth of the error in logarithms from which on other methods are tried.
const MAX_LOG_GROWTH: f64 = 1.05;
/// Minimum error to which the growth is compared: below it, rounding errors may grow by any factor.
const ROUNDING_ERROR: f64 = 1e-9;
/// Factor by which the product of the errors must be smaller to be preferred to the change that is the smallest in squares:
/// that one leaves numbers which were decoded nearest to their steps.
const CLEARLY: f64 = 1.1;
/// Part of the peak up to which negative densities count as ripples of a reconstruction, not as data.
const MAX_RIPPLES: f64 = 1e-6;

/// Lowest floor of logarithms, as a part of the peak: a choice must not depend on the unit of density.
const FLOOR: f64 = 1e-6;
/// Floors above which the error in logarithms is measured, in decades above the lowest: 10⁻⁶, 10⁻⁴ and 10⁻³ of the peak.
const FLOORS: [f64; 3] = [0.0, 2.0, 3.0];
/// Floor for the fit of a halo, likewise: 10⁻⁴ of the peak.
const HALO_FLOOR: f64 = 2.0;

/// Errors of a density: `l2`, and for each of [`FLOORS`] the root mean square of the difference of decades above it.
#[derive(Debug, Clone, Copy)]
struct Errors {
    l2: f64,
    logs: [f64; FLOORS.len()],
}

/// A correction and its errors.
struct Attempt {
    correction: Correction,
    errors: Errors,
    /// True if the moments are exact relative to the density's own widths, not only to [`NARROW_IN_CELLS`].
    sharp: bool,
}

impl Attempt {
    /// True for the change that is the smallest in squares.
    fn is_even(&self) -> bool {
        matches!(&self.correction, Correction::Moments { way: Way { method: Method::Even, halo: None, .. }, .. })
    }
}

/// Data for the choice of a correction.
pub(super) struct Choice<'a> {
    vdf: &'a Vdf,
    decoded: &'a Vdf,
    heat_flux: bool,
    reference: Reference<'a>,
    /// Lowest floor of the logarithms, and the decades of the original above it.
    floor: f64,
    decades: Vec<f64>,
    before: Errors,
    cells: Cells,
    /// Factor by which the densities are multiplied, so that they are near one.
    factor: f64,
    wanted: CellMoments,
}

impl<'a> Choice<'a> {
    pub(super) fn new(vdf: &'a Vdf, decoded: &'a Vdf, heat_flux: bool) -> Self {
        let (factor, cells) = (factor_of(decoded), Cells::of(vdf.grid()));
        let wanted = CellMoments::of(&cells, &scaled(vdf, factor));
        let floor = (FLOOR * vdf.peak()).max(f64::MIN_POSITIVE);
        let (reference, decades) = (Reference::new(vdf), above(vdf.as_slice(), floor));
        let before = Errors { l2: 0.0, logs: [0.0; FLOORS.len()] };
        let mut choice = Self { vdf, decoded, heat_flux, reference, floor, decades, before, cells, factor, wanted };
        choice.before = choice.errors(decoded);
        choice
    }

    /// The best correction; `None` if no density has the moments.
    ///
    /// [`Method::Everywhere`] is tried if the others enlarge an error, and few cells if the result is still not near.
    pub(super) fn best(&self) -> Option<Correction> {
        let found = CellMoments::of(&self.cells, &positive(self.decoded, self.factor));
        let residues = Residues::new(&self.cells, &self.wanted, &found, self.heat_flux);
        let mut best = None;
        if let Some(residues) = &residues
            && let Ok(change) = Change::new(self.decoded, residues, self.heat_flux)
        {
            let mut attempt = |way: Way| {
                let new = self.moments(&change, way, residues);
                best = self.better(best.take(), new);
                best.as_ref().is_some_and(|best| best.sharp && self.excess(best.errors) == [0.0; 2])
            };
            let halo = self.halo(&change);
            let mut enough = false;
            for method in Method::USUAL {
                enough = attempt(Way::new(method, halo));
            }
            if halo.is_some() && !enough {
                for method in [Method::Even, Method::Mixed(Threshold::Low)] {
                    enough = attempt(Way::new(method, None));
                }
            }
            if !enough {
                attempt(Way::new(Method::Everywhere, None));
            }
        }
        let ripples = MAX_RIPPLES * self.vdf.peak();
        let negative = self.vdf.as_slice().iter().any(|&f| f < -ripples);
        let most = if negative { f64::INFINITY } else { MAX_GROWTH * self.before.l2.max(ROUNDING_ERROR) };
        if !is_near(&best, most) {
            best = self.better(best, self.on_few_cells(residues.as_ref(), most));
        }
        best.map(|best| best.correction)
    }

    fn errors(&self, density: &Vdf) -> Errors {
        let found = above(density.as_slice(), self.floor);
        let difference = |f: f64, g: f64, floor: f64| {
            let [f, g] = [f, g].map(|decades| if decades > floor { decades } else { floor });
            (f - g) * (f - g)
        };
        let squares = row_sums(found.len(), |k| FLOORS.map(|floor| difference(self.decades[k], found[k], floor)));
        let logs = squares.map(|sum| (sum / found.len() as f64).sqrt());
        Errors { l2: self.reference.relative_l2(density), logs }
    }

    /// Growth of `l2`, and of the errors in logarithms.
    fn growth(&self, errors: Errors) -> (f64, [f64; FLOORS.len()]) {
        let of = |after: f64, before: f64| after.max(ROUNDING_ERROR) / before.max(ROUNDING_ERROR);
        let logs = std::array::from_fn(|k| of(errors.logs[k], self.before.logs[k]));
        (of(errors.l2, self.before.l2), logs)
    }

    /// Growth of `l2` beyond what is allowed, and of the errors in logarithms. That above the lowest floor does not count:
    /// most of it is the tail of ripples.
    fn excess(&self, errors: Errors) -> [f64; 2] {
        let (l2, [_, logs @ ..]) = self.growth(errors);
        let log = logs.into_iter().fold(0.0, f64::max);
        [(l2 / MAX_GROWTH - 1.0).max(0.0), (log / MAX_LOG_GROWTH - 1.0).max(0.0)]
    }

    /// Growth of `l2` times the mean growth in logarithms.
    fn product(&self, errors: Errors) -> f64 {
        let (l2, logs) = self.growth(errors);
        l2 * logs.into_iter().product::<f64>().powf(1.0 / FLOORS.len() as f64)
    }

    /// The better of two attempts: a sharp one before one that is not, then the one whose `l2` grows less beyond what is
    /// allowed, then the one whose logarithms do, then the one with the smaller product of the errors.
    fn better(&self, a: Option<Attempt>, b: Option<Attempt>) -> Option<Attempt> {
        let order = |attempt: &Attempt| {
            let [l2, log] = self.excess(attempt.errors);
            let clearly = if attempt.is_even() { 1.0 } else { CLEARLY };
            [if attempt.sharp { 0.0 } else { 1.0 }, l2, log, clearly * self.product(attempt.errors)]
        };
        let smaller = |a: &Attempt, b: &Attempt| {
            let pairs = order(a).into_iter().zip(order(b));
            pairs.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        [a, b].into_iter().flatten().min_by(smaller)
    }

    /// Halo for tails that the decoded density lacks.
    fn halo(&self, change: &Change) -> Option<Halo> {
        let (grid, maxwellian) = (self.vdf.grid(), change.maxwellian()?);
        let above_floor = |decades: &[f64]| -> Vec<f64> { decades.iter().map(|d| (d - HALO_FLOOR).max(0.0)).collect() };
        let wanted = above_floor(&self.decades);
        let found = above_floor(&above(self.decoded.as_slice(), self.floor));
        let log_floor = self.floor.ln() + HALO_FLOOR * LN_10 + change.factor().ln();
        let axes = change.axes(grid, grid);
        Lack { maxwellian: &maxwellian, axes: &axes, wanted: &wanted, found: &found, log_floor }.halo()
    }

    /// A correction on those cells only that contribute to the moments.
    ///
    /// Moments of a density in few cells, a narrow beam say, lie at the edge of the set of possible moments, and no
    /// density with other cells has them. A search among these cells converges where one among all is lost in rounding
    /// errors. A few densities, and those that no search finds, are stored themselves.
    fn on_few_cells(&self, residues: Option<&Residues>, most: f64) -> Option<Attempt> {
        let cells = self.holding_cells()?;
        let (few, all) = (cells.count() <= MAX_STORED, cells.count() == self.vdf.as_slice().len());
        let searched = match residues {
            Some(residues) if !few && !all => {
                let way = Way { cells: Some(cells.clone()), ..Way::new(Method::Everywhere, None) };
                let change = Change::new(self.decoded, residues, self.heat_flux).ok();
                change.and_then(|change| self.moments(&change, way, residues))
            }
            _ => None,
        };
        if is_near(&searched, most) { searched } else { self.densities(cells) }
    }

    /// Cells with a density above [`LEFT_OUT`], over the number of cells, of the maximum that the moments allow in the
    /// cell (Cantelli): all others together change no moment by more than [`LEFT_OUT`].
    fn holding_cells(&self) -> Option<Occupancy> {
        let grid = self.vdf.grid();
        let change = Change::to(self.wanted, self.factor, &self.cells, self.heat_flux).ok()?;
        let [x, y, z] = change.most(grid, grid);
        let least = LEFT_OUT / grid.cells() as f64;
        let holds = |cell: usize| {
            let [i, j, k] = grid.index_of(cell);
            let most = x[i].min(y[j]).min(z[k]);
            self.vdf.as_slice()[cell] * change.factor() > least * most
        };
        Some(Occupancy::new(grid.shape(), holds))
    }

    fn moments(&self, change: &Change, way: Way, residues: &Residues) -> Option<Attempt> {
        let changed = change.changed(self.decoded, None, &way).ok()?;
        self.attempt(&changed, || Correction::Moments { way, residues: residues.clone() })
    }

    fn densities(&self, occupied: Occupancy) -> Option<Attempt> {
        let values = self.vdf.values();
        let densities =
            values.indexed_iter().filter(|((x, y, z), _)| occupied.contains([*x, *y, *z])).map(|(_, f)| *f).collect();
        let correction = Correction::Densities { occupied, densities };
        let changed = correction.changed(self.decoded, self.heat_flux).ok()?;
        self.attempt(&changed, || correction)
    }

    /// Checks the moments of a corrected density; `None` if they are wrong.
    fn attempt(&self, changed: &Vdf, correction: impl FnOnce() -> Correction) -> Option<Attempt> {
        let found = CellMoments::of(&self.cells, &scaled(changed, self.factor));
        let agree = |narrowest| found.error(&self.wanted, &self.cells, narrowest, self.heat_flux) <= MAX_ERROR;
        let sharp = agree(0.0);
        let attempt = || Attempt { correction: correction(), errors: self.errors(changed), sharp };
        (sharp || agree(NARROW_IN_CELLS)).then(attempt)
    }

    /// Reason for an error if no density has the moments.
    pub(super) fn reason(&self) -> String {
        let CellMoments { density, pressure: [xx, yy, zz, ..], .. } = self.wanted;
        let values = self.vdf.as_slice();
        let negative = values.iter().filter(|&&f| f < 0.0).count();
        let mean = [xx, yy, zz].map(|pressure| format!("{:.3e}", pressure / density)).join(", ");
        format!(
            "no density that is nowhere negative has the moments of the original: density {:e}, squared widths {mean} cells, \
             {negative} of {} cells negative; set negative cells to zero first, or leave `conserve` out",
            density / self.factor * self.vdf.grid().cell_volume(),
            values.len()
        )
    }
}

/// True if an attempt is sharp, and its error at most `most`.
fn is_near(attempt: &Option<Attempt>, most: f64) -> bool {
    attempt.as_ref().is_some_and(|attempt| attempt.sharp && attempt.errors.l2 <= most)
}

fn scaled(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| f * factor).collect()
}
