//! The search for a network: of which width, trained how far.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vdf_basis::{Basis, Error, Expansion, Fidelity, Figure, QuantizedCoefficients, Result, Vdf};

use super::net::{Found, Frame};
use super::rounding::Joint;
use super::{Mlp, Net, NetCoefficients, Target};
use crate::inference::Network;
use crate::training::{Curvature, MOST_CURVED, Pass, Pool, Progress, Schedule, Trained, finished, fit, initial};
use crate::weights::Weights;

/// The course of an encoding.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The networks that were trained, in this order.
    pub attempts: Vec<Attempt>,
}

/// A network that was trained.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Units of a layer.
    pub width: usize,
    /// Number of weights.
    pub weights: usize,
    /// Length of the stream; none if the network misses the bound.
    pub bytes: Option<usize>,
    /// The errors during training.
    pub curve: Vec<Progress>,
}

impl Attempt {
    /// The error at the end of the training, before rounding.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.curve.last().map_or(f64::INFINITY, |progress| progress.error)
    }
}

/// Units of a layer where neither a width nor a bound is given.
const DEFAULT_WIDTH: usize = 16;
/// Part of a limit of l2 at which training stops: rounding uses the rest.
const PART_FOR_TRAINING: f64 = 0.8;

/// Coefficients that keep the bound of the basis, by the shortest stream of the networks that are tried.
pub(super) fn encode(
    mlp: &Mlp,
    vdf: &Vdf,
    start: Option<&NetCoefficients>,
) -> Result<(QuantizedCoefficients<Net>, Report)> {
    let data = Data::new(mlp, vdf)?;
    let mut search = Search { mlp, vdf, data, part: 1.0, best: None, missed: None, report: Report::default() };
    match (mlp.bound, start, mlp.width) {
        (_, Some(start), _) => search.try_width(start.width, Some(start))?,
        (_, None, Some(width)) => search.try_width(width, None)?,
        (None, None, None) => search.try_width(DEFAULT_WIDTH, None)?,
        (Some(bound), None, None) if bound.is_length_only() => search.try_length(bound.limit(Figure::Bytes))?,
        (Some(_), None, None) => search.try_widths()?,
    }
    let Search { best, missed, report, .. } = search;
    match (best, missed) {
        (Some((_, found)), _) => Ok((found, report)),
        (None, Some(missed)) => Err(missed),
        (None, None) => Err(Error::Degenerate { basis: "mlp", reason: "no network was tried".to_owned() }),
    }
}

/// A network of the given or the default width, trained to the end and not rounded.
pub(super) fn once(mlp: &Mlp, vdf: &Vdf) -> Result<(NetCoefficients, Trained)> {
    let (found, trained) = Data::new(mlp, vdf)?.train(mlp, mlp.width.unwrap_or(DEFAULT_WIDTH), 0.0, None)?;
    finished(trained.error)?;
    Ok((found, trained))
}

/// The points that networks are trained on, and their units.
pub(super) struct Data {
    pub(super) frame: Frame,
    pub(super) unit: f64,
    pub(super) span: u8,
    pub(super) pool: Pool,
    /// Change of the distribution, in its unit, that a relative error of 1 is.
    pub(super) norm: f64,
}

impl Data {
    pub(super) fn new(mlp: &Mlp, vdf: &Vdf) -> Result<Self> {
        /// Most octaves of a logarithm, within the range of single precision.
        const MOST_OCTAVES: f64 = 119.0;
        /// Floor of a logarithm, over the peak.
        const PART_OF_PEAK: f64 = 1e-6;
        let peak = vdf.peak();
        if peak == 0.0 {
            let reason = "the distribution is zero everywhere".to_owned();
            return Err(Error::Degenerate { basis: "mlp", reason });
        }
        let unit = power_of_two_below(peak);
        // The floor of the bound's errors where it limits such, else one that does not depend on the unit of densities.
        let floor = match mlp.bound.filter(|bound| bound.limits().any(|(figure, _)| figure.has_floor())) {
            Some(bound) => bound.floor_of(vdf),
            None => PART_OF_PEAK * unit,
        };
        let is_logarithm = mlp.architecture.target == Target::Logarithm;
        let span = if is_logarithm { (unit / floor).log2().ceil().clamp(1.0, MOST_OCTAVES) } else { 0.0 };
        let scaled: Vec<f32> = vdf.as_slice().iter().map(|f| (f / unit) as f32).collect();
        // Scaled once more, since a floor may lie below the range of the unit.
        let logarithm = |f: &f32| (1.0 + f64::from(*f).log2().max(-span) / span) as f32;
        let targets = if is_logarithm { scaled.iter().map(logarithm).collect() } else { scaled.clone() };
        let square = |values: &[f32]| values.iter().map(|f| f64::from(*f).powi(2)).sum::<f64>();
        let sum_of_squares = square(&targets).max(f64::MIN_POSITIVE);
        let norm = if is_logarithm {
            // A relative change of all densities, as a change of the distribution.
            square(&scaled).sqrt() * span * std::f64::consts::LN_2 * (sum_of_squares / targets.len() as f64).sqrt()
        } else {
            sum_of_squares.sqrt()
        };
        let frame = Frame::of(vdf);
        let [x, y, z] = frame.coordinates(vdf.grid());
        let point = |cell: usize| {
            let [i, j, k] = vdf.grid().index_of(cell);
            [x[i], y[j], z[k]]
        };
        let mut random = ChaCha8Rng::seed_from_u64(mlp.architecture.seed);
        let pool = Pool::new(point, &targets, &targets, sum_of_squares, &mut random);
        Ok(Self { frame, unit, span: span as u8, pool, norm })
    }

