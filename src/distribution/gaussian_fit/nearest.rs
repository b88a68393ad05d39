//! The best of the searches for the nearest Gaussian.

use super::least_squares::least_squares;
use super::logarithms::from_logarithms;
use super::moments::{gaussian_of, locating_moments};
use super::{Covariance, Gaussian, step_along};
use crate::distribution::frame::Frame;
use crate::distribution::vdf::Vdf;
use crate::error::Result;
use crate::numerics::levenberg_marquardt::Report;

/// A start from moments is at least this wide, in cells: where sums over the cells say less, they say nothing.
const RESOLVED: f64 = 0.2;

/// The Gaussian with the smallest Σ (g − f)² over the cells: of the searches from the moments and, where the largest
/// value and its neighbours fall off within a cell, from their logarithms, the one that ended lower. No worse than
/// nothing at all.
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
        // A peak of zero is the answer "nothing": a search that ran out of the box.
        report.cost.is_finite() && gaussian.peak.is_normal()
    });
    match found.min_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost)) {
        Some(found) => Ok(found),
        None => Ok(least_squares(vdf, covariance, &at_the_peak(vdf, &summed?, covariance))),
    }
}

/// At least as wide as cells can tell.
fn resolved(mut start: Gaussian, vdf: &Vdf, covariance: Covariance) -> Gaussian {
    let spacing = vdf.grid().spacing();
    let shortest = spacing.into_iter().fold(f64::INFINITY, f64::min);
    let axes = start.frame.axes();
    for (scale, direction) in start.frame.scales.iter_mut().zip(axes) {
        let cell = if covariance == Covariance::Isotropic { shortest } else { step_along(vdf.grid(), direction) };
        *scale = scale.max(RESOLVED * cell);
    }
    start
}

/// A start that always sees a value: at the largest, with the widths of another.
fn at_the_peak(vdf: &Vdf, widths: &Gaussian, covariance: Covariance) -> Gaussian {
    let (grid, largest) = (vdf.grid(), vdf.peak());
    let index = vdf.as_slice().iter().position(|f| f.abs() == largest).unwrap_or(0);
    let cell = grid.index_of(index);
    let centre = std::array::from_fn(|axis| grid.centre(axis, cell[axis]));
    let frame = Frame { centre, ..widths.frame };
    resolved(Gaussian { peak: vdf.as_slice()[index], frame }, vdf, covariance)
}
