//! Limits on a stream: how large its error and how long it may be.

use std::fmt;

use super::choices::Choices;
use super::spec::Value;
use crate::error::{Error, Result};

/// A figure that a [`Bound`] limits.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Figure {
    /// ‖f−g‖ / ‖f‖.
    L2,
    /// max|f−g| / max|f|.
    Linf,
    /// Length of the whole stream, grid, basis and checksum included.
    Bytes,
}

impl Figure {
    /// All of them, in the order in which specs print them.
    pub const ALL: [Self; 3] = [Self::L2, Self::Linf, Self::Bytes];

    /// The key that limits this figure in a spec.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::Linf => "linf",
            Self::Bytes => "bytes",
        }
    }

    /// This figure with a value, as errors print it.
    pub(crate) fn say(self, value: f64) -> String {
        match self {
            Self::Bytes => format!("{value} bytes"),
            Self::L2 | Self::Linf => format!("{} = {}", self.key(), Value::Number(value)),
        }
    }
}

/// Limits on one or several [`Figure`]s. An encoder checks them all on what a reader of its stream gets, and returns
/// [`Error::TargetNotMet`] if it cannot meet them.
///
/// ```
/// use vdf_basis::{Bound, Figure};
/// let bound = Bound::l2(0.03).and(Figure::Linf, 0.05);
/// assert_eq!(bound.limit(Figure::Linf), Some(0.05));
/// assert_eq!(bound.to_string(), "l2 = 0.03, linf = 0.05");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bound {
    /// In the order of [`Figure::ALL`].
    limits: [Option<f64>; Figure::ALL.len()],
}

impl Bound {
    /// One limit.
    #[must_use]
    pub const fn new(figure: Figure, limit: f64) -> Self {
        let mut limits = [None; Figure::ALL.len()];
        limits[figure as usize] = Some(limit);
        Self { limits }
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

    /// This bound, if it makes sense.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a limit that is not positive and finite, and for a bound without any.
    pub fn validated(self) -> Result<Self> {
        if let Some((figure, limit)) = self.limits().find(|(_, limit)| !(*limit > 0.0 && limit.is_finite())) {
            return Err(Error::parameter(figure.key(), limit, "a positive finite number"));
        }
        if let Some(bytes) = self.limit(Figure::Bytes).filter(|bytes| bytes.fract() != 0.0) {
            return Err(Error::parameter(Figure::Bytes.key(), bytes, "a whole number"));
        }
        if self == Self::default() {
            return Err(Error::parameter("bound", "none", "at least one of l2, linf and bytes"));
        }
        Ok(self)
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

    /// Shows the limits to `choices`, except those whose keys the basis uses for options of its own.
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
        Ok(())
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
        for bound in
            [Bound::l2(0.0), Bound::linf(f64::NAN), Bound::bytes(0), Bound::new(Figure::Bytes, 9.5), Bound::default()]
        {
            assert!(bound.validated().is_err(), "{bound}");
        }
        assert_eq!(Bound::l2(0.1).only_l2(), Some(0.1));
        assert_eq!(Bound::l2(0.1).and(Figure::Bytes, 9.0).only_l2(), None);
        assert!(Bound::bytes(9).is_length_only() && !Bound::linf(0.1).is_length_only());
    }
}