    /// A trained network of one width.
    fn train(
        &self,
        mlp: &Mlp,
        width: usize,
        goal: f64,
        start: Option<&NetCoefficients>,
    ) -> Result<(NetCoefficients, Trained)> {
        /// Points of a step of Adam.
        const BATCH: usize = 1024;
        let architecture = mlp.architecture;
        let (network, head) = (architecture.network(width, 0)?, architecture.head());
        let mut random = ChaCha8Rng::seed_from_u64(architecture.seed);
        // Another stream of numbers than that of the waves and the pool.
        random.set_stream(1);
        let count = network.len();
        let start = start.filter(|start| start.weights.values.len() == count);
        let weights = match start {
            Some(start) => start.weights.values.iter().map(|weight| *weight as f32).collect(),
            None => initial(&network, head, &mut random),
        };
        let refinements = refinements(mlp.refinements, count);
        let steps = steps(mlp.steps, count);
        let schedule = Schedule {
            steps: match start {
                None => steps,
                // Of a network that is not refined, a part of the steps.
                Some(_) if refinements == 0 => steps.div_ceil(4),
                Some(_) => 0,
            },
            batch: BATCH,
            rate: 0.01 * (500.0 / count as f32).sqrt().clamp(0.3, 1.0),
            refinements,
            goal,
        };
        let trained = fit(&network, head, weights, &self.pool, &schedule, &mut random)?;
        let pass = Pass::new(&network, head, &trained.weights, &[]);
        let values = crate::training::values(&network, head, &trained.weights, &[], &self.pool);
        let sample = self.pool.sample(&self.pool.sampler(Some(&values)), 3 * count.min(MOST_CURVED), &mut random);
        let joint = (count <= MOST_CURVED).then(|| Joint::new(&Curvature::of(&pass, &sample))).flatten();
        let sensitivities = match &joint {
            Some(joint) => joint.sensitivities(),
            None => pass.mean_squares(&sample).into_iter().map(f64::sqrt).collect(),
        };
        let sensitivities: Vec<f64> = sensitivities.into_iter().map(|s| s * self.norm).collect();
        let values = trained.weights.iter().map(|weight| f64::from(*weight)).collect();
        let found = NetCoefficients {
            architecture,
            frame: self.frame,
            unit: self.unit,
            span: self.span,
            width,
            weights: Weights::new(&network.tensors(), values, &sensitivities)?,
            joint: Found(joint.map(Arc::new)),
        };
        Ok((found, trained))
    }
}

/// Steps of Adam of a network: more of a large one.
pub(super) fn steps(steps: usize, weights: usize) -> usize {
    const MOST_TIMES: usize = 8;
    (steps + steps * weights / 500).min(MOST_TIMES * steps)
}

/// Steps of Levenberg and Marquardt of a network: fewer of a large one, each of which takes time in proportion to the cube of
/// its number of weights; none of one whose matrix would be too large.
fn refinements(most: usize, weights: usize) -> usize {
    /// Weights up to which all steps are taken: 0.1 s each.
    const SMALL: f64 = 700.0;
    const FEWEST: f64 = 10.0;
    if weights > MOST_CURVED {
        return 0;
    }
    let part = (SMALL / weights as f64).powi(2).min(1.0);
    most.min((most as f64 * part).max(FEWEST) as usize)
}

/// The largest power of two that is at most a positive number.
fn power_of_two_below(x: f64) -> f64 {
    const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
    if x.is_normal() {
        return f64::from_bits(x.to_bits() >> MANTISSA << MANTISSA);
    }
    f64::from_bits(1 << (63 - x.to_bits().leading_zeros()))
}

struct Search<'a> {
    mlp: &'a Mlp,
    vdf: &'a Vdf,
    data: Data,
    /// Part of the usual goal: below 1 where networks that reached it have missed the bound.
    part: f64,
    /// The best answer, with its cost: the length or, where that is limited alone, the error.
    best: Option<(f64, QuantizedCoefficients<Net>)>,
    missed: Option<Error>,
    report: Report,
}

