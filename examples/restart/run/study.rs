//! One case with several codecs, which share its first half.

use vdf_basis::Result;

use super::cases::Case;
use super::codec::{Codec, Decoded};
use super::plasma::{Plasma, Resolution, Sample, Totals};
use super::rates::rate;
use super::rows::{Row, UNCOMPRESSED};

/// A case at half time, and the rest of it without a restart.
pub struct Study<'a> {
    case: &'a Case,
    steps: usize,
    first: Vec<Sample>,
    half: Plasma,
    end: Plasma,
    mode_at_end: f64,
    uncompressed: Row,
}

impl<'a> Study<'a> {
    /// Runs the case without a restart.
    pub fn new(case: &'a Case, resolution: &Resolution) -> Result<Self> {
        let steps = resolution.steps(0.5 * case.end);
        let mut half = Plasma::new(case, resolution)?;
        let start = half.totals();
        let mut first = vec![half.sample()];
        first.extend(half.run(steps));
        let mut end = half.clone();
        let second = end.run(steps);
        let mode_at_end = second.last().map_or(0.0, |sample| sample.mode);
        let totals = end.totals();
        let charge_drift = (totals.charge / start.charge - 1.0).abs();
        let uncompressed = Row {
            codec: UNCOMPRESSED.to_owned(),
            bytes_per_cell: resolution.dense_bytes(),
            mode_ratio_end: 1.0,
            momentum_drift: momentum_jump(&start, &totals).max(charge_drift),
            energy_drift: totals.energy / start.energy - 1.0,
            ..Row::default()
        };
        let mut study = Self { case, steps, first, half, end, mode_at_end, uncompressed };
        study.uncompressed = study.completed(study.uncompressed.clone(), &second);
        Ok(study)
    }

    /// The row without a restart.
    pub fn uncompressed(&self) -> &Row {
        &self.uncompressed
    }

    /// The run with a restart.
    pub fn restarted(&self, codec: &dyn Codec) -> Result<Row> {
        let Decoded { distributions, bytes, shared } = codec.through(&self.half.distributions()?)?;
        let mut plasma = self.half.with(&distributions);
        let (before, after) = (self.half.totals(), plasma.totals());
        let (field_before, field_after) = (self.half.sample().field_energy, plasma.sample().field_energy);
        let l2_restart = self.half.distance(&plasma);
        let second = plasma.run(self.steps);
        let row = Row {
            codec: codec.name(),
            bytes_per_cell: bytes as f64 / distributions.len() as f64,
            shared_bytes: shared,
            energy_jump: after.energy / before.energy - 1.0,
            momentum_jump: momentum_jump(&before, &after),
            charge_jump: after.charge / before.charge - 1.0,
            field_energy_jump: field_after / field_before - 1.0,
            l2_restart,
            l2_end: self.end.distance(&plasma),
            mode_ratio_end: second.last().map_or(0.0, |sample| sample.mode) / self.mode_at_end,
            ..Row::default()
        };
        Ok(self.completed(row, &second))
    }

    /// A row with what follows from the samples of the second half.
    fn completed(&self, row: Row, second: &[Sample]) -> Row {
        let all = || self.first.iter().chain(second);
        Row {
            case: self.case.name.to_owned(),
            rate: rate(self.case, second),
            theory: self.case.frequency().im,
            perturbation: self.half.perturbation(),
            times: all().map(|sample| rounded(sample.time)).collect(),
            field_energy: all().map(|sample| sample.field_energy).collect(),
            ..row
        }
    }
}

/// Times are multiples of the step; sums of it carry rounding errors, which would fill the files.
fn rounded(time: f64) -> f64 {
    (time * 1e6).round() * 1e-6
}

/// Relative to the momentum of all electrons at the thermal speed 1.
fn momentum_jump(before: &Totals, after: &Totals) -> f64 {
    let square = |i: usize| (after.momentum[i] - before.momentum[i]).powi(2);
    (0..3).map(square).sum::<f64>().sqrt() / before.charge
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::codec::{Shared, Streams};

    #[test]
    fn exact_moments_make_a_restart_without_a_jump() {
        let case = Case::named("landau").unwrap();
        let study = Study::new(case, &Resolution::QUICK).unwrap();
        let row = study.restarted(&Streams::new("conserve(fast:l2=0.03)").unwrap()).unwrap();
        for jump in [row.energy_jump, row.momentum_jump, row.charge_jump] {
            assert!(jump.abs() < 1e-11, "{row:?}");
        }
        assert!(row.l2_restart <= 0.03 && row.bytes_per_cell < study.uncompressed().bytes_per_cell);
        let error = row.rate_error(&[study.uncompressed().clone()]).unwrap();
        assert!(error.abs() < 5e-3, "{error}");
    }

    #[test]
    fn components_that_cells_share_keep_a_wave_that_is_far_below_the_error() {
        let study = Study::new(Case::named("landau").unwrap(), &Resolution::QUICK).unwrap();
        let row = study.restarted(&Shared::named("shared:deviation=0.0003").unwrap().unwrap()).unwrap();
        for jump in [row.energy_jump, row.momentum_jump, row.charge_jump] {
            assert!(jump.abs() < 1e-11, "{row:?}");
        }
        let error = row.rate_error(&[study.uncompressed().clone()]).unwrap();
        assert!(error.abs() < 5e-3 && row.bytes_per_cell < 350.0, "{error} {}", row.bytes_per_cell);
        for wrong in ["shared:deviation=0", "shared:deviation=1", "shared:deviation=nan", "shared:deviation", "shared:"]
        {
            assert!(Shared::named(wrong).unwrap().unwrap_err().to_string().contains("between 0 and 1"), "{wrong}");
        }
        assert!(Shared::named("fast").is_none());
    }

    #[test]
    fn a_lossless_restart_changes_nothing() {
        let study = Study::new(Case::named("two-stream").unwrap(), &Resolution::QUICK).unwrap();
        let row = study.restarted(&Streams::new("lossless").unwrap()).unwrap();
        assert_eq!((row.l2_end, row.energy_jump, row.mode_ratio_end), (0.0, 0.0, 1.0));
        assert_eq!(row.field_energy, study.uncompressed().field_energy);
    }
}
