//! Bounds that an encoder keeps by itself: checked on the distribution that a reader of its stream gets.

use vdf_basis::{Bound, Error, Fidelity, Figure, Result, Vdf};

/// Refuses a bound of the length, which such an encoder cannot keep.
///
/// # Errors
/// [`Error::InvalidParameter`].
pub(crate) fn check(bound: &Bound) -> Result<()> {
    match bound.limit(Figure::Bytes) {
        None => Ok(()),
        Some(bytes) => {
            let allowed = "bounds of errors; `mlp` keeps a bound of the length".to_owned();
            Err(Error::InvalidParameter { name: "bytes", value: bytes.to_string(), allowed })
        }
    }
}

/// The first figure that is beyond its limit, with its value; `None` if the bound is kept.
///
/// # Errors
/// Those of [`Fidelity::compare_above`].
pub(crate) fn missed(bound: &Bound, vdf: &Vdf, back: &Vdf) -> Result<Option<String>> {
    let fidelity = Fidelity::compare_above(vdf, back, bound.floor_of(vdf))?;
    let beyond = bound.first_beyond(|figure| Some(figure.of(&fidelity).unwrap_or(f64::NAN)));
    Ok(beyond.map(|(figure, _, value)| format!("{} = {value:.3e}", figure.key())))
}
