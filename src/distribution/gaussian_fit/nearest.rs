//! Nearest Gaussian: the best of several searches.

use super::least_squares::least_squares;
use super::logarithms::from_logarithms;
use super::moments::{gaussian_of, locating_moments};
use super::{Covariance, Gaussian, step_along};
use crate::distribution::frame::Frame;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::levenberg_marquardt::Report;

/// Minimum width of a start from moments, in cells: smaller widths from sums over the cells have no meaning.
const MIN_START_WIDTH: f64 = 0.2;

/// Gaussian with the smallest Σ (g − f)² over the cells. Searches start from the moments and, if the distribution
/// falls off within a cell of its largest value, from the logarithms of the values there; the result with the smaller
/// error is taken. The error is at most that of zero.
///
/// # Errors
/// [`Error::Degenerate`](crate::Error::Degenerate) in the name of `basis` if the distribution is zero everywhere, or
/// has no thermal width along an axis of several cells and no visible neighbours there.
pub(crate) fn nearest(basis: &'static str, vdf: &Vdf, covariance: Covariance) -> Result<(Gaussian, Report)> {
    let moments = locating_moments(basis, vdf)?;
    let summed = gaussian_of(basis, &moments, covariance, vdf.grid()).map(|start| resolved(start, vdf, covariance));
    let narrow = from_logarithms(vdf, covariance, summed.is_ok().then_some(&moments));
    let starts = summed.iter().copied().chain(narrow);
    let found = starts.map(|start| least_squares(vdf, covariance, &start)).filter(|(gaussian, report)| {
        // The peak is zero if a search has left the box.
        report.cost.is_finite() && gaussian.peak.is_normal()
    });
    match found.min_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost)) {
        Some(found) => Ok(found),
        None => Ok(least_squares(vdf, covariance, &at_the_peak(vdf, &summed?, covariance))),
    }
}

/// Widens a start to the minimum width.
fn resolved(mut start: Gaussian, vdf: &Vdf, covariance: Covariance) -> Gaussian {
    let spacing = vdf.grid().spacing();
    let shortest = spacing.into_iter().fold(f64::INFINITY, f64::min);
    let axes = start.frame.axes();
    for (scale, direction) in start.frame.scales.iter_mut().zip(axes) {
        let cell = if covariance == Covariance::Isotropic { shortest } else { step_along(vdf.grid(), direction) };
        *scale = scale.max(MIN_START_WIDTH * cell);
    }
    start
}

/// Start at the largest value, with given widths: it is never zero in all cells.
fn at_the_peak(vdf: &Vdf, widths: &Gaussian, covariance: Covariance) -> Gaussian {
    let (grid, largest) = (vdf.grid(), vdf.peak());
    let index = vdf.as_slice().iter().position(|f| f.abs() == largest).unwrap_or(0);
    let cell = grid.index_of(index);
    let centre = std::array::from_fn(|axis| grid.centre(axis, cell[axis]));
    let frame = Frame { centre, ..widths.frame };
    resolved(Gaussian { peak: vdf.as_slice()[index], frame }, vdf, covariance)
}
