//! The mean and the components of a population as bytes: streams of their own, as coarse as the deviations from the mean
//! allow. Format: `docs/format.md`.

use super::MOST_CELLS;
use super::head::{self, Kind};
use crate::bases::pca::{PopulationPca, Values};
use crate::basis::Expansion;
use crate::coding::malformed;
use crate::distribution::grid::VelocityGrid;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};
use crate::registry::Registry;

/// The first bytes.
pub(super) const MAGIC: &[u8; 3] = b"VDC";
/// Bytes of the length of one stream.
const LENGTH: usize = 4;
/// Error `l2` of the mean as a part of the bound: exact moments make up for it in every distribution, which changes the
/// deviations. The mean is stored once, so that its bytes hardly count.
const OF_MEAN: f64 = 0.1;
/// Part of the squares that rounding leaves of all components together.
const ROUNDING: f64 = 1e-12;
/// Largest error `l2` of a component.
const MOST_OF_COMPONENT: f64 = 0.5;

impl PopulationPca {
    /// The mean and as many components as it takes, as bytes that [`PopulationPca::from_stream`] reads: in kilobytes what
    /// [`PopulationPca::write`] stores in megabytes.
    ///
    /// `deviation` is a part between 0 and 1. Take the distributions that these components were learnt from, and describe
    /// them by the components of the bytes. Their deviations from their mean then have an error of about this part at most,
    /// in the root mean square over all distributions: half of the squares is for components that are left out, half for
    /// streams. Exact moments, by `conserve` around the components, change the deviations besides: leave room for them, and
    /// check. Waves of a small amplitude survive, which no bound on single distributions keeps (`docs/fidelity.md`).
    ///
    /// The identity of what is read is the hash of these bytes, on every machine. Keep the bytes: the same basis
    /// [written](PopulationPca::write) to a file has another.
    ///
    /// # Errors
    /// [`Error::TargetNotMet`] if fewer components were learnt than the deviation needs. [`Error::InvalidParameter`] for a
    /// deviation that is not between 0 and 1, for components of logarithms, whose deviations are no densities, and for
    /// components of which it is not known how much they explain ([`PopulationPca::from_parts`]).
    /// [`Error::LimitExceeded`] for so many components that orthogonalising them takes minutes. Those of encoding.
    ///
    /// ```
    /// use vdf_basis::bases::pca::Values;
    /// use vdf_basis::{Basis, Fidelity, PcaAccumulator, PopulationPca, Registry, Vdf, VelocityGrid};
    ///
    /// // A wave: drifts that differ by a hundredth of the thermal speed.
    /// let grid = VelocityGrid::unit([12; 3])?;
    /// let moved = |k: u32| Vdf::from_fn(grid, |[x, y, z]| {
    ///     let x = x - 5.5 - 0.02 * f64::from(k).sin();
    ///     (-(x * x + (y - 5.0).powi(2) + (z - 6.0).powi(2)) / 8.0).exp()
    /// });
    /// let mut all = PcaAccumulator::new(grid, Values::Linear)?;
    /// (0..16).try_for_each(|k| all.add(&moved(k)?))?;
    ///
    /// let bytes = all.learn(16)?.to_stream(0.01)?;
    /// assert!(bytes.len() < 1000);
    /// let components = PopulationPca::from_stream(&bytes)?;
    /// // Each distribution is a few scores and its exact moments.
    /// let registry = Registry::standard().with_value(components.clone())?;
    /// let basis = registry.parse(&format!("conserve({components})"))?;
    /// let vdf = moved(3)?;
    /// let back = basis.reconstruct(&basis.encode(&vdf)?, &grid)?;
    /// assert!(Fidelity::compare(&vdf, &back)?.l2 < 1e-3);
    /// # Ok::<(), vdf_basis::Error>(())
    /// ```
    pub fn to_stream(&self, deviation: f64) -> Result<Vec<u8>> {
        if !(deviation > 0.0 && deviation < 1.0) {
            return Err(Error::parameter("deviation", deviation, "a number between 0 and 1"));
        }
        if self.values() != Values::Linear {
            return Err(Error::parameter("values", "of logarithms", "components of densities"));
        }
        let may_be_lost = 0.5 * deviation.powi(2);
        if self.count() == 0 {
            return Err(Error::parameter("components", "without variances", "components that were learnt"));
        }
        let (mut shares, mut left) = (Vec::new(), if self.explains_nothing() { 0.0 } else { 1.0 });
        for share in self.explained_variance_ratio() {
            if left <= may_be_lost || share == 0.0 {
                break;
            }
            left -= share;
            shares.push(share);
        }
        // Of all components together rounding may leave a little.
        if left > may_be_lost.max(ROUNDING) {
            let say = |deviation: f64| format!("deviation = {deviation:.3e}");
            let (basis, target) = (self.to_string(), say(deviation));
            return Err(Error::TargetNotMet { basis, target, reached: say((2.0 * left).sqrt()) });
        }
        check_work(self.grid(), shares.len())?;
        let (registry, grid) = (Registry::standard(), *self.grid());
        let stream = |spec: String, values: &[f64]| {
            Expansion::encode(&registry.parse(&spec)?, &Vdf::from_slice(grid, values)?)?.to_bytes()
        };
        let mut streams = vec![stream(format!("conserve(smallest:l2={:e})", OF_MEAN * deviation), self.mean())?];
        for (component, share) in self.components().zip(&shares) {
            // The scores of a component have its share of the squares, and so has its error.
            let l2 = (may_be_lost / (shares.len() as f64 * share)).sqrt().min(MOST_OF_COMPONENT);
            streams.push(stream(format!("balanced:l2={l2:e}"), component)?);
        }
        let mut content = Vec::new();
        for stream in streams {
            let length = u32::try_from(stream.len()).map_err(|_| Error::LimitExceeded {
                what: "bytes of a component".to_owned(),
                limit: u32::MAX as usize,
            })?;
            content.extend(length.to_le_bytes());
            content.extend(stream);
        }
        Ok(Kind::Components.sealed(&content))
    }

