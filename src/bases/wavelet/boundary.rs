//! The continuation of a row of cells beyond its ends.

use super::filters::WaveletFilter;

/// The continuation of an axis beyond its ends.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Boundary {
    /// From the beginning, an odd axis after its last cell is repeated once; PyWavelets' `periodization`. n cells give
    /// ⌈n/2⌉ coefficients of each kind.
    #[default]
    Periodic,
    /// Mirrored at the cells' edges; PyWavelets' `symmetric`. No jump at the ends, but with F taps n cells give
    /// ⌊(n + F − 1)/2⌋ coefficients of each kind, more than there are cells.
    Symmetric,
    /// Mirrored at the middle of the first and the last cell: no jump at the ends, and n cells give ⌈n/2⌉ low and ⌊n/2⌋
    /// high coefficients, as many as there are cells. Only of the symmetric pairs of odd length, `bior2.2` and `bior4.4`,
    /// whose default it is.
    WholeSample,
}

pub(super) const BOUNDARIES: [(&str, Boundary); 3] =
    [("periodic", Boundary::Periodic), ("symmetric", Boundary::Symmetric), ("whole-sample", Boundary::WholeSample)];

impl Boundary {
    /// The one that keeps the number of cells, without a jump where the filter allows it.
    pub(super) fn of(filter: WaveletFilter) -> Self {
        if filter.is_odd() { Self::WholeSample } else { Self::Periodic }
    }

    /// Coefficients of each kind that one level makes of n cells.
    pub(super) fn half(self, n: usize, taps: usize) -> usize {
        match self {
            Self::Periodic | Self::WholeSample => n.div_ceil(2),
            Self::Symmetric => (n + taps - 1) / 2,
        }
    }

    /// High coefficients that are kept: mirrored at the middle of its last cell, an odd axis would only repeat one.
    pub(super) fn high(self, n: usize, taps: usize) -> usize {
        match self {
            Self::WholeSample => n / 2,
            _ => self.half(n, taps),
        }
    }

    /// Its name in a spec.
    pub(super) fn name(self) -> &'static str {
        BOUNDARIES.iter().find(|(_, boundary)| *boundary == self).map_or("", |(name, _)| name)
    }

    /// The cell that stands at a place of the continued axis.
    pub(super) fn cell(self, place: isize, n: usize) -> usize {
        match self {
            Self::Periodic => (place.rem_euclid((n + n % 2) as isize) as usize).min(n - 1),
            Self::Symmetric => {
                let cell = place.rem_euclid(2 * n as isize) as usize;
                if cell < n { cell } else { 2 * n - 1 - cell }
            }
            Self::WholeSample => {
                let period = 2 * (n - 1).max(1);
                let cell = place.rem_euclid(period as isize) as usize;
                if cell < n { cell } else { period - cell }
            }
        }
    }
}
