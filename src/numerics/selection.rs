//! Selection of the terms of an expansion: all, the largest n, those above a threshold, or the fewest for a given
//! error.

use super::scaling::normalising_factor;
use crate::error::{Error, Result};

/// Criterion for the terms that an expansion keeps.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Selection {
    /// Every term.
    #[default]
    All,
    /// The n terms with the largest coefficients; of equal ones the first. Zeros are never kept.
    Largest(usize),
    /// Terms whose coefficient exceeds this magnitude, in the unit of the distribution.
    Above(f64),
    /// The fewest largest terms whose omission loses at most this part of the coefficients' norm, which is the error
    /// `l2` of the reconstruction in an orthonormal basis.
    Error(f64),
}

impl Selection {
    /// Returns this selection if its number is in range.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] with the key of a spec, the number and the range.
    pub(crate) fn validated(self) -> Result<Self> {
        match self {
            Self::Largest(0) => Err(Error::parameter("terms", 0, "at least one")),
            Self::Above(t) if !(t >= 0.0 && t.is_finite()) => {
                Err(Error::parameter("threshold", t, "a finite number that is not negative"))
            }
            Self::Error(e) if !(0.0..=1.0).contains(&e) => Err(Error::parameter("discard", e, "a number from 0 to 1")),
            _ => Ok(self),
        }
    }

    /// Ascending positions of the values kept; `None` for all of them.
    pub(crate) fn positions(self, values: &[f64]) -> Option<Vec<u32>> {
        match self {
            Self::All => None,
            Self::Largest(terms) => Some(largest(values, terms)),
            Self::Above(threshold) => Some(above(values, threshold)),
            Self::Error(share) => Some(enough(values, share)),
        }
    }
}

/// Ascending positions of the values whose magnitude exceeds `threshold`. There are at most 2³² values.
fn above(values: &[f64], threshold: f64) -> Vec<u32> {
    let numbered = (0..=u32::MAX).zip(values);
    numbered.filter(|(_, value)| value.abs() > threshold).map(|(position, _)| position).collect()
}

fn largest(values: &[f64], terms: usize) -> Vec<u32> {
    let mut positions = above(values, 0.0);
    if terms < positions.len() {
        positions.select_nth_unstable_by_key(terms, |&position| rank(values, position));
        positions.truncate(terms);
        positions.sort_unstable();
    }
    positions
}

fn enough(values: &[f64], share: f64) -> Vec<u32> {
    let mut positions = above(values, 0.0);
    positions.sort_unstable_by_key(|&position| rank(values, position));
    let peak = positions.first().map_or(0.0, |&position| values[position as usize].abs());
    let factor = normalising_factor(peak);
    let square = |position: u32| (values[position as usize] * factor).powi(2);
    // The squares are added from the smallest to the largest, so that small ones are not lost to rounding.
    let total: f64 = positions.iter().rev().map(|&position| square(position)).sum();
    let mut left_out = 0.0;
    while let Some(&position) = positions.last() {
        left_out += square(position);
        if left_out > share * share * total {
            break;
        }
        positions.pop();
    }
    positions.sort_unstable();
    positions
}

/// Orders positions from the largest value to the smallest. Only leading digits are compared: of pairs that symmetry
/// makes equal the first is kept, whatever their rounding errors, which depend on the unit.
fn rank(values: &[f64], position: u32) -> (u64, u32) {
    (!(values[position as usize].abs().to_bits() >> 24), position)
}

/// Values at the given positions.
pub(crate) fn gathered(values: &[f64], positions: &[u32]) -> Vec<f64> {
    positions.iter().map(|&position| values[position as usize]).collect()
}

/// Array of `len` zeros with the values at their positions.
pub(crate) fn scattered(values: &[f64], positions: &[u32], len: usize) -> Vec<f64> {
    let mut array = vec![0.0; len];
    scatter(values, positions, &mut array);
    array
}

/// Writes values to their positions.
pub(crate) fn scatter(values: &[f64], positions: &[u32], array: &mut [f64]) {
    for (&position, &value) in positions.iter().zip(values) {
        array[position as usize] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [f64; 7] = [0.0, -3.0, 1e-20, 4.0, 3.0, -0.5, 0.0];

    #[test]
    fn each_selection_keeps_what_it_says() {
        let kept = |selection: Selection| selection.positions(&VALUES);
        assert_eq!(kept(Selection::All), None);
        assert_eq!(kept(Selection::Largest(2)), Some(vec![1, 3]));
        assert_eq!(kept(Selection::Largest(100)), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(kept(Selection::Above(0.5)), Some(vec![1, 3, 4]));
        assert_eq!(kept(Selection::Above(0.0)), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(kept(Selection::Error(0.0)), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(kept(Selection::Error(1.0)), Some(vec![]));
        // 0.5² and 3² of 34.25 may go.
        assert_eq!(kept(Selection::Error((9.3_f64 / 34.25).sqrt())), Some(vec![1, 3]));
    }

    #[test]
    fn the_unit_of_the_values_does_not_matter() {
        for factor in [1e-300, 1e-160, 1e170, 1e300] {
            let scaled = VALUES.map(|value| value * factor);
            for selection in [Selection::Largest(3), Selection::Error(0.1), Selection::Error(0.4)] {
                assert_eq!(selection.positions(&scaled), selection.positions(&VALUES), "{selection:?} x {factor:e}");
            }
        }
    }

    #[test]
    fn what_is_gathered_is_scattered_back() {
        let positions = [1, 3, 4];
        assert_eq!(scattered(&gathered(&VALUES, &positions), &positions, 7), [0.0, -3.0, 0.0, 4.0, 3.0, 0.0, 0.0]);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(Selection::Largest(0).validated().is_err() && Selection::Largest(1).validated().is_ok());
        assert!(Selection::Above(f64::NAN).validated().is_err() && Selection::Above(-1.0).validated().is_err());
        assert!(Selection::Error(1.5).validated().is_err() && Selection::Error(0.0).validated().is_ok());
    }
}
