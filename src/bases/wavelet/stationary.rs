//! The stationary transform: every shift at once, seven details a cell and level.

use super::filters::{Bank, WaveletFilter};
use super::kernels::{one_sum, shrunk, two_sums};
use super::transform::{most_levels, most_levels_of};
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// The stationary (undecimated, à-trous) wavelet transform: filters as [`Wavelet`](super::Wavelet), but no number is left
/// out, so that a shift of the distribution shifts its coefficients (Nason and Silverman 1995, Lecture Notes in Statistics
/// 103, 281). Redundant: made for removing noise and for looking, not for storing.
///
/// Periodic, and equal to PyWavelets' `swtn` where that is defined; here any size will do. The inverse takes the mean
/// over all shifts.
///
/// ```
/// use vdf_basis::bases::wavelet::{Stationary, WaveletFilter};
/// use vdf_basis::{Vdf, VelocityGrid};
///
/// let vdf = Vdf::from_fn(VelocityGrid::unit([9, 10, 11])?, |[x, y, z]| (x - y).sin() + z)?;
/// let stationary = Stationary::new(WaveletFilter::named("db4")?, 2);
/// let mut coefficients = stationary.analyse(&vdf)?;
/// assert_eq!(coefficients.details(1).count(), 7);
/// coefficients.soft_threshold(1e-3);
/// let smooth = stationary.synthesise(&coefficients, vdf.grid())?;
/// assert!((smooth.values()[[4, 5, 6]] - vdf.values()[[4, 5, 6]]).abs() < 0.02);
/// # Ok::<(), vdf_basis::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stationary {
    filter: WaveletFilter,
    levels: usize,
}

/// Stationary coefficients of a distribution: the approximation and, for each level, the details of every kind, all of the
/// shape of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct StationaryCoefficients {
    filter: WaveletFilter,
    shape: [usize; 3],
    approximation: Vec<f64>,
    /// From the finest level to the coarsest.
    details: Vec<Vec<Vec<f64>>>,
}

impl Stationary {
    /// With so many levels, 0 to [`Wavelet::max_level`](super::Wavelet::max_level) of the grid.
    #[must_use]
    pub fn new(filter: WaveletFilter, levels: usize) -> Self {
        Self { filter, levels }
    }

    /// Axes of more than one cell, which alone have details.
    fn axes(shape: [usize; 3]) -> impl DoubleEndedIterator<Item = usize> {
        (0..3).filter(move |&axis| most_levels(shape[axis]) > 0)
    }

    /// Values to coefficients.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for more levels than the grid has room for, with the maximum.
    pub fn analyse(&self, vdf: &Vdf) -> Result<StationaryCoefficients> {
        let shape = vdf.grid().shape();
        let most = most_levels_of(shape);
        if self.levels > most {
            return Err(Error::parameter("level", self.levels, format!("0 to {most} on a grid of {shape:?} cells")));
        }
        let bank = self.filter.bank();
        let mut approximation = vdf.as_slice().to_vec();
        let mut details = Vec::new();
        for level in 0..self.levels {
            let mut kinds = vec![approximation];
            for axis in Self::axes(shape) {
                let pairs = kinds.iter().map(|x| along(x, shape, axis, &bank, 1 << level));
                // Low before high, the axes before varying slower: the order `aad`, `ada`, … `ddd`.
                kinds = pairs.flatten().collect();
            }
            approximation = kinds.remove(0);
            details.push(kinds);
        }
        Ok(StationaryCoefficients { filter: self.filter, shape, approximation, details })
    }

    /// Coefficients to values.
    ///
    /// # Errors
    /// [`Error::GridMismatch`] for a grid of another shape, [`Error::ForeignCoefficients`] for those of another filter,
    /// [`Error::NotFinite`] if the values overflow.
    pub fn synthesise(&self, coefficients: &StationaryCoefficients, grid: &VelocityGrid) -> Result<Vdf> {
        let StationaryCoefficients { filter, shape, approximation, details } = coefficients;
        if grid.shape() != *shape {
            let [x, y, z] = shape;
            return Err(Error::GridMismatch { left: format!("{x} x {y} x {z} cells"), right: grid.to_string() });
        }
        if *filter != self.filter || details.len() != self.levels {
            let problem = format!("they are those of {} with {} levels", filter.name(), details.len());
            return Err(Error::ForeignCoefficients(problem));
        }
        let bank = filter.bank();
        let mut now = approximation.clone();
        for (level, details) in details.iter().enumerate().rev() {
            let mut kinds = vec![now];
            kinds.extend(details.iter().cloned());
            for axis in Self::axes(*shape).rev() {
                let pairs = kinds.chunks_exact(2);
                kinds = pairs.map(|pair| back(&pair[0], &pair[1], *shape, axis, &bank, 1 << level)).collect();
            }
            now = kinds.remove(0);
        }
        Vdf::from_vec(*grid, now)
    }
}

