//! Training: Adam on samples by importance, then Levenberg-Marquardt on all points.

mod adam;
mod backward;
mod curvature;
mod fit;
mod pool;

#[cfg(test)]
mod tests;

pub(crate) use adam::Adam;
pub use backward::Head;
pub(crate) use backward::Pass;
pub(crate) use curvature::{Curvature, Factor, MOST_CURVED};
pub(crate) use fit::checked;
pub use fit::{Progress, Schedule, Trained, error_of, fit, initial, values};
pub use pool::Pool;
pub(crate) use pool::Sampler;