    /// The mean and the components of [`PopulationPca::to_stream`].
    ///
    /// # Errors
    /// [`Error::MalformedStream`] for bytes that are cut or damaged, [`Error::UnsupportedVersion`], [`Error::LimitExceeded`]
    /// for more than [`MOST_CELLS`] in all components together or too many components, and those of
    /// [`PopulationPca::from_parts`].
    pub fn from_stream(bytes: &[u8]) -> Result<Self> {
        Self::from_stream_within(bytes, MOST_CELLS)
    }

    /// As [`PopulationPca::from_stream`], with another limit on the cells of the mean and all components together.
    ///
    /// # Errors
    /// As [`PopulationPca::from_stream`].
    pub fn from_stream_within(bytes: &[u8], most_cells: usize) -> Result<Self> {
        let mut rest = head::checked(bytes, Kind::Components)?;
        let registry = Registry::standard();
        let mut distributions: Vec<Vdf> = Vec::new();
        while let Some((length, following)) = rest.split_first_chunk::<LENGTH>() {
            let length = u32::from_le_bytes(*length) as usize;
            let beyond = || malformed(format!("a component of {length} bytes, beyond its end"));
            let (stream, following) = following.split_at_checked(length).ok_or_else(beyond)?;
            // The first says how many cells each of the others may have.
            let most = match distributions.first() {
                Some(mean) => {
                    let cells = mean.grid().cells();
                    let more = distributions.len().saturating_add(1);
                    if more.saturating_mul(cells) > most_cells {
                        return Err(Error::LimitExceeded {
                            what: format!("{more} times {cells} cells"),
                            limit: most_cells,
                        });
                    }
                    cells
                }
                None => most_cells,
            };
            distributions.push(registry.decode_within(stream, most)?.reconstruct()?);
            rest = following;
        }
        let [mean, components @ ..] = &distributions[..] else { return Err(malformed("it holds no mean")) };
        if !rest.is_empty() {
            return Err(malformed("it ends within the length of a component"));
        }
        same_grid(mean.grid(), components)?;
        check_work(mean.grid(), components.len())?;
        Ok(Self::from_parts(Values::Linear, mean, components)?.identified_by(bytes))
    }
}

/// Refuses components whose orthogonalisation takes minutes: it multiplies each pair of them, cell by cell.
fn check_work(grid: &VelocityGrid, components: usize) -> Result<()> {
    const MOST: usize = 1 << 36;
    let products = components.saturating_mul(components).saturating_mul(grid.cells());
    match products <= MOST {
        true => Ok(()),
        false => {
            Err(Error::LimitExceeded { what: format!("{products} products of {components} components"), limit: MOST })
        }
    }
}

