//! Limits on a stream: how large its error and how long it may be.

use std::fmt;

use super::choices::Choices;
use super::spec::Value;
use crate::distribution::fidelity::Fidelity;
use crate::distribution::vdf::Vdf;
use crate::error::{Error, Result};

/// A figure that a [`Bound`] limits. All but the length are fields of [`Fidelity`].
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Figure {
    /// ‖f−g‖ / ‖f‖.
    L2,
    /// max|f−g| / max|f|.
    Linf,
    /// Root mean square over all cells of log₁₀ max(f, floor) − log₁₀ max(g, floor) \[dex\].
    Dex,
    /// Largest |f−g| / f over the cells with f ≥ floor.
    Relative,
    /// |n_g − n_f| / n_f.
    Density,
    /// |u_g − u_f| / v_th of f.
    BulkVelocity,
    /// ‖P_g − P_f‖ / ‖P_f‖, Frobenius norms of the pressure tensors.
    Pressure,
    /// |q_g − q_f| / (n v_th³) of f.
    HeatFlux,
    /// Length of the whole stream, grid, basis and checksum included.
    Bytes,
}

/// The key of the floor of [`Figure::Dex`] and [`Figure::Relative`] in a spec.
pub(crate) const FLOOR: &str = "floor";

impl Figure {
    /// All of them, in the order in which specs print them.
    pub const ALL: [Self; 9] = [
        Self::L2,
        Self::Linf,
        Self::Dex,
        Self::Relative,
        Self::Density,
        Self::BulkVelocity,
        Self::Pressure,
        Self::HeatFlux,
        Self::Bytes,
    ];

    /// The key that limits this figure in a spec.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::Linf => "linf",
            Self::Dex => "dex",
            Self::Relative => "relative",
            Self::Density => "density",
            Self::BulkVelocity => "bulk_velocity",
            Self::Pressure => "pressure",
            Self::HeatFlux => "heat_flux",
            Self::Bytes => "bytes",
        }
    }

    /// True for the figures that count densities above a floor only.
    #[must_use]
    pub fn has_floor(self) -> bool {
        matches!(self, Self::Dex | Self::Relative)
    }

    /// True for the errors of moments: density, bulk velocity, pressure and heat flux.
    #[must_use]
    pub fn is_of_moments(self) -> bool {
        matches!(self, Self::Density | Self::BulkVelocity | Self::Pressure | Self::HeatFlux)
    }

    /// The value of this figure in a comparison above the floor of the bound; `None` for the length.
    #[must_use]
    pub fn of(self, fidelity: &Fidelity) -> Option<f64> {
        match self {
            Self::L2 => Some(fidelity.l2),
            Self::Linf => Some(fidelity.linf),
            Self::Dex => Some(fidelity.log10_rms),
            Self::Relative => Some(fidelity.relative),
            Self::Density => Some(fidelity.density),
            Self::BulkVelocity => Some(fidelity.bulk_velocity),
            Self::Pressure => Some(fidelity.pressure),
            Self::HeatFlux => Some(fidelity.heat_flux),
            Self::Bytes => None,
        }
    }

    /// This figure with a value, as errors print it.
    pub(crate) fn say(self, value: f64) -> String {
        match self {
            Self::Bytes => format!("{value} bytes"),
            _ => format!("{} = {}", self.key(), Value::Number(value)),
        }
    }
}

/// Limits on one or several [`Figure`]s. An encoder checks them all on what a reader of its stream gets, and returns
/// [`Error::TargetNotMet`] if it cannot meet them.
///
/// ```
/// use vdf_basis::{Bound, Figure};
/// let bound = Bound::l2(0.03).and(Figure::Dex, 0.1).above(1e-16);
/// assert_eq!(bound.limit(Figure::Dex), Some(0.1));
/// assert_eq!(bound.to_string(), "l2 = 0.03, dex = 0.1 above a floor of 1e-16");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bound {
    /// In the order of [`Figure::ALL`].
    limits: [Option<f64>; Figure::ALL.len()],
    /// The floor of those figures that have one, if it was given.
    floor: Option<f64>,
}

impl Bound {
    /// One limit.
    #[must_use]
    pub const fn new(figure: Figure, limit: f64) -> Self {
        let mut limits = [None; Figure::ALL.len()];
        limits[figure as usize] = Some(limit);
        Self { limits, floor: None }
    }

