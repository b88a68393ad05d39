//! The amplitudes of an expansion: all of an array, or those kept and where they stand.

use super::coder::Coder;
use super::models::{Integers, Reals};
use super::numbers::multiple;
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

    /// Amplitudes of an array of `len`, rounded to multiples of `step`; those that become zero are not kept. `degree`
    /// says of a position how high its function is: what is learnt from one amplitude is expected of its like.
    ///
    /// # Errors
    /// [`Error::MalformedStream`](crate::Error::MalformedStream).
    pub(crate) fn rounded(
        &mut self,
        given: Option<&[f64]>,
        len: usize,
        step: f64,
        degree: impl Fn(usize) -> usize,
    ) -> Result<Kept> {
        // By degree, and by how large the two amplitudes before were.
        let mut models: Vec<[Integers; 3]> = Vec::new();
        let (mut positions, mut amplitudes) = (Vec::new(), Vec::new());
        let mut before = [0_u64; 2];
        for position in 0..len {
            let group = degree_group(degree(position));
            if models.len() <= group {
                models.resize_with(group + 1, Default::default);
            }
            let size = (before[0] + before[1]).min(2) as usize;
            let value = given.map_or(0, |given| multiple(given[position], step));
            let value = self.integer(&mut models[group][size], value)?;
            before = [value.unsigned_abs().min(2), before[0]];
            if value != 0 {
                positions.push(position as u32);
                amplitudes.push(value as f64 * step);
            }
        }
        Ok((Some(positions), amplitudes))
    }
}

/// Low degrees one by one, higher ones by octaves of four.
fn degree_group(degree: usize) -> usize {
    if degree < 8 {
        return degree;
    }
    let octave = degree.ilog2() as usize;
    4 * octave + (degree >> (octave - 2) & 3) - 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_rounding_keeps_it() {
        let dense: Vec<f64> = (0..500_u32).map(|k| 100.0 * f64::from(k).sin() * (-0.02 * f64::from(k)).exp()).collect();
        let exact = |coder: &mut Coder<'_>, given: Option<(Option<&[u32]>, &[f64])>| coder.kept(given, 500).unwrap();
        for given in [(None, &dense[..]), (Some(&[3, 77, 499][..]), &dense[..3]), (Some(&[][..]), &[][..])] {
            let mut writer = Coder::writing();
            let written = exact(&mut writer, Some(given));
            assert_eq!((written.0.as_deref(), &written.1[..]), given);
            assert_eq!(exact(&mut Coder::reading(&writer.finish()), None), written);
        }
        let mut writer = Coder::writing();
        let written = writer.rounded(Some(&dense), 500, 2.0, |k| k / 10).unwrap();
        let bytes = writer.finish();
        assert_eq!(Coder::reading(&bytes).rounded(None, 500, 2.0, |k| k / 10).unwrap(), written);
        assert!(bytes.len() < 250, "{}", bytes.len());
    }

    #[test]
    fn groups_of_degrees_grow_without_gaps() {
        let groups: Vec<usize> = (0..1000).map(degree_group).collect();
        assert!(groups.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1), "{groups:?}");
    }
}
