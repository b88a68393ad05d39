//! Choice of the correction for one distribution.

use super::MIN_GAIN;
use super::change::{Change, Correction, factor_of, positive};
use super::correction::Method;
use super::lattice::Residues;
use super::moments::{CellMoments, Cells, NARROW_IN_CELLS};
use super::occupancy::Occupancy;
use crate::distribution::fidelity::Reference;
use crate::distribution::vdf::Vdf;

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
/// Minimum error to which the growth is compared: below it, rounding errors may grow by any factor.
const ROUNDING_ERROR: f64 = 1e-9;
/// Part of the peak up to which negative densities count as ripples of a reconstruction, not as data.
const MAX_RIPPLES: f64 = 1e-6;

/// A correction, the density corrected by it, and its error.
pub(super) struct Attempt {
    pub(super) correction: Correction,
    changed: Vdf,
    l2: f64,
    /// True if the moments are exact relative to the density's own widths, not only to [`NARROW_IN_CELLS`].
    sharp: bool,
}

/// Data for the choice of a correction.
pub(super) struct Choice<'a> {
    vdf: &'a Vdf,
    decoded: &'a Vdf,
    heat_flux: bool,
    reference: Reference<'a>,
    cells: Cells,
    /// Factor by which the densities are multiplied, so that they are near one.
    factor: f64,
    wanted: CellMoments,
}

impl<'a> Choice<'a> {
    pub(super) fn new(vdf: &'a Vdf, decoded: &'a Vdf, heat_flux: bool) -> Self {
        let (factor, cells) = (factor_of(decoded), Cells::of(vdf.grid()));
        let wanted = CellMoments::of(&cells, &scaled(vdf, factor));
        Self { vdf, decoded, heat_flux, reference: Reference::new(vdf), cells, factor, wanted }
    }

    /// The correction to the nearest density with the moments; `None` if no density has them.
    ///
    /// [`Method::Even`] has no disadvantage if its search succeeds. [`Method::Tilt`] is also tried for densities that
    /// are positive everywhere, [`Method::Everywhere`] if the error has grown, and few cells if the result is still
    /// not near.
    pub(super) fn best(&self) -> Option<Attempt> {
        let before = self.reference.relative_l2(self.decoded);
        let found = CellMoments::of(&self.cells, &positive(self.decoded, self.factor));
        let residues = Residues::new(&self.cells, &self.wanted, &found, self.heat_flux);
        let mut best = None;
        if let Some(residues) = &residues {
            let attempt = |method| self.moments(method, None, residues);
            best = attempt(Method::Even);
            if !is_sharp(&best) || self.decoded.as_slice().iter().all(|&g| g >= 0.0) {
                best = better(best, attempt(Method::Tilt));
            }
            if !is_sharp(&best) || best.as_ref().is_some_and(|best| best.l2 > before) {
                best = better(best, attempt(Method::Everywhere));
            }
        }
        let ripples = MAX_RIPPLES * self.vdf.peak();
        let negative = self.vdf.as_slice().iter().any(|&f| f < -ripples);
        let most = if negative { f64::INFINITY } else { MAX_GROWTH * before.max(ROUNDING_ERROR) };
        if !is_near(&best, most) {
            best = better(best, self.on_few_cells(residues.as_ref(), most));
        }
        best
    }

    /// The correction restricted to the original's occupied blocks; `None` unless it lowers the error.
    pub(super) fn in_blocks(&self, best: &Attempt) -> Option<Attempt> {
        let Correction::Moments { method, occupied: None, residues } = &best.correction else { return None };
        let grid = self.vdf.grid();
        let blocks = Occupancy::blocks(grid.shape(), |cell| self.vdf.as_slice()[cell] != 0.0);
        let mut within = best.changed.clone().into_values();
        if let Some(values) = within.as_slice_mut() {
            blocks.for_each_outside(grid, grid, |cell| values[cell] = 0.0);
        }
        let worth = self.reference.relative_l2(&Vdf::new(*grid, within).ok()?) < (1.0 - MIN_GAIN) * best.l2;
        let attempt = worth.then(|| self.moments(*method, Some(blocks), residues)).flatten()?;
        (attempt.sharp || !best.sharp).then_some(attempt)
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
            Some(residues) if !few && !all => self.moments(Method::Everywhere, Some(cells.clone()), residues),
            _ => None,
        };
        if is_near(&searched, most) { searched } else { self.densities(cells) }
    }

    /// Cells with a density above [`LEFT_OUT`], over the number of cells, of the maximum that the moments allow in the
    /// cell (Cantelli): all others together change no moment by more than [`LEFT_OUT`].
    fn holding_cells(&self) -> Option<Occupancy> {
        let grid = self.vdf.grid();
        let change = Change::to(self.wanted, self.factor, &self.cells).ok()?;
        let [x, y, z] = change.most(grid, grid);
        let least = LEFT_OUT / grid.cells() as f64;
        let holds = |cell: usize| {
            let [i, j, k] = grid.index_of(cell);
            let most = x[i].min(y[j]).min(z[k]);
            self.vdf.as_slice()[cell] * change.factor() > least * most
        };
        Some(Occupancy::cells(grid.shape(), holds))
    }

    fn moments(&self, method: Method, occupied: Option<Occupancy>, residues: &Residues) -> Option<Attempt> {
        self.attempt(Correction::Moments { method, occupied, residues: residues.clone() })
    }

    fn densities(&self, occupied: Occupancy) -> Option<Attempt> {
        let values = self.vdf.values();
        let densities =
            values.indexed_iter().filter(|((x, y, z), _)| occupied.contains([*x, *y, *z])).map(|(_, f)| *f).collect();
        self.attempt(Correction::Densities { occupied, densities })
    }

    /// Applies a correction and checks the moments; `None` if they are wrong or the search fails.
    fn attempt(&self, correction: Correction) -> Option<Attempt> {
        let changed = correction.changed(self.decoded, self.heat_flux).ok()?;
        let found = CellMoments::of(&self.cells, &scaled(&changed, self.factor));
        let agree = |narrowest| found.error(&self.wanted, &self.cells, narrowest, self.heat_flux) <= MAX_ERROR;
        let sharp = agree(0.0);
        let l2 = self.reference.relative_l2(&changed);
        (sharp || agree(NARROW_IN_CELLS)).then_some(Attempt { correction, changed, l2, sharp })
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

impl Attempt {
    pub(super) fn l2(&self) -> f64 {
        self.l2
    }
}

fn is_sharp(attempt: &Option<Attempt>) -> bool {
    attempt.as_ref().is_some_and(|attempt| attempt.sharp)
}

/// True if an attempt is sharp, and its error at most `most`.
fn is_near(attempt: &Option<Attempt>, most: f64) -> bool {
    attempt.as_ref().is_some_and(|attempt| attempt.sharp && attempt.l2 <= most)
}

/// The better of two attempts: a sharp one before one that is not, then the one with the smaller error.
fn better(a: Option<Attempt>, b: Option<Attempt>) -> Option<Attempt> {
    [a, b].into_iter().flatten().min_by(|a, b| b.sharp.cmp(&a.sharp).then(a.l2.total_cmp(&b.l2)))
}

fn scaled(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| f * factor).collect()
}
