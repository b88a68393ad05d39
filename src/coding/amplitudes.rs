//! The amplitudes of an expansion: all of an array, or those kept and where they stand.

use super::coder::Coder;
use super::models::Reals;
use crate::error::Result;

/// Positions in an array, ascending (none: all of them), and the numbers that stand there.
pub(crate) type Kept = (Option<Vec<u32>>, Vec<f64>);

impl Coder<'_> {
    /// Amplitudes of an array of `len`, to the last bit.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream).
    pub(crate) fn kept(&mut self, given: Option<(Option<&[u32]>, &[f64])>, len: usize) -> Result<Kept> {
        let sparse = self.bits(u64::from(given.is_some_and(|(positions, _)| positions.is_some())), 1) == 1;
        let positions =
            if sparse { Some(self.positions(given.and_then(|(positions, _)| positions), len)?) } else { None };
        let count = positions.as_ref().map_or(len, Vec::len);
        let mut reals = Reals::default();
        let amplitude = |index| given.and_then(|(_, amplitudes)| amplitudes.get(index)).copied().unwrap_or(0.0);
        let amplitudes = (0..count).map(|index| self.real(&mut reals, amplitude(index))).collect::<Result<_>>()?;
        Ok((positions, amplitudes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let dense: Vec<f64> = (0..500_u32).map(|k| 100.0 * f64::from(k).sin() * (-0.02 * f64::from(k)).exp()).collect();
        let exact = |coder: &mut Coder<'_>, given: Option<(Option<&[u32]>, &[f64])>| coder.kept(given, 500).unwrap();
        for given in [(None, &dense[..]), (Some(&[3, 77, 499][..]), &dense[..3]), (Some(&[][..]), &[][..])] {
            let mut writer = Coder::writing();
            let written = exact(&mut writer, Some(given));
            assert_eq!((written.0.as_deref(), &written.1[..]), given);
            assert_eq!(exact(&mut Coder::reading(&writer.finish()), None), written);
        }
    }
}