    /// ‖f−g‖ / ‖f‖ at most this.
    #[must_use]
    pub const fn l2(limit: f64) -> Self {
        Self::new(Figure::L2, limit)
    }

    /// max|f−g| / max|f| at most this.
    #[must_use]
    pub const fn linf(limit: f64) -> Self {
        Self::new(Figure::Linf, limit)
    }

    /// At most this many bytes of the whole stream.
    #[must_use]
    pub const fn bytes(limit: usize) -> Self {
        Self::new(Figure::Bytes, limit as f64)
    }

    /// This bound with this limit, which replaces a limit that the figure had.
    #[must_use]
    pub fn and(mut self, figure: Figure, limit: f64) -> Self {
        self.limits[figure as usize] = Some(limit);
        self
    }

    /// This bound without a limit of a figure.
    #[must_use]
    pub fn without(mut self, figure: Figure) -> Self {
        self.limits[figure as usize] = None;
        if !self.has_floor() {
            self.floor = None;
        }
        self
    }

    /// This bound with a floor [s³ m⁻⁶] for [`Figure::Dex`] and [`Figure::Relative`]: densities below it count as equal
    /// to it in the one, and do not count in the other. Without a floor, that of
    /// [`Fidelity::default_floor`] is taken.
    #[must_use]
    pub fn above(self, floor: f64) -> Self {
        Self { floor: Some(floor), ..self }
    }

    /// True if it limits a figure that counts densities above a floor only.
    pub(crate) fn has_floor(&self) -> bool {
        self.limits().any(|(figure, _)| figure.has_floor())
    }

    /// The floor, if one was given.
    #[must_use]
    pub fn floor(&self) -> Option<f64> {
        self.floor
    }

    /// The floor for one distribution: the one that was given, or the default of the distribution [s³ m⁻⁶].
    #[must_use]
    pub fn floor_of(&self, vdf: &Vdf) -> f64 {
        self.floor.unwrap_or_else(|| Fidelity::default_floor(vdf))
    }

    /// The limit of a figure, if there is one.
    #[must_use]
    pub fn limit(&self, figure: Figure) -> Option<f64> {
        self.limits[figure as usize]
    }

