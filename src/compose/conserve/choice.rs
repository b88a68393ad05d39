//! Which correction serves a distribution best.

use super::LEAST_GAIN;
use super::change::{Change, Correction, factor_of, positive};
use super::correction::Method;
use super::figures::{Cells, Figures, NARROW_IN_CELLS};
use super::lattice::Residues;
use super::occupancy::Occupancy;
use crate::distribution::fidelity::Reference;
use crate::distribution::vdf::Vdf;

/// Largest error of a moment, in parts of its own scale, with what sums over the cells round away.
const MOST_ERROR: f64 = 1.1e-12;
/// The cells that are left out of those that hold the density change no moment by more than this part of its own scale.
const LEFT_OUT: f64 = 1e-13;
/// So few densities are no more bytes than the moments.
const FEW: usize = 8;
/// An error that is larger than before by this, and than rounding errors, calls for other ways: the nearest density is
/// never farther from an original that is nowhere negative.
const MOST_GROWTH: f64 = 1.02;
const ROUNDED: f64 = 1e-9;
/// Negative densities up to this part of the peak are none.
const RIPPLES: f64 = 1e-6;

/// A correction, what it makes of the decoded density, and how near that comes.
pub(super) struct Attempt {
    pub(super) correction: Correction,
    changed: Vdf,
    l2: f64,
    /// Whether moments are right in their own scale, however narrow the density is.
    sharp: bool,
}

/// The choice for one distribution.
pub(super) struct Choice<'a> {
    vdf: &'a Vdf,
    decoded: &'a Vdf,
    heat_flux: bool,
    reference: Reference<'a>,
    cells: Cells,
    /// The moments wanted are those of the original times this.
    factor: f64,
    wanted: Figures,
}

impl<'a> Choice<'a> {
    pub(super) fn new(vdf: &'a Vdf, decoded: &'a Vdf, heat_flux: bool) -> Self {
        let (factor, cells) = (factor_of(decoded), Cells::of(vdf.grid()));
        let wanted = Figures::of(&cells, &scaled(vdf, factor));
        Self { vdf, decoded, heat_flux, reference: Reference::new(vdf), cells, factor, wanted }
    }

    /// The nearest density with the moments, as far as a stream can say it; none where no density has them.
    pub(super) fn best(&self) -> Option<Attempt> {
        let before = self.reference.relative_l2(self.decoded);
        let found = Figures::of(&self.cells, &positive(self.decoded, self.factor));
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
        let ripples = RIPPLES * self.vdf.peak();
        let negative = self.vdf.as_slice().iter().any(|&f| f < -ripples);
        let most = if negative { f64::INFINITY } else { MOST_GROWTH * before.max(ROUNDED) };
        if !is_near(&best, most) {
            best = better(best, self.on_few_cells(residues.as_ref(), most));
        }
        best
    }

    /// The same in the original's occupied blocks, if that shrinks the error.
    pub(super) fn in_blocks(&self, best: &Attempt) -> Option<Attempt> {
        let Correction::Moments { method, occupied: None, residues } = &best.correction else { return None };
        let grid = self.vdf.grid();
        let blocks = Occupancy::blocks(grid.shape(), |cell| self.vdf.as_slice()[cell] != 0.0);
        let mut within = best.changed.clone().into_values();
        if let Some(values) = within.as_slice_mut() {
            blocks.for_each_outside(grid, grid, |cell| values[cell] = 0.0);
        }
        let worth = self.reference.relative_l2(&Vdf::new(*grid, within).ok()?) < (1.0 - LEAST_GAIN) * best.l2;
        let attempt = worth.then(|| self.moments(*method, Some(blocks), residues)).flatten()?;
        (attempt.sharp || !best.sharp).then_some(attempt)
    }

    /// Only those cells that hold more than nothing of any moment. Moments at the edge of what densities have leave no
    /// other: a search among few cells ends where one among all is lost in rounding errors. Few densities, and those that
    /// no search finds, are stored themselves.
    fn on_few_cells(&self, residues: Option<&Residues>, most: f64) -> Option<Attempt> {
        let cells = self.holding_cells()?;
        let (few, all) = (cells.count() <= FEW, cells.count() == self.vdf.as_slice().len());
        let searched = match residues {
            Some(residues) if !few && !all => self.moments(Method::Everywhere, Some(cells.clone()), residues),
            _ => None,
        };
        if is_near(&searched, most) { searched } else { self.densities(cells) }
    }

    /// The cells whose densities are more than nothing, compared with the most that these moments allow.
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

    /// None where this way no density has the moments.
    fn attempt(&self, correction: Correction) -> Option<Attempt> {
        let changed = correction.changed(self.decoded, self.heat_flux).ok()?;
        let found = Figures::of(&self.cells, &scaled(&changed, self.factor));
        let agree = |narrowest| found.error(&self.wanted, &self.cells, narrowest, self.heat_flux) <= MOST_ERROR;
        let sharp = agree(0.0);
        let l2 = self.reference.relative_l2(&changed);
        (sharp || agree(NARROW_IN_CELLS)).then_some(Attempt { correction, changed, l2, sharp })
    }

    /// Why there is no density with the moments.
    pub(super) fn reason(&self) -> String {
        let Figures { density, pressure: [xx, yy, zz, ..], .. } = self.wanted;
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

/// Whether an attempt is sharp, and not too far from the original.
fn is_near(attempt: &Option<Attempt>, most: f64) -> bool {
    attempt.as_ref().is_some_and(|attempt| attempt.sharp && attempt.l2 <= most)
}

/// Sharp ones first, then the nearer.
fn better(a: Option<Attempt>, b: Option<Attempt>) -> Option<Attempt> {
    [a, b].into_iter().flatten().min_by(|a, b| b.sharp.cmp(&a.sharp).then(a.l2.total_cmp(&b.l2)))
}

fn scaled(vdf: &Vdf, factor: f64) -> Vec<f64> {
    vdf.as_slice().iter().map(|f| f * factor).collect()
}
