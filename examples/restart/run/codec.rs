//! Codecs through which the distributions go at the restart.

use rayon::prelude::*;
use vdf_basis::bases::pca::Values;
use vdf_basis::container::MOST_CELLS;
use vdf_basis::{
    AnyBasis, Archive, ArchiveCell, ArchiveFacts, ArchiveWriter, Batch, Error, PcaAccumulator, PopulationPca, Registry,
    Result, Vdf,
};

/// Distributions as a reader of their streams finds them, and the streams' length.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// One distribution a cell.
    pub distributions: Vec<Vdf>,
    /// Bytes of all streams.
    pub bytes: usize,
    /// Those of them that are the same however many cells there are.
    pub shared: usize,
}

/// Turns distributions into bytes and back.
pub trait Codec {
    /// Name in tables.
    fn name(&self) -> String;
    /// The distributions of all cells after a way through their streams.
    fn through(&self, distributions: &[Vdf]) -> Result<Decoded>;
}

/// A basis of this crate: one stream a cell.
#[derive(Debug, Clone)]
pub struct Streams {
    spec: String,
    basis: AnyBasis,
}

impl Streams {
    /// Streams of a spec, as `conserve(smallest:l2=0.01)`.
    pub fn new(spec: &str) -> Result<Self> {
        Ok(Self { spec: spec.to_owned(), basis: Registry::standard().parse(spec)? })
    }
}

impl Codec for Streams {
    fn name(&self) -> String {
        self.spec.clone()
    }

    fn through(&self, distributions: &[Vdf]) -> Result<Decoded> {
        let mut streams = Vec::with_capacity(distributions.len());
        Batch::default()
            .encode(&self.basis, distributions.iter().cloned(), |_, bytes| bytes.map(|b| streams.push(b)))?;
        let registry = Registry::standard();
        let decode = |bytes: &Vec<u8>| registry.decode(bytes)?.reconstruct();
        let distributions = streams.par_iter().map(decode).collect::<Result<_>>()?;
        Ok(Decoded { distributions, bytes: streams.iter().map(Vec::len).sum(), shared: 0 })
    }
}

/// Mean and principal components of all cells go through streams once; each cell is its moments and a few scores.
/// `deviation` bounds the error relative to the deviations from the mean, in the root mean square over all cells.
#[derive(Debug, Clone)]
pub struct Shared {
    deviation: f64,
}

impl Shared {
    /// Parts of the bound that are tried one after another, for components that are left out and for streams. The rest is
    /// for exact moments, whose effect is not known before.
    const TRIED: [f64; 3] = [0.9, 0.65, 0.45];
    /// The beginning of its names.
    pub const PREFIX: &str = "shared:";
    const KEY: &str = "deviation";

    /// A codec by its name, as `shared:deviation=0.001`. `None` for names that do not begin with `shared:`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a deviation that is not between 0 and 1, or another option.
    pub fn named(name: &str) -> Option<Result<Self>> {
        let option = name.strip_prefix(Self::PREFIX)?;
        let deviation = option.strip_prefix(Self::KEY).and_then(|rest| rest.strip_prefix('=')?.parse().ok());
        let allowed = || format!("{}=PART, a number between 0 and 1", Self::KEY);
        let refused = || Error::InvalidParameter { name: "shared", value: option.to_owned(), allowed: allowed() };
        let deviation = deviation.filter(|part| *part > 0.0 && *part < 1.0).ok_or_else(refused);
        Some(deviation.map(|deviation| Self { deviation }))
    }

    /// Refuses distributions whose deviations from their mean have changed by more than is allowed.
    fn check(&self, before: &[Vdf], after: &[Vdf]) -> Result<()> {
        let mean = |all: &[Vdf], k: usize| all.iter().map(|vdf| vdf.as_slice()[k]).sum::<f64>() / all.len() as f64;
        let (mut lost, mut all) = (0.0, 0.0);
        for k in 0..before[0].as_slice().len() {
            let (of_before, of_after) = (mean(before, k), mean(after, k));
            for (f, g) in before.iter().zip(after) {
                let deviation = f.as_slice()[k] - of_before;
                lost += (g.as_slice()[k] - of_after - deviation).powi(2);
                all += deviation * deviation;
            }
        }
        let reached = (lost / all).sqrt();
        if lost == 0.0 || reached <= self.deviation {
            return Ok(());
        }
        let say = |value: f64| format!("{} = {value:.3e}", Self::KEY);
        Err(Error::TargetNotMet { basis: self.name(), target: say(self.deviation), reached: say(reached) })
    }
}

impl Codec for Shared {
    fn name(&self) -> String {
        format!("{}{}={}", Self::PREFIX, Self::KEY, self.deviation)
    }

    fn through(&self, distributions: &[Vdf]) -> Result<Decoded> {
        let mut accumulator = PcaAccumulator::new(*distributions[0].grid(), Values::Linear)?;
        distributions.iter().try_for_each(|vdf| accumulator.add(vdf))?;
        let learnt = accumulator.learn(distributions.len())?;
        let attempt = |part: f64| {
            let decoded = Self::attempt(&learnt, distributions, part * self.deviation)?;
            self.check(distributions, &decoded.distributions)?;
            Ok(decoded)
        };
        let [first, others @ ..] = Self::TRIED;
        others.into_iter().fold(attempt(first), |found, part| match found {
            Err(Error::TargetNotMet { .. }) => attempt(part),
            found => found,
        })
    }
}

impl Shared {
    /// All cells by components of this accuracy.
    fn attempt(learnt: &PopulationPca, distributions: &[Vdf], deviation: f64) -> Result<Decoded> {
        let components = learnt.to_stream(deviation)?;
        let pca = PopulationPca::from_stream(&components)?;
        let spec = format!("conserve({pca})");
        let registry = Registry::standard().with_value(pca)?;
        let cells = distributions.iter().zip(0..);
        let cells = cells.map(|(vdf, cell)| Ok(ArchiveCell { cell, facts: ArchiveFacts::default(), vdf: vdf.clone() }));
        let mut writer = ArchiveWriter::new(Vec::new())?.with_registry(registry.clone());
        writer.write("electrons", &registry.parse(&spec)?, cells, |_, written| written)?;
        let bytes = writer.finish()?;
        let length = bytes.len() + components.len();
        let archive = Archive::from_bytes_with(bytes, &registry, MOST_CELLS)?;
        let mut decoded = Vec::new();
        for group in 0..archive.groups().count() {
            let records = archive.read_group(group)?;
            decoded.extend(records.iter().map(|record| record.expansion.reconstruct()).collect::<Result<Vec<_>>>()?);
        }
        Ok(Decoded { distributions: decoded, bytes: length, shared: components.len() })
    }
}