impl Search<'_> {
    /// The relative error at which training stops.
    fn goal(&self) -> f64 {
        /// Errors l2 of networks that meet bounds of another kind are not known before; this one is small enough for
        /// most.
        const UNKNOWN: f64 = 0.01;
        let Some(bound) = self.mlp.bound else { return 0.0 };
        if bound.is_length_only() {
            return 0.0;
        }
        let l2 = bound.limit(Figure::L2).map(|limit| PART_FOR_TRAINING * limit);
        let linf = bound.limit(Figure::Linf).map(|limit| 0.3 * limit);
        let others = bound.limits().any(|(figure, _)| !matches!(figure, Figure::L2 | Figure::Linf | Figure::Bytes));
        self.part * [l2, linf, others.then_some(UNKNOWN)].into_iter().flatten().fold(f64::INFINITY, f64::min)
    }

    /// Trains a network of this width and rounds it.
    fn try_width(&mut self, width: usize, start: Option<&NetCoefficients>) -> Result<()> {
        let (found, trained) = self.data.train(self.mlp, width, self.goal(), start)?;
        // A bound on an error refuses a network that has diverged; a wider one may keep it.
        if self.mlp.bound.is_none_or(|bound| bound.is_length_only()) {
            finished(trained.error)?;
        }
        let weights = found.weights.values.len();
        let mut attempt = Attempt { width, weights, bytes: None, curve: trained.curve };
        let outcome = self.mlp.quantized()?.round(&found, self.vdf);
        match outcome {
            Ok(rounded) => {
                let (grid, mlp) = (*self.vdf.grid(), self.mlp.clone());
                let bytes = Expansion::from_parts(grid, mlp, rounded.clone()).to_bytes()?.len();
                attempt.bytes = Some(bytes);
                let cost = match self.mlp.bound {
                    Some(bound) if bound.is_length_only() => {
                        Fidelity::compare(self.vdf, &self.mlp.reconstruct(&rounded, &grid)?)?.l2
                    }
                    _ => bytes as f64,
                };
                if self.best.as_ref().is_none_or(|(best, _)| cost < *best) {
                    self.best = Some((cost, rounded));
                }
            }
            Err(missed @ Error::TargetNotMet { .. }) => {
                self.missed = Some(missed);
            }
            Err(other) => return Err(other),
        }
        self.report.attempts.push(attempt);
        Ok(())
    }

    /// Tries widths until one that keeps the bound is little larger than one that does not.
    fn try_widths(&mut self) -> Result<()> {
        const FIRST: usize = 8;
        const ATTEMPTS: usize = 7;
        /// Most weights of a network that is tried: a minute of training.
        const MOST_TRIED: usize = 5000;
        /// Ratio of two widths that are near enough.
        const NEAR: f64 = 1.2;
        /// Error over the goal from which on a wider network is better: 93% of the bound, which leaves a third to rounding.
        const ENOUGH: f64 = 0.93 / PART_FOR_TRAINING;
        let (mut missed, mut met) = (0, usize::MAX);
        let mut width = FIRST;
        for _ in 0..ATTEMPTS {
            match self.try_width(width, None) {
                Err(Error::Degenerate { .. } | Error::OutOfRange { .. }) if self.best.is_some() => break,
                outcome => outcome?,
            }
            let (error, keeps) =
                self.report.attempts.last().map_or((1.0, false), |last| (last.error(), last.bytes.is_some()));
            let has_reached = error <= ENOUGH * self.goal();
            if has_reached && !keeps {
                // The goal was too large for a bound that is not one of the error in training.
                self.part *= 0.5;
                continue;
            }
            // A network barely within the bound keeps it, but in finer steps than one of a few more weights.
            *(if has_reached { &mut met } else { &mut missed }) = width;
            width = self.next_width(missed, met, error);
            let network = self.mlp.architecture.network(width, 0);
            let is_small = network.is_ok_and(|network| network.len() <= MOST_TRIED);
            let near = met != usize::MAX && met as f64 <= NEAR * missed.max(1) as f64;
            if width <= missed || width >= met || near || !is_small {
                break;
            }
        }
        Ok(())
    }

    /// The width to try after networks that missed the bound and one that met it.
    fn next_width(&self, missed: usize, met: usize, error: f64) -> usize {
        if met == usize::MAX {
            // The error falls nearly in proportion to the number of weights, and so to the square of the width.
            let factor = (error / self.goal()).sqrt().clamp(1.3, 2.0);
            return (missed as f64 * factor).round() as usize;
        }
        match missed {
            0 => (0.7 * met as f64) as usize,
            _ => ((missed * met) as f64).sqrt().round() as usize,
        }
    }

    /// Tries the network with as many weights as a length holds, and one of fewer that are less rounded.
    fn try_length(&mut self, bytes: Option<f64>) -> Result<()> {
        /// Bits of a weight in small streams.
        const BITS: [f64; 2] = [5.0, 8.0];
        /// Bytes of a header.
        const HEADER: f64 = 40.0;
        let bytes = bytes.unwrap_or(0.0);
        let mut widths: Vec<usize> =
            BITS.map(|bits| self.widest(((bytes - HEADER).max(1.0) * 8.0 / bits) as usize)).into();
        widths.dedup();
        for width in widths {
            self.try_width(width, None)?;
        }
        Ok(())
    }

    /// The largest width with at most so many weights.
    fn widest(&self, weights: usize) -> usize {
        let fits = |width: usize| {
            let network = self.mlp.architecture.network(width, 0);
            network.is_ok_and(|network: Network| network.len() <= weights.min(MOST_CURVED))
        };
        (2..).take_while(|width| fits(*width)).last().unwrap_or(1)
    }
}