fn same_grid(grid: &VelocityGrid, components: &[Vdf]) -> Result<()> {
    match components.iter().find(|component| component.grid() != grid) {
        None => Ok(()),
        Some(other) => Err(malformed(format!("a component on {}, where the mean is on {grid}", other.grid()))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::CHECKSUM;
    use super::*;
    use crate::PcaAccumulator;
    use crate::basis::Basis;

    /// Damped ripples of a part of 1e-3 on a bell, other ones in each of 20 distributions.
    fn population() -> Vec<Vdf> {
        let ripple =
            |k: usize, x: f64| 1e-3 * (0.9 * x - 0.3 * k as f64).cos() + 2e-4 * (1.7 * x + 0.7 * k as f64).sin();
        let bell = |[x, y, z]: [f64; 3]| (-((x - 7.2).powi(2) + (y - 5.1).powi(2) + (z - 5.9).powi(2)) / 9.0).exp();
        let of = |k: usize| {
            Vdf::from_fn(VelocityGrid::unit([15, 11, 12]).unwrap(), |v| 1e-13 * bell(v) * (1.0 + ripple(k, v[0])))
        };
        (0..20).map(|k| of(k).unwrap()).collect()
    }

    fn learnt(all: &[Vdf], values: Values) -> PopulationPca {
        learnt_of(all, values, all.len())
    }

    fn learnt_of(all: &[Vdf], values: Values, components: usize) -> PopulationPca {
        let mut accumulator = PcaAccumulator::new(*all[0].grid(), values).unwrap();
        all.iter().for_each(|vdf| accumulator.add(vdf).unwrap());
        accumulator.learn(components).unwrap()
    }

    /// Error of the deviations from the mean, as a part of them, in the root mean square over all distributions.
    fn error_of_deviations(before: &[Vdf], after: &[Vdf]) -> f64 {
        let mean = |all: &[Vdf], cell: usize| all.iter().map(|f| f.as_slice()[cell]).sum::<f64>() / all.len() as f64;
        let (mut off, mut all) = (0.0, 0.0);
        for cell in 0..before[0].as_slice().len() {
            let [of_before, of_after] = [mean(before, cell), mean(after, cell)];
            for (f, g) in before.iter().zip(after) {
                let [f, g] = [f.as_slice()[cell] - of_before, g.as_slice()[cell] - of_after].map(|x| x * 1e13);
                off += (f - g).powi(2);
                all += f * f;
            }
        }
        (off / all).sqrt()
    }

    /// The identity, by the definition of the hash (64-bit FNV-1a).
    fn fnv(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn deviations_keep_the_part_of_them_that_is_asked_for() {
        let all = population();
        let learnt = learnt(&all, Values::Linear);
        let mut lengths = Vec::new();
        for deviation in [0.1, 0.01, 0.001] {
            let bytes = learnt.to_stream(deviation).unwrap();
            let read = PopulationPca::from_stream(&bytes).unwrap();
            assert_eq!(read, PopulationPca::from_stream(&bytes).unwrap());
            assert_eq!(read.hash(), fnv(&bytes));
            let through = |vdf: &Vdf| read.reconstruct(&read.encode(vdf).unwrap(), vdf.grid()).unwrap();
            let after: Vec<Vdf> = all.iter().map(through).collect();
            let reached = error_of_deviations(&all, &after);
            assert!(reached <= deviation, "{deviation}: {reached}");
            lengths.push(bytes.len());
        }
        // A bound ten times smaller has fewer than ten times the bytes, and none holds the cells themselves.
        assert!(
            lengths.windows(2).all(|pair| pair[0] < pair[1]) && lengths[2] < 8 * all[0].as_slice().len(),
            "{lengths:?}"
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let all = population();
        let linear = learnt(&all, Values::Linear);
        for deviation in [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY] {
            assert!(linear.to_stream(deviation).unwrap_err().to_string().contains("between 0 and 1"));
        }
        assert!(
            learnt(&all, Values::Log10 { floor: None }).to_stream(0.1).unwrap_err().to_string().contains("logarithms")
        );
        let parts = PopulationPca::from_parts(Values::Linear, &all[0], &all[1..2]).unwrap();
        assert!(parts.to_stream(0.1).unwrap_err().to_string().contains("learnt"));
        // One component of several.
        let missed = learnt_of(&all, Values::Linear, 1).to_stream(1e-3).unwrap_err();
        assert!(matches!(missed, Error::TargetNotMet { .. }), "{missed}");
        // All alike: the mean alone.
        let bytes = learnt(&[all[0].clone(), all[0].clone()], Values::Linear).to_stream(0.1).unwrap();
        assert_eq!(PopulationPca::from_stream(&bytes).unwrap().components().len(), 0);
    }

    #[test]
    fn damaged_and_hostile_bytes_are_refused() {
        let bytes = learnt(&population(), Values::Linear).to_stream(0.1).unwrap();
        for length in 0..bytes.len() {
            assert!(PopulationPca::from_stream(&bytes[..length]).is_err(), "{length}");
        }
        let resealed = |mut bytes: Vec<u8>| {
            let end = bytes.len() - CHECKSUM;
            let checksum = crc32fast::hash(&bytes[..end]);
            bytes[end..].copy_from_slice(&checksum.to_le_bytes());
            PopulationPca::from_stream(&bytes)
        };
        for position in 0..bytes.len() - CHECKSUM {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << (position % 8);
            assert!(PopulationPca::from_stream(&damaged).is_err());
            // With a right checksum outside there are those of the streams.
            assert!(resealed(damaged).is_err(), "{position}");
        }
        assert!(matches!(
            resealed([&b"VDC\x02"[..], &[0; 8]].concat()),
            Err(Error::UnsupportedVersion { found: 2, .. })
        ));
        assert!(resealed([&b"VDC\x01"[..], &[0; 4]].concat()).is_err());
        assert!(resealed([&b"VDC\x01"[..], &[255; 4], &[0; 4]].concat()).is_err());
    }
}
