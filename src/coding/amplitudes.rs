//! Coding of the amplitudes of an expansion: all of an array, or those kept, with their positions.

use super::coder::Coder;
use super::models::Reals;
use crate::error::{Error, Result};

/// Positions in an array, ascending (`None`: all of them), and the numbers at these positions.
pub(crate) type Kept = (Option<Vec<u32>>, Vec<f64>);

impl Coder<'_> {
    /// Codes amplitudes of an array of length `len`, to the last bit.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream), and
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for positions outside the array.
    pub(crate) fn kept(
        &mut self,
        positions: &mut Option<Vec<u32>>,
        amplitudes: &mut Vec<f64>,
        len: usize,
    ) -> Result<()> {
        let sparse = self.bits(u64::from(positions.is_some()), 1) == 1;
        let count = match sparse {
            true => {
                let positions = positions.get_or_insert_default();
                self.positions(positions, len)?;
                positions.len()
            }
            false => {
                *positions = None;
                len
            }
        };
        self.sized(amplitudes, count)?;
        let mut reals = Reals::default();
        for amplitude in amplitudes {
            *amplitude = self.real(&mut reals, *amplitude)?;
        }
        Ok(())
    }

    /// Resizes a list to be read to a length that the reader knows; a list to be written must have it.
    ///
    /// # Errors
    /// [`Error::ForeignCoefficients`] for a list to be written of another length.
    pub fn sized<T: Clone + Default>(&mut self, list: &mut Vec<T>, len: usize) -> Result<()> {
        if self.is_reading() {
            list.clear();
            list.resize(len, T::default());
        } else if list.len() != len {
            return Err(Error::ForeignCoefficients(format!("{} numbers, where {len} belong", list.len())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let dense: Vec<f64> = (0..500_u32).map(|k| 100.0 * f64::from(k).sin() * (-0.02 * f64::from(k)).exp()).collect();
        for given in [(None, dense.clone()), (Some(vec![3, 77, 499]), dense[..3].to_vec()), (Some(vec![]), vec![])] {
            let code = |coder: &mut Coder<'_>, (mut positions, mut amplitudes): Kept| {
                coder.kept(&mut positions, &mut amplitudes, 500).unwrap();
                (positions, amplitudes)
            };
            let mut writer = Coder::writing();
            assert_eq!(code(&mut writer, given.clone()), given);
            // The numbers that a reader passes are ignored.
            let bytes = writer.finish();
            for other in [(None, vec![]), (Some(vec![1, 2]), vec![7.0; 900])] {
                assert_eq!(code(&mut Coder::reading(&bytes), other), given);
            }
        }
        assert!(Coder::writing().kept(&mut None, &mut vec![1.0; 3], 4).is_err());
    }
}