    /// The figures limited, with their limits.
    pub fn limits(&self) -> impl Iterator<Item = (Figure, f64)> + '_ {
        Figure::ALL.into_iter().filter_map(|figure| Some((figure, self.limit(figure)?)))
    }

    /// The limit of `l2`, if no other figure is limited.
    #[must_use]
    pub fn only_l2(&self) -> Option<f64> {
        if *self == Self::new(Figure::L2, self.limit(Figure::L2)?) { self.limit(Figure::L2) } else { None }
    }

    /// True if no error is limited, but only the length.
    #[must_use]
    pub fn is_length_only(&self) -> bool {
        self.limits().all(|(figure, _)| figure == Figure::Bytes)
    }

    /// This bound with a part of each error that it allows; a limit of the length stays.
    pub(crate) fn tightened(&self, part: f64) -> Self {
        self.limits()
            .filter(|(figure, _)| *figure != Figure::Bytes)
            .fold(*self, |bound, (figure, limit)| bound.and(figure, part * limit))
    }

    /// This bound, if it makes sense.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a limit or a floor that is not positive and finite, for a floor of no figure, and
    /// for a bound without limits.
    pub fn validated(self) -> Result<Self> {
        if let Some((figure, limit)) = self.limits().find(|(_, limit)| !(*limit > 0.0 && limit.is_finite())) {
            return Err(Error::parameter(figure.key(), limit, "a positive finite number"));
        }
        if let Some(bytes) = self.limit(Figure::Bytes).filter(|bytes| bytes.fract() != 0.0) {
            return Err(Error::parameter(Figure::Bytes.key(), bytes, "a whole number"));
        }
        if let Some(floor) = self.floor {
            if !(floor >= f64::MIN_POSITIVE && floor.is_finite()) {
                return Err(Error::parameter(FLOOR, floor, "a positive phase-space density"));
            }
            if !self.has_floor() {
                return Err(Error::parameter(FLOOR, floor, "only together with dex or relative"));
            }
        }
        if self == Self::default() {
            let keys = Figure::ALL.map(Figure::key).join(", ");
            return Err(Error::parameter("bound", "none", format!("at least one of {keys}")));
        }
        Ok(self)
    }

    /// The first figure that is beyond its limit, with the limit and its value, of those to which `value` gives one. A value
    /// that is no number is beyond every limit.
    #[must_use]
    pub fn first_beyond(&self, value: impl Fn(Figure) -> Option<f64>) -> Option<(Figure, f64, f64)> {
        self.limits().find_map(|(figure, limit)| {
            let value = value(figure)?;
            (value.is_nan() || value > limit).then_some((figure, limit, value))
        })
    }

    /// The largest ratio of a figure to its limit: above 1 exactly if a figure is beyond its limit.
    pub(crate) fn excess(&self, figure: impl Fn(Figure) -> f64) -> f64 {
        let ratio = |(of, limit): (Figure, f64)| {
            let value = figure(of);
            // The quotient of a value one digit above its limit may be rounded to 1.
            if value <= limit { (value / limit).min(1.0) } else { (value / limit).max(1.0 + f64::EPSILON) }
        };
        self.limits().map(ratio).fold(0.0, f64::max)
    }

    /// Shows the limits to `choices`, except those whose keys the basis uses for options of its own. A floor of the basis'
    /// own is that of the bound, too.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] for what is no number, and as [`Bound::validated`].
    pub fn choose(bound: &mut Option<Self>, choices: &mut Choices<'_>) -> Result<()> {
        let mut chosen = bound.unwrap_or_default();
        // An error that the basis takes for its own search is only aimed at, so it cannot be met together with others here.
        let own = Figure::ALL.into_iter().find(|figure| choices.has_shown_given(figure.key()));
        for figure in Figure::ALL.into_iter().filter(|figure| !choices.has_shown(figure.key())).collect::<Vec<_>>() {
            let limit = &mut chosen.limits[figure as usize];
            if figure == Figure::Bytes {
                let mut bytes = limit.map(|limit| limit as usize);
                choices.optional(figure.key(), &mut bytes)?;
                *limit = bytes.map(|bytes| bytes as f64);
            } else {
                choices.optional(figure.key(), limit)?;
            }
        }
        let is_own_floor = choices.has_shown_given(FLOOR);
        if !is_own_floor || chosen.has_floor() {
            choices.optional(FLOOR, &mut chosen.floor)?;
        }
        if let Some(own) = own.filter(|_| bound.is_none() && chosen != Self::default()) {
            let key = own.key();
            let allowed =
                format!("{key} is the basis' own here: write the other bounds outside, `quantized(…:{key}=…):…`");
            return Err(choices.refused(key, format!("with {chosen}"), &allowed));
        }
        *bound = if chosen == Self::default() { None } else { Some(chosen.validated()?) };
        Ok(())
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, (figure, limit)) in self.limits().enumerate() {
            write!(f, "{}{}", if k == 0 { "" } else { ", " }, figure.say(limit))?;
        }
        self.floor.map_or(Ok(()), |floor| write!(f, " above a floor of {}", Value::Number(floor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_one_digit_beyond_its_limit_is_beyond_it() {
        for limit in [1e-300, 0.03, 1.99, 1e300] {
            let bound = Bound::l2(limit).and(Figure::Linf, 0.5);
            let excess = |l2| bound.excess(|figure| if figure == Figure::L2 { l2 } else { 0.1 });
            assert!(excess(limit) <= 1.0 && excess(limit.next_up()) > 1.0, "{limit}");
        }
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused() {
        for bound in [
            Bound::l2(0.0),
            Bound::linf(f64::NAN),
            Bound::bytes(0),
            Bound::new(Figure::Bytes, 9.5),
            Bound::default(),
            Bound::l2(0.1).above(1e-15),
            Bound::new(Figure::Dex, 0.1).above(0.0),
            Bound::new(Figure::Relative, 0.1).above(f64::INFINITY),
        ] {
            assert!(bound.validated().is_err(), "{bound}");
        }
        assert_eq!(Bound::l2(0.1).only_l2(), Some(0.1));
        assert_eq!(Bound::l2(0.1).and(Figure::Bytes, 9.0).only_l2(), None);
        assert!(Bound::bytes(9).is_length_only() && !Bound::linf(0.1).is_length_only());
    }
}