impl StationaryCoefficients {
    /// Levels.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.details.len()
    }

    /// The approximation at the coarsest level, in C order.
    #[must_use]
    pub fn approximation(&self) -> &[f64] {
        &self.approximation
    }

    /// The details of a level (1 the finest), each in C order, by kind: `aad`, `ada`, … `ddd`, without those that are
    /// high along an axis of one cell. None beyond the levels there are.
    pub fn details(&self, level: usize) -> impl Iterator<Item = &[f64]> {
        let level = level.checked_sub(1).and_then(|level| self.details.get(level));
        level.into_iter().flatten().map(Vec::as_slice)
    }

    /// Brings all details nearer to zero by `threshold`, those smaller to zero.
    pub fn soft_threshold(&mut self, threshold: f64) {
        self.details.iter_mut().flatten().flatten().for_each(|c| *c = shrunk(*c, threshold));
    }

    /// Sets all details to zero that are not larger in size than `threshold`.
    pub fn hard_threshold(&mut self, threshold: f64) {
        self.details.iter_mut().flatten().flatten().filter(|c| c.abs() <= threshold).for_each(|c| *c = 0.0);
    }
}

/// c\[o\] = Σ_j h\[j\] x\[o + (F/2 − j) s\] with both filters, s the distance of the taps.
fn along(x: &[f64], shape: [usize; 3], axis: usize, bank: &Bank, distance: usize) -> [Vec<f64>; 2] {
    let (n, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let places: Vec<isize> =
        (0..bank.len()).map(|j| (bank.len() as isize / 2 - j as isize) * distance as isize).collect();
    let taps = [&bank.analysis[0][..], &bank.analysis[1][..]];
    let (mut low, mut high) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let chunks = low.chunks_exact_mut(n * inner).zip(high.chunks_exact_mut(n * inner));
    if inner == 1 {
        let row = Row::new(&places, n);
        let mut continued = vec![0.0; row.from.len()];
        for (x, (low, high)) in x.chunks_exact(n).zip(chunks) {
            row.fill(&mut continued, x);
            two_sums(&continued, &row.offsets, taps, low, high);
        }
        return [low, high];
    }
    for (x, (low, high)) in x.chunks_exact(n * inner).zip(chunks) {
        let rows = low.chunks_exact_mut(inner).zip(high.chunks_exact_mut(inner));
        for (o, (low, high)) in rows.enumerate() {
            two_sums(x, &offsets(&places, o, n, inner), taps, low, high);
        }
    }
    [low, high]
}

/// x\[k\] = ½ Σ_j (g\[j\] low + g'\[j\] high)\[k + (F/2 − 1 − j) s\].
fn back(low: &[f64], high: &[f64], shape: [usize; 3], axis: usize, bank: &Bank, distance: usize) -> Vec<f64> {
    let (n, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let places: Vec<isize> =
        (0..bank.len()).map(|j| (bank.len() as isize / 2 - 1 - j as isize) * distance as isize).collect();
    let halves = [0, 1].map(|kind: usize| -> Vec<f64> { bank.synthesis[kind].iter().map(|g| 0.5 * g).collect() });
    let mut y = vec![0.0; low.len()];
    let mut sum = vec![0.0; inner.max(n)];
    let row = Row::new(&places, n);
    let mut continued = vec![0.0; row.from.len()];
    for (x, taps) in [low, high].into_iter().zip(&halves) {
        for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(n * inner)) {
            if inner == 1 {
                row.fill(&mut continued, x);
                one_sum(&continued, &row.offsets, taps, &mut sum[..n]);
                y.iter_mut().zip(&sum).for_each(|(y, s)| *y += s);
                continue;
            }
            for (k, y) in y.chunks_exact_mut(inner).enumerate() {
                one_sum(x, &offsets(&places, k, n, inner), taps, &mut sum[..inner]);
                y.iter_mut().zip(&sum).for_each(|(y, s)| *y += s);
            }
        }
    }
    y
}

fn offsets(places: &[isize], at: usize, n: usize, inner: usize) -> Vec<usize> {
    places.iter().map(|place| (at as isize + place).rem_euclid(n as isize) as usize * inner).collect()
}

/// A contiguous row continued far enough that every tap's numbers lie side by side.
struct Row {
    from: Vec<usize>,
    offsets: Vec<usize>,
}

impl Row {
    fn new(places: &[isize], n: usize) -> Self {
        let lowest = places.iter().copied().min().unwrap_or(0);
        let highest = places.iter().copied().max().unwrap_or(0);
        let from = (lowest..highest + n as isize).map(|place| place.rem_euclid(n as isize) as usize).collect();
        Self { from, offsets: places.iter().map(|place| (place - lowest) as usize).collect() }
    }

    fn fill(&self, continued: &mut [f64], x: &[f64]) {
        continued.iter_mut().zip(&self.from).for_each(|(to, &from)| *to = x[from]);
    }
}
