//! What a stream must keep to: an error it may not exceed, or a length.

use std::fmt;

use crate::error::{Error, Result};
use crate::spec::{Options, SpecWriter};

/// A bound that an encoder meets by decoding its own stream, or says that it cannot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// ‖f−g‖ / ‖f‖ at most this.
    L2(f64),
    /// max|f−g| / max|f| at most this.
    Linf(f64),
    /// So many bytes at most: of the whole stream, grid, basis and checksum included, that the basis so bounded makes.
    Bytes(usize),
    /// Rounding may add so much to the error `l2` that the basis has anyway, as a part of it.
    Slack(f64),
}

impl Target {
    /// Refuses bounds that make no sense.
    pub(crate) fn validated(self) -> Result<Self> {
        let positive = |name, x: f64| {
            let allowed = "a positive finite number".to_owned();
            let refused = Error::InvalidParameter { name, value: x.to_string(), allowed };
            if x > 0.0 && x.is_finite() { Ok(self) } else { Err(refused) }
        };
        match self {
            Self::L2(x) => positive("l2", x),
            Self::Linf(x) => positive("linf", x),
            Self::Slack(x) => positive("slack", x),
            Self::Bytes(0) => positive("bytes", 0.0),
            Self::Bytes(_) => Ok(self),
        }
    }

    /// The target that a term's options name, by `l2`, `linf` or `bytes`.
    pub(crate) fn from_options(options: &mut Options<'_>) -> Result<Option<Self>> {
        Self::of(options, |_, _| true)
    }

    /// The same of what the basis has not asked for itself.
    pub(crate) fn from_unread(options: &mut Options<'_>) -> Result<Option<Self>> {
        Self::of(options, |options, key| !options.was_read(key))
    }

    fn of(options: &mut Options<'_>, wanted: impl Fn(&Options<'_>, &str) -> bool) -> Result<Option<Self>> {
        let l2 = if wanted(options, "l2") { options.number("l2")? } else { None };
        let linf = if wanted(options, "linf") { options.number("linf")? } else { None };
        let bytes = if wanted(options, "bytes") { options.number("bytes")? } else { None };
        match (l2, linf, bytes) {
            (None, None, None) => Ok(None),
            (Some(x), None, None) => Self::L2(x).validated().map(Some),
            (None, Some(x), None) => Self::Linf(x).validated().map(Some),
            (None, None, Some(n)) => Self::Bytes(n).validated().map(Some),
            _ => Err(options.refused("l2, linf and bytes", "as given", "only one of them")),
        }
    }

    pub(crate) fn write(self, spec: SpecWriter) -> SpecWriter {
        match self {
            Self::L2(x) => spec.option(true, "l2", x),
            Self::Linf(x) => spec.option(true, "linf", x),
            Self::Bytes(n) => spec.option(true, "bytes", n),
            Self::Slack(x) => spec.option(true, "slack", x),
        }
    }
}

/// A number without a row of zeros.
fn readable(x: f64) -> String {
    if (1e-3..1e4).contains(&x) { x.to_string() } else { format!("{x:e}") }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::L2(x) => write!(f, "l2 = {}", readable(*x)),
            Self::Linf(x) => write!(f, "linf = {}", readable(*x)),
            Self::Bytes(n) => write!(f, "{n} bytes"),
            Self::Slack(x) => write!(f, "slack = {}", readable(*x)),
        }
    }
}
